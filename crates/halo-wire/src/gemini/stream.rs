//! Reads answers: streams of responses and whole ones.
//!
//! Every frame is a `GenerateContentResponse`. Why the model stopped is handed out at the end of
//! the input only: proxies repeat `finishReason` in every frame, and a call may follow a `STOP`.
//!
//! A signature stands on a part. It is handed out before that part, so that the neutral form
//! keeps which part was signed; on a thought it comes after it. Where a text has already begun
//! it comes after the piece that bears it, because a text must not fall into two. Arguments that
//! Vertex AI streams on request (`partialArgs`) are not put together; Halo does not ask for them.

use halo_types::{Protocol, StopReason, Usage};
use serde_json::{Map, Value, json};

use super::{SOURCES, field, picture, text};
use crate::Event;
use crate::json::{count, label};
use crate::machine::Heard;
use crate::stop::{self, Verdict};

/// More calls than this in one answer are reported as unknown.
const MAX_CALLS: usize = 1024;

/// More citations than this are not kept.
const MAX_ITEMS: usize = 1024;

/// What a candidate says beside its parts that is not about sources. It is no content.
const NOTES: &[&str] = &["safetyRatings", "finishMessage", "avgLogprobs", "logprobsResult"];

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    begun: bool,
    stopped: bool,
    /// Something came that a person or a program can use.
    usable: bool,
    /// The latest content was text.
    in_text: bool,
    /// The id of the answer, for naming calls that come without one.
    id: Option<String>,
    /// The ids of the calls so far.
    calls: Vec<String>,
    usage: Option<Usage>,
    reason: Option<String>,
    sources: Map<String, Value>,
    notes: Map<String, Value>,
}

impl Machine {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the end of input may come now: a finish reason came.
    pub(crate) fn is_complete(&self) -> bool {
        self.stopped
    }

    /// Takes in one response of a stream.
    pub(crate) fn piece(&mut self, value: &Value, out: &mut Vec<Event>) -> Heard {
        let Some(response) = response(value) else {
            return Heard::Foreign;
        };
        let candidates =
            field(response, "candidates").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        self.start(response, !candidates.is_empty(), out);
        self.usage(response, out);
        for candidate in candidates {
            if place(candidate) > 0 {
                out.push(Event::Unknown { json: json!({ "candidates": [candidate] }) });
            } else if self.candidate(candidate, out) == Heard::Failure {
                return self.fail();
            }
        }
        if !self.usable && is_blocked(response) {
            return self.fail();
        }
        Heard::Known
    }

