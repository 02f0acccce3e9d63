//! What can go wrong between the engine and a store.

use halo_types::{AttemptId, BlobId, ConversationId, TurnId};

/// A store could not do what it was asked. Nothing of a failed write is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A record that does not read as it was written.
    #[error("record {seq} of conversation {conversation} is damaged: {what}")]
    DamagedRecord {
        /// The conversation.
        conversation: ConversationId,
        /// The record's number in the store.
        seq: i64,
        /// What is wrong with it.
        what: String,
    },
    /// Something else that does not read as it was written.
    #[error("the stored {what} is damaged: {why}")]
    DamagedRow {
        /// What it is, with its name.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The turn was submitted before.
    #[error("turn {turn} was submitted before, in conversation {conversation}")]
    TurnExists {
        /// The turn.
        turn: TurnId,
        /// Where it was stored.
        conversation: ConversationId,
    },
    /// A log cannot begin with anything but a `conversation` record.
    #[error("conversation {0} does not exist")]
    UnknownConversation(ConversationId),
    /// A chunk for an attempt that was never stored.
    #[error("attempt {0} does not exist")]
    UnknownAttempt(AttemptId),
    /// A record that belongs to another log.
    #[error("a record of kind {kind} belongs to conversation {found}, not to {expected}")]
    WrongConversation {
        /// The kind of the record.
        kind: &'static str,
        /// The conversation it was to be added to.
        expected: ConversationId,
        /// The conversation it names.
        found: ConversationId,
    },
    /// Bytes whose SHA-256 is not the id they were given.
    #[error("the bytes given for blob {0} are others")]
    WrongBlob(BlobId),
    /// No room left.
    #[error("the disk that holds the data is full; nothing was stored")]
    DiskFull,
    /// Another process holds the data.
    #[error("another program is using the data; nothing was stored")]
    Busy,
    /// The data cannot be written.
    #[error("the data is read-only; nothing was stored")]
    ReadOnly,
    /// The backend failed in another way.
    #[error("the store failed at: {doing}")]
    Backend {
        /// What it was doing.
        doing: &'static str,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
