//! How a conversation's requests are made: its system prompt and its parameters. What is left
//! empty is not sent.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use halo_types::{ConversationId, Lang, Parameters};
use serde::Deserialize;

use crate::composer;
use crate::error::PageError;
use crate::extract::Query;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// The longest system prompt, in bytes.
const MAX_SYSTEM: usize = 400_000;
/// Providers take at most four or five texts that end an answer; more are kept for others.
const MAX_STOPS: usize = 16;
/// The longest of them, in characters.
const MAX_STOP: usize = 200;
/// The most tokens that can be asked for.
const MAX_TOKENS: u64 = 10_000_000;

/// The form as it was typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    system: String,
    temperature: String,
    top_p: String,
    max_tokens: String,
    effort: String,
    stop: String,
    /// The model that a new conversation begins with, as forms carry it.
    target: String,
}

impl Typed {
    fn of(system: Option<&str>, parameters: &Parameters) -> Self {
        let number = |value: Option<f64>| value.map(|n| n.to_string()).unwrap_or_default();
        Self {
            system: system.unwrap_or_default().to_owned(),
            temperature: number(parameters.temperature),
            top_p: number(parameters.top_p),
            max_tokens: parameters.max_tokens.map(|n| n.to_string()).unwrap_or_default(),
            effort: parameters.effort.clone().unwrap_or_default(),
            stop: parameters.stop.join("\n"),
            target: String::new(),
        }
    }

    /// What was meant; else the keys of the words for each field at fault.
    fn read(&self) -> Result<(Option<String>, Parameters), Faults> {
        let mut faults = Faults::default();
        let system = self.system.replace("\r\n", "\n");
        if system.len() > MAX_SYSTEM {
            faults.system = Some("setup-bad-system");
        }
        let temperature = number(&self.temperature, 2.0).unwrap_or_else(|()| {
            faults.temperature = Some("setup-bad-temperature");
            None
        });
        let top_p = number(&self.top_p, 1.0).unwrap_or_else(|()| {
            faults.top_p = Some("setup-bad-top-p");
            None
        });
        let max_tokens = match self.max_tokens.trim() {
            "" => None,
            text => match text.parse::<u64>() {
                Ok(n) if (1..=MAX_TOKENS).contains(&n) => Some(n),
                _ => {
                    faults.max_tokens = Some("setup-bad-max-tokens");
                    None
                }
            },
        };
        let effort = Some(self.effort.trim().to_ascii_lowercase()).filter(|word| !word.is_empty());
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if effort.as_ref().is_some_and(|word| word.len() > 20 || !word.chars().all(plain)) {
            faults.effort = Some("setup-bad-effort");
        }
        let lines = self.stop.lines().map(|line| line.trim_end_matches('\r'));
        let stop: Vec<String> = lines.filter(|l| !l.is_empty()).map(str::to_owned).collect();
        if stop.len() > MAX_STOPS || stop.iter().any(|text| text.chars().count() > MAX_STOP) {
            faults.stop = Some("setup-bad-stop");
        }
        if faults.any() {
            return Err(faults);
        }
        let system = Some(system).filter(|text| !text.trim().is_empty());
        Ok((system, Parameters { temperature, top_p, max_tokens, effort, stop }))
    }
}

/// A number from 0 to `most`; a comma is read as a point, as half of the world writes it.
fn number(text: &str, most: f64) -> Result<Option<f64>, ()> {
    match text.trim().replace(',', ".").as_str() {
        "" => Ok(None),
        text => text.parse().ok().filter(|n| (0.0..=most).contains(n)).map(Some).ok_or(()),
    }
}

/// The keys of the words for what is wrong with each field.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Faults {
    system: Option<&'static str>,
    temperature: Option<&'static str>,
    top_p: Option<&'static str>,
    max_tokens: Option<&'static str>,
    effort: Option<&'static str>,
    stop: Option<&'static str>,
}

