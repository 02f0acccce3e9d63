//! The engine itself: conversations, submissions, news.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use halo_config::Config;
use halo_recover::Policy;
use halo_store::{Store, StoreError};
use halo_transport::{Client, ClientOptions};
use halo_types::{
    AttemptId, BlobId, ConversationId, ConversationMeta, Fact, ImageRef, Lang, Message, MessageId,
    Parameters, Part, Record, Role, StepId, StepUndone, Target, Timestamp, Tombstone, Turn, TurnId,
    TurnKind,
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::live::Live;
use crate::log::Log;
use crate::model::{Activity, ConversationSummary, ConversationView, Purpose, Update};
use crate::practice::Practice;
use crate::view::{ShowInput, purpose, show};
use crate::{EngineError, pictures, providers, turn};

/// The longest prompt, in bytes. Longer texts are files, not messages.
const MAX_PROMPT_BYTES: usize = 8 * 1024 * 1024;
/// How many updates a slow listener may lag behind before it has to fetch the view again.
const UPDATES_KEPT: usize = 4_096;
/// How many conversations stay in memory beyond those that run.
const LIVE_KEPT: usize = 64;

/// The present moment.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What an engine is made of.
pub struct Options {
    /// Settings, keys and catalogue.
    pub config: Config,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The practice provider, where one runs.
    pub practice: Option<Practice>,
    /// Timers and limits of connections to providers.
    pub client: ClientOptions,
}

impl Options {
    /// Options without a practice provider and with the usual timers.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>) -> Self {
        Self { config, store, practice: None, client: ClientOptions::default() }
    }
}

/// A prompt to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Made by the client. The same id twice is the same submission.
    pub turn: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The text.
    pub text: String,
    /// Pictures that were added with [`Engine::add_image`].
    pub images: Vec<ImageRef>,
    /// The model to ask; `None` for the conversation's.
    pub target: Option<Target>,
}

/// What became of a submission. The prompt is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The conversation.
    pub conversation: ConversationId,
    /// The turn.
    pub turn: TurnId,
    /// The stored prompt; `None` where the turn was submitted before.
    pub prompt: Option<MessageId>,
    /// Whether the turn was submitted before, so that nothing new happened.
    pub already: bool,
}

