//! The other side of the protocols: for a gateway that answers programs, and for a simulator.
//!
//! What is written here is what the official SDKs accept unchanged.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use halo_types::{BlobId, Blobs, ChatRequest, ImageRef, Part, Protocol, ToolSpec};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::encode::to_bytes;
use crate::{
    Answer, Event, Loss, ModelInfo, anthropic, gemini, loss, openai_chat, openai_responses, sse,
};

/// A request that a server of the protocol refuses, in the provider's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What is wrong, worded as the provider words it.
    pub message: String,
    /// The parameter at fault (OpenAI's `param`).
    pub param: Option<String>,
    /// The code (OpenAI's `code`).
    pub code: Option<String>,
}

impl RequestError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), param: None, code: None }
    }

    pub(crate) fn about(mut self, param: &str, code: Option<&str>) -> Self {
        self.param = Some(param.to_owned());
        self.code = code.map(str::to_owned);
        self
    }

    /// The body of the answer, with status 400.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            status: 400,
            kind: Some("invalid_request_error".to_owned()),
            code: self.code.clone(),
            param: self.param.clone(),
            message: self.message.clone(),
            ..ErrorBody::default()
        }
    }
}

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorBody {
    /// The HTTP status; it chooses the type where `kind` is `None`.
    pub status: u16,
    /// The protocol's `type`.
    pub kind: Option<String>,
    /// OpenAI's `code`; Anthropic's `details.error_code`.
    pub code: Option<String>,
    /// OpenAI's `param`.
    pub param: Option<String>,
    /// What happened, in the provider's words.
    pub message: String,
    /// Anthropic's `request_id`.
    pub request_id: Option<String>,
    /// What Halo adds as `error.halo`.
    pub halo: Option<Value>,
}

impl ErrorBody {
    /// The error a provider sent, in whatever form, ready to be sent on.
    #[must_use]
    pub fn from_raw(status: u16, raw: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(raw).unwrap_or_default();
        // The last is where `response.failed` has it.
        let error = ["/error", "/response/error"].iter().find_map(|place| value.pointer(place));
        let error = error.unwrap_or(&value);
        Self {
            status,
            kind: crate::json::text(error, "type")
                .filter(|kind| *kind != "error")
                .map(str::to_owned),
            code: crate::json::label(error, "code"),
            param: crate::json::label(error, "param"),
            message: crate::fault::message(raw),
            request_id: crate::json::label(&value, "request_id"),
            halo: None,
        }
    }
}

/// Reads a request and the pictures in it. Width and height of the pictures stay 0. Gemini names
/// the model in the URL and asks for a stream there; see
/// [`gemini_target`](crate::endpoint::gemini_target).
///
/// # Errors
/// Where the body is not a request of the protocol, in the provider's words.
///
/// ```
/// use halo_types::Protocol;
/// let body = br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
/// let (request, _) = halo_wire::server::decode_request(Protocol::OpenaiChat, body)?;
/// assert_eq!(request.messages.len(), 1);
/// # Ok::<(), halo_wire::server::RequestError>(())
/// ```
pub fn decode_request(
    protocol: Protocol,
    body: &[u8],
) -> Result<(ChatRequest, Blobs), RequestError> {
    let value = serde_json::from_slice(body).ok().filter(Value::is_object);
    let mut blobs = Blobs::default();
    let request = match protocol {
        Protocol::Anthropic => anthropic::decode::request(value.as_ref(), &mut blobs)?,
        Protocol::OpenaiChat => openai_chat::decode::request(value.as_ref(), &mut blobs)?,
        Protocol::OpenaiResponses => openai_responses::decode::request(value.as_ref(), &mut blobs)?,
        Protocol::Gemini => gemini::decode::request(value.as_ref(), &mut blobs)?,
    };
    Ok((request, blobs))
}

