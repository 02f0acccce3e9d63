//! Ways forward after a failure, taken by the person.

use std::sync::Arc;

use halo_types::{
    Action, AttemptId, AttemptOutcome, ConversationId, Facts, Head, Kind, Message, MessageId, Part,
    Record, Role, StepBy, StepKind, Target, Turn, TurnId, TurnKind,
};
use uuid::Uuid;

use crate::compact::planned;
use crate::live::Live;
use crate::log::{AttemptLog, Log, TurnLog};
use crate::offers::older_images;
use crate::settle::new_step;
use crate::{Engine, EngineError};

/// A button of a card was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The conversation.
    pub conversation: ConversationId,
    /// The turn of the card.
    pub turn: TurnId,
    /// The attempt of the card. A card that a later attempt has overtaken does nothing, so that a
    /// second click is harmless.
    pub attempt: AttemptId,
    /// What to do.
    pub action: Action,
    /// The model to switch to.
    pub target: Option<Target>,
    /// The edited prompt.
    pub text: Option<String>,
}

/// A prompt is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The conversation.
    pub conversation: ConversationId,
    /// The prompt.
    pub message: MessageId,
    /// Made by the client. The same id twice is the same edit.
    pub turn: TurnId,
    /// The new text; pictures stay.
    pub text: String,
    /// The model to ask; `None` for the conversation's.
    pub target: Option<Target>,
}

impl Engine {
    /// Does what a button of a card says.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a card that does not exist, [`EngineError::DoesNotFit`] for
    /// an action that this failure gives no ground for or that only a page can do,
    /// [`EngineError::Busy`] while another turn runs, or if the store fails.
    pub async fn act(&self, act: Act) -> Result<(), EngineError> {
        let live = self.live(act.conversation).await?;
        let (of, failed) = self.failed(&live, &act).await?;
        let Some(failed) = failed else { return Ok(()) };
        let resends = matches!(act.action, Action::Resend | Action::WaitAndResend);
        let runs = live.progress().is_some_and(|progress| progress.running.turn == act.turn);
        if resends && runs {
            // If it does not wait, it is being sent this moment, which is what was asked for.
            live.send_now(act.turn);
            return Ok(());
        }
        // Another way than waiting was chosen: the wait is over.
        if !live.stop_waiting(act.turn).await && live.progress().is_some() {
            return Err(EngineError::Busy);
        }
        let turn = of.turn.clone();
        let failed_target = failed.target.clone();
        let step = |kind| new_step(self, &turn, kind, Some(act.attempt), StepBy::Person);
        match act.action {
            Action::Resend | Action::WaitAndResend => self.start(&live, turn, failed.first),
            Action::ResendWithoutImages => {
                let before = {
                    let log = live.log.lock().await;
                    let branch = log.branch(Some(turn.prompt));
                    older_images(failed.kind, &branch, &log.active_steps(), &failed_target)
                };
                let step = step(StepKind::OmitImages { target: failed_target.clone(), before });
                self.append(&live, &[Record::Step(step)]).await?;
                self.start(&live, turn, failed_target)
            }
            Action::ShrinkImagesAndResend => {
                let (branch, steps) = {
                    let log = live.log.lock().await;
                    (log.branch(Some(turn.prompt)), log.active_steps())
                };
                let kind = self.next_smaller(&branch, &steps, failed_target.clone()).await?;
                let kind = kind.ok_or(EngineError::DoesNotFit(TOO_SMALL))?;
                self.append(&live, &[Record::Step(step(kind))]).await?;
                self.start(&live, turn, failed_target)
            }
            Action::RepairHistoryAndResend => {
                self.append(&live, &[Record::Step(step(StepKind::RepairHistory))]).await?;
                self.start(&live, turn, failed_target)
            }
            Action::DropParameterAndResend => {
                let name = failed
                    .facts
                    .parameter
                    .ok_or(EngineError::DoesNotFit("no parameter was named"))?;
                let kind = StepKind::DropParameter { target: failed_target.clone(), name };
                self.append(&live, &[Record::Step(step(kind))]).await?;
                self.start(&live, turn, failed_target)
            }
            Action::LowerMaxTokensAndResend => {
                let max_tokens = failed
                    .facts
                    .max_output_tokens
                    .ok_or(EngineError::DoesNotFit("no limit was named"))?;
                let kind = StepKind::LowerMaxTokens { target: failed_target.clone(), max_tokens };
                self.append(&live, &[Record::Step(step(kind))]).await?;
                self.start(&live, turn, failed_target)
            }
            Action::SwitchModel | Action::SwitchProvider => {
                let target = act.target.ok_or(EngineError::DoesNotFit("no model was chosen"))?;
                self.set_target(act.conversation, target.clone()).await?;
                self.start(&live, turn, target)
            }
            Action::CompactAndResend => {
                let then = match turn.kind {
                    TurnKind::Compact { then, .. } => then,
                    _ => Some(turn.id),
                };
                let id = TurnId::new(Uuid::now_v7());
                self.start_compaction(&live, id, None, then, failed_target).await
            }
            Action::Continue => {
                let answer = failed
                    .partial
                    .or(match turn.kind {
                        TurnKind::Continue { answer } => Some(answer),
                        _ => None,
                    })
                    .ok_or(EngineError::DoesNotFit("nothing of the answer had come"))?;
                let id = TurnId::new(Uuid::now_v7());
                self.cont(act.conversation, answer, id).await
            }
            Action::EditMessage => {
                let text = act.text.ok_or(EngineError::DoesNotFit("the new text is missing"))?;
                let target = act.target.unwrap_or(failed_target);
                self.set_target(act.conversation, target.clone()).await?;
                let id = TurnId::new(Uuid::now_v7());
                self.store_edit(&live, id, turn.prompt, text, target).await
            }
            _ => Err(EngineError::DoesNotFit("this action opens a page")),
        }
    }

