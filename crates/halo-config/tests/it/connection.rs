//! How providers are reached: layers, and where the password of a proxy is kept.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use halo_config::{Config, ConfigError, ConnectionSettings, Origin, ProviderConfig, preset};
use halo_types::{ProviderId, Proxy};

use crate::Folder;

fn id(text: &str) -> ProviderId {
    text.parse().unwrap()
}

fn openai() -> ProviderConfig {
    ProviderConfig::from_preset(preset("openai").unwrap(), id("openai"))
}

fn proxy(text: &str) -> Option<Proxy> {
    Some(text.parse().unwrap())
}

fn secrets_text(folder: &Folder) -> String {
    fs::read_to_string(folder.paths().secrets()).unwrap_or_default()
}

/// The proxy of `openai` as requests use it.
fn exposed(config: &Config) -> String {
    let provider = config.provider(&id("openai")).unwrap();
    let connection = config.connection(&provider);
    connection.proxy.as_ref().and_then(Proxy::url).map(|url| url.expose()).unwrap_or_default()
}

#[test]
fn a_providers_own_settings_stand_over_the_general_ones() {
    let folder = Folder::with(Some(
        "[connection]\nproxy = \"socks5h://general:1\"\nca_file = \"own/ca.pem\"\nidle_timeout_s = 60\n\
         [providers.openai]\nproxy = \"direct\"\nconnect_timeout_s = 5\n\
         [providers.anthropic]\nca_file = \"/etc/other.pem\"\n",
    ));
    let config =
        folder.load(&[("HALO_IDLE_TIMEOUT_S", "30"), ("HALO_CONNECT_TIMEOUT_S", "9")]).unwrap();
    assert_eq!(config.warnings(), []);
    let openai = config.connection(&config.provider(&id("openai")).unwrap());
    assert_eq!(
        openai,
        ConnectionSettings {
            proxy: Some(Proxy::Direct),
            ca_file: Some(folder.paths().data().join("own/ca.pem")),
            connect_timeout_s: Some(5),
            first_byte_timeout_s: None,
            idle_timeout_s: Some(30),
        }
    );
    let anthropic = config.connection(&config.provider(&id("anthropic")).unwrap());
    assert_eq!(anthropic.proxy, proxy("socks5h://general:1"));
    assert_eq!(anthropic.ca_file.as_deref(), Some(Path::new("/etc/other.pem")));
    assert_eq!(anthropic.connect_timeout_s, Some(9));
    for (key, origin) in [
        ("connection.proxy", Origin::File { line: 2 }),
        ("connection.idle_timeout_s", Origin::Env("HALO_IDLE_TIMEOUT_S".into())),
        ("connection.first_byte_timeout_s", Origin::Default),
        ("providers.openai.connect_timeout_s", Origin::File { line: 7 }),
    ] {
        assert_eq!(config.origin(key), origin, "{key}");
    }
}

#[test]
fn a_proxy_of_the_environment_may_have_a_password_and_is_not_written() {
    let folder = Folder::with(Some("[providers.openai]\n"));
    let config = folder.load(&[("HALO_PROXY", "http://me:geheim@host:1")]).unwrap();
    assert_eq!(exposed(&config), "http://me:geheim@host:1");
    config.update(|settings| settings.recovery.always_compact = true).unwrap();
    assert!(!folder.config_text().contains("host"), "{}", folder.config_text());
    assert!(!secrets_text(&folder).contains("geheim"));
    let error = folder.load(&[("HALO_PROXY", "ftp://me:geheim@host:1")]).unwrap_err().to_string();
    assert!(error.contains("HALO_PROXY must be") && !error.contains("geheim"), "{error}");
}

