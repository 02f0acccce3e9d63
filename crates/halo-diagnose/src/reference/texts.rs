//! The prose of the reference, read from `texts/reference.*.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use halo_types::{Action, Kind, Lang};
use serde::Deserialize;

/// The prose in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) title: String,
    pub(super) intro: String,
    pub(super) label: Labels,
    pub(super) waiting: Waiting,
    pub(super) by_itself: ByItself,
    pub(super) row: Vec<Row>,
    pub(super) advice: Vec<Advice>,
    pub(super) proxies: Proxies,
    pub(super) action: BTreeMap<Action, String>,
    pub(super) kind: BTreeMap<Kind, KindProse>,
}

/// Headings and other small words of the reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the word its name says, in one language")]
pub struct Labels {
    pub by_keyword: String,
    pub by_status: String,
    pub by_code: String,
    pub troubleshooting: String,
    pub proxies: String,
    pub kinds: String,
    pub error: String,
    pub meaning: String,
    pub remedy: String,
    pub status: String,
    pub name: String,
    pub usual: String,
    pub also: String,
    pub code: String,
    pub helps: String,
    pub otherwise: String,
    pub waiting: String,
    pub by_itself: String,
    pub looks: String,
    pub vendor: String,
    pub words: String,
    pub anyone: String,
    pub no_status: String,
    pub confused: String,
    pub this_is: String,
    pub that_is: String,
    pub pages: String,
    pub billing: String,
    pub limits: String,
    pub status_page: String,
    pub support: String,
    pub keys: String,
    pub console: String,
    pub docs: String,
    pub teach: String,
    pub yes: String,
    pub often: String,
    pub no: String,
    pub unknown: String,
    pub nothing_sent: String,
    pub more_in_app: String,
    pub generated: String,
}

impl Labels {
    /// The name of a sort of vendor page, as in [`super::PageLink::sort`].
    #[must_use]
    pub fn page(&self, sort: &str) -> &str {
        match sort {
            "billing" => &self.billing,
            "limits" => &self.limits,
            "status" => &self.status_page,
            "support" => &self.support,
            "keys" => &self.keys,
            "console" => &self.console,
            _ => &self.docs,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    pub(super) yes: String,
    pub(super) often: String,
    pub(super) no: String,
    pub(super) unknown: String,
}

/// What Halo does without being asked, by group of kinds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByItself {
    pub(super) waits: String,
    pub(super) stream: String,
    pub(super) lists_models: String,
    pub(super) repairs: String,
    pub(super) asks_first: String,
    pub(super) never: String,
    pub(super) nothing: String,
}

impl ByItself {
    /// The recovery machine's behaviour towards a kind, in words.
    pub(super) fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::RateLimited
            | Kind::Overloaded
            | Kind::ServerError
            | Kind::Timeout
            | Kind::Network
            | Kind::InvalidResponse => &self.waits,
            Kind::StreamInterrupted => &self.stream,
            Kind::ModelNotFound => &self.lists_models,
            Kind::OutputLimitExceeded
            | Kind::InvalidHistory
            | Kind::UnsupportedFeature
            | Kind::InvalidRequest => &self.repairs,
            Kind::ContextLengthExceeded | Kind::ImageUnsupported => &self.asks_first,
            Kind::Cancelled => &self.nothing,
            Kind::QuotaExhausted
            | Kind::RequestTooLarge
            | Kind::ImageInvalid
            | Kind::InvalidApiKey
            | Kind::PermissionDenied
            | Kind::RegionUnsupported
            | Kind::AccountDisabled
            | Kind::EndpointNotFound
            | Kind::ContentFiltered
            | Kind::Unknown => &self.never,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) words: Vec<String>,
    pub(super) meaning: String,
    pub(super) remedy: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advice {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxies {
    pub(super) intro: String,
    pub(super) teach: String,
    pub(super) vendor: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindProse {
    pub(super) more: String,
    pub(super) otherwise: String,
    #[serde(default)]
    pub(super) confused: BTreeMap<Kind, String>,
}

/// An error as a vendor writes it, from `dialects.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dialect {
    #[serde(default)]
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: halo_types::Headers,
    pub(super) body: String,
    pub(super) source: String,
}

/// By kind, by vendor.
pub(super) type Dialects = BTreeMap<Kind, BTreeMap<String, Vec<Dialect>>>;

static EN: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("../../texts/reference.en.toml")));
static ZH: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("../../texts/reference.zh.toml")));
static DIALECTS: LazyLock<Dialects> = LazyLock::new(|| {
    toml::from_str(include_str!("../../dialects.toml"))
        .expect("the built-in dialects parse; a test reads them all")
});

fn parse(source: &str) -> Texts {
    toml::from_str(source).expect("the built-in reference parses; a test reads it in full")
}

pub(super) fn texts(lang: Lang) -> &'static Texts {
    match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    }
}

pub(super) fn dialects() -> &'static Dialects {
    &DIALECTS
}
