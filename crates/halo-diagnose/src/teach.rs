//! Makes a rule out of one error that was read wrongly.

use std::collections::BTreeSet;
use std::sync::Arc;

use halo_types::{Diagnosis, Evidence, Kind, redact};
use serde::Serialize;

use crate::unwrap::{Key, Origin};
use crate::{Context, OwnRules, diagnose, rules, unwrap};

/// The longest part of a body that goes into a rule as its example, in bytes.
const MAX_EXAMPLE: usize = 2_000;
/// The longest run of words that is proposed, in bytes. Longer ones fit one text only.
const MAX_PHRASE: usize = 60;

/// A rule that reads an error as a person says it should be read, and what else it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// The rule's id.
    pub id: String,
    /// The words it goes by.
    pub words: String,
    /// The rule as an entry of a rule file.
    pub entry: String,
    /// What the error meant before.
    pub before: Diagnosis,
    /// What it means with the rule.
    pub after: Diagnosis,
    /// Built-in rules whose examples the new rule would read otherwise, with their kind.
    pub also: Vec<(String, Kind)>,
}

/// Why no rule could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TeachError {
    /// The text holds no words that other errors do not hold too.
    #[error("nothing in this text tells it from other errors; name the words that do")]
    NoWords,
    /// The words are not there.
    #[error("the words {0:?} do not stand in this text")]
    NotFound(String),
    /// It is read so already.
    #[error("this error is read as {0} already")]
    Known(Kind),
    /// The words stand in the text but cannot be looked for, because they begin inside a word or
    /// an address.
    #[error("the words {0:?} cannot be found by a rule; take whole words that are no address")]
    Unfit(String),
}

#[derive(Serialize)]
struct File<'a> {
    rule: [Entry<'a>; 1],
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    kind: Kind,
    precedence: u16,
    confidence: &'a str,
    source: &'a str,
    any: [&'a str; 1],
    example: [Example<'a>; 1],
}

#[derive(Serialize)]
struct Example<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    body: &'a str,
}

/// Makes a rule after which `evidence` is read as `kind`. Without `words`, the words are chosen
/// that tell this error from all that the built-in rules know; codes are written as rules write
/// them (`#code`).
///
/// # Errors
///
/// See [`TeachError`].
///
/// ```
/// use halo_diagnose::{Context, teach};
/// use halo_types::{Evidence, Kind};
///
/// let evidence = Evidence::from_text("Error 7: the hamster is tired today, id 4711");
/// let lesson = teach(&evidence, Kind::Overloaded, None, &Context::default()).expect("it has words");
/// assert_eq!(lesson.words, "the hamster is tired today");
/// assert_eq!(lesson.after.kind, Kind::Overloaded);
/// ```
pub fn teach(
    evidence: &Evidence,
    kind: Kind,
    words: Option<&str>,
    context: &Context,
) -> Result<Lesson, TeachError> {
    // Words that a rule goes by are stored: none may be a secret.
    let body = evidence.body.text();
    let body = redact::mask(&body, &[]).into_owned();
    let evidence = &Evidence { body: body.as_str().into(), ..evidence.clone() };
    let before = diagnose(evidence, context);
    let words = match words.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => {
            let bare = words.trim_matches(['#', '*', '|']);
            let there = unwrap::unwrap(&body)
                .layers
                .iter()
                .any(|layer| unwrap::contains_ci(layer.text.as_str(), bare));
            if !there {
                return Err(TeachError::NotFound(words.to_owned()));
            }
            words.to_owned()
        }
        None if before.kind == kind => return Err(TeachError::Known(kind)),
        None => propose(evidence, Some(kind)).ok_or(TeachError::NoWords)?,
    };
    let id = format!("own.{}.{:06x}", kind, fingerprint(&words) & 0xff_ffff);
    let others = context.own.as_ref().map_or(&[][..], |own| own.rules());
    // What was taught last is meant.
    let precedence =
        others.iter().map(|rule| rule.precedence).max().map_or(500, |p| p.saturating_add(1));
    let mut end = body.len().min(MAX_EXAMPLE);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let file = File {
        rule: [Entry {
            id: &id,
            kind,
            precedence,
            confidence: "certain",
            source: "taught",
            any: [&words],
            example: [Example { status: evidence.status, body: &body[..end] }],
        }],
    };
    let entry = toml::to_string(&file).map_err(|_| TeachError::Unfit(words.clone()))?;
    let (lesson, faults) = OwnRules::parse([("taught", entry.as_str())]);
    if !faults.is_empty() {
        return Err(TeachError::Unfit(words));
    }
    let taught = Context { own: Some(Arc::new(lesson)), ..context.clone() };
    let after = diagnose(evidence, &taught);
    if after.kind != kind {
        return Err(TeachError::Unfit(words));
    }
    let also = rules()
        .iter()
        .filter(|rule| rule.kind != kind)
        .filter(|rule| {
            rule.example.iter().any(|e| diagnose(&e.evidence(), &taught).because.rule == id)
        })
        .map(|rule| (rule.id.clone(), rule.kind))
        .collect();
    Ok(Lesson { id, words, entry, before, after, also })
}

