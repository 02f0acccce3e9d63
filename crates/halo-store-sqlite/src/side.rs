//! What is kept beside the log: journals of answers, pictures, facts, tokens and settings.

use std::fmt::Display;

use halo_store::{Chunk, StoreError, TokenKind, TokenRow};
use halo_types::{AttemptId, BlobId, Fact, FactId, FactValue, Timestamp};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use crate::error::failed;

pub(crate) async fn append_chunk(
    pool: &SqlitePool,
    attempt: AttemptId,
    seq: u32,
    chunk: &Chunk,
) -> Result<(), StoreError> {
    let added = sqlx::query(
        "INSERT OR REPLACE INTO chunks (attempt, seq, kind, text)
         SELECT id, ?, ?, ? FROM attempts WHERE id = ?",
    )
    .bind(seq)
    .bind(chunk.kind.as_str())
    .bind(&chunk.text)
    .bind(attempt.to_string())
    .execute(pool)
    .await
    .map_err(failed("journalling an answer"))?;
    if added.rows_affected() == 0 {
        return Err(StoreError::UnknownAttempt(attempt));
    }
    Ok(())
}

pub(crate) async fn chunks(
    pool: &SqlitePool,
    attempt: AttemptId,
) -> Result<Vec<Chunk>, StoreError> {
    const DOING: &str = "reading the journal of an answer";
    let rows = sqlx::query("SELECT kind, text FROM chunks WHERE attempt = ? ORDER BY seq")
        .bind(attempt.to_string())
        .fetch_all(pool)
        .await
        .map_err(failed(DOING))?;
    rows.iter()
        .map(|row| {
            let kind: &str = row.try_get(0).map_err(failed(DOING))?;
            let kind = kind
                .parse()
                .map_err(|error| damaged(format!("journal of attempt {attempt}"), &error))?;
            Ok(Chunk { kind, text: row.try_get(1).map_err(failed(DOING))? })
        })
        .collect()
}

pub(crate) async fn drop_chunks(pool: &SqlitePool, attempt: AttemptId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM chunks WHERE attempt = ?")
        .bind(attempt.to_string())
        .execute(pool)
        .await
        .map_err(failed("dropping the journal of an answer"))?;
    Ok(())
}

pub(crate) async fn put_blob(
    pool: &SqlitePool,
    id: &BlobId,
    bytes: &[u8],
) -> Result<(), StoreError> {
    if digest(bytes) != *id {
        return Err(StoreError::WrongBlob(id.clone()));
    }
    sqlx::query("INSERT INTO blobs (id, bytes) VALUES (?, ?) ON CONFLICT (id) DO NOTHING")
        .bind(id.as_str())
        .bind(bytes)
        .execute(pool)
        .await
        .map_err(failed("storing a picture"))?;
    Ok(())
}

pub(crate) async fn blob(pool: &SqlitePool, id: &BlobId) -> Result<Option<Vec<u8>>, StoreError> {
    const DOING: &str = "reading a picture";
    let row = sqlx::query("SELECT bytes FROM blobs WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(failed(DOING))?;
    let Some(row) = row else { return Ok(None) };
    let bytes: Vec<u8> = row.try_get(0).map_err(failed(DOING))?;
    if digest(&bytes) != *id {
        return Err(damaged(format!("picture {id}"), &"its bytes do not fit its name"));
    }
    Ok(Some(bytes))
}

pub(crate) fn digest(bytes: &[u8]) -> BlobId {
    BlobId::from_digest(&Sha256::digest(bytes).into())
}

pub(crate) async fn put_fact(pool: &SqlitePool, fact: &Fact) -> Result<(), StoreError> {
    const DOING: &str = "storing a fact";
    let json = serde_json::to_string(fact)
        .map_err(|error| StoreError::Backend { doing: DOING, source: Box::new(error) })?;
    sqlx::query("INSERT OR REPLACE INTO facts (id, at, json) VALUES (?, ?, ?)")
        .bind(fact.id.to_string())
        .bind(fact.at.0)
        .bind(json)
        .execute(pool)
        .await
        .map_err(failed(DOING))?;
    Ok(())
}

pub(crate) async fn facts(pool: &SqlitePool) -> Result<Vec<Fact>, StoreError> {
    const DOING: &str = "reading facts";
    let rows = sqlx::query("SELECT id, json FROM facts ORDER BY at, id")
        .fetch_all(pool)
        .await
        .map_err(failed(DOING))?;
    let mut facts = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: &str = row.try_get(0).map_err(failed(DOING))?;
        let json: &str = row.try_get(1).map_err(failed(DOING))?;
        match serde_json::from_str(json) {
            Ok(fact) => facts.push(fact),
            // A newer Halo knows more kinds; what it learned stays there for it.
            Err(_) if is_of_a_newer_kind(json) => {}
            Err(error) => return Err(damaged(format!("fact {id}"), &error)),
        }
    }
    Ok(facts)
}

