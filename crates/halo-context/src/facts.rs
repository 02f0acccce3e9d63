//! Which of several facts counts: the person's before the learned, the provider's and the
//! catalogue's; among equals the newest.

use halo_types::{Fact, FactOrigin, FactValue, Price, Timestamp};

/// How long a learned refusal counts, in milliseconds: 30 days. Then it is doubted: the next
/// request tries it once more, and a new error renews it.
pub const REFUSAL_LASTS_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Whether a fact is a learned refusal that has grown old, so that it no longer counts.
#[must_use]
pub fn is_doubted(fact: &Fact, now: Timestamp) -> bool {
    fact.origin == FactOrigin::Learned
        && fact.value.is_refusal()
        && now.ms_since(fact.at) > REFUSAL_LASTS_MS
}

/// A fact that counts, where it comes from and since when it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: FactOrigin,
    /// When it became known; for the catalogue the day of its source.
    pub at: Timestamp,
}

/// What is known about one model at one provider. What is unknown stays unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelFacts {
    /// The window, in tokens.
    pub context_window: Option<Known<u64>>,
    /// The most it can write, in tokens.
    pub max_output: Option<Known<u64>>,
    /// Whether it takes pictures.
    pub vision: Option<Known<bool>>,
    /// Whether it can call tools.
    pub tools: Option<Known<bool>>,
    /// Whether it can think before it answers.
    pub reasoning: Option<Known<bool>>,
    /// What its tokens cost.
    pub price: Option<Known<Price>>,
    /// Whether its answers can be streamed.
    pub streaming: Option<Known<bool>>,
    /// Parameters it refuses.
    pub refused: Vec<String>,
    /// Parameters it does not answer without.
    pub required: Vec<String>,
    /// The largest picture file it takes, in bytes.
    pub picture_bytes: Option<Known<u64>>,
    /// The most pictures it takes in one request.
    pub picture_count: Option<Known<u64>>,
    /// The longest side of a picture that it takes, in pixels.
    pub picture_side: Option<Known<u64>>,
}

impl ModelFacts {
    /// The window, if known.
    #[must_use]
    pub fn window(&self) -> Option<u64> {
        self.context_window.map(|known| known.value)
    }

    /// Whether it takes pictures, if known.
    #[must_use]
    pub fn sees(&self) -> Option<bool> {
        self.vision.map(|known| known.value)
    }
}

