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
    /// OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses/create>
    OpenaiResponses,
    /// Google Gemini `generateContent`: <https://ai.google.dev/api/generate-content>
    Gemini,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: &'static [Protocol] =
        &[Self::Anthropic, Self::OpenaiChat, Self::OpenaiResponses, Self::Gemini];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::Gemini => "gemini",
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
        Self::ALL.iter().copied().find(|protocol| protocol.as_str() == text).ok_or_else(|| {
            IdError {
                what: "protocol (anthropic, openai-chat, openai-responses or gemini)",
                text: text.chars().take(80).collect(),
            }
        })
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
    /// Sampling from this many of the likeliest tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Tools the model may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// Whether it has to ask for one; the provider's default is [`ToolChoice::Auto`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may ask for several tools in one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tools: Option<bool>,
    /// How much it thinks before it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingSpec>,
    /// The form the answer's text must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<OutputFormat>,
    /// Whether to stream.
    #[serde(default)]
    pub stream: bool,
}

/// Whether a model has to ask for a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choose", rename_all = "snake_case")]
pub enum ToolChoice {
    /// It decides.
    Auto,
    /// It must not.
    None,
    /// It must ask for one, whichever.
    Required,
    /// It must ask for this one.
    Tool {
        /// The tool's name.
        name: String,
    },
}

/// How much a model thinks. Providers ask for one or the other; a model that knows neither
/// refuses both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ThinkingSpec {
    /// In words: `none`, `minimal`, `low`, `medium`, `high`, or another of the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// The most tokens it may spend; 0 turns thinking off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
}

/// The form an answer's text must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputFormat {
    /// Some JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// Its name, where one was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The JSON Schema.
        schema: serde_json::Value,
        /// Whether the provider has to enforce it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
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
#[derive(Clone, PartialEq, Default)]
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

    /// All pictures with their bytes, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&BlobId, &[u8])> {
        self.0.iter().map(|(id, bytes)| (id, bytes.as_ref()))
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.0.len())
    }
}
