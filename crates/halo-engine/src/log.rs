//! A conversation's log in memory: the fold of its records.

use std::collections::HashMap;

use halo_types::{
    AttemptEnd, AttemptId, AttemptOutcome, AttemptStart, ConversationId, ConversationMeta, Message,
    MessageId, Record, Step, StepId, Timestamp, Turn, TurnId, Wait,
};

/// What the records of one conversation add up to. Only [`Log::apply`] changes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) meta: Option<ConversationMeta>,
    messages: HashMap<MessageId, Message>,
    /// The messages below each one, in the order of making.
    children: HashMap<Option<MessageId>, Vec<MessageId>>,
    pub(crate) head: Option<MessageId>,
    pub(crate) turns: Vec<TurnLog>,
    turn_at: HashMap<TurnId, usize>,
    turn_of: HashMap<AttemptId, TurnId>,
    pub(crate) steps: Vec<StepLog>,
    /// The pinned messages, in the order of pinning.
    pub(crate) pinned: Vec<MessageId>,
    pub(crate) deleted: bool,
    /// Records of the conversation that could not be read.
    pub(crate) damaged: usize,
}

/// A turn and what was done for it.
#[derive(Debug, Clone)]
pub(crate) struct TurnLog {
    pub(crate) turn: Turn,
    pub(crate) attempts: Vec<AttemptLog>,
    /// The last wait that no attempt and no cancellation followed.
    pub(crate) wait: Option<Wait>,
    /// Whether a [`halo_types::WaitEnd`] came last.
    pub(crate) ended: bool,
    /// The attempts that were made before the last such end: what follows was begun anew.
    pub(crate) earlier: usize,
}

/// An attempt and its end.
#[derive(Debug, Clone)]
pub(crate) struct AttemptLog {
    pub(crate) start: AttemptStart,
    pub(crate) end: Option<AttemptEnd>,
}

impl AttemptLog {
    /// When it ended; when it began, where no end is stored.
    pub(crate) fn ended_at(&self) -> Timestamp {
        self.end.as_ref().map_or(self.start.at, |end| end.at)
    }

    /// The part of the answer that came before it failed.
    pub(crate) fn partial(&self) -> Option<MessageId> {
        match &self.end.as_ref()?.outcome {
            AttemptOutcome::Answered { .. } => None,
            AttemptOutcome::Failed { partial, .. }
            | AttemptOutcome::Stopped { partial }
            | AttemptOutcome::Died { partial } => *partial,
        }
    }
}

/// A step and whether it was taken back.
#[derive(Debug, Clone)]
pub(crate) struct StepLog {
    pub(crate) step: Step,
    pub(crate) undone: bool,
}

