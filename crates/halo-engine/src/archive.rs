//! Conversations as files: written without loss as JSON or for reading as Markdown, and read back.
//!
//! The JSON is one document in which every record, picture and conversation has a line of its own,
//! so that damage is named by line and two exports can be compared. Pictures stand in it as Base64:
//! a third larger than in an archive of files, but one file that every program can read and that
//! cannot lose a part. It holds no date of its own: the same conversations give the same bytes.
//!
//! Nothing here needs an [`Engine`](crate::Engine): a store that another process writes to can be
//! exported, and one that cannot be written to any more.

mod foreign;
mod markdown;
mod read;
mod write;

use halo_store::StoreError;
use halo_types::ConversationId;

pub(crate) use read::place;
pub use read::{Archive, ImportReport, Placed, Skipped, import};
pub use write::{Export, ExportFormat, ExportReport};

/// What the file says it is.
const FORMAT: &str = "halo-export";
/// The version that this Halo writes, and the latest that it reads.
const VERSION: u64 = 1;

/// Conversations could not be exported or imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The conversation to export does not exist, or was deleted.
    #[error("there is no conversation {0}")]
    NoConversation(ConversationId),
    /// The file is something else.
    #[error("the file is no export of Halo, ChatGPT or Claude; nothing was imported")]
    NotAnExport,
    /// A later Halo has written it.
    #[error(
        "the file was exported by a newer Halo (its format is {found}, this Halo reads up to \
         {known}); nothing was imported"
    )]
    Newer {
        /// The format of the file.
        found: u64,
        /// The latest format that is read.
        known: u64,
    },
    /// The file does not read as JSON of the expected form.
    #[error("the file is damaged in line {line}, column {column}: {why}; nothing was imported")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was expected there.
        why: String,
    },
    /// Something in a conversation of the file is not as it was written.
    #[error(
        "the {nth}. conversation of the file ({conversation}) cannot be imported: {why}; nothing was imported"
    )]
    Conversation {
        /// Its place in the file, from 1.
        nth: usize,
        /// Its id as the file has it.
        conversation: String,
        /// What is wrong with it.
        why: String,
    },
    /// The ZIP cannot be unpacked.
    #[error("the ZIP cannot be read: {why}; nothing was imported")]
    Package {
        /// What is wrong with it.
        why: String,
    },
    /// The ZIP holds more than is taken.
    #[error("what the ZIP holds is larger than {most} bytes; nothing was imported")]
    TooLarge {
        /// The most bytes that are unpacked.
        most: u64,
    },
    /// A conversation was taken out of the file or put into it.
    #[error("the conversations in the file are not those that were exported; nothing was imported")]
    Incomplete,
    /// The store failed.
    #[error("the store failed after {done} conversations; importing again goes on from there")]
    Store {
        /// How many conversations were done before.
        done: usize,
        /// What it said.
        #[source]
        source: StoreError,
    },
    /// The store could not be read.
    #[error("the conversations could not be read")]
    Reading(#[source] StoreError),
}

#[cfg(test)]
mod tests;
