//! The form of one provider, as the page shows it.

use askama::Template as _;
use halo_config::{KeyOrigin, Preset, preset};
use halo_engine::Engine;
use halo_types::ProviderId;

use super::connection;
use super::draft::{Echo, saved_keys};
use super::facts::{FactsView, Outcome};
use super::form::{Draft, Fault};
use super::models::{ModelList, echo_html, practice_id, preset_name};
use crate::clock::Zone;
use crate::error::PageError;
use crate::strings::Words;

/// The field of one key.
pub(super) struct KeySlot {
    pub(super) at: usize,
    pub(super) id: String,
    pub(super) label: String,
    /// The saved key in its masked form, in words.
    pub(super) saved: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) typed: String,
    pub(super) dropped: bool,
    pub(super) focus: bool,
}

/// The form of a provider.
pub(super) struct FormView {
    pub(super) w: Words,
    pub(super) id: Option<ProviderId>,
    pub(super) heading: String,
    pub(super) preset: String,
    pub(super) practice: bool,
    pub(super) name: String,
    pub(super) base_url: String,
    pub(super) protocol: String,
    pub(super) slots: Vec<KeySlot>,
    pub(super) key_optional: bool,
    pub(super) keys_url: Option<String>,
    pub(super) key_env: String,
    pub(super) env_example: String,
    pub(super) env_state: Option<String>,
    pub(super) model: String,
    pub(super) make_default: bool,
    pub(super) refused: String,
    /// The field a link points at.
    pub(super) field: String,
    pub(super) faults: Vec<Fault>,
    pub(super) carried_fields: Vec<(&'static str, String)>,
    /// Whether a message waits for this form to be saved.
    pub(super) waits: bool,
    pub(super) cancel: String,
    pub(super) echo: String,
    pub(super) model_list: String,
    pub(super) facts: String,
    pub(super) report: String,
    /// How it is reached, as HTML; empty for the practice provider.
    pub(super) connection: String,
}

impl FormView {
    pub(super) fn faults_of(&self, field: &str) -> Vec<String> {
        self.faults.iter().filter(|f| f.field() == field).map(|f| f.words(self.w)).collect()
    }

    pub(super) fn first_slots(&self) -> &[KeySlot] {
        &self.slots[..self.slots.len().min(1)]
    }

    pub(super) fn other_slots(&self) -> &[KeySlot] {
        self.slots.get(1..).unwrap_or_default()
    }

    /// Whether there is more than one key to show.
    pub(super) fn several(&self) -> bool {
        self.other_slots().iter().any(|slot| slot.saved.is_some() || !slot.typed.is_empty())
    }

