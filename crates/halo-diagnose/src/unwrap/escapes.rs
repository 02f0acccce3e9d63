//! Escapes: of strings in values, and those that stick to the words of a text because a program
//! printed a string as its source would have it, as logfmt and Python's `repr` do.

use crate::text::Text;

/// `text[start..end]` with its escapes resolved; `None` where there are none.
///
/// Line breaks and tabs become what they stand for, a colour of a terminal becomes a space, and
/// characters written as numbers become themselves. A backslash in a Windows path stays.
pub(super) fn resolved(text: &Text, start: usize, end: usize) -> Option<Text> {
    let bytes = &text.as_str().as_bytes()[..end];
    let mut out: Option<Text> = None;
    let mut copied = start;
    let mut at = start;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        // What was escaped twice has two backslashes.
        let run = bytes[at..].iter().take_while(|b| **b == b'\\').count();
        let letter = at + run;
        if in_path(&bytes[start..at], &bytes[at..]) {
            at = letter;
            continue;
        }
        let spoken = match bytes.get(letter) {
            Some(b'n' | b'r') => Some(('\n', letter + 1)),
            Some(b't') => Some((' ', letter + 1)),
            Some(quote @ (b'"' | b'\'')) => Some((char::from(*quote), letter + 1)),
            Some(_) => colour(bytes, letter)
                .map(|next| (' ', next))
                .or_else(|| character(bytes, letter - 1, end)),
            None => None,
        };
        let Some((c, next)) = spoken else {
            at = letter;
            continue;
        };
        let out = out.get_or_insert_default();
        out.push_text(text, copied, at);
        out.push(c, text.raw(at));
        copied = next;
        at = next;
    }
    let mut out = out?;
    out.push_text(text, copied, end);
    Some(out)
}

/// Whether the backslash between `before` and `after`, which begins with it, is part of a Windows
/// path: `C:\new` or `\\server\tools`.
fn in_path(before: &[u8], after: &[u8]) -> bool {
    let from = before
        .iter()
        .rposition(|b| b.is_ascii_whitespace() || b"\"'`(<=,".contains(b))
        .map_or(0, |at| at + 1);
    let single = |bytes: &[u8]| bytes.len() > 1 && bytes[0] == b'\\' && bytes[1] != b'\\';
    match &before[from..] {
        [drive, b':', ..] => drive.is_ascii_alphabetic(),
        [b'\\', b'\\', rest @ ..] => {
            rest.first().is_some_and(u8::is_ascii_alphanumeric) && single(after)
        }
        [] => after.strip_prefix(b"\\\\").is_some_and(|host| {
            let len = host.iter().take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b));
            let len = len.count();
            len > 0 && single(&host[len..])
        }),
        _ => false,
    }
}

/// Where a terminal's colour ends whose escape is spelled out behind a backslash: `x1b[31m`.
fn colour(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let escape = ["x1b[", "x1B[", "u001b[", "u001B[", "033[", "e["]
        .iter()
        .find(|escape| rest.starts_with(escape.as_bytes()))?;
    let digits =
        rest[escape.len()..].iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    let letter = escape.len() + digits;
    rest.get(letter).filter(|b| b.is_ascii_alphabetic()).map(|_| at + letter + 1)
}

/// `text[start..end]` with one level of escapes resolved.
pub(super) fn unescape(text: &Text, start: usize, end: usize) -> Text {
    let mut out = Text::default();
    let mut at = start;
    while at < end {
        at = copy_char(text, at, end, &mut out);
    }
    out
}

/// Copies one character, resolving an escape; returns the next offset.
fn copy_char(text: &Text, at: usize, end: usize, out: &mut Text) -> usize {
    let s = text.as_str();
    let bytes = s.as_bytes();
    if bytes[at] != b'\\' || at + 1 >= end {
        let stop = memchr::memchr(b'\\', &bytes[at + 1..end]).map_or(end, |found| at + 1 + found);
        out.push_text(text, at, stop);
        return stop;
    }
    escape(text, at, end, out)
}

