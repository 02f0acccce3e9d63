//! The pace of one key: when the next of its requests may leave.
//!
//! What the provider tells of its limits is kept ([`Allowance`]); after a refusal nothing leaves
//! until the time that was told, and then one request after the other. The distance between them
//! doubles with each refusal and halves with each answer. Requests leave in the order in which
//! they came, so that many conversations on one key share it.

use std::collections::VecDeque;

use halo_types::{Allowance, Counted, Timestamp};

/// The first distance between requests after a refusal, in milliseconds.
const FIRST_SPACING_MS: u64 = 1_000;
/// The longest one.
const LONGEST_SPACING_MS: u64 = 30_000;
/// A shorter one is none.
const SHORTEST_SPACING_MS: u64 = 250;

/// A place in the line of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// Whether a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It has left the line.
    Go,
    /// Not before this time, as far as is known now. It may become another one: ask again when
    /// something left or was answered.
    Wait(Timestamp),
}

/// A limit as it was told, and what left since.
#[derive(Debug, Clone, Copy)]
struct Limit {
    told: Allowance,
    since: Timestamp,
    taken: u64,
}

/// The pace of one key.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    requests: Option<Limit>,
    tokens: Option<Limit>,
    /// Nothing leaves before.
    closed_until: Timestamp,
    spacing_ms: u64,
    last_left: Timestamp,
    line: VecDeque<(u64, u64)>,
    next: u64,
}

impl Pace {
    /// Puts a request of so many tokens at the end of the line.
    pub fn join(&mut self, tokens: u64) -> Ticket {
        self.next += 1;
        self.line.push_back((self.next, tokens));
        Ticket(self.next)
    }

    /// When a request may leave. [`Admission::Go`] lets it go: it counts as sent.
    pub fn ask(&mut self, ticket: Ticket, now: Timestamp) -> Admission {
        let Some(place) = self.line.iter().position(|(id, _)| *id == ticket.0) else {
            return Admission::Go;
        };
        let ahead = u64::try_from(place).unwrap_or(u64::MAX);
        let front = self.front_may_leave(now);
        if ahead == 0 && front <= now {
            self.leave(ticket, now);
            return Admission::Go;
        }
        // The distance to those ahead is a guess: what they need of a limit is not known yet.
        let each = self.spacing_ms.max(SHORTEST_SPACING_MS);
        Admission::Wait(front.max(now).plus_ms(each.saturating_mul(ahead)))
    }

    /// Takes a request out of the line that is sent whatever the pace says.
    pub fn leave(&mut self, ticket: Ticket, now: Timestamp) {
        let Some(place) = self.line.iter().position(|(id, _)| *id == ticket.0) else { return };
        let tokens = self.line.remove(place).map_or(0, |(_, tokens)| tokens);
        self.last_left = now;
        for (limit, takes) in [(&mut self.requests, 1), (&mut self.tokens, tokens)] {
            if let Some(limit) = limit {
                limit.taken = limit.taken.saturating_add(takes);
            }
        }
    }

    /// Takes a request out of the line that is not sent.
    pub fn quit(&mut self, ticket: Ticket) {
        self.line.retain(|(id, _)| *id != ticket.0);
    }

    /// A request was answered; `told` is what its headers say of limits.
    pub fn answered(&mut self, told: &[Allowance], now: Timestamp) {
        self.spacing_ms /= 2;
        if self.spacing_ms < SHORTEST_SPACING_MS {
            self.spacing_ms = 0;
        }
        self.learn(told, now);
    }

    /// Takes over what headers say of limits.
    pub fn learn(&mut self, told: &[Allowance], now: Timestamp) {
        for told in told {
            let limit = Some(Limit { told: *told, since: now, taken: 0 });
            match told.of {
                Counted::Requests => self.requests = limit,
                Counted::Tokens => self.tokens = limit,
            }
        }
    }

    /// A request was refused by a rate limit. `after_ms` is the wait that was told.
    pub fn limited(&mut self, after_ms: Option<u64>, told: &[Allowance], now: Timestamp) {
        self.spacing_ms = (self.spacing_ms * 2).clamp(FIRST_SPACING_MS, LONGEST_SPACING_MS);
        let until = now.plus_ms(after_ms.unwrap_or(self.spacing_ms));
        self.closed_until = self.closed_until.max(until);
        self.learn(told, now);
    }

    /// Whether it holds nothing back and nobody waits, so that it can be forgotten.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let over = |limit: &Option<Limit>| limit.is_none_or(|limit| limit.told.until <= now);
        self.line.is_empty()
            && self.spacing_ms == 0
            && self.closed_until <= now
            && over(&self.requests)
            && over(&self.tokens)
    }

    /// When the first of the line may leave.
    fn front_may_leave(&self, now: Timestamp) -> Timestamp {
        let tokens = self.line.front().map_or(0, |(_, tokens)| *tokens);
        let spaced =
            if self.spacing_ms > 0 { self.last_left.plus_ms(self.spacing_ms) } else { now };
        let requests = self.requests.and_then(|limit| limit.free_at(1, now));
        let left = self.tokens.and_then(|limit| limit.free_at(tokens, now));
        [Some(self.closed_until), Some(spaced), requests, left]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(now)
    }
}

