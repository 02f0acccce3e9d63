//! The box: any error pasted, its card shown.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use halo_config::Secret;
use halo_diagnose::reference::RemedyText;
use halo_diagnose::{Context, diagnose, input, reference, report};
use halo_types::{Action, Blame, Confidence, Diagnosis, Evidence, Kind, redact};
use serde::Deserialize;

use super::ErrorsPage;
use crate::clock;
use crate::error::{PageError, megabytes};
use crate::page::Page;
use crate::state::AppState;
use crate::strings::Words;
use crate::teach::{self, Outcome, OwnRule, Subject};
use crate::thread::raw;

/// The most that is read of one error, in bytes. A real one has a few hundred.
pub(super) const MAX_TEXT: usize = 500_000;

/// The posted form.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pasted {
    #[serde(default)]
    error: String,
}

/// Why a text is not explained.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nothing but white space.
    Empty,
    /// More than [`MAX_TEXT`]; how many bytes, where known.
    TooLong(Option<usize>),
    /// Bytes of a file rather than words.
    NoText,
}

impl Refused {
    fn words(&self, w: Words) -> String {
        let most = size(MAX_TEXT);
        match self {
            Self::Empty => w.t("help-empty"),
            Self::TooLong(Some(bytes)) => {
                w.t2("help-too-long", ("size", &size(*bytes)), ("max", &most))
            }
            Self::TooLong(None) => w.t1("help-too-long-unknown", "max", most),
            Self::NoText => w.t("help-no-text"),
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Empty | Self::NoText => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// `533 kB` or `1.1 MB`.
fn size(bytes: usize) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => megabytes(bytes as u64),
    }
}

/// `POST /help/errors`: explains a pasted error, on the page or, for a script, by itself.
pub(super) async fn explain(
    State(state): State<AppState>,
    page: Page,
    headers: HeaderMap,
    form: Result<Form<Pasted>, FormRejection>,
) -> Result<Response, PageError> {
    let w = page.words;
    let text = match form {
        Ok(Form(pasted)) => accept(&pasted.error),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Refused::TooLong(None))
        }
        Err(_) => Err(Refused::NoText),
    };
    let text = match text {
        Ok(text) => text,
        Err(refused) => return refuse(w, &refused, page, &headers),
    };
    let asked = Asked::read(&state, &text, w).await?;
    let answer = asked.card(&state, w, None)?;
    respond(page, &headers, StatusCode::OK, asked.text, answer)
}

/// The form below a card: what the error was, and what it is said to be.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Lesson {
    #[serde(default)]
    error: String,
    #[serde(flatten)]
    answer: teach::Answer,
}

/// `POST /help/errors/teach`: previews or teaches a rule for the pasted error.
pub(super) async fn teach(
    State(state): State<AppState>,
    page: Page,
    headers: HeaderMap,
    form: crate::actions::Form<Lesson>,
) -> Result<Response, PageError> {
    let w = page.words;
    let crate::actions::Form(form) = form;
    let text = match accept(&form.error) {
        Ok(text) => text,
        Err(refused) => return refuse(w, &refused, page, &headers),
    };
    let asked = Asked::read(&state, &text, w).await?;
    let (status, form) = match asked.subject().answer(w, state.engine(), &form.answer).await? {
        Outcome::Taught => {
            let asked = Asked::read(&state, &text, w).await?;
            let answer = asked.card(&state, w, None)?;
            return respond(page, &headers, StatusCode::OK, asked.text, answer);
        }
        Outcome::Previewed(form) => (StatusCode::OK, form),
        Outcome::Refused(form) => (StatusCode::UNPROCESSABLE_ENTITY, form),
    };
    if headers.contains_key("x-halo-fragment") {
        return Ok((status, Html(form)).into_response());
    }
    let answer = asked.card(&state, w, Some(form))?;
    respond(page, &headers, status, asked.text, answer)
}

/// The form that takes a rule back.
#[derive(Debug, Deserialize)]
pub(super) struct Unteach {
    #[serde(default)]
    error: String,
    #[serde(flatten)]
    unteach: teach::Unteach,
}

