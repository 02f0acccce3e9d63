//! Defaults, file, environment, flags; and where each value comes from.

use std::fs;

use halo_config::{
    Config, ConfigError, ConnectionSettings, Environment, Flags, Origin, Paths, ProviderConfig,
    Settings,
};
use halo_types::{Lang, Protocol};

use crate::Folder;

#[test]
fn an_empty_folder_gives_the_defaults_and_stays_empty() {
    let folder = Folder::with(None);
    let config = folder.load(&[]).unwrap();
    assert_eq!(*config.settings(), Settings::default());
    assert_eq!(config.origin("listen"), Origin::Default);
    assert_eq!(config.warnings(), []);
    assert_eq!(fs::read_dir(folder.paths().data()).unwrap().count(), 0);
}

#[test]
fn each_layer_overrules_the_one_below() {
    let folder = Folder::with(Some(
        "listen = \"0.0.0.0:1\"\nlanguage = \"zh-CN\"\n\n[recovery]\nmax_tries = 9\nalways_compact = true\n",
    ));
    let environment = Environment::fixed([
        ("HALO_LISTEN", "localhost:2"),
        ("HALO_MAX_TRIES", " 5 "),
        ("HALO_DEFAULT_TARGET", "relay/vendor/model"),
        ("HALO_ALWAYS_OMIT_IMAGES", ""),
        ("HALO_HOSTS", "Halo.example.org, desk"),
    ]);
    let flags = Flags { listen: Some("127.0.0.1:3".parse().unwrap()), ..Flags::default() };
    let config = Config::load_with(folder.paths(), environment, flags).unwrap();
    let settings = config.settings();
    assert_eq!(settings.listen.port(), 3);
    assert_eq!(settings.hosts, ["halo.example.org", "desk"]);
    assert_eq!(settings.language, Some(Lang::Zh));
    assert_eq!(settings.recovery.max_tries, 5);
    assert!(settings.recovery.always_compact);
    assert!(!settings.recovery.always_omit_images);
    let target = settings.default_target.clone().unwrap();
    assert_eq!((target.provider.as_str(), target.model.as_str()), ("relay", "vendor/model"));
    for (key, origin) in [
        ("listen", Origin::Flag("--listen")),
        ("language", Origin::File { line: 2 }),
        ("default_target", Origin::Env("HALO_DEFAULT_TARGET".into())),
        ("recovery.max_tries", Origin::Env("HALO_MAX_TRIES".into())),
        ("recovery.always_compact", Origin::File { line: 6 }),
        ("recovery.always_omit_images", Origin::Default),
    ] {
        assert_eq!(config.origin(key), origin, "{key}");
    }
}

#[test]
fn a_bad_variable_is_named() {
    let folder = Folder::with(None);
    let error = folder.load(&[("HALO_MAX_TRIES", "0")]).unwrap_err();
    assert!(matches!(error, ConfigError::Env { .. }));
    assert_eq!(
        error.to_string(),
        "the environment variable HALO_MAX_TRIES must be a whole number from 1 to 20, not \"0\""
    );
}

#[test]
fn providers_take_from_their_preset_what_they_do_not_say() {
    let folder = Folder::with(Some(
        r#"
        [providers.deepseek]
        models = ["mine"]

        [providers.my-relay]
        name = "My relay"
        base_url = " https://relay.example/v1 "
        key_env = "RELAY_KEY"

        [providers.work]
        preset = "anthropic"

        [providers.claudes]
        protocol = "anthropic"
        base_url = "http://10.0.0.2:8080"
        needs_key = false
        "#,
    ));
    let settings = folder.load(&[]).unwrap().settings();
    let ids: Vec<&str> = settings.providers.iter().map(|provider| provider.id.as_str()).collect();
    assert_eq!(ids, ["deepseek", "my-relay", "work", "claudes"], "in the person's order");
    let [deepseek, relay, work, claudes] = settings.providers.as_slice() else { panic!() };
    assert_eq!((deepseek.name.as_str(), deepseek.vendor()), ("DeepSeek", Some("deepseek")));
    assert_eq!(deepseek.models, ["mine"]);
    assert_eq!(
        *relay,
        ProviderConfig {
            id: "my-relay".parse().unwrap(),
            name: "My relay".into(),
            preset: "openai-compatible".into(),
            protocol: Protocol::OpenaiChat,
            base_url: "https://relay.example/v1".into(),
            key_env: Some("RELAY_KEY".into()),
            needs_key: true,
            models: vec![],
            connection: ConnectionSettings::default(),
        }
    );
    assert_eq!((work.protocol, work.vendor()), (Protocol::Anthropic, Some("anthropic")));
    assert_eq!((claudes.preset.as_str(), claudes.needs_key), ("anthropic-compatible", false));
}

#[test]
fn the_data_folder_is_made_for_the_person_alone() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::resolve(Some(folder.path().join("a/b"))).unwrap();
    assert!(paths.data().is_dir());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(paths.data()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for place in [file.clone(), file.join("below")] {
        let error = Paths::resolve(Some(place.clone())).unwrap_err();
        assert!(matches!(error, ConfigError::DataFolder { .. }), "{error}");
        assert!(error.to_string().contains(&place.display().to_string()), "{error}");
    }
}

#[test]
fn a_host_is_a_name_and_nothing_more() {
    let folder = Folder::with(None);
    for wrong in ["https://halo.example", "halo.example:7575", "halo example", "*"] {
        let error = folder.load(&[("HALO_HOSTS", wrong)]).unwrap_err();
        assert!(error.to_string().contains("host names without port"), "{error}");
    }
    let flags = Flags { hosts: vec!["desk".to_owned()], ..Flags::default() };
    let environment = Environment::fixed([("HALO_HOSTS", "other")]);
    let config = Config::load_with(folder.paths(), environment, flags).unwrap();
    assert_eq!(config.settings().hosts, ["desk"]);
    assert_eq!(config.origin("hosts"), Origin::Flag("--host"));
}
