//! What somebody has who used Halo for a long time. `cargo xtask app-speed` measures with the same.

use std::path::Path;

use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{
    AttemptEnd, AttemptOutcome, AttemptStart, Body, ConversationId, ConversationMeta, Ending,
    Evidence, Headers, Message, MessageId, Parameters, Part, Phase, Protocol, Record, Role,
    StopReason, Target, Timestamp, Turn, TurnKind,
};

/// A day's noon in October 2025.
const BEGAN: i64 = 1_760_000_000_000;
/// How much there is.
pub(super) struct Amount {
    /// Messages in the long conversation.
    pub(super) messages: u64,
    /// Bytes of the huge answer.
    pub(super) bytes: usize,
}

/// Failures in the conversation of failures.
pub(super) const FAILURES: u64 = 50;
/// The addresses of the conversations.
pub(super) const LONG_PATH: &str = "/c/01900000-0000-7000-8000-000001000000";
pub(super) const FAILED_PATH: &str = "/c/01900000-0000-7000-8000-000002000000";
pub(super) const HUGE_PATH: &str = "/c/01900000-0000-7000-8000-000003000000";
pub(super) const WIDE_PATH: &str = "/c/01900000-0000-7000-8000-000004000000";

/// Ids by number: the upper part the conversation's, the lower one the thing's.
pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(conversation: u64, n: u64) -> T {
    let text = format!("01900000-0000-7000-8000-{:012x}", (conversation << 24) + n);
    text.parse().expect("a well formed id")
}

/// Fills the store of a data folder: 200 conversations, among them hard ones.
pub(super) async fn fill(data: &Path, target: &Target, amount: &Amount) {
    let store = SqliteStore::open(&data.join("halo.db")).await.expect("a fresh store");
    let mut all = vec![
        talk(1, "Many messages", (0..amount.messages).map(everyday), target),
        failures(target),
        talk(
            3,
            "A huge answer",
            [(Role::User, "Write much.".to_owned()), (Role::Assistant, huge(amount.bytes))],
            target,
        ),
        talk(
            4,
            "Wide things",
            [(Role::User, wide_prompt()), (Role::Assistant, wide_answer())],
            target,
        ),
    ];
    all.extend(
        (5..=200).map(|n| talk(n, &format!("Conversation {n}"), (0..6).map(everyday), target)),
    );
    for (n, records) in all.iter().enumerate() {
        let conversation: ConversationId = id(n as u64 + 1, 0);
        store.append(conversation, records).await.expect("records that fit");
    }
    store.close().await;
}

fn meta(n: u64, title: &str, target: &Target) -> Record {
    Record::Conversation(ConversationMeta {
        pinned: false,
        id: id(n, 0),
        created_at: Timestamp(BEGAN),
        title: title.to_owned(),
        title_by_person: true,
        target: Some(target.clone()),
        system: None,
        parameters: Parameters::default(),
    })
}

fn message(n: u64, nth: u64, role: Role, text: String) -> Record {
    Record::Message(Message {
        id: id::<MessageId>(n, 0x10_0000 + nth),
        conversation: id(n, 0),
        parent: (nth > 0).then(|| id(n, 0x10_0000 + nth - 1)),
        role,
        parts: vec![Part::text(text)],
        at: Timestamp(BEGAN + i64::try_from(n * 60_000 + nth * 1_000).unwrap_or(0)),
        origin: None,
        ending: (role == Role::Assistant).then_some(Ending::Complete { stop: StopReason::End }),
        usage: None,
    })
}

fn talk(
    n: u64,
    title: &str,
    said: impl IntoIterator<Item = (Role, String)>,
    target: &Target,
) -> Vec<Record> {
    let mut records = vec![meta(n, title, target)];
    let messages = said.into_iter().zip(0..);
    records.extend(messages.map(|((role, text), nth)| message(n, nth, role, text)));
    records
}

