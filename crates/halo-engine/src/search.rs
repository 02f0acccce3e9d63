//! Finding things in conversations, and taking conversations out and in.

use halo_diagnose::Context;
use halo_store::SearchHit;
use halo_types::{AttemptId, ConversationId, Lang, MessageId};

use crate::archive::{Archive, ArchiveError, Export, ExportFormat, ImportReport, place};
use crate::model::Update;
use crate::{Engine, EngineError};

impl Engine {
    /// Where all the words of `query` are found, the latest first: in titles, messages and errors.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn search(&self, query: &str, limit: usize) -> Result<Vec<SearchHit>, EngineError> {
        Ok(self.store().search(query, limit).await?)
    }

    /// Makes sure that a message is on the branch that is shown. While a turn runs its branch
    /// stays.
    ///
    /// # Errors
    /// [`EngineError::NoConversation`], or if the store fails. A message that is not there is no
    /// error: the conversation is shown as it is.
    pub async fn bring_up(
        &self,
        id: ConversationId,
        message: MessageId,
    ) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let hidden = {
            let log = live.log.lock().await;
            log.message(message).is_some()
                && !log.branch(log.head).iter().any(|shown| shown.id == message)
        };
        if !hidden {
            return Ok(());
        }
        match self.choose(id, message).await {
            Ok(()) | Err(EngineError::Busy | EngineError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same for a failed attempt: its card stands below the prompt it was to answer.
    ///
    /// # Errors
    /// As [`Engine::bring_up`].
    pub async fn bring_up_attempt(
        &self,
        id: ConversationId,
        attempt: AttemptId,
    ) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let prompt = live.log.lock().await.attempt(attempt).map(|(turn, _)| turn.turn.prompt);
        match prompt {
            Some(prompt) => self.bring_up(id, prompt).await,
            None => Ok(()),
        }
    }

    /// Begins the export of one conversation, or of all.
    ///
    /// # Errors
    /// [`ArchiveError::NoConversation`], or if the store fails.
    pub async fn export(
        &self,
        conversation: Option<ConversationId>,
        format: ExportFormat,
        lang: Lang,
    ) -> Result<Export, ArchiveError> {
        let store = std::sync::Arc::clone(self.store());
        let context: Context = self.context(self.now(), lang);
        match conversation {
            Some(id) => Export::one(store, id, format, context).await,
            None => Export::all(store, format, context).await,
        }
    }

    /// Adds the conversations of a file. What is here already is not added again.
    ///
    /// # Errors
    /// What is wrong with the file, or with the store; of a conversation all or nothing is added.
    pub async fn import(&self, file: Vec<u8>) -> Result<ImportReport, ArchiveError> {
        // Checking a large file is work for a thread that may be kept busy.
        let read = tokio::task::spawn_blocking(move || Archive::read(&file)).await;
        let archive = read.unwrap_or(Err(ArchiveError::NotAnExport))?;
        let _one = self.importing().lock().await;
        let mut report = ImportReport::begin(&archive);
        for (done, entry) in archive.entries.iter().enumerate() {
            let failed = |source| ArchiveError::Store { done, source };
            let (placed, records) = match self.live(entry.id).await {
                Ok(live) => {
                    // Held, so that memory and disk agree.
                    let mut log = live.log.lock().await;
                    let (placed, records) =
                        place(self.store().as_ref(), entry).await.map_err(failed)?;
                    records.iter().for_each(|record| log.apply(record));
                    (placed, records)
                }
                Err(EngineError::Store(error)) => return Err(failed(error)),
                Err(_) => place(self.store().as_ref(), entry).await.map_err(failed)?,
            };
            report.count(entry, placed, &records);
            self.tell(Update::Changed(entry.id));
        }
        self.settle_imported(&archive).await;
        self.tell(Update::List);
        Ok(report)
    }

    /// An attempt that was under way when the file was written will not end here.
    async fn settle_imported(&self, archive: &Archive) {
        let Ok(open) = self.store().open_attempts().await else { return };
        for start in open {
            let ours = archive.entries.iter().any(|entry| entry.id == start.conversation);
            let running = match self.live(start.conversation).await {
                Ok(live) => live.progress().is_some(),
                Err(_) => true,
            };
            if ours
                && !running
                && let Err(error) = self.settle_one(&start).await
            {
                tracing::warn!(%error, attempt = %start.id, "an imported attempt was not settled");
            }
        }
    }
}
