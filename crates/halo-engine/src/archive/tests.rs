//! Files that go out and come back, and files that must not.

use std::sync::Arc;

use halo_diagnose::{Context, diagnose};
use halo_store::{Store, StoreError};
use halo_store_sqlite::SqliteStore;
use halo_types::{
    AttemptEnd, AttemptId, AttemptOutcome, AttemptStart, BlobId, ConversationId, ConversationMeta,
    Ending, Evidence, Head, Headers, ImageRef, Message, Origin, Parameters, Part, Pin, Protocol,
    Record, Role, StopReason, Target, Timestamp, Tombstone, Turn, TurnId, TurnKind,
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("01900000-0000-7000-8000-{n:012x}").parse().unwrap()
}

fn target() -> Target {
    Target { provider: "relay".parse().unwrap(), model: "gpt-4.1".to_owned() }
}

fn meta(n: u64, title: &str, temperature: Option<f64>) -> Record {
    Record::Conversation(ConversationMeta {
        id: id(n),
        created_at: Timestamp(1_760_000_000_000),
        title: title.to_owned(),
        title_by_person: false,
        pinned: false,
        target: Some(target()),
        system: None,
        parameters: Parameters { temperature, ..Parameters::default() },
    })
}

fn message(of: u64, n: u64, parent: Option<u64>, parts: Vec<Part>) -> Message {
    Message {
        id: id(n),
        conversation: id(of),
        parent: parent.map(id),
        role: Role::User,
        parts,
        at: Timestamp(1_760_000_000_000 + i64::try_from(n).unwrap()),
        origin: None,
        ending: None,
        usage: None,
    }
}

fn picture() -> (BlobId, Vec<u8>) {
    let bytes = b"not really a picture".to_vec();
    (BlobId::from_digest(&Sha256::digest(&bytes).into()), bytes)
}

/// A conversation in which something went wrong, with a key in the words of the provider as the
/// transport keeps them: masked.
fn talk(n: u64) -> Vec<Record> {
    let (blob, bytes) = picture();
    let image = Part::Image(ImageRef {
        blob,
        media_type: "image/png".to_owned(),
        width: 2,
        height: 3,
        bytes: bytes.len() as u64,
        name: Some("cat.png".to_owned()),
    });
    let prompt = message(n, n * 100 + 1, None, vec![Part::text("Why? 为什么？"), image]);
    let turn: TurnId = id(n * 100 + 2);
    let attempt = |nth: u32| AttemptStart {
        id: id(n * 100 + 10 + u64::from(nth)),
        turn,
        conversation: id(n),
        nth,
        target: target(),
        protocol: Protocol::OpenaiChat,
        url: "https://example.org/v1/chat/completions".to_owned(),
        steps: Vec::new(),
        body_sha256: "00".repeat(32),
        images: 1,
        input_tokens: 12,
        key: Some(1),
        instead: None,
        at: Timestamp(1_760_000_000_500),
    };
    let end = |attempt: AttemptId, outcome| {
        Record::AttemptEnd(Box::new(AttemptEnd {
            attempt,
            turn,
            conversation: id(n),
            outcome,
            first_part_ms: None,
            thinking_ms: None,
            total_ms: 1234,
            repeated: String::new(),
            headers: Headers::new([("x-request-id", "req_1")]),
            at: Timestamp(1_760_000_001_000),
        }))
    };
    let body = "{\"error\":{\"message\":\"```Rate limit reached``` for key sk-proj…1234\"}}";
    let evidence =
        Evidence::from_http(429, Headers::new([("retry-after", "20"), ("set-cookie", "…")]), body);
    let diagnosis = Box::new(diagnose(&evidence, &Context::default()));
    let (first, second) = (attempt(1), attempt(2));
    let answer = Message {
        role: Role::Assistant,
        parts: vec![Part::thought("because </details> of"), Part::text("Therefore.")],
        origin: Some(Origin { target: target(), turn, attempt: second.id, model_reported: None }),
        ending: Some(Ending::Complete { stop: StopReason::End }),
        ..message(n, n * 100 + 3, Some(n * 100 + 1), Vec::new())
    };
    let (failed, answered) = (first.id, second.id);
    vec![
        meta(n, "Causes", Some(0.7)),
        Record::Message(prompt),
        Record::Turn(Turn {
            id: turn,
            conversation: id(n),
            prompt: id(n * 100 + 1),
            target: target(),
            kind: TurnKind::Reply,
            at: Timestamp(1_760_000_000_400),
        }),
        Record::Attempt(Box::new(first)),
        end(
            failed,
            AttemptOutcome::Failed { evidence: Box::new(evidence), diagnosis, partial: None },
        ),
        Record::Attempt(Box::new(second)),
        Record::Message(answer),
        end(answered, AttemptOutcome::Answered { message: Some(id(n * 100 + 3)) }),
        Record::Pin(Pin {
            message: id(n * 100 + 1),
            conversation: id(n),
            pinned: true,
            at: Timestamp(1_760_000_003_000),
        }),
    ]
}