/// The parameters of a request that the neutral form does not hold, by name. A translated
/// request goes without them.
#[must_use]
pub fn unheld_parameters(protocol: Protocol, body: &[u8]) -> Vec<String> {
    let held = match protocol {
        Protocol::Anthropic => anthropic::decode::HELD,
        Protocol::OpenaiChat => openai_chat::decode::HELD,
        Protocol::OpenaiResponses => openai_responses::decode::HELD,
        Protocol::Gemini => gemini::decode::HELD,
    };
    let Ok(Value::Object(map)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let inside = match protocol {
        Protocol::Gemini => gemini::decode::unheld_inside(&Value::Object(map.clone())),
        _ => Vec::new(),
    };
    map.into_iter()
        .filter(|(name, value)| !value.is_null() && !held.contains(&name.as_str()))
        .map(|(name, _)| name)
        .chain(inside)
        .collect()
}

/// Whether the client asked for usage figures in its stream. Only Chat Completions has to be
/// asked; the others send them always.
#[must_use]
pub fn wants_usage(protocol: Protocol, body: &[u8]) -> bool {
    match protocol {
        Protocol::Anthropic | Protocol::OpenaiResponses | Protocol::Gemini => true,
        Protocol::OpenaiChat => serde_json::from_slice::<Value>(body).is_ok_and(|value| {
            value.pointer("/stream_options/include_usage") == Some(&Value::Bool(true))
        }),
    }
}

/// Checks the rules of the protocol for the history of messages.
///
/// # Errors
/// With the first broken rule, in the provider's words.
pub fn check_history(protocol: Protocol, request: &ChatRequest) -> Result<(), RequestError> {
    match protocol {
        Protocol::Anthropic => anthropic::history::check(request),
        Protocol::OpenaiChat => openai_chat::history::check(request),
        Protocol::OpenaiResponses => openai_responses::history::check(request),
        Protocol::Gemini => gemini::history::check(request),
    }
}

/// Writes events as a stream of the protocol.
///
/// ```
/// use halo_types::Protocol;
/// use halo_wire::Event;
/// use halo_wire::server::StreamEncoder;
///
/// let mut encoder = StreamEncoder::new(Protocol::OpenaiChat, "chatcmpl-1", "gpt-4o", 0);
/// let mut stream = encoder.encode(&Event::Text("Hi".to_owned()));
/// stream.extend(encoder.finish());
/// assert!(stream.ends_with(b"data: [DONE]\n\n"));
/// ```
#[derive(Debug)]
pub struct StreamEncoder {
    protocol: Protocol,
    machine: Machine,
    ended: bool,
    lost: BTreeSet<Loss>,
}

#[derive(Debug)]
enum Machine {
    Anthropic(anthropic::server::Writer),
    OpenaiChat(openai_chat::server::Writer),
    OpenaiResponses(openai_responses::server::Writer),
    Gemini(gemini::server::Writer),
}

impl StreamEncoder {
    /// An encoder for one answer. `id` and `model` are what the client sees; `created_s` is in
    /// seconds since 1970.
    #[must_use]
    pub fn new(protocol: Protocol, id: &str, model: &str, created_s: i64) -> Self {
        let machine = match protocol {
            Protocol::Anthropic => Machine::Anthropic(anthropic::server::Writer::new(id, model)),
            Protocol::OpenaiChat => {
                Machine::OpenaiChat(openai_chat::server::Writer::new(id, model, created_s))
            }
            Protocol::OpenaiResponses => Machine::OpenaiResponses(
                openai_responses::server::Writer::new(id, model, created_s),
            ),
            Protocol::Gemini => Machine::Gemini(gemini::server::Writer::new(id, model)),
        };
        Self { protocol, machine, ended: false, lost: BTreeSet::new() }
    }

    /// Whether an OpenAI stream ends with usage figures; see [`wants_usage`]. It does not unless
    /// this is called with `true`.
    #[must_use]
    pub fn with_usage(mut self, usage: bool) -> Self {
        if let Machine::OpenaiChat(writer) = &mut self.machine {
            writer.include_usage(usage);
        }
        self
    }

    /// Whether a Gemini stream is one JSON list instead of events, as for requests without
    /// `alt=sse`; see [`GeminiMethod`](crate::endpoint::GeminiMethod).
    #[must_use]
    pub fn as_list(mut self, list: bool) -> Self {
        if let Machine::Gemini(writer) = &mut self.machine {
            writer.as_list(list);
        }
        self
    }

    /// The bytes for one event. [`Event::Done`] writes the end of the stream, [`Event::Error`]
    /// the protocol's error event; nothing is written after either.
    pub fn encode(&mut self, event: &Event) -> Vec<u8> {
        let mut out = Vec::new();
        if self.ended {
            return out;
        }
        self.lost.extend(loss::event_loss(self.protocol, event));
        match event {
            Event::Done => return self.finish(),
            Event::Error { raw } => {
                self.ended = true;
                let error = ErrorBody::from_raw(500, raw);
                match &mut self.machine {
                    Machine::Gemini(writer) => writer.fail(&error, &mut out),
                    Machine::OpenaiResponses(writer) => writer.error(&error, &mut out),
                    _ => return encode_error_event(self.protocol, &error),
                }
            }
            event => match &mut self.machine {
                Machine::Anthropic(writer) => writer.event(event, &mut out),
                Machine::OpenaiChat(writer) => writer.event(event, &mut out),
                Machine::OpenaiResponses(writer) => writer.event(event, &mut out),
                Machine::Gemini(writer) => writer.event(event, &mut out),
            },
        }
        out
    }

    /// What the protocol could not hold so far, each thing once.
    #[must_use]
    pub fn lost(&self) -> &BTreeSet<Loss> {
        &self.lost
    }

    /// The end of the stream, unless it has been written or an error ended it.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if !std::mem::replace(&mut self.ended, true) {
            match &mut self.machine {
                Machine::Anthropic(writer) => writer.end(&mut out),
                Machine::OpenaiChat(writer) => writer.end(&mut out),
                Machine::OpenaiResponses(writer) => writer.end(&mut out),
                Machine::Gemini(writer) => writer.end(&mut out),
            }
        }
        out
    }
}

