//! Evidence from arbitrary bytes, and what must hold for every diagnosis. Shared by the fuzz
//! targets, the replay of what they found, and the property tests.

#![allow(dead_code, reason = "each fuzz target uses its own half")]

use halo_diagnose::{Context, diagnose, input, report, rules};
use halo_types::{
    Action, Diagnosis, Evidence, Headers, Kind, Lang, Phase, RequestFacts, Timestamp,
    TransportClass, TransportFailure,
};

/// The fuzz target `diagnose`.
pub fn diagnosed(bytes: &[u8]) {
    let evidence = evidence(bytes);
    for (now, lang) in [(None, Lang::En), (Some(NOW), Lang::Zh)] {
        check(&evidence, &diagnose(&evidence, &Context { now, lang, ..Context::default() }));
    }
}

/// The fuzz target `input`: a text as it is pasted, with a key planted somewhere in it. The first
/// byte tells where.
pub fn pasted(bytes: &[u8]) {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    // A fuzzer finds the key in the program and cuts it in two; half a key has no form to know.
    if text.contains(&KEY[10..KEY.len() - 6]) {
        return;
    }
    let first = bytes.first().copied().unwrap_or_default();
    let mut at = text.len() * usize::from(first) / 256;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let border = [' ', '"', '\n', ','][usize::from(first % 4)];
    text.insert_str(at, &format!("{border}{KEY}{border}"));

    let evidence = input::parse(&text, Some(NOW));
    for lang in [Lang::En, Lang::Zh] {
        let diagnosis = diagnose(&evidence, &Context { lang, ..Context::default() });
        check(&evidence, &diagnosis);
        let extra = [("Version".to_owned(), "1".to_owned())];
        let report = report(&evidence, &diagnosis, &extra, lang);
        assert!(!report.contains(&KEY[10..KEY.len() - 6]), "the report shows the key:\n{report}");
        assert!(report.starts_with("# ") && report.contains(&*diagnosis.meaning));
    }
}

