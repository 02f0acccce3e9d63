//! Which request of the same prompt this is, and how many came within a minute.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most prompts and the most pairs of key and model that are remembered.
const MAX_KEPT: usize = 2_048;
/// A prompt that nobody sent again for this long is played from the start.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);

/// A bounded memory of the requests seen.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    prompts: Mutex<Bounded<Option<(u32, Instant)>>>,
    minutes: Mutex<Bounded<VecDeque<Instant>>>,
}

/// The number under which equal requests are counted together.
pub(crate) fn key_of(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

impl Counters {
    /// Counts a request and tells how many came before it.
    pub(crate) fn next(&self, prompt: u64, now: Instant) -> u32 {
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = prompts.entry(prompt);
        let nth = match *seen {
            Some((count, at)) if now.duration_since(at) < FORGET_AFTER => count,
            _ => 0,
        };
        *seen = Some((nth.saturating_add(1), now));
        nth
    }

    /// Forgets a prompt, so that it can be played again from the start.
    pub(crate) fn reset(&self, prompt: u64) {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).remove(prompt);
    }

    /// Counts a request against a limit per minute.
    ///
    /// # Errors
    /// How long until the next one is welcome.
    pub(crate) fn within_minute(
        &self,
        caller: u64,
        limit: usize,
        now: Instant,
    ) -> Result<(), Duration> {
        const MINUTE: Duration = Duration::from_secs(60);
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let times = minutes.entry(caller);
        while times.front().is_some_and(|t| now.duration_since(*t) >= MINUTE) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= limit => Err(MINUTE - now.duration_since(*first)),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

/// A map that forgets its oldest entry when it is full.
#[derive(Debug)]
struct Bounded<V> {
    map: HashMap<u64, V>,
    order: VecDeque<u64>,
}

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self { map: HashMap::new(), order: VecDeque::new() }
    }
}

impl<V: Default> Bounded<V> {
    fn entry(&mut self, key: u64) -> &mut V {
        if !self.map.contains_key(&key) {
            if self.order.len() >= MAX_KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.map.remove(&oldest);
            }
            self.order.push_back(key);
        }
        self.map.entry(key).or_default()
    }

    fn remove(&mut self, key: u64) {
        if self.map.remove(&key).is_some() {
            self.order.retain(|kept| *kept != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_counted_and_forgotten() {
        let counters = Counters::default();
        let key = key_of(&["key", "model", "prompt"]);
        let now = Instant::now();
        assert_eq!([counters.next(key, now), counters.next(key, now)], [0, 1]);
        assert_eq!(counters.next(key, now + FORGET_AFTER), 0);
        counters.reset(key);
        assert_eq!(counters.next(key, now), 0);
        assert_ne!(key, key_of(&["key", "modelprompt", ""]));
    }

    #[test]
    fn memory_is_bounded() {
        let counters = Counters::default();
        for key in 0..10_000 {
            counters.next(key, Instant::now());
        }
        let prompts = counters.prompts.lock().unwrap();
        assert_eq!((prompts.map.len(), prompts.order.len()), (MAX_KEPT, MAX_KEPT));
    }

    #[test]
    fn the_minute_slides() {
        let counters = Counters::default();
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(counters.within_minute(1, 2, at(0)), Ok(()));
        assert_eq!(counters.within_minute(1, 2, at(10)), Ok(()));
        assert_eq!(counters.within_minute(1, 2, at(15)), Err(Duration::from_secs(45)));
        assert_eq!(counters.within_minute(2, 2, at(15)), Ok(()));
        assert_eq!(counters.within_minute(1, 2, at(60)), Ok(()));
    }
}
