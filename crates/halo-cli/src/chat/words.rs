//! The words of the chat, in Fluent files as those of the pages.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{Loader, static_loader};
use halo_types::Lang;
use unic_langid::{LanguageIdentifier, langid};

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Isolation marks would end up in copied text.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// Looks words up in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words(Lang);

impl Words {
    pub(super) const fn new(lang: Lang) -> Self {
        Self(lang)
    }

    pub(super) const fn lang(self) -> Lang {
        self.0
    }

    fn tag(self) -> LanguageIdentifier {
        match self.0 {
            Lang::En => langid!("en"),
            Lang::Zh => langid!("zh-CN"),
        }
    }

    /// The text of a key.
    pub(super) fn t(self, key: &str) -> String {
        LOCALES.try_lookup(&self.tag(), key).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key with one word filled in.
    pub(super) fn t1(self, key: &str, name: &'static str, value: impl Display) -> String {
        self.fill(key, [(name, value.to_string())])
    }

    /// The text of a key with two words filled in.
    pub(super) fn t2(self, key: &str, a: (&'static str, &str), b: (&'static str, &str)) -> String {
        self.fill(key, [a, b].map(|(name, value)| (name, value.to_owned())))
    }

    /// The text of a key with several words filled in.
    pub(super) fn t_all<const N: usize>(self, key: &str, all: [(&'static str, &str); N]) -> String {
        self.fill(key, all.map(|(name, value)| (name, value.to_owned())))
    }

    fn fill<const N: usize>(self, key: &str, args: [(&'static str, String); N]) -> String {
        let args: HashMap<Cow<'static, str>, FluentValue<'static>> = args
            .into_iter()
            .map(|(name, value)| (Cow::Borrowed(name), FluentValue::from(value)))
            .collect();
        LOCALES.try_lookup_with_args(&self.tag(), key, &args).unwrap_or_else(|| key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const EN: &str = include_str!("../../locales/en/chat.ftl");
    const ZH: &str = include_str!("../../locales/zh-CN/chat.ftl");

    fn keys(file: &str) -> BTreeSet<&str> {
        file.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_and_each_command_its_help() {
        assert_eq!(keys(EN), keys(ZH));
        for name in super::super::command::COMMANDS {
            assert!(keys(EN).contains(format!("chat-help-{name}").as_str()), "{name}");
        }
    }

    #[test]
    fn every_key_that_is_used_has_words() {
        let known = keys(EN);
        let mut used = 0;
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/chat")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            for piece in source.split('"').filter(|piece| piece.starts_with("chat-")) {
                let is_key = piece.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                if is_key && !piece.ends_with('-') {
                    assert!(known.contains(piece), "{piece} has no words");
                    used += 1;
                }
            }
        }
        assert!(used > 40, "{used}");
    }
}
