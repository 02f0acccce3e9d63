//! Names the step of an exchange that failed, for a connection test.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use halo_types::{Evidence, Phase, TransportClass, TransportFailure};
use reqwest::Url;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::Client;
use crate::certificate::describe;
use crate::fault::{chain, handshake_class, io_class};
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
    /// Walks the first steps to a server by hand, with times: the host name, the TCP connection,
    /// the encryption. Behind a proxy there is one step: the proxy is reached and asked for the
    /// way. Stops at the first failure. Sends no request.
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
            let connect = TcpStream::connect(addresses.as_slice());
            let connected = timed(patience, TransportClass::ConnectTimeout, connect).await;
            let took = connected.took;
            match connected.outcome {
                Ok(stream) => {
                    let peer = stream.peer_addr().map(|peer| peer.to_string());
                    let outcome = Ok(peer.unwrap_or_default());
                    reports.push(StageReport { stage: Stage::Tcp, took, outcome });
                    if url.scheme() == "https" {
                        reports.push(self.handshake(stream, &host).await);
                    }
                }
                Err(fault) => {
                    reports.push(StageReport { stage: Stage::Tcp, took, outcome: Err(fault) });
                }
            }
        }
        reports
    }

    /// Agrees on encryption over a connection, and says on which and with whom.
    async fn handshake(&self, stream: TcpStream, host: &str) -> StageReport {
        let patience = self.options.connect_timeout;
        let config = Arc::clone(&self.tls);
        let work = async {
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            TlsConnector::from(config).connect(name, stream).await
        };
        let started = Instant::now();
        let done = timeout(patience, work).await;
        let took = started.elapsed();
        let outcome = match done {
            Ok(Ok(stream)) => Ok(agreed(stream.get_ref().1)),
            Ok(Err(error)) => {
                Err(TransportFailure { class: handshake_class(&error), chain: chain(&error) })
            }
            Err(_) => Err(failure(
                TransportClass::ConnectTimeout,
                format!("no encryption agreed on within {patience:?}"),
            )),
        };
        StageReport { stage: Stage::Tls, took, outcome }
    }
}

/// `TLSv1_3 · HTTP/2 · api.example.com, valid to 2026-12-01, issued by …`
fn agreed(connection: &rustls::ClientConnection) -> String {
    let version = connection.protocol_version().and_then(|version| version.as_str());
    let http = match connection.alpn_protocol() {
        Some(b"h2") => "HTTP/2",
        _ => "HTTP/1.1",
    };
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    [version.unwrap_or("TLS").to_owned(), http.to_owned()]
        .into_iter()
        .chain(certificate.and_then(|certificate| describe(certificate)))
        .collect::<Vec<_>>()
        .join(" · ")
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
