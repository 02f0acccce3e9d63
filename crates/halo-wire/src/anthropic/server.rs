//! The server's side: writes answers, errors and lists of models.

use halo_types::{Part, Protocol, StopReason, Usage};
use serde_json::{Map, Value, json};

use crate::encode::arguments_object;
use crate::server::ErrorBody;
use crate::{Answer, Event, ModelInfo, answer, sse};

/// The `type`s an error may have.
const ERROR_TYPES: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
];

/// Writes a stream: `message_start`, blocks one after the other, `message_delta`,
/// `message_stop`.
#[derive(Debug)]
pub(crate) struct Writer {
    id: String,
    model: String,
    started: bool,
    blocks: usize,
    open: Option<Open>,
    /// Calls that came while another one was still being written.
    queued: Vec<Queued>,
    called: bool,
    usage: Usage,
    stop: Option<StopReason>,
}

#[derive(Debug, PartialEq)]
enum Open {
    Text,
    Thinking,
    Call { index: usize, arguments: String },
}

#[derive(Debug)]
struct Queued {
    index: usize,
    id: String,
    name: String,
    arguments: String,
}

impl Writer {
    pub(crate) fn new(id: &str, model: &str) -> Self {
        Self {
            id: id.to_owned(),
            model: model.to_owned(),
            started: false,
            blocks: 0,
            open: None,
            queued: Vec::new(),
            called: false,
            usage: Usage::default(),
            stop: None,
        }
    }

    pub(crate) fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Usage(usage) => self.usage = answer::merge(self.usage, *usage),
            Event::Stop(reason) => self.stop = Some(reason.clone()),
            Event::Start { .. } => self.start(out),
            Event::Text(text) => {
                self.switch(Open::Text, &json!({ "type": "text", "text": "" }), out);
                self.delta(&json!({ "type": "text_delta", "text": text }), out);
            }
            Event::Thinking(text) => {
                self.switch_to_thinking(out);
                self.delta(&json!({ "type": "thinking_delta", "thinking": text }), out);
            }
            Event::Signature { protocol: Protocol::Anthropic, proof } => {
                self.switch_to_thinking(out);
                self.delta(&json!({ "type": "signature_delta", "signature": proof }), out);
                // The next thought is a block of its own.
                self.close(out);
            }
            Event::RedactedThinking { protocol: Protocol::Anthropic, data } => {
                self.whole_block(&json!({ "type": "redacted_thinking", "data": data }), out);
            }
            Event::ToolCall { index, id, name } => self.call(*index, id, name, out),
            Event::ToolArguments { index, delta } => self.arguments(*index, delta, out),
            Event::Block { protocol: Protocol::Anthropic, json } => self.whole_block(json, out),
            Event::Signature { .. }
            | Event::RedactedThinking { .. }
            | Event::Image { .. }
            | Event::Block { .. }
            | Event::Unknown { .. }
            | Event::Error { .. }
            | Event::Done => {}
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.close_all(out);
        let reason = self.stop.take().unwrap_or(if self.called {
            StopReason::Tool
        } else {
            StopReason::End
        });
        let body = json!({
            "type": "message_delta",
            "delta": { "stop_reason": stop_reason(&reason), "stop_sequence": null },
            "usage": usage(&self.usage),
        });
        write(out, &body);
        write(out, &json!({ "type": "message_stop" }));
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage(&self.usage),
        });
        write(out, &json!({ "type": "message_start", "message": message }));
    }

    fn switch_to_thinking(&mut self, out: &mut Vec<u8>) {
        let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
        self.switch(Open::Thinking, &block, out);
    }

    /// Makes sure that a block of this kind is open.
    fn switch(&mut self, kind: Open, block: &Value, out: &mut Vec<u8>) {
        if self.open.as_ref() != Some(&kind) {
            self.close_all(out);
            self.begin(block, out);
            self.open = Some(kind);
        }
    }

    fn begin(&mut self, block: &Value, out: &mut Vec<u8>) {
        self.start(out);
        let body = json!({
            "type": "content_block_start", "index": self.blocks, "content_block": block,
        });
        write(out, &body);
    }

    fn delta(&self, delta: &Value, out: &mut Vec<u8>) {
        let body = json!({ "type": "content_block_delta", "index": self.blocks, "delta": delta });
        write(out, &body);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            self.stop_block(out);
        }
    }

    fn stop_block(&mut self, out: &mut Vec<u8>) {
        write(out, &json!({ "type": "content_block_stop", "index": self.blocks }));
        self.blocks += 1;
    }

    fn close_all(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        for call in std::mem::take(&mut self.queued) {
            self.begin(&call_block(&call.id, &call.name), out);
            if !call.arguments.is_empty() {
                self.delta(&arguments_delta(&call.arguments), out);
            }
            self.stop_block(out);
        }
    }

    fn whole_block(&mut self, block: &Value, out: &mut Vec<u8>) {
        self.close_all(out);
        self.begin(block, out);
        self.stop_block(out);
    }

    /// Blocks stand one after the other here, while elsewhere the arguments of several calls may
    /// be interleaved: a call has to wait until the one before it is whole.
    fn call(&mut self, index: usize, id: &str, name: &str, out: &mut Vec<u8>) {
        self.called = true;
        if let Some(Open::Call { arguments, .. }) = &self.open
            && serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_err()
        {
            let (id, name) = (id.to_owned(), name.to_owned());
            self.queued.push(Queued { index, id, name, arguments: String::new() });
            return;
        }
        self.close_all(out);
        self.begin(&call_block(id, name), out);
        self.open = Some(Open::Call { index, arguments: String::new() });
    }

    fn arguments(&mut self, index: usize, piece: &str, out: &mut Vec<u8>) {
        if let Some(Open::Call { index: open, arguments }) = &mut self.open
            && *open == index
        {
            arguments.push_str(piece);
            self.delta(&arguments_delta(piece), out);
        } else if let Some(call) = self.queued.iter_mut().find(|call| call.index == index) {
            call.arguments.push_str(piece);
        }
    }
}

