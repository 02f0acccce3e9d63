//! Halo's store on SQLite.
//!
//! One connection writes, a few read; the journal is a write-ahead log that is synced at every
//! commit, so what a call has returned for survives a power cut. Every record carries a checksum
//! that is compared when it is read. The tables beside the log are filled in the transaction that
//! adds the records, and can be derived from them.
//!
//! Migrations are embedded. Before they change an existing database it is copied beside itself; a
//! database of a newer Halo is refused and left as it is. Of a damaged one [`rescue`] copies what
//! proves whole into another beside it.
//!
//! ```
//! use halo_store::Store;
//! use halo_store_sqlite::SqliteStore;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(&folder.path().join("halo.db")).await?;
//! store.set_setting("greeting", "hello").await?;
//! assert_eq!(store.setting("greeting").await?.as_deref(), Some("hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod log;
mod measures;
mod open;
mod outbox;
mod pages;
mod rescue;
mod search;
mod side;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use halo_store::{
    Chunk, ConversationRow, MeasureRow, OpenTurn, Readable, SearchHit, Store, StoreError,
    TokenKind, TokenRow,
};
use halo_types::{
    AttemptId, AttemptStart, BlobId, ConversationId, Fact, FactId, Record, Timestamp, TurnId,
};
use sqlx::{Sqlite, SqlitePool, Transaction};

pub use error::OpenError;
pub use rescue::{Onward, Rescue, choose, rescue, settle};

use crate::error::failed;

/// A store in one SQLite file. Clones share its connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    /// Its only connection is the only one that writes.
    writer: SqlitePool,
    readers: SqlitePool,
    /// Whether conversations are only read.
    sealed: bool,
    /// The right to run its turns.
    claim: Arc<outbox::Claim>,
}

impl SqliteStore {
    /// Begins a transaction that holds the write lock from the start. One that read first would
    /// fail at its first write if another had written in between.
    async fn write(&self, doing: &'static str) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed(doing))
    }

    /// The same store with conversations that are only read.
    fn sealed(self) -> Self {
        Self { sealed: true, ..self }
    }

    const fn refuse_if_sealed(&self) -> Result<(), StoreError> {
        if self.sealed { Err(StoreError::ReadOnly) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(
        &self,
        conversation: ConversationId,
        records: &[Record],
    ) -> Result<(), StoreError> {
        const DOING: &str = "adding to a conversation";
        self.refuse_if_sealed()?;
        let mut transaction = self.write(DOING).await?;
        for record in records {
            log::add(&mut transaction, conversation, record).await?;
        }
        transaction.commit().await.map_err(failed(DOING))
    }

    async fn readable(&self, conversation: ConversationId) -> Result<Readable, StoreError> {
        log::readable(&self.readers, conversation).await
    }

    async fn search(&self, query: &str, limit: usize) -> Result<Vec<SearchHit>, StoreError> {
        search::search(&self.readers, query, limit).await
    }

    async fn conversations(&self) -> Result<Vec<ConversationRow>, StoreError> {
        log::conversations(&self.readers).await
    }

    async fn turn(&self, turn: TurnId) -> Result<Option<ConversationId>, StoreError> {
        log::turn(&self.readers, turn).await
    }

    async fn open_attempts(&self) -> Result<Vec<AttemptStart>, StoreError> {
        log::open_attempts(&self.readers).await
    }

    async fn open_turns(&self) -> Result<Vec<OpenTurn>, StoreError> {
        outbox::open_turns(&self.readers).await
    }

    async fn drop_open_turns(&self, conversation: ConversationId) -> Result<(), StoreError> {
        outbox::drop_open_turns(&self.writer, conversation).await
    }

    async fn claim_turns(&self) -> Result<bool, StoreError> {
        self.claim.take()
    }

    async fn append_chunk(
        &self,
        attempt: AttemptId,
        seq: u32,
        chunk: &Chunk,
    ) -> Result<(), StoreError> {
        self.refuse_if_sealed()?;
        side::append_chunk(&self.writer, attempt, seq, chunk).await
    }

    async fn chunks(&self, attempt: AttemptId) -> Result<Vec<Chunk>, StoreError> {
        side::chunks(&self.readers, attempt).await
    }

    async fn drop_chunks(&self, attempt: AttemptId) -> Result<(), StoreError> {
        side::drop_chunks(&self.writer, attempt).await
    }

    async fn put_blob(&self, id: &BlobId, bytes: &[u8]) -> Result<(), StoreError> {
        self.refuse_if_sealed()?;
        side::put_blob(&self.writer, id, bytes).await
    }

    async fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, StoreError> {
        side::blob(&self.readers, id).await
    }

    async fn put_fact(&self, fact: &Fact) -> Result<(), StoreError> {
        side::put_fact(&self.writer, fact).await
    }

    async fn facts(&self) -> Result<Vec<Fact>, StoreError> {
        side::facts(&self.readers).await
    }

    async fn remove_fact(&self, id: FactId) -> Result<bool, StoreError> {
        side::remove_fact(&self.writer, id).await
    }

    async fn put_token(&self, token: &TokenRow) -> Result<(), StoreError> {
        side::put_token(&self.writer, token).await
    }

    async fn token(&self, kind: TokenKind, hash: &str) -> Result<Option<TokenRow>, StoreError> {
        side::token(&self.readers, kind, hash).await
    }

    async fn tokens(&self, kind: TokenKind) -> Result<Vec<TokenRow>, StoreError> {
        side::tokens(&self.readers, kind).await
    }

    async fn remove_token(&self, kind: TokenKind, hash: &str) -> Result<bool, StoreError> {
        side::remove_token(&self.writer, kind, hash).await
    }

    async fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        open::copy(&self.writer, to).await
    }

    async fn measures(&self, since: Timestamp) -> Result<Vec<MeasureRow>, StoreError> {
        measures::measures(&self.readers, since).await
    }

    async fn touch_token(
        &self,
        kind: TokenKind,
        hash: &str,
        used_at: Timestamp,
    ) -> Result<(), StoreError> {
        side::touch_token(&self.writer, kind, hash, used_at).await
    }

    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        side::setting(&self.readers, key).await
    }

    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        side::set_setting(&self.writer, key, value).await
    }

    async fn close(&self) {
        // The writer goes last: the last connection folds the journal into the file.
        self.readers.close().await;
        self.writer.close().await;
        self.claim.give_back();
    }
}