/// Runs turns. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Config,
    store: Arc<dyn Store>,
    practice: Option<Practice>,
    client: Client,
    facts: RwLock<Vec<Fact>>,
    live: Mutex<HashMap<ConversationId, Arc<Live>>>,
    updates: broadcast::Sender<Update>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Engine {
    /// Opens the engine and settles what an earlier process left unfinished.
    ///
    /// # Errors
    /// If the store cannot be read or the HTTP client cannot be made.
    pub async fn open(options: Options) -> Result<Self, EngineError> {
        let mut facts = options.store.facts().await?;
        if let Some(practice) = &options.practice {
            options.config.set_passing_providers(vec![practice.provider.clone()]);
            let of = |model| providers::provider_facts(&practice.provider, model);
            facts.extend(practice.models.iter().flat_map(of));
        }
        let engine = Self(Arc::new(Inner {
            client: Client::new(options.client)?,
            config: options.config,
            store: options.store,
            practice: options.practice,
            facts: RwLock::new(facts),
            live: Mutex::new(HashMap::new()),
            updates: broadcast::channel(UPDATES_KEPT).0,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }));
        engine.settle_unfinished().await?;
        Ok(engine)
    }

    /// Ends every running turn, keeps what has come, and closes the store.
    pub async fn close(&self) {
        self.0.closing.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.store.close().await;
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

    /// The client that speaks to providers.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
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
            max_line_ms: recovery.max_wait_in_line_s.saturating_mul(1_000),
            omit_images: recovery.always_omit_images,
            compact: recovery.always_compact,
            ..Policy::default()
        }
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
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

    /// The conversation in memory, loaded if need be.
    pub(crate) async fn live(&self, id: ConversationId) -> Result<Arc<Live>, EngineError> {
        let known = self.lock_live().get(&id).cloned();
        if let Some(live) = known {
            return Ok(live);
        }
        let log = Log::from_records(&self.store().records(id).await?);
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

    fn lock_live(&self) -> std::sync::MutexGuard<'_, HashMap<ConversationId, Arc<Live>>> {
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

    /// The conversation list, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn conversations(&self) -> Result<Vec<ConversationSummary>, EngineError> {
        let rows = self.store().conversations().await?;
        let all = self.lock_live();
        let activity = |id: ConversationId| match all.get(&id).and_then(|live| live.progress()) {
            None => Activity::Idle,
            Some(progress) if progress.wait.is_some() => Activity::Waiting,
            Some(_) => Activity::Running,
        };
        Ok(rows
            .into_iter()
            .map(|row| ConversationSummary {
                id: row.meta.id,
                title: row.meta.title,
                updated_at: row.updated_at,
                activity: activity(row.meta.id),
            })
            .collect())
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn create(&self, target: Option<Target>) -> Result<ConversationId, EngineError> {
        let id = ConversationId::new(Uuid::now_v7());
        let meta = ConversationMeta {
            id,
            created_at: now(),
            title: String::new(),
            title_by_person: false,
            target: target.or_else(|| self.default_target()),
            system: None,
            parameters: Parameters::default(),
        };
        self.store().append(id, &[Record::Conversation(meta)]).await?;
        self.tell(Update::List);
        Ok(id)
    }

    /// The conversation as it is to be shown.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], also for a deleted one.
    pub async fn conversation(
        &self,
        id: ConversationId,
        lang: Lang,
    ) -> Result<ConversationView, EngineError> {
        let live = self.live(id).await?;
        let progress = live.progress();
        let log = live.log.lock().await;
        if log.deleted {
            return Err(EngineError::NoConversation(id));
        }
        let target = self.target_of(&log);
        let facts = target.as_ref().map(|t| self.model_facts(t)).unwrap_or_default();
        show(&ShowInput {
            log: &log,
            target: target.as_ref(),
            facts: &facts,
            targets: &self.targets(),
            wait: progress.as_ref().and_then(|progress| progress.wait.clone()),
            running: progress.map(|progress| progress.running),
            lang,
            now: now(),
        })
        .ok_or(EngineError::NoConversation(id))
    }

    /// The model that the conversation's next turn goes to: the chosen one while its provider is
    /// configured, else the default.
    pub(crate) fn target_of(&self, log: &Log) -> Option<Target> {
        log.meta
            .as_ref()
            .and_then(|meta| meta.target.clone())
            .filter(|target| self.provider(&target.provider).is_some())
            .or_else(|| self.default_target())
    }

    /// Gives a conversation a title of the person's own.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails.
    pub async fn rename(&self, id: ConversationId, title: &str) -> Result<(), EngineError> {
        let title: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
        self.change_meta(id, |meta| {
            meta.title_by_person = !title.is_empty();
            meta.title = title;
        })
        .await
    }

    /// Sets the title and the parameters of a conversation that begins with a scenario.
    pub(crate) async fn prepare(
        &self,
        id: ConversationId,
        title: &str,
        parameters: Parameters,
    ) -> Result<(), EngineError> {
        self.change_meta(id, |meta| {
            title.clone_into(&mut meta.title);
            meta.parameters = parameters;
        })
        .await
    }

    /// Chooses the model of the next turn.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], [`EngineError::NoProvider`], or if the store fails.
    pub async fn set_target(&self, id: ConversationId, target: Target) -> Result<(), EngineError> {
        if self.provider(&target.provider).is_none() {
            return Err(EngineError::NoProvider(target.provider));
        }
        self.change_meta(id, |meta| meta.target = Some(target)).await
    }

    /// Sets the parameters of the conversation's requests.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails.
    pub async fn set_parameters(
        &self,
        id: ConversationId,
        parameters: Parameters,
    ) -> Result<(), EngineError> {
        self.change_meta(id, |meta| meta.parameters = parameters).await
    }

    async fn change_meta(
        &self,
        id: ConversationId,
        change: impl FnOnce(&mut ConversationMeta),
    ) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let old = live.log.lock().await.meta.clone().ok_or(EngineError::NoConversation(id))?;
        let mut meta = old.clone();
        change(&mut meta);
        if meta != old {
            self.append(&live, &[Record::Conversation(meta)]).await?;
            self.tell(Update::List);
        }
        Ok(())
    }

    /// Deletes a conversation; [`Engine::restore`] takes it back.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails.
    pub async fn delete(&self, id: ConversationId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        live.stop().await;
        self.append(&live, &[Record::Tombstone(Tombstone { conversation: id, at: now() })]).await?;
        self.tell(Update::List);
        Ok(())
    }

    /// Takes the deletion of a conversation back.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails.
    pub async fn restore(&self, id: ConversationId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let meta = live.log.lock().await.meta.clone().ok_or(EngineError::NoConversation(id))?;
        self.append(&live, &[Record::Conversation(meta)]).await?;
        self.tell(Update::List);
        Ok(())
    }

    /// Stores a prompt and sets a task to answer it. Returns once the prompt is on disk.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while another turn runs, [`EngineError::Empty`],
    /// [`EngineError::TooLong`], [`EngineError::NoTarget`], [`EngineError::NoConversation`], or if
    /// the store fails. Nothing is stored then.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, EngineError> {
        let Submission { turn: id, conversation, text, images, target } = submission;
        if let Some(known) = self.store().turn(id).await? {
            return if known == conversation {
                Ok(Submitted { conversation, turn: id, prompt: None, already: true })
            } else {
                Err(EngineError::ForeignTurn(id))
            };
        }
        if text.trim().is_empty() && images.is_empty() {
            return Err(EngineError::Empty);
        }
        if text.len() > MAX_PROMPT_BYTES {
            return Err(EngineError::TooLong { bytes: text.len(), max: MAX_PROMPT_BYTES });
        }
        let live = self.live(conversation).await?;
        let (mut meta, head) = {
            let log = live.log.lock().await;
            if log.deleted {
                return Err(EngineError::NoConversation(conversation));
            }
            let meta = log.meta.clone().ok_or(EngineError::NoConversation(conversation))?;
            (meta, log.head)
        };
        let chosen = target.or_else(|| meta.target.clone());
        let target = chosen
            .filter(|target| self.provider(&target.provider).is_some())
            .or_else(|| self.default_target())
            .ok_or(EngineError::NoTarget)?;
        let guard = live.begin(self, id, Purpose::Reply, target.clone(), now())?;
        let mut records = Vec::new();
        let title = if meta.title.is_empty() { auto_title(&text) } else { meta.title.clone() };
        if title != meta.title || meta.target.as_ref() != Some(&target) {
            meta.title = title;
            meta.target = Some(target.clone());
            records.push(Record::Conversation(meta));
        }
        let prompt = MessageId::new(Uuid::now_v7());
        let mut parts: Vec<Part> = images.into_iter().map(Part::Image).collect();
        if !text.trim().is_empty() {
            parts.push(Part::text(text));
        }
        records.push(Record::Message(Message {
            id: prompt,
            conversation,
            parent: head,
            role: Role::User,
            parts,
            at: now(),
            origin: None,
            ending: None,
            usage: None,
        }));
        let turn = Turn {
            id,
            conversation,
            prompt,
            target: target.clone(),
            kind: TurnKind::Reply,
            at: now(),
        };
        records.push(Record::Turn(turn.clone()));
        match guard.append(&records).await {
            Ok(()) => {}
            // Two submissions of one turn at the same moment: the other one was first.
            Err(EngineError::Store(StoreError::TurnExists { .. })) => {
                return Ok(Submitted { conversation, turn: id, prompt: None, already: true });
            }
            Err(error) => return Err(error),
        }
        self.tell(Update::List);
        self.spawn(guard, turn, target);
        Ok(Submitted { conversation, turn: id, prompt: Some(prompt), already: false })
    }

    /// Begins a stored turn in a task of its own.
    pub(crate) fn start(
        &self,
        live: &Arc<Live>,
        turn: Turn,
        target: Target,
    ) -> Result<(), EngineError> {
        let guard = live.begin(self, turn.id, purpose(&turn.kind), target.clone(), now())?;
        self.spawn(guard, turn, target);
        Ok(())
    }

    /// Runs a turn in a task of its own, which no closed tab ends.
    pub(crate) fn spawn(&self, guard: crate::live::RunGuard, turn: Turn, target: Target) {
        self.0.tasks.spawn(turn::run(self.clone(), guard, turn, target));
    }

    /// Stops the running request or wait of a conversation. Says whether there was one.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`].
    pub async fn stop(&self, id: ConversationId) -> Result<bool, EngineError> {
        Ok(self.live(id).await?.stop().await)
    }

    /// Takes a step of the view back.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown step, or if the store fails.
    pub async fn undo_step(&self, id: ConversationId, step: StepId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let undone = match live.log.lock().await.step(step) {
            None => return Err(EngineError::NotFound("step")),
            Some(entry) => entry.undone,
        };
        if !undone {
            let record = StepUndone { step, conversation: id, at: now() };
            self.append(&live, &[Record::StepUndone(record)]).await?;
        }
        Ok(())
    }

    /// Takes a step again that was taken back.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown step, or if the store fails.
    pub async fn redo_step(&self, id: ConversationId, step: StepId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let again = match live.log.lock().await.step(step) {
            None => return Err(EngineError::NotFound("step")),
            Some(entry) if !entry.undone => return Ok(()),
            Some(entry) => halo_types::Step {
                id: StepId::new(Uuid::now_v7()),
                at: now(),
                ..entry.step.clone()
            },
        };
        self.append(&live, &[Record::Step(again)]).await
    }

    /// Checks and stores a picture.
    ///
    /// # Errors
    /// [`EngineError::NotAPicture`], [`EngineError::PictureTooLarge`], or if the store fails.
    pub async fn add_image(
        &self,
        bytes: Vec<u8>,
        name: Option<String>,
    ) -> Result<ImageRef, EngineError> {
        // Decoding is work for a thread that may be kept busy.
        let checked = tokio::task::spawn_blocking(move || {
            pictures::inspect(&bytes, name.clone()).map(|image| (image, bytes))
        });
        let (image, bytes) = checked.await.unwrap_or_else(|_| {
            Err(EngineError::NotAPicture {
                name: "The file".to_owned(),
                why: "it could not be read".to_owned(),
            })
        })?;
        self.store().put_blob(&image.blob, &bytes).await?;
        Ok(image)
    }

    /// The bytes of a stored picture.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store().blob(id).await?)
    }

    /// A report on a failed attempt, as Markdown, without secrets.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where the attempt does not exist or did not fail.
    pub async fn report(
        &self,
        id: ConversationId,
        attempt: AttemptId,
        lang: Lang,
    ) -> Result<String, EngineError> {
        let live = self.live(id).await?;
        let log = live.log.lock().await;
        let (turn, attempt) = log.attempt(attempt).ok_or(EngineError::NotFound("attempt"))?;
        let evidence =
            crate::view::evidence(&log, attempt).ok_or(EngineError::NotFound("failed attempt"))?;
        let at = attempt.end.as_ref().map(|end| end.at);
        let context = halo_diagnose::Context { now: at, lang };
        let diagnosis = halo_diagnose::diagnose(&evidence, &context);
        let start = &attempt.start;
        let extra = [
            ("Halo".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("Model".to_owned(), start.target.model.clone()),
            ("URL".to_owned(), start.url.clone()),
            ("Attempt".to_owned(), format!("{} of {}", start.nth, turn.attempts.len())),
        ];
        Ok(halo_diagnose::report(&evidence, &diagnosis, &extra, lang))
    }
}

/// A title from the first words of a prompt.
fn auto_title(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_start_matches(['#', '>', '-', '*', ' ']);
    if words.chars().count() <= MAX_CHARS {
        return words.to_owned();
    }
    let cut: String = words.chars().take(MAX_CHARS).collect();
    let end = cut.rfind(' ').filter(|at| *at > MAX_CHARS / 2).unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}
