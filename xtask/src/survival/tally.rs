//! What came of all turns of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::drive::Outcome;
use super::plan::{Class, Plan};

/// Turns of a class.
#[derive(Debug, Clone, Default)]
struct Row {
    turns: u64,
    met: u64,
    healed: u64,
    clicked: u64,
    stuck: u64,
}

/// What came of the turns of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    rows: BTreeMap<Class, Row>,
    pub(super) turns: u64,
    pub(super) wrong_retries: u64,
    pub(super) lost_words: u64,
    pub(super) doubled_words: u64,
    pub(super) unended_turns: u64,
    pub(super) misdiagnosed: u64,
    pub(super) broken_runs: u64,
    continued: u64,
    clicks: u64,
    facts: (usize, usize),
    facts_by_rung: BTreeMap<&'static str, (usize, usize)>,
    rungs: BTreeMap<&'static str, u64>,
    misread: BTreeMap<String, u64>,
    /// Transient and repairable turns that were read rightly, and how many of them were healed.
    rightly: (u64, u64),
    pub(super) failures: Vec<(u64, String)>,
    /// What ended well, but not by itself.
    pub(super) clicked: Vec<(u64, String)>,
    /// The last turn in all its detail.
    pub(super) last: Option<String>,
}

impl Tally {
    pub(super) fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        self.turns += 1;
        self.last = Some(format!("{plan:#?}\n{outcome:#?}"));
        let row = self.rows.entry(plan.class).or_default();
        row.turns += 1;
        row.met += u64::from(outcome.met);
        if outcome.healed() {
            row.healed += 1;
        } else if outcome.answered {
            row.clicked += 1;
        } else {
            row.stuck += 1;
        }
        let curable = matches!(plan.class, Class::Transient | Class::Repairable);
        if curable && outcome.misread.is_none() {
            self.rightly.0 += 1;
            self.rightly.1 += u64::from(outcome.healed());
        }
        self.wrong_retries += outcome.wrong.len() as u64;
        self.lost_words += outcome.lost;
        self.doubled_words += outcome.doubled;
        self.unended_turns += u64::from(outcome.unended);
        self.clicks += outcome.clicks.len() as u64;
        let continues = outcome.clicks.iter().filter(|a| **a == halo_types::Action::Continue);
        self.continued += continues.count() as u64;
        for rung in &outcome.rungs {
            *self.rungs.entry(rung).or_default() += 1;
        }
        if let (Some((there, kept)), Some(rung)) = (outcome.facts, outcome.rungs.last()) {
            for sum in [&mut self.facts, self.facts_by_rung.entry(rung).or_default()] {
                sum.0 += there;
                sum.1 += kept;
            }
        }
        if let Some((kind, rule)) = &outcome.misread {
            self.misdiagnosed += 1;
            *self
                .misread
                .entry(format!("{rule} says {kind}, it is {}", plan.text.kind))
                .or_default() += 1;
        }
        let mut reasons = outcome.wrong.clone();
        let mut by_hand = None;
        if outcome.lost > 0 {
            reasons.push(format!("{} words are lost", outcome.lost));
        }
        if outcome.doubled > 0 {
            reasons.push(format!("{} words are doubled", outcome.doubled));
        }
        if let Some((kind, rule)) = &outcome.misread {
            reasons.push(format!("{rule} reads it as {kind}"));
        }
        if !outcome.answered {
            reasons.push("no answer".to_owned());
        } else if !outcome.clicks.is_empty() && curable {
            let clicks: Vec<&str> = outcome.clicks.iter().map(|a| a.as_str()).collect();
            by_hand = Some(format!("not by itself: {}", clicks.join(", ")));
        }
        reasons.extend(outcome.notes.iter().cloned());
        if !reasons.is_empty() || by_hand.is_some() {
            let list = if reasons.is_empty() { &mut self.clicked } else { &mut self.failures };
            reasons.extend(by_hand);
            let told = plan.text.told_ms.map_or(String::new(), |ms| format!(", asks for {ms} ms"));
            let what = format!("{} from {}{told}", plan.text.kind, plan.text.id);
            list.push((plan.number, format!("{what}: {}", reasons.join("; "))));
        }
    }

    /// A turn that the harness itself could not play.
    pub(super) fn broken(&mut self, number: u64, error: &anyhow::Error) {
        self.turns += 1;
        self.broken_runs += 1;
        self.failures.push((number, format!("the harness: {error:#}")));
    }

    fn share(&self, classes: &[Class], part: impl Fn(&Row) -> u64) -> f64 {
        let rows = || classes.iter().filter_map(|class| self.rows.get(class));
        ratio(rows().map(part).sum(), rows().map(|row| row.turns).sum())
    }

    /// Of the transient and repairable turns, those that ended in an answer without a hand.
    pub(super) fn healed(&self) -> f64 {
        self.share(&[Class::Transient, Class::Repairable], |row| row.healed)
    }

    /// Of the rest, those with a click that led to an answer; with those that needed none.
    pub(super) fn way_forward(&self) -> f64 {
        let (mut led, mut of) = (0, 0);
        for (class, row) in &self.rows {
            let rest = matches!(class, Class::Person | Class::Broken);
            led += row.clicked + if rest { row.healed } else { 0 };
            of += row.clicked + row.stuck + if rest { row.healed } else { 0 };
        }
        ratio(led, of)
    }

    pub(super) fn facts_kept(&self) -> f64 {
        ratio(self.facts.1 as u64, self.facts.0 as u64)
    }

    /// Whether anything happened that never may.
    pub(super) fn is_sound(&self) -> bool {
        let faults = self.wrong_retries + self.lost_words + self.doubled_words;
        faults + self.unended_turns + self.broken_runs == 0
    }

    pub(super) fn json(&self) -> Value {
        let classes: serde_json::Map<String, Value> = self
            .rows
            .iter()
            .map(|(class, row)| {
                let figures = json!({
                    "turns": row.turns, "met": row.met, "healed": row.healed,
                    "by_click": row.clicked, "stuck": row.stuck,
                });
                (class.as_str().replace(' ', "_"), figures)
            })
            .collect();
        let facts: serde_json::Map<String, Value> = self
            .facts_by_rung
            .iter()
            .map(|(rung, (there, kept))| {
                ((*rung).to_owned(), json!(ratio(*kept as u64, *there as u64)))
            })
            .collect();
        json!({
            "turns": self.turns,
            "healed_share": self.healed(),
            "healed_share_rightly_read": ratio(self.rightly.1, self.rightly.0),
            "way_forward_share": self.way_forward(),
            "wrong_retries": self.wrong_retries,
            "lost_words": self.lost_words,
            "doubled_words": self.doubled_words,
            "unended_turns": self.unended_turns,
            "misdiagnosed": self.misdiagnosed,
            "misread": self.misread,
            "broken_runs": self.broken_runs,
            "clicks": self.clicks,
            "continued": self.continued,
            "facts_kept_share": self.facts_kept(),
            "facts_kept_by_rung": facts,
            "rungs": self.rungs,
            "classes": classes,
        })
    }

    /// The run as a table.
    pub(super) fn text(&self, title: &str) -> String {
        let mut out = format!("{title}\n");
        let _ = writeln!(
            out,
            "  {:<20}{:>7}{:>9}{:>9}{:>9}{:>7}",
            "", "turns", "met", "healed", "by click", "stuck"
        );
        for class in Class::ALL {
            let Some(row) = self.rows.get(&class) else { continue };
            let _ = writeln!(
                out,
                "  {:<20}{:>7}{:>9}{:>9}{:>9}{:>7}",
                class.as_str(),
                row.turns,
                row.met,
                row.healed,
                row.clicked,
                row.stuck
            );
        }
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let _ = writeln!(out, "  transient and repairable, healed: {}", percent(self.healed()));
        let _ = writeln!(
            out,
            "    of those that were read rightly: {}",
            percent(ratio(self.rightly.1, self.rightly.0))
        );
        let _ = writeln!(out, "  of the rest, a click led on: {}", percent(self.way_forward()));
        let _ = writeln!(
            out,
            "  wrong retries {}, lost words {}, doubled words {}, without an end {}",
            self.wrong_retries, self.lost_words, self.doubled_words, self.unended_turns
        );
        let _ = writeln!(out, "  clicks {}, of them Continue {}", self.clicks, self.continued);
        let _ = writeln!(
            out,
            "  facts kept after a compaction: {} ({}/{}); summaries by {:?}",
            percent(self.facts_kept()),
            self.facts.1,
            self.facts.0,
            self.rungs
        );
        let _ = writeln!(out, "  misdiagnosed {}", self.misdiagnosed);
        for (what, times) in &self.misread {
            let _ = writeln!(out, "    {times} × {what}");
        }
        out
    }
}

/// A share; 1 of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
