//! A director decides by looking at the request.

use std::sync::Arc;
use std::time::Duration;

use halo_sim::{Break, Directing, Director, Scene};
use halo_types::{Protocol, StopReason};

use crate::client::{End, ask, directed, prompt};

/// Does what the prompt says.
struct Obedient;

impl Director for Obedient {
    fn direct(&self, request: &Directing<'_>) -> Option<Scene> {
        let said = request.prompt();
        let text = "one two three".to_owned();
        Some(match said.as_str() {
            "answer" => Scene::Answer {
                thinking: "Hm.".to_owned(),
                text,
                stop: StopReason::End,
                pace: Duration::ZERO,
            },
            "refuse" => Scene::Http {
                status: 418,
                headers: vec![("retry-after".to_owned(), "7".to_owned())],
                body: br#"{"error":{"message":"${model} stays as it is"}}"#.to_vec(),
            },
            "event" => {
                Scene::StreamError { text, data: r#"{"error":{"message":"no more"}}"#.to_owned() }
            }
            "close" => Scene::Broken { text: Some(text), how: Break::Close },
            "nothing" => Scene::Broken { text: None, how: Break::Reset },
            "end" => Scene::Broken { text: Some(text), how: Break::End },
            _ => return None,
        })
    }
}

#[tokio::test]
async fn each_scene_is_played_in_every_protocol() {
    let served = directed(Arc::new(Obedient)).await;
    for protocol in Protocol::ALL.iter().copied() {
        let say = async |words: &str| {
            ask(served.address, protocol, &prompt(protocol, "any-model", words, true)).await
        };
        let answer = say("answer").await;
        assert_eq!(answer.said(protocol).as_deref(), Some("one two three"), "{}", answer.text());
        let refused = say("refuse").await;
        assert_eq!((refused.status, refused.headers.first("retry-after")), (Some(418), Some("7")));
        assert_eq!(refused.json()["error"]["message"], "${model} stays as it is");
        let (begun, error, _) = say("event").await.answer(protocol);
        assert_eq!(begun.text(), "one two three");
        assert!(String::from_utf8_lossy(&error.unwrap()).contains("no more"));
        for (words, end) in [("close", End::Closed), ("end", End::Whole)] {
            let broken = say(words).await;
            assert_eq!(broken.end, end, "{words}");
            assert_eq!(broken.said(protocol), None, "{words}");
            assert_eq!(broken.answer(protocol).0.text(), "one two three");
        }
        let nothing = say("nothing").await;
        assert_eq!((nothing.status, nothing.body.len()), (None, 0));
    }
}

#[tokio::test]
async fn what_nobody_decides_is_played_by_the_scenarios() {
    let served = directed(Arc::new(Obedient)).await;
    let protocol = Protocol::OpenaiChat;
    let body = prompt(protocol, "halo-practice", "Hello", true);
    assert!(ask(served.address, protocol, &body).await.said(protocol).is_some());
}
