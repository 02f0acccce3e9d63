//! A damaged database: what proves whole is read, and what is done next is the person's choice.

use std::fs;
use std::path::{Path, PathBuf};

use halo_store::{Store as _, StoreError};
use halo_store_sqlite::{Onward, OpenError, Rescue, SqliteStore, choose, rescue, settle};
use halo_types::{
    BlobId, ConversationId, ConversationMeta, Message, MessageId, Parameters, Part, Record, Role,
    Timestamp,
};
use sha2::{Digest as _, Sha256};

const MESSAGES: u64 = 200;
const PAGE: usize = 4096;

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("01900000-0000-7000-8000-{n:012x}").parse().unwrap()
}

fn meta(n: u64) -> Record {
    Record::Conversation(ConversationMeta {
        id: id(n),
        created_at: Timestamp(1),
        title: format!("Conversation {n}"),
        title_by_person: false,
        pinned: false,
        target: None,
        system: None,
        parameters: Parameters::default(),
    })
}

fn message(of: u64, n: u64) -> Record {
    // Every tenth is longer than a page.
    let text = format!("message {n} 消息 ").repeat(if n.is_multiple_of(10) { 900 } else { 3 });
    Record::Message(Message {
        id: id::<MessageId>(of * 1000 + n),
        conversation: id(of),
        parent: None,
        role: Role::User,
        parts: vec![Part::text(text)],
        at: Timestamp(i64::try_from(n).unwrap()),
        origin: None,
        ending: None,
        usage: None,
    })
}

fn picture() -> (BlobId, Vec<u8>) {
    let bytes: Vec<u8> = (0..50_000_u32).map(|n| (n % 251) as u8).collect();
    (BlobId::from_digest(&Sha256::digest(&bytes).into()), bytes)
}

/// Two conversations and a picture on many pages, closed cleanly.
async fn filled(folder: &Path) -> PathBuf {
    let path = folder.join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for n in [1, 2] {
        store.append(id(n), &[meta(n)]).await.unwrap();
    }
    let (blob, bytes) = picture();
    store.put_blob(&blob, &bytes).await.unwrap();
    for n in 0..MESSAGES {
        store.append(id(1 + n % 2), &[message(1 + n % 2, n)]).await.unwrap();
    }
    store.close().await;
    path
}

async fn rescued(path: &Path) -> (SqliteStore, Rescue) {
    let before = fs::read(path).unwrap();
    let why = SqliteStore::open(path).await.expect_err("it is damaged");
    let saved = rescue(path, why).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), before, "the damaged file is left as it is");
    saved
}

fn overwrite(path: &Path, pages: std::ops::Range<usize>) {
    let mut bytes = fs::read(path).unwrap();
    bytes[pages.start * PAGE..pages.end * PAGE].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

/// The number of a page whose first byte is as given, behind the first.
fn page_of(path: &Path, kind: u8, holding: &str) -> usize {
    let bytes = fs::read(path).unwrap();
    let holds = |page: &[u8]| page.windows(holding.len()).any(|w| w == holding.as_bytes());
    let mut pages = bytes.chunks(PAGE).enumerate().skip(1);
    pages.find(|(_, page)| page[0] == kind && holds(page)).unwrap().0
}

async fn read(store: &SqliteStore) -> usize {
    store.records(id(1)).await.unwrap().len() + store.records(id(2)).await.unwrap().len()
}

#[tokio::test]
async fn an_overwritten_page_costs_the_records_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let page = page_of(&path, 0x0d, "\"record\":\"message\"");
    overwrite(&path, page..page + 1);
    let (store, report) = rescued(&path).await;
    let all = usize::try_from(MESSAGES).unwrap() + 2;
    assert!(report.lost > 0 && report.lost < 40, "{report:?}");
    assert_eq!(report.records + report.lost, all, "{report:?}");
    assert_eq!((report.conversations, report.pictures), (2, 1));
    assert_eq!(store.conversations().await.unwrap().len(), 2);
    assert!(read(&store).await >= report.records);
    let (blob, bytes) = picture();
    assert_eq!(store.blob(&blob).await.unwrap(), Some(bytes));
    assert!(!store.search("消息", 9).await.unwrap().is_empty());

    // It can be read and signed in to; nothing is added to what may have gaps.
    store.set_setting("a", "b").await.unwrap();
    let refused = store.append(id(1), &[message(1, 999)]).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
}

