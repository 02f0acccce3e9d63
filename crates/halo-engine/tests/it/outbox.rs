//! Turns that wait: over the end of the process, in order, and in the person's hands.

use std::time::Duration;

use halo_engine::{Activity, Clock, Engine, EngineError, OutboxEntry, Submission, TurnState, now};
use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{
    Action, AttemptOutcome, ConversationId, ConversationMeta, Lang, Message, MessageId, Parameters,
    Part, Protocol, Record, Role, Timestamp, Turn, TurnId, TurnKind, Wait,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::bench::{Bench, Chat, answer, card, target};

const PROTOCOL: Protocol = Protocol::OpenaiChat;

/// An engine in a process of its own: killing it leaves whatever it was doing as it is.
struct Process {
    runtime: Option<Runtime>,
    engine: Engine,
}

impl Process {
    async fn start(bench: &Bench, clock: Clock) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let engine = runtime.spawn(Bench::open_with(bench.config(), clock)).await.unwrap();
        Self { runtime: Some(runtime), engine }
    }

    /// Tasks that the engine begins belong to the process.
    async fn on<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: impl FnOnce(Engine) -> F,
    ) -> T {
        self.runtime.as_ref().unwrap().spawn(work(self.engine.clone())).await.unwrap()
    }

    async fn submit(&self, model: &str, text: &str) -> ConversationId {
        let target = target(PROTOCOL, model);
        let text = text.to_owned();
        self.on(|engine| async move {
            let conversation = engine.create(Some(target)).await.unwrap();
            let turn = TurnId::new(Uuid::now_v7());
            let images = Vec::new();
            let submission = Submission { turn, conversation, text, images, target: None };
            engine.submit(submission).await.unwrap();
            conversation
        })
        .await
    }

    fn chat(&self, id: ConversationId) -> Chat<'_> {
        Chat { engine: &self.engine, id }
    }

    async fn entries(&self) -> Vec<OutboxEntry> {
        self.engine.outbox(Lang::En).await
    }

    /// Ends it like `kill -9`: nothing more is stored.
    async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        drop(self);
        let killed = move || runtime.shutdown_timeout(Duration::from_secs(10));
        tokio::task::spawn_blocking(killed).await.unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A simulator with settings for it, and no engine.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.engine.close().await;
    bench
}

/// The bodies that a model got, in the order of their coming.
fn sent(bench: &Bench, model: &str) -> Vec<String> {
    let all = bench.sim.journal().into_iter();
    all.filter(|exchange| exchange.model.as_deref() == Some(model))
        .map(|exchange| exchange.request_body.text().into_owned())
        .collect()
}

fn wait_of(view: &halo_engine::ConversationView) -> Option<halo_engine::WaitView> {
    card(view).and_then(|card| card.wait)
}

/// Stores a turn that no process has sent, as one that ended too early leaves it.
async fn leave_turn(bench: &Bench, text: &str, model: &str, until: Option<Timestamp>) -> TurnId {
    let store = SqliteStore::open(&bench.config().paths().database()).await.unwrap();
    let conversation = ConversationId::new(Uuid::now_v7());
    let (prompt, turn) = (MessageId::new(Uuid::now_v7()), TurnId::new(Uuid::now_v7()));
    let target = target(PROTOCOL, model);
    let mut records = vec![
        Record::Conversation(ConversationMeta {
            id: conversation,
            created_at: now(),
            title: text.to_owned(),
            title_by_person: false,
            pinned: false,
            target: Some(target.clone()),
            system: None,
            parameters: Parameters::default(),
        }),
        Record::Message(Message {
            id: prompt,
            conversation,
            parent: None,
            role: Role::User,
            parts: vec![Part::text(text)],
            at: now(),
            origin: None,
            ending: None,
            usage: None,
        }),
        Record::Turn(Turn {
            id: turn,
            conversation,
            prompt,
            target: target.clone(),
            kind: TurnKind::Reply,
            at: now(),
        }),
    ];
    records.extend(until.map(|until| {
        let from = "pace".to_owned();
        let target = Some(target);
        Record::Wait(Wait { turn, conversation, attempt: None, target, until, from, at: now() })
    }));
    store.append(conversation, &records).await.unwrap();
    store.close().await;
    turn
}

