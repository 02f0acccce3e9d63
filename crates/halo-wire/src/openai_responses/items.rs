//! What has been handed out of each output item.
//!
//! The protocol says everything up to four times: in deltas, in `*.done`, in `output_item.done`
//! and in the finished response. Relays leave out any of these. So each text is remembered by
//! length and fingerprint, and only what is missing of it is handed out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::label;

/// More items than this in one answer are reported as unknown.
const MAX_ITEMS: usize = 1024;

/// More texts than this in one answer are reported as unknown.
const MAX_TEXTS: usize = 8192;

/// Which of an item's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    /// A text or a refusal.
    Content,
    /// A summary of the thinking.
    Summary,
    /// The thinking itself, from models that show it.
    Thought,
    /// The arguments of a call.
    Arguments,
}

/// How much of one text has been handed out.
#[derive(Debug, Default)]
pub(super) struct Said {
    bytes: usize,
    fingerprint: u64,
    /// The finished text was another than the pieces; said once.
    pub(super) differs: bool,
    /// Its citations have been handed out.
    pub(super) cited: bool,
    /// Citations that came one by one.
    pub(super) citations: Vec<Value>,
}

impl Said {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(super) fn add(&mut self, piece: &str) {
        self.bytes += piece.len();
        self.fingerprint = fold(self.fingerprint, piece);
    }

    /// What of the finished text is missing; `None` where it does not go on from what was said.
    pub(super) fn rest<'a>(&self, whole: &'a str) -> Option<&'a str> {
        let (head, rest) = whole.split_at_checked(self.bytes)?;
        (fold(0, head) == self.fingerprint).then_some(rest)
    }
}

/// FNV: the same for a text however it was cut.
fn fold(seed: u64, text: &str) -> u64 {
    text.bytes()
        .fold(seed, |hash, byte| (hash ^ (u64::from(byte) + 1)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// An output item, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// Its `type`.
    pub(super) kind: String,
    /// Its `output_index`; some servers give every item 0.
    wire: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) call_id: Option<String>,
    pub(super) name: Option<String>,
    /// `output_item.added` came.
    pub(super) added: bool,
    /// The finished item came.
    pub(super) done: bool,
    /// Its proof has been handed out.
    pub(super) signed: bool,
    /// Which kind of thinking it shows; where there are both, one would repeat the other.
    pub(super) thinks_in: Option<Channel>,
    /// The number of the call, once announced.
    pub(super) call: Option<usize>,
    /// Arguments that came before the call could be announced.
    pub(super) held: String,
    /// The item as it was announced, where it already had content.
    pub(super) seed: Option<Value>,
    pub(super) texts: BTreeMap<(Channel, u64), Said>,
}

impl Item {
    /// Whether nothing of it has been handed out.
    pub(super) fn is_silent(&self) -> bool {
        !self.done && self.texts.values().all(Said::is_empty)
    }

    fn contradicts(&self, id: Option<&String>, call_id: Option<&String>) -> bool {
        let differ = |known: &Option<String>, other: Option<&String>| {
            known.is_some() && other.is_some() && known.as_ref() != other
        };
        match (&self.call_id, call_id) {
            (Some(_), Some(_)) => differ(&self.call_id, call_id),
            _ => differ(&self.id, id),
        }
    }
}

/// All items of an answer.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) list: Vec<Item>,
    texts: usize,
}

impl Items {
    /// The item that an event inside it speaks of. Ids change from event to event at some relays,
    /// so the index counts first. An item that was never announced begins here.
    pub(super) fn place(
        &mut self,
        kind: &str,
        wire: Option<u64>,
        id: Option<&String>,
    ) -> Option<usize> {
        match self.find(kind, wire, id) {
            Some(at) => Some(at),
            None => self.begin(kind, wire, id),
        }
    }

    /// The item that `output_item.added` announces.
    pub(super) fn announced(&mut self, item: &Value, wire: Option<u64>) -> Option<usize> {
        let (kind, id) = (kind(item), label(item, "id"));
        let known = self.find(kind, wire, id.as_ref()).filter(|&at| {
            let item = &self.list[at];
            !item.done && (!item.added || (id.is_some() && item.id == id))
        });
        let at = known.or_else(|| self.begin(kind, wire, id.as_ref()))?;
        self.list[at].added = true;
        self.names(at, item);
        Some(at)
    }

