//! A conversation as it is opened, its steps and problems in words.

use halo_engine::{ConversationView, Engine, EngineError, Item, MessageView, StepView};
use halo_types::{Ending, Part, Role, StepKind};

use super::card;
use super::markdown::Markdown;
use super::session::Session;
use super::words::Words;
use crate::terminal::visible;

/// How much of an opened conversation is printed.
const ITEMS: usize = 8;

/// A step of the view in words.
pub(super) fn step(engine: &Engine, step: &StepView, words: Words) -> String {
    let name = |target| card::name(engine, target, words);
    match &step.kind {
        StepKind::OmitImages { target, before: None } => {
            words.t1("chat-step-images", "model", name(target))
        }
        StepKind::OmitImages { target, .. } => {
            words.t1("chat-step-older-images", "model", name(target))
        }
        StepKind::ShrinkImages { target, max_side, .. } => {
            let (model, side) = (name(target), max_side.to_string());
            words.t2("chat-step-smaller", ("model", &model), ("side", &side))
        }
        StepKind::Summarise { tokens_before, tokens_after, .. } => {
            let (before, after) = (card::tokens(*tokens_before), card::tokens(*tokens_after));
            words.t2("chat-step-summary", ("before", &before), ("after", &after))
        }
        StepKind::DropParameter { target, name: parameter } => {
            let model = name(target);
            words.t2("chat-step-parameter", ("name", parameter), ("model", &model))
        }
        StepKind::LowerMaxTokens { target, max_tokens } => {
            let (max, model) = (max_tokens.to_string(), name(target));
            words.t2("chat-step-output", ("max", &max), ("model", &model))
        }
        StepKind::RepairHistory => words.t("chat-step-history"),
    }
}

/// Why the engine did not do what it was asked, in words.
pub(super) fn problem(error: &EngineError, words: Words) -> String {
    use halo_engine::CompactError;
    match error {
        EngineError::Busy => words.t("chat-busy"),
        EngineError::Waiting { .. } => words.t("chat-waiting"),
        EngineError::Empty => words.t("chat-empty"),
        EngineError::TooLong { bytes, max } => {
            words.t2("chat-too-long", ("bytes", &bytes.to_string()), ("max", &max.to_string()))
        }
        EngineError::NoTarget => words.t("chat-no-target"),
        EngineError::NoProvider(id) => words.t1("chat-no-provider", "name", id),
        EngineError::NoConversation(_) => words.t("chat-no-conversation"),
        EngineError::NotAPicture { name, why } => {
            words.t2("chat-not-picture", ("name", name), ("why", why))
        }
        EngineError::PictureTooLarge { name, bytes, max } => {
            let (bytes, max) = (bytes.to_string(), max.to_string());
            words.t_all("chat-picture-large", [("name", name), ("bytes", &bytes), ("max", &max)])
        }
        EngineError::NoScenario(name) => words.t1("chat-practice-none", "name", name),
        EngineError::DoesNotFit(why) => words.t1("chat-does-not-fit", "why", why),
        EngineError::Compact(CompactError::NothingBefore) => words.t("chat-nothing-compact"),
        EngineError::Compact(
            CompactError::LastMessageTooLong { tokens, window }
            | CompactError::PinnedTooLong { tokens, window },
        ) => words.t2(
            "chat-compact-alone",
            ("tokens", &tokens.to_string()),
            ("window", &window.to_string()),
        ),
        EngineError::Compact(CompactError::Useless { .. }) => words.t("chat-compact-useless"),
        other => {
            let mut why = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                why.push_str(": ");
                why.push_str(&cause.to_string());
                source = cause.source();
            }
            words.t1("chat-engine", "why", why)
        }
    }
}

impl Session {
    /// Prints the end of an opened conversation, and what can be done with it.
    pub(super) fn show(&mut self, view: &ConversationView) {
        let words = self.words;
        let title = if view.meta.title.is_empty() {
            words.t("chat-untitled")
        } else {
            view.meta.title.clone()
        };
        let mut safe = String::new();
        visible(&mut safe, &title);
        let model = view.target.as_ref().map(|target| card::name(&self.engine, target, words));
        let model = model.unwrap_or_default();
        let head = words.t2("chat-resumed", ("title", &safe), ("model", &model));
        let head = self.screen.style.paint("1", &head);
        self.screen.note(&head);
        self.seen.note(view);
        let from = view.items.len().saturating_sub(ITEMS);
        if from > 0 {
            let earlier = words.t("chat-earlier");
            self.screen.quiet(&earlier);
        }
        for item in &view.items[from..] {
            match item {
                Item::Message(message) => self.show_message(message),
                Item::Step(taken) => {
                    let text = step(&self.engine, taken, words);
                    self.screen.quiet(&format!("↷ {text}"));
                }
                Item::Card(card) if !card.overtaken => {
                    let text = card::told(card, words, self.screen.style);
                    self.screen.note(&format!("\n{text}"));
                    if view.running.is_none() {
                        let ways = card::ways(card, &self.engine, words, self.screen.style);
                        self.screen.note(&ways);
                    }
                }
                Item::Card(card) => {
                    let (n, title) = (card.nth.to_string(), card.diagnosis.title.to_string());
                    let text = words.t2("chat-try", ("n", &n), ("title", &title));
                    self.screen.quiet(&text);
                }
            }
        }
        let unanswered = matches!(view.items.last(), Some(Item::Message(message))
            if message.message.role == Role::User);
        if unanswered && view.running.is_none() {
            let text = words.t("chat-no-answer");
            self.screen.quiet(&text);
        }
    }

    fn show_message(&mut self, view: &MessageView) {
        let words = self.words;
        let message = &view.message;
        let text = message.text();
        if message.role == Role::User {
            let pictures = message.images().count();
            let mut safe = String::new();
            if pictures > 0 {
                safe.push_str(&words.t1("chat-pictures", "n", pictures));
                safe.push(' ');
            }
            for (nth, line) in text.lines().enumerate() {
                if nth > 0 {
                    safe.push_str("\n  ");
                }
                visible(&mut safe, line);
            }
            let line = self.screen.style.paint("1", &format!("› {safe}"));
            self.screen.note(&format!("\n{line}"));
            return;
        }
        let mut markdown = Markdown::new(self.screen.form);
        let mut printed = markdown.push(&text);
        printed.push_str(&markdown.finish(text.chars().next_back().unwrap_or('\n')));
        self.screen.answer(&printed);
        let note = match &message.ending {
            Some(Ending::Stopped) if view.can_continue => "chat-stopped",
            Some(Ending::Interrupted) if view.can_continue => "chat-interrupted",
            _ if view.can_continue => "chat-cut-length",
            _ => return,
        };
        let note = words.t(note);
        self.screen.quiet(&note);
    }
}

/// What the model thought before a message.
pub(super) fn thoughts(view: &MessageView) -> String {
    let thoughts = view.message.parts.iter().filter_map(|part| match part {
        Part::Thinking { text, .. } if !text.is_empty() => Some(text.as_str()),
        _ => None,
    });
    thoughts.collect::<Vec<_>>().join("\n\n")
}
