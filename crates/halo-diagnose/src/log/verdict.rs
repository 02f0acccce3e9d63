//! Decides whether a block tells of a provider's error, and of which.
//!
//! Words alone do not suffice: many services limit rates, and people talk about errors. A block
//! counts if all of this holds:
//!
//! 1. Its text, without the conversation it may quote, has a diagnosis, and not a guess.
//! 2. It is a **record** of an error: its level is a warning or worse, or it has a form that
//!    programs print (an exception, an error body, a status code), or it begins with the error.
//!    An ordinary or debugging line needs such a form.
//! 3. It speaks of a **model**: it names a provider, an SDK, a model, an address of their APIs,
//!    or uses words that only their errors use. Kinds that any service knows (network, timeout,
//!    fault of a server) need one strong mark; others two weak ones.
//! 4. The deciding line does not speak of another service, of a test, or to a person.
//!
//! An access line counts by its status alone, if its target is one of a provider's API.

use halo_types::{Confidence, Evidence, Headers, Kind};

use super::access;
use super::digest::{canonicalise, hash};
use super::line::{Level, exception};
use super::marks::Marks;
use super::marks::sort::{ERROR, FOREIGN, FORM, MODEL, TALK, TARGET, TEST, TYPE};
use super::prompts;
use crate::{Context, diagnose, rules, vendor};

/// What a block turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) transient: bool,
    pub(super) rule: &'static str,
    pub(super) vendor: Option<&'static str>,
    /// The line of the digest in which the deciding words stand.
    pub(super) line: usize,
    /// Errors of the same shape are the same but for numbers and ids.
    pub(super) shape: u64,
    /// The deciding words and what follows them: the same in every account of one error. None
    /// where a status alone decided.
    pub(super) core: Option<u64>,
}

/// Judges a digest.
pub(super) fn decide(text: &str, level: Level, provider: Option<&str>) -> Option<Verdict> {
    if let Some(access) = access::read(text) {
        return by_status(text, &access, provider);
    }
    let text = prompts::without(text);
    let marks = Marks::of(&text);
    if !marks.has(ERROR | FORM | TYPE) && level < Level::Warn {
        return None;
    }
    let named = marks.has(MODEL | TARGET);
    if !named && (marks.weak() == 0 && !marks.has(TYPE) || marks.has(FOREIGN)) {
        return None;
    }
    let evidence =
        Evidence { provider: provider.map(str::to_owned), ..Evidence::from_text(&*text) };
    let diagnosis = diagnose(&evidence, &Context::default());
    if diagnosis.kind == Kind::Unknown || diagnosis.confidence == Confidence::Guess {
        return None;
    }
    let place = diagnosis.because.span.map_or_else(
        || marks.first(FORM).or_else(|| marks.first(ERROR)).unwrap_or(0),
        |(start, _)| start,
    );
    let (from, to) = line_around(&text, place);
    if !speaks_of_a_model(diagnosis.kind, &marks)
        || !is_record(&text, level, &marks, (from, to), place)
        || is_elsewhere(level, &marks, (from, to), place)
    {
        return None;
    }
    let rule = static_rule(&diagnosis.because.rule)?;
    Some(Verdict {
        kind: diagnosis.kind,
        transient: diagnosis.transient,
        rule,
        vendor: diagnosis.vendor.as_deref().and_then(vendor).map(|vendor| vendor.id.as_str()),
        line: text[..from].matches('\n').count(),
        shape: shape(diagnosis.kind, rule, &text[from..to]),
        core: diagnosis.because.span.map(|(start, _)| core(&text[start.min(to)..to])),
    })
}

/// The evidence that a digest is: an answer's status for an access line, else the text without
/// the conversation it may quote.
pub(super) fn evidence(text: &str, provider: Option<&str>) -> Evidence {
    let provider = provider.map(str::to_owned);
    match access::read(text) {
        Some(access::Access { status: Some(status), target }) => Evidence {
            provider,
            url: target.find("http").map(|at| target[at..].to_owned()),
            ..Evidence::from_http(status, Headers::default(), "")
        },
        _ => Evidence { provider, ..Evidence::from_text(&*prompts::without(text)) },
    }
}

