//! Talking without trouble, and the rules around it.

use halo_engine::{ConversationView, Edit, EngineError, Item, MessageView, Submission};
use halo_types::{Ending, Lang, Protocol, StopReason, TurnId};
use uuid::Uuid;

use crate::bench::{Bench, answer, last};

#[tokio::test]
async fn a_prompt_is_answered_in_both_protocols() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = bench.chat(*protocol, "halo-practice").await;
        let view = chat.say("What is the capital of France?").await;
        assert!(answer(&view).is_some_and(|text| !text.is_empty()), "{view:#?}");
        let message = last(&view);
        assert_eq!(message.ending, Some(Ending::Complete { stop: StopReason::End }));
        assert_eq!(view.meta.title, "What is the capital of France?");
        assert!(view.meter.tokens > 0);
    }
}

#[tokio::test]
async fn the_same_turn_twice_is_one_submission() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    let submission = Submission {
        turn: TurnId::new(Uuid::now_v7()),
        conversation: chat.id,
        text: "Once".to_owned(),
        images: Vec::new(),
        target: None,
    };
    let (a, b) = tokio::join!(
        bench.engine.submit(submission.clone()),
        bench.engine.submit(submission.clone())
    );
    // Whichever came second is told so, or that the first still runs.
    let results = [a, b];
    let fresh = results.iter().filter(|r| r.as_ref().is_ok_and(|s| !s.already)).count();
    assert_eq!(fresh, 1, "{results:?}");
    chat.settled().await;
    assert!(bench.engine.submit(submission).await.unwrap().already);
    let view = chat.settled().await;
    assert_eq!(view.items.len(), 2, "{view:#?}");
}

#[tokio::test]
async fn one_turn_runs_at_a_time_and_stop_keeps_what_came() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "stall-mid-stream").await;
    chat.submit("Tell me something long", Vec::new()).await;
    chat.until(|v| v.running.as_ref().is_some_and(|r| !r.text.is_empty()), false).await;
    let second = bench
        .engine
        .submit(Submission {
            turn: TurnId::new(Uuid::now_v7()),
            conversation: chat.id,
            text: "Another".to_owned(),
            images: Vec::new(),
            target: None,
        })
        .await;
    assert!(matches!(second, Err(EngineError::Busy)), "{second:?}");
    assert!(bench.engine.stop(chat.id).await.unwrap());
    let view = chat.view().await;
    assert!(view.running.is_none());
    let message = last(&view);
    assert_eq!(message.ending, Some(Ending::Stopped));
    assert!(!message.text().is_empty());
    assert!(!bench.engine.stop(chat.id).await.unwrap());
}

#[tokio::test]
async fn a_prompt_stopped_before_the_first_word_can_be_sent_again() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "stall").await;
    chat.submit("Are you there?", Vec::new()).await;
    chat.until(|v| v.running.as_ref().is_some_and(|r| r.attempt.is_some()), false).await;
    bench.engine.stop(chat.id).await.unwrap();
    let view = chat.view().await;
    let Some(halo_engine::Item::Message(prompt)) = view.items.last() else {
        panic!("{view:#?}");
    };
    assert!(prompt.can_resend);
    let turn = TurnId::new(Uuid::now_v7());
    let other = crate::bench::target(Protocol::OpenaiChat, "halo-practice");
    bench.engine.regenerate(chat.id, prompt.message.id, turn, Some(other)).await.unwrap();
    let view = chat.settled().await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(view.items.len(), 2);
}

#[tokio::test]
async fn empty_and_huge_prompts_are_refused_with_words_and_nothing_is_stored() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    for (text, starts) in
        [("  \n".to_owned(), "the message is empty"), ("x".repeat(50 << 20), "the message has")]
    {
        let result = bench
            .engine
            .submit(Submission {
                turn: TurnId::new(Uuid::now_v7()),
                conversation: chat.id,
                text,
                images: Vec::new(),
                target: None,
            })
            .await;
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(starts), "{error}");
    }
    assert!(chat.view().await.items.is_empty());
}

#[tokio::test]
async fn deleting_is_taken_back() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    chat.say("Keep me").await;
    bench.engine.delete(chat.id).await.unwrap();
    assert!(bench.engine.conversations().await.unwrap().is_empty());
    assert!(bench.engine.conversation(chat.id, Lang::En).await.is_err());
    bench.engine.restore(chat.id).await.unwrap();
    assert_eq!(bench.engine.conversations().await.unwrap().len(), 1);
    assert_eq!(chat.view().await.items.len(), 2);
}

#[tokio::test]
async fn a_closed_engine_keeps_the_partial_answer() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::Anthropic, "stall-mid-stream").await;
    chat.submit("Begin", Vec::new()).await;
    chat.until(|v| v.running.as_ref().is_some_and(|r| !r.text.is_empty()), false).await;
    bench.engine.close().await;
    let engine = Bench::open(bench.engine.config().clone()).await;
    let view = engine.conversation(chat.id, Lang::En).await.unwrap();
    let message = last(&view);
    assert_eq!(message.ending, Some(Ending::Interrupted));
    assert!(!message.text().is_empty());
    let card = crate::bench::card(&view).expect("the break has a card");
    let actions: Vec<&str> = card.offers.iter().map(|offer| offer.action.as_str()).collect();
    assert!(actions.contains(&"continue") && actions.contains(&"resend"), "{actions:?}");
}

#[tokio::test]
async fn an_edited_prompt_and_a_fork_stand_beside_what_was_there() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    chat.say("One").await;
    let view = chat.say("Two").await;
    let messages = |view: &ConversationView| -> Vec<MessageView> {
        let message = |item: &Item| match item {
            Item::Message(message) => Some((**message).clone()),
            _ => None,
        };
        view.items.iter().filter_map(message).collect()
    };
    let before = messages(&view);
    assert_eq!(before.len(), 4);

    // An earlier prompt is written anew, twice with one id: one answer, beside the old branch.
    let edit = Edit {
        conversation: chat.id,
        message: before[0].message.id,
        turn: TurnId::new(Uuid::now_v7()),
        text: "Eins".to_owned(),
        target: None,
    };
    bench.engine.edit(edit.clone()).await.unwrap();
    let view = chat.settled().await;
    bench.engine.edit(edit).await.unwrap();
    assert_eq!(messages(&chat.view().await), messages(&view));
    assert_eq!(messages(&view)[0].siblings.len(), 2);
    let answer = Edit {
        conversation: chat.id,
        message: before[1].message.id,
        turn: TurnId::new(Uuid::now_v7()),
        text: "No".to_owned(),
        target: None,
    };
    let refused = bench.engine.edit(answer).await;
    assert!(matches!(refused, Err(EngineError::DoesNotFit(_))), "{refused:?}");

    // Back to the old branch, and on from its first answer.
    bench.engine.choose(chat.id, before[0].message.id).await.unwrap();
    assert_eq!(messages(&chat.view().await).len(), 4);
    bench.engine.fork(chat.id, before[1].message.id).await.unwrap();
    let here = messages(&chat.view().await);
    assert!(here.len() == 2 && here[1].forked && here[1].is_last, "{here:#?}");
    let view = chat.say("Zwei").await;
    let now = messages(&view);
    assert_eq!(now[2].siblings, [before[2].message.id, now[2].message.id]);
    assert!(now.iter().all(|message| !message.forked));
}
