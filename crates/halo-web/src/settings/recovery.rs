//! What Halo does by itself after a failure.

use askama::Template;
use axum::extract::{Form, Query, State};
use halo_config::{Config, Origin, RecoverySettings};
use halo_engine::Engine;

use super::form::Pairs;
use super::ladder::{LadderView, posted_reach};
use super::{Answer, Section, Shell, Trouble, refused, see_other};
use crate::page::{self, Page};
use crate::state::AppState;

/// One switch of the page.
struct Switch {
    name: &'static str,
    words: &'static str,
    about: &'static str,
    read: fn(&RecoverySettings) -> bool,
    write: fn(&mut RecoverySettings, bool),
}

const SWITCHES: [Switch; 4] = [
    Switch {
        name: "retry_automatically",
        words: "settings-recovery-retry",
        about: "settings-recovery-retry-about",
        read: |r| r.retry_automatically,
        write: |r, on| r.retry_automatically = on,
    },
    Switch {
        name: "always_omit_images",
        words: "settings-recovery-images",
        about: "settings-recovery-images-about",
        read: |r| r.always_omit_images,
        write: |r, on| r.always_omit_images = on,
    },
    Switch {
        name: "always_shrink_images",
        words: "settings-recovery-shrink",
        about: "settings-recovery-shrink-about",
        read: |r| r.always_shrink_images,
        write: |r, on| r.always_shrink_images = on,
    },
    Switch {
        name: "always_compact",
        words: "settings-recovery-compact",
        about: "settings-recovery-compact-about",
        read: |r| r.always_compact,
        write: |r, on| r.always_compact = on,
    },
];

/// The field of the share of the window.
const COMPACT_AT: &str = "compact_at_percent";

struct Choice {
    name: &'static str,
    words: String,
    about: String,
    on: bool,
    /// Words for a value that the environment decides.
    fixed: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/recovery.html")]
struct RecoveryPage {
    page: Page,
    shell: Shell,
    choices: Vec<Choice>,
    /// The share as typed, or as it is set.
    compact_at: String,
    /// Words for a share that the environment decides.
    compact_at_fixed: Option<String>,
    /// Words for a share that cannot be.
    compact_at_bad: Option<String>,
    ladder: LadderView,
}

/// `GET /settings/recovery`
pub(super) async fn show(
    State(state): State<AppState>,
    page: Page,
    Query(query): Query<Pairs>,
) -> Answer {
    let mut shell = Shell::new(page.words, Section::Recovery);
    if query.iter().any(|(key, _)| key == "saved") {
        shell.notice = Some(page.words.t("settings-saved"));
    }
    page::html(&compose(state.engine(), page, shell, None))
}

/// `POST /settings/recovery`
pub(super) async fn save(
    State(state): State<AppState>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let config = state.engine().config();
    let typed = pairs.iter().find(|(name, _)| name == COMPACT_AT).map(|(_, text)| text.trim());
    let typed = typed.filter(|_| fixed_by(config, COMPACT_AT).is_none());
    let share = typed.map(|text| text.parse::<u8>().ok().filter(|n| (10..=100).contains(n)));
    if share == Some(None) {
        let shell = Shell::new(page.words, Section::Recovery);
        return Ok(refused(page::html(&compose(state.engine(), page, shell, typed))?));
    }
    let changed = config.update(|settings| {
        if let Some(share) = share.flatten() {
            settings.recovery.compact_at_percent = share;
        }
        for switch in SWITCHES.iter().filter(|switch| fixed_by(config, switch.name).is_none()) {
            let on = pairs.iter().any(|(name, _)| name == switch.name);
            (switch.write)(&mut settings.recovery, on);
        }
        if let Some(reach) = posted_reach(config, &pairs) {
            settings.recovery.failover = reach;
        }
    });
    match changed {
        Ok(()) => Ok(see_other("/settings/recovery?saved=1")),
        Err(error) => {
            let mut shell = Shell::new(page.words, Section::Recovery);
            shell.trouble = Some(Trouble::of(page.words, &error));
            Ok(refused(page::html(&compose(state.engine(), page, shell, typed))?))
        }
    }
}

/// The page with what could not be done.
pub(super) fn with_trouble(engine: &Engine, page: Page, trouble: Trouble) -> Answer {
    let mut shell = Shell::new(page.words, Section::Recovery);
    shell.trouble = Some(trouble);
    Ok(refused(page::html(&compose(engine, page, shell, None))?))
}

/// The page; with `typed` for a share of the window that was not taken.
fn compose(engine: &Engine, page: Page, shell: Shell, typed: Option<&str>) -> RecoveryPage {
    let config = engine.config();
    let recovery = config.settings().recovery.clone();
    let tries = recovery.max_tries.to_string();
    let seconds = recovery.max_wait_in_line_s.to_string();
    let w = page.words;
    let choices = SWITCHES
        .iter()
        .map(|switch| Choice {
            name: switch.name,
            words: w.t(switch.words),
            about: w.t2(switch.about, ("tries", &tries), ("seconds", &seconds)),
            on: (switch.read)(&recovery),
            fixed: fixed_by(config, switch.name)
                .map(|name| w.t1("settings-recovery-env", "name", name)),
        })
        .collect();
    let bad = typed.filter(|text| !text.parse().is_ok_and(|n: u8| (10..=100).contains(&n)));
    RecoveryPage {
        compact_at: typed.map_or_else(|| recovery.compact_at_percent.to_string(), str::to_owned),
        compact_at_fixed: fixed_by(config, COMPACT_AT)
            .map(|name| w.t1("settings-recovery-env", "name", name)),
        compact_at_bad: bad.map(|_| w.t("settings-recovery-compact-at-bad")),
        page,
        shell,
        choices,
        ladder: LadderView::of(engine, w),
    }
}

/// The environment variable that decides a setting, if one does.
fn fixed_by(config: &Config, name: &str) -> Option<String> {
    match config.origin(&format!("recovery.{name}")) {
        Origin::Env(name) => Some(name),
        _ => None,
    }
}
