//! What other apps export: ChatGPT's and Claude's files, as they are downloaded.
//!
//! Nobody promises their forms, so they are read leniently: what is unknown is passed over, a
//! conversation that does not read is named and skipped, and the rest comes in. Ids are made from
//! theirs, so that importing twice doubles nothing.

mod chatgpt;
mod claude;
mod package;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use halo_types::{
    AttemptId, BlobId, ConversationId, ConversationMeta, Ending, Head, Message, MessageId, Origin,
    Parameters, Part, Record, Role, Target, Timestamp, TurnId,
};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::ArchiveError;
use super::read::{Archive, Entry, Skipped};
use crate::pictures::inspect;
use package::Package;
pub(super) use package::is_package;

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    ChatGpt,
    Claude,
}

impl Maker {
    /// Also the provider's name that their answers carry.
    const fn name(self) -> &'static str {
        match self {
            Self::ChatGpt => "chatgpt",
            Self::Claude => "claude",
        }
    }
}

/// Reads a downloaded ZIP.
pub(super) fn read_package(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    let mut package = Package::open(bytes)?;
    let mut archive = Archive::default();
    let mut known = false;
    for text in package.conversations()? {
        match conversations(&text, Some(&mut package)) {
            Ok(more) => {
                known = true;
                archive.entries.extend(more.entries);
                archive.skipped.extend(more.skipped);
            }
            Err(ArchiveError::NotAnExport) => {}
            Err(error) => return Err(error),
        }
    }
    if !known {
        return Err(ArchiveError::NotAnExport);
    }
    Ok(archive)
}

/// Reads `conversations.json`, or one conversation of it.
pub(super) fn read_json(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    conversations(bytes, None)
}

fn conversations(
    bytes: &[u8],
    mut package: Option<&mut Package<'_>>,
) -> Result<Archive, ArchiveError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let one: Vec<&RawValue>;
    let items: Vec<&RawValue> = if bytes.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(bytes).map_err(|_| ArchiveError::NotAnExport)?
    } else {
        one = serde_json::from_slice(bytes).map(|raw| vec![raw]).unwrap_or_default();
        one
    };
    let mut archive = Archive::default();
    // One that is empty says nothing about its maker.
    let mut known = false;
    let mut seen = HashSet::new();
    for (at, raw) in items.iter().enumerate() {
        let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
        let maker = if value.get("mapping").is_some() {
            Maker::ChatGpt
        } else if value.get("chat_messages").is_some() {
            Maker::Claude
        } else {
            archive.skipped.push(skipped(at, &value, "it is no conversation".to_owned()));
            continue;
        };
        known = true;
        let read = match maker {
            Maker::ChatGpt => chatgpt::read(&value, package.as_deref_mut()),
            Maker::Claude => claude::read(&value),
        };
        match read {
            Ok(entry) if seen.insert(entry.id) => archive.entries.push(entry),
            Ok(_) => {
                archive.skipped.push(skipped(at, &value, "it is in the file twice".to_owned()))
            }
            Err(why) => archive.skipped.push(skipped(at, &value, why)),
        }
    }
    if known { Ok(archive) } else { Err(ArchiveError::NotAnExport) }
}

fn skipped(at: usize, value: &Value, why: String) -> Skipped {
    let title = ["title", "name"].iter().find_map(|name| value.get(name)?.as_str());
    let what = title.map(|title| title.trim().chars().take(80).collect::<String>());
    Skipped { nth: at + 1, title: what.filter(|title| !title.is_empty()), why }
}

/// A conversation of theirs on its way to ours.
struct Builder {
    maker: Maker,
    theirs: String,
    id: ConversationId,
    begun: Timestamp,
    messages: Vec<Message>,
    /// Where each message of theirs stands in `messages`.
    place: HashMap<String, usize>,
    pictures: BTreeMap<BlobId, Vec<u8>>,
}

/// One message of theirs.
struct Said<'a> {
    id: &'a str,
    /// A message that was added before.
    parent: Option<usize>,
    role: Role,
    parts: Vec<Part>,
    at: Option<Timestamp>,
    model: Option<&'a str>,
    ending: Ending,
}

impl Builder {
    fn new(maker: Maker, theirs: &str, begun: Timestamp) -> Self {
        Self {
            maker,
            theirs: theirs.to_owned(),
            id: ConversationId::new(made_id(begun, &[maker.name(), theirs])),
            begun,
            messages: Vec::new(),
            place: HashMap::new(),
            pictures: BTreeMap::new(),
        }
    }

