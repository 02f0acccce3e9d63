//! The client: settings, sending, and what happens until the headers are there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use halo_types::{Evidence, Headers, Phase, Proxy, ProxyUrl, TransportClass, TransportFailure};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url, redirect, retry};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::{chain, classify};
use crate::options::{ClientError, ClientOptions};
use crate::reply::Reply;
use crate::route::Routes;
use crate::scene::{SECRET_SLACK, Scene, failure, is_secret_header};
use crate::{Call, Method, ca, tls, tunnel};

/// The longest wait for the rest of an error body whose sender stalls: the status is known, and
/// somebody waits for it.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(10);
/// How much longer than a connection the headers are waited for at least, so that a connection
/// that does not come about is never taken for a silent server.
const HEADERS_SLACK: Duration = Duration::from_millis(100);
/// The longest that a proxy which refused is asked for its reason.
const PROXY_PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of response headers over HTTP/2. (Over HTTP/1 it is 100 headers in 400 KiB.)
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// Sends calls to one provider. Cheap to clone; clones share their connections. Answers that are
/// being read outlive it.
#[derive(Clone)]
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
    /// If proxy or CA file are not usable, or the HTTP client cannot be set up.
    pub fn new(mut options: ClientOptions) -> Result<Self, ClientError> {
        tls::install_tls();
        options.first_byte_timeout =
            options.first_byte_timeout.max(options.connect_timeout + HEADERS_SLACK);
        let extra = match &options.ca_file {
            Some(path) => ca::read(path)?,
            None => Vec::new(),
        };
        // Each certificate was tried when it was read, so only an empty store could fail here.
        let tls = tls::config(extra).map_err(ClientError::Tls)?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(options.connect_timeout)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .tcp_nodelay(true)
                .http2_max_header_list_size(MAX_HEADER_LIST)
                // Below the idle limits of common servers, so that few requests meet a
                // connection which is just being closed.
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("halo/", env!("CARGO_PKG_VERSION")))
        };
        let near = builder().no_proxy().build().map_err(ClientError::Build)?;
        let far = match &options.proxy {
            Proxy::Direct => near.clone(),
            Proxy::System => builder().build().map_err(ClientError::Build)?,
            Proxy::Url(proxy) => builder()
                .no_proxy()
                .proxy(for_client(proxy)?)
                .build()
                .map_err(ClientError::Build)?,
        };
        let routes = Arc::new(Routes::new(&options.proxy, options.proxy_this_machine));
        Ok(Self { near, far, routes, options })
    }

    /// What it was made of. `first_byte_timeout` is the one in force.
    #[must_use]
    pub fn options(&self) -> &ClientOptions {
        &self.options
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
        let url = Url::parse(call.url.trim());
        let proxy = url.as_ref().ok().and_then(|url| self.routes.proxy_for(url));
        let secrets = proxy.as_ref().map(ProxyUrl::secrets).unwrap_or_default();
        let scene = Scene::of(&call, &secrets);
        let url = url.map_err(|error| {
            let text = format!("the URL cannot be used: {error}");
            scene.unanswered(Phase::Connect, failure(TransportClass::Other, text))
        })?;
        let headers = request_headers(&call, &scene)
            .map_err(|fault| scene.unanswered(Phase::Connect, fault))?;
        let client = if self.routes.is_near(&url) { &self.near } else { &self.far };
        let plain = url.scheme() == "http";
        let asked = proxy.is_some().then(|| url.clone());
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
                Ok(Err(error)) => Err(classify(error, Phase::Headers, proxy.is_some())),
                Err(_) => Err((Phase::Headers, failure(
                    TransportClass::FirstByteTimeout,
                    format!("no response headers within {patience:?}"),
                ))),
            },
        };
        let response = match response {
            Ok(response) => response,
            Err((phase, mut fault)) => {
                match (&proxy, &asked) {
                    (Some(proxy), Some(url)) if fault.class == TransportClass::Proxy => {
                        fault.chain.extend(self.proxy_words(proxy, url, cancel).await);
                    }
                    _ => {}
                }
                if fault.class == TransportClass::ConnectTimeout {
                    let patience = self.options.connect_timeout;
                    fault.chain.push(format!("no connection within {patience:?}"));
                }
                if plain && phase == Phase::Headers && fault.class == TransportClass::Protocol {
                    fault.chain.push(NOT_PLAIN.to_owned());
                }
                return Err(scene.unanswered(phase, fault));
            }
        };
        tracing::debug!(status = response.status().as_u16(), took = ?started.elapsed(), "answered");
        if response.status().is_success() {
            return Ok((response, scene, started));
        }
        Err(self.refusal(response, &scene, cancel).await)
    }

    /// Why a proxy is no way to `url`, in its own words; nothing where it would be one by now.
    async fn proxy_words(
        &self,
        proxy: &ProxyUrl,
        url: &Url,
        cancel: &CancellationToken,
    ) -> Vec<String> {
        let Some(host) = url.host_str() else { return Vec::new() };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().unwrap_or(443);
        let patience = PROXY_PATIENCE.min(self.options.connect_timeout);
        let asked = tunnel::ask(proxy, host, port, url.scheme() == "https");
        tokio::select! {
            biased;
            () = cancel.cancelled() => Vec::new(),
            asked = tokio::time::timeout(patience, asked) => match asked {
                Ok(Err(error)) => chain(&error),
                Ok(Ok(_)) | Err(_) => Vec::new(),
            },
        }
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

impl fmt::Debug for Client {
    /// Its options only: what the HTTP client would print is nobody's to know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
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

/// What to think of where an `http://` address does not answer in HTTP.
const NOT_PLAIN: &str = "what answers there does not speak plain HTTP; \
                         if it expects encryption, its address begins with https://";

/// A proxy as the HTTP client takes it. The port always stands there: the client would take that
/// of HTTP for SOCKS.
fn for_client(proxy: &ProxyUrl) -> Result<reqwest::Proxy, ClientError> {
    let unusable = |source| ClientError::Proxy { proxy: proxy.clone(), source };
    let mut url = Url::parse(&proxy.expose()).map_err(|_| unusable(None))?;
    url.set_port(Some(proxy.port())).map_err(|()| unusable(None))?;
    reqwest::Proxy::all(url).map_err(|error| unusable(Some(error)))
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
