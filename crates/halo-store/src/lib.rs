//! The store of Halo as its engine sees it: a trait, its errors, and the story every backend
//! must pass.
//!
//! A conversation is an append-only log of [`Record`]s. [`Store::append`] is the only way to add
//! to it, and nothing takes away from it; what else a backend keeps (lists, open attempts, known
//! turns) is derived from the records in the same transaction. Beside the log stand things that
//! may change: chunks of answers that still stream, learned facts, tokens and settings.
//!
//! The crate holds no backend. It reads no clock and draws no randomness.
//!
//! ```
//! use halo_store::{Store, StoreError};
//! use halo_types::{ConversationId, Record};
//!
//! /// How many messages a conversation holds, whatever the backend.
//! async fn messages(store: &dyn Store, id: ConversationId) -> Result<usize, StoreError> {
//!     let records = store.records(id).await?;
//!     Ok(records.iter().filter(|record| matches!(record, Record::Message(_))).count())
//! }
//! ```

mod error;
mod rows;
mod search;
#[cfg(feature = "story")]
pub mod story;

use std::path::Path;

use async_trait::async_trait;
use halo_types::{
    AttemptId, AttemptStart, BlobId, ConversationId, Fact, FactId, Record, Timestamp, TurnId,
};

pub use error::StoreError;
pub use rows::{
    Chunk, ChunkKind, ConversationRow, Damage, Ended, MeasureRow, OpenTurn, Readable, TokenKind,
    TokenRow,
};
pub use search::{Found, SearchHit, Snippet, snippet, text_of, words};

/// Where conversations, facts and tokens are kept.
///
/// Every method that writes is one transaction and durable when it returns: the data survives a
/// power cut from then on.
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds records to the end of a conversation's log, all or none.
    ///
    /// The first record of a conversation is a [`Record::Conversation`]. A turn whose id is known
    /// is refused with [`StoreError::TurnExists`], so of two submissions of one turn exactly one
    /// succeeds. A [`Record::Conversation`] after a [`Record::Tombstone`] brings a deleted
    /// conversation back.
    async fn append(
        &self,
        conversation: ConversationId,
        records: &[Record],
    ) -> Result<(), StoreError>;

    /// The log of a conversation, oldest first, deleted or not; empty for an unknown one.
    ///
    /// # Errors
    /// [`StoreError::DamagedRecord`] for the first record that does not read as it was written;
    /// [`Store::readable`] goes on behind it.
    async fn records(&self, conversation: ConversationId) -> Result<Vec<Record>, StoreError> {
        let readable = self.readable(conversation).await?;
        match readable.damaged.into_iter().next() {
            None => Ok(readable.records),
            Some(Damage { seq, what }) => {
                Err(StoreError::DamagedRecord { conversation, seq, what })
            }
        }
    }

    /// What can be read of the log of a conversation, oldest first, and what cannot. Where no
    /// record that describes it can be read, one without a title stands at the beginning.
    async fn readable(&self, conversation: ConversationId) -> Result<Readable, StoreError>;

    /// The conversations that are not deleted, the one with the latest message or turn first.
    /// Where the record that describes one is damaged, the latest readable one before it counts; one
    /// of which nothing can be read is left out.
    async fn conversations(&self) -> Result<Vec<ConversationRow>, StoreError>;

    /// Where all the words of `query` are found: in titles, in the texts of messages and in
    /// errors, the latest first, at most `limit`. The words are taken to the letter and may be
    /// parts of longer ones; upper and lower case are the same. Deleted conversations are left
    /// out. A query without words finds nothing.
    async fn search(&self, query: &str, limit: usize) -> Result<Vec<SearchHit>, StoreError>;

    /// The conversation a turn was stored in; `None` for a turn that was never submitted.
    async fn turn(&self, turn: TurnId) -> Result<Option<ConversationId>, StoreError>;

    /// Attempts without an end, oldest first; damaged ones are left out. After a start these are
    /// the ones a crash cut off.
    async fn open_attempts(&self) -> Result<Vec<AttemptStart>, StoreError>;

    /// Turns that are to be sent without a hand, the one that is due first before the others:
    /// those that wait, due when their wait is over, and those that no attempt and no
    /// [`Record::WaitEnd`] followed, due when they were stored. Those of deleted conversations are
    /// left out.
    async fn open_turns(&self) -> Result<Vec<OpenTurn>, StoreError>;

    /// Takes the open turns of a conversation off the list, and adds nothing to its log: they came
    /// with a file, and where that was written they are sent.
    async fn drop_open_turns(&self, conversation: ConversationId) -> Result<(), StoreError>;

    /// Takes the right to run the turns of this store. Of all that opened it, in this process and
    /// in others, one has it, until it closes the store or its process ends, however it ends.
    /// Says whether it is ours now.
    async fn claim_turns(&self) -> Result<bool, StoreError>;

    /// Journals a piece of an answer that streams in. Storing the same `seq` again replaces the
    /// piece. The attempt must be stored.
    async fn append_chunk(
        &self,
        attempt: AttemptId,
        seq: u32,
        chunk: &Chunk,
    ) -> Result<(), StoreError>;

    /// The journalled pieces of an answer in the order of `seq`.
    async fn chunks(&self, attempt: AttemptId) -> Result<Vec<Chunk>, StoreError>;

    /// Forgets the journal of an answer, once the answer itself is a message of the log.
    async fn drop_chunks(&self, attempt: AttemptId) -> Result<(), StoreError>;

    /// Stores the bytes of a picture. The id must be their SHA-256; storing it twice is fine.
    async fn put_blob(&self, id: &BlobId, bytes: &[u8]) -> Result<(), StoreError>;

    /// The bytes of a picture.
    async fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores a fact, replacing the one with the same id.
    async fn put_fact(&self, fact: &Fact) -> Result<(), StoreError>;

    /// All facts, oldest first.
    async fn facts(&self) -> Result<Vec<Fact>, StoreError>;

    /// Forgets a fact. Says whether it existed.
    async fn remove_fact(&self, id: FactId) -> Result<bool, StoreError>;

    /// Stores a token, replacing the one with the same kind and hash.
    async fn put_token(&self, token: &TokenRow) -> Result<(), StoreError>;

    /// The token with this hash, expired or not.
    async fn token(&self, kind: TokenKind, hash: &str) -> Result<Option<TokenRow>, StoreError>;

    /// All tokens of a kind, oldest first.
    async fn tokens(&self, kind: TokenKind) -> Result<Vec<TokenRow>, StoreError>;

    /// Forgets a token. Says whether it existed, so a token that works once can be redeemed by
    /// removing it: of two that try, one is told `true`.
    async fn remove_token(&self, kind: TokenKind, hash: &str) -> Result<bool, StoreError>;

    /// Writes a whole copy of everything into a file that does not exist yet.
    async fn back_up(&self, to: &Path) -> Result<(), StoreError>;

    /// What the attempts since an instant came to, those that have ended, oldest first; also those
    /// of conversations that were deleted.
    async fn measures(&self, since: Timestamp) -> Result<Vec<MeasureRow>, StoreError>;

    /// Notes that a token was used. One that was removed meanwhile stays removed.
    async fn touch_token(
        &self,
        kind: TokenKind,
        hash: &str,
        used_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// A setting that belongs to the data rather than to the settings file.
    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError>;

    /// Stores such a setting.
    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError>;

    /// Writes out what is pending and lets go of the files. Later calls fail. Data is safe
    /// without it; it keeps the next start quick.
    async fn close(&self);
}
