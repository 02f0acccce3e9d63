//! How well providers, keys and models have served, from what the attempts came to.
//!
//! Pure: the attempts and the time are arguments. Nothing that was said is looked at.

use std::collections::{BTreeMap, HashMap};

use halo_store::{Ended, MeasureRow};
use halo_types::{Kind, Target, Timestamp, TurnId};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Under so many milliseconds of writing, a speed says nothing.
const LEAST_WRITING_MS: u64 = 200;

/// How far back figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    /// 24 hours, hour by hour.
    Day,
    /// 7 days.
    #[default]
    Week,
    /// 30 days.
    Month,
    /// 52 weeks, week by week.
    Year,
}

impl Span {
    /// Every span, the shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// The length of one stretch of it, and how many there are.
    const fn stretches(self) -> (i64, usize) {
        match self {
            Self::Day => (HOUR_MS, 24),
            Self::Week => (DAY_MS, 7),
            Self::Month => (DAY_MS, 30),
            Self::Year => (7 * DAY_MS, 52),
        }
    }

    /// Where it begins for somebody whose clock is `east_ms` before UTC: at a whole hour or day.
    #[must_use]
    pub fn begins(self, now: Timestamp, east_ms: i64) -> Timestamp {
        let (length, count) = self.stretches();
        let whole = if length == HOUR_MS { HOUR_MS } else { DAY_MS };
        let local = now.0.saturating_add(east_ms);
        let end = (local.div_euclid(whole) + 1) * whole;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Timestamp(end.saturating_sub(length.saturating_mul(count)).saturating_sub(east_ms))
    }
}

/// What is counted of some attempts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Whole answers.
    pub answered: u64,
    /// Failures by kind; `None` for kinds of another Halo.
    pub failed: BTreeMap<Option<Kind>, u64>,
    /// Answers that the person stopped, or that ended with Halo.
    pub stopped: u64,
    /// Failures after which the same turn got its answer without the person's doing or by it.
    pub healed: u64,
    /// Milliseconds between a failure and the next try of the turn, in all.
    pub waited_ms: u64,
    /// Milliseconds to the first part of an answer, sorted.
    first_part_ms: Vec<u64>,
    /// Tokens in a second while the answer was written, in thousandths, sorted.
    speed: Vec<u64>,
}

impl Figures {
    /// How many attempts failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many attempts there were.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.answered + self.failures() + self.stopped
    }

    /// Of the attempts that were not stopped, the share that failed; from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn failure_share(&self) -> Option<f64> {
        let all = self.answered + self.failures();
        (all > 0).then(|| self.failures() as f64 / all as f64)
    }

    /// Milliseconds to the first part of an answer that `percent` of the answers did not exceed.
    #[must_use]
    pub fn first_part(&self, percent: usize) -> Option<u64> {
        rank(&self.first_part_ms, percent)
    }

    /// Tokens in a second, the middle of all answers.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn tokens_per_second(&self) -> Option<f64> {
        rank(&self.speed, 50).map(|thousandths| thousandths as f64 / 1000.0)
    }

    fn add(&mut self, row: &MeasureRow, after: After) {
        match row.ended {
            Ended::Answered => {
                self.answered += 1;
                self.first_part_ms.extend(row.first_part_ms);
                self.speed.extend(speed(row));
            }
            Ended::Failed(kind) => {
                *self.failed.entry(kind).or_default() += 1;
                self.healed += u64::from(after.healed);
                self.waited_ms = self.waited_ms.saturating_add(after.waited_ms);
            }
            Ended::Stopped | Ended::Died => self.stopped += 1,
        }
    }

    fn sort(&mut self) {
        self.first_part_ms.sort_unstable();
        self.speed.sort_unstable();
    }
}

/// The nearest rank: a value that was really measured.
fn rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let nth = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(nth).copied()
}

/// Thousandths of tokens in a second.
fn speed(row: &MeasureRow) -> Option<u64> {
    let writing = row.total_ms.checked_sub(row.first_part_ms?)?;
    let tokens = row.output_tokens.filter(|tokens| *tokens > 0)?;
    (writing >= LEAST_WRITING_MS).then(|| tokens.saturating_mul(1_000_000) / writing)
}

/// What followed a failed attempt in its turn.
#[derive(Debug, Clone, Copy, Default)]
struct After {
    healed: bool,
    waited_ms: u64,
}

/// What figures are about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Served {
    /// The model at its provider.
    pub target: Target,
    /// Which of the provider's keys, from 1; `None` without a key.
    pub key: Option<u32>,
}

/// A stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Where it begins.
    pub begins: Timestamp,
    /// What came to pass in it.
    pub figures: Figures,
}

/// The figures of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Everything together.
    pub all: Figures,
    /// By model, provider and key, the most used first.
    pub served: Vec<(Served, Figures)>,
    /// By time, the oldest first; stretches without attempts too.
    pub stretches: Vec<Stretch>,
}

