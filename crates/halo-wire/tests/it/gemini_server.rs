//! What is written in Gemini's form.

use halo_types::{Blobs, ChatRequest, Part, Protocol, RequestMessage, Role, StopReason, Usage};
use halo_wire::server::{self, ErrorBody, StreamEncoder};
use halo_wire::{Answer, Event, Finish};
use serde_json::{Value, json};

use crate::{decode, error};

fn signature(proof: &str) -> Event {
    Event::Signature { protocol: Protocol::Gemini, proof: proof.to_owned() }
}

/// An answer with all that the protocol holds.
fn events() -> Vec<Event> {
    let call = |index, id: &str| Event::ToolCall { index, id: id.to_owned(), name: "f".to_owned() };
    let piece = |index, delta: &str| Event::ToolArguments { index, delta: delta.to_owned() };
    let block = |json| Event::Block { protocol: Protocol::Gemini, json };
    vec![
        Event::Start { id: Some("id-1".to_owned()), model: Some("m".to_owned()) },
        Event::Thinking("Hm".to_owned()),
        signature("czE="),
        Event::Text("Hello\nworld".to_owned()),
        signature("czI="),
        Event::Image { media_type: "image/png".to_owned(), bytes: vec![0x89, b'P', b'N', b'G'] },
        block(json!({ "executableCode": { "code": "1" } })),
        signature("czM="),
        call(0, "a"),
        piece(0, "{\"x\""),
        call(1, "b"),
        piece(1, "{}"),
        piece(0, ":1}"),
        block(json!({ "groundingMetadata": { "webSearchQueries": ["q"] } })),
        signature("czQ="),
        Event::Usage(Usage {
            input: Some(10),
            output: Some(5),
            cache_read: Some(4),
            cache_write: None,
            thinking: Some(2),
        }),
        Event::Stop(StopReason::Tool),
        Event::Done,
    ]
}

fn collect(events: &[Event]) -> Answer {
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.add(event));
    answer
}

#[test]
fn answers_read_back_whole() {
    let want = collect(&events());
    let written = |list| {
        let mut encoder = StreamEncoder::new(Protocol::Gemini, "id-1", "m", 0).as_list(list);
        events().iter().flat_map(|event| encoder.encode(event)).collect::<Vec<u8>>()
    };
    let whole = server::encode_answer(Protocol::Gemini, &want, "id-1", "m", 0);
    assert!(serde_json::from_slice::<Value>(&written(true)).unwrap().is_array());
    for bytes in [written(false), written(true), whole] {
        let (events, finish) = decode(Protocol::Gemini, &bytes);
        assert_eq!(finish, Finish::Complete);
        let got = collect(&events);
        let is_sources = |part: &Part| matches!(part, Part::Unknown { json, .. } if json.get("groundingMetadata").is_some());
        // What is said about sources comes at the end, wherever it came from.
        let (mut got_parts, mut want_parts) = (got.parts(), want.parts());
        got_parts.sort_by_key(is_sources);
        want_parts.sort_by_key(is_sources);
        assert_eq!(got_parts, want_parts);
        assert_eq!((got.usage, got.stop), (want.usage, want.stop.clone()));
    }
}

