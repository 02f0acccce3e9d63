//! Help → Errors: the reference and the box that explains a pasted error.

use axum::http::{Method, StatusCode};
use halo_diagnose::reference;
use halo_types::{Kind, Lang};

use crate::browser::Browser;

const FRAGMENT: (&str, &str) = ("x-halo-fragment", "1");

fn form(text: &str) -> String {
    let mut out = String::from("error=");
    for byte in text.bytes() {
        out.push_str(&format!("%{byte:02X}"));
    }
    out
}

#[tokio::test]
async fn the_page_holds_the_whole_reference() {
    let browser = Browser::signed_in().await;
    let page = browser.get("/help/errors").await;
    assert_eq!(page.status, StatusCode::OK);
    for kind in Kind::ALL {
        assert!(page.body.contains(&format!("id=\"{kind}\"")), "{kind} has no anchor");
    }
    for id in ["by-keyword", "by-status", "by-code", "troubleshooting", "proxies", "pages"] {
        assert!(page.body.contains(&format!("<section id=\"{id}\"")), "{id}");
        assert!(page.body.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    assert_eq!(page.body.matches("data-row-kind=").count(), 10);
    assert!(page.body.contains("<mark data-mark-words>"), "examples are marked");
    // Every link inside the page leads somewhere.
    for piece in page.body.split("href=\"#").skip(1) {
        let id = piece.split('"').next().unwrap();
        assert!(page.body.contains(&format!("id=\"{id}\"")), "#{id} leads nowhere");
    }
    // No script or style of its own: the policy would refuse it.
    assert!(!page.body.contains(" style=") && !page.body.contains("<script>"));

    let headers = [("accept-language", "zh-CN")];
    let chinese =
        browser.send(browser.request(Method::GET, "/help/errors", &headers, "")).await.body;
    assert!(chinese.contains(&reference(Lang::Zh).kind(Kind::QuotaExhausted).more));
    assert!(browser.get("/help").await.header("location").ends_with("/help/errors"));
    assert!(browser.get("/new").await.body.contains("href=\"/help/errors\""));
}

#[tokio::test]
async fn a_pasted_error_becomes_a_card() {
    let browser = Browser::signed_in().await;
    let pasted = "HTTP/2 429\nretry-after: 20\nx-request-id: req_1234567890\n\n\
                  {\"error\":{\"message\":\"Rate limit reached for gpt-5 <b>\"}}";
    let whole = browser.post("/help/errors", &form(pasted)).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert!(whole.body.contains("id=\"rate_limited\""), "without scripts it is the whole page");
    assert!(whole.body.contains("retry-after: 20"), "the text stays in the box");
    let card = browser.post_with("/help/errors", &form(pasted), &[FRAGMENT]).await.body;
    assert!(!card.contains("<html"), "{card}");
    for part in [
        "data-kind=\"rate_limited\"",
        "data-status>429<",
        "<mark data-mark-words>Rate limit</mark>",
        "&lt;b&gt;",
        "20 s, as the header retry-after says",
        "href=\"#rate_limited\"",
        "data-way=\"wait_and_resend\"",
        "req_1234567890",
        "data-report",
    ] {
        assert!(card.contains(part), "{part} in\n{card}");
    }
    let quota = "{\"error\":{\"message\":\"Insufficient Balance\"}} api.deepseek.com";
    let card = browser.post_with("/help/errors", &form(quota), &[FRAGMENT]).await.body;
    assert!(card.contains("href=\"https://platform.deepseek.com/top_up\""), "{card}");
    assert!(card.contains("DeepSeek reported this"), "{card}");
    // Nothing of it was kept.
    assert!(browser.engine.conversations().await.unwrap().is_empty());
    assert!(!browser.get("/help/errors").await.body.contains("req_1234567890"));
}

#[tokio::test]
async fn no_answer_shows_a_key() {
    let browser = Browser::signed_in().await;
    let key = "sk-proj-abcdEFGHijklMNOP1234567890";
    for text in [
        format!("401 invalid api key {key}"),
        format!(
            "HTTP/1.1 401 Unauthorized\nauthorization: Bearer {key}\n\n{{\"error\":\"{key}\"}}"
        ),
        format!("{{\"status\":404,\"body\":\"The model `{key}` does not exist\"}}"),
    ] {
        for headers in [&[][..], &[FRAGMENT]] {
            let answer = browser.post_with("/help/errors", &form(&text), headers).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(!answer.body.contains("MNOP1234"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_answered_in_words() {
    let browser = Browser::signed_in().await;
    let junk = "0123456789 abcdef\n".repeat(60_000);
    let binary: Vec<u8> = (0..=255).cycle().take(4_000).collect();
    let binary: String = binary.iter().map(|byte| format!("%{byte:02X}")).collect();
    for (body, status, words) in [
        (form(""), StatusCode::UNPROCESSABLE_ENTITY, "There is nothing in the box yet"),
        (String::new(), StatusCode::UNPROCESSABLE_ENTITY, "There is nothing in the box yet"),
        (form("  \r\n "), StatusCode::UNPROCESSABLE_ENTITY, "There is nothing in the box yet"),
        (form(&junk), StatusCode::PAYLOAD_TOO_LARGE, "1.1 MB"),
        (form(&junk[..500_001]), StatusCode::PAYLOAD_TOO_LARGE, "501 kB"),
        (format!("error={binary}"), StatusCode::UNPROCESSABLE_ENTITY, "does not look like text"),
    ] {
        let answer = browser.post_with("/help/errors", &body, &[FRAGMENT]).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(
            answer.body.contains(words) && answer.body.contains("role=\"alert\""),
            "{}",
            answer.body
        );
        assert!(answer.body.len() < 2_000, "a refusal does not repeat what was pasted");
        let page = browser.post("/help/errors", &body).await;
        assert!(page.status == status && page.body.contains("id=\"by-keyword\""), "{words}");
    }
    // An error nobody knows is no failure of the page.
    let answer = browser.post_with("/help/errors", &form("zzz"), &[FRAGMENT]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("data-kind=\"unknown\""), "{}", answer.body);
}

#[tokio::test]
async fn strangers_get_neither_page_nor_explanation() {
    let stranger = Browser::stranger().await;
    assert_eq!(stranger.get("/help/errors").await.status, StatusCode::UNAUTHORIZED);
    let answer = stranger.post_with("/help/errors", &form("429"), &[FRAGMENT]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(!answer.body.contains("data-card"));
    let browser = Browser::signed_in().await;
    let foreign = [("sec-fetch-site", "cross-site")];
    let answer = browser.post_with("/help/errors", &form("429"), &foreign).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
