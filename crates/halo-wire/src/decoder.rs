//! The decoder: bytes of an answer, split anywhere, become events.

use halo_types::Protocol;
use serde_json::Value;

use crate::json::{self, Next};
use crate::machine::{Heard, Machine};
use crate::sse::{self, FrameRef, Leftover};
use crate::{Event, Finish, fault, list};

/// The longest whole (not streamed) answer that is read: 32 MiB.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// How much of an unusable answer is kept as evidence: 64 KiB.
pub const MAX_LEFTOVER: usize = 64 * 1024;

/// Decodes one answer, streamed or whole; the first bytes tell which, whatever was asked for.
///
/// ```
/// use halo_types::Protocol;
/// use halo_wire::{Decoder, Event, Finish};
///
/// let mut decoder = Decoder::new(Protocol::OpenaiChat);
/// let events = decoder.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
/// assert_eq!(events[1], Event::Text("Hi".to_owned()));
/// let (_, finish) = decoder.finish();
/// assert_eq!(finish, Finish::Truncated);
/// ```
#[derive(Debug)]
pub struct Decoder {
    machine: Machine,
    mode: Mode,
    /// An error came; nothing after it counts.
    failed: bool,
    done: bool,
    /// A frame that should have been a piece of the answer could not be read.
    garbled: bool,
    /// Frames that were JSON, but none of this protocol.
    foreign: bool,
    leftover: Vec<u8>,
}

