//! Facts about common models, kept as data in `catalogue.toml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use halo_types::FactValue;
use serde::Deserialize;

/// What the catalogue says about a model. What it does not say is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogueEntry {
    /// The most it reads, in tokens.
    #[serde(rename = "window")]
    pub context_window: Option<u64>,
    /// The most it writes in one answer, in tokens.
    #[serde(rename = "output")]
    pub max_output: Option<u64>,
    /// Whether it takes pictures.
    pub vision: Option<bool>,
}

impl CatalogueEntry {
    /// The entry as values of facts.
    #[must_use]
    pub fn facts(&self) -> Vec<FactValue> {
        [
            self.context_window.map(FactValue::ContextWindow),
            self.max_output.map(FactValue::MaxOutput),
            self.vision.map(FactValue::Vision),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    models: HashMap<String, CatalogueEntry>,
}

static MODELS: LazyLock<HashMap<String, CatalogueEntry>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/catalogue.toml"))
        .expect("the embedded catalogue is checked by a test");
    file.models.into_iter().map(|(name, entry)| (name.to_ascii_lowercase(), entry)).collect()
});

/// What is known about a model by its name: as given, then without a vendor's prefix
/// (`openai/gpt-4.1`), then without the date of a version behind it (`gpt-4.1-2025-04-14`).
/// `None` where the name is not known; it is never guessed from a similar one.
///
/// ```
/// let entry = halo_config::catalogue("openai/gpt-4.1-2025-04-14").expect("a common model");
/// assert_eq!(entry.vision, Some(true));
/// assert!(halo_config::catalogue("gpt-4.1-of-my-own").is_none());
/// ```
#[must_use]
pub fn catalogue(model: &str) -> Option<CatalogueEntry> {
    let name = model.trim().to_ascii_lowercase();
    let base = name.rsplit('/').next().unwrap_or(&name);
    // OpenRouter marks the free offer of the same model so.
    let base = base.strip_suffix(":free").unwrap_or(base);
    let plain = without_date(base);
    // Relays write the versions of Claude with a dot, Anthropic with a dash.
    let dashed = plain.starts_with("claude-").then(|| plain.replace('.', "-"));
    [Some(name.as_str()), Some(base), Some(plain), dashed.as_deref()]
        .into_iter()
        .flatten()
        .find_map(|name| MODELS.get(name))
        .copied()
}

/// Cuts a date such as `-2025-04-14`, `-20250414` or `@20250414`.
fn without_date(name: &str) -> &str {
    for (length, dashes) in [(10, true), (8, false)] {
        let Some(at) = name.len().checked_sub(length) else { continue };
        if !name.is_char_boundary(at) {
            continue;
        }
        let date = &name[at..];
        let shaped = date.bytes().enumerate().all(|(i, b)| {
            if dashes && (i == 4 || i == 7) { b == b'-' } else { b.is_ascii_digit() }
        });
        if let Some(rest) = name[..at].strip_suffix(['-', '@'])
            && shaped
            && date.starts_with("20")
        {
            return rest;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_cut_and_nothing_else() {
        for (name, want) in [
            ("gpt-4.1-2025-04-14", "gpt-4.1"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
            ("mistral-large-latest", "mistral-large-latest"),
            ("claude-sonnet-4-5", "claude-sonnet-4-5"),
            ("mistral-large-2512", "mistral-large-2512"),
            ("gpt-4-0613", "gpt-4-0613"),
            ("20250929", "20250929"),
            ("模型-20250929", "模型"),
            ("", ""),
        ] {
            assert_eq!(without_date(name), want);
        }
    }

    #[test]
    fn every_entry_is_plausible() {
        assert!(MODELS.len() >= 80, "{}", MODELS.len());
        for (name, entry) in MODELS.iter() {
            let window = entry.context_window.unwrap_or(4096);
            assert!((4096..=20_000_000).contains(&window), "{name}: {window}");
            assert!(entry.max_output.is_none_or(|output| output >= 1000), "{name}");
            assert!(!entry.facts().is_empty(), "{name} says nothing");
        }
    }

    #[test]
    fn names_are_found_with_prefix_and_date_and_never_guessed() {
        let plain = catalogue("claude-sonnet-4-5").unwrap();
        assert_eq!(plain.context_window, Some(200_000));
        for name in [
            "anthropic/claude-sonnet-4-5",
            "Claude-Sonnet-4-5-20250929",
            "claude-sonnet-4-5:free",
            "anthropic/claude-sonnet-4.5",
        ] {
            assert_eq!(catalogue(name), Some(plain), "{name}");
        }
        for name in ["", "/", "claude", "claude-sonnet-4-5-mine", "llama3.2:latest", "-2025-04-14"]
        {
            assert_eq!(catalogue(name), None, "{name}");
        }
    }
}
