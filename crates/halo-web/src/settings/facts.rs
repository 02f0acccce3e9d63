//! What is known about a model: in a line of the list, and in full with where it comes from.

use askama::Template;
use halo_config::ProviderConfig;
use halo_engine::{Engine, Known, ModelFacts, is_doubted, now};
use halo_types::{Fact as Stored, FactOrigin, FactValue, Price, Timestamp, dollars};
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
    /// What the person said about it, as it stands in its field; a price stands in two.
    said: [String; 2],
    /// The fact to take back, where the person said something.
    own: Option<String>,
}

impl Fact {
    fn is_number(&self) -> bool {
        matches!(self.id, "window" | "output")
    }

    fn is_price(&self) -> bool {
        self.id == "price"
    }
}

/// Something that was learned at the provider, with its proof.
struct Lesson {
    id: String,
    model: String,
    words: String,
    from: String,
    quote: Option<String>,
    /// The conversation that taught it.
    link: Option<String>,
    /// Whether it has grown old, so that the next request tries again.
    doubted: bool,
    forget_label: String,
}

/// What became of a change.
#[derive(Default)]
pub(super) struct Outcome {
    /// Whether the facts are to be unfolded.
    pub(super) open: bool,
    /// Whether something was saved.
    pub(super) saved: bool,
    /// A forgotten fact that can come back.
    pub(super) forgotten: Option<String>,
    /// Why nothing was changed.
    pub(super) trouble: Option<String>,
}

/// Everything that is known about one model.
#[derive(Template)]
#[template(path = "settings/facts.html")]
pub(super) struct FactsView {
    w: Words,
    model: String,
    facts: Vec<Fact>,
    /// What was learned about this and other models of the provider.
    lessons: Vec<Lesson>,
    lesson_count: String,
    /// Whether the provider is saved, so that something can be said about its models.
    can_set: bool,
    outcome: Outcome,
}

impl FactsView {
    /// What is known about a model at a provider; nothing is shown without a name.
    pub(super) fn of(
        engine: &Engine,
        w: Words,
        zone: Zone,
        provider: &ProviderConfig,
        model: &str,
        outcome: Outcome,
    ) -> Self {
        let saved = engine.provider(&provider.id);
        let can_set = saved.is_some_and(|saved| saved.base_url == provider.base_url);
        let own = if can_set { engine.own_facts(provider) } else { Vec::new() };
        let model = ModelInfo { id: model.trim().to_owned(), ..ModelInfo::default() };
        let known = engine.facts_of(provider, std::slice::from_ref(&model)).pop();
        let view = Self::new(w, zone, model.id, &known.unwrap_or_default());
        Self { can_set, outcome, ..view.with(zone, &own, now()) }
    }

    /// Adds what the person said and what was learned.
    fn with(mut self, zone: Zone, own: &[Stored], now: Timestamp) -> Self {
        let w = self.w;
        let by_person = own.iter().filter(|fact| fact.origin == FactOrigin::Person);
        for stored in by_person.filter(|fact| fact.scope.model == self.model) {
            let (id, said) = field_of(&stored.value);
            if let Some(fact) = self.facts.iter_mut().find(|fact| fact.id == id) {
                fact.said = said;
                fact.own = Some(stored.id.to_string());
            }
        }
        let learned = own.iter().filter(|fact| fact.origin == FactOrigin::Learned);
        self.lessons = learned
            .map(|fact| {
                let words = lesson_words(w, &fact.value);
                Lesson {
                    id: fact.id.to_string(),
                    model: fact.scope.model.clone(),
                    from: from(w, zone, fact.origin, fact.at),
                    quote: fact.quote.clone().filter(|quote| !quote.trim().is_empty()),
                    link: fact.conversation.map(|id| format!("/c/{id}")),
                    doubted: is_doubted(fact, now),
                    forget_label: format!("{}: {words}", w.t("settings-fact-forget")),
                    words,
                }
            })
            .collect();
        self.lesson_count = w.n("settings-lessons", "count", self.lessons.len() as u64);
        self
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
        let outcome = Outcome::default();
        let lesson_count = String::new();
        Self { w, model, facts, lessons: Vec::new(), lesson_count, can_set: false, outcome }
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
            Fact {
                id,
                name,
                value: Some(words(known.value)),
                from,
                said: Default::default(),
                own: None,
            }
        }
        None => {
            Fact { id, name, value: None, from: String::new(), said: Default::default(), own: None }
        }
    }
}

