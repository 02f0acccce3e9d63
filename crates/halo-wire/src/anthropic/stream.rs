//! Reads answers: streams of events and whole messages.

use std::collections::BTreeMap;

use halo_types::{Protocol, Usage};
use serde_json::{Map, Value, json};

use crate::Event;
use crate::json::{count, label, text};
use crate::machine::Heard;
use crate::stop::{self, Verdict};

/// Blocks open at the same time; the protocol has one, and nobody needs more than this.
const MAX_OPEN: usize = 64;

/// The most citations that one text keeps.
const MAX_CITED: usize = 4_096;

/// The most that is held back of one block: 4 MiB.
const MAX_HELD: usize = 4 * 1024 * 1024;

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    begun: bool,
    stopped: bool,
    terminated: bool,
    calls: usize,
    open: BTreeMap<u64, Open>,
}

/// A block that has begun and not ended.
#[derive(Debug)]
enum Open {
    Text {
        /// What the text refers to.
        citations: Vec<Value>,
    },
    Thinking {
        signature: String,
    },
    Call {
        index: usize,
        /// Arguments given with the start, in case no pieces follow.
        whole: Option<String>,
    },
    /// A block the neutral model cannot hold; collected and handed out whole.
    Other {
        block: Value,
        input: String,
    },
}

impl Machine {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether `message_stop` came.
    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// Takes in one event of a stream.
    pub(crate) fn piece(
        &mut self,
        name: Option<&str>,
        value: &Value,
        out: &mut Vec<Event>,
    ) -> Heard {
        let kind = text(value, "type").or(name).unwrap_or_default();
        match kind {
            "message_start" => {
                let message = value.get("message").unwrap_or(&Value::Null);
                self.start(message, out);
                // Empty in the original; some relays put the whole answer here.
                self.content(message.get("content"), out);
            }
            "content_block_start" => {
                self.start(&Value::Null, out);
                let block = value.get("content_block").unwrap_or(&Value::Null);
                self.open_block(index(value), block, out);
            }
            "content_block_delta" => {
                self.start(&Value::Null, out);
                let delta = value.get("delta").unwrap_or(&Value::Null);
                self.delta(index(value), delta, value, out);
            }
            "content_block_stop" => self.close_block(index(value), out),
            "message_delta" => {
                self.start(&Value::Null, out);
                self.close_all(out);
                usage(value.get("usage"), out);
                let reason = value.get("delta").and_then(|delta| text(delta, "stop_reason"));
                if self.stop(reason, out) == Heard::Failure {
                    return Heard::Failure;
                }
            }
            "message_stop" => {
                self.start(&Value::Null, out);
                self.close_all(out);
                self.terminated = true;
            }
            "ping" => {}
            // A whole message in a frame, from relays that only pretend to stream.
            "message" => return self.whole(value, out),
            _ => return Heard::Foreign,
        }
        Heard::Known
    }

    /// Takes in a whole message.
    pub(crate) fn whole(&mut self, value: &Value, out: &mut Vec<Event>) -> Heard {
        let ours = text(value, "type") == Some("message")
            || (value.get("type").is_none() && text(value, "role") == Some("assistant"));
        let content = value.get("content");
        if !ours || !matches!(content, Some(Value::Array(_) | Value::String(_))) {
            return Heard::Foreign;
        }
        self.start(value, out);
        self.content(content, out);
        let heard = self.stop(text(value, "stop_reason"), out);
        self.terminated = heard == Heard::Known;
        heard
    }

    /// Hands out what was held back.
    pub(crate) fn flush(&mut self, out: &mut Vec<Event>) {
        self.close_all(out);
    }

    fn start(&mut self, message: &Value, out: &mut Vec<Event>) {
        if !self.begun {
            self.begun = true;
            out.push(Event::Start { id: label(message, "id"), model: label(message, "model") });
        }
        usage(message.get("usage"), out);
    }

    fn content(&mut self, content: Option<&Value>, out: &mut Vec<Event>) {
        match content {
            Some(Value::String(text)) if !text.is_empty() => out.push(Event::Text(text.clone())),
            Some(Value::Array(blocks)) => {
                for block in blocks {
                    self.open_block(u64::MAX, block, out);
                    self.close_block(u64::MAX, out);
                }
            }
            _ => {}
        }
    }

