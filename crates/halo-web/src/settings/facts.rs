//! What is known about a model: in a line of the list, and in full with where it comes from.

use askama::Template;
use halo_config::ProviderConfig;
use halo_engine::{Engine, Known, ModelFacts};
use halo_types::{FactOrigin, Price, Timestamp, dollars};
use halo_wire::ModelInfo;

use crate::clock::Zone;
use crate::strings::Words;
use crate::thread::tokens;

/// `sees pictures · 200k tokens · $3 in, $15 out`, of what is known.
pub(super) fn about(w: Words, facts: &ModelFacts) -> String {
    let yes =
        |known: Option<Known<bool>>, key: &str| known.filter(|known| known.value).map(|_| w.t(key));
    let window =
        facts.window().map(|count| w.t1("settings-form-model-window", "tokens", tokens(count)));
    let price = facts.price.map(|known| {
        let (input, output) = (dollars(known.value.input), dollars(known.value.output));
        w.t2("settings-form-model-price", ("input", &input), ("output", &output))
    });
    [
        yes(facts.vision, "settings-form-model-seen"),
        yes(facts.tools, "settings-form-model-tools"),
        yes(facts.reasoning, "settings-form-model-thinks"),
        window,
        price,
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ")
}

/// A fact with its name; without a value it is unknown.
struct Fact {
    /// For tests and scripts.
    id: &'static str,
    name: String,
    value: Option<String>,
    /// Where it comes from, and of which day it is.
    from: String,
}

/// Everything that is known about one model.
#[derive(Template)]
#[template(path = "settings/facts.html")]
pub(super) struct FactsView {
    w: Words,
    model: String,
    facts: Vec<Fact>,
}

impl FactsView {
    /// What is known about a model at a provider; nothing is shown without a name.
    pub(super) fn of(
        engine: &Engine,
        w: Words,
        zone: Zone,
        provider: &ProviderConfig,
        model: &str,
    ) -> Self {
        let model = ModelInfo { id: model.trim().to_owned(), ..ModelInfo::default() };
        let known = engine.facts_of(provider, std::slice::from_ref(&model)).pop();
        Self::new(w, zone, model.id, &known.unwrap_or_default())
    }

    fn new(w: Words, zone: Zone, model: String, known: &ModelFacts) -> Self {
        let yes_no = |can: bool| w.t(if can { "settings-fact-yes" } else { "settings-fact-no" });
        let count = |key: &'static str| move |n: u64| w.t1(key, "tokens", exact(n));
        let facts = vec![
            fact(w, zone, "window", known.context_window, count("settings-fact-window-value")),
            fact(w, zone, "output", known.max_output, count("settings-fact-output-value")),
            fact(w, zone, "vision", known.vision, yes_no),
            fact(w, zone, "tools", known.tools, yes_no),
            fact(w, zone, "reasoning", known.reasoning, yes_no),
            fact(w, zone, "streaming", known.streaming, yes_no),
            fact(w, zone, "price", known.price, |price| price_words(w, &price)),
        ];
        Self { w, model, facts }
    }
}

fn fact<T>(
    w: Words,
    zone: Zone,
    id: &'static str,
    known: Option<Known<T>>,
    words: impl Fn(T) -> String,
) -> Fact {
    let name = w.t(&format!("settings-fact-{id}"));
    match known {
        Some(known) => {
            let from = from(w, zone, known.origin, known.at);
            Fact { id, name, value: Some(words(known.value)), from }
        }
        None => Fact { id, name, value: None, from: String::new() },
    }
}

/// `1,048,576`: a limit is not rounded where it is told in full.
fn exact(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `$2.5 in, $15 out · $0.25 from the cache · more for input of over 272,000 tokens`
fn price_words(w: Words, price: &Price) -> String {
    let (input, output) = (dollars(price.input), dollars(price.output));
    let of = |key: &str, nano: Option<u64>| nano.map(|nano| w.t1(key, "price", dollars(nano)));
    [
        Some(w.t2("settings-fact-price-value", ("input", &input), ("output", &output))),
        of("settings-fact-price-read", price.cache_read),
        of("settings-fact-price-write", price.cache_write),
        price.up_to.map(|most| w.t1("settings-fact-price-up-to", "tokens", exact(most))),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ")
}

fn from(w: Words, zone: Zone, origin: FactOrigin, at: Timestamp) -> String {
    let (key, zone) = match origin {
        // The day of a release is the same everywhere.
        FactOrigin::Catalogue => ("settings-fact-from-catalogue", Zone::default()),
        FactOrigin::Provider => ("settings-fact-from-provider", zone),
        FactOrigin::Learned => ("settings-fact-from-learned", zone),
        FactOrigin::Person => ("settings-fact-from-person", zone),
    };
    w.t1(key, "date", zone.date_text(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strings::Locale;

    fn known<T>(value: T, origin: FactOrigin, at: i64) -> Option<Known<T>> {
        Some(Known { value, origin, at: Timestamp(at) })
    }

    fn all() -> ModelFacts {
        let price = Price {
            input: 2_500_000_000,
            output: 15_000_000_000,
            cache_read: Some(250_000_000),
            cache_write: Some(3_125_000_000),
            up_to: Some(272_000),
        };
        ModelFacts {
            // 2026-11-20 00:00 UTC, 2026-11-27 20:00 UTC.
            context_window: known(1_050_000, FactOrigin::Catalogue, 1_795_132_800_000),
            max_output: known(128_000, FactOrigin::Provider, 1_795_809_600_000),
            vision: known(false, FactOrigin::Learned, 1_795_809_600_000),
            tools: known(true, FactOrigin::Person, 1_795_809_600_000),
            reasoning: None,
            streaming: None,
            price: known(price, FactOrigin::Catalogue, 1_795_132_800_000),
            refused: Vec::new(),
        }
    }

    #[test]
    fn a_line_says_what_is_known() {
        let w = Words::default();
        for (tokens, text) in [
            (512, "512 tokens"),
            (8192, "8.2k tokens"),
            (32_768, "33k tokens"),
            (200_000, "200k tokens"),
            (1_000_000, "1M tokens"),
            (1_048_576, "1M tokens"),
            (1_500_000, "1.5M tokens"),
        ] {
            let context_window = known(tokens, FactOrigin::Catalogue, 0);
            let facts = ModelFacts { context_window, ..ModelFacts::default() };
            assert_eq!(about(w, &facts), text);
        }
        let sees = |value| ModelFacts {
            vision: known(value, FactOrigin::Catalogue, 0),
            ..ModelFacts::default()
        };
        assert_eq!(about(w, &sees(true)), "sees pictures");
        assert_eq!(about(w, &sees(false)), "");
        assert_eq!(about(w, &ModelFacts::default()), "");
        assert_eq!(about(w, &all()), "uses tools · 1.1M tokens · $2.5 in, $15 out");
    }

    #[test]
    fn limits_are_exact() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (8192, "8,192"),
            (128_000, "128,000"),
            (1_048_576, "1,048,576"),
        ] {
            assert_eq!(exact(n), text);
        }
    }

    #[test]
    fn every_fact_names_its_origin_and_day() {
        // Eight hours east it is the next day, but not for the catalogue.
        let zone = Zone::east(480);
        for (locale, name) in [(Locale::En, "facts_en"), (Locale::ZhCn, "facts_zh")] {
            let view = FactsView::new(Words::new(locale), zone, "m<1>".to_owned(), &all());
            insta::assert_snapshot!(name, view.render().unwrap());
        }
    }

    #[test]
    fn an_unknown_model_is_unknown() {
        let zone = Zone::default();
        let view =
            FactsView::new(Words::default(), zone, "mine".to_owned(), &ModelFacts::default());
        insta::assert_snapshot!("facts_unknown", view.render().unwrap());
        let view = FactsView::new(Words::default(), zone, String::new(), &ModelFacts::default());
        assert_eq!(view.render().unwrap().trim(), "");
    }
}
