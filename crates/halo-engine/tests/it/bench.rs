//! An engine on a real store, with the simulator behind a real socket in both dialects.

use std::sync::Arc;
use std::time::Duration;

use halo_config::{Config, ConnectionSettings, Environment, Flags, Paths, ProviderConfig};
use halo_engine::{Act, Card, Clock, ConversationView, Engine, Item, Options, Submission};
use halo_sim::{SimOptions, Simulator};
use halo_store_sqlite::SqliteStore;
use halo_transport::ClientOptions;
use halo_types::{Action, ConversationId, ImageRef, Lang, Message, Protocol, Role, Target, TurnId};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The longest a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) sim: Simulator,
    data: TempDir,
    stop: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A bench whose settings are changed before the engine opens.
    pub(crate) async fn with(change: impl FnOnce(&mut halo_config::Settings)) -> Self {
        let data = TempDir::new().unwrap();
        let sim = Simulator::new(SimOptions { speed: f64::INFINITY, ..SimOptions::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(halo_sim::serve(listener, sim.clone(), stop.clone()));
        let paths = Paths::resolve(Some(data.path().to_owned())).unwrap();
        let config =
            Config::load_with(paths, Environment::fixed([("", ""); 0]), Flags::default()).unwrap();
        let models: Vec<String> = sim.models().into_iter().map(|model| model.id).collect();
        config
            .update(|settings| {
                settings.providers = Protocol::ALL
                    .iter()
                    .map(|protocol| ProviderConfig {
                        id: id_of(*protocol).parse().unwrap(),
                        name: format!("Simulated {protocol}"),
                        preset: match protocol {
                            Protocol::Anthropic => "anthropic-compatible",
                            Protocol::OpenaiChat => "openai-compatible",
                            Protocol::OpenaiResponses => "openai-responses-compatible",
                            Protocol::Gemini => "gemini-compatible",
                        }
                        .to_owned(),
                        protocol: *protocol,
                        base_url: format!("http://{address}"),
                        key_env: None,
                        needs_key: true,
                        models: models.clone(),
                        connection: ConnectionSettings::default(),
                    })
                    .collect();
                change(settings);
            })
            .unwrap();
        for protocol in Protocol::ALL {
            config.set_keys(&id_of(*protocol).parse().unwrap(), &["sk-test-1234567890"]).unwrap();
        }
        let engine = Self::open(config).await;
        Self { engine, sim, data, stop }
    }

    /// The settings as the next process reads them.
    pub(crate) fn config(&self) -> Config {
        let paths = Paths::resolve(Some(self.data.path().to_owned())).unwrap();
        Config::load_with(paths, Environment::fixed([("", ""); 0]), Flags::default()).unwrap()
    }

    pub(crate) async fn open(config: Config) -> Engine {
        Self::open_with(config, Clock::default()).await
    }

    pub(crate) async fn open_with(config: Config, clock: Clock) -> Engine {
        let path = config.paths().database();
        let store = Arc::new(SqliteStore::open(&path).await.unwrap());
        let client = ClientOptions {
            connect_timeout: Duration::from_millis(1_200),
            idle_timeout: Duration::from_millis(800),
            first_byte_timeout: Duration::from_millis(1_200),
            ..ClientOptions::default()
        };
        Engine::open(Options { client, clock, ..Options::new(config, store) }).await.unwrap()
    }

    /// Waits until the engine's clock shows a time.
    pub(crate) async fn clock_reaches(&self, at: halo_types::Timestamp) {
        while self.engine.now() < at {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Begins a conversation with a model.
    pub(crate) async fn chat(&self, protocol: Protocol, model: &str) -> Chat<'_> {
        let target = target(protocol, model);
        let id = self.engine.create(Some(target)).await.unwrap();
        Chat { engine: &self.engine, id }
    }
}

pub(crate) fn id_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Anthropic => "sim-anthropic",
        Protocol::OpenaiChat => "sim-openai",
        Protocol::OpenaiResponses => "sim-responses",
        Protocol::Gemini => "sim-gemini",
    }
}

pub(crate) fn target(protocol: Protocol, model: &str) -> Target {
    Target { provider: id_of(protocol).parse().unwrap(), model: model.to_owned() }
}

pub(crate) struct Chat<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) id: ConversationId,
}

impl Chat<'_> {
    pub(crate) async fn say(&self, text: &str) -> ConversationView {
        self.say_with(text, Vec::new()).await
    }

    pub(crate) async fn say_with(&self, text: &str, images: Vec<ImageRef>) -> ConversationView {
        self.submit(text, images).await;
        self.settled().await
    }

    pub(crate) async fn submit(&self, text: &str, images: Vec<ImageRef>) -> TurnId {
        let turn = TurnId::new(Uuid::now_v7());
        let submission =
            Submission { turn, conversation: self.id, text: text.to_owned(), images, target: None };
        self.engine.submit(submission).await.unwrap();
        turn
    }

    pub(crate) async fn view(&self) -> ConversationView {
        self.engine.conversation(self.id, Lang::En).await.unwrap()
    }

    /// Waits until nothing runs, sending at once whatever waits.
    pub(crate) async fn settled(&self) -> ConversationView {
        self.until(|view| view.running.is_none(), true).await
    }

    pub(crate) async fn until(
        &self,
        done: impl Fn(&ConversationView) -> bool,
        hurry: bool,
    ) -> ConversationView {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let view = self.view().await;
            if done(&view) {
                return view;
            }
            assert!(tokio::time::Instant::now() < deadline, "still not there: {view:#?}");
            if hurry
                && let Some(card) = card(&view)
                && card.wait.is_some()
            {
                self.act(&card, Action::Resend, None).await;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    pub(crate) async fn act(&self, card: &Card, action: Action, target: Option<Target>) {
        self.engine
            .act(Act {
                conversation: self.id,
                turn: card.turn,
                attempt: card.attempt,
                action,
                target,
                text: None,
            })
            .await
            .unwrap();
    }
}

/// The card that waits for the person.
pub(crate) fn card(view: &ConversationView) -> Option<Card> {
    view.items.iter().rev().find_map(|item| match item {
        Item::Card(card) if !card.overtaken => Some((**card).clone()),
        _ => None,
    })
}

/// The last message.
pub(crate) fn last(view: &ConversationView) -> Message {
    let message = view.items.iter().rev().find_map(|item| match item {
        Item::Message(message) => Some(message.message.clone()),
        _ => None,
    });
    message.expect("the conversation has messages")
}

/// The last message, if it is a whole answer.
pub(crate) fn answer(view: &ConversationView) -> Option<String> {
    let message = last(view);
    (message.role == Role::Assistant && card(view).is_none()).then(|| message.text())
}
