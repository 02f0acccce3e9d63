use axum::http::{Method, StatusCode};

use crate::browser::Browser;

#[tokio::test]
async fn strangers_are_told_how_to_get_in() {
    let browser = Browser::stranger().await;
    for path in ["/", "/new", "/practice", "/settings/ai-model", "/no/such/page"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.body.contains("<code>halo --data "), "{path}");
    }
    let json = [("accept", "application/json")];
    let answer = browser.send(browser.request(Method::GET, "/events", &json, "")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.post("/messages", "text=x").await.status, StatusCode::UNAUTHORIZED);
    assert!(browser.engine.conversations().await.unwrap().is_empty());
    assert_eq!(browser.get("/assets/app.css").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_works_once_and_leaves_a_careful_cookie() {
    let browser = Browser::stranger().await;
    let link = browser.link().await;
    let first = browser.get(&link).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let cookie = first.header("set-cookie");
    for part in ["halo_session_7575=", "HttpOnly", "SameSite=Strict", "Max-Age=7776000", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = link.split('=').nth(1).unwrap();
    assert!(!cookie.contains(token));
    let second = browser.get(&link).await;
    assert_eq!(second.status, StatusCode::UNAUTHORIZED);
    assert!(second.body.contains("used before"));
    assert!(second.header("set-cookie").is_empty());
    for forged in ["/enter", "/enter?token=", "/enter?token=0000"] {
        assert_eq!(browser.get(forged).await.status, StatusCode::UNAUTHORIZED, "{forged}");
    }
}

#[tokio::test]
async fn secrets_are_stored_as_hashes() {
    let browser = Browser::signed_in().await;
    let store = browser.engine.store();
    let sessions = store.tokens(halo_store::TokenKind::Session).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].hash.len(), 64);
    assert!(store.tokens(halo_store::TokenKind::Link).await.unwrap().is_empty());
    let request = browser.request(Method::GET, "/", &[], "");
    let cookie = request.headers()["cookie"].to_str().unwrap();
    assert!(!cookie.contains(&sessions[0].hash));
}

#[tokio::test]
async fn foreign_hosts_and_pages_are_refused() {
    let browser = Browser::signed_in().await;
    for host in ["evil.example", "evil.example:7575", "127.0.0.1.evil.example:7575"] {
        let answer = browser.send(browser.request(Method::GET, "/", &[("host", host)], "")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}");
    }
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:8000"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = browser.post_with("/messages", "text=x", &[header]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
    }
    assert!(browser.engine.conversations().await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_allow_nothing_inline_and_nothing_foreign() {
    let browser = Browser::signed_in().await;
    for path in ["/", "/practice", "/settings/ai-model", "/assets/app.js", "/no/such/page"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        for inline in ["<script>", " style=\"", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path} holds {inline}");
        }
    }
}

#[tokio::test]
async fn files_are_revalidated_by_their_tag() {
    let browser = Browser::stranger().await;
    let first = browser.get("/assets/app.css").await;
    assert_eq!(first.header("content-type"), "text/css; charset=utf-8");
    let tag = first.header("etag");
    let headers = [("if-none-match", tag)];
    let second = browser.send(browser.request(Method::GET, "/assets/app.css", &headers, "")).await;
    assert_eq!(second.status, StatusCode::NOT_MODIFIED);
    assert!(second.body.is_empty());
    for strange in ["/assets/nothing.js", "/assets/..%2fsrc%2flib.rs"] {
        assert_eq!(browser.get(strange).await.status, StatusCode::NOT_FOUND, "{strange}");
    }
}
