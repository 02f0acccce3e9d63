//! Answers in Responses. Most cases are files; see `golden`.

use std::fs;
use std::path::Path;

use halo_types::{Part, Protocol, StopReason};
use halo_wire::server::{ErrorBody, StreamEncoder};
use halo_wire::{Answer, Event, Finish};
use serde_json::{Value, json};

use crate::{decode, decode_pieces, text};

const OURS: Protocol = Protocol::OpenaiResponses;

fn golden(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openai_responses");
    fs::read_to_string(root.join(name)).unwrap()
}

fn read(stream: &str) -> Answer {
    let (events, finish) = decode_pieces(OURS, [stream.as_bytes()]);
    assert_eq!(finish, Finish::Complete, "{events:?}");
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.add(event));
    answer
}

fn frame(event: &Value) -> String {
    format!("data: {event}\n\n")
}

/// Relays leave out whole kinds of events. Whatever is left, as long as the finished response
/// comes, everything is said, and said once.
#[test]
fn nothing_is_lost_or_said_twice() {
    const KINDS: [&str; 7] =
        [".added", ".delta", "text.done", "part.done", "arguments.done", "item.done", ".created"];
    for name in ["thinking_and_calls", "two_messages_around_a_thought", "search_with_citations"] {
        let whole = golden(&format!("stream/{name}.in.sse"));
        let want = sorted(&read(&whole));
        for dropped in 0..1 << KINDS.len() {
            let is_left = |frame: &&str| {
                let kind = frame.split_once('\n').map_or("", |(kind, _)| kind);
                let mut bits = (0..).zip(KINDS);
                !bits.any(|(bit, end)| dropped & (1 << bit) != 0 && kind.ends_with(end))
            };
            let frames: Vec<&str> = whole.split("\n\n").filter(is_left).collect();
            let answer = read(&frames.join("\n\n"));
            assert_eq!(sorted(&answer), want, "{name} without {dropped:b}");
        }
    }
}

/// Texts, thoughts and calls by kind; what only the end tells comes late.
fn sorted(answer: &Answer) -> (String, String, Vec<Part>) {
    let mut thoughts = String::new();
    let mut others = Vec::new();
    for part in answer.parts() {
        match part {
            Part::Text { .. } => {}
            Part::Thinking { text, signature, .. } => {
                thoughts += &text;
                thoughts += signature.as_deref().unwrap_or_default();
            }
            other => others.push(other),
        }
    }
    others.sort_by_key(|part| format!("{part:?}"));
    (answer.text(), thoughts, others)
}

