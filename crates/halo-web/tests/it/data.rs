//! Search, export and import as a browser meets them.

use axum::http::{Method, StatusCode};
use halo_types::{
    AttemptEnd, AttemptOutcome, AttemptStart, ConversationId, ConversationMeta, Evidence, Headers,
    Message, Parameters, Part, Protocol, Record, Role, Target, Timestamp, Turn, TurnKind,
};

use crate::browser::{Answer, Browser};

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("01900000-0000-7000-8000-{n:012x}").parse().unwrap()
}

/// A conversation with two prompts at the same place, of which the first failed.
async fn talk(browser: &Browser) -> ConversationId {
    let conversation: ConversationId = id(1);
    let target = Target { provider: "relay".parse().unwrap(), model: "gpt-4.1".to_owned() };
    let at = Timestamp(1_760_000_000_000);
    let meta = ConversationMeta {
        id: conversation,
        created_at: at,
        title: "Weather & 天气".to_owned(),
        title_by_person: true,
        pinned: false,
        target: Some(target.clone()),
        system: None,
        parameters: Parameters::default(),
    };
    let message = |n: u64, text: &str| {
        Record::Message(Message {
            id: id(n),
            conversation,
            parent: None,
            role: Role::User,
            parts: vec![Part::text(text)],
            at,
            origin: None,
            ending: None,
            usage: None,
        })
    };
    let turn = Turn {
        id: id(3),
        conversation,
        prompt: id(2),
        target: target.clone(),
        kind: TurnKind::Reply,
        at,
    };
    let start = AttemptStart {
        id: id(4),
        turn: id(3),
        conversation,
        nth: 1,
        target,
        protocol: Protocol::OpenaiChat,
        url: "https://example.org/v1/chat/completions".to_owned(),
        steps: Vec::new(),
        body_sha256: "00".repeat(32),
        images: 0,
        input_tokens: 3,
        key: Some(1),
        instead: None,
        at,
    };
    let evidence = Evidence::from_http(
        402,
        Headers::default(),
        "{\"error\":{\"message\":\"Insufficient Balance\",\"code\":\"invalid_request_error\"}}",
    );
    let diagnosis = halo_diagnose::diagnose(&evidence, &Default::default());
    let end = AttemptEnd {
        attempt: id(4),
        turn: id(3),
        conversation,
        outcome: AttemptOutcome::Failed {
            evidence: Box::new(evidence),
            diagnosis: Box::new(diagnosis),
            partial: None,
        },
        first_part_ms: None,
        thinking_ms: None,
        total_ms: 5,
        repeated: String::new(),
        headers: Headers::default(),
        at,
    };
    let records = [
        Record::Conversation(meta),
        message(2, "Will it <b>rain</b> tomorrow? 明天下雨吗"),
        Record::Turn(turn),
        Record::Attempt(Box::new(start)),
        Record::AttemptEnd(Box::new(end)),
        message(5, "Will it snow?"),
    ];
    browser.engine.store().append(conversation, &records).await.unwrap();
    conversation
}

