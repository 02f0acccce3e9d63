//! What runs by itself, what asks, and what a repair changes.

use halo_engine::{Act, Item};
use halo_types::{Action, Kind, Lang, Protocol, StepKind};

use crate::bench::{Bench, Chat, answer, card, id_of};

fn picture() -> Vec<u8> {
    include_bytes!("../picture.png").to_vec()
}

/// The exact bodies of the requests a model got.
pub(crate) fn bodies(bench: &Bench, model: &str) -> Vec<String> {
    let exchanges = bench.sim.journal().into_iter();
    exchanges
        .filter(|exchange| exchange.model.as_deref() == Some(model))
        .map(|exchange| exchange.request_body.text().into_owned())
        .collect()
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_told() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "rate-limit").await;
    chat.submit("Hello", Vec::new()).await;
    let view = chat.until(|v| card(v).is_some_and(|c| c.wait.is_some()), false).await;
    let card = card(&view).unwrap();
    let wait = card.wait.clone().unwrap();
    assert!(wait.automatic);
    assert!(wait.from.starts_with("header:retry-after"), "{}", wait.from);
    assert!(wait.until.ms_since(card.at) >= 2_000, "{wait:?}");
    assert!(view.running.is_some());
    let view = chat.until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
}

/// It used to end the turn and to name the time only. Now the turn stays, stored as waiting, and is
/// sent at its time by whatever process runs then.
#[tokio::test]
async fn a_long_wait_stays_in_the_outbox_and_names_the_clock_time() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = bench.chat(*protocol, "rate-limit-long").await;
        chat.submit("Hello", Vec::new()).await;
        let view = chat.until(|v| card(v).is_some_and(|c| c.wait.is_some()), false).await;
        let card = card(&view).expect("a card");
        let wait = card.wait.clone().expect("the time is told");
        assert!(wait.automatic);
        assert!(wait.until.ms_since(card.at) > 120_000);
        let offered = |wanted: &[Action]| card.offers.iter().any(|o| wanted.contains(&o.action));
        assert!(offered(&[Action::Resend, Action::WaitAndResend]));
        assert!(offered(&[Action::SwitchModel]));
        // Nobody has to wait who does not want to.
        chat.act(&card, Action::Resend, None).await;
        assert!(answer(&chat.settled().await).is_some());
    }
}

#[tokio::test]
async fn cancel_ends_a_wait_and_the_card_stays() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "overloaded-forever").await;
    chat.submit("Hello", Vec::new()).await;
    chat.until(|v| card(v).is_some_and(|c| c.wait.is_some()), false).await;
    assert!(bench.engine.stop(chat.id).await.unwrap());
    let view = chat.view().await;
    assert!(view.running.is_none());
    let card = card(&view).expect("the card stays");
    assert_eq!(card.diagnosis.kind, Kind::Overloaded);
    assert!(card.wait.is_none_or(|wait| !wait.automatic));
}

/// A page may be late: its button names an attempt that has been answered meanwhile.
#[tokio::test]
async fn what_is_answered_is_not_asked_again_by_a_late_click() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    let view = chat.say("Hello").await;
    let origin = crate::bench::last(&view).origin.expect("a model wrote it");
    for action in [Action::Resend, Action::RepairHistoryAndResend] {
        let act = Act {
            conversation: chat.id,
            turn: origin.turn,
            attempt: origin.attempt,
            action,
            target: None,
            text: None,
        };
        bench.engine.act(act).await.unwrap();
        assert_eq!(chat.settled().await.items, view.items);
    }
    assert_eq!(bodies(&bench, "halo-practice").len(), 1);
}

#[tokio::test]
async fn tries_are_capped_and_every_one_is_kept() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::Anthropic, "server-error-forever").await;
    let view = chat.say("Hello").await;
    let card = card(&view).expect("the last try leaves a card");
    assert_eq!(card.attempts.len(), 4);
    assert_eq!(bodies(&bench, "server-error-forever").len(), 4);
    let cards = view.items.iter().filter(|item| matches!(item, Item::Card(_))).count();
    assert_eq!(cards, 4);
}

#[tokio::test]
async fn quota_is_never_retried() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = bench.chat(*protocol, "quota").await;
        chat.say("Hello").await;
    }
    assert_eq!(bodies(&bench, "quota").len(), Protocol::ALL.len());
}

