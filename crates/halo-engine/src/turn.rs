//! Running a turn: attempts, waits and repairs until there is an answer or a question.

use halo_context::{ModelFacts, View, ViewInput, continue_instruction, respect, view};
use halo_recover::Repair;
use halo_types::{
    FactOrigin, Parameters, Part, Record, StepBy, StepKind, Target, Turn, TurnId, TurnKind,
};
use uuid::Uuid;

use crate::compact::{compact, possible, worthwhile};
use crate::exchange::{Outcome, Outgoing, STREAM};
use crate::ladder::Course;
use crate::live::RunGuard;
use crate::log::Log;
use crate::model::{Purpose, Update};
use crate::settle::{End, Then, machine, new_step, settle, then_from};
use crate::turn_state::TurnState;
use crate::view::purpose;
use crate::{Engine, EngineError, waits};

/// Runs a turn to its end, in its own task.
pub(crate) async fn run(engine: Engine, guard: RunGuard, turn: Turn, target: Target) {
    let outcome = match &turn.kind {
        TurnKind::Compact { keep, then } => {
            let end = compact(&engine, &guard, &turn, &target, keep.as_deref(), StepBy::Person);
            match (end.await, then) {
                (Ok(End::Answered), Some(then)) => go_on(&engine, &guard, *then, target).await,
                (end, _) => end,
            }
        }
        TurnKind::Reply | TurnKind::Continue { .. } => answer(&engine, &guard, &turn, target).await,
    };
    if let Err(error) = outcome {
        // What the log holds by now is what the person sees; the turn can be sent again.
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, turn = %turn.id, "a turn ended early");
    }
    if !engine.closing().is_cancelled() {
        leave_outbox(&engine, &guard, &turn).await;
    }
}

/// A turn that ended without having been sent is not sent at the next start either: it was stopped,
/// or it cannot be sent. Its prompt offers *Resend*.
async fn leave_outbox(engine: &Engine, guard: &RunGuard, turn: &Turn) {
    let open: Vec<Record> = {
        let log = guard.live().log.lock().await;
        // None of them can run while this one has the right to. Among them are those that it had
        // begun to compact for.
        log.turns
            .iter()
            .filter(|of| TurnState::in_log(&log, of).is_open())
            .map(|of| waits::end(engine, &of.turn))
            .collect()
    };
    if !open.is_empty()
        && let Err(error) = guard.append(&open).await
    {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, turn = %turn.id, "a turn was left in the outbox");
    }
}

/// Goes on with the turn that waited for a compaction.
async fn go_on(
    engine: &Engine,
    guard: &RunGuard,
    id: TurnId,
    target: Target,
) -> Result<End, EngineError> {
    let turn = {
        let log = guard.live().log.lock().await;
        log.turn(id).map(|turn| turn.turn.clone()).ok_or(EngineError::NotFound("turn"))?
    };
    guard.turn_is(id, purpose(&turn.kind), &target);
    answer(engine, guard, &turn, target).await
}

/// Attempts until the prompt is answered.
async fn answer(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: Target,
) -> Result<End, EngineError> {
    let mut course = Course::begin(engine, guard, turn, target).await?;
    let mut machine = machine(engine, guard, turn).await.at(course.place());
    let mut refused = None;
    // The model that is asked, before anything was sent to it.
    let mut new_here = true;
    loop {
        let target = course.here().target.clone();
        if new_here && let Some(end) = forestall(engine, guard, turn, &target).await? {
            return Ok(end);
        }
        new_here = false;
        let outgoing = Outgoing { refused, ..request(engine, guard, turn, &target).await? };
        let instead = course.instead(engine);
        let sent = engine.send_to(guard, turn, course.here(), instead, outgoing).await?;
        // A repair that changes nothing cures nothing: the card stands.
        let Some(sent) = sent else { return Ok(End::Asks) };
        let stopped = matches!(sent.outcome, Outcome::Stopped { .. });
        let Some(failure) = settle(engine, guard, turn, &target, sent).await? else {
            return Ok(if stopped { End::Stopped } else { End::Answered });
        };
        let outlook = course.outlook(engine, guard, turn, failure.diagnosis.kind).await;
        match then_from(engine, guard, turn, &target, &mut machine, &failure, Some(outlook)).await?
        {
            Then::Again => refused = None,
            Then::Elsewhere(way) => {
                course.go(engine, way.place, &failure.diagnosis);
                let there = &course.here().target;
                new_here = *there != target;
                guard.turn_is(turn.id, purpose(&turn.kind), there);
                engine.tell(Update::Changed(turn.conversation));
                refused = None;
            }
            Then::Repair(Repair::Compact) => {
                let end = compact_first(engine, guard, turn, &target).await?;
                if end != End::Answered {
                    return Ok(end);
                }
                refused = Some(failure.attempt);
            }
            Then::Repair(Repair::ShrinkImages) => {
                let (branch, steps) = {
                    let log = guard.live().log.lock().await;
                    (log.branch(Some(turn.prompt)), log.active_steps())
                };
                let kind = engine.next_smaller(&branch, &steps, target.clone()).await?;
                let Some(kind) = kind else { return Ok(End::Asks) };
                let step = new_step(engine, turn, kind, Some(failure.attempt), StepBy::Auto);
                guard.append(&[Record::Step(step)]).await?;
                refused = Some(failure.attempt);
            }
            Then::Repair(repair) => {
                let kind = step_kind(repair, &target);
                let step = new_step(engine, turn, kind, Some(failure.attempt), StepBy::Auto);
                guard.append(&[Record::Step(step)]).await?;
                refused = Some(failure.attempt);
            }
            Then::End(end) => return Ok(end),
        }
    }
}

