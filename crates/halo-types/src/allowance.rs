//! What a provider says is left of a rate limit.

use crate::Timestamp;

/// What a rate limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Requests.
    Requests,
    /// Tokens.
    Tokens,
}

/// The state of one rate limit of a key, as a provider's headers told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// What it counts.
    pub of: Counted,
    /// How much there is in all; `None` where it was not told.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: u64,
    /// When it is whole again.
    pub until: Timestamp,
}
