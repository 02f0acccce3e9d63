//! How much a model thinks: the word that one protocol asks for, and the budget of another.

use halo_types::ThinkingSpec;

/// Budgets in tokens that stand for the words, smallest first. No provider documents such a
/// table; the figures follow what common gateways do, e.g.
/// <https://docs.litellm.ai/docs/reasoning_content>.
const WORDS: &[(&str, u64)] = &[
    ("none", 0),
    ("minimal", 512),
    ("low", 1_024),
    ("medium", 4_096),
    ("high", 16_384),
    ("xhigh", 32_768),
];

/// Whether no thinking at all is asked for.
pub(crate) fn is_off(spec: &ThinkingSpec) -> bool {
    spec.budget == Some(0) || (spec.budget.is_none() && spec.effort.as_deref() == Some("none"))
}

/// The word, or the nearest one for the budget. `None` leaves it to the model.
pub(crate) fn effort(spec: &ThinkingSpec) -> Option<&str> {
    if is_off(spec) {
        return Some("none");
    }
    spec.effort.as_deref().or_else(|| {
        let budget = spec.budget?;
        WORDS.iter().skip(1).rev().find(|(_, from)| budget >= *from).or(WORDS.get(1)).map(|w| w.0)
    })
}

/// The budget, or the one that the word stands for. `None` leaves it to the model.
pub(crate) fn budget(spec: &ThinkingSpec) -> Option<u64> {
    let word = spec.effort.as_deref();
    spec.budget.or_else(|| WORDS.iter().find(|(known, _)| Some(*known) == word).map(|w| w.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_budgets_stand_for_each_other() {
        let spec = |effort: Option<&str>, budget| ThinkingSpec {
            effort: effort.map(str::to_owned),
            budget,
        };
        let cases = [
            (spec(Some("none"), None), Some("none"), Some(0)),
            (spec(None, Some(0)), Some("none"), Some(0)),
            (spec(None, Some(1)), Some("minimal"), Some(1)),
            (spec(None, Some(1_024)), Some("low"), Some(1_024)),
            (spec(None, Some(10_000)), Some("medium"), Some(10_000)),
            (spec(Some("high"), None), Some("high"), Some(16_384)),
            (spec(Some("max"), None), Some("max"), None),
            (spec(None, None), None, None),
        ];
        for (spec, word, tokens) in cases {
            assert_eq!(effort(&spec), word, "{spec:?}");
            assert_eq!(budget(&spec), tokens, "{spec:?}");
        }
    }
}
