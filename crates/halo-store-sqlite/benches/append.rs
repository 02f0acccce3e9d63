//! How long it takes until a prompt is safe: `cargo bench -p halo-store-sqlite`.
//!
//! Each sample is what a submission stores, a message and its turn, in one transaction that is
//! synced to the disk (`synchronous=FULL`) and findable afterwards. A bare write and sync of the
//! same size beside it tells what of that is the disk's own time. The bar is a median of 2 ms.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and may panic")]

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{
    ConversationId, ConversationMeta, Message, MessageId, Parameters, Part, Record, Role, Target,
    Timestamp, Turn, TurnId, TurnKind,
};

const SAMPLES: u64 = 1_000;

fn main() {
    // Beside the build, which is on a disk; the folder for temporary files may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (name, chars) in [("a prompt of 200 characters", 200), ("a text of 20,000", 20_000)] {
        let path = folder.path().join(format!("{chars}.db"));
        report(name, runtime.block_on(appended(&path, chars)));
    }
    report("write and sync of 4 KiB alone", synced(&folder.path().join("bare")));
}

async fn appended(path: &Path, chars: usize) -> Vec<Duration> {
    let store = SqliteStore::open(path).await.unwrap();
    let conversation: ConversationId = id(1);
    let target = Target { provider: "relay".parse().unwrap(), model: "gpt-4.1".to_owned() };
    let meta = ConversationMeta {
        id: conversation,
        created_at: Timestamp(1),
        title: "A bench".to_owned(),
        title_by_person: false,
        pinned: false,
        target: Some(target.clone()),
        system: None,
        parameters: Parameters::default(),
    };
    store.append(conversation, &[Record::Conversation(meta)]).await.unwrap();
    let text: String =
        "Why is the answer late? 为什么答复这么慢？ ".chars().cycle().take(chars).collect();
    let mut times = Vec::new();
    for n in 2..SAMPLES + 2 {
        let prompt: MessageId = id(n);
        let at = Timestamp(i64::try_from(n).unwrap());
        let message = Message {
            id: prompt,
            conversation,
            parent: None,
            role: Role::User,
            parts: vec![Part::text(text.clone())],
            at,
            origin: None,
            ending: None,
            usage: None,
        };
        let turn = Turn {
            id: id::<TurnId>(n),
            conversation,
            prompt,
            target: target.clone(),
            kind: TurnKind::Reply,
            at,
        };
        let records = [Record::Message(message), Record::Turn(turn)];
        let start = Instant::now();
        store.append(conversation, &records).await.unwrap();
        times.push(start.elapsed());
    }
    store.close().await;
    times
}

fn synced(path: &Path) -> Vec<Duration> {
    let mut file = std::fs::File::create(path).unwrap();
    let bytes = [7; 4096];
    (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect()
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let ms = |at: usize| times[at.min(times.len() - 1)].as_secs_f64() * 1e3;
    let (median, high) = (ms(times.len() / 2), ms(times.len() * 99 / 100));
    println!("{name:32} median {median:.3} ms, 99 % within {high:.3} ms");
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("01900000-0000-7000-8000-{n:012x}").parse().unwrap()
}
