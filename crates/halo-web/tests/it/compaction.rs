//! Summaries and pins on the pages, and what the input says of a conversation that grows too long.

use axum::http::StatusCode;
use halo_config::{ProviderConfig, preset};
use halo_types::{
    ConversationId, ConversationMeta, Ending, FactValue, Message, Part, Record, Role, Step, StepBy,
    StepKind, StopReason, Target, Timestamp,
};

use crate::browser::Browser;

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("01900000-0000-7000-8000-{n:012x}").parse().unwrap()
}

/// A conversation of eight long messages with a model that reads 4,000 tokens.
struct Talk {
    browser: Browser,
    id: ConversationId,
}

impl Talk {
    async fn new(words: usize) -> Self {
        let browser = Browser::signed_in().await;
        let preset = preset("openai-compatible").unwrap();
        let mut provider = ProviderConfig::from_preset(preset, "relay".parse().unwrap());
        provider.base_url = "http://127.0.0.1:9".to_owned();
        provider.models = vec!["m".to_owned()];
        browser.engine.config().save_provider(provider.clone()).unwrap();
        let window = FactValue::ContextWindow(4_000);
        browser.engine.set_fact(&provider.id, "m", window).await.unwrap();
        let conversation: ConversationId = id(1);
        let mut records = vec![Record::Conversation(ConversationMeta {
            id: conversation,
            created_at: Timestamp(0),
            title: "Bees".to_owned(),
            title_by_person: false,
            pinned: false,
            target: Some(Target { provider: provider.id, model: "m".to_owned() }),
            system: None,
            parameters: Default::default(),
        })];
        records.extend((0..8).map(|n| {
            let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
            Record::Message(Message {
                id: id(100 + n),
                conversation,
                parent: n.checked_sub(1).map(|before| id(100 + before)),
                role,
                parts: vec![Part::text(format!("Text {n}. {}", "word ".repeat(words)))],
                at: Timestamp(i64::try_from(n).unwrap()),
                origin: None,
                ending: (role == Role::Assistant)
                    .then_some(Ending::Complete { stop: StopReason::End }),
                usage: None,
            })
        }));
        browser.engine.store().append(conversation, &records).await.unwrap();
        Self { browser, id: conversation }
    }

    /// Summarises everything before the last exchange.
    async fn summarised(words: usize) -> Self {
        let talk = Self::new(words).await;
        let kind = StepKind::Summarise {
            first_kept: id(106),
            summary: "They spoke of bees.".to_owned(),
            by: Some(Target { provider: "relay".parse().unwrap(), model: "m".to_owned() }),
            parts: 3,
            edits: None,
            tokens_before: 5_000,
            tokens_after: 1_200,
        };
        let step = Step {
            id: id(200),
            conversation: talk.id,
            at: Timestamp(9),
            kind,
            cause: None,
            by: StepBy::Person,
        };
        talk.browser.engine.store().append(talk.id, &[Record::Step(step)]).await.unwrap();
        talk
    }

    async fn page(&self) -> String {
        self.browser.get(&format!("/c/{}", self.id)).await.body
    }

    async fn post(&self, path: &str, form: &str) {
        let answer = self.browser.post(&format!("/c/{}/{path}", self.id), form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_summary_is_read_edited_and_taken_back() {
    let talk = Talk::summarised(600).await;
    let page = talk.page().await;
    assert!(page.contains("Written in 3 parts by m."), "{page}");
    assert!(page.contains("data-summary-form") && page.contains("5k → 1.2k"));
    assert!(!page.contains("data-without-script>About"), "it fits now");
    let step: halo_types::StepId = id(200);
    talk.post(&format!("steps/{step}/edit"), "text=They+spoke%0D%0Aof+%3Cbees%3E.").await;
    let page = talk.page().await;
    assert!(
        page.contains("Edited by you.") && page.contains("spoke\nof &#60;bees&#62;."),
        "{page}"
    );
    assert!(!page.contains(&format!("data-step=\"{step}\"")), "the former words make room");
    let empty = talk.browser.post(&format!("/c/{}/steps/{step}/edit", talk.id), "text=+").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Undo brings the former words back, and once more the messages themselves.
    let edited = page.split("data-step=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    talk.post(&format!("steps/{edited}/undo"), "").await;
    let page = talk.page().await;
    assert!(page.contains("Written in 3 parts by m.") && page.contains("/redo\""));
    talk.post(&format!("steps/{step}/undo"), "").await;
    let page = talk.page().await;
    assert!(page.contains("are more than the 4k that this model reads"), "{page}");
    assert!(page.contains("data-action=\"compact\"") && page.contains("data-can-compact"));
}

#[tokio::test]
async fn near_the_share_that_was_set_compacting_is_one_click() {
    // About 3,300 of 4,000 tokens.
    let talk = Talk::new(400).await;
    let page = talk.page().await;
    assert!(page.contains("of the 4k tokens that this model reads are used."), "{page}");
    assert!(page.contains("nothing is deleted") && page.contains("data-action=\"compact\""));
    assert!(page.contains("data-compact-percent=\"80\""));
    let config = talk.browser.engine.config();
    config.update(|settings| settings.recovery.compact_at_percent = 95).unwrap();
    let page = talk.page().await;
    assert!(!page.contains("tokens that this model reads are used."));
    assert!(!page.contains("data-action=\"compact\""));
    // What is done without asking is not offered.
    config
        .update(|settings| {
            settings.recovery.compact_at_percent = 50;
            settings.recovery.always_compact = true;
        })
        .unwrap();
    let page = talk.page().await;
    assert!(page.contains("data-always-compact") && !page.contains("data-action=\"compact\""));
    assert!(!page.contains("tokens that this model reads are used."));
}

#[tokio::test]
async fn a_message_is_pinned_and_unpinned() {
    let talk = Talk::summarised(100).await;
    let page = talk.page().await;
    assert_eq!(page.matches("data-action=\"pin\"").count(), 8);
    assert_eq!(page.matches("Sent only as part of the summary").count(), 6);
    let message: halo_types::MessageId = id(102);
    talk.post(&format!("messages/{message}/pin"), "pinned=1").await;
    let page = talk.page().await;
    assert_eq!(page.matches("data-pinned-note").count(), 1);
    assert_eq!(page.matches("Sent only as part of the summary").count(), 5);
    assert_eq!(page.matches("data-action=\"unpin\"").count(), 1);
    talk.post(&format!("messages/{message}/pin"), "pinned=0").await;
    assert!(!talk.page().await.contains("data-pinned-note"));
    let nobody: halo_types::MessageId = id(999);
    let path = format!("/c/{}/messages/{nobody}/pin", talk.id);
    assert_eq!(talk.browser.post(&path, "pinned=1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn where_nothing_can_be_compacted_the_words_say_what_else_can_be_done() {
    let talk = Talk::new(4_000).await;
    let answer = talk.browser.post(&format!("/c/{}/compact", talk.id), "").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("Shorten the message"), "{}", answer.body);
    let page = talk.page().await;
    assert!(page.contains("are more than the 4k") && !page.contains("data-action=\"compact\""));
}
