//! `halo export` and `halo import`, beside a running app and with a damaged database.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{
    ConversationId, ConversationMeta, Message, MessageId, Parameters, Part, Record, Role, Timestamp,
};
use tempfile::TempDir;

use crate::process::{App, run};

const KEY: &str = "sk-test-abcdefghijklmnop1234567890";

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("01900000-0000-7000-8000-{n:012x}").parse().unwrap()
}

/// Two conversations with enough words for many pages.
fn fill(data: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(&data.join("halo.db")).await.unwrap());
        for n in [1, 2] {
            let conversation: ConversationId = id(n);
            let mut records = vec![Record::Conversation(ConversationMeta {
                id: conversation,
                created_at: Timestamp(1_760_000_000_000),
                title: format!("Talk {n}"),
                title_by_person: false,
                pinned: false,
                target: None,
                system: None,
                parameters: Parameters::default(),
            })];
            records.extend((0..60).map(|m| {
                Record::Message(Message {
                    id: id::<MessageId>(n * 1000 + m),
                    conversation,
                    parent: (m > 0).then(|| id(n * 1000 + m - 1)),
                    role: Role::User,
                    parts: vec![Part::text(format!("Remark {m}. ").repeat(20))],
                    at: Timestamp(1_760_000_000_000),
                    origin: None,
                    ending: None,
                    usage: None,
                })
            }));
            store.append(conversation, &records).await.unwrap();
        }
        store.close().await;
    });
}

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn halo(data: &Path, args: &[&str], input: &[u8]) -> Said {
    let mut all = args.to_vec();
    all.extend(["--data", data.to_str().unwrap()]);
    let output = run(&all, input);
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(!err.contains("panicked"), "{err}");
    Said { code: output.status.code(), out: String::from_utf8(output.stdout).unwrap(), err }
}

#[test]
fn conversations_go_out_and_come_in_once() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fill(here.path());
    fs::write(here.path().join("secrets.toml"), format!("[keys]\nrelay = [\"{KEY}\"]\n")).unwrap();
    let out = halo(here.path(), &["export", "--all"], b"");
    assert_eq!(out.code, Some(0), "{}", out.err);
    assert!(!out.out.contains(KEY) && out.err.is_empty(), "{}", out.err);

    let came = halo(there.path(), &["import", "-"], out.out.as_bytes());
    assert!(
        came.code == Some(0) && came.out.starts_with("Conversations: 2 added."),
        "{} {}",
        came.out,
        came.err
    );
    let again = halo(there.path(), &["import", "-"], out.out.as_bytes());
    assert_eq!(again.out, "Conversations: 2 here already.\n");
    let file = there.path().join("all.json");
    let second = halo(there.path(), &["export", "--all", "-o", file.to_str().unwrap()], b"");
    assert!(second.err.contains("2 conversations exported to"), "{}", second.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), out.out, "to the byte");

    let one = halo(here.path(), &["export", "talk 2", "--format", "markdown", "--lang", "en"], b"");
    assert!(one.out.starts_with("# Talk 2\n") && one.out.contains("Remark 59."), "{}", one.out);
    let named = halo(here.path(), &["export", "01900000-0000-7000-8000-000000000001"], b"");
    assert_eq!(named.out.matches("\"id\":\"01900000-0000-7000-8000-000000000001\"").count(), 2);

    assert_eq!(halo(here.path(), &["export"], b"").code, Some(2), "which one?");
    let unknown = halo(here.path(), &["export", "nothing"], b"");
    assert!(unknown.code == Some(1) && unknown.err.contains("no conversation of the id or title"));
    let nowhere = TempDir::new().unwrap();
    let nothing = halo(nowhere.path(), &["export", "--all"], b"");
    assert!(nothing.err.contains("there is no database in"), "{}", nothing.err);
    assert!(!nowhere.path().join("halo.db").exists(), "and none is made");
    let torn = halo(there.path(), &["import", "-"], &out.out.as_bytes()[..out.out.len() / 2]);
    assert!(torn.code == Some(1) && torn.err.contains("damaged in line"), "{}", torn.err);
}