struct Place {
    store: Arc<SqliteStore>,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("halo.db")).await.unwrap();
        Self { store: Arc::new(store), _folder: folder }
    }

    async fn with(conversations: &[Vec<Record>]) -> Self {
        let place = Self::empty().await;
        let (blob, bytes) = picture();
        place.store.put_blob(&blob, &bytes).await.unwrap();
        for records in conversations {
            place.store.append(records[0].conversation(), records).await.unwrap();
        }
        place
    }

    async fn export(&self, format: ExportFormat, lang: halo_types::Lang) -> String {
        let context = Context { lang, ..Context::default() };
        let mut export = Export::all(self.store.clone(), format, context).await.unwrap();
        let mut out = String::new();
        while let Some(piece) = export.next().await.unwrap() {
            out.push_str(&piece);
        }
        out
    }

    async fn json(&self) -> String {
        self.export(ExportFormat::Json, halo_types::Lang::En).await
    }

    async fn import(&self, file: &str) -> Result<ImportReport, ArchiveError> {
        import(self.store.as_ref(), &Archive::read(file.as_bytes())?).await
    }
}

#[tokio::test]
async fn what_goes_out_comes_back_once() {
    let place = Place::with(&[talk(1), talk(2), vec![meta(3, "empty", None)]]).await;
    let file = place.json().await;
    serde_json::from_str::<serde_json::Value>(&file).unwrap();
    let other = Place::empty().await;
    let report = other.import(&file).await.unwrap();
    assert_eq!(report, ImportReport { added: 3, messages: 4, ..ImportReport::default() });
    assert_eq!(other.store.records(id(1)).await.unwrap(), talk(1));
    let (blob, bytes) = picture();
    assert_eq!(other.store.blob(&blob).await.unwrap(), Some(bytes));
    assert_eq!(other.json().await, file, "to the byte");
    assert_eq!(other.store.search("therefore", 9).await.unwrap().len(), 2, "and is found");

    let report = other.import(&file).await.unwrap();
    assert_eq!(report, ImportReport { known: 3, ..ImportReport::default() });
    assert_eq!(other.json().await, file, "nothing is doubled");

    // As jq or an editor would set it.
    let value: serde_json::Value = serde_json::from_str(&file).unwrap();
    let indented = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(other.import(&indented).await.unwrap().known, 3);
}

#[tokio::test]
async fn what_waited_elsewhere_is_not_sent_from_here() {
    // Cut before its first attempt: a turn that was never sent.
    let elsewhere = Place::with(&[talk(1)[..3].to_vec()]).await;
    let open = |place: &Place| {
        let store = Arc::clone(&place.store);
        async move { store.open_turns().await.unwrap().len() }
    };
    assert_eq!(open(&elsewhere).await, 1);
    let here = Place::empty().await;
    here.import(&elsewhere.json().await).await.unwrap();
    assert_eq!(open(&here).await, 0);
    assert_eq!(here.json().await, elsewhere.json().await, "and nothing is added to the log");
}

