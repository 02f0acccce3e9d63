//! What next after a failure: wait and send again, change what is sent, or ask the person.
//!
//! The [`Machine`] decides for the chat, the gateway and the command line alike. It does no I/O,
//! takes the time as an argument and draws its jitter from a seed, so that every decision can be
//! tested by data. What it decides is bounded: a [`Policy`] caps the tries and the time in line,
//! and nothing that was refused for good is sent again unchanged.
//!
//! Beside the machine of one turn stand those that all turns share: the [`Health`] of providers
//! and keys with its breakers and budgets, and the [`Pace`] of each key. The [`ladder`] says where
//! else a turn may go, and [`cure`] what helps against which kind.
//!
//! ```
//! use halo_recover::{Machine, Next, Policy, Signs, Situation};
//! use halo_types::{Kind, Timestamp};
//!
//! let mut machine = Machine::new(Policy::default(), 7);
//! let overloaded = Signs::of(Kind::Overloaded);
//! let now = Timestamp(0);
//! let next = machine.handle_failure(&overloaded, &Situation::default(), now);
//! assert!(matches!(next, Next::SendAt { .. }));
//!
//! let quota = Signs::of(Kind::QuotaExhausted);
//! assert_eq!(machine.handle_failure(&quota, &Situation::default(), now), Next::Ask { due: None });
//! ```

mod backoff;
mod breaker;
mod budget;
mod cures;
mod fit;
mod health;
mod ladder;
mod machine;
mod pace;

pub use breaker::Breaker;
pub use budget::Budget;
pub use cures::{Cure, Mending, cure, table};
pub use fit::fits;
pub use health::{Health, KeyId, Outcome, Place, Unwell};
pub use ladder::{Candidate, Reach, Rung, Spot, ladder, rung, same_model};
pub use machine::{MAX_LATER_MS, Machine, Next, Outlook, Policy, Repair, Signs, Situation, Way};
pub use pace::{Admission, Pace, Ticket};
