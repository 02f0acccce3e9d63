//! The story of the contract, with a clean end and with a crash in the middle.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use halo_store::{Store, StoreError, story};
use halo_store_sqlite::SqliteStore;
use halo_types::{ConversationId, ConversationMeta, Record, Timestamp, Turn, TurnKind};

#[tokio::test]
async fn the_story_with_a_clean_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    story::begin(&store).await.unwrap();
    store.close().await;
    assert!(!folder.path().join("halo.db-wal").exists(), "closing folds the journal in");
    let store = SqliteStore::open(&path).await.unwrap();
    story::go_on(&store).await.unwrap();
}

/// A copy of the files while the store is open is what a killed process leaves behind.
#[tokio::test]
async fn the_story_with_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    story::begin(&store).await.unwrap();
    let left = tempfile::tempdir().unwrap();
    for name in ["halo.db", "halo.db-wal"] {
        fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    let reopened = SqliteStore::open(&left.path().join("halo.db")).await.unwrap();
    story::go_on(&reopened).await.unwrap();
}

#[tokio::test]
async fn of_two_that_open_a_database_one_runs_its_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let first = SqliteStore::open(&path).await.unwrap();
    let second = SqliteStore::open(&path).await.unwrap();
    assert!(first.claim_turns().await.unwrap());
    assert!(!second.claim_turns().await.unwrap());
    first.close().await;
    assert!(second.claim_turns().await.unwrap(), "a closed store gives it back");
    drop(second);
    let third = SqliteStore::open(&path).await.unwrap();
    assert!(third.claim_turns().await.unwrap(), "and so does one that is gone");
}

/// A journal cut in the middle of a commit loses that commit and nothing before it.
#[tokio::test]
async fn a_torn_commit_is_as_if_it_had_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(conversation(), &[meta("kept")]).await.unwrap();
    let wal = folder.path().join("halo.db-wal");
    let kept = fs::metadata(&wal).unwrap().len();
    store.append(conversation(), &[meta("torn")]).await.unwrap();
    let left = tempfile::tempdir().unwrap();
    fs::copy(&path, left.path().join("halo.db")).unwrap();
    let mut journal = fs::read(&wal).unwrap();
    assert!(journal.len() as u64 > kept);
    journal.pop();
    fs::write(left.path().join("halo.db-wal"), journal).unwrap();
    let reopened = SqliteStore::open(&left.path().join("halo.db")).await.unwrap();
    assert_eq!(reopened.records(conversation()).await.unwrap(), [meta("kept")]);
}

#[tokio::test]
async fn of_many_submissions_of_a_turn_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("halo.db")).await.unwrap());
    store.append(conversation(), &[meta("one")]).await.unwrap();
    let turn = Record::Turn(Turn {
        id: "01900000-0000-7000-8000-000000000002".parse().unwrap(),
        conversation: conversation(),
        prompt: "01900000-0000-7000-8000-000000000003".parse().unwrap(),
        target: halo_types::Target { provider: "p".parse().unwrap(), model: "m".into() },
        kind: TurnKind::Reply,
        at: Timestamp(2),
    });
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, turn) = (Arc::clone(&store), turn.clone());
            tokio::spawn(async move { store.append(conversation(), &[turn]).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => stored += 1,
            Err(error) => assert!(matches!(error, StoreError::TurnExists { .. }), "{error}"),
        }
    }
    assert_eq!(stored, 1);
}

/// The bounds are wide, so that a busy machine passes; what they catch is a lost index or a
/// connection made for every call.
#[tokio::test]
async fn adding_and_opening_are_quick() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut times = Vec::new();
    for n in 0..200 {
        let record = [meta(&format!("title {n}"))];
        let start = Instant::now();
        store.append(conversation(), &record).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort();
    assert!(times[100] < Duration::from_millis(20), "median of adding: {:?}", times[100]);
    drop(store);
    let start = Instant::now();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.conversations().await.unwrap().len(), 1);
    let opened = start.elapsed();
    assert!(opened < Duration::from_millis(250), "opening: {opened:?}");
    println!("adding: median {:?}; opening and listing: {opened:?}", times[100]);
}

fn conversation() -> ConversationId {
    "01900000-0000-7000-8000-000000000001".parse().unwrap()
}

fn meta(title: &str) -> Record {
    Record::Conversation(ConversationMeta {
        id: conversation(),
        created_at: Timestamp(1),
        title: title.into(),
        title_by_person: false,
        pinned: false,
        target: None,
        system: None,
        parameters: Default::default(),
    })
}
