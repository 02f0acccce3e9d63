//! What a form can ask before it is saved: which URL will be called, whose key that is, which
//! models there are, and whether it works.

use axum::extract::{Extension, Form, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse};
use halo_config::{ProviderConfig, Secret, guess_preset};
use halo_engine::{Engine, Patient};

use super::draft::{Echo, saved_keys};
use super::facts::{FactsView, Outcome};
use super::form::{Draft, Fault, Pairs, Waiting};
use super::models::{self, ModelList, View, echo_html};
use super::undo::Removed;
use super::{Answer, Trouble, connection, report, uncached, wants_fragment};
use crate::markdown::escape;
use crate::page::Page;
use crate::state::AppState;
use crate::strings::Words;

/// `POST /settings/ai-model/url`: the URL that a base URL leads to, as a piece of the page.
pub(super) async fn url(
    State(state): State<AppState>,
    w: Words,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let draft = Draft::read(&pairs);
    let engine = state.engine();
    let saved = models::saved_provider(engine, &draft);
    let Some(provider) = draft.provider(engine.config(), saved.as_ref()) else {
        let words = w.t1("settings-error-preset", "name", &draft.preset);
        let error = Echo { chat: String::new(), error: Some(words), plain: false };
        return piece(echo_html(w, error)?);
    };
    let in_file = saved_keys(engine.config(), draft.id.as_ref()).len();
    let has_key = draft.has_key(in_file) || !provider.key_variables().is_empty();
    let echo = Echo::of(w, provider.protocol, &draft.base_url, has_key);
    piece(echo_html(w, echo)?)
}

/// `POST /settings/ai-model/facts`: what is known about the model of the form, as a piece of the
/// page.
pub(super) async fn facts(
    State(state): State<AppState>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let draft = Draft::read(&pairs);
    let engine = state.engine();
    let saved = models::saved_provider(engine, &draft);
    let Some(provider) = draft.provider(engine.config(), saved.as_ref()) else {
        return piece(note(&page.words.t1("settings-error-preset", "name", &draft.preset)));
    };
    let view =
        FactsView::of(engine, page.words, page.zone, &provider, &draft.model, Outcome::default());
    piece(askama::Template::render(&view)?)
}

/// `POST /settings/ai-model/guess`: whose key it looks like, as a piece of the page.
pub(super) async fn guess(w: Words, Form(pairs): Form<Pairs>) -> Answer {
    let draft = Draft::read(&pairs);
    let key = draft.keys.iter().find(|key| !key.is_empty());
    let guessed = key.and_then(|key| guess_preset(key));
    let html = match guessed {
        Some(preset) if preset.id != draft.preset => {
            let words = w.t1("settings-add-paste-guess", "name", &preset.name);
            // Names of presets are Halo's own data and hold no markup.
            format!("<p class=\"set-about\" data-guess=\"{}\">{words}</p>", preset.id)
        }
        _ => String::new(),
    };
    piece(html)
}

fn piece(html: String) -> Answer {
    Ok(uncached(Html(html).into_response()))
}

/// `POST /settings/ai-model/test`: the doctor, with what stands in the form.
pub(super) async fn test(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let w = page.words;
    let engine = state.engine();
    let draft = Draft::read(&pairs);
    let html = run_test(engine, w, &draft).await?;
    if wants_fragment(&headers) {
        return piece(html);
    }
    let view = View { report: Some(html), ..again(draft, &pairs) };
    models::render(engine, &removed, page, view)
}

/// The report of a test of the form, as a piece of the page.
pub(super) async fn run_test(
    engine: &Engine,
    w: Words,
    draft: &Draft,
) -> Result<String, askama::Error> {
    let Some((provider, key)) = draft_provider(engine, draft) else {
        return Ok(note(&w.t1("settings-error-preset", "name", &draft.preset)));
    };
    let stops = |fault: &&Fault| fault.field() == "key" || connection::concerns(fault);
    if let Some(fault) = draft.faults().iter().find(stops) {
        return Ok(note(&fault.words(w)));
    }
    let model = Some(draft.model.clone()).filter(|model| !model.is_empty());
    let patient = Patient { provider, key, model };
    let outcome = engine.examine(patient, w.lang(), &mut |_| {}).await;
    report::of_test(w, &outcome)
}

/// `POST /settings/ai-model/models`: the models that the form's key can reach.
pub(super) async fn models(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let draft = Draft::read(&pairs);
    let list = fetch(engine, page.words, &draft).await?;
    if wants_fragment(&headers) {
        return piece(askama::Template::render(&list)?);
    }
    let view = View { models: Some(list), field: "model".to_owned(), ..again(draft, &pairs) };
    models::render(engine, &removed, page, view)
}

/// Asks the provider for its models. For a saved provider that is not being moved elsewhere the
/// list is kept, so that the model picker knows it.
pub(super) async fn fetch(
    engine: &Engine,
    w: Words,
    draft: &Draft,
) -> Result<ModelList, askama::Error> {
    let empty = |failure| ModelList { w, note: None, models: Vec::new(), failure };
    let Some((provider, key)) = draft_provider(engine, draft) else {
        let words = w.t1("settings-error-preset", "name", &draft.preset);
        return Ok(empty(Some(note(&words))));
    };
    // Left out, a proxy that cannot be used would send the key past it.
    if let Some(fault) = draft.faults().iter().find(|fault| connection::concerns(fault)) {
        return Ok(empty(Some(note(&fault.words(w)))));
    }
    let found = match engine.fetch_models_for(&provider, key, w.lang()).await {
        Ok(found) => found,
        Err(failed) => return Ok(empty(Some(report::of_fetch(w, &failed)?))),
    };
    let mut failure = None;
    if let Some(id) = &draft.id
        && models::is_written(engine, engine.config(), id)
        && let Some(saved) = engine.provider(id)
        && saved.base_url == provider.base_url
    {
        engine.learn_models(&saved, &found).await;
        // What the person chose stays in front.
        let mut names = saved.models;
        for model in &found {
            if !names.contains(&model.id) {
                names.push(model.id.clone());
            }
        }
        if let Err(error) = engine.config().set_models(id, names) {
            let trouble = Trouble::of(w, &error);
            failure = Some(note(&format!("{} {error}", trouble.words)));
        }
    }
    let note = Some(w.n("settings-form-model-fetched", "count", found.len() as u64));
    let models = models::options(engine, w, &provider, found);
    Ok(ModelList { w, note, models, failure })
}

/// The provider of the form with the key it would use. Without a key the provider gets a name of
/// its own: the engine would look for a saved key, and a key must not go to an address it was
/// not saved for.
fn draft_provider(engine: &Engine, draft: &Draft) -> Option<(ProviderConfig, Option<Secret>)> {
    let saved = models::saved_provider(engine, draft);
    let config = engine.config();
    let mut provider = draft.provider(config, saved.as_ref())?;
    let key = draft.first_key(config, &provider);
    if key.is_none() {
        provider.id = config.free_id("draft");
    }
    Some((provider, key))
}

/// The form as it was posted, to be shown again.
pub(super) fn again(draft: Draft, pairs: &Pairs) -> View {
    View { waiting: Waiting::read(pairs), draft: Some(draft), ..View::default() }
}

pub(super) fn note(words: &str) -> String {
    format!("<p class=\"set-fault\" role=\"alert\">{}</p>", escape(words))
}
