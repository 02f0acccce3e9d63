//! What SQLite says, in the words of the store and of a person.

use std::io;
use std::path::PathBuf;

use halo_store::StoreError;
use sqlx::migrate::MigrateError;

/// A database could not be opened. Nothing of it was changed, unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or its folder cannot be read and written.
    #[error("the database {path} cannot be opened for writing: {source}", path = path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a database; move it away to begin with an empty one", path = path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database, but of another program.
    #[error("{path} is a database of another program; name another data folder", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database does not read as it was written.
    #[error("the database {path} is damaged: {what}; what can still be read of it can be shown and exported", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        what: String,
    },
    /// A newer Halo has written it.
    #[error("the database {path} was written by a newer Halo (its version is {found}, this Halo knows up to {known}); use the newer Halo", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of the database.
        found: i64,
        /// The latest version this build knows.
        known: i64,
    },
    /// A build whose migrations differ from the released ones has written it.
    #[error("the database {path} was made by a development build of Halo (its step {version} differs from the one of this Halo)", path = path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The migration that differs.
        version: i64,
    },
    /// Another process holds it.
    #[error("the database {path} is in use by another program", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// No room left.
    #[error("the disk that holds {path} is full", path = path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The copy that is made before a migration failed, so the migration was not begun.
    #[error("the database {path} has to be brought up to date, but no copy of it could be made at {backup}", path = path.display(), backup = backup.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// Where the copy was to be.
        backup: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed; the database is as it was before that migration.
    #[error("the database {path} could not be brought up to date", path = path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: MigrateError,
    },
    /// What was stored before there was a search could not be made findable.
    #[error("the conversations in {path} could not be made findable", path = path.display())]
    Filling {
        /// The file.
        path: PathBuf,
        /// What the store said.
        #[source]
        source: StoreError,
    },
    /// SQLite failed in another way.
    #[error("the database {path} could not be opened", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
}

/// What SQLite's result code means to a caller.
enum Class {
    Busy,
    ReadOnly,
    Damaged,
    DiskFull,
    CannotOpen,
    NotADatabase,
    Other,
}

/// The class by primary result code: <https://www.sqlite.org/rescode.html>
fn class(error: &sqlx::Error) -> Class {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return Class::Busy;
    }
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => Class::Busy,
        Some(8) => Class::ReadOnly,
        Some(11) => Class::Damaged,
        Some(13) => Class::DiskFull,
        Some(14) => Class::CannotOpen,
        Some(26) => Class::NotADatabase,
        _ => Class::Other,
    }
}

/// Turns an error of SQLite into one of the store.
pub(crate) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match class(&error) {
        Class::Busy => StoreError::Busy,
        Class::ReadOnly => StoreError::ReadOnly,
        Class::DiskFull => StoreError::DiskFull,
        Class::Damaged | Class::NotADatabase => {
            StoreError::DamagedRow { what: "database".to_owned(), why: error.to_string() }
        }
        Class::CannotOpen | Class::Other => StoreError::Backend { doing, source: Box::new(error) },
    }
}

/// Turns an error of SQLite into one of opening `path`.
pub(crate) fn not_opened(path: &std::path::Path, error: sqlx::Error) -> OpenError {
    let path = path.to_owned();
    match class(&error) {
        Class::Busy => OpenError::Locked { path },
        Class::ReadOnly | Class::CannotOpen => OpenError::Unwritable {
            path,
            source: io::Error::new(io::ErrorKind::PermissionDenied, error.to_string()),
        },
        Class::DiskFull => OpenError::DiskFull { path },
        Class::Damaged => OpenError::Damaged { path, what: error.to_string() },
        Class::NotADatabase => OpenError::NotADatabase { path },
        Class::Other => OpenError::Sqlite { path, source: error },
    }
}

/// Turns an error of making old records findable into one of opening `path`.
pub(crate) fn not_filled(path: &std::path::Path, error: StoreError) -> OpenError {
    let path = path.to_owned();
    match error {
        StoreError::Busy => OpenError::Locked { path },
        StoreError::DiskFull => OpenError::DiskFull { path },
        StoreError::DamagedRow { why, .. } => OpenError::Damaged { path, what: why },
        source => OpenError::Filling { path, source },
    }
}

/// Turns an error of migrating into one of opening `path`.
pub(crate) fn not_migrated(path: &std::path::Path, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMismatch(version) => {
            OpenError::Altered { path: path.to_owned(), version }
        }
        MigrateError::Execute(error) => not_opened(path, error),
        MigrateError::ExecuteMigration(error, _) if !matches!(class(&error), Class::Other) => {
            not_opened(path, error)
        }
        source => OpenError::Migration { path: path.to_owned(), source },
    }
}
