use halo_diagnose::{Context, diagnose};
use halo_types::RequestFacts;

use super::*;

/// What an error with this body teaches about the model `m`.
fn taught(status: u16, body: &str, images: u32, parameters: &[&str]) -> Vec<FactValue> {
    let evidence = Evidence {
        request: RequestFacts {
            model: Some("m".to_owned()),
            images: Some(images),
            stream: Some(true),
            ..RequestFacts::default()
        },
        ..Evidence::from_http(status, halo_types::Headers::default(), body.as_bytes().to_vec())
    };
    let diagnosis = diagnose(&evidence, &Context::default());
    let parameters: Vec<String> = parameters.iter().map(|name| (*name).to_owned()).collect();
    lessons("m", &evidence, &diagnosis, &parameters)
}

fn openai(message: &str, param: &str) -> String {
    let param = if param.is_empty() { "null".to_owned() } else { format!("{param:?}") };
    format!(
        r#"{{"error":{{"message":{message:?},"type":"invalid_request_error","param":{param},"code":null}}}}"#
    )
}

#[test]
fn each_error_teaches_its_lesson() {
    let refused = |name: &str| FactValue::ParameterRefused(name.to_owned());
    let all = ["stream", "temperature", "top_p", "system", "max_tokens", "stream_options"];
    for (message, param, images, want) in [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
            0,
            refused("max_tokens"),
        ),
        (
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
            "temperature",
            0,
            refused("temperature"),
        ),
        (
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "messages[0].role",
            0,
            refused("system"),
        ),
        ("Developer instruction is not enabled for models/gemma-3", "", 0, refused("system")),
        ("System role not supported", "", 0, refused("system")),
        ("Only user and assistant roles are supported!", "", 0, refused("system")),
        (
            "stream_options is not supported by this model",
            "stream_options",
            0,
            refused("stream_options"),
        ),
        ("This model does not support streaming.", "stream", 0, FactValue::Streaming(false)),
        ("This model does not support stream", "", 0, FactValue::Streaming(false)),
        ("This model does not support tools", "", 0, FactValue::Tools(false)),
        (
            "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 5272940 bytes > 5242880 bytes",
            "",
            1,
            FactValue::PictureBytes(5_242_880),
        ),
        (
            "messages.0.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels",
            "",
            1,
            FactValue::PictureSide(8_000),
        ),
        ("At most 1 image(s) may be provided in one prompt.", "", 2, FactValue::PictureCount(1)),
    ] {
        assert_eq!(taught(400, &openai(message, param), images, &all), [want], "{message}");
    }
}

#[test]
fn a_demanded_limit_is_learned_where_none_was_sent() {
    let body = openai("Missing required parameter: 'max_tokens'.", "max_tokens");
    let required = FactValue::ParameterRequired("max_tokens".to_owned());
    assert_eq!(taught(400, &body, 0, &["stream"]), std::slice::from_ref(&required));
    let unnamed = r#"{"detail":[{"loc":["body","max_tokens"],"msg":"field required"}]}"#;
    assert_eq!(taught(422, unnamed, 0, &["stream"]), [required]);
}

#[test]
fn what_proves_nothing_teaches_nothing() {
    let all = ["stream", "temperature", "top_p", "system"];
    for (message, param) in [
        // A bad value is no refusal of the parameter.
        (
            "Invalid 'temperature': number above the maximum value. Expected a value <= 2.",
            "temperature",
        ),
        // Never sent.
        ("Unsupported parameter: 'top_k' is not supported with this model.", "top_k"),
        // It streams, and nothing else.
        ("This model only supports streaming. stream must be set to true", "stream"),
        // The order of the history is at fault.
        ("System message must be at the beginning.", ""),
        // Another model.
        ("The model other-thing does not support tools", ""),
        ("This model's maximum context length is 3 tokens.", ""),
    ] {
        let taught = taught(400, &openai(message, param), 0, &all);
        assert_eq!(taught, [], "{message}");
    }
    let none = taught(400, &openai("This model does not support image input.", ""), 0, &all);
    assert_eq!(none, [], "no picture was sent");
}

#[test]
fn parameters_are_found_wherever_a_protocol_puts_them() {
    let found = |body: &str| parameters_of(body.as_bytes()).unwrap();
    let chat = found(
        r#"{"messages":[{"role":"system"}],"top_p":1,"stream_options":{"include_usage":true}}"#,
    );
    assert!(["system", "topp", "includeusage"].iter().all(|name| chat.contains(*name)), "{chat:?}");
    let gemini = found(r#"{"contents":[],"generationConfig":{"topP":1},"systemInstruction":{}}"#);
    assert!(gemini.contains("topp") && gemini.contains("system"), "{gemini:?}");
    assert!(!found(r#"{"messages":[{"role":"user"}]}"#).contains("system"));
    assert_eq!(parameters_of(b"[]"), None);
    assert_eq!(parameters_of(b"{"), None);
}
