//! Reading a file and adding its conversations to a store.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_store::{Store, StoreError};
use halo_types::{BlobId, ConversationId, Record};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::write::{Sums, hex};
use super::{ArchiveError, FORMAT, VERSION, foreign};
use crate::log::Log;

/// The conversations of a file, checked to the last record. Nothing of them is stored yet.
#[derive(Debug, Default)]
pub struct Archive {
    pub(crate) entries: Vec<Entry>,
    pub(crate) skipped: Vec<Skipped>,
}

/// A conversation of another app's file that could not be read. The others were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the file, from 1.
    pub nth: usize,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

/// One conversation of a file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: ConversationId,
    pub(crate) records: Vec<Record>,
    pictures: Vec<(BlobId, Vec<u8>)>,
    damaged: usize,
    /// Another app's, which writes anew what went before each time.
    foreign: bool,
}

impl Entry {
    /// A conversation of another app.
    pub(super) const fn foreign(
        id: ConversationId,
        records: Vec<Record>,
        pictures: Vec<(BlobId, Vec<u8>)>,
    ) -> Self {
        Self { id, records, pictures, damaged: 0, foreign: true }
    }
}

/// What became of the conversations of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// They were not there and were added.
    pub added: usize,
    /// They were there, and the file knew how they go on.
    pub continued: usize,
    /// They were there, but deleted.
    pub restored: usize,
    /// They were there already; nothing was changed.
    pub known: usize,
    /// They have gone on differently here and in the file. The ones here were left as they are.
    pub differing: Vec<ConversationId>,
    /// Records that were damaged when the file was written, and are not in it.
    pub damaged: usize,
    /// Messages that were added.
    pub messages: usize,
    /// Conversations of the file that could not be read.
    pub skipped: Vec<Skipped>,
}

impl ImportReport {
    /// The report before anything is stored.
    pub(crate) fn begin(archive: &Archive) -> Self {
        Self { skipped: archive.skipped.clone(), ..Self::default() }
    }

    /// Counts a conversation in.
    pub(crate) fn count(&mut self, entry: &Entry, placed: Placed, records: &[Record]) {
        self.messages += records.iter().filter(|r| matches!(r, Record::Message(_))).count();
        self.damaged += entry.damaged;
        match placed {
            Placed::Added => self.added += 1,
            Placed::Continued => self.continued += 1,
            Placed::Restored => self.restored += 1,
            Placed::Known => self.known += 1,
            Placed::Differing => self.differing.push(entry.id),
        }
    }
}

/// What became of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It was not there.
    Added,
    /// It was there up to some record.
    Continued,
    /// It was deleted and is back.
    Restored,
    /// It was there, whole.
    Known,
    /// It has gone on differently and was left alone.
    Differing,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: Value,
    #[serde(default)]
    version: Value,
}

#[derive(Deserialize)]
struct FileForm<'a> {
    #[serde(borrow)]
    conversations: Vec<ConversationForm<'a>>,
    sha256: String,
}

#[derive(Deserialize)]
struct ConversationForm<'a> {
    id: String,
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
    #[serde(default)]
    pictures: BTreeMap<String, String>,
    #[serde(default)]
    damaged_records: usize,
    sha256: String,
}

