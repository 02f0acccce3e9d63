//! How an attempt ended: what is recorded, what is learned, and what follows.

use std::time::Duration;

use halo_context::join;
use halo_diagnose::diagnose;
use halo_recover::{Machine, Next, Outlook, Repair, Signs, Situation, Way};
use halo_types::{
    AttemptEnd, AttemptId, AttemptOutcome, Diagnosis, Ending, FactValue, Headers, Kind, Lang,
    Message, MessageId, Origin, Part, Record, Role, Step, StepBy, StepId, StepKind, StopReason,
    Target, Timestamp, Turn, TurnId, TurnKind,
};
use halo_wire::Answer;
use uuid::Uuid;

use crate::exchange::{Outcome, STREAM, Sent, droppable};
use crate::facts::lessons;
use crate::live::RunGuard;
use crate::log::Log;
use crate::view::situation;
use crate::waits::{Due, Waited, wait};
use crate::watch::Heard;
use crate::{Engine, EngineError};

/// How long a card waits for the list of models that it offers.
const LIST_PATIENCE: Duration = Duration::from_secs(8);

/// How a turn came to its end for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// There is an answer, or a summary.
    Answered,
    /// The person stopped it.
    Stopped,
    /// A card waits for the person.
    Asks,
}

/// An attempt that failed.
pub(crate) struct Failure {
    pub(crate) attempt: AttemptId,
    pub(crate) diagnosis: Box<Diagnosis>,
    /// What it taught about the model.
    pub(crate) lessons: Vec<FactValue>,
}

/// What follows a failure.
pub(crate) enum Then {
    /// The wait is over: send again.
    Again,
    /// Change the view first.
    Repair(Repair),
    /// Send to another place.
    Elsewhere(Way),
    /// Stop here.
    End(End),
}

/// A step of this turn's conversation.
pub(crate) fn new_step(
    engine: &Engine,
    turn: &Turn,
    kind: StepKind,
    cause: Option<AttemptId>,
    by: StepBy,
) -> Step {
    Step {
        id: StepId::new(Uuid::now_v7()),
        conversation: turn.conversation,
        at: engine.now(),
        kind,
        cause,
        by,
    }
}

/// Spreads the waits of turns that fail together.
pub(crate) fn seed(turn: TurnId) -> u64 {
    let (high, low) = turn.uuid().as_u64_pair();
    high ^ low
}

/// Records how an attempt ended. Returns the failure, if it was one.
pub(crate) async fn settle(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    sent: Sent,
) -> Result<Option<Failure>, EngineError> {
    let attempt = sent.attempt;
    let dying = engine.closing().is_cancelled();
    let (answer, ending) = match &sent.outcome {
        Outcome::Answered { answer } => {
            let stop = answer.stop.clone().unwrap_or(StopReason::Other { raw: String::new() });
            (answer, Ending::Complete { stop })
        }
        Outcome::Stopped { answer } if !dying => (answer, Ending::Stopped),
        Outcome::Stopped { answer } | Outcome::Failed { answer, .. } => {
            (answer, Ending::Interrupted)
        }
    };
    let message = match turn.kind {
        // The result of a compaction is a step, never a message.
        TurnKind::Compact { .. } => None,
        _ => message(engine, guard, turn, target, attempt, answer, ending).await?,
    };
    let (message, repeated) = message.unzip();
    let stored = message.as_ref().map(|message| message.id);
    match &sent.outcome {
        Outcome::Answered { answer } => {
            engine.heard(&sent.place, sent.again, &Heard::Answer, &sent.headers);
            engine.unlearn(target, sent.held, answer, (turn.conversation, attempt)).await;
        }
        Outcome::Stopped { .. } => {
            engine.heard(&sent.place, sent.again, &Heard::Nothing, &sent.headers);
        }
        Outcome::Failed { .. } => {}
    }
    let (outcome, failure) = match sent.outcome {
        Outcome::Answered { .. } => (AttemptOutcome::Answered { message: stored }, None),
        Outcome::Stopped { .. } if dying => (AttemptOutcome::Died { partial: stored }, None),
        Outcome::Stopped { .. } => (AttemptOutcome::Stopped { partial: stored }, None),
        Outcome::Failed { evidence, .. } => {
            let context = engine.context(engine.now(), Lang::En);
            let diagnosis = Box::new(diagnose(&evidence, &context));
            let heard = Signs::from(diagnosis.as_ref());
            engine.heard(&sent.place, sent.again, &Heard::Failure(&heard), &evidence.headers);
            let parameters = {
                let log = guard.live().log.lock().await;
                log.attempt(attempt).map_or_else(Vec::new, |(_, attempt)| {
                    droppable(attempt.start.protocol, log.meta.as_ref())
                })
            };
            let lessons = lessons(&target.model, &evidence, &diagnosis, &parameters);
            let quote = Some(diagnosis.because.quote.clone()).filter(|quote| !quote.is_empty());
            for value in lessons.clone() {
                let place = (turn.conversation, attempt);
                engine.teach(target, value, quote.clone(), place).await;
            }
            let failure = Failure { attempt, diagnosis: diagnosis.clone(), lessons };
            (AttemptOutcome::Failed { evidence, diagnosis, partial: stored }, Some(failure))
        }
    };
    let end = AttemptEnd {
        attempt,
        turn: turn.id,
        conversation: turn.conversation,
        outcome,
        first_part_ms: sent.first_part_ms,
        thinking_ms: sent.thinking_ms,
        total_ms: sent.total_ms,
        repeated: repeated.unwrap_or_default(),
        headers: if failure.is_some() { Headers::default() } else { sent.headers },
        at: engine.now(),
    };
    let mut records: Vec<Record> = message.into_iter().map(Record::Message).collect();
    records.push(Record::AttemptEnd(Box::new(end)));
    guard.append(&records).await?;
    guard.attempt_ends();
    if failure.as_ref().is_some_and(|failure| failure.diagnosis.kind == Kind::ModelNotFound) {
        // The card names the models that the key can reach; a list that fails changes nothing.
        let list = engine.fetch_models(&target.provider, Lang::En);
        let _ = tokio::time::timeout(LIST_PATIENCE, list).await;
    }
    // Nobody waits for tidying: the turn is over.
    let store = engine.store().clone();
    engine.tasks().spawn(async move {
        if let Err(error) = store.drop_chunks(attempt).await {
            tracing::warn!(%error, "the journal of a stored answer could not be cleared");
        }
    });
    Ok(failure)
}

