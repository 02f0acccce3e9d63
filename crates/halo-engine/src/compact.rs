//! Compaction as a turn: the requests that the machine of `halo-context` wants, sent and recorded
//! like any other, and the step that its summary becomes.

use halo_context::{
    CompactError, CompactInput, CompactPlan, Compaction, Estimator, Fault, ModelFacts, Next,
    Summary, ViewInput, Writer, plan, respect, view,
};
use halo_recover::Machine;
use halo_types::{
    AttemptId, AttemptOutcome, ChatRequest, Kind, Message, MessageId, Parameters, Record, Role,
    Step, StepBy, StepId, StepKind, Target, Turn, TurnKind,
};

use crate::exchange::{Outcome, Outgoing, STREAM};
use crate::live::RunGuard;
use crate::log::Log;
use crate::settle::{End, Then, machine, new_step, seed, settle, then};
use crate::sizes::correction;
use crate::{Engine, EngineError};

/// How often a request is changed by what its refusal taught about the writer.
const MAX_LESSONS: u32 = 4;
/// How many other models may be asked for a summary.
const MAX_OTHERS: usize = 2;
/// A compaction runs by itself only where it takes off at least this share, in percent.
const WORTH_PERCENT: u64 = 10;

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
    let mut task = Task::plan(engine, guard, turn, target, keep).await?;
    let mut retries = machine(engine, guard, turn).await;
    let (mut cause, mut lessons) = (None, 0);
    // After a new start, what overflowed before it is not sent again.
    let mut refused = overflows(guard, turn).await.pop();
    let mut too_long = refused.is_some();
    let mut asked = target.clone();
    loop {
        let (writer, request) = match task.next(engine, guard, target).await {
            Asked::Send(writer, request) => (writer, request),
            Asked::Done(summary) => {
                let step = task.step(engine, turn, cause, summary, by);
                let step = measured(engine, guard, target, step).await;
                guard.append(&[Record::Step(step)]).await?;
                return Ok(End::Answered);
            }
        };
        if asked != writer {
            // Its waits and its lessons are its own.
            retries = Machine::new(engine.policy(), seed(turn.id));
            (refused, too_long, lessons) = (None, false, 0);
            asked = writer.clone();
        }
        let outgoing = task.outgoing(engine, target, &writer, *request, refused);
        let sent = match engine.send(guard, turn, &writer, outgoing).await {
            Ok(Some(sent)) => sent,
            // Halo ends; the next start goes on.
            Ok(None) if engine.closing().is_cancelled() => return Ok(End::Stopped),
            Ok(None) if too_long => {
                task.machine.failed(Fault::TooLong { window: None });
                continue;
            }
            // What was refused is not repeated, and a provider that is gone is not asked.
            Ok(None) | Err(EngineError::NoProvider(_)) => {
                task.machine.failed(Fault::Model);
                continue;
            }
            Err(error) => return Err(error),
        };
        let attempt = sent.attempt;
        cause = Some(attempt);
        let stopped = matches!(sent.outcome, Outcome::Stopped { .. });
        let written = match &sent.outcome {
            Outcome::Answered { answer } => answer.text(),
            _ => String::new(),
        };
        let failure = settle(engine, guard, turn, &writer, sent).await?;
        if stopped {
            return Ok(End::Stopped);
        }
        let Some(failure) = failure else {
            refused = None;
            task.answered(engine, guard, &writer, &written).await;
            continue;
        };
        let kind = failure.diagnosis.kind;
        if matches!(kind, Kind::ContextLengthExceeded | Kind::RequestTooLarge) {
            (refused, too_long) = (Some(attempt), true);
            let window = engine.model_facts(&writer).window();
            task.machine.failed(Fault::TooLong { window });
        } else if failure.diagnosis.transient {
            match then(engine, guard, turn, &writer, &mut retries, &failure).await? {
                Then::Again => refused = None,
                Then::End(End::Stopped) => return Ok(End::Stopped),
                // Another rung is at hand, so nobody is asked.
                Then::Repair(_) | Then::Elsewhere(_) | Then::End(_) => {
                    task.machine.failed(fault(kind));
                }
            }
        } else if !failure.lessons.is_empty() && lessons < MAX_LESSONS {
            // What it taught is left out of the next one.
            (refused, too_long) = (Some(attempt), false);
            lessons += 1;
        } else {
            task.machine.failed(fault(kind));
        }
    }
}