impl Archive {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// An [`ArchiveError`] that says what is wrong, and where.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        if foreign::is_package(bytes) {
            return foreign::read_package(bytes);
        }
        match Self::read_own(bytes) {
            Err(ArchiveError::NotAnExport) => foreign::read_json(bytes),
            read => read,
        }
    }

    fn read_own(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let starts = bytes.trim_ascii_start();
        let head: Head = match serde_json::from_slice(bytes) {
            Ok(head) => head,
            // A file that was cut off still begins as ours does.
            Err(error) if starts.starts_with(b"{") && names_us(starts) => {
                return Err(damaged(&error));
            }
            Err(_) => return Err(ArchiveError::NotAnExport),
        };
        if head.format != FORMAT {
            return Err(ArchiveError::NotAnExport);
        }
        match head.version.as_u64() {
            Some(VERSION) => {}
            Some(found) if found > VERSION => {
                return Err(ArchiveError::Newer { found, known: VERSION });
            }
            _ => return Err(ArchiveError::NotAnExport),
        }
        let file: FileForm<'_> = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
        let mut sums = Sha256::new();
        let mut entries = Vec::with_capacity(file.conversations.len());
        for (at, form) in file.conversations.into_iter().enumerate() {
            sums.update(&form.sha256);
            let name = form.id.chars().take(80).collect();
            let entry = entry(form).map_err(|why| ArchiveError::Conversation {
                nth: at + 1,
                conversation: name,
                why,
            })?;
            entries.push(entry);
        }
        if hex(&sums.finalize()) != file.sha256 {
            return Err(ArchiveError::Incomplete);
        }
        Ok(Self { entries, skipped: Vec::new() })
    }

    /// How many conversations it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn names_us(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(200)];
    head.windows(FORMAT.len()).any(|window| window == FORMAT.as_bytes())
}

fn damaged(error: &serde_json::Error) -> ArchiveError {
    let text = error.to_string();
    let why = text.split(" at line ").next().unwrap_or(&text).to_owned();
    ArchiveError::Damaged { line: error.line(), column: error.column(), why }
}

fn entry(form: ConversationForm<'_>) -> Result<Entry, String> {
    let id: ConversationId =
        form.id.parse().map_err(|error: halo_types::IdError| error.to_string())?;
    let mut sum = Sums::default();
    let mut records = Vec::with_capacity(form.records.len());
    for (at, raw) in form.records.iter().enumerate() {
        let nth = at + 1;
        let value: Value = serde_json::from_str(raw.get())
            .map_err(|error| format!("its record {nth} is no JSON: {error}"))?;
        sum.record(&value);
        let kind = value.get("record").and_then(Value::as_str).unwrap_or("?").to_owned();
        let record = Record::deserialize(&value).map_err(|error| {
            format!("its record {nth}, of kind {kind:.40}, cannot be read by this Halo: {error}")
        })?;
        if record.conversation() != id {
            return Err(format!("its record {nth} belongs to another conversation"));
        }
        let kept = serde_json::to_value(&record).unwrap_or(Value::Null);
        if let Some(field) = lost(&value, &kept) {
            return Err(format!(
                "its record {nth}, of kind {kind}, has {field}, which this Halo does not know; a \
                 newer Halo has written it"
            ));
        }
        records.push(record);
    }
    if !matches!(records.first(), Some(Record::Conversation(_))) {
        // A damaged beginning may be missing; a later description stands in for it.
        let meta = records.iter().find(|record| matches!(record, Record::Conversation(_)));
        let meta = meta.cloned().ok_or("nothing in it describes the conversation")?;
        if form.damaged_records == 0 {
            return Err("it does not begin with its description".to_owned());
        }
        records.insert(0, meta);
    }
    let mut pictures = Vec::with_capacity(form.pictures.len());
    for (name, text) in form.pictures {
        sum.picture(&name);
        let blob: BlobId = name.parse().map_err(|_| "a picture has no proper name".to_owned())?;
        let bytes =
            STANDARD.decode(text).map_err(|error| format!("picture {blob} is damaged: {error}"))?;
        if BlobId::from_digest(&Sha256::digest(&bytes).into()) != blob {
            return Err(format!("picture {blob} is damaged: its bytes do not fit its name"));
        }
        pictures.push((blob, bytes));
    }
    if sum.finish() != form.sha256 {
        return Err("its checksum does not fit; it was damaged or changed".to_owned());
    }
    Ok(Entry { id, records, pictures, damaged: form.damaged_records, foreign: false })
}

