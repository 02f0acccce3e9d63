//! Evidence that is more than a text: transport faults, layers, spans, hostile bodies.

use halo_diagnose::{Context, diagnose, input, report};
use halo_types::{
    Action, Evidence, Headers, Kind, Lang, Phase, RequestFacts, TransportClass, TransportFailure,
};

fn fault(class: TransportClass, phase: Phase, partial_chars: u64) -> Evidence {
    Evidence {
        transport: Some(TransportFailure { class, chain: vec!["error sending request".into()] }),
        phase: Some(phase),
        partial_chars,
        ..Evidence::default()
    }
}

#[test]
fn faults_below_http() {
    use Phase::{Body, Connect, Headers, Stream};
    use TransportClass as Class;
    let cases = [
        (Class::Dns, Connect, 0, Kind::Network, true),
        (Class::Refused, Connect, 0, Kind::Network, true),
        (Class::Certificate, Connect, 0, Kind::Network, false),
        (Class::Tls, Connect, 0, Kind::Network, true),
        (Class::Proxy, Connect, 0, Kind::Network, true),
        (Class::ConnectTimeout, Connect, 0, Kind::Network, true),
        (Class::FirstByteTimeout, Headers, 0, Kind::Timeout, true),
        (Class::IdleTimeout, Stream, 0, Kind::Timeout, true),
        (Class::Reset, Headers, 0, Kind::Network, true),
        (Class::Reset, Stream, 10, Kind::StreamInterrupted, true),
        (Class::Truncated, Stream, 0, Kind::StreamInterrupted, true),
        (Class::Truncated, Stream, 10, Kind::StreamInterrupted, true),
        (Class::Truncated, Body, 0, Kind::StreamInterrupted, true),
        (Class::Protocol, Body, 0, Kind::InvalidResponse, true),
        (Class::Cancelled, Stream, 10, Kind::Cancelled, false),
    ];
    for (class, phase, partial, kind, transient) in cases {
        let mut evidence = fault(class, phase, partial);
        if matches!(class, Class::Truncated | Class::Protocol) {
            evidence.status = Some(200);
            evidence.transport.as_mut().expect("just made").chain.clear();
        }
        let got = diagnose(&evidence, &Context::default());
        let rule = got.because.rule;
        assert_eq!((got.kind, got.transient), (kind, transient), "{class:?} {phase:?} by {rule}");
    }
}

#[test]
fn an_error_frame_in_a_stream_is_read_like_any_other() {
    let evidence = Evidence {
        status: Some(200),
        phase: Some(Phase::Stream),
        body: r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
            .into(),
        partial_chars: 40,
        ..Evidence::default()
    };
    assert_eq!(diagnose(&evidence, &Context::default()).kind, Kind::Overloaded);
}

#[test]
fn layers_are_named_and_the_innermost_decides() {
    let body = r#"litellm.BadRequestError: OpenrouterException - {"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens. However, you requested 9301 tokens.\",\"code\":\"context_length_exceeded\"}}"}}}"#;
    let mut evidence = Evidence::from_text(body);
    evidence.provider = Some("litellm".to_owned());
    let got = diagnose(&evidence, &Context::default());
    assert_eq!(got.kind, Kind::ContextLengthExceeded);
    assert_eq!(got.layers[..2], ["litellm", "openrouter"]);
    assert_eq!((got.facts.context_window, got.facts.input_tokens), (Some(8192), Some(9301)));
    let (start, end) = got.because.span.expect("words of the body decided");
    assert!(body[start..end].contains("context"), "{}", &body[start..end]);
}

#[test]
fn a_span_survives_escapes() {
    let body = r#"{"error":{"message":"\u4f59\u989d\u4e0d\u8db3\uff0c\n please \"top up\""}}"#;
    let got = diagnose(&Evidence::from_text(body), &Context::default());
    assert_eq!((got.kind, got.because.quote.as_str()), (Kind::QuotaExhausted, "余额不足"));
    let (start, end) = got.because.span.expect("words of the body decided");
    assert!(body[start..end].starts_with(r"\u4f59"), "{}", &body[start..end]);
}

#[test]
fn remedies_fit_the_request_and_the_vendor() {
    let mut evidence = Evidence::from_http(402, Headers::default(), "Insufficient Balance");
    evidence.provider = Some("deepseek".to_owned());
    let got = diagnose(&evidence, &Context { lang: Lang::Zh, ..Context::default() });
    assert_eq!(got.remedies[0].action, Action::OpenBilling);
    assert_eq!(got.remedies[0].url.as_deref(), Some("https://platform.deepseek.com/top_up"));
    assert_eq!(got.remedies[0].text, "到服务商处充值");
    assert!(got.remedies.iter().any(|r| r.action == Action::NewConversation));
    assert!(!got.remedies.iter().any(|r| r.action == Action::WaitAndResend));

    let mut evidence = Evidence::from_http(413, Headers::default(), "Request Entity Too Large");
    evidence.request = RequestFacts { images: Some(0), ..RequestFacts::default() };
    let got = diagnose(&evidence, &Context::default());
    assert!(!got.remedies.iter().any(|r| r.action == Action::ShrinkImagesAndResend));
}

