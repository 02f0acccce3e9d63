//! Turns a request and what a scenario does into bytes, pauses and faults.

use std::time::Duration;

use bytes::Bytes;
use halo_types::{ChatRequest, Part, Protocol, RequestMessage, Role, StopReason, Usage};
use halo_wire::server::{ErrorBody, StreamEncoder, encode_answer, encode_error_event};
use halo_wire::{Answer, Event};

use crate::direct::Break;
use crate::scenario::{Act, AnswerSpec, Cut, CutHow, Dialects, HttpReply, PlayedStop, Scenario};
use crate::sloppy::{self, Sloppy};
use crate::{text, tokens};

/// The pause after every few words, in milliseconds.
const PACE_MS: u64 = 20;
/// The longest summary where the request sets no limit, in tokens.
const MAX_SUMMARY: u64 = 2_000;

/// A request as it is played.
pub(crate) struct Asked<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) request: &'a ChatRequest,
    /// Whether a stream ends with usage figures.
    pub(crate) usage: bool,
    /// Whether a stream is one JSON list.
    pub(crate) as_list: bool,
    pub(crate) ids: &'a Ids,
    pub(crate) created_s: i64,
    /// How much faster than life.
    pub(crate) speed: f64,
}

/// The names a provider gives to one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    /// The header that carries the id of the request, if the provider sends one.
    pub(crate) header: Option<&'static str>,
    pub(crate) request: String,
    pub(crate) relay: String,
    pub(crate) uuid: String,
    pub(crate) answer: String,
}

/// What goes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) head: Head,
    pub(crate) ops: Vec<Op>,
    /// Whether the prompt is answered, so that it can be played again from the start.
    pub(crate) answered: bool,
}

/// The beginning of a response, or what happens instead.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Head {
    Send { status: u16, headers: Vec<(String, String)> },
    Stall,
    Close,
    Reset,
}

/// One thing that happens in a response body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Bytes(Bytes),
    Pause(Duration),
    /// Nothing more happens and the connection stays open.
    Stall,
    /// The connection closes inside the body.
    Abort,
    /// The connection is reset inside the body.
    Reset,
}

/// An answer in the neutral form.
pub(crate) struct Spoken {
    pub(crate) thinking: String,
    pub(crate) text: String,
    /// Name and arguments of a tool to call.
    pub(crate) tool: Option<(String, String)>,
    pub(crate) stop: StopReason,
}

/// What comes back for `act`.
pub(crate) fn reply(asked: &Asked<'_>, act: &Act) -> Reply {
    match act {
        Act::Answer(spec) => answer(asked, spec),
        Act::Http(replies) => http(asked, replies.get(asked.protocol), &[]),
        Act::StreamError(error) => {
            stream_error(asked, error.data.get(asked.protocol), error.after_chars, &[])
        }
        Act::Cut(cut) => broken(asked, *cut),
        Act::Stall(stall) => match stall.after_chars {
            None => Reply { head: Head::Stall, ops: Vec::new(), answered: false },
            Some(chars) => stopped(asked, chars, vec![Op::Stall]),
        },
    }
}

/// An HTTP answer in a provider's words, with `values` filled in.
pub(crate) fn http(
    asked: &Asked<'_>,
    reply: &HttpReply,
    values: &[(&'static str, String)],
) -> Reply {
    let ids = asked.ids;
    let own;
    let reply = match reply.from_rule.as_deref().and_then(crate::catalogue::example_of) {
        Some(example) => {
            own = example;
            &own
        }
        None => reply,
    };
    let values = with_names(asked, values);
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), text::fill(value, &values)))
        .collect();
    if !headers.iter().any(|(name, _)| name == "content-type") {
        let content_type = reply.content_type.clone().unwrap_or_else(|| "application/json".into());
        headers.push(("content-type".to_owned(), content_type));
    }
    if !reply.bare {
        headers.extend(ids.header.map(|name| (name.to_owned(), ids.request.clone())));
    }
    let body = match reply.garbage_bytes {
        0 => fill_body(&reply.body, &values).into_bytes(),
        len => garbage(len),
    };
    Reply {
        head: Head::Send { status: reply.status, headers },
        ops: vec![Op::Bytes(body.into())],
        answered: false,
    }
}

