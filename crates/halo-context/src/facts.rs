//! Which of several facts counts: the person's before the learned, the provider's and the
//! catalogue's; among equals the newest.

use halo_types::{Fact, FactOrigin, FactValue};

/// A fact that counts, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: FactOrigin,
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
    /// Parameters it refuses.
    pub refused: Vec<String>,
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

/// The facts that count among all `facts` about one model.
#[must_use]
pub fn resolve<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> ModelFacts {
    let mut sorted: Vec<&Fact> = facts.into_iter().collect();
    sorted.sort_by_key(|fact| (fact.origin, fact.at));
    let mut resolved = ModelFacts::default();
    for fact in sorted {
        let origin = fact.origin;
        match &fact.value {
            FactValue::ContextWindow(value) => {
                resolved.context_window = Some(Known { value: *value, origin });
            }
            FactValue::MaxOutput(value) => {
                resolved.max_output = Some(Known { value: *value, origin });
            }
            FactValue::Vision(value) => resolved.vision = Some(Known { value: *value, origin }),
            FactValue::ParameterRefused(name) => {
                if !resolved.refused.contains(name) {
                    resolved.refused.push(name.clone());
                }
            }
        }
    }
    resolved
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
        let resolved = resolve(&facts);
        assert_eq!(resolved.window(), Some(4));
        assert_eq!(resolved.sees(), Some(false));
        assert_eq!(resolved.max_output, None);
    }
}
