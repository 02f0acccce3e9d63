//! Waits of a turn: stored before they begin, sat out, cut short or cancelled.

use halo_types::{AttemptId, Record, Target, Timestamp, Turn, Wait, WaitEnd};

use crate::lanes::Place;
use crate::live::RunGuard;
use crate::model::{Update, WaitView};
use crate::{Engine, EngineError, turn};

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It is time to send, or the person said so.
    Over,
    /// The person cancelled it; that is recorded.
    Cancelled,
    /// Halo ends. Nothing is recorded: the next start goes on with the wait.
    Closing,
}

/// What a turn waits for.
pub(crate) struct Due {
    /// When it is to be sent.
    pub(crate) until: Timestamp,
    /// Why so long, as in [`Wait::from`].
    pub(crate) from: String,
    /// The failed attempt; `None` before the first one.
    pub(crate) attempt: Option<AttemptId>,
}

/// Stores a wait and sits it out. When it is over, the turn has its place in the lane of the
/// provider until the first part of its answer comes.
pub(crate) async fn wait(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    due: Due,
) -> Result<Waited, EngineError> {
    let record = record(engine, turn, target, &due);
    let Due { until, from, .. } = due;
    let place = engine.lane(&target.provider, until, turn.id);
    guard.append(&[record]).await?;
    sit_out(engine, guard, turn, place, Some(WaitView { until, from, automatic: true })).await
}

/// The record of a wait that begins.
pub(crate) fn record(engine: &Engine, turn: &Turn, target: &Target, due: &Due) -> Record {
    Record::Wait(Wait {
        turn: turn.id,
        conversation: turn.conversation,
        attempt: due.attempt,
        target: Some(target.clone()),
        until: due.until,
        from: due.from.clone(),
        at: engine.now(),
    })
}

/// Waits for a place's turn. Without a `wait` the turn was never sent and is only queued.
async fn sit_out(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    place: Place,
    wait: Option<WaitView>,
) -> Result<Waited, EngineError> {
    let hurry = guard.waits(wait);
    engine.tell(Update::Changed(turn.conversation));
    engine.tell(Update::List);
    let waited = tokio::select! {
        biased;
        () = guard.cancel().cancelled() => Waited::Cancelled,
        () = place.admitted() => {
            guard.leaves_lane_later(place);
            Waited::Over
        }
        // The person decides that it is time, whoever else waits.
        () = hurry.cancelled() => Waited::Over,
    };
    match waited {
        Waited::Cancelled if engine.closing().is_cancelled() => Ok(Waited::Closing),
        Waited::Cancelled => {
            guard.append(&[end(engine, turn)]).await?;
            Ok(Waited::Cancelled)
        }
        waited => {
            guard.wait_is_over();
            Ok(waited)
        }
    }
}

/// The record of a turn that is not sent by itself any more.
pub(crate) fn end(engine: &Engine, turn: &Turn) -> Record {
    Record::WaitEnd(WaitEnd { turn: turn.id, conversation: turn.conversation, at: engine.now() })
}

/// Goes on with a turn that an earlier process left waiting or queued.
pub(crate) async fn resume(
    engine: Engine,
    guard: RunGuard,
    turn: Turn,
    target: Target,
    place: Place,
    wait: Option<WaitView>,
) {
    match sit_out(&engine, &guard, &turn, place, wait).await {
        Ok(Waited::Over) => turn::run(engine, guard, turn, target).await,
        Ok(Waited::Cancelled | Waited::Closing) => {}
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, turn = %turn.id, "a wait could not be ended");
        }
    }
}