#[test]
fn foreign_proofs_and_blocks_are_not_written() {
    let mut encoder = StreamEncoder::new(Protocol::Gemini, "i", "m", 0);
    let mut out = Vec::new();
    for event in [
        Event::Thinking("Hm".to_owned()),
        Event::Signature { protocol: Protocol::Anthropic, proof: "s".to_owned() },
        Event::RedactedThinking { protocol: Protocol::Anthropic, data: "d".to_owned() },
        Event::Block { protocol: Protocol::Anthropic, json: json!({ "type": "x" }) },
        Event::Stop(StopReason::Other { raw: "pause_turn".to_owned() }),
        Event::Done,
    ] {
        out.extend(encoder.encode(&event));
    }
    let out = String::from_utf8(out).unwrap();
    assert!(!out.contains("thoughtSignature") && !out.contains("\"type\""), "{out}");
    assert!(out.contains(r#""finishReason":"STOP""#), "{out}");
}

#[test]
fn errors_have_googles_form() {
    let body = ErrorBody {
        status: 429,
        message: "slow down".to_owned(),
        halo: Some(json!({ "kind": "rate_limited", "retry": { "after_ms": 1500 } })),
        ..ErrorBody::default()
    };
    let bytes = server::encode_error(Protocol::Gemini, &body);
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({ "error": {
            "code": 429,
            "message": "slow down",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMITED", "domain": "halo" },
                { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500s" },
            ],
            "halo": { "kind": "rate_limited", "retry": { "after_ms": 1500 } },
        } })
    );
    let cases = [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (402, "RESOURCE_EXHAUSTED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (413, "INVALID_ARGUMENT"),
        (499, "CANCELLED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (529, "UNAVAILABLE"),
    ];
    for (status, word) in cases {
        let body = ErrorBody { status, ..ErrorBody::default() };
        let bytes = server::encode_error(Protocol::Gemini, &body);
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["error"]["status"], word, "{status}");
    }
    for list in [false, true] {
        let mut encoder = StreamEncoder::new(Protocol::Gemini, "i", "m", 0).as_list(list);
        let mut stream = encoder.encode(&Event::Text("Hi".to_owned()));
        stream.extend(encoder.encode(&Event::Error { raw: bytes.clone() }));
        stream.extend(encoder.encode(&Event::Text("no".to_owned())));
        stream.extend(encoder.finish());
        let (events, finish) = decode(Protocol::Gemini, &stream);
        let raw = error(&events).unwrap();
        assert!(raw.contains("slow down") && raw.contains("RESOURCE_EXHAUSTED"), "{raw}");
        assert_eq!(finish, Finish::Truncated);
    }
}

#[test]
fn what_a_translation_loses_is_named() {
    let body = json!({
        "contents": "Hi",
        "safetySettings": [],
        "cachedContent": null,
        "generationConfig": { "seed": 1, "top_p": 0.5, "candidateCount": 1, "responseModalities": ["IMAGE"] },
        "tools": [{ "functionDeclarations": [] }, { "googleSearch": {} }],
    });
    let lost = server::unheld_parameters(Protocol::Gemini, body.to_string().as_bytes());
    let want = [
        "safetySettings",
        "generationConfig.responseModalities",
        "generationConfig.seed",
        "tools.googleSearch",
    ];
    assert_eq!(lost, want);
}

#[test]
fn histories_are_checked_in_googles_words() {
    let call = |id: &str| Part::ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: "{}".to_owned(),
    };
    let result = |id: &str| Part::ToolResult {
        call_id: id.to_owned(),
        text: "ok".to_owned(),
        is_error: false,
    };
    let user = |parts| RequestMessage { role: Role::User, parts };
    let model = |parts| RequestMessage { role: Role::Assistant, parts };
    let hi = || user(vec![Part::text("Hi")]);
    let as_many = "number of function response parts is equal to";
    let cases = [
        (vec![], "contents is not specified"),
        (vec![model(vec![call("a")]), user(vec![result("a")])], "function call turn comes"),
        (
            vec![hi(), model(vec![Part::text("x")]), model(vec![call("a")])],
            "function call turn comes",
        ),
        (vec![hi(), model(vec![call("a")])], as_many),
        (vec![hi(), model(vec![call("a")]), hi()], as_many),
        (vec![hi(), model(vec![call("a"), call("b")]), user(vec![result("a")])], as_many),
        (vec![user(vec![result("a")])], "function response turn comes"),
    ];
    for (messages, words) in cases {
        let request = ChatRequest { messages, ..ChatRequest::default() };
        let fault = server::check_history(Protocol::Gemini, &request).unwrap_err();
        assert!(fault.message.contains(words), "{fault}");
    }
    let good = ChatRequest {
        messages: vec![
            hi(),
            model(vec![Part::text("x"), call("a")]),
            user(vec![result("a")]),
            model(vec![call("b")]),
            user(vec![result("b"), Part::text("and")]),
        ],
        ..ChatRequest::default()
    };
    assert_eq!(server::check_history(Protocol::Gemini, &good), Ok(()));
}

#[test]
fn pictures_are_taken_out_of_requests() {
    let body = json!({ "contents": [{ "parts": [
        { "inline_data": { "mime_type": "image/png", "data": "-_-_" } },
        { "inlineData": { "mimeType": "image/png", "data": "?" } },
        { "inlineData": { "mimeType": "application/pdf", "data": "AQID" } },
    ] }] });
    let (request, blobs): (_, Blobs) =
        server::decode_request(Protocol::Gemini, body.to_string().as_bytes()).unwrap();
    let [Part::Image(image), Part::Unknown { .. }, Part::Unknown { .. }] =
        &request.messages[0].parts[..]
    else {
        panic!("{request:?}")
    };
    assert_eq!(blobs.get(&image.blob), Some(&[0xfb, 0xff, 0xbf][..]));
}

#[test]
fn tokens_and_models() {
    let count: Value = serde_json::from_slice(&server::encode_gemini_count(7)).unwrap();
    assert_eq!(count, json!({ "totalTokens": 7 }));
    let info = halo_wire::ModelInfo { id: "m".to_owned(), ..halo_wire::ModelInfo::default() };
    let model: Value = serde_json::from_slice(&server::encode_gemini_model(&info)).unwrap();
    assert_eq!(model["name"], "models/m");
}
