//! The pages of a conversation.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use halo_engine::{ConversationView, Item};
use halo_types::{AttemptId, ConversationId, MessageId, Part};
use serde::Deserialize;

use crate::composer::{Composer, Known};
use crate::error::PageError;
use crate::extract::{Path, Query};
use crate::page::{self, Page};
use crate::practice::{self, Panel};
use crate::search;
use crate::setup;
use crate::state::AppState;
use crate::strings::Words;
use crate::thread::{self, Beyond, Piece, Setting, Span};

#[derive(Template)]
#[template(path = "conversation.html")]
struct ConversationPage {
    page: Page,
    words: Words,
    title: String,
    /// What is set for its requests.
    setup: Option<String>,
    conversation: Option<ConversationId>,
    pieces: Vec<Piece>,
    /// What stands above and below them.
    beyond: Beyond,
    composer: Composer,
    panel: Option<Panel>,
    /// Whether the person has a provider of their own.
    has_provider: bool,
    /// What is said of a provider that was just set up.
    ready: Option<String>,
    /// What is said where records are damaged.
    damaged: Option<String>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct ThreadFragment {
    words: Words,
    title: String,
    /// What is set for its requests.
    setup: Option<String>,
    conversation: Option<ConversationId>,
    pieces: Vec<Piece>,
    /// What stands above and below them.
    beyond: Beyond,
    composer: Composer,
    panel: Option<Panel>,
    has_provider: bool,
    ready: Option<String>,
    damaged: Option<String>,
}

/// What may follow the address of a conversation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Show {
    /// Show the practice scenarios.
    practice: Option<String>,
    /// Edit this prompt.
    edit: Option<MessageId>,
    /// What is looked for.
    q: Option<String>,
    /// The model to begin with, as forms carry it.
    with: Option<String>,
    /// A conversation that was just deleted.
    deleted: Option<ConversationId>,
}

/// `GET /`: the latest conversation, or an empty one; with `q` what is found.
pub(crate) async fn home(
    State(state): State<AppState>,
    page: Page,
    Query(show): Query<Show>,
) -> Result<Response, PageError> {
    if let Some(query) = &show.q {
        return search::show(&state, page, query).await;
    }
    match page.latest {
        Some(id) if show.deleted.is_none() => Ok(Redirect::to(&format!("/c/{id}")).into_response()),
        _ => empty(&state, page, &show),
    }
}

/// `GET /new`: an empty conversation. Nothing is stored before its first message.
pub(crate) async fn new(
    State(state): State<AppState>,
    page: Page,
    Query(show): Query<Show>,
) -> Result<Response, PageError> {
    empty(&state, page, &show)
}

/// `GET /practice`: the practice scenarios in an empty conversation.
pub(crate) async fn practice(
    State(state): State<AppState>,
    page: Page,
) -> Result<Response, PageError> {
    empty(&state, page, &Show { practice: Some(String::new()), ..Show::default() })
}

fn empty(state: &AppState, mut page: Page, show: &Show) -> Result<Response, PageError> {
    let known = Known::of(state.engine());
    let words = page.words;
    let with = show.with.as_deref().and_then(crate::composer::target);
    let with = with.filter(|with| known.providers.iter().any(|p| p.id == with.provider));
    let ready = with.as_ref().map(|with| {
        let provider = known.provider_name(with, words);
        words.t2("start-ready", ("name", &provider), ("model", &with.model))
    });
    let target = with.or_else(|| state.engine().default_target());
    page.deleted = show.deleted;
    page::html(&ConversationPage {
        words,
        title: words.t("conversation-new"),
        setup: None,
        conversation: None,
        pieces: Vec::new(),
        beyond: Beyond::default(),
        composer: Composer::new(target.as_ref(), &known, words),
        panel: show.practice.is_some().then(|| practice::panel(state, words, None)),
        has_provider: known.has_own(),
        ready,
        damaged: None,
        page,
    })
}

/// `GET /c/{id}`.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    page: Page,
    Query(show): Query<Show>,
    Query(span): Query<Span>,
) -> Result<Response, PageError> {
    let words = page.words;
    if let Some(at) = &span.at {
        bring_up(&state, id, at).await?;
    }
    let view = state.engine().conversation(id, words.lang()).await?;
    let fragment = fragment(&state, &view, words, page.zone, &show, &span)?;
    page::html(&ConversationPage {
        words,
        title: fragment.title,
        setup: fragment.setup,
        conversation: Some(id),
        pieces: fragment.pieces,
        beyond: fragment.beyond,
        composer: fragment.composer,
        panel: fragment.panel,
        has_provider: fragment.has_provider,
        ready: None,
        damaged: fragment.damaged,
        page: page.with_active(id),
    })
}

