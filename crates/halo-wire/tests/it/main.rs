//! Tests of the public API.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod anthropic;
mod encode;
mod endpoint;
mod fuzzed;
mod gemini;
mod gemini_server;
mod golden;
mod models;
mod openai_chat;
mod openai_responses;
mod replay;
mod server;
mod split;
mod sse;
mod trouble;

use halo_types::Protocol;
use halo_wire::{Decoder, Event, Finish};

/// Decodes `bytes` in one piece, byte by byte, and cut in two at every offset (at some, where
/// there are many); all must agree.
fn decode(protocol: Protocol, bytes: &[u8]) -> (Vec<Event>, Finish) {
    let whole = decode_pieces(protocol, [bytes]);
    assert_eq!(whole, decode_pieces(protocol, bytes.chunks(1)), "byte by byte");
    let step = bytes.len() / 3000 + 1;
    for at in (0..bytes.len()).step_by(step) {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(whole, decode_pieces(protocol, [head, tail]), "cut at {at}");
    }
    whole
}

fn decode_pieces<'a>(
    protocol: Protocol,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Finish) {
    let mut decoder = Decoder::new(protocol);
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(decoder.push(piece));
    }
    let (last, finish) = decoder.finish();
    events.extend(last);
    let done = matches!(events.last(), Some(Event::Done));
    assert_eq!(
        done,
        finish == Finish::Complete,
        "Done comes last in a complete answer: {events:?}"
    );
    (events, finish)
}

/// The text of all text events.
fn text(events: &[Event]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// The bytes of the error event.
fn error(events: &[Event]) -> Option<String> {
    events.iter().find_map(|event| match event {
        Event::Error { raw } => Some(String::from_utf8_lossy(raw).into_owned()),
        _ => None,
    })
}
