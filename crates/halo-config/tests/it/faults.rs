//! Files that are wrong: each fault with its place, and the file left as it is.

use std::fs;

use halo_types::Lang;

use crate::Folder;

#[test]
fn every_fault_names_line_column_and_text() {
    let cases = [
        ("a = = 1", 1, "column 5"),
        ("listen = \"127.0.0.1:7575\nlanguage = \"en\"", 1, "column"),
        (
            "# fine\nlisten = 7575",
            2,
            "column 10: listen must be an address and a port, such as \"127.0.0.1:7575\", not 7575",
        ),
        ("listen = \"everywhere\"", 1, "not \"everywhere\""),
        (
            "[recovery]\n  max_tries = \"four\"",
            2,
            "column 15: recovery.max_tries must be a whole number from 1 to 20, not \"four\"",
        ),
        ("[recovery]\nmax_tries = -1", 2, "not -1"),
        ("[recovery]\nalways_compact = 1", 2, "must be true or false, not 1"),
        (
            "[recovery]\nfailover = \"always\"",
            2,
            "recovery.failover must be one of \"off\", \"keys\", \"providers\", \"models\", not \"always\"",
        ),
        (
            "[recovery]\nladder = [\n  \"a/b\",\n  \"gpt-5\",\n]",
            4,
            "column 3: recovery.ladder must be a list of models",
        ),
        ("[recovery]\nladder = [\"a/b\", 7]", 2, "column 18"),
        ("[recovery]\nladder = \"a/b\"", 2, "not \"a/b\""),
        ("recovery = 3", 1, "recovery must be a table, written [recovery], not 3"),
        ("default_target = \"model\"", 1, "must be a provider and a model"),
        ("language = \"fr\"", 1, "must be a language, \"en\" or \"zh\", not \"fr\""),
        ("report_url = \"javascript:1\"", 1, "begins with https://"),
        ("providers = []", 1, "providers must be a table"),
        ("\n[providers.\"My Relay\"]\nbase_url = \"x\"", 2, "lower-case letters"),
        ("[providers.relay]\nname = \"x\"", 1, "providers.relay.base_url must be given"),
        ("[providers.relay]\nbase_url = \"\"", 2, "providers.relay.base_url must be a text"),
        ("[providers.x]\npreset = \"opnai\"", 2, "must be one of \"anthropic\", \"openai\""),
        (
            "[providers.openai]\nprotocol = \"grpc\"",
            2,
            "\"openai-chat\", \"openai-responses\", \"gemini\", not \"grpc\"",
        ),
        ("[providers.openai]\nneeds_key = \"yes\"", 2, "must be true or false, not \"yes\""),
        ("[providers.openai]\nmodels = [\"a\", 1]", 2, "must be a list of names"),
        ("[providers.openai]\n[providers.openai]", 2, "duplicate"),
        (
            "[providers.openai]\nproxy = \"sytem\"",
            2,
            "column 9: providers.openai.proxy must be \"system\", \"direct\" or the address of a proxy",
        ),
        ("[connection]\nproxy = \"ftp://me:geheim@host:1\"", 2, "not \"ftp://…@host:1\""),
        ("[connection]\nproxy = \"me:ge/heim@host\"", 2, "not …@host\""),
        ("[connection]\nproxy = \"http://me:geheim@host:1", 2, "column"),
        ("connection = \"x\"", 1, "connection must be a table"),
        ("[connection]\nca_file = \"\"", 2, "connection.ca_file must be the path of a file"),
        (
            "[connection]\nconnect_timeout_s = 0",
            2,
            "must be a whole number of seconds from 1 to 300",
        ),
        (
            "[providers.openai]\nidle_timeout_s = 3601",
            2,
            "providers.openai.idle_timeout_s must be a whole number of seconds from 1 to 3600, not 3601",
        ),
        ("[providers.openai]\nfirst_byte_timeout_s = \"9\"", 2, "from 1 to 3600, not \"9\""),
    ];
    for (text, line, words) in cases {
        let folder = Folder::with(Some(text));
        let error = folder.load(&[]).unwrap_err().to_string();
        let path = folder.paths().config();
        let place = format!("{}, line {line}, ", path.display());
        assert!(error.starts_with(&place), "{text:?}: {error}");
        assert!(error.contains(words), "{text:?}: {error}");
        assert!(!error.contains('\n'), "{text:?}: {error}");
        assert!(!error.contains("geheim") && !error.contains("ge/heim"), "{error}");
        assert_eq!(folder.config_text(), text);
    }
}

#[test]
fn bytes_that_are_no_text_have_a_place_too() {
    let folder = Folder::with(None);
    fs::write(folder.paths().config(), b"# \xe4\xbd\xa0\nx = \"\xff\"").unwrap();
    let error = folder.load(&[]).unwrap_err().to_string();
    assert!(error.ends_with("line 2, column 6: this is not UTF-8 text"), "{error}");
}

#[test]
fn a_key_in_the_wrong_file_is_not_repeated() {
    for text in ["key = sk-ant-0123456789abcdef", "listen = \"sk-ant-0123456789abcdef\""] {
        let error = Folder::with(Some(text)).load(&[]).unwrap_err().to_string();
        assert!(!error.contains("0123456789"), "{error}");
    }
}

#[test]
fn unknown_keys_are_reported_and_kept() {
    let folder = Folder::with(Some(
        "lisen = \"x\"\n[recovery]\nmax_trys = 3\n[providers.openai]\nbaseurl = \"x\"\n[other]\na = 1\n",
    ));
    let config = folder.load(&[]).unwrap();
    let warnings: Vec<String> = config
        .warnings()
        .iter()
        .map(|warning| format!("{:?} {}", warning.line, warning.what))
        .collect();
    assert_eq!(
        warnings,
        [
            "Some(1) Halo knows no setting lisen, so it is ignored; did you mean listen?",
            "Some(3) Halo knows no setting recovery.max_trys, so it is ignored; did you mean recovery.max_tries?",
            "Some(5) Halo knows no setting providers.openai.baseurl, so it is ignored; did you mean base_url?",
            "Some(6) Halo knows no setting other, so it is ignored",
        ]
    );
    config.set_language(Some(Lang::En)).unwrap();
    for kept in ["lisen = \"x\"", "max_trys = 3", "baseurl = \"x\"", "[other]\na = 1"] {
        assert!(folder.config_text().contains(kept), "{kept}");
    }
}

#[test]
fn a_file_that_broke_while_halo_runs_is_not_overwritten() {
    let folder = Folder::with(Some("language = \"en\"\n"));
    let config = folder.load(&[]).unwrap();
    fs::write(folder.paths().config(), "language = en\n").unwrap();
    let error = config.set_language(Some(Lang::Zh)).unwrap_err().to_string();
    assert!(error.contains("line 1"), "{error}");
    assert!(config.reload().is_err());
    assert_eq!(folder.config_text(), "language = en\n");
    assert_eq!(config.settings().language, Some(Lang::En), "what was in force stays");
}
