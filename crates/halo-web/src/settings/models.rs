//! Settings → AI Model: the providers in use, and the form of one of them.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::response::Response;
use halo_config::{Config, KeyInfo, KeyOrigin, ProviderConfig, preset, presets};
use halo_engine::Engine;
use halo_types::{ProviderId, Target};
use halo_wire::ModelInfo;

use super::draft::Echo;
use super::facts::{self, Outcome};
use super::form::{Draft, Fault, Pairs, Waiting};
use super::form_view::{Extras, FormView, SHORT_KEY, form_view};
use super::undo::Removed;
use super::{Answer, Section, Shell, Trouble, uncached};
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// The preset name of the practice provider.
pub(super) const PRACTICE: &str = "practice";

/// A provider of the list.
struct Row {
    id: ProviderId,
    name: String,
    preset: String,
    base_url: String,
    key: String,
    models: String,
    is_default: bool,
    practice: bool,
    open: bool,
    edit_label: String,
    remove_label: String,
}

/// Something removed that can be brought back.
pub(super) struct Gone {
    pub(super) id: String,
    pub(super) words: String,
}

struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

struct PresetChoice {
    id: &'static str,
    name: &'static str,
    about: String,
}

/// The button that sends the waiting message again.
struct Ready {
    words: String,
    target: Option<Target>,
    back: String,
}

#[derive(Template)]
#[template(path = "settings/models.html")]
struct ModelsPage {
    page: Page,
    shell: Shell,
    rows: Vec<Row>,
    no_own: bool,
    removed: Option<Gone>,
    choices: Vec<Choice>,
    /// Whether none of the choices is the default.
    none_chosen: bool,
    presets: Vec<PresetChoice>,
    form: Option<FormView>,
    adding: bool,
    waiting: Option<Waiting>,
    resend: Option<Ready>,
    carried: String,
    carried_fields: Vec<(&'static str, String)>,
    /// A pasted key whose provider could not be told.
    unsure: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/echo.html")]
struct EchoView {
    w: Words,
    chat: String,
    error: Option<String>,
    plain: bool,
}

/// The URL that will be called, as a piece of the page.
pub(super) fn echo_html(w: Words, echo: Echo) -> Result<String, askama::Error> {
    EchoView { w, chat: echo.chat, error: echo.error, plain: echo.plain }.render()
}

/// A model of the list.
pub(super) struct ModelOption {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) about: String,
}

#[derive(Template)]
#[template(path = "settings/model_list.html")]
pub(super) struct ModelList {
    pub(super) w: Words,
    pub(super) note: Option<String>,
    pub(super) models: Vec<ModelOption>,
    pub(super) failure: Option<String>,
}

impl ModelList {
    /// The models a provider is known to have, with what is known about them.
    pub(super) fn known(engine: &Engine, w: Words, provider: &ProviderConfig) -> Self {
        let named = |id: &String| ModelInfo { id: id.clone(), ..ModelInfo::default() };
        let models = provider.models.iter().map(named).collect();
        Self { w, note: None, models: options(engine, w, provider, models), failure: None }
    }
}

/// Models as they stand in the list.
pub(super) fn options(
    engine: &Engine,
    w: Words,
    provider: &ProviderConfig,
    models: Vec<ModelInfo>,
) -> Vec<ModelOption> {
    let known = engine.facts_of(provider, &models);
    models
        .into_iter()
        .zip(known)
        .map(|(model, facts)| ModelOption {
            id: model.id,
            name: model.name.unwrap_or_default(),
            about: facts::about(w, &facts),
        })
        .collect()
}

/// What the page is to show beside the list.
#[derive(Default)]
pub(super) struct View {
    /// The form that is open.
    pub(super) draft: Option<Draft>,
    pub(super) faults: Vec<Fault>,
    /// The field to begin with: `name`, `url`, `key` or `model`.
    pub(super) field: String,
    pub(super) waiting: Option<Waiting>,
    /// Whether the settings were saved, so that the waiting message can go.
    pub(super) saved: bool,
    /// The model the waiting message is to go to, where that changed.
    pub(super) resend_to: Option<Target>,
    pub(super) removed: Option<ProviderId>,
    pub(super) notice: Option<String>,
    pub(super) trouble: Option<Trouble>,
    pub(super) report: Option<String>,
    pub(super) models: Option<ModelList>,
    pub(super) unsure: Option<String>,
    /// What became of a change of the model's facts.
    pub(super) facts: Outcome,
}

fn value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// `GET /settings/ai-model`
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Query(query): Query<Pairs>,
) -> Answer {
    let w = page.words;
    let engine = state.engine();
    let default = engine.config().settings().default_target.clone();
    let mut view = View {
        waiting: Waiting::read(&query),
        field: value(&query, "field").unwrap_or_default().to_owned(),
        removed: value(&query, "removed").and_then(|id| id.parse().ok()),
        ..View::default()
    };
    let named = |name: &str| value(&query, name).and_then(|id| id.parse::<ProviderId>().ok());
    if let Some(id) = value(&query, "provider") {
        match named("provider").and_then(|id| engine.provider(&id)) {
            Some(provider) => {
                let mut draft = Draft::of_provider(&provider, default.as_ref());
                if let Some(refused) = value(&query, "refused").filter(|name| !name.is_empty()) {
                    refused.clone_into(&mut draft.refused);
                    refused.clone_into(&mut draft.model);
                    draft.make_default = false;
                }
                view.draft = Some(draft);
            }
            None => {
                view.trouble = Some(Trouble::plain(w.t1("settings-error-provider", "id", id)));
            }
        }
    } else if let Some(id) = value(&query, "add") {
        match preset(id) {
            Some(preset) => view.draft = Some(Draft::of_preset(preset)),
            None => {
                view.trouble = Some(Trouble::plain(w.t1("settings-error-preset", "name", id)));
            }
        }
    }
    if let Some(provider) = named("saved").and_then(|id| engine.provider(&id)) {
        view.saved = true;
        // With a waiting message the banner says so already.
        view.notice =
            view.waiting.is_none().then(|| w.t1("settings-form-saved", "name", &provider.name));
        view.resend_to = value(&query, "to")
            .filter(|model| !model.is_empty())
            .map(|model| Target { provider: provider.id, model: model.to_owned() });
    } else if let Some(provider) = named("restored").and_then(|id| engine.provider(&id)) {
        view.notice = Some(w.t1("settings-provider-restored", "name", &provider.name));
    } else if value(&query, "default").is_some() {
        let model = default.map(|target| target.model).unwrap_or_default();
        view.notice = Some(w.t1("settings-default-saved", "model", model));
    }
    render(engine, &removed, page, view)
}

