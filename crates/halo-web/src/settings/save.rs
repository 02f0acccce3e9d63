//! Changes of providers: save, add from a pasted key, remove, restore, choose the default.

use axum::extract::{Extension, Form, State};
use halo_config::{ConfigError, ProviderConfig, Secret, guess_preset, preset};
use halo_engine::{Act, Engine};
use halo_types::{Action, Lang, ProviderId, Target};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::draft::saved_keys;
use super::facts::Outcome;
use super::form::{Draft, Pairs, Waiting};
use super::models::{self, View, practice_id};
use super::undo::{Removed, RemovedProvider};
use super::{Answer, Trouble, connection, own_facts, probe, refused, see_other};
use crate::page::Page;
use crate::state::AppState;

pub(super) fn value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
}

fn carried(pairs: &Pairs) -> String {
    Waiting::read(pairs).map(Waiting::query).unwrap_or_default()
}

/// `POST /settings/ai-model/save`
pub(super) async fn save(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let w = page.words;
    let engine = state.engine();
    let draft = Draft::read(&pairs);
    let saved = models::saved_provider(engine, &draft);
    let mut view = View::default();
    if let (Some(id), None) = (&draft.id, &saved) {
        view.trouble = Some(Trouble::plain(w.t1("settings-error-provider", "id", id)));
    } else if let Some(provider) = draft.provider(engine.config(), saved.as_ref()) {
        let practice = practice_id(engine).as_ref() == Some(&provider.id);
        view.faults = draft.faults();
        if !practice {
            view.faults.extend(draft.url_fault(provider.protocol));
            view.faults.extend(connection::ca_fault(engine, &provider));
        }
        // What the person says about the model stands in the same form.
        if view.faults.is_empty()
            && saved.as_ref().is_some_and(|saved| saved.base_url == provider.base_url)
            && let Err(words) = own_facts::apply(engine, w, &pairs).await
        {
            view.facts = Outcome { open: true, trouble: Some(words), ..Outcome::default() };
        } else if view.faults.is_empty() {
            match store(engine, &draft, &provider, practice) {
                Ok(()) => {
                    if !practice {
                        learn_models(engine, &provider.id, w.lang());
                    }
                    return Ok(after_saving(&draft, &pairs, &provider.id));
                }
                Err(error) => view.trouble = Some(Trouble::of(w, &error)),
            }
        }
    } else {
        view.trouble = Some(Trouble::plain(w.t1("settings-error-preset", "name", &draft.preset)));
    }
    let View { faults, trouble, facts, .. } = view;
    let view = View { faults, trouble, facts, ..probe::again(draft, &pairs) };
    Ok(refused(models::render(engine, &removed, page, view)?))
}

/// Asks a saved provider for its models in the background, so that the model picker knows them.
fn learn_models(engine: &Engine, id: &ProviderId, lang: Lang) {
    let (engine, id) = (engine.clone(), id.clone());
    tokio::spawn(async move {
        // Nobody waits for it, and the form has a button that says why it fails.
        if let Err(failed) = engine.fetch_models(&id, lang).await {
            tracing::debug!(provider = %id, step = failed.stage.as_str(), "the models could not be fetched");
        }
    });
}

/// Writes provider, keys and default. Settings first: where their file is broken, no key moves.
fn store(
    engine: &Engine,
    draft: &Draft,
    provider: &ProviderConfig,
    practice: bool,
) -> Result<(), ConfigError> {
    let config = engine.config();
    if !practice {
        config.save_provider(provider.clone())?;
    }
    let old: Vec<String> = saved_keys(config, Some(&provider.id))
        .iter()
        .map(|secret| secret.expose().to_owned())
        .collect();
    let new = draft.merge_keys(&old);
    if new != old {
        config.set_keys(&provider.id, &new)?;
    }
    let target = Target { provider: provider.id.clone(), model: draft.model.clone() };
    let was_ours = config
        .settings()
        .default_target
        .as_ref()
        .is_some_and(|default| default.provider == provider.id);
    if draft.make_default && !draft.model.is_empty() {
        config.set_default_target(Some(target))?;
    } else if was_ours && draft.refused.is_empty() {
        config.set_default_target(None)?;
    }
    Ok(())
}

