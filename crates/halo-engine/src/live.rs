//! A conversation in memory: its log, and the turn under way.

use std::sync::{Arc, Mutex, MutexGuard};

use halo_types::{AttemptId, ConversationId, Record, Target, Timestamp, TurnId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::log::Log;
use crate::model::{Purpose, Running, Update, WaitView};
use crate::{Engine, EngineError};

/// One conversation that was opened.
pub(crate) struct Live {
    pub(crate) id: ConversationId,
    /// Held while a record is stored, so that memory and disk agree on the order.
    pub(crate) log: tokio::sync::Mutex<Log>,
    run: Mutex<Option<Run>>,
}

/// The turn under way.
#[derive(Clone)]
struct Run {
    cancel: CancellationToken,
    send_now: Arc<Notify>,
    /// Tells that the run is over.
    over: CancellationToken,
    progress: Arc<Mutex<Progress>>,
}

/// How far the turn under way has come.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) running: Running,
    pub(crate) wait: Option<WaitView>,
}

/// The right to run a turn in a conversation; there is one. Dropping it ends the run.
pub(crate) struct RunGuard {
    engine: Engine,
    live: Arc<Live>,
    run: Run,
}

/// Locks, and goes on after a panic elsewhere: what is inside is replaced whole, never half.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Live {
    pub(crate) fn new(id: ConversationId, log: Log) -> Self {
        Self { id, log: tokio::sync::Mutex::new(log), run: Mutex::new(None) }
    }

    /// What the turn under way has brought so far.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let run = lock(&self.run).clone()?;
        let progress = lock(&run.progress).clone();
        Some(progress)
    }

    /// Stops the turn under way and waits until it has recorded how it ended. Says whether there
    /// was one.
    pub(crate) async fn stop(&self) -> bool {
        let run = lock(&self.run).clone();
        match run {
            Some(run) => {
                run.cancel.cancel();
                run.over.cancelled().await;
                true
            }
            None => false,
        }
    }

    /// Ends the wait of this turn early. Says whether it was waiting.
    pub(crate) fn send_now(&self, turn: TurnId) -> bool {
        let run = lock(&self.run).clone();
        run.is_some_and(|run| {
            let waiting = {
                let progress = lock(&run.progress);
                progress.running.turn == turn && progress.wait.is_some()
            };
            if waiting {
                run.send_now.notify_one();
            }
            waiting
        })
    }

    /// Takes the right to run a turn.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while another turn runs.
    pub(crate) fn begin(
        self: &Arc<Self>,
        engine: &Engine,
        turn: TurnId,
        purpose: Purpose,
        target: Target,
        since: Timestamp,
    ) -> Result<RunGuard, EngineError> {
        let running = Running {
            turn,
            attempt: None,
            target,
            purpose,
            text: String::new(),
            thinking: String::new(),
            since,
        };
        let run = Run {
            cancel: engine.closing().child_token(),
            send_now: Arc::new(Notify::new()),
            over: CancellationToken::new(),
            progress: Arc::new(Mutex::new(Progress { running, wait: None })),
        };
        let mut slot = lock(&self.run);
        if slot.is_some() {
            return Err(EngineError::Busy);
        }
        *slot = Some(run.clone());
        drop(slot);
        Ok(RunGuard { engine: engine.clone(), live: Arc::clone(self), run })
    }
}

impl RunGuard {
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.run.cancel
    }

    /// Waits for *Resend now*.
    pub(crate) async fn sent_now(&self) {
        self.run.send_now.notified().await;
    }

    /// The run goes on with another turn: a compaction before the turn that waits for it.
    pub(crate) fn turn_is(&self, turn: TurnId, purpose: Purpose, target: &Target) {
        let mut progress = lock(&self.run.progress);
        progress.running.turn = turn;
        progress.running.purpose = purpose;
        progress.running.target = target.clone();
        progress.running.attempt = None;
        progress.wait = None;
    }

    /// An attempt begins.
    pub(crate) fn attempt_begins(&self, attempt: AttemptId, target: &Target, at: Timestamp) {
        let mut progress = lock(&self.run.progress);
        progress.wait = None;
        progress.running.attempt = Some(attempt);
        progress.running.target = target.clone();
        progress.running.text.clear();
        progress.running.thinking.clear();
        progress.running.since = at;
    }

    /// The attempt is over; its text is in the log.
    pub(crate) fn attempt_ends(&self, wait: Option<WaitView>) {
        let mut progress = lock(&self.run.progress);
        progress.wait = wait;
        progress.running.attempt = None;
        progress.running.text.clear();
        progress.running.thinking.clear();
    }

    /// More of the answer came.
    pub(crate) fn more(&self, attempt: AttemptId, thinking: bool, text: &str) {
        let start = {
            let mut progress = lock(&self.run.progress);
            let so_far =
                if thinking { &mut progress.running.thinking } else { &mut progress.running.text };
            let start = so_far.len();
            so_far.push_str(text);
            start
        };
        self.engine.tell(Update::Delta {
            conversation: self.live.id,
            attempt,
            thinking,
            start,
            text: text.to_owned(),
        });
    }

    /// Stores records of this conversation.
    pub(crate) async fn append(&self, records: &[Record]) -> Result<(), EngineError> {
        self.engine.append(&self.live, records).await
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        *lock(&self.live.run) = None;
        self.run.over.cancel();
        self.engine.tell(Update::Changed(self.live.id));
        self.engine.tell(Update::List);
    }
}
