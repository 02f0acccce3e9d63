//! What Halo itself says: keys, bad requests, unknown paths, explanations.

use halo_types::{Blame, Diagnosis, Kind, Protocol};
use serde_json::{Value, json};

use crate::client::{Received, auth, call, path, prompt};
use crate::world::World;

fn diagnosis(received: &Received) -> Diagnosis {
    serde_json::from_value(received.json()["error"]["halo"].clone()).unwrap()
}

#[tokio::test]
async fn a_wrong_halo_key_is_called_halo_s() {
    let world = World::new().await;
    let wrong = format!("halo_{}", "0".repeat(64));
    let old = format!("Basic {}", world.key);
    for protocol in [Protocol::Anthropic, Protocol::OpenaiChat] {
        for headers in [
            Vec::new(),
            auth(protocol, &wrong),
            auth(protocol, "sk-ant-api03-not-for-halo"),
            vec![("authorization".to_owned(), old.clone())],
        ] {
            let body = prompt(protocol, "openai/halo-practice", false).to_string();
            let received =
                call(world.address, "POST", path(protocol), &headers, body.as_bytes()).await;
            assert_eq!(received.status, 401);
            let error = received.json();
            let words = error["error"]["message"].as_str().unwrap();
            let page = format!("http://{}/settings/gateway", world.address);
            assert!(words.contains("Halo") && words.contains(&page), "{words}");
            let typed = match protocol {
                Protocol::Anthropic => "authentication_error",
                _ => "invalid_request_error",
            };
            assert_eq!(error["error"]["type"], typed);
            let diagnosis = diagnosis(&received);
            assert_eq!((diagnosis.kind, diagnosis.blame), (Kind::InvalidApiKey, Blame::Halo));
            assert_eq!(diagnosis.remedies[0].url.as_deref(), Some(page.as_str()));
            assert_eq!(received.header("x-should-retry"), Some("false"));
            assert_eq!(received.header("x-halo-attempts"), Some("0"));
            assert!(!received.text().contains(&wrong));
        }
    }
    assert!(world.journal().is_empty());
}

#[tokio::test]
async fn either_header_lets_in_and_the_use_is_noted() {
    let world = World::new().await;
    for headers in [
        auth(Protocol::OpenaiChat, &world.key),
        auth(Protocol::Anthropic, &world.key),
        vec![
            ("authorization".to_owned(), "Bearer of-another-program".to_owned()),
            ("x-api-key".to_owned(), world.key.clone()),
        ],
    ] {
        assert_eq!(call(world.address, "GET", "/v1/models", &headers, b"").await.status, 200);
    }
    let rows = world.engine.store().tokens(halo_store::TokenKind::GatewayKey).await.unwrap();
    assert!(rows[0].used_at.is_some());
    assert!(!format!("{rows:?}").contains(&world.key));
}

#[tokio::test]
async fn the_first_key_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = halo_store_sqlite::SqliteStore::open(&folder.path().join("halo.db")).await.unwrap();
    let key = halo_gateway::ensure_key(&store).await.unwrap().unwrap();
    assert!(key.starts_with("halo_") && key.len() == 69, "{key}");
    assert_eq!(halo_gateway::ensure_key(&store).await.unwrap(), None);
}

#[tokio::test]
async fn bad_requests_are_told_in_words() {
    let world = World::new().await;
    let message =
        |received: &Received| received.json()["error"]["message"].as_str().unwrap().to_owned();
    for protocol in [Protocol::Anthropic, Protocol::OpenaiChat] {
        let headers = auth(protocol, &world.key);
        for (body, words) in [
            (&b"{\"model\": "[..], "JSON"),
            (b"[1]", "JSON"),
            (b"", "JSON"),
            (b"\xff\xfe", "JSON"),
            (b"{\"messages\":[]}", "model"),
            (b"{\"model\":7}", "model"),
            (b"{\"model\":\"a\",\"model\":\"b\"}", "model"),
        ] {
            let received = call(world.address, "POST", path(protocol), &headers, body).await;
            assert_eq!(received.status, 400, "{}", received.text());
            assert!(message(&received).contains(words), "{}", received.text());
            assert_eq!(diagnosis(&received).kind, Kind::InvalidRequest);
        }
        let received = call(world.address, "GET", path(protocol), &headers, b"").await;
        assert_eq!(received.status, 404);
        assert!(message(&received).contains(path(protocol)), "{}", received.text());
    }
    let headers = auth(Protocol::OpenaiChat, &world.key);
    let received = call(world.address, "POST", "/v1/embeddings", &headers, b"{}").await;
    assert_eq!(received.status, 404);
    assert_eq!(diagnosis(&received).kind, Kind::EndpointNotFound);

    // A picture by address exists in one protocol only here, and must not get lost in silence.
    let body = json!({
        "model": "anthropic/halo-practice",
        "messages": [{ "role": "user", "content": [
            { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
        ] }],
    });
    let received =
        call(world.address, "POST", "/v1/chat/completions", &headers, body.to_string().as_bytes())
            .await;
    assert_eq!(received.status, 400);
    assert!(message(&received).contains("image_url"), "{}", received.text());
    assert!(world.journal().is_empty());
}

#[tokio::test]
async fn an_error_is_explained() {
    let world = World::new().await;
    let headers = auth(Protocol::OpenaiChat, &world.key);
    let record = json!({
        "status": 429,
        "headers": { "retry-after": "20" },
        "body": r#"{"error":{"message":"Rate limit reached for gpt-4o","code":"rate_limit_exceeded"}}"#,
    });
    let path = "/v1/errors/explain?lang=zh";
    let received = call(world.address, "POST", path, &headers, record.to_string().as_bytes()).await;
    assert_eq!(received.status, 200);
    let diagnosis: Diagnosis = serde_json::from_value(received.json()).unwrap();
    assert_eq!(diagnosis.kind, Kind::RateLimited);
    assert_eq!(diagnosis.retry.unwrap().after_ms, 20_000);
    assert!(!diagnosis.title.is_ascii());

    let received =
        call(world.address, "POST", "/v1/errors/explain", &headers, b"{\"status\":429}").await;
    assert_eq!(received.status, 400);
    let words: Value = received.json()["error"]["message"].clone();
    assert!(words.as_str().unwrap().contains("body"), "{words}");
}

#[tokio::test]
async fn health_needs_no_key() {
    let world = World::new().await;
    let received = call(world.address, "GET", "/healthz", &[], b"").await;
    assert_eq!((received.status, received.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_by_its_length() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let world = World::new().await;
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: halo\r\nx-api-key: {}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        world.key,
        halo_gateway::MAX_REQUEST_BYTES + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"request_too_large\"") && answer.contains("67108864"), "{answer}");
}
