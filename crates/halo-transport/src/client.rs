//! The client: settings, sending, and what happens until the headers are there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use halo_types::redact::mask;
use halo_types::{Evidence, Headers, Phase, TransportClass, TransportFailure};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url, redirect, retry};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::classify;
use crate::reply::Reply;
use crate::route::{DIRECT, Routes, is_this_machine};
use crate::scene::{SECRET_SLACK, Scene, failure, is_secret_header};
use crate::{Call, Method, tls};

/// The longest wait for the rest of an error body whose sender stalls: the status is known, and
/// somebody waits for it.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(10);

/// How a client behaves. There is no total deadline: a healthy answer may take as long as it
/// likes.
#[derive(Clone)]
pub struct ClientOptions {
    /// The longest wait for a connection: name, TCP, proxy and TLS together.
    pub connect_timeout: Duration,
    /// The longest wait for response headers, from the moment of sending. Never shorter than
    /// `connect_timeout`. The first words of an answer have at least this long, too.
    pub first_byte_timeout: Duration,
    /// The longest pause between two events of an answer. Keep-alive comments do not count.
    pub idle_timeout: Duration,
    /// The proxy for everything but this machine, for example `http://127.0.0.1:7890` or
    /// `socks5h://user:password@proxy:1080`. `None` takes the system's proxy, if it has one;
    /// `direct` goes straight even then.
    pub proxy: Option<String>,
    /// How much is read.
    pub limits: Limits,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            first_byte_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(120),
            proxy: None,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for ClientOptions {
    /// The proxy appears without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("first_byte_timeout", &self.first_byte_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("proxy", &self.proxy.as_deref().map(|proxy| mask(proxy, &[])))
            .field("limits", &self.limits)
            .finish()
    }
}

/// How many bytes of an answer are read, after decompression.
#[derive(Debug, Clone, Copy)]
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
    /// The proxy is not one that Halo can use.
    #[error("the proxy {proxy:?} is no URL such as http://host:port or socks5://host:port")]
    Proxy {
        /// The setting as given, password masked.
        proxy: String,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Build(#[source] reqwest::Error),
}

/// Sends calls to providers. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    /// For this machine, never through a proxy.
    near: reqwest::Client,
    /// For everybody else.
    far: reqwest::Client,
    pub(crate) routes: Arc<Routes>,
    pub(crate) options: ClientOptions,
}

impl Client {
    /// Sets up a client.
    ///
    /// # Errors
    /// If the proxy is not usable, or the HTTP client cannot be set up.
    pub fn new(mut options: ClientOptions) -> Result<Self, ClientError> {
        tls::install_tls();
        options.first_byte_timeout = options.first_byte_timeout.max(options.connect_timeout);
        let tls = tls::config();
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(options.connect_timeout)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .tcp_nodelay(true)
                // Below the idle limits of common servers, so that few requests meet a
                // connection which is just being closed.
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("halo/", env!("CARGO_PKG_VERSION")))
        };
        let near = builder().no_proxy().build().map_err(ClientError::Build)?;
        let mut far = builder();
        if let Some(proxy) = &options.proxy {
            far = far.no_proxy();
            if proxy != DIRECT {
                far = far.proxy(usable_proxy(proxy)?);
            }
        }
        let far = far.build().map_err(ClientError::Build)?;
        let routes = Arc::new(Routes::new(options.proxy.as_deref()));
        Ok(Self { near, far, routes, options })
    }

    /// Sends a call once and waits for the head of its answer.
    ///
    /// # Errors
    /// Evidence of whatever kept an answer from beginning: no connection, no headers in time, a
    /// status other than 2xx (redirects are not followed), or the caller's cancellation, which
    /// closes the connection at once.
    pub async fn send(
        &self,
        call: Call,
        cancel: &CancellationToken,
    ) -> Result<Reply, Box<Evidence>> {
        let protocol = call.protocol;
        let (response, scene, started) = self.open(call, cancel).await?;
        let headers = scene.headers(response.headers());
        let first_words_by = started + self.options.first_byte_timeout;
        Ok(Reply::new(
            response,
            headers,
            scene,
            protocol,
            first_words_by,
            self.options.idle_timeout,
            self.options.limits,
            cancel.clone(),
        ))
    }

    /// Fetches a document, such as a list of models: status, headers and body of a 2xx answer.
    ///
    /// # Errors
    /// As [`send`](Self::send), and where the body stalls, breaks off or is too long.
    pub async fn get(
        &self,
        call: Call,
        cancel: &CancellationToken,
    ) -> Result<(u16, Headers, Vec<u8>), Box<Evidence>> {
        let (response, scene, _) = self.open(call, cancel).await?;
        let status = response.status().as_u16();
        let headers = scene.headers(response.headers());
        let limits = self.options.limits;
        let read = read_body(response, limits.whole, self.options.idle_timeout, cancel).await;
        let failure = match (read.failure, read.cut) {
            (None, false) => return Ok((status, headers, read.body)),
            (Some(failure), _) => failure,
            (None, true) => failure(
                TransportClass::Protocol,
                format!("the answer is longer than {} bytes", limits.whole),
            ),
        };
        Err(scene.answered(
            Phase::Body,
            status,
            &headers,
            &read.body,
            limits.error_body,
            Some(failure),
        ))
    }

    /// Sends a call and returns the answer's head if its status is 2xx.
    async fn open(
        &self,
        call: Call,
        cancel: &CancellationToken,
    ) -> Result<(Response, Scene, Instant), Box<Evidence>> {
        let scene = Scene::of(&call);
        let url = Url::parse(call.url.trim()).map_err(|error| {
            let text = format!("the URL cannot be used: {error}");
            scene.unanswered(Phase::Connect, failure(TransportClass::Other, text))
        })?;
        let headers = request_headers(&call, &scene)
            .map_err(|fault| scene.unanswered(Phase::Connect, fault))?;
        let proxied = self.routes.proxy_for(&url).is_some();
        let client = if is_this_machine(&url) { &self.near } else { &self.far };
        let request = match call.method {
            Method::Get => client.get(url),
            Method::Post => client.post(url).body(call.body),
        };
        let started = Instant::now();
        let patience = self.options.first_byte_timeout;
        let response = tokio::select! {
            biased;
            () = cancel.cancelled() => Err((Phase::Headers, cancelled())),
            sent = tokio::time::timeout(patience, request.headers(headers).send()) => match sent {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(classify(error, Phase::Headers, proxied)),
                Err(_) => Err((Phase::Headers, failure(
                    TransportClass::FirstByteTimeout,
                    format!("no response headers within {patience:?}"),
                ))),
            },
        };
        let response = response.map_err(|(phase, fault)| scene.unanswered(phase, fault))?;
        tracing::debug!(status = response.status().as_u16(), took = ?started.elapsed(), "answered");
        if response.status().is_success() {
            return Ok((response, scene, started));
        }
        Err(self.refusal(response, &scene, cancel).await)
    }

    /// Evidence of an answer that is no success.
    async fn refusal(
        &self,
        response: Response,
        scene: &Scene,
        cancel: &CancellationToken,
    ) -> Box<Evidence> {
        let status = response.status().as_u16();
        let headers = scene.headers(response.headers());
        let cap = self.options.limits.error_body;
        let patience = self.options.idle_timeout.min(ERROR_BODY_PATIENCE);
        let read = read_body(response, cap + SECRET_SLACK, patience, cancel).await;
        scene.answered(Phase::Body, status, &headers, &read.body, cap, read.failure)
    }
}

