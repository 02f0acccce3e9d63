//! A conversation in memory: its log, and the turn under way.

use std::sync::{Arc, Mutex, MutexGuard};

use halo_types::{AttemptId, ConversationId, Record, Target, Timestamp, TurnId};
use tokio_util::sync::CancellationToken;

use crate::lanes::Place;
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
    /// Tells that the run is over.
    over: CancellationToken,
    progress: Arc<Mutex<Progress>>,
}

/// How far the turn under way has come.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) running: Running,
    pub(crate) wait: Option<WaitView>,
    /// Ends the present wait early; there is one while the turn waits or is queued.
    hurry: Option<CancellationToken>,
}

impl Progress {
    /// Whether the turn waits or is queued, and has nothing under way.
    pub(crate) fn waits(&self) -> bool {
        self.hurry.is_some()
    }
}

/// The right to run a turn in a conversation; there is one. Dropping it ends the run.
pub(crate) struct RunGuard {
    engine: Engine,
    live: Arc<Live>,
    run: Run,
    /// Whether an earlier process began the turn.
    resumed: bool,
    /// The place in a provider's lane, until the first part of the answer comes.
    place: Mutex<Option<Place>>,
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
            let progress = lock(&run.progress);
            let hurry = progress.hurry.as_ref().filter(|_| progress.running.turn == turn);
            hurry.inspect(|hurry| hurry.cancel()).is_some()
        })
    }

    /// Cancels the wait of this turn and waits until that is recorded. A turn that is being sent is
    /// left alone. Says whether it was waiting.
    pub(crate) async fn stop_waiting(&self, turn: TurnId) -> bool {
        let run = lock(&self.run).clone().filter(|run| {
            let progress = lock(&run.progress);
            let waits = progress.running.turn == turn && progress.waits();
            if waits {
                // While the lock is held, so that it cannot begin to send in between.
                run.cancel.cancel();
            }
            waits
        });
        match run {
            Some(run) => {
                run.over.cancelled().await;
                true
            }
            None => false,
        }
    }

    /// Stops this turn, where it is the one under way, and waits until that is recorded.
    pub(crate) async fn stop_turn(&self, turn: TurnId) {
        let run = lock(&self.run).clone();
        if let Some(run) = run.filter(|run| lock(&run.progress).running.turn == turn) {
            run.cancel.cancel();
            run.over.cancelled().await;
        }
    }

    /// Takes the right to run a turn.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while another turn runs, [`EngineError::Waiting`] while one waits,
    /// [`EngineError::Elsewhere`] where another process runs the turns of the store.
    pub(crate) fn begin(
        self: &Arc<Self>,
        engine: &Engine,
        turn: TurnId,
        purpose: Purpose,
        target: Target,
        since: Timestamp,
    ) -> Result<RunGuard, EngineError> {
        if !engine.runs_turns() {
            return Err(EngineError::Elsewhere);
        }
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
            over: CancellationToken::new(),
            progress: Arc::new(Mutex::new(Progress { running, wait: None, hurry: None })),
        };
        let mut slot = lock(&self.run);
        if let Some(run) = &*slot {
            let progress = lock(&run.progress);
            return Err(match &progress.wait {
                Some(wait) => EngineError::Waiting { until: wait.until },
                None => EngineError::Busy,
            });
        }
        *slot = Some(run.clone());
        drop(slot);
        Ok(RunGuard {
            engine: engine.clone(),
            live: Arc::clone(self),
            run,
            resumed: false,
            place: Mutex::new(None),
        })
    }
}

impl RunGuard {
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.run.cancel
    }

    /// The turn was begun by an earlier process, which left it waiting, or queued without a `wait`.
    pub(crate) fn of_an_earlier_process(mut self, wait: Option<WaitView>) -> Self {
        self.resumed = true;
        // Pages that come before the task begins find it as it is.
        let _ = self.waits(wait);
        self
    }

    /// Whether an earlier process began the turn.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The turn waits, or is queued without a `wait`. What is returned is cancelled where the
    /// person does not want it to wait any longer; each wait has its own, so that a click on an
    /// earlier one does not cut short a later one.
    pub(crate) fn waits(&self, wait: Option<WaitView>) -> CancellationToken {
        let mut progress = lock(&self.run.progress);
        progress.wait = wait;
        progress.hurry.insert(CancellationToken::new()).clone()
    }

    /// The wait is over, and the turn is about to be sent.
    pub(crate) fn wait_is_over(&self) {
        let mut progress = lock(&self.run.progress);
        progress.wait = None;
        progress.hurry = None;
    }

    /// Keeps a place in a lane until the first part of the answer comes, or the attempt ends.
    pub(crate) fn leaves_lane_later(&self, place: Place) {
        *lock(&self.place) = Some(place);
    }

    fn leave_lane(&self) {
        let place = lock(&self.place).take();
        drop(place);
    }

    /// The run goes on with another turn: a compaction before the turn that waits for it.
    pub(crate) fn turn_is(&self, turn: TurnId, purpose: Purpose, target: &Target) {
        let mut progress = lock(&self.run.progress);
        progress.running.turn = turn;
        progress.running.purpose = purpose;
        progress.running.target = target.clone();
        progress.running.attempt = None;
        progress.wait = None;
        progress.hurry = None;
    }

    /// An attempt begins.
    pub(crate) fn attempt_begins(&self, attempt: AttemptId, target: &Target, at: Timestamp) {
        let mut progress = lock(&self.run.progress);
        progress.wait = None;
        progress.hurry = None;
        progress.running.attempt = Some(attempt);
        progress.running.target = target.clone();
        progress.running.text.clear();
        progress.running.thinking.clear();
        progress.running.since = at;
    }

    /// The attempt is over; its text is in the log.
    pub(crate) fn attempt_ends(&self) {
        self.leave_lane();
        let mut progress = lock(&self.run.progress);
        progress.running.attempt = None;
        progress.running.text.clear();
        progress.running.thinking.clear();
    }

    /// More of the answer came.
    pub(crate) fn more(&self, attempt: AttemptId, thinking: bool, text: &str) {
        self.leave_lane();
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