#[tokio::test]
async fn leaving_the_picture_out_changes_the_bytes_and_it_is_back_for_a_model_that_sees() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        bench.engine.fetch_models(&id_of(*protocol).parse().unwrap(), Lang::En).await.unwrap();
        bench.sim.clear_journal();
        let chat = bench.chat(*protocol, "blind").await;
        let image = bench.engine.add_image(picture(), Some("cat.png".to_owned())).await.unwrap();
        let view = chat.say_with("What is this?", vec![image]).await;
        let first = card(&view).expect("the refusal has a card");
        assert_eq!(first.diagnosis.kind, Kind::ImageUnsupported);
        let offer = first.offers.iter().find(|o| o.action == Action::ResendWithoutImages).unwrap();
        assert_eq!(offer.images, 1);
        assert!(first.offers.iter().any(|o| o.action == Action::SwitchModel && o.target.is_some()));
        chat.act(&first, Action::ResendWithoutImages, None).await;
        let view = chat.settled().await;
        assert!(answer(&view).is_some(), "{view:#?}");
        // The picture is in the history, and the next message just works.
        let view = chat.say("And now?").await;
        assert!(answer(&view).is_some(), "{view:#?}");
        let sent = bodies(&bench, "blind");
        assert_eq!(sent.len(), 3);
        let pictured = |body: &str| body.contains("base64") || body.contains("inlineData");
        assert!(pictured(&sent[0]));
        assert!(!pictured(&sent[1]) && !pictured(&sent[2]));
        // What is stored still holds it, and a model that sees gets it.
        chat.engine
            .set_target(chat.id, crate::bench::target(*protocol, "halo-practice"))
            .await
            .unwrap();
        chat.say("Look again").await;
        assert!(pictured(bodies(&bench, "halo-practice").last().unwrap()));
    }
}

#[tokio::test]
async fn a_smaller_picture_is_sent_and_the_original_stays() {
    let bench = Bench::new().await;
    let protocol = Protocol::OpenaiChat;
    let chat = bench.chat(protocol, "blind").await;
    let photo = |width: u32, height: u32| {
        let pixel = |x: u32, y: u32| image::Rgb([x as u8, y as u8, (x * y) as u8]);
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_fn(width, height, pixel);
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    };
    let side = 400;
    let image = bench.engine.add_image(photo(side, 300), None).await.unwrap();
    let view = chat.say_with("What is this?", vec![image.clone()]).await;
    chat.act(&card(&view).unwrap(), Action::ShrinkImagesAndResend, None).await;
    let view = chat.settled().await;
    let sent = bodies(&bench, "blind");
    assert_eq!(sent.len(), 2);
    assert!(sent[0].contains("image/png") && !sent[1].contains("image/png"), "{}", sent[1]);
    assert!(sent[1].contains("image/jpeg") && sent[1].len() < sent[0].len());
    let steps: Vec<_> = view
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Step(step) => Some(step),
            _ => None,
        })
        .collect();
    let [step] = steps[..] else { panic!("{steps:?}") };
    let StepKind::ShrinkImages { max_side, pictures, .. } = &step.kind else { panic!("{step:?}") };
    assert_eq!((*max_side, pictures.len(), step.in_force), (side / 2, 1, true));
    assert_eq!(pictures[0].original, image.blob);
    assert!(bench.engine.blob(&pictures[0].sent.blob).await.unwrap().is_some());
    let shown = |view: &halo_engine::ConversationView| {
        view.items.iter().any(|item| matches!(item, Item::Message(m) if m.images_smaller))
    };
    assert!(shown(&view));
    // One click, and the picture is sent as it is.
    chat.engine.undo_step(chat.id, step.id).await.unwrap();
    assert!(!shown(&chat.view().await));
    chat.engine.redo_step(chat.id, step.id).await.unwrap();
    // A picture that comes later is made smaller before it is refused for the same reason.
    let later = bench.engine.add_image(photo(2 * side, 40), None).await.unwrap();
    chat.say_with("And this?", vec![later]).await;
    let sent = bodies(&bench, "blind");
    assert!(!sent.last().unwrap().contains("image/png"));
    // Another model gets the originals.
    let seeing = crate::bench::target(protocol, "halo-practice");
    chat.engine.set_target(chat.id, seeing).await.unwrap();
    chat.say("Look again").await;
    let sent = bodies(&bench, "halo-practice");
    assert_eq!(sent.last().unwrap().matches("image/png").count(), 2);
}

#[tokio::test]
async fn thinking_and_joined_messages_are_named_where_they_are() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "quota").await;
    chat.say("One").await;
    let view = chat.say("Two").await;
    let mends: Vec<_> = view
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Message(message) => Some(message.mended.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(mends, [vec![], vec![halo_engine::Mend::Joined]]);
}

