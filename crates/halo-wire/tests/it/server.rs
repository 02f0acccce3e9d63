//! The server's side; what it writes, the client's side reads.

use halo_types::{ChatRequest, Part, Protocol, RequestMessage, Role, StopReason, Usage};
use halo_wire::server::{self, ErrorBody, StreamEncoder};
use halo_wire::{Answer, EncodeOptions, Event, Finish, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{decode, decode_pieces, error};

fn call(id: &str) -> Part {
    Part::ToolCall { id: id.to_owned(), name: "f".to_owned(), arguments: r#"{"a":1}"#.to_owned() }
}

fn result(id: &str) -> Part {
    Part::ToolResult { call_id: id.to_owned(), text: "ok".to_owned(), is_error: false }
}

fn answer() -> Answer {
    let usage = Usage {
        input: Some(10),
        output: Some(5),
        cache_read: Some(4),
        cache_write: Some(0),
        thinking: Some(2),
    };
    let thinking = Part::Thinking {
        text: "Hm".to_owned(),
        signature: Some("s".to_owned()),
        redacted: None,
        protocol: Some(Protocol::Anthropic),
    };
    let mut answer = Answer::from_parts(
        vec![thinking, Part::text("Hello\nworld"), call("c1"), call("c2")],
        usage,
        StopReason::Tool,
    );
    answer.id = Some("id-1".to_owned());
    answer.model = Some("m".to_owned());
    answer
}

/// What is left of an answer after a protocol that cannot hold all of it.
fn held(protocol: Protocol, mut answer: Answer) -> Answer {
    if matches!(protocol, Protocol::OpenaiChat | Protocol::Gemini) {
        let usage = Usage { cache_write: None, ..answer.usage };
        let parts = answer
            .parts()
            .into_iter()
            .map(|part| match part {
                Part::Thinking { text, .. } => {
                    Part::Thinking { text, signature: None, redacted: None, protocol: None }
                }
                part => part,
            })
            .collect();
        let (id, model) = (answer.id.take(), answer.model.take());
        answer = Answer::from_parts(parts, usage, answer.stop.unwrap());
        (answer.id, answer.model) = (id, model);
    }
    answer
}

/// Proofs come sealed in a Responses answer; sent back, they are the old ones again.
fn unsealed(protocol: Protocol, answer: Answer) -> Answer {
    if protocol != Protocol::OpenaiResponses {
        return answer;
    }
    let message = RequestMessage { role: Role::Assistant, parts: answer.parts() };
    let request = ChatRequest { messages: vec![message], ..ChatRequest::default() };
    let request = ChatRequest { model: "m".to_owned(), ..request };
    let body = encode(protocol, &request, &Default::default(), &EncodeOptions::default()).unwrap();
    let (mut back, _) = server::decode_request(protocol, &body).unwrap();
    let parts = back.messages.remove(0).parts;
    let (id, model) = (answer.id, answer.model);
    let mut answer = Answer::from_parts(parts, answer.usage, answer.stop.unwrap());
    (answer.id, answer.model) = (id, model);
    answer
}

fn collect(events: &[Event]) -> Answer {
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.add(event));
    answer
}

fn same(left: &Answer, right: &Answer) {
    assert_eq!(left.parts(), right.parts());
    assert_eq!(
        (&left.id, &left.model, &left.usage, &left.stop),
        (&right.id, &right.model, &right.usage, &right.stop)
    );
}

#[test]
fn answers_read_back() {
    for protocol in Protocol::ALL {
        let want = held(*protocol, answer());
        let body = server::encode_answer(*protocol, &answer(), "id-1", "m", 1);
        let (events, finish) = decode(*protocol, &body);
        assert_eq!(finish, Finish::Complete);
        same(&unsealed(*protocol, collect(&events)), &want);

        let mut encoder = StreamEncoder::new(*protocol, "id-1", "m", 1).with_usage(true);
        let stream: Vec<u8> =
            answer().events().iter().flat_map(|event| encoder.encode(event)).collect();
        assert!(encoder.finish().is_empty(), "Done has ended it");
        let (events, finish) = decode(*protocol, &stream);
        assert_eq!(finish, Finish::Complete);
        same(&unsealed(*protocol, collect(&events)), &want);
    }
}

#[test]
fn interleaved_calls_become_blocks() {
    let start =
        |index, id: &str| Event::ToolCall { index, id: id.to_owned(), name: "f".to_owned() };
    let piece = |index, delta: &str| Event::ToolArguments { index, delta: delta.to_owned() };
    let events = [
        start(0, "a"),
        piece(0, "{\"x\""),
        start(1, "b"),
        piece(1, "{\"y\":"),
        piece(0, ":1}"),
        piece(1, "2}"),
        start(2, "c"),
        Event::Stop(StopReason::Tool),
        Event::Done,
    ];
    let mut encoder = StreamEncoder::new(Protocol::Anthropic, "i", "m", 0);
    let stream: Vec<u8> = events.iter().flat_map(|event| encoder.encode(event)).collect();
    let mut calls: Vec<(String, String)> = collect(&decode(Protocol::Anthropic, &stream).0)
        .into_parts()
        .into_iter()
        .map(|part| match part {
            Part::ToolCall { id, arguments, .. } => (id, arguments),
            other => panic!("{other:?}"),
        })
        .collect();
    calls.sort();
    let want = [("a", r#"{"x":1}"#), ("b", r#"{"y":2}"#), ("c", "")];
    assert_eq!(calls, want.map(|(id, arguments)| (id.to_owned(), arguments.to_owned())));
}

#[test]
fn usage_chunks_only_where_asked() {
    let body = |stream_options: Value| {
        json!({"model":"m","messages":[],"stream_options":stream_options}).to_string()
    };
    assert!(server::wants_usage(
        Protocol::OpenaiChat,
        body(json!({"include_usage":true})).as_bytes()
    ));
    assert!(!server::wants_usage(Protocol::OpenaiChat, body(Value::Null).as_bytes()));
    let mut encoder = StreamEncoder::new(Protocol::OpenaiChat, "i", "m", 0);
    encoder.encode(&Event::Usage(Usage { input: Some(1), ..Usage::default() }));
    assert!(!String::from_utf8(encoder.finish()).unwrap().contains("usage"));
}

#[test]
fn errors_keep_the_protocols_shape() {
    let body = ErrorBody {
        status: 429,
        message: "slow down".to_owned(),
        code: Some("rate_limit_exceeded".to_owned()),
        halo: Some(json!({"kind":"rate_limited"})),
        ..ErrorBody::default()
    };
    let openai = json!({"error":{"message":"slow down","type":"rate_limit_error","param":null,
        "code":"rate_limit_exceeded","halo":{"kind":"rate_limited"}}});
    let anthropic = json!({"type":"error","error":{"type":"rate_limit_error","message":"slow down",
        "details":{"error_code":"rate_limit_exceeded"},"halo":{"kind":"rate_limited"}}});
    for (protocol, want) in [(Protocol::OpenaiChat, openai), (Protocol::Anthropic, anthropic)] {
        let bytes = server::encode_error(protocol, &body);
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), want);
        let event = server::encode_error_event(protocol, &body);
        let (events, _) = decode(protocol, &event);
        assert_eq!(error(&events).unwrap().as_bytes(), bytes);

        let mut encoder = StreamEncoder::new(protocol, "i", "m", 0);
        let mut stream = encoder.encode(&Event::Text("Hi".to_owned()));
        stream.extend(encoder.encode(&Event::Error { raw: bytes }));
        stream.extend(encoder.encode(&Event::Text("no".to_owned())));
        stream.extend(encoder.finish());
        let (events, finish) = decode(protocol, &stream);
        assert!(error(&events).unwrap().contains("slow down"));
        assert_eq!(finish, Finish::Truncated);
    }
    let unknown = ErrorBody { status: 529, kind: Some("x".to_owned()), ..ErrorBody::default() };
    let bytes = server::encode_error(Protocol::Anthropic, &unknown);
    assert!(String::from_utf8(bytes).unwrap().contains("overloaded_error"));
}

#[test]
fn requests_read_back() {
    let text = |role, text: &str| RequestMessage { role, parts: vec![Part::text(text)] };
    let request = ChatRequest {
        model: "m".to_owned(),
        system: Some("s".to_owned()),
        messages: vec![
            text(Role::User, "Hi"),
            RequestMessage {
                role: Role::Assistant,
                parts: vec![Part::text("Yes"), call("c1"), call("c2")],
            },
            RequestMessage { role: Role::User, parts: vec![result("c1"), result("c2")] },
            text(Role::Assistant, "Done"),
        ],
        max_tokens: Some(9),
        temperature: Some(0.5),
        top_p: Some(0.25),
        stop: vec!["X".to_owned()],
        tools: vec![halo_types::ToolSpec {
            name: "f".to_owned(),
            description: None,
            parameters: json!({"type":"object"}),
        }],
        stream: true,
        ..ChatRequest::default()
    };
    for protocol in Protocol::ALL {
        let body =
            encode(*protocol, &request, &Default::default(), &EncodeOptions::default()).unwrap();
        let (mut back, _) = server::decode_request(*protocol, &body).unwrap();
        if *protocol == Protocol::Gemini {
            // Both stand in the URL.
            assert_eq!((back.model.as_str(), back.stream), ("", false));
            (back.model, back.stream) = ("m".to_owned(), true);
        }
        let request = match protocol {
            // It knows no texts that end an answer, and no answers this short.
            Protocol::OpenaiResponses => {
                ChatRequest { stop: Vec::new(), max_tokens: Some(16), ..request.clone() }
            }
            _ => request.clone(),
        };
        assert_eq!(back, request, "{protocol}");
        assert!(server::unheld_parameters(*protocol, &body).is_empty());
        server::check_history(*protocol, &back).unwrap();
    }
    let body = br#"{"model":"m","messages":[],"seed":1,"n":null,"tool_choice":"auto"}"#;
    assert_eq!(server::unheld_parameters(Protocol::OpenaiChat, body), ["seed"]);
}

#[test]
fn pictures_are_taken_out_of_requests() {
    let bodies = [
        (
            Protocol::OpenaiChat,
            json!({"model":"m","messages":[{"role":"user","content":[
                {"type":"image_url","image_url":{"url":"data:image/png;base64,AQID"}},
                {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
            ]}]}),
        ),
        (
            Protocol::Anthropic,
            json!({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}},
                {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},
            ]}]}),
        ),
    ];
    for (protocol, body) in bodies {
        let (request, blobs) =
            server::decode_request(protocol, body.to_string().as_bytes()).unwrap();
        let [Part::Image(image), Part::Unknown { .. }] = &request.messages[0].parts[..] else {
            panic!("{request:?}")
        };
        assert_eq!(
            image.blob.as_str(),
            "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
        );
        assert_eq!(blobs.get(&image.blob), Some(&[1, 2, 3][..]));
        assert_eq!((image.media_type.as_str(), image.bytes), ("image/png", 3));
    }
}

