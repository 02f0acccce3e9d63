//! One HTTP client per provider: its own connections, timers, proxy and certificates.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use halo_config::{ConnectionSettings, ProviderConfig, Settings};
use halo_transport::{Client, ClientError, ClientOptions};
use halo_types::ProviderId;

use crate::Engine;

/// The clients in use. They are made when a provider is first asked, made anew when what they
/// were made of has changed, and dropped with their provider. Answers that are being read outlive
/// their client.
pub(crate) struct Clients {
    /// What holds where the settings say nothing.
    pub(crate) usual: ClientOptions,
    known: Mutex<HashMap<ProviderId, Kept>>,
}

struct Kept {
    of: MadeOf,
    client: Client,
}

/// What a client was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MadeOf {
    options: ClientOptions,
    /// Size and age of the file of certificates: its content may change under the same name.
    ca: Option<(u64, Option<SystemTime>)>,
}

impl MadeOf {
    fn new(options: ClientOptions) -> Self {
        let look = |path: &Path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.len(), metadata.modified().ok()))
        };
        Self { ca: options.ca_file.as_deref().and_then(look), options }
    }
}

impl Clients {
    pub(crate) fn new(usual: ClientOptions) -> Self {
        Self { usual, known: Mutex::default() }
    }

    /// Drops the clients of providers that are gone.
    pub(crate) fn keep_only(&self, settings: &Settings) {
        self.lock().retain(|id, _| settings.provider(id).is_some());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProviderId, Kept>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The usual options with what the settings say over them. `own_proxy` is whether the proxy was
/// chosen for this very provider.
fn options(
    usual: &ClientOptions,
    connection: ConnectionSettings,
    own_proxy: bool,
) -> ClientOptions {
    let seconds = |given: Option<u64>| given.map(Duration::from_secs);
    let first_byte = seconds(connection.first_byte_timeout_s);
    // Who wants an answer to begin within five seconds does not mean to wait fifteen for the
    // connection.
    let connect = seconds(connection.connect_timeout_s)
        .or_else(|| first_byte.map(|most| most.min(usual.connect_timeout)));
    ClientOptions {
        connect_timeout: connect.unwrap_or(usual.connect_timeout),
        first_byte_timeout: first_byte.unwrap_or(usual.first_byte_timeout),
        idle_timeout: seconds(connection.idle_timeout_s).unwrap_or(usual.idle_timeout),
        proxy: connection.proxy.unwrap_or_else(|| usual.proxy.clone()),
        proxy_this_machine: own_proxy || usual.proxy_this_machine,
        ca_file: connection.ca_file.or_else(|| usual.ca_file.clone()),
        limits: usual.limits,
    }
}

impl Engine {
    /// How a provider is reached, every layer applied. It need not be saved.
    #[must_use]
    pub fn client_options(&self, provider: &ProviderConfig) -> ClientOptions {
        let connection = self.config().connection(provider);
        options(&self.clients().usual, connection, provider.connection.proxy.is_some())
    }

    /// The client that speaks to a provider. One that is not saved, or not saved like this, gets
    /// a client of its own that nobody keeps.
    ///
    /// # Errors
    /// If the settings of its connection cannot be carried out, such as a file of certificates
    /// that is missing.
    pub async fn client(&self, provider: &ProviderConfig) -> Result<Client, ClientError> {
        let wanted = MadeOf::new(self.client_options(provider));
        let settings = self.config().settings();
        let saved = settings.provider(&provider.id);
        let kept = saved.is_some_and(|saved| self.client_options(saved) == wanted.options);
        if kept
            && let Some(known) = self.clients().lock().get(&provider.id)
            && known.of == wanted
        {
            return Ok(known.client.clone());
        }
        let options = wanted.options.clone();
        // Files are read; where the runtime ends meanwhile, the request has no future either.
        let client = match tokio::task::spawn_blocking(move || Client::new(options)).await {
            Ok(made) => made?,
            Err(_) => Client::new(wanted.options.clone())?,
        };
        if !kept {
            return Ok(client);
        }
        let mut known = self.clients().lock();
        match known.entry(provider.id.clone()) {
            // Two first requests at once share what the faster one made.
            Entry::Occupied(entry) if entry.get().of == wanted => Ok(entry.get().client.clone()),
            Entry::Occupied(mut entry) => {
                entry.insert(Kept { of: wanted, client: client.clone() });
                Ok(client)
            }
            Entry::Vacant(entry) => {
                // It may have been removed while its client was made.
                if self.config().provider(&provider.id).is_some() {
                    entry.insert(Kept { of: wanted, client: client.clone() });
                }
                Ok(client)
            }
        }
    }

    /// How many clients are kept, for tests and for those who look for a leak.
    #[must_use]
    pub fn kept_clients(&self) -> usize {
        self.clients().lock().len()
    }

    /// Lets go of clients as providers are removed.
    pub(crate) fn watch_providers(&self) {
        let clients = Arc::downgrade(self.clients());
        self.config().on_change(move |settings| {
            if let Some(clients) = clients.upgrade() {
                clients.keep_only(settings);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use halo_types::Proxy;

    use super::*;

    #[test]
    fn settings_stand_over_the_usual_options() {
        let usual = ClientOptions::default();
        assert_eq!(options(&usual, ConnectionSettings::default(), false), usual);
        let connection = ConnectionSettings {
            proxy: Some(Proxy::Direct),
            ca_file: Some("/ca.pem".into()),
            first_byte_timeout_s: Some(5),
            idle_timeout_s: Some(600),
            ..ConnectionSettings::default()
        };
        let got = options(&usual, connection.clone(), true);
        assert_eq!((got.connect_timeout, got.first_byte_timeout), (secs(5), secs(5)));
        assert_eq!((got.idle_timeout, got.proxy), (secs(600), Proxy::Direct));
        assert!(got.proxy_this_machine && got.ca_file.is_some());
        let both = ConnectionSettings { connect_timeout_s: Some(9), ..connection };
        assert_eq!(options(&usual, both, false).connect_timeout, secs(9));
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
