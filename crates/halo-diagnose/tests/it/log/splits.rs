//! What is found does not depend on how the bytes come in.

use halo_diagnose::log::{Feed, Options, Scan, Searcher, Summary};
use proptest::prelude::*;

use super::{options, scan, told};

/// Pieces of logs: errors, ordinary lines, long lines, tracebacks, junk.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let line = |text: &str| Just(text.as_bytes().to_vec());
    prop_oneof![
        line(
            "2026-11-01 12:00:00 ERROR openai.RateLimitError: Error code: 429 - Rate limit reached\n"
        ),
        line("2026-11-01 12:00:00 INFO all is well\n"),
        line(
            "ERROR call failed\nTraceback (most recent call last):\n  File \"a.py\", line 1\n    x()\nopenai.APITimeoutError: Request timed out.\n"
        ),
        line("  an indented error of openai: overloaded\n"),
        line("}\n"),
        line("\r\n"),
        line("app-1  | Error: claude is overloaded\n"),
        line("rate limit error without an end "),
        (1_usize..100).prop_map(|n| "x y error ".repeat(n * 100).into_bytes()),
        (1_usize..400).prop_map(|n| "    frame of an error\n".repeat(n).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

/// Searches windows of a given length one by one, as several threads would.
fn in_windows(text: &[u8], step: usize) -> Summary {
    let mut feed = Feed::default();
    let mut summary = Summary::default();
    summary.begin_file();
    let mut bytes = Vec::new();
    let mut at = 0;
    loop {
        feed.overlap(&mut bytes);
        let end = (at + step).min(text.len());
        bytes.extend_from_slice(&text[at..end]);
        at = end;
        let last = at == text.len();
        let window = feed.cut(&bytes, last);
        let mut found = Vec::new();
        // A searcher that has seen nothing before.
        let newlines = Searcher::new(options()).search(&window, &mut found);
        summary.add(&window.bytes[window.own], newlines, &found);
        if last {
            break;
        }
    }
    summary.finish();
    summary
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_split_finds_the_same(
        pieces in proptest::collection::vec(piece(), 1..30),
        step in 1_usize..300_000,
        push in 1_usize..100_000,
    ) {
        let text: Vec<u8> = pieces.concat();
        let whole = told(&scan(&text));
        prop_assert_eq!(&whole, &told(&in_windows(&text, step.max(text.len() / 12 + 1))));
        let mut scan = Scan::new(Options { ..options() });
        scan.begin_file();
        for part in text.chunks(push) {
            scan.push(part);
        }
        prop_assert_eq!(&whole, &told(&scan.finish()));
    }
}

#[test]
fn giant_lines_and_junk_do_no_harm() {
    let mut text = b"{\"error\": \"openai rate limit\", ".repeat(20_000);
    text.extend_from_slice(b"\n2026-11-01 ERROR claude is overloaded: overloaded_error\n");
    text.extend((0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
    let whole = told(&scan(&text));
    assert_eq!(whole, told(&in_windows(&text, 333_333)));
    assert!(scan(b"").lines == 0 && scan(b"\n\n").lines == 2 && scan(b"x").lines == 1);
}

#[test]
fn a_million_shapes_stay_in_bounded_tables() {
    let mut scan = Scan::new(options());
    scan.begin_file();
    let letters = |n: u32| -> String {
        (0..5).map(|at| char::from(b'a' + ((n / 26_u32.pow(at)) % 26) as u8)).collect()
    };
    const SHAPES: u32 = 8_000;
    for n in 0..SHAPES {
        let name = letters(n);
        scan.push(format!("ERROR openai.RateLimitError: {name} rate limit of {name}\n").as_bytes());
    }
    let summary = scan.finish();
    let groups: u64 = summary.worst().iter().map(|group| group.count.count).sum();
    assert_eq!(summary.total.count, u64::from(SHAPES));
    assert_eq!(groups + summary.others.values().sum::<u64>(), u64::from(SHAPES));
    assert!(summary.worst().len() <= 2048);
}