/// `POST /help/errors/unteach`: takes a rule back and reads the pasted error again.
pub(super) async fn unteach(
    State(state): State<AppState>,
    page: Page,
    headers: HeaderMap,
    form: crate::actions::Form<Unteach>,
) -> Result<Response, PageError> {
    let w = page.words;
    let crate::actions::Form(form) = form;
    let text = match accept(&form.error) {
        Ok(text) => text,
        Err(refused) => return refuse(w, &refused, page, &headers),
    };
    state.engine().remove_rule(&form.unteach.rule).map_err(halo_engine::EngineError::from)?;
    let asked = Asked::read(&state, &text, w).await?;
    let answer = asked.card(&state, w, None)?;
    respond(page, &headers, StatusCode::OK, asked.text, answer)
}

fn refuse(
    w: Words,
    refused: &Refused,
    page: Page,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let answer = RefusedTemplate { words: refused.words(w) }.render()?;
    respond(page, headers, refused.status(), String::new(), answer)
}

fn respond(
    page: Page,
    headers: &HeaderMap,
    status: StatusCode,
    text: String,
    answer: String,
) -> Result<Response, PageError> {
    let body = if headers.contains_key("x-halo-fragment") {
        answer
    } else {
        let mut page = ErrorsPage::new(page);
        page.pasted = text;
        page.answer = Some(answer);
        page.render()?
    };
    Ok((status, Html(body)).into_response())
}

/// A pasted error, secrets masked, and what it means.
struct Asked {
    text: String,
    context: Context,
    evidence: Evidence,
    diagnosis: Diagnosis,
}

impl Asked {
    async fn read(state: &AppState, text: &str, w: Words) -> Result<Self, PageError> {
        let text = mask(text, &state.engine().config().all_keys());
        let context = state.engine().context(clock::now(), w.lang());
        let (evidence, diagnosis) = read(text.clone(), context.clone()).await?;
        Ok(Self { text, context, evidence, diagnosis })
    }

    fn subject(&self) -> Subject {
        Subject {
            evidence: self.evidence.clone(),
            now: self.diagnosis.kind,
            context: self.context.clone(),
            action: "/help/errors/teach".to_owned(),
            id: "pasted".to_owned(),
            pasted: Some(self.text.clone()),
        }
    }

    /// The card, its form fresh or as given.
    fn card(&self, state: &AppState, w: Words, form: Option<String>) -> Result<String, PageError> {
        let open = form.is_some();
        let form = form.map_or_else(|| self.subject().form(w), Ok)?;
        card(state, w, self, form, open)
    }
}

/// The text of the box as a person meant it: browsers write every line end as two characters.
pub(super) fn accept(pasted: &str) -> Result<String, Refused> {
    if pasted.len() > MAX_TEXT {
        return Err(Refused::TooLong(Some(pasted.len())));
    }
    let text = pasted.replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err(Refused::Empty);
    }
    let strange = |c: &char| *c == '\u{fffd}' || c.is_control() && !"\n\r\t\u{1b}".contains(*c);
    let (all, odd) = (text.chars().count(), text.chars().filter(strange).count());
    if odd * 10 > all {
        return Err(Refused::NoText);
    }
    Ok(text)
}

/// Hides secrets before anything is read, so that neither words nor facts nor report hold one.
fn mask(text: &str, keys: &[Secret]) -> String {
    let known: Vec<&str> = keys.iter().map(Secret::expose).collect();
    redact::mask(text, &known).into_owned()
}

#[derive(Template)]
#[template(path = "help/refused.html")]
struct RefusedTemplate {
    words: String,
}

