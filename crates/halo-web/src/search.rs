//! Finding things in conversations: as a page, and as a piece that grows below the field while
//! the person types.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use halo_engine::{Found, SearchHit};
use halo_types::Role;
use serde::Deserialize;

use crate::clock::Zone;
use crate::error::PageError;
use crate::extract::Query;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// The most finds that are shown. Who needs more adds a word.
const MOST: usize = 60;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    q: String,
}

struct Hit {
    /// The conversation, at the message or the card.
    href: String,
    title: String,
    kind: &'static str,
    date: String,
    pieces: Vec<Marked>,
}

struct Marked {
    text: String,
    found: bool,
}

#[derive(Template)]
#[template(path = "found.html")]
struct Results {
    words: Words,
    query: String,
    hits: Vec<Hit>,
    /// How many there are, in words.
    count: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    words: Words,
    query: String,
    hits: Vec<Hit>,
    count: String,
}

/// `GET /search`: the finds alone.
pub(crate) async fn fragment(
    State(state): State<AppState>,
    words: Words,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    page::html(&results(&state, words, page::zone(&headers), &wanted.q).await?)
}

/// `GET /?q=…`: the finds as a page, for browsers without scripts.
pub(crate) async fn show(
    state: &AppState,
    mut page: Page,
    query: &str,
) -> Result<Response, PageError> {
    let results = results(state, page.words, page.zone, query).await?;
    query.clone_into(&mut page.query);
    page::html(&SearchPage {
        words: page.words,
        query: results.query,
        hits: results.hits,
        count: results.count,
        page,
    })
}

async fn results(
    state: &AppState,
    words: Words,
    zone: Zone,
    query: &str,
) -> Result<Results, PageError> {
    let found = state.engine().search(query, MOST).await?;
    let count = match found.len() {
        MOST => words.t1("search-many", "count", MOST),
        1 => words.t("search-one"),
        n => words.t1("search-count", "count", n),
    };
    let hits = found.into_iter().map(|hit| shown(words, zone, hit)).collect();
    Ok(Results { words, query: query.trim().to_owned(), hits, count })
}

fn shown(words: Words, zone: Zone, hit: SearchHit) -> Hit {
    let id = hit.conversation;
    let (href, kind) = match hit.found {
        Found::Title => (format!("/c/{id}"), "search-in-title"),
        Found::Message { id: message, role } => (
            format!("/c/{id}?at={message}#m-{message}"),
            match role {
                Role::User => "search-in-prompt",
                Role::Assistant => "search-in-answer",
            },
        ),
        Found::Error { attempt } => {
            (format!("/c/{id}?at={attempt}#e-{attempt}"), "search-in-error")
        }
    };
    let title = match hit.title.trim() {
        "" => words.t("conversation-untitled"),
        title => title.to_owned(),
    };
    let pieces = hit.snippet.pieces();
    let pieces =
        pieces.iter().map(|(text, found)| Marked { text: (*text).to_owned(), found: *found });
    Hit { href, title, kind, date: zone.minute_text(hit.at), pieces: pieces.collect() }
}
