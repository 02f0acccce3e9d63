//! A block as the text that is judged: wrappers, colours and stack frames left out.
//!
//! A digest comes in two forms. The plain one keeps the words as they stand. The canonical one
//! has other numbers and ids in place of the real ones, so that the same error of another request
//! is the same text: it is judged once. Numbers that tell what kind of error it is (statuses,
//! codes, zero) stay.

use super::line;

/// The text of a block.
#[derive(Debug, Default)]
pub(super) struct Digest {
    pub(super) text: Vec<u8>,
    /// The line of the block from which each line of the text comes.
    pub(super) lines: Vec<u32>,
}

/// Stands for any number, and reads as one.
const NUMBER: &[u8] = b"70";
/// Stands for any id.
const ID: &[u8] = b"x0x0x0x0";

impl Digest {
    /// Makes the digest of `block` in place of what is there.
    pub(super) fn fill(&mut self, block: &[u8], canonical: bool) {
        self.text.clear();
        self.lines.clear();
        let mut package: &[u8] = b"";
        let mut traceback = false;
        for (number, raw) in block.split(|b| *b == b'\n').enumerate() {
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            let mut body = &raw[line::body_start(raw)..];
            if raw.len() - body.len() >= 8 && raw.starts_with(b"{\"log\":\"") {
                body = log_field(body);
            }
            let text = body.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if text.starts_with(b"Traceback (most recent call last)") {
                traceback = true;
            }
            let indented = body.len() > 1 && (body[0] == b' ' || body[0] == b'\t');
            if indented && is_frame(text, traceback) {
                // Of the frames only the packages tell something: whose call it was.
                if let Some(name) = package_of(text).filter(|name| *name != package) {
                    package = name;
                    self.start_line(number);
                    self.text.push(b'@');
                    self.text.extend_from_slice(name);
                }
                continue;
            }
            if !indented {
                traceback &= text.starts_with(b"Traceback") || line::exception(text).is_none();
            }
            self.start_line(number);
            if canonical {
                canonicalise(text, &mut self.text);
            } else {
                plain(text, &mut self.text);
            }
        }
    }

    fn start_line(&mut self, number: usize) {
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
        self.lines.push(u32::try_from(number).unwrap_or(u32::MAX));
    }
}

/// The text of docker's own records, `{"log":"…\n","stream":"stderr",…}`.
fn log_field(body: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(body, b"\",\"stream\"").unwrap_or(body.len());
    let text = &body[..end];
    text.strip_suffix(b"\\n").unwrap_or(text)
}

fn is_frame(text: &[u8], traceback: bool) -> bool {
    if text.starts_with(b"File \"") || text.starts_with(b"at ") || text.starts_with(b"^") {
        return true;
    }
    // Source lines between the frames of Python.
    traceback && !text.starts_with(b"{") && line::exception(text).is_none()
}

/// The package a frame belongs to.
fn package_of(text: &[u8]) -> Option<&[u8]> {
    for folder in [&b"site-packages/"[..], b"dist-packages/", b"node_modules/"] {
        if let Some(found) = memchr::memmem::rfind(text, folder) {
            let rest = &text[found + folder.len()..];
            let name = |from: usize| {
                rest[from..].iter().take(64).take_while(|b| !b"/\\\":)".contains(b)).count() + from
            };
            let mut end = name(0);
            if rest.first() == Some(&b'@') && end < rest.len() {
                end = name(end + 1);
            }
            return Some(&rest[..end]);
        }
    }
    None
}

fn plain(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(escape) = memchr::memchr(0x1b, &text[at..]) {
        out.extend_from_slice(&text[at..at + escape]);
        at = line::escape_end(text, at + escape).min(text.len());
    }
    out.extend_from_slice(&text[at..]);
}

/// What a byte is to the reader of numbers and ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    Escape,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut b = 0;
    while b < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let byte = b as u8;
        if byte.is_ascii_digit() {
            classes[b] = Class::Digit;
        } else if byte.is_ascii_alphabetic() {
            classes[b] = Class::Letter;
        } else if byte == 0x1b {
            classes[b] = Class::Escape;
        }
        b += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Writes `text` with other numbers and ids.
