//! What can be found, and finding it.
//!
//! Words of three signs and more are looked for in an index of trigrams. One or two signs, whole
//! words in Chinese, are in no such index: those are looked for in the texts themselves, in what
//! the index has found already or else in the latest [`SCANNED`] texts.

use halo_store::{Found, SearchHit, StoreError};
use halo_types::{ConversationId, Record, Role, Timestamp};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, SqlitePool};

use crate::error::failed;
use crate::log;

const DOING: &str = "searching";
/// The shortest word that an index of trigrams can find, in characters.
const INDEXED: usize = 3;
/// How many texts are read for a query without any such word.
const SCANNED: i64 = 50_000;
/// How many records are held at once while old ones are made findable.
const BATCH: i64 = 500;

// What both ways of searching have in common; `concat!` takes nothing but literals.
macro_rules! columns {
    () => {
        "SELECT t.conversation, t.kind, t.item, t.at, t.text, title.text"
    };
}
macro_rules! title {
    () => {
        " LEFT JOIN search_texts AS title
              ON title.conversation = t.conversation AND title.kind = 'title'"
    };
}
/// Conversations that are not deleted, and every short word in one of its spellings.
macro_rules! short_words {
    () => {
        " AND c.deleted_at IS NULL
          AND NOT EXISTS (
              SELECT 1 FROM json_each(?) AS w
              WHERE t.text NOT LIKE w.value ->> 0 ESCAPE '\\'
                AND t.text NOT LIKE w.value ->> 1 ESCAPE '\\'
                AND t.text NOT LIKE w.value ->> 2 ESCAPE '\\'
                AND t.text NOT LIKE w.value ->> 3 ESCAPE '\\')"
    };
}

/// Makes a record findable.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    conversation: &str,
    record: &Record,
) -> Result<(), StoreError> {
    const DOING: &str = "making a record findable";
    let Some((found, text)) = halo_store::text_of(record) else { return Ok(()) };
    let (kind, item) = match found {
        Found::Title => ("title", String::new()),
        Found::Message { id, role: Role::User } => ("user", id.to_string()),
        Found::Message { id, role: Role::Assistant } => ("assistant", id.to_string()),
        Found::Error { attempt } => ("error", attempt.to_string()),
    };
    if found == Found::Title {
        // Most such records change something else: the model, a parameter.
        let old: Option<String> = sqlx::query_scalar(
            "SELECT text FROM search_texts WHERE conversation = ? AND kind = 'title'",
        )
        .bind(conversation)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(DOING))?;
        if old.as_ref() == Some(&text) {
            return Ok(());
        }
        if old.is_some() {
            sqlx::query("DELETE FROM search_texts WHERE conversation = ? AND kind = 'title'")
                .bind(conversation)
                .execute(&mut *connection)
                .await
                .map_err(failed(DOING))?;
        }
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO search_texts (conversation, kind, item, at, text) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(conversation)
    .bind(kind)
    .bind(item)
    .bind(record.at().0)
    .bind(text)
    .execute(connection)
    .await
    .map_err(failed(DOING))?;
    Ok(())
}