impl Reliability {
    /// Counts the attempts of a span. `wanted` says which ones count.
    #[must_use]
    pub fn of(
        rows: &[MeasureRow],
        span: Span,
        now: Timestamp,
        east_ms: i64,
        wanted: impl Fn(&MeasureRow) -> bool,
    ) -> Self {
        let begins = span.begins(now, east_ms);
        let (length, count) = span.stretches();
        let mut stretches: Vec<Stretch> = (0..count)
            .map(|nth| Stretch {
                begins: Timestamp(begins.0 + length * i64::try_from(nth).unwrap_or(0)),
                figures: Figures::default(),
            })
            .collect();
        let after = after(rows);
        let mut all = Figures::default();
        let mut served: HashMap<Served, Figures> = HashMap::new();
        for (row, after) in rows.iter().zip(after) {
            let nth = row.started_at.0.checked_sub(begins.0).map(|ms| ms.div_euclid(length));
            let stretch = nth.and_then(|nth| stretches.get_mut(usize::try_from(nth).ok()?));
            let Some(stretch) = stretch.filter(|_| wanted(row)) else { continue };
            stretch.figures.add(row, after);
            all.add(row, after);
            let who = Served { target: row.target.clone(), key: row.key };
            served.entry(who).or_default().add(row, after);
        }
        all.sort();
        stretches.iter_mut().for_each(|stretch| stretch.figures.sort());
        let mut served: Vec<(Served, Figures)> = served.into_iter().collect();
        served.iter_mut().for_each(|(_, figures)| figures.sort());
        served.sort_by(|(a, x), (b, y)| y.attempts().cmp(&x.attempts()).then_with(|| a.cmp(b)));
        Self { all, served, stretches }
    }
}

/// For each attempt what followed it in its turn.
fn after(rows: &[MeasureRow]) -> Vec<After> {
    let mut turns: HashMap<TurnId, Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        turns.entry(row.turn).or_default().push(at);
    }
    let mut all = vec![After::default(); rows.len()];
    for turn in turns.values() {
        let mut healed = false;
        let mut next: Option<&MeasureRow> = None;
        for at in turn.iter().rev() {
            let row = &rows[*at];
            let ended = row.started_at.plus_ms(row.total_ms);
            all[*at] =
                After { healed, waited_ms: next.map_or(0, |next| next.started_at.ms_since(ended)) };
            healed |= row.ended == Ended::Answered;
            next = Some(row);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn row(turn: u128, model: &str, before_ms: u64, ended: Ended) -> MeasureRow {
        MeasureRow {
            turn: TurnId::new(Uuid::from_u128(turn)),
            target: Target { provider: "p".parse().unwrap(), model: model.to_owned() },
            key: Some(1),
            started_at: Timestamp(NOW.0 - i64::try_from(before_ms).unwrap()),
            ended,
            first_part_ms: Some(before_ms % 1000),
            total_ms: 1_000 + before_ms % 1000,
            output_tokens: Some(50),
        }
    }

    #[test]
    fn failures_are_counted_by_kind_and_their_waits_with_them() {
        let limited = Ended::Failed(Some(Kind::RateLimited));
        let mut first = row(1, "m", 60_000, limited);
        first.total_ms = 500;
        let rows = [
            first,
            row(1, "m", 30_000, Ended::Answered),
            row(2, "m", 20_000, Ended::Failed(None)),
            row(3, "n", 10_000, Ended::Stopped),
            row(4, "n", 9_500, Ended::Died),
        ];
        let all = Reliability::of(&rows, Span::Week, NOW, 0, |_| true);
        assert_eq!((all.all.answered, all.all.failures(), all.all.stopped), (1, 2, 2));
        assert_eq!(all.all.failed[&Some(Kind::RateLimited)], 1);
        assert_eq!((all.all.healed, all.all.waited_ms), (1, 29_500));
        assert_eq!(all.all.failure_share(), Some(2.0 / 3.0));
        let names: Vec<&str> = all.served.iter().map(|(s, _)| s.target.model.as_str()).collect();
        assert_eq!(names, ["m", "n"], "the most used first");
        assert_eq!(all.stretches.len(), 7);
        assert_eq!(all.stretches[6].figures, all.all, "all of it today");
        let of_n = Reliability::of(&rows, Span::Week, NOW, 0, |row| row.target.model == "n");
        assert_eq!((of_n.all.attempts(), of_n.served.len()), (2, 1));
    }

    #[test]
    fn times_and_speeds_are_values_that_were_measured() {
        let rows: Vec<MeasureRow> = (1..=10)
            .map(|n| MeasureRow {
                first_part_ms: Some(n * 100),
                total_ms: n * 100 + 1_000,
                ..row(u128::from(n), "m", n, Ended::Answered)
            })
            .collect();
        let all = Reliability::of(&rows, Span::Day, NOW, 0, |_| true).all;
        assert_eq!(
            (all.first_part(50), all.first_part(90), all.first_part(100)),
            (Some(500), Some(900), Some(1000))
        );
        assert_eq!(all.tokens_per_second(), Some(50.0));
        assert_eq!(Figures::default().first_part(50), None);
        let quick = MeasureRow {
            total_ms: 150,
            first_part_ms: Some(100),
            ..row(1, "m", 5, Ended::Answered)
        };
        assert_eq!(speed(&quick), None, "too short to say");
    }

    #[test]
    fn a_span_begins_at_a_whole_hour_or_day_of_the_person() {
        for span in Span::ALL {
            for east in [-11 * HOUR_MS, 0, 19_800_000, 14 * HOUR_MS] {
                let begins = span.begins(NOW, east);
                let (length, count) = span.stretches();
                let whole = if span == Span::Day { HOUR_MS } else { DAY_MS };
                assert_eq!((begins.0 + east).rem_euclid(whole), 0);
                let end = begins.0 + length * i64::try_from(count).unwrap();
                assert!(end > NOW.0 && end - NOW.0 <= whole, "{span:?} {east}");
            }
        }
        let old = row(1, "m", 8 * 86_400_000, Ended::Answered);
        assert_eq!(Reliability::of(&[old], Span::Week, NOW, 0, |_| true).all.attempts(), 0);
    }
}