/// An access line: the target must be a provider's.
fn by_status(text: &str, access: &access::Access<'_>, provider: Option<&str>) -> Option<Verdict> {
    access.status?;
    if !Marks::of(access.target).has(TARGET) {
        return None;
    }
    let evidence = evidence(text, provider);
    let diagnosis = diagnose(&evidence, &Context::default());
    let rule = static_rule(&diagnosis.because.rule)?;
    Some(Verdict {
        kind: diagnosis.kind,
        transient: diagnosis.transient,
        rule,
        vendor: diagnosis.vendor.as_deref().and_then(vendor).map(|vendor| vendor.id.as_str()),
        line: 0,
        shape: shape(diagnosis.kind, rule, text),
        core: None,
    })
}

fn static_rule(id: &str) -> Option<&'static str> {
    rules().iter().find(|rule| rule.id == id).map(|rule| rule.id.as_str())
}

fn shape(kind: Kind, rule: &str, line: &str) -> u64 {
    let mut canonical = Vec::with_capacity(line.len());
    canonicalise(line.as_bytes(), &mut canonical);
    let seed = hash(hash(0, kind.as_str().as_bytes()), rule.as_bytes());
    hash(seed, &canonical)
}

/// How many bytes of an error are compared with other accounts of it.
const CORE: usize = 48;

fn core(words: &str) -> u64 {
    let mut canonical = Vec::with_capacity(CORE);
    let end = (0..=CORE.min(words.len())).rev().find(|at| words.is_char_boundary(*at)).unwrap_or(0);
    let words = words[..end].split(['"', '\'', '\\']).next().unwrap_or_default();
    canonicalise(words.as_bytes(), &mut canonical);
    hash(0, &canonical)
}

fn line_around(text: &str, place: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let place = place.min(bytes.len());
    let from = memchr::memrchr(b'\n', &bytes[..place]).map_or(0, |at| at + 1);
    let to = memchr::memchr(b'\n', &bytes[place..]).map_or(bytes.len(), |at| place + at);
    (from, to)
}

fn speaks_of_a_model(kind: Kind, marks: &Marks) -> bool {
    if marks.has(MODEL | TARGET | TYPE) {
        return true;
    }
    match kind {
        // Only models have these.
        Kind::ContextLengthExceeded
        | Kind::OutputLimitExceeded
        | Kind::ImageUnsupported
        | Kind::ModelNotFound
        | Kind::InvalidHistory => marks.weak() >= 1,
        Kind::RateLimited
        | Kind::QuotaExhausted
        | Kind::InvalidApiKey
        | Kind::ContentFiltered
        | Kind::UnsupportedFeature
        | Kind::ImageInvalid
        | Kind::Overloaded
        | Kind::AccountDisabled
        | Kind::RegionUnsupported => marks.weak() >= 2,
        // Every service knows these.
        _ => false,
    }
}

/// How far into a line the word that names an error may stand if nothing else marks the record.
const HEAD: usize = 72;

fn is_record(
    text: &str,
    level: Level,
    marks: &Marks,
    (from, to): (usize, usize),
    place: usize,
) -> bool {
    let thrown = || text.lines().any(|line| exception(line.trim_start().as_bytes()).is_some());
    match level {
        Level::Warn | Level::Error => true,
        Level::Info | Level::Debug => marks.has(FORM) || thrown(),
        Level::Untold => {
            marks.has(FORM)
                || thrown()
                || marks.within(ERROR, from, to.min(from + HEAD))
                || place <= from + HEAD
        }
    }
}

/// Whether the deciding line speaks of another service, of tests or to a person.
fn is_elsewhere(level: Level, marks: &Marks, (from, to): (usize, usize), place: usize) -> bool {
    if marks.within(FOREIGN, from, to) && !marks.within(TARGET | MODEL, from, to) {
        return true;
    }
    // What a program reports as a warning or error may well speak to a person, and no test does.
    level < Level::Warn && (marks.within(TEST, from, to) || marks.within(TALK, from, place))
}
