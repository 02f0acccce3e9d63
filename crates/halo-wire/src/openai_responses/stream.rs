//! Reads answers: streams of events
//! (<https://platform.openai.com/docs/api-reference/responses-streaming>) and whole responses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{Protocol, StopReason, Usage};
use serde_json::{Value, json};

use super::items::{Channel, Items};
use super::{ABOUT_TEXT, items, proof};
use crate::Event;
use crate::decoder::Heard;
use crate::json::{count, first_count, label, text};
use crate::stop::{self, Verdict};

/// Arguments held back while a call still lacks its name.
const MAX_HELD: usize = 64 * 1024;

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
    refused: bool,
    /// The latest thing handed out was thinking without a proof.
    unsigned: bool,
    /// The id of the answer, for naming calls that come without one.
    id: Option<String>,
    calls: usize,
    seeds: usize,
    items: Items,
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
                self.refused = true;
                self.delta("message", Channel::Content, value, out);
            }
            "response.refusal.done" => {
                self.refused = true;
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

    /// Announces calls that never got a name.
    pub(crate) fn flush(&mut self, out: &mut Vec<Event>) {
        for at in 0..self.items.list.len() {
            if self.items.list[at].kind == "function_call" {
                self.announce(at, out);
            }
        }
    }

    fn start(&mut self, response: &Value, out: &mut Vec<Event>) {
        if !self.begun {
            self.begun = true;
            self.id = label(response, "id");
            out.push(Event::Start { id: self.id.clone(), model: label(response, "model") });
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
        for (item, at) in output.iter().zip(self.items.matching(output)) {
            self.finish(at, item, out);
        }
        let spoke = self.items.list.iter().any(|item| item.kind == "message");
        if let (Some(whole), false) = (response.get("output_text"), spoke) {
            self.whole_text("message", Channel::Content, Some(whole), &Value::Null, out);
        }
        // Relays that pretend to stream announce an item with all it has and say no more.
        for at in 0..self.items.list.len() {
            if let Some(seed) = self.items.list[at].seed.take()
                && self.items.list[at].is_silent()
            {
                self.finish(Some(at), &seed, out);
            }
        }
        self.cite_all(out);
        self.flush(out);
        usage(response, out);
        let Some(reason) = self.reason(response, cut || status == "incomplete") else {
            return Heard::Failure;
        };
        out.push(Event::Stop(reason));
        self.terminated = true;
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
        } else if self.refused {
            StopReason::Refusal
        } else if self.calls > 0 {
            StopReason::Tool
        } else {
            StopReason::End
        })
    }

    fn added(&mut self, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        let Some(item) = value.get("item").filter(|item| item.is_object()) else { return };
        let Some(at) = self.items.announced(item, wire(value)) else {
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
                self.items.list[at].seed = Some(item.clone());
            }
        }
        let known = &self.items.list[at];
        if known.kind == "function_call" && known.name.is_some() && known.call_id.is_some() {
            self.announce(at, out);
        }
    }

    fn done(&mut self, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        if let Some(item) = value.get("item").filter(|item| item.is_object()) {
            let at = self.items.finished(item, wire(value));
            self.finish(at, item, out);
        }
    }

    /// Hands out what is missing of a finished item.
    fn finish(&mut self, at: Option<usize>, item: &Value, out: &mut Vec<Event>) {
        let Some(at) = at.filter(|at| *at < self.items.list.len()) else {
            out.push(Event::Unknown { json: item.clone() });
            return;
        };
        match items::kind(item) {
            "message" => {
                match item.get("content") {
                    Some(Value::Array(parts)) => {
                        for (index, part) in (0..).zip(parts) {
                            self.finish_part(at, index, part, out);
                        }
                    }
                    Some(Value::String(whole)) => {
                        self.complete(at, Channel::Content, 0, whole, out);
                    }
                    _ => {}
                }
                self.cite(at, out);
            }
            "reasoning" => {
                for (key, channel) in [("summary", Channel::Summary), ("content", Channel::Thought)]
                {
                    let parts = item.get(key).and_then(Value::as_array);
                    for (index, part) in (0..).zip(parts.map_or(&[][..], Vec::as_slice)) {
                        if let Some(whole) = text(part, "text") {
                            self.complete(at, channel, index, whole, out);
                        }
                    }
                }
                self.sign(at, item, out);
            }
            "function_call" => {
                self.announce(at, out);
                if let Some(whole) = item.get("arguments").and_then(written) {
                    self.complete(at, Channel::Arguments, 0, &whole, out);
                }
            }
            _ if self.items.list[at].done => {}
            "image_generation_call" => {
                out.push(image(item).unwrap_or_else(|| block(item.clone())));
            }
            _ => out.push(block(item.clone())),
        }
        let known = &mut self.items.list[at];
        self.unsigned &= known.kind == "reasoning";
        known.done = true;
        known.seed = None;
    }

    fn finish_part(&mut self, at: usize, index: u64, part: &Value, out: &mut Vec<Event>) {
        let whole = match text(part, "type").unwrap_or(ABOUT_TEXT) {
            "refusal" => {
                self.refused = true;
                text(part, "refusal")
            }
            "output_text" | "text" => text(part, "text"),
            // From open models, which think inside the message.
            "reasoning_text" | "summary_text" => return,
            _ => {
                if let Some(said) = self.items.text(at, Channel::Content, index)
                    && !std::mem::replace(&mut said.cited, true)
                {
                    out.push(block(part.clone()));
                }
                return;
            }
        };
        if let Some(whole) = whole {
            self.complete(at, Channel::Content, index, whole, out);
        }
        let citations = part.get("annotations").and_then(Value::as_array);
        if let (Some(citations), Some(said)) =
            (citations, self.items.text(at, Channel::Content, index))
            && !citations.is_empty()
            && !std::mem::replace(&mut said.cited, true)
        {
            out.push(about_text(citations));
        }
    }

    fn part_done(&mut self, value: &Value, out: &mut Vec<Event>) {
        self.start(&Value::Null, out);
        let part = value.get("part").unwrap_or(&Value::Null);
        if text(part, "type") == Some("reasoning_text") {
            return self.whole_text("reasoning", Channel::Thought, part.get("text"), value, out);
        }
        let id = label(value, "item_id");
        match self.items.place("message", wire(value), id.as_ref()) {
            Some(at) => self.finish_part(at, index(value), part, out),
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
        match self.items.place(kind, wire(value), id.as_ref()) {
            Some(at) => self.say(at, channel, index(value), &piece, out),
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
        let Some(whole) = whole.and_then(written) else { return };
        let id = label(value, "item_id");
        match self.items.place(kind, wire(value), id.as_ref()) {
            Some(at) => self.complete(at, channel, index(value), &whole, out),
            None => out.push(Event::Unknown { json: value.clone() }),
        }
    }

    /// Hands out what is missing of a finished text.
    fn complete(
        &mut self,
        at: usize,
        channel: Channel,
        index: u64,
        whole: &str,
        out: &mut Vec<Event>,
    ) {
        let Some(said) = self.items.text(at, channel, index) else { return };
        match said.rest(whole) {
            Some(rest) => {
                let rest = rest.to_owned();
                self.say(at, channel, index, &rest, out);
            }
            // What was handed out cannot be taken back, and must not come twice.
            None if !std::mem::replace(&mut said.differs, true) => {
                out.push(Event::Unknown { json: json!({ "finished_text": whole }) });
            }
            None => {}
        }
    }

    /// Hands out a piece of a text.
    fn say(&mut self, at: usize, channel: Channel, index: u64, piece: &str, out: &mut Vec<Event>) {
        if piece.is_empty() {
            return;
        }
        let Some(said) = self.items.text(at, channel, index) else {
            out.push(Event::Unknown { json: json!({ "text": piece }) });
            return;
        };
        let first = said.is_empty();
        said.add(piece);
        let item = &mut self.items.list[at];
        match channel {
            Channel::Content => {
                self.unsigned = false;
                out.push(Event::Text(piece.to_owned()));
            }
            Channel::Summary | Channel::Thought => {
                if *item.thinks_in.get_or_insert(channel) != channel {
                    return;
                }
                // Summaries are paragraphs.
                let gap = if first && self.unsigned { "\n\n" } else { "" };
                self.unsigned = true;
                out.push(Event::Thinking(format!("{gap}{piece}")));
            }
            Channel::Arguments => match item.call {
                Some(index) => {
                    out.push(Event::ToolArguments { index, delta: piece.to_owned() });
                }
                None => {
                    item.held.push_str(piece);
                    if item.held.len() > MAX_HELD {
                        self.announce(at, out);
                    }
                }
            },
        }
    }

    fn announce(&mut self, at: usize, out: &mut Vec<Event>) {
        let item = &mut self.items.list[at];
        if item.call.is_some() {
            return;
        }
        let index = self.calls;
        self.calls += 1;
        item.call = Some(index);
        self.unsigned = false;
        let id = item.call_id.clone().or_else(|| item.id.clone()).unwrap_or_else(|| {
            // Calls of different answers must not share an id, or their results get mixed up.
            let answer = self.id.as_deref().unwrap_or_default();
            format!("call_{answer}{}{index}", if answer.is_empty() { "" } else { "_" })
        });
        out.push(Event::ToolCall { index, id, name: item.name.clone().unwrap_or_default() });
        let held = std::mem::take(&mut item.held);
        if !held.is_empty() {
            out.push(Event::ToolArguments { index, delta: held });
        }
    }

    /// Hands out the proof of a thought. Without the encrypted thinking there is none.
    fn sign(&mut self, at: usize, item: &Value, out: &mut Vec<Event>) {
        let known = &mut self.items.list[at];
        if known.signed || text(item, "encrypted_content").is_none() {
            return;
        }
        if let Some(proof) = proof::read(item) {
            known.signed = true;
            self.unsigned = false;
            out.push(Event::Signature { protocol: Protocol::OpenaiResponses, proof });
        }
    }

    fn citation(&mut self, value: &Value) {
        let id = label(value, "item_id");
        let Some(at) = self.items.place("message", wire(value), id.as_ref()) else { return };
        let citation = value.get("annotation").filter(|citation| citation.is_object());
        if let (Some(citation), Some(said)) =
            (citation, self.items.text(at, Channel::Content, index(value)))
            && said.citations.len() < MAX_CITATIONS
        {
            said.citations.push(citation.clone());
        }
    }

    /// Hands out citations that came one by one and are in no finished part.
    fn cite(&mut self, at: usize, out: &mut Vec<Event>) {
        for said in self.items.list[at].texts.values_mut() {
            let citations = std::mem::take(&mut said.citations);
            if !citations.is_empty() && !std::mem::replace(&mut said.cited, true) {
                out.push(about_text(&citations));
            }
        }
    }

    fn cite_all(&mut self, out: &mut Vec<Event>) {
        for at in 0..self.items.list.len() {
            self.cite(at, out);
        }
    }
}

fn wire(value: &Value) -> Option<u64> {
    value.get("output_index").and_then(count)
}

fn index(value: &Value) -> u64 {
    first_count(value, &["content_index", "summary_index"]).unwrap_or_default()
}

/// A text, or what should have been one.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) | Value::Array(_) => Some(value.to_string()),
        _ => None,
    }
}

fn block(json: Value) -> Event {
    Event::Block { protocol: Protocol::OpenaiResponses, json }
}

fn about_text(citations: &[Value]) -> Event {
    block(json!({ "type": ABOUT_TEXT, "annotations": citations }))
}

/// The picture of an `image_generation_call`.
fn image(item: &Value) -> Option<Event> {
    let result = text(item, "result")?;
    let data = result.split_once(";base64,").map_or(result, |(_, data)| data);
    let bytes = STANDARD.decode(data.trim()).ok().filter(|bytes| !bytes.is_empty())?;
    let media_type = format!("image/{}", text(item, "output_format").unwrap_or("png"));
    Some(Event::Image { media_type, bytes })
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
