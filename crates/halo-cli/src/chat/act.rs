//! A numbered way forward of a card.

use halo_engine::{Act, Card, EngineError, Item, Offer};
use halo_types::{Action, ConversationId, Target};

use super::input::Line;
use super::session::Session;
use super::words::Words;
use crate::app;

impl Session {
    /// The card that the conversation ends with, where it does.
    pub(super) async fn card(&self) -> Result<Option<(ConversationId, Card)>, EngineError> {
        let Some(id) = self.conversation else { return Ok(None) };
        let view = self.view(id).await?;
        let last = view.items.into_iter().rev().find_map(|item| match item {
            Item::Card(card) if !card.overtaken => Some(Some(*card)),
            Item::Message(_) => Some(None),
            _ => None,
        });
        Ok(last.flatten().map(|card| (id, card)))
    }

    /// Takes the way of this number.
    pub(super) async fn way(&mut self, number: usize) -> Result<(), EngineError> {
        let Some((id, card)) = self.card().await? else {
            let text = self.words.t("chat-no-way-now");
            self.screen.note(&text);
            return Ok(());
        };
        let Some(offer) = card.offers.get(number - 1).cloned() else {
            let text = self.words.t("chat-no-way");
            self.screen.note(&text);
            return Ok(());
        };
        self.take_way(id, &card, offer).await
    }

    async fn take_way(
        &mut self,
        id: ConversationId,
        card: &Card,
        offer: Offer,
    ) -> Result<(), EngineError> {
        match offer.action {
            Action::WaitAndResend
            | Action::Resend
            | Action::Continue
            | Action::CompactAndResend
            | Action::ResendWithoutImages
            | Action::ShrinkImagesAndResend
            | Action::RepairHistoryAndResend
            | Action::DropParameterAndResend
            | Action::LowerMaxTokensAndResend => {
                self.press(id, card, offer.action, None, None).await
            }
            Action::SwitchModel | Action::SwitchProvider => {
                let target = match offer.target {
                    Some(target) => Some(target),
                    None => self.ask_model().await?,
                };
                match target {
                    Some(target) => self.press(id, card, offer.action, Some(target), None).await,
                    None => Ok(()),
                }
            }
            Action::EditMessage => {
                let view = self.view(id).await?;
                let text = view.items.iter().find_map(|item| match item {
                    Item::Message(message) if message.message.id == card.prompt => {
                        Some(message.message.text())
                    }
                    _ => None,
                });
                let text = text.unwrap_or_default();
                let hint = self.words.t("chat-edit");
                self.screen.quiet(&hint);
                match self.ask("› ".to_owned(), text).await {
                    Ok(Line::Text(text)) if !text.trim().is_empty() => {
                        self.press(id, card, Action::EditMessage, None, Some(text)).await
                    }
                    _ => Ok(()),
                }
            }
            Action::NewConversation => self.command("new", "").await,
            Action::Report => self.command("report", "").await,
            Action::OpenSettingsKey | Action::OpenSettingsUrl | Action::OpenSettingsModel => {
                let text = settings(card, offer.action, self.words);
                self.screen.note(&text);
                Ok(())
            }
            Action::CheckNetwork
            | Action::OpenBilling
            | Action::OpenConsole
            | Action::OpenLimits
            | Action::OpenStatus
            | Action::ContactProvider => {
                let outside = offer.url.as_deref().filter(|url| is_outside(url));
                match outside {
                    Some(url) if app::has_desktop() && open::that_detached(url).is_ok() => {
                        let text = self.words.t1("chat-opened", "url", url);
                        self.screen.note(&text);
                    }
                    Some(url) => self.screen.note(&format!("{}\n  {url}", offer.text)),
                    None => self.screen.note(&offer.text),
                }
                Ok(())
            }
        }
    }

    /// Does it, and shows what comes of it.
    pub(super) async fn press(
        &mut self,
        id: ConversationId,
        card: &Card,
        action: Action,
        target: Option<Target>,
        text: Option<String>,
    ) -> Result<(), EngineError> {
        let updates = self.engine.updates();
        let (turn, attempt) = (card.turn, card.attempt);
        let act = Act { conversation: id, turn, attempt, action, target, text };
        self.engine.act(act).await?;
        self.follow(id, updates).await?;
        Ok(())
    }

    /// Lets the person choose a model.
    async fn ask_model(&mut self) -> Result<Option<Target>, EngineError> {
        self.list_models().await?;
        let Ok(Line::Text(wanted)) = self.ask("/model ".to_owned(), String::new()).await else {
            return Ok(None);
        };
        if wanted.trim().is_empty() {
            return Ok(None);
        }
        match self.numbered_model(&wanted) {
            Ok(target) => Ok(Some(target)),
            Err(said) => {
                self.screen.note(&said);
                Ok(None)
            }
        }
    }
}

/// Addresses come from data files, yet only the web may be opened by a key.
fn is_outside(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:")
}

/// Where the settings are that mend it.
fn settings(card: &Card, action: Action, words: Words) -> String {
    let field = words.t(match action {
        Action::OpenSettingsKey => "chat-field-key",
        Action::OpenSettingsUrl => "chat-field-url",
        _ => "chat-field-model",
    });
    words.t2("chat-settings", ("name", &card.provider_name), ("field", &field))
}
