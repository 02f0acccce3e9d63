//! Answers in Gemini's form, beyond the cases in files.

use halo_types::{Part, Protocol, StopReason};
use halo_wire::{Answer, Decoder, EncodeOptions, Event, Finish, encode};
use serde_json::{Value, json};

use crate::{error, text};

fn decode(input: &str) -> (Vec<Event>, Finish) {
    crate::decode(Protocol::Gemini, input.as_bytes())
}

fn answer(input: &str) -> Answer {
    let (events, finish) = decode(input);
    assert_eq!(finish, Finish::Complete, "{events:?}");
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.add(event));
    answer
}

fn ended(parts: &Value, reason: &str) -> String {
    json!({ "candidates": [{ "content": { "parts": parts }, "finishReason": reason }] }).to_string()
}

#[test]
fn stop_reasons() {
    let words = json!([{ "text": "x" }]);
    let other = |raw: &str| StopReason::Other { raw: raw.to_owned() };
    let cases = [
        ("STOP", StopReason::End),
        ("MAX_TOKENS", StopReason::Length),
        ("CONTINUATION", StopReason::Length),
        ("SAFETY", StopReason::Filter),
        ("RECITATION", StopReason::Filter),
        ("LANGUAGE", StopReason::Filter),
        ("BLOCKLIST", StopReason::Filter),
        ("PROHIBITED_CONTENT", StopReason::Filter),
        ("SPII", StopReason::Filter),
        ("IMAGE_SAFETY", StopReason::Filter),
        ("IMAGE_PROHIBITED_CONTENT", StopReason::Filter),
        ("IMAGE_RECITATION", StopReason::Filter),
        ("ESCALATION", StopReason::Filter),
        ("MODEL_ARMOR", StopReason::Filter),
        ("OTHER", other("OTHER")),
        ("MALFORMED_FUNCTION_CALL", other("MALFORMED_FUNCTION_CALL")),
        ("NO_IMAGE", other("NO_IMAGE")),
        ("SOMETHING_NEW", other("SOMETHING_NEW")),
    ];
    for (raw, want) in cases {
        assert_eq!(answer(&ended(&words, raw)).stop, Some(want), "{raw}");
    }
    // Without anything usable, and thinking is not, some of them are failures.
    let thought = json!([{ "text": "Hm", "thought": true }]);
    for raw in [
        "OTHER",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "NO_IMAGE",
        "IMAGE_OTHER",
        "PUP_LIMITED_DISABLED",
    ] {
        let body = ended(&thought, raw);
        let (events, finish) = decode(&body);
        assert_eq!((error(&events), finish), (Some(body), Finish::Truncated), "{raw}");
    }
    assert_eq!(answer(&ended(&json!([]), "STOP")).stop, Some(StopReason::End));
}

#[test]
fn texts_whatever_mangled_them() {
    let h = r#"{"candidates":[{"content":{"parts":[{"text":"H"}]}}]}"#;
    let i = r#"{"candidates":[{"content":{"parts":[{"text":"i"}]},"finishReason":"STOP"}]}"#;
    let cases = [
        format!("data: {h}\n\ndata: {i}\n\n"),
        format!("data:{h}\r\n\r\ndata:{i}"),
        format!("data: {h}\ndata: {i}\n"),
        format!("data: {h}{i}\n\ndata: [DONE]\n\n"),
        format!("data: {h}\n\ndata: {i}\n\ndata: {{\"usageMeta"),
        format!("data: data: {h}\n\ndata: null\n\ndata: ping\n\ndata: {i}\n\n"),
        format!("data: {{\"response\":{h},\"traceId\":\"t\"}}\n\ndata: {{\"response\":{i}}}\n\n"),
        format!("{h}\n{i}\n"),
        format!("[{h},{i}]"),
        format!(" \n[ {h}\r\n,\r\n {i} \n]\n"),
        format!("[{h},{i}"),
        format!("[{h},{i},{{\"usageMetadata\":{{\"prom"),
        format!("[{h},null,[1,{{\"a\":2}}],{i}]{{\"x\":{{}}}}"),
        format!("\u{feff}[{h},{i}]"),
    ];
    for case in cases {
        let (events, finish) = decode(&case);
        assert_eq!((text(&events).as_str(), finish), ("Hi", Finish::Complete), "{case}");
    }
}

#[test]
fn without_a_reason_it_is_cut() {
    let h = r#"{"candidates":[{"content":{"parts":[{"text":"H"}]}}]}"#;
    let cases = [
        format!("data: {h}\n\n"),
        format!("data: {h}\n\ndata: [DONE]\n\n"),
        format!("data: {h}\n\ndata: {{\"cand"),
        format!("[{h}"),
        format!("[{h},"),
        format!("[{h}]"),
        format!("[{h},{{\"candidates\":[{{\"content"),
        format!("[{h},{{oops}},{h}]"),
        h.to_owned(),
        format!("{h}{h}"),
        "[{\"candid".to_owned(),
        "[".to_owned(),
    ];
    for case in cases {
        assert_eq!(decode(&case).1, Finish::Truncated, "{case}");
    }
}

#[test]
fn elements_of_a_list_are_handed_out_as_they_arrive() {
    let mut decoder = Decoder::new(Protocol::Gemini);
    let first = br#"[{"candidates":[{"content":{"parts":[{"text":"H"}]}}]}"#;
    assert_eq!(text(&decoder.push(first)), "H");
    assert!(decoder.push(b",\n{\"candidates\":[{\"content\"").is_empty());
    assert_eq!(decoder.finish().1, Finish::Truncated);
    assert_eq!(decoder.leftover(), b"{\"candidates\":[{\"content\"");
}

