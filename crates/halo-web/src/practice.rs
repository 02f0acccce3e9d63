//! The practice scenarios: every error of the reference, played by a click.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use halo_types::{ConversationId, Lang};
use serde::Deserialize;

use crate::actions::{self, Form};
use crate::error::PageError;
use crate::state::AppState;
use crate::strings::Words;

/// The list of scenarios inside a conversation.
#[derive(Template)]
#[template(path = "practice.html")]
pub(crate) struct Panel {
    words: Words,
    conversation: Option<ConversationId>,
    groups: Vec<Group>,
}

/// Scenarios of one sort.
struct Group {
    name: String,
    scenarios: Vec<Scenario>,
}

struct Scenario {
    id: String,
    title: String,
    about: String,
    kind: Option<&'static str>,
}

/// The list of what can be played.
pub(crate) fn panel(state: &AppState, words: Words, conversation: Option<ConversationId>) -> Panel {
    let mut groups: Vec<Group> = Vec::new();
    let scenarios = state.engine().practice().map(|practice| practice.scenarios.as_slice());
    for scenario in scenarios.unwrap_or_default() {
        let (name, title, about) = match words.lang() {
            Lang::En => (&scenario.group_en, &scenario.title_en, &scenario.about_en),
            Lang::Zh => (&scenario.group_zh, &scenario.title_zh, &scenario.about_zh),
        };
        let shown = Scenario {
            id: scenario.id.clone(),
            title: title.clone(),
            about: about.clone(),
            kind: scenario.kind.map(|kind| kind.as_str()),
        };
        match groups.iter_mut().find(|group| group.name == *name) {
            Some(group) => group.scenarios.push(shown),
            None => groups.push(Group { name: name.clone(), scenarios: vec![shown] }),
        }
    }
    Panel { words, conversation, groups }
}

/// Which scenario to play, and where.
#[derive(Debug, Deserialize)]
pub(crate) struct Play {
    scenario: String,
    /// Empty for a new conversation.
    #[serde(default)]
    conversation: String,
}

/// `POST /practice/play`.
pub(crate) async fn play(
    State(state): State<AppState>,
    words: Words,
    headers: HeaderMap,
    Form(play): Form<Play>,
) -> Result<Response, PageError> {
    let conversation = match play.conversation.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| PageError::Bad("problem-bad-form"))?),
    };
    let id = state.engine().play(&play.scenario, words.lang(), conversation).await?;
    Ok(actions::done(&headers, id))
}