/// The message that an answer becomes, and what of it was left out since it came twice; `None` where nothing worth keeping came.
async fn message(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    attempt: AttemptId,
    answer: &Answer,
    ending: Ending,
) -> Result<Option<(Message, String)>, EngineError> {
    let mut parts = engine.keep_pictures(answer).await?;
    let complete = matches!(ending, Ending::Complete { .. });
    let has_text =
        parts.iter().any(|p| matches!(p, Part::Text { text } if !text.trim().is_empty()));
    // A broken answer that had only begun to think has nothing to go on from.
    if parts.is_empty() || (!complete && !has_text) {
        return Ok(None);
    }
    let mut repeated = String::new();
    if let TurnKind::Continue { answer: begun } = turn.kind {
        let log = guard.live().log.lock().await;
        if let Some(begun) = log.message(begun) {
            (parts, repeated) = joined(&begun.parts, parts);
        }
    }
    let message = Message {
        id: MessageId::new(Uuid::now_v7()),
        conversation: turn.conversation,
        parent: Some(turn.prompt),
        role: Role::Assistant,
        parts,
        at: engine.now(),
        origin: Some(Origin {
            target: target.clone(),
            turn: turn.id,
            attempt,
            model_reported: answer.model.clone().filter(|model| *model != target.model),
        }),
        ending: Some(ending),
        usage: Some(answer.usage),
    };
    Ok(Some((message, repeated)))
}

/// The parts of a broken answer and of its continuation as one answer, and the words that came
/// twice.
fn joined(begun: &[Part], rest: Vec<Part>) -> (Vec<Part>, String) {
    let mut parts = begun.to_vec();
    let mut repeated = String::new();
    for part in rest {
        match (parts.last_mut(), part) {
            (Some(Part::Text { text }), Part::Text { text: more }) => {
                let whole = join(text, &more);
                repeated.push_str(&more[..whole.overlap]);
                *text = whole.text;
            }
            // Thoughts about how to go on are not part of the answer.
            (_, Part::Thinking { .. }) => {}
            (_, part) => parts.push(part),
        }
    }
    (parts, repeated)
}

/// What the machine goes by: the diagnosis, and what was read between its lines about the model.
fn signs(failure: &Failure) -> Signs {
    let signs = Signs::from(failure.diagnosis.as_ref());
    let refused = failure.lessons.iter().find_map(|lesson| match lesson {
        FactValue::ParameterRefused(name) => Some(name.clone()),
        FactValue::Streaming(false) => Some(STREAM.to_owned()),
        _ => None,
    });
    let required =
        failure.lessons.iter().any(|lesson| matches!(lesson, FactValue::ParameterRequired(_)));
    if let Some(name) = refused {
        // A role that is refused reads like a broken history; leaving it out is the cure.
        Signs { kind: Kind::UnsupportedFeature, parameter: Some(name), ..signs }
    } else if required {
        let max_output = Some(halo_wire::DEFAULT_MAX_TOKENS);
        Signs { kind: Kind::OutputLimitExceeded, max_output, ..signs }
    } else {
        signs
    }
}

