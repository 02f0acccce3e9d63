//! Answers in Chat Completions.

use halo_types::{Part, Protocol, StopReason, Usage};
use halo_wire::{Answer, Event, Finish};

use crate::text;

fn decode(input: &str) -> (Vec<Event>, Finish) {
    crate::decode(Protocol::OpenaiChat, input.as_bytes())
}

fn answer(input: &str) -> Answer {
    let (events, finish) = decode(input);
    assert_eq!(finish, Finish::Complete, "{events:?}");
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.add(event));
    answer
}

#[test]
fn a_stream_as_documented() {
    let answer = answer(concat!(
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",",
        "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße, \"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"你好 🙂\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":\"9\",\"completion_tokens\":12.0,",
        "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n",
        "data: [DONE]\n\n",
    ));
    assert_eq!(answer.id.as_deref(), Some("chatcmpl-1"));
    assert_eq!(answer.model.as_deref(), Some("gpt-4o"));
    assert_eq!(answer.text(), "Grüße, 你好 🙂");
    assert_eq!(answer.stop, Some(StopReason::End));
    let usage = Usage { input: Some(9), output: Some(12), cache_read: Some(4), ..Usage::default() };
    assert_eq!(answer.usage, usage);
}

#[test]
fn a_whole_answer_where_a_stream_was_asked() {
    let answer = answer(
        r#" {"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant",
        "content":[{"type":"text","text":"Hi"}],"reasoning_content":"Hm"},"finish_reason":"length"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2}}
        "#,
    );
    let thinking = Part::thought("Hm");
    assert_eq!(answer.parts(), [thinking, Part::text("Hi")]);
    assert_eq!(answer.stop, Some(StopReason::Length));
}

#[test]
fn texts_whatever_mangled_them() {
    let cases = [
        // CRLF, no space, comments, byte order mark, null deltas.
        "\u{feff}: hello\r\n\r\ndata:{\"choices\":[{\"delta\":null}]}\r\n\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\r\n\r\ndata:[DONE]\r\n\r\n",
        // Azure's opening chunk.
        "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n",
        // Two documents in a frame, wrapped lines, single line feeds, no end of line.
        "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}{\"choices\":[{\"delta\":{\"content\":\"i\"}}]}\n\ndata: [DONE]",
        "data: data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: data: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\ndata: {\"choices\":[{\"delta\":{\"content\":\"i\"}}]}\ndata: [DONE]\n",
        // No framing at all.
        "{\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}]}\n",
        "{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n[DONE]\n",
        "[{\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}]",
        // No [DONE]; a finish reason twice; a reason and text in one chunk.
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"us",
        // Keep-alive that is no comment; the message beside the delta; `error` without one.
        "data: ping\n\ndata: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"message\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[{\"text\":\"Hi\"}]}\n\ndata: [DONE]\n\n",
        // A second choice nobody asked for.
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}},{\"index\":1,\"delta\":{\"content\":\"no\"}}]}\n\ndata: [DONE]\n\n",
        // Bytes after the end.
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"no\"}}]}\n\n",
    ];
    for case in cases {
        let (events, finish) = decode(case);
        assert_eq!((text(&events).as_str(), finish), ("Hi", Finish::Complete), "{case}");
        let stops = events.iter().filter(|event| matches!(event, Event::Stop(_))).count();
        assert!(stops <= 1, "{case}");
    }
}

#[test]
fn thinking_comes_once_whatever_it_is_called() {
    for delta in [
        r#"{"reasoning_content":"Hm"}"#,
        r#"{"reasoning":"Hm","reasoning_content":"Hm","content":null}"#,
        r#"{"reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm"}]}"#,
        r#"{"reasoning_details":[{"type":"reasoning.summary","summary":"Hm"}]}"#,
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]}"#,
    ] {
        let (events, _) = decode(&format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n"));
        let thoughts: Vec<_> =
            events.iter().filter(|event| matches!(event, Event::Thinking(_))).collect();
        assert_eq!(thoughts, [&Event::Thinking("Hm".to_owned())], "{delta}");
    }
}