#[derive(Template)]
#[template(path = "help/explained.html")]
struct CardTemplate<'a> {
    words: Words,
    kind: Kind,
    title: &'a str,
    meaning: &'a str,
    doubt: Option<String>,
    evidence: &'a Evidence,
    raw: Option<String>,
    is_long: bool,
    speaker: String,
    waiting: String,
    ways: Vec<Way>,
    otherwise: &'a str,
    details: Vec<(String, String)>,
    json: String,
    report: String,
    /// Between two sentences: nothing in Chinese.
    gap: &'static str,
    colon: &'static str,
    own_rule: Option<OwnRule>,
    /// The form that teaches a rule, and whether it is unfolded.
    teach: String,
    teach_open: bool,
    /// What was pasted.
    text: &'a str,
}

/// A way forward: a link where there is a place to go, advice elsewhere.
struct Way {
    action: Action,
    name: String,
    text: String,
    href: Option<String>,
    outside: bool,
}

/// Reads a text away from the threads that serve pages: half a megabyte takes a moment.
async fn read(text: String, context: Context) -> Result<(Evidence, Diagnosis), PageError> {
    let work = move || {
        let evidence = input::parse(&text, context.now);
        let diagnosis = diagnose(&evidence, &context);
        (evidence, diagnosis)
    };
    // It ends early only if the program does.
    tokio::task::spawn_blocking(work).await.map_err(|_| PageError::Bad("help-no-text"))
}

