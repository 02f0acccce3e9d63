//! Compaction as a turn: by the model, and where that fails for good, by rule.

use halo_context::{CompactInput, CompactPlan, ViewInput, plan, respect, summary_by_rule, view};
use halo_types::{
    AttemptId, AttemptOutcome, Kind, Message, Parameters, Record, Step, StepBy, StepKind, Target,
    Turn, TurnKind,
};

use crate::exchange::{Outcome, Outgoing};
use crate::live::RunGuard;
use crate::settle::{End, Then, machine, new_step, settle, then};
use crate::sizes::correction;
use crate::{Engine, EngineError};

/// How often a summary that does not fit is tried with less.
const MAX_USELESS_TRIES: u32 = 3;

/// Summarises the older part of the conversation. The result is a step of the view; the log keeps
/// every message.
pub(crate) async fn compact(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    keep: Option<&str>,
    by: StepBy,
) -> Result<End, EngineError> {
    let mut machine = machine(engine, guard, turn).await;
    let mut useless_tries = earlier_tries(guard, turn).await;
    let mut refused = None;
    // After a new start, what overflowed before it is not sent again.
    for overflow in overflows(guard, turn).await {
        useless_tries += 1;
        refused = Some(overflow);
    }
    loop {
        let task = Task::plan(engine, guard, target, keep, useless_tries).await?;
        // A summary is a request too: what the model refuses is left out of it.
        let facts = engine.model_facts(target);
        let mut request = task.plan.request.clone();
        respect(&mut request, &facts);
        let steps = task.plan.applied.clone();
        let outgoing = Outgoing { request, steps, omit: facts.refused, refused };
        let sent = engine.send(guard, turn, target, outgoing).await?;
        let Some(sent) = sent else {
            // The same span again would overflow again: the rule needs no model.
            let step = task.step(engine, turn, refused, String::new(), target, by);
            let step = measured(engine, guard, target, step).await;
            guard.append(&[Record::Step(step)]).await?;
            return Ok(End::Answered);
        };
        let attempt = sent.attempt;
        let stopped = matches!(sent.outcome, Outcome::Stopped { .. });
        let written = match &sent.outcome {
            Outcome::Answered { answer } => answer.text(),
            _ => String::new(),
        };
        let failure = settle(engine, guard, turn, target, sent).await?;
        if stopped {
            return Ok(End::Stopped);
        }
        if let Some(failure) = &failure {
            let overflow = failure.diagnosis.kind == Kind::ContextLengthExceeded;
            if overflow && useless_tries < MAX_USELESS_TRIES {
                useless_tries += 1;
                refused = Some(attempt);
                continue;
            }
            // Waiting is worth it only for what passes; for the rest the rule is at hand.
            if failure.diagnosis.transient {
                match then(engine, guard, turn, target, &mut machine, failure).await? {
                    Then::Again => continue,
                    Then::End(End::Stopped) => return Ok(End::Stopped),
                    Then::Repair(_) | Then::End(_) => {}
                }
            }
        }
        let step = task.step(engine, turn, Some(attempt), written, target, by);
        let step = measured(engine, guard, target, step).await;
        guard.append(&[Record::Step(step)]).await?;
        return Ok(End::Answered);
    }
}

/// The attempts of a turn of an earlier process that overflowed.
async fn overflows(guard: &RunGuard, turn: &Turn) -> Vec<AttemptId> {
    if !guard.is_resumed() {
        return Vec::new();
    }
    let log = guard.live().log.lock().await;
    let attempts = log.turn(turn.id).map(|of| of.attempts.as_slice()).unwrap_or_default();
    let overflowed = attempts.iter().filter(|attempt| {
        let outcome = attempt.end.as_ref().map(|end| &end.outcome);
        matches!(outcome, Some(AttemptOutcome::Failed { diagnosis, .. })
            if diagnosis.kind == Kind::ContextLengthExceeded)
    });
    overflowed.map(|attempt| attempt.start.id).collect()
}

/// How often this prompt's older part was summarised before without it helping.
async fn earlier_tries(guard: &RunGuard, turn: &Turn) -> u32 {
    let log = guard.live().log.lock().await;
    let tries = log
        .active_steps()
        .iter()
        .filter_map(|step| log.attempt(step.cause?))
        .filter(|(of, _)| {
            matches!(of.turn.kind, TurnKind::Compact { .. })
                && of.turn.prompt == turn.prompt
                && of.turn.id != turn.id
        })
        .count();
    u32::try_from(tries).unwrap_or(u32::MAX)
}

/// What is summarised, and how.
struct Task {
    plan: CompactPlan,
    /// The messages the summary stands for.
    span: Vec<Message>,
    /// The summary that stood for the oldest of them until now.
    earlier: Option<String>,
    window: Option<u64>,
}

impl Task {
    async fn plan(
        engine: &Engine,
        guard: &RunGuard,
        target: &Target,
        keep: Option<&str>,
        useless_tries: u32,
    ) -> Result<Self, EngineError> {
        let facts = engine.model_facts(target);
        let log = guard.live().log.lock().await;
        let mut branch = log.branch(log.head);
        let steps = log.active_steps();
        let input = CompactInput {
            branch: &branch,
            steps: &steps,
            target,
            protocol: engine.protocol_of(target),
            facts: &facts,
            system: log.meta.as_ref().and_then(|meta| meta.system.as_deref()),
            keep,
            useless_tries,
        };
        let plan =
            engine.sizing(target, correction(&log, target), |estimator| plan(&input, estimator))?;
        let earlier = steps.iter().rev().find_map(|step| match &step.kind {
            StepKind::Summarise { summary, .. } => Some(summary.clone()),
            _ => None,
        });
        let end = branch.iter().position(|m| m.id == plan.first_kept).unwrap_or(branch.len());
        branch.truncate(end);
        Ok(Self { plan, span: branch, earlier, window: facts.window() })
    }
}

impl Task {
    /// The step that puts a summary in place of the span: what the model wrote, or by rule where
    /// it wrote nothing.
    fn step(
        &self,
        engine: &Engine,
        turn: &Turn,
        cause: Option<AttemptId>,
        written: String,
        author: &Target,
        by: StepBy,
    ) -> Step {
        let (summary, author) = if written.trim().is_empty() {
            (summary_by_rule(&self.span, self.earlier.as_deref(), self.window), None)
        } else {
            (written, Some(author.clone()))
        };
        let kind = StepKind::Summarise {
            first_kept: self.plan.first_kept,
            summary,
            by: author,
            tokens_before: self.plan.tokens_before,
            tokens_after: self.plan.tokens_after,
        };
        new_step(engine, turn, kind, cause, by)
    }
}

/// The step with the size that the next request really has.
async fn measured(engine: &Engine, guard: &RunGuard, target: &Target, mut step: Step) -> Step {
    let log = guard.live().log.lock().await;
    let branch = log.branch(log.head);
    let mut steps = log.active_steps();
    steps.push(step.clone());
    let next = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        target,
        protocol: engine.protocol_of(target),
        facts: &engine.model_facts(target),
        system: log.meta.as_ref().and_then(|meta| meta.system.as_deref()),
        parameters: Parameters::default(),
    });
    let correction = correction(&log, target);
    let after = engine.sizing(target, correction, |estimator| estimator.request(&next.request));
    if let StepKind::Summarise { tokens_after, .. } = &mut step.kind {
        *tokens_after = after;
    }
    step
}
