//! What the person says about a model, and forgetting what was learned.
//!
//! The fields stand in the form of the provider, so that they work without scripts. They belong
//! to the model they were shown for, which the form carries along.

use axum::extract::{Extension, Form, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse};
use halo_config::ProviderConfig;
use halo_engine::{Engine, EngineError};
use halo_types::{Fact, FactFault, FactId, FactOrigin, FactValue, Price, nano_dollars};

use super::facts::{FactsView, Outcome, exact};
use super::form::{Draft, Pairs};
use super::models::{self, View};
use super::undo::Removed;
use super::{Answer, probe, uncached, wants_fragment};
use crate::page::Page;
use crate::state::AppState;
use crate::strings::Words;

/// Which kind of fact a field of the form is about, and how it is read.
type Field = (&'static str, fn(u64) -> FactValue);
type Choice = (&'static str, fn(bool) -> FactValue);

const NUMBERS: [Field; 2] =
    [("window", FactValue::ContextWindow), ("output", FactValue::MaxOutput)];
const CHOICES: [Choice; 4] = [
    ("vision", FactValue::Vision),
    ("tools", FactValue::Tools),
    ("reasoning", FactValue::Reasoning),
    ("streaming", FactValue::Streaming),
];

/// What a field says: a value, or that there is none any more.
struct Said {
    /// The same kind of fact, with any value.
    kind: FactValue,
    value: Option<FactValue>,
}

/// `POST /settings/ai-model/facts/set`: what the person says about the model of the form.
pub(super) async fn set(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let outcome = match apply(state.engine(), page.words, &pairs).await {
        Ok(()) => Outcome { saved: true, ..Outcome::default() },
        Err(words) => Outcome { trouble: Some(words), ..Outcome::default() },
    };
    show(state.engine(), &removed, page, &headers, &pairs, outcome)
}

/// `POST /settings/ai-model/facts/forget`: one fact is forgotten, or taken back.
pub(super) async fn forget(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let id = field(&pairs, "forget").parse::<FactId>().ok();
    let mut outcome = Outcome::default();
    if let Some(id) = id {
        match state.engine().forget_fact(id).await {
            Ok(fact) => {
                outcome.forgotten = fact.as_ref().map(|fact| fact.id.to_string());
                fact.into_iter().for_each(|fact| removed.keep_fact(fact));
            }
            Err(error) => outcome.trouble = Some(words_of(page.words, &error)),
        }
    }
    show(state.engine(), &removed, page, &headers, &pairs, outcome)
}

/// `POST /settings/ai-model/facts/restore`: a forgotten fact comes back.
pub(super) async fn restore(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let id = field(&pairs, "restore").parse::<FactId>().ok();
    let mut outcome = Outcome::default();
    if let Some(fact) = id.and_then(|id| removed.fact(id))
        && let Err(error) = state.engine().put_back_fact(fact).await
    {
        outcome.trouble = Some(words_of(page.words, &error));
    }
    show(state.engine(), &removed, page, &headers, &pairs, outcome)
}

/// The facts of the form again: alone for scripts, else in the whole page.
fn show(
    engine: &Engine,
    removed: &Removed,
    page: Page,
    headers: &HeaderMap,
    pairs: &Pairs,
    outcome: Outcome,
) -> Answer {
    let outcome = Outcome { open: true, ..outcome };
    let draft = Draft::read(pairs);
    if !wants_fragment(headers) {
        let view = View { facts: outcome, ..probe::again(draft, pairs) };
        return models::render(engine, removed, page, view);
    }
    let saved = models::saved_provider(engine, &draft);
    let Some(provider) = draft.provider(engine.config(), saved.as_ref()) else {
        let words = page.words.t1("settings-error-preset", "name", &draft.preset);
        return Ok(uncached(Html(probe::note(&words)).into_response()));
    };
    let view = FactsView::of(engine, page.words, page.zone, &provider, &draft.model, outcome);
    Ok(uncached(Html(askama::Template::render(&view)?).into_response()))
}

/// Keeps what stands in the fields, where it differs from what the person said before. Nothing is
/// kept where one of them cannot be.
///
/// # Errors
/// What is wrong, in the person's words.
pub(super) async fn apply(engine: &Engine, w: Words, pairs: &Pairs) -> Result<(), String> {
    let model = field(pairs, "fact_model");
    if model.is_empty() {
        return Ok(());
    }
    let draft = Draft::read(pairs);
    let saved = models::saved_provider(engine, &draft);
    let here = draft.provider(engine.config(), saved.as_ref());
    // What is known at one address says nothing about another.
    let same = |saved: &ProviderConfig| here.is_some_and(|here| here.base_url == saved.base_url);
    let Some(provider) = saved.filter(same) else {
        return Err(w.t("settings-fact-save-first"));
    };
    let said = read(w, pairs)?;
    let before = said_by_person(engine, &provider, model);
    for Said { kind, value } in said {
        let old = before.iter().find(|fact| fact.value.same_thing(&kind));
        let done = match (old, value) {
            (Some(old), Some(value)) if old.value == value => continue,
            (_, Some(value)) => engine.set_fact(&provider.id, model, value).await.map(|_| ()),
            (Some(old), None) => engine.forget_fact(old.id).await.map(|_| ()),
            (None, None) => continue,
        };
        done.map_err(|error| words_of(w, &error))?;
    }
    Ok(())
}

/// What the person said about a model before.
pub(super) fn said_by_person(engine: &Engine, provider: &ProviderConfig, model: &str) -> Vec<Fact> {
    let mut facts = engine.own_facts(provider);
    facts.retain(|fact| fact.origin == FactOrigin::Person && fact.scope.model == model.trim());
    facts
}

fn read(w: Words, pairs: &Pairs) -> Result<Vec<Said>, String> {
    let mut said = Vec::new();
    let mut say = |id: &str, kind: FactValue, value: Option<FactValue>| {
        if let Some(value) = &value {
            value.check().map_err(|fault| format!("{}: {}", name(w, id), fault_words(w, fault)))?;
        }
        said.push(Said { kind, value });
        Ok::<(), String>(())
    };
    for (id, fact) in NUMBERS {
        let Some(text) = given(pairs, id) else { continue };
        let value = match text {
            "" => None,
            text => Some(fact(number(text).ok_or_else(|| bad(w, id, text))?)),
        };
        say(id, fact(1), value)?;
    }
    for (id, fact) in CHOICES {
        let Some(text) = given(pairs, id) else { continue };
        let value = match text {
            "" => None,
            "yes" => Some(fact(true)),
            "no" => Some(fact(false)),
            text => return Err(bad(w, id, text)),
        };
        say(id, fact(true), value)?;
    }
    if let (Some(input), Some(output)) = (given(pairs, "price_in"), given(pairs, "price_out")) {
        let dollars = |text: &str| {
            nano_dollars(text.trim_start_matches('$').trim()).ok_or_else(|| bad(w, "price", text))
        };
        let price = |input, output| {
            let (cache_read, cache_write, up_to) = (None, None, None);
            FactValue::Price(Price { input, output, cache_read, cache_write, up_to })
        };
        let value = match (input, output) {
            ("", "") => None,
            (input, output) => Some(price(dollars(input)?, dollars(output)?)),
        };
        say("price", price(0, 0), value)?;
    }
    Ok(said)
}

/// `128000`, `128,000`, `128k`, `1M`.
fn number(text: &str) -> Option<u64> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '，')).collect();
    let (digits, times) = match plain.chars().last()? {
        'k' | 'K' => (&plain[..plain.len() - 1], 1_000),
        'm' | 'M' => (&plain[..plain.len() - 1], 1_000_000),
        _ => (plain.as_str(), 1),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // A number beyond all bounds is refused as such, not as something that is no number.
    is_number.then(|| digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(times))
}

