//! The failover ladder: how far a turn goes by itself, what it says of it, and that it goes back.

use halo_config::Settings;
use halo_engine::{ConversationView, Item, MessageView};
use halo_recover::Reach;
use halo_types::{Action, Kind, Protocol, Target};

use crate::bench::{Bench, answer, card, id_of, target};
use crate::scripted::{Refusal, Scripted, limit, refuse};

const HERE: &str = "sim-openai";
const THERE: &str = "sim-responses";

fn overloaded() -> Refusal {
    refuse(503, "server_error", "overloaded", "The engine is currently overloaded")
}

fn no_credit() -> Refusal {
    let words = "You exceeded your current quota, please check your plan and billing details.";
    refuse(429, "insufficient_quota", "insufficient_quota", words)
}

/// A bench that may go so far, with two scripted models in front of a ladder of one.
async fn reaching(reach: Reach) -> Bench {
    Bench::with(move |settings: &mut Settings| {
        settings.recovery.failover = reach;
        settings.recovery.ladder = vec![target(Protocol::Anthropic, "halo-practice")];
        for provider in &mut settings.providers {
            if provider.id.as_str() == THERE {
                provider.protocol = Protocol::OpenaiChat;
                provider.preset = "openai-compatible".to_owned();
            }
            if provider.id.as_str() == HERE || provider.id.as_str() == THERE {
                provider.models = vec!["gpt-x".to_owned()];
            }
        }
    })
    .await
}

fn here() -> Target {
    target(Protocol::OpenaiChat, "gpt-x")
}

/// The last answer as it is shown.
fn shown(view: &ConversationView) -> MessageView {
    let message = view.items.iter().rev().find_map(|item| match item {
        Item::Message(message) => Some((**message).clone()),
        _ => None,
    });
    message.expect("there are messages")
}

fn by(view: &ConversationView) -> Target {
    shown(view).message.origin.unwrap_or_else(|| panic!("no answer: {view:#?}")).target
}

#[tokio::test]
async fn without_leave_nothing_else_is_asked() {
    for kind in [no_credit as fn() -> Refusal, overloaded] {
        let bench = reaching(Reach::Off).await;
        let keys = ["sk-first-12345678", "sk-second-12345678"];
        bench.engine.config().set_keys(&HERE.parse().unwrap(), &keys).unwrap();
        let first = Scripted::at(&bench, HERE, move |_, _| kind()).await;
        let other = Scripted::at(&bench, THERE, |_, _| None).await;
        let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
        let view = chat.say("Hello").await;
        assert!(card(&view).is_some(), "{view:#?}");
        assert!(first.came().iter().all(|came| came.key == keys[0]));
        assert!(other.came().is_empty() && bench.sim.journal().is_empty());
    }
}

#[tokio::test]
async fn another_key_answers_where_the_first_has_no_credit_and_the_next_turn_begins_with_it() {
    let bench = reaching(Reach::Keys).await;
    let keys = ["sk-first-12345678", "sk-second-12345678"];
    bench.engine.config().set_keys(&HERE.parse().unwrap(), &keys).unwrap();
    let provider = Scripted::at(&bench, HERE, |_, came| {
        if came.key.starts_with("sk-first") { no_credit() } else { None }
    })
    .await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    for asked in [2, 3] {
        let view = chat.say("Hello").await;
        assert!(answer(&view).is_some(), "{view:#?}");
        assert_eq!(provider.came().len(), asked, "an empty key is not asked twice");
        let shown = shown(&view);
        let why = shown.instead.expect("it says that the first key was not used");
        assert_eq!((why.target, why.key, why.kind), (here(), Some(1), Kind::QuotaExhausted));
        assert_eq!((shown.key, why.until), (Some(2), None));
        assert_eq!(view.target, Some(here()));
    }
    // The balance was topped up elsewhere: whoever says so by another key is believed.
    let keys = ["sk-third-12345678", "sk-second-12345678"];
    bench.engine.config().set_keys(&HERE.parse().unwrap(), &keys).unwrap();
    let view = chat.say("And now?").await;
    assert_eq!(provider.came().last().unwrap().key, keys[0]);
    assert_eq!((shown(&view).instead, shown(&view).key), (None, Some(1)));
}

#[tokio::test]
async fn a_limited_key_rests_as_long_as_it_was_told_to() {
    let bench = reaching(Reach::Keys).await;
    let keys = ["sk-first-12345678", "sk-second-12345678"];
    bench.engine.config().set_keys(&HERE.parse().unwrap(), &keys).unwrap();
    let provider =
        Scripted::at(&bench, HERE, |nth, _| if nth == 0 { limit(3) } else { None }).await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    let view = chat.say("Hello").await;
    let why = shown(&view).instead.expect("another key");
    assert_eq!(why.kind, Kind::RateLimited);
    let until = why.until.expect("it was told until when");
    chat.say("Hello again").await;
    let used = |n: usize| provider.came()[n].key.clone();
    assert_eq!([used(0), used(1), used(2)], [keys[0], keys[1], keys[1]]);
    bench.clock_reaches(until).await;
    let view = chat.say("And again").await;
    assert_eq!(used(3), keys[0], "back to the first choice");
    assert_eq!(shown(&view).instead, None);
}

