//! Reads any error of a model provider: evidence in, diagnosis out.
//!
//! The crate takes what a failure left behind ([`halo_types::Evidence`]: status, headers, body,
//! the fault below HTTP) and tells what kind of failure it was, whether waiting helps and how
//! long, which numbers and names the text holds, what a person can do about it, and which words
//! decided. It knows the dialects of providers, gateways, relays, SDKs and clients as data:
//! [`rules`], [`vendors`], texts in English and Chinese. It refuses to guess: where nothing tells,
//! the kind is [`halo_types::Kind::Unknown`]. It does no I/O and reads no clock.
//!
//! ```
//! use halo_diagnose::{Context, diagnose};
//! use halo_types::{Evidence, Kind};
//!
//! let evidence = Evidence::from_text("429 Too Many Requests: please try again in 20s");
//! let diagnosis = diagnose(&evidence, &Context::default());
//! assert_eq!(diagnosis.kind, Kind::RateLimited);
//! assert_eq!(diagnosis.retry.map(|retry| retry.after_ms), Some(20_000));
//! ```

mod calendar;
mod facts;
mod hints;
mod hits;
pub mod input;
mod judge;
mod lists;
mod literal;
pub mod log;
mod own;
mod pattern;
pub mod reference;
mod remedy;
mod report;
mod room;
mod rule;
mod spelled;
mod table;
mod teach;
mod text;
mod texts;
mod trie;
mod unwrap;
mod vendor;
mod words;

use std::sync::Arc;

use halo_types::{Action, Because, Blame, Confidence, Diagnosis, Evidence, Kind, Lang, Timestamp};

pub use hints::allowances;
pub use own::{OwnRules, RuleFault};
pub use reference::reference;
pub use report::report;
pub use rule::{Example, Rule};
pub use table::rules;
pub use teach::{Lesson, TeachError, proposal, teach};
pub use texts::{KindText, action_text, kind_text};
pub use vendor::{Vendor, vendor, vendors};

use hits::Hits;
use room::Room;
use unwrap::Origin;
use vendor::Witnesses;

/// What a diagnosis depends on besides the evidence.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The present, for waits that are given as an instant. Without it such waits stay unread,
    /// unless the answer carries a `Date` header or the evidence tells when it was noticed.
    pub now: Option<Timestamp>,
    /// The language of title, meaning and remedies.
    pub lang: Lang,
    /// Where the person is, for texts such as "resets at 3pm". Without it only times with a zone
    /// of their own are reckoned.
    pub zone: Option<jiff::tz::TimeZone>,
    /// The person's own rules, heard before the built-in ones.
    pub own: Option<Arc<OwnRules>>,
}

/// Says what a failure means.
///
/// Never fails and never panics; what cannot be told is [`Kind::Unknown`].
#[must_use]
pub fn diagnose(evidence: &Evidence, context: &Context) -> Diagnosis {
    room::with(|room| diagnose_in(room, evidence, context))
}

