//! Turns that are to be sent without a hand, and the right to send them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use halo_store::{OpenTurn, StoreError};
use halo_types::{ConversationId, IdError, Record, Timestamp, TurnId};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row as _, SqlitePool};

use crate::error::failed;
use crate::log::conversation_id;

/// Keeps the list in step with a record that is added.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    conversation: &str,
    record: &Record,
    seq: i64,
) -> Result<(), StoreError> {
    const OPENS: &str = "INSERT INTO open_turns (turn, conversation, due, seq) VALUES (?, ?, ?, ?)
        ON CONFLICT (turn) DO UPDATE SET due = excluded.due, seq = excluded.seq";
    const CLOSES: &str = "DELETE FROM open_turns WHERE turn = ?";
    let opens = |turn: TurnId, due: Timestamp| {
        sqlx::query(OPENS).bind(turn.to_string()).bind(conversation).bind(due.0).bind(seq)
    };
    let query = match record {
        Record::Turn(turn) => opens(turn.id, turn.at),
        Record::Wait(wait) => opens(wait.turn, wait.until),
        Record::Attempt(attempt) => sqlx::query(CLOSES).bind(attempt.turn.to_string()),
        Record::WaitEnd(end) => sqlx::query(CLOSES).bind(end.turn.to_string()),
        _ => return Ok(()),
    };
    query.execute(connection).await.map_err(failed("updating the list of open turns"))?;
    Ok(())
}

/// The open turns of conversations that are not deleted, the one that is due first before the
/// others.
pub(crate) async fn open_turns(pool: &SqlitePool) -> Result<Vec<OpenTurn>, StoreError> {
    const DOING: &str = "listing open turns";
    let rows = sqlx::query(
        "SELECT open_turns.conversation, turn, due
         FROM open_turns JOIN conversations ON conversations.id = open_turns.conversation
         WHERE deleted_at IS NULL ORDER BY due, seq",
    )
    .fetch_all(pool)
    .await
    .map_err(failed(DOING))?;
    rows.iter()
        .map(|row| {
            let turn: &str = row.try_get(1).map_err(failed(DOING))?;
            let turn = turn.parse().map_err(|error: IdError| StoreError::DamagedRow {
                what: "name of an open turn".to_owned(),
                why: error.to_string(),
            })?;
            let due = Timestamp(row.try_get(2).map_err(failed(DOING))?);
            Ok(OpenTurn { turn, conversation: conversation_id(row, 0)?, due })
        })
        .collect()
}

/// Takes the open turns of a conversation off the list.
pub(crate) async fn drop_open_turns(
    pool: &SqlitePool,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM open_turns WHERE conversation = ?")
        .bind(conversation.to_string())
        .execute(pool)
        .await
        .map_err(failed("dropping open turns"))?;
    Ok(())
}

/// The right to run the turns of a database: a lock on a file beside it, which the system takes
/// back when the process ends. A lease with a time would keep the next start waiting after a
/// crash, or run out while a machine sleeps.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    held: Mutex<Option<File>>,
}

impl Claim {
    /// The right to the turns of the database at `path`, not taken yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.with_extension("turns.lock"), held: Mutex::new(None) }
    }

    /// Takes it. Says whether it is ours now.
    pub(crate) fn take(&self) -> Result<bool, StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(true);
        }
        let failed = |source: io::Error| StoreError::Backend {
            doing: "taking the right to run turns",
            source: Box::new(source),
        };
        let mut open = OpenOptions::new();
        open.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        let file = open.open(&self.path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Gives it back.
    pub(crate) fn give_back(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