/// The words that [`teach`] would choose, for a form that asks first what an error is. While no
/// kind is chosen, they tell it from every error that the built-in rules know. Secrets are masked.
#[must_use]
pub fn proposal(evidence: &Evidence, kind: Option<Kind>) -> Option<String> {
    let body = evidence.body.text();
    let body = redact::mask(&body, &[]).into_owned();
    propose(&Evidence { body: body.as_str().into(), ..evidence.clone() }, kind)
}

/// The words of the text that stand in no example of another kind: of the innermost speaker,
/// codes last.
fn propose(evidence: &Evidence, kind: Option<Kind>) -> Option<String> {
    let known: Vec<String> = rules()
        .iter()
        .flat_map(|rule| rule.example.iter().map(move |e| (e.kind.unwrap_or(rule.kind), e)))
        .filter(|(other, _)| Some(*other) != kind)
        .map(|(_, example)| example.body.to_lowercase())
        .collect();
    let fresh = |words: &str| {
        let words = words.to_lowercase();
        !known.iter().any(|body| body.contains(&words))
    };
    let layers = unwrap::unwrap(&evidence.body.text()).layers;
    let spoken = layers.iter().rev().filter(|layer| layer.origin == Origin::Body);
    let mut codes: BTreeSet<String> = BTreeSet::new();
    for layer in spoken {
        let text = layer.text.as_str();
        let best = phrases(text)
            .into_iter()
            .filter(|phrase| fresh(phrase))
            // The first of the longest; `max_by_key` would take the last.
            .rev()
            .max_by_key(|phrase| phrase.chars().count());
        if let Some(phrase) = best {
            return Some(phrase.to_owned());
        }
        let fields = layer.fields.iter().filter(|field| field.key == Key::Code);
        codes.extend(fields.map(|field| text[field.start..field.end].to_owned()));
    }
    codes
        .into_iter()
        .rev()
        .find(|code| code.len() >= 4 && fresh(code))
        .map(|code| format!("#{code}"))
}

/// Runs of plain words: no numbers, names in quotes, addresses or punctuation inside, since those
/// change from one error to the next.
fn phrases(text: &str) -> Vec<&str> {
    let breaks = |c: char| {
        c.is_ascii_digit()
            || "\n\r\t.,:;!?()[]{}<>\"'`|/\\=*#@$%&+~^，。、；：！？（）【】「」《》“”‘’…"
                .contains(c)
    };
    text.split(breaks)
        .map(str::trim)
        .filter_map(|run| {
            // A run is cut at a space, or between ideographs, where it is too long.
            let mut end = run.len().min(MAX_PHRASE);
            while !run.is_char_boundary(end) {
                end -= 1;
            }
            let cut = &run[..end];
            let cut = if end < run.len() && cut.is_ascii() { cut.rsplit_once(' ')?.0 } else { cut };
            let wide = cut.chars().filter(|c| !c.is_ascii()).count();
            let words = cut.split_whitespace().count();
            (words >= 3 || wide >= 4 || words == 2 && cut.len() >= 12).then_some(cut)
        })
        .collect()
}