    pub(super) fn empty_slot(&self) -> KeySlot {
        KeySlot {
            at: usize::MAX,
            id: "key-new".to_owned(),
            label: self.w.t("settings-form-key-another"),
            saved: None,
            hint: None,
            typed: String::new(),
            dropped: false,
            focus: false,
        }
    }
}

/// What stands in the form beside the draft.
pub(super) struct Extras {
    pub(super) faults: Vec<Fault>,
    pub(super) field: String,
    pub(super) report: String,
    pub(super) facts: Outcome,
    pub(super) models: Option<ModelList>,
    pub(super) carried_fields: Vec<(&'static str, String)>,
    pub(super) carried: String,
    pub(super) waits: bool,
}

/// The form for a draft; `None` where its preset does not exist.
pub(super) fn form_view(
    engine: &Engine,
    w: Words,
    zone: Zone,
    draft: Draft,
    extras: Extras,
) -> Result<Option<FormView>, PageError> {
    let config = engine.config();
    let saved = draft.id.as_ref().and_then(|id| engine.provider(id));
    let Some(provider) = draft.provider(config, saved.as_ref()) else { return Ok(None) };
    let practice = draft.id.is_some() && draft.id == practice_id(engine);
    let infos = draft.id.as_ref().map(|id| config.key_infos(id)).unwrap_or_default();
    let masked: Vec<String> =
        saved_keys(config, draft.id.as_ref()).iter().map(halo_config::Secret::masked).collect();
    let own = preset(&provider.preset);
    let has_key = draft.has_key(masked.len()) || infos.len() > masked.len();
    let echo = Echo::of(w, provider.protocol, &draft.base_url, has_key);
    let list = extras.models.unwrap_or_else(|| ModelList::known(engine, w, &provider));
    let facts = FactsView::of(engine, w, zone, &provider, &draft.model, extras.facts).render()?;
    let env_state = saved.as_ref().and_then(|saved| saved.key_env.as_ref()).map(|name| {
        let set = infos.iter().any(|info| info.origin == KeyOrigin::Env(name.clone()));
        w.t(if set { "settings-form-key-env-set" } else { "settings-form-key-env-unset" })
    });
    let field = if extras.field.is_empty() {
        extras.faults.first().map_or("", Fault::field).to_owned()
    } else {
        extras.field
    };
    let mut carried_fields = extras.carried_fields;
    carried_fields.push(("field", field.clone()));
    let mut slots = key_slots(w, &draft, &masked, field == "key");
    if practice {
        slots.truncate(1);
    }
    let connection = if practice {
        String::new()
    } else {
        connection::view(engine, w, &draft.connection, &provider, &extras.faults, &field)?
    };
    Ok(Some(FormView {
        connection,
        heading: match &saved {
            Some(saved) => w.provider(&saved.name, practice),
            None => w.t1("settings-form-new", "preset", preset_name(w, &provider.preset)),
        },
        protocol: w.t(&format!("settings-form-protocol-{}", provider.protocol)),
        key_optional: own.is_some_and(|preset| !preset.needs_key || preset.base_url.is_empty()),
        keys_url: provider
            .vendor()
            .and_then(halo_diagnose::vendor)
            .and_then(|v| v.keys_url.clone()),
        env_example: env_example(own),
        env_state,
        echo: echo_html(w, echo)?,
        model_list: list.render()?,
        facts,
        report: extras.report,
        cancel: format!("/settings/ai-model?cancel=1{}", extras.carried),
        w,
        id: draft.id,
        preset: provider.preset,
        practice,
        name: draft.name,
        base_url: draft.base_url,
        slots,
        key_env: draft.key_env,
        model: draft.model,
        make_default: draft.make_default,
        refused: draft.refused,
        field,
        faults: extras.faults,
        waits: extras.waits,
        carried_fields,
    }))
}

fn env_example(preset: Option<&'static Preset>) -> String {
    preset.and_then(|preset| preset.key_env.first()).cloned().unwrap_or_else(|| "MY_KEY".to_owned())
}

/// How a key is shown that is too short to show a part of.
pub(super) const SHORT_KEY: &str = "…";

/// One field for each saved key, one for what was typed beyond them, and always at least one.
fn key_slots(w: Words, draft: &Draft, masked: &[String], focus: bool) -> Vec<KeySlot> {
    // A field of its own for a further key, so that one can be added without scripts.
    let spare = usize::from(!masked.is_empty());
    let count = masked.len().max(draft.keys.len()).max(1).max(masked.len() + spare).max(2);
    (0..count)
        .map(|at| {
            let saved = masked.get(at);
            KeySlot {
                at,
                id: format!("key-{at}"),
                label: match (count, at) {
                    (_, 0) if masked.len() < 2 => w.t("settings-form-key"),
                    _ => w.n("settings-form-key-number", "n", at as u64 + 1),
                },
                saved: saved.map(|key| match key.as_str() {
                    SHORT_KEY => w.t("settings-provider-key-short"),
                    key => w.t1("settings-form-key-saved", "key", key),
                }),
                hint: saved.map(|key| match key.as_str() {
                    SHORT_KEY => w.t("settings-form-key-keep-short"),
                    key => w.t1("settings-form-key-keep", "key", key),
                }),
                typed: draft.keys.get(at).cloned().unwrap_or_default(),
                dropped: draft.dropped.contains(&at),
                focus: focus && at == 0,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_field_for_another_key() {
        let w = Words::default();
        let masked = ["a".to_owned(), "b".to_owned()];
        assert_eq!(key_slots(w, &Draft::default(), &[], true).len(), 2);
        let slots = key_slots(w, &Draft::default(), &masked, true);
        assert_eq!(slots.len(), 3);
        assert!(slots[0].focus && slots[1].saved.is_some() && slots[2].saved.is_none());
    }
}
