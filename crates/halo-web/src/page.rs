//! What every page needs: words, the person's time zone, the conversation list.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use halo_engine::{Activity, ConversationSummary};
use halo_types::ConversationId;

use crate::clock::{self, Zone};
use crate::cookies;
use crate::error::PageError;
use crate::state::AppState;
use crate::strings::Words;

/// How many conversations the list shows before the older ones are asked for: the list goes along
/// with every page and is fetched again at every change.
const SHOWN: usize = 60;

/// The cookie with the browser's distance from UTC in minutes, set by a script.
const ZONE_COOKIE: &str = "halo_tz";

/// What `base.html` shows around the content of every page. Handlers take it as an argument.
pub(crate) struct Page {
    /// The words in the browser's language.
    pub(crate) words: Words,
    /// The browser's time zone.
    pub(crate) zone: Zone,
    /// The conversation list, by day.
    pub(crate) days: Vec<Day>,
    /// The conversation that was last written in.
    pub(crate) latest: Option<ConversationId>,
    /// Whether the list shows the older ones too.
    pub(crate) all: bool,
    /// The conversation that is open.
    pub(crate) active: Option<ConversationId>,
    /// A conversation that was just deleted, so that its deletion can be taken back.
    pub(crate) deleted: Option<ConversationId>,
    /// What is being looked for.
    pub(crate) query: String,
    /// Whether the database is damaged and what could be read of it is shown.
    pub(crate) damaged: bool,
}

/// The conversations of a day, or of a stretch of days.
pub(crate) struct Day {
    /// The key of its name.
    pub(crate) key: &'static str,
    /// Newest first.
    pub(crate) rows: Vec<ListRow>,
}

/// A line of the conversation list.
pub(crate) struct ListRow {
    /// The conversation.
    pub(crate) id: ConversationId,
    /// Its title; never empty.
    pub(crate) title: String,
    /// What it is doing; `None` while it does nothing.
    pub(crate) mark: Option<Mark>,
    /// Whether it is kept on top.
    pub(crate) pinned: bool,
    /// Its place in the list, from 0.
    nth: usize,
}

/// What a conversation is doing.
pub(crate) struct Mark {
    /// The name of the mark.
    pub(crate) name: &'static str,
    /// In words.
    pub(crate) words: String,
    /// For one that waits: until when.
    pub(crate) time: Option<String>,
}

impl Mark {
    fn of(
        activity: Activity,
        words: Words,
        zone: Zone,
        now: halo_types::Timestamp,
    ) -> Option<Self> {
        let plain = |name| Some(Self { name, words: words.t(name), time: None });
        match activity {
            Activity::Idle => None,
            Activity::Running => plain("list-running"),
            Activity::Queued => plain("list-queued"),
            Activity::Waiting { until } => {
                let words = words.t1("list-waiting-until", "time", zone.near_text(until, now));
                Some(Self { name: "list-waiting", words, time: Some(zone.time_text(until)) })
            }
        }
    }
}

impl Page {
    /// How many conversations run, wait or are in line.
    pub(crate) fn open_turns(&self) -> usize {
        self.days.iter().flat_map(|day| &day.rows).filter(|row| row.mark.is_some()).count()
    }

    /// Reads the conversation list for a browser.
    pub(crate) async fn load(state: &AppState, headers: &HeaderMap) -> Result<Self, PageError> {
        let words = Words::new(crate::strings::Locale::of(headers));
        let zone = zone(headers);
        let summaries = state.engine().conversations().await?;
        let latest = summaries.first().map(|summary| summary.id);
        let days = by_day(words, zone, clock::now(), summaries);
        Ok(Self {
            words,
            zone,
            days,
            latest,
            all: false,
            active: None,
            deleted: None,
            query: String::new(),
            damaged: state.engine().rescue().is_some(),
        })
    }

    /// The same page with the list as it is now.
    pub(crate) async fn again(state: &AppState, page: Self) -> Result<Self, PageError> {
        let summaries = state.engine().conversations().await?;
        let days = by_day(page.words, page.zone, clock::now(), summaries);
        Ok(Self { days, ..page })
    }

    /// The same page with a conversation marked as open.
    pub(crate) fn with_active(mut self, id: ConversationId) -> Self {
        self.active = Some(id);
        self
    }

    /// Whether a line of the list is shown: of the older ones only what is open or at work.
    pub(crate) fn shows(&self, row: &ListRow) -> bool {
        self.all || row.nth < SHOWN || row.pinned || row.mark.is_some() || self.is_active(&row.id)
    }

    /// Whether any line of a day is shown.
    pub(crate) fn shows_day(&self, day: &Day) -> bool {
        day.rows.iter().any(|row| self.shows(row))
    }

    /// How many older conversations the list leaves out.
    pub(crate) fn hidden(&self) -> usize {
        self.days.iter().flat_map(|day| &day.rows).filter(|row| !self.shows(row)).count()
    }

    /// Whether a conversation is the open one.
    pub(crate) fn is_active(&self, id: &ConversationId) -> bool {
        self.active.as_ref() == Some(id)
    }

    /// The words that scripts need, as JSON for an attribute.
    pub(crate) fn script_words(&self) -> String {
        let keys = SCRIPT_WORDS.iter().map(|key| ((*key).to_owned(), self.words.t(key).into()));
        serde_json::Value::Object(keys.collect()).to_string()
    }
}

/// What the keyboard does, with the words of it.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("Enter", "keys-send"),
    ("Shift Enter", "keys-line"),
    ("Esc", "keys-stop"),
    ("↑", "keys-last"),
    ("Ctrl/⌘ K", "keys-search"),
    ("Ctrl/⌘ Shift O", "keys-new"),
    ("Alt M", "keys-model"),
    ("?", "keys-list"),
];

