//! Reads answers: streams of chunks and whole completions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use halo_types::{Protocol, StopReason, Usage};
use serde_json::{Value, json};

use crate::Event;
use crate::json::{count, first_count, label, text};
use crate::machine::Heard;
use crate::openai_chat::decode::data_url;
use crate::openai_chat::quick;
use crate::server::decode_base64;
use crate::stop::{self, Verdict};

/// More calls than this in one answer are reported as unknown.
const MAX_CALLS: usize = 1024;

/// Arguments held back while a call still lacks its name.
const MAX_HELD: usize = 64 * 1024;

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    begun: bool,
    /// The id of the answer, for naming calls that come without one.
    id: Option<String>,
    had_text: bool,
    refused: bool,
    stopped: bool,
    done: bool,
    usage: Option<Usage>,
    calls: Vec<Call>,
    /// The latest call under each index of the wire; some servers give every call index 0.
    by_wire: BTreeMap<u64, usize>,
    /// What the last plain chunk was but for its text.
    pub(super) frame: quick::Frame,
}

#[derive(Debug)]
struct Call {
    id: Option<String>,
    announced: bool,
    /// Its arguments came in one piece together with its name; another name is another call.
    whole: bool,
    held: String,
}

/// A picture that the model made. Not OpenAI's own, but OpenRouter's way, which others follow:
/// <https://openrouter.ai/docs/features/multimodal/image-generation>
fn image(part: &Value) -> Event {
    let url = part.pointer("/image_url/url").or_else(|| part.get("image_url"));
    let decoded = url.and_then(Value::as_str).and_then(data_url).and_then(|(media_type, data)| {
        Some(Event::Image { media_type: media_type.to_owned(), bytes: decode_base64(data)? })
    });
    decoded.unwrap_or_else(|| Event::Block {
        protocol: Protocol::OpenaiChat,
        json: json!({ "images": [part] }),
    })
}

impl Machine {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the end of input may come now. Many servers forget `[DONE]`, none sends a finish
    /// reason before the answer is whole.
    pub(crate) fn is_complete(&self) -> bool {
        self.stopped || (self.done && self.begun)
    }

    pub(crate) fn saw_done_marker(&self) -> bool {
        self.done
    }

    pub(crate) fn done_marker(&mut self) -> bool {
        self.done = true;
        self.begun
    }

    /// Takes in a chunk that holds nothing but a piece of text or thinking, as nearly all do.
    /// `false` where it may hold more.
    pub(crate) fn quick(&mut self, data: &[u8], out: &mut Vec<Event>) -> bool {
        if let Some(text) = self.frame.text(data) {
            self.had_text = true;
            out.push(Event::Text(text));
            return true;
        }
        // The first chunk names the answer.
        let Some(delta) = self.begun.then(|| quick::delta(data)).flatten() else {
            return false;
        };
        let plain = delta.thought.is_none();
        if let Some(thought) = delta.thought {
            out.push(Event::Thinking(thought.into_owned()));
        }
        if let Some(text) = delta.text {
            self.had_text = true;
            if let (Cow::Borrowed(text), true) = (&text, plain) {
                self.frame.learn(data, text);
            }
            out.push(Event::Text(text.into_owned()));
        }
        true
    }

    /// Takes in one chunk of a stream.
    pub(crate) fn piece(&mut self, value: &Value, out: &mut Vec<Event>) -> Heard {
        let choices = value.get("choices");
        let is_chunk = matches!(choices, Some(Value::Array(_)))
            || text(value, "object").is_some_and(|kind| kind.starts_with("chat.completion"))
            || (matches!(choices, None | Some(Value::Null))
                && value.get("usage").is_some_and(Value::is_object));
        if !is_chunk {
            return Heard::Foreign;
        }
        let choices = choices.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        self.start(value, !choices.is_empty(), out);
        self.usage(value, out);
        for choice in choices {
            if choice.get("index").and_then(count).unwrap_or_default() > 0 {
                out.push(Event::Unknown { json: json!({ "choices": [choice] }) });
                continue;
            }
            if self.choice(choice, out) == Heard::Failure {
                return Heard::Failure;
            }
        }
        Heard::Known
    }

    /// Takes in a whole completion.
    pub(crate) fn whole(&mut self, value: &Value, out: &mut Vec<Event>) -> Heard {
        let whole = value.get("choices").and_then(Value::as_array).is_some_and(|choices| {
            choices.first().is_some_and(|choice| {
                choice.get("message").is_some_and(Value::is_object)
                    || (choice.get("delta").is_none() && choice.get("text").is_some())
            })
        });
        if !whole {
            return Heard::Foreign;
        }
        let heard = self.piece(value, out);
        if heard == Heard::Known {
            self.flush(out);
            self.stopped = true;
        }
        heard
    }

