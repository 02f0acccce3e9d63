//! A chat from the first prompt to the last.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use halo_engine::{ConversationView, Engine, EngineError, Item, Submission};
use halo_types::{AttemptId, ConversationId, ImageRef, MessageId, StepId, Target, TurnId};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::command::{Typed, pick, typed};
use super::follow::Outcome;
use super::input::{Input, Line};
use super::screen::Screen;
use super::words::Words;
use super::{card, paths, show};

/// Exit code of a program that Ctrl+C has ended.
const INTERRUPTED: u8 = 130;

/// A chat: the conversation, and what is on the screen of it.
pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) words: Words,
    pub(super) screen: Screen,
    /// The conversation; none before its first message.
    pub(super) conversation: Option<ConversationId>,
    /// The model of a conversation that is still to begin.
    pub(super) target: Option<Target>,
    /// Pictures of the next message.
    pub(super) images: Vec<ImageRef>,
    pub(super) seen: Seen,
    /// The conversations as they were listed last.
    pub(super) listed: Vec<ConversationId>,
    /// Ctrl+C.
    pub(super) interrupts: mpsc::UnboundedReceiver<()>,
    /// Whether the present wait is one between requests.
    pub(super) pacing: bool,
    data: PathBuf,
    pub(super) input: Option<Input>,
}

/// What is on the screen already.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) cards: HashSet<AttemptId>,
    pub(super) steps: HashSet<StepId>,
    pub(super) messages: HashSet<MessageId>,
}

impl Seen {
    pub(super) fn note(&mut self, view: &ConversationView) {
        for item in &view.items {
            match item {
                Item::Message(message) => {
                    self.messages.insert(message.message.id);
                }
                Item::Card(card) => {
                    self.cards.insert(card.attempt);
                }
                Item::Step(step) => {
                    self.steps.insert(step.id);
                }
            }
        }
    }
}

/// What follows a line.
pub(super) enum Next {
    /// The next line, which begins with a draft.
    Ask(String),
    Quit,
}

pub(super) fn new_turn() -> TurnId {
    TurnId::new(Uuid::now_v7())
}

