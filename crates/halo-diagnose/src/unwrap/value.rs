//! A tolerant reader of objects: JSON, Python dictionaries, console prints of JavaScript objects,
//! Rust and Go debug prints; broken by line wraps or cut in the middle.
//!
//! It never fails on a value that looks like an object; it stops where the input does. It yields
//! the leaves with the keys above them, since a diagnosis needs no tree.

use super::{Key, Wait, contains_ci};
use crate::text::Text;

/// How deep objects may nest before the rest is skipped.
const MAX_NESTING: usize = 24;
/// How many leaves one value may have.
const MAX_LEAVES: usize = 400;
/// How many words of a path are kept.
const MAX_PATH: usize = 6;

/// The leaves of one value.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) leaves: Vec<Leaf>,
}

/// A text, number or flag of a value.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The keys above it.
    path: Path,
    /// Its words, unescaped.
    words: Words,
    /// Whether it was in quotes.
    quoted: bool,
}

/// The words of a leaf: most need no unescaping and stay where they are.
#[derive(Debug)]
enum Words {
    /// A range of the text that was read.
    There(usize, usize),
    /// Unescaped.
    Own(Box<Text>),
}

/// Keys as ranges of the text that was read, innermost last; list items have none of their own.
#[derive(Debug, Clone, Copy, Default)]
struct Path {
    keys: [(u32, u32); MAX_PATH],
    len: usize,
    /// The leaf is the name of an error that stood as a key.
    names: bool,
}

/// What a leaf says, beside the text that it was read from.
pub(super) struct Said<'t> {
    source: &'t Text,
    leaf: &'t Leaf,
    /// The key in small letters; empty where it is too long to have a meaning.
    name: &'t str,
}

/// The longest key with a meaning of its own.
pub(super) const MAX_NAME: usize = 24;

impl Leaf {
    /// The leaf read beside its text; `name` is room for its key.
    pub(super) fn said<'t>(&'t self, source: &'t Text, name: &'t mut [u8; MAX_NAME]) -> Said<'t> {
        let key = if self.path.names { "__type" } else { self.path.last(source) };
        let room = name.get_mut(..key.len()).unwrap_or_default();
        if !room.is_empty() {
            room.copy_from_slice(key.as_bytes());
            room.make_ascii_lowercase();
        }
        Said { source, leaf: self, name: std::str::from_utf8(room).unwrap_or_default() }
    }
}

impl Path {
    fn last<'t>(&self, source: &'t Text) -> &'t str {
        self.len.checked_sub(1).map_or("", |at| self.key(source, at))
    }

    fn key<'t>(&self, source: &'t Text, at: usize) -> &'t str {
        let (start, end) = self.keys[at];
        &source.as_str()[start as usize..end as usize]
    }
}

