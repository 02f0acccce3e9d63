//! What all turns share about providers and keys: their health, and the pace of each key.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use halo_config::Secret;
use halo_diagnose::allowances;
use halo_recover::{Admission, Health, KeyId, Outcome, Pace, Place, Signs, Ticket};
use halo_types::{Headers, Kind, ProviderId, Target, Timestamp, Turn};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::live::RunGuard;
use crate::model::{Update, WaitView};
use crate::waits::{Due, record};
use crate::{Engine, EngineError};

/// A wait for the pace shorter than this is neither shown nor stored, in milliseconds.
const TELLING_MS: u64 = 1_000;
/// So many paces are kept; beyond, those that hold nothing back are dropped.
const KEPT: usize = 256;

/// Why a wait for the pace is as long as it is.
pub(crate) const PACE: &str = "pace";

/// Health and paces, for all turns of this process.
#[derive(Default)]
pub(crate) struct Watch {
    health: Mutex<Health>,
    paces: Mutex<HashMap<KeyId, Pace>>,
    /// A request left, was answered or gave up: who waits asks again.
    moved: Notify,
}

impl Watch {
    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace<T>(&self, key: &KeyId, work: impl FnOnce(&mut Pace) -> T) -> T {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        work(paces.entry(key.clone()).or_default())
    }

    fn drop_idle(&self, now: Timestamp) {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() > KEPT {
            paces.retain(|_, pace| !pace.is_idle(now));
        }
    }
}

/// The name of a key by which its health and pace are kept. The key cannot be told from it.
pub(crate) fn key_id(provider: &ProviderId, key: Option<&Secret>) -> KeyId {
    let mut hash = Sha256::new();
    hash.update(provider.as_str());
    if let Some(key) = key {
        hash.update([0]);
        hash.update(key.expose());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
    KeyId { provider: provider.clone(), fingerprint: u64::from_be_bytes(*first) }
}

/// What was heard from a provider.
pub(crate) enum Heard<'a> {
    /// An answer.
    Answer,
    /// A failure.
    Failure(&'a Signs),
    /// Nothing: it was stopped.
    Nothing,
}

/// A request's place in the line of its key; given up when dropped.
struct InLine<'a> {
    watch: &'a Watch,
    key: &'a KeyId,
    ticket: Ticket,
}

impl InLine<'_> {
    fn ask(&self, now: Timestamp) -> Admission {
        self.watch.pace(self.key, |pace| pace.ask(self.ticket, now))
    }

    fn leave(&self, now: Timestamp) {
        self.watch.pace(self.key, |pace| pace.leave(self.ticket, now));
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.watch.pace(self.key, |pace| pace.quit(self.ticket));
        self.watch.moved.notify_waiters();
    }
}

impl Engine {
    /// Waits until the pace of a key lets a request go. The person may hurry it or stop it; then
    /// it goes on at once, and a stopped one ends before anything leaves. `false` where Halo ends:
    /// nothing is recorded, and the next start goes on with the wait.
    ///
    /// A wait that is longer than what is sat out in line is not sat out here: the request leaves
    /// and the provider says itself what is the matter.
    pub(crate) async fn wait_in_line(
        &self,
        guard: &RunGuard,
        turn: &Turn,
        key: &KeyId,
        target: &Target,
        tokens: u64,
    ) -> Result<bool, EngineError> {
        let watch = self.watch();
        if !self.is_watched(&key.provider) {
            return Ok(true);
        }
        watch.drop_idle(self.now());
        let ticket = watch.pace(key, |pace| pace.join(tokens));
        let line = InLine { watch, key, ticket };
        let patience = self.policy().max_line_ms;
        let began = self.now();
        let mut told: Option<(Timestamp, CancellationToken)> = None;
        loop {
            let moved = watch.moved.notified();
            tokio::pin!(moved);
            // Before asking, so that nothing that happens in between is missed.
            moved.as_mut().enable();
            let now = self.now();
            let Admission::Wait(until) = line.ask(now) else { break };
            if until.ms_since(began) > patience {
                line.leave(now);
                break;
            }
            let news = told.as_ref().is_none_or(|(known, _)| *known != until);
            if until.ms_since(now) >= TELLING_MS && news {
                let first = told.is_none();
                told = Some((until, self.tell_wait(guard, turn, target, until, first).await?));
            }
            let hurry = told.as_ref().map(|(_, hurry)| hurry.clone()).unwrap_or_default();
            tokio::select! {
                () = self.clock().sleep_until(until) => {}
                () = moved => {}
                () = hurry.cancelled() => {
                    line.leave(self.now());
                    break;
                }
                () = guard.cancel().cancelled() => {
                    if self.closing().is_cancelled() {
                        return Ok(false);
                    }
                    break;
                }
            }
        }
        if told.is_some() {
            guard.wait_is_over();
        }
        Ok(true)
    }