#[tokio::test]
async fn what_the_provider_reports_corrects_the_meter() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    let view = chat.say(&"A long remark about many things. ".repeat(60)).await;
    let reported = crate::bench::last(&view).usage.unwrap().input.unwrap();
    // The answer and its frame come on top of what was reported.
    let next = view.meter.tokens;
    assert!(next >= reported && next < reported * 2 + 400, "{next} after {reported}");
}

/// A conversation that overflows the small window.
async fn overflowing(bench: &Bench, protocol: Protocol) -> Chat<'_> {
    let chat = bench.chat(protocol, "halo-practice").await;
    for n in 0..6 {
        chat.say(&format!("Remark {n}. {}", "A long remark about many things. ".repeat(450))).await;
    }
    let small = crate::bench::target(protocol, "small-window");
    chat.engine.set_target(chat.id, small).await.unwrap();
    chat
}

#[tokio::test]
async fn compaction_keeps_the_log_and_is_undone() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = overflowing(&bench, *protocol).await;
        let view = chat.say("What did I say first?").await;
        let full = card(&view).expect("the overflow has a card");
        assert_eq!(full.diagnosis.kind, Kind::ContextLengthExceeded);
        assert!(full.diagnosis.facts.context_window.is_some());
        let messages = view.items.iter().filter(|i| matches!(i, Item::Message(_))).count();
        let offer = full.offers.iter().find(|o| o.action == Action::CompactAndResend).unwrap();
        let (before, after) = offer.tokens.expect("the preview has figures");
        assert!(after < before);
        chat.act(&full, Action::CompactAndResend, None).await;
        let view = chat.settled().await;
        assert!(answer(&view).is_some(), "{view:#?}");
        let kept = view.items.iter().filter(|i| matches!(i, Item::Message(_))).count();
        assert_eq!(kept, messages + 1, "every message is still there, and the answer");
        let step = view
            .items
            .iter()
            .find_map(|item| match item {
                Item::Step(step) => Some(step.clone()),
                _ => None,
            })
            .expect("the compaction is a step");
        let StepKind::Summarise { by, .. } = &step.kind else { panic!("{step:?}") };
        assert!(by.is_some(), "the model wrote the summary");
        assert!(step.in_force);
        let small = view.meter.tokens;
        chat.engine.undo_step(chat.id, step.id).await.unwrap();
        let view = chat.view().await;
        assert!(view.meter.tokens > small, "{} > {small}", view.meter.tokens);
        chat.engine.redo_step(chat.id, step.id).await.unwrap();
        let view = chat.view().await;
        assert_eq!(view.meter.tokens, small);
        let steps = view.items.iter().filter(|item| matches!(item, Item::Step(_))).count();
        assert_eq!(steps, 1);
    }
}

#[tokio::test]
async fn compact_typed_in_the_composer_does_the_same() {
    let bench = Bench::new().await;
    let chat = overflowing(&bench, Protocol::OpenaiChat).await;
    let before = chat.view().await.meter.tokens;
    let turn = halo_types::TurnId::new(uuid::Uuid::now_v7());
    chat.engine.compact(chat.id, Some("the remarks".to_owned()), turn).await.unwrap();
    let view = chat.settled().await;
    assert!(view.meter.tokens < before, "{} < {before}", view.meter.tokens);
    let view = chat.say("Go on").await;
    assert!(answer(&view).is_some(), "{view:#?}");
    let lonely = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    lonely.say("One").await;
    let turn = halo_types::TurnId::new(uuid::Uuid::now_v7());
    bench.engine.compact(lonely.id, None, turn).await.unwrap_or_else(|error| {
        assert!(error.to_string().contains("nothing to compact"), "{error}");
    });
}

#[tokio::test]
async fn what_the_person_allowed_runs_by_itself() {
    let bench = Bench::with(|settings| {
        settings.recovery.always_omit_images = true;
        settings.recovery.always_compact = true;
    })
    .await;
    let chat = bench.chat(Protocol::Anthropic, "blind").await;
    let image = bench.engine.add_image(picture(), None).await.unwrap();
    let view = chat.say_with("What is this?", vec![image]).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    let chat = overflowing(&bench, Protocol::OpenaiChat).await;
    let view = chat.say("What did I say first?").await;
    assert!(answer(&view).is_some(), "{view:#?}");
}

