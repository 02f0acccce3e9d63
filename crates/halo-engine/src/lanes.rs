//! One at a time to each provider: turns whose wait is over leave one after another, in the order
//! of their due times, and not in a burst. The next one leaves when the former got the first part
//! of its answer, or ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo_types::{ProviderId, Timestamp, TurnId};
use tokio::sync::Notify;

use crate::clock::Clock;

/// The lanes of an engine, one for each provider that something waits for.
#[derive(Clone, Default)]
pub(crate) struct Lanes(Arc<Mutex<HashMap<ProviderId, Lane>>>);

/// By due time; the id keeps turns apart that are due in the same moment.
type Key = (Timestamp, TurnId);

#[derive(Default)]
struct Lane {
    /// The one that is being sent.
    sending: Option<Key>,
    /// Those that wait, those that are not due yet among them.
    waiting: BTreeMap<Key, Arc<Notify>>,
}

impl Lane {
    /// Lets the first one go that is due, where nobody is being sent.
    fn admit(&mut self, now: Timestamp) {
        if self.sending.is_some() {
            return;
        }
        if let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let (key, notify) = first.remove_entry();
            self.sending = Some(key);
            // Kept for one that does not listen yet.
            notify.notify_one();
        }
    }
}

/// A place in a lane. Dropping it leaves the lane, and lets the next one go.
pub(crate) struct Place {
    lanes: Lanes,
    clock: Clock,
    provider: ProviderId,
    key: Key,
    admitted: Arc<Notify>,
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, HashMap<ProviderId, Lane>> {
        // What is inside is changed in single steps, so a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place in the lane of a provider for a turn that is due at `due`.
    pub(crate) fn enter(
        &self,
        clock: Clock,
        provider: &ProviderId,
        due: Timestamp,
        turn: TurnId,
    ) -> Place {
        let key = (due, turn);
        let admitted = Arc::new(Notify::new());
        let mut all = self.lock();
        let lane = all.entry(provider.clone()).or_default();
        lane.waiting.insert(key, Arc::clone(&admitted));
        drop(all);
        Place { lanes: self.clone(), clock, provider: provider.clone(), key, admitted }
    }
}

impl Place {
    /// Waits until it is due and nobody else is being sent. One that was due earlier goes first,
    /// also where it has not noticed yet that its time has come: a machine may have slept.
    pub(crate) async fn admitted(&self) {
        let due = async {
            self.clock.sleep_until(self.key.0).await;
            let now = self.clock.now();
            if let Some(lane) = self.lanes.lock().get_mut(&self.provider) {
                lane.admit(now);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.admitted.notified() => {}
            () = due => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = self.clock.now();
        let mut all = self.lanes.lock();
        let Some(lane) = all.get_mut(&self.provider) else { return };
        lane.waiting.remove(&self.key);
        if lane.sending == Some(self.key) {
            lane.sending = None;
            lane.admit(now);
        }
        if lane.sending.is_none() && lane.waiting.is_empty() {
            all.remove(&self.provider);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    fn turn(n: u128) -> TurnId {
        TurnId::new(Uuid::from_u128(n))
    }

    fn lanes() -> (Lanes, ProviderId, Timestamp) {
        (Lanes::default(), "one".parse().unwrap(), Clock::default().now())
    }

    /// Whether a place is admitted without anything else happening.
    async fn at_once(place: &Place) -> bool {
        tokio::time::timeout(Duration::from_millis(30), place.admitted()).await.is_ok()
    }

    #[tokio::test]
    async fn what_is_due_leaves_one_after_another_by_due_time() {
        let (lanes, one, now) = lanes();
        let past = |n: i64| Timestamp(now.0 - 1_000 + n);
        let late = lanes.enter(Clock::default(), &one, past(3), turn(1));
        let early = lanes.enter(Clock::default(), &one, past(1), turn(2));
        let middle = lanes.enter(Clock::default(), &one, past(2), turn(3));
        assert!(!at_once(&late).await, "one that was due earlier goes first");
        assert!(at_once(&early).await, "although it had not noticed");
        assert!(!at_once(&middle).await, "while it is being sent nobody follows");
        drop(early);
        assert!(!at_once(&late).await);
        assert!(at_once(&middle).await);
        drop(middle);
        assert!(at_once(&late).await);
        drop(late);
        assert!(lanes.lock().is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn who_leaves_the_line_blocks_nobody() {
        let (lanes, one, now) = lanes();
        let first = lanes.enter(Clock::default(), &one, now, turn(1));
        let second = lanes.enter(Clock::default(), &one, now, turn(2));
        let third = lanes.enter(Clock::default(), &one, now, turn(3));
        assert!(at_once(&first).await);
        drop(second);
        drop(first);
        assert!(at_once(&third).await);
        // Admitted and gone before it noticed.
        let fourth = lanes.enter(Clock::default(), &one, now, turn(4));
        let fifth = lanes.enter(Clock::default(), &one, now, turn(5));
        drop(third);
        assert!(!at_once(&fifth).await);
        drop(fourth);
        assert!(at_once(&fifth).await);
    }

    #[tokio::test]
    async fn providers_do_not_wait_for_each_other_nor_for_what_is_not_due() {
        let (lanes, one, now) = lanes();
        let later = lanes.enter(Clock::default(), &one, now.plus_ms(3_600_000), turn(1));
        let first = lanes.enter(Clock::default(), &one, now, turn(2));
        assert!(at_once(&first).await);
        let two: ProviderId = "two".parse().unwrap();
        let other = lanes.enter(Clock::default(), &two, now, turn(3));
        assert!(at_once(&other).await);
        drop(first);
        assert!(!at_once(&later).await);
    }
}
