//! The engine itself: what it is made of, its conversations in memory, and its news.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use halo_config::{Config, ConfigError, RemovedRule, RulesFolder};
use halo_context::TokenCache;
use halo_diagnose::Context;
use halo_recover::Policy;
use halo_store::Store;
use halo_store_sqlite::{Onward, Rescue};
use halo_transport::ClientOptions;
use halo_types::{ConversationId, Fact, FactId, Lang, ProviderId, Record, Timestamp, TurnId};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clients::Clients;
use crate::clock::Clock;
use crate::lanes::{Lanes, Place};
use crate::live::Live;
use crate::log::Log;
use crate::model::Update;
use crate::practice::Practice;
use crate::watch::Watch;
use crate::{EngineError, providers};

/// How many updates a slow listener may lag behind before it has to fetch the view again.
const UPDATES_KEPT: usize = 4_096;
/// How many conversations stay in memory beyond those that run.
const LIVE_KEPT: usize = 64;

/// What an engine is made of.
pub struct Options {
    /// Settings, keys and catalogue.
    pub config: Config,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The practice provider, where one runs.
    pub practice: Option<Practice>,
    /// What was saved of a damaged database, where the store holds that.
    pub rescue: Option<Rescue>,
    /// How providers are reached where the settings say nothing.
    pub client: ClientOptions,
    /// By which turns are dated and wait.
    pub clock: Clock,
    /// Whether it runs turns, those among them that an earlier process left waiting. Of all
    /// engines on a store, one does.
    pub runs_turns: bool,
}

impl Options {
    /// Options without a practice provider and with the usual timers.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>) -> Self {
        Self {
            config,
            store,
            practice: None,
            rescue: None,
            client: ClientOptions::default(),
            clock: Clock::default(),
            runs_turns: true,
        }
    }
}

/// Runs turns. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Config,
    store: Arc<dyn Store>,
    practice: Option<Practice>,
    rescue: Option<Rescue>,
    clients: Arc<Clients>,
    facts: RwLock<Vec<Fact>>,
    clock: Clock,
    /// Health of providers and keys, and the pace of each key.
    watch: Watch,
    /// Whether it has the right to run the turns of the store.
    runs_turns: bool,
    /// Those whose wait is over leave one after another.
    lanes: Lanes,
    rules: RulesFolder,
    /// What texts were counted to be.
    tokens: Mutex<TokenCache>,
    live: Mutex<HashMap<ConversationId, Arc<Live>>>,
    updates: broadcast::Sender<Update>,
    tasks: TaskTracker,
    closing: CancellationToken,
    /// Held while a file is imported: two at once could add a conversation twice.
    importing: tokio::sync::Mutex<()>,
}

