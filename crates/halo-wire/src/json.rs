//! Reading JSON that relays have mangled: numbers as strings, nulls, wrong types.

use serde_json::Value;

/// The text at `key`, unless it is missing, empty or no text.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A text, or a number written as text. Ids come in both forms.
pub(crate) fn label(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count: a number, a whole float, or either as text.
pub(crate) fn count(value: &Value) -> Option<u64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let from_float = |float: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked"
        )]
        (0.0..=LARGEST).contains(&float).then_some(float as u64)
    };
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(from_float)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().and_then(from_float))
        }
        _ => None,
    }
}

/// The first of `keys` that holds a count. A key may be a path with dots.
pub(crate) fn first_count(value: &Value, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| path(value, key).and_then(count))
}

/// The value at a path such as `details.cached_tokens`.
pub(crate) fn path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// The next JSON document of `data` and what follows it.
pub(crate) enum Next<'a> {
    /// A document.
    Document(Value, &'a [u8]),
    /// `[DONE]`.
    DoneMarker(&'a [u8]),
    /// Only white space is left.
    End,
    /// A document is cut off at the end of the data.
    Cut,
    /// No JSON.
    Garbage,
}

/// Reads the next document, accepting bytes that are not UTF-8 as U+FFFD.
pub(crate) fn next(data: &[u8]) -> Next<'_> {
    let data = data.trim_ascii();
    if data.is_empty() {
        return Next::End;
    }
    if let Some(rest) = data.strip_prefix(b"[DONE]") {
        return Next::DoneMarker(rest);
    }
    let mut documents = serde_json::Deserializer::from_slice(data).into_iter::<Value>();
    match documents.next() {
        Some(Ok(value)) => Next::Document(value, &data[documents.byte_offset()..]),
        Some(Err(error)) if error.is_eof() => Next::Cut,
        _ if std::str::from_utf8(data).is_err() => {
            // One document is enough here: only a faulty relay gets this far.
            match serde_json::from_str(&String::from_utf8_lossy(data)) {
                Ok(value) => Next::Document(value, &[]),
                Err(error) if error.is_eof() => Next::Cut,
                Err(_) => Next::Garbage,
            }
        }
        _ => Next::Garbage,
    }
}
