//! A small HTTP client that shows how an answer really ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use halo_sim::{Director, SimOptions, Simulator, serve};
use halo_types::{Headers, Protocol};
use halo_wire::{Answer, Decoder, Event, Finish, translate};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long nothing may come before an answer counts as silent.
const SILENCE: Duration = Duration::from_millis(400);

/// A simulator that is served until it is dropped.
pub(crate) struct Served {
    pub(crate) sim: Simulator,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn served(options: SimOptions) -> Served {
    serving(Simulator::new(options)).await
}

/// A simulator that is told what to do.
pub(crate) async fn directed(director: Arc<dyn Director>) -> Served {
    let options = SimOptions { speed: f64::INFINITY, ..SimOptions::default() };
    serving(Simulator::directed(options, director)).await
}

async fn serving(sim: Simulator) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, sim.clone(), stop.clone()));
    Served { sim, address, stop }
}

/// A simulator without pauses.
pub(crate) async fn fast() -> Served {
    served(SimOptions { speed: f64::INFINITY, ..SimOptions::default() }).await
}

/// How the bytes of a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As HTTP demands.
    Whole,
    /// The connection closed too early.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing more came.
    Silent,
}

/// A response as it was received.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Received {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The body read as an answer, with the raw error if one was inside.
    pub(crate) fn answer(&self, protocol: Protocol) -> (Answer, Option<Vec<u8>>, Finish) {
        let mut decoder = Decoder::new(protocol);
        let mut events = decoder.push(&self.body);
        let (rest, finish) = decoder.finish();
        events.extend(rest);
        let mut answer = Answer::default();
        let mut error = None;
        for event in events {
            match event {
                Event::Error { raw } => error = Some(raw),
                event => answer.add(&event),
            }
        }
        (answer, error, finish)
    }

    /// The text, where the answer is complete.
    pub(crate) fn said(&self, protocol: Protocol) -> Option<String> {
        let (answer, error, finish) = self.answer(protocol);
        let good = self.status == Some(200) && self.end == End::Whole && error.is_none();
        (good && finish == Finish::Complete && !answer.text().is_empty()).then(|| answer.text())
    }
}

/// Path and body of a request. The tests write Anthropic's in its own form and all others as
/// Chat Completions.
pub(crate) fn wire(protocol: Protocol, body: &Value) -> (String, Vec<u8>) {
    let stream = body["stream"] == true;
    let endpoints = halo_wire::endpoint::resolve(protocol, "http://h").unwrap();
    let url = endpoints.chat_url(body["model"].as_str().unwrap(), stream);
    let body = body.to_string().into_bytes();
    let body = match protocol {
        Protocol::Anthropic | Protocol::OpenaiChat => body,
        to => {
            let target = translate::RequestTarget::default();
            translate::request(Protocol::OpenaiChat, to, &body, &target).unwrap().body
        }
    };
    (url.strip_prefix("http://h").unwrap().to_owned(), body)
}

/// The headers of a caller with a key.
pub(crate) fn auth(protocol: Protocol, key: &str) -> Vec<(String, String)> {
    halo_wire::auth_headers(protocol, Some(key))
}

/// A request of one prompt.
pub(crate) fn prompt(protocol: Protocol, model: &str, text: &str, stream: bool) -> Value {
    let mut body = json!({
        "model": model,
        "stream": stream,
        "messages": [{ "role": "user", "content": text }],
    });
    if protocol == Protocol::Anthropic {
        body["max_tokens"] = json!(4096);
    }
    body
}

pub(crate) async fn ask(address: SocketAddr, protocol: Protocol, body: &Value) -> Received {
    ask_as(address, protocol, body, "practice").await
}

pub(crate) async fn ask_as(
    address: SocketAddr,
    protocol: Protocol,
    body: &Value,
    key: &str,
) -> Received {
    let headers = auth(protocol, key);
    let (path, body) = wire(protocol, body);
    call(address, "POST", &path, &headers, &body).await
}

pub(crate) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Received {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();

    let mut raw = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let end = loop {
        match tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await {
            Err(_) => break End::Silent,
            Ok(Err(_)) => break End::Reset,
            Ok(Ok(0)) => break End::Closed,
            Ok(Ok(n)) => raw.extend_from_slice(&buffer[..n]),
        }
    };
    parse(&raw, end)
}

fn parse(raw: &[u8], end: End) -> Received {
    let Some(at) = raw.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Received { status: None, headers: Headers::default(), body: raw.to_vec(), end };
    };
    let head = String::from_utf8_lossy(&raw[..at]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = Headers::new(lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    }));
    let rest = &raw[at + 4..];
    let (body, whole) = if headers.first("transfer-encoding") == Some("chunked") {
        dechunk(rest)
    } else {
        let length = headers.first("content-length").and_then(|v| v.parse().ok());
        (rest.to_vec(), length.is_none_or(|length: usize| rest.len() == length))
    };
    let end = if whole && end == End::Closed { End::Whole } else { end };
    Received { status, headers, body, end }
}

/// The content of a chunked body, and whether its last chunk came.
fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).position(|w| w == b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(&rest[..at]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[at + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(&rest[..size.min(rest.len())]);
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