#[tokio::test]
async fn a_lost_page_above_the_records_costs_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    // Inner pages of tables hold no words: the first such page behind the schema's.
    let bytes = fs::read(&path).unwrap();
    let inner = bytes.chunks(PAGE).enumerate().skip(1).find(|(_, p)| p[0] == 0x05).unwrap().0;
    overwrite(&path, inner..inner + 1);
    let (store, report) = rescued(&path).await;
    assert_eq!((report.lost, report.records), (0, usize::try_from(MESSAGES).unwrap() + 2));
    assert_eq!(read(&store).await, report.records);
}

#[tokio::test]
async fn a_lost_head_costs_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    overwrite(&path, 0..1);
    let (_store, report) = rescued(&path).await;
    assert_eq!((report.lost, report.conversations), (0, 2), "{report:?}");
}

#[tokio::test]
async fn of_a_truncated_file_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let bytes = fs::read(&path).unwrap();
    let mut before = usize::MAX;
    for share in [3, 2, 1] {
        // In the middle of a page, too.
        fs::write(&path, &bytes[..bytes.len() * share / 4 + 100]).unwrap();
        let (store, report) = rescued(&path).await;
        assert!(report.records > 0 && report.records <= before, "{report:?}");
        before = report.records;
        assert!(!store.conversations().await.unwrap().is_empty());
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_still_in_the_journal_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    let path = filled(&open).await;
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(id(1), &[message(1, 500)]).await.unwrap();
    let left = folder.path().join("halo.db");
    fs::copy(&path, &left).unwrap();
    fs::copy(open.join("halo.db-wal"), folder.path().join("halo.db-wal")).unwrap();
    let page = page_of(&left, 0x0d, "\"record\":\"message\"");
    overwrite(&left, page..page + 1);
    let why = OpenError::Damaged { path: left.clone(), what: "a test".to_owned() };
    let (store, _) = rescue(&left, why).await.unwrap();
    let records = store.records(id(1)).await.unwrap();
    assert_eq!(records.last(), Some(&message(1, 500)));
}

#[tokio::test]
async fn any_damage_is_read_without_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let bytes = fs::read(&path).unwrap();
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..12 {
        let mut broken = bytes.clone();
        for _ in 0..400 {
            let at = random(broken.len());
            broken[at] = u8::try_from(random(256)).unwrap();
        }
        broken.truncate(PAGE + random(broken.len() - PAGE));
        fs::write(&path, &broken).unwrap();
        let why = OpenError::Damaged { path: path.clone(), what: "a test".to_owned() };
        let (store, report) = rescue(&path, why).await.unwrap();
        for row in store.conversations().await.unwrap() {
            store.records(row.meta.id).await.unwrap();
        }
        assert!(report.records <= usize::try_from(MESSAGES).unwrap() + 2);
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_not_rescued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    fs::write(&path, "a letter to my aunt").unwrap();
    let why = SqliteStore::open(&path).await.unwrap_err();
    let error = rescue(&path, why).await.unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    let newer = OpenError::Newer { path: path.clone(), found: 9, known: 2 };
    assert!(matches!(rescue(&path, newer).await, Err(OpenError::Newer { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
}

#[tokio::test]
async fn the_next_start_does_as_was_chosen_and_keeps_the_damaged_file() {
    for onward in [Onward::Rescued, Onward::Empty] {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path()).await;
        let page = page_of(&path, 0x0d, "\"record\":\"message\"");
        overwrite(&path, page..page + 1);
        let damaged = fs::read(&path).unwrap();
        let (store, report) = rescued(&path).await;
        assert_eq!(settle(&path).unwrap(), None, "nothing is chosen yet");
        choose(&path, onward).unwrap();
        store.close().await;
        let aside = settle(&path).unwrap().unwrap();
        assert_eq!(fs::read(&aside).unwrap(), damaged);
        assert_eq!(settle(&path).unwrap(), None, "once");
        let store = SqliteStore::open(&path).await.unwrap();
        let conversations = store.conversations().await.unwrap().len();
        match onward {
            Onward::Rescued => {
                assert_eq!(conversations, report.conversations);
                store.append(id(1), &[message(1, 999)]).await.unwrap();
            }
            Onward::Empty => {
                assert_eq!(conversations, 0);
                assert!(report.rescued.exists(), "what was read is kept");
                store.append(id::<ConversationId>(1), &[meta(1)]).await.unwrap();
            }
        }
    }
}
