//! The server's side: writes answers and errors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{Protocol, StopReason, Usage};
use serde_json::{Map, Value, json};

use super::snapshot::{self, Head};
use super::{ABOUT_TEXT, proof};
use crate::server::ErrorBody;
use crate::{Answer, Event, answer, sse};

/// Writes a stream of typed events:
/// <https://platform.openai.com/docs/api-reference/responses-streaming>
///
/// Messages and thoughts are written one after the other; calls may be open side by side, since
/// their arguments may come interleaved.
#[derive(Debug)]
pub(crate) struct Writer {
    head: Head,
    /// The number of the next event.
    sequence: u64,
    started: bool,
    /// The items, null while they are being written.
    output: Vec<Value>,
    open: Option<Open>,
    calls: Vec<Call>,
    usage: Usage,
    stop: Option<StopReason>,
    /// The text is known to be a refusal, as it is in an answer that is written whole.
    refuses: bool,
}

#[derive(Debug)]
enum Open {
    Message { at: usize, text: String, annotations: Vec<Value> },
    Thought { at: usize, text: String },
}

#[derive(Debug)]
struct Call {
    /// Which call of the answer.
    index: usize,
    at: usize,
    id: String,
    name: String,
    arguments: String,
}

impl Writer {
    pub(crate) fn new(id: &str, model: &str, created_s: i64) -> Self {
        Self {
            head: Head { id: id.to_owned(), model: model.to_owned(), created: created_s },
            sequence: 0,
            started: false,
            output: Vec::new(),
            open: None,
            calls: Vec::new(),
            usage: Usage::default(),
            stop: None,
            refuses: false,
        }
    }

    pub(crate) fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Usage(usage) => self.usage = answer::merge(self.usage, *usage),
            Event::Stop(reason) => self.stop = Some(reason.clone()),
            Event::Start { .. } => self.start(out),
            Event::Text(text) => self.text(text, out),
            Event::Thinking(text) => self.thinking(text, out),
            Event::Signature { protocol, proof } => {
                self.prove(&proof::seal(*protocol, Some(proof), None), out);
            }
            Event::RedactedThinking { protocol, data } => {
                self.close(out);
                self.prove(&proof::seal(*protocol, None, Some(data)), out);
            }
            Event::Image { media_type, bytes } => self.image(media_type, bytes, out),
            Event::ToolCall { index, id, name } => self.call(*index, id, name, out),
            Event::ToolArguments { index, delta } => self.arguments(*index, delta, out),
            Event::Block { protocol: Protocol::OpenaiResponses, json } => self.block(json, out),
            Event::Block { .. } | Event::Unknown { .. } | Event::Error { .. } | Event::Done => {}
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        let response = self.ended(out);
        let kind = match response["status"].as_str() {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        self.emit(kind, json!({ "response": response }), out);
    }