impl Limit {
    /// When so much of it is free; `None` where it holds nothing back. Limits fill evenly where
    /// their size is known; else nothing is free before they are whole.
    fn free_at(&self, needs: u64, now: Timestamp) -> Option<Timestamp> {
        let Allowance { limit, remaining, until, .. } = self.told;
        let wanted = needs.saturating_add(self.taken);
        if wanted <= remaining || until <= now {
            return None;
        }
        let Some(whole) = limit else { return Some(until) };
        if needs > whole {
            // It will never be enough: the provider shall say so itself.
            return None;
        }
        let fills = u128::from(until.ms_since(self.since));
        let lacks = u128::from(wanted - remaining);
        let refills = u128::from(whole.saturating_sub(remaining).max(1));
        let wait = u64::try_from((fills * lacks).div_ceil(refills)).unwrap_or(u64::MAX);
        Some(self.since.plus_ms(wait).min(until))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn allowance(of: Counted, limit: Option<u64>, remaining: u64, in_ms: u64) -> Allowance {
        Allowance { of, limit, remaining, until: NOW.plus_ms(in_ms) }
    }

    #[test]
    fn what_is_left_decides() {
        use Counted::{Requests, Tokens};
        for (told, tokens, wait_ms) in [
            (allowance(Requests, Some(50), 3, 60_000), 1_000, 0),
            (allowance(Requests, None, 0, 60_000), 1_000, 60_000),
            // One of sixty a minute is there after a second.
            (allowance(Requests, Some(60), 0, 60_000), 1_000, 1_000),
            (allowance(Tokens, Some(40_000), 10_000, 30_000), 10_000, 0),
            (allowance(Tokens, Some(40_000), 10_000, 30_000), 25_000, 15_000),
            (allowance(Tokens, None, 10_000, 30_000), 25_000, 30_000),
            // What never fits is not held back for ever.
            (allowance(Tokens, Some(40_000), 0, 30_000), 50_000, 0),
        ] {
            let mut pace = Pace::default();
            pace.answered(&[told], NOW);
            let ticket = pace.join(tokens);
            let want =
                if wait_ms == 0 { Admission::Go } else { Admission::Wait(NOW.plus_ms(wait_ms)) };
            assert_eq!(pace.ask(ticket, NOW), want, "{told:?} {tokens}");
            let due = NOW.plus_ms(wait_ms);
            assert_eq!(pace.ask(ticket, due), Admission::Go, "{told:?} {tokens}");
        }
    }

    #[test]
    fn after_a_refusal_the_line_leaves_one_by_one_in_its_order() {
        let mut pace = Pace::default();
        let first = pace.join(10);
        assert_eq!(pace.ask(first, NOW), Admission::Go);
        pace.limited(Some(20_000), &[], NOW);
        let tickets: Vec<Ticket> = (0..4).map(|_| pace.join(10)).collect();
        let due = NOW.plus_ms(20_000);
        for (n, ticket) in tickets.iter().enumerate() {
            let wait = Admission::Wait(due.plus_ms(1_000 * n as u64));
            assert_eq!(pace.ask(*ticket, NOW), wait);
        }
        // Who came later does not overtake.
        assert_ne!(pace.ask(tickets[1], due), Admission::Go);
        for (n, ticket) in tickets.iter().enumerate() {
            let at = due.plus_ms(1_000 * n as u64);
            assert_eq!(pace.ask(*ticket, at), Admission::Go, "{n}");
            if let Some(next) = tickets.get(n + 1) {
                assert_eq!(pace.ask(*next, at), Admission::Wait(at.plus_ms(1_000)));
            }
        }
    }

    #[test]
    fn the_distance_doubles_and_halves() {
        let mut pace = Pace::default();
        let mut seen = Vec::new();
        for _ in 0..7 {
            pace.limited(None, &[], NOW);
            seen.push(pace.spacing_ms);
        }
        assert_eq!(seen, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        (0..7).for_each(|_| pace.answered(&[], NOW));
        assert_eq!(pace.spacing_ms, 0);
        assert!(pace.is_idle(NOW.plus_ms(60_000)));
    }

    #[test]
    fn who_gives_up_or_is_hurried_makes_room() {
        let mut pace = Pace::default();
        pace.limited(None, &[], NOW);
        let (a, b, c) = (pace.join(1), pace.join(1), pace.join(1));
        pace.quit(a);
        pace.leave(c, NOW);
        assert_eq!(pace.line.len(), 1);
        assert_eq!(pace.ask(b, NOW.plus_ms(1_000)), Admission::Go);
    }

    proptest! {
        /// Whoever asks at the time that was told gets away in the end, whatever happened.
        #[test]
        fn nobody_waits_for_ever(
            refusals in prop::collection::vec(prop::option::of(0_u64..100_000), 0..6),
            limits in prop::collection::vec(
                (any::<bool>(), prop::option::of(0_u64..100), 0_u64..100, 0_u64..100_000), 0..4),
            requests in prop::collection::vec(0_u64..150, 1..8),
        ) {
            let mut pace = Pace::default();
            for after in refusals {
                pace.limited(after, &[], NOW);
            }
            for (tokens, limit, remaining, in_ms) in limits {
                let of = if tokens { Counted::Tokens } else { Counted::Requests };
                pace.learn(&[allowance(of, limit, remaining, in_ms)], NOW);
            }
            let tickets: Vec<Ticket> = requests.iter().map(|tokens| pace.join(*tokens)).collect();
            let mut now = NOW;
            for ticket in tickets {
                let mut asked = 0;
                while let Admission::Wait(at) = pace.ask(ticket, now) {
                    prop_assert!(at > now);
                    now = at;
                    asked += 1;
                    prop_assert!(asked < 50);
                }
            }
            prop_assert!(now.ms_since(NOW) <= 100_000 * 10);
        }
    }
}