impl Session {
    pub(super) fn new(engine: Engine, words: Words, screen: Screen, data: PathBuf) -> Self {
        let (tell, interrupts) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() && tell.send(()).is_ok() {}
        });
        Self {
            engine,
            words,
            screen,
            conversation: None,
            target: None,
            images: Vec::new(),
            seen: Seen::default(),
            listed: Vec::new(),
            interrupts,
            pacing: false,
            data,
            input: None,
        }
    }

    pub(super) async fn view(&self, id: ConversationId) -> Result<ConversationView, EngineError> {
        self.engine.conversation(id, self.words.lang()).await
    }

    /// Answers one prompt and ends.
    pub(super) async fn once(
        &mut self,
        conversation: Option<ConversationId>,
        prompt: String,
    ) -> anyhow::Result<ExitCode> {
        if let Some(id) = conversation {
            let view = self.view(id).await?;
            self.seen.note(&view);
        }
        self.conversation = conversation;
        let sent = match self.send(&prompt).await {
            Ok(outcome) => outcome,
            Err(said) => {
                self.screen.note(&said);
                return Ok(ExitCode::FAILURE);
            }
        };
        let practice = self.is_practice();
        Ok(match sent {
            Outcome::Answered => {
                if practice && self.engine.providers().len() <= 1 {
                    let text = self.words.t("chat-practice-answered");
                    self.screen.quiet(&text);
                }
                ExitCode::SUCCESS
            }
            Outcome::Stopped => ExitCode::from(INTERRUPTED),
            Outcome::Failed => ExitCode::FAILURE,
            Outcome::Later => {
                if let Some(id) = self.conversation {
                    let text = self.words.t1("chat-later", "id", id);
                    self.screen.note(&text);
                }
                ExitCode::FAILURE
            }
        })
    }

    /// Talks with a person until they leave.
    pub(super) async fn talk(
        &mut self,
        conversation: Option<ConversationId>,
    ) -> anyhow::Result<ExitCode> {
        self.input = Some(Input::new(self.data.join("chat_history"))?);
        match conversation {
            Some(id) => {
                if let Err(error) = self.open(id).await {
                    let said = show::problem(&error, self.words);
                    self.screen.note(&said);
                }
            }
            None => self.hello(),
        }
        let mut draft = String::new();
        let mut leaving = false;
        loop {
            let prompt = match self.images.len() {
                0 => "› ".to_owned(),
                n => format!("{} › ", self.words.t1("chat-pictures", "n", n)),
            };
            let line = match self.ask(prompt, std::mem::take(&mut draft)).await? {
                Line::Text(line) => line,
                Line::Interrupted if leaving => break,
                Line::Interrupted => {
                    leaving = true;
                    let text = self.words.t("chat-twice");
                    self.screen.quiet(&text);
                    continue;
                }
                Line::End => break,
            };
            leaving = false;
            match self.line(&line).await {
                Next::Ask(next) => draft = next,
                Next::Quit => break,
            }
            if self.screen.gone {
                break;
            }
        }
        if let Some(id) = self.conversation {
            let text = self.words.t1("chat-bye", "id", id);
            self.screen.quiet(&text);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Asks the person for a line.
    pub(super) async fn ask(&mut self, prompt: String, draft: String) -> anyhow::Result<Line> {
        match &mut self.input {
            Some(input) => input.line(prompt, draft).await,
            None => Ok(Line::End),
        }
    }

    fn hello(&mut self) {
        let words = self.words;
        let model = self.target.clone().or_else(|| self.engine.default_target());
        let model = model.map(|target| card::name(&self.engine, &target, words));
        let text = words.t1("chat-hello", "model", model.unwrap_or_default());
        let text = self.screen.style.paint("1", &text);
        self.screen.note(&text);
        self.screen.quiet(&words.t("chat-hello-help"));
        if self.engine.providers().len() <= 1 {
            self.screen.quiet(&words.t("chat-hello-practice"));
        }
    }

    fn is_practice(&self) -> bool {
        let asked = self.target.clone().or_else(|| self.engine.default_target());
        let practice = self.engine.practice().map(|practice| &practice.provider.id);
        asked.is_some_and(|target| practice == Some(&target.provider))
    }

    /// Does what a line says.
    async fn line(&mut self, line: &str) -> Next {
        let done = match typed(line) {
            Typed::Empty => Ok(()),
            Typed::Unknown(name, near) => {
                let text = match near {
                    Some(near) => {
                        self.words.t2("chat-unknown-near", ("name", &name), ("near", near))
                    }
                    None => self.words.t1("chat-unknown", "name", name),
                };
                self.screen.note(&text);
                // Corrected more quickly than typed again.
                return Next::Ask(line.to_owned());
            }
            Typed::Command("quit", _) => return Next::Quit,
            Typed::Command(name, rest) => self.command(name, &rest).await,
            Typed::Number(number) => self.way(number).await,
            Typed::Prompt(text) => match self.send(&text).await {
                Ok(_) => Ok(()),
                Err(said) => {
                    self.screen.note(&said);
                    return Next::Ask(text);
                }
            },
        };
        if let Err(error) = done {
            let said = show::problem(&error, self.words);
            self.screen.note(&said);
        }
        Next::Ask(String::new())
    }

    /// Sends a prompt with its pictures and shows the answer. What cannot be sent is said, and the
    /// prompt is not lost.
    async fn send(&mut self, text: &str) -> Result<Outcome, String> {
        let words = self.words;
        let said = |error: EngineError| show::problem(&error, words);
        let home = std::env::home_dir();
        let named = paths::find(text, home.as_deref(), |path| path.is_file());
        let mut images = self.images.clone();
        for path in &named.paths {
            images.push(self.picture(path).await?);
        }
        let updates = self.engine.updates();
        let new = self.conversation.is_none();
        let id = match self.conversation {
            Some(id) => id,
            None => self.engine.create(self.target.clone()).await.map_err(said)?,
        };
        let submission = Submission {
            turn: new_turn(),
            conversation: id,
            text: named.text,
            images,
            target: None,
        };
        let submitted = self.engine.submit(submission).await;
        match submitted {
            Ok(_) => {}
            Err(error @ EngineError::Waiting { .. }) => {
                // The way out is on the screen: send it now, or cancel it.
                self.screen.note(&said(error));
                let _ = self.follow(id, updates).await.map_err(said)?;
                return Err(String::new());
            }
            Err(error) => {
                if new {
                    // An empty conversation helps nobody.
                    let _ = self.engine.delete(id).await;
                }
                return Err(said(error));
            }
        }
        self.conversation = Some(id);
        self.images.clear();
        self.follow(id, updates).await.map_err(said)
    }

    /// Reads a picture from a file.
    pub(super) async fn picture(&mut self, path: &std::path::Path) -> Result<ImageRef, String> {
        let name = path.display().to_string();
        let bytes = tokio::fs::read(path).await.map_err(|error| {
            let why = error.to_string();
            self.words.t2("chat-image-unreadable", ("name", &name), ("why", &why))
        })?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let image = self.engine.add_image(bytes, file).await;
        image.map_err(|error| show::problem(&error, self.words))
    }

    /// The model that `wanted` means, or what there is to say where that is not clear.
    pub(super) fn pick_model(&self, wanted: &str) -> Result<Target, String> {
        let targets = self.engine.targets();
        let names: Vec<String> = targets.iter().map(|info| info.target.to_string()).collect();
        let found = pick(wanted, &names);
        if let [name] = found.as_slice()
            && let Some(info) = targets.iter().find(|info| info.target.to_string() == **name)
        {
            return Ok(info.target.clone());
        }
        // A model that its provider did not list can still be asked for in full.
        if let Some((provider, model)) = wanted.trim().split_once('/')
            && let Ok(provider) = provider.parse()
            && self.engine.provider(&provider).is_some()
            && !model.trim().is_empty()
            && !found.iter().any(|name| name.as_str() == wanted)
        {
            return Ok(Target { provider, model: model.trim().to_owned() });
        }
        let (key, listed) = if found.is_empty() {
            ("chat-no-model-named", names.iter().take(30).collect())
        } else {
            ("chat-model-which", found)
        };
        let listed: Vec<String> = listed.into_iter().map(|name| format!("  {name}")).collect();
        Err(format!("{}\n{}", self.words.t1(key, "name", wanted), listed.join("\n")))
    }

    /// Opens a conversation, and shows the turn that runs in it.
    pub(super) async fn open(&mut self, id: ConversationId) -> Result<(), EngineError> {
        let updates = self.engine.updates();
        let view = self.view(id).await?;
        self.conversation = Some(id);
        self.seen = Seen::default();
        self.show(&view);
        if view.running.is_some() {
            self.follow(id, updates).await?;
        }
        Ok(())
    }
}