    /// Announces calls that never got a name.
    pub(crate) fn flush(&mut self, out: &mut Vec<Event>) {
        for index in 0..self.calls.len() {
            self.announce(index, "", out);
        }
    }

    fn start(&mut self, value: &Value, has_choices: bool, out: &mut Vec<Event>) {
        if self.begun {
            return;
        }
        let (id, model) = (label(value, "id"), label(value, "model"));
        // Azure opens with a chunk about its filter that names neither.
        if has_choices || id.is_some() || model.is_some() {
            self.begun = true;
            self.id.clone_from(&id);
            out.push(Event::Start { id, model });
        }
    }

    fn choice(&mut self, choice: &Value, out: &mut Vec<Event>) -> Heard {
        let object = |key| choice.get(key).filter(|value| value.is_object());
        // Perplexity repeats the whole message beside each delta; only one of them may count.
        let delta = object("delta").or_else(|| object("message").filter(|_| !self.had_text));
        match delta {
            Some(delta) => self.delta(delta, out),
            None => {
                if let Some(text) = text(choice, "text") {
                    self.text(text, out);
                }
            }
        }
        let Some(raw) = text(choice, "finish_reason") else {
            return Heard::Known;
        };
        self.flush(out);
        match stop::read(raw) {
            Verdict::Failed => return Heard::Failure,
            Verdict::Stop(reason) if !self.stopped => {
                self.stopped = true;
                let reason = match reason {
                    StopReason::End if self.refused => StopReason::Refusal,
                    StopReason::End if !self.calls.is_empty() => StopReason::Tool,
                    reason => reason,
                };
                out.push(Event::Stop(reason));
            }
            Verdict::Stop(_) => {}
        }
        Heard::Known
    }

