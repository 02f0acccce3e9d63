//! Errors where an answer was expected, and answers that are none.

use halo_types::Protocol;
use halo_wire::{Decoder, Event, Finish};

use crate::{decode, error, text};

/// Errors of all dialects, for both protocols.
const ERRORS: &[&str] = &[
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    r#"{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
    r#"{ "error" : "just words" }"#,
    r#"{"error":{"message":"缺少额度","code":1113}}"#,
    r#"{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"},"choices":null}"#,
    r#"{"error_code":336003,"error_msg":"bad"}"#,
    r#"{"Response":{"Error":{"Code":"X","Message":"no"},"RequestId":"r"}}"#,
    r#"{"detail":"Not Found"}"#,
    r#"{"code":50505,"message":"Model service overloaded","data":null}"#,
    r#"{"success":false,"errors":[{"code":3040,"message":"Capacity"}]}"#,
    r#"{"message":"no route"}"#,
    r#"{"throttlingException":{"message":"denied"}}"#,
    r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error"}}}"#,
    r#"{"id":"x","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"Upstream"}}"#,
];

#[test]
fn an_error_is_kept_byte_for_byte() {
    for protocol in Protocol::ALL {
        for raw in ERRORS {
            for input in [
                (*raw).to_owned(),
                format!("data: {raw}\n\n"),
                format!("data:{raw}"),
                format!("error: {raw}\n\n"),
                format!("event: error\r\ndata: {raw}\r\n\r\n"),
                format!(": ping\n\n{raw}\n\ndata: [DONE]\n\n"),
            ] {
                let (events, finish) = decode(*protocol, input.as_bytes());
                assert_eq!(error(&events).as_deref(), Some(*raw), "{protocol} {input}");
                assert_eq!(finish, Finish::Truncated);
            }
        }
    }
}

