//! How reliable providers, keys and models were, from the person's own history.

mod chart;
mod csv;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use halo_diagnose::kind_text;
use halo_engine::reliability::{Figures, Reliability, Served, Span};
use halo_store::MeasureRow;
use halo_types::{Kind, ProviderId};
use serde::Deserialize;

use crate::clock;
use crate::error::PageError;
use crate::extract::Query;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;
use crate::thread::duration;

use chart::{Chart, SERIES};

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// `day`, `week`, `month` or `year`.
    #[serde(default)]
    span: String,
    /// Of this provider alone.
    #[serde(default)]
    provider: String,
    /// Of this model alone.
    #[serde(default)]
    model: String,
}

const SPANS: [(&str, Span, &str); 4] = [
    ("day", Span::Day, "reliability-day"),
    ("week", Span::Week, "reliability-week"),
    ("month", Span::Month, "reliability-month"),
    ("year", Span::Year, "reliability-year"),
];

impl Asked {
    fn span(&self) -> (&'static str, Span) {
        let found = SPANS.iter().find(|(name, ..)| *name == self.span);
        found.map_or(("week", Span::Week), |(name, span, _)| (*name, *span))
    }

    fn wants(&self, row: &MeasureRow) -> bool {
        (self.provider.is_empty() || row.target.provider.as_str() == self.provider)
            && (self.model.is_empty() || row.target.model == self.model)
    }
}

/// A figure of all attempts together.
struct Tile {
    name: String,
    value: String,
    about: String,
}

/// A drawing with the words below it.
struct Drawing {
    title: String,
    svg: String,
    legend: Vec<(usize, String)>,
}

/// A line of the table.
struct Line {
    name: String,
    cells: Vec<String>,
    kinds: String,
}

struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "reliability.html")]
struct ReliabilityPage {
    page: Page,
    span: &'static str,
    spans: Vec<(&'static str, String)>,
    providers: Vec<Choice>,
    models: Vec<Choice>,
    provider: String,
    model: String,
    csv: String,
    tiles: Vec<Tile>,
    drawings: Vec<Drawing>,
    heads: Vec<String>,
    served: Vec<Line>,
    times: Vec<Line>,
}

/// The attempts since `span` began, those of the practice provider left out: it fails on purpose.
async fn rows(state: &AppState, page: &Page, span: Span) -> Result<Vec<MeasureRow>, PageError> {
    let engine = state.engine();
    let practice: Option<ProviderId> = engine.practice().map(|p| p.provider.id.clone());
    let since = span.begins(clock::now(), page.zone.east_ms());
    let mut rows = engine.store().measures(since).await?;
    rows.retain(|row| Some(&row.target.provider) != practice.as_ref());
    Ok(rows)
}

/// `GET /reliability`
pub(crate) async fn show(
    State(state): State<AppState>,
    page: Page,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (span_name, span) = asked.span();
    let rows = rows(&state, &page, span).await?;
    let east = page.zone.east_ms();
    let found = Reliability::of(&rows, span, clock::now(), east, |row| asked.wants(row));
    let w = page.words;
    let name_of = |id: &str| {
        let known = state.engine().providers().into_iter().find(|p| p.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |provider| provider.name)
    };
    let providers =
        choices(&asked.provider, rows.iter().map(|r| r.target.provider.as_str()), &name_of);
    let of_provider = rows
        .iter()
        .filter(|r| asked.provider.is_empty() || r.target.provider.as_str() == asked.provider)
        .map(|r| r.target.model.as_str());
    let models = choices(&asked.model, of_provider, &str::to_owned);
    let served =
        found.served.iter().map(|(who, figures)| line(w, served_name(w, who, &name_of), figures));
    let times = found.stretches.iter().rev().filter(|stretch| stretch.figures.attempts() > 0);
    let query =
        as_query(&[("span", span_name), ("provider", &asked.provider), ("model", &asked.model)]);
    page::html(&ReliabilityPage {
        span: span_name,
        spans: SPANS.iter().map(|(name, _, key)| (*name, w.t(key))).collect(),
        providers,
        models,
        csv: format!("/reliability.csv?{query}"),
        tiles: if found.all.attempts() > 0 { tiles(w, &found.all) } else { Vec::new() },
        drawings: drawings(&page, span, &found),
        heads: HEADS.iter().map(|key| w.t(key)).collect(),
        served: served.collect(),
        times: times.map(|s| line(w, time_name(&page, span, s.begins), &s.figures)).collect(),
        provider: asked.provider,
        model: asked.model,
        page,
    })
}

/// `GET /reliability.csv`: every attempt in a line.
pub(crate) async fn export(
    State(state): State<AppState>,
    page: Page,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (_, span) = asked.span();
    let rows = rows(&state, &page, span).await?;
    let text = csv::of(rows.iter().filter(|row| asked.wants(row)));
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"halo-reliability.csv\""),
    ];
    Ok((head, text).into_response())
}

/// Pairs as the query of an address.
fn as_query(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

fn choices<'a>(
    chosen: &str,
    all: impl Iterator<Item = &'a str>,
    name: &dyn Fn(&str) -> String,
) -> Vec<Choice> {
    let mut values: Vec<&str> = all.collect();
    values.sort_unstable();
    values.dedup();
    values
        .into_iter()
        .map(|value| Choice { value: value.to_owned(), name: name(value), chosen: value == chosen })
        .collect()
}

fn served_name(w: Words, who: &Served, name_of: &dyn Fn(&str) -> String) -> String {
    let mut name = format!("{} · {}", who.target.model, name_of(who.target.provider.as_str()));
    if let Some(key) = who.key.filter(|key| *key > 1) {
        name = format!("{name} · {}", w.t1("reliability-key", "n", key));
    }
    name
}

