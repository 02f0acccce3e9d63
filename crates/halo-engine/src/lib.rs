//! Runs turns: the one API behind the pages, the gateway and the command line.
//!
//! The engine ties the store, the transport, the view and the recovery machine together. A prompt
//! is on disk before it is sent, an attempt is recorded before its request leaves, an answer is
//! journalled while it streams, and a turn lives in a task of its own that no closed tab ends.
//! What the engine does not do: speak HTTP itself, decide what an error means, or decide what
//! follows it. Those are `halo-transport`, `halo-diagnose` and `halo-recover`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use halo_config::{Config, Paths};
//! use halo_engine::{Engine, Options, Submission};
//! use halo_store_sqlite::SqliteStore;
//! # async fn example(turn: halo_types::TurnId) -> Result<(), Box<dyn std::error::Error>> {
//! let paths = Paths::resolve(None)?;
//! let store = Arc::new(SqliteStore::open(&paths.database()).await?);
//! let engine = Engine::open(Options::new(Config::load(paths)?, store)).await?;
//! let conversation = engine.create(None).await?;
//! engine
//!     .submit(Submission {
//!         turn,
//!         conversation,
//!         text: "Hello".to_owned(),
//!         images: Vec::new(),
//!         target: None,
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod act;
pub mod archive;
mod clients;
mod clock;
mod compact;
mod conversations;
mod doctor;
mod engine;
mod error;
mod exchange;
mod facts;
mod fetch;
pub mod gallery;
mod journal;
mod ladder;
mod lanes;
mod live;
mod log;
mod model;
mod offers;
mod outbox;
mod pictures;
mod practice;
mod providers;
pub mod reliability;
mod search;
mod settle;
mod shrink;
mod sizes;
mod speaker;
mod start;
mod submit;
mod summaries;
mod turn;
mod turn_state;
mod view;
mod waits;
mod watch;

pub use act::{Act, Edit};
pub use clock::{Clock, now};
pub use doctor::{
    DoctorReport, DoctorStage, Patient, Proof, RawReply, StageReport, TestFailure, Verdict,
    learned_words,
};
pub use engine::{Engine, Options};
pub use error::EngineError;
pub use halo_context::{
    CompactError, Known, Mend, ModelFacts, PictureFaults, PictureLimits, is_doubted,
};
pub use halo_store::{Found, SearchHit, Snippet};
pub use halo_store_sqlite::{Onward, Rescue};
pub use halo_transport::{CaError, check_ca_file};
pub use model::{
    Activity, AttemptLine, Card, ConversationSummary, ConversationView, Item, MessageView, Meter,
    Offer, Purpose, Running, StepView, Update, WaitView,
};
pub use outbox::OutboxEntry;
pub use pictures::MAX_PICTURE_BYTES;
pub use practice::{Practice, PracticeScenario};
pub use providers::TargetInfo;
pub use speaker::Speaker;
pub use submit::{Submission, Submitted};
pub use turn_state::TurnState;
