//! The server's side: writes answers, errors and lists of models.

use halo_types::{Part, Protocol, StopReason, Usage};
use serde_json::{Map, Value, json};

use super::SOURCES;
use crate::encode::{arguments_object, to_bytes};
use crate::server::ErrorBody;
use crate::{Answer, Event, ModelInfo, answer, sse};

/// Writes a stream of responses: as events, or as one JSON list for clients that do not ask for
/// `alt=sse`. Calls are whole in this protocol, so one waits until its arguments are.
#[derive(Debug)]
pub(crate) struct Writer {
    id: String,
    model: String,
    as_list: bool,
    started: bool,
    /// The signature for the part that comes next.
    proof: Option<String>,
    calls: Vec<Call>,
    sources: Map<String, Value>,
    usage: Usage,
    stop: Option<StopReason>,
}

#[derive(Debug)]
struct Call {
    index: usize,
    id: String,
    name: String,
    arguments: String,
    proof: Option<String>,
}

impl Writer {
    pub(crate) fn new(id: &str, model: &str) -> Self {
        Self {
            id: id.to_owned(),
            model: model.to_owned(),
            as_list: false,
            started: false,
            proof: None,
            calls: Vec::new(),
            sources: Map::new(),
            usage: Usage::default(),
            stop: None,
        }
    }

    pub(crate) fn as_list(&mut self, list: bool) {
        self.as_list = list;
    }

    pub(crate) fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Usage(usage) => self.usage = answer::merge(self.usage, *usage),
            Event::Stop(reason) => self.stop = Some(reason.clone()),
            Event::Text(text) => {
                let part = signed(json!({ "text": text }), self.proof.take());
                self.part(part, out);
            }
            Event::Thinking(text) => self.part(json!({ "text": text, "thought": true }), out),
            Event::Signature { protocol: Protocol::Gemini, proof } => {
                let before = self.proof.replace(proof.clone());
                if before.is_some() {
                    self.part(signed(json!({ "text": "" }), before), out);
                }
            }
            Event::Image { media_type, bytes } => {
                let part = signed(inline(media_type, bytes), self.proof.take());
                self.part(part, out);
            }
            Event::ToolCall { index, id, name } => self.calls.push(Call {
                index: *index,
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
                proof: self.proof.take(),
            }),
            Event::ToolArguments { index, delta } => {
                if let Some(call) = self.calls.iter_mut().rev().find(|call| call.index == *index) {
                    call.arguments.push_str(delta);
                }
            }
            Event::Block { protocol: Protocol::Gemini, json } => {
                if !keep_sources(&mut self.sources, json) {
                    self.part(json.clone(), out);
                }
            }
            Event::Start { .. }
            | Event::Signature { .. }
            | Event::RedactedThinking { .. }
            | Event::Block { .. }
            | Event::Unknown { .. }
            | Event::Error { .. }
            | Event::Done => {}
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        let called = !self.calls.is_empty();
        self.write_calls(true, out);
        let last = signed(json!({ "text": "" }), self.proof.take());
        let sources = std::mem::take(&mut self.sources);
        let mut candidate = candidate(vec![last], sources);
        let fallback = if called { StopReason::Tool } else { StopReason::End };
        let reason = self.stop.take().unwrap_or(fallback);
        candidate["finishReason"] = json!(finish_reason(&reason));
        let mut body = response(candidate, &self.id, &self.model);
        body["usageMetadata"] = usage(&self.usage);
        self.frame(&body, out);
        if self.as_list {
            out.extend_from_slice(b"\n]\n");
        }
    }

    /// An error that ends the stream.
    pub(crate) fn fail(&mut self, fault: &ErrorBody, out: &mut Vec<u8>) {
        let fault =
            ErrorBody { status: status_inside(fault).unwrap_or(fault.status), ..fault.clone() };
        self.frame(&error(&fault), out);
        if self.as_list {
            out.extend_from_slice(b"\n]\n");
        }
    }

    fn part(&mut self, part: Value, out: &mut Vec<u8>) {
        self.write_calls(false, out);
        let body = response(candidate(vec![part], Map::new()), &self.id, &self.model);
        self.frame(&body, out);
    }

    /// Writes the calls that are whole, up to the first that is not; at the end all of them.
    fn write_calls(&mut self, all: bool, out: &mut Vec<u8>) {
        let is_open =
            |call: &Call| serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_err();
        let whole = if all { None } else { self.calls.iter().position(is_open) };
        let whole = whole.unwrap_or(self.calls.len());
        let calls: Vec<Call> = self.calls.drain(..whole).collect();
        for call in calls {
            let part = signed(function_call(&call.id, &call.name, &call.arguments), call.proof);
            let body = response(candidate(vec![part], Map::new()), &self.id, &self.model);
            self.frame(&body, out);
        }
    }

    fn frame(&mut self, body: &Value, out: &mut Vec<u8>) {
        if self.as_list {
            out.extend_from_slice(if self.started { b",\n" } else { b"[" });
            out.extend_from_slice(&to_bytes(body));
        } else {
            sse::write(out, None, &to_bytes(body));
        }
        self.started = true;
    }
}

