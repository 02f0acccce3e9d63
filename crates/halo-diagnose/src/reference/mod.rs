//! The error reference as data: per kind what it means, how each vendor says it, what helps, and
//! what it is easily confused with; beside it the ways in, by keyword, status and code.
//!
//! Everything that can be derived is derived: examples are those of the rules and of
//! `dialects.toml`, read by [`crate::diagnose`]; remedies and titles are those of a card. Only the
//! explaining prose is written by hand, in `texts/reference.*.toml`. So the reference cannot say
//! one thing and Halo do another.

mod build;
mod find;
mod markdown;
mod texts;

use std::sync::LazyLock;

use halo_types::{Action, Kind, Lang};
use serde::Serialize;

pub use find::{Found, VendorPage};
pub use texts::Labels;

/// The whole reference in one language.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    /// Its language.
    pub lang: Lang,
    /// Its title.
    pub title: String,
    /// What it is about, in a few sentences.
    pub intro: String,
    /// The help page's own rows: an error or keyword, what it means, what to do.
    pub rows: Vec<Row>,
    /// What each status code means, lowest first.
    pub statuses: Vec<StatusRow>,
    /// What each error code means, in alphabetical order.
    pub codes: Vec<CodeRow>,
    /// What to do when something goes wrong, whatever it is.
    pub advice: Vec<Advice>,
    /// Relays and their dialects.
    pub proxies: Proxies,
    /// Every kind.
    pub kinds: Vec<KindPage>,
    /// The headings and other small words.
    #[serde(skip)]
    pub labels: &'static Labels,
}

/// A row of the index by error or keyword.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The words as they are seen.
    pub words: Vec<String>,
    /// What Halo reads them as.
    pub kind: Kind,
    /// What they mean, in half a sentence.
    pub meaning: String,
    /// What to do, in half a sentence.
    pub remedy: String,
}

/// A row of the index by status code.
#[derive(Debug, Clone, Serialize)]
pub struct StatusRow {
    /// The status.
    pub status: u16,
    /// Its name in the standard, or as servers that invented it call it; may be empty.
    pub name: &'static str,
    /// What it means where no word says more.
    pub usual: Kind,
    /// What it means at some vendor or with some words, most frequent first.
    pub also: Vec<Kind>,
}

/// A row of the index by code.
#[derive(Debug, Clone, Serialize)]
pub struct CodeRow {
    /// The code, as it stands in a field of the error.
    pub code: String,
    /// What it is read as, most frequent first.
    pub kinds: Vec<Kind>,
    /// The names of the vendors that use it in the examples.
    pub vendors: Vec<String>,
}

/// One piece of general advice.
#[derive(Debug, Clone, Serialize)]
pub struct Advice {
    /// Its stable name.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What to do.
    pub text: String,
}

/// The part on relays.
#[derive(Debug, Clone, Serialize)]
pub struct Proxies {
    /// What they all have in common.
    pub intro: String,
    /// What is particular to each.
    pub relays: Vec<Relay>,
    /// How to teach Halo a new dialect.
    pub teach: String,
}

/// A relay and its dialect.
#[derive(Debug, Clone, Serialize)]
pub struct Relay {
    /// Who it is.
    pub vendor: VendorLinks,
    /// What is particular to it.
    pub text: String,
    /// A few of its errors, with what they are read as.
    pub examples: Vec<(Kind, Seen)>,
}

/// A vendor with its official pages. Those that are not known are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VendorLinks {
    /// The stable id.
    pub id: String,
    /// The name as people write it.
    pub name: String,
    /// Its pages.
    pub pages: Vec<PageLink>,
}

/// An official page of a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageLink {
    /// What it is for: `billing`, `limits`, `status`, `support`, `keys`, `console` or `docs`.
    pub sort: &'static str,
    /// Its name in the language of the reference.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// Everything about one kind.
#[derive(Debug, Clone, Serialize)]
pub struct KindPage {
    /// The kind.
    pub kind: Kind,
    /// The title as on a card.
    pub title: String,
    /// The meaning as on a card.
    pub meaning: String,
    /// What it means at more length.
    pub more: String,
    /// Whether an unchanged request may succeed later; `None` where nobody can say.
    pub transient: Option<bool>,
    /// Whether waiting helps, in a word or two.
    pub answer: String,
    /// The same in a sentence.
    pub waiting: String,
    /// What Halo does without being asked.
    pub by_itself: String,
    /// What helps, best first.
    pub remedies: Vec<RemedyText>,
    /// What to do if that does not help.
    pub otherwise: String,
    /// How it looks, vendor by vendor; what any server may say comes last.
    pub vendors: Vec<VendorExamples>,
    /// What it is easily confused with.
    pub confused: Vec<Confusion>,
    /// How many rules of Halo lead to it.
    pub rules: usize,
}

/// A way forward, explained.
#[derive(Debug, Clone, Serialize)]
pub struct RemedyText {
    /// The action.
    pub action: Action,
    /// Its name, as on the button.
    pub name: String,
    /// What it does or where to go.
    pub text: String,
    /// The sort of page it opens at the vendor, as in [`PageLink::sort`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<&'static str>,
}

/// How one vendor says it.
#[derive(Debug, Clone, Serialize)]
pub struct VendorExamples {
    /// Who; `None` for words that any server or program may use.
    pub vendor: Option<VendorLinks>,
    /// Its errors.
    pub examples: Vec<Seen>,
}

/// An error as it is seen.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Response headers that say something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The words, to the letter; empty where the status alone was there.
    pub words: String,
    /// The byte range of the words that decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked: Option<(usize, usize)>,
    /// The rule that reads it.
    pub rule: String,
    /// Where it is documented or was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Another kind that looks similar.
#[derive(Debug, Clone, Serialize)]
pub struct Confusion {
    /// The other kind.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// How to tell the two apart.
    pub text: String,
    /// An error of this kind, where a near-miss of a rule tells the two apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub this: Option<Seen>,
    /// The one that looks like it and is of the other kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub that: Option<Seen>,
}

static EN: LazyLock<Reference> = LazyLock::new(|| build::build(Lang::En));
static ZH: LazyLock<Reference> = LazyLock::new(|| build::build(Lang::Zh));

/// The error reference. It is built once per language.
///
/// ```
/// use halo_types::{Kind, Lang};
/// let page = halo_diagnose::reference(Lang::En).kind(Kind::RateLimited);
/// assert_eq!(page.transient, Some(true));
/// assert!(page.vendors.iter().any(|v| v.vendor.as_ref().is_some_and(|v| v.id == "anthropic")));
/// ```
#[must_use]
pub fn reference(lang: Lang) -> &'static Reference {
    match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    }
}

impl Reference {
    /// The page of a kind.
    #[must_use]
    pub fn kind(&self, kind: Kind) -> &KindPage {
        self.kinds.iter().find(|page| page.kind == kind).expect("every kind has its page")
    }
}

#[cfg(test)]
mod tests;
