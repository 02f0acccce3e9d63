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

const SWITCHES: [Switch; 3] = [
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
        name: "always_compact",
        words: "settings-recovery-compact",
        about: "settings-recovery-compact-about",
        read: |r| r.always_compact,
        write: |r, on| r.always_compact = on,
    },
];

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
    page::html(&compose(state.engine(), page, shell))
}

/// `POST /settings/recovery`
pub(super) async fn save(
    State(state): State<AppState>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let config = state.engine().config();
    let changed = config.update(|settings| {
        for switch in SWITCHES.iter().filter(|switch| fixed_by(config, switch).is_none()) {
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
            let trouble = Trouble::of(page.words, &error);
            with_trouble(state.engine(), page, trouble)
        }
    }
}

/// The page with what could not be done.
pub(super) fn with_trouble(engine: &Engine, page: Page, trouble: Trouble) -> Answer {
    let mut shell = Shell::new(page.words, Section::Recovery);
    shell.trouble = Some(trouble);
    Ok(refused(page::html(&compose(engine, page, shell))?))
}

fn compose(engine: &Engine, page: Page, shell: Shell) -> RecoveryPage {
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
            fixed: fixed_by(config, switch).map(|name| w.t1("settings-recovery-env", "name", name)),
        })
        .collect();
    let ladder = LadderView::of(engine, w);
    RecoveryPage { page, shell, choices, ladder }
}

/// The environment variable that decides a switch, if one does.
fn fixed_by(config: &Config, switch: &Switch) -> Option<String> {
    match config.origin(&format!("recovery.{}", switch.name)) {
        Origin::Env(name) => Some(name),
        _ => None,
    }
}
