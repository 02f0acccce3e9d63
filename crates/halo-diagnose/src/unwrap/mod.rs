//! Takes an error text apart: who said what to whom.
//!
//! A body is seldom one clean JSON object. It may be JSON inside a text, escaped JSON inside a
//! JSON string, a Python dictionary, a JavaScript object as a console prints it, frames of an
//! event stream, a list, an HTML page, or several of these around each other. [`unwrap`] yields
//! [`Layer`]s: each holds the words of one speaker and the structured fields beside them. The
//! depth tells how far inside it was found.

mod html;
mod value;

use crate::text::Text;

/// Bodies longer than this are read at both ends only.
const MAX_BODY: usize = 96 * 1024;
/// How deep texts may hide in texts.
const MAX_DEPTH: usize = 9;
/// How many places of one body are tried as the beginning of a value.
const MAX_TRIES: usize = 160;
/// How many bytes are decoded in all, over all depths.
const MAX_WORK: usize = 6 * MAX_BODY;
/// How many frames of an event stream are read.
const MAX_FRAMES: usize = 24;

/// What one speaker said.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// The words, white space folded.
    pub(crate) text: Text,
    /// Fields that name the error, as ranges of `text`.
    pub(crate) fields: Vec<Field>,
    /// The HTTP status it names itself.
    pub(crate) status: Option<u16>,
    /// How far inside it was found.
    pub(crate) depth: u8,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Where a layer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Origin {
    /// The body; ranges lead back to its bytes.
    #[default]
    Body,
    /// A header.
    Header(&'static str),
    /// The error chain below HTTP.
    Transport,
    /// A code of the body with its words apart.
    Spelled,
}

/// A structured field: the whole value stands at `start..end` of the layer's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) key: Key,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Fields with a meaning of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// A code, type, status text or reason: names the error.
    Code,
    /// The parameter that is at fault.
    Param,
    /// The model that was asked for.
    Model,
    /// A request id.
    RequestId,
    /// The size of the model's window, in tokens.
    Window,
    /// How many tokens were sent.
    Sent,
    /// A wait, in the unit the key tells; see `hints`.
    Wait(Wait),
}

/// The unit of a wait field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A number of seconds or a duration such as `28s`.
    Seconds,
    /// A number of milliseconds.
    Millis,
    /// An instant: RFC 3339, or epoch seconds or milliseconds.
    Instant,
}

/// The layers of a body, outermost first.
pub(crate) struct Unwrapped {
    /// All layers; the first is the outermost text or value.
    pub(crate) layers: Vec<Layer>,
    /// Whether the body as a whole is an HTML page.
    pub(crate) html: bool,
    /// Whether nothing but white space stands in it.
    pub(crate) empty: bool,
}

/// Takes `body` apart.
pub(crate) fn unwrap(body: &str) -> Unwrapped {
    let trimmed = body.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let mut reader = Reader { layers: vec![Layer::default()], tries: 0, work: 0 };
    let text = cut(body);
    reader.read(&text, 0, 0);
    let html = html::starts_page(trimmed);
    Unwrapped { layers: reader.layers, html, empty: trimmed.is_empty() }
}

/// The body, or its two ends where it is long.
fn cut(body: &str) -> Text {
    if body.len() <= MAX_BODY {
        return Text::whole(body, 0);
    }
    let head = floor_boundary(body, MAX_BODY / 2);
    let tail = floor_boundary(body, body.len() - MAX_BODY / 2);
    let mut text = Text::whole(&body[..head], 0);
    text.push_str("\n", head);
    text.push_str(&body[tail..], tail);
    text
}

fn floor_boundary(s: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| s.is_char_boundary(*at)).unwrap_or(0)
}

struct Reader {
    layers: Vec<Layer>,
    tries: usize,
    work: usize,
}

impl Reader {
    /// Reads `text`: plain words go to layer `into`, values and pages become layers of their own.
    fn read(&mut self, text: &Text, into: usize, depth: usize) {
        self.work += text.len();
        if depth > MAX_DEPTH || self.work > MAX_WORK {
            self.plain(text, 0, text.len(), into);
            return;
        }
        let s = text.as_str();
        if let Some(page) = html::find_page(s) {
            let first_value = s.find(['{']).unwrap_or(s.len());
            if page < first_value {
                self.plain(text, 0, page, into);
                let end = html::end_of_page(s, page);
                self.page(text, page, end, depth);
                if end < s.len() {
                    self.plain(text, end, s.len(), into);
                }
                return;
            }
        }
        if let Some(frames) = frames(s) {
            self.read_frames(text, &frames, into, depth);
            return;
        }
        self.read_mixed(text, into, depth);
    }