#[test]
fn a_list_has_bounds() {
    let mut decoder = Decoder::new(Protocol::Gemini);
    decoder.push(br#"[{"candidates":[{"content":{"parts":[{"text":"H"}]}}]},{"x":""#);
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..40 {
        assert!(decoder.push(&piece).is_empty());
    }
    let finish = decoder.finish().1;
    assert!(matches!(&finish, Finish::Unusable { why } if why.contains("longer than")));
    // Elements together may be longer than one may be.
    let mut decoder = Decoder::new(Protocol::Gemini);
    let filler = "x".repeat(1 << 20);
    decoder.push(b"[");
    for _ in 0..40 {
        let element = format!(
            "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{filler}\"}}]}}}}]}},"
        );
        assert!(!decoder.push(element.as_bytes()).is_empty());
    }
    decoder.push(br#"{"candidates":[{"finishReason":"STOP"}]}]"#);
    assert_eq!(decoder.finish().1, Finish::Complete);
}

#[test]
fn signatures_go_back_on_their_parts() {
    let answer = answer(&ended(
        &json!([
            { "text": "Hm", "thought": true },
            { "text": "Two calls.", "thoughtSignature": "czE=" },
            { "functionCall": { "id": "a", "name": "f", "args": { "x": 1 } }, "thoughtSignature": "czI=" },
            { "functionCall": { "id": "b", "name": "g", "args": {} } },
            { "inlineData": { "mimeType": "image/png", "data": "iVBORw==" }, "thoughtSignature": "czM=" },
            { "executableCode": { "code": "1" }, "thoughtSignature": "czQ=" },
            { "text": "", "thoughtSignature": "czU=" },
        ]),
        "STOP",
    ));
    assert_eq!(answer.stop, Some(StopReason::Tool));
    let result = |id: &str| Part::ToolResult {
        call_id: id.to_owned(),
        text: "ok".to_owned(),
        is_error: false,
    };
    let message = |role, parts| halo_types::RequestMessage { role, parts };
    let request = halo_types::ChatRequest {
        model: "gemini-3-pro".to_owned(),
        messages: vec![
            message(halo_types::Role::User, vec![Part::text("Hi")]),
            message(halo_types::Role::Assistant, answer.parts()),
            message(halo_types::Role::User, vec![result("a"), result("b")]),
        ],
        ..halo_types::ChatRequest::default()
    };
    let body =
        encode(Protocol::Gemini, &request, &answer.blobs, &EncodeOptions::default()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body["contents"][1]["parts"],
        json!([
            { "text": "Two calls.", "thoughtSignature": "czE=" },
            { "functionCall": { "id": "a", "name": "f", "args": { "x": 1 } }, "thoughtSignature": "czI=" },
            { "functionCall": { "id": "b", "name": "g", "args": {} } },
            { "inlineData": { "mimeType": "image/png", "data": "iVBORw==" }, "thoughtSignature": "czM=" },
            { "executableCode": { "code": "1" }, "thoughtSignature": "czQ=" },
            { "text": "", "thoughtSignature": "czU=" },
        ])
    );
    // No other protocol sees them.
    for other in [Protocol::Anthropic, Protocol::OpenaiChat] {
        let body = encode(other, &request, &answer.blobs, &EncodeOptions::default()).unwrap();
        assert!(!String::from_utf8(body).unwrap().contains("czE="), "{other}");
    }
}

#[test]
fn refused_parameters_are_not_sent() {
    let request = halo_types::ChatRequest {
        model: "gemini-2.5-flash".to_owned(),
        system: Some("Be kind.".to_owned()),
        messages: vec![halo_types::RequestMessage {
            role: halo_types::Role::User,
            parts: vec![Part::text("Hi")],
        }],
        max_tokens: Some(9),
        temperature: Some(0.5),
        top_p: Some(0.5),
        top_k: Some(5),
        stop: vec!["X".to_owned()],
        tools: vec![halo_types::ToolSpec {
            name: "f".to_owned(),
            description: None,
            parameters: json!({ "type": "object" }),
        }],
        tool_choice: Some(halo_types::ToolChoice::Auto),
        thinking: Some(halo_types::ThinkingSpec::default()),
        format: Some(halo_types::OutputFormat::Json),
        ..halo_types::ChatRequest::default()
    };
    let omit = [
        "max_tokens",
        "temperature",
        "top_p",
        "topK",
        "stop",
        "tools",
        "thinking",
        "response_format",
        "system_instruction",
    ];
    let options =
        EncodeOptions { omit: omit.map(str::to_owned).to_vec(), ..EncodeOptions::default() };
    let body = encode(Protocol::Gemini, &request, &Default::default(), &options).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "Be kind." }, { "text": "Hi" }] }] })
    );
    let body =
        encode(Protocol::Gemini, &request, &Default::default(), &EncodeOptions::default()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let config = body["generationConfig"].as_object().unwrap();
    let names: Vec<&str> = config.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "maxOutputTokens",
            "responseMimeType",
            "stopSequences",
            "temperature",
            "thinkingConfig",
            "topK",
            "topP",
        ]
    );
    assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], "AUTO");
}
