//! Models that answer, lists of models, and what the simulator tells about itself.

use halo_sim::SimOptions;
use halo_types::{Part, Protocol, StopReason};
use halo_wire::decode_models;
use serde_json::json;

use crate::client::{ask, auth, call, fast, prompt, served};

#[tokio::test]
async fn the_practice_model_answers_in_the_language_of_the_prompt() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        for stream in [true, false] {
            let body = prompt(protocol, "halo-practice", "What about Markdown?", stream);
            let said = ask(served.address, protocol, &body).await.said(protocol).unwrap();
            for part in ["> What about Markdown?", "```rust", "|---|", "- [ ]", "/practice"] {
                assert!(said.contains(part), "{part} in {said}");
            }
            let body = prompt(protocol, "halo-practice", "你会说中文吗？", stream);
            let said = ask(served.address, protocol, &body).await.said(protocol).unwrap();
            assert!(said.starts_with("你说：\n\n> 你会说中文吗？"), "{said}");
        }
    }
}

#[tokio::test]
async fn thinking_and_tools_come_in_both_protocols() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        for stream in [true, false] {
            let body = prompt(protocol, "halo-practice-thinking", "Think.", stream);
            let (answer, _, _) = ask(served.address, protocol, &body).await.answer(protocol);
            assert!(matches!(&answer.parts()[0], Part::Thinking { text, .. } if !text.is_empty()));

            let mut body = prompt(protocol, "halo-practice-tools", "Weather in Kiel?", stream);
            let schema =
                json!({ "type": "object", "properties": { "city": { "type": "string" } } });
            body["tools"] = match protocol {
                Protocol::Anthropic => json!([{ "name": "weather", "input_schema": schema }]),
                _ => {
                    json!([{ "type": "function",
                             "function": { "name": "weather", "parameters": schema } }])
                }
            };
            let (answer, _, _) = ask(served.address, protocol, &body).await.answer(protocol);
            assert_eq!(answer.stop, Some(StopReason::Tool));
            let Some(Part::ToolCall { name, arguments, .. }) = answer.parts().last().cloned()
            else {
                panic!("no call in {:?}", answer.parts());
            };
            assert_eq!(name, "weather");
            let arguments: serde_json::Value = serde_json::from_str(&arguments).unwrap();
            assert_eq!(arguments, json!({ "city": "Weather in Kiel?" }));
        }
    }
}

#[tokio::test]
async fn a_summary_is_built_from_the_request() {
    let served = fast().await;
    let instruction = "Summarise the conversation above so that it can go on without the messages \
        themselves. Answer with the summary only.";
    for protocol in Protocol::ALL.iter().copied() {
        for model in ["halo-practice", "small-window"] {
            let mut body = prompt(protocol, model, "", true);
            body["messages"] = json!([
                { "role": "user", "content": "My ship is called Annabel." },
                { "role": "assistant", "content": "A good name for a ship." },
                { "role": "user", "content":
                    format!("It has two masts.\n\n{instruction}\n\nAbove all keep: names") },
            ]);
            let said = ask(served.address, protocol, &body).await.said(protocol).unwrap();
            for words in ["My ship is called Annabel.", "A good name", "It has two masts."] {
                assert!(said.contains(words), "{words} in {said}");
            }
            assert!(!said.contains("Summarise"), "{said}");
        }
    }
}

#[tokio::test]
async fn models_are_listed_in_both_forms_under_any_prefix() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        for path in ["/v1/models", "/some/prefix/v1/models/", "/models"] {
            let headers = auth(protocol, "practice");
            let received = call(served.address, "GET", path, &headers, b"").await;
            let models = decode_models(&received.body).unwrap();
            assert_eq!(models.len(), served.sim.models().len());
            assert_eq!(models[0].id, "halo-practice");
            assert_eq!((models[0].context_window, models[0].vision), (Some(200_000), Some(true)));
        }
    }
}

#[tokio::test]
async fn wrong_paths_methods_bodies_and_models_are_refused_as_providers_do() {
    let served = fast().await;
    let address = served.address;
    for protocol in Protocol::ALL.iter().copied() {
        let headers = auth(protocol, "practice");
        let (path, _) = crate::client::wire(protocol, &prompt(protocol, "m", "Hi", false));
        let lost = call(address, "POST", "/v2/nothing", &headers, b"{}").await;
        assert_eq!(lost.status, Some(404));
        assert!(lost.json()["error"]["message"].is_string());
        let method = call(address, "GET", &path, &headers, b"").await;
        assert_eq!((method.status, method.headers.first("allow")), (Some(405), Some("POST")));
        let garbled = call(address, "POST", &path, &headers, b"{\"model\":").await;
        assert_eq!(garbled.status, Some(400));
        let strange = prompt(protocol, "no \"such\" model\n", "Hi", false);
        let strange = ask(address, protocol, &strange).await;
        assert_eq!(strange.status, Some(404));
        assert!(strange.json()["error"]["message"].as_str().unwrap().contains("no \"such\" model"));
    }
}

#[tokio::test]
async fn rules_of_the_diagnosis_can_be_played() {
    let served = fast().await;
    let rule = halo_diagnose::rules()
        .iter()
        .find(|r| r.example.iter().any(|e| e.status.is_some() && !e.body.is_empty()))
        .expect("some rule has an HTTP example");
    let example = rule.example.iter().find(|e| e.status.is_some() && !e.body.is_empty()).unwrap();
    let protocol = Protocol::OpenaiChat;
    let body = prompt(protocol, &format!("rule:{}", rule.id), "Hi", false);
    let received = ask(served.address, protocol, &body).await;
    assert_eq!((received.status, received.text()), (example.status, example.body.clone()));
}

#[tokio::test]
async fn the_journal_is_shown_only_on_request() {
    let open = served(SimOptions { expose_journal: true, ..SimOptions::default() }).await;
    let closed = fast().await;
    let protocol = Protocol::Anthropic;
    for served in [&open, &closed] {
        ask(served.address, protocol, &prompt(protocol, "quota", "Hi", false)).await;
        let scenarios = call(served.address, "GET", "/_sim/scenarios", &[], b"").await.json();
        assert_eq!(scenarios.as_array().unwrap().len(), served.sim.scenarios().len());
        assert_eq!(scenarios[0]["title"]["en"], json!("Practice model"));
    }
    let journal = call(open.address, "GET", "/_sim/journal", &[], b"").await;
    assert_eq!(journal.json()[0]["status"], json!(400));
    assert!(journal.json()[0]["response_body"].as_str().unwrap().contains("credit balance"));
    let hidden = call(closed.address, "GET", "/_sim/journal", &[], b"").await;
    assert_eq!(hidden.status, Some(404));
}

#[tokio::test]
async fn stopping_ends_open_connections() {
    let served = fast().await;
    let protocol = Protocol::Anthropic;
    let address = served.address;
    let waiting = tokio::spawn(async move {
        ask(address, protocol, &prompt(protocol, "stall", "Hi", true)).await
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    drop(served);
    let received = waiting.await.unwrap();
    assert_eq!(received.status, None);
    assert_ne!(received.end, crate::client::End::Silent);
}