    /// Words with values among them.
    fn read_mixed(&mut self, text: &Text, into: usize, depth: usize) {
        let s = text.as_str();
        let bytes = s.as_bytes();
        let mut plain_from = 0;
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'{', b'[', &bytes[at..]) {
            let start = at + found;
            at = start + 1;
            if !value::may_start(bytes, start) || self.tries >= MAX_TRIES {
                continue;
            }
            self.tries += 1;
            if value::is_escaped(bytes, start) {
                // Escaped JSON without the string around it, as in `error={\"message\":…`.
                self.plain(text, plain_from, start, into);
                let rest = value::unescape(text, start, s.len());
                if rest.len() < s.len() - start {
                    self.read(&rest, into, depth + 1);
                    return;
                }
            }
            if let Some((tree, end)) = value::parse(text, start) {
                self.plain(text, plain_from, start, into);
                self.value(&tree, depth);
                plain_from = end;
                at = end;
            }
        }
        self.plain(text, plain_from, s.len(), into);
    }

    /// Frames of an event stream: those that may tell of an error.
    fn read_frames(&mut self, text: &Text, frames: &[Frame], into: usize, depth: usize) {
        let s = text.as_str();
        let telling = |frame: &&Frame| {
            let data = &s[frame.start..frame.end];
            !frame.data
                || ["error", "finish", "fail", "base_resp", "exception"]
                    .iter()
                    .any(|w| contains_ci(data, w))
        };
        let mut chosen: Vec<&Frame> = frames.iter().filter(telling).take(MAX_FRAMES).collect();
        if let Some(last) = frames.last().filter(|last| !chosen.contains(last)) {
            chosen.push(last);
        }
        for frame in chosen {
            let part = text.slice(frame.start, frame.end);
            if frame.data {
                self.read_mixed(&part, into, depth);
            } else {
                self.plain(&part, 0, part.len(), into);
            }
        }
    }

    fn page(&mut self, text: &Text, start: usize, end: usize, depth: usize) {
        let words = html::words(text, start, end);
        let status = status_in(words.as_str());
        self.layers.push(Layer {
            text: words,
            status,
            depth: depth_number(depth + 1),
            ..Layer::default()
        });
    }

    /// Adds words to a layer and notes the status they name.
    fn plain(&mut self, text: &Text, start: usize, end: usize, into: usize) {
        let part = &text.as_str()[start..end];
        if part.trim().is_empty() {
            return;
        }
        let status = status_in(part);
        let layer = &mut self.layers[into];
        if layer.status.is_none() {
            layer.status = status;
        }
        if layer.text.len() > 0 {
            let raw = text.raw(start);
            layer.text.push_str("\n", raw);
        }
        // The frames of a stack say where a program stands, not what went wrong.
        let mut from = start;
        let mut at = start;
        let mut code_follows = false;
        for line in part.split_inclusive('\n') {
            let kind = frame(line, code_follows);
            if kind != Trace::None {
                layer.text.push_folded(text, from, at);
                from = at + line.len();
            }
            code_follows = kind == Trace::Python;
            at += line.len();
        }
        layer.text.push_folded(text, from, end);
    }

    /// Adds a value as a layer; texts in it that hide more are read in turn.
    fn value(&mut self, tree: &value::Tree, depth: usize) {
        let index = self.layers.len();
        self.layers.push(Layer { depth: depth_number(depth + 1), ..Layer::default() });
        for leaf in &tree.leaves {
            if leaf.is_noise() {
                continue;
            }
            if let Some(key) = leaf.key() {
                let layer = &mut self.layers[index];
                if layer.text.len() > 0 {
                    layer.text.push_str("\n", leaf.text.raw(0));
                }
                let start = layer.text.len();
                layer.text.push_folded(&leaf.text, 0, leaf.text.len());
                let end = layer.text.len();
                layer.fields.push(Field { key, start, end });
                if key == Key::Code && layer.status.is_none() {
                    layer.status = leaf.status();
                }
            } else if !leaf.is_word() {
                // Numbers and flags without a meaning of their own say nothing.
            } else if leaf.may_hide_more() {
                self.read(&leaf.text, index, depth + 1);
            } else {
                self.plain(&leaf.text, 0, leaf.text.len(), index);
            }
        }
    }
}

/// Whether a line is a frame of a stack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trace {
    None,
    /// `File "…", line 12, in f`; the next line is its code.
    Python,
    Other,
}