#[tokio::test]
async fn a_wrong_key_is_mended_and_the_message_sent_again() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = bench.chat(*protocol, "wrong-key").await;
        let view = chat.say("Hello").await;
        let refused = card(&view).expect("the refusal has a card");
        assert_eq!(refused.diagnosis.kind, Kind::InvalidApiKey);
        assert!(refused.offers.iter().any(|o| o.action == Action::OpenSettingsKey));
        bench
            .engine
            .config()
            .set_keys(&id_of(*protocol).parse().unwrap(), &["practice-key-ok"])
            .unwrap();
        chat.act(&refused, Action::Resend, None).await;
        assert!(answer(&chat.settled().await).is_some());
    }
}

#[tokio::test]
async fn the_nearest_model_is_offered_first() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "model-not-found").await;
    let view = chat.say("Hello").await;
    let missing = card(&view).expect("a card");
    let first = missing.offers.iter().find_map(|offer| offer.target.clone()).unwrap();
    chat.act(&missing, Action::SwitchModel, Some(first.clone())).await;
    let view = chat.settled().await;
    assert_eq!(view.target, Some(first));
}

#[tokio::test]
async fn the_models_that_the_key_can_reach_are_fetched_for_the_card() {
    let bench = Bench::with(|settings| {
        for provider in &mut settings.providers {
            provider.models = vec!["model-not-found".to_owned()];
        }
    })
    .await;
    for protocol in Protocol::ALL {
        let chat = bench.chat(*protocol, "model-not-found").await;
        let view = chat.say("Hello").await;
        let missing = card(&view).expect("a card");
        let first = missing.offers.iter().find_map(|offer| offer.target.clone()).unwrap();
        assert_eq!(first.model, "model-now-found");
        let provider = bench.engine.provider(&first.provider).unwrap();
        assert_eq!(provider.models[0], "model-not-found", "the person's choice stays in front");
        chat.act(&missing, Action::SwitchModel, Some(first)).await;
        assert!(answer(&chat.settled().await).is_some());
    }
}

#[tokio::test]
async fn an_edited_prompt_goes_to_the_chosen_model_and_the_first_one_stays_reachable() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "content-filtered").await;
    let view = chat.say("Something rude").await;
    let first = match view.items.first() {
        Some(Item::Message(message)) => message.message.id,
        other => panic!("{other:?}"),
    };
    let refused = card(&view).expect("the refusal has a card");
    bench
        .engine
        .act(halo_engine::Act {
            conversation: chat.id,
            turn: refused.turn,
            attempt: refused.attempt,
            action: Action::EditMessage,
            target: Some(crate::bench::target(Protocol::OpenaiChat, "halo-practice")),
            text: Some("Something kind".to_owned()),
        })
        .await
        .unwrap();
    let view = chat.settled().await;
    assert!(answer(&view).is_some(), "{view:#?}");
    let Some(Item::Message(prompt)) = view.items.first() else { panic!("{view:#?}") };
    assert_eq!(prompt.message.text(), "Something kind");
    assert_eq!(prompt.siblings.len(), 2);
    bench.engine.choose(chat.id, first).await.unwrap();
    let view = chat.view().await;
    let Some(Item::Message(prompt)) = view.items.first() else { panic!("{view:#?}") };
    assert_eq!(prompt.message.text(), "Something rude");
    assert!(card(&view).is_some() || view.items.len() > 1);
}

#[tokio::test]
async fn another_answer_keeps_the_first_and_a_removed_provider_is_not_replaced_unasked() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::Anthropic, "halo-practice").await;
    let view = chat.say("Hello").await;
    let first = crate::bench::last(&view).id;
    let turn = halo_types::TurnId::new(uuid::Uuid::now_v7());
    bench.engine.regenerate(chat.id, first, turn, None).await.unwrap();
    let view = chat.settled().await;
    let Some(Item::Message(second)) = view.items.last() else { panic!("{view:#?}") };
    assert_eq!(second.siblings.len(), 2);
    assert_ne!(second.message.id, first);
    bench.engine.choose(chat.id, first).await.unwrap();
    assert_eq!(crate::bench::last(&chat.view().await).id, first);

    bench.engine.config().remove_provider(&id_of(Protocol::Anthropic).parse().unwrap()).unwrap();
    let submission = halo_engine::Submission {
        turn: halo_types::TurnId::new(uuid::Uuid::now_v7()),
        conversation: chat.id,
        text: "Still there?".to_owned(),
        images: Vec::new(),
        target: None,
    };
    let refused = bench.engine.submit(submission).await.unwrap_err();
    assert!(matches!(refused, halo_engine::EngineError::NoProvider(_)), "{refused}");
}