    fn open_block(&mut self, at: u64, block: &Value, out: &mut Vec<Event>) {
        self.close_block(at, out);
        if self.open.len() >= MAX_OPEN {
            self.close_all(out);
        }
        let open = match text(block, "type").unwrap_or("text") {
            "text" => {
                out.extend(text(block, "text").map(|text| Event::Text(text.to_owned())));
                let citations = block.get("citations").and_then(Value::as_array);
                Open::Text { citations: citations.cloned().unwrap_or_default() }
            }
            "thinking" => {
                out.extend(text(block, "thinking").map(|text| Event::Thinking(text.to_owned())));
                Open::Thinking {
                    signature: text(block, "signature").unwrap_or_default().to_owned(),
                }
            }
            "redacted_thinking" => {
                let data = text(block, "data").unwrap_or_default().to_owned();
                out.push(Event::RedactedThinking { protocol: Protocol::Anthropic, data });
                Open::Text { citations: Vec::new() }
            }
            "tool_use" => {
                let index = self.calls;
                self.calls += 1;
                out.push(Event::ToolCall {
                    index,
                    id: label(block, "id").unwrap_or_else(|| format!("toolu_{index}")),
                    name: text(block, "name").unwrap_or_default().to_owned(),
                });
                let whole = match block.get("input") {
                    Some(Value::Object(map)) if !map.is_empty() => {
                        Some(Value::Object(map.clone()).to_string())
                    }
                    Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
                    _ => None,
                };
                Open::Call { index, whole }
            }
            _ => Open::Other { block: block.clone(), input: String::new() },
        };
        self.open.insert(at, open);
    }

    fn delta(&mut self, at: u64, delta: &Value, event: &Value, out: &mut Vec<Event>) {
        let kind = text(delta, "type").unwrap_or("text_delta");
        let piece = |key| text(delta, key).map(str::to_owned);
        match (kind, self.open.get_mut(&at)) {
            ("input_json_delta", Some(Open::Other { input, .. })) => {
                hold(input, text(delta, "partial_json"));
            }
            ("input_json_delta", Some(Open::Call { index, whole })) => {
                if let Some(delta) = piece("partial_json") {
                    *whole = None;
                    out.push(Event::ToolArguments { index: *index, delta });
                }
            }
            ("citations_delta", Some(Open::Text { citations })) if citations.len() < MAX_CITED => {
                citations.extend(delta.get("citation").cloned());
            }
            ("text_delta", _) => out.extend(piece("text").map(Event::Text)),
            ("thinking_delta", open) => {
                if open.is_none() && self.open.len() < MAX_OPEN {
                    self.open.insert(at, Open::Thinking { signature: String::new() });
                }
                out.extend(piece("thinking").map(Event::Thinking));
            }
            ("signature_delta", Some(Open::Thinking { signature })) => {
                hold(signature, text(delta, "signature"));
            }
            ("signature_delta", _) => out.extend(piece("signature").map(signed)),
            _ => out.push(Event::Unknown { json: event.clone() }),
        }
    }

    fn close_block(&mut self, at: u64, out: &mut Vec<Event>) {
        match self.open.remove(&at) {
            Some(Open::Thinking { signature }) if !signature.is_empty() => {
                out.push(signed(signature));
            }
            // Without a type, since no block of a request has this form.
            Some(Open::Text { citations }) if !citations.is_empty() => {
                let json = json!({ "citations": citations });
                out.push(Event::Block { protocol: Protocol::Anthropic, json });
            }
            Some(Open::Call { index, whole: Some(delta) }) => {
                out.push(Event::ToolArguments { index, delta });
            }
            Some(Open::Other { mut block, input }) => {
                if let (Value::Object(block), Ok(input)) =
                    (&mut block, serde_json::from_str::<Map<String, Value>>(&input))
                {
                    block.insert("input".to_owned(), json!(input));
                }
                out.push(Event::Block { protocol: Protocol::Anthropic, json: block });
            }
            _ => {}
        }
    }

    fn close_all(&mut self, out: &mut Vec<Event>) {
        while let Some((&at, _)) = self.open.first_key_value() {
            self.close_block(at, out);
        }
    }

    fn stop(&mut self, reason: Option<&str>, out: &mut Vec<Event>) -> Heard {
        match reason.map(stop::read) {
            Some(Verdict::Failed) => return Heard::Failure,
            Some(Verdict::Stop(reason)) if !self.stopped => {
                self.stopped = true;
                out.push(Event::Stop(reason));
            }
            _ => {}
        }
        Heard::Known
    }
}

fn signed(proof: String) -> Event {
    Event::Signature { protocol: Protocol::Anthropic, proof }
}

fn hold(held: &mut String, piece: Option<&str>) {
    let piece = piece.unwrap_or_default();
    if held.len() + piece.len() <= MAX_HELD {
        held.push_str(piece);
    }
}

fn index(value: &Value) -> u64 {
    value.get("index").and_then(count).unwrap_or_default()
}

/// Anthropic counts the input without what was read from or written to a cache; the neutral
/// figure includes both.
fn usage(value: Option<&Value>, out: &mut Vec<Event>) {
    let figure = |key| value.and_then(|value| value.get(key)).and_then(count);
    let cache_read = figure("cache_read_input_tokens");
    let cache_write = figure("cache_creation_input_tokens");
    let usage = Usage {
        input: figure("input_tokens").map(|fresh| {
            fresh
                .saturating_add(cache_read.unwrap_or_default())
                .saturating_add(cache_write.unwrap_or_default())
        }),
        output: figure("output_tokens"),
        cache_read,
        cache_write,
        thinking: value
            .and_then(|value| value.pointer("/output_tokens_details/thinking_tokens"))
            .and_then(count),
    };
    if usage != Usage::default() {
        out.push(Event::Usage(usage));
    }
}