    /// The turn and the attempt of a card; no attempt if a later one has overtaken it.
    async fn failed(
        &self,
        live: &Arc<Live>,
        act: &Act,
    ) -> Result<(TurnLog, Option<Failed>), EngineError> {
        let log = live.log.lock().await;
        let (turn, attempt) = log.attempt(act.attempt).ok_or(EngineError::NotFound("attempt"))?;
        if turn.turn.id != act.turn {
            return Err(EngineError::NotFound("turn"));
        }
        let last = log.last_attempt().map(|attempt| attempt.start.id);
        // A second click that comes late must not ask again for what is answered.
        let answered = matches!(
            attempt.end.as_ref().map(|end| &end.outcome),
            Some(AttemptOutcome::Answered { .. })
        );
        let current = last == Some(act.attempt) && !answered;
        let failed = current.then(|| {
            let diagnosis = diagnosed(self, &log, attempt);
            Failed {
                target: attempt.start.target.clone(),
                first: attempt
                    .start
                    .instead
                    .as_ref()
                    .map_or_else(|| attempt.start.target.clone(), |instead| instead.target.clone()),
                partial: attempt.partial(),
                kind: diagnosis.kind,
                facts: diagnosis.facts,
            }
        });
        Ok((turn.clone(), failed))
    }

    /// Summarises the older part of a conversation (`/compact [what to keep]`).
    ///
    /// # Errors
    /// [`EngineError::Compact`] where there is nothing to gain, [`EngineError::Busy`],
    /// [`EngineError::NoTarget`], or if the store fails.
    pub async fn compact(
        &self,
        conversation: ConversationId,
        keep: Option<String>,
        turn: TurnId,
    ) -> Result<(), EngineError> {
        if self.store().turn(turn).await?.is_some() {
            return Ok(());
        }
        let live = self.live(conversation).await?;
        let target = {
            let log = live.log.lock().await;
            self.target_of(&log).ok_or(EngineError::NoTarget)?
        };
        let keep = keep.filter(|keep| !keep.trim().is_empty());
        self.start_compaction(&live, turn, keep, None, target).await
    }

    async fn start_compaction(
        &self,
        live: &Arc<Live>,
        id: TurnId,
        keep: Option<String>,
        then: Option<TurnId>,
        target: Target,
    ) -> Result<(), EngineError> {
        let prompt = {
            let log = live.log.lock().await;
            let branch = log.branch(log.head);
            // Told before anything begins, so that the person gets words instead of a dead turn.
            planned(self, &log, &branch, &target, &self.model_facts(&target))?;
            log.head.ok_or(EngineError::NotFound("message"))?
        };
        let kind = TurnKind::Compact { keep, then };
        self.store_and_start(live, id, prompt, kind, target).await
    }

    /// Asks for the rest of an answer that broke off, was stopped or ran into the output limit.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::DoesNotFit`], [`EngineError::Busy`], or if the
    /// store fails.
    pub async fn cont(
        &self,
        conversation: ConversationId,
        answer: MessageId,
        turn: TurnId,
    ) -> Result<(), EngineError> {
        let live = self.live(conversation).await?;
        let (prompt, target) = self.answer_of(&live, answer).await?;
        self.store_and_start(&live, turn, prompt, TurnKind::Continue { answer }, target).await
    }

    /// Asks for another answer to the same prompt, which is named by itself or by an answer to it.
    /// Answers there are stay in the log.
    ///
    /// # Errors
    /// As [`Engine::cont`].
    pub async fn regenerate(
        &self,
        conversation: ConversationId,
        answer: MessageId,
        turn: TurnId,
        target: Option<Target>,
    ) -> Result<(), EngineError> {
        let live = self.live(conversation).await?;
        let is_prompt = {
            let log = live.log.lock().await;
            log.message(answer).ok_or(EngineError::NotFound("message"))?.role == Role::User
        };
        let prompt = if is_prompt { answer } else { self.answer_of(&live, answer).await?.0 };
        let chosen = {
            let log = live.log.lock().await;
            self.target_of(&log)
        };
        let target = target.or(chosen).ok_or(EngineError::NoTarget)?;
        self.store_and_start(&live, turn, prompt, TurnKind::Reply, target).await
    }