/// The facts that count at `now` among all `facts` about one model.
#[must_use]
pub fn resolve<'a>(facts: impl IntoIterator<Item = &'a Fact>, now: Timestamp) -> ModelFacts {
    let mut sorted: Vec<&Fact> = facts.into_iter().filter(|fact| !is_doubted(fact, now)).collect();
    sorted.sort_by_key(|fact| (fact.origin, fact.at));
    let mut resolved = ModelFacts::default();
    for fact in sorted {
        match &fact.value {
            FactValue::ContextWindow(value) => resolved.context_window = known(fact, *value),
            FactValue::MaxOutput(value) => resolved.max_output = known(fact, *value),
            FactValue::Vision(value) => resolved.vision = known(fact, *value),
            FactValue::Tools(value) => resolved.tools = known(fact, *value),
            FactValue::Reasoning(value) => resolved.reasoning = known(fact, *value),
            FactValue::Price(value) => resolved.price = known(fact, *value),
            FactValue::Streaming(value) => resolved.streaming = known(fact, *value),
            FactValue::ParameterRefused(name) => add(&mut resolved.refused, name),
            FactValue::ParameterRequired(name) => add(&mut resolved.required, name),
            FactValue::PictureBytes(value) => resolved.picture_bytes = known(fact, *value),
            FactValue::PictureCount(value) => resolved.picture_count = known(fact, *value),
            FactValue::PictureSide(value) => resolved.picture_side = known(fact, *value),
        }
    }
    resolved
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

fn known<T>(fact: &Fact, value: T) -> Option<Known<T>> {
    Some(Known { value, origin: fact.origin, at: fact.at })
}

#[cfg(test)]
mod tests {
    use halo_types::{FactId, FactScope, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn fact(origin: FactOrigin, at: i64, value: FactValue) -> Fact {
        Fact {
            id: FactId::new(Uuid::nil()),
            scope: FactScope {
                provider: "p".parse().unwrap(),
                base_url: String::new(),
                model: "m".to_owned(),
            },
            value,
            origin,
            at: Timestamp(at),
            quote: None,
            attempt: None,
            conversation: None,
        }
    }

    #[test]
    fn person_beats_learned_beats_provider_beats_catalogue() {
        let facts = [
            fact(FactOrigin::Person, 1, FactValue::ContextWindow(4)),
            fact(FactOrigin::Learned, 9, FactValue::ContextWindow(3)),
            fact(FactOrigin::Catalogue, 9, FactValue::ContextWindow(1)),
            fact(FactOrigin::Learned, 2, FactValue::Vision(true)),
            fact(FactOrigin::Learned, 3, FactValue::Vision(false)),
        ];
        let resolved = resolve(&facts, Timestamp(10));
        assert_eq!(resolved.window(), Some(4));
        assert_eq!(resolved.sees(), Some(false));
        assert_eq!(resolved.max_output, None);
    }

    #[test]
    fn every_fact_follows_the_same_order() {
        let price = |input| {
            let (cache_read, cache_write, up_to) = (None, None, None);
            Price { input, output: 2 * input, cache_read, cache_write, up_to }
        };
        // Weakest first; the times run the other way, so that only the origin decides.
        let origins =
            [FactOrigin::Catalogue, FactOrigin::Provider, FactOrigin::Learned, FactOrigin::Person];
        let mut facts = Vec::new();
        for (n, origin) in (1_i64..).zip(origins) {
            let at = 100 - n;
            let last = n == 4;
            let number = n.unsigned_abs();
            for value in [
                FactValue::ContextWindow(number),
                FactValue::MaxOutput(number),
                FactValue::Vision(last),
                FactValue::Tools(last),
                FactValue::Reasoning(last),
                FactValue::Price(price(number)),
                FactValue::Streaming(last),
            ] {
                facts.push(fact(origin, at, value));
            }
            let (at, n) = (Timestamp(at), number);
            let want = ModelFacts {
                context_window: Some(Known { value: n, origin, at }),
                max_output: Some(Known { value: n, origin, at }),
                vision: Some(Known { value: last, origin, at }),
                tools: Some(Known { value: last, origin, at }),
                reasoning: Some(Known { value: last, origin, at }),
                price: Some(Known { value: price(n), origin, at }),
                streaming: Some(Known { value: last, origin, at }),
                ..ModelFacts::default()
            };
            let now = Timestamp(100);
            assert_eq!(resolve(&facts, now), want, "{origin:?}");
            assert_eq!(resolve(facts.iter().rev(), now), want, "{origin:?}, the other way round");
        }
        assert_eq!(resolve([], Timestamp(0)), ModelFacts::default());
    }

    #[test]
    fn a_learned_refusal_is_doubted_after_thirty_days_and_nothing_else_is() {
        let at = 5;
        let refused = || FactValue::ParameterRefused("top_p".to_owned());
        let facts = [
            fact(FactOrigin::Learned, at, FactValue::Vision(false)),
            fact(FactOrigin::Learned, at, refused()),
            fact(FactOrigin::Learned, at, FactValue::ContextWindow(8192)),
            fact(FactOrigin::Person, at, FactValue::Tools(false)),
        ];
        let last = Timestamp(at).plus_ms(REFUSAL_LASTS_MS);
        let young = resolve(&facts, last);
        assert_eq!((young.sees(), young.refused.len()), (Some(false), 1));
        let old = resolve(&facts, last.plus_ms(1));
        assert_eq!((old.sees(), old.refused.len()), (None, 0));
        assert_eq!(old.window(), Some(8192));
        assert_eq!(old.tools.map(|known| known.value), Some(false));
    }
}
