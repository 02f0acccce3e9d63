//! The log of conversations and what is derived from it.

use halo_store::{ConversationRow, Damage, Readable, StoreError};
use halo_types::{
    AttemptStart, ConversationId, ConversationMeta, Parameters, Record, Timestamp, TurnId,
};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, SqlitePool};

use crate::error::failed;
use crate::{measures, outbox, search};

const READING: &str = "reading a conversation";

/// Adds one record and everything derived from it.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
    record: &Record,
) -> Result<(), StoreError> {
    const DOING: &str = "adding a record";
    if record.conversation() != conversation {
        return Err(StoreError::WrongConversation {
            kind: record.kind(),
            expected: conversation,
            found: record.conversation(),
        });
    }
    let id = conversation.to_string();
    let at = record.at().0;
    if let Record::Conversation(_) = record {
        // The number of the record is set below, once it has one.
        sqlx::query(
            "INSERT INTO conversations (id, meta_seq, updated_at) VALUES (?, 0, ?)
             ON CONFLICT (id) DO UPDATE SET deleted_at = NULL",
        )
        .bind(&id)
        .bind(at)
        .execute(&mut *connection)
        .await
        .map_err(failed(DOING))?;
    }
    let json = serde_json::to_string(record)
        .map_err(|error| StoreError::Backend { doing: DOING, source: Box::new(error) })?;
    let seq = sqlx::query(
        "INSERT INTO records (conversation, kind, at, json, crc32)
         SELECT id, ?, ?, ?, ? FROM conversations WHERE id = ?",
    )
    .bind(record.kind())
    .bind(at)
    .bind(&json)
    .bind(i64::from(crc32fast::hash(json.as_bytes())))
    .bind(&id)
    .execute(&mut *connection)
    .await
    .map_err(failed(DOING))?;
    if seq.rows_affected() == 0 {
        return Err(StoreError::UnknownConversation(conversation));
    }
    derive(connection, &id, record, seq.last_insert_rowid()).await?;
    outbox::add(connection, &id, record, seq.last_insert_rowid()).await?;
    measures::add(connection, record).await?;
    search::add(connection, &id, record).await
}

async fn derive(
    connection: &mut SqliteConnection,
    conversation: &str,
    record: &Record,
    seq: i64,
) -> Result<(), StoreError> {
    const DOING: &str = "updating what is derived from a record";
    let query = match record {
        Record::Conversation(_) => {
            sqlx::query("UPDATE conversations SET meta_seq = ? WHERE id = ?")
                .bind(seq)
                .bind(conversation)
        }
        Record::Message(message) => {
            sqlx::query("UPDATE conversations SET updated_at = max(updated_at, ?) WHERE id = ?")
                .bind(message.at.0)
                .bind(conversation)
        }
        Record::Turn(turn) => {
            add_turn(connection, conversation, turn.id).await?;
            sqlx::query("UPDATE conversations SET updated_at = max(updated_at, ?) WHERE id = ?")
                .bind(turn.at.0)
                .bind(conversation)
        }
        Record::Attempt(attempt) => sqlx::query("INSERT INTO attempts (id, seq) VALUES (?, ?)")
            .bind(attempt.id.to_string())
            .bind(seq),
        Record::AttemptEnd(end) => {
            sqlx::query("UPDATE attempts SET ended = 1 WHERE id = ?").bind(end.attempt.to_string())
        }
        Record::Tombstone(tombstone) => {
            sqlx::query("UPDATE conversations SET deleted_at = ? WHERE id = ?")
                .bind(tombstone.at.0)
                .bind(conversation)
        }
        Record::Wait(_)
        | Record::WaitEnd(_)
        | Record::Step(_)
        | Record::StepUndone(_)
        | Record::StepRedone(_)
        | Record::Pin(_)
        | Record::Head(_) => return Ok(()),
    };
    query.execute(&mut *connection).await.map_err(failed(DOING))?;
    Ok(())
}