fn diagnose_in(room: &mut Room, evidence: &Evidence, context: &Context) -> Diagnosis {
    let Room { spare, hits } = room;
    let body = evidence.body.text();
    // Where bytes were replaced, offsets no longer lead back to the body as given.
    let spans_hold = matches!(body, std::borrow::Cow::Borrowed(_));
    let mut unwrapped = unwrap::unwrap_with(&body, spare);
    unwrapped.layers.extend(judge::outer_layers(evidence));
    let mut witnesses = Witnesses::of(evidence);
    let table = &table::built_in().table;
    hits.find(table, &unwrapped.layers, &mut witnesses);
    let mut verdict = judge::judge(table, hits, evidence, &body, &unwrapped, &witnesses);
    if verdict.as_ref().is_none_or(|verdict| verdict.tier <= spelled::TIER) {
        let spelled = spelled::layers(&unwrapped.layers);
        if !spelled.is_empty() {
            unwrapped.layers.extend(spelled);
            hits.find(table, &unwrapped.layers, &mut witnesses);
            verdict = judge::judge(table, hits, evidence, &body, &unwrapped, &witnesses);
        }
    }
    let own = context.own.as_deref().filter(|own| !own.rules().is_empty());
    if let Some(own) = own {
        let mut hits = Hits::default();
        hits.find(&own.table, &unwrapped.layers, &mut Witnesses::default());
        let own = judge::judge(&own.table, &hits, evidence, &body, &unwrapped, &witnesses);
        verdict = own.or(verdict);
    }

    let rule = verdict.as_ref().map(|v| v.rule);
    let kind = rule.map_or(Kind::Unknown, |rule| rule.kind);
    let transient = rule.and_then(|rule| rule.transient).unwrap_or(kind.is_transient());
    let speaker = witnesses.speaker();
    let source = hints::Source {
        evidence,
        layers: &unwrapped.layers,
        hits,
        now: context.now.or(evidence.at),
        zone: context.zone.as_ref(),
    };
    let retry = hints::retry(&source, kind, transient);
    let facts = facts::read(&source, kind, retry.as_ref());
    let because = because(evidence, &unwrapped.layers, verdict.as_ref(), spans_hold);
    let text = kind_text(kind, context.lang);
    // A frame of the stream that says why it ends was written by the provider: the way there
    // and back has done its work.
    let said = kind == Kind::StreamInterrupted
        && evidence.phase.is_some()
        && verdict.as_ref().and_then(|v| v.layer).is_some_and(|at| {
            let layer = &unwrapped.layers[at];
            layer.origin == Origin::Body && layer.depth > 0
        });
    let mut remedies = remedy::remedies(
        kind,
        rule.and_then(|rule| rule.remedies.as_deref()),
        transient,
        speaker,
        evidence,
        context.lang,
    );
    if said {
        remedies.retain(|remedy| remedy.action != Action::CheckNetwork);
    }
    let blame = match rule.and_then(|rule| rule.blame) {
        Some(blame) => blame,
        None if said => Blame::Provider,
        None => remedy::blame(kind),
    };
    let title = texts::title(kind, &facts, context.lang);
    let confidence = rule.map_or(Confidence::Guess, |rule| rule.confidence);
    let scope = rule.and_then(|rule| rule.scope).unwrap_or_else(|| remedy::scope(kind));
    spare.give(unwrapped.layers);
    Diagnosis {
        kind,
        transient,
        vendor: speaker.map(|vendor| vendor.id.clone()),
        layers: witnesses.path(speaker),
        scope,
        blame,
        confidence,
        retry,
        facts,
        title: title.into(),
        meaning: text.meaning.as_str().into(),
        remedies,
        because,
    }
}

fn because(
    evidence: &Evidence,
    layers: &[unwrap::Layer],
    verdict: Option<&judge::Verdict<'_>>,
    spans_hold: bool,
) -> Because {
    let Some(verdict) = verdict else {
        return Because {
            rule: "none".to_owned(),
            field: "none".to_owned(),
            span: None,
            quote: String::new(),
        };
    };
    let rule = verdict.rule.id.clone();
    if let (Some(layer), Some((start, end))) = (verdict.layer.map(|at| &layers[at]), verdict.span) {
        let quote = layer.text.as_str()[start..end].to_owned();
        return match &layer.origin {
            Origin::Body | Origin::Spelled => {
                let span = layer.text.raw_range(start, end);
                let inside = span.1 <= evidence.body.as_bytes().len();
                Because {
                    rule,
                    field: "body".to_owned(),
                    span: (spans_hold && inside).then_some(span),
                    quote,
                }
            }
            Origin::Header(name) => {
                Because { rule, field: format!("header:{name}"), span: None, quote }
            }
            Origin::Transport => Because { rule, field: "transport".to_owned(), span: None, quote },
        };
    }
    let (field, quote) = match (evidence.status, &evidence.transport) {
        (_, Some(transport)) if !verdict.rule.transport.is_empty() => {
            // The innermost cause says most: "Connection refused", not "error sending request".
            ("transport", transport.chain.last().cloned().unwrap_or_default())
        }
        (Some(status @ 300..=399), _) => {
            let to = evidence.headers.first("location").unwrap_or_default();
            ("status", format!("{status} {to}").trim_end().to_owned())
        }
        (Some(status), _) => ("status", status.to_string()),
        (None, _) if !verdict.rule.phase.is_empty() => ("phase", String::new()),
        (None, _) => ("status", String::new()),
    };
    Because { rule, field: field.to_owned(), span: None, quote }
}