#[tokio::test]
async fn a_wait_survives_a_crash_and_is_sent_at_its_time() {
    let bench = bench().await;
    let first = Process::start(&bench, Clock::default()).await;
    let id = first.submit("rate-limit", "Hello").await;
    let view = first.chat(id).until(|v| wait_of(v).is_some(), false).await;
    let told = wait_of(&view).unwrap();
    first.kill().await;

    let second = Process::start(&bench, Clock::default()).await;
    let view = second.chat(id).view().await;
    assert_eq!(wait_of(&view), Some(told.clone()), "the wait is the same");
    assert!(matches!(view.waits, Some(TurnState::Waiting { until, .. }) if until == told.until));
    let view = second.chat(id).until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert!(now() >= told.until, "not before its time");
    assert_eq!(sent(&bench, "rate-limit").len(), 2);

    // What was answered is not sent once more.
    second.kill().await;
    let third = Process::start(&bench, Clock::default()).await;
    assert_eq!(third.entries().await, []);
    assert_eq!(sent(&bench, "rate-limit").len(), 2);
}

#[tokio::test]
async fn a_long_wait_survives_an_orderly_end_and_a_crash() {
    let bench = bench().await;
    let first = Process::start(&bench, Clock::default()).await;
    let id = first.submit("rate-limit-long", "Hello").await;
    let view = first.chat(id).until(|v| wait_of(v).is_some(), false).await;
    let told = wait_of(&view).unwrap();
    first.on(|engine| async move { engine.close().await }).await;
    first.kill().await;

    let second = Process::start(&bench, Clock::default()).await;
    assert_eq!(wait_of(&second.chat(id).view().await), Some(told));
    second.kill().await;
    // Ten minutes within a second.
    let third = Process::start(&bench, Clock::fast(1_000)).await;
    let view = third.chat(id).until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(sent(&bench, "rate-limit-long").len(), 2);
}

#[tokio::test]
async fn what_was_being_sent_when_halo_ended_is_left_to_the_person() {
    let bench = bench().await;
    let first = Process::start(&bench, Clock::default()).await;
    let id = first.submit("stall", "Hello").await;
    let sending = |v: &halo_engine::ConversationView| {
        v.running.as_ref().is_some_and(|running| running.attempt.is_some())
    };
    first.chat(id).until(sending, false).await;
    assert_eq!(first.entries().await[0].state, TurnState::Sending);
    first.kill().await;

    let second = Process::start(&bench, Clock::default()).await;
    let view = second.chat(id).view().await;
    assert!(view.running.is_none());
    assert!(card(&view).unwrap().offers.iter().any(|offer| offer.action == Action::Resend));
    assert_eq!(second.entries().await, []);
    let records = second.engine.store().records(id).await.unwrap();
    assert!(records.iter().any(|record| matches!(record, Record::AttemptEnd(end)
        if matches!(end.outcome, AttemptOutcome::Died { .. }))));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(sent(&bench, "stall").len() <= 1);
}

#[tokio::test]
async fn a_turn_that_was_never_sent_is_sent_by_the_next_process() {
    let bench = bench().await;
    let turn = leave_turn(&bench, "Nobody sent me", "halo-practice", None).await;
    let process = Process::start(&bench, Clock::default()).await;
    let id = process.engine.store().turn(turn).await.unwrap().unwrap();
    let view = process.chat(id).until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(sent(&bench, "halo-practice").len(), 1);
    let records = process.engine.store().records(id).await.unwrap();
    assert_eq!(TurnState::of(&records, turn), Some(TurnState::Answered));
}

#[tokio::test]
async fn several_that_are_due_at_once_go_one_after_another_by_due_time() {
    let bench = bench().await;
    let past = |minutes: i64| Timestamp(now().0 - minutes * 60_000);
    // Not in the order of storing, and one of them is only queued.
    for minutes in [3, 5, 1, 4, 2] {
        leave_turn(&bench, &format!("due {minutes}"), "halo-practice", Some(past(minutes))).await;
    }
    leave_turn(&bench, "due 0", "halo-practice", None).await;
    let process = Process::start(&bench, Clock::default()).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !process.entries().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let order: Vec<String> = sent(&bench, "halo-practice")
        .iter()
        .map(|body| {
            let at = body.find("due ").unwrap();
            body[at..at + 5].to_owned()
        })
        .collect();
    assert_eq!(order, ["due 5", "due 4", "due 3", "due 2", "due 1", "due 0"]);
}

