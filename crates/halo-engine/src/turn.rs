//! Running a turn: attempts, waits and repairs until there is an answer or a question.

use halo_context::{CompactInput, ViewInput, continue_instruction, plan, respect, view};
use halo_recover::Repair;
use halo_types::{FactOrigin, Part, Record, StepBy, StepKind, Target, Turn, TurnId, TurnKind};
use uuid::Uuid;

use crate::compact::compact;
use crate::exchange::{Outcome, Outgoing, STREAM};
use crate::live::RunGuard;
use crate::model::Purpose;
use crate::settle::{End, Then, machine, new_step, settle, then};
use crate::sizes::correction;
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
    let mut machine = machine(engine, guard, turn).await;
    let mut refused = None;
    if let Some(end) = forestall(engine, guard, turn, &target).await? {
        return Ok(end);
    }
    loop {
        let outgoing = Outgoing { refused, ..request(engine, guard, turn, &target).await? };
        let sent = engine.send(guard, turn, &target, outgoing).await?;
        // A repair that changes nothing cures nothing: the card stands.
        let Some(sent) = sent else { return Ok(End::Asks) };
        let stopped = matches!(sent.outcome, Outcome::Stopped { .. });
        let Some(failure) = settle(engine, guard, turn, &target, sent).await? else {
            return Ok(if stopped { End::Stopped } else { End::Answered });
        };
        match then(engine, guard, turn, &target, &mut machine, &failure).await? {
            Then::Again => refused = None,
            Then::Repair(Repair::Compact) => {
                let end = compact_first(engine, guard, turn, &target).await?;
                if end != End::Answered {
                    return Ok(end);
                }
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

/// Takes the steps that the person allowed before a request leaves that is known to fail. What
/// the catalogue alone says is tried first. Returns an end where a compaction asks or was stopped.
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
    let window = facts.context_window.filter(|known| proven(known.origin));
    let Some(window) = window.filter(|_| policy.compact) else { return Ok(None) };
    let outgoing = request(engine, guard, turn, target).await?.request;
    let corrected = correction(&*guard.live().log.lock().await, target);
    let tokens = engine.sizing(target, corrected, |estimator| estimator.request(&outgoing));
    if tokens <= window.value {
        return Ok(None);
    }
    let can_compact = {
        let log = guard.live().log.lock().await;
        let input = CompactInput {
            branch: &log.branch(Some(turn.prompt)),
            steps: &log.active_steps(),
            target,
            protocol: engine.protocol_of(target),
            facts: &facts,
            system: log.meta.as_ref().and_then(|meta| meta.system.as_deref()),
            keep: None,
            useless_tries: 0,
        };
        engine.sizing(target, corrected, |estimator| plan(&input, estimator)).is_ok()
    };
    if !can_compact {
        return Ok(None);
    }
    let end = compact_first(engine, guard, turn, target).await?;
    Ok((end != End::Answered).then_some(end))
}

/// The step that carries out a repair.
fn step_kind(repair: Repair, target: &Target) -> StepKind {
    let target = target.clone();
    match repair {
        Repair::OmitImages => StepKind::OmitImages { target, before: None },
        Repair::DropParameter(name) => StepKind::DropParameter { target, name },
        Repair::LowerMaxTokens(max_tokens) => StepKind::LowerMaxTokens { target, max_tokens },
        Repair::RepairHistory | Repair::Compact => StepKind::RepairHistory,
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
    let log = guard.live().log.lock().await;
    let end = match turn.kind {
        TurnKind::Continue { answer } => answer,
        _ => turn.prompt,
    };
    let branch = log.branch(Some(end));
    let steps = log.active_steps();
    let meta = log.meta.as_ref();
    let facts = engine.model_facts(target);
    let mut view = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        target,
        protocol: engine.protocol_of(target),
        facts: &facts,
        system: meta.and_then(|meta| meta.system.as_deref()),
        parameters: meta.map(|meta| meta.parameters).unwrap_or_default(),
    });
    if matches!(turn.kind, TurnKind::Continue { .. }) {
        view.ask(continue_instruction());
    }
    // A stream that was refused in this conversation is not asked for again.
    if view.omit.iter().any(|name| name == STREAM) {
        view.request.stream = false;
    }
    respect(&mut view.request, &facts);
    Ok(Outgoing { request: view.request, steps: view.applied, omit: view.omit, refused: None })
}