#[tokio::test]
async fn finds_lead_to_the_message_and_the_card() {
    let browser = Browser::signed_in().await;
    let conversation = talk(&browser).await;
    let page = browser.get("/?q=RAIN").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("&lt;b&gt;<mark>rain</mark>&lt;")
            || page.body.contains("<mark>rain</mark>"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<b>rain"), "what was written is text");
    assert!(page.body.contains("name=\"q\" value=\"RAIN\""), "the field keeps the words");
    let message = "01900000-0000-7000-8000-000000000002";
    let href = format!("/c/{conversation}?at={message}#m-{message}");
    assert!(page.body.contains(&format!("href=\"{href}\"")), "{}", page.body);

    // The other branch is shown; following the find brings the message up.
    let shown = browser.get(&format!("/c/{conversation}")).await;
    assert!(!shown.body.contains(&format!("id=\"m-{message}\"")));
    let shown = browser.get(href.split('#').next().unwrap()).await;
    assert!(shown.body.contains(&format!("id=\"m-{message}\"")), "{}", shown.body);

    let found = browser.get("/search?q=insufficient+bal").await;
    assert!(!found.body.contains("<html"), "a piece of a page");
    let attempt = "01900000-0000-7000-8000-000000000004";
    assert!(found.body.contains(&format!("?at={attempt}#e-{attempt}")), "{}", found.body);
    assert!(found.body.contains("search-in-error"));
    let shown = browser.get(&format!("/c/{conversation}?at={attempt}")).await;
    assert!(shown.body.contains(&format!("id=\"e-{attempt}\"")), "{}", shown.body);

    let found = browser.get("/search?q=%E5%A4%A9").await;
    assert!(found.body.contains("Found in 2 places"), "{}", found.body);
    let none = browser.get("/search?q=%22nothing*%22+AND+%28").await;
    assert_eq!(none.status, StatusCode::OK);
    assert!(none.body.contains("data-found-none") && none.body.contains("Nothing holds all of"));
    let empty = browser.get("/?q=").await;
    assert!(empty.body.contains("data-found-empty"), "{}", empty.body);
    let headers = [("accept-language", "zh-CN"), ("accept", "text/html")];
    let chinese = browser.request(Method::GET, "/search?q=rain", &headers, "");
    assert!(browser.send(chinese).await.body.contains("找到 1 处"));
}

async fn import(browser: &Browser, file: &str) -> Answer {
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"halo.json\"\r\n\
         content-type: application/json\r\n\r\n{file}\r\n--b--\r\n"
    );
    let kind = ("content-type", "multipart/form-data; boundary=b");
    let html = ("accept", "text/html");
    browser.send(browser.request(Method::POST, "/settings/data/import", &[kind, html], body)).await
}

#[tokio::test]
async fn conversations_move_from_one_app_to_another() {
    let browser = Browser::signed_in().await;
    let conversation = talk(&browser).await;
    let page = browser.get("/settings/data").await;
    for hook in ["data-export=\"json\"", "data-export=\"markdown\"", "data-import", "There is one"]
    {
        assert!(page.body.contains(hook), "{hook} in {}", page.body);
    }
    let list = browser.get("/list").await;
    assert!(list.body.contains(&format!("/c/{conversation}/export?format=json")));

    let file = browser.get(&format!("/c/{conversation}/export?format=json")).await;
    assert_eq!(file.header("content-type"), "application/json");
    let named = file.header("content-disposition");
    assert!(
        named.starts_with("attachment; filename=\"Weather-") && named.ends_with(".json\""),
        "{named}"
    );
    assert_eq!(browser.get("/export").await.body, file.body, "there is no other");
    let text = browser.get("/export?format=markdown").await.body;
    assert!(text.contains("# Weather & 天气") && text.contains("Insufficient Balance"), "{text}");
    assert_eq!(browser.get("/export?format=pdf").await.status, StatusCode::NOT_FOUND);
    let unknown = browser.get("/c/01900000-0000-7000-8000-00000000000f/export").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    let other = Browser::signed_in().await;
    let done = import(&other, &file.body).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(done.body.contains("Conversations added: 1."), "{}", done.body);
    assert!(
        done.body.contains("Weather &amp;") || done.body.contains("Weather &#38;"),
        "the list has it"
    );
    assert_eq!(other.get("/export").await.body, file.body, "to the byte");
    let again = import(&other, &file.body).await;
    assert!(again.body.contains("Conversations that were here already: 1."), "{}", again.body);
    let shown = other.get(&format!("/c/{conversation}")).await;
    assert_eq!(shown.status, StatusCode::OK);

    for (file, words) in [
        ("hello", "This file is no export of Halo, ChatGPT or Claude"),
        ("{\"format\":\"halo-export\",\"version\":7}", "A newer Halo has written this file"),
        (&file.body[..file.body.len() / 2], "The file is damaged or was changed"),
    ] {
        let refused = import(&Browser::signed_in().await, file).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(words), "{words} in {}", refused.body);
    }
}

