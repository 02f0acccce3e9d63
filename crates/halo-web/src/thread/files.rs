//! Text files in a person's message.
//!
//! A file is sent as text, since every model reads that: its name in backticks on a line, then its
//! words in a fence that is longer than any in them. Here they are found again at the end of a
//! message, so that they are folded where they are shown.

/// Where at most a message is looked at for the first of its files.
const MAX_TRIES: usize = 64;

/// A file as a message holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attached<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its size in bytes.
    pub(super) size: usize,
    /// All that the message holds of it, with the line of its name and the fences.
    pub(super) raw: &'a str,
}

/// What was typed, and the files behind it. Both together are the whole text.
pub(super) fn split(text: &str) -> (&str, Vec<Attached<'_>>) {
    let begins = text.starts_with('`').then_some(0);
    let inside = text.match_indices("\n\n`").map(|(at, _)| at);
    for at in begins.into_iter().chain(inside).take(MAX_TRIES) {
        if let Some(files) = all(&text[at..]) {
            return (&text[..at], files);
        }
    }
    (text, Vec::new())
}

/// The files of a text that is nothing else.
fn all(text: &str) -> Option<Vec<Attached<'_>>> {
    let mut rest = text;
    let mut files = Vec::new();
    while !rest.trim_end().is_empty() {
        let (file, after) = one(rest)?;
        files.push(file);
        rest = after;
    }
    (!files.is_empty()).then_some(files)
}

fn one(text: &str) -> Option<(Attached<'_>, &str)> {
    let begin = text.strip_prefix("\n\n").unwrap_or(text);
    let (head, rest) = begin.split_once('\n')?;
    let name = head.strip_prefix('`')?.strip_suffix('`')?;
    if name.is_empty() || name.contains('`') {
        return None;
    }
    let (line, body) = rest.split_once('\n')?;
    let fence = &line[..line.len() - line.trim_start_matches('`').len()];
    if fence.len() < 3 || line[fence.len()..].contains(' ') {
        return None;
    }
    let close = format!("\n{fence}");
    let end = body.find(&close)?;
    let after = &body[end + close.len()..];
    if !(after.trim_end().is_empty() || after.starts_with("\n\n`")) {
        return None;
    }
    let raw = &text[..text.len() - after.len()];
    Some((Attached { name, size: end, raw }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_at_the_end_are_found_and_nothing_is_lost() {
        let text = "Look:\n\n`a.md`\n````md\n```\ncode\n```\n````\n\n`b c.txt`\n```txt\n\n```";
        let (typed, files) = split(text);
        assert_eq!(typed, "Look:");
        let shown: Vec<_> = files.iter().map(|file| (file.name, file.size)).collect();
        assert_eq!(shown, [("a.md", 12), ("b c.txt", 0)]);
        let all: String = files.iter().map(|file| file.raw).collect();
        assert_eq!(format!("{typed}{all}"), text);
        assert_eq!(split("`a.txt`\n```\nx\n```").1.len(), 1);
    }

    #[test]
    fn what_was_typed_stays_typed() {
        for text in [
            "",
            "plain",
            "`code` and more",
            "a\n\n`x`\n```rs\nfn\n```\nand words behind it",
            "a\n\n`x`\n```rs\nno end",
            "`x`",
            "a\n\n``\n```\nx\n```",
        ] {
            assert_eq!(split(text), (text, Vec::new()), "{text:?}");
        }
    }
}