/// The page with what is given.
pub(super) fn render(engine: &Engine, removed: &Removed, page: Page, view: View) -> Answer {
    let w = page.words;
    let config = engine.config();
    let default = config.settings().default_target.clone();
    let open = view.draft.as_ref().and_then(|draft| draft.id.clone());
    let practice = practice_id(engine);
    let mut seen = BTreeSet::new();
    let mut providers = engine.providers();
    providers.retain(|provider| seen.insert(provider.id.clone()));

    let rows: Vec<Row> = providers
        .iter()
        .map(|provider| Row {
            id: provider.id.clone(),
            name: w.provider(&provider.name, Some(&provider.id) == practice.as_ref()),
            preset: preset_name(w, &provider.preset),
            base_url: provider.base_url.clone(),
            key: key_words(w, provider, &config.key_infos(&provider.id)),
            models: w.n("settings-provider-models", "count", provider.models.len() as u64),
            is_default: default.as_ref().is_some_and(|target| target.provider == provider.id),
            practice: Some(&provider.id) == practice.as_ref(),
            open: Some(&provider.id) == open.as_ref(),
            edit_label: w.t1("settings-provider-edit-named", "name", &provider.name),
            remove_label: w.t1("settings-provider-remove-named", "name", &provider.name),
        })
        .collect();
    let gone = view.removed.and_then(|id| removed.provider(&id)).map(|gone| Gone {
        id: gone.provider.id.to_string(),
        words: w.t1("settings-provider-removed", "name", &gone.provider.name),
    });
    let mut carried_fields = Vec::new();
    if let Some(waiting) = view.waiting {
        carried_fields.push(("conversation", waiting.conversation.to_string()));
        carried_fields.push(("turn", waiting.turn.to_string()));
        carried_fields.push(("attempt", waiting.attempt.to_string()));
    }
    let resend = view.waiting.filter(|_| view.saved).map(|waiting| Ready {
        words: view.resend_to.as_ref().map_or_else(
            || w.t("settings-waiting-resend"),
            |target| w.t1("settings-waiting-resend-model", "model", &target.model),
        ),
        back: format!("/c/{}", waiting.conversation),
        target: view.resend_to,
    });
    let extras = Extras {
        faults: view.faults,
        field: view.field,
        report: view.report.unwrap_or_default(),
        facts: view.facts,
        models: view.models,
        carried_fields: carried_fields.clone(),
        carried: view.waiting.map(Waiting::query).unwrap_or_default(),
        waits: view.waiting.is_some() && !view.saved,
    };
    let carried = extras.carried.clone();
    let form = match view.draft {
        Some(draft) => form_view(engine, w, page.zone, draft, extras)?,
        None => None,
    };
    let adding = form.as_ref().is_some_and(|form| form.id.is_none());
    let mut shell = Shell::new(w, Section::Models);
    shell.notice = view.notice;
    shell.trouble = view.trouble;
    let choices = choices(engine, default.as_ref(), w);
    let models_page = ModelsPage {
        none_chosen: choices.iter().all(|choice| !choice.chosen),
        no_own: rows.iter().all(|row| row.practice) && !adding,
        choices,
        presets: preset_choices(w),
        page,
        shell,
        rows,
        removed: gone,
        form,
        adding,
        waiting: view.waiting,
        resend,
        carried,
        carried_fields,
        unsure: view.unsure,
    };
    Ok(uncached(page::html(&models_page)?))
}

