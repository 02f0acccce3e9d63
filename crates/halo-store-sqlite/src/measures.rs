//! What each attempt came to.

use halo_store::{Ended, MeasureRow, StoreError};
use halo_types::{AttemptOutcome, IdError, Record, Target, Timestamp};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, SqlitePool};

use crate::error::failed;

/// Keeps the figures in step with a record that is added.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    record: &Record,
) -> Result<(), StoreError> {
    let query = match record {
        Record::Attempt(start) => sqlx::query(
            "INSERT OR IGNORE INTO measures (attempt, turn, provider, model, key, started_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(start.id.to_string())
        .bind(start.turn.to_string())
        .bind(start.target.provider.to_string())
        .bind(start.target.model.clone())
        .bind(start.key)
        .bind(start.at.0),
        Record::AttemptEnd(end) => {
            let (outcome, kind) = match &end.outcome {
                AttemptOutcome::Answered { .. } => ("answered", None),
                AttemptOutcome::Failed { diagnosis, .. } => {
                    ("failed", Some(diagnosis.kind.as_str()))
                }
                AttemptOutcome::Stopped { .. } => ("stopped", None),
                AttemptOutcome::Died { .. } => ("died", None),
            };
            sqlx::query(
                "UPDATE measures SET outcome = ?, kind = ?, first_part_ms = ?, total_ms = ?
                 WHERE attempt = ?",
            )
            .bind(outcome)
            .bind(kind)
            .bind(end.first_part_ms.map(number))
            .bind(number(end.total_ms))
            .bind(end.attempt.to_string())
        }
        Record::Message(message) => {
            let output = message.usage.and_then(|usage| usage.output);
            let Some((origin, output)) = message.origin.as_ref().zip(output) else { return Ok(()) };
            sqlx::query("UPDATE measures SET output_tokens = ? WHERE attempt = ?")
                .bind(number(output))
                .bind(origin.attempt.to_string())
        }
        _ => return Ok(()),
    };
    query.execute(connection).await.map_err(failed("noting what an attempt came to"))?;
    Ok(())
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The attempts since an instant that have ended, oldest first.
pub(crate) async fn measures(
    pool: &SqlitePool,
    since: Timestamp,
) -> Result<Vec<MeasureRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT turn, provider, model, key, started_at, outcome, kind, first_part_ms, total_ms,
                output_tokens
         FROM measures WHERE started_at >= ? AND outcome IS NOT NULL ORDER BY started_at, attempt",
    )
    .bind(since.0)
    .fetch_all(pool)
    .await
    .map_err(failed("reading what attempts came to"))?;
    rows.iter().map(measure).collect()
}

fn measure(row: &SqliteRow) -> Result<MeasureRow, StoreError> {
    let read = || -> Result<_, sqlx::Error> {
        let count = |at: usize| -> Result<Option<u64>, sqlx::Error> {
            Ok(row.try_get::<Option<i64>, _>(at)?.and_then(|n| u64::try_from(n).ok()))
        };
        let texts: [&str; 3] = [row.try_get(0)?, row.try_get(1)?, row.try_get(5)?];
        let kind: Option<&str> = row.try_get(6)?;
        let model: String = row.try_get(2)?;
        let key = row.try_get::<Option<u32>, _>(3)?;
        let started_at = Timestamp(row.try_get(4)?);
        Ok((texts, kind, model, key, started_at, count(7)?, count(8)?, count(9)?))
    };
    let ([turn, provider, outcome], kind, model, key, started_at, first, total, output) =
        read().map_err(failed("reading what an attempt came to"))?;
    let odd =
        |why: String| StoreError::DamagedRow { what: "figures of an attempt".to_owned(), why };
    let ended = match outcome {
        "answered" => Ended::Answered,
        "stopped" => Ended::Stopped,
        "died" => Ended::Died,
        // A kind of a newer Halo counts as a failure all the same.
        _ => Ended::Failed(kind.and_then(|kind| kind.parse().ok())),
    };
    Ok(MeasureRow {
        turn: turn.parse().map_err(|error: IdError| odd(error.to_string()))?,
        target: Target {
            provider: provider.parse().map_err(|error: IdError| odd(error.to_string()))?,
            model,
        },
        key,
        started_at,
        ended,
        first_part_ms: first,
        total_ms: total.unwrap_or(0),
        output_tokens: output,
    })
}