/// Compacts the conversation in a turn of its own, before the turn goes on.
async fn compact_first(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
) -> Result<End, EngineError> {
    // The card of the failure says what else can be done.
    if !possible(engine, guard, turn, target).await {
        return Ok(End::Asks);
    }
    let compaction = Turn {
        id: TurnId::new(Uuid::now_v7()),
        kind: TurnKind::Compact { keep: None, then: Some(turn.id) },
        target: target.clone(),
        at: engine.now(),
        ..turn.clone()
    };
    guard.append(&[Record::Turn(compaction.clone())]).await?;
    guard.turn_is(compaction.id, Purpose::Compact, target);
    let end = compact(engine, guard, &compaction, target, None, StepBy::Auto).await?;
    if end == End::Answered {
        guard.turn_is(turn.id, purpose(&turn.kind), target);
    }
    Ok(end)
}

/// Takes the steps that the person allowed before a request leaves that is known to fail, or that
/// reaches the share of the window at which to compact. That a model is blind is tried first where
/// the catalogue alone says so. Returns an end where a compaction asks or was stopped.
async fn forestall(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
) -> Result<Option<End>, EngineError> {
    let policy = engine.policy();
    let facts = engine.model_facts(target);
    let proven = |origin: FactOrigin| origin > FactOrigin::Catalogue;
    let blind = facts.vision.is_some_and(|known| !known.value && proven(known.origin));
    if policy.omit_images && blind {
        let outgoing = request(engine, guard, turn, target).await?.request;
        let mut parts = outgoing.messages.iter().flat_map(|message| &message.parts);
        let images = parts.any(|part| matches!(part, Part::Image(_)));
        // A step that was taken back says that the person wants it tried.
        let known = {
            let log = guard.live().log.lock().await;
            let all = StepKind::OmitImages { target: target.clone(), before: None };
            log.steps.iter().any(|entry| entry.step.kind == all)
        };
        if images && !known {
            let kind = StepKind::OmitImages { target: target.clone(), before: None };
            let step = new_step(engine, turn, kind, None, StepBy::Auto);
            guard.append(&[Record::Step(step)]).await?;
        }
    }
    if policy.shrink_images {
        shrink_known(engine, guard, turn, target).await?;
    }
    if !policy.compact {
        return Ok(None);
    }
    let outgoing = request(engine, guard, turn, target).await?.request;
    if !worthwhile(engine, guard, turn, target, &outgoing).await {
        return Ok(None);
    }
    let end = compact_first(engine, guard, turn, target).await?;
    Ok((end != End::Answered).then_some(end))
}

/// Sends the pictures smaller that the model is known to refuse as they are.
async fn shrink_known(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
) -> Result<(), EngineError> {
    let outgoing = request(engine, guard, turn, target).await?.request;
    let parts = outgoing.messages.iter().flat_map(|message| &message.parts);
    let pictures = parts.filter_map(|part| match part {
        Part::Image(image) => Some(image),
        _ => None,
    });
    if engine.picture_limits(target).faults(pictures).large == 0 {
        return Ok(());
    }
    let branch = {
        let log = guard.live().log.lock().await;
        // Steps in force did what they could; one that was taken back says that the person wants
        // the pictures tried as they are.
        let known = log.steps.iter().any(
            |entry| matches!(&entry.step.kind, StepKind::ShrinkImages { target: of, .. } if of == target),
        );
        if known {
            return Ok(());
        }
        log.branch(Some(turn.prompt))
    };
    let kind = engine.fitting(&branch, target.clone()).await?;
    guard.append(&[Record::Step(new_step(engine, turn, kind, None, StepBy::Auto))]).await
}

/// The step that carries out a repair.
fn step_kind(repair: Repair, target: &Target) -> StepKind {
    let target = target.clone();
    match repair {
        Repair::OmitImages => StepKind::OmitImages { target, before: None },
        Repair::DropParameter(name) => StepKind::DropParameter { target, name },
        Repair::LowerMaxTokens(max_tokens) => StepKind::LowerMaxTokens { target, max_tokens },
        Repair::RepairHistory | Repair::Compact | Repair::ShrinkImages => StepKind::RepairHistory,
    }
}

/// The request of a turn: the view of its branch for the target.
async fn request(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
) -> Result<Outgoing, EngineError> {
    engine.shrink_newer(guard, turn, target).await?;
    let facts = engine.model_facts(target);
    let log = guard.live().log.lock().await;
    let View { request, applied, omit, .. } = view_of(engine, &log, turn, target, &facts);
    Ok(Outgoing { request, steps: applied, omit, refused: None })
}

/// What a turn would send to a model.
pub(crate) fn view_of(
    engine: &Engine,
    log: &Log,
    turn: &Turn,
    target: &Target,
    facts: &ModelFacts,
) -> View {
    let end = match turn.kind {
        TurnKind::Continue { answer } => answer,
        _ => turn.prompt,
    };
    let branch = log.branch(Some(end));
    let steps = log.active_steps();
    let meta = log.meta.as_ref();
    let usual = Parameters::default();
    let mut view = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &log.pinned,
        target,
        protocol: engine.protocol_of(target),
        facts,
        system: meta.and_then(|meta| meta.system.as_deref()),
        parameters: meta.map_or(&usual, |meta| &meta.parameters),
    });
    if matches!(turn.kind, TurnKind::Continue { .. }) {
        view.ask(continue_instruction());
    }
    // A stream that was refused in this conversation is not asked for again.
    if view.omit.iter().any(|name| name == STREAM) {
        view.request.stream = false;
    }
    respect(&mut view.request, facts);
    view
}