/// What could be read of a body.
struct ReadBody {
    body: Vec<u8>,
    /// Whether there was more than the cap.
    cut: bool,
    failure: Option<TransportFailure>,
}

/// Reads a whole body up to `cap` bytes, with at most `patience` between two pieces.
async fn read_body(
    mut response: Response,
    cap: usize,
    patience: Duration,
    cancel: &CancellationToken,
) -> ReadBody {
    let mut read = ReadBody { body: Vec::new(), cut: false, failure: None };
    loop {
        let chunk = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            chunk = tokio::time::timeout(patience, response.chunk()) => match chunk {
                Ok(Ok(chunk)) => Ok(chunk),
                Ok(Err(error)) => Err(classify(error, Phase::Body, false).1),
                Err(_) => Err(failure(
                    TransportClass::IdleTimeout,
                    format!("the body stalled for {patience:?}"),
                )),
            },
        };
        match chunk {
            Ok(Some(chunk)) => {
                let room = cap - read.body.len();
                read.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    read.cut = true;
                    return read;
                }
            }
            Ok(None) => return read,
            Err(failure) => {
                read.failure = Some(failure);
                return read;
            }
        }
    }
}

/// The failure of a call that its caller cancelled.
pub(crate) fn cancelled() -> TransportFailure {
    failure(TransportClass::Cancelled, "cancelled by the caller")
}

fn usable_proxy(proxy: &str) -> Result<reqwest::Proxy, ClientError> {
    let unusable = || ClientError::Proxy { proxy: mask(proxy, &[]).into() };
    let url = Url::parse(proxy).map_err(|_| unusable())?;
    let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    if url.host_str().is_none_or(str::is_empty) || !known.contains(&url.scheme()) {
        return Err(unusable());
    }
    reqwest::Proxy::all(url).map_err(|_| unusable())
}

fn request_headers(call: &Call, scene: &Scene) -> Result<HeaderMap, TransportFailure> {
    let mut headers = HeaderMap::with_capacity(call.headers.len() + 2);
    for (name, value) in &call.headers {
        let fault = |what: &str| {
            failure(
                TransportClass::Other,
                format!("the {what} of the header {name:?} holds characters that HTTP forbids"),
            )
        };
        let secret = is_secret_header(name);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault("name"))?;
        let value = value.trim();
        if !value.is_ascii() {
            return Err(fault("value"));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| fault("value"))?;
        value.set_sensitive(secret);
        headers.append(name, value);
    }
    if call.method == Method::Post {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    let accept = if scene.asked_for_stream() { "text/event-stream" } else { "application/json" };
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static(accept));
    Ok(headers)
}
