//! Finding a part of the reference by a word.

use halo_types::{Confidence, Evidence, Kind};
use serde::Serialize;

use super::{CodeRow, KindPage, PageLink, Reference, Seen, StatusRow, VendorLinks};
use crate::{Context, diagnose};

/// What a word leads to.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "found", content = "page", rename_all = "snake_case")]
pub enum Found<'r> {
    /// One kind.
    Kind(&'r KindPage),
    /// A status code.
    Status(&'r StatusRow),
    /// An error code; several, where it is a number that several vendors use.
    Code(Vec<&'r CodeRow>),
    /// A vendor with all its errors.
    Vendor(VendorPage<'r>),
    /// The part on relays.
    Proxies,
    /// The general advice.
    Advice,
    /// Several kinds that the word fits.
    Kinds(Vec<&'r KindPage>),
}

/// A vendor with all its errors in the reference.
#[derive(Debug, Clone, Serialize)]
pub struct VendorPage<'r> {
    /// Who, with its pages.
    pub vendor: &'r VendorLinks,
    /// What is particular to it, if it is a relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<&'r str>,
    /// Its errors.
    pub examples: Vec<(Kind, &'r Seen)>,
}

impl Reference {
    /// What a kind, status, code, vendor or any other word leads to.
    ///
    /// ```
    /// use halo_diagnose::{reference, reference::Found};
    /// use halo_types::{Kind, Lang};
    /// let reference = reference(Lang::En);
    /// let Some(Found::Kind(page)) = reference.find("quota-exhausted") else { panic!() };
    /// assert_eq!(page.kind, Kind::QuotaExhausted);
    /// assert!(matches!(reference.find("429"), Some(Found::Status(row)) if row.status == 429));
    /// assert!(matches!(reference.find("deepseek"), Some(Found::Vendor(_))));
    /// assert!(reference.find("marmalade").is_none());
    /// ```
    #[must_use]
    pub fn find(&self, word: &str) -> Option<Found<'_>> {
        let word = word.trim();
        if word.is_empty() {
            return None;
        }
        let id = word.to_lowercase().replace([' ', '-'], "_");
        if let Ok(kind) = id.parse() {
            return Some(Found::Kind(self.kind(kind)));
        }
        if let Some(row) = word.parse().ok().and_then(|status: u16| self.status(status)) {
            return Some(Found::Status(row));
        }
        if let Some(vendor) = self.vendor(word) {
            return Some(Found::Vendor(vendor));
        }
        let codes: Vec<&CodeRow> =
            self.codes.iter().filter(|row| row.code.eq_ignore_ascii_case(word)).collect();
        if !codes.is_empty() {
            return Some(Found::Code(codes));
        }
        match id.as_str() {
            "proxy" | "proxies" | "relay" | "relays" | "代理" | "中转" => {
                return Some(Found::Proxies);
            }
            "advice" | "help" | "troubleshooting" | "帮助" => return Some(Found::Advice),
            _ => {}
        }
        let plain = word.to_lowercase();
        let mut kinds: Vec<&KindPage> = Vec::new();
        let mut add = |kind: Kind| {
            if kinds.iter().all(|page| page.kind != kind) {
                kinds.push(self.kind(kind));
            }
        };
        // What the words mean as an error comes first, then where they stand.
        let read = diagnose(&Evidence::from_text(word), &Context::default());
        if read.kind != Kind::Unknown && read.confidence > Confidence::Guess {
            add(read.kind);
        }
        for page in &self.kinds {
            if page.kind.as_str().contains(&id) || page.title.to_lowercase().contains(&plain) {
                add(page.kind);
            }
        }
        for row in &self.rows {
            if row.words.iter().any(|words| words.to_lowercase().contains(&plain)) {
                add(row.kind);
            }
        }
        // A few letters stand inside many codes.
        if plain.len() > 3 {
            for row in self.codes.iter().filter(|row| row.code.to_lowercase().contains(&id)) {
                row.kinds.iter().take(1).for_each(|kind| add(*kind));
            }
        }
        match kinds.as_slice() {
            [] => None,
            [page] => Some(Found::Kind(page)),
            _ => Some(Found::Kinds(kinds)),
        }
    }

    /// The pages of a vendor that the remedies of a kind lead to.
    #[must_use]
    pub fn pages_for<'v>(&self, page: &KindPage, vendor: &'v VendorLinks) -> Vec<&'v PageLink> {
        let wanted = page.remedies.iter().filter_map(|remedy| remedy.page);
        wanted.filter_map(|sort| vendor.pages.iter().find(|link| link.sort == sort)).collect()
    }

    /// The row of a status.
    #[must_use]
    pub fn status(&self, status: u16) -> Option<&StatusRow> {
        self.statuses.iter().find(|row| row.status == status)
    }

    /// A vendor by any of its names, with all its errors.
    #[must_use]
    pub fn vendor(&self, name: &str) -> Option<VendorPage<'_>> {
        let wanted = crate::vendors()
            .iter()
            .find(|vendor| vendor.name.eq_ignore_ascii_case(name))
            .or_else(|| crate::vendor(name))?;
        let mut links = None;
        let mut examples = Vec::new();
        for page in &self.kinds {
            for group in &page.vendors {
                if let Some(vendor) =
                    group.vendor.as_ref().filter(|vendor| *vendor.id == *wanted.id)
                {
                    links.get_or_insert(vendor);
                    examples.extend(group.examples.iter().map(|seen| (page.kind, seen)));
                }
            }
        }
        let relay = self.proxies.relays.iter().find(|relay| *relay.vendor.id == *wanted.id);
        let vendor = links.or(relay.map(|relay| &relay.vendor))?;
        Some(VendorPage { vendor, relay: relay.map(|relay| relay.text.as_str()), examples })
    }

    /// Every word that [`Reference::find`] knows as a name: kinds, statuses, vendors, codes.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.kinds.iter().map(|page| page.kind.as_str().to_owned()).collect();
        names.extend(self.statuses.iter().map(|row| row.status.to_string()));
        names.extend(crate::vendors().iter().map(|vendor| vendor.id.to_string()));
        names.extend(self.codes.iter().map(|row| row.code.clone()));
        names.extend(["proxies", "troubleshooting"].map(str::to_owned));
        names
    }
}