#[tokio::test]
async fn a_failed_try_for_another_answer_keeps_the_first_and_has_ways_forward() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    let view = chat.say("Hello").await;
    let first = crate::bench::last(&view);
    let turn = halo_types::TurnId::new(uuid::Uuid::now_v7());
    let quota = crate::bench::target(Protocol::OpenaiChat, "quota");
    bench.engine.regenerate(chat.id, first.id, turn, Some(quota)).await.unwrap();
    let view = chat.settled().await;
    assert_eq!(crate::bench::last(&view), first);
    let failed = card(&view).expect("the failed try has a card");
    assert_eq!(failed.diagnosis.kind, Kind::QuotaExhausted);
    assert!(!failed.offers.is_empty());
    let other = crate::bench::target(Protocol::Anthropic, "halo-practice");
    chat.act(&failed, Action::SwitchModel, Some(other)).await;
    let view = chat.settled().await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_ne!(crate::bench::last(&view).id, first.id);
    // Whoever goes on leaves the card behind.
    let turn = halo_types::TurnId::new(uuid::Uuid::now_v7());
    let quota = crate::bench::target(Protocol::OpenaiChat, "quota");
    let last = crate::bench::last(&view).id;
    bench.engine.regenerate(chat.id, last, turn, Some(quota)).await.unwrap();
    assert!(card(&chat.settled().await).is_some());
    assert!(answer(&chat.say("Never mind").await).is_some());
}

#[tokio::test]
async fn a_cut_answer_is_continued_without_losing_or_doubling_words() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = bench.chat(*protocol, "cut-mid-stream").await;
        let view = chat.say("Tell me a story").await;
        let broken = card(&view).expect("the break has a card");
        assert_eq!(broken.diagnosis.kind, Kind::StreamInterrupted);
        let partial = crate::bench::last(&view).text();
        assert!(!partial.is_empty());
        chat.act(&broken, Action::Continue, None).await;
        let view = chat.settled().await;
        let whole = crate::bench::last(&view).text();
        assert!(whole.starts_with(&partial) && whole.len() > partial.len(), "{whole}");
    }
}

#[tokio::test]
async fn the_report_names_what_happened_and_holds_no_key() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "unfamiliar").await;
    let view = chat.say("Hello").await;
    let strange = card(&view).expect("a card");
    assert_eq!(strange.diagnosis.kind, Kind::Unknown);
    let report = bench.engine.report(chat.id, strange.attempt, halo_types::Lang::En).await.unwrap();
    assert!(report.contains(strange.evidence.body.text().trim()), "{report}");
    assert!(!report.contains("sk-test-1234567890"));
}

#[tokio::test]
async fn a_second_click_on_an_old_card_does_nothing() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "blind").await;
    let image = bench.engine.add_image(picture(), None).await.unwrap();
    let view = chat.say_with("What is this?", vec![image]).await;
    let old = card(&view).unwrap();
    chat.act(&old, Action::ResendWithoutImages, None).await;
    chat.settled().await;
    chat.act(&old, Action::ResendWithoutImages, None).await;
    let view = chat.settled().await;
    assert_eq!(bodies(&bench, "blind").len(), 2);
    assert!(card(&view).is_none());
}

#[tokio::test]
async fn a_taught_rule_is_used_by_the_next_failure() {
    let bench = Bench::new().await;
    let chat = bench.chat(Protocol::OpenaiChat, "unfamiliar").await;
    let view = chat.say("Hello").await;
    let strange = card(&view).expect("an error that nobody knows waits for the person");

    let context = bench.engine.context(strange.at, Lang::En);
    let lesson = halo_diagnose::teach(&strange.evidence, Kind::Overloaded, None, &context).unwrap();
    bench.engine.add_rule(&lesson.entry).unwrap();
    // The stored turn is read anew, with the ways of the new kind.
    let taught = card(&chat.view().await).expect("the card stays");
    assert_eq!(taught.diagnosis.kind, Kind::Overloaded);
    assert_eq!(taught.attempts[0].outcome, "overloaded");
    assert_ne!(taught.offers, strange.offers);

    // The next one is waited for and sent again without a click.
    let other = bench.chat(Protocol::Anthropic, "unfamiliar").await;
    other.submit("Good morning", Vec::new()).await;
    let view = other.until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(bodies(&bench, "unfamiliar").len(), 3);

    // Taken back, it asks again.
    bench.engine.remove_rule(&lesson.id).unwrap().expect("it was there");
    assert_eq!(card(&chat.view().await).unwrap().diagnosis, strange.diagnosis);
    let third = bench.chat(Protocol::Anthropic, "unfamiliar").await;
    let view = third.say("Good evening").await;
    assert_eq!(card(&view).expect("a card").diagnosis.kind, Kind::Unknown);
}