/// The first field that would get lost. What stands for nothing may be left out.
fn lost(given: &Value, kept: &Value) -> Option<String> {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => given.iter().find_map(|(name, value)| {
            let inner = match kept.get(name) {
                Some(kept) => lost(value, kept),
                None => (!is_nothing(value)).then(String::new),
            }?;
            let dot = if inner.is_empty() { "" } else { "." };
            Some(format!("{name}{dot}{inner}"))
        }),
        (Value::Array(given), Value::Array(kept)) => {
            given.iter().zip(kept).find_map(|(given, kept)| lost(given, kept))
        }
        _ => None,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        _ => false,
    }
}

/// Adds what the store does not have of a conversation, all or nothing, and says what that was.
///
/// # Errors
/// If the store fails.
pub(crate) async fn place(
    store: &dyn Store,
    entry: &Entry,
) -> Result<(Placed, Vec<Record>), StoreError> {
    let here = store.readable(entry.id).await?.records;
    let (placed, more) = if here.is_empty() {
        (Placed::Added, entry.records.clone())
    } else if here.starts_with(&entry.records) {
        match Log::from_records(&here) {
            log if log.deleted => {
                let meta = log.meta.into_iter().map(Record::Conversation).collect();
                (Placed::Restored, meta)
            }
            _ => return Ok((Placed::Known, Vec::new())),
        }
    } else if entry.foreign {
        match news(entry, &here) {
            (Placed::Known, _) => return Ok((Placed::Known, Vec::new())),
            news => news,
        }
    } else if entry.records.starts_with(&here) {
        (Placed::Continued, entry.records[here.len()..].to_vec())
    } else {
        return Ok((Placed::Differing, Vec::new()));
    };
    // Pictures first: named by their bytes, they do no harm where the records are refused.
    for (id, bytes) in &entry.pictures {
        store.put_blob(id, bytes).await?;
    }
    store.append(entry.id, &more).await?;
    // What waited where the file was written is sent there.
    store.drop_open_turns(entry.id).await?;
    Ok((placed, more))
}

/// What another app's file adds to a conversation that came from there before. What was done with
/// it here stays, and stays shown.
fn news(entry: &Entry, here: &[Record]) -> (Placed, Vec<Record>) {
    let log = Log::from_records(here);
    let theirs: HashSet<_> = entry.records.iter().filter_map(message_id).collect();
    let ours: HashSet<_> = here.iter().filter_map(message_id).collect();
    let mut more: Vec<Record> = Vec::new();
    if log.deleted {
        more.extend(log.meta.map(Record::Conversation));
    }
    let added = entry
        .records
        .iter()
        .filter(|record| message_id(record).is_some_and(|id| !ours.contains(&id)));
    more.extend(added.cloned());
    if theirs.is_superset(&ours) && theirs.len() > ours.len() {
        more.extend(entry.records.iter().filter(|r| matches!(r, Record::Head(_))).cloned());
    } else if theirs.difference(&ours).next().is_some() {
        // Adding shows what was added; the person was elsewhere.
        more.push(Record::Head(halo_types::Head {
            conversation: entry.id,
            message: log.head,
            at: entry.records.last().map_or(halo_types::Timestamp(0), Record::at),
        }));
    }
    let placed = match (log.deleted, more.is_empty()) {
        (true, _) => Placed::Restored,
        (false, true) => Placed::Known,
        (false, false) => Placed::Continued,
    };
    (placed, more)
}

const fn message_id(record: &Record) -> Option<halo_types::MessageId> {
    match record {
        Record::Message(message) => Some(message.id),
        _ => None,
    }
}

/// Adds the conversations of a file to a store that nobody else writes to. Doing it twice adds
/// nothing the second time.
///
/// # Errors
/// [`ArchiveError::Store`]; the conversations before are stored then, each whole.
pub async fn import(store: &dyn Store, archive: &Archive) -> Result<ImportReport, ArchiveError> {
    let mut report = ImportReport::begin(archive);
    for (done, entry) in archive.entries.iter().enumerate() {
        let (placed, records) =
            place(store, entry).await.map_err(|source| ArchiveError::Store { done, source })?;
        report.count(entry, placed, &records);
    }
    Ok(report)
}
