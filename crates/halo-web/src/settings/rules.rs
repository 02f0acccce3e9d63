//! The person's own rules: which there are, which are broken, and how to write one by hand.

use askama::Template;
use axum::extract::{Extension, Form, Query, State};
use halo_diagnose::{RuleFault, kind_text};
use halo_engine::Engine;
use halo_types::{Kind, Lang};

use super::form::Pairs;
use super::save::{percent, value};
use super::undo::Removed;
use super::{Answer, Section, Shell, Trouble, refused, see_other};
use crate::page::{self, Page};
use crate::state::AppState;

struct Row {
    id: String,
    kind: Kind,
    title: String,
    words: String,
    status: String,
    file: String,
}

struct Fault {
    file: String,
    place: String,
    message: String,
}

#[derive(Template)]
#[template(path = "settings/rules.html")]
struct RulesPage {
    page: Page,
    shell: Shell,
    rules: Vec<Row>,
    faults: Vec<Fault>,
    folder: String,
    /// The rule that was just removed and can be put back.
    removed: Option<String>,
    colon: &'static str,
}

/// `GET /settings/rules`
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Query(query): Query<Pairs>,
) -> Answer {
    let engine = state.engine();
    let here = |id: &str| engine.own_rules().file_of(id).is_some();
    let gone = value(&query, "removed").filter(|id| !here(id) && removed.rule(id).is_some());
    let gone = gone.map(str::to_owned);
    page::html(&compose(engine, page, None, gone))
}

/// `POST /settings/rules/remove`
pub(super) async fn remove(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    match engine.remove_rule(value(&pairs, "rule").unwrap_or_default()) {
        Ok(Some(rule)) => {
            let to = format!("/settings/rules?removed={}", percent(&rule.id));
            removed.keep_rule(rule);
            Ok(see_other(&to))
        }
        Ok(None) => Ok(see_other("/settings/rules")),
        Err(error) => {
            let trouble = Trouble::of(page.words, &error);
            Ok(refused(page::html(&compose(engine, page, Some(trouble), None))?))
        }
    }
}

/// `POST /settings/rules/restore`
pub(super) async fn restore(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let Some(rule) = value(&pairs, "rule").and_then(|id| removed.rule(id)) else {
        return Ok(see_other("/settings/rules"));
    };
    match engine.put_back_rule(&rule) {
        Ok(()) => Ok(see_other("/settings/rules")),
        Err(error) => {
            let trouble = Trouble::of(page.words, &error);
            Ok(refused(page::html(&compose(engine, page, Some(trouble), Some(rule.id)))?))
        }
    }
}

fn compose(
    engine: &Engine,
    page: Page,
    trouble: Option<Trouble>,
    removed: Option<String>,
) -> RulesPage {
    let folder = engine.own_rules();
    let w = page.words;
    let name = |id: &str| {
        let file = folder.file_of(id).unwrap_or_default();
        file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let current = folder.current();
    let rules = current.rules().iter().map(|rule| Row {
        id: rule.id.clone(),
        kind: rule.kind,
        title: kind_text(rule.kind, w.lang()).title.to_string(),
        words: rule.words().join(" … "),
        status: rule.statuses().join(", "),
        file: name(&rule.id),
    });
    let fault = |RuleFault { file, line, column, message }| Fault {
        place: w.t2(
            "rules-fault-place",
            ("line", &line.to_string()),
            ("column", &column.to_string()),
        ),
        file,
        message,
    };
    RulesPage {
        rules: rules.collect(),
        faults: folder.faults().into_iter().map(fault).collect(),
        folder: folder.path().display().to_string(),
        removed,
        colon: if w.lang() == Lang::Zh { "：" } else { ": " },
        shell: Shell { trouble, ..Shell::new(w, Section::Rules) },
        page,
    }
}
