//! Good answers: passed through, translated, and after retries.

use halo_types::{Protocol, StopReason};
use serde_json::json;

use crate::client::{ask, auth, call, path, prompt};
use crate::world::{PROVIDER_KEY, World};

const BOTH: [Protocol; 2] = [Protocol::Anthropic, Protocol::OpenaiChat];

fn id(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Anthropic => "anthropic",
        Protocol::OpenaiChat => "openai",
        Protocol::OpenaiResponses => "responses",
        Protocol::Gemini => "gemini",
    }
}

#[tokio::test]
async fn the_same_protocol_passes_through_to_the_byte() {
    let world = World::new().await;
    for protocol in BOTH {
        for stream in [false, true] {
            let name = format!("{}/halo-practice", id(protocol));
            let received = ask(&world, protocol, &prompt(protocol, &name, stream)).await;
            assert!(received.said(protocol).contains("practice model"), "{}", received.text());
            let exchange = world.journal().pop().unwrap();
            assert_eq!(received.text(), exchange.response_body.text());
            let want = prompt(protocol, "halo-practice", stream).to_string();
            assert_eq!(exchange.request_body.text(), want);
            let content_type = if stream { "text/event-stream" } else { "application/json" };
            assert_eq!(received.header("content-type"), Some(content_type));
            assert_eq!(received.header("x-halo-attempts"), Some("1"));
            for name in ["request-id", "x-request-id"] {
                let sent = exchange.response_headers.first(name);
                assert_eq!(received.header(name), sent, "{name}");
            }
            assert!(!format!("{:?}", exchange.request_headers).contains(&world.key));
        }
    }
}

#[tokio::test]
async fn another_protocol_is_translated_both_ways() {
    let world = World::new().await;
    let pairs = BOTH.into_iter().flat_map(|from| {
        Protocol::ALL.iter().filter(move |to| **to != from).map(move |to| (from, *to))
    });
    for (from, to) in pairs {
        for stream in [false, true] {
            let mut body = prompt(from, &format!("{}/halo-practice", id(to)), stream);
            body["temperature"] = json!(0.5);
            body["tool_choice"] = match from {
                Protocol::Anthropic => json!({ "type": "none" }),
                _ => json!("none"),
            };
            let received = ask(&world, from, &body).await;
            assert!(received.said(from).contains("practice model"), "{}", received.text());
            let (answer, ..) = received.answer(from);
            assert_eq!(answer.stop, Some(StopReason::End));
            assert_eq!(answer.model.as_deref(), Some("halo-practice"));
            assert_eq!(received.header("x-halo-omitted"), Some("tool_choice"));
            let exchange = world.journal().pop().unwrap();
            assert_eq!(exchange.protocol, Some(to));
            let sent: serde_json::Value =
                serde_json::from_slice(exchange.request_body.as_bytes()).unwrap();
            let place = match to {
                Protocol::Gemini => "/generationConfig/temperature",
                _ => "/temperature",
            };
            assert_eq!(sent.pointer(place), Some(&json!(0.5)), "{from} → {to}");
        }
    }
}

#[tokio::test]
async fn tools_and_thinking_survive_the_translation() {
    let world = World::new().await;
    let mut body = prompt(Protocol::Anthropic, "openai/halo-practice-tools", true);
    body["tools"] = json!([{
        "name": "look", "description": "Looks.", "input_schema": { "type": "object" },
    }]);
    let received = ask(&world, Protocol::Anthropic, &body).await;
    let (answer, ..) = received.answer(Protocol::Anthropic);
    assert_eq!(answer.stop, Some(StopReason::Tool), "{}", received.text());
    assert!(received.text().contains("\"tool_use\""), "{}", received.text());

    let body = prompt(Protocol::OpenaiChat, "anthropic/halo-practice-thinking", true);
    let received = ask(&world, Protocol::OpenaiChat, &body).await;
    assert!(received.text().contains("reasoning"), "{}", received.text());
    received.said(Protocol::OpenaiChat);
}

