//! The layers of the settings, one over the other: defaults, file, environment, flags; and what the
//! keys file adds to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use halo_types::{Proxy, ProxyUrl};

use crate::keys::KEYS;
use crate::read::Parsed;
use crate::secrets::{Kept, Proxies, ProxyChange};
use crate::{
    ConfigError, ConnectionSettings, Environment, Flags, Origin, Paths, ProviderConfig, Settings,
    Warning, file, read, secrets,
};

/// What holds, every layer applied.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) settings: Arc<Settings>,
    pub(crate) origins: BTreeMap<String, Origin>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) kept: Kept,
    /// Providers that live as long as the process and are never written.
    pub(crate) passing: Vec<ProviderConfig>,
}

/// Reads the files and puts the other layers over them.
pub(crate) fn layered(
    paths: &Paths,
    environment: &Environment,
    flags: &Flags,
    passing: Vec<ProviderConfig>,
) -> Result<State, ConfigError> {
    let path = paths.config();
    let text = file::read(&path)?.unwrap_or_default();
    let Parsed { mut settings, lines, mut warnings } = read::parse(&path, &text)?;
    let mut origins: BTreeMap<String, Origin> =
        lines.into_iter().map(|(key, line)| (key, Origin::File { line })).collect();
    for key in KEYS {
        if let Some(value) = environment.var(key.env) {
            read::overlay(&mut settings, key, key.env, &value)?;
            origins.insert(key.name.to_owned(), Origin::Env(key.env.to_owned()));
        }
    }
    if let Some(listen) = flags.listen {
        settings.listen = listen;
        origins.insert("listen".to_owned(), Origin::Flag("--listen"));
    }
    if !flags.hosts.is_empty() {
        settings.hosts.clone_from(&flags.hosts);
        origins.insert("hosts".to_owned(), Origin::Flag("--host"));
    }
    if let Some(language) = flags.language {
        settings.language = Some(language);
        origins.insert("language".to_owned(), Origin::Flag("--lang"));
    }
    let (kept, more) = secrets::read(&paths.secrets())?;
    warnings.extend(more);
    for connection in connections_mut(&mut settings) {
        fill_password(connection, &kept.proxies);
    }
    add_passing(&mut settings, &passing);
    Ok(State { settings: Arc::new(settings), origins, warnings, kept, passing })
}

/// A configured provider of the same name wins.
pub(crate) fn add_passing(settings: &mut Settings, passing: &[ProviderConfig]) {
    for provider in passing {
        if settings.provider(&provider.id).is_none() {
            settings.providers.push(provider.clone());
        }
    }
}

/// The settings of every connection, the general one first.
pub(crate) fn connections_mut(
    settings: &mut Settings,
) -> impl Iterator<Item = &mut ConnectionSettings> {
    let own = settings.providers.iter_mut().map(|provider| &mut provider.connection);
    std::iter::once(&mut settings.connection).chain(own)
}

pub(crate) fn connections(settings: &Settings) -> impl Iterator<Item = &ConnectionSettings> {
    let own = settings.providers.iter().map(|provider| &provider.connection);
    std::iter::once(&settings.connection).chain(own)
}

pub(crate) fn proxies(settings: &Settings) -> impl Iterator<Item = &ProxyUrl> {
    connections(settings).filter_map(|connection| connection.proxy.as_ref()?.url())
}

pub(crate) fn fill_password(connection: &mut ConnectionSettings, proxies: &Proxies) {
    if let Some(Proxy::Url(url)) = &mut connection.proxy {
        *url = proxies.fill(url);
    }
}

/// Takes the passwords of proxies out of what is to be written to the settings file, except where
/// the person wrote one there by hand and leaves it so.
pub(crate) fn take_passwords(now: &Settings, wanted: &mut Settings) -> Vec<ProxyChange> {
    let written: Vec<ProxyUrl> = proxies(now).cloned().collect();
    let mut taken = Vec::new();
    for connection in connections_mut(wanted) {
        let Some(Proxy::Url(url)) = &mut connection.proxy else { continue };
        let Some(password) = url.password().filter(|_| !written.contains(url)) else { continue };
        let encoded = url.encoded_password().unwrap_or_default().to_owned();
        *url = url.without_password();
        let change = Some(encoded).filter(|_| !password.is_empty());
        taken.push((Proxies::address(url), change));
    }
    taken
}
