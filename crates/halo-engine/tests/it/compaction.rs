//! Compaction that cannot fail: in parts, by another model, by rule; what is pinned, edited and
//! taken back.

use halo_engine::archive::ExportFormat;
use halo_engine::{CompactError, ConversationView, EngineError, Item, StepView};
use halo_types::{
    Action, FactValue, Kind, Lang, MessageId, Protocol, Record, Role, StepKind, Target, TurnId,
};
use uuid::Uuid;

use crate::bench::{Bench, Chat, answer, card, target};

const REMARKS: usize = 6;

/// A conversation of long remarks with the practice model, then another model is chosen.
async fn talked<'a>(bench: &'a Bench, protocol: Protocol, model: &str, n: usize) -> Chat<'a> {
    let chat = bench.chat(protocol, "halo-practice").await;
    for n in 0..n {
        chat.say(&format!("Remark{n}x. {}", "A long remark about many things. ".repeat(450))).await;
    }
    chat.engine.set_target(chat.id, target(protocol, model)).await.unwrap();
    chat
}

/// Tells the engine a window, as a person does in the settings.
async fn window(bench: &Bench, of: &Target, tokens: u64) {
    let value = FactValue::ContextWindow(tokens);
    bench.engine.set_fact(&of.provider, &of.model, value).await.unwrap();
}

async fn compact(chat: &Chat<'_>, keep: Option<&str>) -> ConversationView {
    let turn = TurnId::new(Uuid::now_v7());
    chat.engine.compact(chat.id, keep.map(str::to_owned), turn).await.unwrap();
    chat.settled().await
}

fn steps(view: &ConversationView) -> Vec<StepView> {
    let step = |item: &Item| match item {
        Item::Step(step) => Some(step.clone()),
        _ => None,
    };
    view.items.iter().filter_map(step).collect()
}

/// The summary in force.
fn summary(view: &ConversationView) -> (StepView, String, Option<Target>, u32) {
    let step = steps(view).into_iter().find(|step| step.in_force).expect("a step in force");
    let StepKind::Summarise { summary, by, parts, .. } = step.kind.clone() else {
        panic!("{step:?}")
    };
    (step, summary, by, parts)
}

/// The bodies that a model got.
fn bodies(bench: &Bench, model: &str) -> Vec<String> {
    let exchanges = bench.sim.journal().into_iter();
    exchanges
        .filter(|exchange| exchange.model.as_deref() == Some(model))
        .map(|exchange| exchange.request_body.text().into_owned())
        .collect()
}

fn messages(view: &ConversationView) -> Vec<MessageId> {
    let id = |item: &Item| match item {
        Item::Message(message) => Some(message.message.id),
        _ => None,
    };
    view.items.iter().filter_map(id).collect()
}

#[tokio::test]
async fn what_does_not_fit_is_summarised_in_parts_and_nothing_is_skipped() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let chat = talked(&bench, *protocol, "small-window", REMARKS).await;
        window(&bench, &target(*protocol, "small-window"), 9_000).await;
        bench.sim.clear_journal();
        let view = compact(&chat, Some("the remarks")).await;
        let (step, _, by, parts) = summary(&view);
        assert_eq!(by, Some(target(*protocol, "small-window")));
        assert!(parts > 1, "{parts}");
        let StepKind::Summarise { tokens_before, tokens_after, .. } = step.kind else { panic!() };
        assert!(tokens_after < tokens_before && tokens_after == view.meter.tokens);
        let sent = bodies(&bench, "small-window");
        assert_eq!(sent.len() as u32, parts + 1, "the parts, and the summary of their summaries");
        assert!(sent.iter().all(|body| body.contains("Above all keep: the remarks")));
        for n in 0..REMARKS - 1 {
            assert!(sent.iter().any(|body| body.contains(&format!("Remark{n}x"))), "{n}");
        }
        assert!(answer(&chat.say("Go on").await).is_some());
    }
}

#[tokio::test]
async fn a_window_that_nobody_told_of_is_found_by_halves() {
    let bench = Bench::new().await;
    let protocol = Protocol::OpenaiChat;
    let chat = talked(&bench, protocol, "small-window", 12).await;
    // The error tells the window; the parts fit it.
    let view = compact(&chat, None).await;
    let (_, _, by, parts) = summary(&view);
    assert_eq!(by, Some(target(protocol, "small-window")));
    assert!(parts > 1);
    let overtaken = |item: &Item| matches!(item, Item::Card(card) if card.overtaken);
    assert_eq!(view.items.iter().filter(|item| overtaken(item)).count(), 1, "the overflow");
    assert!(card(&view).is_none());
}

