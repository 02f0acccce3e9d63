//! A turn as it runs: words as they come, waits that move, cards, and how it ended.

use std::time::Duration;

use halo_engine::{Card, ConversationView, EngineError, Item, Purpose, TurnState, Update};
use halo_types::{AttemptId, ConversationId, Ending, Kind, Role, StopReason, Timestamp, TurnId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::keys::Keys;
use super::markdown::Markdown;
use super::session::Session;
use super::{card, countdown, show};

/// How often the moving line is looked at.
const TICK: Duration = Duration::from_millis(200);
/// Between a compaction and the turn it is for nothing runs for a moment.
const GAP: Duration = Duration::from_millis(80);
/// A program that waits for an answer does not wait longer than this in line.
const LONGEST_WAIT_MS: u64 = 125_000;

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    /// The person stopped it.
    Stopped,
    /// A card stands where the answer would be.
    Failed,
    /// It is stored and due later.
    Later,
}

/// What is shown of the attempt under way.
struct Shown {
    attempt: Option<AttemptId>,
    purpose: Purpose,
    turn: Option<TurnId>,
    text: String,
    thinking: usize,
    thinking_since: Option<Timestamp>,
    since: Timestamp,
    markdown: Option<Markdown>,
    wait: Option<(Timestamp, bool)>,
    queued: bool,
    last_kind: Option<Kind>,
    interrupted: bool,
}

