//! What goes wrong in a handler, and how a person reads it.
//!
//! A handler does not know how its answer is shown, so a [`PageError`] travels as an extension of
//! a bare response; [`explain`] turns it into a page for navigation and into JSON for scripts, in
//! the browser's language.

use std::error::Error;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halo_engine::{CompactError, EngineError};
use halo_store::StoreError;
use serde_json::json;

use crate::clock::{self, Zone};
use crate::page;
use crate::secret::NoRandomness;
use crate::strings::Words;
use crate::thread::tokens;

/// A request that could not be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// Nothing has this address.
    #[error("nothing has this address")]
    NotFound,
    /// The request does not make sense; the words of this key say why.
    #[error("bad request: {0}")]
    Bad(&'static str),
    /// More was sent than is taken.
    #[error("{bytes:?} bytes were sent, at most {max} are taken")]
    TooLarge {
        /// What was sent, where known.
        bytes: Option<u64>,
        /// The most that is taken.
        max: u64,
    },
    /// The engine refused or failed.
    #[error("the engine could not do it")]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error("the store could not do it")]
    Store(#[from] StoreError),
    /// Conversations could not be taken out or brought in.
    #[error("the conversations could not be exported")]
    Archive(#[from] halo_engine::archive::ArchiveError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// A template did not render.
    #[error("a page could not be rendered")]
    Render(#[from] askama::Error),
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound
            | Self::Engine(
                EngineError::NoConversation(_)
                | EngineError::NotFound(_)
                | EngineError::NoScenario(_),
            ) => StatusCode::NOT_FOUND,
            Self::TooLarge { .. }
            | Self::Engine(EngineError::TooLong { .. } | EngineError::PictureTooLarge { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Engine(
                EngineError::Busy | EngineError::Waiting { .. } | EngineError::Elsewhere,
            ) => StatusCode::CONFLICT,
            Self::Bad(_)
            | Self::Engine(
                EngineError::Empty
                | EngineError::NoTarget
                | EngineError::NoProvider(_)
                | EngineError::NotAPicture { .. }
                | EngineError::Compact(_)
                | EngineError::DoesNotFit(_),
            ) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Archive(halo_engine::archive::ArchiveError::NoConversation(_)) => {
                StatusCode::NOT_FOUND
            }
            Self::Engine(EngineError::Store(StoreError::ReadOnly))
            | Self::Store(StoreError::ReadOnly) => StatusCode::CONFLICT,
            Self::Archive(_)
            | Self::Engine(_)
            | Self::Store(_)
            | Self::Random(_)
            | Self::Render(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// One or two sentences for the person.
    fn words(&self, words: Words, zone: Zone) -> String {
        match self {
            Self::NotFound => words.t("problem-not-found"),
            Self::Bad(key) => words.t(key),
            Self::TooLarge { bytes, max } => too_large(words, *bytes, *max),
            Self::Archive(halo_engine::archive::ArchiveError::NoConversation(_)) => {
                words.t("problem-no-conversation")
            }
            Self::Engine(EngineError::Store(StoreError::ReadOnly))
            | Self::Store(StoreError::ReadOnly) => words.t("problem-read-only"),
            Self::Engine(EngineError::Waiting { until }) => {
                words.t1("problem-waiting", "time", zone.near_text(*until, clock::now()))
            }
            Self::Engine(error) => engine_words(words, error),
            other => words.t1("problem-internal", "what", chain(other)),
        }
    }
}

fn engine_words(words: Words, error: &EngineError) -> String {
    match error {
        EngineError::NoConversation(_) => words.t("problem-no-conversation"),
        EngineError::Busy => words.t("problem-busy"),
        EngineError::Elsewhere => words.t("problem-elsewhere"),
        EngineError::Empty => words.t("problem-empty"),
        EngineError::NoTarget => words.t("problem-no-target"),
        EngineError::NotFound(_) => words.t("problem-not-found"),
        EngineError::NoScenario(_) => words.t("problem-no-scenario"),
        EngineError::NoProvider(id) => words.t1("problem-no-provider", "name", id),
        EngineError::DoesNotFit(_) => words.t("problem-does-not-fit"),
        EngineError::Compact(error) => stuck(words, error),
        EngineError::NotAPicture { name, why } => {
            words.t2("problem-not-a-picture", ("name", name), ("why", why))
        }
        EngineError::TooLong { bytes, max } | EngineError::PictureTooLarge { bytes, max, .. } => {
            too_large(words, u64::try_from(*bytes).ok(), u64::try_from(*max).unwrap_or(u64::MAX))
        }
        other => words.t1("problem-internal", "what", chain(other)),
    }
}

/// Why no compaction makes room, and what does.
pub(crate) fn stuck(words: Words, error: &CompactError) -> String {
    let sizes = |key, used: &u64, window: &u64| {
        words.t2(key, ("used", &tokens(*used)), ("window", &tokens(*window)))
    };
    match error {
        CompactError::NothingBefore => words.t("problem-nothing-to-compact"),
        CompactError::LastMessageTooLong { tokens, window } => {
            sizes("problem-last-message-too-long", tokens, window)
        }
        CompactError::PinnedTooLong { tokens, window } => {
            sizes("problem-pinned-too-long", tokens, window)
        }
        CompactError::Useless { tries } => words.t1("problem-compacting-useless", "tries", tries),
    }
}

fn too_large(words: Words, bytes: Option<u64>, max: u64) -> String {
    let max = megabytes(max);
    match bytes {
        Some(bytes) => words.t2("problem-too-large", ("size", &megabytes(bytes)), ("max", &max)),
        None => words.t1("problem-too-large-unknown", "max", max),
    }
}

/// `4.0 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// An error with its sources, outermost first.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[derive(Clone)]
struct Problem(Arc<PageError>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Problem(Arc::new(self)));
        response
    }
}

/// Puts the words of a [`PageError`] into the answer.
pub(crate) async fn explain(words: Words, request: Request, next: Next) -> Response {
    let as_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let zone = page::zone(request.headers());
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let Some(Problem(error)) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    if error.status().is_server_error() {
        tracing::error!(path, error = chain(error.as_ref()), "a request failed");
    }
    let text = error.words(words, zone);
    if as_page {
        page::problem(words, error.status(), &text)
    } else {
        (error.status(), axum::Json(json!({ "error": text }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strings::Locale;

    #[test]
    fn every_error_has_words_in_every_language() {
        let errors = [
            PageError::NotFound,
            PageError::Bad("problem-bad-form"),
            PageError::TooLarge { bytes: Some(52_428_800), max: 4_000_000 },
            PageError::TooLarge { bytes: None, max: 4_000_000 },
            EngineError::Busy.into(),
            EngineError::Waiting { until: halo_types::Timestamp(0) }.into(),
            EngineError::Elsewhere.into(),
            EngineError::Empty.into(),
            EngineError::NoTarget.into(),
            EngineError::Compact(CompactError::NothingBefore).into(),
            EngineError::Compact(CompactError::LastMessageTooLong { tokens: 9, window: 8 }).into(),
            EngineError::Compact(CompactError::PinnedTooLong { tokens: 9, window: 8 }).into(),
            EngineError::Compact(CompactError::Useless { tries: 3 }).into(),
        ];
        for locale in Locale::ALL {
            for error in &errors {
                let text = error.words(Words::new(*locale), Zone::default());
                assert!(!text.starts_with("problem-"), "{error:?}: {text}");
                assert!(error.status().is_client_error());
            }
        }
        let text = errors[2].words(Words::default(), Zone::default());
        assert!(text.contains("52.4 MB") && text.contains("4.0 MB"), "{text}");
    }
}
