//! What was changed behind Halo's back is noticed, and named.

use halo_store::{Store as _, StoreError, story};
use halo_store_sqlite::SqliteStore;
use halo_types::ConversationId;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

async fn story_changed_by(sql: &'static str) -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    story::begin(&store).await.unwrap();
    store.close().await;
    let mut connection =
        sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    connection.execute("DROP TRIGGER records_never_change").await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    (folder, store)
}

fn first() -> ConversationId {
    "01900000-0000-7000-8000-000000000001".parse().unwrap()
}

#[tokio::test]
async fn a_changed_record_is_named_with_its_conversation() {
    let (_folder, store) = story_changed_by(
        "UPDATE records SET json = replace(json, 'quoted', 'changed') WHERE seq = 2",
    )
    .await;
    let error = store.records(first()).await.unwrap_err();
    assert!(matches!(error, StoreError::DamagedRecord { seq: 2, .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "record 2 of conversation {} is damaged: its checksum does not fit its text",
            first()
        )
    );
    let readable = store.readable(first()).await.unwrap();
    assert_eq!((readable.records.len(), readable.damaged.len()), (4, 1), "the rest can be read");
    // The others are not held back by it.
    assert_eq!(store.conversations().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_damaged_title_hides_neither_the_list_nor_its_conversation() {
    let (_folder, store) = story_changed_by(
        "UPDATE records SET json = '{' WHERE seq IN (
             SELECT meta_seq FROM conversations WHERE id LIKE '%2'
         )",
    )
    .await;
    let titles: Vec<String> =
        store.conversations().await.unwrap().into_iter().map(|row| row.meta.title).collect();
    assert_eq!(titles, ["renamed", "first"], "the title before stands in");
}

#[tokio::test]
async fn a_conversation_without_any_description_is_listed_without_a_title() {
    let (_folder, store) = story_changed_by(
        "UPDATE records SET json = '{' WHERE kind = 'conversation' AND conversation LIKE '%2'",
    )
    .await;
    let rows = store.conversations().await.unwrap();
    let titles: Vec<&str> = rows.iter().map(|row| row.meta.title.as_str()).collect();
    assert_eq!(titles, ["", "first"]);
    let readable = store.readable(rows[0].meta.id).await.unwrap();
    assert!(!readable.damaged.is_empty() && readable.records.len() > 1, "{readable:?}");
}

#[tokio::test]
async fn a_changed_picture_is_noticed() {
    let (_folder, store) = story_changed_by("UPDATE blobs SET bytes = x'00'").await;
    let id = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".parse().unwrap();
    let error = store.blob(&id).await.unwrap_err();
    assert!(matches!(error, StoreError::DamagedRow { .. }), "{error:?}");
}

#[tokio::test]
async fn a_fact_of_a_newer_kind_is_passed_over_and_a_damaged_one_is_named() {
    let (_folder, store) = story_changed_by(
        "INSERT INTO facts SELECT 'newer', at, replace(json, '\"fact\":\"', '\"fact\":\"newer_') \
         FROM facts LIMIT 1",
    )
    .await;
    let facts = store.facts().await.unwrap();
    assert!(!facts.is_empty(), "the known ones are read");
    let (_folder, store) = story_changed_by("UPDATE facts SET json = '{\"fact\":'").await;
    let error = store.facts().await.unwrap_err();
    assert!(matches!(error, StoreError::DamagedRow { .. }), "{error:?}");
}

#[tokio::test]
async fn the_log_cannot_be_rewritten_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    story::begin(&store).await.unwrap();
    let mut connection =
        sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let error = connection.execute("UPDATE records SET at = 0").await.unwrap_err();
    assert!(error.to_string().contains("only ever added"), "{error}");
}
