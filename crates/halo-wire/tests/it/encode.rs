//! Requests.

use halo_types::{
    BlobId, Blobs, ChatRequest, ImageRef, Part, Protocol, RequestMessage, Role, ToolSpec,
};
use halo_wire::{EncodeError, EncodeOptions, MaxTokensField, auth_headers, encode};
use serde_json::{Value, json};

fn blob() -> BlobId {
    BlobId::from_digest(&[7; 32])
}

fn image() -> Part {
    Part::Image(ImageRef {
        blob: blob(),
        media_type: "image/png".to_owned(),
        width: 1,
        height: 1,
        bytes: 3,
        name: None,
    })
}

fn blobs() -> Blobs {
    let mut blobs = Blobs::default();
    blobs.insert(blob(), vec![1, 2, 3]);
    blobs
}

fn message(role: Role, parts: Vec<Part>) -> RequestMessage {
    RequestMessage { role, parts }
}

/// A request with everything in it.
fn full() -> ChatRequest {
    let thinking = |signature: Option<&str>| Part::Thinking {
        text: "Hm".to_owned(),
        signature: signature.map(str::to_owned),
        redacted: None,
        protocol: Some(Protocol::Anthropic),
    };
    ChatRequest {
        model: "m".to_owned(),
        system: Some("Be kind.".to_owned()),
        messages: vec![
            message(Role::User, vec![Part::text("Look"), image()]),
            message(Role::User, vec![Part::text(" ")]),
            message(
                Role::Assistant,
                vec![
                    thinking(Some("sig")),
                    thinking(None),
                    Part::text("I see."),
                    Part::ToolCall {
                        id: "call:1".to_owned(),
                        name: "f".to_owned(),
                        arguments: r#"{"a":1}"#.to_owned(),
                    },
                ],
            ),
            message(
                Role::User,
                vec![
                    Part::text("And?"),
                    Part::ToolResult {
                        call_id: "call:1".to_owned(),
                        text: "42".to_owned(),
                        is_error: true,
                    },
                ],
            ),
            message(Role::Assistant, vec![thinking(None)]),
            message(
                Role::User,
                vec![Part::Unknown { protocol: "gemini".to_owned(), json: json!({"type":"x"}) }],
            ),
        ],
        max_tokens: Some(100),
        temperature: Some(1.5),
        top_p: Some(0.5),
        stop: vec!["END".to_owned(), "\n".to_owned()],
        tools: vec![ToolSpec {
            name: "f".to_owned(),
            description: Some("does f".to_owned()),
            parameters: json!({"type":"object"}),
        }],
        stream: true,
        ..ChatRequest::default()
    }
}

fn body(protocol: Protocol, request: &ChatRequest, options: &EncodeOptions) -> Value {
    serde_json::from_slice(&encode(protocol, request, &blobs(), options).unwrap()).unwrap()
}

#[test]
fn anthropic_form() {
    assert_eq!(
        body(Protocol::Anthropic, &full(), &EncodeOptions::default()),
        json!({
            "model": "m",
            "system": "Be kind.",
            "max_tokens": 100,
            "temperature": 1.0,
            "top_p": 0.5,
            "stop_sequences": ["END"],
            "stream": true,
            "tools": [{"name":"f","description":"does f","input_schema":{"type":"object"}}],
            "messages": [
                {"role":"user","content":[
                    {"type":"text","text":"Look"},
                    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}},
                ]},
                {"role":"assistant","content":[
                    {"type":"thinking","thinking":"Hm","signature":"sig"},
                    {"type":"text","text":"I see."},
                    {"type":"tool_use","id":"call_1","name":"f","input":{"a":1}},
                ]},
                {"role":"user","content":[
                    {"type":"tool_result","tool_use_id":"call_1","content":"42","is_error":true},
                    {"type":"text","text":"And?"},
                ]},
            ],
        })
    );
}

