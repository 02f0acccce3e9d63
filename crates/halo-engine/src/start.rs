//! At the start: attempts that an earlier process did not end.

use halo_store::ChunkKind;
use halo_types::{
    AttemptEnd, AttemptOutcome, AttemptStart, Ending, Headers, Message, MessageId, Origin, Part,
    Record, Role, TurnKind,
};
use uuid::Uuid;

use crate::{Engine, EngineError};

impl Engine {
    /// Gives every attempt that was cut off an end: what had come of its answer becomes a message
    /// that says so.
    pub(crate) async fn settle_unfinished(&self) -> Result<(), EngineError> {
        for start in self.store().open_attempts().await? {
            let attempt = start.id;
            if let Err(error) = self.settle_one(&start).await {
                // One damaged conversation must not keep the others from opening.
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, %attempt, "an unfinished attempt could not be settled");
            }
        }
        Ok(())
    }

    pub(crate) async fn settle_one(&self, start: &AttemptStart) -> Result<(), EngineError> {
        let live = self.live(start.conversation).await?;
        let (prompt, is_answer) = {
            let log = live.log.lock().await;
            let turn = log.turn(start.turn).ok_or(EngineError::NotFound("turn"))?;
            (turn.turn.prompt, turn.turn.kind == TurnKind::Reply)
        };
        let mut text = String::new();
        let mut thinking = String::new();
        for chunk in self.store().chunks(start.id).await? {
            match chunk.kind {
                ChunkKind::Text => text.push_str(&chunk.text),
                ChunkKind::Thinking => thinking.push_str(&chunk.text),
                // A signature counts only over the whole thought, which is not known to be whole.
                ChunkKind::Signature => {}
            }
        }
        let mut records = Vec::new();
        let mut partial = None;
        if is_answer && !text.trim().is_empty() {
            let id = MessageId::new(Uuid::now_v7());
            let thought = Part::thought(thinking);
            let mut parts = Vec::new();
            if matches!(&thought, Part::Thinking { text, .. } if !text.is_empty()) {
                parts.push(thought);
            }
            parts.push(Part::text(text));
            records.push(Record::Message(Message {
                id,
                conversation: start.conversation,
                parent: Some(prompt),
                role: Role::Assistant,
                parts,
                at: self.now(),
                origin: Some(Origin {
                    target: start.target.clone(),
                    turn: start.turn,
                    attempt: start.id,
                    model_reported: None,
                }),
                ending: Some(Ending::Interrupted),
                usage: None,
            }));
            partial = Some(id);
        }
        let at = self.now();
        records.push(Record::AttemptEnd(Box::new(AttemptEnd {
            attempt: start.id,
            turn: start.turn,
            conversation: start.conversation,
            outcome: AttemptOutcome::Died { partial },
            first_part_ms: None,
            thinking_ms: None,
            total_ms: at.ms_since(start.at),
            repeated: String::new(),
            headers: Headers::default(),
            at,
        })));
        self.append(&live, &records).await?;
        Ok(self.store().drop_chunks(start.id).await?)
    }
}
