//! What the person does with summaries: changes their words, and pins what no summary may eat.

use halo_types::{
    ConversationId, MessageId, Pin, Record, Step, StepBy, StepId, StepKind, StepRedone, StepUndone,
    Timestamp,
};
use uuid::Uuid;

use crate::compact::sized;
use crate::log::Log;
use crate::{Engine, EngineError};

/// The step that a step's summary was changed from.
fn edited_from(log: &Log, step: StepId) -> Option<StepId> {
    match &log.step(step)?.step.kind {
        StepKind::Summarise { edits, .. } => *edits,
        _ => None,
    }
}

/// The steps that are not shown: summaries that another one was made from, unless that one was
/// taken back.
pub(crate) fn replaced(log: &Log) -> Vec<StepId> {
    let mut hidden = Vec::new();
    for entry in log.steps.iter().filter(|entry| !entry.undone) {
        let mut at = edited_from(log, entry.step.id);
        // A damaged log must not lead in circles.
        while let Some(former) = at.filter(|former| !hidden.contains(former)) {
            hidden.push(former);
            at = edited_from(log, former);
        }
    }
    hidden
}

/// The records that take a step back, or again, with what that means for the summary it was
/// changed from: one of the two stands.
pub(crate) fn toggle(
    log: &Log,
    id: ConversationId,
    step: StepId,
    undo: bool,
    at: Timestamp,
) -> Vec<Record> {
    let undone = |step| Record::StepUndone(StepUndone { step, conversation: id, at });
    let redone = |step| Record::StepRedone(StepRedone { step, conversation: id, at });
    let former = edited_from(log, step)
        .and_then(|former| log.step(former))
        .filter(|former| former.undone == undo)
        .map(|former| former.step.id);
    match (undo, former) {
        (true, Some(former)) => vec![undone(step), redone(former)],
        (true, None) => vec![undone(step)],
        (false, Some(former)) => vec![undone(former), redone(step)],
        (false, None) => vec![redone(step)],
    }
}

impl Engine {
    /// Puts the person's words in place of a summary: the step is taken back, and another one
    /// stands in its place. Undoing that one brings the former words back.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown step, [`EngineError::DoesNotFit`] for one that is
    /// no summary or was taken back, [`EngineError::Empty`], [`EngineError::NoTarget`], or if the
    /// store fails.
    pub async fn edit_summary(
        &self,
        id: ConversationId,
        step: StepId,
        text: &str,
    ) -> Result<(), EngineError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EngineError::Empty);
        }
        let live = self.live(id).await?;
        let records = {
            let log = live.log.lock().await;
            let old = log.step(step).ok_or(EngineError::NotFound("step"))?;
            let mut kind = old.step.kind.clone();
            let StepKind::Summarise { summary, edits, .. } = &mut kind else {
                return Err(EngineError::DoesNotFit("the step is no summary"));
            };
            if old.undone {
                return Err(EngineError::DoesNotFit("the summary was taken back"));
            }
            if summary.as_str() == text {
                return Ok(());
            }
            text.clone_into(summary);
            *edits = Some(step);
            let at = self.now();
            let new = Step {
                id: StepId::new(Uuid::now_v7()),
                conversation: id,
                at,
                kind,
                cause: old.step.cause,
                by: StepBy::Person,
            };
            let target = self.target_of(&log).ok_or(EngineError::NoTarget)?;
            let new = sized(self, &log, &target, new, Some(step));
            [Record::StepUndone(StepUndone { step, conversation: id, at }), Record::Step(new)]
        };
        self.append(&live, &records).await
    }

    /// Pins a message, so that it is sent word for word whatever is summarised, or unpins it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown message, [`EngineError::NoConversation`], or if
    /// the store fails.
    pub async fn pin(
        &self,
        id: ConversationId,
        message: MessageId,
        pinned: bool,
    ) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let is = {
            let log = live.log.lock().await;
            log.message(message).ok_or(EngineError::NotFound("message"))?;
            log.pinned.contains(&message)
        };
        if is == pinned {
            return Ok(());
        }
        let pin = Pin { message, conversation: id, pinned, at: self.now() };
        self.append(&live, &[Record::Pin(pin)]).await
    }
}