/// Where the browser goes after saving. A waiting message goes along; it is sent to the chosen
/// model where the model was what had to change, or where the provider is a new one.
fn after_saving(draft: &Draft, pairs: &Pairs, id: &ProviderId) -> axum::response::Response {
    let mut query = format!("saved={id}{}", carried(pairs));
    let changes_model = draft.id.is_none() || value(pairs, "field") == Some("model");
    if Waiting::read(pairs).is_some() && changes_model {
        query.push_str("&to=");
        query.push_str(&percent(&draft.model));
    }
    // With a waiting message the button that sends it stands at the top.
    if Waiting::read(pairs).is_some() {
        return see_other(&format!("/settings/ai-model?{query}"));
    }
    models::at(&query, id)
}

/// Percent-encodes everything but letters, digits and a few signs.
pub(crate) fn percent(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/')
        .remove(b':');
    utf8_percent_encode(text, KEPT).to_string()
}

/// `POST /settings/ai-model/paste`: a key alone, or a chosen preset, or both.
///
/// A key whose provider is known is saved, its models are fetched and the way there is tested; the
/// page then shows the outcome.
pub(super) async fn paste(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let w = page.words;
    let engine = state.engine();
    let key = value(&pairs, "key").unwrap_or_default().to_owned();
    let chosen = value(&pairs, "preset").filter(|id| !id.is_empty());
    let waiting = Waiting::read(&pairs);
    if let Some(id) = chosen {
        // The form opens with the key in it; nothing is saved yet.
        let Some(preset) = preset(id) else {
            let trouble = Some(Trouble::plain(w.t1("settings-error-preset", "name", id)));
            let view = View { trouble, waiting, ..View::default() };
            return Ok(refused(models::render(engine, &removed, page, view)?));
        };
        if key.is_empty() {
            return Ok(see_other(&format!("/settings/ai-model?add={id}{}#add", carried(&pairs))));
        }
        let draft = Draft { keys: vec![key], ..Draft::of_preset(preset) };
        let view = View { draft: Some(draft), waiting, ..View::default() };
        return models::render(engine, &removed, page, view);
    }
    let mut view = View { waiting, ..View::default() };
    if key.is_empty() {
        view.trouble = Some(Trouble::plain(w.t("settings-add-paste-empty")));
        return Ok(refused(models::render(engine, &removed, page, view)?));
    }
    let fault = Draft { name: "-".to_owned(), keys: vec![key.clone()], ..Draft::default() }
        .faults()
        .into_iter()
        .next();
    if let Some(fault) = fault {
        view.trouble = Some(Trouble::plain(fault.words(w)));
        return Ok(refused(models::render(engine, &removed, page, view)?));
    }
    let Some(preset) = guess_preset(&key) else {
        view.unsure = Some(key);
        return models::render(engine, &removed, page, view);
    };
    let draft = match add(engine, preset, &key) {
        Ok(draft) => draft,
        Err(error) => {
            view.trouble = Some(Trouble::of(w, &error));
            return Ok(refused(models::render(engine, &removed, page, view)?));
        }
    };
    view.notice = Some(w.t1("settings-form-added", "name", &draft.name));
    view.models = Some(probe::fetch(engine, w, &draft).await?);
    view.report = Some(probe::run_test(engine, w, &draft).await?);
    view.saved = true;
    view.resend_to =
        draft.id.clone().map(|provider| Target { provider, model: draft.model.clone() });
    view.draft = Some(draft);
    models::render(engine, &removed, page, view)
}

/// Saves a provider for a key. The same key again opens the provider it was saved with.
fn add(engine: &Engine, preset: &halo_config::Preset, key: &str) -> Result<Draft, ConfigError> {
    let config = engine.config();
    let secret = Secret::parse(key)?;
    let settings = config.settings();
    let known = settings.providers.iter().find(|provider| {
        provider.preset == preset.id && config.keys(&provider.id).contains(&secret)
    });
    let provider = match known {
        Some(provider) => provider.clone(),
        None => {
            let provider = ProviderConfig::from_preset(preset, config.free_id(&preset.id));
            config.save_provider(provider.clone())?;
            config.add_key(&provider.id, key)?;
            provider
        }
    };
    Ok(Draft::of_provider(&provider, settings.default_target.as_ref()))
}

/// `POST /settings/ai-model/remove`
pub(super) async fn remove(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let config = engine.config();
    let id = value(&pairs, "provider").unwrap_or_default();
    let found = id
        .parse::<ProviderId>()
        .ok()
        .filter(|id| models::is_written(engine, config, id))
        .and_then(|id| config.provider(&id));
    let Some(provider) = found else {
        return unknown(engine, &removed, page, id);
    };
    let default = config.settings().default_target.clone();
    let kept = RemovedProvider {
        keys: saved_keys(config, Some(&provider.id)),
        default: default.filter(|target| target.provider == provider.id),
        provider: provider.clone(),
    };
    match config.remove_provider(&provider.id) {
        Ok(_) => {
            removed.keep_provider(kept);
            Ok(see_other(&format!("/settings/ai-model?removed={}", provider.id)))
        }
        Err(error) => failed(engine, &removed, page, &error),
    }
}

