//! Conversations as a whole: list, view, title, deletion, steps of the view.

use halo_types::{
    AttemptId, ConversationId, ConversationMeta, Head, Lang, Message, MessageId, Parameters,
    Record, Step, StepBy, StepId, StepKind, Target, Tombstone,
};
use uuid::Uuid;

use crate::log::Log;
use crate::model::{Activity, ConversationSummary, ConversationView, Update};
use crate::summaries::toggle;
use crate::turn_state::TurnState;
use crate::view::{ShowInput, show};
use crate::{Engine, EngineError};

impl Engine {
    /// The conversation list, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn conversations(&self) -> Result<Vec<ConversationSummary>, EngineError> {
        let rows = self.store().conversations().await?;
        let all = self.lock_live();
        let activity = |id: ConversationId| match all.get(&id).and_then(|live| live.progress()) {
            None => Activity::Idle,
            Some(progress) => match &progress.wait {
                Some(wait) => Activity::Waiting { until: wait.until },
                None if progress.waits() => Activity::Queued,
                None => Activity::Running,
            },
        };
        Ok(rows
            .into_iter()
            .map(|row| ConversationSummary {
                id: row.meta.id,
                title: row.meta.title,
                pinned: row.meta.pinned,
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
            created_at: self.now(),
            title: String::new(),
            title_by_person: false,
            pinned: false,
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
            engine: self,
            log: &log,
            target: target.as_ref(),
            facts: &facts,
            targets: &self.targets(),
            wait: progress.as_ref().and_then(|progress| progress.wait.clone()),
            waits: progress
                .as_ref()
                .filter(|progress| progress.waits())
                .and_then(|progress| log.turn(progress.running.turn))
                .map(|turn| TurnState::in_log(&log, turn))
                .filter(TurnState::is_open),
            running: progress.map(|progress| progress.running),
            context: &self.context(self.now(), lang),
        })
        .ok_or(EngineError::NoConversation(id))
    }

    /// The model that the conversation's next turn goes to: the chosen one, also where its provider
    /// was removed, so that nothing goes to another one unasked; the default where none was chosen.
    pub(crate) fn target_of(&self, log: &Log) -> Option<Target> {
        log.meta.as_ref().and_then(|meta| meta.target.clone()).or_else(|| self.default_target())
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

    /// Puts a conversation on top of the list, or back among the others.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails.
    pub async fn keep_on_top(&self, id: ConversationId, pinned: bool) -> Result<(), EngineError> {
        self.change_meta(id, |meta| meta.pinned = pinned).await
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

    /// Sets how the conversation's requests are made: the system prompt and the parameters. What
    /// is empty is not sent.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails.
    pub async fn set_up(
        &self,
        id: ConversationId,
        system: Option<String>,
        parameters: Parameters,
    ) -> Result<(), EngineError> {
        self.change_meta(id, |meta| {
            meta.system = system;
            meta.parameters = parameters;
        })
        .await?;
        self.tell(Update::Changed(id));
        Ok(())
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
        self.append(&live, &[Record::Tombstone(Tombstone { conversation: id, at: self.now() })])
            .await?;
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
            let records = toggle(&*live.log.lock().await, id, step, true, self.now());
            self.append(&live, &records).await?;
            let kind = live.log.lock().await.step(step).map(|entry| entry.step.kind.clone());
            if let Some(kind) = kind {
                self.doubt(&kind).await;
            }
        }
        Ok(())
    }

    /// Leaves pictures of a conversation out of its requests, for the model that is chosen: all
    /// of them, or the older ones, so that at most `keep` go.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`], [`EngineError::NoConversation`], [`EngineError::DoesNotFit`]
    /// where the last message alone holds more than `keep`, or if the store fails.
    pub async fn leave_out_images(
        &self,
        id: ConversationId,
        keep: Option<usize>,
    ) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let (target, before) = {
            let log = live.log.lock().await;
            let target = self.target_of(&log).ok_or(EngineError::NoTarget)?;
            let before = match keep {
                None => None,
                Some(keep) => Some(
                    first_to_keep(&log.branch(log.head), keep)
                        .ok_or(EngineError::DoesNotFit("the last message alone holds more"))?,
                ),
            };
            (target, before)
        };
        let step = Step {
            id: StepId::new(Uuid::now_v7()),
            conversation: id,
            at: self.now(),
            kind: StepKind::OmitImages { target, before },
            cause: None,
            by: StepBy::Person,
        };
        self.append(&live, &[Record::Step(step)]).await
    }

    /// Takes a step again that was taken back.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown step, or if the store fails.
    pub async fn redo_step(&self, id: ConversationId, step: StepId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let undone = match live.log.lock().await.step(step) {
            None => return Err(EngineError::NotFound("step")),
            Some(entry) => entry.undone,
        };
        if undone {
            let records = toggle(&*live.log.lock().await, id, step, false, self.now());
            self.append(&live, &records).await?;
        }
        Ok(())
    }

    /// Shows the branch through this message, one of several at its place.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown message, [`EngineError::Busy`] while a turn runs,
    /// or if the store fails.
    pub async fn choose(&self, id: ConversationId, message: MessageId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        if live.progress().is_some() {
            return Err(EngineError::Busy);
        }
        let end = {
            let log = live.log.lock().await;
            log.message(message).ok_or(EngineError::NotFound("message"))?;
            log.end_of_branch(message)
        };
        let head = Head { conversation: id, message: Some(end), at: self.now() };
        self.append(&live, &[Record::Head(head)]).await
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
        let context = self.context(attempt.ended_at(), lang);
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

/// The earliest message from which on there are at most `keep` pictures.
fn first_to_keep(branch: &[Message], keep: usize) -> Option<MessageId> {
    let mut kept = 0;
    let mut first = None;
    for message in branch.iter().rev() {
        kept += message.images().count();
        if kept > keep {
            break;
        }
        first = Some(message.id);
    }
    first
}
