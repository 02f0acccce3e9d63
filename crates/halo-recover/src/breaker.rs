//! A circuit breaker: after failures in a row nothing is sent for a while, then one probe.
//!
//! ```text
//!            TRIP failures in a row            pause over, someone asks
//! closed ───────────────────────────▶ open ───────────────────────────▶ probing
//!    ▲                                  ▲                                  │
//!    │ success                          └── failure: the pause doubles ────┤
//!    └─────────────────────────────────────────────────────────────────────┘
//! ```

use halo_types::Timestamp;

/// So many failures in a row open it: the tries of one turn, so that a turn alone is not held up.
pub const TRIP: u32 = 4;
/// The first pause, in milliseconds.
pub const FIRST_PAUSE_MS: u64 = 15_000;
/// The longest pause, in milliseconds, whatever a provider asks for. A retry that waits for it still
/// fits into what is sat out in line.
pub const LONGEST_PAUSE_MS: u64 = 60_000;
/// A probe that says nothing for so long is given up, in milliseconds.
const PROBE_LASTS_MS: u64 = 120_000;

/// Whether something that failed may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker(State);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp, pause_ms: u64 },
    Probing { since: Timestamp, pause_ms: u64 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self(State::Closed { failures: 0 })
    }
}

impl Breaker {
    /// Until when nothing should be sent; `None` while it is closed or a probe is due.
    #[must_use]
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = match self.0 {
            State::Closed { .. } => return None,
            State::Open { until, .. } => until,
            State::Probing { since, .. } => since.plus_ms(PROBE_LASTS_MS),
        };
        (until > now).then_some(until)
    }

    /// Something is sent. Where a probe is due, this is the probe, and others wait for it.
    pub fn begin(&mut self, now: Timestamp) {
        match self.0 {
            State::Open { until, pause_ms } if until <= now => {
                self.0 = State::Probing { since: now, pause_ms };
            }
            State::Probing { since, pause_ms } if since.plus_ms(PROBE_LASTS_MS) <= now => {
                self.0 = State::Probing { since: now, pause_ms };
            }
            _ => {}
        }
    }

    /// It answered, if only with a refusal.
    pub fn succeed(&mut self) {
        self.0 = State::Closed { failures: 0 };
    }

    /// It failed. `told_ms` is how long the provider asks to be left alone.
    pub fn fail(&mut self, told_ms: Option<u64>, now: Timestamp) {
        let told = told_ms.unwrap_or(0).min(LONGEST_PAUSE_MS);
        self.0 = match self.0 {
            State::Closed { failures } if failures + 1 < TRIP => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } => State::Open {
                until: now.plus_ms(FIRST_PAUSE_MS.max(told)),
                pause_ms: FIRST_PAUSE_MS,
            },
            // A person may send all the same; that is no probe and makes nothing worse.
            State::Open { until, pause_ms } => {
                State::Open { until: until.max(now.plus_ms(told)), pause_ms }
            }
            State::Probing { pause_ms, .. } => {
                let pause_ms = pause_ms.saturating_mul(2).min(LONGEST_PAUSE_MS);
                State::Open { until: now.plus_ms(pause_ms.max(told)), pause_ms }
            }
        };
    }

    /// What was sent said nothing about it: it was stopped, say. Another probe may go at once.
    pub fn abandon(&mut self, now: Timestamp) {
        if let State::Probing { pause_ms, .. } = self.0 {
            self.0 = State::Open { until: now, pause_ms };
        }
    }

    /// Whether it knows nothing worth keeping.
    pub(crate) fn is_fresh(&self) -> bool {
        self.0 == State::Closed { failures: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn tripped() -> Breaker {
        let mut breaker = Breaker::default();
        for n in 0..TRIP {
            assert_eq!(breaker.open_until(NOW), None, "{n}");
            breaker.fail(None, NOW);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_through() {
        let mut breaker = tripped();
        let due = NOW.plus_ms(FIRST_PAUSE_MS);
        assert_eq!(breaker.open_until(NOW), Some(due));
        breaker.begin(NOW);
        assert_eq!(breaker.open_until(NOW), Some(due), "it is too early for a probe");
        assert_eq!(breaker.open_until(due), None);
        breaker.begin(due);
        assert!(breaker.open_until(due).is_some(), "others wait for the probe");
        breaker.succeed();
        assert_eq!(breaker.open_until(due), None);
        assert!(breaker.is_fresh());
    }

    #[test]
    fn pauses_grow_to_a_limit_and_an_abandoned_probe_is_made_again() {
        let mut breaker = tripped();
        let mut now = NOW;
        let mut last = 0;
        for _ in 0..12 {
            let Some(until) = breaker.open_until(now) else { panic!("{breaker:?}") };
            let pause = until.ms_since(now);
            assert!(pause >= last && pause <= LONGEST_PAUSE_MS, "{pause}");
            last = pause;
            now = until;
            breaker.begin(now);
            breaker.abandon(now);
            assert_eq!(breaker.open_until(now), None);
            breaker.begin(now);
            breaker.fail(None, now);
        }
        assert_eq!(last, LONGEST_PAUSE_MS);
        // A probe that never reports does not hold the door for ever.
        breaker.begin(now.plus_ms(LONGEST_PAUSE_MS));
        assert_eq!(breaker.open_until(now.plus_ms(LONGEST_PAUSE_MS + PROBE_LASTS_MS)), None);
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let mut breaker = Breaker::default();
        for _ in 0..50 {
            for _ in 1..TRIP {
                breaker.fail(Some(60_000), NOW);
            }
            breaker.succeed();
            assert_eq!(breaker.open_until(NOW), None);
        }
    }
}
