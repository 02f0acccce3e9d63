//! The story every backend must pass, told through the trait alone.
//!
//! A backend's test calls [`begin`] on an empty store, opens the store anew, and calls [`go_on`].
//! Both panic where the backend breaks the contract, and hand on the errors it should not have
//! given.

use halo_types::{
    AttemptEnd, AttemptId, AttemptOutcome, AttemptStart, Because, Blame, BlobId, Confidence,
    ConversationId, ConversationMeta, Diagnosis, Evidence, Fact, FactId, FactOrigin, FactScope,
    FactValue, Facts, Head, Headers, Kind, Message, MessageId, Part, Protocol, ProviderId, Record,
    Role, Scope, Target, Timestamp, Tombstone, Turn, TurnId, TurnKind, Wait, WaitEnd,
};

use crate::{Chunk, ChunkKind, Found, Store, StoreError, TokenKind, TokenRow};

/// Fills an empty store and checks what it says while it is open.
///
/// # Errors
/// Errors of the backend in places where there is no reason for one.
///
/// # Panics
/// Where the backend breaks the contract.
pub async fn begin(store: &dyn Store) -> Result<(), StoreError> {
    nothing_is_there(store).await?;
    a_turn_is_stored(store).await?;
    what_is_wrong_is_refused_whole(store).await?;
    lists_are_in_order(store).await?;
    what_was_said_is_found(store).await?;
    open_turns_are_listed_by_due_time(store).await?;
    pictures_are_named_by_their_bytes(store).await?;
    facts_are_replaced_by_id(store).await?;
    tokens_work_once(store).await?;
    Ok(())
}

/// Checks after the store was opened anew that all is there, and goes on with it.
///
/// # Errors
/// As [`begin`].
///
/// # Panics
/// As [`begin`].
pub async fn go_on(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(store.records(conversation(1)).await?, log(), "the log outlives the process");
    assert_eq!(store.turn(turn_id(1)).await?, Some(conversation(1)));
    assert_eq!(store.open_attempts().await?, [attempt()], "the cut-off attempt is found");
    assert_eq!(store.chunks(attempt().id).await?, journal(), "and what had come of its answer");

    store.append(conversation(1), &[answer(), attempt_end()]).await?;
    store.drop_chunks(attempt().id).await?;
    assert_eq!(store.open_attempts().await?, []);
    assert_eq!(store.chunks(attempt().id).await?, []);
    let measures = store.measures(at(0)).await?;
    assert_eq!(measures.len(), 2, "those that have ended: {measures:?}");
    assert!(measures.iter().all(|row| row.target == attempt().target), "{measures:?}");
    assert_eq!(store.measures(at(1_000_000)).await?, []);

    assert_eq!(open(store).await?, [(41, 300), (43, 500)], "what waits outlives the process");
    assert!(store.claim_turns().await?, "the right to run turns died with the process");

    assert_eq!(store.blob(&abc()).await?.as_deref(), Some(b"abc".as_slice()));
    assert_eq!(store.facts().await?.len(), 1);
    assert_eq!(store.setting("begun").await?.as_deref(), Some("twice"));
    let sessions = store.tokens(TokenKind::Session).await?;
    assert_eq!(sessions, [token(TokenKind::Session, "second", 20)]);
    Ok(())
}

async fn nothing_is_there(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(store.conversations().await?, []);
    assert_eq!(store.records(conversation(1)).await?, []);
    assert_eq!(store.turn(turn_id(1)).await?, None);
    assert_eq!(store.open_attempts().await?, []);
    assert_eq!(store.facts().await?, []);
    assert_eq!(store.blob(&abc()).await?, None);
    assert_eq!(store.token(TokenKind::Link, "none").await?, None);
    assert_eq!(store.setting("begun").await?, None);
    store.set_setting("begun", "once").await?;
    store.set_setting("begun", "twice").await?;
    assert_eq!(store.setting("begun").await?.as_deref(), Some("twice"));
    Ok(())
}