/// `POST /settings/ai-model/restore`
pub(super) async fn restore(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let config = engine.config();
    let id = value(&pairs, "provider").and_then(|id| id.parse::<ProviderId>().ok());
    let kept = id.and_then(|id| removed.provider(&id));
    let Some(kept) = kept.filter(|kept| config.provider(&kept.provider.id).is_none()) else {
        let words = page.words.t("settings-provider-restore-gone");
        let view = View { trouble: Some(Trouble::plain(words)), ..View::default() };
        return Ok(refused(models::render(engine, &removed, page, view)?));
    };
    let id = kept.provider.id.clone();
    match put_back(engine, kept) {
        Ok(()) => {
            removed.forget_provider(&id);
            Ok(models::at(&format!("restored={id}"), &id))
        }
        Err(error) => failed(engine, &removed, page, &error),
    }
}

fn put_back(engine: &Engine, kept: RemovedProvider) -> Result<(), ConfigError> {
    let config = engine.config();
    let id = kept.provider.id.clone();
    config.save_provider(kept.provider)?;
    let keys: Vec<&str> = kept.keys.iter().map(Secret::expose).collect();
    config.set_keys(&id, &keys)?;
    match kept.default {
        Some(target) if config.settings().default_target.is_none() => {
            config.set_default_target(Some(target))
        }
        _ => Ok(()),
    }
}

/// `POST /settings/ai-model/default`
pub(super) async fn default_target(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let wanted = value(&pairs, "target").unwrap_or_default();
    let target = engine
        .targets()
        .into_iter()
        .map(|info| info.target)
        .find(|target| target.to_string() == wanted);
    let Some(target) = target else {
        let words = page.words.t("settings-default-unknown");
        let view = View { trouble: Some(Trouble::plain(words)), ..View::default() };
        return Ok(refused(models::render(engine, &removed, page, view)?));
    };
    match engine.config().set_default_target(Some(target)) {
        Ok(()) => Ok(see_other("/settings/ai-model?default=1")),
        Err(error) => failed(engine, &removed, page, &error),
    }
}

/// `POST /settings/ai-model/resend`: sends the waiting message again and goes to it.
pub(super) async fn resend(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let Some(waiting) = Waiting::read(&pairs) else {
        return Ok(see_other("/settings/ai-model"));
    };
    let target = value(&pairs, "provider")
        .and_then(|id| id.parse::<ProviderId>().ok())
        .zip(value(&pairs, "model").filter(|model| !model.is_empty()))
        .map(|(provider, model)| Target { provider, model: model.to_owned() });
    let act = Act {
        conversation: waiting.conversation,
        turn: waiting.turn,
        attempt: waiting.attempt,
        action: if target.is_some() { Action::SwitchModel } else { Action::Resend },
        target,
        text: None,
    };
    match engine.act(act).await {
        Ok(()) => Ok(see_other(&format!("/c/{}", waiting.conversation))),
        Err(error) => {
            let words = page.words.t1("settings-waiting-failed", "why", error);
            let view = View {
                trouble: Some(Trouble::plain(words)),
                waiting: Some(waiting),
                saved: true,
                ..View::default()
            };
            Ok(refused(models::render(engine, &removed, page, view)?))
        }
    }
}

fn unknown(engine: &Engine, removed: &Removed, page: Page, id: &str) -> Answer {
    let words = page.words.t1("settings-error-provider", "id", id);
    let view = View { trouble: Some(Trouble::plain(words)), ..View::default() };
    Ok(refused(models::render(engine, removed, page, view)?))
}

fn failed(engine: &Engine, removed: &Removed, page: Page, error: &ConfigError) -> Answer {
    let trouble = Trouble::of(page.words, error);
    let view = View { trouble: Some(trouble), ..View::default() };
    Ok(refused(models::render(engine, removed, page, view)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_survive_a_query() {
        assert_eq!(percent("anthropic/claude-4:free"), "anthropic/claude-4:free");
        assert_eq!(percent("a b&c=d#é"), "a%20b%26c%3Dd%23%C3%A9");
    }
}