/// What the machine says about a failure that is in the log.
fn decide(
    log: &Log,
    failure: &Failure,
    machine: &mut Machine,
    outlook: Outlook,
    now: Timestamp,
) -> Result<Next, EngineError> {
    let (of, attempt) = log.attempt(failure.attempt).ok_or(EngineError::NotFound("attempt"))?;
    // Only an older part can be summarised; whether enough is gained shows when it is tried.
    let compactable = log.branch(Some(of.turn.prompt)).len() > 1;
    let situation = Situation { outlook, ..situation(log, of, attempt, compactable) };
    Ok(machine.handle_failure(&signs(failure), &situation, now))
}

/// The machine of a turn. Of one that an earlier process began it knows the tries, the time
/// waited and the repairs, so that a new start is no new budget.
pub(crate) async fn machine(engine: &Engine, guard: &RunGuard, turn: &Turn) -> Machine {
    let fresh = || Machine::new(engine.policy(), seed(turn.id));
    let mut machine = fresh();
    if !guard.is_resumed() {
        return machine;
    }
    let log = guard.live().log.lock().await;
    let Some(of) = log.turn(turn.id) else { return machine };
    // It is told of the failures once more; seed and times are the same, and so it decides the same.
    for attempt in of.attempts.iter().skip(of.earlier) {
        let end = attempt.end.as_ref();
        let Some(AttemptOutcome::Failed { evidence, diagnosis, .. }) = end.map(|end| &end.outcome)
        else {
            // The person sent it again.
            machine = fresh();
            continue;
        };
        let start = &attempt.start;
        let parameters = droppable(start.protocol, log.meta.as_ref());
        let failure = Failure {
            attempt: start.id,
            diagnosis: diagnosis.clone(),
            lessons: lessons(&start.target.model, evidence, diagnosis, &parameters),
        };
        let nowhere_else = Outlook::default();
        let next = decide(&log, &failure, &mut machine, nowhere_else, attempt.ended_at());
        let next_start =
            of.attempts.iter().map(|next| &next.start).find(|s| s.nth == start.nth + 1);
        // An attempt at another place went along the ladder; at the same place the person sent it.
        let again = next_start.is_some_and(|s| s.target == start.target && s.key == start.key);
        if matches!(next, Ok(Next::Ask { .. })) && again {
            machine = fresh();
        }
    }
    machine
}

/// Asks the machine what follows, and sits out the wait where it says so. The turn stays where it
/// is.
pub(crate) async fn then(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    machine: &mut Machine,
    failure: &Failure,
) -> Result<Then, EngineError> {
    then_from(engine, guard, turn, target, machine, failure, None).await
}

/// The same for a turn that may go elsewhere, as far as `outlook` says.
pub(crate) async fn then_from(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    machine: &mut Machine,
    failure: &Failure,
    outlook: Option<Outlook>,
) -> Result<Then, EngineError> {
    let outlook = outlook.unwrap_or_else(|| engine.outlook(target));
    let next = {
        let log = guard.live().log.lock().await;
        decide(&log, failure, machine, outlook, engine.now())?
    };
    let due = |until, from| Due { until, from, attempt: Some(failure.attempt) };
    match next {
        Next::Repair(repair) => Ok(Then::Repair(repair)),
        Next::Fallback(way) => Ok(Then::Elsewhere(way)),
        Next::Ask { .. } => Ok(Then::End(End::Asks)),
        // A summary has another rung at hand than waiting for hours.
        Next::Later { .. } if matches!(turn.kind, TurnKind::Compact { .. }) => {
            Ok(Then::End(End::Asks))
        }
        Next::SendAt { at, from } | Next::Later { at, from } => {
            engine.retries(target);
            match wait(engine, guard, turn, target, due(at, from)).await? {
                Waited::Over => Ok(Then::Again),
                Waited::Cancelled | Waited::Closing => Ok(Then::End(End::Stopped)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuation_says_which_words_came_twice() {
        let begun = [Part::text("The quick brown fox jum")];
        let rest = vec![Part::thought("Go on."), Part::text("quick brown fox jumps over the dog.")];
        let (parts, repeated) = joined(&begun, rest);
        assert_eq!(parts, [Part::text("The quick brown fox jumps over the dog.")]);
        assert_eq!(repeated, "quick brown fox jum");
    }
}