pub(crate) fn encode_answer(answer: &Answer, id: &str, model: &str) -> Value {
    let mut parts = Vec::new();
    let mut sources = Map::new();
    let mut proof: Option<String> = None;
    let mut called = false;
    for part in answer.parts() {
        let part = match part {
            Part::Text { text } => json!({ "text": text }),
            Part::Thinking { text, signature, protocol, .. } => {
                if !text.is_empty() {
                    parts.push(json!({ "text": text, "thought": true }));
                }
                // Another protocol's proof means nothing here; the words do.
                if let Some(next) = signature.filter(|_| protocol == Some(Protocol::Gemini))
                    && let before @ Some(_) = proof.replace(next)
                {
                    parts.push(signed(json!({ "text": "" }), before));
                }
                continue;
            }
            Part::ToolCall { id, name, arguments } => {
                called = true;
                function_call(&id, &name, &arguments)
            }
            Part::Image(image) => match answer.blobs.get(&image.blob) {
                Some(bytes) => inline(&image.media_type, bytes),
                None => continue,
            },
            Part::Unknown { protocol, json } if protocol == Protocol::Gemini.as_str() => {
                if !keep_sources(&mut sources, &json) {
                    parts.push(json);
                }
                continue;
            }
            Part::Unknown { .. } | Part::ToolResult { .. } => continue,
        };
        parts.push(signed(part, proof.take()));
    }
    if parts.is_empty() || proof.is_some() {
        parts.push(signed(json!({ "text": "" }), proof));
    }
    let mut candidate = candidate(parts, sources);
    let fallback = if called { StopReason::Tool } else { StopReason::End };
    candidate["finishReason"] = json!(finish_reason(answer.stop.as_ref().unwrap_or(&fallback)));
    let mut body = response(candidate, id, model);
    body["usageMetadata"] = usage(&answer.usage);
    body
}

fn response(candidate: Value, id: &str, model: &str) -> Value {
    json!({ "candidates": [candidate], "modelVersion": model, "responseId": id })
}

fn candidate(parts: Vec<Value>, sources: Map<String, Value>) -> Value {
    let mut candidate = sources;
    candidate.insert("content".to_owned(), json!({ "parts": parts, "role": "model" }));
    candidate.insert("index".to_owned(), json!(0));
    Value::Object(candidate)
}

fn signed(mut part: Value, proof: Option<String>) -> Value {
    if let Some(proof) = proof {
        part["thoughtSignature"] = json!(proof);
    }
    part
}

fn inline(media_type: &str, bytes: &[u8]) -> Value {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({ "inlineData": { "mimeType": media_type, "data": data } })
}

fn function_call(id: &str, name: &str, arguments: &str) -> Value {
    json!({ "functionCall": { "id": id, "name": name, "args": arguments_object(arguments) } })
}

/// Takes in what a block says about sources; false if it is something else.
fn keep_sources(sources: &mut Map<String, Value>, json: &Value) -> bool {
    let said =
        SOURCES.iter().filter_map(|name| Some(((*name).to_owned(), json.get(name)?.clone())));
    let before = sources.len();
    sources.extend(said);
    sources.len() > before
}