/// A find may stand on another branch than the one that was last read.
async fn bring_up(state: &AppState, id: ConversationId, at: &str) -> Result<(), PageError> {
    if let Ok(message) = at.parse::<MessageId>() {
        state.engine().bring_up(id, message).await?;
    }
    if let Ok(attempt) = at.parse::<AttemptId>() {
        state.engine().bring_up_attempt(id, attempt).await?;
    }
    Ok(())
}

/// `GET /c/{id}/thread`: what a page takes over when something changed.
pub(crate) async fn thread(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    words: Words,
    headers: HeaderMap,
    Query(show): Query<Show>,
    Query(span): Query<Span>,
) -> Result<Response, PageError> {
    let view = state.engine().conversation(id, words.lang()).await?;
    page::html(&fragment(&state, &view, words, page::zone(&headers), &show, &span)?)
}

fn fragment(
    state: &AppState,
    view: &ConversationView,
    words: Words,
    zone: crate::clock::Zone,
    show: &Show,
    span: &Span,
) -> Result<ThreadFragment, PageError> {
    let known = Known::of(state.engine());
    let own = state.engine().own_rules().current();
    let renderer = state.renderer();
    let setting = Setting { words, zone, renderer, targets: &known.targets, own: &own };
    let (pieces, beyond) = thread::part(view, span, &setting)?;
    let mut composer = Composer::of(view, &known, words, zone);
    if let Some((message, text)) = show.edit.and_then(|id| Some((id, text_of(view, id)?))) {
        composer.text = text;
        composer.edit = Some(message);
    }
    let title = match view.meta.title.trim() {
        "" => words.t("conversation-untitled"),
        title => title.to_owned(),
    };
    Ok(ThreadFragment {
        words,
        title,
        setup: setup::summary(words, view.meta.system.as_deref(), &view.meta.parameters),
        conversation: Some(view.meta.id),
        pieces,
        beyond,
        composer,
        panel: show.practice.is_some().then(|| practice::panel(state, words, Some(view.meta.id))),
        has_provider: known.has_own(),
        ready: None,
        damaged: (view.damaged > 0)
            .then(|| words.t1("conversation-damaged", "count", view.damaged)),
    })
}

/// The text of a message that is shown.
fn text_of(view: &ConversationView, id: MessageId) -> Option<String> {
    view.items.iter().find_map(|item| match item {
        Item::Message(shown) if shown.message.id == id => Some(shown.message.text()),
        _ => None,
    })
}

/// `GET /list`: the conversation list alone.
pub(crate) async fn list(page: Page, Query(open): Query<Open>) -> Result<Response, PageError> {
    #[derive(Template)]
    #[template(path = "list.html")]
    struct List {
        page: Page,
    }
    let page = match open.active {
        Some(id) => page.with_active(id),
        None => page,
    };
    page::html(&List { page })
}

/// Which conversation a page shows.
#[derive(Debug, Deserialize)]
pub(crate) struct Open {
    active: Option<ConversationId>,
}

/// `GET /c/{id}/messages/{message}/text`: a message as Markdown, without thoughts.
pub(crate) async fn text(
    State(state): State<AppState>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    words: Words,
) -> Result<Response, PageError> {
    let view = state.engine().conversation(id, words.lang()).await?;
    let found = view.items.into_iter().find_map(|item| match item {
        Item::Message(shown) if shown.message.id == message => Some(shown.message),
        _ => None,
    });
    let message = found.ok_or(PageError::NotFound)?;
    // Parts of an answer that were one text stay one text.
    let text: String = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// `GET /c/{id}/attempts/{attempt}/report`: a failure as Markdown, secrets masked.
pub(crate) async fn report(
    State(state): State<AppState>,
    Path((id, attempt)): Path<(ConversationId, AttemptId)>,
    words: Words,
) -> Result<Response, PageError> {
    let report = state.engine().report(id, attempt, words.lang()).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], report).into_response())
}

/// `GET /practice/panel`: the scenarios alone.
pub(crate) async fn practice_panel(
    State(state): State<AppState>,
    words: Words,
    Query(open): Query<Open>,
) -> Result<Response, PageError> {
    let panel = practice::panel(&state, words, open.active);
    Ok(Html(panel.render()?).into_response())
}
