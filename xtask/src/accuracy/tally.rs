//! Counts of one set of records, and how they are printed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use halo_diagnose::{Context, diagnose};
use halo_types::Kind;
use serde_json::{Value, json};

use super::record::Record;
use super::share;

/// How far a wait may be off, in seconds: providers round.
const WAIT_TOLERANCE_S: f64 = 1.0;

/// What the diagnosis made of one record.
pub(super) struct Outcome {
    pub(super) called: Kind,
    pub(super) kind_right: bool,
    pub(super) transient: bool,
    pub(super) transient_right: Option<bool>,
    pub(super) wait_s: Option<f64>,
    pub(super) wait_right: Option<bool>,
    /// Called transient although sending again does harm.
    pub(super) harmful: bool,
    pub(super) rule: String,
}

impl Outcome {
    pub(super) fn of(record: &Record) -> Self {
        let diagnosis = diagnose(&record.evidence, &Context::default());
        let wait_s = diagnosis.retry.as_ref().map(|retry| retry.after_ms as f64 / 1000.0);
        Self {
            called: diagnosis.kind,
            kind_right: record.allows(diagnosis.kind),
            transient: diagnosis.transient,
            transient_right: record.transient_right(diagnosis.transient),
            wait_s,
            wait_right: record
                .retry_after_s
                .map(|want| wait_s.is_some_and(|got| (got - want).abs() <= WAIT_TOLERANCE_S)),
            harmful: diagnosis.transient && record.must_not_be_resent(),
            rule: diagnosis.because.rule,
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        !self.kind_right || self.transient_right == Some(false) || self.wait_right == Some(false)
    }
}

/// How one kind fares.
#[derive(Default)]
struct PerKind {
    /// Records with this label.
    labelled: usize,
    /// Of these, read rightly (as this kind or as one of `also`).
    right: usize,
    /// Records taken for this kind; one that is right by `also` counts for its label.
    called: usize,
}

/// What one rule decided.
#[derive(Default)]
struct PerRule {
    decided: usize,
    wrong_kind: usize,
    wrong_transient: usize,
}

/// A wait that was not read as labelled.
struct WrongWait {
    id: String,
    want_s: f64,
    got_s: Option<f64>,
}

/// The counts of a set.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) records: usize,
    kind_right: usize,
    transient_counted: usize,
    transient_right: usize,
    waits: usize,
    waits_right: usize,
    harmful: usize,
    kinds: BTreeMap<Kind, PerKind>,
    /// Labelled, called, rule.
    confusions: BTreeMap<(Kind, Kind, String), usize>,
    /// Labelled as transient, labelled kind, called kind, rule.
    transient_confusions: BTreeMap<(bool, Kind, Kind, String), usize>,
    wrong_waits: Vec<WrongWait>,
    rules: BTreeMap<String, PerRule>,
}

impl Tally {
    pub(super) fn add(&mut self, record: &Record, outcome: &Outcome) {
        self.records += 1;
        self.kind_right += usize::from(outcome.kind_right);
        self.harmful += usize::from(outcome.harmful);
        let rule = self.rules.entry(outcome.rule.clone()).or_default();
        rule.decided += 1;
        rule.wrong_kind += usize::from(!outcome.kind_right);
        if let Some(right) = outcome.transient_right {
            self.transient_counted += 1;
            self.transient_right += usize::from(right);
            rule.wrong_transient += usize::from(!right);
            if !right {
                let key = (record.transient, record.kind, outcome.called, outcome.rule.clone());
                *self.transient_confusions.entry(key).or_default() += 1;
            }
        }
        if let (Some(right), Some(want_s)) = (outcome.wait_right, record.retry_after_s) {
            self.waits += 1;
            self.waits_right += usize::from(right);
            if !right {
                let id = record.id.clone();
                self.wrong_waits.push(WrongWait { id, want_s, got_s: outcome.wait_s });
            }
        }
        let labelled = self.kinds.entry(record.kind).or_default();
        labelled.labelled += 1;
        labelled.right += usize::from(outcome.kind_right);
        let called = if outcome.kind_right { record.kind } else { outcome.called };
        self.kinds.entry(called).or_default().called += 1;
        if !outcome.kind_right {
            let key = (record.kind, outcome.called, outcome.rule.clone());
            *self.confusions.entry(key).or_default() += 1;
        }
    }

    pub(super) fn json(&self) -> Value {
        let kinds: serde_json::Map<String, Value> = self
            .kinds
            .iter()
            .map(|(kind, n)| {
                let figures = json!({
                    "labelled": n.labelled,
                    "right": n.right,
                    "called": n.called,
                    "recall": share(n.right, n.labelled),
                    "precision": share(n.right, n.called),
                });
                (kind.as_str().to_owned(), figures)
            })
            .collect();
        json!({
            "records": self.records,
            "kind": share(self.kind_right, self.records),
            "kind_wrong": self.records - self.kind_right,
            "transient": share(self.transient_right, self.transient_counted),
            "transient_counted": self.transient_counted,
            "transient_wrong": self.transient_counted - self.transient_right,
            "waits": self.waits,
            "wait": share(self.waits_right, self.waits),
            "harmful_transient": self.harmful,
            "kinds": kinds,
        })
    }

    /// The head of a set: one line each for the whole and for its documented part.
    pub(super) fn print_head(&self, out: &mut impl Write, name: &str) -> io::Result<()> {
        writeln!(
            out,
            "{name}: {} records, kind {} ({} wrong), transient {} ({} wrong of {}), \
             waits {}/{}, harmful {}",
            self.records,
            percent(self.kind_right, self.records),
            self.records - self.kind_right,
            percent(self.transient_right, self.transient_counted),
            self.transient_counted - self.transient_right,
            self.transient_counted,
            self.waits_right,
            self.waits,
            self.harmful,
        )
    }