async fn a_turn_is_stored(store: &dyn Store) -> Result<(), StoreError> {
    let log = log();
    store.append(conversation(1), &log[..3]).await?;
    store.append(conversation(1), &log[3..]).await?;
    assert_eq!(store.records(conversation(1)).await?, log, "records come back in order");
    assert_eq!(store.turn(turn_id(1)).await?, Some(conversation(1)));
    assert_eq!(store.open_attempts().await?, [attempt()]);

    // Out of order and twice, as a writer that repeats itself may do.
    let journal = journal();
    store.append_chunk(attempt().id, 1, &journal[1]).await?;
    let wrong = Chunk { kind: ChunkKind::Text, text: "wrong".to_owned() };
    store.append_chunk(attempt().id, 0, &wrong).await?;
    store.append_chunk(attempt().id, 0, &journal[0]).await?;
    store.append_chunk(attempt().id, 10, &journal[2]).await?;
    assert_eq!(store.chunks(attempt().id).await?, journal);
    let unknown = AttemptId::new_from(99);
    let refused = store.append_chunk(unknown, 0, &journal[0]).await;
    assert!(matches!(refused, Err(StoreError::UnknownAttempt(id)) if id == unknown));
    Ok(())
}

async fn what_is_wrong_is_refused_whole(store: &dyn Store) -> Result<(), StoreError> {
    let before = store.records(conversation(1)).await?;
    let again = store.append(conversation(1), &[message(7, 5), turn(1, 1, 5)]).await;
    assert!(
        matches!(again, Err(StoreError::TurnExists { turn, conversation: found })
            if turn == turn_id(1) && found == conversation(1)),
        "a turn is taken once: {again:?}"
    );
    let foreign = store.append(conversation(1), &[message(8, 5), meta(2, "other", 5)]).await;
    assert!(matches!(foreign, Err(StoreError::WrongConversation { kind: "conversation", .. })));
    assert_eq!(store.records(conversation(1)).await?, before, "all or nothing");

    let headless = Record::Head(Head { conversation: conversation(9), message: None, at: at(5) });
    let headless = store.append(conversation(9), &[headless]).await;
    assert!(matches!(headless, Err(StoreError::UnknownConversation(id)) if id == conversation(9)));
    assert_eq!(store.records(conversation(9)).await?, []);
    store.append(conversation(9), &[]).await
}

async fn lists_are_in_order(store: &dyn Store) -> Result<(), StoreError> {
    let titles = |rows: Vec<crate::ConversationRow>| -> Vec<(String, i64)> {
        rows.into_iter().map(|row| (row.meta.title, row.updated_at.0)).collect()
    };
    let want = |rows: &[(&str, i64)]| -> Vec<(String, i64)> {
        rows.iter().map(|(title, at)| ((*title).to_owned(), *at)).collect()
    };
    store.append(conversation(2), &[meta(2, "second", 50)]).await?;
    assert_eq!(titles(store.conversations().await?), want(&[("second", 50), ("first", 3)]));
    // A message moves its conversation up, a new title does not.
    let later = Message { conversation: conversation(2), ..prompt(20, 60) };
    store.append(conversation(2), &[Record::Message(later), meta(2, "renamed", 50)]).await?;
    assert_eq!(titles(store.conversations().await?), want(&[("renamed", 60), ("first", 3)]));

    let tombstone = Tombstone { conversation: conversation(2), at: at(70) };
    store.append(conversation(2), &[Record::Tombstone(tombstone)]).await?;
    assert_eq!(titles(store.conversations().await?), want(&[("first", 3)]));
    assert_eq!(store.records(conversation(2)).await?.len(), 4, "deleting keeps the log");
    store.append(conversation(2), &[meta(2, "back", 50)]).await?;
    assert_eq!(titles(store.conversations().await?), want(&[("back", 60), ("first", 3)]));
    Ok(())
}