impl<'t> Said<'t> {
    pub(super) fn as_str(&self) -> &'t str {
        match &self.leaf.words {
            Words::There(start, end) => &self.source.as_str()[*start..*end],
            Words::Own(text) => text.as_str(),
        }
    }

    /// The text that the words are a part of, and the part.
    pub(super) fn place(&self) -> (&'t Text, usize, usize) {
        match &self.leaf.words {
            Words::There(start, end) => (self.source, *start, *end),
            Words::Own(text) => (text, 0, text.len()),
        }
    }

    /// The words as a text of their own.
    pub(super) fn to_text(&self) -> Text {
        let (text, start, end) = self.place();
        text.slice(start, end)
    }

    fn under(&self, names: &[&str]) -> bool {
        let path = &self.leaf.path;
        let above = path.len.saturating_sub(1);
        (0..above).any(|at| {
            let key = path.key(self.source, at);
            names.iter().any(|name| key.eq_ignore_ascii_case(name))
        })
    }

    /// What the request said, what a model wrote, and where a program stands: not the error.
    pub(super) fn is_noise(&self) -> bool {
        match self.name {
            "failed_generation" | "input" | "prompt" | "prompts" | "documentation_url"
            | "doc_url" | "user_id" | "timestamp" | "created" | "fingerprint"
            | "system_fingerprint" | "isretryable" | "arguments" | "tool_choice"
            | "cost_breakdown" | "usage" | "parentid" | "@type" | "links" | "level"
            | "severity" | "ts" | "time" | "@timestamp" | "logger" | "caller" | "hostname"
            | "pid" | "requestbodyvalues" | "extendedrequestid" | "cfid" => true,
            "object" => self.as_str() != "error",
            "content" | "text" | "reasoning_content" => {
                self.under(&["choices", "candidates", "delta", "messages", "contents", "content"])
            }
            _ => {
                self.leaf.path.len > 1
                    && self.under(&[
                        "usage",
                        "links",
                        "requestBodyValues",
                        "safetyRatings",
                        "tools",
                        "request_body",
                    ])
            }
        }
    }

    pub(super) fn is_word(&self) -> bool {
        self.leaf.quoted || self.as_str().chars().any(char::is_alphabetic) && !self.is_flag()
    }

    fn is_flag(&self) -> bool {
        matches!(
            self.as_str(),
            "null" | "None" | "true" | "false" | "True" | "False" | "undefined" | "nil" | "none"
        )
    }

    /// The meaning of the field, if its key has one.
    pub(super) fn key(&self) -> Option<Key> {
        let value = self.as_str();
        let identifier = !value.is_empty()
            && value.len() <= 96
            && !self.is_flag()
            && (!value.contains(char::is_whitespace) || value.len() <= 48)
            && !value.contains('{');
        match self.name {
            "code"
            | "error_code"
            | "errcode"
            | "err_code"
            | "errorcode"
            | "error_type"
            | "errortype"
            | "type"
            | "__type"
            | "status"
            | "reason"
            | "status_code"
            | "statuscode"
            | "http_code"
            | "httpstatus"
            | "http_status"
            | "raw_status_code"
            | "blockreason"
            | "finishreason"
            | "finish_reason"
            | "stop_reason"
            | "native_finish_reason"
            | "errno"
            | "name"
            | "title"
            | "error_class"
            | "quotaid"
            | "bizcode"
            | "event"
            | "statustext"
            | "errortitle"
            | "ret"
            | "subtype"
            | "category" => identifier.then_some(Key::Code),
            // `{"error":"invalid_api_key"}`, `{"error":"Unauthorized"}`, `{"error":"server_error"}`
            "error" | "detail" | "message" => {
                (identifier && !value.contains(' ') && (value.contains('_') || value.contains('.')))
                    .then_some(Key::Code)
            }
            // `"loc":["body","reasoning_effort"]` of FastAPI.
            "loc" => (identifier && !["body", "query", "path", "header"].contains(&value))
                .then_some(Key::Param),
            "param" | "parameter" => (identifier && !value.is_empty()).then_some(Key::Param),
            "model" | "model_id" | "modelid" | "model_name" => {
                (identifier && !self.is_flag()).then_some(Key::Model)
            }
            "request_id" | "requestid" | "req_id" | "x-request-id" | "requestid:" | "log_id"
            | "trace_id" | "sid" => identifier.then_some(Key::RequestId),
            "n_ctx" | "max_model_len" | "context_window" => Some(Key::Window),
            "n_prompt_tokens" | "prompt_tokens_count" => Some(Key::Sent),
            "retrydelay"
            | "retry_after"
            | "retry-after"
            | "retryafter"
            | "retry_after_seconds"
            | "resets_in_seconds"
            | "estimated_time"
            | "wait_seconds" => Some(Key::Wait(Wait::Seconds)),
            "retry_after_ms" | "retry-after-ms" | "retryafterms" => Some(Key::Wait(Wait::Millis)),
            "resets_at" | "reset_at" | "resetat" | "reset_time" | "resettime"
            | "x-ratelimit-reset" => Some(Key::Wait(Wait::Instant)),
            _ => None,
        }
    }

    /// The HTTP error status, for fields that hold one.
    pub(super) fn status(&self) -> Option<u16> {
        let fits = matches!(
            self.name,
            "code"
                | "status"
                | "status_code"
                | "statuscode"
                | "http_code"
                | "httpstatus"
                | "http_status"
                | "raw_status_code"
                | "error_code"
        );
        let value = self.as_str();
        if !fits || value.len() < 3 {
            return None;
        }
        let digits = value.get(..3)?;
        let rest = value[3..].bytes().next();
        if rest.is_some_and(|b| b != b' ') {
            return None;
        }
        digits.parse().ok().filter(|status| (400..600).contains(status))
    }

    /// Whether the text may hold another value, a page or a stream.
    pub(super) fn may_hide_more(&self) -> bool {
        let s = self.as_str();
        s.len() > 5
            && (memchr::memchr2(b'{', b'[', s.as_bytes()).is_some()
                || memchr::memchr(b'<', s.as_bytes()).is_some()
                    && (contains_ci(s, "<html") || contains_ci(s, "<!doctype"))
                || memchr::memmem::find(s.as_bytes(), b"data:").is_some())
    }
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
fn escape(text: &Text, at: usize, end: usize, out: &mut Text) -> usize {
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
    if bytes.get(at + 1) == Some(&b'u')
        && let Some((c, next)) = code_point(bytes, at + 2, end)
    {
        out.push(c, raw);
        return next;
    }
    if bytes.get(at + 1) == Some(&b'x')
        && let Some((c, next)) = byte_escapes(bytes, at, end)
    {
        out.push(c, raw);
        return next;
    }
    out.push('\\', raw);
    at + 1
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
    let end = parser.container(start, 0)?;
    (!parser.tree.leaves.is_empty()).then_some((parser.tree, end.min(text.len())))
}

/// Texts are cut long before 4 GiB, so offsets fit.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
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
                None => return (keys > 0).then_some(at),
                Some(b'}') => return Some(at + 1),
                // A closing bracket of the list around it: the brace was lost.
                Some(b']') if keys > 0 => return Some(at),
                Some(b',' | b';') => at += 1,
                Some(_) => {
                    let (key, after) = match self.key(at) {
                        Some(found) => found,
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
                        let path = Path { names: true, ..Path::default() };
                        let words = Words::There(key.0, key.1);
                        self.tree.leaves.push(Leaf { path, words, quoted: true });
                    }
                    let deep = self.path.len >= MAX_PATH;
                    if !deep {
                        self.path.keys[self.path.len] = (offset(key.0), offset(key.1));
                        self.path.len += 1;
                    }
                    let next = self.value(after, nesting);
                    if !deep {
                        self.path.len -= 1;
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
