//! Writing conversations to a file, piece by piece.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_diagnose::Context;
use halo_store::Store;
use halo_types::{BlobId, ConversationId, Record};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{ArchiveError, FORMAT, VERSION, markdown};
use crate::log::Log;

/// How conversations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Without loss; what Halo imports.
    Json,
    /// For reading.
    Markdown,
}

impl ExportFormat {
    /// The usual ending of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "md",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }
}

/// What has been written so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportReport {
    /// Conversations.
    pub conversations: usize,
    /// Records that were damaged and are left out.
    pub damaged: usize,
    /// Pictures whose bytes could not be read.
    pub missing_pictures: usize,
}

/// An export under way. It holds one conversation at a time.
pub struct Export {
    store: Arc<dyn Store>,
    format: ExportFormat,
    context: Context,
    left: VecDeque<ConversationId>,
    stage: Stage,
    sums: Sha256,
    report: ExportReport,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Head,
    Conversations,
    Over,
}

impl Export {
    /// Prepares the export of one conversation.
    ///
    /// `context` is what its errors are explained with where the format is for reading.
    ///
    /// # Errors
    /// [`ArchiveError::NoConversation`] for an unknown or deleted one; [`ArchiveError::Reading`].
    pub async fn one(
        store: Arc<dyn Store>,
        conversation: ConversationId,
        format: ExportFormat,
        context: Context,
    ) -> Result<Self, ArchiveError> {
        let records = store.readable(conversation).await.map_err(ArchiveError::Reading)?.records;
        let log = Log::from_records(&records);
        if records.is_empty() || log.deleted {
            return Err(ArchiveError::NoConversation(conversation));
        }
        Ok(Self::of(store, VecDeque::from([conversation]), format, context))
    }

    /// Prepares the export of all conversations that are not deleted, in the order of their
    /// beginning.
    ///
    /// # Errors
    /// [`ArchiveError::Reading`].
    pub async fn all(
        store: Arc<dyn Store>,
        format: ExportFormat,
        context: Context,
    ) -> Result<Self, ArchiveError> {
        let rows = store.conversations().await.map_err(ArchiveError::Reading)?;
        // Ids sort by time, and always in the same way.
        let ids: BTreeSet<ConversationId> = rows.into_iter().map(|row| row.meta.id).collect();
        Ok(Self::of(store, ids.into_iter().collect(), format, context))
    }

    fn of(
        store: Arc<dyn Store>,
        left: VecDeque<ConversationId>,
        format: ExportFormat,
        context: Context,
    ) -> Self {
        let (stage, sums) = (Stage::Head, Sha256::new());
        Self { store, format, context, left, stage, sums, report: ExportReport::default() }
    }

    /// The next piece of the file; `None` at its end.
    ///
    /// # Errors
    /// [`ArchiveError::Reading`]; what was given out before is then not a whole file.
    pub async fn next(&mut self) -> Result<Option<String>, ArchiveError> {
        match self.stage {
            Stage::Head => {
                self.stage = Stage::Conversations;
                Ok(Some(match self.format {
                    ExportFormat::Json => format!(
                        "{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"conversations\":["
                    ),
                    ExportFormat::Markdown => String::new(),
                }))
            }
            Stage::Conversations => match self.left.pop_front() {
                Some(id) => {
                    let piece = match self.format {
                        ExportFormat::Json => self.json(id).await?,
                        ExportFormat::Markdown => self.markdown(id).await?,
                    };
                    self.report.conversations += 1;
                    Ok(Some(piece))
                }
                None => {
                    self.stage = Stage::Over;
                    let sum = hex(&std::mem::take(&mut self.sums).finalize());
                    Ok(Some(match self.format {
                        ExportFormat::Json => format!("\n],\"sha256\":\"{sum}\"}}\n"),
                        ExportFormat::Markdown => String::new(),
                    }))
                }
            },
            Stage::Over => Ok(None),
        }
    }

    /// What was written so far, and what could not be.
    #[must_use]
    pub const fn report(&self) -> &ExportReport {
        &self.report
    }

    async fn records(&mut self, id: ConversationId) -> Result<(Vec<Record>, usize), ArchiveError> {
        let readable = self.store.readable(id).await.map_err(ArchiveError::Reading)?;
        self.report.damaged += readable.damaged.len();
        Ok((readable.records, readable.damaged.len()))
    }

    async fn json(&mut self, id: ConversationId) -> Result<String, ArchiveError> {
        let (records, damaged) = self.records(id).await?;
        let mut pictures = BTreeSet::new();
        let mut sum = Sums::default();
        let mut out = String::new();
        if self.report.conversations > 0 {
            out.push(',');
        }
        out.push_str("\n{\"id\":\"");
        out.push_str(&id.to_string());
        out.push_str("\",\"records\":[");
        for (at, record) in records.iter().enumerate() {
            if let Record::Message(message) = record {
                pictures.extend(message.images().map(|image| image.blob.clone()));
            }
            // A record that was read from JSON can be written as JSON.
            let value = serde_json::to_value(record).unwrap_or(Value::Null);
            sum.record(&value);
            out.push_str(if at > 0 { ",\n" } else { "\n" });
            out.push_str(&value.to_string());
        }
        out.push_str("\n],\"pictures\":{");
        let mut first = true;
        for picture in pictures {
            let Some(bytes) = self.picture(&picture).await? else { continue };
            out.push_str(if first { "\n" } else { ",\n" });
            first = false;
            out.push_str(&format!("\"{picture}\":\"{}\"", STANDARD.encode(bytes)));
            sum.picture(picture.as_str());
        }
        out.push('}');
        if damaged > 0 {
            out.push_str(&format!(",\"damaged_records\":{}", json!(damaged)));
        }
        let sum = sum.finish();
        self.sums.update(&sum);
        out.push_str(&format!(",\"sha256\":\"{sum}\"}}"));
        Ok(out)
    }

    /// A picture that cannot be read costs the picture, not the export.
    async fn picture(&mut self, id: &BlobId) -> Result<Option<Vec<u8>>, ArchiveError> {
        match self.store.blob(id).await {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) | Err(halo_store::StoreError::DamagedRow { .. }) => {
                self.report.missing_pictures += 1;
                Ok(None)
            }
            Err(error) => Err(ArchiveError::Reading(error)),
        }
    }

    async fn markdown(&mut self, id: ConversationId) -> Result<String, ArchiveError> {
        let (records, damaged) = self.records(id).await?;
        let mut out = String::new();
        if self.report.conversations > 0 {
            out.push_str("\n\n---\n\n");
        }
        markdown::write(&mut out, &Log::from_records(&records), damaged, &self.context);
        Ok(out)
    }
}

/// The checksum of a conversation: over what its records say, not over how they are set, so that a
/// file that was indented by another program can still be read.
#[derive(Default)]
pub(super) struct Sums(Sha256);

impl Sums {
    pub(super) fn record(&mut self, value: &Value) {
        let mut text = String::new();
        canonical(value, &mut text);
        self.0.update(text.as_bytes());
        self.0.update(b"\n");
    }

    /// A picture is named by the checksum of its bytes.
    pub(super) fn picture(&mut self, id: &str) {
        self.0.update(id.as_bytes());
        self.0.update(b"\n");
    }

    pub(super) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// JSON with sorted keys and without spaces.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for key in keys {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(&map[key], out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
