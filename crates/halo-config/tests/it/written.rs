//! What is written back: only what changed, the rest as the person left it.

use halo_config::{ConfigError, ProviderConfig, RecoverySettings, preset};
use halo_recover::Reach;
use halo_types::{ProviderId, Target};

use crate::Folder;

fn id(text: &str) -> ProviderId {
    text.parse().unwrap()
}

#[test]
fn comments_and_order_stay() {
    let folder = Folder::with(Some(
        "# mine\nlanguage = \"zh\" # 中文\n\n[recovery] # careful\nmax_tries = 2   # not more\n\n\
         [providers.relay] # the good one\n# why\nbase_url = \"https://a.example\"\n",
    ));
    let config = folder.load(&[]).unwrap();
    let mut relay = config.provider(&id("relay")).unwrap();
    relay.base_url = " https://b.example/v1\n".into();
    relay.key_env = Some("RELAY_KEY".into());
    config.save_provider(relay).unwrap();
    config.set_recovery(RecoverySettings { max_tries: 3, ..RecoverySettings::default() }).unwrap();
    config.set_language(None).unwrap();
    let target = Target { provider: id("relay"), model: "a/b".into() };
    config.set_default_target(Some(target)).unwrap();
    assert_eq!(
        folder.config_text(),
        "default_target = \"relay/a/b\"\n# mine\n\n[recovery] # careful\nmax_tries = 3   # not more\n\n\
         [providers.relay] # the good one\n# why\nbase_url = \"https://b.example/v1\"\nkey_env = \"RELAY_KEY\"\n",
    );
    assert_eq!(*folder.load(&[]).unwrap().settings(), *config.settings());
}

#[test]
fn the_comment_above_a_removed_value_stays() {
    for (before, after) in [
        ("# mine\nlanguage = \"zh\"\n", "# mine\n"),
        (
            "# mine\nlanguage = \"zh\"\n# next\nlisten = \"127.0.0.1:1\"\n",
            "# mine\n# next\nlisten = \"127.0.0.1:1\"\n",
        ),
        ("# mine\nlanguage = \"zh\"\n\n[providers.openai]\n", "# mine\n\n[providers.openai]\n"),
    ] {
        let folder = Folder::with(Some(before));
        folder.load(&[]).unwrap().set_language(None).unwrap();
        assert_eq!(folder.config_text(), after);
    }
}

#[test]
fn a_new_file_is_short_and_reads_back() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    for name in ["openai", "ollama", "openai-compatible"] {
        let mut provider = ProviderConfig::from_preset(preset(name).unwrap(), config.free_id(name));
        if provider.base_url.is_empty() {
            provider.base_url = "https://relay.example".into();
        }
        config.save_provider(provider).unwrap();
    }
    config.set_models(&id("ollama"), vec!["llama3.2:latest".into()]).unwrap();
    config.update(|settings| settings.recovery.always_compact = true).unwrap();
    assert_eq!(
        folder.config_text(),
        "# Settings of Halo. Halo changes single values here and leaves the rest as it is.\n\n\
         [providers.openai]\npreset = \"openai\"\nbase_url = \"https://api.openai.com/v1\"\n\n\
         [providers.ollama]\npreset = \"ollama\"\nbase_url = \"http://localhost:11434\"\nmodels = [\"llama3.2:latest\"]\n\n\
         [providers.openai-compatible]\npreset = \"openai-compatible\"\nbase_url = \"https://relay.example\"\n\n\
         [recovery]\nalways_compact = true\n",
    );
    assert_eq!(*folder.load(&[]).unwrap().settings(), *config.settings());
}

