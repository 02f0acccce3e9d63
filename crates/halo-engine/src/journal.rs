//! The journal of an answer that streams: pieces reach the disk in batches of at most 200 ms, so
//! that a crash costs no more than the last moment.

use std::sync::Arc;
use std::time::Duration;

use halo_store::{Chunk, ChunkKind, Store};
use halo_types::AttemptId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The longest time a piece waits for others before it is written.
const BATCH: Duration = Duration::from_millis(200);

/// Writes the pieces of one answer behind the back of the stream.
pub(crate) struct Journal {
    pieces: mpsc::UnboundedSender<Chunk>,
    writer: JoinHandle<()>,
}

impl Journal {
    pub(crate) fn start(store: Arc<dyn Store>, attempt: AttemptId) -> Self {
        // Unbounded, but never more than the answer itself, which the turn holds in memory too.
        let (pieces, inbox) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write(store, attempt, inbox));
        Self { pieces, writer }
    }

    pub(crate) fn push(&self, kind: ChunkKind, text: &str) {
        // A writer that is gone has logged why; the answer itself goes on.
        let _ = self.pieces.send(Chunk { kind, text: text.to_owned() });
    }

    /// Waits until everything is on disk.
    pub(crate) async fn finish(self) {
        drop(self.pieces);
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the journal of an answer failed");
        }
    }
}

async fn write(
    store: Arc<dyn Store>,
    attempt: AttemptId,
    mut inbox: mpsc::UnboundedReceiver<Chunk>,
) {
    let mut seq = 0u32;
    while let Some(first) = inbox.recv().await {
        let mut batch = vec![first];
        let full = tokio::time::sleep(BATCH);
        tokio::pin!(full);
        loop {
            tokio::select! {
                () = &mut full => break,
                piece = inbox.recv() => match piece {
                    Some(piece) => match batch.last_mut() {
                        Some(last) if last.kind == piece.kind => last.text.push_str(&piece.text),
                        _ => batch.push(piece),
                    },
                    None => break,
                },
            }
        }
        for chunk in &batch {
            if let Err(error) = store.append_chunk(attempt, seq, chunk).await {
                tracing::error!(%error, %attempt, "a piece of an answer could not be journalled");
            }
            seq = seq.saturating_add(1);
        }
    }
}
