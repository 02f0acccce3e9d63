//! Providers that Halo knows by name, kept as data in `presets.toml`.

use std::sync::LazyLock;

use halo_types::Protocol;
use serde::Deserialize;

/// A provider that Halo knows, or a kind of provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its short name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The protocol it speaks.
    pub protocol: Protocol,
    /// Its base URL; empty where the person must give one.
    #[serde(default)]
    pub base_url: String,
    /// The environment variables that usually hold its key.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// How its keys begin.
    #[serde(default)]
    pub key_prefixes: Vec<String>,
    /// Beginnings that its keys share with those of others.
    #[serde(default)]
    pub key_shared: Vec<String>,
    /// How a whole key of it looks; made up.
    #[serde(default)]
    pub key_example: Option<String>,
    /// The id under which links of its vendor are kept.
    #[serde(default)]
    pub vendor: Option<String>,
    /// Whether requests need a key.
    #[serde(default = "yes")]
    pub needs_key: bool,
    /// Models to begin with, until the provider's own list is fetched.
    #[serde(default)]
    pub models: Vec<String>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    preset: Vec<Preset>,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    toml::from_str::<File>(include_str!("../data/presets.toml"))
        .expect("the embedded presets are checked by a test")
        .preset
});

/// All presets, in the order in which they are offered.
#[must_use]
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The preset of that name.
#[must_use]
pub fn preset(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id)
}

/// The provider whose keys begin as this one does, the longest beginning first; `None` where
/// several share it or none has it.
///
/// ```
/// assert_eq!(halo_config::guess_preset("sk-ant-api03-x").expect("known").id, "anthropic");
/// assert!(halo_config::guess_preset("hello").is_none());
/// ```
#[must_use]
pub fn guess_preset(key: &str) -> Option<&'static Preset> {
    let key = key.trim();
    PRESETS
        .iter()
        .filter_map(|preset| {
            let longest = preset
                .key_prefixes
                .iter()
                .filter(|prefix| key.starts_with(prefix.as_str()))
                .map(String::len)
                .max()?;
            Some((longest, preset))
        })
        .max_by_key(|(longest, _)| *longest)
        .map(|(_, preset)| preset)
}

/// The presets a key may belong to, as far as its beginning tells: the one whose own beginning it
/// has, or all that share its beginning, or none.
///
/// ```
/// let ids = |key| halo_config::likely_presets(key).iter().map(|p| &*p.id).collect::<Vec<_>>();
/// assert_eq!(ids("gsk_0123456789abcdef0123"), ["groq"]);
/// assert!(ids("sk-0123456789abcdef0123").len() > 1);
/// ```
#[must_use]
pub fn likely_presets(key: &str) -> Vec<&'static Preset> {
    if let Some(preset) = guess_preset(key) {
        return vec![preset];
    }
    let key = key.trim();
    let shares = |preset: &&Preset| preset.key_shared.iter().any(|p| key.starts_with(p.as_str()));
    PRESETS.iter().filter(shares).collect()
}

/// Every beginning that a key may have, for scripts that look for one.
pub fn key_beginnings() -> impl Iterator<Item = &'static str> {
    let all = PRESETS.iter().flat_map(|p| p.key_prefixes.iter().chain(&p.key_shared));
    all.map(String::as_str)
}

/// The fewest letters of a key, with its beginning.
const SHORTEST_KEY: usize = 20;

/// Finds what looks like a key of a provider among other words.
///
/// ```
/// assert!(halo_config::find_key("Why is sk-or-v1-0123456789abcdef refused?").is_some());
/// assert!(halo_config::find_key("What begins with sk-ant-?").is_none());
/// ```
#[must_use]
pub fn find_key(text: &str) -> Option<&str> {
    let in_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.split(|c| !in_key(c)).map(|word| word.trim_end_matches('.')).find(|word| is_key(word))
}

/// Whether a word is as long as a key, begins as one and mixes letters and digits as one does:
/// words that people write (`sk-learn-compatible-estimators`) hold no digits.
fn is_key(word: &str) -> bool {
    word.len() >= SHORTEST_KEY
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_alphabetic())
        && !likely_presets(word).is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn presets_are_whole() {
        let ids: BTreeSet<&str> = presets().iter().map(|preset| preset.id.as_str()).collect();
        assert_eq!(ids.len(), presets().len(), "ids are unique");
        let mut prefixes = BTreeSet::new();
        for preset in presets() {
            assert!(preset.id.parse::<halo_types::ProviderId>().is_ok(), "{}", preset.id);
            let kind = preset.id.ends_with("-compatible");
            assert_eq!(preset.base_url.is_empty(), kind, "{}", preset.id);
            assert_eq!(preset.vendor.is_none(), kind, "{}", preset.id);
            for prefix in &preset.key_prefixes {
                assert!(prefixes.insert(prefix), "{prefix} is claimed twice");
            }
            for model in &preset.models {
                assert!(crate::catalogue(model).is_some(), "{model} is not in the catalogue");
            }
        }
    }

    #[test]
    fn examples_of_keys_are_found_and_told() {
        for preset in presets() {
            let keys = preset.key_prefixes.len() + preset.key_shared.len() > 0;
            let kind = preset.base_url.is_empty();
            assert_eq!(keys && !kind, preset.key_example.is_some(), "{}", preset.id);
            let Some(example) = &preset.key_example else { continue };
            assert!(likely_presets(example).contains(&preset), "{example}");
            let own = !preset.key_prefixes.is_empty();
            assert_eq!(own, likely_presets(example).len() == 1, "{example}");
            for text in [example.clone(), format!("密钥：{example}，"), format!("Is {example}.")]
            {
                assert_eq!(find_key(&text), Some(example.as_str()), "{text}");
            }
        }
        for words in [
            "",
            "sk-",
            "sk-ant-api03-…",
            "Which keys begin with sk-proj-?",
            "sk-learn-compatible-estimators-of-today",
            "risk-0123456789abcdef0123456789",
            "https://example.org/a/0123456789abcdef0123456789",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert_eq!(find_key(words), None, "{words}");
        }
    }

    #[test]
    fn keys_tell_their_provider() {
        for (key, want) in [
            ("sk-ant-api03-abc", Some("anthropic")),
            ("sk-proj-abc", Some("openai")),
            ("sk-svcacct-abc", Some("openai")),
            (" AIzaSyabc", Some("gemini")),
            ("sk-or-v1-abc", Some("openrouter")),
            ("sk-0123456789abcdef0123456789abcdef", None),
            ("", None),
        ] {
            assert_eq!(guess_preset(key).map(|preset| preset.id.as_str()), want, "{key}");
        }
    }
}
