//! The recovery machine of one turn.
//!
//! ```text
//!            handle_failure
//! sending ──────────────────▶ SendAt(t) ──▶ sending      transient, nothing shown, within caps
//!                        ├──▶ Later(t) ───▶ sending      the same, but told to wait up to a day
//!                        └──▶ Repair(r) ──▶ sending      harmless or allowed, once each
//!                        └──▶ Fallback(w) ─▶ sending     another place, once each, where allowed
//!                        └──▶ Ask(due)                   everything else: the card
//! ```
//!
//! What cures which kind stands in [`cure`]; the machine adds the caps.

use std::collections::BTreeSet;

use halo_types::{Diagnosis, Kind, Scope, Timestamp};
use serde::{Deserialize, Serialize};

use crate::backoff::{backoff_ms, next_random};
use crate::{Cure, Mending, Rung, cure};

/// The longest wait after which something is sent by itself, in milliseconds: a day. Who is told to
/// wait longer is asked.
pub const MAX_LATER_MS: u64 = 24 * 60 * 60 * 1_000;

/// What may happen by itself, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Whether transient failures are retried without a hand.
    pub retry: bool,
    /// The most attempts of one turn at one place, the first included.
    pub max_tries: u32,
    /// The most attempts of one turn at all its places together.
    pub max_in_all: u32,
    /// The most time spent waiting in one turn, in milliseconds.
    pub max_line_ms: u64,
    /// Whether pictures may be left out without asking.
    pub omit_images: bool,
    /// Whether pictures that are refused as they are may be sent smaller without asking.
    pub shrink_images: bool,
    /// Whether the conversation may be compacted without asking.
    pub compact: bool,
    /// Whether refused parameters, too large outputs and broken histories are mended without
    /// asking.
    pub repair: bool,
}

impl Default for Policy {
    /// Four tries, two minutes in line; harmless repairs by themselves, the others ask.
    fn default() -> Self {
        Self {
            retry: true,
            max_tries: 4,
            max_in_all: 12,
            max_line_ms: 120_000,
            omit_images: false,
            shrink_images: false,
            compact: false,
            repair: true,
        }
    }
}

/// What a diagnosis says that matters for the next move.
#[derive(Debug, Clone, PartialEq)]
pub struct Signs {
    /// The kind.
    pub kind: Kind,
    /// Whether an unchanged request may succeed later.
    pub transient: bool,
    /// What the provider asks to wait: milliseconds, and where that was read.
    pub retry: Option<(u64, String)>,
    /// The parameter the provider named.
    pub parameter: Option<String>,
    /// The most the model can write, in tokens, if the error told.
    pub max_output: Option<u64>,
    /// What the fault is attached to, where that is known.
    pub scope: Option<Scope>,
}

impl Signs {
    /// Signs of a kind with nothing else known.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            transient: kind.is_transient(),
            retry: None,
            parameter: None,
            max_output: None,
            scope: None,
        }
    }
}

impl From<&Diagnosis> for Signs {
    fn from(diagnosis: &Diagnosis) -> Self {
        Self {
            kind: diagnosis.kind,
            transient: diagnosis.transient,
            retry: diagnosis.retry.as_ref().map(|r| (r.after_ms, r.from.clone())),
            parameter: diagnosis.facts.parameter.clone(),
            max_output: diagnosis.facts.max_output_tokens,
            scope: Some(diagnosis.scope),
        }
    }
}

/// What the failed request held and how far it got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// Whether something of the answer was shown already.
    pub shown: bool,
    /// Pictures in the request.
    pub images: u32,
    /// Whether there is an older part that can be summarised.
    pub can_compact: bool,
    /// Whether the next request differs from the one that failed already.
    pub changed: bool,
    /// Parameters in the request that can be left out.
    pub parameters: Vec<String>,
    /// How things stand beyond this turn.
    pub outlook: Outlook,
}

/// How things stand beyond this turn: at the place that failed, and at those it may go to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// Before when a retry should not leave: the provider rests, or had its share of retries.
    pub not_before: Option<Timestamp>,
    /// Whether the provider or model is left alone for now.
    pub open: bool,
    /// The other places that are allowed, healthy and fit for the request, best first.
    pub ways: Vec<Way>,
}