/// <https://ai.google.dev/api/generate-content#FinishReason>
fn finish_reason(reason: &StopReason) -> &str {
    match reason {
        StopReason::End | StopReason::Tool => "STOP",
        StopReason::Length | StopReason::Context => "MAX_TOKENS",
        StopReason::Filter | StopReason::Refusal => "SAFETY",
        StopReason::Other { raw } if crate::stop::is_failure(raw) => raw,
        StopReason::Other { .. } => "STOP",
    }
}

fn usage(usage: &Usage) -> Value {
    let (input, output) = (usage.input.unwrap_or_default(), usage.output.unwrap_or_default());
    let thoughts = usage.thinking.unwrap_or_default();
    let mut body = json!({
        "promptTokenCount": input,
        "candidatesTokenCount": output.saturating_sub(thoughts),
        "totalTokenCount": input.saturating_add(output),
    });
    if usage.thinking.is_some() {
        body["thoughtsTokenCount"] = json!(thoughts);
    }
    if let Some(cached) = usage.cache_read {
        body["cachedContentTokenCount"] = json!(cached);
    }
    body
}

/// The HTTP status that an error inside a stream stands for; nothing but its words tells.
fn status_inside(error: &ErrorBody) -> Option<u16> {
    let number = error.code.as_ref().and_then(|code| code.parse().ok());
    let named = || match error.kind.as_deref()? {
        "invalid_request_error" => Some(400),
        "authentication_error" => Some(401),
        "permission_error" => Some(403),
        "not_found_error" => Some(404),
        "rate_limit_error" => Some(429),
        "overloaded_error" => Some(503),
        "timeout_error" => Some(504),
        _ => None,
    };
    number.filter(|status| (400..600).contains(status)).or_else(named)
}

/// Errors in the form of <https://google.aip.dev/193>; the codes of
/// <https://cloud.google.com/apis/design/errors#handling_errors>.
pub(crate) fn error(error: &ErrorBody) -> Value {
    let status = match error.status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        // Prepaid credit that is used up is 402 here.
        402 | 429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        503 | 529 => "UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    };
    let mut body = json!({ "code": error.status, "message": error.message, "status": status });
    if let Some(halo) = &error.halo {
        let mut details = Vec::new();
        if let Some(kind) = crate::json::text(halo, "kind") {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": kind.to_ascii_uppercase(),
                "domain": "halo",
            }));
        }
        // Google's clients read the time to wait from here.
        if let Some(after_ms) = halo.pointer("/retry/after_ms").and_then(Value::as_u64) {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{}.{:03}s", after_ms / 1000, after_ms % 1000),
            }));
        }
        if !details.is_empty() {
            body["details"] = json!(details);
        }
        body["halo"] = halo.clone();
    }
    json!({ "error": body })
}

/// <https://ai.google.dev/api/models#Model>
pub(crate) fn models(models: &[ModelInfo]) -> Value {
    json!({ "models": models.iter().map(model).collect::<Vec<_>>() })
}

/// One model, as in the list.
pub(crate) fn model(model: &ModelInfo) -> Value {
    let mut entry = json!({
        "name": format!("models/{}", model.id),
        "version": "001",
        "displayName": model.name.as_deref().unwrap_or(&model.id),
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    });
    if let Some(window) = model.context_window {
        entry["inputTokenLimit"] = json!(window);
    }
    if let Some(limit) = model.max_output {
        entry["outputTokenLimit"] = json!(limit);
    }
    if let Some(thinking) = model.thinking {
        entry["thinking"] = json!(thinking);
    }
    // Not Google's own; the field that most readers of lists know.
    if let Some(vision) = model.vision {
        let modalities = if vision { json!(["text", "image"]) } else { json!(["text"]) };
        entry["architecture"] = json!({ "input_modalities": modalities });
    }
    entry
}

/// The answer of `countTokens`: <https://ai.google.dev/api/tokens>
pub(crate) fn token_count(total: u64) -> Value {
    json!({ "totalTokens": total })
}
