//! The commands, carried out.

use halo_engine::{EngineError, Item, StepView};
use halo_types::{Action, Lang, Role, Target};

use super::command::COMMANDS;
use super::session::{Seen, Session, new_turn};
use super::{card, paths, show};
use crate::terminal::visible;

/// How many conversations are listed.
const LISTED: usize = 20;

impl Session {
    /// Carries a command out.
    pub(super) async fn command(&mut self, name: &str, rest: &str) -> Result<(), EngineError> {
        match name {
            "new" => {
                self.target = match self.conversation {
                    Some(id) => self.view(id).await?.target.filter(|target| {
                        // One that was removed since answers nothing.
                        self.engine.provider(&target.provider).is_some()
                    }),
                    None => self.target.clone(),
                };
                self.conversation = None;
                self.seen = Seen::default();
                self.tell("chat-new");
                Ok(())
            }
            "model" => self.model(rest).await,
            "resend" => self.resend().await,
            "continue" => self.go_on().await,
            "compact" => {
                let Some(id) = self.conversation else {
                    self.tell("chat-nothing-compact");
                    return Ok(());
                };
                let updates = self.engine.updates();
                let keep = (!rest.is_empty()).then(|| rest.to_owned());
                self.engine.compact(id, keep, new_turn()).await?;
                self.tell("chat-compacting-words");
                self.follow(id, updates).await?;
                Ok(())
            }
            "undo" => self.undo().await,
            "redo" => self.redo().await,
            "image" => {
                self.image(rest).await;
                Ok(())
            }
            "list" => self.list().await,
            "open" => self.open_named(rest).await,
            "title" => self.title(rest).await,
            "practice" => self.practice(rest).await,
            "report" => self.report(rest).await,
            "thinking" => self.thinking().await,
            _ => {
                self.help();
                Ok(())
            }
        }
    }

    fn tell(&mut self, key: &str) {
        let text = self.words.t(key);
        self.screen.note(&text);
    }

    fn help(&mut self) {
        let mut out = self.screen.style.paint("1", &self.words.t("chat-help-heading"));
        for name in COMMANDS {
            let about = self.words.t(&format!("chat-help-{name}"));
            let named = self.screen.style.paint("36", &format!("/{name:<10}"));
            out.push_str(&format!("\n  {named} {about}"));
        }
        out.push_str(&format!("\n{}", self.words.t("chat-hello-help")));
        out.push_str(&format!("\n{}", self.words.t("chat-help-keys")));
        self.screen.note(&out);
    }

    async fn model(&mut self, wanted: &str) -> Result<(), EngineError> {
        if wanted.is_empty() {
            return self.list_models().await;
        }
        let target = match self.numbered_model(wanted) {
            Ok(target) => target,
            Err(said) => {
                self.screen.note(&said);
                return Ok(());
            }
        };
        match self.conversation {
            Some(id) => self.engine.set_target(id, target.clone()).await?,
            None => self.target = Some(target.clone()),
        }
        let name = card::name(&self.engine, &target, self.words);
        let text = self.words.t1("chat-model-now", "model", name);
        self.screen.note(&text);
        Ok(())
    }

    /// A model by its number in the list, or by its name.
    pub(super) fn numbered_model(&self, wanted: &str) -> Result<Target, String> {
        let number = wanted.trim().parse::<usize>().ok().filter(|number| *number > 0);
        let target = number.and_then(|n| self.engine.targets().get(n - 1).cloned());
        match target {
            Some(info) => Ok(info.target),
            None => self.pick_model(wanted),
        }
    }

    /// Prints the models there are, the present one marked.
    pub(super) async fn list_models(&mut self) -> Result<(), EngineError> {
        let now = match self.conversation {
            Some(id) => self.view(id).await?.target,
            None => self.target.clone().or_else(|| self.engine.default_target()),
        };
        let mut out = self.words.t("chat-model-list");
        for (nth, info) in self.engine.targets().iter().enumerate() {
            let mark = if now.as_ref() == Some(&info.target) { "●" } else { " " };
            let name = card::name(&self.engine, &info.target, self.words);
            out.push_str(&format!("\n{mark} {:>3}. {name}", nth + 1));
        }
        self.screen.note(&out);
        Ok(())
    }

    async fn resend(&mut self) -> Result<(), EngineError> {
        if let Some((id, card)) = self.card().await? {
            return self.press(id, &card, Action::Resend, None, None).await;
        }
        let last = match self.conversation {
            Some(id) => {
                let view = self.view(id).await?;
                view.items.iter().rev().find_map(|item| match item {
                    Item::Message(message) => Some((id, message.message.id)),
                    _ => None,
                })
            }
            None => None,
        };
        let Some((id, message)) = last else {
            self.tell("chat-nothing-resend");
            return Ok(());
        };
        let updates = self.engine.updates();
        self.engine.regenerate(id, message, new_turn(), None).await?;
        self.follow(id, updates).await?;
        Ok(())
    }