/// A refusal: as an HTTP answer, or as the first event of a stream.
pub(crate) fn refusal(
    asked: &Asked<'_>,
    words: &Dialects<HttpReply>,
    values: &[(&'static str, String)],
    in_stream: bool,
) -> Reply {
    let words = words.get(asked.protocol);
    if in_stream { stream_error(asked, &words.body, 0, values) } else { http(asked, words, values) }
}

/// A request for the rest of a broken answer.
#[derive(Debug)]
pub(crate) struct Continuation<'a> {
    /// The messages the broken answer belongs to.
    pub(crate) before: &'a [RequestMessage],
    spec: AnswerSpec,
    /// How many bytes of the answer the conversation already holds.
    said: usize,
}

/// Finds out whether the request asks for the rest of an answer of this scenario: its last
/// message of the model, or the one before the last prompt, is the beginning of one.
pub(crate) fn continuation<'a>(
    scenario: &Scenario,
    request: &'a ChatRequest,
) -> Option<Continuation<'a>> {
    let at = request.messages.iter().rposition(|m| m.role == Role::Assistant)?;
    if at + 2 < request.messages.len() {
        return None;
    }
    let (before, from) = request.messages.split_at(at);
    let spec = scenario
        .plays
        .iter()
        .find_map(|play| match &play.act {
            Act::Answer(spec) if !spec.empty => Some(spec.clone()),
            _ => None,
        })
        .unwrap_or_default();
    let full = full_text(&spec, &request.model, before);
    let said = text::already_said(&full, &text::said(from.first()?));
    (said > 0).then_some(Continuation { before, spec, said })
}

/// The rest of a broken answer.
pub(crate) fn rest(asked: &Asked<'_>, continuation: &Continuation<'_>) -> Reply {
    let spec = &continuation.spec;
    let full = full_text(spec, &asked.request.model, continuation.before);
    let spoken = Spoken {
        thinking: String::new(),
        text: full.get(continuation.said..).unwrap_or_default().to_owned(),
        tool: None,
        stop: StopReason::End,
    };
    whole(asked, &AnswerSpec { delay_ms: 0, ..spec.clone() }, within_limit(asked, spoken))
}

fn answer(asked: &Asked<'_>, spec: &AnswerSpec) -> Reply {
    let spoken = speak(asked, spec);
    whole(asked, spec, spoken)
}

pub(crate) fn whole(asked: &Asked<'_>, spec: &AnswerSpec, spoken: Spoken) -> Reply {
    let mut ops = Vec::new();
    push_pause(&mut ops, asked, spec.delay_ms);
    // Some relays stream what was asked for whole, and the reverse.
    let stream = asked.request.stream != (spec.sloppy == Some(Sloppy::OtherForm));
    if stream {
        let (mut encoder, mut said) = begin(asked, &mut ops, &spoken, spec.pace_ms);
        said.push(Event::Usage(usage(asked, &spoken)));
        said.push(Event::Stop(spoken.stop.clone()));
        for event in said {
            push_bytes(&mut ops, encoder.encode(&event));
        }
        push_bytes(&mut ops, encoder.finish());
    } else {
        push_bytes(&mut ops, whole_body(asked, &spoken));
    }
    if let Some(how) = spec.sloppy {
        ops = sloppy::mangle(how, asked.protocol, stream, ops);
    }
    let mut head = ok_head(asked);
    if let (Head::Send { headers, .. }, Some(content_type)) = (&mut head, &spec.content_type) {
        headers[0].1.clone_from(content_type);
    }
    Reply { head, ops, answered: !spec.empty }
}

/// An answer that ends with `end` after `chars` characters.
fn stopped(asked: &Asked<'_>, chars: usize, end: Vec<Op>) -> Reply {
    let mut spoken = speak(asked, &AnswerSpec::default());
    if asked.request.stream {
        spoken.text = text::part_of(&spoken.text, chars).to_owned();
    }
    cut_off(asked, &spoken, end)
}