fn frame(line: &str, code_follows: bool) -> Trace {
    let trimmed = line.trim();
    let indent = line.len() - line.trim_start().len();
    if trimmed.starts_with("File \"") && trimmed.contains("\", line ") {
        return Trace::Python;
    }
    let numbered = trimmed.bytes().any(|b| b.is_ascii_digit());
    let called = trimmed.strip_prefix("at ").is_some_and(|rest| {
        !rest.contains(": ") && (rest.contains('(') && rest.ends_with([')', ',']) || numbered)
    });
    if called && indent > 0 || code_follows && indent >= 4 {
        return Trace::Other;
    }
    Trace::None
}

fn depth_number(depth: usize) -> u8 {
    u8::try_from(depth).unwrap_or(u8::MAX)
}

/// One line of an event stream: its value's range, and whether it is data.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    start: usize,
    end: usize,
    data: bool,
}

/// The frames of an event stream, if `s` is one.
fn frames(s: &str) -> Option<Vec<Frame>> {
    let head = s.trim_start();
    let begins = ["data:", "event:", "id:", "retry:", ":"].iter().any(|w| head.starts_with(w));
    if !begins && !s.contains("\ndata:") {
        return None;
    }
    if !s.contains("data:") && !s.contains("event:") {
        return None;
    }
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    for line in s.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let end = start + content.len();
        let content = content.trim_start();
        if let Some(data) = content.strip_prefix("data:") {
            frames.push(Frame { start: end - data.len(), end, data: true });
        } else if let Some(name) = content.strip_prefix("event:") {
            frames.push(Frame { start: end - name.len(), end, data: false });
        } else if content.starts_with(':') || content.is_empty() {
        } else if let Some(last) = frames.last_mut().filter(|f| f.data && indent > 0) {
            // A frame that somebody wrapped or indented by hand goes on.
            last.end = end;
        } else if let Some(last) = frames.last_mut().filter(|f| {
            f.data
                && s[f.start..f.end].trim_start().starts_with('{')
                && content.starts_with(['"', '}', '{'])
        }) {
            last.end = end;
        } else {
            frames.push(Frame { start: start + indent, end, data: true });
        }
    }
    Some(frames)
}

pub(crate) fn contains_ci(haystack: &str, needle: &str) -> bool {
    haystack
        .as_bytes()
        .windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

/// The HTTP error status that a text names as such: "Error code: 429", "HTTP 502", "(HTTP 400)",
/// "503 Service Unavailable" at the beginning of a line. Other numbers are not looked at.
fn status_in(text: &str) -> Option<u16> {
    use std::sync::LazyLock;
    static STATUS: LazyLock<regex::Regex> = LazyLock::new(|| {
        // After a number that merely begins a line, the words of a status must follow; "500
        // people" is none.
        let words = r#"\ (?: (?-i:[A-Z\p{Han}"\{<·|\[(—–-]) | too\ | rate\ | bad\ | not\ | un | forbid | internal | service
            | gateway | timeout | time | request | invalid | insufficient | server | payment | error | status | overload )"#;
        let pattern = format!(
            r#"(?x)
            (?: \bhttps? (?:/[\d.]+)? | \bstatus(?:[\ _-]?(?:code|text))? | \berror(?:[\ _]code)? | \berrorcode | \bcode
              | 状态码 | 错误码 | 错误代码 | 错误 | 错误信息 | \b(?:failed|returned|response)\ with | \bstatus\ code )
              (?: ["']? \s? [:：=\ (\[\#-]{{1,3}} \s? ["']? ) (?: of\ | https?\ | status(?:\ code)?[:\ ]{{0,2}} | \( | code:?\ | %!s\(int= ){{0,2}}
              (?P<labelled> [45][0-9][0-9] ) (?: [^0-9A-Za-z_%] | $ )
            | (?: \b(?: failed | returned | response | unexpected | got | upstream | request | error ) ["']? \s? [:=\ (\[]{{1,3}} | (?:^|\n) [\s>⎿✕✻│•⚠❌️*\-"'`]* (?:(?:api\ )?error:?\ )? [\[(]? | \|\  | [\[(] | \bfor\ url\ \([^)\s]*\):\  | ://[^\s"'<>]{{1,200}}["']?:\  | \bwith\ an?\  | 返回了?\ ? )
              (?P<bare> [45][0-9][0-9] ) (?: [\])|:;,.'"}}\\，。；、）】] | \ ?[\{{"\[|] | {words} | \s*$ | \s*\n )"#
        );
        regex::RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .size_limit(1 << 22)
            .build()
            .expect("the pattern is a constant and compiles")
    });
    let mut head = text.len().min(8192);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let found = STATUS.captures(&text[..head])?;
    found.name("labelled").or_else(|| found.name("bare"))?.as_str().parse().ok()
}

#[cfg(test)]
mod tests;
