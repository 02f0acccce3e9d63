use super::*;

/// Each layer as `depth: text`, fields in brackets behind it.
fn layers(body: &str) -> Vec<String> {
    unwrap(body)
        .layers
        .iter()
        .filter(|layer| layer.text.len() > 0)
        .map(|layer| {
            let text = layer.text.as_str();
            let codes: Vec<&str> = layer
                .fields
                .iter()
                .filter(|field| field.key == Key::Code)
                .map(|field| &text[field.start..field.end])
                .collect();
            format!("{}: {} {:?}", layer.depth, text.trim().replace('\n', " / "), codes)
        })
        .collect()
}

#[test]
fn wrappers_are_taken_off() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#"{"error":{"message":"Slow down","type":"rate_limit_error","code":null}}"#,
            &[r#"1: Slow down / rate_limit_error ["rate_limit_error"]"#],
        ),
        (
            r#"Error code: 401 - {'error': {'message': "No key 'x'", 'code': 'invalid_api_key', 'param': None}}"#,
            &["0: Error code: 401 - []", r#"1: No key 'x' / invalid_api_key ["invalid_api_key"]"#],
        ),
        (
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"bad \\\"image\\\"\"}}"}}}"#,
            &[r#"1: Provider returned error / 400 ["400"]"#, r#"2: bad "image" []"#],
        ),
        (
            r#"litellm.X: - b'{"type":"error","error":{"type":"overloaded_error"}}'"#,
            &[
                "0: litellm.X: - b' / ' []",
                r#"1: error / overloaded_error ["error", "overloaded_error"]"#,
            ],
        ),
        (
            "event: error\ndata: {\"error\":{\"type\":\"x_error\",\"message\":\"no\"}}\n\n",
            &["0: error []", r#"1: x_error / no ["x_error"]"#],
        ),
        (
            "msg={\\\"error\\\":{\\\"message\\\":\\\"deep \\\\\\\"down\\\\\\\"\\\"}} end",
            &["0: msg= /  end []", r#"2: deep "down" []"#],
        ),
        ("{ error: { code: '1310', message: 'gone' } }", &[r#"1: 1310 / gone ["1310"]"#]),
        (
            r#"Some(Object {"error_code": String("LIMIT"), "message": String("too fast")})"#,
            &["0: Some(Object  / ) []", r#"1: LIMIT / too fast ["LIMIT"]"#],
        ),
        (r#"{"error":{"message":"cut off in the mid"#, &["1: cut off in the mid []"]),
        (
            "<html><head><title>502 Bad Gateway</title><style>a{b:c}</style></head><body><h1>502 Bad Gateway</h1></body></html>",
            &["1: 502 Bad Gateway 502 Bad Gateway []"],
        ),
    ];
    for (body, want) in cases {
        let got = layers(body);
        assert_eq!(got, *want, "{body}");
    }
}

#[test]
fn hostile_bodies_end_soon() {
    for body in [
        "{".repeat(1 << 20),
        "{\"a\":".repeat(200_000),
        "[{".repeat(300_000),
        "\\".repeat(1 << 20),
        "{\\\"".repeat(300_000),
        "data: {\n".repeat(100_000),
        "<html>".repeat(100_000),
        "{'a':'".repeat(100_000),
    ] {
        let started = std::time::Instant::now();
        let _ = unwrap(&body);
        assert!(started.elapsed().as_secs() < 5, "{}", &body[..8]);
    }
}
