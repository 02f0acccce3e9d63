//! Telling an error from an answer, in whatever dialect a relay reports it with HTTP 200.

use serde_json::Value;

/// Whether a JSON object carries an error in its `error` field or calls itself one. This holds
/// even for objects that look like a piece of an answer otherwise.
pub(crate) fn is_explicit(value: &Value) -> bool {
    let says = |key: &str| value.get(key).is_some_and(is_something);
    says("error")
        || value.get("type").and_then(Value::as_str).is_some_and(|kind| kind == "error")
        || value.get("object").and_then(Value::as_str).is_some_and(|kind| kind == "error")
        || base_resp_failed(value)
        || ["/Response/Error", "/response/error"]
            .iter()
            .any(|place| value.pointer(place).is_some_and(is_something))
}

/// Whether a JSON object that is no piece of an answer reports a failure.
pub(crate) fn is_fault(value: &Value) -> bool {
    if is_explicit(value) {
        return true;
    }
    let says = |key: &str| value.get(key).is_some_and(is_something);
    let text = |key: &str| value.get(key).and_then(Value::as_str).is_some_and(|t| !t.is_empty());
    let failed_status = value
        .get("status")
        .and_then(Value::as_str)
        .is_some_and(|status| matches!(status, "failed" | "error" | "fail"));
    ["errors", "error_code", "error_msg", "error_message", "errorMessage", "errorCode"]
        .iter()
        .any(|key| says(key))
        || failed_status
        || value.get("success") == Some(&Value::Bool(false))
        || (says("detail") && value.get("choices").is_none())
        || ((text("message") || text("msg"))
            && ["code", "status", "statusCode", "status_code", "type"]
                .iter()
                .any(|key| value.get(key).is_some()))
        || value.as_object().is_some_and(|map| {
            let named = || map.keys().all(|key| key.ends_with("Exception"));
            map.len() == 1 && (text("message") || text("msg") || named())
        })
}

/// The provider's words inside an error of any shape, for handing them on in another.
pub(crate) fn message(raw: &[u8]) -> String {
    let text = || String::from_utf8_lossy(raw).trim().to_owned();
    let Ok(value) = serde_json::from_slice::<Value>(raw) else {
        return text();
    };
    const PLACES: &[&str] = &[
        "/error/message",
        "/response/error/message",
        "/message",
        "/error",
        "/detail",
        "/msg",
        "/0/error/message",
    ];
    PLACES
        .iter()
        .find_map(|place| value.pointer(place).and_then(Value::as_str))
        .map_or_else(text, str::to_owned)
}

/// Relays fill `error` with null, false, 0, "0", "" or {} to say that there is none.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text != "0",
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// MiniMax puts its verdict into `base_resp`, 0 meaning success.
fn base_resp_failed(value: &Value) -> bool {
    value.pointer("/base_resp/status_code").is_some_and(is_something)
}
