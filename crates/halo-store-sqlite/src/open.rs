//! Opening a database: what it must be, bringing it up to date, and the connections to it.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use halo_store::StoreError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqlitePool};

use crate::error::{failed, not_filled, not_migrated, not_opened};
use crate::outbox::Claim;
use crate::{OpenError, SqliteStore, search};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Writers of one process queue for the connection, so only another process can make one wait.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(2);

const READERS: u32 = 3;

/// Databases up to this size are checked page by page at every opening (about 50 ms at the most);
/// of larger ones SQLite looks at what it reads.
const CHECKED_WHOLE: u64 = 64 << 20;

impl SqliteStore {
    /// Opens the database at `path`, made where there is none and brought up to date where it is
    /// older.
    ///
    /// # Errors
    /// An [`OpenError`] that says what is wrong in words for the person.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        open_with(path, &MIGRATIONS).await
    }
}

/// Opens with other migrations than those of this build.
async fn open_with(path: &Path, migrations: &Migrator) -> Result<SqliteStore, OpenError> {
    if inspect(path)? == Content::Database {
        prepare(path, migrations).await?;
    }
    let options = options(path).journal_mode(SqliteJournalMode::Wal);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await
        .map_err(|error| not_opened(path, error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options.pragma("query_only", "on"));
    let claim = Arc::new(Claim::new(path));
    let store = SqliteStore { writer, readers, sealed: false, claim };
    let ready = async {
        migrations.run(&store.writer).await.map_err(|error| not_migrated(path, error))?;
        search::fill(&store.writer).await.map_err(|error| not_filled(path, error))?;
        forget_ended_journals(&store).await.map_err(|error| not_opened(path, error))
    };
    match ready.await {
        Ok(()) => Ok(store),
        Err(error) => {
            store.writer.close().await;
            Err(error)
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(WAIT_FOR_OTHERS)
        .disable_statement_logging()
}

#[derive(PartialEq, Eq)]
enum Content {
    Nothing,
    Database,
}

/// Makes the file where there is none, and looks at its first bytes. SQLite itself says only
/// "unable to open database file", whatever is wrong.
fn inspect(path: &Path) -> Result<Content, OpenError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull => OpenError::DiskFull { path: path.to_owned() },
        _ => OpenError::Unwritable { path: path.to_owned(), source },
    };
    let mut open = fs::OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let file = open.open(path).map_err(failed)?;
    let mut head = Vec::with_capacity(16);
    file.take(16).read_to_end(&mut head).map_err(failed)?;
    match head.as_slice() {
        [] => Ok(Content::Nothing),
        b"SQLite format 3\0" => Ok(Content::Database),
        _ => Err(OpenError::NotADatabase { path: path.to_owned() }),
    }
}

/// Looks at an existing database before anything of it is changed, and copies it if it is about
/// to be.
async fn prepare(path: &Path, migrations: &Migrator) -> Result<(), OpenError> {
    let failed = |error| not_opened(path, error);
    let mut connection = options(path).connect().await.map_err(failed)?;
    let checked = check(&mut connection, path, migrations).await;
    connection.close().await.map_err(failed)?;
    checked
}

async fn check(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: &Migrator,
) -> Result<(), OpenError> {
    let failed = |error| not_opened(path, error);
    let tables = sqlx::query("SELECT count(*), sum(name = '_sqlx_migrations') FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let all: i64 = tables.try_get(0).map_err(failed)?;
    let ours: Option<i64> = tables.try_get(1).map_err(failed)?;
    if all == 0 {
        return Ok(());
    }
    if ours.unwrap_or(0) == 0 {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_WHOLE) {
        // Damage is better found now than in the middle of a conversation.
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if found != "ok" {
            // Behind a headline that names the database.
            let what = found.lines().last().unwrap_or_default().to_owned();
            return Err(OpenError::Damaged { path: path.to_owned(), what });
        }
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some(found) = applied.iter().rev().find(|version| !migrations.version_exists(**version))
    {
        return Err(OpenError::Newer { path: path.to_owned(), found: *found, known });
    }
    match applied.last() {
        Some(last) if *last < known => back_up(connection, path, *last).await,
        _ => Ok(()),
    }
}

/// Copies the database beside itself; what its journal holds is part of the copy.
async fn back_up(
    connection: &mut SqliteConnection,
    path: &Path,
    version: i64,
) -> Result<(), OpenError> {
    let backup = backup_path(path, version);
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(backup.to_string_lossy().into_owned())
        .execute(connection)
        .await;
    match copied {
        Ok(_) => Ok(()),
        Err(source) => Err(OpenError::Backup { path: path.to_owned(), backup, source }),
    }
}

/// Copies an open database into a file that only its owner can read.
pub(crate) async fn copy(pool: &SqlitePool, to: &Path) -> Result<(), StoreError> {
    const DOING: &str = "copying the database";
    let failed_file =
        |source: io::Error| StoreError::Backend { doing: DOING, source: Box::new(source) };
    let mut open = fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    // SQLite copies into an empty file, but never over one with something in it.
    open.open(to).map_err(failed_file)?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(to.to_string_lossy().into_owned())
        .execute(pool)
        .await
        .map_err(failed(DOING));
    if copied.is_err() {
        // Half a copy is worse than none; what went wrong is told.
        let _ = fs::remove_file(to);
    }
    copied.map(|_| ())
}

/// `halo.db` of version 1 becomes `halo.v1.backup.db`, with a number where that is taken.
fn backup_path(path: &Path, version: i64) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut backup = path.with_file_name(format!("{stem}.v{version}.backup.db"));
    let mut n = 2;
    while backup.exists() {
        backup = path.with_file_name(format!("{stem}.v{version}.backup-{n}.db"));
        n += 1;
    }
    backup
}

/// A crash between the end of an attempt and the dropping of its journal leaves the journal
/// behind. Taking the write lock here also finds out at the start whether writing is possible.
async fn forget_ended_journals(store: &SqliteStore) -> Result<(), sqlx::Error> {
    let mut transaction = store.writer.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM chunks WHERE attempt IN (SELECT id FROM attempts WHERE ended = 1)")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use halo_store::{Ended, Store as _};
    use sqlx::SqlSafeStr as _;
    use sqlx::migrate::{Migration, MigrationType};

    use super::*;

    /// The migrations of a later Halo.
    fn later(sql: &'static str) -> Migrator {
        let mut all: Vec<Migration> = MIGRATIONS.iter().cloned().collect();
        let version = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap() + 1;
        all.push(Migration::new(
            version,
            Cow::Borrowed("later"),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        ));
        Migrator::with_migrations(all)
    }

    #[tokio::test]
    async fn an_older_database_is_copied_and_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halo.db");
        let store = SqliteStore::open(&path).await.unwrap();
        store.set_setting("a", "b").await.unwrap();
        // Not closed: the copy must hold what is still in the journal.
        std::mem::forget(store);

        let store = open_with(&path, &later("CREATE TABLE new (a)")).await.unwrap();
        assert_eq!(store.setting("a").await.unwrap().as_deref(), Some("b"));
        store.close().await;
        let backup = SqliteStore::open(&folder.path().join("halo.v4.backup.db")).await.unwrap();
        assert_eq!(backup.setting("a").await.unwrap().as_deref(), Some("b"));
        backup.close().await;

        // Opening it again makes no further copy.
        open_with(&path, &later("CREATE TABLE new (a)")).await.unwrap().close().await;
        assert!(!folder.path().join("halo.v4.backup-2.db").exists());
    }

    #[tokio::test]
    async fn what_was_stored_before_there_was_a_search_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halo.db");
        let first = MIGRATIONS.iter().take(1).cloned().collect();
        // As an earlier Halo has left it: nothing is findable, and one record is damaged.
        fs::File::create(&path).unwrap();
        let mut old = options(&path).connect().await.unwrap();
        Migrator::with_migrations(first).run(&mut old).await.unwrap();
        let id = "01900000-0000-7000-8000-000000000001";
        let record = |title: &str| {
            format!(
                "{{\"record\":\"conversation\",\"id\":\"{id}\",\"created_at\":1,\
                 \"title\":\"{title}\",\"title_by_person\":false,\"parameters\":{{}}}}"
            )
        };
        sqlx::query("INSERT INTO conversations (id, meta_seq, updated_at) VALUES (?, 1, 1)")
            .bind(id)
            .execute(&mut old)
            .await
            .unwrap();
        for (json, damage) in [(record("Über 图片的问题"), 0), (record("broken"), 1)] {
            sqlx::query(
                "INSERT INTO records (conversation, kind, at, json, crc32)
                 VALUES (?, 'conversation', 1, ?, ?)",
            )
            .bind(id)
            .bind(&json)
            .bind(i64::from(crc32fast::hash(json.as_bytes())) + damage)
            .execute(&mut old)
            .await
            .unwrap();
        }
        old.close().await.unwrap();

        let store = SqliteStore::open(&path).await.unwrap();
        assert!(folder.path().join("halo.v1.backup.db").exists());
        for query in ["图片", "图", "图片的", "ÜBER", "über 问题"] {
            assert_eq!(store.search(query, 9).await.unwrap().len(), 1, "{query}");
        }
        assert_eq!(store.search("broken", 9).await.unwrap(), []);
        store.close().await;
        let store = SqliteStore::open(&path).await.unwrap();
        assert_eq!(store.search("图片", 9).await.unwrap().len(), 1, "and not twice");
    }

    #[tokio::test]
    async fn attempts_from_before_there_were_figures_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halo.db");
        fs::File::create(&path).unwrap();
        let mut old = options(&path).connect().await.unwrap();
        let first = MIGRATIONS.iter().take(3).cloned().collect();
        Migrator::with_migrations(first).run(&mut old).await.unwrap();
        let id = |n: u32| format!("01900000-0000-7000-8000-00000000000{n}");
        sqlx::query("INSERT INTO conversations (id, meta_seq, updated_at) VALUES (?, 1, 1)")
            .bind(id(1))
            .execute(&mut old)
            .await
            .unwrap();
        let start = |n: u32, at: u32| {
            let target = "\"target\":{\"provider\":\"p\",\"model\":\"m/x\"}";
            let (id, turn) = (id(n), id(9));
            format!("{{\"id\":\"{id}\",\"turn\":\"{turn}\",{target},\"key\":2,\"at\":{at}}}")
        };
        let end = |n: u32, outcome: &str| {
            let id = id(n);
            format!(
                "{{\"attempt\":\"{id}\",\"outcome\":{outcome},\"first_part_ms\":7,\"total_ms\":9}}"
            )
        };
        let failed = "{\"outcome\":\"failed\",\"diagnosis\":{\"kind\":\"overloaded\"}}";
        let said =
            format!("{{\"origin\":{{\"attempt\":\"{}\"}},\"usage\":{{\"output\":5}}}}", id(3));
        for (kind, json) in [
            ("attempt", start(2, 10)),
            ("attempt_end", end(2, failed)),
            ("attempt", start(3, 20)),
            ("message", said),
            ("attempt_end", end(3, "{\"outcome\":\"answered\"}")),
            ("attempt", start(4, 30)),
            ("attempt", "torn {".to_owned()),
            ("attempt_end", "{\"attempt\":null}".to_owned()),
        ] {
            sqlx::query(
                "INSERT INTO records (conversation, kind, at, json, crc32) VALUES (?, ?, 1, ?, 0)",
            )
            .bind(id(1))
            .bind(kind)
            .bind(json)
            .execute(&mut old)
            .await
            .unwrap();
        }
        old.close().await.unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        let rows = store.measures(halo_types::Timestamp(0)).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.ended, row.output_tokens)).collect();
        let overloaded = Ended::Failed(Some(halo_types::Kind::Overloaded));
        assert_eq!(told, [(overloaded, None), (Ended::Answered, Some(5))], "one still runs");
        assert_eq!((rows[1].target.to_string(), rows[1].key), ("p/m/x".to_owned(), Some(2)));
        assert_eq!((rows[1].first_part_ms, rows[1].total_ms), (Some(7), 9));
        assert_eq!(store.measures(halo_types::Timestamp(15)).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_newer_database_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halo.db");
        open_with(&path, &later("CREATE TABLE new (a)")).await.unwrap().close().await;
        let before = fs::read(&path).unwrap();
        let error = SqliteStore::open(&path).await.unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 5, known: 4, .. }), "{error}");
        assert!(error.to_string().contains("newer Halo (its version is 5"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn a_failed_migration_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halo.db");
        SqliteStore::open(&path).await.unwrap().close().await;
        let broken = later("CREATE TABLE new (a); INSERT INTO nowhere VALUES (1)");
        let error = open_with(&path, &broken).await.unwrap_err();
        assert!(matches!(error, OpenError::Migration { .. }), "{error}");
        let store = SqliteStore::open(&path).await.unwrap();
        store.set_setting("a", "b").await.unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_nothing_is_half_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halo.db");
        // Opened as a task, as the app may do.
        let store = tokio::spawn(async move { SqliteStore::open(&path).await });
        let store = store.await.unwrap().unwrap();
        // SQLite takes its own limit for the end of the disk.
        sqlx::query("PRAGMA max_page_count = 1").execute(&store.writer).await.unwrap();
        let long = "x".repeat(1 << 20);
        let error = store.set_setting("long", &long).await.unwrap_err();
        assert!(matches!(error, halo_store::StoreError::DiskFull), "{error:?}");
        assert_eq!(store.setting("long").await.unwrap(), None);
    }
}