/// The row that a fact belongs to, and how it stands in the fields there.
fn field_of(value: &FactValue) -> (&'static str, [String; 2]) {
    let one = |text: String| [text, String::new()];
    let yes_no = |can: bool| one((if can { "yes" } else { "no" }).to_owned());
    match value {
        FactValue::ContextWindow(n) => ("window", one(n.to_string())),
        FactValue::MaxOutput(n) => ("output", one(n.to_string())),
        FactValue::Vision(can) => ("vision", yes_no(*can)),
        FactValue::Tools(can) => ("tools", yes_no(*can)),
        FactValue::Reasoning(can) => ("reasoning", yes_no(*can)),
        FactValue::Streaming(can) => ("streaming", yes_no(*can)),
        FactValue::Price(price) => ("price", [dollars(price.input), dollars(price.output)]),
        _ => ("", one(String::new())),
    }
}

/// `Sees pictures: no`
fn lesson_words(w: Words, value: &FactValue) -> String {
    let yes_no = |can: bool| w.t(if can { "settings-fact-yes" } else { "settings-fact-no" });
    let count = |key: &str, n: u64| w.t1(key, "tokens", exact(n));
    let said = match value {
        FactValue::ContextWindow(n) => count("settings-fact-window-value", *n),
        FactValue::MaxOutput(n) => count("settings-fact-output-value", *n),
        FactValue::Vision(can)
        | FactValue::Tools(can)
        | FactValue::Reasoning(can)
        | FactValue::Streaming(can) => yes_no(*can),
        FactValue::Price(price) => price_words(w, price),
        FactValue::ParameterRefused(name) if name == "system" => {
            return w.t("settings-lesson-system");
        }
        FactValue::ParameterRefused(name) => return w.t1("settings-lesson-refused", "name", name),
        FactValue::ParameterRequired(name) => {
            return w.t1("settings-lesson-required", "name", name);
        }
        FactValue::PictureBytes(n) => return w.t1("settings-lesson-bytes", "n", exact(*n)),
        FactValue::PictureCount(n) => return w.t1("settings-lesson-count", "n", exact(*n)),
        FactValue::PictureSide(n) => return w.t1("settings-lesson-side", "n", exact(*n)),
    };
    let (id, _) = field_of(value);
    format!("{}: {said}", w.t(&format!("settings-fact-{id}")))
}

/// `1,048,576`: a limit is not rounded where it is told in full.
pub(super) fn exact(n: u64) -> String {
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
            ..ModelFacts::default()
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

    #[test]
    fn what_was_learned_is_shown_with_its_proof() {
        let fact = |n: u128, at: i64, value: FactValue, quote: Option<&str>| Stored {
            id: halo_types::FactId::new(uuid::Uuid::from_u128(n)),
            scope: halo_types::FactScope {
                provider: "p".parse().unwrap(),
                base_url: String::new(),
                model: if n == 1 { "m" } else { "other" }.to_owned(),
            },
            value,
            origin: if n == 4 { FactOrigin::Person } else { FactOrigin::Learned },
            at: Timestamp(at),
            quote: quote.map(str::to_owned),
            attempt: None,
            conversation: (n == 1)
                .then(|| halo_types::ConversationId::new(uuid::Uuid::from_u128(9))),
        };
        let now = 1_795_809_600_000;
        let own = [
            fact(1, now, FactValue::Vision(false), Some("no <image> input")),
            fact(2, now - 3_000_000_000, FactValue::ParameterRefused("top_p".to_owned()), None),
            fact(3, now, FactValue::ParameterRefused("system".to_owned()), Some("  ")),
            fact(4, now, FactValue::ContextWindow(8_192), None),
        ];
        for (locale, name) in [(Locale::En, "lessons_en"), (Locale::ZhCn, "lessons_zh")] {
            let view = FactsView::new(Words::new(locale), Zone::default(), "m".to_owned(), &all());
            let view = view.with(Zone::default(), &own, Timestamp(now));
            let view = FactsView { can_set: true, ..view };
            insta::assert_snapshot!(name, view.render().unwrap());
        }
    }
}
