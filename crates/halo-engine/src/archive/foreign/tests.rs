//! Small invented files of other apps.

use std::io::Write as _;
use std::sync::Arc;

use halo_store::Store;
use halo_store_sqlite::SqliteStore;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::archive::{ImportReport, import};
use crate::log::Log;

fn node(parent: Option<&str>, role: &str, at: f64, content: Value) -> Value {
    json!({
        "parent": parent,
        "children": [],
        "message": {
            "author": {"role": role},
            "create_time": at,
            "content": content,
            "status": "finished_successfully",
            "metadata": {"model_slug": "gpt-4o", "something_new": [1, 2]},
        },
    })
}

fn said(text: &str) -> Value {
    json!({"content_type": "text", "parts": [text]})
}

fn chatgpt() -> Value {
    let mut hidden = node(Some("root"), "user", 1.0, said("custom instructions"));
    hidden["message"]["metadata"]["is_visually_hidden_from_conversation"] = json!(true);
    let picture = json!({"content_type": "multimodal_text", "parts": [
        {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_00ab"},
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-gone"},
        "What is this?",
    ]});
    let thoughts = json!({"content_type": "thoughts", "thoughts": [
        {"summary": "Look", "content": "It is red."},
    ]});
    json!({
        "title": " Red\nsquare ",
        "create_time": 1_700_000_000.5,
        "conversation_id": "c-1",
        "current_node": "a1",
        "unknown_field": {"x": 1},
        "mapping": {
            "root": {"parent": null, "children": [], "message": null},
            "h": hidden,
            "sys": node(Some("h"), "system", 1.0, said("You are helpful")),
            "u": node(Some("sys"), "user", 1_700_000_001.0, picture),
            "t": node(Some("u"), "assistant", 1_700_000_002.0, thoughts),
            "code": node(Some("t"), "assistant", 1_700_000_003.0,
                json!({"content_type": "code", "language": "python", "text": "print('```')"})),
            "tool": node(Some("code"), "tool", 1_700_000_004.0,
                json!({"content_type": "execution_output", "text": "ok"})),
            "a1": node(Some("tool"), "assistant", 1_700_000_005.0, said("A red square.")),
            "a2": node(Some("u"), "assistant", 1_700_000_006.0, said("A square.")),
            "u2": node(Some("a2"), "user", 1_700_000_007.0, said("Sure?")),
        },
    })
}

fn claude() -> Value {
    json!({
        "uuid": "k-1", "name": "Rain", "created_at": "2025-01-02T03:04:05.678901Z",
        "account": {"uuid": "x"},
        "chat_messages": [
            {"uuid": "m1", "sender": "human", "text": "Why rain?", "created_at": "2025-01-02T03:04:06Z",
             "parent_message_uuid": "00000000-0000-4000-8000-000000000000",
             "content": [{"type": "text", "text": "Why rain?"}],
             "attachments": [{"file_name": "notes.txt", "extracted_content": "wet ``` days"}],
             "files": [{"file_name": "sky.png"}]},
            {"uuid": "m2", "sender": "assistant", "text": "", "created_at": "2025-01-02T03:04:07Z",
             "parent_message_uuid": "m1",
             "content": [{"type": "thinking", "thinking": "Hm."},
                {"type": "tool_use", "name": "web_search", "input": {"query": "rain"}},
                {"type": "tool_result", "content": [{"type": "text", "text": "clouds"}]},
                {"type": "text", "text": "Clouds."}, {"type": "token_budget"}]},
            {"uuid": "m3", "sender": "assistant", "text": "Vapour.", "parent_message_uuid": "m1"},
        ],
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn log(entry: &Entry) -> Log {
    Log::from_records(&entry.records)
}

fn shown(log: &Log) -> Vec<String> {
    log.branch(log.head).iter().map(|message| message.text()).collect()
}

#[test]
fn chatgpts_tree_becomes_versions_with_the_shown_one_shown() {
    let archive = Archive::read(&bytes(&json!([chatgpt()]))).unwrap();
    let log = log(&archive.entries[0]);
    let meta = log.meta.as_ref().unwrap();
    assert_eq!((meta.title.as_str(), meta.title_by_person), ("Red square", true));
    assert_eq!(meta.created_at, Timestamp(1_700_000_000_500));
    let branch = log.branch(log.head);
    assert_eq!(branch.len(), 2, "{branch:?}");
    let (prompt, answer) = (&branch[0], &branch[1]);
    assert!(prompt.text().contains("file_00ab: not in the file") && prompt.parent.is_none());
    assert!(prompt.text().ends_with("What is this?"));
    assert_eq!(answer.parts[0], Part::thought("Look\n\nIt is red."));
    assert_eq!(answer.text(), "````python\nprint('```')\n````\n\n```\nok\n```\n\nA red square.");
    assert_eq!(answer.origin.as_ref().unwrap().target.to_string(), "chatgpt/gpt-4o");
    assert_eq!(log.messages().count(), 4, "the other version and what followed it");
    let other = log.messages().find(|message| message.text() == "A square.").unwrap();
    assert_eq!(other.parent, Some(prompt.id));
}

#[test]
fn claudes_messages_come_with_files_and_versions() {
    let archive = Archive::read(&bytes(&json!([claude()]))).unwrap();
    let log = log(&archive.entries[0]);
    assert_eq!(shown(&log)[1], "Vapour.");
    let prompt = &log.branch(log.head)[0];
    assert_eq!(
        prompt.text(),
        "Why rain?\n\nnotes.txt\n\n````\nwet ``` days\n````\n\n*[sky.png: not in the export]*"
    );
    let other = log.messages().find(|message| message.text().ends_with("Clouds.")).unwrap();
    assert_eq!(other.parent, Some(prompt.id));
    assert!(other.text().contains("**web_search**") && other.text().contains("```\nclouds\n```"));
    assert_eq!(other.parts[0], Part::thought("Hm."));
    let mut old = claude();
    for message in old["chat_messages"].as_array_mut().unwrap() {
        message.as_object_mut().unwrap().remove("parent_message_uuid");
    }
    let archive = Archive::read(&bytes(&json!([old]))).unwrap();
    let log = self::log(&archive.entries[0]);
    assert_eq!(log.branch(log.head).len(), 3, "without parents the order counts");
}

#[test]
fn a_zip_brings_its_pictures() {
    let red = crate::pictures::red_square();
    let file = zipped(&[
        ("x/file_00abc-other.png", b"no"),
        ("x/user-1/file_00ab-sanitized.dat", &red),
        ("x/conversations.json", &bytes(&json!([chatgpt()]))),
        ("x/chat.html", b"<html>"),
    ]);
    let archive = Archive::read(&file).unwrap();
    let log = log(&archive.entries[0]);
    let image = log.branch(log.head)[0].images().next().unwrap().clone();
    assert_eq!((image.width, image.media_type.as_str()), (64, "image/png"));
    let split = zipped(&[
        ("conversations-000.json", &bytes(&json!([chatgpt()]))),
        ("conversations-001.json", &bytes(&json!([claude()]))),
    ]);
    assert_eq!(Archive::read(&split).unwrap().len(), 2);
}

#[test]
fn a_zip_that_is_none_of_theirs_or_too_large_is_refused() {
    let other = zipped(&[("readme.txt", b"hello")]);
    assert!(matches!(Archive::read(&other), Err(ArchiveError::NotAnExport)));
    let mut cut = zipped(&[("conversations.json", &bytes(&json!([claude()])))]);
    cut.truncate(cut.len() / 2);
    assert!(matches!(Archive::read(&cut), Err(ArchiveError::Package { .. })));
    // What it unpacks to is counted as it comes, whatever its head says.
    let large = zipped(&[("conversations.json", &vec![b' '; 1 << 20])]);
    let mut package = Package::open(&large).unwrap();
    assert!(package.read(0, 1 << 19).unwrap().is_none());
    assert!(package.read(0, 1 << 20).unwrap().is_some());
}

#[test]
fn what_does_not_read_is_named_and_the_rest_comes_in() {
    let file = json!([
        claude(),
        {"title": "Broken", "mapping": 5, "conversation_id": "b"},
        {"name": "Empty", "uuid": "e", "chat_messages": []},
        7,
        claude(),
        {"mapping": {}},
    ]);
    let archive = Archive::read(&bytes(&file)).unwrap();
    assert_eq!(archive.len(), 1);
    let named: Vec<_> =
        archive.skipped.iter().map(|s| (s.nth, s.title.as_deref(), s.why.as_str())).collect();
    assert_eq!(
        named,
        [
            (2, Some("Broken"), "its messages cannot be read"),
            (3, Some("Empty"), "it has no messages"),
            (4, None, "it is no conversation"),
            (5, Some("Rain"), "it is in the file twice"),
            (6, None, "it has no id"),
        ]
    );
}

async fn store() -> (Arc<SqliteStore>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("halo.db")).await.unwrap();
    (Arc::new(store), folder)
}

#[tokio::test]
async fn importing_twice_doubles_nothing_and_a_later_file_goes_on() {
    let (store, _folder) = store().await;
    let file = |value: &Value| Archive::read(&bytes(&json!([value, claude()]))).unwrap();
    let first = file(&chatgpt());
    let report = import(store.as_ref(), &first).await.unwrap();
    assert_eq!(report, ImportReport { added: 2, messages: 7, ..ImportReport::default() });
    let report = import(store.as_ref(), &file(&chatgpt())).await.unwrap();
    assert_eq!(report, ImportReport { known: 2, ..ImportReport::default() });

    let mut later = chatgpt();
    later["title"] = json!("Renamed");
    later["mapping"]["u3"] = node(Some("a1"), "user", 1_700_000_009.0, said("Thanks"));
    later["current_node"] = json!("u3");
    let report = import(store.as_ref(), &file(&later)).await.unwrap();
    let wanted = ImportReport { continued: 1, known: 1, messages: 1, ..ImportReport::default() };
    assert_eq!(report, wanted);
    let id = first.entries[0].id;
    let log = Log::from_records(&store.records(id).await.unwrap());
    assert_eq!(shown(&log).last().unwrap(), "Thanks");
    let report = import(store.as_ref(), &file(&later)).await.unwrap();
    assert_eq!(report, ImportReport { known: 2, ..ImportReport::default() });

    // What was shown here stays shown where the person has gone on here.
    let prompt = log.branch(log.head)[0].id;
    let mut own = log.branch(log.head)[1].clone();
    own.id = MessageId::new(made_id(Timestamp(9), &["own"]));
    own.parent = Some(prompt);
    store.append(id, &[Record::Message(own.clone())]).await.unwrap();
    later["mapping"]["u4"] = node(Some("u3"), "user", 1_700_000_010.0, said("And?"));
    import(store.as_ref(), &file(&later)).await.unwrap();
    let log = Log::from_records(&store.records(id).await.unwrap());
    assert_eq!(log.head, Some(own.id));
    assert!(log.messages().any(|message| message.text() == "And?"));

    let tombstone = halo_types::Tombstone { conversation: id, at: Timestamp(9) };
    store.append(id, &[Record::Tombstone(tombstone)]).await.unwrap();
    let report = import(store.as_ref(), &file(&later)).await.unwrap();
    assert_eq!((report.restored, report.known), (1, 1));
    let log = Log::from_records(&store.records(id).await.unwrap());
    assert_eq!((log.deleted, log.head), (false, Some(own.id)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Trees with cycles, missing parents and strange words: every message has its parent before
    /// it, and nothing panics.
    #[test]
    fn any_tree_becomes_a_tree(
        nodes in prop::collection::vec((0usize..12, 0usize..4, ".{0,6}", -5.0f64..2e11), 1..12),
        current in 0usize..14,
    ) {
        let mut mapping = serde_json::Map::new();
        for (at, (parent, role, text, time)) in nodes.iter().enumerate() {
            let role = ["user", "assistant", "tool", "system"][*role];
            let parent = format!("n{parent}");
            let parent = (at > 0).then_some(parent.as_str());
            mapping.insert(format!("n{at}"), node(parent, role, *time, said(text)));
        }
        let value = json!({"id": "p", "mapping": mapping, "current_node": format!("n{current}")});
        let archive = Archive::read(&bytes(&value)).unwrap();
        for entry in &archive.entries {
            let mut known = HashSet::new();
            for record in &entry.records {
                if let Record::Message(message) = record {
                    assert!(message.parent.is_none_or(|parent| known.contains(&parent)));
                    assert!(known.insert(message.id) && !message.parts.is_empty());
                }
            }
            assert!(log(entry).head.is_some_and(|head| known.contains(&head)));
        }
    }

    #[test]
    fn no_zip_does_harm(noise in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..400) {
        let mut file = zipped(&[("conversations.json", &bytes(&json!([claude()])))]);
        let at = at.min(file.len());
        let end = (at + noise.len()).min(file.len());
        file[at..end].copy_from_slice(&noise[..end - at]);
        let _ = Archive::read(&file);
    }
}