#[test]
fn a_diagnosis_is_one_json_shape() {
    let evidence =
        input::parse(r#"{"status":429,"headers":{"retry-after":"20"},"body":"x"}"#, None);
    let got = diagnose(&evidence, &Context::default());
    let json = serde_json::to_value(&got).expect("a diagnosis is plain data");
    for key in [
        "kind",
        "transient",
        "vendor",
        "layers",
        "scope",
        "blame",
        "confidence",
        "retry",
        "facts",
        "title",
        "meaning",
        "remedies",
        "because",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["retry"], serde_json::json!({"after_ms":20000,"from":"header:retry-after"}));
}

#[test]
fn a_report_carries_what_a_provider_needs_and_no_secret() {
    let mut evidence = Evidence::from_http(
        500,
        Headers::new([
            ("x-request-id", "req_123456789"),
            ("set-cookie", "sid=ABCDEF0123456789abcdef"),
        ]),
        "Internal Server Error ``` for key sk-proj-abcdefghijklmnop1234",
    );
    evidence.url = Some("https://api.openai.com/v1/chat/completions".to_owned());
    let diagnosis = diagnose(&evidence, &Context::default());
    let text = report(&evidence, &diagnosis, &[("Halo".into(), "0.1.0".into())], Lang::En);
    for part in ["`server_error`", "req_123456789", "api.openai.com", "**Halo**: 0.1.0", "````text"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("abcdefghijklmnop") && !text.contains("0123456789abc"), "{text}");
}

#[test]
fn hostile_bodies_are_read_in_bounded_time() {
    let bodies = [
        "{".repeat(1 << 20),
        "{\"error\":{\"message\":\"".repeat(50_000),
        "rate limit insufficient balance context ".repeat(26_000),
        "a".repeat(1 << 20),
        "\u{0}".repeat(1 << 20),
        "data: {\"error\":\n".repeat(60_000),
        "<html><p>".repeat(110_000),
        "余额".repeat(170_000),
        "\\\"{".repeat(340_000),
    ];
    for body in bodies {
        let started = std::time::Instant::now();
        let _ = diagnose(&Evidence::from_text(body.as_str()), &Context::default());
        let took = started.elapsed();
        assert!(
            took.as_secs() < 3,
            "{:?} for {:?}…",
            took,
            body.chars().take(12).collect::<String>()
        );
    }
    // Bytes that are no text.
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let got = diagnose(&Evidence::from_http(500, Headers::default(), bytes), &Context::default());
    assert_eq!(got.because.span, None);
}

#[test]
fn what_a_model_wrote_in_a_broken_answer_says_nothing_of_the_error() {
    let words =
        "A table:\\n\\n```rust\\nfn main() {}\\n```\\n\\n| `context length exceeded` | 429 | ";
    for head in [
        r#"{"object":"response","output":[{"content":[{"annotations":[],"text":""#,
        r#"{"candidates":[{"content":{"parts":[{"text":""#,
        r#"{"object":"chat.completion","choices":[{"index":0,"message":{"content":""#,
        r#"{"type":"message","content":[{"type":"text","text":""#,
    ] {
        let evidence = Evidence {
            phase: Some(Phase::Body),
            transport: Some(TransportFailure {
                class: TransportClass::Truncated,
                chain: vec!["the answer ended without its protocol's end mark".to_owned()],
            }),
            ..Evidence::from_http(200, Headers::default(), format!("{head}{words}"))
        };
        let diagnosis = diagnose(&evidence, &Context::default());
        assert_eq!(diagnosis.kind, Kind::StreamInterrupted, "{head}: {:?}", diagnosis.because);
    }
}

#[test]
fn an_answer_that_breaks_off_anywhere_is_a_broken_answer() {
    let whole = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"| `image not supported` | 429 |"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens_details":{"reasoning_tokens":0}}}"#;
    for end in 1..whole.len() {
        let evidence = Evidence {
            phase: Some(Phase::Body),
            transport: Some(TransportFailure {
                class: TransportClass::Truncated,
                chain: vec!["the answer ended without its protocol's end mark".to_owned()],
            }),
            ..Evidence::from_http(200, Headers::default(), &whole[..end])
        };
        let diagnosis = diagnose(&evidence, &Context::default());
        assert_eq!(diagnosis.kind, Kind::StreamInterrupted, "{}", &whole[..end]);
    }
}