/// Whether another model of the same provider may help.
fn fault(kind: Kind) -> Fault {
    match kind {
        Kind::QuotaExhausted
        | Kind::InvalidApiKey
        | Kind::RegionUnsupported
        | Kind::AccountDisabled
        | Kind::EndpointNotFound
        | Kind::Network => Fault::Provider,
        _ => Fault::Model,
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

/// The models that may write a summary where the conversation's own cannot: of the same provider,
/// so that nobody new sees the words, with a known window that is no smaller; the nearest first.
/// Then those that the person allows to stand in.
pub(crate) fn other_models(engine: &Engine, target: &Target) -> Vec<Target> {
    let own = engine.model_facts(target).window().unwrap_or(0);
    let mut others: Vec<(u64, Target)> = engine
        .targets()
        .into_iter()
        .filter(|info| info.target.provider == target.provider && info.target != *target)
        .filter_map(|info| Some((info.window.filter(|window| *window >= own)?, info.target)))
        .collect();
    others.sort_by_key(|(window, _)| *window);
    let near: Vec<Target> = others.into_iter().map(|(_, of)| of).take(MAX_OTHERS).collect();
    let known = |of: &Target| near.contains(of);
    let allowed = engine.stand_ins(target).into_iter().filter(|of| !known(of)).take(MAX_OTHERS);
    near.iter().cloned().chain(allowed).collect()
}

/// Does something with what a compaction of this branch is planned from.
pub(crate) fn planning<T>(
    engine: &Engine,
    log: &Log,
    branch: &[Message],
    target: &Target,
    facts: &ModelFacts,
    work: impl FnOnce(&CompactInput<'_>, &mut Estimator<'_>) -> T,
) -> T {
    let prompt = branch.iter().rfind(|message| message.role == Role::User);
    let input = CompactInput {
        branch,
        steps: &log.active_steps(),
        pinned: &log.pinned,
        target,
        protocol: engine.protocol_of(target),
        facts,
        system: log.meta.as_ref().and_then(|meta| meta.system.as_deref()),
        at_percent: engine.config().settings().recovery.compact_at_percent,
        useless_tries: prompt.map_or(0, |prompt| useless_tries(log, prompt.id, target)),
    };
    engine.sizing(target, correction(log, target), |estimator| work(&input, estimator))
}

/// Plans the compaction of a branch.
pub(crate) fn planned(
    engine: &Engine,
    log: &Log,
    branch: &[Message],
    target: &Target,
    facts: &ModelFacts,
) -> Result<CompactPlan, CompactError> {
    planning(engine, log, branch, target, facts, plan)
}

/// How many summaries stood in a request for this prompt that was too long all the same.
fn useless_tries(log: &Log, prompt: MessageId, target: &Target) -> u32 {
    let too_long = |end: &AttemptOutcome| {
        matches!(end, AttemptOutcome::Failed { diagnosis, .. }
            if diagnosis.kind == Kind::ContextLengthExceeded)
    };
    let overflowed: Vec<&[StepId]> = log
        .turns
        .iter()
        .filter(|of| of.turn.prompt == prompt && !matches!(of.turn.kind, TurnKind::Compact { .. }))
        .flat_map(|of| &of.attempts)
        .filter(|attempt| attempt.start.target == *target)
        .filter(|attempt| attempt.end.as_ref().is_some_and(|end| too_long(&end.outcome)))
        .map(|attempt| attempt.start.steps.as_slice())
        .collect();
    let tries = log.steps.iter().filter(|entry| {
        !entry.undone
            && matches!(entry.step.kind, StepKind::Summarise { .. })
            && overflowed.iter().any(|steps| steps.contains(&entry.step.id))
    });
    u32::try_from(tries.count()).unwrap_or(u32::MAX)
}

/// From how many tokens on a conversation with this model is compacted.
pub(crate) fn threshold(engine: &Engine, window: u64) -> u64 {
    let percent = u64::from(engine.config().settings().recovery.compact_at_percent);
    window.saturating_mul(percent) / 100
}

/// Whether the conversation is worth compacting before this request leaves: it reaches the share
/// of the window that the person set, something substantial is gained, and it was not compacted
/// for this prompt before.
pub(crate) async fn worthwhile(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    request: &ChatRequest,
) -> bool {
    let facts = engine.model_facts(target);
    let Some(window) = facts.window() else { return false };
    let log = guard.live().log.lock().await;
    let correction = correction(&log, target);
    let tokens = engine.sizing(target, correction, |estimator| estimator.request(request));
    let before = log.turns.iter().any(|of| {
        of.turn.prompt == turn.prompt && matches!(of.turn.kind, TurnKind::Compact { .. })
    });
    if before || tokens < threshold(engine, window) {
        return false;
    }
    let plan = planned(engine, &log, &log.branch(Some(turn.prompt)), target, &facts);
    plan.is_ok_and(|plan| plan.tokens_after <= plan.tokens_before / 100 * (100 - WORTH_PERCENT))
}

/// Whether there is anything to compact before this turn.
pub(crate) async fn possible(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
) -> bool {
    let log = guard.live().log.lock().await;
    let facts = engine.model_facts(target);
    planned(engine, &log, &log.branch(Some(turn.prompt)), target, &facts).is_ok()
}

/// What is summarised, and how far it has come.
struct Task {
    plan: CompactPlan,
    machine: Compaction,
}

/// What the machine wants.
enum Asked {
    Send(Target, Box<ChatRequest>),
    Done(Summary),
}

impl Task {
    async fn plan(
        engine: &Engine,
        guard: &RunGuard,
        turn: &Turn,
        target: &Target,
        keep: Option<&str>,
    ) -> Result<Self, EngineError> {
        let facts = engine.model_facts(target);
        let log = guard.live().log.lock().await;
        // Another alternative may be shown by now; the turn is about its own.
        let end = log.end_of_branch(turn.prompt);
        let shown =
            log.head.filter(|head| log.branch(Some(*head)).iter().any(|m| m.id == turn.prompt));
        let branch = log.branch(shown.or(Some(end)));
        let others = other_models(engine, target).into_iter().map(|target| {
            let window = engine.model_facts(&target).window();
            Writer { target, window }
        });
        let others = others.collect();
        let earlier = log.steps.iter().rev().filter(|entry| !entry.undone).find_map(|entry| {
            match &entry.step.kind {
                StepKind::Summarise { summary, .. } => Some(summary.as_str()),
                _ => None,
            }
        });
        let planned = planning(engine, &log, &branch, target, &facts, |input, estimator| {
            let plan = plan(input, estimator)?;
            let machine = Compaction::new(input, &plan, keep, earlier, others);
            Ok::<_, CompactError>(Self { plan, machine })
        });
        Ok(planned?)
    }

    /// Asks the machine, with the estimator of the model that it would ask.
    async fn next(&mut self, engine: &Engine, guard: &RunGuard, target: &Target) -> Asked {
        loop {
            let writer = self.machine.writer().unwrap_or(target).clone();
            let correction = correction(&*guard.live().log.lock().await, &writer);
            match engine.sizing(&writer, correction, |estimator| self.machine.next(estimator)) {
                Next::Ask(request) => return Asked::Send(writer, request),
                Next::Done(summary) => return Asked::Done(summary),
                Next::OtherWriter => {}
            }
        }
    }

    async fn answered(&mut self, engine: &Engine, guard: &RunGuard, writer: &Target, text: &str) {
        let correction = correction(&*guard.live().log.lock().await, writer);
        engine.sizing(writer, correction, |estimator| self.machine.answered(text, estimator));
    }

    /// A summary is a request too: what the model refuses is left out of it.
    fn outgoing(
        &self,
        engine: &Engine,
        target: &Target,
        writer: &Target,
        mut request: ChatRequest,
        refused: Option<AttemptId>,
    ) -> Outgoing {
        let facts = engine.model_facts(writer);
        respect(&mut request, &facts);
        let mut omit = facts.refused;
        let mut steps = Vec::new();
        if writer == target {
            steps.clone_from(&self.plan.applied);
            let others = self.plan.omit.iter().filter(|name| !omit.contains(name));
            let others: Vec<String> = others.cloned().collect();
            omit.extend(others);
        }
        if omit.iter().any(|name| name == STREAM) {
            request.stream = false;
        }
        Outgoing { request, steps, omit, refused }
    }

    /// The step that puts a summary in place of the span.
    fn step(
        &self,
        engine: &Engine,
        turn: &Turn,
        cause: Option<AttemptId>,
        summary: Summary,
        by: StepBy,
    ) -> Step {
        let kind = StepKind::Summarise {
            first_kept: self.plan.first_kept,
            summary: summary.text,
            by: summary.by,
            parts: summary.parts,
            edits: None,
            tokens_before: self.plan.tokens_before,
            tokens_after: self.plan.tokens_after,
        };
        new_step(engine, turn, kind, cause, by)
    }
}

/// The step with the size that the next request really has.
async fn measured(engine: &Engine, guard: &RunGuard, target: &Target, step: Step) -> Step {
    let log = guard.live().log.lock().await;
    sized(engine, &log, target, step, None)
}

/// The step with the size that the next request has with it, and without the step it replaces.
pub(crate) fn sized(
    engine: &Engine,
    log: &Log,
    target: &Target,
    mut step: Step,
    without: Option<StepId>,
) -> Step {
    let branch = log.branch(log.head);
    let mut steps = log.active_steps();
    steps.retain(|step| Some(step.id) != without);
    steps.push(step.clone());
    let next = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &log.pinned,
        target,
        protocol: engine.protocol_of(target),
        facts: &engine.model_facts(target),
        system: log.meta.as_ref().and_then(|meta| meta.system.as_deref()),
        parameters: &Parameters::default(),
    });
    let correction = correction(log, target);
    let after = engine.sizing(target, correction, |estimator| estimator.request(&next.request));
    if let StepKind::Summarise { tokens_after, .. } = &mut step.kind {
        *tokens_after = after;
    }
    step
}
