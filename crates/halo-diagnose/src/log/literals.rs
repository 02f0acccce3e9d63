//! The literals of which one must stand in a line before anything else is looked at.

use std::sync::LazyLock;

use aho_corasick::packed;

/// Every report of a provider error holds one of these. They are few (at most 64) and at least
/// four bytes long, so that they are found many bytes at a time (Teddy); the first letter of a
/// word is left out where it may be a capital. `rg -c -F -f` with the same list is the yardstick
/// of `cargo xtask log-speed`.
const LITERALS: &[&str] = &[
    // How errors are called.
    "rror",
    "RROR",
    "xception",
    "ailed",
    "ailure",
    // What they say.
    "oo many ",
    "oo Many ",
    "ate limit",
    "ate_limit",
    "ate-limit",
    "ateLimit",
    "ATE_LIMIT",
    "hrottl",
    "verload",
    "quota",
    "Quota",
    "nsufficient",
    "xceed",
    "imit reached",
    "our limit",
    "sage limit",
    "redit balance",
    "is too long",
    "oo large",
    "nauthorized",
    "orbidden",
    "navailable",
    "imed out",
    "eadTimeout",
    "ad Gateway",
    "nvalid",
    "oes not exist",
    "not support",
    "isconnected",
    "dial tcp",
    // What they say in Chinese.
    "错误",
    "失败",
    "异常",
    "过多",
    "频繁",
    "余额",
    "额度",
    "限流",
    "超时",
    "繁忙",
    "饱和",
    "无效",
    // Statuses in access logs.
    ".1\" 4",
    ".1\" 5",
    ".0\" 4",
    ".0\" 5",
    ".1 42",
    ".1 40",
    ".1 50",
    ".1 52",
    "| 42",
    "| 40",
    "| 50",
    "us\":4",
    "us\":5",
    "us=4",
    "us=5",
    "ode\":4",
    "ode\":5",
];

/// The literals that the scan looks for, as bytes of UTF-8, each to be found to the letter.
///
/// ```
/// assert!(halo_diagnose::log::literals().contains(&"ate limit"));
/// ```
#[must_use]
pub fn literals() -> &'static [&'static str] {
    LITERALS
}

/// Finds the first literal at or after a place.
pub(super) struct Prefilter(Kind);

enum Kind {
    Packed(packed::Searcher),
    /// Where the processor has no vectors.
    Plain(Box<aho_corasick::AhoCorasick>),
}

static PREFILTER: LazyLock<Prefilter> = LazyLock::new(|| {
    let packed = packed::Config::new()
        .match_kind(packed::MatchKind::LeftmostFirst)
        .builder()
        .extend(LITERALS)
        .build();
    Prefilter(match packed {
        Some(packed) => Kind::Packed(packed),
        None => Kind::Plain(Box::new(
            aho_corasick::AhoCorasick::new(LITERALS)
                .expect("a few dozen short words are within the automaton's limits"),
        )),
    })
});

pub(super) fn prefilter() -> &'static Prefilter {
    &PREFILTER
}

impl Prefilter {
    /// Where the first literal begins that lies within `from..to`.
    pub(super) fn find(&self, bytes: &[u8], from: usize, to: usize) -> Option<usize> {
        let span = aho_corasick::Span { start: from, end: to };
        match &self.0 {
            Kind::Packed(packed) => packed.find_in(bytes, span).map(|found| found.start()),
            Kind::Plain(plain) => {
                plain.find(aho_corasick::Input::new(bytes).span(span)).map(|found| found.start())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_keeps_to_the_bounds_of_the_fast_search() {
        assert!(LITERALS.len() <= 64, "{}", LITERALS.len());
        for literal in LITERALS {
            assert!((4..=16).contains(&literal.len()), "{literal}");
        }
    }

    #[test]
    fn literals_are_found_in_a_span() {
        let text = b"an Error and an ERROR; rate limit";
        assert_eq!(prefilter().find(text, 0, text.len()), Some(4));
        assert_eq!(prefilter().find(text, 5, text.len()), Some(17));
        assert_eq!(prefilter().find(text, 18, text.len()), Some(24));
        assert_eq!(prefilter().find(text, 18, 30), None);
    }
}
