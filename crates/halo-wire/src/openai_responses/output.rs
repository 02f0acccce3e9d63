//! Hands out what an answer consists of, each thing once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::Protocol;
use serde_json::{Value, json};

use super::items::{self, Channel, Items};
use super::{ABOUT_TEXT, proof};
use crate::Event;
use crate::json::text;

/// Arguments held back while a call still lacks its name.
const MAX_HELD: usize = 64 * 1024;

/// What has come of an answer.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) items: Items,
    /// The id of the answer, for naming calls that come without one.
    pub(super) id: Option<String>,
    /// The model declined to answer.
    pub(super) refused: bool,
    /// How many calls have been announced.
    pub(super) calls: usize,
    /// The latest thing handed out was thinking without a proof.
    unsigned: bool,
}

impl Output {
    /// Hands out what was held back.
    pub(super) fn flush(&mut self, out: &mut Vec<Event>) {
        for at in 0..self.items.list.len() {
            self.cite(at, out);
            if self.items.list[at].kind == "function_call" {
                self.announce(at, out);
            }
        }
    }

    /// Hands out what is missing of a finished item.
    pub(super) fn finish(&mut self, at: Option<usize>, item: &Value, out: &mut Vec<Event>) {
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
                if let Some(whole) = item.get("arguments").and_then(items::written) {
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

    pub(super) fn finish_part(
        &mut self,
        at: usize,
        index: u64,
        part: &Value,
        out: &mut Vec<Event>,
    ) {
        let whole = match text(part, "type").unwrap_or(ABOUT_TEXT) {
            "refusal" => {
                self.refused = true;
                text(part, "refusal")
            }
            "output_text" | "text" => text(part, "text"),
            // Open models may think inside the message.
            "reasoning_text" | "summary_text" => {
                let thought = text(part, "text").unwrap_or_default();
                return self.complete(at, Channel::Thought, index, thought, out);
            }
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

    /// Hands out what is missing of a finished text.
    pub(super) fn complete(
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
    pub(super) fn say(
        &mut self,
        at: usize,
        channel: Channel,
        index: u64,
        piece: &str,
        out: &mut Vec<Event>,
    ) {
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

    pub(super) fn announce(&mut self, at: usize, out: &mut Vec<Event>) {
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

    /// Hands out citations that came one by one and are in no finished part.
    pub(super) fn cite(&mut self, at: usize, out: &mut Vec<Event>) {
        for said in self.items.list[at].texts.values_mut() {
            let citations = std::mem::take(&mut said.citations);
            if !citations.is_empty() && !std::mem::replace(&mut said.cited, true) {
                out.push(about_text(&citations));
            }
        }
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
