//! The settings of a running Halo: read once, shared, changed one at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use halo_types::{Lang, ProviderId, ProxyUrl, Target, mask_proxy};
use toml_edit::{DocumentMut, Item};

use crate::connection::FIELDS;
use crate::keys::{KEYS, Shape};
use crate::layers::{State, add_passing, fill_password, layered, proxies, take_passwords};
use crate::secrets::{Proxies, ProxyChange};
use crate::{
    ConfigError, ConnectionSettings, Environment, Flags, KeyInfo, KeyOrigin, Origin, Paths, Preset,
    ProviderConfig, RecoverySettings, Secret, Settings, Warning, file, presets, read, secrets,
    write,
};

/// The settings and keys. Clones share one state.
///
/// Reading takes a snapshot and never waits for a file. Changes are made one at a time: the file
/// is read again, changed, written, and only then seen. They block for the time of writing a
/// small file.
#[derive(Debug, Clone)]
pub struct Config(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    paths: Paths,
    environment: Environment,
    flags: Flags,
    /// Held while the files change.
    writer: Mutex<()>,
    state: RwLock<State>,
    listeners: Listeners,
}

type Listener = Box<dyn Fn(&Settings) + Send + Sync>;

/// Those who want to know of changes.
#[derive(Default)]
struct Listeners(Mutex<Vec<Listener>>);

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listeners")
    }
}

impl Config {
    /// Reads the files of the data folder under the environment of this process.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file, line and column or the variable at fault.
    pub fn load(paths: Paths) -> Result<Self, ConfigError> {
        Self::load_with(paths, Environment::process(), Flags::default())
    }