#[test]
fn openai_form() {
    assert_eq!(
        body(Protocol::OpenaiChat, &full(), &EncodeOptions::default()),
        json!({
            "model": "m",
            "max_tokens": 100,
            "temperature": 1.5,
            "top_p": 0.5,
            "stop": ["END", "\n"],
            "stream": true,
            "stream_options": {"include_usage": true},
            "tools": [{"type":"function","function":{"name":"f","description":"does f","parameters":{"type":"object"}}}],
            "messages": [
                {"role":"system","content":"Be kind."},
                {"role":"user","content":[
                    {"type":"text","text":"Look"},
                    {"type":"image_url","image_url":{"url":"data:image/png;base64,AQID"}},
                ]},
                {"role":"assistant","content":"I see.","tool_calls":[
                    {"id":"call:1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
                ]},
                {"role":"tool","tool_call_id":"call:1","content":"42"},
                {"role":"user","content":"And?"},
            ],
        })
    );
}

#[test]
fn refused_parameters_are_not_sent() {
    let options = |omit: &[&str]| EncodeOptions {
        omit: omit.iter().map(|name| (*name).to_owned()).collect(),
        ..EncodeOptions::default()
    };
    let without = |protocol, omit: &[&str]| body(protocol, &full(), &options(omit));
    // Gemini's parameters stand elsewhere; see its own tests.
    for protocol in Protocol::ALL.iter().filter(|protocol| **protocol != Protocol::Gemini) {
        let body =
            without(*protocol, &["temperature", "top_p", "stop", "tools", "stream", "model"]);
        for name in
            ["temperature", "top_p", "stop", "stop_sequences", "tools", "stream", "stream_options"]
        {
            assert!(body.get(name).is_none(), "{protocol} {name}");
        }
        assert_eq!(body["model"], "m", "{protocol}: a request needs its model");
        // A refused system prompt is said in the first message.
        let body = without(*protocol, &["system"]);
        assert!(body.get("system").is_none());
        let messages = body.get("messages").or_else(|| body.get("input")).unwrap();
        assert_eq!(messages[0]["content"][0]["text"], "Be kind.", "{body}");
    }
    let body = without(Protocol::OpenaiChat, &["max_tokens", "stream_options"]);
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(100), None));
    assert!(body.get("stream_options").is_none());
    let body = without(Protocol::OpenaiChat, &["max_tokens", "max_completion_tokens"]);
    assert!(body.get("max_completion_tokens").is_none());
    assert_eq!(without(Protocol::Anthropic, &["max_tokens"])["max_tokens"], 100);
}

#[test]
fn options_change_the_form() {
    let request = ChatRequest { max_tokens: None, ..full() };
    let options = EncodeOptions {
        default_max_tokens: Some(7),
        max_tokens_field: MaxTokensField::MaxCompletionTokens,
        include_usage: false,
        ..EncodeOptions::default()
    };
    assert_eq!(body(Protocol::Anthropic, &request, &options)["max_tokens"], 7);
    let default = EncodeOptions::default();
    assert_eq!(body(Protocol::Anthropic, &request, &default)["max_tokens"], 4096);
    let openai = body(Protocol::OpenaiChat, &request, &options);
    assert!(
        openai.get("max_completion_tokens").is_none() && openai.get("stream_options").is_none()
    );
    assert_eq!(body(Protocol::OpenaiChat, &full(), &options)["max_completion_tokens"], 100);
}

#[test]
fn histories_are_made_to_fit() {
    let request = ChatRequest {
        messages: vec![
            message(Role::Assistant, vec![Part::text("I begin. ")]),
            message(Role::Assistant, vec![Part::text("And go on. \n")]),
        ],
        ..ChatRequest::default()
    };
    let body = body(Protocol::Anthropic, &request, &EncodeOptions::default());
    assert_eq!(body["messages"][0]["role"], "user");
    assert_eq!(
        body["messages"][1],
        json!({"role":"assistant","content":[
            {"type":"text","text":"I begin. "},{"type":"text","text":"And go on."},
        ]})
    );
}

#[test]
fn arguments_that_are_no_object_survive() {
    for (arguments, input) in [
        ("", json!({})),
        ("{\"a\":", json!({"arguments":"{\"a\":"})),
        ("[1]", json!({"arguments":"[1]"})),
    ] {
        let call = Part::ToolCall {
            id: String::new(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
        };
        let request = ChatRequest {
            messages: vec![
                message(Role::User, vec![Part::text("x")]),
                message(Role::Assistant, vec![call]),
            ],
            ..ChatRequest::default()
        };
        let body = body(Protocol::Anthropic, &request, &EncodeOptions::default());
        assert_eq!(body["messages"][1]["content"][0]["input"], input);
    }
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    for protocol in Protocol::ALL {
        let empty = ChatRequest {
            system: Some("s".to_owned()),
            messages: vec![message(Role::User, vec![Part::text("")])],
            ..ChatRequest::default()
        };
        let options = EncodeOptions::default();
        assert_eq!(
            encode(*protocol, &empty, &Blobs::default(), &options),
            Err(EncodeError::NoMessages)
        );
        assert_eq!(
            encode(*protocol, &full(), &Blobs::default(), &options),
            Err(EncodeError::MissingBlob(blob()))
        );
    }
}

#[test]
fn keys_go_where_they_belong() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let version = header("anthropic-version", "2023-06-01");
    assert_eq!(
        auth_headers(Protocol::Anthropic, Some(" k\n")),
        [header("x-api-key", "k"), version.clone()]
    );
    assert_eq!(auth_headers(Protocol::Anthropic, None), [version]);
    assert_eq!(
        auth_headers(Protocol::OpenaiChat, Some("k")),
        [header("authorization", "Bearer k")]
    );
    assert!(auth_headers(Protocol::OpenaiChat, Some("")).is_empty());
}
