//! What became of a turn: computed from its records alone, for pages and for the start alike.

use halo_types::{AttemptId, AttemptOutcome, Record, StepKind, Timestamp, TurnId, TurnKind};

use crate::log::{Log, TurnLog};

/// The state of a turn.
///
/// ```text
/// Queued ──▶ Sending ──▶ Answered
///    │         │  ▲ └──▶ Incomplete, Failed   the card asks
///    │         ▼  │
///    ├──────▶ Waiting                         sent by itself when it is due
///    │         │
///    └─────────┴───────▶ Cancelled
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnState {
    /// Stored, and not sent yet.
    Queued,
    /// A request is under way, or was when Halo ended.
    Sending,
    /// It will be sent by itself.
    Waiting {
        /// When.
        until: Timestamp,
        /// Why so long, as in [`halo_types::Wait::from`].
        from: String,
        /// The failed attempt; `None` where it was not sent yet.
        attempt: Option<AttemptId>,
    },
    /// There is a whole answer, or a summary.
    Answered,
    /// Part of an answer came.
    Incomplete,
    /// The last attempt failed, or Halo ended in its middle, and nothing of an answer came.
    Failed,
    /// The person stopped it before anything came.
    Cancelled,
}

impl TurnState {
    /// The state of a turn by the records of its conversation; `None` where they do not hold it.
    #[must_use]
    pub fn of(records: &[Record], turn: TurnId) -> Option<Self> {
        let log = Log::from_records(records);
        log.turn(turn).map(|turn| Self::in_log(&log, turn))
    }

    /// The same, of a log that was read already.
    pub(crate) fn in_log(log: &Log, turn: &TurnLog) -> Self {
        if let Some(wait) = &turn.wait {
            let (until, from) = (wait.until, wait.from.clone());
            return Self::Waiting { until, from, attempt: wait.attempt };
        }
        if turn.ended {
            // What had come of an earlier attempt is still there.
            let partial = turn.attempts.last().and_then(|attempt| attempt.partial());
            return if partial.is_some() { Self::Incomplete } else { Self::Cancelled };
        }
        let Some(last) = turn.attempts.last() else { return Self::Queued };
        let Some(end) = &last.end else { return Self::Sending };
        // A summary that no model wrote is one: its step names the attempt that failed.
        let summarised = matches!(turn.turn.kind, TurnKind::Compact { .. })
            && log.steps.iter().any(|entry| {
                matches!(entry.step.kind, StepKind::Summarise { .. })
                    && entry.step.cause == Some(last.start.id)
            });
        if summarised {
            return Self::Answered;
        }
        match (&end.outcome, last.partial()) {
            (AttemptOutcome::Answered { .. }, _) => Self::Answered,
            (_, Some(_)) => Self::Incomplete,
            (AttemptOutcome::Stopped { .. }, None) => Self::Cancelled,
            (AttemptOutcome::Failed { .. } | AttemptOutcome::Died { .. }, None) => Self::Failed,
        }
    }

    /// Whether it is to be sent without a hand.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Queued | Self::Waiting { .. })
    }
}

#[cfg(test)]
mod tests;