#[test]
fn every_provider_reads_back_as_it_was_saved() {
    let folder = Folder::with(Some("providers.openai.name = \"dotted\"\n"));
    let config = folder.load(&[]).unwrap();
    let mut provider = config.provider(&id("openai")).unwrap();
    let steps: [fn(&mut ProviderConfig); 6] = [
        |p| p.preset = "anthropic-compatible".into(),
        |p| p.protocol = halo_types::Protocol::Anthropic,
        |p| p.models = (0..9).map(|n| format!("m\"{n}\\")).collect(),
        |p| p.models = vec![],
        |p| p.needs_key = !p.needs_key,
        |p| (p.key_env, p.name) = (None, "名 \"x\"".into()),
    ];
    for step in steps {
        step(&mut provider);
        config.save_provider(provider.clone()).unwrap();
        assert_eq!(config.provider(&provider.id), Some(provider.clone()));
        assert_eq!(folder.load(&[]).unwrap().provider(&provider.id), Some(provider.clone()));
    }
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    let mut provider = ProviderConfig::from_preset(preset("openai").unwrap(), id("openai"));
    provider.base_url = "  ".into();
    let refused = config.save_provider(provider);
    assert!(matches!(refused, Err(ConfigError::Change { .. })));
    let recovery = RecoverySettings { max_tries: 0, ..RecoverySettings::default() };
    let error = config.set_recovery(recovery).unwrap_err().to_string();
    assert_eq!(error, "recovery.max_tries must be a whole number from 1 to 20, not \"0\"");
    let refused = config.set_models(&id("nobody"), vec![]);
    assert!(matches!(refused, Err(ConfigError::UnknownProvider(_))));
    assert!(!folder.paths().config().exists());
}

#[test]
fn the_environment_is_not_written_into_the_file() {
    let folder = Folder::with(None);
    let config = folder.load(&[("HALO_MAX_TRIES", "7")]).unwrap();
    config.update(|settings| settings.recovery.always_compact = true).unwrap();
    assert!(!folder.config_text().contains("max_tries"));
    assert_eq!(config.settings().recovery.max_tries, 7);
}

#[test]
fn passing_providers_are_seen_and_never_written() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    let mut practice =
        ProviderConfig::from_preset(preset("openai-compatible").unwrap(), id("practice"));
    practice.base_url = "http://127.0.0.1:1234".into();
    config.set_passing_providers(vec![practice.clone()]);
    let shared = config.clone();
    shared.update(|settings| settings.recovery.always_compact = true).unwrap();
    assert_eq!(config.provider(&practice.id), Some(practice.clone()));
    assert!(!folder.config_text().contains("practice"));
    assert_eq!(config.free_id("Practice!").as_str(), "practice-2");
    assert_eq!(config.free_id("我的").as_str(), "provider");
    config.set_passing_providers(vec![]);
    assert_eq!(config.provider(&practice.id), None);
}

#[test]
fn a_ladder_is_written_read_and_removed() {
    let folder = Folder::with(Some("[recovery] # careful\nmax_tries = 2\n"));
    let config = folder.load(&[]).unwrap();
    let target = |model: &str| Target { provider: id("relay"), model: model.into() };
    let of = |models: &[&str]| RecoverySettings {
        max_tries: 2,
        failover: Reach::Models,
        ladder: models.iter().map(|model| target(model)).collect(),
        ..RecoverySettings::default()
    };
    config.set_recovery(of(&["a/b", "c"])).unwrap();
    assert_eq!(
        folder.config_text(),
        "[recovery] # careful\nmax_tries = 2\nfailover = \"models\"\n\
         ladder = [\"relay/a/b\", \"relay/c\"]\n"
    );
    assert_eq!(*folder.load(&[]).unwrap().settings(), *config.settings());
    let comma = config.set_recovery(of(&["a,b/c"])).unwrap_err().to_string();
    assert!(comma.starts_with("recovery.ladder must be a list of models"), "{comma}");
    let outside = folder.load(&[("HALO_LADDER", "relay/x, other/y/z"), ("HALO_FAILOVER", "keys")]);
    let settings = outside.unwrap().settings();
    assert_eq!(settings.recovery.failover, Reach::Keys);
    let names: Vec<String> = settings.recovery.ladder.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["relay/x", "other/y/z"]);
    config.set_recovery(of(&[])).unwrap();
    assert!(!folder.config_text().contains("ladder"));
}