#[tokio::test]
async fn one_that_hangs_holds_up_its_provider_alone_and_send_now_goes_past_it() {
    let bench = bench().await;
    let past = Timestamp(now().0 - 60_000);
    leave_turn(&bench, "I hang", "stall", Some(past)).await;
    let behind = leave_turn(&bench, "I am behind", "halo-practice", None).await;
    let process = Process::start(&bench, Clock::default()).await;
    let id = process.engine.store().turn(behind).await.unwrap().unwrap();
    let entry = process.entries().await.into_iter().find(|entry| entry.turn == behind).unwrap();
    assert_eq!((entry.state, entry.failure), (TurnState::Queued, None));
    let rows = process.engine.conversations().await.unwrap();
    assert!(rows.iter().any(|row| row.id == id && row.activity == Activity::Queued));
    process.engine.send_now(id, behind).await.unwrap();
    let view = process.chat(id).until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
}

#[tokio::test]
async fn a_second_engine_on_the_same_data_runs_no_turn() {
    let bench = bench().await;
    let first = Process::start(&bench, Clock::default()).await;
    assert!(first.engine.runs_turns());
    let waiting = first.submit("rate-limit", "Hello").await;
    first.chat(waiting).until(|v| wait_of(v).is_some(), false).await;
    let hanging = first.submit("stall", "Hello").await;
    let sending = |v: &halo_engine::ConversationView| {
        v.running.as_ref().is_some_and(|running| running.attempt.is_some())
    };
    first.chat(hanging).until(sending, false).await;

    let second = Process::start(&bench, Clock::default()).await;
    assert!(!second.engine.runs_turns());
    assert_eq!(second.entries().await, []);
    let open = second.engine.store().open_attempts().await.unwrap();
    assert_eq!(open.len(), 1, "what the first one sends is not declared dead");
    let view = second.chat(waiting).view().await;
    let (turn, attempt) = card(&view).map(|card| (card.turn, card.attempt)).unwrap();
    let act = halo_engine::Act {
        conversation: waiting,
        turn,
        attempt,
        action: Action::Resend,
        target: None,
        text: None,
    };
    let refused = second.on(|engine| async move { engine.act(act).await }).await.unwrap_err();
    assert!(matches!(refused, EngineError::Elsewhere), "{refused}");
    let view = first.chat(waiting).until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(sent(&bench, "rate-limit").len(), 2);

    // With the first one gone the next start runs them.
    second.kill().await;
    first.kill().await;
    assert!(Process::start(&bench, Clock::default()).await.engine.runs_turns());
}

#[tokio::test]
async fn a_new_start_is_no_new_budget() {
    let bench = bench().await;
    let first = Process::start(&bench, Clock::fast(4)).await;
    let id = first.submit("overloaded-forever", "Hello").await;
    let tried = |n: usize| {
        move |v: &halo_engine::ConversationView| {
            card(v).is_some_and(|card| card.attempts.len() == n && card.wait.is_some())
        }
    };
    first.chat(id).until(tried(2), false).await;
    first.kill().await;
    let second = Process::start(&bench, Clock::fast(4)).await;
    let view = second.chat(id).until(|v| v.running.is_none(), false).await;
    let end = card(&view).expect("the last try leaves a card");
    assert_eq!(end.attempts.len(), 4);
    assert!(end.wait.is_none_or(|wait| !wait.automatic));
    assert_eq!(sent(&bench, "overloaded-forever").len(), 4);
    // A click of the person is one.
    let (turn, attempt) = (end.turn, end.attempt);
    let act = halo_engine::Act {
        conversation: id,
        turn,
        attempt,
        action: Action::Resend,
        target: None,
        text: None,
    };
    second.on(|engine| async move { engine.act(act).await }).await.unwrap();
    second.chat(id).until(tried(5), false).await;
}