/// FNV-1a: the same words give the same id on every machine.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(text: &str, kind: Kind) -> Result<Lesson, TeachError> {
        teach(&Evidence::from_text(text), kind, None, &Context::default())
    }

    #[test]
    fn a_rule_goes_by_words_that_stay_the_same() {
        for (text, words) in [
            (
                r#"{"error":{"message":"Channel 12 sleeps until user 'bob' wakes it up again, see https://x.y/z","code":"zzz_sleep"}}"#,
                "sleeps until user",
            ),
            ("渠道正在打盹，请稍候片刻 (request id: 20261001)", "渠道正在打盹"),
            (r#"{"error":{"message":"E-7","code":"hamster_tired"}}"#, "#hamster_tired"),
        ] {
            let lesson = lesson(text, Kind::Overloaded).unwrap();
            assert_eq!(lesson.words, words);
            assert_eq!((lesson.before.kind, lesson.after.kind), (Kind::Unknown, Kind::Overloaded));
            assert!(lesson.also.is_empty(), "{:?}", lesson.also);
            let (own, faults) = OwnRules::parse([("t", lesson.entry.as_str())]);
            assert!(faults.is_empty(), "{faults:?}\n{}", lesson.entry);
            assert!(Arc::new(own).misread().is_empty());
        }
    }

    #[test]
    fn a_built_in_reading_is_overruled_and_the_last_lesson_holds() {
        let text = "Rate limit reached because the moon is full tonight";
        let first = lesson(text, Kind::QuotaExhausted).unwrap();
        assert_eq!(first.before.kind, Kind::RateLimited);
        let (own, _) = OwnRules::parse([("t", first.entry.as_str())]);
        let context = Context { own: Some(Arc::new(own)), ..Context::default() };
        let evidence = Evidence::from_text(text);
        let second = teach(&evidence, Kind::Timeout, None, &context).unwrap();
        let both = format!("{}\n{}", first.entry, second.entry);
        let (own, faults) = OwnRules::parse([("t", both.as_str())]);
        assert!(faults.is_empty(), "{faults:?}");
        let context = Context { own: Some(Arc::new(own)), ..Context::default() };
        assert_eq!(diagnose(&evidence, &context).kind, Kind::Timeout);
        assert_eq!(
            teach(&evidence, Kind::Timeout, None, &context),
            Err(TeachError::Known(Kind::Timeout))
        );
    }

    #[test]
    fn words_that_do_not_do_are_refused_and_wide_ones_show_their_effect() {
        let evidence = Evidence::from_text("429 Too Many Requests");
        let context = Context::default();
        let teach = |words| teach(&evidence, Kind::Timeout, Some(words), &context);
        assert_eq!(teach("nowhere"), Err(TeachError::NotFound("nowhere".into())));
        assert_eq!(teach("any Requests"), Err(TeachError::Unfit("any Requests".into())));
        let wide = teach("too many requests").unwrap();
        assert!(wide.also.iter().any(|(_, kind)| *kind == Kind::RateLimited));
        assert_eq!(lesson("500", Kind::Timeout), Err(TeachError::NoWords));
    }

    #[test]
    fn no_key_goes_into_a_rule() {
        let text = "the hamster refused sk-proj-abcdefghijklmnop1234 for good";
        let lesson = lesson(text, Kind::InvalidApiKey).unwrap();
        assert!(!lesson.entry.contains("efghijklmnop"), "{}", lesson.entry);
    }
}