    /// Writes the error that ends the stream.
    pub(crate) fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        let mut body = error_event(error);
        body["sequence_number"] = json!(self.sequence);
        sse::write(out, Some("error"), body.to_string().as_bytes());
    }

    /// Closes what is open and gives the finished response.
    fn ended(&mut self, out: &mut Vec<u8>) -> Value {
        let cut = if self.refuses { None } else { snapshot::cut(self.stop.as_ref()) };
        let status = if cut.is_some() { "incomplete" } else { "completed" };
        self.close_as(status, out);
        self.close_calls(status, out);
        self.head.ended(Value::Array(std::mem::take(&mut self.output)), &self.usage, cut)
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            for kind in ["response.created", "response.in_progress"] {
                self.emit(kind, json!({ "response": self.head.begun() }), out);
            }
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Open::Message { .. })) {
            self.close(out);
            self.close_calls("completed", out);
            let at = self.begin(out, |head, at| {
                snapshot::message(&head.item_id("msg", at), "in_progress", json!([]))
            });
            let part = self.part("", &[]);
            let place = self.place("msg", at, json!({ "content_index": 0, "part": part }));
            self.emit("response.content_part.added", place, out);
            self.open = Some(Open::Message { at, text: String::new(), annotations: Vec::new() });
        }
        if let Some(Open::Message { at, text: whole, .. }) = &mut self.open {
            whole.push_str(text);
            let at = *at;
            let (kind, body) = if self.refuses {
                ("response.refusal.delta", json!({ "content_index": 0, "delta": text }))
            } else {
                (
                    "response.output_text.delta",
                    json!({ "content_index": 0, "delta": text, "logprobs": [] }),
                )
            };
            let body = self.place("msg", at, body);
            self.emit(kind, body, out);
        }
    }

    fn thinking(&mut self, text: &str, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Open::Thought { .. })) {
            self.close(out);
            self.close_calls("completed", out);
            let at = self
                .begin(out, |head, at| snapshot::reasoning(&head.item_id("rs", at), None, None));
            let body = json!({ "summary_index": 0, "part": snapshot::summary_text("") });
            let body = self.place("rs", at, body);
            self.emit("response.reasoning_summary_part.added", body, out);
            self.open = Some(Open::Thought { at, text: String::new() });
        }
        if let Some(Open::Thought { at, text: whole }) = &mut self.open {
            whole.push_str(text);
            let at = *at;
            let body = self.place("rs", at, json!({ "summary_index": 0, "delta": text }));
            self.emit("response.reasoning_summary_text.delta", body, out);
        }
    }

    /// Ends the open thought with its proof, or writes a proof that has no words before it.
    fn prove(&mut self, sealed: &str, out: &mut Vec<u8>) {
        match self.open.take() {
            Some(Open::Thought { at, text }) => self.end_thought(at, &text, Some(sealed), out),
            open => {
                self.open = open;
                self.close(out);
                self.close_calls("completed", out);
                let at = self.begin(out, |head, at| {
                    snapshot::reasoning(&head.item_id("rs", at), None, None)
                });
                let id = self.head.item_id("rs", at);
                self.finish(at, snapshot::reasoning(&id, None, Some(sealed)), out);
            }
        }
    }

    fn image(&mut self, media_type: &str, bytes: &[u8], out: &mut Vec<u8>) {
        self.close(out);
        self.close_calls("completed", out);
        let item = |head: &Head, at, status: &str, result: Value| {
            json!({
                "id": head.item_id("ig", at),
                "type": "image_generation_call",
                "status": status,
                "result": result,
            })
        };
        let at = self.begin(out, |head, at| item(head, at, "in_progress", Value::Null));
        for step in ["in_progress", "generating", "completed"] {
            let body = self.place("ig", at, json!({}));
            self.emit(&format!("response.image_generation_call.{step}"), body, out);
        }
        let mut done = item(&self.head, at, "completed", json!(STANDARD.encode(bytes)));
        if let Some(format @ ("png" | "webp" | "jpeg" | "gif")) = media_type.strip_prefix("image/")
        {
            done["output_format"] = json!(format);
        }
        self.finish(at, done, out);
    }

    fn block(&mut self, json: &Value, out: &mut Vec<u8>) {
        if json.get("type").and_then(Value::as_str) != Some(ABOUT_TEXT) {
            self.close(out);
            self.close_calls("completed", out);
            let at = self.begin(out, |_, _| json.clone());
            self.finish(at, json.clone(), out);
            return;
        }
        let Some(Open::Message { at, annotations, .. }) = &mut self.open else { return };
        let at = *at;
        let from = annotations.len();
        let new = json.get("annotations").and_then(Value::as_array);
        let new = new.map_or(&[][..], Vec::as_slice);
        annotations.extend_from_slice(new);
        for (index, annotation) in (from..).zip(new) {
            let body = json!({
                "content_index": 0, "annotation_index": index, "annotation": annotation,
            });
            let body = self.place("msg", at, body);
            self.emit("response.output_text.annotation.added", body, out);
        }
    }

    fn call(&mut self, index: usize, id: &str, name: &str, out: &mut Vec<u8>) {
        self.close(out);
        // A call whose arguments are whole is finished, so that the client can begin with it.
        let (whole, open) = std::mem::take(&mut self.calls).into_iter().partition(|call: &Call| {
            serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok()
        });
        self.calls = open;
        for call in whole {
            self.end_call(call, "completed", out);
        }
        let mut call = Call {
            index,
            at: 0,
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: String::new(),
        };
        call.at = self.begin(out, |head, at| call_item(head, at, &call, "in_progress"));
        self.calls.push(call);
    }

    fn arguments(&mut self, index: usize, delta: &str, out: &mut Vec<u8>) {
        let Some(call) = self.calls.iter_mut().find(|call| call.index == index) else { return };
        call.arguments.push_str(delta);
        let at = call.at;
        let body = self.place("fc", at, json!({ "delta": delta }));
        self.emit("response.function_call_arguments.delta", body, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.close_as("completed", out);
    }

    fn close_as(&mut self, status: &str, out: &mut Vec<u8>) {
        match self.open.take() {
            Some(Open::Message { at, text, annotations }) => {
                let (kind, body) = if self.refuses {
                    ("response.refusal.done", json!({ "content_index": 0, "refusal": text }))
                } else {
                    (
                        "response.output_text.done",
                        json!({ "content_index": 0, "text": text, "logprobs": [] }),
                    )
                };
                let body = self.place("msg", at, body);
                self.emit(kind, body, out);
                let part = self.part(&text, &annotations);
                let body = self.place("msg", at, json!({ "content_index": 0, "part": part }));
                self.emit("response.content_part.done", body, out);
                let id = self.head.item_id("msg", at);
                self.finish(at, snapshot::message(&id, status, json!([part])), out);
            }
            Some(Open::Thought { at, text }) => self.end_thought(at, &text, None, out),
            None => {}
        }
    }

    fn end_thought(&mut self, at: usize, text: &str, sealed: Option<&str>, out: &mut Vec<u8>) {
        let body = self.place("rs", at, json!({ "summary_index": 0, "text": text }));
        self.emit("response.reasoning_summary_text.done", body, out);
        let part = snapshot::summary_text(text);
        let body = self.place("rs", at, json!({ "summary_index": 0, "part": part }));
        self.emit("response.reasoning_summary_part.done", body, out);
        let id = self.head.item_id("rs", at);
        self.finish(at, snapshot::reasoning(&id, Some(text), sealed), out);
    }

    fn close_calls(&mut self, status: &str, out: &mut Vec<u8>) {
        for call in std::mem::take(&mut self.calls) {
            self.end_call(call, status, out);
        }
    }

    fn end_call(&mut self, call: Call, status: &str, out: &mut Vec<u8>) {
        let body = json!({ "name": call.name, "arguments": call.arguments });
        let body = self.place("fc", call.at, body);
        self.emit("response.function_call_arguments.done", body, out);
        let item = call_item(&self.head, call.at, &call, status);
        self.finish(call.at, item, out);
    }

    /// Announces an item and gives its place.
    fn begin(&mut self, out: &mut Vec<u8>, item: impl FnOnce(&Head, usize) -> Value) -> usize {
        self.start(out);
        let at = self.output.len();
        self.output.push(Value::Null);
        let item = item(&self.head, at);
        let body = json!({ "output_index": at, "item": item });
        self.emit("response.output_item.added", body, out);
        at
    }

    fn finish(&mut self, at: usize, item: Value, out: &mut Vec<u8>) {
        let body = json!({ "output_index": at, "item": item });
        self.emit("response.output_item.done", body, out);
        if let Some(place) = self.output.get_mut(at) {
            *place = item;
        }
    }

    fn part(&self, text: &str, annotations: &[Value]) -> Value {
        if self.refuses {
            json!({ "type": "refusal", "refusal": text })
        } else {
            snapshot::output_text(text, annotations)
        }
    }

    /// A body with the place of the item it speaks of.
    fn place(&self, prefix: &str, at: usize, mut body: Value) -> Value {
        body["item_id"] = json!(self.head.item_id(prefix, at));
        body["output_index"] = json!(at);
        body
    }

    fn emit(&mut self, kind: &str, mut body: Value, out: &mut Vec<u8>) {
        body["type"] = json!(kind);
        body["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        sse::write(out, Some(kind), body.to_string().as_bytes());
    }
}

fn call_item(head: &Head, at: usize, call: &Call, status: &str) -> Value {
    json!({
        "id": head.item_id("fc", at),
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    })
}

/// The same items as in a stream; only a refusal can be told as one, because here it is known
/// before the text is written.
pub(crate) fn encode_answer(answer: &Answer, id: &str, model: &str, created_s: i64) -> Value {
    let mut writer = Writer::new(id, model, created_s);
    writer.refuses = answer.stop == Some(StopReason::Refusal) && !answer.text().is_empty();
    let mut stream = Vec::new();
    for event in answer.events() {
        writer.event(&event, &mut stream);
        stream.clear();
    }
    writer.ended(&mut stream)
}

/// The error as an event inside a stream:
/// <https://platform.openai.com/docs/api-reference/responses-streaming/error>
pub(crate) fn error_event(error: &ErrorBody) -> Value {
    let mut body = Map::new();
    body.insert("type".to_owned(), json!("error"));
    body.insert("code".to_owned(), json!(error.code));
    body.insert("message".to_owned(), json!(error.message));
    body.insert("param".to_owned(), json!(error.param));
    body.insert("sequence_number".to_owned(), json!(0));
    if let Some(halo) = &error.halo {
        body.insert("halo".to_owned(), halo.clone());
    }
    Value::Object(body)
}