    /// Shows a wait for the pace; the first time it is stored, too. What is returned is cancelled
    /// where the person does not want to wait any longer.
    async fn tell_wait(
        &self,
        guard: &RunGuard,
        turn: &Turn,
        target: &Target,
        until: Timestamp,
        first: bool,
    ) -> Result<CancellationToken, EngineError> {
        let from = PACE.to_owned();
        if first {
            let attempt = {
                let log = guard.live().log.lock().await;
                log.turn(turn.id).and_then(|turn| turn.attempts.last()).map(|last| last.start.id)
            };
            let due = Due { until, from: from.clone(), attempt };
            guard.append(&[record(self, turn, target, &due)]).await?;
        }
        let hurry = guard.waits(Some(WaitView { until, from, automatic: true }));
        self.tell(Update::Changed(turn.conversation));
        self.tell(Update::List);
        Ok(hurry)
    }

    /// Whether what a provider's answers say of its health and limits counts. Each model of the
    /// practice provider plays a provider of its own; one must not hold up the others.
    pub(crate) fn is_watched(&self, provider: &ProviderId) -> bool {
        self.practice().is_none_or(|practice| practice.provider.id != *provider)
    }

    /// Takes note that a request leaves for a place.
    pub(crate) fn leaves(&self, place: &Place, again: bool) {
        if self.is_watched(&place.target.provider) {
            self.watch().health().begin(place, again, self.now());
        }
    }

    /// Takes note that a request will be sent again.
    pub(crate) fn retries(&self, target: &Target) {
        if self.is_watched(&target.provider) {
            self.watch().health().retries(target, self.now());
        }
    }

    /// Takes note of what came of a request: for the health of its place and the pace of its key.
    pub(crate) fn heard(&self, place: &Place, again: bool, heard: &Heard<'_>, headers: &Headers) {
        let now = self.now();
        if !self.is_watched(&place.target.provider) {
            return;
        }
        let told = allowances(headers, now);
        let outcome = match heard {
            Heard::Answer => Outcome::Answered,
            Heard::Failure(signs) => Outcome::Failed(signs),
            Heard::Nothing => Outcome::Stopped,
        };
        self.watch().pace(&place.key, |pace| match heard {
            Heard::Answer => pace.answered(&told, now),
            Heard::Failure(signs) if signs.kind == Kind::RateLimited && signs.transient => {
                pace.limited(signs.retry.as_ref().map(|(ms, _)| *ms), &told, now);
            }
            Heard::Failure(_) | Heard::Nothing => pace.learn(&told, now),
        });
        self.watch().health().end(place, again, outcome, now);
        self.watch().moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_and_not_told() {
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        let (one, two) =
            (Secret::parse("sk-one-123456").unwrap(), Secret::parse("sk-two-123456").unwrap());
        let ids = [
            key_id(&a, Some(&one)),
            key_id(&a, Some(&two)),
            key_id(&b, Some(&one)),
            key_id(&a, None),
        ];
        for (n, id) in ids.iter().enumerate() {
            assert!(ids.iter().skip(n + 1).all(|other| other != id));
            assert!(!format!("{id:?}").contains("123456"));
        }
        assert_eq!(ids[0], key_id(&a, Some(&one)));
    }
}
