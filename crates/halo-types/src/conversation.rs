//! The neutral conversation model: messages in a tree, made of parts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, BlobId, ConversationId, MessageId, Protocol, ProviderId, Timestamp, TurnId,
};

/// A message of the log. Messages form a tree by `parent`; they are never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The message before it; `None` for the first.
    pub parent: Option<MessageId>,
    /// Who speaks.
    pub role: Role,
    /// What was said.
    pub parts: Vec<Part>,
    /// When it was stored.
    pub at: Timestamp,
    /// For answers: which model wrote it, and in which attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// For answers: how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// For answers: what the provider counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Message {
    /// The text parts joined by blank lines.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        texts.join("\n\n")
    }

    /// The pictures, in order.
    pub fn images(&self) -> impl Iterator<Item = &ImageRef> {
        self.parts.iter().filter_map(|part| match part {
            Part::Image(image) => Some(image),
            _ => None,
        })
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text or Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image(ImageRef),
    /// What the model thought before it answered. Goes back only to the model that signed it.
    Thinking {
        /// The thought, empty where the provider hides it.
        text: String,
        /// The provider's proof that it is its own, opaque to everyone else. Where the text is
        /// empty, Gemini signed the part that follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// The encrypted form, where the provider gives only that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redacted: Option<String>,
        /// The protocol that signed or encrypted it; nothing else understands the proof. Absent
        /// in old records, where it is Anthropic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<Protocol>,
    },
    /// The model asks for a tool.
    ToolCall {
        /// The provider's id of the call.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments as the JSON text the model wrote.
        arguments: String,
    },
    /// The answer of a tool.
    ToolResult {
        /// The id of the call it answers.
        call_id: String,
        /// What the tool said.
        text: String,
        /// Whether the tool failed.
        #[serde(default)]
        is_error: bool,
    },
    /// Something a protocol carries that the model above cannot hold, kept as it came.
    Unknown {
        /// The protocol's name, for example `anthropic`.
        protocol: String,
        /// The JSON as received.
        json: serde_json::Value,
    },
}

impl Part {
    /// A text part.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A thought without any proof.
    #[must_use]
    pub fn thought(text: impl Into<String>) -> Self {
        Self::Thinking { text: text.into(), signature: None, redacted: None, protocol: None }
    }
}

/// A picture in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRef {
    /// Where its bytes are.
    pub blob: BlobId,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`, told from the bytes.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size in bytes.
    pub bytes: u64,
    /// The file's name as given, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The configured provider.
    pub provider: ProviderId,
    /// The model's name as the provider knows it.
    pub model: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The model that was asked.
    pub target: Target,
    /// The turn it belongs to.
    pub turn: TurnId,
    /// The attempt that brought it.
    pub attempt: AttemptId,
    /// The model's name as the answer gave it, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_reported: Option<String>,
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ending {
    /// The protocol's terminator came.
    Complete {
        /// Why the model stopped.
        stop: StopReason,
    },
    /// The person stopped it; what had come is kept.
    Stopped,
    /// It broke off; what had come is kept.
    Interrupted,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum StopReason {
    /// It was done.
    End,
    /// The maximum output was reached.
    Length,
    /// It asks for tools.
    Tool,
    /// A filter stopped it.
    Filter,
    /// The window was full.
    Context,
    /// It declined to answer.
    Refusal,
    /// A reason Halo does not know, as the provider wrote it; empty where none was given.
    Other {
        /// The provider's word.
        raw: String,
    },
}

/// What the provider counted, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input, cached parts included.
    pub input: Option<u64>,
    /// Output, thinking included.
    pub output: Option<u64>,
    /// Input read from a cache.
    pub cache_read: Option<u64>,
    /// Input written to a cache.
    pub cache_write: Option<u64>,
    /// Output spent on thinking.
    pub thinking: Option<u64>,
}

/// The messages from the first to the head of one branch, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Branch(pub Vec<Message>);
