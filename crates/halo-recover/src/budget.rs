//! A budget of retries: a provider that is down is not stormed by everyone who waits for it.

use halo_types::Timestamp;

/// A retry, in the unit of the budget.
const RETRY: i64 = 1_000;
/// What a budget holds at most, and at first: ten retries.
const FULL: i64 = 10 * RETRY;
/// What a first try adds: a fifth of a retry.
const DEPOSIT: i64 = RETRY / 5;
/// How long a retry takes to grow back by itself, in milliseconds.
const GROWS_MS: i64 = 3_000;

/// Retries that one provider may still get.
///
/// It grows with first tries and slowly with time. A retry that was answered costs nothing. Where
/// it is used up, retries are not lost: they are spread over the time in which it grows back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    left: i64,
    at: Timestamp,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: FULL, at: Timestamp(0) }
    }
}

impl Budget {
    fn grow(&mut self, now: Timestamp) {
        let passed = i64::try_from(now.ms_since(self.at)).unwrap_or(i64::MAX);
        let grown = passed.min(GROWS_MS * FULL) * RETRY / GROWS_MS;
        // What is too small to count is left to the next time.
        if grown > 0 {
            self.left = self.left.saturating_add(grown).min(FULL);
            self.at = now;
        }
    }

    /// A first try leaves.
    pub fn deposit(&mut self, now: Timestamp) {
        self.grow(now);
        self.left = (self.left + DEPOSIT).min(FULL);
    }

    /// When the next retry may leave.
    #[must_use]
    pub fn ready_at(&self, now: Timestamp) -> Timestamp {
        let mut then = self.clone();
        then.grow(now);
        let lacks = RETRY - then.left;
        let ms = if lacks <= 0 { 0 } else { lacks * GROWS_MS / RETRY };
        now.plus_ms(u64::try_from(ms).unwrap_or(0))
    }

    /// A retry is set for when it was said to be ready.
    pub fn take(&mut self, now: Timestamp) {
        self.grow(now);
        self.left -= RETRY;
    }

    /// The retry was answered.
    pub fn refund(&mut self) {
        self.left = (self.left + RETRY).min(FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_provider_gets_few_retries_and_those_spread() {
        let mut budget = Budget::default();
        let now = Timestamp(1_000_000);
        let mut at_once = 0;
        let mut last = now;
        // Fifty conversations, each of which would try three times more.
        for _ in 0..50 {
            budget.deposit(now);
            for _ in 0..3 {
                let at = budget.ready_at(now);
                budget.take(now);
                at_once += u32::from(at == now);
                assert!(at >= last || at == now);
                last = at;
            }
        }
        assert!((10..=25).contains(&at_once), "{at_once}");
        assert!(last.ms_since(now) > 200_000, "{}", last.ms_since(now));
    }

    #[test]
    fn retries_that_are_answered_never_run_out() {
        let mut budget = Budget::default();
        let now = Timestamp(1_000_000);
        for _ in 0..1_000 {
            budget.deposit(now);
            assert_eq!(budget.ready_at(now), now);
            budget.take(now);
            budget.refund();
        }
    }

    #[test]
    fn it_grows_back_with_time_and_not_beyond_its_size() {
        let mut budget = Budget::default();
        let now = Timestamp(1_000_000);
        (0..10).for_each(|_| budget.take(now));
        assert_eq!(budget.ready_at(now), now.plus_ms(3_000));
        assert_eq!(budget.ready_at(now.plus_ms(3_000)), now.plus_ms(3_000));
        let later = now.plus_ms(3_600_000);
        budget.deposit(later);
        assert_eq!(budget.left, FULL);
    }
}