    fn delta(&mut self, delta: &Value, out: &mut Vec<Event>) {
        self.reasoning(delta, out);
        match delta.get("content") {
            Some(Value::String(text)) => self.text(text, out),
            Some(Value::Array(parts)) => {
                for part in parts {
                    self.content_part(part, out);
                }
            }
            Some(part @ Value::Object(_)) => self.content_part(part, out),
            _ => {}
        }
        if let Some(refusal) = text(delta, "refusal") {
            self.refused = true;
            self.text(refusal, out);
        }
        match delta.get("tool_calls") {
            Some(Value::Array(calls)) => {
                for call in calls {
                    self.call(call, out);
                }
            }
            Some(call @ Value::Object(_)) => self.call(call, out),
            _ => {}
        }
        if let Some(call) = delta.get("function_call").filter(|call| call.is_object()) {
            self.call(&json!({ "index": 0, "function": call }), out);
        }
        if let Some(Value::Array(images)) = delta.get("images") {
            out.extend(images.iter().map(image));
        }
        for key in ["audio", "annotations"] {
            let there = delta.get(key).filter(|value| match value {
                Value::Array(items) => !items.is_empty(),
                value => !value.is_null(),
            });
            let block = |value| Event::Block {
                protocol: Protocol::OpenaiChat,
                json: json!({ key: value }),
            };
            out.extend(there.map(block));
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Event>) {
        if !text.is_empty() {
            self.had_text = true;
            out.push(Event::Text(text.to_owned()));
        }
    }

    fn content_part(&mut self, part: &Value, out: &mut Vec<Event>) {
        match text(part, "type").unwrap_or("text") {
            "text" | "output_text" => self.text(text(part, "text").unwrap_or_default(), out),
            "refusal" => {
                self.refused = true;
                self.text(text(part, "refusal").unwrap_or_default(), out);
            }
            // Mistral nests its thinking one level deeper.
            "thinking" => match part.get("thinking") {
                Some(Value::String(text)) if !text.is_empty() => {
                    out.push(Event::Thinking(text.clone()));
                }
                Some(Value::Array(inner)) => {
                    let texts = inner.iter().filter_map(|inner| text(inner, "text"));
                    out.extend(texts.map(|text| Event::Thinking(text.to_owned())));
                }
                _ => {}
            },
            "image_url" | "image" => out.push(image(part)),
            _ => out.push(Event::Unknown { json: json!({ "content": [part] }) }),
        }
    }

    /// Servers that know several names for the thinking send the same words under each.
    fn reasoning(&self, delta: &Value, out: &mut Vec<Event>) {
        let plain =
            ["reasoning_content", "reasoning", "thinking"].iter().find_map(|key| text(delta, key));
        if let Some(thought) = plain {
            out.push(Event::Thinking(thought.to_owned()));
            return;
        }
        let details = delta.get("reasoning_details").and_then(Value::as_array);
        for detail in details.map_or(&[][..], Vec::as_slice) {
            let thought = text(detail, "text").or_else(|| text(detail, "summary"));
            out.extend(thought.map(|thought| Event::Thinking(thought.to_owned())));
        }
    }

    fn call(&mut self, call: &Value, out: &mut Vec<Event>) {
        let function = call.get("function").unwrap_or(&Value::Null);
        let id = label(call, "id");
        let name = text(function, "name").unwrap_or_default();
        let wire = call.get("index").and_then(count);
        let known = match wire {
            Some(wire) => self.by_wire.get(&wire).copied(),
            // Without an index, a piece that names nothing continues the latest call.
            None => self.calls.len().checked_sub(1).filter(|_| id.is_none() && name.is_empty()),
        };
        let known = known.filter(|&index| {
            let another =
                id.is_some() && self.calls[index].id.is_some() && self.calls[index].id != id;
            name.is_empty() || !(another || self.calls[index].whole)
        });
        let index = match known {
            Some(index) => index,
            None if self.calls.len() >= MAX_CALLS => {
                out.push(Event::Unknown { json: json!({ "tool_calls": [call] }) });
                return;
            }
            None => {
                let index = self.calls.len();
                self.calls.push(Call {
                    id: None,
                    announced: false,
                    whole: false,
                    held: String::new(),
                });
                self.by_wire.insert(wire.unwrap_or(index as u64), index);
                index
            }
        };
        if let Some(id) = id
            && self.calls[index].id.is_none()
        {
            self.calls[index].id = Some(id);
        }
        if !name.is_empty() {
            self.announce(index, name, out);
        }
        let piece = match function.get("arguments") {
            Some(Value::String(piece)) => piece.clone(),
            Some(whole @ (Value::Object(_) | Value::Array(_))) => whole.to_string(),
            _ => return,
        };
        if piece.is_empty() {
            return;
        }
        let call = &mut self.calls[index];
        call.whole = !name.is_empty()
            && known.is_none()
            && serde_json::from_str::<serde::de::IgnoredAny>(&piece).is_ok();
        if call.announced {
            out.push(Event::ToolArguments { index, delta: piece });
        } else {
            call.held.push_str(&piece);
            if call.held.len() > MAX_HELD {
                self.announce(index, "", out);
            }
        }
    }

    fn announce(&mut self, index: usize, name: &str, out: &mut Vec<Event>) {
        let call = &mut self.calls[index];
        if call.announced {
            return;
        }
        call.announced = true;
        let id = call.id.clone().unwrap_or_else(|| {
            // Calls of different answers must not share an id, or their results get mixed up.
            let answer = self.id.as_deref().unwrap_or_default();
            format!("call_{answer}{}{index}", if answer.is_empty() { "" } else { "_" })
        });
        out.push(Event::ToolCall { index, id, name: name.to_owned() });
        let held = std::mem::take(&mut call.held);
        if !held.is_empty() {
            out.push(Event::ToolArguments { index, delta: held });
        }
    }

    /// Usage stands at the top, in the choice (Moonshot) or in an extension (Groq).
    fn usage(&mut self, value: &Value, out: &mut Vec<Event>) {
        let places = ["/usage", "/choices/0/usage", "/x_groq/usage"];
        let Some(usage) =
            places.iter().find_map(|place| value.pointer(place).filter(|usage| usage.is_object()))
        else {
            return;
        };
        let figure = |keys: &[&str]| first_count(usage, keys);
        let usage = Usage {
            input: figure(&["prompt_tokens", "input_tokens"]),
            output: figure(&["completion_tokens", "output_tokens"]),
            cache_read: figure(&[
                "prompt_tokens_details.cached_tokens",
                "prompt_cache_hit_tokens",
                "cached_tokens",
                "input_tokens_details.cached_tokens",
            ]),
            cache_write: figure(&[
                "prompt_tokens_details.cache_write_tokens",
                "prompt_tokens_details.cache_creation_tokens",
            ]),
            thinking: figure(&[
                "completion_tokens_details.reasoning_tokens",
                "output_tokens_details.reasoning_tokens",
                "reasoning_tokens",
            ]),
        };
        if usage != Usage::default() && self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(Event::Usage(usage));
        }
    }
}