#[test]
fn bad_requests_are_refused_in_the_providers_words() {
    let cases = [
        (Protocol::Anthropic, "{}", "model: Field required"),
        (Protocol::Anthropic, r#"{"model":"m","messages":[]}"#, "max_tokens: Field required"),
        (
            Protocol::Anthropic,
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"system","content":"x"}]}"#,
            "messages: Unexpected role \"system\".",
        ),
        (Protocol::Anthropic, "oops", "The request body is not valid JSON"),
        (Protocol::OpenaiChat, "[]", "We could not parse the JSON body of your request."),
        (Protocol::OpenaiChat, "{}", "you must provide a model parameter"),
        (Protocol::OpenaiChat, r#"{"model":"m"}"#, "Missing required parameter: 'messages'."),
        (Protocol::OpenaiResponses, r#"{"model":"m"}"#, "One of \"input\" or"),
        (
            Protocol::OpenaiChat,
            r#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#,
            "Invalid value: 'robot'.",
        ),
    ];
    for (protocol, body, words) in cases {
        let fault = server::decode_request(protocol, body.as_bytes()).unwrap_err();
        assert!(fault.message.starts_with(words), "{fault}");
        assert_eq!(fault.body().status, 400);
    }
}

#[test]
fn broken_histories_are_refused() {
    let user = |parts: Vec<Part>| RequestMessage { role: Role::User, parts };
    let model = |parts: Vec<Part>| RequestMessage { role: Role::Assistant, parts };
    let hi = || user(vec![Part::text("Hi")]);
    let both = [
        (vec![], "at least one message is required", "empty array"),
        (vec![hi(), model(vec![call("c")])], "`tool_use` ids were found", "must be followed by"),
        (
            vec![hi(), model(vec![call("c"), call("d")]), user(vec![result("c")])],
            "immediately after: d.",
            "did not have response messages: d",
        ),
        (
            vec![hi(), model(vec![call("c")]), hi(), model(vec![Part::text("x")])],
            "`tool_use` ids were found",
            "must be followed by",
        ),
        (
            vec![hi(), model(vec![Part::text("x")]), user(vec![result("c")])],
            "unexpected `tool_use_id`",
            "must be a response to a preceeding message",
        ),
        (vec![user(vec![result("c")])], "unexpected `tool_use_id`", "must be a response"),
    ];
    for (messages, anthropic, openai) in both {
        let request = ChatRequest { messages, ..ChatRequest::default() };
        let fault = server::check_history(Protocol::Anthropic, &request).unwrap_err();
        assert!(fault.message.contains(anthropic), "{fault}");
        let fault = server::check_history(Protocol::OpenaiChat, &request).unwrap_err();
        assert!(fault.message.contains(openai), "{fault}");
    }
    let anthropic_only = [
        (vec![model(vec![Part::text("x")])], "first message must use the \"user\" role"),
        (vec![user(vec![Part::text("")])], "text content blocks must be non-empty"),
        (vec![user(vec![Part::text(" ")])], "must contain non-whitespace text"),
        (vec![user(vec![]), hi()], "messages.0: all messages must have non-empty content"),
        (vec![hi(), model(vec![Part::text("x ")])], "cannot end with trailing whitespace"),
    ];
    for (messages, words) in anthropic_only {
        let request = ChatRequest { messages, ..ChatRequest::default() };
        let fault = server::check_history(Protocol::Anthropic, &request).unwrap_err();
        assert!(fault.message.contains(words), "{fault}");
        server::check_history(Protocol::OpenaiChat, &request).unwrap();
    }
    let good = ChatRequest {
        messages: vec![hi(), hi(), model(vec![call("c")]), user(vec![result("c")]), hi()],
        ..ChatRequest::default()
    };
    for protocol in Protocol::ALL {
        server::check_history(*protocol, &good).unwrap();
    }
}

