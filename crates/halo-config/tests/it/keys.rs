//! Keys: what is taken, where they are kept, who may see them.

use std::fs;

use halo_config::{ConfigError, KeyError, KeyInfo, KeyOrigin, Secret};
use halo_types::ProviderId;

use crate::Folder;

fn openai() -> ProviderId {
    "openai".parse().unwrap()
}

#[test]
fn keys_are_taken_as_pasted_or_refused_with_words() {
    let taken = [
        ("sk-1", "sk-1"),
        (" sk-1\r\n", "sk-1"),
        ("\"sk-1\"", "sk-1"),
        ("'Bearer sk-1'", "sk-1"),
        ("bearer: sk-1", "sk-1"),
        ("“sk-1”", "sk-1"),
        ("\u{feff}sk-1\u{200b}", "sk-1"),
    ];
    for (text, want) in taken {
        assert_eq!(Secret::parse(text).unwrap().expose(), want, "{text:?}");
    }
    let refused = [
        ("", KeyError::Empty),
        (" \"\" ", KeyError::Empty),
        ("sk 1", KeyError::Space { at: 3 }),
        ("sk-1\nsk-2", KeyError::Control { at: 5 }),
        ("sk-1\u{0}2", KeyError::Control { at: 5 }),
        ("sk-１", KeyError::NotAscii { c: '１', at: 4 }),
        ("sk-proj-****abcd", KeyError::Masked),
        ("sk-proj…abcd", KeyError::Masked),
    ];
    for (text, want) in refused {
        assert_eq!(Secret::parse(text), Err(want), "{text:?}");
    }
    assert_eq!(format!("{:?}", Secret::parse("sk-1").unwrap()), "Secret(…)");
}

#[test]
fn keys_of_the_file_come_before_the_environment() {
    let folder = Folder::with(Some("[providers.openai]\n"));
    let env_key = "sk-proj-from-the-environment";
    let config = folder.load(&[("OPENAI_API_KEY", env_key)]).unwrap();
    let exposed = || -> Vec<String> {
        config.keys(&openai()).iter().map(|key| key.expose().to_owned()).collect()
    };
    assert_eq!(exposed(), [env_key]);
    config.set_keys(&openai(), &["sk-second-0123456789", " sk-second-0123456789"]).unwrap();
    config.add_key(&openai(), "Bearer sk-first-0123456789\n").unwrap();
    assert_eq!(exposed(), ["sk-first-0123456789", "sk-second-0123456789", env_key]);
    assert_eq!(
        config.key_infos(&openai())[1..],
        [
            KeyInfo { masked: "sk-seco…6789".into(), origin: KeyOrigin::File },
            KeyInfo {
                masked: "sk-proj…ment".into(),
                origin: KeyOrigin::Env("OPENAI_API_KEY".into())
            },
        ]
    );
    assert_eq!(config.all_keys().len(), 3);
    config.remove_key(&openai(), 0).unwrap();
    assert_eq!(exposed(), ["sk-second-0123456789", env_key]);
    let error = config.remove_key(&openai(), 1).unwrap_err();
    assert!(matches!(error, ConfigError::UnknownKey { number: 2, .. }), "{error}");

    // The next start reads the same, and the settings file holds none of it.
    assert_eq!(folder.load(&[]).unwrap().keys(&openai())[0].expose(), "sk-second-0123456789");
    assert!(!folder.config_text().contains("sk-"));
}

#[test]
fn a_vendors_variable_does_not_serve_a_relay() {
    let folder = Folder::with(Some("[providers.openai]\nbase_url = \"https://relay.example\"\n"));
    let config = folder.load(&[("OPENAI_API_KEY", "sk-0123456789")]).unwrap();
    assert_eq!(config.keys(&openai()), []);
}

#[test]
fn the_first_of_several_variables_serves() {
    let folder = Folder::with(None);
    let config = folder.load(&[("GOOGLE_API_KEY", "AIza-1")]).unwrap();
    let offered: Vec<&str> =
        config.presets_with_key().iter().map(|preset| preset.id.as_str()).collect();
    assert_eq!(offered, ["gemini"]);
}

#[test]
fn removing_a_provider_removes_its_keys() {
    let folder = Folder::with(Some("default_target = \"openai/x\"\n[providers.openai]\n"));
    let config = folder.load(&[]).unwrap();
    config.set_keys(&openai(), &["sk-0123456789"]).unwrap();
    assert!(config.remove_provider(&openai()).unwrap());
    assert!(!config.remove_provider(&openai()).unwrap());
    assert_eq!(config.settings().providers, []);
    assert_eq!(config.settings().default_target, None);
    assert!(!fs::read_to_string(folder.paths().secrets()).unwrap().contains("0123"));
}

#[test]
fn a_broken_keys_file_is_reported_without_its_content() {
    let cases = [
        ("[keys]\nopenai = sk-secret-1\n", "line 2"),
        ("[keys]\nopenai = 17\n", "line 2, column 10: openai must be a key in quotes"),
        ("[keys]\nopenai = [\"sk-secret 1\"]\n", "line 2, column 10: openai must be a usable key"),
        ("keys = \"sk-secret-1\"\n", "line 1, column 8: keys must be a table"),
        ("[keys]\n\"Open AI\" = \"sk-secret-1\"\n", "line 2"),
    ];
    for (text, words) in cases {
        let folder = Folder::with(None);
        let config = folder.load(&[]).unwrap();
        fs::write(folder.paths().secrets(), text).unwrap();
        for error in
            [folder.load(&[]).unwrap_err(), config.add_key(&openai(), "sk-new").unwrap_err()]
        {
            assert!(error.to_string().contains(words), "{text:?}: {error}");
            assert!(!format!("{error} {error:?}").contains("sk-"), "{text:?}: {error:?}");
        }
        assert_eq!(fs::read_to_string(folder.paths().secrets()).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn only_the_person_can_read_the_keys() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::with(None);
    let path = folder.paths().secrets();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    folder.load(&[]).unwrap().set_keys(&openai(), &["sk-1"]).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let config = folder.load(&[]).unwrap();
    assert_eq!(mode(), 0o600, "repaired");
    assert!(config.warnings()[0].what.contains("mode 644"), "{:?}", config.warnings());
}
