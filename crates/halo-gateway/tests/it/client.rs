//! A small HTTP client that shows the bytes as they came.

use std::net::SocketAddr;

use halo_types::{Headers, Protocol};
use halo_wire::{Answer, Decoder, Event, Finish};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::World;

/// A response as it was received.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.first(name)
    }

    /// The answer in the body, the error inside it, and how it ended.
    pub(crate) fn answer(&self, protocol: Protocol) -> (Answer, Option<Value>, Finish) {
        let mut decoder = Decoder::new(protocol);
        let mut events = decoder.push(&self.body);
        let (rest, finish) = decoder.finish();
        events.extend(rest);
        let mut answer = Answer::default();
        let mut error = None;
        for event in events {
            match event {
                Event::Error { raw } => error = serde_json::from_slice(&raw).ok(),
                event => answer.add(&event),
            }
        }
        (answer, error, finish)
    }

    /// The text of a complete answer.
    pub(crate) fn said(&self, protocol: Protocol) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        let (answer, error, finish) = self.answer(protocol);
        assert_eq!((error, finish), (None, Finish::Complete), "{}", self.text());
        answer.text()
    }
}

pub(crate) fn path(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Anthropic => "/v1/messages",
        Protocol::OpenaiChat => "/v1/chat/completions",
        Protocol::OpenaiResponses | Protocol::Gemini => unreachable!("not offered yet"),
    }
}

/// A request of one prompt.
pub(crate) fn prompt(protocol: Protocol, model: &str, stream: bool) -> Value {
    let mut body = json!({
        "model": model,
        "stream": stream,
        "messages": [{ "role": "user", "content": "Hello?" }],
    });
    if protocol == Protocol::Anthropic {
        body["max_tokens"] = json!(1024);
    }
    body
}

/// The headers an SDK of the protocol sends.
pub(crate) fn auth(protocol: Protocol, key: &str) -> Vec<(String, String)> {
    halo_wire::auth_headers(protocol, Some(key))
}

pub(crate) async fn ask(world: &World, protocol: Protocol, body: &Value) -> Received {
    let headers = auth(protocol, &world.key);
    call(world.address, "POST", path(protocol), &headers, body.to_string().as_bytes()).await
}

pub(crate) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Received {
    let mut stream = send(address, method, path, headers, body).await;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    parse(&raw)
}

/// Sends a request and leaves the answer unread.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> TcpStream {
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
    stream
}

fn parse(raw: &[u8]) -> Received {
    let at = raw.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&raw[..at]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
    let headers = Headers::new(lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    }));
    let rest = &raw[at + 4..];
    let chunked = headers.first("transfer-encoding") == Some("chunked");
    let body = if chunked { dechunk(rest) } else { rest.to_vec() };
    Received { status, headers, body }
}

fn dechunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let at = rest.windows(2).position(|w| w == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        rest = &rest[at + 2..];
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
