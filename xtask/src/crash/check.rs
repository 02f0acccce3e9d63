//! What the store holds after a kill, beside what was acknowledged and what the witness saw.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{
    AttemptId, AttemptOutcome, ConversationId, Ending, Message, MessageId, Record, Role, TurnId,
    TurnKind,
};

use super::Prompt;
use super::witness::{Witness, number_in};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) prompts: u64,
    pub(super) lost_prompts: u64,
    pub(super) answers: u64,
    pub(super) partial: u64,
    pub(super) bad_answers: u64,
    /// Requests that the witness saw and no attempt stands for.
    pub(super) unrecorded: u64,
    pub(super) sent_twice: u64,
    /// Turns that waited at some time.
    pub(super) waiting: u64,
    pub(super) unresumed: u64,
    pub(super) without_end: u64,
    pub(super) integrity_errors: u64,
    pub(super) integrity_checks: u64,
    pub(super) notes: Vec<String>,
}

/// What the log says about one turn.
#[derive(Default)]
struct TurnFacts {
    prompt: Option<MessageId>,
    is_reply: bool,
    attempts: Vec<AttemptId>,
    ended: HashSet<AttemptId>,
    answered: bool,
    /// Attempts that began after the answer was whole.
    after_answer: u64,
    waited: bool,
    /// A wait is the last thing that is known of it.
    waits: bool,
}

/// Looks into the database while no process has it.
pub(super) async fn check(
    database: &Path,
    prompts: &[Prompt],
    witness: &Witness,
    only: Option<&HashSet<ConversationId>>,
    at_the_end: bool,
) -> anyhow::Result<Found> {
    let mut found = Found { prompts: prompts.len() as u64, ..Found::default() };
    if !database.is_file() {
        // Killed before there was one.
        found.lost_prompts = found.prompts;
        return Ok(found);
    }
    let store = SqliteStore::open(database).await?;
    let mut acknowledged: HashMap<_, Vec<&Prompt>> = HashMap::new();
    for prompt in prompts {
        acknowledged.entry(prompt.conversation).or_default().push(prompt);
    }
    let mut broken = Vec::new();
    let mut recorded: BTreeMap<u64, u64> = BTreeMap::new();
    let rows = store.conversations().await?;
    let mut ids: HashSet<_> = rows.iter().map(|row| row.meta.id).collect();
    ids.extend(acknowledged.keys());
    ids.retain(|id| only.is_none_or(|only| only.contains(id)));
    for id in ids {
        let readable = store.readable(id).await?;
        found.integrity_errors += readable.damaged.len() as u64;
        let mut messages: HashMap<MessageId, &Message> = HashMap::new();
        let mut turns: BTreeMap<TurnId, TurnFacts> = BTreeMap::new();
        let mut last = None;
        for record in &readable.records {
            match record {
                Record::Message(message) => {
                    messages.insert(message.id, message);
                    last = Some(message.id);
                }
                _ => note(record, &mut turns),
            }
        }
        for prompt in acknowledged.remove(&id).unwrap_or_default() {
            let text = turns
                .get(&prompt.turn)
                .and_then(|turn| messages.get(&turn.prompt?))
                .map(|message| message.text());
            if text.as_deref() != Some(&super::witness::prompt(prompt.number)) {
                found.lost_prompts += 1;
                found.notes.push(format!("prompt c{} is lost: {text:?}", prompt.number));
            }
        }
        let number_of = |id: MessageId| number_in(&messages.get(&id)?.text());
        for turn in turns.values() {
            let number = turn.prompt.and_then(number_of);
            if let Some(number) = number {
                *recorded.entry(number).or_default() += turn.attempts.len() as u64;
            }
            if turn.after_answer > 0 {
                found.sent_twice += turn.after_answer;
                found.notes.push(format!("c{number:?} was sent after its answer was whole"));
            }
            found.waiting += u64::from(turn.waited);
            if at_the_end {
                let open = turn.attempts.iter().filter(|id| !turn.ended.contains(id)).count();
                found.without_end += open as u64;
                found.unresumed += u64::from(turn.waits && !turn.answered && turn.is_reply);
            }
        }
        for message in messages.values().filter(|message| message.role == Role::Assistant) {
            let Some(number) = message.parent.and_then(number_of) else { continue };
            let full = witness.answer(number);
            let text = message.text();
            let whole = matches!(message.ending, Some(Ending::Complete { .. }));
            if whole {
                found.answers += 1
            } else {
                found.partial += 1
            }
            if (whole && text != full) || !full.starts_with(&text) {
                found.bad_answers += 1;
                let end: String =
                    text.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
                found.notes.push(format!("the answer to c{number} ends with {end:?}"));
            }
            if !whole && last == Some(message.id) {
                broken.push((id, message.id.to_string()));
            }
        }
    }
    for (number, records) in &recorded {
        let seen = witness.of(*number);
        if seen > *records {
            found.unrecorded += seen - records;
            found.notes.push(format!("c{number}: {seen} requests came, {records} are recorded"));
        }
    }
    store.close().await;
    broken.sort();
    witness.set_broken(broken);
    Ok(found)
}

fn note(record: &Record, turns: &mut BTreeMap<TurnId, TurnFacts>) {
    match record {
        Record::Turn(turn) => {
            let facts = turns.entry(turn.id).or_default();
            facts.prompt = Some(turn.prompt);
            facts.is_reply = turn.kind == TurnKind::Reply;
        }
        Record::Attempt(start) => {
            let facts = turns.entry(start.turn).or_default();
            facts.after_answer += u64::from(facts.answered);
            facts.attempts.push(start.id);
            facts.waits = false;
        }
        Record::AttemptEnd(end) => {
            let facts = turns.entry(end.turn).or_default();
            facts.ended.insert(end.attempt);
            facts.answered |= matches!(end.outcome, AttemptOutcome::Answered { .. });
        }
        Record::Wait(wait) => {
            let facts = turns.entry(wait.turn).or_default();
            facts.waited = true;
            facts.waits = true;
        }
        Record::WaitEnd(end) => turns.entry(end.turn).or_default().waits = false,
        _ => {}
    }
}
