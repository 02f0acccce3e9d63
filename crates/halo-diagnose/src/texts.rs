//! Titles, meanings and action words per language, read from `texts/*.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use halo_types::{Action, Facts, Kind, Lang};
use serde::Deserialize;

/// What a kind is called and what it means, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindText {
    /// One line for the head of a card.
    pub title: String,
    /// One or two sentences in plain language.
    pub meaning: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: BTreeMap<Kind, KindText>,
    long_limit: String,
    action: BTreeMap<Action, String>,
}

/// The texts of a language. There is one for every kind and action, in the order of these.
struct Texts {
    kinds: Vec<KindText>,
    /// The title of a limit that lasts for hours or days.
    long_limit: String,
    actions: Vec<String>,
}

impl Texts {
    fn parse(source: &str) -> Self {
        let file: File =
            serde_json::from_str(source).unwrap_or_else(|error| panic!("texts: {error}"));
        assert!(file.kind.len() == Kind::ALL.len() && file.action.len() == Action::ALL.len());
        Self {
            kinds: file.kind.into_values().collect(),
            long_limit: file.long_limit,
            actions: file.action.into_values().collect(),
        }
    }
}

static EN: LazyLock<Texts> =
    LazyLock::new(|| Texts::parse(include_str!(concat!(env!("OUT_DIR"), "/texts-en.json"))));
static ZH: LazyLock<Texts> =
    LazyLock::new(|| Texts::parse(include_str!(concat!(env!("OUT_DIR"), "/texts-zh.json"))));

fn texts(lang: Lang) -> &'static Texts {
    match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    }
}

/// The title and meaning of a kind.
///
/// ```
/// use halo_types::{Kind, Lang};
/// assert_eq!(halo_diagnose::kind_text(Kind::Overloaded, Lang::En).title, "The service is busy");
/// ```
#[must_use]
pub fn kind_text(kind: Kind, lang: Lang) -> &'static KindText {
    &texts(lang).kinds[kind as usize]
}

/// The title for what was read: a limit of a day is no matter of "a short time".
pub(crate) fn title(kind: Kind, facts: &Facts, lang: Lang) -> &'static str {
    let long = facts
        .limit_scope
        .as_deref()
        .is_some_and(|scope| scope.ends_with("_per_day") || matches!(scope, "five_hours" | "week"));
    if kind == Kind::RateLimited && (long || facts.other.contains_key("resets")) {
        &texts(lang).long_limit
    } else {
        &kind_text(kind, lang).title
    }
}

/// The words of an action, short enough for a button.
///
/// ```
/// use halo_types::{Action, Lang};
/// assert_eq!(halo_diagnose::action_text(Action::Resend, Lang::Zh), "重新发送");
/// ```
#[must_use]
pub fn action_text(action: Action, lang: Lang) -> &'static str {
    &texts(lang).actions[action as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_kind_and_action() {
        for lang in [Lang::En, Lang::Zh] {
            for kind in Kind::ALL {
                let text = kind_text(*kind, lang);
                assert!(!text.title.is_empty() && !text.meaning.is_empty(), "{kind} {lang:?}");
                assert!(!text.title.ends_with(['.', '。']), "{kind}: a title is no sentence");
                assert!(text.meaning.ends_with(['.', '。']), "{kind}: a meaning is sentences");
            }
            for action in Action::ALL {
                let text = action_text(*action, lang);
                assert!(!text.is_empty() && !text.ends_with(['.', '。']), "{action} {lang:?}");
            }
        }
        let keys = |source: &str| -> Vec<String> {
            source
                .lines()
                .filter_map(|line| {
                    let line = line.trim();
                    (line.starts_with('[') || line.contains(" = "))
                        .then(|| line.split(" = ").next().unwrap_or_default().to_owned())
                })
                .collect()
        };
        assert_eq!(
            keys(include_str!("../texts/en.toml")),
            keys(include_str!("../texts/zh.toml")),
            "same keys in the same order"
        );
    }
}
