//! Every way in which a database cannot be opened, in words.

use std::fs;
use std::path::Path;

use halo_store::Store as _;
use halo_store_sqlite::{OpenError, SqliteStore};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

async fn refused(path: &Path) -> OpenError {
    SqliteStore::open(path).await.expect_err("it must be refused")
}

async fn raw(path: &Path) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    for content in ["hello", "a longer text that is no database at all"] {
        fs::write(&path, content).unwrap();
        let error = refused(&path).await;
        assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
        assert!(error.to_string().contains("is not a database"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_damaged_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let mut bytes = fs::read(&path).unwrap();
    // The head stays whole, the rest of the first page does not.
    for byte in &mut bytes[100..4096] {
        *byte = 0xa5;
    }
    fs::write(&path, &bytes).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);

    fs::write(&path, &bytes[..50]).unwrap();
    let error = refused(&path).await;
    assert!(
        matches!(error, OpenError::NotADatabase { .. } | OpenError::Damaged { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let mut connection = raw(&path).await;
    connection.execute("CREATE TABLE theirs (a)").await.unwrap();
    connection.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(refused(&path).await, OpenError::Foreign { .. }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/folder/halo.db");
    for path in [missing.as_path(), folder.path()] {
        let error = refused(path).await;
        assert!(matches!(error, OpenError::Unwritable { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_database_in_use_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let mut other = raw(&path).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    SqliteStore::open(&path).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_person_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halo.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.set_setting("a", "b").await.unwrap();
    for name in ["halo.db", "halo.db-wal"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
