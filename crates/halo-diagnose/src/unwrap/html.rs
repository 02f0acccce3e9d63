//! Words of an HTML page.

use crate::text::Text;

/// The most words of a page, in bytes, that are read.
const MAX_WORDS: usize = 4096;

/// Whether `s` begins a page.
pub(super) fn starts_page(s: &str) -> bool {
    let head = s.trim_start();
    ["<!doctype", "<html", "<head", "<body", "<?xml version", "<title"]
        .iter()
        .any(|tag| starts_with_ci(head, tag))
}

/// Where a page begins, if there is one.
pub(super) fn find_page(s: &str) -> Option<usize> {
    let bytes = s.as_bytes();
    memchr::memchr_iter(b'<', bytes).take(512).find(|at| {
        let rest = &s[*at..];
        ["<!doctype html", "<html"].iter().any(|tag| starts_with_ci(rest, tag))
    })
}

/// Where the page that begins at `start` ends.
pub(super) fn end_of_page(s: &str, start: usize) -> usize {
    let end =
        s[start..].rmatch_indices('<').find(|(at, _)| starts_with_ci(&s[start + at..], "</html>"));
    end.map_or(s.len(), |(at, _)| start + at + "</html>".len())
}

/// The words of a page without tags, scripts, styles and notes for browsers without scripts.
pub(super) fn words(text: &Text, start: usize, end: usize) -> Text {
    let s = text.as_str();
    let mut words = Text::default();
    let mut at = start;
    while at < end && words.len() < MAX_WORDS {
        let open = s[at..end].find('<').map_or(end, |found| at + found);
        words.push_folded(text, at, open);
        if open == end {
            break;
        }
        let tag = &s[open..end];
        let close = if starts_with_ci(tag, "<script") {
            find_ci(tag, "</script>").map(|found| found + "</script>".len())
        } else if starts_with_ci(tag, "<style") {
            find_ci(tag, "</style>").map(|found| found + "</style>".len())
        } else if starts_with_ci(tag, "<noscript") {
            // "You need to enable JavaScript" is no word of a provider.
            find_ci(tag, "</noscript>").map(|found| found + "</noscript>".len())
        } else if tag.starts_with("<!--") {
            tag.find("-->").map(|found| found + "-->".len())
        } else {
            tag.find('>').map(|found| found + 1)
        };
        at = close.map_or(end, |close| open + close);
        if words.len() > 0 && !words.as_str().ends_with(' ') {
            words.push_str(" ", text.raw(open));
        }
    }
    words
}

fn starts_with_ci(s: &str, prefix: &str) -> bool {
    s.as_bytes()
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn find_ci(s: &str, needle: &str) -> Option<usize> {
    memchr::memchr_iter(b'<', s.as_bytes()).find(|at| starts_with_ci(&s[*at..], needle))
}