fn time_name(page: &Page, span: Span, at: halo_types::Timestamp) -> String {
    match span {
        Span::Day => page.zone.minute_text(at),
        _ => page.zone.date_text(at),
    }
}

const HEADS: [&str; 7] = [
    "reliability-answered",
    "reliability-failed",
    "reliability-healed",
    "reliability-waited",
    "reliability-first-half",
    "reliability-first-most",
    "reliability-speed",
];

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn time(ms: Option<u64>) -> String {
    match ms {
        None => "–".to_owned(),
        Some(ms) if ms < 1000 => format!("{ms} ms"),
        Some(ms) => duration(ms),
    }
}

fn speed(figures: &Figures) -> String {
    figures.tokens_per_second().map_or_else(|| "–".to_owned(), |n| format!("{n:.0}"))
}

fn kind_name(w: Words, kind: Option<Kind>) -> String {
    match kind {
        Some(kind) => kind_text(kind, w.lang()).title.clone(),
        None => w.t("reliability-other-kind"),
    }
}

fn line(w: Words, name: String, figures: &Figures) -> Line {
    let kinds: Vec<String> = by_count(figures)
        .into_iter()
        .map(|(kind, n)| format!("{} {n}", kind_name(w, kind)))
        .collect();
    let failed = match figures.failures() {
        0 => "0".to_owned(),
        n => format!("{n} ({})", percent(figures.failure_share())),
    };
    Line {
        name,
        cells: vec![
            figures.answered.to_string(),
            failed,
            figures.healed.to_string(),
            if figures.waited_ms == 0 { "–".to_owned() } else { duration(figures.waited_ms) },
            time(figures.first_part(50)),
            time(figures.first_part(90)),
            speed(figures),
        ],
        kinds: kinds.join(" · "),
    }
}

/// Failures by kind, the most frequent first.
fn by_count(figures: &Figures) -> Vec<(Option<Kind>, u64)> {
    let mut kinds: Vec<_> = figures.failed.iter().map(|(kind, n)| (*kind, *n)).collect();
    kinds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    kinds
}

fn tiles(w: Words, all: &Figures) -> Vec<Tile> {
    let tile = |name: &str, value: String, about: String| Tile { name: w.t(name), value, about };
    vec![
        tile("reliability-answered", all.answered.to_string(), String::new()),
        tile(
            "reliability-failed",
            all.failures().to_string(),
            w.t1("reliability-share", "share", percent(all.failure_share())),
        ),
        tile("reliability-healed", all.healed.to_string(), w.t("reliability-healed-about")),
        tile("reliability-waited", duration(all.waited_ms), w.t("reliability-waited-about")),
        tile(
            "reliability-first",
            time(all.first_part(50)),
            w.t1("reliability-first-about", "most", time(all.first_part(90))),
        ),
        tile("reliability-speed", speed(all), w.t("reliability-speed-about")),
    ]
}

fn drawings(page: &Page, span: Span, found: &Reliability) -> Vec<Drawing> {
    let w = page.words;
    let all = &found.stretches;
    // Some eight words fit below a chart.
    let every = all.len().div_ceil(8);
    let ticks: Vec<String> = all
        .iter()
        .enumerate()
        .map(|(nth, stretch)| match span {
            _ if nth % every != 0 => String::new(),
            Span::Day => page.zone.time_text(stretch.begins),
            _ => page.zone.date_text(stretch.begins)[5..].to_owned(),
        })
        .collect();
    // Answers, the most frequent kinds, and the rest in one.
    let kinds: Vec<_> = by_count(&found.all).into_iter().map(|(kind, _)| kind).collect();
    let (named, rest) =
        kinds.split_at(kinds.len().min(if kinds.len() < SERIES { SERIES - 1 } else { SERIES - 2 }));
    let bars: Vec<Vec<u64>> = all
        .iter()
        .map(|stretch| {
            let count = |kind| stretch.figures.failed.get(kind).copied().unwrap_or(0);
            let mut parts = vec![stretch.figures.answered];
            parts.extend(named.iter().map(count));
            parts.push(rest.iter().map(count).sum());
            parts
        })
        .collect();
    let mut legend = vec![(0, w.t("reliability-answered"))];
    legend.extend(named.iter().enumerate().map(|(nth, kind)| (nth + 1, kind_name(w, *kind))));
    if !rest.is_empty() {
        legend.push((named.len() + 1, w.t("reliability-rest")));
    }
    let first: Vec<Option<f64>> = all
        .iter()
        .map(|s| s.figures.first_part(50))
        .map(|ms| {
            #[expect(clippy::cast_precision_loss, reason = "a height in pixels")]
            ms.map(|ms| ms as f64 / 1000.0)
        })
        .collect();
    let speeds: Vec<Option<f64>> = all.iter().map(|s| s.figures.tokens_per_second()).collect();
    let chart = |key: &str, draw: &dyn Fn(&Chart<'_>) -> Option<String>| {
        let title = w.t(key);
        let label = format!("{title}. {}", w.t("reliability-see-table"));
        let svg = draw(&Chart { ticks: &ticks, label: &label })?;
        Some(Drawing { title, svg, legend: Vec::new() })
    };
    let attempts = chart("reliability-chart-attempts", &|chart| chart.bars(&bars));
    let attempts = attempts.map(|drawing| Drawing { legend, ..drawing });
    let first = chart("reliability-chart-first", &|chart| chart.dots(&first));
    let speeds = chart("reliability-chart-speed", &|chart| chart.dots(&speeds));
    [attempts, first, speeds].into_iter().flatten().collect()
}