#[test]
fn beside_a_running_app_is_read_and_not_written() {
    let data = TempDir::new().unwrap();
    fill(data.path());
    let app = App::start(data.path());
    let out = halo(data.path(), &["export", "--all"], b"");
    assert_eq!(out.code, Some(0), "{}", out.err);
    let came = halo(data.path(), &["import", "-"], out.out.as_bytes());
    assert_eq!(came.code, Some(1));
    let place = format!("http://{}/settings/data", app.address());
    assert!(came.err.contains("Halo runs on") && came.err.contains(&place), "{}", came.err);
    let page = app.get("/?q=remark");
    assert!(page.status == 200 && page.body.contains("<mark>Remark</mark>"));
}

#[test]
fn a_damaged_database_is_shown_exported_and_left_behind() {
    let data = TempDir::new().unwrap();
    fill(data.path());
    let path = data.path().join("halo.db");
    let mut bytes = fs::read(&path).unwrap();
    let words = b"\"record\":\"message\"";
    let leaf = bytes.chunks(4096).position(|page| {
        page[0] == 0x0d && page.windows(words.len()).any(|window| window == words)
    });
    let leaf = leaf.unwrap();
    bytes[leaf * 4096..(leaf + 1) * 4096].fill(0);
    fs::write(&path, &bytes).unwrap();

    let out = halo(data.path(), &["export", "--all"], b"");
    assert_eq!(out.code, Some(1), "{}", out.err);
    assert!(out.err.contains("is damaged") && out.err.contains("records are lost"), "{}", out.err);
    let there = TempDir::new().unwrap();
    let came = halo(there.path(), &["import", "-"], out.out.as_bytes());
    assert!(came.out.starts_with("Conversations: 2 added."), "{} {}", came.out, came.err);

    {
        let app = App::start(data.path());
        let page = app.get("/settings/data");
        for hook in ["data-damage-bar", "data-export-readable", "data-onward=\"rescued\""] {
            assert!(page.body.contains(hook), "{hook} in {}", page.body);
        }
        let shown = app.get("/c/01900000-0000-7000-8000-000000000001");
        assert_eq!(shown.status, 200);
        let refused =
            app.post("/c/01900000-0000-7000-8000-000000000001/rename", &[("title", "New")]);
        assert!(refused.body.contains("the database is damaged"), "{}", refused.body);
        let beside = halo(data.path(), &["export", "--all"], b"");
        assert_eq!(beside.out, out.out, "the running app's copy");
        let chosen = app.post("/settings/data/onward", &[("with", "rescued")]);
        assert!(chosen.body.contains("data-chosen"), "{}", chosen.body);
    }
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed yet");
    let app = App::start(data.path());
    assert_eq!(fs::read(data.path().join("halo.damaged.db")).unwrap(), bytes);
    let page = app.get("/c/01900000-0000-7000-8000-000000000001");
    assert!(page.status == 200 && !page.body.contains("data-damage-bar"));
    let renamed = app.post("/c/01900000-0000-7000-8000-000000000001/rename", &[("title", "New")]);
    assert!(renamed.status < 400, "{}", renamed.body);
}

#[test]
fn what_claude_exported_comes_in_and_what_does_not_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = br#"[{"uuid":"k","name":"Rain","created_at":"2025-01-02T03:04:05Z","chat_messages":[
        {"uuid":"m1","sender":"human","text":"Why rain?","content":[]},
        {"uuid":"m2","sender":"assistant","text":"Clouds.","content":[]}]},
        {"uuid":"e","name":"Empty","chat_messages":[]}]"#;
    let came = halo(folder.path(), &["import", "-"], file);
    assert_eq!(came.out, "Conversations: 1 added, 1 skipped. Messages: 2 added.\n", "{}", came.err);
    assert!(came.err.contains("(Empty) was skipped: it has no messages"), "{}", came.err);
    let again = halo(folder.path(), &["import", "-"], file);
    assert_eq!(again.out, "Conversations: 1 here already, 1 skipped.\n");
}
