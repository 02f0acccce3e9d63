//! The outbox: what runs, waits and is queued, with the ways to send it now, to send it to another
//! model, or to take it off.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use halo_engine::{OutboxEntry, Purpose, TurnState};
use halo_types::{ConversationId, Diagnosis, Evidence, Timestamp, TurnId};
use serde::Deserialize;

use crate::actions::{Form, TargetForm, done, go};
use crate::clock::{self, Zone};
use crate::composer::{self, Group, Known};
use crate::error::PageError;
use crate::extract::{Path, Query};
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// A wait longer than this is told as a time of the clock.
const COUNTDOWN_MS: u64 = 120_000;
/// The most of a provider's words that stand here, in characters; the card has all of them.
const MOST_WORDS: usize = 2_000;
/// The most of a message that stands here, in characters.
const MOST_TEXT: usize = 160;

/// The entries of one state.
struct Entries {
    key: &'static str,
    entries: Vec<Entry>,
}

/// A turn as it is shown.
struct Entry {
    turn: TurnId,
    state: &'static str,
    /// The conversation, at the message.
    href: String,
    /// Where the forms go.
    action: String,
    title: String,
    text: String,
    model: String,
    target: String,
    tries: Option<String>,
    purpose: Option<&'static str>,
    until: Option<Until>,
    failure: Option<Failure>,
}

/// When a turn is due.
struct Until {
    ms: i64,
    iso: String,
    counts_down: bool,
    is_due: bool,
    text: String,
    /// The key of the words for why; `None` where a failure says it.
    why: Option<&'static str>,
}

/// What a turn waits after.
struct Failure {
    title: String,
    meaning: String,
    label: String,
    said: String,
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage {
    page: Page,
    entries: String,
}

#[derive(Template)]
#[template(path = "outbox_entries.html")]
struct OutboxEntries {
    words: Words,
    groups: Vec<Entries>,
    models: Vec<Group>,
}

/// `GET /outbox`.
pub(crate) async fn show(State(state): State<AppState>, page: Page) -> Result<Response, PageError> {
    let entries = entries(&state, page.words, page.zone).await.render()?;
    page::html(&OutboxPage { page, entries })
}

/// `GET /outbox/entries`: the entries alone.
pub(crate) async fn fragment(
    State(state): State<AppState>,
    words: Words,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    page::html(&entries(&state, words, page::zone(&headers)).await)
}

async fn entries(state: &AppState, words: Words, zone: Zone) -> OutboxEntries {
    let known = Known::of(state.engine());
    let mut groups: Vec<Entries> = Vec::new();
    for entry in state.engine().outbox(words.lang()).await {
        let key = match entry.state {
            TurnState::Waiting { .. } => "outbox-waiting",
            TurnState::Queued => "outbox-queued",
            _ => "outbox-running",
        };
        let entry = shown(entry, &known, words, zone);
        match groups.last_mut() {
            Some(group) if group.key == key => group.entries.push(entry),
            _ => groups.push(Entries { key, entries: vec![entry] }),
        }
    }
    OutboxEntries { words, groups, models: composer::groups(None, &known, words) }
}

fn shown(entry: OutboxEntry, known: &Known, words: Words, zone: Zone) -> Entry {
    let (id, turn) = (entry.conversation, entry.turn);
    let told = entry.failure.is_some();
    let (state, until) = match &entry.state {
        TurnState::Waiting { until, from, .. } => {
            ("waiting", Some(self::until(*until, from, told, words, zone)))
        }
        TurnState::Queued => ("queued", None),
        _ => ("sending", None),
    };
    let provider = known.provider_name(&entry.target, words);
    Entry {
        turn,
        state,
        href: format!("/c/{id}?at={prompt}#m-{prompt}", prompt = entry.prompt),
        action: format!("/c/{id}/turns/{turn}"),
        title: match entry.title.trim() {
            "" => words.t("conversation-untitled"),
            title => title.to_owned(),
        },
        text: beginning(&entry.text, MOST_TEXT).0,
        model: known.label(&entry.target, words),
        target: entry.target.to_string(),
        tries: (entry.tries > 0).then(|| words.n("outbox-tries", "n", entry.tries)),
        purpose: match entry.purpose {
            Purpose::Reply => None,
            Purpose::Continue => Some("running-continue"),
            Purpose::Compact => Some("running-compact"),
        },
        until,
        failure: entry
            .failure
            .map(|failure| self::failure(&failure.0, &failure.1, &provider, words)),
    }
}

fn until(at: Timestamp, from: &str, told: bool, words: Words, zone: Zone) -> Until {
    let now = clock::now();
    let is_due = at <= now;
    let text = if is_due {
        words.t("outbox-due")
    } else {
        words.t1("outbox-until", "time", zone.near_text(at, now))
    };
    let why = match from {
        "pace" => Some("outbox-why-pace"),
        _ if from.starts_with("header") || from.starts_with("body") => Some("outbox-why-provider"),
        // The failure above says it.
        _ if told => None,
        _ => Some("outbox-why-halo"),
    };
    Until {
        ms: at.0,
        iso: clock::rfc3339(at),
        counts_down: at.ms_since(now) <= COUNTDOWN_MS,
        is_due,
        text,
        why,
    }
}

fn failure(evidence: &Evidence, diagnosis: &Diagnosis, provider: &str, words: Words) -> Failure {
    let body = evidence.body.text();
    let chain = evidence.transport.as_ref().map(|failure| failure.chain.join("\n"));
    let (label, said) = match (body.trim(), chain) {
        ("", Some(chain)) => (words.t("outbox-network-words"), chain),
        (body, _) => (words.t1("outbox-words", "name", provider), body.to_owned()),
    };
    let (said, is_cut) = beginning(&said, MOST_WORDS);
    Failure {
        title: diagnosis.title.to_string(),
        meaning: diagnosis.meaning.to_string(),
        label,
        said,
        is_cut,
    }
}

/// The first characters of a text, and whether there are more.
fn beginning(text: &str, most: usize) -> (String, bool) {
    match text.char_indices().nth(most) {
        Some((at, _)) => (format!("{}…", &text[..at]), true),
        None => (text.to_owned(), false),
    }
}

/// The page that a form came from.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct From {
    #[serde(default)]
    from: String,
}

impl From {
    fn back(&self, headers: &HeaderMap, id: ConversationId) -> Response {
        if self.from == "outbox" { go(headers, "/outbox") } else { done(headers, id) }
    }
}

/// `POST /c/{id}/turns/{turn}/send`: what waits is sent now.
pub(crate) async fn send(
    State(state): State<AppState>,
    Path((id, turn)): Path<(ConversationId, TurnId)>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().send_now(id, turn).await?;
    Ok(from.back(&headers, id))
}

/// `POST /c/{id}/turns/{turn}/cancel`: what waits or is under way is not sent.
pub(crate) async fn cancel(
    State(state): State<AppState>,
    Path((id, turn)): Path<(ConversationId, TurnId)>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().cancel_turn(id, turn).await?;
    Ok(from.back(&headers, id))
}

/// `POST /c/{id}/turns/{turn}/switch`: what waits is sent to another model now.
pub(crate) async fn switch(
    State(state): State<AppState>,
    Path((id, turn)): Path<(ConversationId, TurnId)>,
    Query(from): Query<From>,
    headers: HeaderMap,
    Form(form): Form<TargetForm>,
) -> Result<Response, PageError> {
    let target = composer::target(&form.target).ok_or(PageError::Bad("problem-bad-form"))?;
    state.engine().redirect_turn(id, turn, target).await?;
    Ok(from.back(&headers, id))
}
