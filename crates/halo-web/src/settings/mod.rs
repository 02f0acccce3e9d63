//! The settings pages: providers and keys, recovery, gateway, appearance.
//!
//! Every form works without scripts; `static/settings.js` only saves the reloading. A handler
//! reads a form, changes the settings through the engine's configuration, and renders or
//! redirects. A saved key never reaches a page: only its masked form does.

mod about;
mod access;
mod backup;
mod connection;
mod data;
mod draft;
mod facts;
mod first_key;
mod form;
mod form_view;
mod gateway;
mod ladder;
mod models;
mod own_facts;
mod probe;
mod recovery;
mod report;
mod rules;
mod save;
mod snippets;
mod undo;

pub(crate) use data::{export_all, export_one};
pub(crate) use first_key::instead_of_message;
pub(crate) use save::percent;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use halo_config::ConfigError;

use crate::error::PageError;
use crate::state::AppState;
use crate::strings::Words;

/// Everything below `/settings`.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/settings", get(async || Redirect::to("/settings/ai-model")))
        .route("/settings/ai-model", get(models::show))
        .route("/settings/ai-model/url", post(probe::url))
        .route("/settings/ai-model/guess", post(probe::guess))
        .route("/settings/ai-model/facts", post(probe::facts))
        .route("/settings/ai-model/facts/set", post(own_facts::set))
        .route("/settings/ai-model/facts/forget", post(own_facts::forget))
        .route("/settings/ai-model/facts/restore", post(own_facts::restore))
        .route("/settings/ai-model/test", post(probe::test))
        .route("/settings/ai-model/models", post(probe::models))
        .route("/settings/ai-model/save", post(save::save))
        .route("/settings/ai-model/paste", post(save::paste))
        .route(first_key::ADDRESS, get(first_key::show).post(first_key::take))
        .route("/settings/ai-model/remove", post(save::remove))
        .route("/settings/ai-model/restore", post(save::restore))
        .route("/settings/ai-model/default", post(save::default_target))
        .route("/settings/ai-model/resend", post(save::resend))
        .route("/settings/recovery", get(recovery::show).post(recovery::save))
        .route("/settings/recovery/ladder", post(ladder::change))
        .route("/settings/rules", get(rules::show))
        .route("/settings/rules/remove", post(rules::remove))
        .route("/settings/rules/restore", post(rules::restore))
        .route("/settings/gateway", get(gateway::show))
        .route("/settings/gateway/make", post(gateway::make))
        .route("/settings/gateway/remove", post(gateway::remove))
        .route("/settings/gateway/restore", post(gateway::restore))
        .route("/settings/data", get(data::show))
        .route(
            "/settings/data/import",
            post(data::import).layer(DefaultBodyLimit::max(data::MAX_IMPORT)),
        )
        .route("/settings/data/backup", post(backup::make))
        .route("/settings/data/backup/{name}", get(backup::download))
        .route("/settings/data/delete", post(backup::delete))
        .route("/settings/data/undelete", post(backup::undelete))
        .route("/settings/data/onward", post(data::onward))
        .route("/settings/devices", get(access::show))
        .route("/settings/devices/password", post(access::set))
        .route("/settings/devices/password/remove", post(access::remove))
        .route("/settings/devices/revoke", post(access::revoke))
        .route("/settings/devices/revoke-others", post(access::revoke_others))
        .route("/settings/appearance", get(about::appearance).post(about::save_appearance))
        .route("/settings/about", get(about::about))
        .layer(Extension(undo::Removed::default()))
        .layer(Extension(backup::Deleted::default()))
}

/// A page of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Models,
    Recovery,
    Rules,
    Gateway,
    Data,
    Devices,
    Appearance,
    About,
}

impl Section {
    const ALL: [Self; 8] = [
        Self::Models,
        Self::Recovery,
        Self::Rules,
        Self::Gateway,
        Self::Data,
        Self::Devices,
        Self::Appearance,
        Self::About,
    ];

    const fn href(self) -> &'static str {
        match self {
            Self::Models => "/settings/ai-model",
            Self::Recovery => "/settings/recovery",
            Self::Rules => "/settings/rules",
            Self::Gateway => "/settings/gateway",
            Self::Data => "/settings/data",
            Self::Devices => "/settings/devices",
            Self::Appearance => "/settings/appearance",
            Self::About => "/settings/about",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Models => "settings-nav-models",
            Self::Recovery => "settings-nav-recovery",
            Self::Rules => "settings-nav-rules",
            Self::Gateway => "settings-nav-gateway",
            Self::Data => "settings-nav-data",
            Self::Devices => "settings-nav-devices",
            Self::Appearance => "settings-nav-appearance",
            Self::About => "settings-nav-about",
        }
    }
}

/// What stands around the content of every settings page.
struct Shell {
    w: Words,
    section: Section,
    /// What was just done.
    notice: Option<String>,
    /// What could not be done.
    trouble: Option<Trouble>,
}

struct Link {
    href: &'static str,
    words: String,
    here: bool,
}

impl Shell {
    const fn new(w: Words, section: Section) -> Self {
        Self { w, section, notice: None, trouble: None }
    }

    fn title(&self) -> String {
        self.w.t(self.section.key())
    }

    fn links(&self) -> Vec<Link> {
        Section::ALL
            .iter()
            .map(|section| Link {
                href: section.href(),
                words: self.w.t(section.key()),
                here: *section == self.section,
            })
            .collect()
    }
}

/// A change that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    /// What happened, in the person's language.
    words: String,
    /// File, line and column, where a file is at fault.
    place: Option<String>,
    /// What the file's reader said.
    raw: Option<String>,
}

impl Trouble {
    fn plain(words: String) -> Self {
        Self { words, place: None, raw: None }
    }

    /// Words for a configuration that could not be changed.
    fn of(w: Words, error: &ConfigError) -> Self {
        let place = match error {
            ConfigError::Syntax { path, line, column, .. }
            | ConfigError::Value { path, line, column, .. } => {
                Some(format!("{}:{line}:{column}", path.display()))
            }
            ConfigError::Read { path, .. } | ConfigError::Write { path, .. } => {
                Some(path.display().to_string())
            }
            _ => None,
        };
        let key = match error {
            ConfigError::Syntax { .. } | ConfigError::Value { .. } => "settings-error-config",
            ConfigError::Read { .. } | ConfigError::Write { .. } => "settings-error-file",
            _ => "settings-error-change",
        };
        Self { words: w.t(key), place, raw: Some(error.to_string()) }
    }
}

/// Whether a script asks for a piece of the page rather than for the page.
fn wants_fragment(headers: &HeaderMap) -> bool {
    headers.contains_key("x-halo-fragment")
}

/// Marks an answer as one that no cache keeps: it may hold what was typed into a key field.
fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page that says what was not done. Scripts and tests tell it by its status.
fn refused(page: Response) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

/// Sends the browser on after a change.
fn see_other(to: &str) -> Response {
    Redirect::to(to).into_response()
}

type Answer = Result<Response, PageError>;

#[cfg(test)]
mod tests;