#[tokio::test]
async fn another_provider_of_the_same_model_answers_after_the_tries_are_used_up() {
    let bench = reaching(Reach::Providers).await;
    let first = Scripted::at(&bench, HERE, |_, _| overloaded()).await;
    let other = Scripted::at(&bench, THERE, |_, _| None).await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    let view = chat.say("Hello").await;
    assert_eq!((first.came().len(), other.came().len()), (4, 1));
    assert_eq!(by(&view).provider.as_str(), THERE);
    let why = shown(&view).instead.unwrap();
    assert_eq!((why.target, why.kind), (here(), Kind::Overloaded));
    assert!(why.until.is_some(), "the breaker is open: it says until when");
    assert_eq!(view.target, Some(here()), "the choice stays");
    // While it is known to be overloaded, the next turn does not knock there first.
    let view = chat.say("And now?").await;
    assert_eq!((first.came().len(), other.came().len()), (4, 2));
    assert!(shown(&view).instead.is_some());
    assert!(bench.sim.journal().is_empty(), "no other model was asked");
}

#[tokio::test]
async fn another_model_is_the_last_rung_and_the_first_is_asked_again_when_it_is_well() {
    let bench = reaching(Reach::Models).await;
    let gone = |nth: usize| {
        let words = "The model `gpt-x` does not exist or you do not have access to it.";
        (nth == 0).then(|| refuse(404, "invalid_request_error", "model_not_found", words)).flatten()
    };
    let first = Scripted::at(&bench, HERE, move |nth, _| gone(nth)).await;
    let other = Scripted::at(&bench, THERE, |_, _| no_credit()).await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    let view = chat.say("Hello").await;
    assert_eq!((first.came().iter().filter(|c| c.body["messages"].is_array()).count(), 1), (1, 1));
    assert_eq!(other.came().len(), 1);
    assert_eq!(by(&view), target(Protocol::Anthropic, "halo-practice"));
    assert_eq!(shown(&view).instead.unwrap().kind, Kind::ModelNotFound);
    let view = chat.say("And now?").await;
    assert_eq!(by(&view), here(), "the next turn begins at the first choice");
    assert_eq!(shown(&view).instead, None);
}

#[tokio::test]
async fn where_every_place_fails_the_card_stands_and_resending_begins_at_the_first_choice() {
    let bench = reaching(Reach::Providers).await;
    let first =
        Scripted::at(&bench, HERE, |nth, _| if nth == 0 { no_credit() } else { None }).await;
    let other = Scripted::at(&bench, THERE, |_, _| no_credit()).await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    let view = chat.say("Hello").await;
    let last = card(&view).expect("the last place leaves a card");
    assert_eq!(last.target.provider.as_str(), THERE);
    assert_eq!(last.attempts.len(), 2);
    chat.act(&last, Action::Resend, None).await;
    let view = chat.settled().await;
    assert_eq!(by(&view), here());
    assert_eq!((first.came().len(), other.came().len()), (2, 1));
}

#[tokio::test]
async fn a_model_that_cannot_take_the_request_is_passed_over() {
    let bench = reaching(Reach::Models).await;
    let ladder = vec![
        target(Protocol::Gemini, "blind"),
        // Nothing is known of it, so those that are known come first.
        target(Protocol::Gemini, "never-heard-of"),
        target(Protocol::Anthropic, "halo-practice"),
    ];
    bench.engine.config().update(|settings| settings.recovery.ladder = ladder).unwrap();
    for protocol in [Protocol::Gemini, Protocol::Anthropic] {
        let id = id_of(protocol).parse().unwrap();
        bench.engine.fetch_models(&id, halo_types::Lang::En).await.unwrap();
    }
    Scripted::at(&bench, HERE, |_, _| no_credit()).await;
    let other = Scripted::at(&bench, THERE, |_, _| no_credit()).await;
    let chat = bench.chat(Protocol::OpenaiChat, "gpt-x").await;
    let picture = include_bytes!("../picture.png").to_vec();
    let image = bench.engine.add_image(picture, None).await.unwrap();
    let view = chat.say_with("What is this?", vec![image]).await;
    assert_eq!(by(&view), target(Protocol::Anthropic, "halo-practice"), "{view:#?}");
    assert_eq!(other.came().len(), 1, "the same model elsewhere comes before another one");
    let asked: Vec<_> = bench.sim.journal().into_iter().filter_map(|e| e.model).collect();
    assert_eq!(asked, ["halo-practice"]);
}

#[tokio::test]
async fn a_broken_answer_is_continued_by_the_model_that_began_it() {
    let bench = reaching(Reach::Models).await;
    let chat = bench.chat(Protocol::Gemini, "overloaded-midstream").await;
    let view = chat.say("Tell me a story").await;
    let broken = card(&view).expect("what was shown is not begun anew");
    assert!(broken.offers.iter().any(|offer| offer.action == Action::Continue));
    assert!(shown(&view).instead.is_none());
    let asked = bench.sim.journal();
    assert!(asked.iter().all(|e| e.model.as_deref() == Some("overloaded-midstream")));
}

#[tokio::test]
async fn the_tries_of_one_turn_are_capped_over_all_places() {
    let bench = Bench::with(|settings| {
        settings.recovery.failover = Reach::Models;
        settings.recovery.ladder =
            [Protocol::Anthropic, Protocol::Gemini, Protocol::OpenaiResponses]
                .map(|protocol| target(protocol, "server-error-forever"))
                .to_vec();
    })
    .await;
    let chat = bench.chat(Protocol::OpenaiChat, "overloaded-forever").await;
    let view = chat.say("Hello").await;
    let last = card(&view).expect("a card");
    assert_eq!(last.attempts.len(), 12);
    let mut asked: Vec<&Target> = last.attempts.iter().map(|line| &line.target).collect();
    asked.dedup();
    assert_eq!(asked.len(), 3, "{asked:?}");
}
