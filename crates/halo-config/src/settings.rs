//! The settings as the rest of Halo reads them.

use std::net::{Ipv4Addr, SocketAddr};

use halo_recover::Reach;
use halo_types::{Lang, Protocol, ProviderId, Target};

use crate::{ConnectionSettings, Preset, preset};

/// All settings, every layer applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the app listens.
    pub listen: SocketAddr,
    /// Names under which other machines reach the app, without port. `localhost` and addresses
    /// written as numbers are always taken; a name is taken only if it stands here, because a
    /// stranger can make a name of theirs point at this machine.
    pub hosts: Vec<String>,
    /// The model that new conversations begin with.
    pub default_target: Option<Target>,
    /// The language of explanations; `None` follows the browser or the terminal.
    pub language: Option<Lang>,
    /// Where *Report* opens an issue.
    pub report_url: Option<String>,
    /// What runs by itself.
    pub recovery: RecoverySettings,
    /// How providers are reached that have no settings of their own for it.
    pub connection: ConnectionSettings,
    /// The configured providers, in the person's order.
    pub providers: Vec<ProviderConfig>,
}

impl Settings {
    /// The provider of that name.
    #[must_use]
    pub fn provider(&self, id: &ProviderId) -> Option<&ProviderConfig> {
        self.providers.iter().find(|provider| provider.id == *id)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7575)),
            hosts: Vec::new(),
            default_target: None,
            language: None,
            report_url: None,
            recovery: RecoverySettings::default(),
            connection: ConnectionSettings::default(),
            providers: Vec::new(),
        }
    }
}

/// What Halo may do by itself after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySettings {
    /// Wait and resend after failures that pass.
    pub retry_automatically: bool,
    /// The most tries of one turn, the first one counted.
    pub max_tries: u32,
    /// The longest wait that is sat out in front of the person, in seconds.
    pub max_wait_in_line_s: u64,
    /// Leave pictures out without asking where the model cannot see.
    pub always_omit_images: bool,
    /// Send pictures smaller without asking where the model refuses them as they are.
    pub always_shrink_images: bool,
    /// Compact without asking where the conversation is too long.
    pub always_compact: bool,
    /// The share of the window, in percent, at which compaction is offered, or done.
    pub compact_at_percent: u8,
    /// How far a turn may go by itself where its first choice fails.
    pub failover: Reach,
    /// The models that may stand in for any other, best first.
    pub ladder: Vec<Target>,
}

impl Default for RecoverySettings {
    fn default() -> Self {
        Self {
            retry_automatically: true,
            max_tries: 4,
            max_wait_in_line_s: 120,
            always_omit_images: false,
            always_shrink_images: false,
            always_compact: false,
            compact_at_percent: 80,
            failover: Reach::Off,
            ladder: Vec::new(),
        }
    }
}

/// A provider as configured. Its keys are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Its short name, unique among the providers.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// The preset it was made from, an id of [`crate::presets`].
    pub preset: String,
    /// The protocol it speaks.
    pub protocol: Protocol,
    /// The base URL as the person gave it.
    pub base_url: String,
    /// The environment variable that holds its key, where the person named one.
    pub key_env: Option<String>,
    /// Whether requests need a key.
    pub needs_key: bool,
    /// Names of models: fetched from the provider, typed, or the preset's.
    pub models: Vec<String>,
    /// How it is reached, where that differs from the general settings.
    pub connection: ConnectionSettings,
}

impl ProviderConfig {
    /// A provider as its preset describes it.
    #[must_use]
    pub fn from_preset(preset: &Preset, id: ProviderId) -> Self {
        let name = if preset.base_url.is_empty() { id.to_string() } else { preset.name.clone() };
        Self {
            id,
            name,
            preset: preset.id.clone(),
            protocol: preset.protocol,
            base_url: preset.base_url.clone(),
            key_env: None,
            needs_key: preset.needs_key,
            models: preset.models.clone(),
            connection: ConnectionSettings::default(),
        }
    }

    /// The vendor behind it, by the id under which links are kept; `None` for relays and servers
    /// of one's own, a preset moved to another host among them.
    #[must_use]
    pub fn vendor(&self) -> Option<&'static str> {
        self.own_preset()?.vendor.as_deref()
    }

    /// The environment variables that may hold its key, first one first: the one the person
    /// named, else the usual ones of the preset.
    ///
    /// The usual ones count only while the base URL is on the preset's own host, so that the key
    /// of a vendor never goes to a relay by itself.
    #[must_use]
    pub fn key_variables(&self) -> Vec<&str> {
        match &self.key_env {
            Some(name) => vec![name],
            None => self
                .own_preset()
                .map(|preset| preset.key_env.iter().map(String::as_str).collect())
                .unwrap_or_default(),
        }
    }

    /// The preset, where the base URL is still on its host.
    fn own_preset(&self) -> Option<&'static Preset> {
        let preset = preset(&self.preset)?;
        let same = !preset.base_url.is_empty()
            && origin(&self.base_url).eq_ignore_ascii_case(origin(&preset.base_url));
        same.then_some(preset)
    }
}

/// Host and port of a base URL. A missing scheme is taken for https; plain http to the host of a
/// preset that wants https is another origin.
fn origin(url: &str) -> &str {
    let url = url.trim();
    let rest = url.strip_prefix("https://").unwrap_or(url);
    match rest.find("://") {
        Some(scheme) => &rest[..scheme + 3 + host_length(&rest[scheme + 3..])],
        None => &rest[..host_length(rest)],
    }
}

fn host_length(rest: &str) -> usize {
    rest.find(['/', '?', '#']).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_key_stays_with_the_vendor() {
        let mut provider =
            ProviderConfig::from_preset(preset("openai").unwrap(), "openai".parse().unwrap());
        for own in ["https://api.openai.com", " api.openai.com/v1/", "https://API.openai.com/v1"] {
            provider.base_url = own.into();
            assert_eq!(provider.key_variables(), ["OPENAI_API_KEY"], "{own}");
            assert_eq!(provider.vendor(), Some("openai"), "{own}");
        }
        for other in [
            "https://api.openai.com.relay.example/v1",
            "https://relay.example/api.openai.com",
            "http://api.openai.com/v1",
            "https://api.openai.com@relay.example/v1",
            "",
        ] {
            provider.base_url = other.into();
            assert!(provider.key_variables().is_empty(), "{other}");
            assert_eq!(provider.vendor(), None, "{other}");
        }
        provider.key_env = Some("RELAY_KEY".into());
        assert_eq!(provider.key_variables(), ["RELAY_KEY"]);
    }
}