#[tokio::test]
async fn another_model_of_the_provider_writes_what_the_first_refuses() {
    let bench = Bench::new().await;
    for (protocol, model) in
        [(Protocol::OpenaiChat, "content-filtered"), (Protocol::Anthropic, "model-not-found")]
    {
        let chat = talked(&bench, protocol, model, REMARKS).await;
        window(&bench, &target(protocol, model), 30_000).await;
        // A smaller one is not asked.
        window(&bench, &target(protocol, "halo-practice"), 20_000).await;
        window(&bench, &target(protocol, "model-now-found"), 40_000).await;
        bench.sim.clear_journal();
        let view = compact(&chat, None).await;
        let (_, text, by, parts) = summary(&view);
        assert_eq!(by, Some(target(protocol, "model-now-found")), "{model}: {text}");
        assert_eq!(parts, 1);
        assert!(!bodies(&bench, model).is_empty() && bodies(&bench, "halo-practice").is_empty());
        assert!(card(&view).is_none(), "what was overcome asks nothing");
    }
}

#[tokio::test]
async fn without_any_model_the_rule_keeps_what_matters() {
    let bench = Bench::new().await;
    let protocol = Protocol::OpenaiChat;
    let chat = bench.chat(protocol, "halo-practice").await;
    chat.say("We are building a boat.").await;
    let filler = "Some words about nothing. ".repeat(300);
    chat.say(&format!("{filler}\nWe decided on Oregon pine.\nWho paints it?\n{filler}")).await;
    chat.say("`hull.length = 42`").await;
    chat.say("Thank you.").await;
    chat.engine.set_target(chat.id, target(protocol, "quota")).await.unwrap();
    bench.sim.clear_journal();
    let view = compact(&chat, None).await;
    let (step, text, by, _) = summary(&view);
    assert_eq!(by, None);
    for kept in ["a boat", "We decided on Oregon pine.", "Who paints it?"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert!(card(&view).is_none());
    assert_eq!(bodies(&bench, "quota").len(), 1, "an empty account is asked once");
    // The message that comes after is there, and so is the log.
    assert_eq!(messages(&view).len(), 8);
    chat.engine.undo_step(chat.id, step.id).await.unwrap();
    let view = chat.view().await;
    assert!(steps(&view).iter().all(|step| !step.in_force));
}

#[tokio::test]
async fn a_pinned_message_is_sent_word_for_word_and_stays_pinned_in_a_copy() {
    let bench = Bench::new().await;
    let protocol = Protocol::OpenaiChat;
    let chat = talked(&bench, protocol, "halo-practice", REMARKS).await;
    window(&bench, &target(protocol, "halo-practice"), 40_000).await;
    let view = chat.view().await;
    let pinned = messages(&view)[2];
    chat.engine.pin(chat.id, pinned, true).await.unwrap();
    chat.engine.pin(chat.id, pinned, true).await.unwrap();
    let nobody = MessageId::new(Uuid::nil());
    assert!(matches!(
        chat.engine.pin(chat.id, nobody, true).await,
        Err(EngineError::NotFound("message"))
    ));
    let view = compact(&chat, None).await;
    let shown = |view: &ConversationView, id: MessageId| {
        view.items
            .iter()
            .find_map(|item| match item {
                Item::Message(m) if m.message.id == id => Some((m.pinned, m.summarised)),
                _ => None,
            })
            .unwrap()
    };
    assert_eq!(shown(&view, pinned), (true, false));
    assert_eq!(shown(&view, messages(&view)[0]), (false, true));
    bench.sim.clear_journal();
    assert!(answer(&chat.say("Go on").await).is_some());
    let sent = bodies(&bench, "halo-practice").pop().unwrap();
    let long = "A long remark about many things. ".repeat(450);
    assert!(sent.contains(&format!("Remark1x. {}", long.trim_end())), "word for word");
    assert!(sent.find("[End of the summary").unwrap() < sent.rfind("Remark1x. A long").unwrap());
    // In the log, once.
    let records = bench.engine.store().records(chat.id).await.unwrap();
    let pins = records.iter().filter(|record| matches!(record, Record::Pin(_))).count();
    assert_eq!(pins, 1);
    let mut export =
        bench.engine.export(Some(chat.id), ExportFormat::Json, Lang::En).await.unwrap();
    let mut file = String::new();
    while let Some(piece) = export.next().await.unwrap() {
        file.push_str(&piece);
    }
    let elsewhere = Bench::new().await;
    elsewhere.engine.import(file.into_bytes()).await.unwrap();
    let copy = Chat { engine: &elsewhere.engine, id: chat.id };
    assert_eq!(shown(&copy.view().await, pinned), (true, false));
    let before = chat.view().await.meter.tokens;
    chat.engine.pin(chat.id, pinned, false).await.unwrap();
    let view = chat.view().await;
    assert_eq!(shown(&view, pinned), (false, true));
    assert!(view.meter.tokens + 2_000 < before);
}

#[tokio::test]
async fn a_summary_is_edited_undone_and_redone() {
    let bench = Bench::new().await;
    let protocol = Protocol::OpenaiChat;
    let chat = talked(&bench, protocol, "halo-practice", REMARKS).await;
    window(&bench, &target(protocol, "halo-practice"), 40_000).await;
    let view = compact(&chat, None).await;
    let (first, written, by, _) = summary(&view);
    let edit = |step, text| chat.engine.edit_summary(chat.id, step, text);
    assert!(matches!(edit(first.id, "  ").await, Err(EngineError::Empty)));
    edit(first.id, &written).await.unwrap();
    assert_eq!(steps(&chat.view().await).len(), 1, "the same words are no edit");
    edit(first.id, "We spoke of many things.").await.unwrap();
    assert!(matches!(edit(first.id, "x").await, Err(EngineError::DoesNotFit(_))));
    let view = chat.view().await;
    assert_eq!(steps(&view).len(), 1, "it stands in the other's place");
    let (second, text, author, _) = summary(&view);
    assert_eq!((text.as_str(), author), ("We spoke of many things.", by));
    let StepKind::Summarise { edits, tokens_after, .. } = second.kind else { panic!() };
    assert_eq!((edits, tokens_after), (Some(first.id), view.meter.tokens));
    edit(second.id, "Of things.").await.unwrap();
    let (third, ..) = summary(&chat.view().await);
    // Back, step by step, and forth.
    for (undo, in_force, text) in
        [(third.id, second.id, "We spoke of many things."), (second.id, first.id, written.as_str())]
    {
        chat.engine.undo_step(chat.id, undo).await.unwrap();
        let (step, words, ..) = summary(&chat.view().await);
        assert_eq!((step.id, words.as_str()), (in_force, text));
    }
    chat.engine.redo_step(chat.id, second.id).await.unwrap();
    assert_eq!(summary(&chat.view().await).0.id, second.id);
    assert!(answer(&chat.say("Go on").await).is_some());
}

#[tokio::test]
async fn at_the_share_that_was_set_compaction_is_offered_or_done() {
    for always in [false, true] {
        let bench = Bench::with(|settings| {
            settings.recovery.always_compact = always;
            settings.recovery.compact_at_percent = 50;
        })
        .await;
        let protocol = Protocol::OpenaiChat;
        let chat = talked(&bench, protocol, "halo-practice", REMARKS).await;
        window(&bench, &target(protocol, "halo-practice"), 36_000).await;
        let view = chat.view().await;
        let meter = view.meter;
        assert_eq!(meter.compact_at, Some(18_000));
        assert!(meter.tokens > 18_000 && meter.tokens < 36_000, "{meter:?}");
        let (before, after) = meter.compaction.expect("it is offered");
        assert!(before == meter.tokens && after < before / 2);
        bench.sim.clear_journal();
        let view = chat.say("Go on").await;
        assert!(answer(&view).is_some());
        assert_eq!(steps(&view).len(), usize::from(always));
        assert_eq!(bodies(&bench, "halo-practice").len(), if always { 2 } else { 1 });
        if always {
            assert_eq!(view.meter.compaction, None);
            // A summary that was taken back is wanted so, and the meter says what it costs.
            let (step, ..) = summary(&view);
            chat.engine.undo_step(chat.id, step.id).await.unwrap();
            assert!(chat.view().await.meter.compaction.is_some());
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_by_itself_says_what_else_can_be_done() {
    let bench = Bench::with(|settings| settings.recovery.always_compact = true).await;
    let protocol = Protocol::OpenaiChat;
    let chat = bench.chat(protocol, "small-window").await;
    chat.say("Hello").await;
    let view = chat.say(&"A long remark about many things. ".repeat(4_000)).await;
    let full = card(&view).expect("a card");
    assert_eq!(full.diagnosis.kind, Kind::ContextLengthExceeded);
    assert!(matches!(full.stuck, Some(CompactError::LastMessageTooLong { window: 16_384, .. })));
    let offered: Vec<Action> = full.offers.iter().map(|offer| offer.action).collect();
    assert!(!offered.contains(&Action::CompactAndResend), "{offered:?}");
    for way in [Action::EditMessage, Action::SwitchModel, Action::NewConversation] {
        assert!(offered.contains(&way), "{way:?} in {offered:?}");
    }
    let turn = TurnId::new(Uuid::now_v7());
    let error = chat.engine.compact(chat.id, None, turn).await.unwrap_err();
    assert!(matches!(error, EngineError::Compact(CompactError::LastMessageTooLong { .. })));
    let last = view.items.iter().rev().find_map(|item| match item {
        Item::Message(message) => Some(message.message.role),
        _ => None,
    });
    assert_eq!(last, Some(Role::User), "the message stays");
}
