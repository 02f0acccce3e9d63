//! The neutral form of a request, before a protocol encodes it.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BlobId, IdError, Part, Role};

/// A protocol that providers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Anthropic Messages: <https://platform.claude.com/docs/en/api/messages>
    Anthropic,
    /// OpenAI Chat Completions:
    /// <https://platform.openai.com/docs/api-reference/chat/create>
    OpenaiChat,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: &'static [Protocol] = &[Self::Anthropic, Self::OpenaiChat];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenaiChat => "openai-chat",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "anthropic" => Ok(Self::Anthropic),
            "openai-chat" => Ok(Self::OpenaiChat),
            _ => Err(IdError {
                what: "protocol (anthropic or openai-chat)",
                text: text.chars().take(80).collect(),
            }),
        }
    }
}

/// A request in no protocol's form yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model's name as the provider knows it.
    pub model: String,
    /// The system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The messages, oldest first.
    pub messages: Vec<RequestMessage>,
    /// The most tokens to write; protocols that demand a value get their own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Sampling temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Tools the model may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// Whether to stream.
    #[serde(default)]
    pub stream: bool,
}

/// One message of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestMessage {
    /// Who speaks. Tool results stand in messages of the user.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
}

/// A tool the model may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: serde_json::Value,
}

/// The bytes of the pictures that a request names.
#[derive(Clone, Default)]
pub struct Blobs(HashMap<BlobId, std::sync::Arc<[u8]>>);

impl Blobs {
    /// Adds the bytes of one picture.
    pub fn insert(&mut self, id: BlobId, bytes: impl Into<std::sync::Arc<[u8]>>) {
        self.0.insert(id, bytes.into());
    }

    /// The bytes of a picture.
    #[must_use]
    pub fn get(&self, id: &BlobId) -> Option<&[u8]> {
        self.0.get(id).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.0.len())
    }
}