/// The card of an error.
fn card(
    state: &AppState,
    w: Words,
    asked: &Asked,
    teach: String,
    teach_open: bool,
) -> Result<String, PageError> {
    let Asked { text, context, evidence, diagnosis } = asked;
    let reference = reference(w.lang());
    let page = reference.kind(diagnosis.kind);
    let body = evidence.body.as_bytes();
    let because = &diagnosis.because;
    let span = (because.field == "body").then_some(because.span).flatten();
    let extra = [("Halo".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let template = CardTemplate {
        words: w,
        kind: diagnosis.kind,
        title: &diagnosis.title,
        meaning: &diagnosis.meaning,
        doubt: (diagnosis.kind != Kind::Unknown && diagnosis.confidence == Confidence::Guess)
            .then(|| w.t("card-guess")),
        raw: (!body.is_empty()).then(|| raw::marked(body, span)),
        is_long: raw::is_long(body),
        speaker: speaker(w, diagnosis),
        waiting: waiting(w, diagnosis),
        ways: ways(state, diagnosis, &page.remedies),
        otherwise: &page.otherwise,
        details: details(w, evidence, diagnosis),
        json: serde_json::to_string_pretty(diagnosis).unwrap_or_default(),
        report: report(evidence, diagnosis, &extra, w.lang()),
        gap: reference.gap(),
        colon: reference.colon(),
        evidence,
        own_rule: context.own.as_ref().and_then(|own| OwnRule::of(diagnosis, own)),
        teach,
        teach_open,
        text,
    };
    Ok(template.render()?)
}

fn ways(state: &AppState, diagnosis: &Diagnosis, known: &[RemedyText]) -> Vec<Way> {
    // The settings open at the provider that spoke, where the person has it.
    let provider = diagnosis.vendor.as_deref().and_then(|vendor| {
        state.engine().providers().into_iter().find(|provider| provider.vendor() == Some(vendor))
    });
    let settings = |field: &str| match &provider {
        Some(provider) => format!("/settings/ai-model?provider={}&field={field}", provider.id),
        None => "/settings/ai-model".to_owned(),
    };
    diagnosis
        .remedies
        .iter()
        // The report stands below, with a button of its own.
        .filter(|remedy| remedy.action != Action::Report)
        .map(|remedy| {
            let href = match remedy.action {
                Action::OpenSettingsKey => Some(settings("key")),
                Action::OpenSettingsUrl => Some(settings("url")),
                Action::OpenSettingsModel => Some(settings("model")),
                Action::NewConversation => Some("/new".to_owned()),
                _ => remedy.url.as_ref().map(ToString::to_string),
            };
            let about = known.iter().find(|known| known.action == remedy.action);
            Way {
                action: remedy.action,
                name: remedy.text.to_string(),
                text: about.map(|about| about.text.clone()).unwrap_or_default(),
                outside: href.as_deref().is_some_and(|href| !href.starts_with('/')),
                href,
            }
        })
        .collect()
}

fn speaker(w: Words, diagnosis: &Diagnosis) -> String {
    let name = |id: &str| {
        halo_diagnose::vendor(id).map_or_else(|| id.to_owned(), |vendor| vendor.name.to_string())
    };
    let Some(vendor) = diagnosis.vendor.as_deref() else {
        return match diagnosis.blame {
            Blame::Network => w.t("help-speaker-network"),
            _ => w.t("help-speaker-unknown"),
        };
    };
    let carriers: Vec<String> = diagnosis
        .layers
        .iter()
        .filter(|layer| **layer != *vendor)
        .map(|layer| name(layer))
        .collect();
    match (diagnosis.blame, carriers.is_empty()) {
        (Blame::Proxy, _) => w.t1("speaker-proxy", "name", name(vendor)),
        (_, true) => w.t1("speaker-provider", "name", name(vendor)),
        (_, false) => w.t2(
            "speaker-provider-by",
            ("name", &name(vendor)),
            ("carriers", &carriers.join(" → ")),
        ),
    }
}

fn waiting(w: Words, diagnosis: &Diagnosis) -> String {
    match (&diagnosis.retry, diagnosis.transient) {
        (Some(retry), _) => {
            let from = match retry.from.strip_prefix("header:") {
                Some(header) => w.t1("help-wait-header", "name", header),
                None => w.t("help-wait-text"),
            };
            w.t2("help-wait-told", ("time", &span(w, retry.after_ms)), ("from", &from))
        }
        (None, true) => w.t("card-waiting-helps"),
        (None, false) if diagnosis.kind == Kind::Unknown => String::new(),
        (None, false) => w.t("card-waiting-useless"),
    }
}

/// A length of time in at most two units.
fn span(w: Words, ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    let parts = [
        ("help-days", seconds / 86_400),
        ("help-hours", seconds / 3_600 % 24),
        ("help-minutes", seconds / 60 % 60),
        ("help-seconds", seconds % 60),
    ];
    let first = parts.iter().position(|(_, n)| *n > 0).unwrap_or(3);
    let shown: Vec<String> = parts[first..]
        .iter()
        .take(2)
        .enumerate()
        .filter(|(at, (_, n))| *at == 0 || *n > 0)
        .map(|(_, (key, n))| w.n(key, "n", *n))
        .collect();
    shown.join(" ")
}

/// What was read besides the kind.
fn details(w: Words, evidence: &Evidence, diagnosis: &Diagnosis) -> Vec<(String, String)> {
    let facts = &diagnosis.facts;
    let because = &diagnosis.because;
    let mut details = Vec::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            details.push((w.t(key), value));
        }
    };
    add("detail-status", evidence.status.map(|status| status.to_string()));
    add("detail-request-id", facts.request_id.clone());
    add("detail-model", facts.model.clone());
    add("help-parameter", facts.parameter.clone());
    add("help-window", facts.context_window.map(|n| n.to_string()));
    add("help-sent", facts.input_tokens.map(|n| n.to_string()));
    add("help-most", facts.max_output_tokens.map(|n| n.to_string()));
    let scope = facts.limit_scope.as_deref().map(|scope| scope.replace('_', " "));
    let limit = [facts.limit.map(|limit| limit.to_string()), scope];
    let limit: Vec<String> = limit.into_iter().flatten().collect();
    add("help-limit", Some(limit.join(" ")));
    add("help-balance", facts.balance.clone());
    add("detail-kind", Some(diagnosis.kind.as_str().to_owned()));
    if diagnosis.kind != Kind::Unknown {
        add("detail-rule", Some(because.rule.to_string()));
        let decided = match (&*because.field, &*because.quote) {
            ("none", _) => None,
            (field, "") => Some(field.to_owned()),
            ("body", quote) => Some(quote.to_owned()),
            (field, quote) => Some(format!("{field}: {quote}")),
        };
        add("detail-decided", decided);
    }
    details
}