fn field<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

fn given<'p>(pairs: &'p Pairs, id: &str) -> Option<&'p str> {
    let name = format!("fact_{id}");
    pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.trim())
}

fn name(w: Words, id: &str) -> String {
    w.t(&format!("settings-fact-{id}"))
}

fn bad(w: Words, id: &str, text: &str) -> String {
    let text: String = text.chars().take(60).collect();
    format!("{}: {}", name(w, id), w.t1("settings-fact-bad", "text", text))
}

fn fault_words(w: Words, fault: FactFault) -> String {
    match fault {
        FactFault::OutOfBounds { least, most, .. } => {
            let (least, most) = (exact(least), exact(most));
            w.t2("settings-fact-bounds", ("least", &least), ("most", &most))
        }
        other => other.to_string(),
    }
}

fn words_of(w: Words, error: &EngineError) -> String {
    match error {
        EngineError::Fact(fault) => fault_words(w, *fault),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(fields: &[(&str, &str)]) -> Pairs {
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, number_read) in [
            ("128000", Some(128_000)),
            ("128,000", Some(128_000)),
            ("128k", Some(128_000)),
            ("1 M", Some(1_000_000)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("many", None),
            ("-1", None),
            ("k", None),
            ("１２", None),
        ] {
            assert_eq!(number(text), number_read, "{text}");
        }
    }

    #[test]
    fn what_no_model_can_have_is_refused_with_words() {
        let w = Words::default();
        for (fields, words) in [
            (vec![("fact_window", "0")], "Reads: it must be between 256 and 1,000,000,000"),
            (vec![("fact_window", "1000000000000000")], "Reads: it must be between"),
            (vec![("fact_output", "lots")], "Writes: “lots” cannot be read"),
            (vec![("fact_vision", "maybe")], "Sees pictures: “maybe” cannot be read"),
            (vec![("fact_price_in", "3"), ("fact_price_out", "")], "Price: “” cannot be read"),
        ] {
            let refused = read(w, &pairs(&fields)).err().expect("it is refused");
            assert!(refused.starts_with(words), "{refused}");
        }
        let fields = [
            ("fact_window", "8k"),
            ("fact_tools", ""),
            ("fact_price_in", "$3"),
            ("fact_price_out", "15"),
        ];
        let said = read(w, &pairs(&fields)).unwrap();
        let values: Vec<_> = said.into_iter().map(|said| said.value).collect();
        assert_eq!(values[0], Some(FactValue::ContextWindow(8_000)));
        assert_eq!(values[1], None);
        assert!(
            matches!(&values[2], Some(FactValue::Price(price)) if price.input == 3_000_000_000)
        );
    }
}