    async fn go_on(&mut self) -> Result<(), EngineError> {
        if let Some((id, card)) = self.card().await?
            && card.offers.iter().any(|offer| offer.action == Action::Continue)
        {
            return self.press(id, &card, Action::Continue, None, None).await;
        }
        let open = match self.conversation {
            Some(id) => {
                let view = self.view(id).await?;
                view.items.iter().rev().find_map(|item| match item {
                    Item::Message(message) => {
                        Some((id, message.message.id)).filter(|_| message.can_continue)
                    }
                    _ => None,
                })
            }
            None => None,
        };
        let Some((id, answer)) = open else {
            self.tell("chat-nothing-continue");
            return Ok(());
        };
        let updates = self.engine.updates();
        self.engine.cont(id, answer, new_turn()).await?;
        self.follow(id, updates).await?;
        Ok(())
    }

    /// The steps of the conversation, those last taken at the end.
    async fn steps(&self) -> Result<Vec<StepView>, EngineError> {
        let Some(id) = self.conversation else { return Ok(Vec::new()) };
        let items = self.view(id).await?.items.into_iter();
        let mut steps: Vec<StepView> = items
            .filter_map(|item| match item {
                Item::Step(step) => Some(step),
                _ => None,
            })
            .collect();
        steps.sort_by_key(|step| step.at);
        Ok(steps)
    }

    async fn undo(&mut self) -> Result<(), EngineError> {
        let last = self.steps().await?.into_iter().rev().find(|step| !step.undone);
        let (Some(step), Some(id)) = (last, self.conversation) else {
            self.tell("chat-nothing-undo");
            return Ok(());
        };
        self.engine.undo_step(id, step.id).await?;
        self.done(&step, "chat-undone");
        Ok(())
    }

    async fn redo(&mut self) -> Result<(), EngineError> {
        let last = self.steps().await?.into_iter().rev().find(|step| step.undone);
        let (Some(step), Some(id)) = (last, self.conversation) else {
            self.tell("chat-nothing-redo");
            return Ok(());
        };
        self.engine.redo_step(id, step.id).await?;
        self.done(&step, "chat-redone");
        Ok(())
    }

    fn done(&mut self, step: &StepView, key: &str) {
        let step = show::step(&self.engine, step, self.words);
        let text = self.words.t1(key, "step", step);
        self.screen.note(&text);
    }

    async fn image(&mut self, rest: &str) {
        match rest {
            "" => return self.tell("chat-image-how"),
            "none" => {
                self.images.clear();
                return self.tell("chat-image-cleared");
            }
            _ => {}
        }
        let path = paths::typed(rest, std::env::home_dir().as_deref());
        match self.picture(&path).await {
            Ok(image) => {
                let name = image.name.clone().unwrap_or_default();
                self.images.push(image);
                let text = self.words.t1("chat-image-added", "name", name);
                self.screen.note(&text);
            }
            Err(said) => self.screen.note(&said),
        }
    }

    async fn list(&mut self) -> Result<(), EngineError> {
        let rows = self.engine.conversations().await?;
        if rows.is_empty() {
            self.tell("chat-list-empty");
            return Ok(());
        }
        self.listed = rows.iter().map(|row| row.id).collect();
        let mut out = String::new();
        for (nth, row) in rows.iter().take(LISTED).enumerate() {
            let mark = if self.conversation == Some(row.id) { "●" } else { " " };
            let mut title = String::new();
            visible(&mut title, &row.title);
            if title.is_empty() {
                title = self.words.t("chat-untitled");
            }
            out.push_str(&format!("{mark} {:>3}. {title}\n", nth + 1));
        }
        out.push_str(&self.words.t("chat-list-how"));
        self.screen.note(&out);
        Ok(())
    }