/// Another place that a turn may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Which place, by a number that stays the same within the turn.
    pub place: u32,
    /// Which rung leads there from the place that failed.
    pub rung: Rung,
    /// Whether it is known to take the request, not only not known to refuse it.
    pub proven: bool,
}

/// The next move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send the same request again at this time.
    SendAt {
        /// When.
        at: Timestamp,
        /// Why so long: where the provider's wait was read, or `backoff`.
        from: String,
    },
    /// The wait that the provider asks for is too long to sit out in line: send the same request
    /// by itself at this time, however often Halo was ended and started until then.
    Later {
        /// When.
        at: Timestamp,
        /// Where the provider's wait was read.
        from: String,
    },
    /// Change the view, then send at once.
    Repair(Repair),
    /// Send at once to another place.
    Fallback(Way),
    /// Show the card and wait for the person.
    Ask {
        /// From when on sending again makes sense, where that is known and later than now.
        due: Option<Timestamp>,
    },
}

/// A change of the view that cures a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// Leave the pictures out for this model.
    OmitImages,
    /// Send the pictures smaller to this model.
    ShrinkImages,
    /// Summarise the older part.
    Compact,
    /// Leave a refused parameter out.
    DropParameter(String),
    /// Ask for no more output than this.
    LowerMaxTokens(u64),
    /// Mend the message list.
    RepairHistory,
}

/// Decides what follows a failure, for one turn.
#[derive(Debug, Clone)]
pub struct Machine {
    policy: Policy,
    random: u64,
    /// Failures of the whole turn.
    failures: u32,
    /// Failures at the present place.
    here: u32,
    waited_ms: u64,
    repairs: BTreeSet<Repair>,
    /// The places that were asked, the present one among them.
    places: BTreeSet<u32>,
}