async fn what_was_said_is_found(store: &dyn Store) -> Result<(), StoreError> {
    let n = 3;
    store.append(conversation(n), &[meta(n, "Weather 天气", 90)]).await?;
    let said = |number: u64, text: &str, ms: i64| {
        Record::Message(Message {
            conversation: conversation(n),
            parts: vec![Part::text(text), Part::thought("unspoken")],
            ..prompt(number, ms)
        })
    };
    let query = "100% of \"it\" AND (more) OR NOT col:umn * ^a - 'b' \\ {c}";
    store.append(conversation(n), &[said(30, "今天天气怎么样？", 91), said(31, query, 92)]).await?;
    let failed = AttemptEnd {
        conversation: conversation(n),
        attempt: AttemptId::new_from(30),
        outcome: AttemptOutcome::Failed {
            evidence: Box::new(Evidence::from_http(
                429,
                Headers::default(),
                "{\"message\":\"\\u8bf7\\u6c42 slow down\"}",
            )),
            diagnosis: Box::new(diagnosis()),
            partial: None,
        },
        ..ended(93)
    };
    store.append(conversation(n), &[Record::AttemptEnd(Box::new(failed))]).await?;

    let found = async |query: &str| -> Result<Vec<Found>, StoreError> {
        Ok(store.search(query, 10).await?.into_iter().map(|hit| hit.found).collect())
    };
    let message = |number| Found::Message { id: message_id(number), role: Role::User };
    let error = Found::Error { attempt: AttemptId::new_from(30) };
    assert_eq!(found("天气").await?, [message(30), Found::Title], "two signs, the latest first");
    assert_eq!(found("样").await?, [message(30)], "and one");
    assert_eq!(found("天气怎么").await?, [message(30)], "and more");
    assert_eq!(found("WEATHER").await?, [Found::Title], "whatever the case");
    assert_eq!(found("eathe").await?, [Found::Title], "in the middle of a word");
    assert_eq!(found("slow 请求").await?, [error], "the provider's words, unescaped");
    assert_eq!(found("test verdict").await?, [error], "what they mean");
    assert_eq!(found("unspoken").await?, [], "not what was thought");
    assert_eq!(found("weather nowhere").await?, [], "all words count");
    assert_eq!(found("   ").await?, []);
    assert_eq!(found(query).await?, [message(31)], "no sign is a command");
    for word in query.split(' ') {
        assert!(found(word).await?.contains(&message(31)), "{word}");
    }
    for odd in ["\"", "\"\"\"", "*", "AND", "a OR", "%", "_%", "\\", "NEAR(", "\u{0}", "🙂", "')--"]
    {
        found(odd).await?;
    }
    let hit = store.search("天气", 1).await?.remove(0);
    assert_eq!((hit.conversation, hit.title.as_str()), (conversation(n), "Weather 天气"));
    assert_eq!(hit.snippet.pieces(), [("今天", false), ("天气", true), ("怎么样？", false)]);

    store.append(conversation(n), &[meta(n, "Renamed", 90), meta(n, "Renamed", 90)]).await?;
    assert_eq!(found("weather").await?, [], "an old title is forgotten");
    assert_eq!(found("renamed").await?.len(), 1);
    let tombstone = Tombstone { conversation: conversation(n), at: at(94) };
    store.append(conversation(n), &[Record::Tombstone(tombstone)]).await?;
    assert_eq!(found("天气").await?, [], "what is deleted is not found");
    assert_eq!(found("slow").await?, []);
    Ok(())
}

/// The open turns: number and due time.
async fn open(store: &dyn Store) -> Result<Vec<(u64, i64)>, StoreError> {
    let number = |turn: TurnId| turn.uuid().as_u64_pair().1 & 0xffff_ffff_ffff;
    Ok(store.open_turns().await?.iter().map(|open| (number(open.turn), open.due.0)).collect())
}

async fn open_turns_are_listed_by_due_time(store: &dyn Store) -> Result<(), StoreError> {
    assert!(store.claim_turns().await?);
    assert!(store.claim_turns().await?, "who has the right keeps it");
    assert_eq!(open(store).await?, [], "what was sent is not open");
    let wait = |n: u64, of: u64, until: i64| {
        Record::Wait(Wait {
            turn: turn_id(n),
            conversation: conversation(of),
            attempt: None,
            target: Some(target()),
            until: at(until),
            from: "pace".to_owned(),
            at: at(101),
        })
    };
    let sent = |n: u64, of: u64| {
        let (turn, conversation) = (turn_id(n), conversation(of));
        let id = AttemptId::new_from(n);
        Record::Attempt(Box::new(AttemptStart { id, turn, conversation, ..attempt() }))
    };
    let ended_attempt = |n: u64, of: u64| {
        let (turn, conversation) = (turn_id(n), conversation(of));
        let attempt = AttemptId::new_from(n);
        Record::AttemptEnd(Box::new(AttemptEnd { attempt, turn, conversation, ..self::ended(102) }))
    };
    let ended = |n: u64, of: u64| {
        Record::WaitEnd(WaitEnd { turn: turn_id(n), conversation: conversation(of), at: at(102) })
    };
    let here = conversation(2);
    store.append(here, &[turn(41, 2, 10), turn(42, 2, 10)]).await?;
    assert_eq!(open(store).await?, [(41, 10), (42, 10)], "due when stored, in order");
    store.append(here, &[sent(41, 2), wait(41, 2, 400), wait(42, 2, 200)]).await?;
    store.append(here, &[turn(43, 2, 50), wait(43, 2, 500)]).await?;
    assert_eq!(open(store).await?, [(42, 200), (41, 400), (43, 500)]);
    store.append(here, &[wait(41, 2, 300), ended(42, 2)]).await?;
    assert_eq!(open(store).await?, [(41, 300), (43, 500)], "the last wait counts");
    store.append(here, &[ended_attempt(41, 2)]).await?;

    store.append(conversation(6), &[meta(6, "six", 100), turn(44, 6, 100)]).await?;
    let before = store.records(conversation(6)).await?;
    store.drop_open_turns(conversation(6)).await?;
    assert_eq!(store.records(conversation(6)).await?, before, "the log stays as it is");
    store.append(conversation(6), &[turn(45, 6, 100)]).await?;
    let tombstone = Tombstone { conversation: conversation(6), at: at(103) };
    store.append(conversation(6), &[Record::Tombstone(tombstone)]).await?;
    assert_eq!(open(store).await?, [(41, 300), (43, 500)], "what is deleted is not sent");
    Ok(())
}

