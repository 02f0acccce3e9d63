//! What the store hands out beside records.

use std::fmt;
use std::str::FromStr;

use halo_types::{
    ConversationId, ConversationMeta, IdError, Kind, Record, Target, Timestamp, TurnId,
};
use serde::{Deserialize, Serialize};

/// A line of the conversation list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationRow {
    /// What was last said about the conversation as a whole.
    pub meta: ConversationMeta,
    /// The instant of its latest message or turn; its beginning where there is none.
    pub updated_at: Timestamp,
}

/// A turn that is to be sent without a hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenTurn {
    /// The turn.
    pub turn: TurnId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// When it is due.
    pub due: Timestamp,
}

/// What can be read of a conversation's log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readable {
    /// The records that read as they were written, oldest first.
    pub records: Vec<Record>,
    /// The ones that do not.
    pub damaged: Vec<Damage>,
}

/// A record that does not read as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its number in the store.
    pub seq: i64,
    /// What is wrong with it.
    pub what: String,
}

/// A piece of an answer that still streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// What the text is.
    pub kind: ChunkKind,
    /// The text that came since the chunk before.
    pub text: String,
}

/// What the text of a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    /// Words of the answer.
    Text,
    /// What the model thinks.
    Thinking,
    /// The signature over a thought.
    Signature,
}

impl ChunkKind {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Thinking => "thinking",
            Self::Signature => "signature",
        }
    }
}

impl FromStr for ChunkKind {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "text" => Ok(Self::Text),
            "thinking" => Ok(Self::Thinking),
            "signature" => Ok(Self::Signature),
            _ => Err(IdError { what: "kind of chunk", text: text.chars().take(80).collect() }),
        }
    }
}

/// How an attempt ended, for figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With a whole answer.
    Answered,
    /// It failed; what the failure meant when it happened, where this Halo knows the kind.
    Failed(Option<Kind>),
    /// The person stopped it.
    Stopped,
    /// Halo itself ended while it ran.
    Died,
}

/// What an attempt came to. Nothing that was said is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureRow {
    /// The turn.
    pub turn: TurnId,
    /// The model asked.
    pub target: Target,
    /// Which of the provider's keys was used, from 1.
    pub key: Option<u32>,
    /// When it left.
    pub started_at: Timestamp,
    /// How it ended.
    pub ended: Ended,
    /// Milliseconds until the first part of the answer.
    pub first_part_ms: Option<u64>,
    /// Milliseconds until the end.
    pub total_ms: u64,
    /// Tokens written, as the provider counted them.
    pub output_tokens: Option<u64>,
}

/// Something that lets its bearer in, stored as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// What it opens.
    pub kind: TokenKind,
    /// The hash of the token; the token itself is never stored.
    pub hash: String,
    /// What a person calls it, or where it came from.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// The one-time link that signs a browser in.
    Link,
    /// A browser that is signed in.
    Session,
    /// A program that uses the gateway.
    GatewayKey,
}

impl TokenKind {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Session => "session",
            Self::GatewayKey => "gateway_key",
        }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