/// What is said in everyday conversations, with a list, code and a table now and then.
fn everyday(nth: u64) -> (Role, String) {
    if nth.is_multiple_of(2) {
        return (Role::User, format!("Question {nth}: how do I get on with this, step by step?"));
    }
    let more = match nth % 10 {
        3 => "\n\n```rust\nfn main() {\n    println!(\"hello\");\n}\n```\n",
        7 => "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
        _ => "\n\n- one thing\n- **another** thing\n- a third one with `code`\n",
    };
    let words =
        "Take what you have, look at it closely, and change one thing at a time. ".repeat(4);
    (Role::Assistant, format!("Answer {nth}. {words}{more}\nThat is all."))
}

/// An answer of so many bytes.
fn huge(bytes: usize) -> String {
    let mut text = String::new();
    let mut nth = 1;
    while text.len() < bytes {
        let (_, part) = everyday(nth);
        text.extend([&format!("## Part {nth}\n\n"), part.as_str(), "\n\n"]);
        nth += 2;
    }
    text
}

fn wide_prompt() -> String {
    format!(
        "A word: {}. An address: https://example.org/{}",
        "x".repeat(3_000),
        "path/".repeat(400)
    )
}

fn wide_answer() -> String {
    let row = |cell: &str| format!("|{}\n", format!(" {cell} |").repeat(24));
    let table: String =
        [row("heading"), row("---"), row("a cell with words"), row("123456789")].concat();
    let code = format!("```text\n{}\n```", "code ".repeat(300));
    let word = "y".repeat(3_000);
    format!(
        "{table}\n{word}\n\n[{word}](https://example.org/{word})\n\n{code}\n\n`{word}`\n\nمرحبا بالعالم، هذا نص من اليمين إلى اليسار.\n"
    )
}

/// Prompts that failed, each with a card; bodies of 300 lines.
fn failures(target: &Target) -> Vec<Record> {
    let n = 2;
    let mut records = vec![meta(n, "Fifty failures", target)];
    for nth in 0..FAILURES {
        let at = Timestamp(BEGAN + 1_000 * i64::try_from(nth).unwrap_or(0) + 120_000);
        records.push(message(n, nth, Role::User, format!("Try {nth}")));
        let (turn, attempt) = (id(n, 0x20_0000 + nth), id(n, 0x30_0000 + nth));
        records.push(Record::Turn(Turn {
            id: turn,
            conversation: id(n, 0),
            prompt: id(n, 0x10_0000 + nth),
            target: target.clone(),
            kind: TurnKind::Reply,
            at,
        }));
        records.push(Record::Attempt(Box::new(AttemptStart {
            id: attempt,
            turn,
            conversation: id(n, 0),
            nth: 1,
            target: target.clone(),
            protocol: Protocol::OpenaiChat,
            url: "http://127.0.0.1:9/v1/chat/completions".to_owned(),
            steps: Vec::new(),
            body_sha256: String::new(),
            images: 0,
            input_tokens: 10,
            key: None,
            instead: None,
            at,
        })));
        let lines: String =
            (1..=300).map(|line| format!("  at frame {line} of the server\n")).collect();
        let evidence = Evidence {
            status: Some(500),
            headers: Headers::default(),
            body: Body::from(format!("Internal Server Error: the backend crashed\n{lines}")),
            phase: Some(Phase::Body),
            at: Some(at),
            ..Evidence::default()
        };
        let diagnosis = halo_diagnose::diagnose(&evidence, &halo_diagnose::Context::default());
        records.push(Record::AttemptEnd(Box::new(AttemptEnd {
            thinking_ms: None,
            attempt,
            turn,
            conversation: id(n, 0),
            outcome: AttemptOutcome::Failed {
                evidence: Box::new(evidence),
                diagnosis: Box::new(diagnosis),
                partial: None,
            },
            first_part_ms: None,
            total_ms: 900,
            headers: Headers::default(),
            repeated: String::new(),
            at,
        })));
    }
    records
}
