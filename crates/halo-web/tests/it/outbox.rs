//! What waits, as a browser without scripts sees it.

use axum::http::{Method, StatusCode};
use halo_config::{Config, ConnectionSettings, ProviderConfig};
use halo_engine::now;
use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{
    AttemptEnd, AttemptId, AttemptOutcome, AttemptStart, ConversationId, ConversationMeta,
    Evidence, Headers, Message, MessageId, Parameters, Part, Protocol, Record, Role, Target, Turn,
    TurnId, TurnKind, Wait,
};
use uuid::Uuid;

use crate::browser::Browser;

const JSON: (&str, &str) = ("accept", "application/json");
const CHINESE: (&str, &str) = ("accept-language", "zh-CN");

/// A conversation whose turn was told to wait an hour.
struct Waiting {
    browser: Browser,
    id: ConversationId,
    turn: TurnId,
    prompt: MessageId,
}

fn target(model: &str) -> Target {
    Target { provider: "relay".parse().unwrap(), model: model.to_owned() }
}

/// A provider where nobody answers.
async fn set(config: &Config) {
    let provider = ProviderConfig {
        id: "relay".parse().unwrap(),
        name: "Relay".to_owned(),
        preset: "openai-compatible".to_owned(),
        protocol: Protocol::OpenaiChat,
        base_url: "http://127.0.0.1:9/v1".to_owned(),
        key_env: None,
        needs_key: false,
        models: vec!["first".to_owned(), "second".to_owned()],
        connection: ConnectionSettings::default(),
    };
    config.update(|settings| settings.providers = vec![provider]).unwrap();
}

/// Stores the conversation as a process that ended has left it.
async fn store_waiting(
    store: &SqliteStore,
    (id, turn, prompt): (ConversationId, TurnId, MessageId),
) {
    let attempt = AttemptId::new(Uuid::now_v7());
    let evidence = Evidence::from_http(
        429,
        Headers::new([("retry-after", "3600")]),
        r#"{"error":{"message":"Rate limit reached <b>for</b> first. Please try again in 1h."}}"#,
    );
    let context = halo_diagnose::Context::default();
    let diagnosis = Box::new(halo_diagnose::diagnose(&evidence, &context));
    let records = [
        Record::Conversation(ConversationMeta {
            id,
            created_at: now(),
            title: "Bees & wasps".to_owned(),
            title_by_person: false,
            pinned: false,
            target: Some(target("first")),
            system: None,
            parameters: Parameters::default(),
        }),
        Record::Message(Message {
            id: prompt,
            conversation: id,
            parent: None,
            role: Role::User,
            parts: vec![Part::text("Tell me about bees")],
            at: now(),
            origin: None,
            ending: None,
            usage: None,
        }),
        Record::Turn(Turn {
            id: turn,
            conversation: id,
            prompt,
            target: target("first"),
            kind: TurnKind::Reply,
            at: now(),
        }),
        Record::Attempt(Box::new(AttemptStart {
            id: attempt,
            turn,
            conversation: id,
            nth: 1,
            target: target("first"),
            protocol: Protocol::OpenaiChat,
            url: "http://127.0.0.1:9/v1/chat/completions".to_owned(),
            steps: Vec::new(),
            body_sha256: String::new(),
            images: 0,
            input_tokens: 9,
            key: None,
            instead: None,
            at: now(),
        })),
        Record::AttemptEnd(Box::new(AttemptEnd {
            attempt,
            turn,
            conversation: id,
            outcome: AttemptOutcome::Failed {
                evidence: Box::new(evidence),
                diagnosis,
                partial: None,
            },
            first_part_ms: None,
            thinking_ms: None,
            total_ms: 12,
            repeated: String::new(),
            headers: Headers::default(),
            at: now(),
        })),
        Record::Wait(Wait {
            turn,
            conversation: id,
            attempt: Some(attempt),
            target: Some(target("first")),
            until: now().plus_ms(3_600_000),
            from: "header:retry-after".to_owned(),
            at: now(),
        }),
    ];
    store.append(id, &records).await.unwrap();
}

async fn waiting() -> Waiting {
    let (id, turn) = (ConversationId::new(Uuid::now_v7()), TurnId::new(Uuid::now_v7()));
    let prompt = MessageId::new(Uuid::now_v7());
    let browser = Browser::signed_in_to(async |store, config| {
        set(config).await;
        store_waiting(store, (id, turn, prompt)).await;
    })
    .await;
    Waiting { browser, id, turn, prompt }
}

