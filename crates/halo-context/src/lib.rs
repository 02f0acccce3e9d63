//! What to send: a request is a view of the log.
//!
//! The log is never changed. [`view`] computes a request from the messages of a branch, the steps
//! in force and what is known about the target model; the same inputs give the same request.
//! Compaction is planned here too: [`plan`] says which span to summarise, [`Compaction`] with what
//! requests to which model, and [`summary_by_rule`] how when no model can.
//!
//! ```
//! use halo_context::{ModelFacts, ViewInput, view};
//! use halo_types::{Protocol, Target};
//!
//! let target = Target { provider: "practice".parse()?, model: "halo-practice".to_owned() };
//! let facts = ModelFacts::default();
//! let view = view(&ViewInput {
//!     branch: &[], steps: &[], pinned: &[], target: &target, protocol: Protocol::OpenaiChat, facts: &facts,
//!     system: Some("Be brief."), parameters: &Default::default(),
//! });
//! assert_eq!(view.request.system.as_deref(), Some("Be brief."));
//! # Ok::<(), halo_types::IdError>(())
//! ```

mod bpe;
mod compact;
mod cut;
mod estimate;
mod facts;
mod join;
mod limits;
mod machine;
mod mend;
mod pictures;
mod respect;
mod rule;
mod supplement;
mod tokens;
mod view;

pub use compact::{
    CompactError, CompactInput, CompactPlan, MAX_SUMMARY_TOKENS, MAX_USELESS_TRIES,
    USUAL_COMPACT_AT, plan,
};
pub use estimate::{Correction, Estimator, TokenCache};
pub use facts::{Known, ModelFacts, REFUSAL_LASTS_MS, is_doubted, resolve};
pub use join::{Joined, continue_instruction, join};
pub use limits::{PictureFaults, PictureLimits};
pub use machine::{Compaction, Fault, MAX_REQUESTS, Next, Summary, Writer};
pub use mend::Mend;
pub use respect::{Success, disproved, parameter_key, respect};
pub use rule::summary_by_rule;
pub use view::{View, ViewInput, view};