    async fn open_named(&mut self, wanted: &str) -> Result<(), EngineError> {
        if wanted.is_empty() {
            self.tell("chat-open-which");
            return Ok(());
        }
        let rows = self.engine.conversations().await?;
        let number = wanted.parse::<usize>().ok().filter(|number| *number > 0);
        let listed = || {
            let known = if self.listed.is_empty() {
                rows.get(number? - 1).map(|row| row.id)
            } else {
                self.listed.get(number? - 1).copied()
            };
            known.filter(|id| rows.iter().any(|row| row.id == *id))
        };
        let lower = wanted.to_lowercase();
        let named = || {
            let of = |row: &&halo_engine::ConversationSummary| {
                row.id.to_string() == lower || row.title.to_lowercase().contains(&lower)
            };
            rows.iter().find(of).map(|row| row.id)
        };
        match listed().or_else(named) {
            Some(id) => self.open(id).await,
            None => {
                let text = self.words.t1("chat-open-none", "name", wanted);
                self.screen.note(&text);
                Ok(())
            }
        }
    }

    async fn title(&mut self, title: &str) -> Result<(), EngineError> {
        let Some(id) = self.conversation else {
            self.tell("chat-title-none");
            return Ok(());
        };
        if !title.is_empty() {
            let title: String = title.chars().take(200).collect();
            self.engine.rename(id, &title).await?;
        }
        let title = self.view(id).await?.meta.title;
        let mut safe = String::new();
        visible(&mut safe, &title);
        let text = self.words.t1("chat-title-now", "title", safe);
        self.screen.note(&text);
        Ok(())
    }

    async fn practice(&mut self, name: &str) -> Result<(), EngineError> {
        let lang = self.words.lang();
        if name.is_empty() {
            let text = self.scenarios(lang);
            self.screen.note(&text);
            return Ok(());
        }
        let updates = self.engine.updates();
        let id = self.engine.play(name, lang, self.conversation).await?;
        if self.conversation != Some(id) {
            self.conversation = Some(id);
            self.seen = Seen::default();
        }
        let view = self.view(id).await?;
        let asked = view.items.iter().rev().find_map(|item| match item {
            Item::Message(message) if message.message.role == Role::User => {
                Some(message.message.text())
            }
            _ => None,
        });
        if let Some(asked) = asked {
            let line = self.screen.style.paint("1", &format!("› {asked}"));
            self.screen.note(&line);
        }
        self.follow(id, updates).await?;
        Ok(())
    }

    /// What the practice provider can play, by group.
    fn scenarios(&self, lang: Lang) -> String {
        let mut out = self.words.t("chat-practice-list");
        let mut group = "";
        let all = self.engine.practice().map_or(&[][..], |practice| &practice.scenarios);
        for scenario in all {
            let of = card::of(lang, &scenario.group_en, &scenario.group_zh);
            if of != group {
                group = of;
                out.push_str(&format!("\n{}", self.screen.style.paint("1", group)));
            }
            let title = card::of(lang, &scenario.title_en, &scenario.title_zh);
            let id = self.screen.style.paint("36", &format!("{:<24}", scenario.id));
            out.push_str(&format!("\n  {id} {title}"));
        }
        out
    }

    async fn report(&mut self, file: &str) -> Result<(), EngineError> {
        let failed = match self.conversation {
            Some(id) => {
                let view = self.view(id).await?;
                view.items.iter().rev().find_map(|item| match item {
                    Item::Card(card) => Some((id, card.attempt)),
                    _ => None,
                })
            }
            None => None,
        };
        let Some((id, attempt)) = failed else {
            self.tell("chat-nothing-report");
            return Ok(());
        };
        let report = self.engine.report(id, attempt, self.words.lang()).await?;
        if file.is_empty() {
            let mut safe = String::new();
            for line in report.lines() {
                visible(&mut safe, line);
                safe.push('\n');
            }
            self.screen.note(&safe);
            return Ok(());
        }
        let path = paths::typed(file, std::env::home_dir().as_deref());
        let name = path.display().to_string();
        let text = match tokio::fs::write(&path, report).await {
            Ok(()) => self.words.t1("chat-report-saved", "file", name),
            Err(error) => {
                let why = error.to_string();
                self.words.t2("chat-report-failed", ("file", &name), ("why", &why))
            }
        };
        self.screen.note(&text);
        Ok(())
    }

    async fn thinking(&mut self) -> Result<(), EngineError> {
        let thoughts = match self.conversation {
            Some(id) => {
                let view = self.view(id).await?;
                let last = view.items.iter().rev().find_map(|item| match item {
                    Item::Message(message) if message.message.role == Role::Assistant => {
                        Some(show::thoughts(message))
                    }
                    _ => None,
                });
                last.unwrap_or_default()
            }
            None => String::new(),
        };
        if thoughts.is_empty() {
            self.tell("chat-nothing-thinking");
            return Ok(());
        }
        let mut safe = String::new();
        for line in thoughts.lines() {
            visible(&mut safe, line);
            safe.push('\n');
        }
        self.screen.quiet(safe.trim_end());
        Ok(())
    }
}