#[tokio::test]
async fn what_chatgpt_and_claude_export_comes_in_once_with_its_versions() {
    let browser = Browser::signed_in().await;
    let page = browser.get("/settings/data").await;
    assert!(page.body.contains(".zip") && page.body.contains("Data controls"), "{}", page.body);
    let say = |parent: serde_json::Value, role: &str, at: f64, text: &str| {
        serde_json::json!({"parent": parent, "message": {"author": {"role": role},
            "create_time": at, "metadata": {"model_slug": "gpt-4o"},
            "content": {"content_type": "text", "parts": [text]}}})
    };
    let file = serde_json::json!([
        {"title": "Tides <b>", "id": "c1", "create_time": 1_700_000_000, "current_node": "a2",
         "mapping": {
            "u": say(serde_json::Value::Null, "user", 1.0, "Why tides?"),
            "a1": say("u".into(), "assistant", 2.0, "The sun."),
            "a2": say("u".into(), "assistant", 3.0, "The moon."),
         }},
        {"uuid": "k1", "name": "Rain", "created_at": "2025-01-02T03:04:05Z", "chat_messages": [
            {"uuid": "m1", "sender": "human", "text": "Why rain?", "content": []}]},
        {"name": "Nothing & no", "uuid": "e", "chat_messages": []},
    ])
    .to_string();
    let done = import(&browser, &file).await;
    assert_eq!(done.status, StatusCode::OK);
    for words in [
        "Conversations added: 2.",
        "Messages added: 4.",
        "skipped: 1.",
        "data-skipped",
        "it has no messages",
    ] {
        assert!(done.body.contains(words), "{words} in {}", done.body);
    }
    assert!(!done.body.contains("<b>") && !done.body.contains("Nothing & no"), "inert");
    let again = import(&browser, &file).await;
    assert!(again.body.contains("were here already: 2.") && !again.body.contains("Messages added"));
    let list = browser.get("/list").await.body;
    let at = list.find("/c/").expect("a conversation");
    let links: Vec<&str> = list[at..].split("href=\"").filter(|l| l.starts_with("/c/")).collect();
    let mut bodies = String::new();
    for link in links {
        let path = link.split('"').next().unwrap();
        if !path.contains("export") {
            bodies.push_str(&browser.get(path).await.body);
        }
    }
    for words in ["The moon.", "gpt-4o", "2/2", "Why rain?"] {
        assert!(bodies.contains(words), "{words} in {bodies}");
    }
}

#[tokio::test]
async fn a_damaged_record_is_told_in_its_conversation() {
    let browser = Browser::signed_in().await;
    let conversation = talk(&browser).await;
    let whole = browser.get(&format!("/c/{conversation}")).await;
    assert!(
        !whole.body.contains("data-damaged-records") && !whole.body.contains("data-damage-bar")
    );
}

#[tokio::test]
async fn a_backup_is_a_whole_copy_and_deleting_everything_is_taken_back() {
    let browser = Browser::signed_in().await;
    let conversation = talk(&browser).await;
    let made = browser.post("/settings/data/backup", "").await;
    assert_eq!(made.header("location"), "/settings/data?done=backup", "{}", made.body);
    let page = browser.get("/settings/data?done=backup").await;
    let at = page.body.find("/settings/data/backup/halo.").expect("the copy is listed");
    let link = page.body[at..].split('"').next().unwrap().to_owned();
    let copy = browser.get(&link).await;
    assert_eq!(copy.status, StatusCode::OK);
    assert!(copy.body.starts_with("SQLite format 3"));
    let path = browser.engine.config().paths().data().join(link.rsplit('/').next().unwrap());
    let store = halo_store_sqlite::SqliteStore::open(&path).await.unwrap();
    let copied = halo_store::Store::records(&store, conversation).await.unwrap();
    assert_eq!(copied, browser.engine.store().records(conversation).await.unwrap());
    for name in ["halo.db", "secrets.toml", "..%2fhalo.db", "x.backup.db"] {
        let answer = browser.get(&format!("/settings/data/backup/{name}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }

    let gone = browser.post("/settings/data/delete", "").await;
    assert_eq!(gone.header("location"), "/settings/data?done=deleted");
    assert!(browser.engine.conversations().await.unwrap().is_empty());
    assert!(browser.get("/settings/data").await.body.contains("data-undelete"));
    browser.post("/settings/data/undelete", "").await;
    assert_eq!(browser.engine.conversations().await.unwrap().len(), 1);
    assert!(!browser.get("/settings/data").await.body.contains("data-undelete"));
}
