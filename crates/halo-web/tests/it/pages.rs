use axum::http::{Method, StatusCode};

use crate::browser::Browser;

const JSON: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn the_first_page_greets_and_can_be_written_to() {
    let browser = Browser::signed_in().await;
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    for hook in ["data-welcome", "data-composer", "data-send", "data-list", "data-models"] {
        assert!(page.body.contains(hook), "{hook}");
    }
    assert!(page.body.contains("What is on your mind?"));
    let headers = [("accept-language", "zh-CN,zh;q=0.9")];
    let chinese = browser.send(browser.request(Method::GET, "/", &headers, "")).await;
    assert!(chinese.body.contains("<html lang=\"zh-CN\">"));
    assert!(chinese.body.contains("想聊点什么？"));
}

#[tokio::test]
async fn without_a_model_nothing_is_stored_and_the_words_say_so() {
    let browser = Browser::signed_in().await;
    let answer = browser.post_with("/messages", "text=Hello", &[JSON]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.json()["error"].as_str().unwrap().contains("No model is chosen"));
    let page = browser.post("/messages", "text=Hello").await;
    assert!(page.body.contains("No model is chosen"), "{}", page.body);
}

#[tokio::test]
async fn empty_and_oversized_messages_are_refused_in_words() {
    let browser = Browser::signed_in().await;
    let empty = browser.post_with("/messages", "text=++", &[JSON]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.engine.conversations().await.unwrap().is_empty());
    let huge = format!("text={}", "x".repeat(50_000_000));
    let huge = browser.post_with("/messages", &huge, &[JSON]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    let words = huge.json()["error"].as_str().unwrap().to_owned();
    assert!(words.contains("50.0 MB") && words.contains("4.0 MB"), "{words}");
}

#[tokio::test]
async fn what_is_no_picture_is_refused_by_name() {
    let browser = Browser::signed_in().await;
    let body = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cat.png\"\r\n\
                content-type: image/png\r\n\r\n<html>\r\n--b--\r\n";
    let kind = ("content-type", "multipart/form-data; boundary=b");
    let request = browser.request(Method::POST, "/images", &[kind, JSON], body);
    let answer = browser.send(request).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.json()["error"].as_str().unwrap().contains("cat.png"), "{}", answer.body);
    let nothing = browser.request(Method::POST, "/images", &[kind, JSON], "--b--\r\n");
    assert_eq!(browser.send(nothing).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn conversations_are_renamed_deleted_and_brought_back() {
    let browser = Browser::signed_in().await;
    let id = browser.engine.create(None).await.unwrap();
    let renamed = browser.post(&format!("/c/{id}/rename"), "title=Bees+%3Cb%3E").await;
    assert_eq!(renamed.status, StatusCode::SEE_OTHER);
    let page = browser.get(&format!("/c/{id}")).await;
    assert!(page.body.contains("Bees &#60;b&#62;"), "{}", page.body);
    let deleted = browser.post(&format!("/c/{id}/delete"), "").await;
    assert_eq!(deleted.header("location"), format!("/?deleted={id}"));
    let after = browser.get(&format!("/?deleted={id}")).await;
    assert!(after.body.contains("data-action=\"undo-delete\""));
    assert!(!after.body.contains("Bees"));
    browser.post(&format!("/c/{id}/restore"), "").await;
    assert!(browser.get("/list").await.body.contains("Bees"));
}

#[tokio::test]
async fn what_does_not_exist_says_so() {
    let browser = Browser::signed_in().await;
    let nobody = uuid::Uuid::nil();
    for path in [
        format!("/c/{nobody}"),
        format!("/c/{nobody}/thread"),
        format!("/c/{nobody}/attempts/{nobody}/report"),
        format!("/images/{}", "0".repeat(64)),
        "/nothing".to_owned(),
        "/c/notanid".to_owned(),
        "/c/notanid/thread".to_owned(),
        "/new?deleted=notanid".to_owned(),
        "/images/notanid".to_owned(),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.body);
        assert!(answer.body.contains("There is nothing here"), "{path}: {}", answer.body);
    }
    let answer = browser.post_with(&format!("/c/{nobody}/stop"), "", &[JSON]).await;
    assert!(answer.status.is_client_error() || answer.status.is_success(), "{}", answer.status);
    for broken in ["turn=x", "", "action=resend", "turn=1&attempt=2&action=explode"] {
        let answer = browser.post_with(&format!("/c/{nobody}/act"), broken, &[JSON]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{broken}");
    }
}

#[tokio::test]
async fn commands_lead_where_they_say() {
    let browser = Browser::signed_in().await;
    let answer = browser.post("/messages", "text=%2Fpractice").await;
    assert_eq!(answer.header("location"), "/practice");
    let id = browser.engine.create(None).await.unwrap();
    let answer = browser.post(&format!("/c/{id}/messages"), "text=%2Fnew").await;
    assert_eq!(answer.header("location"), "/new");
    let answer = browser.post_with("/messages", "text=%2Fcompact", &[JSON]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.get("/practice").await.body.contains("data-practice"));
}
