//! A provider's words as HTML, so that the text on the page is exactly what came.

use crate::markdown::escape;

/// A body longer than this many lines is folded to some eight: less is not worth a click.
const FOLD_LINES: usize = 12;
/// Characters that fit a line, roughly.
const LINE: usize = 84;

/// The body with the deciding words marked. The span is in bytes and is ignored where it does
/// not fall on characters.
pub(crate) fn marked(body: &[u8], span: Option<(usize, usize)>) -> String {
    let Ok(text) = std::str::from_utf8(body) else { return exact(&String::from_utf8_lossy(body)) };
    let parts = span.filter(|(start, end)| start < end).and_then(|(start, end)| {
        Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?))
    });
    match parts {
        Some((before, words, after)) => {
            format!(
                "{}<mark data-mark-words>{}</mark>{}",
                exact(before),
                exact(words),
                exact(after)
            )
        }
        None => exact(text),
    }
}

/// Escapes text so that a browser's parser gives it back unchanged: it would turn a carriage
/// return into a line feed, and a NUL cannot be written at all.
fn exact(text: &str) -> String {
    escape(text).replace('\r', "&#13;").replace('\0', "\u{fffd}")
}

/// Whether a body takes so much room that it is folded.
pub(crate) fn is_long(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let lines: usize = text.split('\n').map(|line| 1 + line.chars().count() / LINE).sum();
    lines > FOLD_LINES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deciding_words_are_marked_on_characters_only() {
        let body = "{\"a\":\"模型 <x>\"}".as_bytes();
        assert_eq!(
            marked(body, Some((6, 12))),
            "{&quot;a&quot;:&quot;<mark data-mark-words>模型</mark> &lt;x&gt;&quot;}"
        );
        let plain = marked(body, None);
        for broken in [(7, 12), (6, 11), (12, 6), (6, 6), (0, 999), (999, 1000)] {
            assert_eq!(marked(body, Some(broken)), plain, "{broken:?}");
        }
    }

    #[test]
    fn bytes_survive_the_parser() {
        assert_eq!(marked(b"a\r\nb&amp;", None), "a&#13;\nb&amp;amp;");
        assert_eq!(marked(&[b'a', 0xff, 0], Some((0, 1))), "a\u{fffd}\u{fffd}");
    }

    #[test]
    fn long_bodies_are_folded() {
        assert!(!is_long(b"short"));
        assert!(!is_long("x\n".repeat(11).as_bytes()));
        assert!(is_long("x\n".repeat(13).as_bytes()));
        assert!(is_long("x".repeat(LINE * FOLD_LINES).as_bytes()));
    }
}