fn call_block(id: &str, name: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
}

fn arguments_delta(piece: &str) -> Value {
    json!({ "type": "input_json_delta", "partial_json": piece })
}

fn write(out: &mut Vec<u8>, body: &Value) {
    sse::write(out, body["type"].as_str(), body.to_string().as_bytes());
}

fn usage(usage: &Usage) -> Value {
    let cached =
        usage.cache_read.unwrap_or_default().saturating_add(usage.cache_write.unwrap_or_default());
    let mut body = json!({
        "input_tokens": usage.input.unwrap_or_default().saturating_sub(cached),
        "output_tokens": usage.output.unwrap_or_default(),
        "cache_read_input_tokens": usage.cache_read.unwrap_or_default(),
        "cache_creation_input_tokens": usage.cache_write.unwrap_or_default(),
    });
    if let Some(thinking) = usage.thinking {
        body["output_tokens_details"] = json!({ "thinking_tokens": thinking });
    }
    body
}

fn stop_reason(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::End => "end_turn",
        StopReason::Length => "max_tokens",
        StopReason::Tool => "tool_use",
        StopReason::Filter | StopReason::Refusal => "refusal",
        StopReason::Context => "model_context_window_exceeded",
        StopReason::Other { raw } if raw == "pause_turn" => "pause_turn",
        StopReason::Other { .. } => "end_turn",
    }
}

pub(crate) fn encode_answer(answer: &Answer, id: &str, model: &str) -> Value {
    let mut called = false;
    let content: Vec<Value> = answer
        .parts()
        .into_iter()
        .filter_map(|part| match part {
            Part::Text { text } => Some(json!({ "type": "text", "text": text })),
            // Another protocol's proof means nothing here; the words do.
            Part::Thinking { text, protocol: Some(other), .. } if other != Protocol::Anthropic => {
                (!text.is_empty())
                    .then(|| json!({ "type": "thinking", "thinking": text, "signature": "" }))
            }
            Part::Thinking { redacted: Some(data), .. } => {
                Some(json!({ "type": "redacted_thinking", "data": data }))
            }
            Part::Thinking { text, signature, .. } => Some(json!({
                "type": "thinking",
                "thinking": text,
                "signature": signature.unwrap_or_default(),
            })),
            Part::ToolCall { id, name, arguments } => {
                called = true;
                let mut block = call_block(&id, &name);
                block["input"] = arguments_object(&arguments);
                Some(block)
            }
            Part::Unknown { protocol, json } => {
                (protocol == Protocol::Anthropic.as_str()).then_some(json)
            }
            Part::Image(_) | Part::ToolResult { .. } => None,
        })
        .collect();
    let fallback = if called { StopReason::Tool } else { StopReason::End };
    json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason(answer.stop.as_ref().unwrap_or(&fallback)),
        "stop_sequence": null,
        "usage": usage(&answer.usage),
    })
}

pub(crate) fn error(error: &ErrorBody) -> Value {
    let by_status = match error.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        408 | 504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    let kind = error.kind.as_deref().filter(|kind| ERROR_TYPES.contains(kind)).unwrap_or(by_status);
    let mut inner = Map::new();
    inner.insert("type".to_owned(), json!(kind));
    inner.insert("message".to_owned(), json!(error.message));
    if let Some(code) = &error.code {
        inner.insert("details".to_owned(), json!({ "error_code": code }));
    }
    if let Some(halo) = &error.halo {
        inner.insert("halo".to_owned(), halo.clone());
    }
    let mut body = json!({ "type": "error", "error": inner });
    if let Some(request_id) = &error.request_id {
        body["request_id"] = json!(request_id);
    }
    body
}

pub(crate) fn models(models: &[ModelInfo]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|model| {
            let mut entry = json!({
                "type": "model",
                "id": model.id,
                "display_name": model.name.as_deref().unwrap_or(&model.id),
                // The documented value where the date is unknown.
                "created_at": "1970-01-01T00:00:00Z",
                "lifecycle": "active",
                "max_input_tokens": model.context_window,
                "max_tokens": model.max_output,
            });
            if let Some(vision) = model.vision {
                entry["capabilities"] = json!({ "image_input": { "supported": vision } });
            }
            entry
        })
        .collect();
    let id_of = |model: Option<&ModelInfo>| json!(model.map(|model| &model.id));
    json!({
        "data": data,
        "has_more": false,
        "first_id": id_of(models.first()),
        "last_id": id_of(models.last()),
    })
}
