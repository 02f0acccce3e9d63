//! The summary as text for a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use halo_diagnose::log::{Count, Group, Stamp};
use halo_diagnose::{Context, diagnose, kind_text, vendor};
use halo_types::{Diagnosis, Kind, Timestamp};

use super::Report;
use super::json::by_count;
use super::words::Words;
use crate::explain::card::grouped;
use crate::explain::conceal;
use crate::terminal::{Style, visible};

/// How many shapes of one kind are shown, and how many in all.
const MAX_PER_KIND: usize = 2;
const MAX_EXAMPLES: usize = 12;
/// The most hours that are shown one by one; more are shown as days.
const MAX_HOURS: i64 = 48;
/// How many days are shown.
const MAX_DAYS: usize = 40;
/// How wide the longest bar is.
const BAR: u64 = 40;
/// How many characters of an example are shown before and after the deciding words.
const BEFORE: usize = 90;
const AFTER: usize = 150;

/// A group's first error, read again in full and with its secrets masked.
pub(super) struct Shown {
    pub(super) diagnosis: Diagnosis,
    pub(super) text: String,
    /// The deciding words in `text`.
    pub(super) span: Option<(usize, usize)>,
}

impl Shown {
    pub(super) fn of(group: &Group, report: &Report<'_>) -> Self {
        let evidence = group.evidence(report.provider);
        // Waits count from when the line was written; the present has nothing to do with them.
        let now = group.stamp.map(|stamp| Timestamp(stamp.ms));
        let context = Context { now, ..report.context.clone() };
        let mut diagnosis = diagnose(&evidence, &context);
        conceal::diagnosis(&mut diagnosis, &evidence);
        let words = evidence.body.text();
        let (text, span) = if words.is_empty() {
            conceal::body(&group.text, None)
        } else {
            conceal::body(&words, diagnosis.because.span)
        };
        Self { diagnosis, text, span }
    }
}