impl Log {
    pub(crate) fn from_records(records: &[Record]) -> Self {
        let mut log = Self::default();
        for record in records {
            log.apply(record);
        }
        log
    }

    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::Conversation(meta) => {
                self.meta = Some(meta.clone());
                self.deleted = false;
            }
            Record::Message(message) => {
                self.head = Some(message.id);
                self.children.entry(message.parent).or_default().push(message.id);
                self.messages.insert(message.id, message.clone());
            }
            Record::Turn(turn) => {
                self.turn_at.insert(turn.id, self.turns.len());
                self.turns.push(TurnLog {
                    turn: turn.clone(),
                    attempts: Vec::new(),
                    wait: None,
                    ended: false,
                    earlier: 0,
                });
            }
            Record::Attempt(start) => {
                self.turn_of.insert(start.id, start.turn);
                if let Some(turn) = self.turn_mut(start.turn) {
                    turn.wait = None;
                    turn.ended = false;
                    turn.attempts.push(AttemptLog { start: (**start).clone(), end: None });
                }
            }
            Record::AttemptEnd(end) => {
                let attempt = self
                    .turn_mut(end.turn)
                    .and_then(|turn| turn.attempts.iter_mut().find(|a| a.start.id == end.attempt));
                if let Some(attempt) = attempt {
                    attempt.end = Some((**end).clone());
                }
            }
            Record::Wait(wait) => {
                if let Some(turn) = self.turn_mut(wait.turn) {
                    turn.wait = Some(wait.clone());
                    turn.ended = false;
                }
            }
            Record::WaitEnd(end) => {
                if let Some(turn) = self.turn_mut(end.turn) {
                    turn.wait = None;
                    turn.ended = true;
                    turn.earlier = turn.attempts.len();
                }
            }
            Record::Step(step) => {
                self.steps.push(StepLog { step: step.clone(), undone: false });
            }
            Record::StepUndone(undone) => {
                if let Some(entry) = self.steps.iter_mut().find(|s| s.step.id == undone.step) {
                    entry.undone = true;
                }
            }
            Record::StepRedone(redone) => {
                if let Some(entry) = self.steps.iter_mut().find(|s| s.step.id == redone.step) {
                    entry.undone = false;
                }
            }
            Record::Pin(pin) => {
                self.pinned.retain(|id| *id != pin.message);
                if pin.pinned {
                    self.pinned.push(pin.message);
                }
            }
            Record::Head(head) => self.head = head.message,
            Record::Tombstone(_) => self.deleted = true,
        }
    }

    fn turn_mut(&mut self, id: TurnId) -> Option<&mut TurnLog> {
        let at = *self.turn_at.get(&id)?;
        self.turns.get_mut(at)
    }

    pub(crate) fn turn(&self, id: TurnId) -> Option<&TurnLog> {
        self.turns.get(*self.turn_at.get(&id)?)
    }

    pub(crate) fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(&id)
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    pub(crate) fn attempt(&self, id: AttemptId) -> Option<(&TurnLog, &AttemptLog)> {
        let turn = self.turn(*self.turn_of.get(&id)?)?;
        let attempt = turn.attempts.iter().find(|a| a.start.id == id)?;
        Some((turn, attempt))
    }

    /// The messages from the first to `end`, oldest first.
    pub(crate) fn branch(&self, end: Option<MessageId>) -> Vec<Message> {
        let mut branch = Vec::new();
        let mut at = end;
        while let Some(message) = at.and_then(|id| self.messages.get(&id)) {
            branch.push(message.clone());
            at = message.parent;
            // Parents are older; a damaged log must not lead in circles.
            if branch.len() > self.messages.len() {
                break;
            }
        }
        branch.reverse();
        branch
    }

    /// The messages at the same place as this one, itself included, in the order of making.
    pub(crate) fn siblings(&self, message: &Message) -> Vec<MessageId> {
        let of_same_role =
            |id: &&MessageId| self.messages.get(id).is_some_and(|m| m.role == message.role);
        let children = self.children.get(&message.parent).map(Vec::as_slice).unwrap_or_default();
        children.iter().filter(of_same_role).copied().collect()
    }

    /// The newest message below this one: where the branch through it ends.
    pub(crate) fn end_of_branch(&self, from: MessageId) -> MessageId {
        let mut end = from;
        // Children are younger than their parents, so this goes down and ends.
        while let Some(next) =
            self.children.get(&Some(end)).and_then(|below| below.last()).filter(|id| **id > end)
        {
            end = *next;
        }
        end
    }

    /// The steps that were not taken back, oldest first.
    pub(crate) fn active_steps(&self) -> Vec<Step> {
        self.steps.iter().filter(|entry| !entry.undone).map(|entry| entry.step.clone()).collect()
    }

    /// Whether anything follows this message on any branch.
    pub(crate) fn has_later(&self, message: MessageId) -> bool {
        self.children.get(&Some(message)).is_some_and(|below| !below.is_empty())
    }

    pub(crate) fn step(&self, id: StepId) -> Option<&StepLog> {
        self.steps.iter().find(|entry| entry.step.id == id)
    }

    /// The newest attempt of the conversation.
    pub(crate) fn last_attempt(&self) -> Option<&AttemptLog> {
        self.turns.iter().flat_map(|turn| &turn.attempts).max_by_key(|attempt| attempt.start.id)
    }

    pub(crate) fn id(&self) -> Option<ConversationId> {
        self.meta.as_ref().map(|meta| meta.id)
    }
}