/// Whether a stored fact is whole, but of a kind that this Halo does not know.
fn is_of_a_newer_kind(json: &str) -> bool {
    let fact = serde_json::from_str::<serde_json::Value>(json).unwrap_or_default();
    fact["fact"].as_str().is_some_and(|kind| !FactValue::NAMES.contains(&kind))
}

pub(crate) async fn remove_fact(pool: &SqlitePool, id: FactId) -> Result<bool, StoreError> {
    let removed = sqlx::query("DELETE FROM facts WHERE id = ?")
        .bind(id.to_string())
        .execute(pool)
        .await
        .map_err(failed("forgetting a fact"))?;
    Ok(removed.rows_affected() > 0)
}

pub(crate) async fn put_token(pool: &SqlitePool, token: &TokenRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO tokens (kind, hash, label, created_at, expires_at, used_at)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(token.kind.as_str())
    .bind(&token.hash)
    .bind(&token.label)
    .bind(token.created_at.0)
    .bind(token.expires_at.map(|at| at.0))
    .bind(token.used_at.map(|at| at.0))
    .execute(pool)
    .await
    .map_err(failed("storing a token"))?;
    Ok(())
}

pub(crate) async fn token(
    pool: &SqlitePool,
    kind: TokenKind,
    hash: &str,
) -> Result<Option<TokenRow>, StoreError> {
    let row = sqlx::query(
        "SELECT hash, label, created_at, expires_at, used_at FROM tokens
         WHERE kind = ? AND hash = ?",
    )
    .bind(kind.as_str())
    .bind(hash)
    .fetch_optional(pool)
    .await
    .map_err(failed("looking up a token"))?;
    row.map(|row| token_row(kind, &row)).transpose()
}

pub(crate) async fn tokens(
    pool: &SqlitePool,
    kind: TokenKind,
) -> Result<Vec<TokenRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT hash, label, created_at, expires_at, used_at FROM tokens
         WHERE kind = ? ORDER BY created_at, hash",
    )
    .bind(kind.as_str())
    .fetch_all(pool)
    .await
    .map_err(failed("listing tokens"))?;
    rows.iter().map(|row| token_row(kind, row)).collect()
}

fn token_row(kind: TokenKind, row: &SqliteRow) -> Result<TokenRow, StoreError> {
    let read = || -> Result<TokenRow, sqlx::Error> {
        Ok(TokenRow {
            kind,
            hash: row.try_get(0)?,
            label: row.try_get(1)?,
            created_at: Timestamp(row.try_get(2)?),
            expires_at: row.try_get::<Option<i64>, _>(3)?.map(Timestamp),
            used_at: row.try_get::<Option<i64>, _>(4)?.map(Timestamp),
        })
    };
    read().map_err(failed("reading a token"))
}

pub(crate) async fn remove_token(
    pool: &SqlitePool,
    kind: TokenKind,
    hash: &str,
) -> Result<bool, StoreError> {
    let removed = sqlx::query("DELETE FROM tokens WHERE kind = ? AND hash = ?")
        .bind(kind.as_str())
        .bind(hash)
        .execute(pool)
        .await
        .map_err(failed("removing a token"))?;
    Ok(removed.rows_affected() > 0)
}

pub(crate) async fn touch_token(
    pool: &SqlitePool,
    kind: TokenKind,
    hash: &str,
    used_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE tokens SET used_at = ? WHERE kind = ? AND hash = ?")
        .bind(used_at.0)
        .bind(kind.as_str())
        .bind(hash)
        .execute(pool)
        .await
        .map_err(failed("noting the use of a token"))?;
    Ok(())
}

pub(crate) async fn setting(pool: &SqlitePool, key: &str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT value FROM settings WHERE key = ?")
        .bind(key)
        .fetch_optional(pool)
        .await
        .map_err(failed("reading a setting"))
}

pub(crate) async fn set_setting(
    pool: &SqlitePool,
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)")
        .bind(key)
        .bind(value)
        .execute(pool)
        .await
        .map_err(failed("storing a setting"))?;
    Ok(())
}

fn damaged(what: String, why: &dyn Display) -> StoreError {
    StoreError::DamagedRow { what, why: why.to_string() }
}