pub(super) fn canonicalise(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    // Whether what was written last stands for an id or a number, so that `-` may go on with it.
    let mut replaced = false;
    while at < text.len() {
        let start = at;
        match class(text[at]) {
            Class::Escape => {
                at = line::escape_end(text, at).min(text.len());
                continue;
            }
            Class::Other => {
                at += 1;
                while at < text.len() && class(text[at]) == Class::Other {
                    at += 1;
                }
                out.extend_from_slice(&text[start..at]);
                replaced &= at - start == 1 && b"-_".contains(&text[start]);
                continue;
            }
            Class::Digit | Class::Letter => {}
        }
        let mut digits = 0;
        while at < text.len() {
            match class(text[at]) {
                Class::Digit => digits += 1,
                Class::Letter => {}
                _ => break,
            }
            at += 1;
        }
        let word = &text[start..at];
        if replaced && start > 0 && b"-_".contains(&text[start - 1]) && is_hex(word) {
            // A further part of an id or a date.
            out.pop();
            continue;
        }
        if digits == 0 {
            if word.len() > 40 {
                out.extend_from_slice(ID);
                replaced = true;
            } else {
                out.extend_from_slice(word);
                replaced = false;
            }
        } else if digits == word.len() {
            if keeps(word, text.get(at), out) {
                out.extend_from_slice(word);
                replaced = false;
            } else {
                out.extend_from_slice(NUMBER);
                replaced = true;
            }
        } else if word.len() >= 8 && digits >= 2 {
            out.extend_from_slice(ID);
            replaced = true;
        } else if class(word[0]) == Class::Digit || digits > 2 {
            numbers(word, out);
            replaced = class(word[0]) == Class::Digit;
        } else {
            out.extend_from_slice(word);
            replaced = false;
        }
    }
}

/// Whether a number is part of what kind of error it is.
fn keeps(word: &[u8], next: Option<&u8>, before: &[u8]) -> bool {
    if word == b"0" {
        return true;
    }
    if word.len() == 3 && (word[0] == b'4' || word[0] == b'5') {
        // A status; but not the milliseconds of a time, a port, the number of a channel.
        let part = match before {
            [.., digit, b',' | b'.' | b':'] => digit.is_ascii_digit(),
            [.., b'#'] => true,
            _ => false,
        };
        return !part && next != Some(&b'%');
    }
    if word.len() == 1 && (before.ends_with(b"HTTP/") || before.ends_with(b"HTTP/1.")) {
        return true;
    }
    let tail = &before[before.len().saturating_sub(16)..];
    let tail = tail.trim_ascii_end();
    // The last three are a full-width colon.
    let end =
        tail.iter().rposition(|b| !b"\"'\\:= ([\xef\xbc\x9a".contains(b)).map_or(0, |at| at + 1);
    let label = &tail[..end];
    let separated = before.len() > label.len() && end < tail.len();
    separated
        && [&b"ode"[..], b"ODE", b"errno", "码".as_bytes()].iter().any(|name| label.ends_with(name))
}

fn is_hex(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_hexdigit())
        && (word.iter().any(u8::is_ascii_digit) || word.len() == 4 || word.len() == 12)
}

fn numbers(word: &[u8], out: &mut Vec<u8>) {
    let mut inside = false;
    for byte in word {
        if !byte.is_ascii_digit() {
            out.push(*byte);
            inside = false;
        } else if !inside {
            out.extend_from_slice(NUMBER);
            inside = true;
        }
    }
}

/// A hash that is the same on every machine and in every run; not against attackers.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = seed ^ (bytes.len() as u64).wrapping_mul(K);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut step = |word: u64| {
        state = (state ^ word).wrapping_mul(K);
        state ^= state >> 29;
    };
    for word in words {
        step(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    step(u64::from_le_bytes(last));
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        canonicalise(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_and_ids_give_way_but_what_tells_the_kind_stays() {
        for (text, want) in [
            ("2026-11-01T12:00:00.123Z x", "70-70T70:70:70.70Z x"),
            ("12:00:00,429 [429] #429 10.0.0.1:443 429%", "70:70:70,70 [429] #70 70.0.0.70:70 70%"),
            ("status code 429, wait 20s", "status code 429, wait 70s"),
            ("limit: 0 of 500000", "limit: 0 of 70"),
            ("\"code\":1302, id 1302", "\"code\":1302, id 70"),
            ("req_011CSHoEeqs5C35K2UUqR7Fy", "req_x0x0x0x0"),
            ("id 9a9c6ec8-1b0d-4a5e-8f00-0123456789ab.", "id x0x0x0x0."),
            (
                "POST /v1/chat/completions HTTP/1.1\" 429",
                "POST /v1/chat/completions HTTP/1.1\" 429",
            ),
            ("\u{1b}[31mError\u{1b}[0m", "Error"),
            ("错误码：1113", "错误码：1113"),
        ] {
            assert_eq!(canonical(text), want);
        }
    }

    #[test]
    fn frames_give_way_to_the_packages_they_name() {
        let block = "ERROR app: failed\nTraceback (most recent call last):\n  File \"/usr/lib/python3/site-packages/openai/_base.py\", line 3, in f\n    raise x\n  File \"/app/a.py\", line 1\n    y()\nopenai.RateLimitError: Error code: 429";
        let mut digest = Digest::default();
        digest.fill(block.as_bytes(), false);
        assert_eq!(
            String::from_utf8_lossy(&digest.text),
            "ERROR app: failed\nTraceback (most recent call last):\n@openai\nopenai.RateLimitError: Error code: 429"
        );
        assert_eq!(digest.lines, [0, 1, 2, 6]);
    }
}
