//! The password: one for the whole app, kept as an Argon2id hash among the settings of the store.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use halo_store::{Store, StoreError};
use tokio::sync::Semaphore;

/// Where the hash is kept.
const SETTING: &str = "access.password";
/// The shortest password, in characters. It stands against guesses over the network, slowed by
/// the lockout, and against someone who has the database.
pub(crate) const MIN_CHARS: usize = 10;
/// The longest, in bytes.
const MAX_BYTES: usize = 1000;

/// A hash takes 19 MB and a core for some milliseconds: no crowd of guesses may take them all.
static HASHING: Semaphore = Semaphore::const_new(2);

/// A password was not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Fewer characters than a password needs.
    #[error("a password needs at least {MIN_CHARS} characters")]
    TooShort,
    /// More than can be taken.
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    /// It could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// It could not be stored.
    #[error("the password could not be stored")]
    Store(#[from] StoreError),
}

/// Whether there is a password.
///
/// # Errors
/// Where the store cannot be read.
pub async fn has_password(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(stored(store).await?.is_some())
}

/// Sets the password that signs in from other machines.
///
/// # Errors
/// For one that is too short or too long, and where the store cannot be written.
pub async fn set_password(store: &dyn Store, password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let password = password.to_owned();
    let hashed = hashing(move || {
        let hash = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
    });
    let hash =
        hashed.await.unwrap_or_else(|| Err(PasswordError::Hash("it was given up".into())))?;
    Ok(store.set_setting(SETTING, &hash).await?)
}

/// Takes the password away: nobody signs in by one any more.
///
/// # Errors
/// Where the store cannot be written.
pub async fn remove_password(store: &dyn Store) -> Result<(), StoreError> {
    store.set_setting(SETTING, "").await
}

/// Whether this is the password; slow on purpose.
///
/// # Errors
/// Where the store cannot be read.
pub async fn is_password(store: &dyn Store, typed: &str) -> Result<bool, StoreError> {
    let Some(hash) = stored(store).await? else { return Ok(false) };
    if typed.len() > MAX_BYTES {
        return Ok(false);
    }
    let typed = typed.to_owned();
    let verified = hashing(move || {
        let hash = PasswordHash::new(&hash).ok()?;
        Argon2::default().verify_password(typed.as_bytes(), &hash).ok()
    });
    Ok(verified.await.flatten().is_some())
}

async fn stored(store: &dyn Store) -> Result<Option<String>, StoreError> {
    Ok(store.setting(SETTING).await?.filter(|hash| !hash.is_empty()))
}

/// Runs a slow hash beside the tasks; `None` where it did not come to its end.
async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = HASHING.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}