/// An answer that ends with `end` after these words.
pub(crate) fn broken_after(asked: &Asked<'_>, text: String, end: Vec<Op>) -> Reply {
    let stop = StopReason::End;
    cut_off(asked, &Spoken { thinking: String::new(), text, tool: None, stop }, end)
}

fn cut_off(asked: &Asked<'_>, spoken: &Spoken, end: Vec<Op>) -> Reply {
    let mut ops = Vec::new();
    if asked.request.stream {
        begin(asked, &mut ops, spoken, None);
    } else {
        let mut body = whole_body(asked, spoken);
        body.truncate(body.len() / 2);
        push_bytes(&mut ops, body);
    }
    // What was written must have left the server before the connection breaks.
    ops.push(Op::Pause(Duration::from_millis(5)));
    ops.extend(end);
    Reply { head: ok_head(asked), ops, answered: false }
}

fn broken(asked: &Asked<'_>, cut: Cut) -> Reply {
    match (cut.after_chars, cut.how) {
        (Some(chars), CutHow::Abort) => stopped(asked, chars, vec![Op::Abort]),
        (Some(chars), CutHow::Reset) => stopped(asked, chars, vec![Op::Reset]),
        (Some(chars), CutHow::End) => stopped(asked, chars, Vec::new()),
        (None, CutHow::Reset) => Reply { head: Head::Reset, ops: Vec::new(), answered: false },
        (None, _) => Reply { head: Head::Close, ops: Vec::new(), answered: false },
    }
}

/// A break before the head of a response.
pub(crate) fn no_head(how: Break) -> Reply {
    let head = match how {
        Break::Close | Break::End => Head::Close,
        Break::Reset => Head::Reset,
        Break::Stall => Head::Stall,
    };
    Reply { head, ops: Vec::new(), answered: false }
}