async fn pictures_are_named_by_their_bytes(store: &dyn Store) -> Result<(), StoreError> {
    store.put_blob(&abc(), b"abc").await?;
    store.put_blob(&abc(), b"abc").await?;
    assert_eq!(store.blob(&abc()).await?.as_deref(), Some(b"abc".as_slice()));
    let wrong = store.put_blob(&abc(), b"abd").await;
    assert!(matches!(wrong, Err(StoreError::WrongBlob(id)) if id == abc()));
    Ok(())
}

async fn facts_are_replaced_by_id(store: &dyn Store) -> Result<(), StoreError> {
    let first = fact(1, FactValue::ContextWindow(8192), 2);
    let second = fact(2, FactValue::ParameterRefused("temperature".to_owned()), 1);
    store.put_fact(&first).await?;
    store.put_fact(&second).await?;
    assert_eq!(store.facts().await?, [second.clone(), first.clone()], "oldest first");
    let changed = Fact { value: FactValue::ContextWindow(4096), ..first };
    store.put_fact(&changed).await?;
    assert!(store.remove_fact(second.id).await?);
    assert!(!store.remove_fact(second.id).await?);
    assert_eq!(store.facts().await?, [changed]);
    Ok(())
}

async fn tokens_work_once(store: &dyn Store) -> Result<(), StoreError> {
    let link = token(TokenKind::Link, "hash", 1);
    store.put_token(&link).await?;
    store.put_token(&token(TokenKind::GatewayKey, "hash", 1)).await?;
    assert_eq!(store.token(TokenKind::Link, "hash").await?, Some(link));
    assert_eq!(store.token(TokenKind::Session, "hash").await?, None, "kinds do not mix");
    assert!(store.remove_token(TokenKind::Link, "hash").await?);
    assert!(!store.remove_token(TokenKind::Link, "hash").await?, "a link works once");
    assert_eq!(store.tokens(TokenKind::GatewayKey).await?.len(), 1);

    let first = token(TokenKind::Session, "first", 30);
    let used = TokenRow { used_at: Some(at(40)), expires_at: None, ..first.clone() };
    store.put_token(&first).await?;
    store.put_token(&token(TokenKind::Session, "second", 20)).await?;
    store.put_token(&used).await?;
    let sessions = store.tokens(TokenKind::Session).await?;
    assert_eq!(sessions, [token(TokenKind::Session, "second", 20), used], "oldest first");
    store.touch_token(TokenKind::Session, "first", at(50)).await?;
    let first = store.token(TokenKind::Session, "first").await?;
    assert_eq!(first.and_then(|row| row.used_at), Some(at(50)));
    store.remove_token(TokenKind::Session, "first").await?;
    store.touch_token(TokenKind::Session, "first", at(60)).await?;
    assert_eq!(store.token(TokenKind::Session, "first").await?, None, "what is gone stays gone");
    Ok(())
}

/// What conversation 1 holds at the end of [`begin`].
fn log() -> Vec<Record> {
    vec![
        meta(1, "first", 1),
        message(2, 2),
        turn(1, 1, 3),
        Record::Attempt(Box::new(attempt())),
        Record::Head(Head {
            conversation: conversation(1),
            message: Some(message_id(2)),
            at: at(4),
        }),
    ]
}

fn journal() -> Vec<Chunk> {
    vec![
        Chunk { kind: ChunkKind::Thinking, text: "hm\0 ".to_owned() },
        Chunk { kind: ChunkKind::Signature, text: String::new() },
        Chunk { kind: ChunkKind::Text, text: "你好, it's \"me\"\n".to_owned() },
    ]
}

fn meta(n: u64, title: &str, ms: i64) -> Record {
    Record::Conversation(ConversationMeta {
        id: conversation(n),
        created_at: at(ms),
        title: title.to_owned(),
        title_by_person: false,
        pinned: false,
        target: Some(target()),
        system: None,
        parameters: Default::default(),
    })
}