/// Resolves the escape at `at`, where a backslash stands.
pub(super) fn escape(text: &Text, at: usize, end: usize, out: &mut Text) -> usize {
    let s = text.as_str();
    let bytes = s.as_bytes();
    let raw = text.raw(at);
    let simple = match bytes.get(at + 1) {
        Some(b'n' | b'r') => Some('\n'),
        Some(b't') => Some('\t'),
        Some(b'"') => Some('"'),
        Some(b'\'') => Some('\''),
        Some(b'\\') => Some('\\'),
        Some(b'/') => Some('/'),
        Some(b'b' | b'f') => Some(' '),
        _ => None,
    };
    if let Some(c) = simple {
        out.push(c, raw);
        return at + 2;
    }
    if let Some((c, next)) = character(bytes, at, end) {
        out.push(c, raw);
        return next;
    }
    out.push('\\', raw);
    at + 1
}

/// The character that is written as a number at `at`, where a backslash stands, and where it ends.
fn character(bytes: &[u8], at: usize, end: usize) -> Option<(char, usize)> {
    match bytes.get(at + 1) {
        Some(b'u') => code_point(bytes, at + 2, end),
        Some(b'x') => byte_escapes(bytes, at, end),
        _ => None,
    }
}

/// The character that one or several `\xNN` of a Python bytes literal stand for.
fn byte_escapes(bytes: &[u8], at: usize, end: usize) -> Option<(char, usize)> {
    let byte = |at: usize| -> Option<u8> {
        let escape = bytes.get(at..at + 4).filter(|e| at + 4 <= end && e.starts_with(b"\\x"))?;
        u8::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
    };
    let mut run = [0; 4];
    for len in 0..run.len() {
        run[len] = byte(at + 4 * len)?;
        if let Ok(text) = std::str::from_utf8(&run[..=len]) {
            return Some((text.chars().next()?, at + 4 * (len + 1)));
        }
    }
    None
}

/// The character that `XXXX`, or two halves of a pair, stand for, and where they end.
fn code_point(bytes: &[u8], at: usize, end: usize) -> Option<(char, usize)> {
    let first = hex4(bytes, at, end)?;
    let pair = (0xD800..0xDC00).contains(&first) && bytes.get(at + 4..at + 6) == Some(b"\\u");
    let low = if pair { hex4(bytes, at + 6, end) } else { None };
    Some(match low.filter(|low| (0xDC00..0xE000).contains(low)) {
        Some(low) => {
            let code = 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or('\u{fffd}'), at + 10)
        }
        None => (char::from_u32(first).unwrap_or('\u{fffd}'), at + 4),
    })
}

fn hex4(bytes: &[u8], at: usize, end: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4).filter(|_| at + 4 <= end)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_stand_for() {
        let cases = [
            ("slow down\\nretry later", "slow down\nretry later"),
            ("slow down\\\\r\\\\nretry", "slow down\n\nretry"),
            ("a\\tb", "a b"),
            ("\\x1b[1;31mslow down\\u001b[0m", " slow down "),
            ("\\033[31mslow\\e[0m", " slow "),
            ("b'\\xe8\\xaf\\xb7\\xe6\\xb1\\x82'", "b'请求'"),
            ("\\u8bf7\\u6c42", "请求"),
            (r#"model \"m\" isn\'t here"#, "model \"m\" isn't here"),
        ];
        for (body, want) in cases {
            let text = Text::whole(body, 0);
            let got = resolved(&text, 0, body.len()).expect(body);
            assert_eq!(got.as_str(), want);
        }
    }

    #[test]
    fn paths_stay() {
        for body in [
            r"C:\new\tools",
            r#"cannot open "D:\text\readme.txt" today"#,
            r"\\nas\tools\new",
            r"path=C:\red\x1b",
            r"\d+",
            "none",
            "\\",
        ] {
            assert!(resolved(&Text::whole(body, 0), 0, body.len()).is_none(), "{body}");
        }
    }
}
