//! An answer that has begun: its pieces, and how it ends.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use halo_types::{Evidence, Headers, Phase, Protocol, TransportClass, TransportFailure};
use halo_wire::{Decoder, Event, Finish};
use reqwest::Response;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::cancelled;
use crate::fault::classify;
use crate::lines::{Form, form, is_blank, line_end};
use crate::options::Limits;
use crate::scene::{Scene, failure};

/// How long the connection may take to end after the answer is complete. A connection that ends
/// in time can be used again.
const CLOSING_PATIENCE: Duration = Duration::from_millis(200);

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The bytes as received, decompressed. Of a stream these are whole frames, so that whoever
    /// passes them on may write an event of its own behind any piece; other answers come in one
    /// piece. The frame of an error is never among them.
    pub raw: Bytes,
    /// What these bytes mean. Empty for comments.
    pub events: Vec<Event>,
}

/// An answer whose status is 2xx. Dropping it closes the connection.
pub struct Reply {
    status: u16,
    headers: Headers,
    scene: Scene,
    limits: Limits,
    idle_timeout: Duration,
    cancel: CancellationToken,
    /// `None` once the answer has ended.
    response: Option<Response>,
    decoder: Decoder,
    form: Form,
    /// Bytes that have not been handed out.
    held: BytesMut,
    /// How much of `held` the decoder has seen.
    fed: usize,
    /// How much of `held` is known to hold no line end behind `fed`.
    scanned: usize,
    received: usize,
    done: bool,
    partial_chars: u64,
    first_words_by: Instant,
    waiting_since: Instant,
    deadline: Instant,
    ready: VecDeque<Piece>,
    end: Option<Result<(), Box<Evidence>>>,
}

/// What reading brought.
enum Read {
    Chunk(Bytes),
    End(Option<TransportFailure>),
    Cancelled,
}

