//! No key that stands in an error may reach the screen or a log.

use halo_types::{Diagnosis, Evidence, redact};
use serde_json::Value;

/// Masks what looks like a secret in everything of `diagnosis` that quotes the error. Its span is
/// left alone: it counts bytes of the text as given.
pub(super) fn diagnosis(diagnosis: &mut Diagnosis, evidence: &Evidence) {
    let body = evidence.body.text();
    let masked = redact::mask(&body, &[]);
    let clean = |text: &mut String| {
        let mut safe = redact::mask(text, &[]).into_owned();
        // A quote may hold a secret without the words that betray it.
        if safe.len() >= 8 && body.contains(&safe) && !masked.contains(&safe) {
            safe = redact::shorten(&safe);
        }
        *text = safe;
    };
    clean(&mut diagnosis.because.quote);
    let facts = &mut diagnosis.facts;
    let texts = [&mut facts.model, &mut facts.parameter, &mut facts.request_id, &mut facts.balance];
    texts.into_iter().flatten().for_each(clean);
    for value in facts.other.values_mut() {
        if let Value::String(text) = value {
            clean(text);
        }
    }
}

/// The body with its secrets masked, and where `span` of the body now stands. Words that hold a
/// secret themselves stand nowhere.
pub(super) fn body(body: &str, span: Option<(usize, usize)>) -> (String, Option<(usize, usize)>) {
    let masked = redact::mask(body, &[]).into_owned();
    let span = span.filter(|(start, end)| {
        start < end && body.is_char_boundary(*start) && body.is_char_boundary(*end)
    });
    let moved = span.and_then(|(start, end)| {
        let words = &body[start..end];
        if body[..start] == *masked.get(..start).unwrap_or_default() {
            let stays = masked.get(start..end) == Some(words);
            return stays.then_some((start, end));
        }
        // What follows the words is masked alike, so they keep their distance from the end …
        let from_end = masked.len().checked_sub(body.len() - start)?;
        if masked.get(from_end..from_end + words.len()) == Some(words) {
            return Some((from_end, from_end + words.len()));
        }
        // … or, where secrets stand on both sides, they are the only words of that kind.
        let at = masked.find(words)?;
        (masked.matches(words).count() == 1).then_some((at, at + words.len()))
    });
    (masked, moved)
}

#[cfg(test)]
mod tests {
    use halo_diagnose::{Context, diagnose};

    use super::*;

    const KEY: &str = "sk-proj-abcdEFGHijklMNOP1234567890";

    #[test]
    fn no_field_holds_a_key() {
        for text in [
            format!("The model `{KEY}` does not exist"),
            format!("Authorization: Bearer {KEY}\n401 invalid api key"),
            format!("x-api-key: {KEY} 401 invalid api key {KEY}"),
        ] {
            let evidence = Evidence::from_text(text.clone());
            let mut read = diagnose(&evidence, &Context::default());
            let span = read.because.span;
            super::diagnosis(&mut read, &evidence);
            let json = serde_json::to_string(&read).unwrap();
            assert!(!json.contains("MNOP1234"), "{json}");
            assert_eq!(read.because.span, span);
            let (shown, _) = body(&text, span);
            assert!(!shown.contains("MNOP1234"), "{shown}");
        }
    }

    #[test]
    fn the_deciding_words_are_found_again() {
        let text = format!("key {KEY} said: invalid api key, see {KEY}");
        let start = text.find("invalid").unwrap();
        let (shown, span) = body(&text, Some((start, start + 15)));
        let (start, end) = span.unwrap();
        assert_eq!(&shown[start..end], "invalid api key");
        assert_eq!(body("overloaded", Some((0, 4))).1, Some((0, 4)));
        let key = text.find(KEY).unwrap();
        assert_eq!(body(&text, Some((key, key + KEY.len()))).1, None);
    }
}