#[tokio::test]
async fn an_empty_outbox_says_so_and_is_linked_from_every_page() {
    let browser = Browser::signed_in().await;
    let page = browser.get("/outbox").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("data-outbox-empty"), "{}", page.body);
    assert!(page.body.contains("Nothing is under way"));
    let home = browser.get("/").await.body;
    assert!(home.contains("href=\"/outbox\""));
    assert!(home.contains("data-outbox-count hidden>0<"), "{home}");
    let chinese = browser.send(browser.request(Method::GET, "/outbox", &[CHINESE], "")).await;
    assert!(chinese.body.contains("发件箱") && chinese.body.contains("没有正在进行的回答"));
    let stranger = Browser::stranger().await;
    assert_eq!(stranger.get("/outbox").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_waits_is_shown_with_its_reason_and_marked_in_the_list() {
    let Waiting { browser, id, turn, prompt } = waiting().await;
    let page = browser.get("/outbox").await.body;
    for part in [
        format!("data-outbox-entry=\"{turn}\" data-state=\"waiting\""),
        format!("href=\"/c/{id}?at={prompt}#m-{prompt}\""),
        "Bees &#38; wasps".to_owned(),
        "Tell me about bees".to_owned(),
        "Will be sent at ".to_owned(),
        "Relay says".to_owned(),
        "Rate limit reached &#60;b&#62;for&#60;/b&#62; first".to_owned(),
        "The provider asked for this pause.".to_owned(),
        "1 attempt so far".to_owned(),
        format!("action=\"/c/{id}/turns/{turn}/send?from=outbox\""),
        format!("action=\"/c/{id}/turns/{turn}/cancel?from=outbox\""),
        format!("action=\"/c/{id}/turns/{turn}/switch?from=outbox\""),
        "<option value=\"relay/second\">second</option>".to_owned(),
    ] {
        assert!(page.contains(&part), "{part} is not in {page}");
    }
    assert!(!page.contains("value=\"relay/first\""), "the model it waits for is no other one");
    let entries = browser.get("/outbox/entries").await.body;
    assert!(entries.contains("data-outbox-entry") && !entries.contains("<html"));
    let list = browser.get("/list").await.body;
    assert!(list.contains("data-mark=\"list-waiting\"") && list.contains("row-time"), "{list}");
    assert!(list.contains("data-open-turns=\"1\"") && list.contains("will be sent again at"));
    assert!(page.contains("data-outbox-count>1<"));
    let chinese = browser.send(browser.request(Method::GET, "/outbox", &[CHINESE], "")).await.body;
    assert!(chinese.contains("Relay 的原话") && chinese.contains("立即换用其他模型"), "{chinese}");
    // The conversation has the card, and the same ways above the input.
    let talk = browser.get(&format!("/c/{id}?at={prompt}")).await.body;
    for part in ["data-waits", "waits-send-now", "waits-cancel", "resend-now", "cancel-wait"] {
        assert!(talk.contains(part), "{part} is not in {talk}");
    }
}

#[tokio::test]
async fn another_message_in_the_same_conversation_is_told_what_waits() {
    let Waiting { browser, id, .. } = waiting().await;
    let path = format!("/c/{id}/messages");
    let refused = browser.post_with(&path, "text=And+wasps%3F", &[JSON]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let words = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(words.contains("waits here until") && words.contains("your text is kept"), "{words}");
    let page = browser.get(&format!("/c/{id}")).await.body;
    assert!(page.contains("data-busy=\"A message waits here until"), "{page}");
    assert!(!page.contains("And wasps?"));
    // Another conversation is free.
    let other = browser.post("/messages", "text=Elsewhere&target=relay%2Fsecond").await;
    assert_eq!(other.status, StatusCode::SEE_OTHER, "{}", other.body);
}

#[tokio::test]
async fn what_waits_is_cancelled_by_a_form_and_a_second_click_is_harmless() {
    let Waiting { browser, id, turn, .. } = waiting().await;
    let path = format!("/c/{id}/turns/{turn}/cancel");
    for _ in 0..2 {
        let answer = browser.post(&format!("{path}?from=outbox"), "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/outbox");
    }
    assert!(browser.get("/outbox").await.body.contains("data-outbox-empty"));
    let answer = browser.post(&path, "").await;
    assert_eq!(answer.header("location"), format!("/c/{id}"));
    let page = browser.get(&format!("/c/{id}")).await.body;
    assert!(!page.contains("data-waits") && !page.contains("data-automatic"), "{page}");
    assert!(
        page.contains("data-card") && page.contains("data-action=\"wait_and_resend\""),
        "{page}"
    );
    for action in ["send", "switch"] {
        let path = format!("/c/{id}/turns/{turn}/{action}?from=outbox");
        let answer = browser.post(&path, "target=relay%2Fsecond").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
    assert!(browser.get("/outbox").await.body.contains("data-outbox-empty"));
}

#[tokio::test]
async fn what_waits_is_sent_now_or_to_another_model() {
    for (action, form, model) in
        [("send", "", "first"), ("switch", "target=relay%2Fsecond", "second")]
    {
        let Waiting { browser, id, turn, .. } = waiting().await;
        let answer = browser.post(&format!("/c/{id}/turns/{turn}/{action}"), form).await;
        assert_eq!(answer.header("location"), format!("/c/{id}"), "{}", answer.body);
        // Nobody answers there, so what was sent now waits again.
        let tried = async || {
            let records = browser.engine.store().records(id).await.unwrap();
            let attempts = records.into_iter().filter_map(|record| match record {
                Record::Attempt(attempt) => Some(attempt.target.model),
                _ => None,
            });
            attempts.collect::<Vec<_>>()
        };
        while tried().await.len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(tried().await[..2], ["first", model]);
        browser.engine.close().await;
    }
    let Waiting { browser, id, turn, .. } = waiting().await;
    let path = format!("/c/{id}/turns/{turn}/switch");
    for (form, status) in [("target=nonsense", 422), ("", 422), ("target=nobody%2Fm", 422)] {
        let answer = browser.post_with(&path, form, &[JSON]).await;
        assert_eq!(answer.status.as_u16(), status, "{form}: {}", answer.body);
    }
    assert!(browser.get("/outbox").await.body.contains("data-state=\"waiting\""), "left as it is");
}
