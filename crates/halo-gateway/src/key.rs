//! Halo keys: what programs present to the gateway. The store holds their hashes only.

use halo_engine::now;
use halo_store::{Store, StoreError, TokenKind, TokenRow};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Every key begins so, which tells it from the keys of providers.
const PREFIX: &str = "halo_";
/// The setting that remembers that the first key was made.
const FIRST_MADE: &str = "gateway.first_key_made";
/// How exact the time of the last use is kept, in milliseconds.
const USE_NOTED_EVERY_MS: u64 = 60_000;

/// Why no key could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The store failed.
    #[error("the gateway key could not be stored")]
    Store(#[from] StoreError),
    /// The system gave no randomness.
    #[error("the system gave no random bytes for a gateway key: {0}")]
    NoRandomness(getrandom::Error),
}

/// Makes the first key, at the first start only, and returns it. It cannot be read again.
///
/// Later calls return `None`, even after the person has removed every key.
///
/// # Errors
/// If the store fails or the system gives no randomness.
pub async fn ensure_key(store: &dyn Store) -> Result<Option<String>, KeyError> {
    if store.setting(FIRST_MADE).await?.is_some() {
        return Ok(None);
    }
    let key = if store.tokens(TokenKind::GatewayKey).await?.is_empty() {
        Some(new_key(store, "").await?)
    } else {
        None
    };
    store.set_setting(FIRST_MADE, "1").await?;
    Ok(key)
}

/// Makes a key and returns it. Only its hash is kept, so this is the one time it can be shown.
///
/// # Errors
/// If the store fails or the system gives no randomness.
pub async fn new_key(store: &dyn Store, label: &str) -> Result<String, KeyError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(KeyError::NoRandomness)?;
    let key = format!("{PREFIX}{}", hex(&bytes));
    store
        .put_token(&TokenRow {
            kind: TokenKind::GatewayKey,
            hash: hash(&key),
            label: label.to_owned(),
            created_at: now(),
            expires_at: None,
            used_at: None,
        })
        .await?;
    Ok(key)
}

/// Whether one of `presented` is a key. Takes as long for a near miss as for a far one.
pub(crate) async fn is_known(store: &dyn Store, presented: &[&str]) -> Result<bool, StoreError> {
    let hashes: Vec<String> = presented.iter().map(|key| hash(key)).collect();
    let mut found = None;
    for row in store.tokens(TokenKind::GatewayKey).await? {
        for hash in &hashes {
            if bool::from(hash.as_bytes().ct_eq(row.hash.as_bytes())) {
                found = Some(row.clone());
            }
        }
    }
    let now = now();
    let Some(row) = found.filter(|row| row.expires_at.is_none_or(|end| now < end)) else {
        return Ok(false);
    };
    if row.used_at.is_none_or(|at| now.ms_since(at) >= USE_NOTED_EVERY_MS) {
        store.touch_token(TokenKind::GatewayKey, &row.hash, now).await?;
    }
    Ok(true)
}

/// The SHA-256 of a key, in hex: what is stored instead of it.
fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