#[test]
fn an_error_in_the_middle_ends_the_answer() {
    let starts = [
        (Protocol::OpenaiChat, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
        (
            Protocol::Anthropic,
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n",
        ),
        (
            Protocol::OpenaiResponses,
            "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n",
        ),
    ];
    for (protocol, start) in starts {
        for raw in ERRORS {
            let input = format!("{start}data: {raw}\n\ndata: [DONE]\n\n{start}");
            let (events, finish) = decode(protocol, input.as_bytes());
            assert_eq!(error(&events).as_deref(), Some(*raw));
            assert_eq!((text(&events).as_str(), finish), ("Hi", Finish::Truncated));
            assert!(matches!(events.last(), Some(Event::Error { .. })));
        }
    }
}

#[test]
fn other_forms_of_failure() {
    let cases = [
        // An error event whose data is no JSON; errors in lists; failures in the finish reason.
        ("event: error\ndata: upstream timed out\n\n", "upstream timed out"),
        (r#"[{"error":{"code":429}}]"#, r#"[{"error":{"code":429}}]"#),
        (
            r#"{"choices":[{"message":{"content":"x"},"finish_reason":"insufficient_system_resource"}]}"#,
            r#"{"choices":[{"message":{"content":"x"},"finish_reason":"insufficient_system_resource"}]}"#,
        ),
        (
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"network_error\"}]}\n\n",
            r#"{"choices":[{"delta":{},"finish_reason":"network_error"}]}"#,
        ),
        ("{\n  \"error\": {\n\n \"code\": 1}\n}\n", "{\n  \"error\": {\n\n \"code\": 1}\n}\n"),
    ];
    for (input, raw) in cases {
        let (events, _) = decode(Protocol::OpenaiChat, input.as_bytes());
        assert_eq!(error(&events).as_deref(), Some(raw), "{input}");
    }
}

#[test]
fn unusable_answers_say_why() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"null", "null"),
        (b"<!DOCTYPE html><html><body>502</body></html>", "HTML page"),
        (b"  <html>\n\ndata: x\n\n", "HTML page"),
        (b"<?xml version=\"1.0\"?><e/>", "HTML or XML"),
        (b"error code: 1015", "neither JSON"),
        (b"Too Many Requests", "neither JSON"),
        (b"\"text\"", "bare JSON"),
        (b"42", "bare JSON"),
        (b"{}", "none of this protocol"),
        (b"[]", "none of this protocol"),
        (br#"{"hello":"world"}"#, "none of this protocol"),
        (b"data: {\"hello\":\"world\"}\n\n", "not of this protocol"),
        (b"{oops}", "neither JSON"),
        (b"\xff\xfe\x00", "neither JSON"),
    ];
    for protocol in Protocol::ALL {
        for (input, words) in cases {
            let (_, finish) = decode(*protocol, input);
            let Finish::Unusable { why } = &finish else {
                panic!("{protocol} {:?}: {finish:?}", String::from_utf8_lossy(input))
            };
            assert!(why.contains(words), "{:?}: {why}", String::from_utf8_lossy(input));
        }
    }
    let only_done = decode(Protocol::OpenaiChat, b"data: [DONE]\n\n").1;
    assert!(matches!(only_done, Finish::Unusable { why } if why.contains("without an answer")));
    let no_choices = decode(Protocol::OpenaiChat, br#"{"id":"x","choices":[]}"#).1;
    assert!(matches!(no_choices, Finish::Unusable { why } if why.contains("no message")));
    let foreign = br#"{"type":"message","role":"assistant","content":[]}"#;
    assert!(matches!(decode(Protocol::OpenaiChat, foreign).1, Finish::Unusable { .. }));
    let foreign = br#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert!(matches!(decode(Protocol::Anthropic, foreign).1, Finish::Unusable { .. }));
    assert!(matches!(decode(Protocol::OpenaiResponses, foreign).1, Finish::Unusable { .. }));
}

#[test]
fn what_could_not_be_used_is_evidence() {
    let leftover = |input: &str| {
        let mut decoder = Decoder::new(Protocol::OpenaiChat);
        decoder.push(input.as_bytes());
        decoder.finish();
        String::from_utf8_lossy(decoder.leftover()).into_owned()
    };
    assert_eq!(leftover("<html>x"), "<html>x");
    assert_eq!(leftover("error code: 1015"), "error code: 1015");
    assert_eq!(leftover("data: {\"choices\":[{\"delta\":{}}]}\n\ndata: {\"cho"), "{\"cho");
    assert_eq!(leftover("{\"choices\":[{\"message"), "{\"choices\":[{\"message");
    assert_eq!(leftover("data: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n"), "");
}

#[test]
fn memory_is_bounded() {
    let piece = vec![b'x'; 1 << 20];
    for (head, words) in
        [("data: {\"choices\":[\"", "one frame"), ("{\"a\":\"", "longer than"), ("<html>", "HTML")]
    {
        let mut decoder = Decoder::new(Protocol::OpenaiChat);
        decoder.push(head.as_bytes());
        for _ in 0..40 {
            assert!(decoder.push(&piece).is_empty());
        }
        let finish = decoder.finish().1;
        assert!(matches!(&finish, Finish::Unusable { why } if why.contains(words)), "{finish:?}");
        assert!(decoder.leftover().len() <= halo_wire::MAX_LEFTOVER);
    }
}

#[test]
fn success_in_the_dress_of_an_error_is_none() {
    for extra in [
        r#""error":null"#,
        r#""error":{}"#,
        r#""error":"""#,
        r#""base_resp":{"status_code":0,"status_msg":""}"#,
        r#""error_code":0,"error_msg":"""#,
    ] {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"stop"}}],{extra}}}"#
        );
        let (events, finish) = decode(Protocol::OpenaiChat, body.as_bytes());
        assert_eq!((text(&events).as_str(), finish), ("Hi", Finish::Complete), "{extra}");
    }
}