/// An error event after `chars` characters; where no stream was asked for, an error under 200.
fn stream_error(
    asked: &Asked<'_>,
    data: &str,
    chars: usize,
    values: &[(&'static str, String)],
) -> Reply {
    let data = fill_body(data, &with_names(asked, values));
    let said = match chars {
        0 => String::new(),
        _ => text::part_of(&speak(asked, &AnswerSpec::default()).text, chars).to_owned(),
    };
    error_after(asked, &said, &data)
}

/// An error event after these words; where no stream was asked for, an error under 200.
pub(crate) fn error_after(asked: &Asked<'_>, said: &str, data: &str) -> Reply {
    let mut ops = Vec::new();
    if asked.request.stream {
        if !said.is_empty() {
            let (text, stop) = (said.to_owned(), StopReason::End);
            let spoken = Spoken { thinking: String::new(), text, tool: None, stop };
            begin(asked, &mut ops, &spoken, None);
        }
        let frame = match asked.protocol {
            Protocol::Anthropic => format!("event: error\ndata: {data}\n\n").into_bytes(),
            Protocol::OpenaiChat | Protocol::Gemini => format!("data: {data}\n\n").into_bytes(),
            // The same words, flat.
            protocol => encode_error_event(protocol, &ErrorBody::from_raw(500, data.as_bytes())),
        };
        push_bytes(&mut ops, frame);
    } else {
        push_bytes(&mut ops, data.as_bytes().to_vec());
    }
    Reply { head: ok_head(asked), ops, answered: false }
}

/// What is said in answer to the request.
fn speak(asked: &Asked<'_>, spec: &AnswerSpec) -> Spoken {
    let request = asked.request;
    let prompt = text::last_prompt(&request.messages);
    let lang = text::language(&prompt);
    let mut spoken =
        Spoken { thinking: String::new(), text: String::new(), tool: None, stop: StopReason::End };
    if text::wants_summary(&prompt) && !spec.empty {
        let max = request.max_tokens.unwrap_or(MAX_SUMMARY).min(MAX_SUMMARY);
        spoken.text = text::summary(&request.messages, max);
        return spoken;
    }
    if text::wants_colour(&prompt) && has_picture(request) {
        "Red.".clone_into(&mut spoken.text);
        return spoken;
    }
    if let Some(thinking) = &spec.thinking {
        thinking.get(lang).clone_into(&mut spoken.thinking);
    }
    let has_result = request
        .messages
        .last()
        .is_some_and(|m| m.parts.iter().any(|p| matches!(p, Part::ToolResult { .. })));
    if let (true, false, Some(tool)) = (spec.tools, has_result, request.tools.first()) {
        spoken.tool = Some((tool.name.clone(), arguments(&tool.parameters, &prompt)));
        spoken.stop = StopReason::Tool;
        return spoken;
    }
    spoken.text = full_text(spec, &request.model, &request.messages);
    if let Some(chars) = spec.stop_after_chars {
        spoken.text = text::part_of(&spoken.text, chars).to_owned();
    }
    if spec.stop == PlayedStop::Length {
        spoken.stop = StopReason::Length;
    }
    within_limit(asked, spoken)
}

fn has_picture(request: &ChatRequest) -> bool {
    let last = request.messages.last();
    last.is_some_and(|message| message.parts.iter().any(|part| matches!(part, Part::Image(_))))
}

/// Everything the answer to `messages` says.
fn full_text(spec: &AnswerSpec, model: &str, messages: &[RequestMessage]) -> String {
    match &spec.text {
        None => text::practice(model, messages),
        Some(words) => {
            let prompt = messages.last().map(text::said).unwrap_or_default();
            words.get(text::language(&prompt)).repeat(spec.repeat.unwrap_or(1))
        }
    }
}

/// Cuts what is longer than the request's `max_tokens`.
pub(crate) fn within_limit(asked: &Asked<'_>, mut spoken: Spoken) -> Spoken {
    let Some(max) = asked.request.max_tokens else { return spoken };
    let mut left = max;
    let mut end = 0;
    for piece in text::pieces(&spoken.text) {
        let cost = tokens::text(piece);
        if cost > left {
            spoken.text.truncate(end);
            spoken.stop = StopReason::Length;
            break;
        }
        left -= cost;
        end += piece.len();
    }
    spoken
}

/// Arguments a tool may accept: every text field holds the beginning of the prompt.
fn arguments(schema: &serde_json::Value, prompt: &str) -> String {
    let mut arguments = serde_json::Map::new();
    if let Some(fields) = schema["properties"].as_object() {
        for (name, field) in fields {
            let value = match field["type"].as_str() {
                Some("integer" | "number") => serde_json::json!(1),
                Some("boolean") => serde_json::json!(true),
                Some("array") => serde_json::json!([]),
                Some("object") => serde_json::json!({}),
                _ => field["enum"]
                    .get(0)
                    .cloned()
                    .unwrap_or_else(|| serde_json::Value::String(text::beginning(prompt, 60))),
            };
            arguments.insert(name.clone(), value);
        }
    }
    serde_json::Value::Object(arguments).to_string()
}

/// Writes the beginning of a stream and everything that is said, without its end. Gives the
/// encoder and the events that remain before the end.
fn begin(
    asked: &Asked<'_>,
    ops: &mut Vec<Op>,
    spoken: &Spoken,
    pace_ms: Option<u64>,
) -> (StreamEncoder, Vec<Event>) {
    let model = &asked.request.model;
    let mut encoder = StreamEncoder::new(asked.protocol, &asked.ids.answer, model, asked.created_s)
        .with_usage(asked.usage)
        .as_list(asked.as_list);
    let pace = pace_ms.unwrap_or(PACE_MS);
    let input = Usage { input: Some(tokens::request(asked.request)), ..Usage::default() };
    let start = Event::Start { id: Some(asked.ids.answer.clone()), model: Some(model.clone()) };
    push_bytes(ops, encoder.encode(&Event::Usage(input)));
    push_bytes(ops, encoder.encode(&start));
    for piece in text::pieces(&spoken.thinking) {
        push_bytes(ops, encoder.encode(&Event::Thinking(piece.to_owned())));
        push_pause(ops, asked, pace);
    }
    if !spoken.thinking.is_empty() {
        let proof = signature(&spoken.thinking);
        let signed = Event::Signature { protocol: asked.protocol, proof };
        push_bytes(ops, encoder.encode(&signed));
    }
    for piece in text::pieces(&spoken.text) {
        push_bytes(ops, encoder.encode(&Event::Text(piece.to_owned())));
        push_pause(ops, asked, pace);
    }
    let mut remaining = Vec::new();
    if let Some((name, arguments)) = &spoken.tool {
        let id = format!("toolu_{}", asked.ids.answer);
        remaining.push(Event::ToolCall { index: 0, id, name: name.clone() });
        remaining.push(Event::ToolArguments { index: 0, delta: arguments.clone() });
    }
    (encoder, remaining)
}

fn whole_body(asked: &Asked<'_>, spoken: &Spoken) -> Vec<u8> {
    let mut parts = Vec::new();
    if !spoken.thinking.is_empty() {
        parts.push(Part::Thinking {
            text: spoken.thinking.clone(),
            signature: Some(signature(&spoken.thinking)),
            redacted: None,
            protocol: Some(asked.protocol),
        });
    }
    if !spoken.text.is_empty() {
        parts.push(Part::text(&spoken.text));
    }
    if let Some((name, arguments)) = &spoken.tool {
        parts.push(Part::ToolCall {
            id: format!("toolu_{}", asked.ids.answer),
            name: name.clone(),
            arguments: arguments.clone(),
        });
    }
    let answer = Answer::from_parts(parts, usage(asked, spoken), spoken.stop.clone());
    let model = &asked.request.model;
    encode_answer(asked.protocol, &answer, &asked.ids.answer, model, asked.created_s)
}

fn usage(asked: &Asked<'_>, spoken: &Spoken) -> Usage {
    let thinking = tokens::text(&spoken.thinking);
    Usage {
        input: Some(tokens::request(asked.request)),
        output: Some(tokens::text(&spoken.text) + thinking),
        thinking: (thinking > 0).then_some(thinking),
        ..Usage::default()
    }
}

/// A signature over a thought, recognisable as practice. It is base64, or Google's SDK refuses it.
fn signature(thinking: &str) -> String {
    format!("practice{:016x}", crate::counter::key_of(&[thinking]))
}

fn ok_head(asked: &Asked<'_>) -> Head {
    let content_type =
        if asked.request.stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    headers.extend(asked.ids.header.map(|name| (name.to_owned(), asked.ids.request.clone())));
    if asked.request.stream {
        headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
    }
    Head::Send { status: 200, headers }
}

fn with_names<'a>(
    asked: &Asked<'a>,
    values: &[(&'static str, String)],
) -> Vec<(&'static str, String)> {
    let mut all = values.to_vec();
    all.push(("model", asked.request.model.clone()));
    all.push(("request_id", asked.ids.request.clone()));
    all.push(("relay_id", asked.ids.relay.clone()));
    all.push(("uuid", asked.ids.uuid.clone()));
    all
}

/// Fills a body; in JSON the values are escaped.
fn fill_body(body: &str, values: &[(&'static str, String)]) -> String {
    if !body.trim_start().starts_with('{') {
        return text::fill(body, values);
    }
    let escaped: Vec<(&str, String)> = values
        .iter()
        .map(|(name, value)| {
            let quoted = serde_json::Value::String(value.clone()).to_string();
            (*name, quoted[1..quoted.len() - 1].to_owned())
        })
        .collect();
    text::fill(body, &escaped)
}

/// Bytes without meaning, the same every time.
fn garbage(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            // The high bit makes sure that no text or JSON comes out by accident.
            (state >> 24) as u8 | 0x80
        })
        .collect()
}

fn push_bytes(ops: &mut Vec<Op>, bytes: Vec<u8>) {
    if !bytes.is_empty() {
        ops.push(Op::Bytes(bytes.into()));
    }
}

fn push_pause(ops: &mut Vec<Op>, asked: &Asked<'_>, ms: u64) {
    let seconds = ms as f64 / 1_000.0 / asked.speed.max(0.001);
    if seconds > 0.000_5 {
        ops.push(Op::Pause(Duration::from_secs_f64(seconds)));
    }
}
