//! A prompt comes in: it is stored, and a task of its own answers it.

use std::sync::Arc;

use halo_store::StoreError;
use halo_types::{
    ConversationId, ImageRef, Message, MessageId, Part, Record, Role, Target, Turn, TurnId,
    TurnKind,
};
use uuid::Uuid;

use crate::live::{Live, RunGuard};
use crate::model::{Purpose, Update};
use crate::view::purpose;
use crate::{Engine, EngineError, turn};

/// The longest prompt, in bytes. Longer texts are files, not messages.
const MAX_PROMPT_BYTES: usize = 8 * 1024 * 1024;

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

impl Engine {
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
        let target = target
            .or_else(|| meta.target.clone())
            .or_else(|| self.default_target())
            .ok_or(EngineError::NoTarget)?;
        if self.provider(&target.provider).is_none() {
            return Err(EngineError::NoProvider(target.provider));
        }
        let guard = live.begin(self, id, Purpose::Reply, target.clone(), self.now())?;
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
            at: self.now(),
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
            at: self.now(),
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
        if self.provider(&target.provider).is_none() {
            return Err(EngineError::NoProvider(target.provider));
        }
        let guard = live.begin(self, turn.id, purpose(&turn.kind), target.clone(), self.now())?;
        self.spawn(guard, turn, target);
        Ok(())
    }

    /// Runs a turn in a task of its own, which no closed tab ends.
    pub(crate) fn spawn(&self, guard: RunGuard, turn: Turn, target: Target) {
        self.tasks().spawn(turn::run(self.clone(), guard, turn, target));
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
