use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Message ids of a Fluent file with the variables they use.
fn messages(path: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let first = line.chars().next();
        if first.is_some_and(|c| c.is_ascii_alphabetic()) {
            let (key, _) = line.split_once('=').unwrap_or_else(|| panic!("{path:?}: {line}"));
            current = key.trim().to_owned();
            let fresh = found.insert(current.clone(), BTreeSet::new()).is_none();
            assert!(fresh, "{path:?}: {current} stands there twice");
        }
        if first == Some('#') || current.is_empty() {
            continue;
        }
        let variables = found.get_mut(&current).unwrap();
        for piece in line.split('$').skip(1) {
            let name: String =
                piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            variables.insert(name);
        }
    }
    found
}

fn files(locale: Locale) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(locale.tag());
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_language_has_the_same_keys_and_variables() {
    let english = files(Locale::En);
    for locale in Locale::ALL {
        let names = |files: &[PathBuf]| -> Vec<_> {
            files.iter().map(|f| f.file_name().unwrap().to_owned()).collect()
        };
        let theirs = files(*locale);
        assert_eq!(names(&english), names(&theirs), "{}", locale.tag());
        for (ours, theirs) in english.iter().zip(&theirs) {
            assert_eq!(messages(ours), messages(theirs), "{ours:?} and {theirs:?} differ");
        }
    }
}

/// Every template with its path.
fn templates() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn every_key_used_in_a_template_exists() {
    let keys: BTreeSet<String> =
        files(Locale::En).iter().flat_map(|f| messages(f).into_keys()).collect();
    for (path, text) in templates() {
        for call in [".t(\"", ".t1(\"", ".t2(\"", ".n(\""] {
            for piece in text.split(call).skip(1) {
                let key = piece.split('"').next().unwrap();
                assert!(keys.contains(key), "{path:?} uses {key:?}, which no file has");
            }
        }
    }
}

/// The text without what stands between `open` and `close`.
fn without(text: &str, open: &str, close: &str, instead: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(open) {
        kept.push_str(&rest[..at]);
        kept.push_str(instead);
        rest = rest[at..].split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

#[test]
fn templates_hold_no_words_of_their_own() {
    /// Names, and what is code in every language.
    const SAME_EVERYWHERE: [&str; 3] = ["Halo", "HTTP", "https"];
    for (path, text) in templates() {
        let mut bare = text;
        for (open, close) in
            [("{#", "#}"), ("{{", "}}"), ("{%", "%}"), ("<code", "</code>"), ("<pre", "</pre>")]
        {
            bare = without(&bare, open, close, "");
        }
        let attributes = ["title=\"", "aria-label=\"", "placeholder=\"", "alt=\""];
        let said = attributes.iter().flat_map(|name| {
            bare.split(name).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned())
        });
        let shown = without(&bare, "<", ">", "\n");
        for line in said.chain(shown.lines().map(str::to_owned)) {
            let words = line.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 1);
            let strange: Vec<&str> = words.filter(|w| !SAME_EVERYWHERE.contains(w)).collect();
            assert!(strange.is_empty(), "{path:?} says {line:?} outside the Fluent files");
        }
    }
}

#[test]
fn the_browser_decides_unless_the_person_did() {
    let cases = [
        ("", None, Locale::En),
        ("de-DE,de;q=0.9", None, Locale::En),
        ("zh-CN,zh;q=0.9,en;q=0.8", None, Locale::ZhCn),
        ("de, en;q=0.4, zh-TW;q=0.7", None, Locale::ZhCn),
        ("zh;q=nonsense, en;q=0.1", None, Locale::En),
        ("zh-CN", Some("halo_lang=en"), Locale::En),
        ("en", Some("a=b; halo_lang=zh-CN"), Locale::ZhCn),
        ("zh", Some("halo_lang=klingon"), Locale::ZhCn),
    ];
    for (accepted, cookie, expected) in cases {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
        if let Some(cookie) = cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        assert_eq!(Locale::of(&headers), expected, "{accepted:?} {cookie:?}");
    }
}

#[test]
fn words_are_filled_in() {
    let english = Words::new(Locale::En);
    assert_eq!(english.n("attempts-count", "n", 1_u32), "1 attempt");
    assert_eq!(english.n("attempts-count", "n", 3_u32), "3 attempts");
    assert_eq!(Words::new(Locale::ZhCn).n("attempts-count", "n", 3_u32), "3 次尝试");
    assert_eq!(english.t("no-such-key"), "no-such-key");
}
