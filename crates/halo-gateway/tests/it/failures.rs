//! Final errors: the provider's words in the program's protocol, with the diagnosis.

use halo_types::{Diagnosis, Kind, Protocol};
use serde_json::{Value, json};

use crate::client::{Received, ask, prompt};
use crate::world::{PROVIDER_KEY, World};

/// The diagnosis inside an error.
fn halo(error: &Value) -> Diagnosis {
    serde_json::from_value(error["error"]["halo"].clone()).unwrap()
}

/// The provider's message, from the bytes it sent last.
fn said_by_provider(world: &World) -> String {
    let body = world.journal().pop().unwrap().response_body;
    let body: Value = serde_json::from_slice(body.as_bytes()).unwrap();
    body["error"]["message"].as_str().unwrap().to_owned()
}

/// A request for a stream with a prompt of its own: the simulator counts the requests of each.
fn fresh(protocol: Protocol, name: &str) -> Value {
    let mut body = prompt(protocol, name, true);
    body["messages"][0]["content"] = json!(format!("Hello from {protocol}, {name}?"));
    body
}

async fn fails(world: &World, protocol: Protocol, name: &str, stream: bool) -> Received {
    let received = ask(world, protocol, &prompt(protocol, name, stream)).await;
    assert!(received.status >= 400, "{name}: {} {}", received.status, received.text());
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert!(!received.text().contains(PROVIDER_KEY));
    received
}

#[tokio::test]
async fn a_final_error_keeps_words_status_and_form() {
    let world = World::new().await;
    let (anthropic, openai) = (Protocol::Anthropic, Protocol::OpenaiChat);
    for (protocol, name, status, kind) in [
        (anthropic, "anthropic/quota", 400, Kind::QuotaExhausted),
        (openai, "openai/quota", 429, Kind::QuotaExhausted),
        (anthropic, "openai/quota", 429, Kind::QuotaExhausted),
        (openai, "anthropic/quota", 400, Kind::QuotaExhausted),
        (anthropic, "anthropic/model-not-found", 404, Kind::ModelNotFound),
        (openai, "openai/model-not-found", 404, Kind::ModelNotFound),
        (openai, "openai/wrong-key", 401, Kind::InvalidApiKey),
        (anthropic, "anthropic/wrong-key", 401, Kind::InvalidApiKey),
    ] {
        for stream in [false, true] {
            let received = fails(&world, protocol, name, stream).await;
            let error = received.json();
            assert_eq!(received.status, status, "{name}");
            assert_eq!(error["error"]["message"], said_by_provider(&world), "{name}");
            assert_eq!(halo(&error).kind, kind, "{name}");
            assert_eq!(received.header("x-halo-kind"), Some(kind.as_str()));
            assert_eq!(received.header("x-halo-attempts"), Some("1"));
            assert_eq!(received.header("x-should-retry"), Some("false"));
            let typed = error.get("type").and_then(Value::as_str);
            assert_eq!(typed, (protocol == anthropic).then_some("error"), "{name}");
        }
    }
    // A quota fault translated for OpenAI's SDK has the code programs look for.
    let error = fails(&world, openai, "anthropic/quota", false).await.json();
    assert_eq!(error["error"]["code"], "insufficient_quota");
}

#[tokio::test]
async fn waits_that_are_left_are_told() {
    let world = World::new().await;
    // Ten minutes are not sat out, and not left to the program either.
    for (protocol, name) in [
        (Protocol::OpenaiChat, "openai/rate-limit-long"),
        (Protocol::Anthropic, "anthropic/rate-limit-long"),
    ] {
        let received = fails(&world, protocol, name, false).await;
        assert_eq!(received.status, 429);
        assert_eq!(received.header("retry-after"), Some("600"));
        assert_eq!(received.header("x-should-retry"), Some("false"));
        assert_eq!(received.header("x-halo-kind"), Some("rate_limited"));
        assert_eq!(received.header("x-halo-attempts"), Some("1"));
    }
    // Where Halo may not wait itself, a short wait is left to the program.
    let mut recovery = world.engine.config().settings().recovery.clone();
    recovery.max_tries = 1;
    world.engine.config().set_recovery(recovery).unwrap();
    let received = fails(&world, Protocol::OpenaiChat, "openai/rate-limit", true).await;
    assert_eq!(received.header("retry-after"), Some("3"));
    assert_eq!(received.header("x-should-retry"), Some("true"));
    assert_eq!(received.header("x-ratelimit-limit-requests"), Some("3"));
}

