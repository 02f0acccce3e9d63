//! What stands around the conversation: a long list, conversations kept on top, a key that is no
//! message.

use axum::http::StatusCode;

use crate::browser::Browser;

const KEY: &str = "sk-ant-api03-EXAMPLEexample0123456789EXAMPLEexample-AA";

#[tokio::test]
async fn a_long_list_brings_the_older_ones_when_they_are_asked_for() {
    let browser = Browser::signed_in().await;
    let mut ids = Vec::new();
    for nth in 0..200 {
        let id = browser.engine.create(None).await.unwrap();
        browser.engine.rename(id, &format!("Conversation {nth}")).await.unwrap();
        ids.push(id);
    }
    let rows = |body: &str| body.matches("data-conversation-row=").count();
    let page = browser.get("/new").await;
    assert_eq!(rows(&page.body), 60);
    assert!(page.body.contains("Show 140 older conversations"), "it says how many are left out");
    assert!(page.body.len() < 200_000, "a page of {} bytes", page.body.len());
    for path in ["/new?list=all", "/list?list=all"] {
        let all = browser.get(path).await;
        assert_eq!(rows(&all.body), 200, "{path}");
        assert!(!all.body.contains("list-all"), "{path}");
    }
    // The oldest is far down; open, it is in the list all the same, and pinned it is on top.
    let oldest = ids[0];
    let open = browser.get(&format!("/c/{oldest}")).await;
    assert_eq!(rows(&open.body), 61);
    let pinned = browser.post(&format!("/c/{oldest}/pin"), "pinned=1").await;
    assert_eq!(pinned.status, StatusCode::SEE_OTHER);
    let page = browser.get("/new").await;
    let first = page.body.split("data-conversation-row=\"").nth(1).unwrap();
    assert!(first.starts_with(&oldest.to_string()));
    assert!(page.body.contains("<h2>Pinned</h2>"));
    // What was written in last is opened, not what is on top.
    let home = browser.get("/").await;
    assert_ne!(home.header("location"), format!("/c/{oldest}"));
    browser.post(&format!("/c/{oldest}/pin"), "pinned=0").await;
    assert!(!browser.get("/new").await.body.contains("<h2>Pinned</h2>"));
}

#[tokio::test]
async fn a_key_alone_is_no_message() {
    let browser = Browser::signed_in().await;
    let id = browser.engine.create(None).await.unwrap();
    for path in ["/messages".to_owned(), format!("/c/{id}/messages")] {
        let form = format!("text=+{KEY}%0A");
        let page = browser.post(&path, &form).await;
        assert!(page.body.contains("data-start-form"), "{path}: {}", page.body);
        assert!(page.body.contains("data-told=\"anthropic\""), "{path}");
        assert!(page.header("cache-control").contains("no-store"), "{path}");
        let json = browser.post_with(&path, &form, &[("accept", "application/json")]).await;
        assert_eq!(json.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(!json.body.contains(KEY), "{path}");
    }
    let hits = browser.engine.search("EXAMPLEexample", 10).await.unwrap();
    assert!(hits.is_empty(), "the key is stored nowhere");
    // The page that asks for a key says what is wrong with one that is none.
    let empty = browser.post("/start", "key=").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let strange = browser.post("/start", "key=not-known-anywhere").await;
    assert!(strange.body.contains("data-start-unsure"), "{}", strange.body);
    assert!(strange.body.contains("data-preset=\"anthropic-compatible\""));
    // A relay without an address.
    let nowhere = browser.post("/start", "key=abc&preset=openai-compatible").await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nowhere.body.contains("value=\"abc\""), "what was typed is kept");
    assert!(browser.engine.config().settings().providers.is_empty());
}

#[tokio::test]
async fn a_new_conversation_begins_with_the_model_that_was_set_up() {
    let browser = Browser::signed_in().await;
    // A name that nobody has is passed over.
    let page = browser.get("/new?with=nobody/model").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("data-ready"));
    // A key kept without a test, for a provider whose list cannot be had.
    let form = format!("key={KEY}&preset=anthropic&base_url=http%3A%2F%2F127.0.0.1%3A9");
    let failed = browser.post("/start", &form).await;
    assert_eq!(failed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(failed.body.contains("data-failed-step") && failed.body.contains("data-anyway"));
    assert!(failed.body.contains(&format!("value=\"{KEY}\"")), "the form keeps what was typed");
    let kept = browser.post("/start", &format!("{form}&anyway=1")).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.body);
    assert!(!kept.header("location").contains(KEY));
    let page = browser.get(kept.header("location")).await;
    assert!(page.body.contains("data-ready"), "{}", page.body);
    // The same key again is the same provider.
    let again = browser.post("/start", &form).await;
    assert_eq!(again.header("location"), kept.header("location"));
    assert_eq!(browser.engine.config().settings().providers.len(), 1);
}
