//! Names the step of an exchange that failed, for a connection test.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use halo_types::{Evidence, Phase, TransportClass, TransportFailure};
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::Client;
use crate::fault::{chain, io_class};
use crate::scene::failure;

/// A step on the way to an answer, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The URL itself.
    Address,
    /// Reaching the proxy and being let through.
    Proxy,
    /// Finding the address of a host name.
    Dns,
    /// Connecting to it.
    Tcp,
    /// Agreeing on encryption, and the certificate.
    Tls,
    /// Waiting for the answer to begin.
    Request,
    /// The answer: its status, its body, its end.
    Answer,
}

impl Stage {
    /// The step at which a real request failed.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let class = evidence.transport.as_ref().map(|failure| failure.class);
        match (evidence.phase, class) {
            (_, Some(TransportClass::Proxy)) => Self::Proxy,
            (_, Some(TransportClass::Dns)) => Self::Dns,
            (_, Some(TransportClass::Certificate | TransportClass::Tls)) => Self::Tls,
            (Some(Phase::Connect), Some(TransportClass::Other)) => Self::Address,
            (Some(Phase::Connect), _) => Self::Tcp,
            (Some(Phase::Headers), _) => Self::Request,
            (Some(Phase::Body | Phase::Stream) | None, _) => Self::Answer,
        }
    }
}

/// How one step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageReport {
    /// The step.
    pub stage: Stage,
    /// How long it took.
    pub took: Duration,
    /// The addresses found or connected to; or why it failed.
    pub outcome: Result<String, TransportFailure>,
}

impl Client {
    /// Walks the first steps to a server by hand, with times: the host name, then the TCP
    /// connection. Behind a proxy there is one step, the connection to the proxy. Stops at the
    /// first failure. Sends nothing.
    ///
    /// The later steps are those of a real request: [`Stage::of`] names the one that failed.
    pub async fn connect_stages(&self, url: &str) -> Vec<StageReport> {
        let mut reports = Vec::new();
        let started = Instant::now();
        let (url, proxied) = match self.next_hop(url) {
            Ok(hop) => hop,
            Err(text) => {
                let outcome = Err(failure(TransportClass::Other, text));
                let took = started.elapsed();
                return vec![StageReport { stage: Stage::Address, took, outcome }];
            }
        };
        let patience = self.options.connect_timeout;
        let found = timed(patience, TransportClass::Dns, resolve(&url)).await;
        let addresses = found.outcome.clone();
        if !proxied || addresses.is_err() {
            let stage = if proxied { Stage::Proxy } else { Stage::Dns };
            reports.push(found.report(stage, |addresses| {
                let texts: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
                texts.join(", ")
            }));
        }
        if let Ok(addresses) = addresses {
            let connect = async { TcpStream::connect(addresses.as_slice()).await?.peer_addr() };
            let connected = timed(patience, TransportClass::ConnectTimeout, connect).await;
            let stage = if proxied { Stage::Proxy } else { Stage::Tcp };
            reports.push(connected.report(stage, ToString::to_string));
        }
        reports
    }

    /// Where the TCP connection goes: the server itself, or the proxy before it.
    fn next_hop(&self, url: &str) -> Result<(Url, bool), String> {
        let parse = |text: &str| Url::parse(text.trim()).map_err(|error| error.to_string());
        let url = parse(url)?;
        match self.routes.proxy_for(&url) {
            Some(proxy) => Ok((parse(&proxy)?, true)),
            None => Ok((url, false)),
        }
    }
}

async fn resolve(url: &Url) -> io::Result<Vec<SocketAddr>> {
    let none = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let host = url.host_str().ok_or_else(|| none("the URL names no host"))?;
    let port =
        url.port_or_known_default().or_else(|| url.scheme().starts_with("socks").then_some(1080));
    let port = port.ok_or_else(|| none("the URL names no port"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok(lookup_host((host, port)).await?.collect())
}

/// A step with its time.
struct Timed<T> {
    took: Duration,
    outcome: Result<T, TransportFailure>,
}

async fn timed<T>(
    patience: Duration,
    otherwise: TransportClass,
    work: impl Future<Output = io::Result<T>>,
) -> Timed<T> {
    let started = Instant::now();
    let outcome = match timeout(patience, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let class = match (otherwise, io_class(&error)) {
                (TransportClass::Dns, _) => TransportClass::Dns,
                (_, class) => class,
            };
            Err(TransportFailure { class, chain: chain(&error) })
        }
        Err(_) => Err(failure(otherwise, format!("no success within {patience:?}"))),
    };
    Timed { took: started.elapsed(), outcome }
}

impl<T> Timed<T> {
    fn report(self, stage: Stage, words: impl FnOnce(&T) -> String) -> StageReport {
        StageReport { stage, took: self.took, outcome: self.outcome.map(|value| words(&value)) }
    }
}
