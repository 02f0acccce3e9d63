//! How much a model thinks, in Gemini's two forms: <https://ai.google.dev/gemini-api/docs/thinking>
//!
//! From Gemini 3 on a model takes `thinkingLevel`, before it `thinkingBudget`; each refuses the
//! other with 400, and both together. Only the model's name tells which it is.

use halo_types::ThinkingSpec;
use serde_json::{Value, json};

use crate::encode::EncodeOptions;
use crate::thinking;

/// The names under which a target may refuse thinking altogether.
const NAMES: &[&str] = &["thinkingConfig", "thinking_config", "thinking", "reasoning_effort"];

pub(super) fn config(model: &str, spec: &ThinkingSpec, options: &EncodeOptions) -> Option<Value> {
    if options.omits(NAMES) {
        return None;
    }
    let refused_level = options.omits(&["thinkingLevel", "thinking_level"]);
    let refused_budget = options.omits(&["thinkingBudget", "thinking_budget"]);
    // A relay's model may hide behind another name: what was refused is asked in the other form.
    let by_level = match (refused_level, refused_budget) {
        (true, true) => return None,
        (true, false) => false,
        (false, true) => true,
        (false, false) => is_third(model),
    };
    let mut config = json!({});
    match (by_level, thinking::is_off(spec)) {
        (true, true) => config["thinkingLevel"] = json!(lowest(model)),
        (true, false) => {
            if let Some(word) = thinking::effort(spec) {
                config["thinkingLevel"] = json!(level(model, word));
            }
        }
        (false, true) => config["thinkingBudget"] = json!(budget(model, 0)),
        (false, false) => {
            if let Some(tokens) = thinking::budget(spec) {
                config["thinkingBudget"] = json!(budget(model, tokens));
            }
        }
    }
    // Without it a model thinks and shows nothing.
    if !thinking::is_off(spec) && !options.omits(&["includeThoughts", "include_thoughts"]) {
        config["includeThoughts"] = json!(true);
    }
    config.as_object().is_some_and(|map| !map.is_empty()).then_some(config)
}

/// Whether the model is of the third generation or later. It then wants levels, signatures and
/// a user's turn at the end. `gemini-flash-latest` and the like are, today.
pub(super) fn is_third(model: &str) -> bool {
    match generation(model) {
        Some((major, _)) => major >= 3,
        None => model.starts_with("gemini") && model.ends_with("-latest"),
    }
}

/// Major and minor number in `gemini-3.1-pro-preview`.
fn generation(model: &str) -> Option<(u32, u32)> {
    let numbers = model.rsplit_once("gemini-").map(|(_, rest)| rest)?;
    let numbers = numbers.split('-').next().unwrap_or_default();
    let (major, minor) = numbers.split_once('.').unwrap_or((numbers, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Thinking cannot be turned off from Gemini 3 on. The least is `minimal` with the Flash models
/// up to 3.6, and `low` with the rest.
fn lowest(model: &str) -> &'static str {
    let early = generation(model).is_some_and(|generation| generation <= (3, 6));
    if early && model.contains("flash") { "minimal" } else { "low" }
}

fn level(model: &str, word: &str) -> &'static str {
    match word {
        "none" | "minimal" => lowest(model),
        "low" => "low",
        // Gemini 3 Pro, unlike 3.1 Pro and Flash, has nothing between low and high.
        "medium" if generation(model) == Some((3, 0)) && model.contains("pro") => "high",
        "medium" => "medium",
        _ => "high",
    }
}

/// The budget within the limits of the model:
/// <https://ai.google.dev/gemini-api/docs/thinking#set-budget>
fn budget(model: &str, tokens: u64) -> u64 {
    let (least, most, can_stop) = match model {
        model if model.contains("2.5-pro") => (128, 32_768, false),
        model if model.contains("2.5-flash-lite") => (512, 24_576, true),
        model if model.contains("2.5-flash") => (0, 24_576, true),
        _ => return tokens,
    };
    if tokens == 0 && can_stop { 0 } else { tokens.clamp(least, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_the_form() {
        let word = |word: &str| ThinkingSpec { effort: Some(word.to_owned()), budget: None };
        let tokens = |budget| ThinkingSpec { effort: None, budget: Some(budget) };
        let shown = |key: &str, value: Value| json!({ key: value, "includeThoughts": true });
        let cases = [
            ("gemini-2.5-flash", word("low"), shown("thinkingBudget", json!(1_024))),
            ("gemini-2.5-flash", word("none"), json!({ "thinkingBudget": 0 })),
            ("gemini-2.5-flash-lite", tokens(5), shown("thinkingBudget", json!(512))),
            ("gemini-2.5-pro", word("none"), json!({ "thinkingBudget": 128 })),
            ("gemini-2.5-pro", tokens(90_000), shown("thinkingBudget", json!(32_768))),
            ("gemini-2.5-pro", ThinkingSpec::default(), json!({ "includeThoughts": true })),
            ("gemini-3-pro-preview", word("medium"), shown("thinkingLevel", json!("high"))),
            ("gemini-3-pro-preview", word("none"), json!({ "thinkingLevel": "low" })),
            ("gemini-3.1-pro-preview", word("medium"), shown("thinkingLevel", json!("medium"))),
            ("gemini-3-flash-preview", tokens(0), json!({ "thinkingLevel": "minimal" })),
            ("google/gemini-3.5-flash", tokens(20_000), shown("thinkingLevel", json!("high"))),
            ("gemini-3.8-flash", word("minimal"), shown("thinkingLevel", json!("low"))),
            ("gemini-flash-latest", word("max"), shown("thinkingLevel", json!("high"))),
        ];
        for (model, spec, want) in cases {
            let got = config(model, &spec, &EncodeOptions::default());
            assert_eq!(got, Some(want), "{model} {spec:?}");
        }
        let refused =
            |name: &str| EncodeOptions { omit: vec![name.to_owned()], ..EncodeOptions::default() };
        let got = config("alias", &word("low"), &refused("thinking_budget"));
        assert_eq!(got, Some(shown("thinkingLevel", json!("low"))));
        assert_eq!(config("gemini-3-pro", &word("low"), &refused("thinking")), None);
    }
}
