//! The server's side: reads requests, writes answers, errors and lists of models.

use halo_types::{Blobs, ChatRequest, Part, Protocol, RequestMessage, Role, StopReason, Usage};
use serde_json::{Map, Value, json};

use crate::json::{count, text};
use crate::server::{ErrorBody, RequestError, store_image, tool};
use crate::{Answer, Event, ModelInfo, answer, sse};

/// The parameters that the neutral request holds, or whose loss changes no answer.
pub(crate) const HELD: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "tools",
    "stream",
    "stream_options",
    "user",
    "metadata",
];

pub(crate) fn decode(body: Option<&Value>, blobs: &mut Blobs) -> Result<ChatRequest, RequestError> {
    let body = body.ok_or_else(|| {
        RequestError::new(
            "We could not parse the JSON body of your request. (HINT: This likely means you \
             aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but \
             what was sent was not valid JSON.)",
        )
    })?;
    let model = text(body, "model")
        .ok_or_else(|| RequestError::new("you must provide a model parameter"))?;
    let list = match body.get("messages") {
        None | Some(Value::Null) => {
            return Err(RequestError::new("Missing required parameter: 'messages'.")
                .about("messages", Some("missing_required_parameter")));
        }
        Some(Value::Array(list)) => list,
        Some(other) => {
            return Err(RequestError::new(format!(
                "Invalid type for 'messages': expected an array of objects, but got {} instead.",
                type_name(other)
            ))
            .about("messages", Some("invalid_type")));
        }
    };
    let mut system: Vec<String> = Vec::new();
    let mut messages: Vec<RequestMessage> = Vec::new();
    let mut after_tool = false;
    for (at, message) in list.iter().enumerate() {
        let role = text(message, "role").unwrap_or_default();
        let is_tool = matches!(role, "tool" | "function");
        match role {
            "system" | "developer" => system.extend(text_of(message.get("content"))),
            "user" => messages.push(RequestMessage {
                role: Role::User,
                parts: content(at, message.get("content"), blobs)?,
            }),
            "assistant" => messages.push(assistant(at, message, blobs)?),
            "tool" | "function" => {
                let result = Part::ToolResult {
                    call_id: text(message, "tool_call_id")
                        .or_else(|| text(message, "name"))
                        .unwrap_or_default()
                        .to_owned(),
                    text: text_of(message.get("content")).unwrap_or_default(),
                    is_error: false,
                };
                // The results of one answer's calls make one message.
                match messages.last_mut() {
                    Some(last) if after_tool => last.parts.push(result),
                    _ => messages.push(RequestMessage { role: Role::User, parts: vec![result] }),
                }
            }
            other => {
                return Err(RequestError::new(format!(
                    "Invalid value: '{other}'. Supported values are: 'system', 'assistant', \
                     'user', 'function', 'tool', and 'developer'."
                ))
                .about(&format!("messages[{at}].role"), Some("invalid_value")));
            }
        }
        after_tool = is_tool;
    }
    let limit = |name: &str| body.get(name).and_then(count);
    let tools = body.get("tools").and_then(Value::as_array);
    Ok(ChatRequest {
        model: model.to_owned(),
        system: (!system.is_empty()).then(|| system.join("\n\n")),
        messages,
        max_tokens: limit("max_completion_tokens").or_else(|| limit("max_tokens")),
        temperature: body.get("temperature").and_then(Value::as_f64),
        top_p: body.get("top_p").and_then(Value::as_f64),
        stop: match body.get("stop") {
            Some(Value::String(stop)) => vec![stop.clone()],
            Some(Value::Array(list)) => {
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        },
        tools: tools
            .map(|list| {
                list.iter().filter_map(|spec| tool(spec.get("function")?, "parameters")).collect()
            })
            .unwrap_or_default(),
        stream: body.get("stream") == Some(&Value::Bool(true)),
    })
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn text_of(content: Option<&Value>) -> Option<String> {
    let text = match content? {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| text(part, "text")).collect();
            texts.join("\n\n")
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn content(
    at: usize,
    content: Option<&Value>,
    blobs: &mut Blobs,
) -> Result<Vec<Part>, RequestError> {
    match content {
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(parts)) => {
            Ok(parts.iter().map(|part| content_part(part, blobs)).collect())
        }
        Some(Value::Null) | None => {
            Err(RequestError::new("Invalid value for 'content': expected a string, got null.")
                .about(&format!("messages.[{at}].content"), None))
        }
        Some(other) => Err(RequestError::new(format!(
            "Invalid type for 'messages[{at}].content': expected one of a string or array of \
             objects, but got {} instead.",
            type_name(other)
        ))
        .about(&format!("messages[{at}].content"), Some("invalid_type"))),
    }
}

fn content_part(part: &Value, blobs: &mut Blobs) -> Part {
    let unknown =
        || Part::Unknown { protocol: Protocol::OpenaiChat.as_str().to_owned(), json: part.clone() };
    match text(part, "type").unwrap_or_default() {
        "text" | "input_text" => {
            Part::text(part.get("text").and_then(Value::as_str).unwrap_or_default())
        }
        "image_url" | "input_image" => {
            let image = part.get("image_url").unwrap_or(&Value::Null);
            let url = image.as_str().or_else(|| text(image, "url")).unwrap_or_default();
            data_url(url)
                .and_then(|(media_type, data)| store_image(media_type, data, blobs))
                .unwrap_or_else(unknown)
        }
        _ => unknown(),
    }
}

/// Media type and base64 of a `data:` URL.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?.split(';').next();
    Some((media_type.filter(|name| !name.is_empty()).unwrap_or("image/png"), data))
}

fn assistant(
    at: usize,
    message: &Value,
    blobs: &mut Blobs,
) -> Result<RequestMessage, RequestError> {
    let calls = message.get("tool_calls").and_then(Value::as_array).filter(|c| !c.is_empty());
    let mut parts = Vec::new();
    let thought = text(message, "reasoning_content").or_else(|| text(message, "reasoning"));
    if let Some(thought) = thought {
        parts.push(Part::Thinking { text: thought.to_owned(), signature: None, redacted: None });
    }
    match message.get("content") {
        None | Some(Value::Null) if calls.is_some() || text(message, "refusal").is_some() => {}
        given => parts.extend(content(at, given, blobs)?),
    }
    parts.extend(text(message, "refusal").map(Part::text));
    for call in calls.map_or(&[][..], Vec::as_slice) {
        let function = call.get("function").unwrap_or(&Value::Null);
        parts.push(Part::ToolCall {
            id: text(call, "id").unwrap_or_default().to_owned(),
            name: text(function, "name").unwrap_or_default().to_owned(),
            arguments: match function.get("arguments") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            },
        });
    }
    Ok(RequestMessage { role: Role::Assistant, parts })
}

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
            Event::Signature(_)
            | Event::RedactedThinking(_)
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
    for part in answer.parts() {
        match part {
            Part::Thinking { text, .. } => thoughts.push_str(&text),
            Part::ToolCall { id, name, arguments } => calls.push(json!({
                "id": id,
                "type": "function",
                "function": { "name": name, "arguments": arguments },
            })),
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
