//! The failover ladder in Settings → Recovery: how far a turn may go by itself, and to which
//! models.

use axum::extract::{Form, State};
use halo_config::{Config, Origin, Reach};
use halo_engine::Engine;
use halo_types::Target;

use super::form::Pairs;
use super::save::value;
use super::{Answer, Trouble, recovery, see_other};
use crate::page::Page;
use crate::state::AppState;
use crate::strings::Words;

/// One choice of how far a turn may go.
pub(super) struct ReachChoice {
    pub(super) value: &'static str,
    pub(super) words: String,
    pub(super) chosen: bool,
}

/// One rung of the person's list.
pub(super) struct RungRow {
    pub(super) target: String,
    /// Words for a model whose provider is gone.
    pub(super) missing: Option<String>,
    pub(super) first: bool,
    pub(super) last: bool,
}

/// What the page shows of the ladder.
pub(super) struct LadderView {
    pub(super) reaches: Vec<ReachChoice>,
    /// Words for a reach that the environment decides.
    pub(super) reach_fixed: Option<String>,
    pub(super) rows: Vec<RungRow>,
    /// Words for a list that the environment decides.
    pub(super) rows_fixed: Option<String>,
    /// The models that may be added.
    pub(super) known: Vec<String>,
}

/// The environment variable that decides a setting, in words.
fn fixed(config: &Config, name: &str, w: Words) -> Option<String> {
    match config.origin(name) {
        Origin::Env(variable) => Some(w.t1("settings-recovery-env", "name", variable)),
        _ => None,
    }
}

impl LadderView {
    pub(super) fn of(engine: &Engine, w: Words) -> Self {
        let config = engine.config();
        let settings = config.settings();
        let recovery = &settings.recovery;
        let reaches = Reach::ALL
            .iter()
            .map(|reach| ReachChoice {
                value: reach.as_str(),
                words: w.t(&format!("settings-failover-{reach}")),
                chosen: *reach == recovery.failover,
            })
            .collect();
        let last = recovery.ladder.len().saturating_sub(1);
        let rows = recovery.ladder.iter().enumerate().map(|(n, target)| RungRow {
            target: target.to_string(),
            missing: settings
                .provider(&target.provider)
                .is_none()
                .then(|| w.t1("settings-ladder-missing", "provider", target.provider.to_string())),
            first: n == 0,
            last: n == last,
        });
        let known = engine
            .targets()
            .into_iter()
            .filter(|info| !info.practice && !recovery.ladder.contains(&info.target))
            .map(|info| info.target.to_string());
        Self {
            reaches,
            reach_fixed: fixed(config, "recovery.failover", w),
            rows: rows.collect(),
            rows_fixed: fixed(config, "recovery.ladder", w),
            known: known.collect(),
        }
    }
}

/// How far the posted form lets a turn go; `None` where it does not say or the environment does.
pub(super) fn posted_reach(config: &Config, pairs: &Pairs) -> Option<Reach> {
    let free = !matches!(config.origin("recovery.failover"), Origin::Env(_));
    value(pairs, "failover").filter(|_| free)?.parse().ok()
}

/// `POST /settings/recovery/ladder`: a model is added, removed, or moved.
pub(super) async fn change(
    State(state): State<AppState>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let engine = state.engine();
    let named = value(&pairs, "target").unwrap_or_default();
    let step = value(&pairs, "do").unwrap_or_default();
    if step == "add" && known(engine, named).is_none() {
        let trouble = Trouble::plain(page.words.t("settings-ladder-unknown"));
        return recovery::with_trouble(engine, page, trouble);
    }
    let changed = engine.config().update(|settings| {
        let ladder = &mut settings.recovery.ladder;
        let at = ladder.iter().position(|target| target.to_string() == named);
        match (step, at) {
            ("add", None) => ladder.extend(known(engine, named)),
            ("remove", Some(at)) => drop(ladder.remove(at)),
            ("up", Some(at)) if at > 0 => ladder.swap(at, at - 1),
            ("down", Some(at)) if at + 1 < ladder.len() => ladder.swap(at, at + 1),
            // Pressed twice, or the list changed meanwhile: what is shown next says so.
            _ => {}
        }
    });
    match changed {
        Ok(()) => Ok(see_other("/settings/recovery?saved=1#ladder")),
        Err(error) => {
            let trouble = Trouble::of(page.words, &error);
            recovery::with_trouble(engine, page, trouble)
        }
    }
}

/// A model that may be put on the ladder: of a configured provider, listed or not.
fn known(engine: &Engine, named: &str) -> Option<Target> {
    let practice = engine.practice().map(|practice| &practice.provider.id);
    let (provider, model) = named.trim().split_once('/')?;
    let provider = engine.provider(&provider.parse().ok()?)?;
    let model = model.trim();
    let fits = !model.is_empty() && practice != Some(&provider.id);
    fits.then(|| Target { provider: provider.id, model: model.to_owned() })
}