    /// Takes in a whole response: one that says why it ends.
    pub(crate) fn whole(&mut self, value: &Value, out: &mut Vec<Event>) -> Heard {
        let ends = response(value)
            .and_then(|response| field(response, "candidates"))
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|one| place(one) == 0 && reason(one).is_some()));
        if !ends {
            return Heard::Foreign;
        }
        let heard = self.piece(value, out);
        if heard == Heard::Known {
            self.flush(out);
        }
        heard
    }

    /// Hands out what was held back.
    pub(crate) fn flush(&mut self, out: &mut Vec<Event>) {
        let sources = std::mem::take(&mut self.sources);
        if !sources.is_empty() {
            out.push(block(Value::Object(sources)));
        }
        let notes = std::mem::take(&mut self.notes);
        if !notes.is_empty() {
            out.push(Event::Unknown { json: json!({ "candidates": [notes] }) });
        }
        if let Some(raw) = self.reason.take() {
            let reason = match stop::read(&raw) {
                Verdict::Stop(StopReason::End) if !self.calls.is_empty() => StopReason::Tool,
                Verdict::Stop(reason) => reason,
                Verdict::Failed => StopReason::Other { raw },
            };
            out.push(Event::Stop(reason));
        }
    }

    /// Nothing may come after a failure.
    fn fail(&mut self) -> Heard {
        self.reason = None;
        self.stopped = false;
        self.sources.clear();
        self.notes.clear();
        Heard::Failure
    }

    fn start(&mut self, response: &Value, has_candidates: bool, out: &mut Vec<Event>) {
        if self.begun {
            return;
        }
        let named = |name| text(response, name).map(str::to_owned);
        let id = named("responseId").or_else(|| label(response, "id"));
        let model = named("modelVersion").or_else(|| label(response, "model"));
        if has_candidates || id.is_some() || model.is_some() {
            self.begun = true;
            self.id.clone_from(&id);
            out.push(Event::Start { id, model });
        }
    }

    fn candidate(&mut self, candidate: &Value, out: &mut Vec<Event>) -> Heard {
        let content = field(candidate, "content").unwrap_or(&Value::Null);
        match content.as_str().map(|_| content).or_else(|| field(content, "parts")) {
            Some(Value::Array(parts)) => {
                for part in parts {
                    self.part(part, out);
                }
            }
            Some(part) => self.part(part, out),
            None => {}
        }
        for name in SOURCES {
            if let Some(Value::Object(said)) = field(candidate, name) {
                merge(&mut self.sources, name, said);
            }
        }
        for name in NOTES {
            let there = field(candidate, name)
                .filter(|said| said.as_array().is_none_or(|list| !list.is_empty()));
            self.notes.extend(there.map(|said| ((*name).to_owned(), said.clone())));
        }
        if let Some(raw) = reason(candidate) {
            let failed = stop::is_failure(raw) || matches!(stop::read(raw), Verdict::Failed);
            if failed && !self.usable {
                return Heard::Failure;
            }
            self.stopped = true;
            self.reason = Some(raw.to_owned());
        }
        Heard::Known
    }

    fn part(&mut self, part: &Value, out: &mut Vec<Event>) {
        if let Some(plain) = part.as_str() {
            self.text(plain, None, out);
            return;
        }
        let proof = text(part, "thoughtSignature");
        let is_thought = field(part, "thought") == Some(&Value::Bool(true));
        if let Some(call) = field(part, "functionCall").filter(|call| call.is_object()) {
            self.call(call, proof, out);
        } else if let Some(words) = field(part, "text").and_then(Value::as_str) {
            if is_thought {
                out.extend((!words.is_empty()).then(|| Event::Thinking(words.to_owned())));
                out.extend(proof.map(signature));
                self.in_text = false;
            } else {
                self.text(words, proof, out);
            }
        } else if is_thought && is_something(part) {
            // Drafts of a picture on the way to the real one.
            out.push(Event::Unknown { json: part.clone() });
        } else if let Some((media_type, bytes)) = picture(part) {
            self.content(proof, out);
            out.push(Event::Image { media_type, bytes });
        } else if is_something(part) {
            // Its signature stays inside.
            self.content(None, out);
            out.push(block(part.clone()));
        } else {
            out.extend(proof.map(signature));
        }
    }

    fn text(&mut self, words: &str, proof: Option<&str>, out: &mut Vec<Event>) {
        let goes_on = self.in_text;
        if !words.is_empty() && !goes_on {
            self.content(proof, out);
        }
        if !words.is_empty() {
            self.in_text = true;
            out.push(Event::Text(words.to_owned()));
        }
        if words.is_empty() || goes_on {
            out.extend(proof.map(signature));
        }
    }

    /// Something usable begins.
    fn content(&mut self, proof: Option<&str>, out: &mut Vec<Event>) {
        self.usable = true;
        self.in_text = false;
        out.extend(proof.map(signature));
    }

    fn call(&mut self, call: &Value, proof: Option<&str>, out: &mut Vec<Event>) {
        let name = text(call, "name");
        let args = field(call, "args");
        if (name.is_none() && args.is_none()) || self.calls.len() >= MAX_CALLS {
            out.push(Event::Unknown { json: json!({ "functionCall": call }) });
            return;
        }
        self.content(proof, out);
        let index = self.calls.len();
        let id = label(call, "id").filter(|id| !self.calls.contains(id)).unwrap_or_else(|| {
            // Calls of different answers must not share an id, or their results get mixed up.
            let answer = self.id.as_deref().unwrap_or_default();
            format!("call_{answer}{}{index}", if answer.is_empty() { "" } else { "_" })
        });
        self.calls.push(id.clone());
        out.push(Event::ToolCall { index, id, name: name.unwrap_or_default().to_owned() });
        let delta = match args {
            Some(Value::String(json)) if !json.trim().is_empty() => json.clone(),
            Some(args @ (Value::Object(_) | Value::Array(_))) => args.to_string(),
            _ => "{}".to_owned(),
        };
        out.push(Event::ToolArguments { index, delta });
    }

    /// <https://ai.google.dev/api/generate-content#UsageMetadata>
    fn usage(&mut self, response: &Value, out: &mut Vec<Event>) {
        let Some(usage) = field(response, "usageMetadata") else {
            return;
        };
        let figure = |name| field(usage, name).and_then(count);
        let sum = |left: Option<u64>, right: Option<u64>| match (left, right) {
            (Some(left), Some(right)) => Some(left.saturating_add(right)),
            (left, right) => left.or(right),
        };
        let input = sum(figure("promptTokenCount"), figure("toolUsePromptTokenCount"));
        let written = figure("candidatesTokenCount").or_else(|| figure("responseTokenCount"));
        let thinking = figure("thoughtsTokenCount");
        // The documented total is the sum of all; some relays count the thoughts as written.
        let total = figure("totalTokenCount");
        let holds_thoughts = thinking > Some(0) && total.is_some() && total == sum(input, written);
        let usage = Usage {
            input,
            output: if holds_thoughts { written } else { sum(written, thinking) },
            cache_read: figure("cachedContentTokenCount"),
            cache_write: None,
            thinking,
        };
        if usage != Usage::default() && self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(Event::Usage(usage));
        }
    }
}