#[derive(Debug)]
enum Mode {
    /// No significant byte yet.
    Start {
        /// How much of a byte order mark has been skipped.
        mark: usize,
    },
    Stream(sse::Decoder),
    /// A list whose elements are pieces of a stream; only Gemini streams this way.
    List(list::Decoder),
    Body {
        bytes: Vec<u8>,
        limit: usize,
        too_long: bool,
    },
    Ended,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Decoder {
    /// A decoder for one answer of a protocol.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        Self {
            machine: Machine::new(protocol),
            mode: Mode::Start { mark: 0 },
            failed: false,
            done: false,
            garbled: false,
            foreign: false,
            leftover: Vec::new(),
        }
    }

    /// Reads the next bytes. After [`Event::Error`] or [`Event::Done`] nothing more comes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let bytes = self.choose_mode(bytes);
        if bytes.is_empty() || self.failed || self.done {
            return events;
        }
        if matches!(self.mode, Mode::Stream(_)) && !self.machine.has_begun() {
            self.keep_leftover(bytes);
        }
        match &mut self.mode {
            Mode::Stream(decoder) => {
                let mut decoder = std::mem::take(decoder);
                decoder.push_each(bytes, |frame| self.frame(frame, true, &mut events));
                self.mode = Mode::Stream(decoder);
            }
            Mode::Body { bytes: body, limit, too_long } => {
                let room = limit.saturating_sub(body.len());
                *too_long |= bytes.len() > room;
                body.extend_from_slice(&bytes[..room.min(bytes.len())]);
            }
            Mode::List(_) => self.push_list(bytes, &mut events),
            Mode::Start { .. } | Mode::Ended => {}
        }
        events
    }

    /// Ends the input.
    pub fn finish(&mut self) -> (Vec<Event>, Finish) {
        let mut events = Vec::new();
        let finish = match std::mem::replace(&mut self.mode, Mode::Ended) {
            Mode::Start { .. } | Mode::Ended => unusable("the answer is empty"),
            Mode::Stream(decoder) => self.end_stream(decoder, &mut events),
            Mode::List(list) => self.end_list(list, &mut events),
            Mode::Body { bytes, limit, too_long } => {
                let finish = self.end_body(&bytes, limit, too_long, &mut events);
                if finish != Finish::Complete {
                    self.leftover.clear();
                    self.keep_leftover(&bytes);
                }
                finish
            }
        };
        if finish == Finish::Complete && !self.done {
            self.done = true;
            events.push(Event::Done);
        }
        (events, finish)
    }

    /// Evidence for an answer that did not end well, after [`Decoder::finish`]: the frame that
    /// was cut or could not be read, or the first [`MAX_LEFTOVER`] bytes of what came instead of
    /// an answer.
    #[must_use]
    pub fn leftover(&self) -> &[u8] {
        &self.leftover
    }

    /// Skips what may stand before an answer and tells a stream from a document by the first
    /// byte that counts.
    fn choose_mode<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while let (Mode::Start { mark }, [first, tail @ ..]) = (&mut self.mode, rest) {
            if BYTE_ORDER_MARK.get(*mark) == Some(first) {
                *mark += 1;
                rest = tail;
            } else if first.is_ascii_whitespace() {
                *mark = BYTE_ORDER_MARK.len();
                rest = tail;
            } else {
                self.mode = match first {
                    b':' | b'd' | b'e' | b'i' | b'r' => Mode::Stream(sse::Decoder::new()),
                    b'[' if matches!(self.machine, Machine::Gemini(_)) => {
                        Mode::List(list::Decoder::new(MAX_BODY))
                    }
                    b'{' | b'[' => {
                        Mode::Body { bytes: Vec::new(), limit: MAX_BODY, too_long: false }
                    }
                    _ => Mode::Body { bytes: Vec::new(), limit: MAX_LEFTOVER, too_long: false },
                };
            }
        }
        rest
    }

    fn keep_leftover(&mut self, bytes: &[u8]) {
        let room = MAX_LEFTOVER.saturating_sub(self.leftover.len());
        self.leftover.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    fn replace_leftover(&mut self, bytes: &[u8]) {
        self.leftover.clear();
        self.keep_leftover(bytes);
    }

    /// Takes in a frame. `ended` says whether its end was seen; a cut one may be half a document.
    fn frame(&mut self, frame: FrameRef<'_>, ended: bool, events: &mut Vec<Event>) {
        if self.failed || self.done {
            return;
        }
        if frame.event.is_none() && self.machine.quick(frame.data, events) {
            if !self.garbled {
                self.leftover.clear();
            }
            return;
        }
        let mut data = frame.data.trim_ascii();
        // Some relays wrap lines that already are events.
        while let Some(inner) = data.strip_prefix(b"data:") {
            data = inner.trim_ascii();
        }
        if data.is_empty() {
            return;
        }
        if frame.event == Some("error") {
            self.fail(frame.data, events);
            return;
        }
        while !self.failed && !self.done {
            match json::next(data) {
                Next::End => return,
                Next::DoneMarker(rest) => {
                    data = rest;
                    if self.machine.done_marker() && !self.garbled {
                        self.machine.flush(events);
                        self.done = true;
                        events.push(Event::Done);
                    }
                }
                Next::Document(value, rest) => {
                    data = rest;
                    self.document(frame.event, value, frame.data, events);
                }
                Next::Cut | Next::Garbage => {
                    self.replace_leftover(frame.data);
                    if ended {
                        // Keep-alive words are harmless; half a document is a hole in the answer.
                        let hole = data.starts_with(b"{") || data.starts_with(b"[");
                        self.garbled |= hole && !self.machine.is_complete();
                        let json = Value::String(String::from_utf8_lossy(data).into_owned());
                        events.push(Event::Unknown { json });
                    }
                    return;
                }
            }
        }
    }

    fn document(&mut self, name: Option<&str>, value: Value, raw: &[u8], events: &mut Vec<Event>) {
        if self.failed || self.done {
            return;
        }
        match value {
            Value::Null => {}
            Value::Object(_) if fault::is_explicit(&value) => self.fail(raw, events),
            Value::Object(_) => match self.machine.piece(name, &value, events) {
                Heard::Known => {
                    if !self.garbled {
                        self.leftover.clear();
                    }
                    if self.machine.is_terminated() && !self.garbled {
                        self.done = true;
                        events.push(Event::Done);
                    }
                }
                Heard::Failure => self.fail(raw, events),
                Heard::Foreign if fault::is_fault(&value) => self.fail(raw, events),
                Heard::Foreign => {
                    self.foreign = true;
                    events.push(Event::Unknown { json: value });
                }
            },
            Value::Array(items) if items.iter().any(fault::is_explicit) => self.fail(raw, events),
            json => {
                self.foreign = true;
                events.push(Event::Unknown { json });
            }
        }
    }

    fn fail(&mut self, raw: &[u8], events: &mut Vec<Event>) {
        self.failed = true;
        events.push(Event::Error { raw: raw.to_vec() });
    }

    fn end_stream(&mut self, mut decoder: sse::Decoder, events: &mut Vec<Event>) -> Finish {
        match decoder.finish() {
            Some(Leftover::Frame(frame)) => {
                let frame = FrameRef { event: frame.event.as_deref(), data: &frame.data };
                self.frame(frame, false, events);
            }
            Some(Leftover::TooLong { limit }) if !self.done && !self.failed => {
                self.machine.flush(events);
                return unusable(format!("one frame of the stream is longer than {limit} bytes"));
            }
            Some(Leftover::TooLong { .. }) | None => {}
        }
        if self.done {
            return Finish::Complete;
        }
        if self.failed {
            return Finish::Truncated;
        }
        self.machine.flush(events);
        if self.machine.has_begun() {
            return if self.machine.is_complete() && !self.garbled {
                Finish::Complete
            } else {
                Finish::Truncated
            };
        }
        if self.foreign {
            unusable("the stream is not of this protocol")
        } else if self.machine.saw_done_marker() {
            unusable("the stream ended without an answer")
        } else if decoder.has_fields() || is_field_begun(&self.leftover) {
            Finish::Truncated
        } else {
            unusable("the answer is neither JSON nor an event stream")
        }
    }

    /// Hands out the elements of a list as they become whole. Where the first one is no piece of
    /// an answer, the list is read as a body, once all of it is here.
    fn push_list(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) {
        while !bytes.is_empty() && !self.failed {
            let Mode::List(list) = &mut self.mode else {
                return;
            };
            let (now, later) = bytes.split_at(list.room(bytes.len()));
            list.push(now);
            bytes = later;
            while let Mode::List(list) = &mut self.mode
                && let Some(element) = list.next()
            {
                if list.has_begun() {
                    self.element(&element, events);
                } else if self.first_element(&element, events) {
                    if let Mode::List(list) = &mut self.mode {
                        list.begin();
                    }
                } else if let Mode::List(list) = std::mem::replace(&mut self.mode, Mode::Ended) {
                    let mut body = list.into_rest();
                    let room = MAX_BODY.saturating_sub(body.len());
                    body.extend_from_slice(&bytes[..room.min(bytes.len())]);
                    let too_long = bytes.len() > room;
                    self.mode = Mode::Body { bytes: body, limit: MAX_BODY, too_long };
                }
                if self.failed {
                    return;
                }
            }
        }
    }

    /// Takes in the first element of a list; false if it is none of this protocol.
    fn first_element(&mut self, element: &[u8], events: &mut Vec<Event>) -> bool {
        let Next::Document(value, _) = json::next(element) else {
            return false;
        };
        if fault::is_explicit(&value) {
            return false;
        }
        match self.machine.piece(None, &value, events) {
            Heard::Known => true,
            Heard::Foreign => false,
            Heard::Failure => {
                self.fail(element, events);
                true
            }
        }
    }

    fn element(&mut self, element: &[u8], events: &mut Vec<Event>) {
        if let Next::Document(value, _) = json::next(element) {
            self.document(None, value, element, events);
        } else {
            self.replace_leftover(element);
            self.garbled |= !self.machine.is_complete();
            let json = Value::String(String::from_utf8_lossy(element).into_owned());
            events.push(Event::Unknown { json });
        }
    }

    fn end_list(&mut self, list: list::Decoder, events: &mut Vec<Event>) -> Finish {
        let (has_begun, too_long) = (list.has_begun(), list.is_too_long());
        let rest = list.into_rest();
        if !has_begun {
            let finish = self.end_body(&rest, MAX_BODY, too_long, events);
            if finish != Finish::Complete {
                self.replace_leftover(&rest);
            }
            return finish;
        }
        if self.failed {
            return Finish::Truncated;
        }
        self.machine.flush(events);
        if too_long {
            return unusable(format!("one element of the list is longer than {MAX_BODY} bytes"));
        }
        if !rest.trim_ascii().is_empty() {
            self.replace_leftover(&rest);
        }
        match (self.machine.has_begun(), self.machine.is_complete() && !self.garbled) {
            (true, true) => Finish::Complete,
            (true, false) => Finish::Truncated,
            (false, _) => unusable("the answer holds no message"),
        }
    }

    fn end_body(
        &mut self,
        bytes: &[u8],
        limit: usize,
        too_long: bool,
        events: &mut Vec<Event>,
    ) -> Finish {
        let (first, mut rest) = match json::next(bytes) {
            Next::Document(..) | Next::Cut if too_long => {
                return unusable(format!("the answer is longer than {limit} bytes"));
            }
            Next::Document(first, rest) => (first, rest),
            Next::Cut => return Finish::Truncated,
            Next::DoneMarker(_) => return unusable("the stream ended without an answer"),
            Next::End => return unusable("the answer is empty"),
            Next::Garbage => return unusable(describe(bytes)),
        };
        if rest.trim_ascii().is_empty() {
            return self.whole(first, bytes, events);
        }
        // Several documents: the pieces of a stream without its framing.
        let mut begin = 0;
        let mut next = Next::Document(first, rest);
        while !self.failed && !self.done {
            match next {
                Next::Document(value, after) => {
                    let end = bytes.len() - after.len();
                    self.document(None, value, bytes[begin..end].trim_ascii(), events);
                    begin = end;
                    rest = after;
                }
                Next::DoneMarker(after) => {
                    self.machine.done_marker();
                    begin = bytes.len() - after.len();
                    rest = after;
                }
                Next::End => break,
                Next::Cut | Next::Garbage => {
                    self.garbled |= !self.machine.is_complete();
                    break;
                }
            }
            next = json::next(rest);
        }
        if self.failed {
            return Finish::Truncated;
        }
        if self.done {
            return Finish::Complete;
        }
        self.machine.flush(events);
        match (self.machine.has_begun(), self.machine.is_complete() && !self.garbled) {
            (true, true) => Finish::Complete,
            (true, false) => Finish::Truncated,
            (false, _) => unusable("the answer is JSON, but none of this protocol"),
        }
    }

    /// A body that is one JSON document.
    fn whole(&mut self, value: Value, body: &[u8], events: &mut Vec<Event>) -> Finish {
        match value {
            Value::Null => unusable("the answer is null"),
            Value::Array(items) => {
                if items.iter().any(fault::is_explicit) {
                    self.fail(body, events);
                    return Finish::Truncated;
                }
                for item in items {
                    self.document(None, item, body, events);
                }
                if self.done {
                    return Finish::Complete;
                }
                if self.failed {
                    return Finish::Truncated;
                }
                self.machine.flush(events);
                match (self.machine.has_begun(), self.machine.is_complete()) {
                    (true, true) => Finish::Complete,
                    (true, false) => Finish::Truncated,
                    (false, _) => unusable("the answer is a JSON list, but none of this protocol"),
                }
            }
            Value::Object(_) if fault::is_explicit(&value) => {
                self.fail(body, events);
                Finish::Truncated
            }
            Value::Object(_) => match self.machine.whole(&value, events) {
                Heard::Known => Finish::Complete,
                Heard::Failure => {
                    self.fail(body, events);
                    Finish::Truncated
                }
                Heard::Foreign if fault::is_fault(&value) => {
                    self.fail(body, events);
                    Finish::Truncated
                }
                Heard::Foreign => self.single_piece(&value, body, events),
            },
            _ => unusable("the answer is a bare JSON value"),
        }
    }

    /// A body that is one piece of a stream, without the rest.
    fn single_piece(&mut self, value: &Value, body: &[u8], events: &mut Vec<Event>) -> Finish {
        let heard = self.machine.piece(None, value, events);
        self.machine.flush(events);
        let has_content =
            events.iter().any(|event| !matches!(event, Event::Start { .. } | Event::Usage(_)));
        match heard {
            Heard::Failure => {
                self.fail(body, events);
                Finish::Truncated
            }
            Heard::Known if self.machine.is_complete() => Finish::Complete,
            Heard::Known if has_content => Finish::Truncated,
            Heard::Known => unusable("the answer holds no message"),
            Heard::Foreign => unusable("the answer is JSON, but none of this protocol"),
        }
    }
}

fn unusable(why: impl Into<String>) -> Finish {
    Finish::Unusable { why: why.into() }
}

/// Whether the input broke off inside the name of its first field.
fn is_field_begun(head: &[u8]) -> bool {
    let head = head.trim_ascii();
    !head.is_empty()
        && ["data", "event", "id", "retry"].iter().any(|name| name.as_bytes().starts_with(head))
}

fn describe(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
    let head = head.trim_start();
    if head.starts_with("<!doctype html") || head.starts_with("<html") || head.contains("<head") {
        "the answer is an HTML page".to_owned()
    } else if head.starts_with('<') {
        "the answer is HTML or XML".to_owned()
    } else {
        "the answer is neither JSON nor an event stream".to_owned()
    }
}
