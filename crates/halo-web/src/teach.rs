//! *This is wrong*: a person says what an error really is, sees what a rule for it would change,
//! and lets Halo keep it.
//!
//! The same form stands on the cards of conversations and on the card of Help → Errors. It works
//! without scripts as a page of its own; `static/teach.js` opens it in the card.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use halo_diagnose::{Context, Lesson, OwnRules, TeachError, kind_text};
use halo_engine::{Card, Engine, Item};
use halo_types::{AttemptId, ConversationId, Diagnosis, Evidence, Kind, redact};
use serde::Deserialize;

use crate::actions::{Form, done};
use crate::error::PageError;
use crate::extract::Path;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// The longest words of a rule, in characters.
const MAX_WORDS: usize = 200;
/// The largest form of a card, in bytes.
pub(crate) const MAX_FORM: usize = 16_384;

/// The kinds as a person looks for them.
const GROUPS: [(&str, &[Kind]); 5] = [
    ("teach-group-wait", &[Kind::RateLimited, Kind::Overloaded, Kind::ServerError, Kind::Timeout]),
    (
        "teach-group-account",
        &[
            Kind::QuotaExhausted,
            Kind::InvalidApiKey,
            Kind::PermissionDenied,
            Kind::AccountDisabled,
            Kind::RegionUnsupported,
        ],
    ),
    (
        "teach-group-request",
        &[
            Kind::ContextLengthExceeded,
            Kind::OutputLimitExceeded,
            Kind::RequestTooLarge,
            Kind::ImageUnsupported,
            Kind::ImageInvalid,
            Kind::ContentFiltered,
            Kind::InvalidHistory,
            Kind::UnsupportedFeature,
            Kind::InvalidRequest,
        ],
    ),
    (
        "teach-group-way",
        &[
            Kind::ModelNotFound,
            Kind::EndpointNotFound,
            Kind::Network,
            Kind::StreamInterrupted,
            Kind::InvalidResponse,
        ],
    ),
    ("teach-group-other", &[Kind::Cancelled, Kind::Unknown]),
];

/// What the form holds when it is sent.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) words: String,
    #[serde(default, rename = "do")]
    pub(crate) button: String,
}

/// A rule to be removed.
#[derive(Debug, Deserialize)]
pub(crate) struct Unteach {
    pub(crate) rule: String,
}

/// The error that is being taught.
pub(crate) struct Subject {
    /// What came; known keys are masked.
    pub(crate) evidence: Evidence,
    /// What it means so far.
    pub(crate) now: Kind,
    pub(crate) context: Context,
    /// Where the form goes.
    pub(crate) action: String,
    /// Tells the form from others on the page.
    pub(crate) id: String,
    /// The text, where the form has to carry it.
    pub(crate) pasted: Option<String>,
}

impl Subject {
    fn title(&self, kind: Kind) -> String {
        kind_text(kind, self.context.lang).title.to_string()
    }

    fn has_words(&self) -> bool {
        !self.evidence.body.text().trim().is_empty()
    }

    /// The form as it is first shown.
    pub(crate) fn form(&self, w: Words) -> Result<String, PageError> {
        let words = halo_diagnose::proposal(&self.evidence, None).unwrap_or_default();
        self.render(w, None, words, None, None)
    }

