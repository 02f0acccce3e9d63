//! Server-sent events as a machine over bytes.
//!
//! The reader follows <https://html.spec.whatwg.org/multipage/server-sent-events.html> and is
//! kinder than it where relays are careless: a line that is bare JSON counts as data, a missing
//! blank line between two JSON documents ends the frame all the same, an `error:` field is an event
//! of that name, and what is left at the end of input is handed out instead of thrown away.

use std::borrow::Cow;

/// The most bytes one frame may have before the reader gives up: 8 MiB.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// The name in its `event:` field.
    pub event: Option<String>,
    /// Its data as received; several `data:` lines are joined by line feeds.
    pub data: Vec<u8>,
}

impl Frame {
    /// The data as text, with U+FFFD for bytes that are not UTF-8.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }
}

/// An event of a stream, in the bytes it came in where that is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRef<'a> {
    /// The name in its `event:` field.
    pub event: Option<&'a str>,
    /// Its data as received; several `data:` lines are joined by line feeds.
    pub data: &'a [u8],
}

impl FrameRef<'_> {
    /// A frame of its own.
    #[must_use]
    pub fn to_frame(self) -> Frame {
        Frame { event: self.event.map(str::to_owned), data: self.data.to_vec() }
    }
}

/// What was left when the input ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// A frame without the blank line that ends it; it may be cut anywhere.
    Frame(Frame),
    /// A frame grew beyond the limit; everything from there on was left unread.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Takes bytes, split anywhere, and gives frames.
///
/// ```
/// let mut decoder = halo_wire::sse::Decoder::new();
/// assert!(decoder.push(b"event: ping\r\nda").is_empty());
/// let frames = decoder.push(b"ta:{}\r\n\r\n");
/// assert_eq!(frames[0].event.as_deref(), Some("ping"));
/// assert_eq!(frames[0].data, b"{}");
/// assert!(decoder.finish().is_none());
/// ```
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The unfinished line.
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    /// The frame began with bare JSON, so lines without a field name belong to it.
    bare: bool,
    /// The last line ended with CR; an LF right after it belongs to that end.
    after_cr: bool,
    at_start: bool,
    fields_seen: bool,
    too_long: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_FRAME)
    }
}

