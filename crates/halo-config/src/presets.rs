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