impl Machine {
    /// A machine for a turn that has made no attempt yet. The seed spreads the waits of turns
    /// that fail together.
    #[must_use]
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            random: seed,
            failures: 0,
            here: 0,
            waited_ms: 0,
            repairs: BTreeSet::new(),
            places: BTreeSet::new(),
        }
    }

    /// The turn begins at this place; it is not gone to a second time.
    #[must_use]
    pub fn at(mut self, place: u32) -> Self {
        self.places.insert(place);
        self
    }

    /// Takes note of a failure and says what follows.
    pub fn handle_failure(&mut self, signs: &Signs, situation: &Situation, now: Timestamp) -> Next {
        self.failures += 1;
        self.here += 1;
        let told = signs.retry.as_ref();
        let due = told.filter(|_| signs.transient).map(|(ms, _)| now.plus_ms(*ms));
        if situation.shown {
            return Next::Ask { due };
        }
        let cure = cure(signs.kind);
        // A fault that would pass but is said not to, such as a certificate's, is nobody else's.
        let settled = cure.waits && !signs.transient;
        if !settled && let Some(way) = self.way(cure.at_once, &cure, situation) {
            return Next::Fallback(way);
        }
        let ways = if settled { &[][..] } else { cure.at_last };
        if !signs.transient {
            if let Some(repair) = self.repair(signs, situation) {
                return Next::Repair(repair);
            }
            return match self.way(ways, &cure, situation) {
                Some(way) => Next::Fallback(way),
                None => Next::Ask { due: None },
            };
        }
        let backoff = backoff_ms(self.here, next_random(&mut self.random));
        let (mut wait_ms, mut from) = match told {
            // What the provider says is a minimum: a tiny Retry-After must not burn the tries.
            Some((ms, from)) if *ms >= backoff => (*ms, from.clone()),
            _ => (backoff, "backoff".to_owned()),
        };
        if let Some(rests) = situation.outlook.not_before.map(|at| at.ms_since(now))
            && rests > wait_ms
        {
            (wait_ms, from) = (rests, "health".to_owned());
        }
        let tries = self.policy.retry && self.may_try() && self.here < self.policy.max_tries;
        let in_line = self.waited_ms.saturating_add(wait_ms) <= self.policy.max_line_ms;
        let used_up = !tries || !in_line;
        if (used_up || situation.outlook.open)
            && let Some(way) = self.way(ways, &cure, situation)
        {
            return Next::Fallback(way);
        }
        if !tries {
            return Next::Ask { due };
        }
        if !in_line {
            // Only the provider can know that a longer wait helps; a backoff is a guess.
            if from != "backoff" && from != "health" && wait_ms <= MAX_LATER_MS {
                return Next::Later { at: now.plus_ms(wait_ms), from };
            }
            return Next::Ask { due: due.or_else(|| Some(now.plus_ms(wait_ms))) };
        }
        self.waited_ms += wait_ms;
        Next::SendAt { at: now.plus_ms(wait_ms), from }
    }

    /// Whether the turn has an attempt left, wherever it goes.
    fn may_try(&self) -> bool {
        self.failures < self.policy.max_in_all
    }

    /// The first place on these rungs that was not asked yet, and goes there.
    fn way(&mut self, rungs: &[Rung], cure: &Cure, situation: &Situation) -> Option<Way> {
        if !self.may_try() {
            return None;
        }
        let fits = |way: &&Way| !self.places.contains(&way.place) && (way.proven || !cure.proven);
        let way = rungs.iter().find_map(|rung| {
            situation.outlook.ways.iter().filter(fits).find(|way| way.rung == *rung)
        });
        let way = *way?;
        self.places.insert(way.place);
        self.here = 0;
        if way.rung != Rung::Key {
            // What was mended for one model is not mended for the next.
            self.repairs.clear();
        }
        Some(way)
    }

    /// The cure of a kind that may be used without asking; each cure only once per place, so that
    /// a request that was refused after its repair is not repaired in circles.
    fn repair(&mut self, signs: &Signs, situation: &Situation) -> Option<Repair> {
        let mending = cure(signs.kind).mends.filter(|mending| mending.allowed(&self.policy))?;
        let repair = match mending {
            Mending::OmitImages => (situation.images > 0).then_some(Repair::OmitImages)?,
            Mending::ShrinkImages => (situation.images > 0).then_some(Repair::ShrinkImages)?,
            Mending::Compact => situation.can_compact.then_some(Repair::Compact)?,
            Mending::DropParameter => {
                let name = signs.parameter.as_ref()?;
                if !situation.parameters.contains(name) {
                    return None;
                }
                Repair::DropParameter(name.clone())
            }
            Mending::LowerMaxTokens => Repair::LowerMaxTokens(signs.max_output?),
            Mending::RepairHistory => Repair::RepairHistory,
        };
        let left = self.may_try() && self.here < self.policy.max_tries;
        (left && self.repairs.insert(repair.clone())).then_some(repair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn told(kind: Kind, ms: u64) -> Signs {
        Signs { retry: Some((ms, "header:retry-after".to_owned())), ..Signs::of(kind) }
    }

    fn machine() -> Machine {
        Machine::new(Policy::default(), 42)
    }

    #[test]
    fn the_provider_s_wait_is_a_minimum() {
        let next =
            machine().handle_failure(&told(Kind::RateLimited, 20_000), &Situation::default(), NOW);
        assert_eq!(
            next,
            Next::SendAt { at: NOW.plus_ms(20_000), from: "header:retry-after".to_owned() }
        );
        let next =
            machine().handle_failure(&told(Kind::RateLimited, 1), &Situation::default(), NOW);
        let Next::SendAt { at, from } = next else { panic!("{next:?}") };
        assert!(at.ms_since(NOW) >= 500);
        assert_eq!(from, "backoff");
    }

    #[test]
    fn a_wait_beyond_two_minutes_is_stored_and_one_beyond_a_day_asks() {
        let from = "header:retry-after".to_owned();
        for ms in [120_001, 600_000, MAX_LATER_MS] {
            let next =
                machine().handle_failure(&told(Kind::RateLimited, ms), &Situation::default(), NOW);
            assert_eq!(next, Next::Later { at: NOW.plus_ms(ms), from: from.clone() });
            // Without leave to retry nothing is sent by itself, in line or later.
            let mut hand = Machine::new(Policy { retry: false, ..Policy::default() }, 1);
            let next =
                hand.handle_failure(&told(Kind::RateLimited, ms), &Situation::default(), NOW);
            assert_eq!(next, Next::Ask { due: Some(NOW.plus_ms(ms)) });
        }
        let long = told(Kind::RateLimited, MAX_LATER_MS + 1);
        let next = machine().handle_failure(&long, &Situation::default(), NOW);
        assert_eq!(next, Next::Ask { due: Some(NOW.plus_ms(MAX_LATER_MS + 1)) });
        // What was refused for good does not become better later.
        let next = machine().handle_failure(
            &told(Kind::QuotaExhausted, 600_000),
            &Situation::default(),
            NOW,
        );
        assert_eq!(next, Next::Ask { due: None });
    }

    #[test]
    fn waits_for_later_count_as_tries() {
        let mut machine = machine();
        let signs = told(Kind::RateLimited, 600_000);
        for _ in 1..Policy::default().max_tries {
            let next = machine.handle_failure(&signs, &Situation::default(), NOW);
            assert!(matches!(next, Next::Later { .. }), "{next:?}");
        }
        let next = machine.handle_failure(&signs, &Situation::default(), NOW);
        assert!(matches!(next, Next::Ask { .. }), "{next:?}");
    }

    #[test]
    fn nothing_final_is_sent_again_unchanged_whatever_came_before() {
        for first in Kind::ALL {
            for second in Kind::ALL.iter().filter(|kind| !kind.is_transient()) {
                let mut machine = machine();
                machine.handle_failure(&Signs::of(*first), &Situation::default(), NOW);
                let next =
                    machine.handle_failure(&told(*second, 1_000), &Situation::default(), NOW);
                let again = matches!(next, Next::SendAt { .. } | Next::Later { .. });
                assert!(!again, "{first} then {second}: {next:?}");
            }
        }
    }

    #[test]
    fn every_sequence_of_failures_ends_within_the_caps() {
        let situation = Situation { images: 1, can_compact: true, ..Situation::default() };
        for a in Kind::ALL {
            for b in Kind::ALL {
                for c in Kind::ALL {
                    let policy = Policy {
                        omit_images: true,
                        shrink_images: true,
                        compact: true,
                        ..Policy::default()
                    };
                    let mut machine = Machine::new(policy.clone(), 3);
                    let mut now = NOW;
                    let mut asked = false;
                    for (n, kind) in [a, b, c, a, b, c].into_iter().enumerate() {
                        match machine.handle_failure(&Signs::of(*kind), &situation, now) {
                            Next::SendAt { at, .. } => now = at,
                            Next::Later { .. } => panic!("nobody told to wait"),
                            Next::Repair(_) | Next::Fallback(_) => {}
                            Next::Ask { .. } => {
                                asked = true;
                                break;
                            }
                        }
                        assert!(n + 1 < policy.max_tries as usize);
                    }
                    assert!(asked);
                    assert!(now.ms_since(NOW) <= policy.max_line_ms);
                }
            }
        }
    }

    #[test]
    fn an_answer_that_was_shown_is_never_restarted_by_itself() {
        let shown = Situation { shown: true, ..Situation::default() };
        let next = machine().handle_failure(&Signs::of(Kind::StreamInterrupted), &shown, NOW);
        assert_eq!(next, Next::Ask { due: None });
    }

    #[test]
    fn a_repair_is_made_once() {
        let signs = Signs {
            parameter: Some("temperature".to_owned()),
            ..Signs::of(Kind::UnsupportedFeature)
        };
        let situation =
            Situation { parameters: vec!["temperature".to_owned()], ..Situation::default() };
        let mut machine = machine();
        assert_eq!(
            machine.handle_failure(&signs, &situation, NOW),
            Next::Repair(Repair::DropParameter("temperature".to_owned()))
        );
        assert_eq!(machine.handle_failure(&signs, &situation, NOW), Next::Ask { due: None });
    }
}
