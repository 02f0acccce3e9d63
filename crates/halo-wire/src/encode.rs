//! Requests in a protocol's own form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{BlobId, Blobs, ChatRequest, ImageRef, Part, Protocol, RequestMessage, Role};
use serde_json::{Map, Value};

use crate::{anthropic, gemini, openai_chat, openai_responses};

/// What `max_tokens` becomes where Anthropic demands a value and nobody gave one.
pub const DEFAULT_MAX_TOKENS: u64 = 4096;

/// What the target demands beyond its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// The value of `max_tokens` where the protocol demands one and the request has none; 4,096
    /// if that is `None` too.
    pub default_max_tokens: Option<u64>,
    /// Parameters the target refused, as it named them. They are not sent. A refused `system`
    /// goes into the first message; a refused `max_tokens` is tried under its other name.
    pub omit: Vec<String>,
    /// OpenAI: the name of the output limit.
    pub max_tokens_field: MaxTokensField,
    /// OpenAI: ask for usage figures in streams.
    pub include_usage: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            default_max_tokens: None,
            omit: Vec::new(),
            max_tokens_field: MaxTokensField::default(),
            include_usage: true,
        }
    }
}

impl EncodeOptions {
    /// Whether one of `names` was refused.
    pub(crate) fn omits(&self, names: &[&str]) -> bool {
        self.omit.iter().any(|omitted| names.contains(&omitted.as_str()))
    }
}

/// The name of the output limit in Chat Completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MaxTokensField {
    /// `max_tokens`, which every compatible server knows.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's newer models demand.
    MaxCompletionTokens,
}

/// A request that cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Nothing is left to send.
    #[error("the request has no message with content")]
    NoMessages,
    /// The bytes of a picture were not handed in.
    #[error("the bytes of picture {0} are missing")]
    MissingBlob(BlobId),
}

/// Encodes a request as the JSON body of `protocol`.
///
/// Parts the protocol cannot hold are left out: thinking without a signature of its own, blocks
/// of another protocol. Messages that are empty then are left out too. Pictures that a model made
/// stand in the message after its answer, except in Gemini's protocol, whose answers hold them.
///
/// # Errors
/// Where no message is left, or the bytes of a picture are missing from `blobs`.
///
/// ```
/// use halo_types::{Blobs, ChatRequest, Part, Protocol, RequestMessage, Role};
/// use halo_wire::{EncodeOptions, encode};
///
/// let request = ChatRequest {
///     model: "claude-sonnet-4-5".to_owned(),
///     messages: vec![RequestMessage { role: Role::User, parts: vec![Part::text("Hi")] }],
///     ..ChatRequest::default()
/// };
/// let body = encode(Protocol::Anthropic, &request, &Blobs::default(), &EncodeOptions::default())?;
/// assert!(String::from_utf8_lossy(&body).contains(r#""max_tokens":4096"#));
/// # Ok::<(), halo_wire::EncodeError>(())
/// ```
pub fn encode(
    protocol: Protocol,
    request: &ChatRequest,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Vec<u8>, EncodeError> {
    let moved;
    let request = match (protocol, with_pictures_moved(request)) {
        (Protocol::Gemini, _) | (_, None) => request,
        (_, Some(changed)) => {
            moved = changed;
            &moved
        }
    };
    let body = match protocol {
        Protocol::Anthropic => anthropic::request::encode(request, blobs, options)?,
        Protocol::OpenaiChat => openai_chat::request::encode(request, blobs, options)?,
        Protocol::OpenaiResponses => openai_responses::request::encode(request, blobs, options)?,
        Protocol::Gemini => gemini::request::encode(request, blobs, options)?,
    };
    Ok(to_bytes(&Value::Object(body)))
}

/// The request with the pictures of answers at the head of the message that follows, for
/// protocols whose answers hold none. `None` where there are none.
fn with_pictures_moved(request: &ChatRequest) -> Option<ChatRequest> {
    let is_picture = |part: &Part| matches!(part, Part::Image(_));
    let made = |message: &RequestMessage| {
        message.role == Role::Assistant && message.parts.iter().any(is_picture)
    };
    if !request.messages.iter().any(made) {
        return None;
    }
    let mut request = request.clone();
    let mut pictures = Vec::new();
    for message in &mut request.messages {
        match message.role {
            Role::Assistant => {
                pictures.extend(message.parts.iter().filter(|part| is_picture(part)).cloned());
                message.parts.retain(|part| !is_picture(part));
            }
            Role::User if !pictures.is_empty() => {
                let note = Part::text("[The pictures of the answer before:]");
                let moved = std::iter::once(note).chain(pictures.drain(..));
                message.parts.splice(0..0, moved);
            }
            Role::User => {}
        }
    }
    Some(request)
}

/// The headers of a request, all but `content-type` and `host`. An empty key counts as none.
#[must_use]
pub fn auth_headers(protocol: Protocol, key: Option<&str>) -> Vec<(String, String)> {
    let key = key.map(str::trim).filter(|key| !key.is_empty());
    let mut headers = Vec::new();
    match protocol {
        Protocol::Anthropic => {
            headers.extend(key.map(|key| ("x-api-key".to_owned(), key.to_owned())));
            headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
        }
        Protocol::Gemini => {
            headers.extend(key.map(|key| ("x-goog-api-key".to_owned(), key.to_owned())));
        }
        Protocol::OpenaiChat | Protocol::OpenaiResponses => {
            headers.extend(key.map(|key| ("authorization".to_owned(), format!("Bearer {key}"))));
        }
    }
    headers
}

/// The picture's bytes in base64.
pub(crate) fn base64(image: &ImageRef, blobs: &Blobs) -> Result<String, EncodeError> {
    let bytes =
        blobs.get(&image.blob).ok_or_else(|| EncodeError::MissingBlob(image.blob.clone()))?;
    Ok(STANDARD.encode(bytes))
}

/// Adds a parameter unless it was refused under its own or its neutral name.
pub(crate) fn put(
    body: &mut Map<String, Value>,
    options: &EncodeOptions,
    names: &[&str],
    value: Option<Value>,
) {
    if let (Some(value), Some(name)) = (value, names.first())
        && !options.omits(names)
    {
        body.insert((*name).to_owned(), value);
    }
}

/// The arguments of a tool call as an object, whatever the model wrote.
pub(crate) fn arguments_object(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(map)) => Value::Object(map),
        _ if arguments.trim().is_empty() => Value::Object(Map::new()),
        // What is no object goes back as the words it was, so that the model sees its own fault.
        _ => serde_json::json!({ "arguments": arguments }),
    }
}

pub(crate) fn to_bytes(value: &Value) -> Vec<u8> {
    // Display of a Value cannot fail, unlike the general serializer.
    value.to_string().into_bytes()
}