#[test]
fn tool_calls_in_every_form() {
    let call = |id: &str, name: &str, arguments: &str| Part::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    let cases: &[(&[&str], &[Part])] = &[
        // As documented, in pieces.
        (
            &[
                r#"[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]"#,
                r#"[{"index":0,"function":{"arguments":"{\"x\""}}]"#,
                r#"[{"index":0,"function":{"arguments":":1}"}}]"#,
                r#"[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]"#,
            ],
            &[call("a", "f", r#"{"x":1}"#), call("b", "g", "{}")],
        ),
        // Interleaved.
        (
            &[
                r#"[{"index":0,"id":"a","function":{"name":"f"}},{"index":1,"id":"b","function":{"name":"g"}}]"#,
                r#"[{"index":1,"function":{"arguments":"{\"y\":"}},{"index":0,"function":{"arguments":"{}"}}]"#,
                r#"[{"index":1,"function":{"arguments":"2}"}}]"#,
            ],
            &[call("a", "f", "{}"), call("b", "g", r#"{"y":2}"#)],
        ),
        // Every call has index 0; arguments as objects; no index.
        (
            &[
                r#"[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]"#,
                r#"[{"index":0,"id":"b","function":{"name":"g","arguments":{}}}]"#,
            ],
            &[call("a", "f", r#"{"x":1}"#), call("b", "g", "{}")],
        ),
        (
            &[
                r#"[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"{}"}}]"#,
            ],
            &[call("a", "f", "{}"), call("b", "g", "{}")],
        ),
        // No ids: neither may two calls become one, nor may ids repeat in other answers.
        (
            &[
                r#"[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#,
                r#"[{"index":0,"function":{"name":"g","arguments":"{}"}}]"#,
            ],
            &[call("call_c1_0", "f", "{}"), call("call_c1_1", "g", "{}")],
        ),
        // The name repeated, or late.
        (
            &[
                r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]"#,
                r#"[{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}]"#,
            ],
            &[call("a", "f", r#"{"x":1}"#)],
        ),
        (
            &[
                r#"[{"index":0,"id":"a","function":{"arguments":"{"}}]"#,
                r#"[{"index":0,"function":{"name":"f","arguments":"}"}}]"#,
            ],
            &[call("a", "f", "{}")],
        ),
    ];
    for (deltas, want) in cases {
        let mut stream = String::new();
        for delta in *deltas {
            stream += &format!(
                "data: {{\"id\":\"c1\",\"choices\":[{{\"delta\":{{\"tool_calls\":{delta}}}}}]}}\n\n"
            );
        }
        // Many servers say `stop` here.
        stream += "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
        let answer = answer(&stream);
        assert_eq!(answer.parts(), *want, "{stream}");
        assert_eq!(answer.stop, Some(StopReason::Tool));
    }
    let old = answer(
        r#"{"choices":[{"message":{"content":null,"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}]}"#,
    );
    assert_eq!(old.parts(), [call("call_0", "f", "{}")]);
}

#[test]
fn stop_reasons() {
    let cases = [
        ("stop", StopReason::End),
        ("length", StopReason::Length),
        ("tool_calls", StopReason::Tool),
        ("content_filter", StopReason::Filter),
        ("sensitive", StopReason::Filter),
        ("max_tokens", StopReason::Length),
        ("model_context_window_exceeded", StopReason::Context),
        ("banana", StopReason::Other { raw: "banana".to_owned() }),
    ];
    for (raw, want) in cases {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":"{raw}"}}]}}"#);
        assert_eq!(answer(&body).stop, Some(want), "{raw}");
    }
    let refused = answer(
        r#"{"choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#,
    );
    assert_eq!((refused.text().as_str(), refused.stop), ("No.", Some(StopReason::Refusal)));
}

#[test]
fn usage_in_odd_places() {
    let cases = [
        r#"{"choices":[{"delta":{"content":"x"},"usage":{"prompt_tokens":3,"completion_tokens":4}}]}"#,
        r#"{"choices":[{"delta":{"content":"x"}}],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":"4"}}}"#,
        r#"{"choices":null,"usage":{"input_tokens":3,"output_tokens":4}}"#,
    ];
    for case in cases {
        let (events, _) = decode(&format!("data: {case}\n\n"));
        let want = Usage { input: Some(3), output: Some(4), ..Usage::default() };
        assert!(events.contains(&Event::Usage(want)), "{case}: {events:?}");
    }
}

#[test]
fn without_a_terminator_it_is_cut() {
    for case in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: {\"choi",
        ": keep-alive\n\n",
        "da",
        "{\"choices\":[{\"mess",
        // A hole in the middle, though the end came.
        "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n\ndata: {\"choices\":[{\"del\n\ndata: [DONE]\n\n",
    ] {
        assert_eq!(decode(case).1, Finish::Truncated, "{case}");
    }
}
