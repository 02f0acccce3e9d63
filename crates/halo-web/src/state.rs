//! What every handler shares.

use std::sync::Arc;

use halo_engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::access::Gate;
use crate::live::Hub;
use crate::markdown::Renderer;

/// How the pages are served.
#[derive(Debug, Clone, Default)]
pub struct WebOptions {
    /// Host names under which the pages may be reached, without port. `localhost` and addresses
    /// written as numbers are always accepted; any other name must stand here, because a name
    /// can be made to point at this computer by a stranger.
    pub hosts: Vec<String>,
    /// Ends event streams, so that a shutdown does not wait for open pages.
    pub shutdown: CancellationToken,
    /// The address for reports, where one is known.
    pub issues_url: Option<String>,
}

/// What every handler shares. Cloning it is cheap.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    options: WebOptions,
    hub: Hub,
    renderer: Renderer,
    gate: Gate,
}

impl AppState {
    /// Shares an engine with the pages. Must be called inside a tokio runtime: it starts the
    /// task that turns the engine's news into events for browsers, which ends with
    /// [`WebOptions::shutdown`].
    #[must_use]
    pub fn new(engine: Engine, options: WebOptions) -> Self {
        let hub = Hub::start(engine.clone(), options.shutdown.clone());
        let (renderer, gate) = (Renderer::default(), Gate::default());
        Self { inner: Arc::new(Inner { engine, options, hub, renderer, gate }) }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// How the pages are served.
    #[must_use]
    pub fn options(&self) -> &WebOptions {
        &self.inner.options
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Who may try a password.
    pub(crate) fn gate(&self) -> &Gate {
        &self.inner.gate
    }

    pub(crate) fn renderer(&self) -> &Renderer {
        &self.inner.renderer
    }
}
