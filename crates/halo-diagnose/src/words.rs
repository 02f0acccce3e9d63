//! Whether a word of a condition may match at a place.

use crate::literal::Sort;
use crate::unwrap::{Key, Layer};

impl Sort {
    /// Whether a literal of this sort may match at this place of the layer. `urls` tells whether
    /// the layer holds any address; see [`holds_url`].
    pub(crate) fn fits(self, layer: &Layer, urls: bool, start: usize, end: usize) -> bool {
        let s = layer.text.as_str().as_bytes();
        let word = |b: u8| b.is_ascii_alphanumeric();
        // An underscore joins: `extra_forbidden` says nothing of "forbidden".
        let joined = |b: u8| word(b) || b == b'_';
        let begins = || start == 0 || !word(s[start]) || !joined(s[start - 1]);
        let ends = || end == s.len() || !word(s[end - 1]) || !word(s[end]);
        let mut codes = layer.fields.iter().filter(|f| f.key == Key::Code);
        match self {
            Self::Mark => true,
            Self::Word => begins() && !(urls && in_url(s, start)),
            Self::WholeWord => begins() && ends() && !(urls && in_url(s, start)),
            Self::Code => {
                codes.any(|f| f.start == start && f.end == end)
                    || identifier_like(&s[start..end]) && alone(s, start, end)
                    || numbered(&s[start..end]) && in_brackets(s, start, end)
            }
            Self::CodePrefix => {
                codes.any(|f| f.start == start && f.end >= end)
                    || identifier_like(&s[start..end]) && (start == 0 || !joined(s[start - 1]))
            }
        }
    }
}

/// `snake_case`, `dotted.names` and `CamelCase` are codes wherever they stand; a plain word is
/// one only in a field of its own.
fn identifier_like(code: &[u8]) -> bool {
    code.len() >= 6
        && (code.contains(&b'_')
            || code[1..].iter().any(u8::is_ascii_uppercase)
                && code.iter().any(u8::is_ascii_lowercase))
        && !code.contains(&b' ')
}

fn alone(s: &[u8], start: usize, end: usize) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let before = start == 0 || !part(s[start - 1]);
    let after = match (s.get(end), s.get(end + 1)) {
        (Some(b'.'), Some(next)) => !next.is_ascii_alphanumeric(),
        (Some(b), _) => !part(*b),
        (None, _) => true,
    };
    before && after
}

/// A code of four digits and more.
fn numbered(code: &[u8]) -> bool {
    code.len() >= 4 && code.iter().all(u8::is_ascii_digit)
}

/// `(1008)`, `[1301]`, `code: 11200`, `error_code=17`.
fn in_brackets(s: &[u8], start: usize, end: usize) -> bool {
    let before = s[..start].iter().rev().find(|b| **b != b' ');
    let after = s.get(end);
    matches!(before, Some(b'(' | b'[' | b':' | b'=' | b'"' | b'\''))
        && after.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'.' && *b != b'-')
}

/// Whether some place of a text may be inside an address.
pub(crate) fn holds_url(s: &[u8]) -> bool {
    memchr::memchr_iter(b':', s).any(|at| s[at..].starts_with(b"://"))
        || memchr::memchr_iter(b'.', s).any(|at| s[..at].ends_with(b"www"))
}

/// Whether the place is inside an address: words there do not speak.
fn in_url(s: &[u8], start: usize) -> bool {
    let from = start.saturating_sub(160);
    let before = &s[from..start];
    let word = before
        .iter()
        .rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'(' | b'<' | b'`'))
        .map_or(before, |at| &before[at + 1..]);
    word.windows(3).any(|w| w == b"://") || word.starts_with(b"www.")
}