    /// Tables per kind, and everything that went wrong.
    pub(super) fn print_details(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\n  {:<26}{:>9}{:>7}{:>8}{:>9}{:>11}",
            "kind", "labelled", "right", "called", "recall", "precision"
        )?;
        for (kind, n) in &self.kinds {
            writeln!(
                out,
                "  {:<26}{:>9}{:>7}{:>8}{:>9}{:>11}",
                kind.as_str(),
                n.labelled,
                n.right,
                n.called,
                percent_or_dash(n.right, n.labelled),
                percent_or_dash(n.right, n.called),
            )?;
        }
        if !self.confusions.is_empty() {
            writeln!(out, "\n  wrong kinds: labelled → called, by rule")?;
        }
        for ((labelled, called, rule), count) in by_count(&self.confusions) {
            writeln!(out, "  {count:>5}  {labelled} → {called}  ({rule})")?;
        }
        if !self.transient_confusions.is_empty() {
            writeln!(out, "\n  wrong transient: labelled → called, kinds, by rule")?;
        }
        for ((transient, labelled, called, rule), count) in by_count(&self.transient_confusions) {
            let (want, got) = (transient_word(*transient), transient_word(!*transient));
            let kinds = if labelled == called {
                labelled.to_string()
            } else {
                format!("{labelled} → {called}")
            };
            writeln!(out, "  {count:>5}  {want} → {got}  {kinds}  ({rule})")?;
        }
        if !self.wrong_waits.is_empty() {
            writeln!(out, "\n  wrong waits: labelled → read")?;
        }
        for wait in &self.wrong_waits {
            let got = wait.got_s.map_or("none".to_owned(), |s| format!("{s} s"));
            writeln!(out, "         {} s → {got}  {}", wait.want_s, wait.id)?;
        }
        Ok(())
    }

    /// How often each rule decided, and how often wrongly; the worst first.
    pub(super) fn print_rules(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\n  {:<52}{:>8}{:>12}{:>17}",
            "rule", "decided", "wrong kind", "wrong transient"
        )?;
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(_, n)| std::cmp::Reverse((n.wrong_kind, n.wrong_transient, n.decided)));
        for (rule, n) in rules {
            writeln!(
                out,
                "  {rule:<52}{:>8}{:>12}{:>17}",
                n.decided,
                count_or_dash(n.wrong_kind),
                count_or_dash(n.wrong_transient),
            )?;
        }
        let silent = halo_diagnose::rules().iter().filter(|r| !self.rules.contains_key(&r.id));
        writeln!(
            out,
            "  {} of {} rules decided nothing here",
            silent.count(),
            halo_diagnose::rules().len()
        )
    }
}

fn by_count<K: Ord>(counts: &BTreeMap<K, usize>) -> Vec<(&K, usize)> {
    let mut list: Vec<_> = counts.iter().map(|(key, count)| (key, *count)).collect();
    list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    list
}

fn transient_word(transient: bool) -> &'static str {
    if transient { "waiting helps" } else { "waiting is useless" }
}

pub(super) fn percent(part: usize, whole: usize) -> String {
    format!("{:.2} %", 100.0 * share(part, whole))
}

fn percent_or_dash(part: usize, whole: usize) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * share(part, whole)) }
}

fn count_or_dash(count: usize) -> String {
    if count == 0 { "–".to_owned() } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        serde_json::from_str(json).expect("the test's record parses")
    }

    #[test]
    fn also_counts_as_right_and_unsure_transients_are_not_counted() {
        let mut tally = Tally::default();
        for json in [
            // Read as the label.
            r#"{"kind":"rate_limited","transient":true,"body":"Rate limit reached. Please try again in 20s.","retry_after_s":20}"#,
            // Read as a kind that counts too, and labelled unsure.
            r#"{"kind":"overloaded","also":["rate_limited"],"transient":false,"transient_unsure":true,"body":"Rate limit exceeded"}"#,
            // Wrong on purpose, in kind, transient and wait.
            r#"{"id":"x","kind":"quota_exhausted","transient":false,"body":"Rate limit exceeded","retry_after_s":5}"#,
        ] {
            let record = record(json);
            tally.add(&record, &Outcome::of(&record));
        }
        let figures = tally.json();
        assert_eq!(figures["records"], 3);
        assert_eq!(figures["kind_wrong"], 1);
        assert_eq!(figures["transient_counted"], 2);
        assert_eq!(figures["transient_wrong"], 1);
        assert_eq!(figures["harmful_transient"], 1);
        assert_eq!((figures["waits"].as_u64(), figures["wait"].as_f64()), (Some(2), Some(0.5)));
        assert_eq!(
            figures["kinds"]["rate_limited"],
            json!({"labelled":1,"right":1,"called":2,"recall":1.0,"precision":0.5})
        );
        assert_eq!(
            figures["kinds"]["overloaded"],
            json!({"labelled":1,"right":1,"called":1,"recall":1.0,"precision":1.0})
        );
        let mut text = Vec::new();
        tally.print_details(&mut text).expect("writing to memory");
        let text = String::from_utf8(text).expect("text");
        assert!(text.contains("quota_exhausted → rate_limited"), "{text}");
        assert!(text.contains("waiting is useless → waiting helps"), "{text}");
        assert!(text.contains("5 s → none  x"), "{text}");
    }
}