/// A key that no provider gave out.
const KEY: &str = "sk-proj-Zq7abcdefghijklmnop1234QRST";
const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Reads evidence from bytes, whatever they are.
///
/// The form can be read and written by hand: a line of `key=value`, header lines (`name: value`),
/// lines of the transport's error chain (`!text`), an empty line, and the body. Without an empty
/// line all is body. What is not understood is ignored.
///
/// ```text
/// status=429 phase=stream provider=openai
/// retry-after: 20
///
/// {"error":{"message":"Rate limit reached"}}
/// ```
pub fn evidence(bytes: &[u8]) -> Evidence {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\n\n") else {
        return Evidence { body: bytes.to_vec().into(), ..Evidence::default() };
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut evidence = Evidence { body: bytes[end + 2..].to_vec().into(), ..Evidence::default() };
    let mut lines = head.split('\n');
    let mut class = None;
    for word in lines.next().unwrap_or_default().split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "status" => evidence.status = value.parse().ok(),
            "phase" => evidence.phase = named(PHASES, value),
            "transport" => class = named(CLASSES, value),
            "provider" => evidence.provider = Some(value.to_owned()),
            "model" => evidence.request.model = Some(value.to_owned()),
            "images" => {
                let images = value.parse().ok();
                evidence.request = RequestFacts { images, ..evidence.request };
            }
            "partial" => evidence.partial_chars = value.parse().unwrap_or(0),
            "truncated" => evidence.truncated = true,
            _ => {}
        }
    }
    let mut headers = Vec::new();
    let mut chain = Vec::new();
    for line in lines {
        if let Some(text) = line.strip_prefix('!') {
            chain.push(text.to_owned());
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    evidence.headers = Headers::new(headers);
    if class.is_some() || !chain.is_empty() {
        let class = class.unwrap_or(TransportClass::Other);
        evidence.transport = Some(TransportFailure { class, chain });
    }
    evidence
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

const PHASES: &[(&str, Phase)] = &[
    ("connect", Phase::Connect),
    ("headers", Phase::Headers),
    ("body", Phase::Body),
    ("stream", Phase::Stream),
];

const CLASSES: &[(&str, TransportClass)] = &[
    ("dns", TransportClass::Dns),
    ("refused", TransportClass::Refused),
    ("unreachable", TransportClass::Unreachable),
    ("reset", TransportClass::Reset),
    ("certificate", TransportClass::Certificate),
    ("tls", TransportClass::Tls),
    ("proxy", TransportClass::Proxy),
    ("connect_timeout", TransportClass::ConnectTimeout),
    ("first_byte_timeout", TransportClass::FirstByteTimeout),
    ("idle_timeout", TransportClass::IdleTimeout),
    ("truncated", TransportClass::Truncated),
    ("protocol", TransportClass::Protocol),
    ("cancelled", TransportClass::Cancelled),
    ("other", TransportClass::Other),
];

/// What must hold for every diagnosis of every evidence.
#[track_caller]
pub fn check(evidence: &Evidence, diagnosis: &Diagnosis) {
    check_span(evidence, diagnosis);

    // Waiting is advice only where it may help.
    let kind = diagnosis.kind;
    assert!(!diagnosis.transient || kind.is_transient(), "{kind} is called transient");
    if let Some(retry) = &diagnosis.retry {
        assert!(diagnosis.transient, "a wait for {kind}, which waiting does not cure");
        assert!(retry.after_ms <= 400 * 86_400_000, "a wait of {} ms", retry.after_ms);
        let known = ["body", "transport"].contains(&retry.from.as_str());
        assert!(known || retry.from.starts_with("header:"), "a wait from {}", retry.from);
    }

    // Nobody is left without words and a way on.
    assert!(!diagnosis.title.is_empty() && !diagnosis.meaning.is_empty(), "{kind} has no words");
    assert!(!diagnosis.remedies.is_empty(), "{kind} has no remedy");
    for (at, remedy) in diagnosis.remedies.iter().enumerate() {
        let action = remedy.action;
        assert!(!remedy.text.is_empty(), "{action} has no words");
        assert!(diagnosis.remedies[..at].iter().all(|r| r.action != action), "{action} twice");
        assert!(action != Action::WaitAndResend || diagnosis.transient, "{action} for {kind}");
        let pictures =
            matches!(action, Action::ResendWithoutImages | Action::ShrinkImagesAndResend);
        assert!(
            !pictures || evidence.request.images != Some(0),
            "{action}, and no picture was sent"
        );
    }

    // What decided can be looked up.
    let rule = diagnosis.because.rule.as_str();
    match rules().iter().find(|known| known.id == rule) {
        Some(rule) => assert_eq!(rule.kind, kind, "{}", rule.id),
        None => assert_eq!((rule, kind), ("none", Kind::Unknown)),
    }
    let facts = &diagnosis.facts;
    for text in [&facts.model, &facts.parameter, &facts.request_id, &facts.balance] {
        assert!(text.as_deref().is_none_or(|text| !text.trim().is_empty()), "an empty fact");
    }
}

/// The span lies in the body, on the borders of characters, and holds the words of the quote.
#[track_caller]
fn check_span(evidence: &Evidence, diagnosis: &Diagnosis) {
    let because = &diagnosis.because;
    let Some((start, end)) = because.span else { return };
    assert_eq!(because.field, "body", "a span, but {} decided", because.field);
    let body = std::str::from_utf8(evidence.body.as_bytes()).expect("a span needs a text body");
    let raw = body.get(start..end).unwrap_or_else(|| {
        panic!("{}: {start}..{end} is no range of {} bytes of text", because.rule, body.len())
    });
    assert!(!raw.trim().is_empty(), "{}: nothing is marked", because.rule);
    // Escapes make the two differ in letters; elsewhere every letter of the quote is in the body.
    let mut rest = raw.chars().map(plain);
    let escaped = raw.contains('\\');
    let quote = because.quote.chars().filter(|c| !c.is_whitespace()).map(plain);
    if let (Some(first), Some(marked)) = (quote.clone().next(), raw.trim_start().chars().next()) {
        assert!(
            marked == '\\' || plain(marked) == first,
            "{}: {raw:?} is marked for {:?}",
            because.rule,
            because.quote
        );
    }
    let missing = quote.clone().find(|c| !rest.any(|r| r == *c));
    assert!(
        escaped || missing.is_none(),
        "{}: {missing:?} of {:?} is not in {raw:?}",
        because.rule,
        because.quote
    );
}

/// Typographic quotes are read as plain ones.
fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '＇' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        c => c,
    }
}