impl Reply {
    #[expect(clippy::too_many_arguments, reason = "one caller; each is a different thing")]
    pub(crate) fn new(
        response: Response,
        headers: Headers,
        scene: Scene,
        protocol: Protocol,
        first_words_by: Instant,
        idle_timeout: Duration,
        limits: Limits,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            status: response.status().as_u16(),
            headers,
            scene,
            limits,
            idle_timeout,
            cancel,
            response: Some(response),
            decoder: Decoder::new(protocol),
            form: Form::Undecided,
            held: BytesMut::new(),
            fed: 0,
            scanned: 0,
            received: 0,
            done: false,
            partial_chars: 0,
            waiting_since: Instant::now(),
            first_words_by,
            deadline: first_words_by.max(Instant::now() + idle_timeout),
            ready: VecDeque::new(),
            end: None,
        }
    }

    /// The HTTP status, always 2xx.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The response headers in order, credentials masked.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Characters of the answer (text, thinking and tool arguments) so far.
    #[must_use]
    pub fn partial_chars(&self) -> u64 {
        self.partial_chars
    }

    /// The next piece; `Ok(None)` only after the protocol's own end of the answer. Safe to drop
    /// while it waits: nothing is lost.
    ///
    /// # Errors
    /// Evidence of whatever ended the answer too early: an error inside it, a fault of the
    /// connection, a pause beyond the idle timeout, a missing end, a document that is no answer of
    /// this protocol, or the caller's cancellation. All pieces before it are handed out first; the
    /// same evidence comes again if asked again.
    pub async fn next(&mut self) -> Result<Option<Piece>, Box<Evidence>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            match &self.end {
                Some(Ok(())) => return Ok(None),
                Some(Err(evidence)) => return Err(evidence.clone()),
                None => {}
            }
            match self.read().await {
                Read::Chunk(chunk) => self.take(&chunk),
                Read::End(failure) => self.finish(failure),
                Read::Cancelled if self.done => self.finish(None),
                Read::Cancelled => self.fail(Some(cancelled()), None),
            }
        }
    }

    async fn read(&mut self) -> Read {
        let Some(response) = self.response.as_mut() else { return Read::End(None) };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Read::Cancelled,
            chunk = tokio::time::timeout_at(self.deadline, response.chunk()) => match chunk {
                Ok(Ok(Some(chunk))) => Read::Chunk(chunk),
                Ok(Ok(None)) => Read::End(None),
                Ok(Err(error)) => Read::End(Some(classify(error, Phase::Stream, false).1)),
                Err(_) => Read::End(Some(failure(
                    TransportClass::IdleTimeout,
                    format!(
                        "nothing of the answer came for {:.1} s",
                        (self.deadline - self.waiting_since).as_secs_f32()
                    ),
                ))),
            },
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        self.received += chunk.len();
        self.held.extend_from_slice(chunk);
        if self.form == Form::Undecided {
            self.form = form(&self.held);
        }
        match self.form {
            Form::Stream => self.take_lines(),
            // White space is how some servers keep the connection alive.
            Form::Whole if !chunk.trim_ascii().is_empty() => self.keep_waiting(),
            Form::Whole | Form::Undecided => {}
        }
        let (too_long, limit) = match self.form {
            Form::Stream if self.received > self.limits.stream => (true, self.limits.stream),
            _ => (self.held.len() > self.limits.whole, self.limits.whole),
        };
        if too_long && self.end.is_none() {
            let text = format!("the answer is longer than {limit} bytes");
            self.fail(Some(failure(TransportClass::Protocol, text)), None);
        }
    }

    /// Feeds the decoder line by line and hands out what closes a frame.
    fn take_lines(&mut self) {
        let mut whole = 0;
        let mut events = Vec::new();
        let mut error = None;
        while let Some(end) = line_end(&self.held, self.fed, self.scanned) {
            let start = self.fed;
            let line = &self.held[start..end];
            let blank = is_blank(line);
            let decoded = self.decoder.push(line);
            self.fed = end;
            let speaks = !decoded.is_empty();
            error = split_error(decoded, &mut events);
            if error.is_some() {
                break;
            }
            if blank {
                whole = end;
            } else if speaks {
                // Careless relays leave blank lines out: this line opens the next frame.
                whole = start;
            }
        }
        // A carriage return at the end is looked at again.
        self.scanned = self.held.len().saturating_sub(1).max(self.fed);
        self.hand_out(whole, events);
        if let Some(raw) = error {
            self.fail(None, Some(raw));
        }
    }

    /// Hands out the first `whole` held bytes with their events.
    fn hand_out(&mut self, whole: usize, events: Vec<Event>) {
        self.fed = self.fed.saturating_sub(whole);
        self.scanned = self.scanned.saturating_sub(whole);
        let raw = self.held.split_to(whole).freeze();
        if !events.is_empty() {
            self.partial_chars += events.iter().map(written_chars).sum::<u64>();
            self.done |= events.contains(&Event::Done);
            self.keep_waiting();
        }
        if !raw.is_empty() || !events.is_empty() {
            self.ready.push_back(Piece { raw, events });
        }
    }

    fn keep_waiting(&mut self) {
        let patience = if self.done { CLOSING_PATIENCE } else { self.idle_timeout };
        self.waiting_since = Instant::now();
        self.deadline = self.waiting_since + patience;
        if self.partial_chars == 0 && !self.done {
            // Some models think in silence after a first, empty event.
            self.deadline = self.deadline.max(self.first_words_by);
        }
    }

    /// The connection has nothing more to give.
    fn finish(&mut self, fault: Option<TransportFailure>) {
        let fed = self.fed;
        let mut events = Vec::new();
        let mut decoded = self.decoder.push(&self.held[fed..]);
        let (last, finish) = self.decoder.finish();
        decoded.extend(last);
        if let Some(raw) = split_error(decoded, &mut events) {
            self.hand_out(0, events);
            self.fail(None, Some(raw));
            return;
        }
        // A fault after the answer's own end is no fault of the answer.
        let good = finish == Finish::Complete;
        let understood = self.form == Form::Stream && !events.is_empty();
        self.hand_out(if good { self.held.len() } else { 0 }, events);
        if understood {
            // A last frame without its blank line was part of the answer; it is no evidence, and
            // nothing could be written behind it.
            self.held.clear();
        }
        match (finish, fault) {
            (Finish::Complete, _) => self.close(Ok(())),
            (_, Some(fault)) => self.fail(Some(fault), None),
            (Finish::Truncated, None) => {
                let text = "the answer ended without its protocol's end mark";
                self.fail(Some(failure(TransportClass::Truncated, text)), None);
            }
            (Finish::Unusable { why }, None) => {
                let body = match self.form {
                    Form::Stream => self.decoder.leftover(),
                    Form::Whole | Form::Undecided => &self.held,
                };
                let fault = failure(TransportClass::Protocol, why);
                let evidence = self.evidence(Phase::Body, body, Some(fault));
                self.close(Err(evidence));
            }
        }
    }

    /// Ends the answer with a failure. `raw` is the frame that says so; without one the evidence
    /// holds what was left over.
    fn fail(&mut self, fault: Option<TransportFailure>, raw: Option<Vec<u8>>) {
        let phase = match self.form {
            Form::Stream => Phase::Stream,
            Form::Undecided if self.scene.asked_for_stream() => Phase::Stream,
            Form::Whole | Form::Undecided => Phase::Body,
        };
        let body = match &raw {
            Some(raw) => raw,
            None if self.held.is_empty() => self.decoder.leftover(),
            None => &self.held,
        };
        let evidence = self.evidence(phase, body, fault);
        self.close(Err(evidence));
    }

    fn evidence(
        &self,
        phase: Phase,
        body: &[u8],
        fault: Option<TransportFailure>,
    ) -> Box<Evidence> {
        let cap = self.limits.error_body;
        let mut evidence = self.scene.answered(phase, self.status, &self.headers, body, cap, fault);
        evidence.partial_chars = self.partial_chars;
        evidence
    }

    fn close(&mut self, end: Result<(), Box<Evidence>>) {
        self.response = None;
        self.held = BytesMut::new();
        self.end = Some(end);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("form", &self.form)
            .field("received", &self.received)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Moves events over up to the first error and returns that error's raw bytes.
fn split_error(decoded: Vec<Event>, events: &mut Vec<Event>) -> Option<Vec<u8>> {
    for event in decoded {
        match event {
            Event::Error { raw } => return Some(raw),
            event => events.push(event),
        }
    }
    None
}

fn written_chars(event: &Event) -> u64 {
    match event {
        Event::Text(text) | Event::Thinking(text) | Event::ToolArguments { delta: text, .. } => {
            text.chars().count() as u64
        }
        _ => 0,
    }
}