async fn add_turn(
    connection: &mut SqliteConnection,
    conversation: &str,
    turn: TurnId,
) -> Result<(), StoreError> {
    const DOING: &str = "storing a turn";
    let added = sqlx::query(
        "INSERT INTO turns (id, conversation) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(turn.to_string())
    .bind(conversation)
    .execute(&mut *connection)
    .await
    .map_err(failed(DOING))?;
    if added.rows_affected() > 0 {
        return Ok(());
    }
    let row = sqlx::query("SELECT conversation FROM turns WHERE id = ?")
        .bind(turn.to_string())
        .fetch_one(connection)
        .await
        .map_err(failed(DOING))?;
    Err(StoreError::TurnExists { turn, conversation: conversation_id(&row, 0)? })
}

/// The records of a conversation, oldest first, and those that cannot be read.
pub(crate) async fn readable(
    pool: &SqlitePool,
    conversation: ConversationId,
) -> Result<Readable, StoreError> {
    let rows = sqlx::query(
        "SELECT conversation, seq, json, crc32 FROM records WHERE conversation = ? ORDER BY seq",
    )
    .bind(conversation.to_string())
    .fetch_all(pool)
    .await
    .map_err(failed(READING))?;
    let mut readable = Readable::default();
    for row in &rows {
        match record(row) {
            Ok(record) => readable.records.push(record),
            Err(StoreError::DamagedRecord { seq, what, .. }) => {
                readable.damaged.push(Damage { seq, what });
            }
            Err(error) => return Err(error),
        }
    }
    let described = |record: &Record| matches!(record, Record::Conversation(_));
    if let Some(first) = readable.records.first()
        && !readable.records.iter().any(described)
    {
        // Its own description is lost; what was said is not.
        let meta = Record::Conversation(nameless(conversation, first.at()));
        readable.records.insert(0, meta);
    }
    Ok(readable)
}

/// The description of a conversation whose own is lost.
pub(crate) fn nameless(id: ConversationId, at: Timestamp) -> ConversationMeta {
    ConversationMeta {
        id,
        created_at: at,
        title: String::new(),
        title_by_person: false,
        pinned: false,
        target: None,
        system: None,
        parameters: Parameters::default(),
    }
}

/// The conversations that are not deleted, newest first.
pub(crate) async fn conversations(pool: &SqlitePool) -> Result<Vec<ConversationRow>, StoreError> {
    const DOING: &str = "listing conversations";
    let rows = sqlx::query(
        "SELECT records.conversation, seq, json, crc32, updated_at
         FROM conversations JOIN records ON seq = meta_seq
         WHERE deleted_at IS NULL ORDER BY updated_at DESC, conversations.id DESC",
    )
    .fetch_all(pool)
    .await
    .map_err(failed(DOING))?;
    let mut list = Vec::with_capacity(rows.len());
    for row in &rows {
        let updated_at = Timestamp(row.try_get(4).map_err(failed(DOING))?);
        let meta = match record(row) {
            Ok(Record::Conversation(meta)) => Some(meta),
            // One damaged record must not hide the list.
            _ => {
                let all = readable(pool, conversation_id(row, 0)?).await?.records;
                all.into_iter().rev().find_map(|record| match record {
                    Record::Conversation(meta) => Some(meta),
                    _ => None,
                })
            }
        };
        list.extend(meta.map(|meta| ConversationRow { meta, updated_at }));
    }
    Ok(list)
}

/// The conversation of a turn.
pub(crate) async fn turn(
    pool: &SqlitePool,
    turn: TurnId,
) -> Result<Option<ConversationId>, StoreError> {
    let row = sqlx::query("SELECT conversation FROM turns WHERE id = ?")
        .bind(turn.to_string())
        .fetch_optional(pool)
        .await
        .map_err(failed("looking up a turn"))?;
    row.map(|row| conversation_id(&row, 0)).transpose()
}

/// The attempts that have not ended, oldest first.
pub(crate) async fn open_attempts(pool: &SqlitePool) -> Result<Vec<AttemptStart>, StoreError> {
    let rows = sqlx::query(
        "SELECT conversation, records.seq, json, crc32
         FROM attempts JOIN records ON records.seq = attempts.seq
         WHERE ended = 0 ORDER BY attempts.seq",
    )
    .fetch_all(pool)
    .await
    .map_err(failed("listing open attempts"))?;
    Ok(rows
        .iter()
        .filter_map(|row| match record(row) {
            Ok(Record::Attempt(attempt)) => Some(*attempt),
            _ => None,
        })
        .collect())
}

/// A record out of a row that begins with conversation, seq, json and crc32.
pub(crate) fn record(row: &SqliteRow) -> Result<Record, StoreError> {
    let conversation = conversation_id(row, 0)?;
    let seq: i64 = row.try_get(1).map_err(failed(READING))?;
    let damaged = |what: String| StoreError::DamagedRecord { conversation, seq, what };
    let json: &str = row.try_get(2).map_err(|error| damaged(error.to_string()))?;
    let stored: i64 = row.try_get(3).map_err(|error| damaged(error.to_string()))?;
    if i64::from(crc32fast::hash(json.as_bytes())) != stored {
        return Err(damaged("its checksum does not fit its text".to_owned()));
    }
    serde_json::from_str(json).map_err(|error| damaged(error.to_string()))
}

pub(crate) fn conversation_id(
    row: &SqliteRow,
    column: usize,
) -> Result<ConversationId, StoreError> {
    let text: &str = row.try_get(column).map_err(failed(READING))?;
    text.parse().map_err(|error: halo_types::IdError| StoreError::DamagedRow {
        what: "name of a conversation".to_owned(),
        why: error.to_string(),
    })
}
