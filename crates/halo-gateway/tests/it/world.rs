//! A gateway with providers that the simulator plays.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use halo_config::{
    Config, ConnectionSettings, Environment, Flags, Paths, ProviderConfig, RecoverySettings,
};
use halo_engine::{Engine, Options};
use halo_sim::{Exchange, SimOptions, Simulator};
use halo_store_sqlite::SqliteStore;
use halo_types::{Protocol, Target};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The key that the providers are called with.
pub(crate) const PROVIDER_KEY: &str = "sk-provider-secret-0123456789abcdef";

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) engine: Engine,
    sim: Simulator,
    _folder: TempDir,
    _stop: DropGuard,
}

impl World {
    /// Providers `openai` and `anthropic`, each named after its protocol and played by the
    /// simulator; two tries.
    pub(crate) async fn new() -> Self {
        let sim = Simulator::new(SimOptions { speed: f64::INFINITY, ..SimOptions::default() });
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(halo_sim::serve(listener, sim.clone(), stop.clone()));
        Self::at(address, sim, stop).await
    }

    /// The same with another server as the provider.
    pub(crate) async fn with_upstream(upstream: SocketAddr) -> Self {
        Self::at(upstream, Simulator::new(SimOptions::default()), CancellationToken::new()).await
    }

    async fn at(upstream: SocketAddr, sim: Simulator, stop: CancellationToken) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(Some(folder.path().to_owned())).unwrap();
        let none: [(&str, &str); 0] = [];
        let config =
            Config::load_with(paths.clone(), Environment::fixed(none), Flags::default()).unwrap();
        for protocol in Protocol::ALL {
            config.save_provider(provider(*protocol, upstream)).unwrap();
            config.set_keys(&provider(*protocol, upstream).id, &[PROVIDER_KEY]).unwrap();
        }
        let target = Target { provider: "openai".parse().unwrap(), model: "m".to_owned() };
        config.set_default_target(Some(target)).unwrap();
        config
            .set_recovery(RecoverySettings { max_tries: 2, ..RecoverySettings::default() })
            .unwrap();
        let store = Arc::new(SqliteStore::open(&paths.database()).await.unwrap());
        let engine = Engine::open(Options::new(config, store)).await.unwrap();
        let key = halo_gateway::new_key(engine.store().as_ref(), "test").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let server = axum::serve(listener, halo_gateway::router(engine.clone()))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Self { address, key, engine, sim, _folder: folder, _stop: stop.drop_guard() }
    }

    /// What the provider was asked and what it answered, oldest first.
    pub(crate) fn journal(&self) -> Vec<Exchange> {
        self.sim.journal()
    }

    /// Empties the journal.
    pub(crate) fn forget(&self) {
        self.sim.clear_journal();
    }
}

fn provider(protocol: Protocol, upstream: SocketAddr) -> ProviderConfig {
    let (id, preset) = match protocol {
        Protocol::Anthropic => ("anthropic", "anthropic-compatible"),
        Protocol::OpenaiChat => ("openai", "openai-compatible"),
        Protocol::OpenaiResponses => ("responses", "openai-responses-compatible"),
        Protocol::Gemini => ("gemini", "gemini-compatible"),
    };
    ProviderConfig {
        id: id.parse().unwrap(),
        name: format!("Simulated {id}"),
        preset: preset.to_owned(),
        protocol,
        base_url: format!("http://{upstream}"),
        key_env: None,
        needs_key: true,
        models: vec![format!("{id}-only")],
        connection: ConnectionSettings::default(),
    }
}
