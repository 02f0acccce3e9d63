//! The append-only log. What is stored is only ever added to.

use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, ConversationId, Diagnosis, Evidence, Headers, Kind, Message, MessageId, Protocol,
    Step, StepId, Target, Timestamp, TurnId,
};

/// One record of a conversation's log. The order of records is the order of storing them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// Title, system prompt and target; the last one counts.
    Conversation(ConversationMeta),
    /// A prompt or an answer.
    Message(Message),
    /// A turn begins.
    Turn(Turn),
    /// A request is about to leave.
    Attempt(Box<AttemptStart>),
    /// A request has ended, one way or another.
    AttemptEnd(Box<AttemptEnd>),
    /// A turn waits before its next attempt.
    Wait(Wait),
    /// A turn that waits or was not sent yet will not be sent by itself any more.
    WaitEnd(WaitEnd),
    /// The view changes.
    Step(Step),
    /// A step is taken back.
    StepUndone(StepUndone),
    /// A step that was taken back is taken again.
    StepRedone(StepRedone),
    /// A message is pinned, or no longer.
    Pin(Pin),
    /// Another message is the head of the branch shown.
    Head(Head),
    /// The conversation is deleted.
    Tombstone(Tombstone),
}

impl Record {
    /// The name of the record's kind, as in its JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Conversation(_) => "conversation",
            Self::Message(_) => "message",
            Self::Turn(_) => "turn",
            Self::Attempt(_) => "attempt",
            Self::AttemptEnd(_) => "attempt_end",
            Self::Wait(_) => "wait",
            Self::WaitEnd(_) => "wait_end",
            Self::Step(_) => "step",
            Self::StepUndone(_) => "step_undone",
            Self::StepRedone(_) => "step_redone",
            Self::Pin(_) => "pin",
            Self::Head(_) => "head",
            Self::Tombstone(_) => "tombstone",
        }
    }

    /// The conversation it belongs to.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Conversation(meta) => meta.id,
            Self::Message(message) => message.conversation,
            Self::Turn(turn) => turn.conversation,
            Self::Attempt(attempt) => attempt.conversation,
            Self::AttemptEnd(end) => end.conversation,
            Self::Wait(wait) => wait.conversation,
            Self::WaitEnd(end) => end.conversation,
            Self::Step(step) => step.conversation,
            Self::StepUndone(undone) => undone.conversation,
            Self::StepRedone(redone) => redone.conversation,
            Self::Pin(pin) => pin.conversation,
            Self::Head(head) => head.conversation,
            Self::Tombstone(tombstone) => tombstone.conversation,
        }
    }

    /// When it was made; for a `Conversation`, when the conversation began.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Conversation(meta) => meta.created_at,
            Self::Message(message) => message.at,
            Self::Turn(turn) => turn.at,
            Self::Attempt(attempt) => attempt.at,
            Self::AttemptEnd(end) => end.at,
            Self::Wait(wait) => wait.at,
            Self::WaitEnd(end) => end.at,
            Self::Step(step) => step.at,
            Self::StepUndone(undone) => undone.at,
            Self::StepRedone(redone) => redone.at,
            Self::Pin(pin) => pin.at,
            Self::Head(head) => head.at,
            Self::Tombstone(tombstone) => tombstone.at,
        }
    }
}

/// What is said about a conversation as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationMeta {
    /// The conversation.
    pub id: ConversationId,
    /// When it began.
    pub created_at: Timestamp,
    /// Its title; empty until the first prompt.
    pub title: String,
    /// Whether the person gave the title, so that no automatic one replaces it.
    #[serde(default)]
    pub title_by_person: bool,
    /// Whether it stands on top of the list.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
    /// The model chosen for the next turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Parameters of its requests.
    #[serde(default)]
    pub parameters: Parameters,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Parameters of a conversation's requests. What is empty is not sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// Sampling temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The most tokens to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// How much to think before answering: `low`, `medium`, `high`, or another word of the
    /// provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Texts that end the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// What a turn is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum TurnKind {
    /// Answer the prompt.
    Reply,
    /// Write the rest of an answer that broke off.
    Continue {
        /// The broken answer.
        answer: MessageId,
    },
    /// Summarise the older part, then, where `then` is set, go on with that turn.
    Compact {
        /// What the person wants kept, as typed after `/compact`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<String>,
        /// The turn that waits for the compaction.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<TurnId>,
    },
}

/// A turn: one prompt and everything done to answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id, made by the client.
    pub id: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message to answer: the head of the branch when the turn began.
    pub prompt: MessageId,
    /// The model asked.
    pub target: Target,
    /// What it is for.
    pub kind: TurnKind,
    /// When it began.
    pub at: Timestamp,
}

/// Stored before a request leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptStart {
    /// Its id.
    pub id: AttemptId,
    /// The turn.
    pub turn: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// 1 for the first attempt of the turn.
    pub nth: u32,
    /// The model asked.
    pub target: Target,
    /// The protocol spoken.
    pub protocol: Protocol,
    /// The URL called, without secrets.
    pub url: String,
    /// The steps in force.
    pub steps: Vec<StepId>,
    /// SHA-256 of the request body, hex: proves that a repaired request differs in bytes.
    pub body_sha256: String,
    /// Pictures in the request.
    pub images: u32,
    /// The input by Halo's own count, in tokens, not corrected by what was reported before.
    pub input_tokens: u64,
    /// Which of the provider's keys was used, from 1; `None` where there was none, or none is
    /// told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u32>,
    /// What was to be asked in the first place, where this is another place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
    /// When.
    pub at: Timestamp,
}