impl Faults {
    fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// A short field of the form.
struct Field {
    name: &'static str,
    label: String,
    hint: String,
    value: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    page: Page,
    conversation: Option<ConversationId>,
    title: String,
    system: String,
    system_fault: Option<String>,
    fields: Vec<Field>,
    stop: String,
    stop_fault: Option<String>,
    target: String,
    any_fault: bool,
}

fn render(
    page: Page,
    conversation: Option<(ConversationId, String)>,
    typed: Typed,
    faults: &Faults,
) -> Result<Response, PageError> {
    let w = page.words;
    let say = |key: Option<&'static str>| key.map(|key| w.t(key));
    let field = |name, label, hint, value, fault| Field {
        name,
        label: w.t(label),
        hint: w.t(hint),
        value,
        fault: say(fault),
    };
    let fields = vec![
        field(
            "temperature",
            "setup-temperature",
            "setup-temperature-hint",
            typed.temperature,
            faults.temperature,
        ),
        field("top_p", "setup-top-p", "setup-top-p-hint", typed.top_p, faults.top_p),
        field(
            "max_tokens",
            "setup-max-tokens",
            "setup-max-tokens-hint",
            typed.max_tokens,
            faults.max_tokens,
        ),
        field("effort", "setup-effort", "setup-effort-hint", typed.effort, faults.effort),
    ];
    let (id, title) = match conversation {
        Some((id, title)) => (Some(id), title),
        None => (None, w.t("conversation-new")),
    };
    let title = if title.trim().is_empty() { w.t("conversation-untitled") } else { title };
    page::html(&SetupPage {
        conversation: id,
        title,
        system: typed.system,
        system_fault: say(faults.system),
        fields,
        stop: typed.stop,
        stop_fault: say(faults.stop),
        target: typed.target,
        any_fault: faults.any(),
        page: match id {
            Some(id) => page.with_active(id),
            None => page,
        },
    })
}

/// `GET /setup`: of a conversation that is still to begin.
pub(crate) async fn new(page: Page, Query(typed): Query<Typed>) -> Result<Response, PageError> {
    render(page, None, typed, &Faults::default())
}

/// `POST /setup`: begins the conversation.
pub(crate) async fn create(
    State(state): State<AppState>,
    page: Page,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let (system, parameters) = match typed.read() {
        Ok(read) => read,
        Err(faults) => return Ok(refused(render(page, None, typed, &faults)?)),
    };
    if system.is_none() && parameters == Parameters::default() {
        return Ok(Redirect::to("/new").into_response());
    }
    let id = state.engine().create(composer::target(&typed.target)).await?;
    state.engine().set_up(id, system, parameters).await?;
    Ok(Redirect::to(&format!("/c/{id}?begun=1")).into_response())
}

/// `GET /c/{id}/setup`
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    page: Page,
) -> Result<Response, PageError> {
    let meta = state.engine().conversation(id, Lang::En).await?.meta;
    let typed = Typed::of(meta.system.as_deref(), &meta.parameters);
    render(page, Some((id, meta.title)), typed, &Faults::default())
}

/// `POST /c/{id}/setup`
pub(crate) async fn save(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    page: Page,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    match typed.read() {
        Ok((system, parameters)) => {
            state.engine().set_up(id, system, parameters).await?;
            Ok(Redirect::to(&format!("/c/{id}")).into_response())
        }
        Err(faults) => {
            let title = state.engine().conversation(id, Lang::En).await?.meta.title;
            Ok(refused(render(page, Some((id, title)), typed, &faults)?))
        }
    }
}

fn refused(page: Response) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

/// What is set for a conversation, in a few words for its head; `None` where nothing is.
pub(crate) fn summary(
    words: Words,
    system: Option<&str>,
    parameters: &Parameters,
) -> Option<String> {
    let number = |key: &str, value: Option<f64>| value.map(|n| format!("{} {n}", words.t(key)));
    let parts = [
        system.map(|_| words.t("setup-system")),
        number("setup-temperature", parameters.temperature),
        number("setup-top-p", parameters.top_p),
        parameters.max_tokens.map(|n| words.t1("setup-summary-max-tokens", "count", n)),
        parameters.effort.as_ref().map(|word| format!("{} {word}", words.t("setup-effort"))),
        (!parameters.stop.is_empty()).then(|| words.t("setup-stop")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(name: &str, value: &str) -> Typed {
        let value = value.to_owned();
        let empty = Typed::default();
        match name {
            "system" => Typed { system: value, ..empty },
            "temperature" => Typed { temperature: value, ..empty },
            "top_p" => Typed { top_p: value, ..empty },
            "max_tokens" => Typed { max_tokens: value, ..empty },
            "effort" => Typed { effort: value, ..empty },
            _ => Typed { stop: value, ..empty },
        }
    }

    #[test]
    fn what_is_empty_is_not_sent() {
        assert_eq!(Typed::default().read(), Ok((None, Parameters::default())));
        let blank =
            Typed { system: " \r\n".to_owned(), stop: "\r\n\n".to_owned(), ..Typed::default() };
        assert_eq!(blank.read(), Ok((None, Parameters::default())));
    }

    #[test]
    fn what_was_set_is_shown_again_as_it_was() {
        let parameters = Parameters {
            temperature: Some(0.25),
            top_p: Some(1.0),
            max_tokens: Some(4096),
            effort: Some("low".to_owned()),
            stop: vec!["END".to_owned(), "</a>".to_owned()],
        };
        let system = Some("Be brief.\nBe kind.".to_owned());
        let shown = Typed::of(system.as_deref(), &parameters);
        assert_eq!(shown.read(), Ok((system, parameters)));
        assert_eq!(typed("temperature", "0,7").read().unwrap().1.temperature, Some(0.7));
    }

    #[test]
    fn each_bad_value_is_named_at_its_field() {
        let long = "x".repeat(MAX_SYSTEM + 1);
        let many = "a\n".repeat(MAX_STOPS + 1);
        for (name, value) in [
            ("temperature", "hot"),
            ("temperature", "-0.1"),
            ("temperature", "2.1"),
            ("temperature", "NaN"),
            ("top_p", "1.01"),
            ("top_p", "inf"),
            ("max_tokens", "0"),
            ("max_tokens", "1.5"),
            ("max_tokens", "99999999999999999999"),
            ("effort", "very high"),
            ("stop", many.as_str()),
            ("system", long.as_str()),
        ] {
            let faults = typed(name, value).read().unwrap_err();
            let named = [
                ("system", faults.system),
                ("temperature", faults.temperature),
                ("top_p", faults.top_p),
                ("max_tokens", faults.max_tokens),
                ("effort", faults.effort),
                ("stop", faults.stop),
            ];
            let at: Vec<&str> =
                named.iter().filter(|(_, f)| f.is_some()).map(|(n, _)| *n).collect();
            assert_eq!(at, [name], "{value}");
        }
    }
}