/// The response itself; Code Assist wraps it:
/// <https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/code_assist/converter.ts>
fn response(value: &Value) -> Option<&Value> {
    let is_one = |value: &Value| {
        field(value, "candidates").is_some_and(Value::is_array)
            || ["promptFeedback", "usageMetadata"]
                .iter()
                .any(|name| field(value, name).is_some_and(Value::is_object))
    };
    let inner = field(value, "response").filter(|inner| is_one(inner));
    inner.or_else(|| is_one(value).then_some(value))
}

/// Which candidate it is; one is all that Halo asks for.
fn place(candidate: &Value) -> u64 {
    field(candidate, "index").and_then(count).unwrap_or_default()
}

fn reason(candidate: &Value) -> Option<&str> {
    // Proxies write the zero of the enumeration where there is no reason yet.
    text(candidate, "finishReason").filter(|raw| !raw.ends_with("_UNSPECIFIED"))
}

/// <https://ai.google.dev/api/generate-content#PromptFeedback>
fn is_blocked(response: &Value) -> bool {
    field(response, "promptFeedback")
        .and_then(|feedback| text(feedback, "blockReason"))
        .is_some_and(|raw| !raw.ends_with("_UNSPECIFIED"))
}

/// Whether a part holds something besides what is said about it.
fn is_something(part: &Value) -> bool {
    let about = [
        "text",
        "thought",
        "thoughtSignature",
        "thought_signature",
        "partMetadata",
        "part_metadata",
    ];
    part.as_object().is_some_and(|map| {
        map.iter().any(|(name, value)| !value.is_null() && !about.contains(&name.as_str()))
    })
}

fn signature(proof: &str) -> Event {
    Event::Signature { protocol: Protocol::Gemini, proof: proof.to_owned() }
}

fn block(json: Value) -> Event {
    Event::Block { protocol: Protocol::Gemini, json }
}

/// The frames of a stream tell their sources one after the other, or all of them again and
/// again. Lists of citations grow; of the rest the latest word counts.
fn merge(sources: &mut Map<String, Value>, name: &str, said: &Map<String, Value>) {
    let known = sources.entry(name).or_insert_with(|| json!({}));
    let Some(known) = known.as_object_mut() else {
        return;
    };
    for (key, value) in said {
        match (known.get_mut(key), value) {
            (Some(Value::Array(before)), Value::Array(items)) if name == "citationMetadata" => {
                for item in items {
                    if before.len() < MAX_ITEMS && !before.contains(item) {
                        before.push(item.clone());
                    }
                }
            }
            _ if value.is_null() => {}
            _ => drop(known.insert(key.clone(), value.clone())),
        }
    }
    if known.is_empty() {
        sources.remove(name);
    }
}
