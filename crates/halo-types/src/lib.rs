//! The shared vocabulary of Halo.
//!
//! Every crate of the workspace speaks in these words: the neutral conversation model
//! ([`Message`], [`Part`]), the append-only log ([`Record`]), what a failure left behind
//! ([`Evidence`]), what that means ([`Diagnosis`]), and what may be done about it ([`Action`],
//! [`Step`], [`Fact`]). Nothing here does I/O, reads a clock or draws randomness: identifiers and
//! instants are handed in by the caller.
//!
//! ```
//! use halo_types::{Evidence, Kind};
//!
//! let evidence: Evidence =
//!     serde_json::from_str(r#"{"status":429,"body":"Too Many Requests"}"#)?;
//! assert_eq!(evidence.status, Some(429));
//! assert!(Kind::RateLimited.is_transient());
//! # Ok::<(), serde_json::Error>(())
//! ```

mod allowance;
mod conversation;
mod diagnosis;
mod evidence;
mod fact;
mod ids;
mod kind;
mod price;
mod proxy;
mod record;
pub mod redact;
mod request;
mod step;

pub use allowance::{Allowance, Counted};
pub use conversation::{
    Branch, Ending, ImageRef, Message, Origin, Part, Role, StopReason, Target, Usage,
};
pub use diagnosis::{
    Action, Because, Blame, Confidence, Diagnosis, Facts, Lang, Remedy, Retry, Scope,
};
pub use evidence::{
    Body, Evidence, Headers, Phase, RequestFacts, TransportClass, TransportFailure,
};
pub use fact::{Fact, FactFault, FactOrigin, FactScope, FactValue};
pub use ids::{
    AttemptId, BlobId, ConversationId, FactId, IdError, MessageId, ProviderId, StepId, Timestamp,
    TurnId,
};
pub use kind::Kind;
pub use price::{Price, dollars, nano_dollars};
pub use proxy::{PROXY_SCHEMES, Proxy, ProxyError, ProxyUrl, mask_proxy};
pub use record::{
    AttemptEnd, AttemptOutcome, AttemptStart, ConversationMeta, Head, Instead, Parameters, Pin,
    Record, StepRedone, StepUndone, Tombstone, Turn, TurnKind, Wait, WaitEnd,
};
pub use request::{
    Blobs, ChatRequest, OutputFormat, Protocol, RequestMessage, ThinkingSpec, ToolChoice, ToolSpec,
};
pub use step::{SmallerImage, Step, StepBy, StepKind};