#[test]
fn the_password_of_a_proxy_is_kept_with_the_keys() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    let mut provider = openai();
    provider.connection.proxy = proxy("http://me:geheim/1@host:8080");
    config.save_provider(provider.clone()).unwrap();
    config.add_key(&provider.id, "sk-proj-0123456789abcdef").unwrap();
    assert!(
        folder.config_text().contains("proxy = \"http://me@host:8080\""),
        "{}",
        folder.config_text()
    );
    assert!(!folder.config_text().contains("geheim"));
    let kept = "[proxies]\n\"http://me@host:8080\" = \"geheim%2F1\"\n";
    assert!(secrets_text(&folder).contains(kept), "{}", secrets_text(&folder));
    for config in [config.clone(), folder.load(&[]).unwrap()] {
        assert_eq!(exposed(&config), "http://me:geheim%2F1@host:8080");
        assert_eq!(config.keys(&provider.id).len(), 1);
        let masked: Vec<String> =
            config.all_keys().iter().map(|key| key.expose().to_owned()).collect();
        assert!(masked.contains(&"geheim/1".to_owned()), "{}", masked.len());
        assert!(!format!("{config:?}").contains("geheim"));
    }
    // Saved again as the form shows it, without the password: it stays.
    provider.connection.proxy = proxy("http://me@host:8080");
    config.save_provider(provider.clone()).unwrap();
    assert_eq!(exposed(&config), "http://me:geheim%2F1@host:8080");
    // Another one replaces it, without a change of the settings file.
    provider.connection.proxy = proxy("http://me:neu-geheim@host:8080");
    config.save_provider(provider.clone()).unwrap();
    assert_eq!(exposed(&config), "http://me:neu-geheim@host:8080");
    // To another address it does not go, and once nothing names it, it is forgotten.
    provider.connection.proxy = proxy("http://me@elsewhere:8080");
    config.save_provider(provider.clone()).unwrap();
    assert_eq!(exposed(&config), "http://me@elsewhere:8080");
    assert!(!secrets_text(&folder).contains("geheim"), "{}", secrets_text(&folder));
    provider.connection.proxy = proxy("http://me:geheim@elsewhere:8080");
    config.save_provider(provider.clone()).unwrap();
    config.remove_provider(&provider.id).unwrap();
    assert!(!secrets_text(&folder).contains("geheim"), "{}", secrets_text(&folder));
}

#[test]
fn a_password_that_a_person_wrote_into_the_settings_stays_there_until_it_changes() {
    let text = "[providers.openai]\nproxy = \"http://me:geheim@host:1\" # mine\n";
    let folder = Folder::with(Some(text));
    let config = folder.load(&[]).unwrap();
    config.update(|settings| settings.recovery.always_compact = true).unwrap();
    assert!(folder.config_text().starts_with(text), "{}", folder.config_text());
    assert_eq!(exposed(&config), "http://me:geheim@host:1");
    let mut provider = config.provider(&id("openai")).unwrap();
    provider.connection.proxy = proxy("http://me:neu-geheim@host:1");
    config.save_provider(provider).unwrap();
    assert!(folder.config_text().contains("proxy = \"http://me@host:1\" # mine"));
    assert_eq!(exposed(&config), "http://me:neu-geheim@host:1");
}

#[test]
fn faults_of_the_kept_passwords_do_not_repeat_them() {
    for (text, words) in [
        ("proxies = 1", "proxies must be a table"),
        ("[proxies]\n\"http://me:geheim@host:1\" = \"x\"", "each name under [proxies]"),
        ("[proxies]\n\"http://host:1\" = \"geheim\"", "each name under [proxies]"),
        ("[proxies]\n\"http://me@host:1\" = [\"geheim\"]", "each value under [proxies]"),
    ] {
        let folder = Folder::with(None);
        fs::write(folder.paths().secrets(), text).unwrap();
        let error = folder.load(&[]).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("geheim"), "{error}");
    }
}

#[test]
fn values_out_of_range_are_refused_with_words() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    let mut provider = openai();
    provider.connection.connect_timeout_s = Some(301);
    let error = config.save_provider(provider).unwrap_err();
    assert!(matches!(error, ConfigError::Change { .. }));
    assert_eq!(
        error.to_string(),
        "providers.openai.connect_timeout_s must be a whole number of seconds from 1 to 300, not \"301\""
    );
    let mut connection = ConnectionSettings::default();
    connection.set("proxy", " 127.0.0.1:7890 ").unwrap();
    assert_eq!(connection.proxy, proxy("http://127.0.0.1:7890"));
    connection.set("proxy", " ").unwrap();
    assert_eq!(connection, ConnectionSettings::default());
    assert!(connection.set("idle_timeout_s", "soon").unwrap_err().contains("from 1 to 3600"));
}

#[test]
fn changes_are_told() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    let (told, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (count, last) = (Arc::clone(&told), Arc::clone(&seen));
    config.on_change(move |settings| {
        count.fetch_add(1, Ordering::SeqCst);
        *last.lock().unwrap() = settings.providers.iter().map(|p| p.id.clone()).collect();
    });
    config.save_provider(openai()).unwrap();
    assert_eq!((told.load(Ordering::SeqCst), seen.lock().unwrap().len()), (1, 1));
    config.set_language(None).unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 1, "nothing changed");
    config.remove_provider(&id("openai")).unwrap();
    assert_eq!((told.load(Ordering::SeqCst), seen.lock().unwrap().len()), (2, 0));
}
