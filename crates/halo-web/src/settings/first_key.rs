//! A key and nothing else: whose it is, whether it works, and on to the first message.
//!
//! The key stands in the form alone. It is saved when the way to its provider was tested, or when
//! the person keeps it all the same; it is never a message or a draft.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::Response;
use halo_config::{ConfigError, Preset, ProviderConfig, Secret, likely_presets, preset, presets};
use halo_engine::{Engine, Patient};
use halo_types::Target;
use halo_wire::ModelInfo;

use super::form::{Draft, Pairs};
use super::save::value;
use super::{Answer, Section, Shell, Trouble, percent, refused, report, see_other, uncached};
use crate::page::{self, Page};
use crate::state::AppState;

/// Where a key goes.
pub(crate) const ADDRESS: &str = "/start";

struct Choice {
    id: &'static str,
    name: &'static str,
}

#[derive(Template)]
#[template(path = "settings/first_key.html")]
struct KeyPage {
    page: Page,
    shell: Shell,
    key: String,
    base_url: String,
    /// Whose key it is, where that is told.
    chosen: Option<Choice>,
    /// Whether the key tells that by itself.
    guessed: bool,
    /// Whose it may be, or all there are.
    others: Vec<Choice>,
    /// Whether `others` are those whose keys look like it.
    likely: bool,
    /// What the test found.
    report: Option<String>,
}

/// `GET /start`
pub(super) async fn show(page: Page) -> Answer {
    render(page, &Typed::default(), None, None)
}

/// Shows a key that was about to be sent as a message in the form that sets its provider up.
pub(crate) async fn instead_of_message(state: &AppState, headers: &HeaderMap, key: &str) -> Answer {
    let page = Page::load(state, headers).await?;
    let typed = Typed::read(&vec![("key".to_owned(), key.to_owned())]);
    render(page, &typed, None, None)
}

/// What was typed.
#[derive(Default)]
struct Typed {
    key: String,
    base_url: String,
    chosen: Option<&'static Preset>,
    /// Keep it without a test.
    anyway: bool,
}

impl Typed {
    fn read(pairs: &Pairs) -> Self {
        let text = |name| value(pairs, name).unwrap_or_default().to_owned();
        let key = text("key");
        let named = value(pairs, "preset").filter(|id| !id.is_empty()).and_then(preset);
        let told = match likely_presets(&key).as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        Self {
            base_url: text("base_url"),
            chosen: match (named, told) {
                // Another key was put into the form of a provider that is not its own.
                (Some(named), Some(told))
                    if told.vendor != named.vendor && !named.base_url.is_empty() =>
                {
                    Some(told)
                }
                _ => named.or(told),
            },
            anyway: value(pairs, "anyway").is_some(),
            key,
        }
    }

    /// The form of its provider.
    fn draft(&self, preset: &Preset) -> Draft {
        let mut draft = Draft { keys: vec![self.key.clone()], ..Draft::of_preset(preset) };
        if !self.base_url.is_empty() {
            draft.base_url.clone_from(&self.base_url);
        }
        if draft.name.is_empty() {
            let host = draft.base_url.split("://").last().unwrap_or_default();
            let host = host.split(['/', ':']).next().unwrap_or_default();
            draft.name = if host.is_empty() { preset.name.clone() } else { host.to_owned() };
        }
        draft
    }
}

/// `POST /start`: tests a key, adds its provider and goes on to a conversation with it.
pub(super) async fn take(
    State(state): State<AppState>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let w = page.words;
    let typed = Typed::read(&pairs);
    let trouble = |words| Some(Trouble::plain(words));
    if typed.key.is_empty() {
        let words = w.t("settings-add-paste-empty");
        return Ok(refused(render(page, &typed, trouble(words), None)?));
    }
    let Some(preset) = typed.chosen else {
        return render(page, &typed, None, None);
    };
    let engine = state.engine();
    let draft = typed.draft(preset);
    let Some(provider) = draft.provider(engine.config(), None) else {
        return render(page, &typed, None, None);
    };
    if let Some(fault) = draft.faults().into_iter().chain(draft.url_fault(provider.protocol)).next()
    {
        return Ok(refused(render(page, &typed, trouble(fault.words(w)), None)?));
    }
    let secret = match Secret::parse(&typed.key).map_err(ConfigError::from) {
        Ok(secret) => secret,
        Err(error) => {
            return Ok(refused(render(page, &typed, Some(Trouble::of(w, &error)), None)?));
        }
    };
    if let Some(target) = known(engine, &provider, &secret) {
        return Ok(onward(&target));
    }
    let fetched = engine.fetch_models_for(&provider, Some(secret.clone()), w.lang()).await;
    let (found, failure) = match fetched {
        Ok(found) => (found, None),
        Err(failed) => (Vec::new(), Some(report::of_fetch(w, &failed)?)),
    };
    let model = first_model(preset, &found);
    if !typed.anyway {
        if let Some(failure) = failure {
            return Ok(refused(render(page, &typed, None, Some(failure))?));
        }
        let patient = Patient {
            provider: provider.clone(),
            key: Some(secret),
            model: Some(model.clone()).filter(|model| !model.is_empty()),
        };
        let outcome = engine.examine(patient, w.lang(), &mut |_| {}).await;
        if outcome.failure().is_some() {
            let report = report::of_test(w, &outcome)?;
            return Ok(refused(render(page, &typed, None, Some(report))?));
        }
    }
    match keep(engine, provider, &typed.key, &model, &found).await {
        Ok(target) => Ok(onward(&target)),
        Err(error) => Ok(refused(render(page, &typed, Some(Trouble::of(w, &error)), None)?)),
    }
}

