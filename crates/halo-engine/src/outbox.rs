//! The outbox: what runs, waits and is queued, in all conversations; what the person does with
//! it; and how the next process goes on with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use halo_diagnose::diagnose;
use halo_store::OpenTurn;
use halo_types::{
    AttemptOutcome, ConversationId, Diagnosis, Evidence, Lang, MessageId, Target, Timestamp, Turn,
    TurnId, TurnKind,
};

use crate::lanes::Place;
use crate::live::{Live, RunGuard};
use crate::model::{Purpose, WaitView};
use crate::turn_state::TurnState;
use crate::view::purpose;
use crate::{Engine, EngineError, waits};

/// A turn that runs, waits or is queued.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its title; empty where it has none.
    pub title: String,
    /// The turn.
    pub turn: TurnId,
    /// The message it is to answer.
    pub prompt: MessageId,
    /// What that message says.
    pub text: String,
    /// The model that is asked.
    pub target: Target,
    /// What the turn is for.
    pub purpose: Purpose,
    /// [`TurnState::Queued`], [`TurnState::Sending`] or [`TurnState::Waiting`].
    pub state: TurnState,
    /// When it was stored.
    pub at: Timestamp,
    /// Attempts so far.
    pub tries: usize,
    /// What it waits after: what came, and what it means.
    pub failure: Option<Box<(Evidence, Diagnosis)>>,
}

/// A turn of an earlier process that is gone on with.
struct Resumed {
    guard: RunGuard,
    turn: Turn,
    target: Target,
    place: Place,
    wait: Option<WaitView>,
}

impl Engine {
    /// What runs, waits and is queued: running ones first, then by due time.
    pub async fn outbox(&self, lang: Lang) -> Vec<OutboxEntry> {
        let running: Vec<Arc<Live>> =
            self.lock_live().values().filter(|live| live.progress().is_some()).cloned().collect();
        let mut entries = Vec::with_capacity(running.len());
        for live in running {
            entries.extend(self.outbox_entry(&live, lang).await);
        }
        entries.sort_by_key(|entry| {
            let (group, due) = match &entry.state {
                TurnState::Waiting { until, .. } => (1, *until),
                TurnState::Queued => (2, entry.at),
                _ => (0, entry.at),
            };
            (group, due, entry.turn)
        });
        entries
    }

    async fn outbox_entry(&self, live: &Live, lang: Lang) -> Option<OutboxEntry> {
        let log = live.log.lock().await;
        let running = live.progress()?.running;
        let of = log.turn(running.turn)?;
        let state = match TurnState::in_log(&log, of) {
            open if open.is_open() => open,
            // Between two attempts, and while it is decided what follows.
            _ => TurnState::Sending,
        };
        let waits_after = match &state {
            TurnState::Waiting { attempt, .. } => *attempt,
            _ => None,
        };
        let failure = waits_after.and_then(|id| log.attempt(id)).and_then(|(_, attempt)| {
            match &attempt.end.as_ref()?.outcome {
                AttemptOutcome::Failed { evidence, .. } => {
                    let context = self.context(attempt.ended_at(), lang);
                    let diagnosis = diagnose(evidence, &context);
                    Some(Box::new(((**evidence).clone(), diagnosis)))
                }
                _ => None,
            }
        });
        Some(OutboxEntry {
            conversation: live.id,
            title: log.meta.as_ref().map(|meta| meta.title.clone()).unwrap_or_default(),
            turn: of.turn.id,
            prompt: of.turn.prompt,
            text: log.message(of.turn.prompt).map(|prompt| prompt.text()).unwrap_or_default(),
            target: running.target,
            purpose: running.purpose,
            state,
            at: of.turn.at,
            tries: of.attempts.len(),
            failure,
        })
    }

    /// Sends a turn that waits or is queued now. One that does not wait any more is left as it is,
    /// so that a second click is harmless.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`].
    pub async fn send_now(&self, id: ConversationId, turn: TurnId) -> Result<(), EngineError> {
        self.live(id).await?.send_now(turn);
        Ok(())
    }

    /// Takes a turn off the outbox, whether it waits, is queued or is being sent. Its message
    /// stays, with the ways forward. One that is over is left as it is.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`].
    pub async fn cancel_turn(&self, id: ConversationId, turn: TurnId) -> Result<(), EngineError> {
        self.live(id).await?.stop_turn(turn).await;
        Ok(())
    }

    /// Sends a turn that waits or is queued now, to another model. One that does not wait any more
    /// is left as it is.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], [`EngineError::NoProvider`], or if the store fails.
    pub async fn redirect_turn(
        &self,
        id: ConversationId,
        turn: TurnId,
        target: Target,
    ) -> Result<(), EngineError> {
        if self.provider(&target.provider).is_none() {
            return Err(EngineError::NoProvider(target.provider));
        }
        let live = self.live(id).await?;
        if !live.stop_waiting(turn).await {
            return Ok(());
        }
        let turn = {
            let log = live.log.lock().await;
            log.turn(turn).map(|of| of.turn.clone()).ok_or(EngineError::NotFound("turn"))?
        };
        self.set_target(id, target.clone()).await?;
        self.start(&live, turn, target)
    }

    /// Goes on with what earlier processes left waiting or queued, in the order of its due times.
    /// What was being sent when they ended is not among it: the provider may have done the work.
    pub(crate) async fn take_up(&self) -> Result<(), EngineError> {
        let open = self.store().open_turns().await?;
        let mut taken = Vec::with_capacity(open.len());
        for entry in &open {
            match self.resumed(entry, &open).await {
                Ok(resumed) => taken.extend(resumed),
                Err(error) => {
                    // One damaged conversation must not keep the others from going on.
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, turn = %entry.turn, "a waiting turn was not taken up");
                }
            }
        }
        // All have their place before the first one leaves.
        for Resumed { guard, turn, target, place, wait } in taken {
            self.tasks().spawn(waits::resume(self.clone(), guard, turn, target, place, wait));
        }
        Ok(())
    }

    async fn resumed(
        &self,
        entry: &OpenTurn,
        open: &[OpenTurn],
    ) -> Result<Option<Resumed>, EngineError> {
        let live = self.live(entry.conversation).await?;
        let log = live.log.lock().await;
        let of = log.turn(entry.turn).ok_or(EngineError::NotFound("turn"))?;
        let state = TurnState::in_log(&log, of);
        // A turn that waits for a compaction is gone on with by that.
        let after: BTreeSet<TurnId> = open
            .iter()
            .filter_map(|other| match log.turn(other.turn)?.turn.kind {
                TurnKind::Compact { then, .. } => then,
                _ => None,
            })
            .collect();
        if log.deleted || !state.is_open() || after.contains(&entry.turn) {
            return Ok(None);
        }
        let turn = of.turn.clone();
        let last = of.attempts.last().map(|attempt| attempt.start.target.clone());
        let named = of.wait.as_ref().and_then(|wait| wait.target.clone());
        let target = named.or(last).unwrap_or_else(|| turn.target.clone());
        let (due, wait) = match state {
            TurnState::Waiting { until, from, .. } => {
                (until, Some(WaitView { until, from, automatic: true }))
            }
            _ => (turn.at, None),
        };
        drop(log);
        let guard = live
            .begin(self, turn.id, purpose(&turn.kind), target.clone(), turn.at)?
            .of_an_earlier_process(wait.clone());
        let place = self.lane(&target.provider, due, turn.id);
        Ok(Some(Resumed { guard, turn, target, place, wait }))
    }
}
