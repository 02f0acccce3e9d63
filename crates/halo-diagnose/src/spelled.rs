//! Codes of unknown programs read as words: `model_max_prompt_tokens_exceeded` and
//! `OllamaServiceUnavailable` say what they mean.
//!
//! No list of codes is ever complete. A code that is one of several words glued together becomes
//! a layer of its own with the words apart. It is heard where no words of a text say anything,
//! and before the generic types, the names that wrappers give and the status; see `judge`.

use crate::text::Text;
use crate::unwrap::{Key, Layer, Origin};

/// How strong the words of a code are: they yield to the words of a text and beat generic types.
pub(crate) const TIER: u16 = 4;
/// How many codes of one error are spelled.
const MAX_CODES: usize = 8;
/// The longest code.
const MAX_LEN: usize = 80;

/// A layer for each code of several words.
pub(crate) fn layers(layers: &[Layer]) -> Vec<Layer> {
    let mut spelled: Vec<Layer> = Vec::new();
    for layer in layers {
        let text = layer.text.as_str();
        let codes = layer.fields.iter().filter(|f| f.key == Key::Code).map(|f| (f.start, f.end));
        // A text that is nothing but one code.
        let whole = (layer.fields.is_empty() && !text.contains(' ')).then_some((0, text.len()));
        for (start, end) in codes.chain(whole) {
            if spelled.len() >= MAX_CODES {
                return spelled;
            }
            if let Some(words) = words(&layer.text, start, end) {
                spelled.push(Layer {
                    text: words,
                    status: layer.status,
                    depth: layer.depth,
                    origin: Origin::Spelled,
                    ..Layer::default()
                });
            }
        }
    }
    spelled
}

/// The words of the code at `start..end`, if it is made of two and more.
fn words(text: &Text, start: usize, end: usize) -> Option<Text> {
    let code = text.as_str().get(start..end)?;
    let bytes = code.as_bytes();
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"_-.:".contains(b);
    if code.len() > MAX_LEN || !bytes.iter().all(fits) {
        return None;
    }
    let mut words = Text::default();
    let mut count = 1;
    for (at, byte) in bytes.iter().enumerate() {
        let raw = text.raw(start + at);
        if !byte.is_ascii_alphanumeric() {
            words.push(' ', raw);
            count += 1;
            continue;
        }
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let hump = byte.is_ascii_uppercase()
            && (before.is_some_and(|b| b.is_ascii_lowercase())
                || before.is_some_and(|b| b.is_ascii_uppercase())
                    && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase));
        if hump {
            words.push(' ', raw);
            count += 1;
        }
        words.push(char::from(*byte), raw);
    }
    (count > 1).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_words() {
        for (code, want) in [
            ("model_max_prompt_tokens_exceeded", Some("model max prompt tokens exceeded")),
            ("OllamaServiceUnavailable", Some("Ollama Service Unavailable")),
            ("HTTPServerBusy", Some("HTTP Server Busy")),
            ("Throttling.RateQuota", Some("Throttling Rate Quota")),
            ("timeout", None),
            ("a sentence", None),
        ] {
            let text = Text::whole(code, 0);
            let got = words(&text, 0, code.len());
            assert_eq!(got.as_ref().map(Text::as_str), want, "{code}");
        }
    }
}
