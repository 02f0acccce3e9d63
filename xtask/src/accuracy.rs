//! How well the diagnosis reads labelled errors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use halo_diagnose::{Context, diagnose};
use halo_types::{Evidence, Kind};
use serde::Deserialize;
use serde_json::json;

/// A labelled error. Fields that only describe where it comes from are ignored.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default)]
    id: String,
    kind: Kind,
    transient: bool,
    /// Kinds that count as right too.
    #[serde(default)]
    also: Vec<Kind>,
    /// Whether careful readers differed on `transient`.
    #[serde(default)]
    transient_unsure: bool,
    #[serde(default)]
    retry_after_s: Option<f64>,
    /// `doc` where the text was read in official documentation.
    #[serde(default, rename = "evidence")]
    basis: Option<String>,
    #[serde(flatten)]
    evidence: Evidence,
}

/// Kinds that must never be called transient: waiting does not help, and retrying does harm.
const NEVER_TRANSIENT: &[Kind] = &[
    Kind::QuotaExhausted,
    Kind::InvalidApiKey,
    Kind::PermissionDenied,
    Kind::RegionUnsupported,
    Kind::AccountDisabled,
];

#[derive(Default)]
struct Tally {
    records: usize,
    kind_right: usize,
    transient_counted: usize,
    transient_right: usize,
    waits: usize,
    waits_right: usize,
    /// Errors of [`NEVER_TRANSIENT`] that were called transient.
    grave: usize,
    /// Per kind: labelled, of these right, called so.
    kinds: BTreeMap<Kind, [usize; 3]>,
    /// Labelled, called, rule.
    confusions: BTreeMap<(Kind, Kind, String), usize>,
}

struct Outcome {
    called: Kind,
    kind_right: bool,
    transient_right: Option<bool>,
    wait_right: Option<bool>,
    grave: bool,
    rule: String,
}

fn judge(record: &Record) -> Outcome {
    let diagnosis = diagnose(&record.evidence, &Context::default());
    let kind_right = diagnosis.kind == record.kind || record.also.contains(&diagnosis.kind);
    let transient_right =
        (!record.transient_unsure).then_some(diagnosis.transient == record.transient);
    let wait_right = record.retry_after_s.map(|want| {
        let got = diagnosis.retry.as_ref().map_or(-1.0, |retry| retry.after_ms as f64 / 1000.0);
        (got - want).abs() <= 1.0
    });
    Outcome {
        called: diagnosis.kind,
        kind_right,
        transient_right,
        wait_right,
        grave: diagnosis.transient
            && NEVER_TRANSIENT.contains(&record.kind)
            && !record.also.iter().any(|kind| kind.is_transient()),
        rule: diagnosis.because.rule,
    }
}

impl Tally {
    fn add(&mut self, record: &Record, outcome: &Outcome) {
        self.records += 1;
        self.kind_right += usize::from(outcome.kind_right);
        if let Some(right) = outcome.transient_right {
            self.transient_counted += 1;
            self.transient_right += usize::from(right);
        }
        if let Some(right) = outcome.wait_right {
            self.waits += 1;
            self.waits_right += usize::from(right);
        }
        self.grave += usize::from(outcome.grave);
        let labelled = self.kinds.entry(record.kind).or_default();
        labelled[0] += 1;
        labelled[1] += usize::from(outcome.kind_right);
        let called = if outcome.kind_right { record.kind } else { outcome.called };
        self.kinds.entry(called).or_default()[2] += 1;
        if !outcome.kind_right {
            let key = (record.kind, outcome.called, outcome.rule.clone());
            *self.confusions.entry(key).or_default() += 1;
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "records": self.records,
            "kind": share(self.kind_right, self.records),
            "transient": share(self.transient_right, self.transient_counted),
            "waits": self.waits,
            "wait": share(self.waits_right, self.waits),
            "harmful_transient": self.grave,
        })
    }

    fn print(&self, out: &mut impl Write, name: &str) -> std::io::Result<()> {
        writeln!(
            out,
            "{name}: {} records, kind {:.2} %, transient {:.2} %, wait read {}/{}, harmful {}",
            self.records,
            100.0 * share(self.kind_right, self.records),
            100.0 * share(self.transient_right, self.transient_counted),
            self.waits_right,
            self.waits,
            self.grave,
        )
    }

    fn print_kinds(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "  {:<26}{:>8}{:>9}{:>11}", "kind", "records", "recall", "precision")?;
        for (kind, [labelled, right, called]) in &self.kinds {
            writeln!(
                out,
                "  {:<26}{labelled:>8}{:>8.1}%{:>10.1}%",
                kind.as_str(),
                100.0 * share(*right, *labelled),
                100.0 * share(*right, *called),
            )?;
        }
        let mut confusions: Vec<_> = self.confusions.iter().collect();
        confusions.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        if !confusions.is_empty() {
            writeln!(out, "  confusions: labelled → called, by rule")?;
        }
        for ((labelled, called, rule), count) in confusions {
            writeln!(out, "  {count:>5}  {labelled} → {called}  ({rule})")?;
        }
        Ok(())
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Runs `accuracy FILE… [--json] [--wrong]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let as_json = args.iter().any(|arg| arg == "--json");
    let list_wrong = args.iter().any(|arg| arg == "--wrong");
    let files: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = args
        .iter()
        .find(|arg| arg.starts_with("--") && !["--json", "--wrong"].contains(&arg.as_str()))
    {
        bail!("{unknown} is no option of accuracy");
    }
    if files.is_empty() {
        bail!("name at least one file of labelled records");
    }
    let mut out = std::io::stdout().lock();
    let mut figures = serde_json::Map::new();
    for file in files {
        let mut all = Tally::default();
        let mut documented = Tally::default();
        for record in read(Path::new(file))? {
            let record = record?;
            let outcome = judge(&record);
            all.add(&record, &outcome);
            if record.basis.as_deref() == Some("doc") {
                documented.add(&record, &outcome);
            }
            let wrong = !outcome.kind_right
                || outcome.transient_right == Some(false)
                || outcome.wait_right == Some(false);
            if list_wrong && wrong && !as_json {
                let body: String = record.evidence.body.text().chars().take(300).collect();
                writeln!(
                    out,
                    "{} {} → {} ({}){}\n    {} {:?} {}",
                    record.id,
                    record.kind,
                    outcome.called,
                    outcome.rule,
                    if outcome.kind_right { " [transient or wait]" } else { "" },
                    record.evidence.provider.as_deref().unwrap_or("-"),
                    record.evidence.status,
                    body.replace('\n', "⏎"),
                )?;
            }
        }
        let name =
            Path::new(file).file_name().map_or(file.as_str().into(), |n| n.to_string_lossy());
        if as_json {
            let mut line = all.json();
            if documented.records > 0 {
                line["doc"] = documented.json();
            }
            figures.insert(name.into_owned(), line);
        } else {
            all.print(&mut out, &name)?;
            if documented.records > 0 {
                documented.print(&mut out, &format!("{name}, documented ones"))?;
            }
            all.print_kinds(&mut out)?;
        }
    }
    if as_json {
        writeln!(out, "{}", serde_json::Value::Object(figures))?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Record>>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let name = path.display().to_string();
    Ok(BufReader::new(file).lines().enumerate().filter_map(move |(index, line)| {
        let parse = |line: std::io::Result<String>| -> anyhow::Result<Option<Record>> {
            let line = line?;
            if line.trim().is_empty() {
                return Ok(None);
            }
            Ok(Some(serde_json::from_str(&line)?))
        };
        parse(line).with_context(|| format!("{name}, line {}", index + 1)).transpose()
    }))
}
