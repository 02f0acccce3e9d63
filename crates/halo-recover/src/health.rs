//! The health of providers, models and keys, as far as their answers tell.
//!
//! A provider or model that fails several times in a row is left alone for a while
//! ([`Breaker`]). A rate limit rests its key until the time that was told. A key without money or
//! rights is unwell until another key takes its place or the person sends again.

use std::collections::HashMap;

use halo_types::{Kind, ProviderId, Scope, Target, Timestamp};

use crate::Signs;
use crate::breaker::Breaker;
use crate::budget::Budget;

/// So many entries are kept; beyond, those that say nothing are dropped.
const KEPT: usize = 512;

/// A key at its provider, by a fingerprint; never the key itself. A provider that needs none has
/// one fingerprint all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// The provider.
    pub provider: ProviderId,
    /// A digest of the key.
    pub fingerprint: u64,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The model at its provider.
    pub target: Target,
    /// With which key.
    pub key: KeyId,
}

/// What came of a request, as far as health is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// It was answered.
    Answered,
    /// It failed.
    Failed(&'a Signs),
    /// It was stopped before anything was known.
    Stopped,
}

/// Why a place is not to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwell {
    /// What it last failed of.
    pub kind: Kind,
    /// Until when; `None` until the person does something.
    pub until: Option<Timestamp>,
}

/// What is known of the health of everything that was asked.
#[derive(Debug, Clone, Default)]
pub struct Health {
    providers: HashMap<ProviderId, Watched>,
    models: HashMap<Target, Watched>,
    budgets: HashMap<ProviderId, Budget>,
    keys: HashMap<KeyId, Unwell>,
    /// Keys that are unwell for one model only.
    rights: HashMap<Place, Unwell>,
}

#[derive(Debug, Clone, Default)]
struct Watched {
    breaker: Breaker,
    kind: Option<Kind>,
}

impl Watched {
    fn unwell(&self, now: Timestamp) -> Option<Unwell> {
        let until = self.breaker.open_until(now)?;
        Some(Unwell { kind: self.kind.unwrap_or(Kind::Unknown), until: Some(until) })
    }
}

/// Whether a kind, when it passes, says that the other side is not well.
fn tells_of_health(kind: Kind) -> bool {
    matches!(kind, Kind::Overloaded | Kind::ServerError | Kind::Timeout | Kind::Network)
}

impl Health {
    /// A request leaves for a place. `again` says whether it was sent before and failed.
    pub fn begin(&mut self, place: &Place, again: bool, now: Timestamp) {
        self.drop_old(now);
        if !again {
            self.budgets.entry(place.target.provider.clone()).or_default().deposit(now);
        }
        for watched in
            [self.providers.get_mut(&place.target.provider), self.models.get_mut(&place.target)]
                .into_iter()
                .flatten()
        {
            watched.breaker.begin(now);
        }
    }

    /// A request to a place has ended.
    pub fn end(&mut self, place: &Place, again: bool, outcome: Outcome<'_>, now: Timestamp) {
        let Place { target, key } = place;
        let signs = match outcome {
            Outcome::Answered => {
                if again {
                    self.budgets.entry(target.provider.clone()).or_default().refund();
                }
                self.keys.remove(key);
                self.rights.remove(place);
                self.providers.remove(&target.provider);
                self.models.remove(target);
                return;
            }
            Outcome::Failed(signs) => signs,
            Outcome::Stopped => return self.abandon(target, now),
        };
        let told_ms = signs.retry.as_ref().map(|(ms, _)| *ms);
        let unwell = Unwell { kind: signs.kind, until: None };
        match signs.kind {
            kind if tells_of_health(kind) && signs.transient => {
                let of_model = signs.scope == Some(Scope::Model);
                let watched = if of_model {
                    // The provider is there: it spoke of one of its models.
                    self.providers.remove(&target.provider);
                    self.models.entry(target.clone()).or_default()
                } else {
                    self.providers.entry(target.provider.clone()).or_default()
                };
                watched.kind = Some(kind);
                watched.breaker.fail(told_ms, now);
                return;
            }
            Kind::RateLimited => {
                if let Some(ms) = told_ms.filter(|ms| *ms > 0) {
                    let unwell = Unwell { until: Some(now.plus_ms(ms)), ..unwell };
                    self.mark(place, signs, unwell);
                }
            }
            Kind::QuotaExhausted
            | Kind::InvalidApiKey
            | Kind::AccountDisabled
            | Kind::PermissionDenied => self.mark(place, signs, unwell),
            Kind::StreamInterrupted
            | Kind::InvalidResponse
            | Kind::Network
            | Kind::Cancelled
            | Kind::Unknown => return self.abandon(target, now),
            _ => {}
        }
        // Who refuses is there.
        self.providers.remove(&target.provider);
        self.models.remove(target);
    }

    fn mark(&mut self, place: &Place, signs: &Signs, unwell: Unwell) {
        if signs.scope == Some(Scope::Model) {
            self.rights.insert(place.clone(), unwell);
        } else {
            self.keys.insert(place.key.clone(), unwell);
        }
    }

    fn abandon(&mut self, target: &Target, now: Timestamp) {
        let provider = self.providers.get_mut(&target.provider);
        for watched in provider.into_iter().chain(self.models.get_mut(target)) {
            watched.breaker.abandon(now);
        }
    }

    /// Why a place is better not asked now; `None` where nothing speaks against it.
    #[must_use]
    pub fn unwell(&self, place: &Place, now: Timestamp) -> Option<Unwell> {
        let keys = [self.keys.get(&place.key), self.rights.get(place)];
        let key = keys.into_iter().flatten().find(|u| u.until.is_none_or(|until| until > now));
        key.copied()
            .or_else(|| self.providers.get(&place.target.provider)?.unwell(now))
            .or_else(|| self.models.get(&place.target)?.unwell(now))
    }