fn message(n: u64, ms: i64) -> Record {
    Record::Message(prompt(n, ms))
}

fn prompt(n: u64, ms: i64) -> Message {
    Message {
        id: message_id(n),
        conversation: conversation(1),
        parent: None,
        role: Role::User,
        parts: vec![Part::text("你好 \"quoted\" \u{0} and 😀")],
        at: at(ms),
        origin: None,
        ending: None,
        usage: None,
    }
}

fn answer() -> Record {
    Record::Message(Message { parent: Some(message_id(2)), role: Role::Assistant, ..prompt(3, 80) })
}

fn turn(n: u64, of: u64, ms: i64) -> Record {
    Record::Turn(Turn {
        id: turn_id(n),
        conversation: conversation(of),
        prompt: message_id(2),
        target: target(),
        kind: TurnKind::Reply,
        at: at(ms),
    })
}

fn attempt() -> AttemptStart {
    AttemptStart {
        id: AttemptId::new_from(1),
        turn: turn_id(1),
        conversation: conversation(1),
        nth: 1,
        target: target(),
        protocol: Protocol::OpenaiChat,
        url: "https://example.org/v1/chat/completions".to_owned(),
        steps: Vec::new(),
        body_sha256: abc().to_string(),
        images: 0,
        input_tokens: 12,
        key: Some(1),
        instead: None,
        at: at(4),
    }
}

fn attempt_end() -> Record {
    Record::AttemptEnd(Box::new(ended(80)))
}

fn diagnosis() -> Diagnosis {
    Diagnosis {
        kind: Kind::RateLimited,
        transient: true,
        vendor: None,
        layers: Vec::new(),
        scope: Scope::Key,
        blame: Blame::Caller,
        confidence: Confidence::Certain,
        retry: None,
        facts: Facts::default(),
        title: "A test verdict".into(),
        meaning: "…".into(),
        remedies: Vec::new(),
        because: Because {
            rule: "test".to_owned(),
            field: "status".to_owned(),
            span: None,
            quote: String::new(),
        },
    }
}

fn ended(ms: i64) -> AttemptEnd {
    AttemptEnd {
        attempt: attempt().id,
        turn: turn_id(1),
        conversation: conversation(1),
        outcome: AttemptOutcome::Died { partial: Some(message_id(3)) },
        first_part_ms: None,
        thinking_ms: None,
        total_ms: 9,
        repeated: String::new(),
        headers: Headers::new([("x-request-id", "req_1")]),
        at: at(ms),
    }
}

fn fact(n: u64, value: FactValue, ms: i64) -> Fact {
    Fact {
        id: FactId::new_from(n),
        scope: FactScope {
            provider: target().provider,
            base_url: "https://example.org/v1".to_owned(),
            model: target().model,
        },
        value,
        origin: FactOrigin::Learned,
        at: at(ms),
        quote: Some("maximum context length is 8192".to_owned()),
        attempt: Some(attempt().id),
        conversation: None,
    }
}

fn token(kind: TokenKind, hash: &str, ms: i64) -> TokenRow {
    TokenRow {
        kind,
        hash: hash.to_owned(),
        label: "a browser".to_owned(),
        created_at: at(ms),
        expires_at: Some(at(ms + 600_000)),
        used_at: None,
    }
}

fn target() -> Target {
    let provider: ProviderId = "relay".parse().expect("a well-formed name");
    Target { provider, model: "gpt-4.1".to_owned() }
}

/// The picture whose bytes are `abc`: the example of the standard for SHA-256.
fn abc() -> BlobId {
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        .parse()
        .expect("64 hex digits")
}

const fn at(ms: i64) -> Timestamp {
    Timestamp(ms)
}

fn conversation(n: u64) -> ConversationId {
    ConversationId::new_from(n)
}

fn message_id(n: u64) -> MessageId {
    MessageId::new_from(n)
}

fn turn_id(n: u64) -> TurnId {
    TurnId::new_from(n)
}

/// Ids that are the same in every run.
trait NewFrom: std::str::FromStr<Err: std::fmt::Debug> {
    fn new_from(n: u64) -> Self {
        format!("01900000-0000-7000-8000-{n:012x}").parse().expect("a well-formed UUIDv7")
    }
}

impl NewFrom for ConversationId {}
impl NewFrom for MessageId {}
impl NewFrom for TurnId {}
impl NewFrom for AttemptId {}
impl NewFrom for FactId {}