#[tokio::test]
async fn names_find_their_provider() {
    let world = World::new().await;
    // The simulator knows neither model; which protocol it was asked in tells the provider.
    for (name, to, model) in [
        ("anthropic-only", Protocol::Anthropic, "anthropic-only"),
        ("openai-only", Protocol::OpenaiChat, "openai-only"),
        ("anthropic/some/thing", Protocol::Anthropic, "some/thing"),
        ("no-such-model", Protocol::OpenaiChat, "no-such-model"),
    ] {
        ask(&world, Protocol::OpenaiChat, &prompt(Protocol::OpenaiChat, name, false)).await;
        let exchange = world.journal().pop().unwrap();
        assert_eq!((exchange.protocol, exchange.model.as_deref()), (Some(to), Some(model)));
    }
}

#[tokio::test]
async fn failures_before_the_first_part_are_retried_out_of_sight() {
    let world = World::new().await;
    let cases = [
        ("bad-gateway", false),
        ("bad-gateway", true),
        // HTTP 200, and the error inside.
        ("server-error-stream", true),
        ("error-in-200", false),
        // HTTP 200 without a word.
        ("empty-answer", false),
        ("empty-answer", true),
        ("null-body", false),
        ("reset", true),
    ];
    let world = &world;
    let all = BOTH.into_iter().flat_map(|protocol| {
        cases.map(|(scenario, stream)| async move {
            // A prompt of its own, so that the simulator counts it on its own.
            let mut body = prompt(protocol, &format!("{}/{scenario}", id(protocol)), stream);
            body["messages"][0]["content"] = json!(format!("{scenario} {stream}"));
            let received = ask(world, protocol, &body).await;
            assert_eq!(received.header("x-halo-attempts"), Some("2"), "{scenario} {stream}");
            assert!(!received.said(protocol).is_empty());
        })
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_as_long_as_it_says() {
    let world = World::new().await;
    let began = std::time::Instant::now();
    let body = prompt(Protocol::OpenaiChat, "openai/rate-limit", true);
    let received = ask(&world, Protocol::OpenaiChat, &body).await;
    assert_eq!(received.header("x-halo-attempts"), Some("2"));
    received.said(Protocol::OpenaiChat);
    assert!(began.elapsed().as_millis() >= 3_000, "{:?}", began.elapsed());
}

#[tokio::test]
async fn models_are_listed_in_either_form() {
    let world = World::new().await;
    let bearer = auth(Protocol::OpenaiChat, &world.key);
    let openai = call(world.address, "GET", "/v1/models", &bearer, b"").await.json();
    assert_eq!(openai["object"], "list");
    let names: Vec<&str> =
        openai["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(names.len(), Protocol::ALL.len());
    assert!(names.contains(&"anthropic/anthropic-only"), "{names:?}");
    assert_eq!(openai["data"][0]["object"], "model");

    let key = auth(Protocol::Anthropic, &world.key);
    let anthropic = call(world.address, "GET", "/v1/models", &key, b"").await.json();
    assert_eq!(anthropic["data"][0]["type"], "model");
    assert_eq!(anthropic["has_more"], false);
}

#[tokio::test]
async fn a_program_s_own_headers_reach_the_provider_and_its_key_does_not() {
    let world = World::new().await;
    let protocol = Protocol::Anthropic;
    let mut headers = auth(protocol, &world.key);
    headers.push(("anthropic-beta".to_owned(), "some-feature".to_owned()));
    headers.push(("cookie".to_owned(), "private".to_owned()));
    let body = prompt(protocol, "anthropic/halo-practice", false).to_string();
    let path = format!("{}?beta=true", path(protocol));
    let received = call(world.address, "POST", &path, &headers, body.as_bytes()).await;
    received.said(protocol);
    let sent = world.journal().pop().unwrap().request_headers;
    assert_eq!(sent.first("anthropic-beta"), Some("some-feature"));
    assert_eq!(sent.first("cookie"), None);
    let sent = format!("{sent:?}");
    assert!(!sent.contains(&world.key[..20]) && !sent.contains(PROVIDER_KEY), "{sent}");
}