    /// The same, with the layers above the file given.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(
        paths: Paths,
        environment: Environment,
        flags: Flags,
    ) -> Result<Self, ConfigError> {
        let state = layered(&paths, &environment, &flags, Vec::new())?;
        Ok(Self(Arc::new(Inner {
            paths,
            environment,
            flags,
            writer: Mutex::new(()),
            state: RwLock::new(state),
            listeners: Listeners::default(),
        })))
    }

    /// Reads the files again, after the person changed them. Where one is at fault, the settings
    /// in force stay.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn reload(&self) -> Result<(), ConfigError> {
        let _writer = self.writer();
        self.refresh()
    }

    /// Where the files are.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// The settings as they are now, every layer applied.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.read(|state| Arc::clone(&state.settings))
    }

    /// Where the value of a setting comes from: `listen`, `recovery.max_tries`,
    /// `providers.openai`, …
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.read(|state| state.origins.get(key).cloned().unwrap_or(Origin::Default))
    }

    /// What the files hold that does no harm but is worth saying.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.read(|state| state.warnings.clone())
    }

    /// A provider by name.
    #[must_use]
    pub fn provider(&self, id: &ProviderId) -> Option<ProviderConfig> {
        self.settings().provider(id).cloned()
    }

    /// Adds a provider, or replaces the one of the same name.
    ///
    /// # Errors
    /// [`ConfigError::Change`] for a provider without an address, or an error of the file.
    pub fn save_provider(&self, mut provider: ProviderConfig) -> Result<(), ConfigError> {
        provider.base_url = provider.base_url.trim().to_owned();
        provider.name = provider.name.trim().to_owned();
        if provider.name.is_empty() {
            provider.name = provider.id.to_string();
        }
        for (key, text) in [("base_url", &provider.base_url), ("name", &provider.name)] {
            if text.is_empty() || text.contains(char::is_control) {
                return Err(ConfigError::Change {
                    key: format!("providers.{}.{key}", provider.id),
                    expected: "a text in one line".to_owned(),
                    found: text.chars().take(200).collect(),
                });
            }
        }
        self.update(|settings| {
            match settings.providers.iter_mut().find(|old| old.id == provider.id) {
                Some(old) => *old = provider,
                None => settings.providers.push(provider),
            }
        })
    }

    /// Removes a provider with its keys; a default target at it goes too. Says whether it was
    /// there.
    ///
    /// # Errors
    /// An error of one of the files.
    pub fn remove_provider(&self, id: &ProviderId) -> Result<bool, ConfigError> {
        let mut existed = false;
        self.update(|settings| {
            let before = settings.providers.len();
            settings.providers.retain(|provider| provider.id != *id);
            existed = settings.providers.len() < before;
            if settings.default_target.as_ref().is_some_and(|target| target.provider == *id) {
                settings.default_target = None;
            }
        })?;
        if self.read(|state| state.kept.keys.contains_key(id)) {
            self.write_keys(id, &[])?;
        }
        Ok(existed)
    }

    /// Replaces a provider's list of models, after it was fetched.
    ///
    /// # Errors
    /// [`ConfigError::UnknownProvider`] or an error of the file.
    pub fn set_models(&self, id: &ProviderId, models: Vec<String>) -> Result<(), ConfigError> {
        let mut known = false;
        self.update(|settings| {
            if let Some(provider) = settings.providers.iter_mut().find(|old| old.id == *id) {
                provider.models = models;
                known = true;
            }
        })?;
        if known { Ok(()) } else { Err(ConfigError::UnknownProvider(id.clone())) }
    }

    /// Chooses the model that new conversations begin with.
    ///
    /// # Errors
    /// An error of the file.
    pub fn set_default_target(&self, target: Option<Target>) -> Result<(), ConfigError> {
        self.update(|settings| settings.default_target = target)
    }

    /// Chooses the language of explanations.
    ///
    /// # Errors
    /// An error of the file.
    pub fn set_language(&self, language: Option<Lang>) -> Result<(), ConfigError> {
        self.update(|settings| settings.language = language)
    }

    /// Chooses what runs by itself.
    ///
    /// # Errors
    /// [`ConfigError::Change`] for a number out of range, or an error of the file.
    pub fn set_recovery(&self, recovery: RecoverySettings) -> Result<(), ConfigError> {
        self.update(|settings| settings.recovery = recovery)
    }

    /// Changes the settings of the file. What the environment and flags say is not part of what
    /// is changed and still overrules it.
    ///
    /// # Errors
    /// [`ConfigError::Change`] for a value that its key does not take, or an error of the file,
    /// which is then left as it was.
    pub fn update(&self, change: impl FnOnce(&mut Settings)) -> Result<(), ConfigError> {
        let _writer = self.writer();
        let path = self.0.paths.config();
        let text = file::read(&path)?;
        let now = read::parse(&path, text.as_deref().unwrap_or_default())?.settings;
        let mut wanted = now.clone();
        change(&mut wanted);
        check(&wanted)?;
        let known = self.read(|state| state.kept.proxies.clone());
        let mut passwords = take_passwords(&now, &mut wanted);
        passwords.retain(|(address, password)| known.password(address) != password.as_deref());
        if wanted == now && passwords.is_empty() {
            return Ok(());
        }
        let secrets = self.0.paths.secrets();
        if !passwords.is_empty() {
            // Before the settings: a proxy without its password would be refused by itself.
            secrets::write_proxies(&secrets, &passwords)?;
        }
        if let Err(error) = write_settings(&path, text.as_deref(), &now, &wanted) {
            let undone: Vec<ProxyChange> = passwords
                .into_iter()
                .map(|(address, _)| (address.clone(), known.password(&address).map(str::to_owned)))
                .collect();
            if !undone.is_empty() {
                // What was to be said is the first error; a password too many does no harm.
                let _ = secrets::write_proxies(&secrets, &undone);
            }
            return Err(error);
        }
        self.refresh()?;
        self.forget_passwords()
    }

    /// Removes the passwords of proxies that no setting names any more.
    fn forget_passwords(&self) -> Result<(), ConfigError> {
        let unused: Vec<ProxyChange> = self.read(|state| {
            let used: Vec<String> = proxies(&state.settings).map(Proxies::address).collect();
            let kept =
                state.kept.proxies.addresses().filter(|kept| !used.iter().any(|u| u == kept));
            kept.map(|address| (address.to_owned(), None)).collect()
        });
        if unused.is_empty() {
            return Ok(());
        }
        let kept = secrets::write_proxies(&self.0.paths.secrets(), &unused)?;
        self.0.state.write().unwrap_or_else(PoisonError::into_inner).kept = kept;
        Ok(())
    }

    /// How a provider is reached, with the general settings where it has none of its own. The
    /// password of a proxy is filled in, and a path is one that can be opened: a relative one is
    /// taken from the data folder, `~/` from the person's home.
    ///
    /// The provider need not be saved.
    #[must_use]
    pub fn connection(&self, provider: &ProviderConfig) -> ConnectionSettings {
        self.read(|state| {
            let mut connection = provider.connection.over(&state.settings.connection);
            fill_password(&mut connection, &state.kept.proxies);
            connection.ca_file = connection.ca_file.map(|path| self.0.paths.open_path(&path));
            connection
        })
    }

    /// Calls `listener` after every change of the settings, with what holds from then on. It must
    /// not change them itself.
    pub fn on_change(&self, listener: impl Fn(&Settings) + Send + Sync + 'static) {
        let mut all = self.0.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Box::new(listener));
    }

    /// Providers that live only as long as this process, such as the practice provider. They
    /// stand behind the configured ones and are never written to the file.
    pub fn set_passing_providers(&self, providers: Vec<ProviderConfig>) {
        let _writer = self.writer();
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut settings = Settings::clone(&state.settings);
        let old = std::mem::replace(&mut state.passing, providers);
        settings.providers.retain(|provider| !old.contains(provider));
        add_passing(&mut settings, &state.passing);
        let settings = Arc::new(settings);
        state.settings = Arc::clone(&settings);
        drop(state);
        self.tell(&settings);
    }

    /// The keys of a provider, the one to use first in front: those of the file, then that of
    /// the environment.
    #[must_use]
    pub fn keys(&self, id: &ProviderId) -> Vec<Secret> {
        self.keys_with_origin(id).into_iter().map(|(secret, _)| secret).collect()
    }

    /// The same as they may be shown.
    #[must_use]
    pub fn key_infos(&self, id: &ProviderId) -> Vec<KeyInfo> {
        self.keys_with_origin(id)
            .into_iter()
            .map(|(secret, origin)| KeyInfo { masked: secret.masked(), origin })
            .collect()
    }

    /// Every key of every provider and every password of a proxy, for masking them in texts.
    #[must_use]
    pub fn all_keys(&self) -> Vec<Secret> {
        let mut all: Vec<Secret> =
            self.read(|state| state.kept.keys.values().flatten().cloned().collect());
        for provider in &self.settings().providers {
            for (secret, _) in self.keys_with_origin(&provider.id) {
                if !all.contains(&secret) {
                    all.push(secret);
                }
            }
        }
        all.extend(proxies(&self.settings()).flat_map(ProxyUrl::secrets).map(Secret::of_proxy));
        all
    }

    /// Replaces the keys that the file holds for a provider. Texts are taken as pasted; see
    /// [`Secret::parse`].
    ///
    /// # Errors
    /// [`ConfigError::Key`], or an error of the file.
    pub fn set_keys<T: AsRef<str>>(&self, id: &ProviderId, keys: &[T]) -> Result<(), ConfigError> {
        let mut secrets: Vec<Secret> = Vec::with_capacity(keys.len());
        for key in keys {
            let secret = Secret::parse(key.as_ref())?;
            if !secrets.contains(&secret) {
                secrets.push(secret);
            }
        }
        self.write_keys(id, &secrets)
    }

    /// Puts a key in front of those the file holds; the others stay behind it.
    ///
    /// # Errors
    /// As [`Config::set_keys`].
    pub fn add_key(&self, id: &ProviderId, key: &str) -> Result<(), ConfigError> {
        let secret = Secret::parse(key)?;
        let mut secrets = self.file_keys(id);
        secrets.retain(|old| *old != secret);
        secrets.insert(0, secret);
        self.write_keys(id, &secrets)
    }

    /// Removes one of the keys that the file holds, counted from 0 as in [`Config::key_infos`].
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`], or an error of the file.
    pub fn remove_key(&self, id: &ProviderId, index: usize) -> Result<(), ConfigError> {
        let mut secrets = self.file_keys(id);
        if index >= secrets.len() {
            return Err(ConfigError::UnknownKey { provider: id.clone(), number: index + 1 });
        }
        secrets.remove(index);
        self.write_keys(id, &secrets)
    }

    /// A name for a new provider that is not taken: the wish in plain letters, with a number
    /// behind it where needed.
    #[must_use]
    pub fn free_id(&self, wish: &str) -> ProviderId {
        let settings = self.settings();
        let base = slug(wish);
        (1_u32..)
            .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
            .filter_map(|name| name.parse::<ProviderId>().ok())
            .find(|id| settings.provider(id).is_none())
            .expect("there are fewer providers than numbers")
    }

    /// Presets whose usual environment variable holds a key and which are not configured yet.
    #[must_use]
    pub fn presets_with_key(&self) -> Vec<&'static Preset> {
        let settings = self.settings();
        presets()
            .iter()
            .filter(|preset| settings.providers.iter().all(|own| own.preset != preset.id))
            .filter(|preset| {
                preset.key_env.iter().any(|name| self.0.environment.var(name).is_some())
            })
            .collect()
    }

    fn keys_with_origin(&self, id: &ProviderId) -> Vec<(Secret, KeyOrigin)> {
        let mut keys: Vec<(Secret, KeyOrigin)> =
            self.file_keys(id).into_iter().map(|secret| (secret, KeyOrigin::File)).collect();
        if let Some(provider) = self.settings().provider(id) {
            let found = provider.key_variables().into_iter().find_map(|name| {
                let secret = Secret::parse(&self.0.environment.var(name)?).ok()?;
                Some((secret, KeyOrigin::Env(name.to_owned())))
            });
            if let Some((secret, origin)) = found
                && keys.iter().all(|(other, _)| *other != secret)
            {
                keys.push((secret, origin));
            }
        }
        keys
    }

    fn file_keys(&self, id: &ProviderId) -> Vec<Secret> {
        self.read(|state| state.kept.keys.get(id).cloned().unwrap_or_default())
    }

    fn write_keys(&self, id: &ProviderId, keys: &[Secret]) -> Result<(), ConfigError> {
        let _writer = self.writer();
        let kept = secrets::write(&self.0.paths.secrets(), id, keys)?;
        self.0.state.write().unwrap_or_else(PoisonError::into_inner).kept = kept;
        Ok(())
    }

    fn refresh(&self) -> Result<(), ConfigError> {
        let passing = self.read(|state| state.passing.clone());
        let state = layered(&self.0.paths, &self.0.environment, &self.0.flags, passing)?;
        let settings = Arc::clone(&state.settings);
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.tell(&settings);
        Ok(())
    }

    fn tell(&self, settings: &Settings) {
        let listeners = self.0.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|listener| listener(settings));
    }

    fn read<T>(&self, take: impl FnOnce(&State) -> T) -> T {
        take(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        // The lock guards files, which a panic cannot leave half written.
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the settings file.
fn write_settings(
    path: &Path,
    text: Option<&str>,
    now: &Settings,
    wanted: &Settings,
) -> Result<(), ConfigError> {
    let mut document = match text {
        Some(text) => {
            text.parse::<DocumentMut>().map_err(|error| read::syntax(path, text, &error))?
        }
        None => write::fresh(),
    };
    write::apply(&mut document, now, wanted);
    let text = document.to_string();
    // What cannot be read back must not replace what can.
    read::parse(path, &text)?;
    file::write(path, &text)
}

/// Whether every single value would be read back.
fn check(settings: &Settings) -> Result<(), ConfigError> {
    for key in KEYS {
        let Some(value) = (key.value)(settings) else { continue };
        let item = Item::Value(value);
        let mut read = settings.clone();
        let reads = read::shaped(&item, key.shape).is_some_and(|text| (key.set)(&mut read, &text));
        // A comma in the name of a model would make two of it.
        let told = |settings: &Settings| (key.value)(settings).map(|value| value.to_string());
        let same = key.shape != Shape::List || told(&read) == told(settings);
        if !(reads && same) {
            let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
            return Err(ConfigError::Change {
                key: key.name.to_owned(),
                expected: key.expected.to_owned(),
                found: mask_proxy(text.trim()),
            });
        }
    }
    for provider in &settings.providers {
        for field in FIELDS {
            let Some(value) = (field.value)(&provider.connection) else { continue };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if !(field.set)(&mut ConnectionSettings::default(), text.trim()) {
                return Err(ConfigError::Change {
                    key: format!("providers.{}.{}", provider.id, field.name),
                    expected: field.expected.to_owned(),
                    found: mask_proxy(&text),
                });
            }
        }
    }
    Ok(())
}

/// Lower-case letters, digits and single dashes.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if slug.len() >= 48 {
            break;
        }
        if c.is_ascii_alphanumeric() || c == '_' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "provider".to_owned() } else { slug.to_owned() }
}
