//! Reads answers: streams of events
//! (<https://platform.openai.com/docs/api-reference/responses-streaming>) and whole responses.

use halo_types::{StopReason, Usage};
use serde_json::Value;

use super::items::{self, Channel};
use super::output::Output;
use crate::Event;
use crate::json::{count, first_count, label, text};
use crate::machine::Heard;
use crate::stop::{self, Verdict};

/// The most that is kept of items that were announced with content: 4 MiB.
const MAX_SEEDS: usize = 4 * 1024 * 1024;

/// Citations kept of one text until it is finished.
const MAX_CITATIONS: usize = 1024;

/// Tools that run at the provider. Their events say how far they are; the finished item holds
/// everything.
const TOOLS: &[&str] = &[
    "response.apply_patch_call",
    "response.code_interpreter_call",
    "response.compaction.",
    "response.computer_call",
    "response.custom_tool_call_input.",
    "response.file_search_call.",
    "response.image_generation_call.",
    "response.local_shell_call",
    "response.mcp_",
    "response.shell_call",
    "response.steer.",
    "response.tool_search_call",
    "response.web_search_call.",
];

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    begun: bool,
    terminated: bool,
    /// How much is kept of items that were announced with content, in bytes.
    seeds: usize,
    output: Output,
}

impl Machine {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether `response.completed` or `response.incomplete` came.
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
        let is_response = text(value, "object") == Some("response");
        let response = value.get("response").filter(|response| response.is_object());
        let response = response.or_else(|| is_response.then_some(value)).unwrap_or(&Value::Null);
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(response, out);
            }
            "response.completed" | "response.done" => return self.end(response, false, out),
            "response.incomplete" => return self.end(response, true, out),
            "response.failed" | "response.cancelled" | "response.error" => return Heard::Failure,
            "response.output_item.added" => self.added(value, out),
            "response.output_item.done" => self.done(value, out),
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                self.start(&Value::Null, out);
            }
            "response.content_part.done" => self.part_done(value, out),
            "response.output_text.delta" => self.delta("message", Channel::Content, value, out),
            "response.output_text.done" => {
                self.whole_text("message", Channel::Content, value.get("text"), value, out);
            }
            "response.refusal.delta" => {
                self.output.refused = true;
                self.delta("message", Channel::Content, value, out);
            }
            "response.refusal.done" => {
                self.output.refused = true;
                self.whole_text("message", Channel::Content, value.get("refusal"), value, out);
            }
            "response.output_text.annotation.added" => self.citation(value),
            "response.reasoning_summary_text.delta" | "response.reasoning_summary.delta" => {
                self.delta("reasoning", Channel::Summary, value, out);
            }
            "response.reasoning_summary_text.done" | "response.reasoning_summary.done" => {
                self.whole_text("reasoning", Channel::Summary, value.get("text"), value, out);
            }
            "response.reasoning_summary_part.done" => {
                let whole = value.pointer("/part/text");
                self.whole_text("reasoning", Channel::Summary, whole, value, out);
            }
            "response.reasoning_text.delta" | "response.reasoning.delta" => {
                self.delta("reasoning", Channel::Thought, value, out);
            }
            "response.reasoning_text.done" | "response.reasoning.done" => {
                self.whole_text("reasoning", Channel::Thought, value.get("text"), value, out);
            }
            "response.function_call_arguments.delta" => {
                self.delta("function_call", Channel::Arguments, value, out);
            }
            "response.function_call_arguments.done" => {
                let whole = value.get("arguments");
                self.whole_text("function_call", Channel::Arguments, whole, value, out);
            }
            "keepalive" | "ping" => {}
            _ if TOOLS.iter().any(|tool| kind.starts_with(tool)) => self.start(&Value::Null, out),
            _ if is_response => match text(value, "status") {
                Some("failed" | "cancelled") => return Heard::Failure,
                Some("in_progress" | "queued") => self.start(response, out),
                _ => return self.end(response, false, out),
            },
            // Newer than this reader.
            _ if kind.starts_with("response.") => out.push(Event::Unknown { json: value.clone() }),
            _ => return Heard::Foreign,
        }
        Heard::Known
    }

    /// Takes in a whole response. One that is still being made is no answer; it is left to
    /// [`Machine::piece`], which does not take it for one.
    pub(crate) fn whole(&mut self, value: &Value, out: &mut Vec<Event>) -> Heard {
        let has_output = matches!(value.get("output"), Some(Value::Array(_)));
        let has_text = matches!(value.get("output_text"), Some(Value::String(_)));
        let says_so = text(value, "object") == Some("response");
        let dressed = value.get("type").is_none() && value.get("choices").is_none();
        if !(says_so || (dressed && has_output)) {
            return Heard::Foreign;
        }
        match text(value, "status") {
            Some("failed" | "cancelled") => Heard::Failure,
            Some("in_progress" | "queued") => Heard::Foreign,
            _ if has_output || has_text => self.end(value, false, out),
            _ => Heard::Foreign,
        }
    }

    /// Hands out what was held back.
    pub(crate) fn flush(&mut self, out: &mut Vec<Event>) {
        self.output.flush(out);
    }

    fn start(&mut self, response: &Value, out: &mut Vec<Event>) {
        if !self.begun {
            self.begun = true;
            self.output.id = label(response, "id");
            out.push(Event::Start { id: self.output.id.clone(), model: label(response, "model") });
        }
    }

    fn end(&mut self, response: &Value, cut: bool, out: &mut Vec<Event>) -> Heard {
        let status = text(response, "status").unwrap_or_default();
        if matches!(status, "failed" | "cancelled") {
            return Heard::Failure;
        }
        self.start(response, out);
        let output = response.get("output").and_then(Value::as_array);
        let output = output.map_or(&[][..], Vec::as_slice);
        for (item, at) in output.iter().zip(self.output.items.matching(output)) {
            self.output.finish(at, item, out);
        }
        let spoke = self.output.items.list.iter().any(|item| item.kind == "message");
        if let (Some(whole), false) = (response.get("output_text"), spoke) {
            self.whole_text("message", Channel::Content, Some(whole), &Value::Null, out);
        }
        // Relays that pretend to stream announce an item with all it has and say no more.
        for at in 0..self.output.items.list.len() {
            if let Some(seed) = self.output.items.list[at].seed.take()
                && self.output.items.list[at].is_silent()
            {
                self.output.finish(Some(at), &seed, out);
            }
        }
        self.flush(out);
        usage(response, out);
        let Some(reason) = self.reason(response, cut || status == "incomplete") else {
            return Heard::Failure;
        };
        // A stream with a hole in it may end twice.
        if !std::mem::replace(&mut self.terminated, true) {
            out.push(Event::Stop(reason));
        }
        Heard::Known
    }

    /// Why it stopped; `None` where the provider failed.
    fn reason(&self, response: &Value, cut: bool) -> Option<StopReason> {
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
        // Some relays keep the reason of the protocol they translate from, and nothing else:
        // <https://github.com/maximhq/bifrost/issues/4679>
        let reason = reason.or_else(|| text(response, "stop_reason"));
        match reason.map(stop::read) {
            Some(Verdict::Failed) => return None,
            Some(Verdict::Stop(StopReason::End)) | None => {}
            Some(Verdict::Stop(StopReason::Other { .. })) if !cut => {}
            Some(Verdict::Stop(reason)) => return Some(reason),
        }
        Some(if cut {
            StopReason::Other { raw: "incomplete".to_owned() }
        } else if self.output.refused {
            StopReason::Refusal
        } else if self.output.calls > 0 {
            StopReason::Tool
        } else {
            StopReason::End
        })
    }

    fn added(&mut self, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        let Some(item) = value.get("item").filter(|item| item.is_object()) else { return };
        let Some(at) = self.output.items.announced(item, wire(value)) else {
            out.push(Event::Unknown { json: value.clone() });
            return;
        };
        let has = |key: &str| match item.get(key) {
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Object(_)) => true,
            _ => false,
        };
        let has_content = match items::kind(item) {
            "message" => has("content"),
            "reasoning" => has("content") || has("summary"),
            "function_call" => has("arguments"),
            _ => true,
        };
        if has_content {
            let size = item.to_string().len();
            if self.seeds + size <= MAX_SEEDS {
                self.seeds += size;
                self.output.items.list[at].seed = Some(item.clone());
            }
        }
        let known = &self.output.items.list[at];
        if known.kind == "function_call" && known.name.is_some() && known.call_id.is_some() {
            self.output.announce(at, out);
        }
    }

    fn done(&mut self, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        if let Some(item) = value.get("item").filter(|item| item.is_object()) {
            let at = self.output.items.finished(item, wire(value));
            self.output.finish(at, item, out);
        }
    }

    fn part_done(&mut self, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        let part = value.get("part").unwrap_or(&Value::Null);
        if text(part, "type") == Some("reasoning_text") {
            return self.whole_text("reasoning", Channel::Thought, part.get("text"), value, out);
        }
        let id = label(value, "item_id");
        match self.output.items.place("message", wire(value), id.as_ref()) {
            Some(at) => self.output.finish_part(at, index(value), part, out),
            None => out.push(Event::Unknown { json: value.clone() }),
        }
    }

    fn delta(&mut self, kind: &str, channel: Channel, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        let piece = match value.get("delta") {
            Some(Value::String(piece)) => piece.clone(),
            // Arguments as an object are whole, other deltas wrap their text.
            Some(delta @ Value::Object(_)) if channel == Channel::Arguments => delta.to_string(),
            Some(delta) => text(delta, "text").unwrap_or_default().to_owned(),
            None => return,
        };
        let id = label(value, "item_id");
        match self.output.items.place(kind, wire(value), id.as_ref()) {
            Some(at) => self.output.say(at, channel, index(value), &piece, out),
            None => out.push(Event::Unknown { json: value.clone() }),
        }
    }

    fn whole_text(
        &mut self,
        kind: &str,
        channel: Channel,
        whole: Option<&Value>,
        value: &Value,
        out: &mut Vec<Event>,
    ) {
        self.start(&Value::Null, out);
        let Some(whole) = whole.and_then(items::written) else { return };
        let id = label(value, "item_id");
        match self.output.items.place(kind, wire(value), id.as_ref()) {
            Some(at) => self.output.complete(at, channel, index(value), &whole, out),
            None => out.push(Event::Unknown { json: value.clone() }),
        }
    }

    fn citation(&mut self, value: &Value) {
        let id = label(value, "item_id");
        let Some(at) = self.output.items.place("message", wire(value), id.as_ref()) else { return };
        let citation = value.get("annotation").filter(|citation| citation.is_object());
        if let (Some(citation), Some(said)) =
            (citation, self.output.items.text(at, Channel::Content, index(value)))
            && said.citations.len() < MAX_CITATIONS
        {
            said.citations.push(citation.clone());
        }
    }
}

fn wire(value: &Value) -> Option<u64> {
    value.get("output_index").and_then(count)
}

fn index(value: &Value) -> u64 {
    first_count(value, &["content_index", "summary_index"]).unwrap_or_default()
}

fn usage(response: &Value, out: &mut Vec<Event>) {
    let usage = response.get("usage").unwrap_or(&Value::Null);
    let figure = |keys: &[&str]| first_count(usage, keys);
    let usage = Usage {
        input: figure(&["input_tokens", "prompt_tokens"]),
        output: figure(&["output_tokens", "completion_tokens"]),
        cache_read: figure(&[
            "input_tokens_details.cached_tokens",
            "prompt_tokens_details.cached_tokens",
        ]),
        cache_write: figure(&["input_tokens_details.cache_write_tokens"]),
        thinking: figure(&[
            "output_tokens_details.reasoning_tokens",
            "completion_tokens_details.reasoning_tokens",
        ]),
    };
    if usage != Usage::default() {
        out.push(Event::Usage(usage));
    }
}
