//! The summary as one JSON object; its shape stands in `--help`.

use std::io::{self, Write};

use halo_diagnose::log::{Group, Stamp};
use halo_diagnose::{kind_text, vendor};
use halo_types::Diagnosis;
use serde::Serialize;
use serde_json::{Value, json};

use super::Report;

/// How many groups are written.
const MAX_GROUPS: usize = 200;

/// The whole.
#[derive(Serialize)]
struct Object<'a> {
    files: Vec<Value>,
    lines: u64,
    bytes: u64,
    total: u64,
    transient: u64,
    transient_share: Value,
    repeated: u64,
    partial: bool,
    first: Option<String>,
    last: Option<String>,
    kinds: Vec<Value>,
    vendors: Vec<Value>,
    hours: Vec<Value>,
    without_time: u64,
    groups: Vec<GroupJson<'a>>,
    others: Vec<Value>,
}

/// Errors of one shape.
#[derive(Serialize)]
struct GroupJson<'a> {
    kind: halo_types::Kind,
    transient: bool,
    rule: &'a str,
    vendor: Option<&'a str>,
    count: u64,
    first: Option<String>,
    last: Option<String>,
    example: Example<'a>,
}

/// The first of them.
#[derive(Serialize)]
struct Example<'a> {
    file: Option<&'a str>,
    line: u64,
    time: Option<String>,
    /// The words, secrets masked.
    text: String,
    /// The span counts bytes of `text`.
    diagnosis: Diagnosis,
}

pub(super) fn write(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    let summary = report.summary;
    let lang = report.context.lang;
    let share = |part: u64, whole: u64| {
        if whole == 0 {
            Value::Null
        } else {
            json!((part as f64 / whole as f64 * 1000.0).round() / 1000.0)
        }
    };
    let files: Vec<Value> =
        report.files.iter().map(|file| json!({ "name": file.name, "lines": file.lines })).collect();
    let kinds: Vec<Value> = by_count(summary.kinds.iter(), |count| count.count)
        .into_iter()
        .map(|(kind, count)| {
            json!({
                "kind": kind,
                "title": kind_text(*kind, lang).title,
                "count": count.count,
                "transient": count.transient,
                "first": text(count.first),
                "last": text(count.last),
            })
        })
        .collect();
    let vendors: Vec<Value> = by_count(summary.vendors.iter(), |count| **count)
        .into_iter()
        .map(|(id, count)| {
            let name = id.and_then(vendor).map(|vendor| vendor.name.as_str());
            json!({ "vendor": id, "name": name, "count": count })
        })
        .collect();
    let hours: Vec<Value> = summary
        .hours
        .iter()
        .map(|(hour, count)| {
            let start = Stamp { ms: hour * 3_600_000, zoned: summary.zoneless == 0 };
            json!({ "hour": start.text(), "count": count })
        })
        .collect();
    let groups: Vec<GroupJson<'_>> =
        summary.worst().into_iter().take(MAX_GROUPS).map(|one| group(one, report)).collect();
    let mut others = summary.others.clone();
    for left in summary.worst().into_iter().skip(MAX_GROUPS) {
        *others.entry(left.kind).or_default() += left.count.count;
    }
    let others: Vec<Value> =
        others.iter().map(|(kind, count)| json!({ "kind": kind, "count": count })).collect();
    let object = Object {
        files,
        lines: summary.lines,
        bytes: summary.bytes,
        total: summary.total.count,
        transient: summary.total.transient,
        transient_share: share(summary.total.transient, summary.total.count),
        repeated: summary.repeated,
        partial: report.partial,
        first: text(summary.total.first),
        last: text(summary.total.last),
        kinds,
        vendors,
        hours,
        without_time: summary.hourless,
        groups,
        others,
    };
    serde_json::to_writer(&mut *out, &object).map_err(io::Error::from)?;
    writeln!(out)
}

/// The most first.
pub(super) fn by_count<K: Ord, V>(
    items: impl Iterator<Item = (K, V)>,
    count: impl Fn(&V) -> u64,
) -> Vec<(K, V)> {
    let mut items: Vec<(K, V)> = items.collect();
    items.sort_by(|a, b| count(&b.1).cmp(&count(&a.1)).then_with(|| a.0.cmp(&b.0)));
    items
}

fn text(stamp: Option<Stamp>) -> Option<String> {
    stamp.map(Stamp::text)
}

fn group<'a>(one: &'a Group, report: &Report<'a>) -> GroupJson<'a> {
    let shown = super::text::Shown::of(one, report);
    GroupJson {
        kind: one.kind,
        transient: one.transient,
        rule: one.rule,
        vendor: one.vendor,
        count: one.count.count,
        first: text(one.count.first),
        last: text(one.count.last),
        example: Example {
            file: report.files.get(one.place.file).map(|file| file.name.as_str()),
            line: one.place.line,
            time: text(one.stamp),
            text: shown.text,
            diagnosis: Diagnosis {
                because: halo_types::Because { span: shown.span, ..shown.diagnosis.because },
                ..shown.diagnosis
            },
        },
    }
}