/// Writes a whole answer.
#[must_use]
pub fn encode_answer(
    protocol: Protocol,
    answer: &Answer,
    id: &str,
    model: &str,
    created_s: i64,
) -> Vec<u8> {
    to_bytes(&match protocol {
        Protocol::Anthropic => anthropic::server::encode_answer(answer, id, model),
        Protocol::OpenaiChat => openai_chat::server::encode_answer(answer, id, model, created_s),
        Protocol::OpenaiResponses => {
            openai_responses::server::encode_answer(answer, id, model, created_s)
        }
        Protocol::Gemini => gemini::server::encode_answer(answer, id, model),
    })
}

/// Writes the body of an error answer.
#[must_use]
pub fn encode_error(protocol: Protocol, error: &ErrorBody) -> Vec<u8> {
    to_bytes(&error_json(protocol, error))
}

/// Writes an error as an event inside a stream.
#[must_use]
pub fn encode_error_event(protocol: Protocol, error: &ErrorBody) -> Vec<u8> {
    let mut out = Vec::new();
    let (name, body) = match protocol {
        Protocol::Anthropic => (Some("error"), encode_error(protocol, error)),
        Protocol::OpenaiChat | Protocol::Gemini => (None, encode_error(protocol, error)),
        Protocol::OpenaiResponses => {
            (Some("error"), to_bytes(&openai_responses::server::error_event(error)))
        }
    };
    sse::write(&mut out, name, &body);
    out
}

/// Writes a list of models.
#[must_use]
pub fn encode_models(protocol: Protocol, models: &[ModelInfo]) -> Vec<u8> {
    to_bytes(&match protocol {
        Protocol::Anthropic => anthropic::server::models(models),
        Protocol::OpenaiChat | Protocol::OpenaiResponses => openai_chat::server::models(models),
        Protocol::Gemini => gemini::server::models(models),
    })
}

/// Writes what Gemini knows of one model.
#[must_use]
pub fn encode_gemini_model(model: &ModelInfo) -> Vec<u8> {
    to_bytes(&gemini::server::model(model))
}

/// Writes the answer of Gemini's `countTokens`.
#[must_use]
pub fn encode_gemini_count(tokens: u64) -> Vec<u8> {
    to_bytes(&gemini::server::token_count(tokens))
}

fn error_json(protocol: Protocol, error: &ErrorBody) -> Value {
    match protocol {
        Protocol::Anthropic => anthropic::server::error(error),
        Protocol::OpenaiChat | Protocol::OpenaiResponses => openai_chat::server::error(error),
        Protocol::Gemini => gemini::server::error(error),
    }
}

/// Stores the bytes of a picture given in base64; `None` if it is none.
pub(crate) fn store_image(media_type: &str, data: &str, blobs: &mut Blobs) -> Option<Part> {
    Some(keep_image(media_type, decode_base64(data)?, blobs))
}

/// Bytes from base64, with or without padding and line breaks.
pub(crate) fn decode_base64(data: &str) -> Option<Vec<u8>> {
    let data: String = data.split_ascii_whitespace().collect();
    STANDARD.decode(&data).or_else(|_| STANDARD_NO_PAD.decode(data.trim_end_matches('='))).ok()
}

/// Keeps the bytes of a picture and gives the part that names it.
pub(crate) fn keep_image(media_type: &str, bytes: Vec<u8>, blobs: &mut Blobs) -> Part {
    let blob = BlobId::from_digest(&Sha256::digest(&bytes).into());
    let image = ImageRef {
        blob: blob.clone(),
        media_type: sniff(&bytes).unwrap_or(media_type).to_owned(),
        width: 0,
        height: 0,
        bytes: bytes.len() as u64,
        name: None,
    };
    blobs.insert(blob, bytes);
    Part::Image(image)
}

/// The media type the bytes show; clients often name another.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// A tool from its name, description and schema.
pub(crate) fn tool(spec: &Value, schema: &str) -> Option<ToolSpec> {
    Some(ToolSpec {
        name: crate::json::text(spec, "name")?.to_owned(),
        description: crate::json::text(spec, "description").map(str::to_owned),
        parameters: spec
            .get(schema)
            .cloned()
            .unwrap_or_else(|| serde_json::json!({ "type": "object", "properties": {} })),
    })
}