impl Decoder {
    /// A reader with the usual limit, [`MAX_FRAME`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that gives up at a frame longer than `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            frame: Frame::default(),
            has_data: false,
            bare: false,
            after_cr: false,
            at_start: true,
            fields_seen: false,
            too_long: false,
        }
    }

    /// Reads the next bytes and gives the frames they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        self.push_each(bytes, |frame| frames.push(frame.to_frame()));
        frames
    }

    /// Reads the next bytes and hands out the frames they complete, without a copy of those that
    /// are whole in `bytes`.
    pub fn push_each(&mut self, bytes: &[u8], mut take: impl FnMut(FrameRef<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.too_long {
            if let Some((data, after)) = self.whole_frame(rest) {
                rest = after;
                let event = self.frame.event.take();
                take(FrameRef { event: event.as_deref(), data });
                continue;
            }
            if self.after_cr {
                self.after_cr = false;
                if rest[0] == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.keep(rest);
                break;
            };
            self.after_cr = rest[end] == b'\r';
            if self.line.is_empty() {
                self.end_of_line(&rest[..end], &mut take);
            } else {
                self.keep(&rest[..end]);
                let line = std::mem::take(&mut self.line);
                self.end_of_line(&line, &mut take);
                // Keeps the allocation for the next partial line.
                self.line = line;
                self.line.clear();
            }
            rest = &rest[end + 1..];
        }
    }

    /// The data of a frame of one line at the beginning of `bytes`, as nearly all are, and what
    /// follows its blank line.
    fn whole_frame<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        if self.has_data || self.after_cr || self.at_start || !self.line.is_empty() {
            return None;
        }
        let value = bytes.strip_prefix(b"data:")?;
        let end = memchr::memchr2(b'\n', b'\r', value)?;
        let after = value[end..].strip_prefix(b"\n\n")?;
        if end > self.limit {
            return None;
        }
        self.fields_seen = true;
        let value = &value[..end];
        Some((value.strip_prefix(b" ").unwrap_or(value), after))
    }

    /// Whether a frame grew beyond the limit; from then on nothing is read.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Whether any line so far was a field or a comment of this format.
    #[must_use]
    pub fn has_fields(&self) -> bool {
        self.fields_seen
    }

    /// Ends the input and gives what was left of an unfinished frame.
    pub fn finish(&mut self) -> Option<Leftover> {
        if self.too_long {
            return Some(Leftover::TooLong { limit: self.limit });
        }
        let mut frames = Vec::new();
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.end_of_line(&line, &mut |frame: FrameRef<'_>| frames.push(frame.to_frame()));
        }
        // The last line can close a frame before it and open its own; both count, and the one
        // before it can only be complete JSON, so they are handed out together.
        let mut last = self.take_frame();
        if let Some(mut first) = frames.pop() {
            if let Some(last) = last {
                first.data.push(b'\n');
                first.data.extend_from_slice(&last.data);
            }
            last = Some(first);
        }
        last.map(Leftover::Frame)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.line.len() + self.frame.data.len() + bytes.len() > self.limit {
            self.give_up();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn give_up(&mut self) {
        self.too_long = true;
        self.line = Vec::new();
        self.frame = Frame::default();
    }

    fn end_of_line(&mut self, line: &[u8], take: &mut impl FnMut(FrameRef<'_>)) {
        if self.too_long {
            return;
        }
        if self.frame.data.len() + line.len() > self.limit {
            self.give_up();
            return;
        }
        let mut line = line;
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            self.hand_out(take);
            return;
        }
        match field(line) {
            Some(Field::Data(value)) => {
                self.fields_seen = true;
                let opens = value.starts_with(b"{") || value.trim_ascii() == b"[DONE]";
                if self.has_data && opens && self.holds_document() {
                    self.hand_out(take);
                }
                self.add_data(value);
            }
            Some(Field::Event(value)) => {
                self.fields_seen = true;
                if self.has_data && self.holds_document() {
                    self.hand_out(take);
                }
                self.frame.event = Some(String::from_utf8_lossy(value).into_owned());
            }
            Some(Field::Error(value)) => {
                self.fields_seen = true;
                if self.has_data {
                    self.hand_out(take);
                }
                self.frame.event = Some("error".to_owned());
                self.add_data(value);
            }
            Some(Field::Ignored) => self.fields_seen = true,
            None if self.bare => self.add_data(line),
            None if line.starts_with(b"{") => {
                if self.has_data && self.holds_document() {
                    self.hand_out(take);
                }
                self.bare = true;
                self.add_data(line);
            }
            None => {}
        }
    }

    fn add_data(&mut self, value: &[u8]) {
        if self.has_data {
            self.frame.data.push(b'\n');
        }
        self.has_data = true;
        self.frame.data.extend_from_slice(value);
    }

    fn holds_document(&self) -> bool {
        let data = self.frame.data.trim_ascii();
        data.starts_with(b"{")
            && data.ends_with(b"}")
            && serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
    }

    fn hand_out(&mut self, take: &mut impl FnMut(FrameRef<'_>)) {
        if let Some(frame) = self.take_frame() {
            take(FrameRef { event: frame.event.as_deref(), data: &frame.data });
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        self.bare = false;
        let frame = std::mem::take(&mut self.frame);
        std::mem::take(&mut self.has_data).then_some(frame)
    }
}

enum Field<'a> {
    Data(&'a [u8]),
    Event(&'a [u8]),
    /// llama.cpp reported errors as a field of their own.
    Error(&'a [u8]),
    /// A comment, an id, a reconnection time.
    Ignored,
}

fn field(line: &[u8]) -> Option<Field<'_>> {
    if line[0] == b':' {
        return Some(Field::Ignored);
    }
    let (name, value) = match memchr::memchr(b':', line) {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        None => (line, &line[line.len()..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match name.trim_ascii() {
        b"data" => Some(Field::Data(value)),
        b"event" => Some(Field::Event(value)),
        b"error" if value.starts_with(b"{") => Some(Field::Error(value)),
        b"id" | b"retry" => Some(Field::Ignored),
        _ => None,
    }
}

/// Writes one event. Line breaks inside `data` become further `data:` lines.
pub(crate) fn write(out: &mut Vec<u8>, event: Option<&str>, data: &[u8]) {
    if let Some(event) = event {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    for line in data.split(|byte| *byte == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.push(b'\n');
    }
    out.push(b'\n');
}