    /// Reads what was sent: a lesson, or the form with what is to be mended or seen.
    pub(crate) async fn answer(
        self,
        w: Words,
        engine: &Engine,
        answer: &Answer,
    ) -> Result<Outcome, PageError> {
        let words = answer.words.trim().to_owned();
        let Ok(kind) = answer.kind.parse::<Kind>() else {
            let trouble = Some(w.t("teach-error-kind"));
            return self.render(w, None, words, trouble, None).map(Outcome::Refused);
        };
        if words.chars().count() > MAX_WORDS {
            let words = words.chars().take(MAX_WORDS).collect();
            let trouble = Some(w.t1("teach-error-long", "max", MAX_WORDS));
            return self.render(w, Some(kind), words, trouble, None).map(Outcome::Refused);
        }
        // It reads every example of the built-in rules: not on a thread that serves pages.
        let asked = words.clone();
        let work = move || {
            let given = Some(asked.as_str()).filter(|words| !words.is_empty());
            let lesson = halo_diagnose::teach(&self.evidence, kind, given, &self.context);
            (self, lesson)
        };
        let (subject, lesson) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| PageError::Bad("problem-bad-form"))?;
        let lesson = lesson.and_then(|lesson| match lesson.before.kind == kind {
            true => Err(TeachError::Known(kind)),
            false => Ok(lesson),
        });
        let lesson = match lesson {
            Ok(lesson) => lesson,
            Err(error) => {
                let trouble = Some(subject.trouble(w, &error));
                return subject.render(w, Some(kind), words, trouble, None).map(Outcome::Refused);
            }
        };
        if answer.button != "teach" {
            let words = lesson.words.clone();
            return subject
                .render(w, Some(kind), words, None, Some(&lesson))
                .map(Outcome::Previewed);
        }
        if let Err(error) = engine.add_rule(&lesson.entry) {
            tracing::warn!(%error, "a taught rule could not be kept");
            let trouble = Some(format!("{} {error}", w.t("teach-error-file")));
            return subject.render(w, Some(kind), words, trouble, None).map(Outcome::Refused);
        }
        Ok(Outcome::Taught)
    }

    fn trouble(&self, w: Words, error: &TeachError) -> String {
        match error {
            TeachError::NoWords => w.t("teach-error-no-words"),
            TeachError::NotFound(words) => w.t1("teach-error-not-found", "words", words),
            TeachError::Known(kind) => w.t1("teach-error-known", "title", self.title(*kind)),
            TeachError::Unfit(words) => w.t1("teach-error-unfit", "words", words),
            other => w.t1("problem-internal", "what", other),
        }
    }

    fn render(
        &self,
        w: Words,
        kind: Option<Kind>,
        words: String,
        trouble: Option<String>,
        lesson: Option<&Lesson>,
    ) -> Result<String, PageError> {
        let groups = GROUPS.iter().map(|(name, kinds)| Group {
            name: w.t(name),
            kinds: kinds
                .iter()
                .map(|of| Choice {
                    kind: *of,
                    title: self.title(*of),
                    selected: kind == Some(*of),
                    now: self.now == *of && kind != Some(*of),
                })
                .collect(),
        });
        let preview = lesson.map(|lesson| Preview {
            was: lesson.before.kind,
            was_title: self.title(lesson.before.kind),
            becomes: lesson.after.kind,
            becomes_title: self.title(lesson.after.kind),
            words: lesson.words.clone(),
            follows: w.t(if lesson.after.transient { "teach-will-wait" } else { "teach-will-ask" }),
            also: lesson
                .also
                .iter()
                .map(|(rule, kind)| (rule.clone(), self.title(*kind)))
                .collect(),
            entry: lesson.entry.trim_end().to_owned(),
        });
        let form = FormTemplate {
            w,
            id: &self.id,
            action: &self.action,
            pasted: self.pasted.as_deref(),
            now: (self.now != Kind::Unknown).then(|| self.title(self.now)),
            has_words: self.has_words(),
            groups: groups.collect(),
            words,
            max: MAX_WORDS,
            trouble,
            preview,
        };
        Ok(form.render()?)
    }
}

/// What came of a sent form.
pub(crate) enum Outcome {
    /// The form with what stands in the way.
    Refused(String),
    /// The form with what would change.
    Previewed(String),
    /// The rule is kept.
    Taught,
}

struct Group {
    name: String,
    kinds: Vec<Choice>,
}

struct Choice {
    kind: Kind,
    title: String,
    selected: bool,
    /// Whether Halo reads the error so already.
    now: bool,
}

struct Preview {
    was: Kind,
    was_title: String,
    becomes: Kind,
    becomes_title: String,
    words: String,
    follows: String,
    /// Built-in rules whose errors would change too, with the titles of their kinds.
    also: Vec<(String, String)>,
    entry: String,
}

#[derive(Template)]
#[template(path = "teach_form.html")]
struct FormTemplate<'a> {
    w: Words,
    id: &'a str,
    action: &'a str,
    pasted: Option<&'a str>,
    /// What Halo takes it for, where it does.
    now: Option<String>,
    has_words: bool,
    groups: Vec<Group>,
    words: String,
    max: usize,
    trouble: Option<String>,
    preview: Option<Preview>,
}

#[derive(Template)]
#[template(path = "teach.html")]
struct TeachPage {
    page: Page,
    w: Words,
    conversation: ConversationId,
    text: String,
    form: String,
}