/// Makes the records findable that were stored before there was a search.
pub(crate) async fn fill(pool: &SqlitePool) -> Result<(), StoreError> {
    const DOING: &str = "making old conversations findable";
    let filled: i64 = sqlx::query_scalar("SELECT count(*) FROM search_filled")
        .fetch_one(pool)
        .await
        .map_err(failed(DOING))?;
    if filled > 0 {
        return Ok(());
    }
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(DOING))?;
    let mut upto = 0;
    loop {
        let rows = sqlx::query(
            "SELECT conversation, seq, json, crc32 FROM records
             WHERE seq > ? AND kind IN ('conversation', 'message', 'attempt_end')
             ORDER BY seq LIMIT ?",
        )
        .bind(upto)
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed(DOING))?;
        for row in &rows {
            upto = row.try_get(1).map_err(failed(DOING))?;
            // What is damaged cannot be found; it is told where its conversation is opened.
            if let Ok(record) = log::record(row) {
                let conversation = record.conversation().to_string();
                add(&mut transaction, &conversation, &record).await?;
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    sqlx::query("INSERT INTO search_filled (upto) VALUES (?)")
        .bind(upto)
        .execute(&mut *transaction)
        .await
        .map_err(failed(DOING))?;
    transaction.commit().await.map_err(failed(DOING))
}

/// Where all words of the query are found, the latest first.
pub(crate) async fn search(
    pool: &SqlitePool,
    query: &str,
    limit: usize,
) -> Result<Vec<SearchHit>, StoreError> {
    let words = halo_store::words(query);
    if words.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let (indexed, short): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.chars().count() >= INDEXED);
    // As JSON, because the number of words is not known to the statement.
    let short = serde_json::Value::from_iter(short.iter().map(|word| spellings(word))).to_string();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = if indexed.is_empty() {
        sqlx::query(concat!(
            columns!(),
            " FROM search_texts AS t
              JOIN conversations AS c ON c.id = t.conversation",
            title!(),
            " WHERE t.id > (SELECT coalesce(max(id), 0) FROM search_texts) - ?",
            short_words!(),
            " ORDER BY t.id DESC LIMIT ?",
        ))
        .bind(SCANNED)
        .bind(short)
        .bind(limit)
        .fetch_all(pool)
        .await
    } else {
        // Each word between quotation marks: so no sign of it means anything to the index.
        let quoted: Vec<String> =
            indexed.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        sqlx::query(concat!(
            columns!(),
            " FROM search_index AS i
              CROSS JOIN search_texts AS t ON t.id = i.rowid
              CROSS JOIN conversations AS c ON c.id = t.conversation",
            title!(),
            " WHERE i.search_index MATCH ?",
            short_words!(),
            " ORDER BY i.rowid DESC LIMIT ?",
        ))
        .bind(quoted.join(" AND "))
        .bind(short)
        .bind(limit)
        .fetch_all(pool)
        .await
    };
    let rows = rows.map_err(failed(DOING))?;
    let mut hits = Vec::with_capacity(rows.len());
    for row in &rows {
        hits.push(hit(row, &words)?);
    }
    // What was imported has an old date and a new place.
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
    Ok(hits)
}

/// Patterns for a short word as it may be written: LIKE knows the two cases of ASCII only.
fn spellings(word: &str) -> serde_json::Value {
    let lower = word.to_lowercase();
    let mut chars = lower.chars();
    let capital: String = chars.next().iter().flat_map(|c| c.to_uppercase()).chain(chars).collect();
    [word, &lower, &word.to_uppercase(), &capital]
        .iter()
        .map(|word| {
            let word = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            serde_json::Value::from(format!("%{word}%"))
        })
        .collect()
}

fn hit(row: &SqliteRow, words: &[String]) -> Result<SearchHit, StoreError> {
    let column =
        |column| -> Result<&str, StoreError> { row.try_get(column).map_err(failed(DOING)) };
    let damaged = |error: halo_types::IdError| StoreError::DamagedRow {
        what: "list of what can be found".to_owned(),
        why: error.to_string(),
    };
    let conversation: ConversationId = log::conversation_id(row, 0)?;
    let item = column(2)?;
    let message = |role| Ok(Found::Message { id: item.parse().map_err(damaged)?, role });
    let found = match column(1)? {
        "title" => Found::Title,
        "user" => message(Role::User)?,
        "assistant" => message(Role::Assistant)?,
        _ => Found::Error { attempt: item.parse().map_err(damaged)? },
    };
    let title: Option<String> = row.try_get(5).map_err(failed(DOING))?;
    Ok(SearchHit {
        conversation,
        title: title.unwrap_or_default(),
        found,
        at: Timestamp(row.try_get(3).map_err(failed(DOING))?),
        snippet: halo_store::snippet(column(4)?, words),
    })
}
