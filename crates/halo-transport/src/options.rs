//! How a client behaves, and why none could be made.

use std::path::PathBuf;
use std::time::Duration;

use halo_types::{Evidence, Phase, Proxy, ProxyUrl, TransportClass, TransportFailure};

use crate::Call;
use crate::ca::CaError;
use crate::fault::chain;
use crate::scene::Scene;

/// How a client behaves. There is no total deadline: a healthy answer may take as long as it
/// likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// The longest wait for a connection: name, TCP, proxy and TLS together.
    pub connect_timeout: Duration,
    /// The longest wait for response headers, from the moment of sending. Lasts a moment longer
    /// than `connect_timeout` at least. The first words of an answer have at least this long, too.
    pub first_byte_timeout: Duration,
    /// The longest pause between two events of an answer. Keep-alive comments do not count.
    pub idle_timeout: Duration,
    /// Which proxy requests take.
    pub proxy: Proxy,
    /// Whether a proxy given by its address is used for servers on this machine, too. The
    /// system's proxy never is: it would look for them on its own side.
    pub proxy_this_machine: bool,
    /// A file with certificates (PEM) that are trusted besides those of the system. It is read
    /// when the client is made.
    pub ca_file: Option<PathBuf>,
    /// How much is read.
    pub limits: Limits,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            first_byte_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(120),
            proxy: Proxy::System,
            proxy_this_machine: false,
            ca_file: None,
            limits: Limits::default(),
        }
    }
}

/// How many bytes of an answer are read, after decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most that is kept of a failed answer's body.
    pub error_body: usize,
    /// The longest whole answer, and the longest single frame of a stream.
    pub whole: usize,
    /// The longest stream.
    pub stream: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { error_body: 1 << 20, whole: 32 << 20, stream: 256 << 20 }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The HTTP client does not take this proxy.
    #[error("the proxy {proxy} cannot be used")]
    Proxy {
        /// The address; it prints without its password.
        proxy: ProxyUrl,
        /// What the HTTP client said.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The file of further certificates cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The certificates cannot be used.
    #[error("encryption could not be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Build(#[source] reqwest::Error),
}

impl ClientError {
    /// It as a failure of a request that could not leave because of it.
    #[must_use]
    pub fn failure(&self) -> TransportFailure {
        let class = match self {
            Self::Ca(_) | Self::Tls(_) => TransportClass::Certificate,
            Self::Proxy { .. } => TransportClass::Proxy,
            Self::Build(_) => TransportClass::Other,
        };
        TransportFailure { class, chain: chain(self) }
    }

    /// Evidence of a call that could not leave because of it.
    #[must_use]
    pub fn evidence(&self, call: &Call) -> Box<Evidence> {
        Scene::of(call, &[]).unanswered(Phase::Connect, self.failure())
    }
}