/// The person's own rule that decided what an error means.
pub(crate) struct OwnRule {
    pub(crate) id: String,
    /// The words it goes by.
    pub(crate) words: String,
    /// Whether it was taught, so that it may be taken back from the card.
    pub(crate) taught: bool,
}

impl OwnRule {
    /// The rule behind a diagnosis, where it is one of the person's own.
    pub(crate) fn of(diagnosis: &Diagnosis, own: &OwnRules) -> Option<Self> {
        let rule = own.rules().iter().find(|rule| rule.id == *diagnosis.because.rule)?;
        Some(Self {
            id: rule.id.clone(),
            words: rule.words().join(" … "),
            taught: rule.source.as_deref() == Some("taught"),
        })
    }
}

/// Hides the keys that Halo knows: nothing of them may become a rule.
pub(crate) fn masked(engine: &Engine, evidence: &Evidence) -> Evidence {
    let keys = engine.config().all_keys();
    let known: Vec<&str> = keys.iter().map(halo_config::Secret::expose).collect();
    let body = evidence.body.text();
    let body = redact::mask(&body, &known);
    Evidence { body: (*body).into(), ..evidence.clone() }
}

async fn subject(
    state: &AppState,
    w: Words,
    (id, attempt): (ConversationId, AttemptId),
) -> Result<Subject, PageError> {
    let engine = state.engine();
    let view = engine.conversation(id, w.lang()).await?;
    let card: Card = view
        .items
        .into_iter()
        .find_map(|item| match item {
            Item::Card(card) if card.attempt == attempt => Some(*card),
            _ => None,
        })
        .ok_or(PageError::NotFound)?;
    Ok(Subject {
        evidence: masked(engine, &card.evidence),
        now: card.diagnosis.kind,
        context: engine.context(card.at, w.lang()),
        action: address(id, attempt),
        id: attempt.to_string(),
        pasted: None,
    })
}

/// Where the form of a card is.
pub(crate) fn address(conversation: ConversationId, attempt: AttemptId) -> String {
    format!("/c/{conversation}/attempts/{attempt}/teach")
}

/// `GET /c/{id}/attempts/{attempt}/teach`: the form, by itself for a script.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(place): Path<(ConversationId, AttemptId)>,
    page: Page,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let subject = subject(&state, page.words, place).await?;
    let form = subject.form(page.words)?;
    let text = subject.evidence.body.text().into_owned();
    answered(&headers, page, place.0, text, form)
}

/// `POST /c/{id}/attempts/{attempt}/teach`: previews or teaches.
pub(crate) async fn teach(
    State(state): State<AppState>,
    Path(place): Path<(ConversationId, AttemptId)>,
    page: Page,
    headers: HeaderMap,
    Form(answer): Form<Answer>,
) -> Result<Response, PageError> {
    let w = page.words;
    let subject = subject(&state, w, place).await?;
    let text = subject.evidence.body.text().into_owned();
    match subject.answer(w, state.engine(), &answer).await? {
        Outcome::Taught => Ok(done(&headers, place.0)),
        Outcome::Previewed(form) => answered(&headers, page, place.0, text, form),
        Outcome::Refused(form) => {
            let response = answered(&headers, page, place.0, text, form)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, response).into_response())
        }
    }
}

/// `POST /c/{id}/unteach`: takes a rule back from a card.
pub(crate) async fn unteach(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<Unteach>,
) -> Result<Response, PageError> {
    // One that is gone already is what was asked for.
    state.engine().remove_rule(&form.rule).map_err(halo_engine::EngineError::from)?;
    Ok(done(&headers, id))
}

fn answered(
    headers: &HeaderMap,
    page: Page,
    conversation: ConversationId,
    text: String,
    form: String,
) -> Result<Response, PageError> {
    if headers.contains_key("x-halo-fragment") {
        return Ok(Html(form).into_response());
    }
    let page = page.with_active(conversation);
    page::html(&TeachPage { w: page.words, page, conversation, text, form })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_in_one_group() {
        let mut grouped: Vec<Kind> =
            GROUPS.iter().flat_map(|(_, kinds)| kinds.iter().copied()).collect();
        grouped.sort_by_key(|kind| kind.as_str());
        let mut all = Kind::ALL.to_vec();
        all.sort_by_key(|kind| kind.as_str());
        assert_eq!(grouped, all);
    }
}