proptest! {
    #[test]
    fn texts_survive_both_streams(texts in prop::collection::vec("\\PC{1,12}|[\r\n\u{2028}]", 1..8)) {
        for protocol in Protocol::ALL {
            let mut encoder = StreamEncoder::new(*protocol, "i", "m", 0);
            let mut stream = Vec::new();
            for text in &texts {
                stream.extend(encoder.encode(&Event::Text(text.clone())));
            }
            stream.extend(encoder.finish());
            let (events, finish) = decode_pieces(*protocol, [stream.as_slice()]);
            prop_assert_eq!(finish, Finish::Complete);
            prop_assert_eq!(collect(&events).text(), texts.concat());
        }
    }

    #[test]
    fn requests_never_break_the_rules_they_are_checked_by(
        roles in prop::collection::vec((any::<bool>(), "[ a\n]{0,3}"), 1..6),
    ) {
        let messages = roles.into_iter().map(|(is_user, text)| RequestMessage {
            role: if is_user { Role::User } else { Role::Assistant },
            parts: vec![Part::Text { text }],
        });
        let request = ChatRequest {
            model: "m".to_owned(),
            messages: messages.collect(),
            ..ChatRequest::default()
        };
        for protocol in Protocol::ALL {
            let body = encode(*protocol, &request, &Default::default(), &EncodeOptions::default());
            if let Ok(body) = body {
                let (back, _) = server::decode_request(*protocol, &body).unwrap();
                prop_assert_eq!(server::check_history(*protocol, &back), Ok(()));
            }
        }
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "role",
        "content",
        "type",
        "text",
        "tool_calls",
        "function",
        "arguments",
        "id",
        "input",
        "source",
        "data",
        "tool_use_id",
        "tool_call_id",
        "image_url",
        "url",
        "choices",
        "delta",
        "message",
        "finish_reason",
        "index",
        "usage",
        "prompt_tokens",
        "input_tokens",
        "content_block",
        "error",
        "cache_read_input_tokens",
        "system",
        "tools",
        "stop",
        "parts",
        "candidates",
        "functionCall",
        "functionResponse",
        "inlineData",
        "mimeType",
        "name",
        "args",
        "response",
        "thought",
        "thoughtSignature",
        "finishReason",
        "promptFeedback",
        "blockReason",
        "usageMetadata",
        "citationMetadata",
        "groundingMetadata",
        "functionDeclarations",
        "parameters",
        "properties",
        "item",
        "output",
        "summary",
        "status",
        "call_id",
        "output_index",
        "annotations",
        "encrypted_content",
        "result",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "user",
            "assistant",
            "tool",
            "text",
            "tool_use",
            "tool_result",
            "image",
            "message",
            "content_block_start",
            "content_block_delta",
            "message_delta",
            "input_json_delta",
            "data:image/png;base64,",
            "stop",
            "AQID",
            "model",
            "image/png",
            "STOP",
            "OTHER",
            "reasoning",
            "function_call",
            "function_call_output",
            "image_generation_call",
            "output_text",
            "refusal",
            "completed",
            "response.created",
            "response.output_item.added",
            "response.output_item.done",
            "response.output_text.delta",
            "response.function_call_arguments.done",
            "response.completed",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_from_outside_makes_it_panic(value in json_value(), messages in json_value()) {
        let messages = json!([messages, value.clone()]);
        let request =
            json!({"model":"m","max_tokens":1,"messages":messages.clone(),"input":messages.clone()});
        let gemini = json!({"contents":messages,"tools":value,"toolConfig":value,
            "generationConfig":value,"systemInstruction":value});
        let _ = server::unheld_parameters(Protocol::Gemini, gemini.to_string().as_bytes());
        for protocol in Protocol::ALL {
            let request = if *protocol == Protocol::Gemini { &gemini } else { &request };
            if let Ok((request, blobs)) =
                server::decode_request(*protocol, request.to_string().as_bytes())
            {
                let _ = server::check_history(*protocol, &request);
                for target in Protocol::ALL {
                    let _ = encode(*target, &request, &blobs, &EncodeOptions::default());
                }
            }
            let candidates = json!([{"candidates":value},value]);
            decode_pieces(*protocol, [candidates.to_string().as_bytes()]);
            let (events, _) = decode_pieces(*protocol, [value.to_string().as_bytes()]);
            for target in Protocol::ALL {
                let mut encoder = StreamEncoder::new(*target, "i", "m", 0);
                for event in &events {
                    encoder.encode(event);
                }
                encoder.finish();
                let _ = server::encode_answer(*target, &collect(&events), "i", "m", 0);
            }
            let _ = halo_wire::decode_models(value.to_string().as_bytes());
        }
    }
}