/// Words that scripts show. A test proves that the modules use no other.
const SCRIPT_WORDS: &[&str] = &[
    "script-answered",
    "script-at",
    "script-at-automatic",
    "script-busy",
    "script-copied",
    "script-copy",
    "script-copy-failed",
    "script-countdown",
    "script-deleted",
    "script-due",
    "script-editing-pictures",
    "script-failed",
    "script-file-too-large",
    "script-not-a-picture",
    "script-offline",
    "script-paste-too-large",
    "script-remove-file",
    "script-remove-picture",
    "script-seconds",
    "script-undo",
    "script-use-model",
    "script-wait-for-picture",
    "script-forewarn-blind",
    "script-forewarn-full",
    "script-forewarn-near",
    "script-forewarn-switch",
    "script-forewarn-choose",
    "script-forewarn-without",
    "script-forewarn-compact",
    "script-forewarn-large",
    "script-forewarn-many",
    "script-forewarn-smaller",
    "script-forewarn-older",
];

impl FromRequestParts<AppState> for Page {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        let page = Self::load(state, &parts.headers).await?;
        let all = parts.uri.query().is_some_and(|q| q.split('&').any(|pair| pair == "list=all"));
        Ok(Self { all, ..page })
    }
}

/// The time zone a browser told.
pub(crate) fn zone(headers: &HeaderMap) -> Zone {
    let minutes = cookies::value(headers, ZONE_COOKIE).and_then(|v| v.parse().ok());
    Zone::east(minutes.unwrap_or(0))
}

fn by_day(
    words: Words,
    zone: Zone,
    now: halo_types::Timestamp,
    summaries: Vec<ConversationSummary>,
) -> Vec<Day> {
    let today = zone.day(now);
    let mut days: Vec<Day> = Vec::new();
    let (pinned, others): (Vec<_>, Vec<_>) = summaries.into_iter().partition(|s| s.pinned);
    for (nth, summary) in pinned.into_iter().chain(others).enumerate() {
        let key = match today - zone.day(summary.updated_at) {
            _ if summary.pinned => "list-pinned",
            ..=0 => "list-today",
            1 => "list-yesterday",
            2..=7 => "list-week",
            8..=30 => "list-month",
            _ => "list-older",
        };
        let row = ListRow {
            id: summary.id,
            title: if summary.title.trim().is_empty() {
                words.t("conversation-untitled")
            } else {
                summary.title
            },
            mark: Mark::of(summary.activity, words, zone, now),
            pinned: summary.pinned,
            nth,
        };
        match days.last_mut() {
            Some(day) if day.key == key => day.rows.push(row),
            _ => days.push(Day { key, rows: vec![row] }),
        }
    }
    days
}

/// Renders a template as an HTML answer.
pub(crate) fn html(template: &impl Template) -> Result<Response, PageError> {
    Ok(Html(template.render()?).into_response())
}

#[derive(Template)]
#[template(path = "plain.html")]
struct Plain<'a> {
    words: Words,
    title: String,
    text: &'a str,
}

/// The page that says what went wrong.
pub(crate) fn problem(words: Words, status: StatusCode, text: &str) -> Response {
    let key = if status == StatusCode::NOT_FOUND { "problem-title-404" } else { "problem-title" };
    let page = Plain { words, title: words.t(key), text };
    match page.render() {
        Ok(body) => (status, Html(body)).into_response(),
        Err(_) => (status, text.to_owned()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use halo_types::Timestamp;

    use super::*;

    #[test]
    fn conversations_are_grouped_by_the_local_day() {
        let hour = 3_600_000;
        let now = Timestamp(100 * 24 * hour);
        let summary = |hours_ago: i64, activity| ConversationSummary {
            id: ConversationId::new(uuid::Uuid::from_u128(1)),
            title: String::new(),
            pinned: false,
            updated_at: Timestamp(now.0 - hours_ago * hour),
            activity,
        };
        let summaries = vec![
            summary(0, Activity::Running),
            summary(1, Activity::Waiting { until: now }),
            summary(30, Activity::Idle),
            summary(24 * 5, Activity::Idle),
            summary(24 * 20, Activity::Idle),
            summary(24 * 50, Activity::Idle),
        ];
        let keys = |zone| -> Vec<(&str, usize)> {
            by_day(Words::default(), zone, now, summaries.clone())
                .iter()
                .map(|d| (d.key, d.rows.len()))
                .collect()
        };
        let later = [("list-week", 1), ("list-month", 1), ("list-older", 1)];
        assert_eq!(keys(Zone::east(0))[..2], [("list-today", 1), ("list-yesterday", 1)]);
        assert_eq!(keys(Zone::east(480))[..2], [("list-today", 2), ("list-yesterday", 1)]);
        assert_eq!(keys(Zone::east(480))[2..], later);

        let mut pinned = summaries;
        pinned[5].pinned = true;
        let days = by_day(Words::default(), Zone::east(0), now, pinned);
        assert_eq!((days[0].key, days[0].rows.len()), ("list-pinned", 1));
        assert_eq!(days[1].key, "list-today");
    }

    #[test]
    fn scripts_use_exactly_the_words_they_are_given() {
        let mut used = BTreeSet::new();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("static")).unwrap() {
            let path = entry.unwrap().path();
            let ours = path.extension().is_some_and(|e| e == "js")
                && path.file_name().is_some_and(|n| n != "settings.js");
            if ours {
                let text = fs::read_to_string(&path).unwrap();
                for piece in text.split("word(\"").skip(1) {
                    used.insert(piece.split('"').next().unwrap().to_owned());
                }
            }
        }
        let given: BTreeSet<String> = SCRIPT_WORDS.iter().map(|k| (*k).to_owned()).collect();
        assert_eq!(used, given);
    }
}
