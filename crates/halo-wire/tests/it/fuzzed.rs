//! What must hold for any bytes. Shared by the fuzz targets and the replay of what they found.

#![allow(dead_code, reason = "each fuzz target uses its own part")]

use std::collections::HashSet;

use halo_types::Protocol;
use halo_wire::server::{decode_request, encode_answer};
use halo_wire::translate::{self, RequestTarget};
use halo_wire::{Answer, Decoder, Event, Finish, sse};

/// The fuzz target `sse`: the first byte tells how the rest is cut.
pub fn framed(bytes: &[u8]) {
    let Some((&seed, bytes)) = bytes.split_first() else { return };
    let whole = frames(bytes, usize::MAX);
    assert_eq!(whole, frames(bytes, usize::from(seed % 7) + 1), "cut into pieces");
    let data: usize = whole.0.iter().map(|frame| frame.data.len()).sum();
    assert!(data <= bytes.len() + whole.0.len(), "frames hold more than was sent");
    // A reader with a small limit gives up instead of growing.
    let mut small = sse::Decoder::with_limit(16);
    for frame in small.push(bytes) {
        assert!(frame.data.len() <= 16, "{frame:?}");
    }
}

fn frames(bytes: &[u8], cut: usize) -> (Vec<sse::Frame>, Option<sse::Leftover>) {
    let mut decoder = sse::Decoder::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(cut.min(bytes.len().max(1))) {
        frames.extend(decoder.push(piece));
    }
    (frames, decoder.finish())
}

/// The fuzz target `decode`: the first byte chooses the protocol and how the rest is cut.
pub fn decoded(bytes: &[u8]) {
    let Some((&seed, bytes)) = bytes.split_first() else { return };
    let protocol = Protocol::ALL[usize::from(seed) % Protocol::ALL.len()];
    let (events, finish) = events(protocol, bytes, usize::MAX);
    let cut = usize::from(seed / 4) % 9 + 1;
    assert_eq!((&events, &finish), (&self::events(protocol, bytes, cut).0, &finish));
    check(&events, &finish);
}

fn events(protocol: Protocol, bytes: &[u8], cut: usize) -> (Vec<Event>, Finish) {
    let mut decoder = Decoder::new(protocol);
    let mut events = Vec::new();
    for piece in bytes.chunks(cut.min(bytes.len().max(1))) {
        events.extend(decoder.push(piece));
    }
    let (last, finish) = decoder.finish();
    events.extend(last);
    (events, finish)
}

fn check(events: &[Event], finish: &Finish) {
    let mut answer = Answer::default();
    let mut calls = HashSet::new();
    let mut stops = 0;
    for (at, event) in events.iter().enumerate() {
        answer.add(event);
        match event {
            Event::Error { .. } | Event::Done => {
                assert_eq!(at + 1, events.len(), "nothing comes after the end: {events:?}");
            }
            Event::ToolCall { index, .. } => {
                assert!(calls.insert(*index), "call {index} comes twice: {events:?}");
            }
            Event::ToolArguments { index, .. } => {
                assert!(calls.contains(index), "arguments of no call: {events:?}");
            }
            Event::Stop(_) => stops += 1,
            Event::Text(text) | Event::Thinking(text) => assert!(!text.is_empty(), "{events:?}"),
            _ => {}
        }
    }
    assert!(stops <= 1, "{events:?}");
    let done = matches!(events.last(), Some(Event::Done));
    assert_eq!(done, *finish == Finish::Complete, "{events:?} {finish:?}");
    // What was put together says what the events said, and says it again.
    let mut again = Answer::default();
    answer.events().iter().for_each(|event| again.add(event));
    assert_eq!(again.text(), answer.text());
}

/// The fuzz target `convert`: the first byte chooses the pair, the second one what the rest is.
pub fn converted(bytes: &[u8]) {
    let [pair, what, bytes @ ..] = bytes else { return };
    let count = Protocol::ALL.len();
    let from = Protocol::ALL[usize::from(*pair) % count];
    let to = Protocol::ALL[usize::from(*pair) / count % count];
    match what % 3 {
        0 => request(from, to, bytes),
        1 => answer(from, to, bytes),
        _ => stream(from, to, bytes),
    }
}

fn request(from: Protocol, to: Protocol, bytes: &[u8]) {
    let target = RequestTarget { model: Some("m".to_owned()), ..RequestTarget::default() };
    let Ok(translated) = translate::request(from, to, bytes, &target) else { return };
    // What was written is a request of the other protocol.
    let read = decode_request(to, &translated.body);
    let body = String::from_utf8_lossy(&translated.body);
    assert!(read.is_ok(), "{from} → {to}: {:?} in {body}", read.err());
}

fn answer(from: Protocol, to: Protocol, bytes: &[u8]) {
    let Ok(translated) = translate::answer(from, to, bytes, "a", "m", 0) else { return };
    let (events, finish) = events(to, &translated.body, usize::MAX);
    let body = String::from_utf8_lossy(&translated.body);
    assert_eq!(finish, Finish::Complete, "{from} → {to}: {body}");
    check(&events, &finish);
}

fn stream(from: Protocol, to: Protocol, bytes: &[u8]) {
    let mut stream = translate::Stream::new(from, to, "a", "m", 0);
    let mut out = stream.push(bytes);
    let (rest, finish) = stream.finish();
    out.extend(rest);
    let (events, read) = events(to, &out, usize::MAX);
    check(&events, &read);
    let shown = String::from_utf8_lossy(&out);
    assert_eq!(
        finish == Finish::Complete,
        read == Finish::Complete,
        "{from} → {to}: a whole stream stays whole, a broken one broken: {shown}"
    );
    if finish == Finish::Complete {
        let (events_from, _) = self::events(from, bytes, usize::MAX);
        assert_eq!(text(&events_from), text(&events), "{from} → {to}: {shown}");
        let mut whole = Answer::default();
        events_from.iter().for_each(|event| whole.add(event));
        let body = encode_answer(to, &whole, "a", "m", 0);
        assert_eq!(text(&self::events(to, &body, usize::MAX).0), whole.text());
    }
}

fn text(events: &[Event]) -> String {
    let mut whole = String::new();
    for event in events {
        if let Event::Text(text) = event {
            whole.push_str(text);
        }
    }
    whole
}
