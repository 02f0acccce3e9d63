//! The server's side: writes answers, errors and lists of models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{Part, StopReason, Usage};
use serde_json::{Map, Value, json};

use crate::server::ErrorBody;
use crate::{Answer, Event, ModelInfo, answer, sse};

/// Writes a stream of chunks, the role first, the finish reason and the usage last.
#[derive(Debug)]
pub(crate) struct Writer {
    id: String,
    model: String,
    created: i64,
    include_usage: bool,
    started: bool,
    called: bool,
    usage: Usage,
    stop: Option<StopReason>,
}

impl Writer {
    pub(crate) fn new(id: &str, model: &str, created_s: i64) -> Self {
        Self {
            id: id.to_owned(),
            model: model.to_owned(),
            created: created_s,
            include_usage: false,
            started: false,
            called: false,
            usage: Usage::default(),
            stop: None,
        }
    }

    pub(crate) fn include_usage(&mut self, include: bool) {
        self.include_usage = include;
    }

    pub(crate) fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Usage(usage) => self.usage = answer::merge(self.usage, *usage),
            Event::Stop(reason) => self.stop = Some(reason.clone()),
            Event::Start { .. } => self.start(out),
            Event::Text(text) => self.delta(json!({ "content": text }), out),
            // Not OpenAI's own, but what every reader of thinking models knows.
            Event::Thinking(text) => self.delta(json!({ "reasoning_content": text }), out),
            Event::ToolCall { index, id, name } => {
                self.called = true;
                let call = json!({
                    "index": index,
                    "id": id,
                    "type": "function",
                    "function": { "name": name, "arguments": "" },
                });
                self.delta(json!({ "tool_calls": [call] }), out);
            }
            Event::ToolArguments { index, delta } => {
                let call = json!({ "index": index, "function": { "arguments": delta } });
                self.delta(json!({ "tool_calls": [call] }), out);
            }
            Event::Image { media_type, bytes } => {
                self.delta(json!({ "images": [image(media_type, bytes)] }), out);
            }
            Event::Signature { .. }
            | Event::RedactedThinking { .. }
            | Event::Block { .. }
            | Event::Unknown { .. }
            | Event::Error { .. }
            | Event::Done => {}
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        let reason = finish_reason(self.stop.as_ref(), self.called);
        self.chunk(json!([choice(json!({}), Some(reason))]), None, out);
        if self.include_usage {
            self.chunk(json!([]), Some(usage(&self.usage)), out);
        }
        sse::write(out, None, b"[DONE]");
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            let delta = json!({ "role": "assistant", "content": "" });
            self.chunk(json!([choice(delta, None)]), None, out);
        }
    }

    fn delta(&mut self, delta: Value, out: &mut Vec<u8>) {
        self.start(out);
        self.chunk(json!([choice(delta, None)]), None, out);
    }

    fn chunk(&self, choices: Value, usage: Option<Value>, out: &mut Vec<u8>) {
        let mut body = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        // Where usage is asked for, every chunk has the field, and only the last one has figures.
        if self.include_usage {
            body["usage"] = usage.unwrap_or_default();
        }
        sse::write(out, None, body.to_string().as_bytes());
    }
}

/// A picture as OpenRouter writes it, for want of a form of OpenAI's own.
fn image(media_type: &str, bytes: &[u8]) -> Value {
    let url = format!("data:{media_type};base64,{}", STANDARD.encode(bytes));
    json!({ "type": "image_url", "image_url": { "url": url } })
}

fn choice(delta: Value, finish_reason: Option<&str>) -> Value {
    json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason })
}

fn finish_reason(stop: Option<&StopReason>, called: bool) -> &'static str {
    match stop {
        Some(StopReason::Tool) => "tool_calls",
        Some(StopReason::Length | StopReason::Context) => "length",
        Some(StopReason::Filter | StopReason::Refusal) => "content_filter",
        None if called => "tool_calls",
        Some(StopReason::End | StopReason::Other { .. }) | None => "stop",
    }
}

fn usage(usage: &Usage) -> Value {
    let (input, output) = (usage.input.unwrap_or_default(), usage.output.unwrap_or_default());
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
        "prompt_tokens_details": { "cached_tokens": usage.cache_read.unwrap_or_default() },
        "completion_tokens_details": { "reasoning_tokens": usage.thinking.unwrap_or_default() },
    })
}

pub(crate) fn encode_answer(answer: &Answer, id: &str, model: &str, created_s: i64) -> Value {
    let mut thoughts = String::new();
    let mut calls = Vec::new();
    let mut images = Vec::new();
    for part in answer.parts() {
        match part {
            Part::Thinking { text, .. } => thoughts.push_str(&text),
            Part::ToolCall { id, name, arguments } => calls.push(json!({
                "id": id,
                "type": "function",
                "function": { "name": name, "arguments": arguments },
            })),
            Part::Image(picture) => {
                let bytes = answer.blobs.get(&picture.blob);
                images.extend(bytes.map(|bytes| image(&picture.media_type, bytes)));
            }
            _ => {}
        }
    }
    let text = answer.text();
    let reason = finish_reason(answer.stop.as_ref(), !calls.is_empty());
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
    if !thoughts.is_empty() {
        message["reasoning_content"] = json!(thoughts);
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    if !images.is_empty() {
        message["images"] = json!(images);
    }
    json!({
        "id": id,
        "object": "chat.completion",
        "created": created_s,
        "model": model,
        "choices": [{
            "index": 0, "message": message, "logprobs": null, "finish_reason": reason,
        }],
        "usage": usage(&answer.usage),
    })
}

pub(crate) fn error(error: &ErrorBody) -> Value {
    let kind = error.kind.as_deref().unwrap_or(match error.status {
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    });
    let mut inner = Map::new();
    inner.insert("message".to_owned(), json!(error.message));
    inner.insert("type".to_owned(), json!(kind));
    inner.insert("param".to_owned(), json!(error.param));
    inner.insert("code".to_owned(), json!(error.code));
    if let Some(halo) = &error.halo {
        inner.insert("halo".to_owned(), halo.clone());
    }
    json!({ "error": inner })
}

pub(crate) fn models(models: &[ModelInfo]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|model| {
            let mut entry = json!({
                "id": model.id, "object": "model", "created": 0, "owned_by": "halo",
            });
            // The names OpenRouter gave these, which most clients read.
            if let Some(name) = &model.name {
                entry["name"] = json!(name);
            }
            if let Some(window) = model.context_window {
                entry["context_length"] = json!(window);
            }
            if let Some(limit) = model.max_output {
                entry["max_output_tokens"] = json!(limit);
            }
            if let Some(vision) = model.vision {
                let modalities = if vision { json!(["text", "image"]) } else { json!(["text"]) };
                entry["architecture"] = json!({ "input_modalities": modalities });
            }
            entry
        })
        .collect();
    json!({ "object": "list", "data": data })
}
