//! Broken, stalled and strange answers, as they are on the socket.

use std::time::{Duration, Instant};

use halo_sim::{Ended, SimOptions};
use halo_types::{Body, Protocol, StopReason};
use halo_wire::Finish;
use serde_json::json;

use crate::client::{End, ask, fast, prompt, served};

#[tokio::test]
async fn a_cut_stream_has_no_terminator_and_no_last_chunk() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        let cases = [
            ("cut-mid-stream", End::Closed, Ended::Closed),
            ("cut-politely", End::Whole, Ended::Whole),
            ("reset-mid-stream", End::Reset, Ended::Reset),
            ("stall-mid-stream", End::Silent, Ended::Open),
        ];
        for (model, end, ended) in cases {
            let body = prompt(protocol, model, "Tell me.", true);
            let received = ask(served.address, protocol, &body).await;
            assert_eq!((received.status, received.end), (Some(200), end), "{model}");
            let (answer, error, finish) = received.answer(protocol);
            assert_eq!((error, finish), (None, Finish::Truncated), "{model}");
            assert!(answer.text().starts_with("You said:"), "{model}: {:?}", answer.text());
            let text = received.text();
            assert!(!text.contains("message_stop") && !text.contains("[DONE]"), "{text}");
            let noted = served.sim.journal().pop().unwrap();
            assert_eq!(noted.ended, ended, "{model}");
            assert_eq!(noted.response_body, Body::from(received.body), "{model}");
        }
    }
}

#[tokio::test]
async fn continue_brings_exactly_the_rest() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        for model in ["cut-mid-stream", "overloaded-midstream", "cut-by-length"] {
            let question = "Explain yourself, please.";
            let first =
                ask(served.address, protocol, &prompt(protocol, model, question, true)).await;
            let partial = first.answer(protocol).0.text();
            assert!(partial.len() > 100, "{model}: {partial}");
            let mut body = prompt(protocol, model, question, true);
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(json!({ "role": "assistant", "content": partial.trim_end() }));
            messages.push(json!({ "role": "user", "content": "Go on exactly where you stopped." }));
            let rest = ask(served.address, protocol, &body).await.said(protocol).unwrap();
            let whole = format!("{}{rest}", partial.trim_end());
            assert!(whole.contains("Settings → AI Model"), "{whole}");
            assert_eq!(whole.matches("| it means |").count(), 1, "{whole}");
            // The same prompt can be played again from the start.
            let again =
                ask(served.address, protocol, &prompt(protocol, model, question, true)).await;
            assert_eq!(again.answer(protocol).0.text(), partial, "{model}");
        }
    }
}

#[tokio::test]
async fn a_reset_before_the_head_leaves_nothing() {
    let served = fast().await;
    let protocol = Protocol::OpenaiChat;
    let received = ask(served.address, protocol, &prompt(protocol, "reset", "Hi", true)).await;
    assert_eq!((received.status, received.end), (None, End::Reset));
    let received = ask(served.address, protocol, &prompt(protocol, "reset", "Hi", true)).await;
    assert!(received.said(protocol).is_some());
}

#[tokio::test]
async fn fails_n_times_then_answers_and_plays_again() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        let body = prompt(protocol, "server-error", "Once more.", true);
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(ask(served.address, protocol, &body).await.status.unwrap());
        }
        assert_eq!(seen, [500, 500, 200, 500, 500, 200]);
        // Another prompt and another key count for themselves.
        let other = prompt(protocol, "server-error", "Another prompt.", true);
        assert_eq!(ask(served.address, protocol, &other).await.status, Some(500));
    }
}

#[tokio::test]
async fn retry_after_and_request_ids_are_sent() {
    let served = fast().await;
    for (protocol, id) in
        [(Protocol::Anthropic, "request-id"), (Protocol::OpenaiChat, "x-request-id")]
    {
        let received =
            ask(served.address, protocol, &prompt(protocol, "rate-limit", "a", true)).await;
        assert_eq!(received.headers.first("retry-after"), Some("3"));
        let id = received.headers.first(id).unwrap().to_owned();
        let long =
            ask(served.address, protocol, &prompt(protocol, "rate-limit-long", "a", true)).await;
        assert_eq!(long.headers.first("retry-after"), Some("600"));
        assert!(id.starts_with("req_"), "{id}");
        if protocol == Protocol::Anthropic {
            assert_eq!(received.json()["request_id"], json!(id));
        }
    }
}

#[tokio::test]
async fn an_error_event_before_and_after_the_first_word() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        let before =
            ask(served.address, protocol, &prompt(protocol, "overloaded-stream", "a", true)).await;
        let (answer, error, _) = before.answer(protocol);
        assert_eq!((before.status, answer.text().as_str()), (Some(200), ""));
        assert!(String::from_utf8(error.unwrap()).unwrap().to_lowercase().contains("overloaded"));
        let after =
            ask(served.address, protocol, &prompt(protocol, "overloaded-midstream", "a", true))
                .await;
        let (answer, error, _) = after.answer(protocol);
        assert_eq!(answer.text().chars().count(), 180);
        assert!(error.is_some() && after.end == End::Whole);
    }
}

#[tokio::test]
async fn an_answer_cut_by_length_says_so() {
    let served = fast().await;
    for protocol in Protocol::ALL.iter().copied() {
        for stream in [true, false] {
            let body = prompt(protocol, "cut-by-length", "Explain.", stream);
            let received = ask(served.address, protocol, &body).await;
            let (answer, _, finish) = received.answer(protocol);
            assert_eq!((answer.stop, finish), (Some(StopReason::Length), Finish::Complete));
        }
    }
}

#[tokio::test]
async fn answers_keep_a_pace_that_can_be_scaled() {
    let protocol = Protocol::Anthropic;
    let body = prompt(protocol, "slow", "Take your time.", true);
    let served = served(SimOptions { speed: 20.0, ..SimOptions::default() }).await;
    let start = Instant::now();
    let received = ask(served.address, protocol, &body).await;
    assert!(received.said(protocol).is_some());
    let took = start.elapsed();
    assert!((Duration::from_millis(400)..Duration::from_secs(3)).contains(&took), "{took:?}");
}
