//! The provider: it outlives every kill, and knows what was sent.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use halo_sim::{Directing, Director, Scene};
use halo_types::{ConversationId, StopReason};

use crate::survival::Random;

/// What it saw and sent.
pub(super) struct Witness {
    seed: u64,
    /// Requests by the number of the prompt.
    seen: Mutex<HashMap<u64, u64>>,
    /// Answers that broke off, as the last look at the store found them.
    broken: Mutex<Vec<(ConversationId, String)>>,
}

/// The prompt of this number.
pub(super) fn prompt(number: u64) -> String {
    format!("Prompt c{number}: count, please.")
}

/// The number of the last prompt in a text.
pub(super) fn number_in(text: &str) -> Option<u64> {
    let at = text.rfind("Prompt c")? + "Prompt c".len();
    text[at..].split(':').next()?.parse().ok()
}

/// The whole answer to a prompt.
pub(super) fn answer(seed: u64, number: u64) -> String {
    let words = 10 + Random::of(seed, number).below(120);
    let words: Vec<String> = (1..=words).map(|n| format!("c{number}.{n}")).collect();
    words.join(" ")
}

impl Witness {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, seen: Mutex::default(), broken: Mutex::default() }
    }

    pub(super) fn answer(&self, number: u64) -> String {
        answer(self.seed, number)
    }

    /// How many requests came for a prompt.
    pub(super) fn of(&self, number: u64) -> u64 {
        lock(&self.seen).get(&number).copied().unwrap_or(0)
    }

    /// How many requests came in all.
    pub(super) fn requests(&self) -> u64 {
        lock(&self.seen).values().sum()
    }

    pub(super) fn broken(&self) -> Vec<(ConversationId, String)> {
        lock(&self.broken).clone()
    }

    pub(super) fn set_broken(&self, broken: Vec<(ConversationId, String)>) {
        *lock(&self.broken) = broken;
    }
}

impl Director for Witness {
    fn direct(&self, request: &Directing<'_>) -> Option<Scene> {
        let begun = request.last_answer().unwrap_or_default();
        // The instruction to go on names no prompt; the answer it follows does.
        let (number, rest) = match number_in(&request.prompt()) {
            Some(number) => (number, None),
            None => {
                let number = begun.strip_prefix('c')?.split('.').next()?.parse().ok()?;
                (number, Some(begun))
            }
        };
        let nth = {
            let mut seen = lock(&self.seen);
            let seen = seen.entry(number).or_default();
            *seen += 1;
            *seen
        };
        let mut random = Random::of(self.seed, number);
        random.next();
        let busy = rest.is_none() && nth == 1 && random.percent(15);
        let pace = Duration::from_millis(random.below(35));
        if busy {
            let wait = 1 + random.below(2);
            let body = format!(
                "{{\"type\":\"error\",\"error\":{{\"type\":\"rate_limit_error\",\"message\":\"Rate \
                 limit reached. Please try again in {wait}s.\"}}}}"
            );
            let headers = vec![("retry-after".to_owned(), wait.to_string())];
            return Some(Scene::Http { status: 429, headers, body: body.into_bytes() });
        }
        let full = self.answer(number);
        let text = match rest {
            Some(begun) if full.starts_with(&begun) => full[begun.len()..].to_owned(),
            _ => full,
        };
        Some(Scene::Answer { thinking: String::new(), text, stop: StopReason::End, pace })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
