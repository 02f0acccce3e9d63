//! The fault gallery: every kind of error in the words of every provider that the rules know, each
//! played by a click; and what the person's own rules make of them.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use halo_diagnose::{diagnose, kind_text, vendor};
use halo_engine::gallery::{Fault, faults};
use halo_types::Kind;
use serde::Deserialize;

use crate::error::PageError;
use crate::extract::Query;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// The most of a provider's words that stand in a line, in characters.
const MOST_WORDS: usize = 160;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    q: String,
}

struct Entry {
    scenario: String,
    rule: &'static str,
    status: u16,
    vendor: String,
    words: String,
    /// What it is read as where the person's own rules change that.
    own: Option<String>,
}

struct Group {
    kind: Kind,
    title: String,
    entries: Vec<Entry>,
}

struct Choice {
    id: String,
    name: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct GalleryPage {
    page: Page,
    w: Words,
    vendors: Vec<Choice>,
    q: String,
    count: String,
    groups: Vec<Group>,
    /// Whether something is looked for: what is found stands open.
    narrowed: bool,
    /// How many own rules there are, and how many entries they change.
    own: Option<String>,
    plays: bool,
}

/// `GET /practice/all`
pub(crate) async fn show(
    State(state): State<AppState>,
    page: Page,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (w, engine) = (page.words, state.engine());
    let context = engine.context(engine.now(), w.lang());
    let own_rules = engine.own_rules().current().rules().len();
    let looked = asked.q.trim().to_lowercase();
    let mut groups: Vec<Group> = Vec::new();
    let (mut count, mut changed) = (0_usize, 0_usize);
    for fault in faults() {
        // Without own rules every entry is read as the gallery names it.
        let read = (own_rules > 0).then(|| diagnose(&fault.evidence, &context));
        let own = read.filter(|read| read.kind != fault.kind).map(|read| read.title.to_string());
        changed += usize::from(own.is_some());
        let entry = entry(fault, own, w);
        let speaks = asked.vendor.is_empty() || fault.vendor.as_deref() == Some(&*asked.vendor);
        if !speaks || !is_found(fault, &entry, &looked, w) {
            continue;
        }
        count += 1;
        match groups.last_mut() {
            Some(group) if group.kind == fault.kind => group.entries.push(entry),
            _ => groups.push(Group {
                kind: fault.kind,
                title: kind_text(fault.kind, w.lang()).title.to_string(),
                entries: vec![entry],
            }),
        }
    }
    page::html(&GalleryPage {
        w,
        vendors: vendors(&asked.vendor),
        narrowed: !looked.is_empty() || !asked.vendor.is_empty(),
        count: w.n("gallery-count", "n", count),
        own: (own_rules > 0).then(|| {
            w.t2("gallery-own", ("rules", &own_rules.to_string()), ("n", &changed.to_string()))
        }),
        plays: engine.practice().is_some(),
        q: asked.q,
        groups,
        page,
    })
}

fn entry(fault: &Fault, own: Option<String>, w: Words) -> Entry {
    let body = fault.evidence.body.text();
    let words: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    Entry {
        scenario: fault.scenario(),
        rule: fault.rule,
        status: fault.status,
        vendor: match fault.vendor.as_deref() {
            Some(id) => name(id),
            None => w.t("gallery-any-vendor"),
        },
        words: words.chars().take(MOST_WORDS).collect(),
        own,
    }
}

fn is_found(fault: &Fault, entry: &Entry, looked: &str, w: Words) -> bool {
    let has = |text: &str| text.to_lowercase().contains(looked);
    looked.is_empty()
        || has(fault.rule)
        || has(&entry.vendor)
        || has(fault.kind.as_str())
        || has(&kind_text(fault.kind, w.lang()).title)
        || has(&fault.evidence.body.text())
        || fault.status.to_string() == looked
}

/// A provider's name as people write it.
fn name(id: &str) -> String {
    vendor(id).map_or_else(|| id.to_owned(), |vendor| vendor.name.clone())
}

fn vendors(chosen: &str) -> Vec<Choice> {
    let ids = faults().iter().filter_map(|fault| fault.vendor.as_deref());
    let all: BTreeMap<String, &str> = ids.map(|id| (name(id), id)).collect();
    let choice =
        |(name, id): (String, &str)| Choice { here: id == chosen, id: id.to_owned(), name };
    all.into_iter().map(choice).collect()
}