#[test]
fn a_thought_keeps_its_proof() {
    let answer = read(&golden("stream/thinking_and_calls.in.sse"));
    let Part::Thinking { text, signature: Some(proof), protocol: Some(OURS), .. } =
        &answer.parts()[0]
    else {
        panic!("{answer:?}")
    };
    assert_eq!(text, "**One**\n\nFirst.\n\nSecond.");
    assert_eq!(proof, r#"{"encrypted_content":"gAAAA","id":"rs_1"}"#);
}

#[test]
fn thoughts_without_a_proof_are_paragraphs() {
    let thought = |id: &str| {
        json!({"type":"response.output_item.done",
            "item":{"type":"reasoning","id":id,"content":[{"type":"reasoning_text","text":id}]}})
    };
    let end = json!({"type":"response.completed","response":{}});
    let stream = [thought("a"), thought("b"), end].iter().map(frame).collect::<String>();
    assert_eq!(read(&stream).parts(), [Part::thought("a\n\nb")]);
}

#[test]
fn only_the_end_ends_it() {
    let text = json!({"type":"response.output_text.delta","delta":"Hi"});
    for (end, finish) in [
        (json!({"type":"response.completed","response":{}}), Finish::Complete),
        (json!({"type":"response.completed"}), Finish::Complete),
        (json!({"type":"response.incomplete","response":{}}), Finish::Complete),
        (json!({"type":"response.done","response":{"status":"completed"}}), Finish::Complete),
        (json!({"type":"response.output_text.done","text":"Hi"}), Finish::Truncated),
        (json!({"type":"response.failed","response":{}}), Finish::Truncated),
        (json!({"type":"response.completed","response":{"status":"cancelled"}}), Finish::Truncated),
        (json!({"type":"keepalive"}), Finish::Truncated),
    ] {
        let stream = frame(&text) + &frame(&end) + "data: [DONE]\n\n";
        let (events, got) = decode(OURS, stream.as_bytes());
        assert_eq!((got, crate::text(&events).as_str()), (finish, "Hi"), "{end}");
    }
}

#[test]
fn a_keepalive_is_no_answer() {
    let (events, finish) = decode(OURS, b"data: {\"type\":\"keepalive\"}\n\n");
    assert!(events.is_empty());
    assert_eq!(finish, Finish::Truncated);
}

#[test]
fn memory_is_bounded() {
    let mut stream = String::new();
    for at in 0..20_000 {
        let item =
            json!({"type":"web_search_call","id":format!("ws_{at}"),"padding":"x".repeat(400)});
        stream +=
            &frame(&json!({"type":"response.output_item.added","output_index":at,"item":item}));
    }
    for at in 0..20_000 {
        stream += &frame(&json!({"type":"response.output_text.delta","output_index":30_000,
            "content_index":at,"delta":"x"}));
    }
    let (events, finish) = decode_pieces(OURS, [stream.as_bytes()]);
    assert_eq!(finish, Finish::Truncated);
    let unknown = events.iter().filter(|event| matches!(event, Event::Unknown { .. })).count();
    assert!(unknown > 30_000, "{unknown}");
    assert!(text(&events).len() < 10_000);
}

#[test]
fn arguments_of_a_nameless_call_are_not_kept_for_ever() {
    let delta = json!({"type":"response.function_call_arguments.delta","output_index":0,
        "delta":"x".repeat(1024)});
    let stream: String = (0..100).map(|_| frame(&delta)).collect();
    let (events, _) = decode_pieces(OURS, [stream.as_bytes()]);
    assert!(events.iter().any(|event| matches!(event, Event::ToolCall { index: 0, .. })));
}

fn written(events: &[Event]) -> Vec<Value> {
    let mut encoder = StreamEncoder::new(OURS, "resp_1", "m", 1);
    let mut stream: Vec<u8> = events.iter().flat_map(|event| encoder.encode(event)).collect();
    stream.extend(encoder.finish());
    let stream = String::from_utf8(stream).unwrap();
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn events_are_numbered_and_calls_end_when_they_are_whole() {
    let call = |index, id: &str| Event::ToolCall { index, id: id.to_owned(), name: "f".to_owned() };
    let piece = |index, delta: &str| Event::ToolArguments { index, delta: delta.to_owned() };
    let events = written(&[
        Event::Text("Hi".to_owned()),
        call(0, "a"),
        piece(0, "{}"),
        call(1, "b"),
        piece(1, "{\"x\""),
        call(2, "c"),
        piece(2, "{\"y\":2}"),
        piece(1, ":1}"),
        Event::Stop(StopReason::Tool),
    ]);
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], json!(at), "{event}");
    }
    let kinds: Vec<&str> = events
        .iter()
        .filter(|event| event["output_index"] == 1 || event["output_index"] == 2)
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    let done = kinds.iter().position(|kind| *kind == "response.output_item.done").unwrap();
    assert!(kinds[done..].contains(&"response.output_item.added"), "{kinds:?}");
    let output = &events.last().unwrap()["response"]["output"];
    let arguments: Vec<&Value> = (1..4).map(|at| &output[at]["arguments"]).collect();
    assert_eq!(arguments, ["{}", "{\"x\":1}", "{\"y\":2}"]);
}

#[test]
fn errors_are_flat() {
    let error = ErrorBody {
        status: 429,
        message: "slow down".to_owned(),
        code: Some("rate_limit_exceeded".to_owned()),
        halo: Some(json!({"kind":"rate_limited"})),
        ..ErrorBody::default()
    };
    let event = halo_wire::server::encode_error_event(OURS, &error);
    let want = json!({"type":"error","code":"rate_limit_exceeded","message":"slow down",
        "param":null,"sequence_number":0,"halo":{"kind":"rate_limited"}});
    let event = String::from_utf8(event).unwrap();
    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    assert!(event.starts_with("event: error\n"));
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), want);
}

#[test]
fn the_words_of_a_failed_response_are_handed_on() {
    let raw = br#"{"type":"response.failed","response":{"status":"failed","error":
        {"code":"server_error","message":"The model failed."}}}"#;
    let error = ErrorBody::from_raw(500, raw);
    assert_eq!(
        (error.message.as_str(), error.code.as_deref(), error.kind),
        ("The model failed.", Some("server_error"), None)
    );
}
