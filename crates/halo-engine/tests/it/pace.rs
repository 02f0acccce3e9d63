//! Many conversations on one key share its pace.

use std::time::Duration;

use halo_engine::Activity;
use halo_types::Protocol;
use serde_json::json;

use crate::bench::{Bench, answer};
use crate::scripted::{Scripted, limit};

#[tokio::test]
async fn five_conversations_on_one_key_do_not_storm_it() {
    let bench = Bench::new().await;
    let provider =
        Scripted::at(&bench, "sim-openai", |nth, _| if nth == 0 { limit(4) } else { None }).await;
    let first = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    first.submit("Hello", Vec::new()).await;
    first.until(|view| view.wait.is_some(), false).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
        chat.submit("Hello", Vec::new()).await;
        others.push(chat);
    }
    for chat in &others {
        let view = chat.until(|view| view.wait.is_some(), false).await;
        let wait = view.wait.clone().unwrap();
        assert_eq!((wait.from.as_str(), wait.automatic), ("pace", true));
        assert!(view.running.is_some_and(|running| running.attempt.is_none()));
    }
    let rows = bench.engine.conversations().await.unwrap();
    assert!(rows.iter().all(|row| matches!(row.activity, Activity::Waiting { .. })), "{rows:?}");
    assert_eq!(provider.came().len(), 1, "the others wait without sending");
    // One is stopped, one is hurried; the rest leave when the time has come.
    assert!(bench.engine.stop(others[0].id).await.unwrap());
    let turn = others[1].view().await.running.unwrap().turn;
    bench.engine.send_now(others[1].id, turn).await.unwrap();
    let view = others[1].until(|view| view.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(provider.came().len(), 2);
    for chat in others[2..].iter().chain([&first]) {
        let view = chat.until(|view| view.running.is_none(), false).await;
        assert!(answer(&view).is_some(), "{view:#?}");
    }
    let came = provider.came();
    assert_eq!(came.len(), 5, "nobody was refused again, and the stopped one never left");
    let began = came[0].at;
    for later in &came[2..] {
        assert!(later.at.duration_since(began) >= Duration::from_millis(3_900));
    }
}

#[tokio::test]
async fn what_the_headers_leave_is_kept_to() {
    let bench = Bench::new().await;
    let provider = Scripted::at(&bench, "sim-openai", |nth, _| {
        // A refusal of another kind tells of the limits too.
        (nth == 0).then(|| {
            let headers = [
                ("x-ratelimit-limit-requests", "1"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "3s"),
            ];
            let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
            let error = json!({ "error": { "message": "Invalid 'user'.", "type": "invalid_request_error" } });
            (400, headers, error)
        })
    })
    .await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    chat.say("Hello").await;
    let other = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    other.submit("Hello", Vec::new()).await;
    let view = other.until(|view| view.wait.is_some(), false).await;
    assert_eq!(view.wait.unwrap().from, "pace");
    // Another provider's key has a pace of its own.
    let elsewhere = bench.chat(Protocol::Anthropic, "halo-practice").await;
    assert!(answer(&elsewhere.say("Hello").await).is_some());
    assert_eq!(provider.came().len(), 1);
    let view = other.until(|view| view.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    let came = provider.came();
    assert!(came[1].at.duration_since(came[0].at) >= Duration::from_millis(2_900));
}
