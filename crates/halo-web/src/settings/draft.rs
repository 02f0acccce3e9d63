//! From a posted form to a provider, and from a provider to a form.

use halo_config::{Config, KeyOrigin, Preset, ProviderConfig, Secret, preset};
use halo_types::{Protocol, ProviderId, Target};
use halo_wire::endpoint::{self, EndpointError, Endpoints};

use super::connection::Typed;
use super::form::{Draft, Fault};
use crate::strings::Words;

impl Draft {
    /// The form of a saved provider.
    pub(super) fn of_provider(provider: &ProviderConfig, default: Option<&Target>) -> Self {
        let chosen = default.filter(|target| target.provider == provider.id);
        Self {
            id: Some(provider.id.clone()),
            preset: provider.preset.clone(),
            name: provider.name.clone(),
            base_url: provider.base_url.clone(),
            key_env: provider.key_env.clone().unwrap_or_default(),
            model: chosen
                .map(|target| target.model.clone())
                .or_else(|| provider.models.first().cloned())
                .unwrap_or_default(),
            make_default: chosen.is_some(),
            connection: Typed::of(&provider.connection),
            ..Self::default()
        }
    }

    /// The form of a provider that is to be added.
    pub(super) fn of_preset(preset: &Preset) -> Self {
        Self {
            preset: preset.id.clone(),
            name: if preset.base_url.is_empty() { String::new() } else { preset.name.clone() },
            base_url: preset.base_url.clone(),
            model: preset.models.first().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The provider as it would be saved, on top of what is saved already. `None` for a preset
    /// that does not exist.
    pub(super) fn provider(
        &self,
        config: &Config,
        saved: Option<&ProviderConfig>,
    ) -> Option<ProviderConfig> {
        let mut provider = match saved {
            Some(saved) => saved.clone(),
            None => {
                let preset = preset(&self.preset)?;
                let wish = if preset.base_url.is_empty() { &self.name } else { &preset.id };
                ProviderConfig::from_preset(preset, config.free_id(wish))
            }
        };
        if !self.name.is_empty() {
            provider.name.clone_from(&self.name);
        }
        if !self.base_url.is_empty() {
            provider.base_url.clone_from(&self.base_url);
        }
        // What cannot be used is among the faults.
        self.connection.apply(&mut provider.connection);
        provider.key_env = Some(self.key_env.clone()).filter(|name| !name.is_empty());
        for model in &self.listed {
            if !provider.models.contains(model) {
                provider.models.push(model.clone());
            }
        }
        if !self.refused.is_empty() {
            // A name for one message does not become the one the form shows again.
            if !self.model.is_empty() && !provider.models.contains(&self.model) {
                provider.models.push(self.model.clone());
            }
        } else if !self.model.is_empty() {
            // The first model of the list is the one the form shows again.
            provider.models.retain(|model| *model != self.model);
            provider.models.insert(0, self.model.clone());
        }
        let wanted = preset(&provider.preset).is_none_or(|preset| preset.needs_key);
        let keyless = !self.has_key(saved_keys(config, self.id.as_ref()).len());
        // A server of one's own may work without a key; a vendor never does.
        provider.needs_key = wanted && !(keyless && provider.vendor().is_none());
        Some(provider)
    }

    /// The key a test of the form uses: typed, else saved, else from the environment.
    pub(super) fn first_key(&self, config: &Config, provider: &ProviderConfig) -> Option<Secret> {
        let saved: Vec<String> = saved_keys(config, self.id.as_ref())
            .iter()
            .map(|secret| secret.expose().to_owned())
            .collect();
        let in_file = self.merge_keys(&saved).into_iter().find_map(|key| Secret::parse(&key).ok());
        let wanted = provider.key_variables();
        let known = || {
            let infos = self.id.as_ref().map(|id| config.key_infos(id))?;
            let keys = self.id.as_ref().map(|id| config.keys(id))?;
            keys.into_iter().zip(infos).find_map(|(secret, info)| match info.origin {
                KeyOrigin::Env(name) if wanted.contains(&name.as_str()) => Some(secret),
                _ => None,
            })
        };
        in_file.or_else(known).or_else(|| {
            wanted.iter().find_map(|name| {
                let value = std::env::var(name).ok()?;
                Secret::parse(&value).ok()
            })
        })
    }

    /// What is wrong with the base URL.
    pub(super) fn url_fault(&self, protocol: Protocol) -> Option<Fault> {
        match endpoint::resolve(protocol, &self.base_url) {
            Ok(_) => None,
            Err(EndpointError::Empty) => Some(Fault::UrlEmpty),
            Err(error) => Some(Fault::Url(error.to_string())),
        }
    }
}

/// The keys of a provider that the file holds. Those of the environment are not ours to change.
pub(super) fn saved_keys(config: &Config, id: Option<&ProviderId>) -> Vec<Secret> {
    let Some(id) = id else { return Vec::new() };
    config
        .keys(id)
        .into_iter()
        .zip(config.key_infos(id))
        .filter(|(_, info)| info.origin == KeyOrigin::File)
        .map(|(secret, _)| secret)
        .collect()
}

/// What will be called for a base URL, as the chat resolves it.
pub(super) struct Echo {
    /// The URL of chat requests; empty where there is no base URL yet.
    pub(super) chat: String,
    /// Why there is none.
    pub(super) error: Option<String>,
    /// Whether a key would travel to another computer unencrypted.
    pub(super) plain: bool,
}

impl Echo {
    pub(super) fn of(w: Words, protocol: Protocol, base: &str, has_key: bool) -> Self {
        match endpoint::resolve(protocol, base) {
            Ok(Endpoints { chat, .. }) => {
                let plain = has_key && goes_plain_to_another_computer(&chat);
                Self { chat, error: None, plain }
            }
            Err(EndpointError::Empty) => Self { chat: String::new(), error: None, plain: false },
            Err(error) => {
                let error = Some(w.t1("settings-form-url-bad", "why", error));
                Self { chat: String::new(), error, plain: false }
            }
        }
    }
}

/// Whether a URL is plain http to a host other than this computer.
fn goes_plain_to_another_computer(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let here = host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_to_another_computer_is_warned_of() {
        for (url, plain) in [
            ("http://relay.example/v1/chat/completions", true),
            ("http://192.168.1.9:8000/v1", true),
            ("http://localhost.evil.example/v1", true),
            ("http://[2001:db8::1]:80/v1", true),
            ("https://relay.example/v1", false),
            ("http://localhost:11434/v1", false),
            ("http://LOCALHOST/v1", false),
            ("http://127.0.0.1:9/v1", false),
            ("http://127.8.8.8", false),
            ("http://[::1]:8080/v1", false),
        ] {
            assert_eq!(goes_plain_to_another_computer(url), plain, "{url}");
        }
    }

    #[test]
    fn the_echo_is_what_the_chat_calls() {
        let w = Words::default();
        for base in ["relay.example", "https://relay.example/v1/", "https://relay.example/v1/v1"] {
            let echo = Echo::of(w, Protocol::OpenaiChat, base, true);
            assert_eq!(echo.chat, "https://relay.example/v1/chat/completions", "{base}");
            assert!(echo.error.is_none() && !echo.plain);
        }
        assert!(Echo::of(w, Protocol::Anthropic, "http://relay.example", true).plain);
        assert!(!Echo::of(w, Protocol::Anthropic, "http://relay.example", false).plain);
        assert!(Echo::of(w, Protocol::Anthropic, "not a url", true).error.is_some());
        let empty = Echo::of(w, Protocol::Anthropic, "", true);
        assert!(empty.chat.is_empty() && empty.error.is_none());
    }
}
