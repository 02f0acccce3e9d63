//! Lists of models.

use halo_types::Protocol;
use halo_wire::{ModelInfo, ModelsError, decode_models, server};

#[test]
fn the_usual_extensions_are_read() {
    let cases = [
        (
            r#"{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}"#,
            ("gpt-4o", None, None, None),
        ),
        (
            r#"{"data":[{"type":"model","id":"claude","display_name":"Claude","max_input_tokens":200000,"max_tokens":64000,"capabilities":{"image_input":{"supported":true}}}],"has_more":false}"#,
            ("claude", Some(200_000), Some(64_000), Some(true)),
        ),
        (
            r#"{"data":[{"id":"a/b","name":"B","context_length":32768,"architecture":{"input_modalities":["text","image"]},"top_provider":{"max_completion_tokens":8192}}]}"#,
            ("a/b", Some(32_768), Some(8_192), Some(true)),
        ),
        (
            r#"{"data":[{"id":"g","context_window":131072,"max_completion_tokens":32768}]}"#,
            ("g", Some(131_072), Some(32_768), None),
        ),
        (
            r#"{"data":[{"id":"m","max_context_length":32768,"capabilities":{"vision":false}}]}"#,
            ("m", Some(32_768), None, Some(false)),
        ),
        (
            r#"{"data":[{"id":"v","max_model_len":"4096","root":"x"}]}"#,
            ("v", Some(4_096), None, None),
        ),
        (
            r#"{"models":[{"name":"models/gemini","displayName":"Gemini","inputTokenLimit":1048576,"outputTokenLimit":8192}]}"#,
            ("gemini", Some(1_048_576), Some(8_192), None),
        ),
        (r#"[{"id":"t","context_length":8192,"max_tokens":8192}]"#, ("t", Some(8_192), None, None)),
        (
            r#"{"models":[{"name":"llama3:8b","model":"llama3:8b"}]}"#,
            ("llama3:8b", None, None, None),
        ),
        (r#"{"data":[{"id":"l","type":"vlm"}]}"#, ("l", None, None, Some(true))),
    ];
    for (body, (id, window, output, vision)) in cases {
        let models = decode_models(body.as_bytes()).unwrap();
        let model = &models[0];
        assert_eq!(
            (model.id.as_str(), model.context_window, model.max_output, model.vision),
            (id, window, output, vision),
            "{body}"
        );
    }
}

#[test]
fn what_is_no_list_is_an_error() {
    for body in [r#"{"error":{"message":"no"}}"#, "null", "3", r#"{"data":[{"x":1}]}"#] {
        assert!(matches!(decode_models(body.as_bytes()), Err(ModelsError::NoList)), "{body}");
    }
    assert!(matches!(decode_models(b"<html>"), Err(ModelsError::NotJson(_))));
    assert!(decode_models(br#"{"data":[]}"#).unwrap().is_empty());
}

#[test]
fn written_lists_read_back() {
    let models = [
        ModelInfo {
            id: "big".to_owned(),
            name: Some("Big".to_owned()),
            context_window: Some(200_000),
            max_output: Some(8_000),
            vision: Some(true),
            ..ModelInfo::default()
        },
        ModelInfo { id: "plain".to_owned(), ..ModelInfo::default() },
    ];
    for protocol in Protocol::ALL {
        let body = server::encode_models(*protocol, &models);
        assert_eq!(decode_models(&body).unwrap(), models, "{protocol}");
    }
}

#[test]
fn of_geminis_models_those_that_write_count() {
    let body = br#"{"models":[
        {"name":"models/gemini-2.5-flash","displayName":"Gemini 2.5 Flash","inputTokenLimit":1048576,
         "outputTokenLimit":65536,"thinking":true,
         "supportedGenerationMethods":["generateContent","countTokens","batchGenerateContent"]},
        {"name":"models/gemini-embedding-001","supportedGenerationMethods":["embedContent"]},
        {"name":"publishers/google/models/gemini-3-pro"},
        {"name":"tunedModels/mine-1","supportedGenerationMethods":["generateContent"]}
    ],"nextPageToken":"p2"}"#;
    let models = decode_models(body).unwrap();
    let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["gemini-2.5-flash", "gemini-3-pro", "tunedModels/mine-1"]);
    let flash = ModelInfo {
        id: "gemini-2.5-flash".to_owned(),
        name: Some("Gemini 2.5 Flash".to_owned()),
        context_window: Some(1_048_576),
        max_output: Some(65_536),
        thinking: Some(true),
        ..ModelInfo::default()
    };
    assert_eq!(models[0], flash);
    assert_eq!(models[1].name, None);
    assert_eq!(halo_wire::next_page(body).as_deref(), Some("pageToken=p2"));
    assert_eq!(halo_wire::next_page(br#"{"models":[]}"#), None);
    let none = br#"{"models":[{"name":"models/e","supportedGenerationMethods":["embedContent"]}]}"#;
    assert!(decode_models(none).unwrap().is_empty());
}