impl Session {
    /// Shows the turn under way until it ends. `updates` were subscribed before it began.
    pub(super) async fn follow(
        &mut self,
        id: ConversationId,
        mut updates: Receiver<Update>,
    ) -> Result<Outcome, EngineError> {
        while self.interrupts.try_recv().is_ok() {}
        let mut keys = if self.screen.interactive { Keys::listen() } else { None };
        let mut tick = tokio::time::interval(TICK);
        let mut shown = Shown {
            attempt: None,
            purpose: Purpose::Reply,
            turn: None,
            text: String::new(),
            thinking: 0,
            thinking_since: None,
            since: self.engine.now(),
            markdown: None,
            wait: None,
            queued: false,
            last_kind: None,
            interrupted: false,
        };
        let mut look = true;
        let view = loop {
            if look {
                let view = self.look(id, &mut shown).await?;
                if view.running.is_none() {
                    tokio::time::sleep(GAP).await;
                    let view = self.look(id, &mut shown).await?;
                    if view.running.is_none() {
                        break view;
                    }
                }
                look = false;
            }
            let waits = shown.wait.is_some() || shown.queued;
            if let Some(keys) = &keys {
                keys.attend(waits);
            }
            if !self.screen.interactive
                && let Some((until, true)) = shown.wait
                && until.ms_since(self.engine.now()) > LONGEST_WAIT_MS
            {
                return Ok(Outcome::Later);
            }
            if self.screen.gone {
                self.engine.stop(id).await?;
                return Ok(Outcome::Stopped);
            }
            tokio::select! {
                update = updates.recv() => match update {
                    Ok(update) => look = self.take(id, update, &mut shown),
                    Err(RecvError::Lagged(_)) => look = true,
                    Err(RecvError::Closed) => return Ok(Outcome::Stopped),
                },
                _ = tick.tick() => self.tick(&shown),
                _ = self.interrupts.recv() => {
                    shown.interrupted = true;
                    self.engine.stop(id).await?;
                    look = true;
                }
                Some(key) = next(&mut keys) => {
                    let now = matches!(key, b's' | b'S' | b'\r' | b'\n');
                    if let Some(turn) = shown.turn.filter(|_| now) {
                        self.engine.send_now(id, turn).await?;
                        look = true;
                    }
                }
            }
        };
        drop(keys);
        loop {
            match updates.try_recv() {
                Ok(update) => {
                    self.take(id, update, &mut shown);
                }
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Ok(self.ended(&view, shown))
    }

    /// Fetches the view and shows what is new in it.
    async fn look(
        &mut self,
        id: ConversationId,
        shown: &mut Shown,
    ) -> Result<ConversationView, EngineError> {
        let view = self.engine.conversation(id, self.words.lang()).await?;
        for item in &view.items {
            match item {
                Item::Card(card) if self.seen.cards.insert(card.attempt) => {
                    self.close_text(shown);
                    self.show_card(card, shown);
                }
                Item::Step(step) if self.seen.steps.insert(step.id) => {
                    self.close_text(shown);
                    let text = show::step(&self.engine, step, self.words);
                    let undo = self.words.t("chat-step-undo");
                    self.screen.quiet(&format!("↷ {text} · {undo}"));
                }
                _ => {}
            }
        }
        shown.wait = view.wait.as_ref().map(|wait| (wait.until, wait.automatic));
        if let Some(wait) = &view.wait {
            shown.since = shown.since.max(self.engine.now());
            self.pacing = wait.from == "pace";
        }
        shown.queued = matches!(view.waits, Some(TurnState::Queued)) && view.wait.is_none();
        if let Some(running) = &view.running {
            shown.turn = Some(running.turn);
            if running.attempt.is_some() && running.attempt != shown.attempt {
                self.begin(shown, running.attempt, running.purpose);
                shown.since = running.since;
            }
            shown.purpose = running.purpose;
            if running.attempt.is_some() {
                self.grow(shown, true, 0, &running.thinking);
                self.grow(shown, false, 0, &running.text);
            }
        }
        Ok(view)
    }

    fn begin(&mut self, shown: &mut Shown, attempt: Option<AttemptId>, purpose: Purpose) {
        self.close_text(shown);
        shown.attempt = attempt;
        shown.purpose = purpose;
        shown.text.clear();
        shown.thinking = 0;
        shown.thinking_since = None;
        shown.since = self.engine.now();
    }

    /// Takes a piece of news. Says whether the view has to be fetched.
    fn take(&mut self, id: ConversationId, update: Update, shown: &mut Shown) -> bool {
        match update {
            Update::Delta { conversation, attempt, thinking, start, text }
                if conversation == id =>
            {
                // Of an attempt that is not known yet the view says what it is for.
                shown.attempt != Some(attempt) || !self.grow(shown, thinking, start, &text)
            }
            Update::Changed(conversation) => conversation == id,
            _ => false,
        }
    }

    /// Shows what of a piece is new; `false` where something is missing before it.
    fn grow(&mut self, shown: &mut Shown, thinking: bool, start: usize, text: &str) -> bool {
        let have = if thinking { shown.thinking } else { shown.text.len() };
        if start > have {
            return false;
        }
        let Some(new) = text.get(have - start..).filter(|new| !new.is_empty()) else {
            return true;
        };
        if thinking {
            shown.thinking += new.len();
            shown.thinking_since.get_or_insert(self.engine.now());
            return true;
        }
        shown.text.push_str(new);
        if shown.purpose == Purpose::Compact {
            return true;
        }
        self.end_thinking(shown);
        let form = self.screen.form;
        let printed = shown.markdown.get_or_insert_with(|| Markdown::new(form)).push(new);
        self.screen.answer(&printed);
        true
    }

    fn end_thinking(&mut self, shown: &mut Shown) {
        if let Some(since) = shown.thinking_since.take() {
            let time = countdown::span(self.engine.now().ms_since(since).max(1), self.words);
            let text = self.words.t1("chat-thought", "time", time);
            self.screen.quiet(&text);
        }
    }

    fn close_text(&mut self, shown: &mut Shown) {
        self.end_thinking(shown);
        if let Some(mut markdown) = shown.markdown.take() {
            let last = shown.text.chars().next_back().unwrap_or('\n');
            let rest = markdown.finish(last);
            self.screen.answer(&rest);
        }
    }

    /// A card as it comes: its ways forward follow when nothing runs any more.
    fn show_card(&mut self, card: &Card, shown: &mut Shown) {
        let kind = card.diagnosis.kind;
        // The same words again say nothing new.
        if shown.last_kind == Some(kind) {
            let (n, title) = (card.nth.to_string(), card.diagnosis.title.to_string());
            let text = self.words.t2("chat-try", ("n", &n), ("title", &title));
            self.screen.quiet(&text);
        } else {
            let text = card::told(card, self.words, self.screen.style);
            self.screen.note(&format!("\n{text}"));
        }
        shown.last_kind = Some(kind);
    }

    fn tick(&mut self, shown: &Shown) {
        let now = self.engine.now();
        let words = self.words;
        let keys = if self.screen.interactive {
            format!(" · {}", words.t("chat-wait-keys"))
        } else {
            String::new()
        };
        let status = match shown.wait {
            Some((until, _)) => {
                let why = if self.pacing {
                    format!(" ({})", words.t("chat-wait-pace"))
                } else {
                    String::new()
                };
                format!("{}{why}{keys}", countdown::line(until.ms_since(now), words))
            }
            None if shown.queued => format!("{}{keys}", words.t("chat-queued")),
            // The cursor stands in the answer.
            None if shown.markdown.is_some() => return,
            None => {
                let since = shown.thinking_since.unwrap_or(shown.since);
                let key = match shown.purpose {
                    Purpose::Compact => "chat-compacting",
                    _ if shown.thinking_since.is_some() => "chat-thinking",
                    _ => "chat-working",
                };
                words.t1(key, "time", countdown::span(now.ms_since(since), words))
            }
        };
        self.screen.status(&status);
    }

    /// Nothing runs any more: the rest of the answer, or what can be done.
    fn ended(&mut self, view: &ConversationView, mut shown: Shown) -> Outcome {
        let words = self.words;
        let last = view.items.iter().rev().find(|item| !matches!(item, Item::Step(_)));
        let mut outcome = Outcome::Answered;
        match last {
            Some(Item::Message(message)) if message.message.role == Role::Assistant => {
                let text = message.message.text();
                let new = self.seen.messages.insert(message.message.id);
                // News that was missed.
                if new && shown.purpose == Purpose::Reply && text.starts_with(&shown.text) {
                    let have = shown.text.len();
                    let rest = text.get(have..).unwrap_or_default();
                    self.grow(&mut shown, false, have, rest);
                }
                self.close_text(&mut shown);
                let note = match &message.message.ending {
                    Some(Ending::Stopped) => {
                        outcome = Outcome::Stopped;
                        "chat-stopped"
                    }
                    Some(Ending::Interrupted) => {
                        outcome = Outcome::Failed;
                        "chat-interrupted"
                    }
                    Some(Ending::Complete { stop: StopReason::Length | StopReason::Context }) => {
                        "chat-cut-length"
                    }
                    _ => "",
                };
                if !note.is_empty() {
                    let note = words.t(note);
                    self.screen.quiet(&note);
                }
            }
            Some(Item::Card(card)) => {
                self.close_text(&mut shown);
                outcome = if shown.interrupted { Outcome::Stopped } else { Outcome::Failed };
                if shown.interrupted {
                    let note = words.t("chat-cancelled");
                    self.screen.quiet(&note);
                }
                if self.screen.interactive {
                    let ways = card::ways(card, &self.engine, words, self.screen.style);
                    self.screen.note(&ways);
                }
            }
            Some(Item::Message(_)) => {
                self.close_text(&mut shown);
                outcome = Outcome::Stopped;
                let note = words.t("chat-cancelled");
                self.screen.quiet(&note);
            }
            _ => self.close_text(&mut shown),
        }
        self.screen.status("");
        self.seen.note(view);
        outcome
    }
}

/// The next key; for ever where none is read.
async fn next(keys: &mut Option<Keys>) -> Option<u8> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}
