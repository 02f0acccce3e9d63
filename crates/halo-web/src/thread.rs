//! The thread of a conversation as HTML: messages, cards, notes and the running answer.
//!
//! Every item is rendered by itself and carries a hash of its HTML, so that a page can take over
//! the changed ones and leave the others, with what is selected or unfolded in them, alone.

mod card;
mod files;
mod message;
pub(crate) mod raw;
mod step;
mod window;

use std::ops::Range;

use askama::Template;
use halo_diagnose::OwnRules;
use halo_engine::{ConversationView, Item, Purpose, Running, TargetInfo};
use halo_types::{ConversationId, Target};
use sha2::{Digest as _, Sha256};

use crate::clock::Zone;
use crate::error::PageError;
use crate::markdown::{Growing, Renderer};
use crate::secret::hex;
use crate::strings::Words;

pub(crate) use window::{Beyond, Span};

/// What rendering needs to know about the reader and the program.
pub(crate) struct Setting<'a> {
    /// The words.
    pub(crate) words: Words,
    /// The reader's time zone.
    pub(crate) zone: Zone,
    /// Markdown.
    pub(crate) renderer: &'a Renderer,
    /// Every known model.
    pub(crate) targets: &'a [TargetInfo],
    /// The person's own rules.
    pub(crate) own: &'a OwnRules,
}

impl Setting<'_> {
    fn is_practice(&self, target: &Target) -> bool {
        self.targets.iter().any(|info| info.practice && info.target == *target)
            || target.provider.as_str() == "practice"
    }

    /// How the provider of a model is called on the page; `name` is what the person called it.
    fn provider_name(&self, target: &Target, name: &str) -> String {
        self.words.provider(name, self.is_practice(target))
    }

    /// How the provider of a known model is called on the page.
    fn provider_of(&self, target: &Target) -> String {
        let known = self.targets.iter().find(|info| info.target.provider == target.provider);
        let name = known.map_or(target.provider.as_str(), |info| &info.provider_name);
        self.provider_name(target, name)
    }

    /// How a model is called on the page: its name, marked where it is the practice provider's.
    fn model_name(&self, target: &Target) -> String {
        if self.is_practice(target) {
            self.words.t1("model-practice", "model", &target.model)
        } else {
            target.model.clone()
        }
    }
}

/// One item of the thread.
pub(crate) struct Piece {
    /// Its id, stable while the conversation lives.
    pub(crate) id: String,
    /// Tells whether it changed.
    pub(crate) hash: String,
    /// Its content.
    pub(crate) html: String,
}

impl Piece {
    fn new(id: String, html: String) -> Self {
        let hash = hex(&Sha256::digest(html.as_bytes())[..8]);
        Self { id, hash, html }
    }
}

/// The part of a conversation that is asked for, oldest first, and what stands above and below.
pub(crate) fn part(
    view: &ConversationView,
    span: &Span,
    setting: &Setting<'_>,
) -> Result<(Vec<Piece>, Beyond), PageError> {
    let shown = span.of(&view.items);
    let (above, below) = (shown.start > 0, shown.end < view.items.len());
    let pieces = pieces(view, shown, setting)?;
    let id = |piece: Option<&Piece>| piece.map(|piece| piece.id.clone());
    let beyond = Beyond {
        before: id(pieces.first().filter(|_| above)),
        after: id(pieces.last().filter(|_| below)),
    };
    Ok((pieces, beyond))
}

/// Items of a conversation, oldest first; with the last of them the running answer.
fn pieces(
    view: &ConversationView,
    shown: Range<usize>,
    setting: &Setting<'_>,
) -> Result<Vec<Piece>, PageError> {
    let id = view.meta.id;
    let mut pieces = Vec::with_capacity(shown.len() + 1);
    for (at, item) in view.items.iter().enumerate().take(shown.end).skip(shown.start) {
        pieces.push(match item {
            Item::Message(message) => {
                // A card right below carries the same buttons.
                let card_follows = matches!(
                    view.items.get(at + 1),
                    Some(Item::Card(card)) if !card.overtaken && !card.offers.is_empty()
                );
                message::piece(id, message, card_follows, setting)?
            }
            Item::Card(card) => card::piece(id, card, setting)?,
            Item::Step(step) => step::piece(id, step, setting)?,
        });
    }
    if shown.end < view.items.len() {
        return Ok(pieces);
    }
    if let Some(running) = &view.running
        && let Some(piece) = running_piece(id, running, setting)?
    {
        pieces.push(piece);
    }
    // After a failure the card carries the countdown; before anything was sent nothing does.
    let told = view.items.iter().any(|i| matches!(i, Item::Card(card) if card.wait.is_some()));
    if let (Some(running), Some(wait)) = (&view.running, &view.wait)
        && running.attempt.is_none()
        && !told
    {
        pieces.push(card::waiting(id, running, wait, setting)?);
    }
    Ok(pieces)
}

#[derive(Template)]
#[template(path = "running.html")]
struct RunningTemplate<'a> {
    words: Words,
    attempt: String,
    model: String,
    purpose: &'static str,
    since: i64,
    thinking: &'a str,
    blocks: Vec<String>,
    tail: String,
}

/// The answer under way; nothing between two attempts, where the card speaks.
fn running_piece(
    _conversation: ConversationId,
    running: &Running,
    setting: &Setting<'_>,
) -> Result<Option<Piece>, PageError> {
    let Some(attempt) = running.attempt else { return Ok(None) };
    let attempt = attempt.to_string();
    let mut growing = Growing::default();
    growing.push(&running.text);
    let grown = growing.render(&attempt);
    let html = RunningTemplate {
        words: setting.words,
        model: setting.model_name(&running.target),
        purpose: match running.purpose {
            Purpose::Reply => "running-reply",
            Purpose::Continue => "running-continue",
            Purpose::Compact => "running-compact",
        },
        since: running.since.0,
        thinking: &running.thinking,
        blocks: grown.blocks,
        tail: grown.tail,
        attempt: attempt.clone(),
    }
    .render()?;
    // The events carry what changes inside, so the hash is the attempt's.
    Ok(Some(Piece { id: format!("r-{attempt}"), hash: attempt, html }))
}

/// A number of tokens as people say it: `950`, `1.2k`, `214k`, `1.1M`.
pub(crate) fn tokens(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        1000..9950 => tenths(n, 1000, "k"),
        9950..999_500 => format!("{}k", n.saturating_add(500) / 1000),
        _ => tenths(n, 1_000_000, "M"),
    }
}

/// An amount of nano-dollars as people say it: cents from a dollar on, else two figures.
pub(crate) fn money(nano: u64) -> String {
    const DOLLAR: u64 = 1_000_000_000;
    const CENT: u64 = DOLLAR / 100;
    if nano >= DOLLAR - CENT / 2 {
        let cents = nano.saturating_add(CENT / 2) / CENT;
        return format!("{}.{:02}", cents / 100, cents % 100);
    }
    let figures = nano.checked_ilog10().unwrap_or(0);
    let unit = 10_u64.pow(figures.saturating_sub(1));
    halo_types::dollars((nano + unit / 2) / unit * unit)
}

fn tenths(n: u64, unit: u64, suffix: &str) -> String {
    let tenths = n.saturating_add(unit / 20) / (unit / 10);
    match tenths % 10 {
        0 => format!("{}{suffix}", tenths / 10),
        rest => format!("{}.{rest}{suffix}", tenths / 10),
    }
}

/// A duration as people say it: `0.4 s`, `12 s`, `2 min 5 s`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..60_000 => format!("{} s", ms / 1000),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

#[cfg(test)]
mod tests;
