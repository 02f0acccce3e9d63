//! The reader of server-sent events.

use halo_wire::sse::{Decoder, Frame, Leftover};
use proptest::prelude::*;

fn frame(event: Option<&str>, data: &str) -> Frame {
    Frame { event: event.map(str::to_owned), data: data.as_bytes().to_vec() }
}

#[test]
fn frames_end_where_they_should() {
    let cases: &[(&str, &[Frame])] = &[
        ("data: a\n\ndata: b\n\n", &[frame(None, "a"), frame(None, "b")]),
        ("data:a\r\n\r\ndata:b\r\r", &[frame(None, "a"), frame(None, "b")]),
        ("\u{feff}data: a\n\n", &[frame(None, "a")]),
        (": comment\n\nevent: x\nid: 7\nretry: 10\ndata: a\n\n", &[frame(Some("x"), "a")]),
        ("data: a\ndata: b\n\n", &[frame(None, "a\nb")]),
        ("data\n\n", &[frame(None, "")]),
        ("event: lonely\n\n", &[]),
        // No blank line between two documents.
        ("data: {}\ndata: {\"a\":1}\n\n", &[frame(None, "{}"), frame(None, "{\"a\":1}")]),
        ("data: {}\ndata: [DONE]\n\n", &[frame(None, "{}"), frame(None, "[DONE]")]),
        (
            "event: a\ndata: {}\nevent: b\ndata: {}\n\n",
            &[frame(Some("a"), "{}"), frame(Some("b"), "{}")],
        ),
        // A document over several lines stays one.
        ("data: {\ndata: \"a\": {}\ndata: }\n\n", &[frame(None, "{\n\"a\": {}\n}")]),
        // Bare JSON.
        (
            "data: x\n\n{\n \"error\": 1\n}\n\n",
            &[frame(None, "x"), frame(None, "{\n \"error\": 1\n}")],
        ),
        ("nonsense\n\ndata: a\n\n", &[frame(None, "a")]),
    ];
    for (input, want) in cases {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.push(input.as_bytes()), *want, "{input:?}");
        assert_eq!(decoder.finish(), None, "{input:?}");
    }
}

#[test]
fn what_is_left_is_handed_out() {
    let mut decoder = Decoder::new();
    assert!(decoder.push(b"event: e\ndata: {\"a\"").is_empty());
    assert_eq!(decoder.finish(), Some(Leftover::Frame(frame(Some("e"), "{\"a\""))));

    let mut decoder = Decoder::new();
    assert!(decoder.push(b"data: {}\ndata: [DONE]").is_empty());
    assert_eq!(decoder.finish(), Some(Leftover::Frame(frame(None, "{}\n[DONE]"))));
}

#[test]
fn a_frame_has_a_limit() {
    for input in ["data: 0123456789\n\n", "data: 0123456789", "data: 012\ndata: 456\n\n"] {
        for step in [1, 3, 100] {
            let mut decoder = Decoder::with_limit(8);
            for piece in input.as_bytes().chunks(step) {
                assert!(decoder.push(piece).is_empty());
            }
            assert_eq!(decoder.finish(), Some(Leftover::TooLong { limit: 8 }), "{input:?} {step}");
            assert!(decoder.push(b"data: a\n\n").is_empty());
        }
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        input in "(data: ?|event: ?|:|id:|[a{}\u{e9}\u{4f60}]|\n|\r\n|\r|\\[DONE\\]){0,60}",
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = input.as_bytes();
        let mut whole = Decoder::new();
        let frames = whole.push(bytes);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let mut cut = Decoder::new();
        let mut pieces = Vec::new();
        for pair in places.windows(2) {
            pieces.extend(cut.push(&bytes[pair[0]..pair[1]]));
        }
        prop_assert_eq!(frames, pieces);
        prop_assert_eq!(whole.finish(), cut.finish());
    }
}
