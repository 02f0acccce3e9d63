//! `halo errors` as a person calls it, and the files in `docs` that are made with it.

use std::path::Path;

use crate::process::run;

fn said(args: &[&str]) -> (Option<i32>, String, String) {
    let mut all = vec!["errors"];
    all.extend_from_slice(args);
    let output = run(&all, b"");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_reference_in_the_docs_is_fresh() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (file, lang) in [("errors.md", "en"), ("errors.zh.md", "zh")] {
        let (code, fresh, _) = said(&["--markdown", "--lang", lang]);
        assert_eq!(code, Some(0));
        let kept = std::fs::read_to_string(docs.join(file)).unwrap_or_default();
        assert!(
            kept.replace("\r\n", "\n") == fresh,
            "docs/{file} is not what the rules say now; renew it:\n\
             cargo run -- errors --markdown --lang {lang} > docs/{file}"
        );
    }
}

#[test]
fn the_overview_and_every_part_are_plain_text_on_a_pipe() {
    let (code, overview, _) = said(&["--lang", "en"]);
    assert_eq!(code, Some(0));
    for part in [
        "429 Too Many Requests",
        "By status code",
        "quota_exhausted",
        "Third-party proxies",
        "halo errors --markdown",
    ] {
        assert!(overview.contains(part), "{part} in\n{overview}");
    }
    assert!(!overview.contains('\u{1b}'));
    for word in
        [&["429"][..], &["model", "not", "found"], &["openrouter"], &["余额不足"], &["1302"]]
    {
        let (code, text, errors) = said(word);
        assert!(
            code == Some(0) && errors.is_empty() && text.lines().count() > 3,
            "{word:?}: {text}"
        );
    }
    let (_, chinese, _) = said(&["invalid_api_key", "--lang", "zh"]);
    assert!(chinese.starts_with("API 密钥无效 [invalid_api_key]"), "{chinese}");
}

#[test]
fn an_unknown_word_is_a_usage_error_that_names_what_there_is() {
    let (code, out, errors) = said(&["overlaoded", "--lang", "en"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.contains("did you mean overloaded"), "{errors}");
    assert!(errors.contains("quota_exhausted") && errors.contains("halo explain"), "{errors}");
    assert_eq!(said(&["429", "--markdown"]).0, Some(2));
    assert_eq!(said(&["--lang", "fr"]).0, Some(2));
}

#[test]
fn the_reference_is_data_too() {
    let (code, text, _) = said(&["--json", "--lang", "en"]);
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["kinds"].as_array().map(Vec::len), Some(25));
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(10));
    let (_, text, _) = said(&["timeout", "--json", "--lang", "en"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["found"], &json["page"]["kind"]), (&"kind".into(), &"timeout".into()));
    let (_, text, _) = said(&["timeout", "--markdown", "--lang", "en"]);
    assert!(text.starts_with("<a id=\"timeout\"></a>"), "{text}");
}
