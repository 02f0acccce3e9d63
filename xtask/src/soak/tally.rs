//! What came of the streams, and what memory did meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::plan::Outcome;

/// The most faults that are kept in words.
const MAX_WORDS: usize = 20;
/// How much memory may grow from the second fifth of the run to the last: tables and pools fill
/// slowly; what leaks grows with each of thousands of streams.
const GROWTH: f64 = 1.15;
const SLACK_KIB: u64 = 8 * 1024;

/// Counts outcomes from many tasks.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Debug, Default, Clone)]
struct Counts {
    begun: u64,
    ended: u64,
    answered: u64,
    cancelled: u64,
    failed: BTreeMap<String, u64>,
    faults: u64,
    words: Vec<String>,
}

impl Tally {
    /// A stream begins.
    pub fn begin(&self) {
        self.counts(|counts| counts.begun += 1);
    }

    /// A stream ended.
    pub fn end(&self, outcome: &Outcome) {
        self.counts(|counts| {
            counts.ended += 1;
            match outcome {
                Outcome::Answered => counts.answered += 1,
                Outcome::Cancelled => counts.cancelled += 1,
                Outcome::Failed(kind) => {
                    *counts.failed.entry(kind.to_string()).or_default() += 1;
                }
                Outcome::Fault(words) => {
                    counts.faults += 1;
                    if counts.words.len() < MAX_WORDS {
                        counts.words.push(words.clone());
                    }
                }
            }
        });
    }

    /// The report. `memory` is in KiB, in the order it was measured; `broken` counts tasks that
    /// did not come to their end.
    pub fn report(&self, memory: &[u64], broken: usize) -> Report {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fifth = memory.len() / 5;
        let early = median(memory.get(fifth..2 * fifth).unwrap_or_default());
        let late = median(memory.get(memory.len() - fifth..).unwrap_or_default());
        Report { counts, early, late, broken }
    }

    fn counts(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What the soak found.
#[derive(Debug)]
pub struct Report {
    counts: Counts,
    early: Option<u64>,
    late: Option<u64>,
    broken: usize,
}

impl Report {
    /// Whether nothing was lost, leaked or left open.
    pub fn is_good(&self) -> bool {
        self.counts.faults == 0 && self.open() == 0 && self.broken == 0 && self.is_flat()
    }

    fn open(&self) -> u64 {
        self.counts.begun - self.counts.ended
    }

    #[expect(clippy::cast_precision_loss, reason = "kibibytes are far below 2^52")]
    fn is_flat(&self) -> bool {
        match (self.early, self.late) {
            (Some(early), Some(late)) => late as f64 <= early as f64 * GROWTH + SLACK_KIB as f64,
            // Too short to tell, or a system that does not.
            _ => true,
        }
    }

    /// The figures as one JSON object.
    pub fn json(&self) -> Value {
        json!({
            "streams": self.counts.ended,
            "answered": self.counts.answered,
            "cancelled": self.counts.cancelled,
            "failed": self.counts.failed,
            "faults": self.counts.faults,
            "unended": self.open(),
            "broken_tasks": self.broken,
            "memory_early_kib": self.early,
            "memory_late_kib": self.late,
            "good": self.is_good(),
        })
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let counts = &self.counts;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "streams       {:>9}", counts.ended);
        let _ = writeln!(text, "answered      {:>9}", counts.answered);
        let _ = writeln!(text, "cancelled     {:>9}", counts.cancelled);
        for (kind, count) in &counts.failed {
            let _ = writeln!(text, "failed        {count:>9}  {kind}");
        }
        let _ = writeln!(text, "without end   {:>9}", self.open());
        let _ = writeln!(text, "faults        {:>9}", counts.faults + self.broken as u64);
        for words in &counts.words {
            let _ = writeln!(text, "  {words}");
        }
        if let (Some(early), Some(late)) = (self.early, self.late) {
            let flat = if self.is_flat() { "flat" } else { "it grows" };
            let (early, late) = (early / 1024, late / 1024);
            let _ = write!(text, "memory        {early} MiB early, {late} MiB at the end: {flat}");
        }
        text
    }
}

fn median(values: &[u64]) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use halo_types::Kind;

    use super::*;

    #[test]
    fn memory_that_grows_and_streams_that_stay_open_are_faults() {
        let tally = Tally::default();
        for outcome in [Outcome::Answered, Outcome::Failed(Kind::Overloaded), Outcome::Cancelled] {
            tally.begin();
            tally.end(&outcome);
        }
        let flat = vec![50_000; 20];
        assert!(tally.report(&flat, 0).is_good());
        assert!(!tally.report(&flat, 1).is_good());
        let growing: Vec<u64> = (0..20).map(|n| 50_000 + n * 4_000).collect();
        assert!(!tally.report(&growing, 0).is_good());
        tally.begin();
        assert!(!tally.report(&flat, 0).is_good());
        tally.end(&Outcome::Fault("words are lost".to_owned()));
        let report = tally.report(&flat, 0);
        assert!(!report.is_good() && report.text().contains("words are lost"));
    }
}