#[tokio::test]
async fn tries_end_and_the_last_words_stay() {
    let world = World::new().await;
    let name = "anthropic/overloaded-forever";
    let received = fails(&world, Protocol::Anthropic, name, true).await;
    assert_eq!(received.status, 529);
    assert_eq!(received.header("x-halo-attempts"), Some("2"));
    // The provider's own "true" must not survive: Halo has tried.
    assert_eq!(received.header("x-should-retry"), Some("false"));
    let error = received.json();
    assert_eq!(error["error"]["type"], "overloaded_error");
    assert_eq!(error["error"]["message"], "Overloaded");
    assert_eq!(world.journal().len(), 2);
}

#[tokio::test]
async fn an_error_after_the_first_part_is_an_event_of_the_stream() {
    let world = World::new().await;
    for protocol in [Protocol::Anthropic, Protocol::OpenaiChat] {
        for name in ["anthropic/overloaded-midstream", "openai/overloaded-midstream"] {
            let received = ask(&world, protocol, &fresh(protocol, name)).await;
            assert_eq!(received.status, 200);
            let (answer, error, _) = received.answer(protocol);
            assert!(!answer.text().is_empty());
            let error = error.unwrap_or_else(|| panic!("{name}: {}", received.text()));
            assert_eq!(halo(&error).kind, Kind::Overloaded, "{name}");
            let words = error["error"]["message"].as_str().unwrap();
            let sent = world.journal().pop().unwrap().response_body.text().into_owned();
            assert!(sent.contains(words), "{words} / {sent}");
            assert!(!received.text().contains("[DONE]"));
            assert!(!received.text().contains("message_stop"));
            // Never a second request behind the program's back.
            assert_eq!(world.journal().len(), 1);
            world.forget();
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_so() {
    let world = World::new().await;
    for scenario in ["cut-mid-stream", "cut-politely", "reset-mid-stream"] {
        for protocol in [Protocol::Anthropic, Protocol::OpenaiChat] {
            let name = format!("openai/{scenario}");
            let received = ask(&world, protocol, &fresh(protocol, &name)).await;
            let (answer, error, _) = received.answer(protocol);
            assert!(!answer.text().is_empty());
            let error = error.unwrap_or_else(|| panic!("{name}: {}", received.text()));
            assert_eq!(halo(&error).kind, Kind::StreamInterrupted, "{name}: {error}");
            world.forget();
        }
    }
}

#[tokio::test]
async fn documents_that_are_no_answers_end_as_502() {
    let world = World::new().await;
    for protocol in [Protocol::Anthropic, Protocol::OpenaiChat] {
        let received = fails(&world, protocol, "openai/html-page", true).await;
        assert_eq!(received.status, 502, "{}", received.text());
        assert!(!received.json()["error"]["message"].as_str().unwrap().contains("<html"));
    }
}

#[tokio::test]
async fn no_provider_at_the_other_end_is_502() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::with_upstream(address).await;
    let received = fails(&world, Protocol::OpenaiChat, "openai/m", false).await;
    assert_eq!(received.status, 502);
    assert_eq!(received.header("x-halo-kind"), Some("network"));
    assert_eq!(received.header("x-halo-attempts"), Some("2"));
    let message = received.json()["error"]["message"].as_str().unwrap().to_lowercase();
    assert!(message.contains("refused"), "{message}");
}

#[tokio::test]
async fn a_taught_rule_is_used_by_the_next_failure() {
    let world = World::new().await;
    let unfamiliar = async |words: &str| {
        let protocol = Protocol::OpenaiChat;
        let mut body = prompt(protocol, "openai/unfamiliar", false);
        body["messages"][0]["content"] = words.into();
        ask(&world, protocol, &body).await
    };
    let failed = unfamiliar("Hello").await;
    assert_eq!((failed.status, world.journal().len()), (418, 1), "{}", failed.text());
    let rule = "[[rule]]\nid = \"own.flux\"\nkind = \"overloaded\"\nany = [\"the flux gently declined\"]\n";
    world.engine.add_rule(rule).unwrap();
    let answered = unfamiliar("Good morning").await;
    assert_eq!((answered.status, world.journal().len()), (200, 3), "{}", answered.text());
    world.engine.remove_rule("own.flux").unwrap().expect("it was there");
    assert_eq!(unfamiliar("Good evening").await.status, 418);
}
