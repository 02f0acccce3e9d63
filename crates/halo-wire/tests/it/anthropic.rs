//! Answers in Anthropic Messages.

use halo_types::{Part, Protocol, StopReason, Usage};
use halo_wire::{Answer, Event, Finish};
use serde_json::json;

use crate::text;

fn decode(input: &str) -> (Vec<Event>, Finish) {
    crate::decode(Protocol::Anthropic, input.as_bytes())
}

fn stream(events: &[serde_json::Value]) -> String {
    let mut out = String::new();
    for event in events {
        out += &format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    }
    out
}

fn answer(input: &str) -> Answer {
    let (events, finish) = decode(input);
    assert_eq!(finish, Finish::Complete, "{events:?}");
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.add(event));
    answer
}

fn documented() -> String {
    stream(&[
        json!({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",
            "content":[],"model":"claude","stop_reason":null,
            "usage":{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}}),
        json!({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}),
        json!({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}),
        json!({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}),
        json!({"type":"content_block_stop","index":0}),
        json!({"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"enc"}}),
        json!({"type":"content_block_stop","index":1}),
        json!({"type":"ping"}),
        json!({"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}),
        json!({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Hel"}}),
        json!({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"lo 你"}}),
        json!({"type":"content_block_stop","index":2}),
        json!({"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}}),
        json!({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"query\":"}}),
        json!({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}}),
        json!({"type":"content_block_stop","index":3}),
        json!({"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}),
        json!({"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}),
        json!({"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}),
        json!({"type":"content_block_stop","index":4}),
        json!({"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":42}}),
        json!({"type":"message_stop"}),
    ])
}

fn documented_parts() -> Vec<Part> {
    vec![
        Part::Thinking {
            text: "Hm".to_owned(),
            signature: Some("sig".to_owned()),
            redacted: None,
            protocol: Some(Protocol::Anthropic),
        },
        Part::Thinking {
            text: String::new(),
            signature: None,
            redacted: Some("enc".to_owned()),
            protocol: Some(Protocol::Anthropic),
        },
        Part::text("Hello 你"),
        Part::Unknown {
            protocol: "anthropic".to_owned(),
            json: json!({"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"x"}}),
        },
        Part::ToolCall {
            id: "toolu_1".to_owned(),
            name: "f".to_owned(),
            arguments: r#"{"a":1}"#.to_owned(),
        },
    ]
}

#[test]
fn a_stream_as_documented() {
    let answer = answer(&documented());
    assert_eq!(answer.id.as_deref(), Some("msg_1"));
    assert_eq!(answer.parts(), documented_parts());
    assert_eq!(answer.stop, Some(StopReason::Tool));
    let usage = Usage {
        input: Some(17),
        output: Some(42),
        cache_read: Some(5),
        cache_write: Some(2),
        thinking: None,
    };
    assert_eq!(answer.usage, usage);
}

#[test]
fn a_whole_message() {
    let body = json!({"id":"msg_1","type":"message","role":"assistant","model":"claude",
        "content":[
            {"type":"thinking","thinking":"Hm","signature":"sig"},
            {"type":"redacted_thinking","data":"enc"},
            {"type":"text","text":"Hello 你"},
            {"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"x"}},
            {"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}},
        ],
        "stop_reason":"tool_use","usage":{"input_tokens":"17","output_tokens":42}});
    let answer = answer(&body.to_string());
    assert_eq!(answer.parts(), documented_parts());
    assert_eq!(answer.usage.input, Some(17));
}

#[test]
fn relays_mangle_it() {
    let cases = [
        // No names, CRLF, [DONE] at the end.
        documented().replace("event: ", ": ").replace('\n', "\r\n") + "data: [DONE]\r\n\r\n",
        // No blank lines, and none at the end.
        documented().replace("\n\n", "\n").trim_end().to_owned(),
        // The type only in the name.
        documented().replacen(r#""type":"message_stop""#, "", 1),
    ];
    for case in cases {
        let answer = answer(&case);
        assert_eq!(answer.parts(), documented_parts(), "{case}");
    }
}

#[test]
fn nothing_counts_after_the_end() {
    let late = json!({"type":"content_block_delta","delta":{"type":"text_delta","text":"no"}});
    let stop = json!({"type":"message_stop"});
    for input in [
        stream(&[stop.clone(), late.clone()]),
        format!("{stop}{late}"),
        format!("[{stop},{late}]"),
        format!("data: {stop}{late}\n\n"),
    ] {
        let (events, finish) = decode(&input);
        assert_eq!((text(&events).as_str(), finish), ("", Finish::Complete), "{input}");
    }
}

#[test]
fn arguments_may_come_with_the_start() {
    let answer = answer(&stream(&[
        json!({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}),
        json!({"type":"content_block_stop","index":0}),
        json!({"type":"message_stop"}),
    ]));
    let [Part::ToolCall { arguments, .. }] = &answer.parts()[..] else { panic!("{answer:?}") };
    assert_eq!(arguments, r#"{"a":1}"#);
}

#[test]
fn two_hidden_thoughts_keep_their_signatures() {
    let block = |index: u64, signature: &str| {
        [
            json!({"type":"content_block_start","index":index,"content_block":{"type":"thinking","thinking":"","signature":signature}}),
            json!({"type":"content_block_stop","index":index}),
        ]
    };
    let mut events = block(0, "one").to_vec();
    events.extend(block(1, "two"));
    events.push(json!({"type":"message_stop"}));
    assert_eq!(answer(&stream(&events)).parts().len(), 2);
}

#[test]
fn only_message_stop_completes_a_stream() {
    let documented = documented();
    let cut = documented.rfind("event: message_stop").unwrap();
    assert_eq!(decode(&documented[..cut]).1, Finish::Truncated);
    let with_done = documented[..cut].to_owned() + "data: [DONE]\n\n";
    assert_eq!(decode(&with_done).1, Finish::Truncated);
    assert_eq!(text(&decode(&documented[..cut]).0), "Hello 你");
}

#[test]
fn stop_reasons() {
    let cases = [
        ("end_turn", StopReason::End),
        ("stop_sequence", StopReason::End),
        ("max_tokens", StopReason::Length),
        ("tool_use", StopReason::Tool),
        ("refusal", StopReason::Refusal),
        ("model_context_window_exceeded", StopReason::Context),
        ("pause_turn", StopReason::Other { raw: "pause_turn".to_owned() }),
    ];
    for (raw, want) in cases {
        let body = json!({"type":"message","role":"assistant","content":[{"type":"text","text":"x"}],"stop_reason":raw});
        assert_eq!(answer(&body.to_string()).stop, Some(want), "{raw}");
    }
}
