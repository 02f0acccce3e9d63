//! Every scenario of the simulator in both protocols: the card is right, the way forward is on
//! it, and taking it leads on.

use halo_types::{Action, Kind, Protocol, Target};

use crate::bench::{Bench, Chat, answer, card, id_of, target};
use halo_engine::{Card, ConversationView};
use halo_sim::Scenario;

/// Plays a scenario as a click in the gallery would.
async fn play<'a>(bench: &'a Bench, scenario: &Scenario, protocol: Protocol) -> Chat<'a> {
    let chat = bench.chat(protocol, &scenario.id).await;
    // What a small window overflows on is told by talking to it first.
    for _ in 0..if scenario.history.is_some() { 6 } else { 0 } {
        chat.engine.set_target(chat.id, target(protocol, "halo-practice")).await.unwrap();
        chat.say(&"A long remark about many things. ".repeat(450)).await;
    }
    chat.engine.set_target(chat.id, target(protocol, &scenario.id)).await.unwrap();
    chat.engine.set_parameters(chat.id, scenario.parameters.clone()).await.unwrap();
    let images = if scenario.picture {
        let png = include_bytes!("../picture.png").to_vec();
        vec![bench.engine.add_image(png, Some("cat.png".to_owned())).await.unwrap()]
    } else {
        Vec::new()
    };
    chat.submit(&scenario.prompt.en, images).await;
    // A limit per minute is met by asking until it is.
    for _ in 0..if scenario.id.contains("per-minute") { 8 } else { 0 } {
        if chat.until(|v| v.running.is_none() || card(v).is_some(), false).await.running.is_some() {
            break;
        }
        chat.submit(&scenario.prompt.en, Vec::new()).await;
    }
    chat
}

/// Takes the way forward that a person would take.
async fn take(bench: &Bench, chat: &Chat<'_>, card: &Card, action: Action) -> ConversationView {
    let provider = card.target.provider.clone();
    let practice = Target { provider: provider.clone(), model: "halo-practice".to_owned() };
    match action {
        Action::OpenSettingsKey => {
            bench.engine.config().set_keys(&provider, &["practice-key-ok"]).unwrap();
            chat.act(card, Action::Resend, None).await;
        }
        // Paying, enabling access or finding the address is the person's; another model is the
        // way on that does not wait for it.
        Action::OpenBilling
        | Action::OpenConsole
        | Action::OpenSettingsUrl
        | Action::Report
        | Action::SwitchProvider => chat.act(card, Action::SwitchModel, Some(practice)).await,
        Action::SwitchModel => {
            let offered = card.offers.iter().find_map(|offer| offer.target.clone());
            chat.act(card, Action::SwitchModel, offered.or(Some(practice))).await;
        }
        Action::EditMessage => {
            chat.engine.set_target(chat.id, practice.clone()).await.unwrap();
            chat.act(card, Action::SwitchModel, Some(practice)).await;
        }
        action => chat.act(card, action, None).await,
    }
    chat.settled().await
}

async fn lead_on(protocol: Protocol) {
    let bench = Bench::new().await;
    for scenario in bench.sim.scenarios().to_vec() {
        let Some(kind) = scenario.kind else { continue };
        let id = &scenario.id;
        bench
            .engine
            .config()
            .set_keys(&id_of(protocol).parse().unwrap(), &["sk-test-1234567890"])
            .unwrap();
        let chat = play(&bench, &scenario, protocol).await;
        let forward = scenario.way_forward.expect("a scenario that fails names its way forward");
        // Harmless repairs happen by themselves; their cards are overtaken at once.
        let automatic = matches!(
            forward,
            Action::DropParameterAndResend
                | Action::LowerMaxTokensAndResend
                | Action::RepairHistoryAndResend
        );
        let has_card = |view: &ConversationView| {
            view.items.iter().any(|item| matches!(item, halo_engine::Item::Card(_)))
        };
        let view = chat.until(|v| has_card(v) || v.running.is_none(), false).await;
        let shown = view
            .items
            .iter()
            .rev()
            .find_map(|item| match item {
                halo_engine::Item::Card(card) => Some((**card).clone()),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{id}: no card in {view:#?}"));
        assert_eq!(shown.diagnosis.kind, kind, "{protocol} {id}: {:#?}", shown.evidence);
        if automatic {
            let view = chat.settled().await;
            assert!(answer(&view).is_some(), "{protocol} {id}: {view:#?}");
            continue;
        }
        let mut view = chat.settled().await;
        // Retries went by; where they were not enough, or none are made, the person chooses.
        if let Some(card) = card(&view) {
            let offered: Vec<&str> = card.offers.iter().map(|o| o.action.as_str()).collect();
            let same = |a: Action| {
                card.offers.iter().any(|o| {
                    o.action == a || (a == Action::WaitAndResend && o.action == Action::Resend)
                })
            };
            let opens_unknown_page = matches!(forward, Action::OpenBilling | Action::OpenConsole);
            assert!(
                same(forward) || opens_unknown_page,
                "{protocol} {id}: {forward} not in {offered:?}"
            );
            assert!(offered.contains(&"new_conversation"), "{protocol} {id}: {offered:?}");
            view = take(&bench, &chat, &card, forward).await;
            // A provider that never answers by itself is left for another model.
            if let Some(card) = crate::bench::card(&view) {
                view = take(&bench, &chat, &card, Action::Report).await;
            }
        }
        assert!(answer(&view).is_some(), "{protocol} {id}: {view:#?}");
        let view = chat.say("And the next message?").await;
        let still = card(&view).map(|card| card.diagnosis.kind);
        let expected_again = matches!(kind, Kind::StreamInterrupted | Kind::Timeout);
        assert!(
            answer(&view).is_some() || expected_again || still == Some(kind),
            "{protocol} {id}: {view:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_leads_on_in_anthropic() {
    lead_on(Protocol::Anthropic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_leads_on_in_openai_chat() {
    lead_on(Protocol::OpenaiChat).await;
}
