//! A tolerant reader of objects: JSON, Python dictionaries, console prints of JavaScript objects,
//! Rust and Go debug prints; broken by line wraps or cut in the middle.
//!
//! It never fails on a value that looks like an object; it stops where the input does. It yields
//! the leaves with the keys above them, since a diagnosis needs no tree.

use super::escapes::escape;
use super::leaf::{DELAYS, Leaf, Path, Words};
use crate::text::Text;

/// How deep objects may nest before the rest is skipped.
const MAX_NESTING: usize = 24;
/// How many leaves one value may have.
const MAX_LEAVES: usize = 400;

/// The leaves of one value.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) leaves: Vec<Leaf>,
}

/// Whether a value may begin at `at`, where `{` or `[` stands.
pub(super) fn may_start(bytes: &[u8], at: usize) -> bool {
    let next = skip_space(bytes, at + 1);
    match (bytes[at], bytes.get(next)) {
        (_, None) => false,
        (b'{', Some(b)) => {
            b.is_ascii_alphabetic() || matches!(b, b'"' | b'\'' | b'\\' | b'_' | b'`')
        }
        (_, Some(b)) => matches!(b, b'{' | b'\\'),
    }
}

/// Whether the quotes of the value at `at` are escaped.
pub(super) fn is_escaped(bytes: &[u8], at: usize) -> bool {
    let mut i = at + 1;
    loop {
        match bytes.get(i) {
            Some(b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[') => i += 1,
            Some(b'\\') => match bytes.get(i + 1) {
                Some(b'"') => return true,
                Some(b'\\') => {
                    // More than one level: any run of backslashes before a quote or an `n`.
                    let run = bytes[i..].iter().take_while(|b| **b == b'\\').count();
                    match bytes.get(i + run) {
                        Some(b'"') => return true,
                        Some(b'n' | b'r' | b't') => i += run + 1,
                        _ => return false,
                    }
                }
                Some(b'n' | b'r' | b't') => i += 2,
                _ => return false,
            },
            _ => return false,
        }
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            // A box-drawing bar at the edge of a terminal frame: E2 94 8x.
            Some(0xE2) if bytes.get(at + 1) == Some(&0x94) => at += 3,
            // A JSON text inside a text may keep its line ends escaped.
            Some(b'\\') if matches!(bytes.get(at + 1), Some(b'n' | b'r' | b't')) => at += 2,
            _ => return at,
        }
    }
}

/// Reads the value at `start`; returns its leaves and where it ends. `None` if what stands there
/// is no object or list.
pub(super) fn parse(text: &Text, start: usize) -> Option<(Tree, usize)> {
    let mut parser = Parser {
        text,
        bytes: text.as_str().as_bytes(),
        tree: Tree { leaves: Vec::with_capacity(8) },
        path: Path::default(),
        junk: 0,
    };
    // Protobuf's text form has the field's name before the brace.
    let before = text.as_str()[..start].trim_end();
    if let Some(name) = DELAYS.iter().find(|name| before.ends_with(**name)) {
        parser.path.push((before.len() - name.len(), before.len()));
    }
    let end = parser.container(start, 0)?;
    (!parser.tree.leaves.is_empty()).then_some((parser.tree, end.min(text.len())))
}

/// `throttlingException`, `RateLimitError`.
fn names_error(key: &str) -> bool {
    key.len() > 9 && (key.ends_with("Exception") || key.ends_with("Error"))
}

struct Parser<'a> {
    text: &'a Text,
    bytes: &'a [u8],
    tree: Tree,
    path: Path,
    /// Characters that fit nowhere; too many mean that this is no value.
    junk: usize,
}

