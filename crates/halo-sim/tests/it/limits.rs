//! Limits that look at the request.

use halo_sim::{SimOptions, Simulator};
use halo_types::{Lang, Protocol, Role};
use serde_json::json;

use crate::client::{ask, ask_as, fast, prompt};
use crate::scenarios::picture;

#[tokio::test]
async fn the_blind_model_refuses_a_picture_in_the_history() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        let image = match protocol {
            Protocol::Anthropic => json!({ "type": "image", "source": {
                "type": "base64", "media_type": "image/png", "data": picture() } }),
            _ => json!({ "type": "image_url", "image_url": {
                "url": format!("data:image/png;base64,{}", picture()) } }),
        };
        let mut body = prompt(protocol, "blind", "", true);
        body["messages"] = json!([
            { "role": "user", "content": [{ "type": "text", "text": "Look:" }, image] },
            { "role": "assistant", "content": "A fine picture." },
            { "role": "user", "content": "And now without one." },
        ]);
        let refused = ask(served.address, protocol, &body).await;
        assert_eq!(refused.status, Some(400));
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.to_lowercase().contains("image"), "{message}");
        body["messages"][0]["content"] = json!("Look: [a picture]");
        assert!(ask(served.address, protocol, &body).await.said(protocol).is_some());
    }
}

#[tokio::test]
async fn the_small_window_counts_and_names_its_numbers() {
    let served = fast().await;
    let scenario = served.sim.scenario("small-window").unwrap();
    for protocol in Protocol::ALL.iter().copied() {
        let mut body = prompt(protocol, "small-window", "", true);
        let mut messages: Vec<_> = scenario
            .history(Lang::En)
            .into_iter()
            .map(|(role, text)| {
                let role = if role == Role::User { "user" } else { "assistant" };
                json!({ "role": role, "content": text })
            })
            .collect();
        messages.push(json!({ "role": "user", "content": scenario.prompt.en }));
        body["messages"] = json!(messages);
        let refused = ask(served.address, protocol, &body).await;
        assert_eq!(refused.status, Some(400));
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("16384"), "{message}");
        // Half of it fits.
        body["messages"] = json!(messages[10..]);
        assert!(ask(served.address, protocol, &body).await.said(protocol).is_some());
        if protocol == Protocol::Gemini {
            // Its window is for input alone.
            continue;
        }
        // Input and output together must fit too.
        body["max_tokens"] = json!(4096);
        body["messages"] = json!(messages[6..]);
        let refused = ask(served.address, protocol, &body).await;
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("4096"), "{message}");
    }
}

#[tokio::test]
async fn only_the_right_key_opens() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        let body = prompt(protocol, "wrong-key", "Hi", true);
        let refused = ask_as(served.address, protocol, &body, "sk-practice-000000000000abcd").await;
        let status = if protocol == Protocol::Gemini { 400 } else { 401 };
        assert_eq!(refused.status, Some(status));
        assert!(!refused.text().contains("000000000000"), "{}", refused.text());
        let opened = ask_as(served.address, protocol, &body, "practice-key-ok").await;
        assert!(opened.said(protocol).is_some());
    }
    let shown = serde_json::to_string(&served.sim.journal()).unwrap();
    assert!(!shown.contains("sk-practice-000000000000abcd") && !shown.contains("practice-key-ok"));
}

#[tokio::test]
async fn requests_per_minute_are_counted() {
    let served = fast().await;
    let protocol = Protocol::OpenaiChat;
    let mut statuses = Vec::new();
    for n in 0..3 {
        let body = prompt(protocol, "rate-limit-per-minute", &format!("number {n}"), true);
        let received = ask(served.address, protocol, &body).await;
        statuses.push(received.status.unwrap());
        if n == 2 {
            let wait: u64 = received.headers.first("retry-after").unwrap().parse().unwrap();
            assert!((50..=60).contains(&wait), "{wait}");
        }
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn a_broken_history_is_refused_and_noted() {
    let served = fast().await;
    let protocol = Protocol::Anthropic;
    let mut body = prompt(protocol, "halo-practice", "", true);
    body["messages"] = json!([
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": [
            { "type": "tool_use", "id": "toolu_1", "name": "look", "input": {} }] },
        { "role": "user", "content": "Never mind." },
    ]);
    let refused = ask(served.address, protocol, &body).await;
    assert_eq!(refused.status, Some(400));
    let noted = served.sim.journal().pop().unwrap().history_fault.unwrap();
    assert_eq!(refused.json()["error"]["message"], json!(noted));
    assert!(noted.contains("tool_use"), "{noted}");
}

#[test]
fn the_list_has_the_right_name_beside_the_wrong_one() {
    let sim = Simulator::new(SimOptions::default());
    let ids: Vec<String> = sim.models().into_iter().map(|model| model.id).collect();
    assert_eq!(ids[0], halo_sim::PRACTICE_MODEL);
    assert!(ids.contains(&"model-now-found".to_owned()));
    assert!(!ids.contains(&"model-not-found".to_owned()));
}