    /// The item that `output_item.done` finishes.
    pub(super) fn finished(&mut self, item: &Value, wire: Option<u64>) -> Option<usize> {
        let (kind, id, call_id) = (kind(item), label(item, "id"), label(item, "call_id"));
        let known = self.find(kind, wire, id.as_ref()).filter(|&at| {
            let item = &self.list[at];
            !(item.done && item.contradicts(id.as_ref(), call_id.as_ref()))
        });
        let at = known.or_else(|| self.begin(kind, wire, id.as_ref()))?;
        self.names(at, item);
        Some(at)
    }

    /// Which item each one of a finished response's output is: by their ids, else in their order.
    pub(super) fn matching(&mut self, output: &[Value]) -> Vec<Option<usize>> {
        let mut free: Vec<bool> = vec![true; self.list.len()];
        let mut found: Vec<Option<usize>> = vec![None; output.len()];
        for by_id in [true, false] {
            for (item, found) in output.iter().zip(&mut found) {
                let (kind, id, call_id) = (kind(item), label(item, "id"), label(item, "call_id"));
                if found.is_some() {
                    continue;
                }
                *found = self.list.iter().zip(&free).position(|(known, free)| {
                    let same = (id.is_some() && known.id == id)
                        || (call_id.is_some() && known.call_id == call_id);
                    // A call with another id is another call, an item of another kind may just
                    // have been renamed.
                    let may_be =
                        known.call_id.is_none() || call_id.is_none() || known.call_id == call_id;
                    *free && known.kind == kind && if by_id { same } else { may_be }
                });
                if let Some(at) = *found {
                    free[at] = false;
                }
            }
        }
        for (item, found) in output.iter().zip(&mut found) {
            if found.is_none() {
                *found = self.begin(kind(item), None, label(item, "id").as_ref());
            }
            if let Some(at) = *found {
                self.names(at, item);
            }
        }
        found
    }

    /// One of an item's texts.
    pub(super) fn text(&mut self, at: usize, channel: Channel, index: u64) -> Option<&mut Said> {
        let texts = &mut self.list.get_mut(at)?.texts;
        if !texts.contains_key(&(channel, index)) {
            if self.texts >= MAX_TEXTS {
                return None;
            }
            self.texts += 1;
        }
        Some(texts.entry((channel, index)).or_default())
    }

    fn find(&self, kind: &str, wire: Option<u64>, id: Option<&String>) -> Option<usize> {
        let latest = |fits: &dyn Fn(&Item) -> bool| {
            self.list.iter().rposition(|item| item.kind == kind && fits(item))
        };
        match wire {
            Some(_) => latest(&|item| item.wire == wire)
                .or_else(|| latest(&|item| id.is_some() && item.id.as_ref() == id)),
            None => latest(&|item| id.is_some() && item.id.as_ref() == id)
                .or_else(|| latest(&|item| !item.done)),
        }
    }

    fn begin(&mut self, kind: &str, wire: Option<u64>, id: Option<&String>) -> Option<usize> {
        if self.list.len() >= MAX_ITEMS {
            return None;
        }
        self.list.push(Item { kind: kind.to_owned(), wire, id: id.cloned(), ..Item::default() });
        Some(self.list.len() - 1)
    }

    fn names(&mut self, at: usize, item: &Value) {
        if let Some(known) = self.list.get_mut(at) {
            known.id = known.id.take().or_else(|| label(item, "id"));
            known.call_id = known.call_id.take().or_else(|| label(item, "call_id"));
            known.name = known.name.take().or_else(|| label(item, "name"));
        }
    }
}

/// The type of an item; some relays forget it.
pub(super) fn kind(item: &Value) -> &str {
    let has = |key: &str| item.get(key).is_some();
    match item.get("type").and_then(Value::as_str) {
        Some(kind) => kind,
        None if has("arguments") => "function_call",
        None if has("summary") => "reasoning",
        None if has("content") => "message",
        None => "",
    }
}

/// A text, or what should have been one.
pub(super) fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) | Value::Array(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_said() {
        let mut said = Said::default();
        said.add("Grü");
        said.add("ße");
        assert_eq!(said.rest("Grüße!"), Some("!"));
        assert_eq!(said.rest("Grüße"), Some(""));
        assert_eq!(said.rest("Gruesse!"), None);
        assert_eq!(said.rest("Grü"), None);
    }
}