/// The provider that has this very key already.
fn known(engine: &Engine, wanted: &ProviderConfig, key: &Secret) -> Option<Target> {
    let config = engine.config();
    let settings = config.settings();
    let provider = settings.providers.iter().find(|provider| {
        provider.base_url == wanted.base_url && config.keys(&provider.id).contains(key)
    })?;
    let default = settings.default_target.clone();
    default.filter(|target| target.provider == provider.id).or_else(|| {
        let model = provider.models.first()?.clone();
        Some(Target { provider: provider.id.clone(), model })
    })
}

/// The model of the first message: one that the preset names, where the key reaches it, else the
/// first that is for talking, as far as names tell.
fn first_model(preset: &Preset, found: &[ModelInfo]) -> String {
    const OTHER: &[&str] = &[
        "embed",
        "whisper",
        "tts",
        "moderation",
        "guard",
        "rerank",
        "dall-e",
        "image",
        "audio",
        "realtime",
        "transcribe",
    ];
    let reached = |name: &&String| found.iter().any(|model| model.id == **name);
    let talks = |model: &&ModelInfo| !OTHER.iter().any(|word| model.id.contains(word));
    preset
        .models
        .iter()
        .find(reached)
        .or_else(|| found.iter().find(talks).or(found.first()).map(|model| &model.id))
        .or(preset.models.first())
        .cloned()
        .unwrap_or_default()
}

async fn keep(
    engine: &Engine,
    mut provider: ProviderConfig,
    key: &str,
    model: &str,
    found: &[ModelInfo],
) -> Result<Target, ConfigError> {
    let mut names: Vec<String> = Vec::new();
    let chosen = Some(model.to_owned()).filter(|model| !model.is_empty());
    for name in chosen.into_iter().chain(found.iter().map(|model| model.id.clone())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        provider.models = names;
    }
    let config = engine.config();
    config.save_provider(provider.clone())?;
    config.add_key(&provider.id, key)?;
    engine.learn_models(&provider, found).await;
    let target = Target { provider: provider.id, model: model.to_owned() };
    if config.settings().default_target.is_none() && !model.is_empty() {
        config.set_default_target(Some(target.clone()))?;
    }
    Ok(target)
}

fn onward(target: &Target) -> Response {
    see_other(&format!("/new?with={}", percent(&target.to_string())))
}

fn render(page: Page, typed: &Typed, trouble: Option<Trouble>, report: Option<String>) -> Answer {
    let choice = |preset: &'static Preset| Choice { id: &preset.id, name: &preset.name };
    let near = likely_presets(&typed.key);
    let likely = typed.chosen.is_none() && !near.is_empty();
    let all = presets().iter().filter(|preset| preset.needs_key);
    let others =
        if likely { near.into_iter().map(choice).collect() } else { all.map(choice).collect() };
    let shell = Shell { trouble, ..Shell::new(page.words, Section::Models) };
    let page = KeyPage {
        shell,
        key: typed.key.clone(),
        base_url: typed.base_url.clone(),
        chosen: typed.chosen.map(choice),
        guessed: typed.chosen.is_some() && typed.chosen == halo_config::guess_preset(&typed.key),
        others,
        likely,
        report,
        page,
    };
    Ok(uncached(page::html(&page)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_is_one_to_talk_to() {
        let openai = preset("openai").unwrap();
        let of = |names: &[&str]| -> Vec<ModelInfo> {
            let named = |id: &&str| ModelInfo { id: (*id).to_owned(), ..ModelInfo::default() };
            names.iter().map(named).collect()
        };
        assert_eq!(first_model(openai, &of(&["whisper-1", "gpt-4.1"])), "gpt-4.1");
        assert_eq!(first_model(openai, &of(&["text-embedding-3", "o9"])), "o9");
        assert_eq!(first_model(openai, &of(&["tts-1"])), "tts-1");
        assert_eq!(first_model(openai, &[]), openai.models[0]);
    }

    #[test]
    fn a_key_goes_to_no_other_maker_than_its_own() {
        let chosen = |key: &str, preset: &str| {
            let pairs = [("key", key), ("preset", preset)];
            let pairs: Pairs = pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
            Typed::read(&pairs).chosen.map(|preset| preset.id.as_str())
        };
        let key = "sk-ant-api03-EXAMPLEexample0123456789";
        assert_eq!(chosen(key, ""), Some("anthropic"));
        assert_eq!(chosen(key, "openai"), Some("anthropic"));
        assert_eq!(chosen(key, "anthropic-compatible"), Some("anthropic-compatible"));
        assert_eq!(
            chosen("sk-proj-EXAMPLE0123456789", "openai-responses"),
            Some("openai-responses")
        );
        assert_eq!(chosen("sk-0123456789abcdef0123", ""), None);
        assert_eq!(chosen("sk-0123456789abcdef0123", "deepseek"), Some("deepseek"));
    }

    #[test]
    fn a_relay_is_named_by_its_address() {
        let relay = preset("openai-compatible").unwrap();
        let typed = Typed { base_url: "http://relay.example:8080/v1".into(), ..Typed::default() };
        assert_eq!(typed.draft(relay).name, "relay.example");
        assert!(typed.draft(relay).faults().is_empty());
    }
}
