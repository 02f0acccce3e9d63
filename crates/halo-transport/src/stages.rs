//! Names the step of an exchange that failed, for a connection test.

use std::io;
use std::time::{Duration, Instant};

use halo_types::{Evidence, Phase, TransportClass, TransportFailure};
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::Client;
use crate::fault::{chain, io_class};
use crate::scene::failure;
use crate::tunnel::ask;

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
    /// connection. Behind a proxy there is one step: the proxy is reached and asked for the way.
    /// Stops at the first failure. Sends nothing to the server.
    ///
    /// The later steps are those of a real request: [`Stage::of`] names the one that failed.
    pub async fn connect_stages(&self, url: &str) -> Vec<StageReport> {
        let started = Instant::now();
        let (url, host, port) = match target(url) {
            Ok(target) => target,
            Err(text) => {
                let outcome = Err(failure(TransportClass::Other, text));
                let took = started.elapsed();
                return vec![StageReport { stage: Stage::Address, took, outcome }];
            }
        };
        let patience = self.options.connect_timeout;
        if let Some(proxy) = self.routes.proxy_for(&url) {
            let asked = timeout(patience, ask(&proxy, &host, port, url.scheme() == "https")).await;
            let fault = |chain| TransportFailure { class: TransportClass::Proxy, chain };
            let outcome = match asked {
                Ok(Ok(words)) => Ok(words),
                Ok(Err(error)) => Err(fault(chain(&error))),
                Err(_) => Err(fault(vec![format!("no way through the proxy within {patience:?}")])),
            };
            let took = started.elapsed();
            return vec![StageReport { stage: Stage::Proxy, took, outcome }];
        }
        let resolve = async { Ok(lookup_host((host.as_str(), port)).await?.collect::<Vec<_>>()) };
        let found = timed(patience, TransportClass::Dns, resolve).await;
        let addresses = found.outcome.clone();
        let mut reports = vec![found.report(Stage::Dns, |addresses| {
            let texts: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            texts.join(", ")
        })];
        if let Ok(addresses) = addresses {
            let connect = async { TcpStream::connect(addresses.as_slice()).await?.peer_addr() };
            let connected = timed(patience, TransportClass::ConnectTimeout, connect).await;
            reports.push(connected.report(Stage::Tcp, ToString::to_string));
        }
        reports
    }
}

/// A URL with its host and port.
fn target(url: &str) -> Result<(Url, String, u16), String> {
    let url = Url::parse(url.trim()).map_err(|error| error.to_string())?;
    let host = url.host_str().ok_or("the URL names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_or_known_default().ok_or("the URL names no port")?;
    Ok((url, host, port))
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