    /// Until when a provider or model is left alone.
    #[must_use]
    pub fn open_until(&self, target: &Target, now: Timestamp) -> Option<Timestamp> {
        let provider = self.providers.get(&target.provider);
        let both = [provider, self.models.get(target)];
        both.into_iter().flatten().filter_map(|w| w.breaker.open_until(now)).max()
    }

    /// Before when a retry should not leave: the provider rests, or has had its share of retries.
    #[must_use]
    pub fn not_before(&self, target: &Target, now: Timestamp) -> Timestamp {
        let budget = self.budgets.get(&target.provider);
        let ready = budget.map_or(now, |budget| budget.ready_at(now));
        ready.max(self.open_until(target, now).unwrap_or(now))
    }

    /// A retry is going to be sent.
    pub fn retries(&mut self, target: &Target, now: Timestamp) {
        self.budgets.entry(target.provider.clone()).or_default().take(now);
    }

    /// The person sends again: what was held against a place is tried anew.
    pub fn forgive(&mut self, place: &Place) {
        self.keys.remove(&place.key);
        self.rights.remove(place);
        self.providers.remove(&place.target.provider);
        self.models.remove(&place.target);
    }

    fn drop_old(&mut self, now: Timestamp) {
        let over = |unwell: &Unwell| unwell.until.is_some_and(|until| until <= now);
        if self.keys.len() > KEPT {
            self.keys.retain(|_, unwell| !over(unwell));
        }
        if self.rights.len() > KEPT {
            self.rights.retain(|_, unwell| !over(unwell));
        }
        if self.models.len() > KEPT {
            self.models.retain(|_, w| !w.breaker.is_fresh() && w.breaker.open_until(now).is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::TRIP;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn place(provider: &str, model: &str, key: u64) -> Place {
        let provider: ProviderId = provider.parse().unwrap();
        let target = Target { provider: provider.clone(), model: model.to_owned() };
        Place { target, key: KeyId { provider, fingerprint: key } }
    }

    fn fail(health: &mut Health, place: &Place, signs: &Signs) {
        health.begin(place, false, NOW);
        health.end(place, false, Outcome::Failed(signs), NOW);
    }

    #[test]
    fn what_each_kind_says_of_key_and_provider() {
        let (mine, other_key) = (place("a", "m", 1), place("a", "m", 2));
        let other_model = place("a", "n", 1);
        for kind in Kind::ALL {
            let mut health = Health::default();
            let told = Some((20_000, "header".to_owned()));
            let signs = Signs { retry: told, ..Signs::of(*kind) };
            (0..TRIP).for_each(|_| fail(&mut health, &mine, &signs));
            let unwell = health.unwell(&mine, NOW);
            let of_key = match kind {
                Kind::RateLimited => Some(Some(NOW.plus_ms(20_000))),
                Kind::QuotaExhausted
                | Kind::InvalidApiKey
                | Kind::AccountDisabled
                | Kind::PermissionDenied => Some(None),
                _ => None,
            };
            let of_provider = tells_of_health(*kind);
            assert_eq!(unwell.is_some(), of_key.is_some() || of_provider, "{kind}");
            assert_eq!(health.unwell(&other_key, NOW).is_some(), of_provider, "{kind}");
            assert_eq!(health.unwell(&other_model, NOW).is_some(), unwell.is_some(), "{kind}");
            if let Some(until) = of_key {
                assert_eq!(unwell, Some(Unwell { kind: *kind, until }));
            }
            health.forgive(&mine);
            assert_eq!(health.unwell(&mine, NOW), None, "{kind}");
        }
    }

    #[test]
    fn a_fault_of_one_model_leaves_the_others_alone() {
        let mut health = Health::default();
        let (busy, idle) = (place("a", "m", 1), place("a", "n", 1));
        let signs = Signs { scope: Some(Scope::Model), ..Signs::of(Kind::Overloaded) };
        (0..TRIP).for_each(|_| fail(&mut health, &busy, &signs));
        assert!(health.unwell(&busy, NOW).is_some());
        assert_eq!(health.unwell(&idle, NOW), None);
        let denied = Signs { scope: Some(Scope::Model), ..Signs::of(Kind::PermissionDenied) };
        fail(&mut health, &idle, &denied);
        assert!(health.unwell(&idle, NOW).is_some());
        assert_eq!(health.unwell(&place("a", "o", 1), NOW), None);
    }

    #[test]
    fn an_answer_or_a_refusal_shows_that_the_provider_is_there() {
        let here = place("a", "m", 1);
        let refusal = Signs::of(Kind::InvalidRequest);
        for end in [Outcome::Answered, Outcome::Failed(&refusal)] {
            let mut health = Health::default();
            let overloaded = Signs::of(Kind::Overloaded);
            (0..TRIP).for_each(|_| fail(&mut health, &here, &overloaded));
            let due = health.open_until(&here.target, NOW).unwrap();
            health.begin(&here, true, due);
            assert!(health.unwell(&here, due).is_some(), "others wait for the probe");
            health.end(&here, true, end, due);
            assert_eq!(health.unwell(&here, due), None);
        }
    }

    #[test]
    fn a_fault_that_does_not_pass_opens_nothing() {
        let mut health = Health::default();
        let here = place("a", "m", 1);
        let certificate = Signs { transient: false, ..Signs::of(Kind::Network) };
        (0..20).for_each(|_| fail(&mut health, &here, &certificate));
        assert_eq!(health.unwell(&here, NOW), None);
    }
}