#[tokio::test]
async fn send_now_twice_does_not_cut_short_the_wait_that_follows() {
    let bench = bench().await;
    let process = Process::start(&bench, Clock::default()).await;
    let id = process.submit("rate-limit-long", "One").await;
    let chat = process.chat(id);
    let view = chat.until(|v| wait_of(v).is_some(), false).await;
    let entry = process.entries().await.remove(0);
    let failure = entry.failure.clone().expect("what it waits after");
    assert_eq!(failure.0.status, Some(429));
    assert_eq!((entry.conversation, entry.text.as_str(), entry.tries), (id, "One", 1));
    assert!(matches!(&entry.state, TurnState::Waiting { until, attempt: Some(_), .. }
        if Some(*until) == wait_of(&view).map(|wait| wait.until)));
    let old = card(&view).unwrap();
    for _ in 0..3 {
        process.engine.send_now(id, entry.turn).await.unwrap();
        chat.act(&old, Action::Resend, None).await;
    }
    assert!(answer(&chat.until(|v| v.running.is_none(), false).await).is_some());
    assert_eq!(sent(&bench, "rate-limit-long").len(), 2);
    // What is over can neither be sent nor cancelled nor go elsewhere.
    process.engine.send_now(id, entry.turn).await.unwrap();
    process.engine.cancel_turn(id, entry.turn).await.unwrap();
    let other = target(PROTOCOL, "halo-practice");
    process.engine.redirect_turn(id, entry.turn, other).await.unwrap();
    assert!(sent(&bench, "halo-practice").is_empty());
    assert!(answer(&chat.view().await).is_some());
}

#[tokio::test]
async fn a_waiting_turn_is_cancelled_or_goes_to_another_model_and_nothing_else_does() {
    let bench = bench().await;
    let process = Process::start(&bench, Clock::default()).await;
    let id = process.submit("rate-limit-long", "Hello").await;
    let chat = process.chat(id);
    let view = chat.until(|v| wait_of(v).is_some(), false).await;
    let until = wait_of(&view).unwrap().until;
    let rows = process.engine.conversations().await.unwrap();
    assert_eq!(rows[0].activity, Activity::Waiting { until });
    // The same conversation says what waits; another one goes on.
    let submission = Submission {
        turn: TurnId::new(Uuid::now_v7()),
        conversation: id,
        text: "And another thing".to_owned(),
        images: Vec::new(),
        target: None,
    };
    let again = submission.clone();
    let refused = process.on(|engine| async move { engine.submit(again).await }).await;
    assert!(matches!(refused, Err(EngineError::Waiting { until: told }) if told == until));
    let elsewhere = process.submit("halo-practice", "Meanwhile").await;
    let view = process.chat(elsewhere).until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some());

    let turn = process.entries().await[0].turn;
    process.engine.cancel_turn(id, turn).await.unwrap();
    let view = chat.view().await;
    let left = card(&view).expect("the card stays");
    assert!(view.running.is_none() && left.wait.is_some_and(|wait| !wait.automatic));
    assert!(!left.offers.is_empty());
    let records = process.engine.store().records(id).await.unwrap();
    assert_eq!(TurnState::of(&records, turn), Some(TurnState::Cancelled));
    assert_eq!(process.engine.store().open_turns().await.unwrap(), []);
    // Now it is free for what was refused.
    let other = Some(target(PROTOCOL, "halo-practice"));
    let submission = Submission { target: other, ..submission };
    process.on(|engine| async move { engine.submit(submission).await }).await.unwrap();
    let view = chat.until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some());

    let id = process.submit("rate-limit-long", "Elsewhere").await;
    let chat = process.chat(id);
    chat.until(|v| wait_of(v).is_some(), false).await;
    let turn = process.entries().await[0].turn;
    let other = target(PROTOCOL, "halo-practice");
    let to = other.clone();
    process
        .on(move |engine| async move { engine.redirect_turn(id, turn, to).await })
        .await
        .unwrap();
    let view = chat.until(|v| v.running.is_none(), false).await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(view.target, Some(other));
    assert_eq!(crate::bench::last(&view).origin.unwrap().target.model, "halo-practice");
}

#[tokio::test]
async fn a_turn_whose_provider_is_gone_is_not_tried_at_every_start() {
    let bench = bench().await;
    let turn = leave_turn(&bench, "To nobody", "halo-practice", None).await;
    bench.config().remove_provider(&target(PROTOCOL, "x").provider).unwrap();
    let process = Process::start(&bench, Clock::default()).await;
    let id = process.engine.store().turn(turn).await.unwrap().unwrap();
    let view = process.chat(id).until(|v| v.running.is_none(), false).await;
    let halo_engine::Item::Message(prompt) = view.items.last().unwrap() else {
        panic!("{view:#?}")
    };
    assert!(prompt.can_resend, "there is a way on");
    assert_eq!(process.engine.store().open_turns().await.unwrap(), []);
    assert!(sent(&bench, "halo-practice").is_empty());
}
