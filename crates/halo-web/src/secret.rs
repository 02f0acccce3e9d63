//! Random tokens and their hashes.

use sha2::{Digest as _, Sha256};

/// The system could not give random bytes.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the system gave no random bytes for a token: {0}")]
pub struct NoRandomness(getrandom::Error);

/// 256 random bits as 64 hex digits.
pub(crate) fn token() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(hex(&bytes))
}

/// The SHA-256 of a token, in hex: what is stored instead of it.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
