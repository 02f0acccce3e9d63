//! Google Gemini `generateContent`: <https://ai.google.dev/api/generate-content>
//!
//! Vertex AI speaks the same under other addresses:
//! <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>

use serde_json::Value;

pub(crate) mod decode;
pub(crate) mod history;
pub(crate) mod request;
mod schema;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod target;
mod thinking;

/// A field by its name in the documentation (`finishReason`), or as proxies write it
/// (`finish_reason`). Null counts as missing.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let found = value.get(name).or_else(|| value.get(snake(name)?));
    found.filter(|found| !found.is_null())
}

/// The text of such a field, unless it is empty.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    field(value, name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// `finishReason` as `finish_reason`; `None` where the two are the same.
fn snake(name: &str) -> Option<String> {
    name.contains(|c: char| c.is_ascii_uppercase()).then(|| {
        let mut snake = String::with_capacity(name.len() + 2);
        for c in name.chars() {
            if c.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        snake
    })
}

/// What a candidate says about its sources beside its parts. The neutral form keeps all of them
/// in one block at the end of the answer; the block is no part and never goes back.
const SOURCES: &[&str] = &["groundingMetadata", "citationMetadata", "urlContextMetadata"];

/// Signatures that switch the check off instead of proving anything:
/// <https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>. Vertex AI documents the
/// first alone: <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures>
const NO_SIGNATURES: &[&str] =
    &["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

/// The bytes of base64 in either alphabet, with or without padding: the JSON form of `bytes` in
/// protocol buffers takes all four, <https://protobuf.dev/programming-guides/json/>.
fn bytes(data: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let data: String = data
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    STANDARD_NO_PAD.decode(data).ok()
}

/// `mimeType` and bytes of a part's `inlineData` if it is a picture.
fn picture(part: &Value) -> Option<(String, Vec<u8>)> {
    let data = field(part, "inlineData")?;
    let media_type = text(data, "mimeType").filter(|name| name.starts_with("image/"))?;
    let bytes = bytes(text(data, "data")?).filter(|bytes| !bytes.is_empty())?;
    Some((media_type.to_owned(), bytes))
}
