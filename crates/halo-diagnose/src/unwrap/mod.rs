//! Takes an error text apart: who said what to whom.
//!
//! A body is seldom one clean JSON object. It may be JSON inside a text, escaped JSON inside a
//! JSON string, a Python dictionary, a JavaScript object as a console prints it, frames of an
//! event stream, a list, an HTML page, or several of these around each other. [`unwrap`] yields
//! [`Layer`]s: each holds the words of one speaker and the structured fields beside them. The
//! depth tells how far inside it was found.

mod escapes;
mod html;
mod leaf;
mod status;
mod trace;
mod value;

use status::status_in;

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
    /// Whether it is what somebody says around a text that they quote.
    pub(crate) around: bool,
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

/// Layers of earlier bodies whose memory is used again.
#[derive(Default)]
pub(crate) struct Spare {
    spare: Vec<Layer>,
    /// Room for the layers of a body, empty.
    list: Vec<Layer>,
}

/// How many layers are kept for later, and how long their texts may be.
const MAX_SPARE: usize = 16;
const MAX_SPARE_TEXT: usize = 4096;

impl Spare {
    fn take(&mut self, depth: u8) -> Layer {
        let layer = self.spare.pop().unwrap_or_default();
        Layer { depth, ..layer }
    }

    /// Keeps a layer that nobody needs any more.
    fn put(&mut self, layer: Layer) {
        if self.spare.len() < MAX_SPARE && layer.text.len() <= MAX_SPARE_TEXT {
            self.spare.push(layer.cleared());
        }
    }

    /// Keeps the layers of a body.
    pub(crate) fn give(&mut self, mut layers: Vec<Layer>) {
        layers.drain(..).for_each(|layer| self.put(layer));
        if layers.capacity() <= MAX_SPARE {
            self.list = layers;
        }
    }
}

impl Layer {
    /// A new layer in the memory of this one.
    fn cleared(self) -> Self {
        let Self { mut text, mut fields, .. } = self;
        text.clear();
        fields.clear();
        Self { text, fields, ..Self::default() }
    }
}

/// Takes `body` apart.
pub(crate) fn unwrap(body: &str) -> Unwrapped {
    unwrap_with(body, &mut Spare::default())
}

/// Takes `body` apart, in memory of earlier bodies.
pub(crate) fn unwrap_with(body: &str, spare: &mut Spare) -> Unwrapped {
    let trimmed = body.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let mut whole = spare.take(0);
    cut(body, &mut whole.text);
    let layers = std::mem::take(&mut spare.list);
    let mut reader = Reader { layers, spare, tries: 0, work: 0 };
    reader.add_layer(0);
    reader.read(&whole.text, 0, 0);
    let layers = reader.layers;
    spare.put(whole);
    let html = html::starts_page(trimmed);
    Unwrapped { layers, html, empty: trimmed.is_empty() }
}

/// Adds the body to `text`, or its two ends where it is long.
fn cut(body: &str, text: &mut Text) {
    if body.len() <= MAX_BODY {
        text.push_str(body, 0);
        return;
    }
    let head = floor_boundary(body, MAX_BODY / 2);
    let tail = floor_boundary(body, body.len() - MAX_BODY / 2);
    text.push_str(&body[..head], 0);
    text.push_str("\n", head);
    text.push_str(&body[tail..], tail);
}

fn floor_boundary(s: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| s.is_char_boundary(*at)).unwrap_or(0)
}

struct Reader<'s> {
    layers: Vec<Layer>,
    spare: &'s mut Spare,
    tries: usize,
    work: usize,
}

