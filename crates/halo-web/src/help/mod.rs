//! Help → Errors: the reference of `halo_diagnose` as a page, and a box that explains any error.
//!
//! Both work without scripts; `static/help.js` only adds a filter and saves the reloading. What is
//! pasted is read in this process, shown once, and kept nowhere.

mod explain;

use askama::Template;
use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use halo_diagnose::reference::{Reference, Seen};
use halo_diagnose::{reference, rules, vendors};
use halo_types::Kind;

use crate::error::PageError;
use crate::markdown::escape;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;
use crate::thread::raw;

/// Everything below `/help`.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/help", get(async || Redirect::to("/help/errors")))
        .route("/help/errors", get(errors).post(explain::explain))
        .route("/help/errors/teach", post(explain::teach))
        .route("/help/errors/unteach", post(explain::unteach))
}

#[derive(Template)]
#[template(path = "help/errors.html")]
struct ErrorsPage {
    page: Page,
    w: Words,
    reference: &'static Reference,
    /// What stands in the box.
    pasted: String,
    /// What came of it, as HTML.
    answer: Option<String>,
}

impl ErrorsPage {
    fn new(page: Page) -> Self {
        let w = page.words;
        Self { w, reference: reference(w.lang()), page, pasted: String::new(), answer: None }
    }

    /// The title of a kind.
    fn title(&self, kind: &Kind) -> &str {
        &self.reference.kind(*kind).title
    }

    /// How much the reference rests on.
    fn made_of(&self) -> String {
        let (rules, vendors) = (rules().len().to_string(), vendors().len().to_string());
        self.w.t2("help-made-of", ("rules", &rules), ("vendors", &vendors))
    }
}

/// An error's words with the deciding ones marked, as HTML.
fn words(seen: &Seen) -> String {
    raw::marked(seen.words.as_bytes(), seen.marked)
}

/// A sentence of the reference as HTML: what stands between backticks is code.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (at, piece) in text.split('`').enumerate() {
        let piece = escape(piece);
        html.push_str(&if at % 2 == 1 { format!("<code>{piece}</code>") } else { piece });
    }
    html
}

/// `GET /help/errors`
async fn errors(page: Page) -> Result<Response, PageError> {
    page::html(&ErrorsPage::new(page))
}

#[cfg(test)]
mod tests;