    fn make(&self, at: Timestamp, what: &str, id: &str) -> Uuid {
        made_id(at, &[self.maker.name(), &self.theirs, what, id])
    }

    /// Adds a message; its place.
    fn say(&mut self, said: Said<'_>) -> usize {
        let at = said.at.unwrap_or(self.begun);
        let answer = said.role == Role::Assistant;
        let origin = said.model.filter(|model| answer && !model.is_empty()).and_then(|model| {
            Some(Origin {
                target: Target {
                    provider: self.maker.name().parse().ok()?,
                    model: model.chars().take(200).collect(),
                },
                turn: TurnId::new(self.make(at, "turn", said.id)),
                attempt: AttemptId::new(self.make(at, "attempt", said.id)),
                model_reported: None,
            })
        });
        let message = Message {
            // From when the conversation began: a date they correct later makes no second message.
            id: MessageId::new(self.make(self.begun, "message", said.id)),
            conversation: self.id,
            parent: said.parent.and_then(|at| self.messages.get(at)).map(|parent| parent.id),
            role: said.role,
            parts: said.parts,
            at,
            origin,
            ending: answer.then_some(said.ending),
            usage: None,
        };
        self.messages.push(message);
        let place = self.messages.len() - 1;
        self.place.insert(said.id.to_owned(), place);
        place
    }

    /// A picture of the package as a part; a note where it is none.
    fn picture(&mut self, name: &str, bytes: Option<Vec<u8>>) -> Part {
        let Some(bytes) = bytes else {
            return Part::text(format!("*[{name}: not in the file that was imported]*"));
        };
        match inspect(&bytes, Some(name.to_owned())) {
            Ok(image) => {
                self.pictures.insert(image.blob.clone(), bytes);
                Part::Image(image)
            }
            Err(error) => Part::text(format!("*[{name}: {error}]*")),
        }
    }

    /// The conversation; `head` is the message that was shown last.
    fn finish(self, title: &str, head: Option<usize>) -> Result<Entry, String> {
        let Some(last) = self.messages.last() else {
            return Err("it has no messages".to_owned());
        };
        let head = head.and_then(|at| self.messages.get(at)).unwrap_or(last);
        let (head, at) = (head.id, self.messages.iter().map(|m| m.at).max().unwrap_or(self.begun));
        let title: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut records = Vec::with_capacity(self.messages.len() + 2);
        records.push(Record::Conversation(ConversationMeta {
            pinned: false,
            id: self.id,
            created_at: self.begun,
            title_by_person: !title.is_empty(),
            title: title.chars().take(200).collect(),
            target: None,
            system: None,
            parameters: Parameters::default(),
        }));
        records.extend(self.messages.into_iter().map(Record::Message));
        records.push(Record::Head(Head { conversation: self.id, message: Some(head), at }));
        Ok(Entry::foreign(self.id, records, self.pictures.into_iter().collect()))
    }
}

/// A UUIDv7 that is the same each time it is made from the same words.
fn made_id(at: Timestamp, from: &[&str]) -> Uuid {
    let mut sum = Sha256::new();
    for word in from {
        sum.update((word.len() as u64).to_be_bytes());
        sum.update(word.as_bytes());
    }
    let digest: [u8; 32] = sum.finalize().into();
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A text of an object; empty where there is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A list of an object; empty where there is none.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Seconds since 1970, or a date in words, within what a UUID can hold.
fn instant(value: Option<&Value>) -> Option<Timestamp> {
    let millis = match value? {
        Value::Number(seconds) => {
            let seconds = seconds.as_f64()?;
            // Up to the year 5138, and exact that far.
            (0.0..1e11).contains(&seconds).then_some((seconds * 1000.0) as i64)?
        }
        Value::String(text) => text.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
        _ => return None,
    };
    (millis >= 0).then_some(Timestamp(millis))
}

/// A block of Markdown that no text can leave.
fn fence(language: &str, text: &str) -> String {
    let (mut longest, mut run) = (2, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let language: String =
        language.chars().filter(|c| c.is_ascii_alphanumeric()).take(20).collect();
    format!("{fence}{language}\n{}\n{fence}", text.trim_end())
}

/// A text part, unless there is nothing to say.
fn words(text: &str) -> Option<Part> {
    let text = text.trim();
    (!text.is_empty()).then(|| Part::text(text))
}