impl Engine {
    /// Opens the engine, settles what an earlier process left unfinished, and goes on with what it
    /// left waiting. Where another engine runs the turns of the store, this one runs none.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open(options: Options) -> Result<Self, EngineError> {
        let mut facts = options.store.facts().await?;
        if let Some(practice) = &options.practice {
            options.config.set_passing_providers(vec![practice.provider.clone()]);
            let of = |model| providers::provider_facts(&practice.provider, model);
            facts.extend(practice.models.iter().flat_map(of));
        }
        // Nothing can be added to what was saved of a damaged database; its errors say so.
        let rescued = options.rescue.is_some();
        let runs_turns = rescued || (options.runs_turns && options.store.claim_turns().await?);
        let engine = Self(Arc::new(Inner {
            clients: Arc::new(Clients::new(options.client)),
            rules: RulesFolder::new(options.config.paths().rules()),
            config: options.config,
            store: options.store,
            practice: options.practice,
            rescue: options.rescue,
            clock: options.clock,
            watch: Watch::default(),
            runs_turns,
            lanes: Lanes::default(),
            tokens: Mutex::default(),
            facts: RwLock::new(facts),
            live: Mutex::new(HashMap::new()),
            updates: broadcast::channel(UPDATES_KEPT).0,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            importing: tokio::sync::Mutex::new(()),
        }));
        engine.watch_providers();
        if engine.runs_turns() && !rescued {
            engine.settle_unfinished().await?;
            engine.take_up().await?;
        }
        Ok(engine)
    }

    /// Ends every running turn, keeps what has come, and closes the store.
    pub async fn close(&self) {
        self.0.closing.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.store.close().await;
    }

    /// The person's own rules for reading errors.
    #[must_use]
    pub fn own_rules(&self) -> &RulesFolder {
        &self.0.rules
    }

    /// Adds a rule to the person's own. Every card is read with it from now on, old ones too.
    ///
    /// # Errors
    /// If the rules' file cannot be written.
    pub fn add_rule(&self, entry: &str) -> Result<(), ConfigError> {
        self.0.rules.add(entry)?;
        self.tell(Update::Rules);
        Ok(())
    }

    /// Removes one of the person's own rules; `None` where there is none of this id.
    ///
    /// # Errors
    /// If the rule's file cannot be changed.
    pub fn remove_rule(&self, id: &str) -> Result<Option<RemovedRule>, ConfigError> {
        let removed = self.0.rules.remove(id)?;
        self.tell(Update::Rules);
        Ok(removed)
    }

    /// Puts a removed rule back.
    ///
    /// # Errors
    /// If the rule's file cannot be written.
    pub fn put_back_rule(&self, removed: &RemovedRule) -> Result<(), ConfigError> {
        self.0.rules.put_back(removed)?;
        self.tell(Update::Rules);
        Ok(())
    }

    /// What a diagnosis of something that failed at `at` depends on besides its evidence.
    #[must_use]
    pub fn context(&self, at: Timestamp, lang: Lang) -> Context {
        Context {
            now: Some(at),
            lang,
            zone: halo_config::local_zone(),
            own: Some(self.0.rules.current()),
        }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The practice provider, where one runs.
    #[must_use]
    pub fn practice(&self) -> Option<&Practice> {
        self.0.practice.as_ref()
    }

    /// What was saved of a damaged database, where the store holds that. Nothing can be added to
    /// its conversations.
    #[must_use]
    pub fn rescue(&self) -> Option<&Rescue> {
        self.0.rescue.as_ref()
    }

    /// Notes what the next start begins with, where the database is damaged.
    ///
    /// # Errors
    /// If the note cannot be written beside the database.
    pub fn go_on_with(&self, onward: Onward) -> std::io::Result<()> {
        match &self.0.rescue {
            Some(rescue) => halo_store_sqlite::choose(&rescue.damaged, onward),
            None => Ok(()),
        }
    }

    /// News from now on.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Update> {
        self.0.updates.subscribe()
    }

    /// What may happen by itself, as the settings say.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let recovery = &self.config().settings().recovery;
        Policy {
            retry: recovery.retry_automatically,
            max_tries: recovery.max_tries,
            max_in_all: recovery.max_tries.saturating_mul(3),
            max_line_ms: recovery.max_wait_in_line_s.saturating_mul(1_000),
            omit_images: recovery.always_omit_images,
            shrink_images: recovery.always_shrink_images,
            compact: recovery.always_compact,
            ..Policy::default()
        }
    }

    /// The moment by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.clock
    }

    /// Whether it has the right to run the turns of its store.
    #[must_use]
    pub fn runs_turns(&self) -> bool {
        self.0.runs_turns
    }

    /// A place in the lane of a provider for a turn that is due at `due`.
    pub(crate) fn lane(&self, provider: &ProviderId, due: Timestamp, turn: TurnId) -> Place {
        self.0.lanes.enter(self.clock(), provider, due, turn)
    }

    /// Is cancelled when Halo ends. Requests to providers end with it.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    pub(crate) fn importing(&self) -> &tokio::sync::Mutex<()> {
        &self.0.importing
    }

    pub(crate) fn clients(&self) -> &Arc<Clients> {
        &self.0.clients
    }

    pub(crate) fn lock_tokens(&self) -> std::sync::MutexGuard<'_, TokenCache> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    pub(crate) fn tell(&self, update: Update) {
        // Nobody listening is fine.
        let _ = self.0.updates.send(update);
    }

    pub(crate) fn facts_snapshot(&self) -> Vec<Fact> {
        self.0.facts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn remember_fact(&self, fact: Fact) {
        let mut facts = self.0.facts.write().unwrap_or_else(PoisonError::into_inner);
        facts.retain(|known| known.id != fact.id);
        facts.push(fact);
    }

    pub(crate) fn forget_in_memory(&self, id: FactId) -> Option<Fact> {
        let mut facts = self.0.facts.write().unwrap_or_else(PoisonError::into_inner);
        let at = facts.iter().position(|known| known.id == id)?;
        Some(facts.remove(at))
    }

    /// The conversation in memory, loaded if need be.
    pub(crate) async fn live(&self, id: ConversationId) -> Result<Arc<Live>, EngineError> {
        let known = self.lock_live().get(&id).cloned();
        if let Some(live) = known {
            return Ok(live);
        }
        // What is damaged costs itself, not the conversation.
        let readable = self.store().readable(id).await?;
        let mut log = Log::from_records(&readable.records);
        log.damaged = readable.damaged.len();
        if log.id().is_none() {
            return Err(EngineError::NoConversation(id));
        }
        let mut all = self.lock_live();
        if all.len() >= LIVE_KEPT {
            // One that nobody holds can be loaded again from the store.
            all.retain(|_, live| Arc::strong_count(live) > 1);
        }
        Ok(Arc::clone(all.entry(id).or_insert_with(|| Arc::new(Live::new(id, log)))))
    }

    pub(crate) fn lock_live(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<ConversationId, Arc<Live>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores records and tells the news.
    pub(crate) async fn append(
        &self,
        live: &Arc<Live>,
        records: &[Record],
    ) -> Result<(), EngineError> {
        {
            let mut log = live.log.lock().await;
            self.store().append(live.id, records).await?;
            for record in records {
                log.apply(record);
            }
        }
        self.tell(Update::Changed(live.id));
        Ok(())
    }
}
