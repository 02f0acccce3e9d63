//! A provider that fails on demand.
//!
//! The simulator speaks Anthropic Messages and OpenAI Chat Completions, streaming or not, and
//! plays every error of Halo's reference in the words of the real providers. It is the practice
//! provider of a first run, the fault gallery, and the test bench of every other crate.
//!
//! A [`Scenario`] is data (`scenarios/*.toml`): its id is the name of the model that plays it.
//! Beside the scenarios, a model named `rule:` and the id of a rule of the diagnosis answers with
//! that rule's first example. Faults of the connection really happen on the socket. Every
//! exchange is kept in a bounded journal ([`Simulator::journal`]), with the bytes that went out
//! and with what was wrong in the message list that came in.
//!
//! Nothing here knows the engine: what the simulator asserts, it asserts from outside.
//!
//! ```
//! use halo_sim::{SimOptions, Simulator, serve};
//! use tokio_util::sync::CancellationToken;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let sim = Simulator::new(SimOptions::default());
//! assert!(sim.scenarios().iter().any(|scenario| scenario.id == "rate-limit"));
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let stop = CancellationToken::new();
//! let server = tokio::spawn(serve(listener, sim.clone(), stop.clone()));
//! // … requests to http://127.0.0.1:PORT/v1/messages …
//! stop.cancel();
//! server.await?;
//! assert!(sim.journal().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catalogue;
mod conn;
mod counter;
mod direct;
mod exchange;
mod journal;
mod limits;
mod play;
mod scenario;
mod server;
mod sloppy;
mod text;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use halo_types::Timestamp;
use halo_wire::ModelInfo;

use crate::catalogue::Catalogue;
use crate::counter::Counters;
use crate::journal::Journal;

pub use direct::{Break, Directing, Director, Scene};
pub use journal::{Ended, Exchange};
pub use scenario::{Filler, Group, ModelFacts, Scenario, Words};
pub use server::serve;

/// The model that simply answers.
pub const PRACTICE_MODEL: &str = "halo-practice";

/// How a simulator behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct SimOptions {
    /// How much faster than life answers are written: 1 is natural, larger is faster,
    /// [`f64::INFINITY`] is without pauses. Waits a provider asks for stay as they are.
    pub speed: f64,
    /// The most exchanges the journal keeps.
    pub journal: usize,
    /// Whether `GET /_sim/journal` shows the journal.
    pub expose_journal: bool,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self { speed: 1.0, journal: 1_000, expose_journal: false }
    }
}

/// A provider that fails on demand. Clones share counters and journal.
#[derive(Debug, Clone)]
pub struct Simulator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: SimOptions,
    catalogue: Catalogue,
    counters: Counters,
    journal: Journal,
    requests: AtomicU64,
    director: Option<Arc<dyn Director>>,
}

impl Simulator {
    /// A simulator with the embedded scenarios.
    #[must_use]
    pub fn new(options: SimOptions) -> Self {
        Self::with(options, None)
    }

    /// A simulator in which `director` decides first.
    #[must_use]
    pub fn directed(options: SimOptions, director: Arc<dyn Director>) -> Self {
        Self::with(options, Some(director))
    }

    fn with(options: SimOptions, director: Option<Arc<dyn Director>>) -> Self {
        let catalogue = Catalogue::load()
            .expect("the embedded scenarios are checked by the tests of the crate");
        Self(Arc::new(Inner {
            journal: Journal::new(options.journal),
            options,
            catalogue,
            counters: Counters::default(),
            requests: AtomicU64::new(0),
            director,
        }))
    }

    /// Everything it can play, in the order of a gallery.
    #[must_use]
    pub fn scenarios(&self) -> &[Scenario] {
        &self.0.catalogue.scenarios
    }

    /// One scenario.
    #[must_use]
    pub fn scenario(&self, id: &str) -> Option<&Scenario> {
        self.0.catalogue.find(id)
    }

    /// The models as its list shows them.
    #[must_use]
    pub fn models(&self) -> Vec<ModelInfo> {
        self.scenarios()
            .iter()
            .filter(|scenario| scenario.listed)
            .map(|scenario| ModelInfo {
                id: scenario.id.clone(),
                name: Some(scenario.title.en.clone()),
                context_window: scenario.facts.context_window,
                max_output: scenario.facts.max_output,
                vision: scenario.facts.vision,
                ..ModelInfo::default()
            })
            .collect()
    }

    /// The last exchanges, oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Exchange> {
        self.0.journal.all()
    }

    /// Forgets the exchanges.
    pub fn clear_journal(&self) {
        self.0.journal.clear();
    }
}

/// The time of the exchange's record.
fn now() -> Timestamp {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}