/// The name of the built-in provider, where it runs.
pub(super) fn practice_id(engine: &Engine) -> Option<ProviderId> {
    engine.practice().map(|practice| practice.provider.id.clone())
}

fn choices(engine: &Engine, default: Option<&Target>, w: Words) -> Vec<Choice> {
    engine
        .targets()
        .into_iter()
        .map(|info| Choice {
            value: info.target.to_string(),
            words: format!(
                "{} · {}",
                w.provider(&info.provider_name, info.practice),
                info.target.model
            ),
            chosen: default == Some(&info.target),
        })
        .collect()
}

fn preset_choices(w: Words) -> Vec<PresetChoice> {
    presets()
        .iter()
        .map(|preset| PresetChoice {
            id: &preset.id,
            name: &preset.name,
            about: w.t(&format!("settings-preset-about-{}", preset.id)),
        })
        .collect()
}

pub(super) fn preset_name(w: Words, id: &str) -> String {
    match preset(id) {
        Some(preset) => preset.name.clone(),
        None if id == PRACTICE => w.t("settings-preset-about-practice"),
        None => id.to_owned(),
    }
}

/// What may be said about a provider's keys.
fn key_words(w: Words, provider: &ProviderConfig, infos: &[KeyInfo]) -> String {
    let Some(first) = infos.first() else {
        return match &provider.key_env {
            Some(name) => w.t1("settings-provider-key-env-missing", "name", name),
            None => w.t("settings-provider-key-none"),
        };
    };
    let words = match &first.origin {
        KeyOrigin::File if first.masked == SHORT_KEY => w.t("settings-provider-key-short"),
        KeyOrigin::File => first.masked.clone(),
        KeyOrigin::Env(name) => w.t1("settings-provider-key-env", "name", name),
    };
    match infos.len() - 1 {
        0 => words,
        more => format!("{words} {}", w.n("settings-provider-keys-more", "count", more as u64)),
    }
}

/// Where a provider stands in the list.
pub(super) fn at(query: &str, id: &ProviderId) -> Response {
    super::see_other(&format!("/settings/ai-model?{query}#provider-{id}"))
}

/// A provider that is configured in the file, or the practice provider.
pub(super) fn saved_provider(engine: &Engine, draft: &Draft) -> Option<ProviderConfig> {
    draft.id.as_ref().and_then(|id| engine.provider(id))
}

/// Whether changes of a provider go to the settings file.
pub(super) fn is_written(engine: &Engine, config: &Config, id: &ProviderId) -> bool {
    practice_id(engine).as_ref() != Some(id) && config.provider(id).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_described() {
        for choice in preset_choices(Words::default()) {
            assert!(!choice.about.starts_with("settings-"), "{}", choice.about);
        }
    }
}