/// Why a request went to another place than the turn's first choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instead {
    /// The first choice.
    pub target: Target,
    /// Which of its keys, from 1; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u32>,
    /// What it failed of.
    pub kind: Kind,
    /// Until when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Stored when a request has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its turn.
    pub turn: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Milliseconds until the first part of the answer; `None` where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_part_ms: Option<u64>,
    /// Milliseconds from the first thought to the first word of the answer, or to the end where
    /// none came; `None` where nothing was thought aloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking_ms: Option<u64>,
    /// Milliseconds until the end.
    pub total_ms: u64,
    /// What the provider said about limits and under which id it keeps the request, credentials
    /// masked; empty where nothing came. A failed attempt has all headers in its evidence.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// The beginning of a continuation where it repeated the end of what it continues; it was left
    /// out of the joined answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repeated: String,
    /// When.
    pub at: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The answer is whole.
    Answered {
        /// The stored answer; `None` for a compaction, whose result is a step.
        message: Option<MessageId>,
    },
    /// It failed. What had arrived of the answer is a message of its own.
    Failed {
        /// What the failure left behind.
        evidence: Box<Evidence>,
        /// What it meant when it happened, in English.
        diagnosis: Box<Diagnosis>,
        /// The partial answer, if anything had arrived.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<MessageId>,
    },
    /// The person stopped it.
    Stopped {
        /// The partial answer, if anything had arrived.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<MessageId>,
    },
    /// Halo itself ended while it ran; found at the next start.
    Died {
        /// The partial answer, if anything had arrived.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<MessageId>,
    },
}

/// A turn waits before its next attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// The turn.
    pub turn: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The failed attempt; `None` where the turn waits before its first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// The model that is asked then; `None` in records of a Halo that did not say, where it is the
    /// one asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// When the next attempt is due.
    pub until: Timestamp,
    /// Why so long: `header:retry-after`, `body`, `backoff`, `pace`, …
    pub from: String,
    /// When the wait began.
    pub at: Timestamp,
}

/// A turn that waits or was not sent yet will not be sent by itself: the person cancelled it, or
/// it cannot be sent (its provider is gone).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitEnd {
    /// The turn.
    pub turn: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
}

/// A step is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepUndone {
    /// The step.
    pub step: StepId,
    /// The conversation.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
}

/// A step that was taken back is taken again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRedone {
    /// The step.
    pub step: StepId,
    /// The conversation.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
}

/// A message is pinned: no compaction takes it out of the requests. Or it is no longer; the last
/// one counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// The message.
    pub message: MessageId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Whether it is pinned from now on.
    pub pinned: bool,
    /// When.
    pub at: Timestamp,
}

/// The branch shown ends here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The conversation.
    pub conversation: ConversationId,
    /// The last message of the branch; `None` for an empty one.
    pub message: Option<MessageId>,
    /// When.
    pub at: Timestamp,
}

/// A conversation is deleted. Its records stay until they are purged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The conversation.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_of_an_earlier_halo_can_still_be_read() {
        let id = "01890000-0000-7000-8000-000000000001";
        let old = format!(
            r#"{{"record":"wait","turn":"{id}","conversation":"{id}","attempt":"{id}",
            "until":9,"from":"backoff","at":1}}"#
        );
        let Record::Wait(wait) = serde_json::from_str(&old).unwrap() else { panic!("{old}") };
        assert_eq!((wait.attempt, wait.target), (Some(id.parse().unwrap()), None));
    }

    #[test]
    fn ends_of_attempts_without_headers_can_still_be_read() {
        let id = "01890000-0000-7000-8000-000000000001";
        let old = format!(
            r#"{{"record":"attempt_end","attempt":"{id}","turn":"{id}","conversation":"{id}",
            "outcome":{{"outcome":"answered","message":null}},"total_ms":9,"at":1}}"#
        );
        let record: Record = serde_json::from_str(&old).unwrap();
        let Record::AttemptEnd(mut end) = record else { panic!("{record:?}") };
        assert!(end.headers.is_empty());
        assert!(!serde_json::to_string(&end).unwrap().contains("headers"));
        end.headers.push("x-request-id", "req_1");
        let json = serde_json::to_string(&end).unwrap();
        assert_eq!(serde_json::from_str::<AttemptEnd>(&json).unwrap(), *end);
    }

    #[test]
    fn attempts_from_before_the_ladder_can_still_be_read() {
        let id = "01890000-0000-7000-8000-000000000001";
        let old = format!(
            r#"{{"record":"attempt","id":"{id}","turn":"{id}","conversation":"{id}","nth":1,
            "target":{{"provider":"a","model":"m"}},"protocol":"anthropic","url":"http://a",
            "steps":[],"body_sha256":"","images":0,"input_tokens":1,"at":1}}"#
        );
        let record: Record = serde_json::from_str(&old).unwrap();
        let Record::Attempt(start) = &record else { panic!("{record:?}") };
        assert_eq!((start.key, &start.instead), (None, &None));
        let json = serde_json::to_string(&record).unwrap();
        assert!(!json.contains("instead") && !json.contains("\"key\""), "{json}");
    }
}