    /// The prompt of an answer, and the model that wrote it.
    async fn answer_of(
        &self,
        live: &Arc<Live>,
        answer: MessageId,
    ) -> Result<(MessageId, Target), EngineError> {
        let log = live.log.lock().await;
        let message = log.message(answer).ok_or(EngineError::NotFound("message"))?;
        let origin = message.origin.as_ref().ok_or(EngineError::DoesNotFit("no model wrote it"))?;
        let prompt = message.parent.ok_or(EngineError::DoesNotFit("it answers no prompt"))?;
        let target = if self.provider(&origin.target.provider).is_some() {
            origin.target.clone()
        } else {
            self.target_of(&log).ok_or(EngineError::NoTarget)?
        };
        Ok((prompt, target))
    }

    /// Sends a changed prompt in the place of an earlier one, which stays in the log beside it with
    /// all that followed. A turn that waits is given up for it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::DoesNotFit`] for an answer, [`EngineError::Empty`],
    /// [`EngineError::Busy`], [`EngineError::NoTarget`], or if the store fails.
    pub async fn edit(&self, edit: Edit) -> Result<(), EngineError> {
        if self.store().turn(edit.turn).await?.is_some() {
            return Ok(());
        }
        let live = self.live(edit.conversation).await?;
        let target = {
            let log = live.log.lock().await;
            let prompt = log.message(edit.message).ok_or(EngineError::NotFound("message"))?;
            if prompt.role != Role::User {
                return Err(EngineError::DoesNotFit("a model wrote it"));
            }
            edit.target.or_else(|| self.target_of(&log)).ok_or(EngineError::NoTarget)?
        };
        match live.progress() {
            Some(progress) if progress.wait.is_some() => {
                live.stop().await;
            }
            Some(_) => return Err(EngineError::Busy),
            None => {}
        }
        self.set_target(edit.conversation, target.clone()).await?;
        self.store_edit(&live, edit.turn, edit.message, edit.text, target).await
    }

    /// Writes on from an earlier message: the next prompt begins a branch there. What followed it
    /// stays in the log, and [`Engine::choose`] leads back.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Busy`] while a turn runs, or if the store fails.
    pub async fn fork(
        &self,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<(), EngineError> {
        let live = self.live(conversation).await?;
        if live.progress().is_some() {
            return Err(EngineError::Busy);
        }
        if live.log.lock().await.message(message).is_none() {
            return Err(EngineError::NotFound("message"));
        }
        let head = Head { conversation, message: Some(message), at: self.now() };
        self.append(&live, &[Record::Head(head)]).await
    }

    /// Stores a turn and begins it. A turn that is stored already is not begun again.
    async fn store_and_start(
        &self,
        live: &Arc<Live>,
        id: TurnId,
        prompt: MessageId,
        kind: TurnKind,
        target: Target,
    ) -> Result<(), EngineError> {
        if self.store().turn(id).await?.is_some() {
            return Ok(());
        }
        if self.provider(&target.provider).is_none() {
            return Err(EngineError::NoProvider(target.provider));
        }
        let purpose = crate::view::purpose(&kind);
        let guard = live.begin(self, id, purpose, target.clone(), self.now())?;
        let turn = Turn {
            id,
            conversation: live.id,
            prompt,
            target: target.clone(),
            kind,
            at: self.now(),
        };
        guard.append(&[Record::Turn(turn.clone())]).await?;
        self.spawn(guard, turn, target);
        Ok(())
    }

    /// Stores a changed prompt as a sibling of the first one and begins its turn.
    async fn store_edit(
        &self,
        live: &Arc<Live>,
        turn: TurnId,
        prompt: MessageId,
        text: String,
        target: Target,
    ) -> Result<(), EngineError> {
        let old = {
            let log = live.log.lock().await;
            log.message(prompt).cloned().ok_or(EngineError::NotFound("message"))?
        };
        let mut parts: Vec<Part> =
            old.parts.into_iter().filter(|part| matches!(part, Part::Image(_))).collect();
        if !text.trim().is_empty() {
            parts.push(Part::text(text));
        }
        if parts.is_empty() {
            return Err(EngineError::Empty);
        }
        let id = MessageId::new(Uuid::now_v7());
        let message = Message {
            id,
            role: Role::User,
            parts,
            at: self.now(),
            origin: None,
            ending: None,
            usage: None,
            ..old
        };
        let head = Head { conversation: live.id, message: Some(id), at: self.now() };
        self.append(live, &[Record::Message(message), Record::Head(head)]).await?;
        self.store_and_start(live, turn, id, TurnKind::Reply, target).await
    }
}

/// What a card is about.
struct Failed {
    target: Target,
    /// The first choice of the turn, from which another place was gone to.
    first: Target,
    partial: Option<MessageId>,
    kind: Kind,
    facts: Facts,
}

/// Why pictures are not shrunk any further.
const TOO_SMALL: &str = "the pictures are as small as is of any use";

/// What the failure of an attempt meant.
fn diagnosed(engine: &Engine, log: &Log, failed: &AttemptLog) -> halo_types::Diagnosis {
    let evidence = crate::view::evidence(log, failed).unwrap_or_default();
    let context = engine.context(failed.ended_at(), halo_types::Lang::En);
    halo_diagnose::diagnose(&evidence, &context)
}