#[tokio::test]
async fn conversations_that_went_on_are_continued_or_left_alone() {
    let whole = Place::with(&[talk(1)]).await;
    let file = whole.json().await;
    let part = Place::with(&[talk(1)[..4].to_vec()]).await;
    assert_eq!(part.import(&file).await.unwrap().continued, 1);
    assert_eq!(part.store.records(id(1)).await.unwrap(), talk(1));

    // Renamed here since: the file has nothing new.
    whole.store.append(id(1), &[meta(1, "Mine", None)]).await.unwrap();
    assert_eq!(whole.import(&file).await.unwrap().known, 1);
    assert_eq!(whole.store.conversations().await.unwrap()[0].meta.title, "Mine");

    // Deleted here since: the file brings it back.
    let tombstone = Tombstone { conversation: id(1), at: Timestamp(9) };
    whole.store.append(id(1), &[Record::Tombstone(tombstone)]).await.unwrap();
    assert_eq!(whole.import(&file).await.unwrap().restored, 1);
    assert_eq!(whole.store.conversations().await.unwrap().len(), 1);

    let mut differently = talk(1)[..4].to_vec();
    differently.push(Record::Head(Head { conversation: id(1), message: None, at: Timestamp(9) }));
    let other = Place::with(std::slice::from_ref(&differently)).await;
    assert_eq!(other.import(&file).await.unwrap().differing, [id::<ConversationId>(1)]);
    assert_eq!(other.store.records(id(1)).await.unwrap(), differently);
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_refused_with_its_place_and_nothing_is_stored() {
    let file = Place::with(&[talk(1), talk(2)]).await.json().await;
    let empty = Place::empty().await;
    let says = async |file: &str| {
        let error = empty.import(file).await.unwrap_err().to_string();
        assert!(error.contains("nothing was imported"), "{error}");
        error
    };
    for other in
        ["", "hello", "{}", "[1]", "{\"format\":\"x\",\"version\":1}", "\u{0}", "{\"format\":7"]
    {
        assert!(says(other).await.contains("no export of Halo"), "{other}");
    }
    let newer = file.replacen("\"version\":1", "\"version\":2", 1);
    assert!(says(&newer).await.contains("newer Halo (its format is 2"));
    let newer = "{\"format\":\"halo-export\",\"version\":9,\"talks\":{}}";
    assert!(says(newer).await.contains("its format is 9"));

    let line = file.lines().count() / 2;
    let torn: String = file.split_inclusive('\n').take(line).collect();
    let error = says(torn.trim_end()).await;
    assert!(error.contains(&format!("damaged in line {line}, column")), "{error}");
    // A cut at any place is noticed.
    for at in (0..file.len()).step_by(97).filter(|at| file.is_char_boundary(*at)) {
        assert!(empty.import(&file[..at]).await.is_err(), "{at}");
    }
    let error = says(&file.replacen("Therefore", "However", 1)).await;
    assert!(error.contains("The 1.") || error.contains("the 1. conversation"), "{error}");
    assert!(error.contains("checksum does not fit"), "{error}");
    let (blob, bytes) = picture();
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
    let error = says(&file.replacen(&text, "AAAA", 1)).await;
    assert!(error.contains(&format!("picture {blob} is damaged")), "{error}");
    let error = says(&file.replacen("\"record\":\"turn\"", "\"record\":\"vote\"", 1)).await;
    assert!(error.contains("of kind vote, cannot be read by this Halo"), "{error}");
    let error =
        says(&file.replacen("\"role\":\"user\"", "\"mood\":\"blue\",\"role\":\"user\"", 1)).await;
    assert!(error.contains("has mood, which this Halo does not know"), "{error}");
    // One conversation taken out, with its comma.
    let lines: Vec<&str> = file.split("\n{\"id\"").collect();
    let (end, tail) = lines[2].rsplit_once("\n]").unwrap();
    assert!(end.ends_with('}'));
    let shorter = format!("{}\n{{\"id\"{}\n]{tail}", lines[0], lines[1].trim_end_matches(','));
    assert!(says(&shorter).await.contains("are not those that were exported"));

    assert_eq!(empty.store.conversations().await.unwrap(), []);
    assert_eq!(empty.store.blob(&blob).await.unwrap(), None);
}

#[tokio::test]
async fn a_conversation_is_stored_whole_or_not_at_all() {
    let file = Place::with(&[talk(1), talk(2)]).await.json().await;
    // The turn of the second is taken by a conversation of its own.
    let mut taken = talk(7)[..3].to_vec();
    if let Record::Turn(turn) = &mut taken[2] {
        turn.id = id(202);
    }
    let place = Place::with(&[taken]).await;
    let error = place.import(&file).await.unwrap_err();
    let ArchiveError::Store { done: 1, source: StoreError::TurnExists { .. } } = error else {
        panic!("{error:?}");
    };
    assert_eq!(place.store.records(id(1)).await.unwrap(), talk(1));
    assert_eq!(place.store.records(id(2)).await.unwrap(), []);
}

#[tokio::test]
async fn the_readable_form_tells_what_happened() {
    let place = Place::with(&[talk(1)]).await;
    let text = place.export(ExportFormat::Markdown, halo_types::Lang::En).await;
    for part in [
        "# Causes\n",
        "## You · 2025-10-09",
        "*Pinned: sent word for word whatever is summarised.*\n\nWhy? 为什么？",
        "*[Picture: cat.png image/png, 2 × 3, 20 B]*",
        "### Error: ",
        "(`rate_limited`)",
        "*Attempt 1/2 · relay/gpt-4.1 · https://example.org/v1/chat/completions · ",
        "1.2 s · 429*",
        "````\n{\"error\":{\"message\":\"```Rate limit reached```",
        "*Attempt 2/2 ",
        "· answered*",
        "## relay/gpt-4.1 · ",
        "<details><summary>Thinking</summary>\n\nbecause &lt;/details> of\n\n</details>\n\nTherefore.",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let text = place.export(ExportFormat::Markdown, halo_types::Lang::Zh).await;
    assert!(text.contains("### 错误: ") && text.contains("服务商的原话："), "{text}");
}

#[tokio::test]
async fn one_conversation_is_exported_unless_it_is_gone() {
    let place = Place::with(&[talk(1), talk(2)]).await;
    let store: Arc<dyn Store> = place.store.clone();
    let one = |n| Export::one(Arc::clone(&store), id(n), ExportFormat::Json, Context::default());
    let mut export = one(2).await.unwrap();
    let mut file = String::new();
    while let Some(piece) = export.next().await.unwrap() {
        file.push_str(&piece);
    }
    assert_eq!(Archive::read(file.as_bytes()).unwrap().len(), 1);
    assert_eq!(export.report().conversations, 1);
    assert!(matches!(one(9).await, Err(ArchiveError::NoConversation(_))));
    let tombstone = Tombstone { conversation: id(2), at: Timestamp(9) };
    place.store.append(id(2), &[Record::Tombstone(tombstone)]).await.unwrap();
    assert!(matches!(one(2).await, Err(ArchiveError::NoConversation(_))));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::btree_map(".{0,4}", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        ".{0,40}".prop_map(Part::text),
        ".{0,20}".prop_map(Part::thought),
        json().prop_map(|json| Part::Unknown { protocol: "anthropic".to_owned(), json }),
        (".{0,9}", ".{0,9}").prop_map(|(name, arguments)| Part::ToolCall {
            id: "c".to_owned(),
            name,
            arguments,
        }),
        Just(Part::Image(ImageRef {
            blob: picture().0,
            media_type: "image/png".to_owned(),
            width: 2,
            height: 3,
            bytes: 20,
            name: None,
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_conversation_comes_back_to_the_byte(
        title in ".{0,20}",
        temperature in proptest::option::of(any::<f64>().prop_filter("JSON", |n| n.is_finite())),
        body in prop::collection::vec(any::<u8>(), 0..40),
        messages in prop::collection::vec(prop::collection::vec(part(), 0..4), 0..4),
    ) {
        let mut records = vec![meta(1, &title, temperature)];
        for (n, parts) in (10..).zip(messages) {
            records.push(Record::Message(message(1, n, (n > 10).then(|| n - 1), parts)));
        }
        let mut failed = talk(1)[1..5].to_vec();
        if let Some(Record::AttemptEnd(end)) = failed.last_mut()
            && let AttemptOutcome::Failed { evidence, .. } = &mut end.outcome
        {
            evidence.body = body.into();
        }
        records.extend(failed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::with(&[records]).await;
            let file = place.json().await;
            let other = Place::empty().await;
            other.import(&file).await.unwrap();
            assert_eq!(other.json().await, file);
            place.export(ExportFormat::Markdown, halo_types::Lang::En).await;
        });
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Archive::read(&bytes);
    }
}