pub(super) fn render(report: &Report<'_>, style: Style) -> String {
    let words = Words::of(report.context.lang);
    let summary = report.summary;
    let mut out = String::new();
    if report.partial {
        line(&mut out, &style.paint("1;33", words.partial));
    }
    let lines = grouped(summary.lines);
    if summary.total.count == 0 {
        line(&mut out, &words.none.replace("{lines}", &lines));
        return out;
    }
    let errors = grouped(summary.total.count);
    let found = words.found.replace("{errors}", &errors).replace("{lines}", &lines);
    let when = span(&summary.total);
    line(&mut out, &format!("{}{}", style.paint("1", &found), after(" · ", &when)));
    let share = (summary.total.transient * 1000 / summary.total.count + 5) / 10;
    line(&mut out, &words.transient.replace("{share}", &share.to_string()));
    if summary.repeated > 0 {
        let repeated = words.repeated.replace("{count}", &grouped(summary.repeated));
        line(&mut out, &style.paint("2", &repeated));
    }
    let kinds: Vec<(String, u64)> = by_count(summary.kinds.iter(), |count| count.count)
        .into_iter()
        .map(|(kind, count)| {
            let title = &kind_text(*kind, report.context.lang).title;
            (format!("{title} {}", style.paint("2", &format!("[{kind}]"))), count.count)
        })
        .collect();
    table(&mut out, words.by_kind, &kinds, style);
    let vendors: Vec<(String, u64)> = by_count(summary.vendors.iter(), |count| **count)
        .into_iter()
        .map(|(id, count)| {
            let name = id.map_or(words.nobody, |id| vendor(id).map_or(id, |v| v.name.as_str()));
            (name.to_owned(), *count)
        })
        .collect();
    table(&mut out, words.by_vendor, &vendors, style);
    histogram(&mut out, report, &words, style);
    examples(&mut out, report, &words, style);
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn after(separator: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{separator}{text}") }
}

fn span(count: &Count) -> String {
    match (count.first, count.last) {
        (Some(first), Some(last)) if first == last => first.text(),
        (Some(first), Some(last)) => format!("{} – {}", first.text(), last.text()),
        _ => String::new(),
    }
}

fn table(out: &mut String, head: &str, rows: &[(String, u64)], style: Style) {
    line(out, "");
    line(out, &style.paint("1", head));
    for (name, count) in rows {
        line(out, &format!("  {:>9}  {name}", grouped(*count)));
    }
}

fn histogram(out: &mut String, report: &Report<'_>, words: &Words, style: Style) {
    let summary = report.summary;
    let (Some(first), Some(last)) = (summary.hours.keys().next(), summary.hours.keys().next_back())
    else {
        return;
    };
    let hourly = last - first < MAX_HOURS;
    let step = if hourly { 1 } else { 24 };
    let mut bars: BTreeMap<i64, u64> = BTreeMap::new();
    for (hour, count) in &summary.hours {
        *bars.entry(hour.div_euclid(step)).or_default() += count;
    }
    if hourly {
        // Hours without an error are part of the picture.
        (*first..=*last).for_each(|hour| *bars.entry(hour).or_default() += 0);
    }
    line(out, "");
    line(out, &style.paint("1", if hourly { words.by_hour } else { words.by_day }));
    let left_out = bars.len().saturating_sub(MAX_DAYS.max(48));
    let earlier: u64 = bars.values().take(left_out).sum();
    if earlier > 0 {
        line(out, &format!("  {}", words.earlier.replace("{count}", &grouped(earlier))));
    }
    let most = bars.values().skip(left_out).max().copied().unwrap_or(1).max(1);
    let zoned = summary.zoneless == 0;
    for (at, count) in bars.iter().skip(left_out) {
        let stamp = Stamp { ms: at * step * 3_600_000, zoned };
        let text = stamp.text();
        let name = if hourly { &text[..16] } else { &text[..10] };
        let width = if *count == 0 { 0 } else { (count * BAR / most).max(1) };
        let bar = "█".repeat(usize::try_from(width).unwrap_or(0));
        let zone = if zoned && hourly { "Z" } else { "" };
        let count = if *count == 0 { String::new() } else { format!(" {}", grouped(*count)) };
        line(out, format!("  {name}{zone}  {bar}{count}").trim_end());
    }
    if summary.hourless > 0 {
        line(out, &format!("  {:>9}  {}", grouped(summary.hourless), words.without_time));
    }
}

fn examples(out: &mut String, report: &Report<'_>, words: &Words, style: Style) {
    line(out, "");
    line(out, &style.paint("1", words.worst));
    let mut shown: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut number = 0;
    let mut left_out = 0;
    for group in report.summary.worst() {
        let of_kind = shown.entry(group.kind).or_default();
        if *of_kind >= MAX_PER_KIND || number >= MAX_EXAMPLES {
            left_out += 1;
            continue;
        }
        *of_kind += 1;
        number += 1;
        line(out, "");
        example(out, number, group, report, words, style);
    }
    line(out, "");
    for (kind, count) in &report.summary.others {
        line(out, &format!("  {}× {kind}: {}", grouped(*count), words.others));
    }
    if left_out > 0 {
        line(out, &style.paint("2", &words.more.replace("{count}", &grouped(left_out))));
    }
}

fn example(
    out: &mut String,
    number: usize,
    group: &Group,
    report: &Report<'_>,
    words: &Words,
    style: Style,
) {
    let shown = Shown::of(group, report);
    let title = &kind_text(group.kind, report.context.lang).title;
    let kind = style.paint("2", &format!("[{}]", group.kind));
    let count = format!("{}×", grouped(group.count.count));
    line(out, &format!("{number:>3}. {count} {} {kind}", style.paint("1", title)));
    let file = report.files.get(group.place.file).map_or("-", |file| file.name.as_str());
    let mut place = String::new();
    visible(&mut place, file);
    let when = if group.count.count > 1 {
        span(&group.count)
    } else {
        group.stamp.map(Stamp::text).unwrap_or_default()
    };
    line(out, &format!("     {place}:{}{}", group.place.line, after(" · ", &when)));
    line(out, &format!("     {}", quote(&shown, style)));
    if let Some(remedy) = shown.diagnosis.remedies.first() {
        let url = remedy.url.as_ref().map(|url| format!("  {url}")).unwrap_or_default();
        line(out, &format!("     → {}{}", remedy.text, style.paint("2", &url)));
    }
    line(out, &style.paint("2", &format!("     {} {}", words.rule, group.rule)));
}

/// The words around those that decided, on one line, the deciding ones marked.
fn quote(shown: &Shown, style: Style) -> String {
    let text = shown.text.as_str();
    let (start, end) = shown.span.unwrap_or((0, 0));
    let from = text[..start].char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    let behind = if shown.span.is_some() { AFTER } else { BEFORE + AFTER };
    let to = text[end..].char_indices().nth(behind).map_or(text.len(), |(at, _)| end + at);
    let flat = |part: &str| {
        let mut out = String::new();
        visible(&mut out, &part.replace(['\n', '\r', '\t'], " "));
        out
    };
    let mut out = String::new();
    if from > 0 {
        out.push('…');
    }
    out.push_str(&flat(&text[from..start]));
    if start < end {
        let marked = flat(&text[start..end]);
        match style {
            Style::Plain => {
                let _ = write!(out, "»{marked}«");
            }
            Style::Colour => out.push_str(&style.paint("1;4;31", &marked)),
        }
    }
    out.push_str(&flat(&text[end..to]));
    if to < text.len() {
        out.push('…');
    }
    out
}