impl Reader<'_> {
    /// Adds an empty layer; returns its place.
    fn add_layer(&mut self, depth: usize) -> usize {
        let layer = self.spare.take(depth_number(depth));
        self.layers.push(layer);
        self.layers.len() - 1
    }

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
        let ticks = memchr::memchr(b'`', s.as_bytes()).is_some();
        if ticks
            && s.contains("\\n```")
            && let Some(text) = escapes::resolved(text, 0, s.len())
        {
            self.read(&text, into, depth + 1);
            return;
        }
        if ticks && let Some((open, from, to, close)) = fence(s) {
            // What somebody quotes is read apart from what they say about it.
            self.layers[into].around = true;
            self.plain(text, 0, open, into);
            let index = self.add_layer(depth + 1);
            self.read(&text.slice(from, to), index, depth + 1);
            self.plain(text, close, s.len(), into);
            return;
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
                let rest = escapes::unescape(text, start, s.len());
                if rest.len() < s.len() - start {
                    self.read(&rest, into, depth + 1);
                    return;
                }
            }
            if let Some((tree, end)) = value::parse(text, start) {
                self.plain(text, plain_from, start, into);
                self.value(&tree, text, depth);
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
            // Pieces of an answer say nothing of an error, unless they name one.
            let answer = ["\"delta\"", "\"choices\"", "content_block", "\"candidates\"", "[DONE]"];
            let error = ["error", "finish", "fail", "base_resp", "exception"];
            !frame.data
                || !answer.iter().any(|word| data.contains(word))
                || error.iter().any(|word| contains_ci(data, word))
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
        match escapes::resolved(text, start, end) {
            Some(text) => self.resolved(&text, 0, text.len(), into),
            None => self.resolved(text, start, end, into),
        }
    }

    fn resolved(&mut self, text: &Text, start: usize, end: usize, into: usize) {
        let part = &text.as_str()[start..end];
        if is_blank(part) {
            return;
        }
        let status = status_in(part);
        let layer = &mut self.layers[into];
        if layer.status.is_none() {
            layer.status = status;
        }
        trace::without(part, |from, to| {
            if is_blank(&part[from..to]) {
                return;
            }
            if layer.text.len() > 0 {
                layer.text.push_str("\n", text.raw(start + from));
            }
            layer.text.push_folded(text, start + from, start + to);
        });
    }

    /// Adds a value as a layer; texts in it that hide more are read in turn.
    fn value(&mut self, tree: &value::Tree, source: &Text, depth: usize) {
        let index = self.add_layer(depth + 1);
        let mut room = [0; leaf::MAX_NAME];
        for leaf in &tree.leaves {
            let leaf = leaf.said(source, &mut room);
            if leaf.is_noise() {
                continue;
            }
            let (text, from, to) = leaf.place();
            if let Some(key) = leaf.key() {
                let layer = &mut self.layers[index];
                if layer.text.len() > 0 {
                    layer.text.push_str("\n", text.raw(from));
                }
                let start = layer.text.len();
                layer.text.push_folded(text, from, to);
                let end = layer.text.len();
                layer.fields.push(Field { key, start, end });
                if key == Key::Code && layer.status.is_none() {
                    layer.status = leaf.status();
                }
            } else if !leaf.is_word() {
                // Numbers and flags without a meaning of their own say nothing.
            } else if leaf.may_hide_more() {
                self.read(&leaf.to_text(), index, depth + 1);
            } else {
                self.plain(text, from, to, index);
            }
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

fn depth_number(depth: usize) -> u8 {
    u8::try_from(depth).unwrap_or(u8::MAX)
}

/// The first fenced block of a Markdown text: where its fence opens, the range inside, and where
/// the fence has closed.
fn fence(s: &str) -> Option<(usize, usize, usize, usize)> {
    let open = s.find("```")?;
    // The first line holds the name of a language.
    let from = open + s[open..].find('\n')? + 1;
    let to = s[from..].find("```").map_or(s.len(), |len| from + len);
    Some((open, from, to, (to + 3).min(s.len())))
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
    if head.starts_with(':') && only_comments(head) {
        return Some(Vec::new());
    }
    let begins = ["data:", "event:", "id:", "retry:", ":"].iter().any(|w| head.starts_with(w));
    let lines = memchr::memchr(b'\n', s.as_bytes()).is_some();
    if !(begins || lines && s.contains("\ndata:")) {
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

/// Whether an event stream holds nothing but the comments that keep its connection open.
fn only_comments(s: &str) -> bool {
    let idle = ["keep", "ping", "processing", "heartbeat", "waiting"];
    s.lines().map(str::trim).filter(|line| !line.is_empty()).all(|line| {
        line.len() <= 40
            && line.strip_prefix(':').is_some_and(|words| {
                words.trim().is_empty() || idle.iter().any(|word| contains_ci(words, word))
            })
    })
}

pub(crate) fn contains_ci(haystack: &str, needle: &str) -> bool {
    haystack
        .as_bytes()
        .windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests;
