//! Running a turn: attempts, waits and repairs until there is an answer or a question.

use halo_context::{ViewInput, continue_instruction, view};
use halo_recover::{Machine, Repair};
use halo_types::{Record, StepBy, StepKind, Target, Turn, TurnId, TurnKind};
use uuid::Uuid;

use crate::compact::compact;
use crate::exchange::{Outcome, Outgoing};
use crate::live::RunGuard;
use crate::model::Purpose;
use crate::settle::{End, Then, new_step, seed, settle, then};
use crate::view::purpose;
use crate::{Engine, EngineError, now};

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
    let mut machine = Machine::new(engine.policy(), seed(turn.id));
    let mut refused = None;
    loop {
        let outgoing = Outgoing { refused, ..request(engine, guard, turn, &target).await? };
        let sent = engine.send(guard, turn, &target, outgoing).await?;
        // A repair that changes nothing cures nothing: the card stands.
        let Some(sent) = sent else { return Ok(End::Asks) };
        let stopped = matches!(sent.outcome, Outcome::Stopped { .. });
        let Some(failure) = settle(engine, guard, turn, &target, sent).await? else {
            return Ok(if stopped { End::Stopped } else { End::Answered });
        };
        match then(engine, guard, turn, &mut machine, &failure).await? {
            Then::Again => refused = None,
            Then::Repair(Repair::Compact) => {
                let compaction = Turn {
                    id: TurnId::new(Uuid::now_v7()),
                    kind: TurnKind::Compact { keep: None, then: Some(turn.id) },
                    target: target.clone(),
                    at: now(),
                    ..turn.clone()
                };
                guard.append(&[Record::Turn(compaction.clone())]).await?;
                guard.turn_is(compaction.id, Purpose::Compact, &target);
                let end = compact(engine, guard, &compaction, &target, None, StepBy::Auto).await?;
                if end != End::Answered {
                    return Ok(end);
                }
                guard.turn_is(turn.id, purpose(&turn.kind), &target);
                refused = Some(failure.attempt);
            }
            Then::Repair(repair) => {
                let kind = step_kind(repair, &target);
                let step = new_step(turn, kind, Some(failure.attempt), StepBy::Auto);
                guard.append(&[Record::Step(step)]).await?;
                refused = Some(failure.attempt);
            }
            Then::End(end) => return Ok(end),
        }
    }
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
    Ok(Outgoing { request: view.request, steps: view.applied, omit: view.omit, refused: None })
}
