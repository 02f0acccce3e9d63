//! The part of a conversation that a page holds. A long one is not sent whole: a page begins with
//! the last items, and the others come when somebody scrolls to them or follows a link.

use std::ops::Range;

use halo_engine::Item;
use halo_types::{AttemptId, MessageId, Part, StepId};
use serde::Deserialize;

/// The most items that are sent at once where nothing else is asked.
const ITEMS: usize = 40;
/// Of long items fewer are sent: about this many bytes of text.
const BYTES: usize = 300_000;
/// Items above one that was looked for.
const ABOVE: usize = 12;

/// The part that is asked for. Each field names an item by the id it has on the page; one that is
/// not there any more asks for the end of the conversation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Span {
    /// What stands around this item; the id of its message or attempt does as well.
    pub(crate) at: Option<String>,
    /// What stands above this item.
    before: Option<String>,
    /// What stands below this item.
    after: Option<String>,
    /// From this item on, itself included,
    from: Option<String>,
    /// to this one, itself included; without it, to the end.
    to: Option<String>,
}

impl Span {
    /// Which of the items it is.
    pub(crate) fn of(&self, items: &[Item]) -> Range<usize> {
        let place = |id: &Option<String>| {
            let id = Id::parse(id.as_deref()?)?;
            items.iter().position(|item| id.names(item))
        };
        if let Some(at) = place(&self.at) {
            let start = at.saturating_sub(ABOVE);
            return start..below(items, at).max(at + 1);
        }
        if let Some(at) = place(&self.before).filter(|at| *at > 0) {
            return above(items, at)..at;
        }
        if let Some(at) = place(&self.after).filter(|at| at + 1 < items.len()) {
            return at + 1..below(items, at + 1);
        }
        if let Some(from) = place(&self.from) {
            let to = place(&self.to).filter(|to| *to >= from);
            return from..to.map_or(items.len(), |to| to + 1);
        }
        above(items, items.len())..items.len()
    }
}

/// Where a part begins that ends before `end`.
fn above(items: &[Item], end: usize) -> usize {
    end - fitting(items[..end].iter().rev())
}

/// Where a part ends that begins at `start`.
fn below(items: &[Item], start: usize) -> usize {
    start + fitting(items[start..].iter())
}

/// How many of the items are sent at once; one at least, if there is one.
fn fitting<'a>(items: impl Iterator<Item = &'a Item>) -> usize {
    let mut bytes = 0;
    items
        .take(ITEMS)
        .take_while(|item| {
            let goes = bytes < BYTES;
            bytes += size(item);
            goes
        })
        .count()
}

/// About how much there is to read in an item.
fn size(item: &Item) -> usize {
    let Item::Message(shown) = item else { return 0 };
    let of = |part: &Part| match part {
        Part::Text { text } | Part::Thinking { text, .. } | Part::ToolResult { text, .. } => {
            text.len()
        }
        Part::ToolCall { arguments, .. } => arguments.len(),
        _ => 0,
    };
    shown.message.parts.iter().map(of).sum()
}

/// The id of an item as pages and addresses have it.
enum Id {
    Message(MessageId),
    Attempt(AttemptId),
    Step(StepId),
    /// Without a letter it may be the id of a message or of an attempt.
    Either(Option<MessageId>, Option<AttemptId>),
}

impl Id {
    fn parse(id: &str) -> Option<Self> {
        match id.split_at_checked(2) {
            Some(("m-", id)) => id.parse().ok().map(Self::Message),
            Some(("e-", id)) => id.parse().ok().map(Self::Attempt),
            Some(("s-", id)) => id.parse().ok().map(Self::Step),
            _ => Some(Self::Either(id.parse().ok(), id.parse().ok())),
        }
    }

    fn names(&self, item: &Item) -> bool {
        match (self, item) {
            (Self::Message(id), Item::Message(shown)) => shown.message.id == *id,
            (Self::Attempt(id), Item::Card(card)) => card.attempt == *id,
            (Self::Step(id), Item::Step(step)) => step.id == *id,
            (Self::Either(id, _), Item::Message(shown)) => Some(shown.message.id) == *id,
            (Self::Either(_, id), Item::Card(card)) => Some(card.attempt) == *id,
            _ => false,
        }
    }
}

/// The items above and below the ones that are shown, by the ids to ask for them with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// The first item that is shown, where others stand above it.
    pub(crate) before: Option<String>,
    /// The last item that is shown, where others stand below it.
    pub(crate) after: Option<String>,
}