impl Parser<'_> {
    fn container(&mut self, at: usize, nesting: usize) -> Option<usize> {
        if nesting > MAX_NESTING || self.tree.leaves.len() > MAX_LEAVES {
            return None;
        }
        if self.bytes[at] == b'{' {
            self.object(at + 1, nesting)
        } else {
            self.list(at + 1, nesting)
        }
    }

    /// After `{`. An object that the input cuts ends where the input does.
    fn object(&mut self, mut at: usize, nesting: usize) -> Option<usize> {
        let mut keys = 0;
        loop {
            at = skip_space(self.bytes, at);
            match self.bytes.get(at) {
                None => return (keys > 0 || nesting > 0).then_some(at),
                Some(b'}') => return Some(at + 1),
                // A closing bracket of the list around it: the brace was lost.
                Some(b']') if keys > 0 => return Some(at),
                Some(b',' | b';') => at += 1,
                Some(_) => {
                    let (key, after) = match self.key(at) {
                        Some(found) => found,
                        // The input breaks off inside the key.
                        None if (keys > 0 || nesting > 0) && self.is_cut_string(at) => {
                            return Some(self.bytes.len());
                        }
                        None => {
                            self.junk += 1;
                            if keys == 0 || self.junk > 40 {
                                return None;
                            }
                            at = self.next_char(at);
                            continue;
                        }
                    };
                    keys += 1;
                    // `{"throttlingException":{"message":…}}`: the key is the error's name.
                    let opens = matches!(self.bytes.get(after), Some(b'{'));
                    if opens && names_error(&self.text.as_str()[key.0..key.1]) {
                        let path = Path::of_name();
                        let words = Words::There(key.0, key.1);
                        self.tree.leaves.push(Leaf { path, words, quoted: true });
                    }
                    let noted = self.path.push(key);
                    let next = self.value(after, nesting);
                    if noted {
                        self.path.pop();
                    }
                    at = next?;
                }
            }
        }
    }

    /// After `[`.
    fn list(&mut self, mut at: usize, nesting: usize) -> Option<usize> {
        loop {
            at = skip_space(self.bytes, at);
            match self.bytes.get(at) {
                None => return Some(at),
                Some(b']') => return Some(at + 1),
                Some(b'}') => return Some(at),
                Some(b',' | b';') => at += 1,
                Some(_) => {
                    let next = self.value(at, nesting)?;
                    at = next.max(at + 1);
                }
            }
        }
    }

    /// Whether a quote opens here that nothing closes, or nothing follows.
    fn is_cut_string(&self, at: usize) -> bool {
        let rest = &self.bytes[at + 1..];
        let closed = memchr::memchr(b'"', rest);
        self.bytes[at] == b'"' && closed.is_none_or(|end| rest[end + 1..].trim_ascii().is_empty())
    }

    /// The range of a key, and where the value behind its separator begins.
    fn key(&self, at: usize) -> Option<((usize, usize), usize)> {
        let bytes = self.bytes;
        let (key, after) = match bytes[at] {
            quote @ (b'"' | b'\'' | b'`') => {
                let end = memchr::memchr(quote, &bytes[at + 1..])? + at + 1;
                if end - at > 80 {
                    return None;
                }
                ((at + 1, end), end + 1)
            }
            b'b' if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => return self.key(at + 1),
            b if b.is_ascii_alphabetic() || b == b'_' || b == b'@' || b == b'$' => {
                let end = bytes[at..]
                    .iter()
                    .position(|b| !(b.is_ascii_alphanumeric() || b"_-.@$".contains(b)))
                    .map_or(bytes.len(), |len| at + len);
                ((at, end), end)
            }
            // Typographic quotes of a text that a word processor passed on.
            0xE2 => {
                let rest = self.text.as_str().get(at..)?;
                let inner = rest.strip_prefix(['\u{201c}', '\u{201d}'])?;
                let len = inner.find(['\u{201c}', '\u{201d}']).filter(|len| *len < 80)?;
                ((at + 3, at + 3 + len), at + 3 + len + 3)
            }
            _ => return None,
        };
        let after = skip_space(bytes, after);
        let after = match bytes.get(after)? {
            b':' => after + 1,
            b'=' if bytes.get(after + 1) == Some(&b'>') => after + 2,
            b'=' => after + 1,
            _ => return None,
        };
        self.text.as_str().get(key.0..key.1)?;
        Some((key, skip_space(bytes, after)))
    }

    /// A value; returns where it ends.
    fn value(&mut self, at: usize, nesting: usize) -> Option<usize> {
        let at = skip_space(self.bytes, at);
        match self.bytes.get(at) {
            None => Some(at),
            Some(b'{' | b'[') => self.container(at, nesting + 1),
            Some(b'"' | b'\'' | b'`') => Some(self.string(at, self.bytes[at])),
            Some(b'b') if matches!(self.bytes.get(at + 1), Some(b'"' | b'\'')) => {
                Some(self.string(at + 1, self.bytes[at + 1]))
            }
            Some(0xE2) if self.text.as_str()[at..].starts_with(['\u{201c}', '\u{201d}']) => {
                Some(self.typographic(at))
            }
            Some(b'\\') if matches!(self.bytes.get(at + 1), Some(b'"' | b'\'')) => {
                Some(self.quoted_again(at))
            }
            Some(b',' | b'}' | b']') => Some(at),
            Some(_) => self.bare(at, nesting),
        }
    }

    /// A string up to its closing quote, which is one that something fitting follows.
    fn string(&mut self, at: usize, quote: u8) -> usize {
        let mut out = Text::default();
        let end = self.bytes.len();
        let mut i = at + 1;
        let mut from = i;
        while i < end {
            let Some(found) = memchr::memchr2(quote, b'\\', &self.bytes[i..]) else {
                i = end;
                break;
            };
            i += found;
            if self.bytes[i] == b'\\' {
                out.push_text(self.text, from, i);
                i = escape(self.text, i, end, &mut out);
                from = i;
                continue;
            }
            let next = skip_space(self.bytes, i + 1);
            if matches!(self.bytes.get(next), None | Some(b',' | b'}' | b']' | b':' | b')' | b';'))
                || self.bytes.get(i + 1) == Some(&b'\n')
            {
                break;
            }
            i += 1;
        }
        let stop = i.min(end);
        let words = if from == at + 1 {
            Words::There(from, stop.max(from))
        } else {
            out.push_text(self.text, from, stop);
            Words::Own(Box::new(out))
        };
        self.leaf(words, true);
        (stop + 1).min(end)
    }

    /// A string whose quotes alone are escaped, as where a dictionary of Python's is printed inside
    /// a string: `"{'message': \"It's late\"}"`.
    fn quoted_again(&mut self, at: usize) -> usize {
        let quote = &self.bytes[at..at + 2];
        let start = at + 2;
        let mut from = start;
        let end = loop {
            let Some(found) = memchr::memmem::find(&self.bytes[from..], quote) else {
                break self.bytes.len();
            };
            from += found;
            let next = skip_space(self.bytes, from + 2);
            if matches!(self.bytes.get(next), None | Some(b',' | b'}' | b']' | b':' | b')')) {
                break from;
            }
            from += 2;
        };
        self.leaf(Words::There(start, end), true);
        (end + 2).min(self.bytes.len())
    }

    fn typographic(&mut self, at: usize) -> usize {
        let s = self.text.as_str();
        let start = at + 3;
        let len = s[start..].find(['\u{201d}', '\u{201c}']).unwrap_or(s.len() - start);
        self.leaf(Words::There(start, start + len), true);
        (start + len + 3).min(s.len())
    }

    /// A number, a flag, a name, or a constructor around another value.
    fn bare(&mut self, at: usize, nesting: usize) -> Option<usize> {
        let len = self.bytes[at..]
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b']' | b'\n' | b'(' | b'{' | b'"'))
            .unwrap_or(self.bytes.len() - at);
        let mut end = at + len;
        while !self.text.as_str().is_char_boundary(end) {
            end += 1;
        }
        // `String("x")`, `Object {…}`, `Some(…)`: read what is inside.
        let constructor = self.bytes[at].is_ascii_alphabetic();
        match self.bytes.get(end) {
            Some(b'(') if constructor => {
                let inner = self.value(end + 1, nesting + 1)?;
                let inner = skip_space(self.bytes, inner);
                return Some(if self.bytes.get(inner) == Some(&b')') { inner + 1 } else { inner });
            }
            Some(b'{') if constructor => return self.container(end, nesting + 1),
            _ => {}
        }
        let word = self.text.as_str()[at..end].trim_end();
        self.leaf(Words::There(at, at + word.len()), false);
        Some(end.max(at + 1))
    }

    fn leaf(&mut self, words: Words, quoted: bool) {
        self.tree.leaves.push(Leaf { path: self.path, words, quoted });
    }

    fn next_char(&self, at: usize) -> usize {
        let mut next = at + 1;
        while !self.text.as_str().is_char_boundary(next) {
            next += 1;
        }
        next
    }
}
