//! The interface's own words, in Fluent files, one folder per language.
//!
//! The texts of a diagnosis come with the diagnosis; everything else that a person reads on a
//! page is looked up here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{Loader, static_loader};
use halo_types::Lang;
use unic_langid::{LanguageIdentifier, langid};

use crate::cookies;

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Isolation marks would end up in copied text and in attributes.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// The cookie that holds the language a person chose; absent while the browser decides.
pub(crate) const LANGUAGE_COOKIE: &str = "halo_lang";

/// A language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    ZhCn,
}

impl Locale {
    /// Every language, in the order of the settings.
    pub const ALL: &'static [Locale] = &[Self::En, Self::ZhCn];

    /// The language tag, as in `lang` attributes and folder names.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The language of diagnoses that goes with it.
    #[must_use]
    pub const fn lang(self) -> Lang {
        match self {
            Self::En => Lang::En,
            Self::ZhCn => Lang::Zh,
        }
    }

    /// The language that begins like `tag` (`zh`, `zh-TW`, `en_GB`), if there is one.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Some(match tag.parse::<Lang>().ok()? {
            Lang::En => Self::En,
            Lang::Zh => Self::ZhCn,
        })
    }

    /// The language a browser asks for: the chosen one, else the best of `Accept-Language`.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        if let Some(chosen) = cookies::value(headers, LANGUAGE_COOKIE).and_then(Self::from_tag) {
            return chosen;
        }
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        accepted.map_or_else(Self::default, best_of)
    }

    fn identifier(self) -> LanguageIdentifier {
        match self {
            Self::En => langid!("en"),
            Self::ZhCn => langid!("zh-CN"),
        }
    }
}

/// Picks from an `Accept-Language` header. A weight that cannot be read counts as none.
fn best_of(accepted: &str) -> Locale {
    let mut best = (0.0_f32, Locale::default());
    for entry in accepted.split(',') {
        let mut fields = entry.trim().split(';');
        let Some(locale) = fields.next().and_then(Locale::from_tag) else { continue };
        let weight = fields
            .find_map(|f| f.trim().strip_prefix("q="))
            .map_or(Some(1.0), |q| q.trim().parse::<f32>().ok())
            .unwrap_or(0.0);
        if weight > best.0 {
            best = (weight, locale);
        }
    }
    best.1
}

/// Looks words up in one language. Templates call it as `w.t("key")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words {
    locale: Locale,
}

impl Words {
    /// A provider's name as the person gave it; that of the practice provider is the interface's.
    pub(crate) fn provider(self, name: &str, practice: bool) -> String {
        if practice { self.t("models-practice") } else { name.to_owned() }
    }

    /// How keys of providers begin, as an expression for the script that looks for one.
    pub(crate) fn key_beginnings(self) -> String {
        let all: Vec<String> =
            halo_config::key_beginnings().map(|begin| begin.replace('.', "\\.")).collect();
        all.join("|")
    }

    /// The words of a language.
    #[must_use]
    pub const fn new(locale: Locale) -> Self {
        Self { locale }
    }

    /// The language.
    #[must_use]
    pub const fn locale(self) -> Locale {
        self.locale
    }

    /// The language tag for `lang` attributes.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.locale.tag()
    }

    /// The language of diagnoses.
    #[must_use]
    pub const fn lang(self) -> Lang {
        self.locale.lang()
    }

    /// The text of a key. A key that is nowhere gives itself, so that a page still renders.
    #[must_use]
    pub fn t(self, key: &str) -> String {
        LOCALES.try_lookup(&self.locale.identifier(), key).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key with one word filled in.
    #[must_use]
    pub fn t1(self, key: &str, name: &'static str, value: impl Display) -> String {
        self.fill(key, [(name, FluentValue::from(value.to_string()))])
    }

    /// The text of a key with two words filled in.
    #[must_use]
    pub fn t2(
        self,
        key: &str,
        first: (&'static str, &str),
        second: (&'static str, &str),
    ) -> String {
        self.fill(
            key,
            [first, second].map(|(name, value)| (name, FluentValue::from(value.to_owned()))),
        )
    }

    /// The text of a key with several words filled in.
    #[must_use]
    pub fn t_all<const N: usize>(self, key: &str, words: [(&'static str, &str); N]) -> String {
        self.fill(key, words.map(|(name, value)| (name, FluentValue::from(value.to_owned()))))
    }

    /// The text of a key with a number filled in that chooses the plural form.
    #[must_use]
    pub fn n(self, key: &str, name: &'static str, number: impl TryInto<i64>) -> String {
        let number = number.try_into().unwrap_or(i64::MAX);
        self.fill(key, [(name, FluentValue::from(number))])
    }

    fn fill<const N: usize>(
        self,
        key: &str,
        args: [(&'static str, FluentValue<'static>); N],
    ) -> String {
        let args: HashMap<Cow<'static, str>, FluentValue<'static>> =
            args.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
        LOCALES
            .try_lookup_with_args(&self.locale.identifier(), key, &args)
            .unwrap_or_else(|| key.to_owned())
    }
}

impl<S: Sync> FromRequestParts<S> for Words {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(Locale::of(&parts.headers)))
    }
}

#[cfg(test)]
mod tests;
