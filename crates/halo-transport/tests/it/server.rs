//! A server made by hand: what it writes, byte for byte, and when.

use std::future::Future;
use std::time::Duration;

use halo_diagnose::{Context, diagnose};
use halo_transport::{Call, Client, ClientOptions, Piece, Reply};
use halo_types::{Evidence, Kind, Protocol, Proxy, TransportClass};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Far above anything a test waits for on purpose.
pub const LONG: Duration = Duration::from_secs(20);

/// Serves each connection with `serve` after its request has been read; returns the base URL.
pub async fn server<F, Fut>(serve: F) -> String
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            read_request(&mut socket).await;
            tokio::spawn(serve(socket));
        }
    });
    url
}

/// A server that writes `bytes` and closes.
pub async fn says(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    server(move |mut socket| {
        let bytes = bytes.clone();
        async move {
            // The client may have had enough before everything is written.
            let _ = socket.write_all(&bytes).await;
        }
    })
    .await
}

/// A server that writes `bytes` and then keeps the connection open, silent.
pub async fn says_and_stalls(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    server(move |mut socket| {
        let bytes = bytes.clone();
        async move {
            socket.write_all(&bytes).await.unwrap();
            tokio::time::sleep(LONG).await;
        }
    })
    .await
}

/// Closes so that the other side sees a reset.
pub fn reset(socket: TcpStream) {
    socket.set_zero_linger().unwrap();
}

pub async fn read_request(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = socket.read(&mut buffer).await.unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if request.len() >= end + 4 + length {
                return text.into_owned();
            }
        }
        if read == 0 {
            return text.into_owned();
        }
    }
}

/// The head of a stream that ends with its connection.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    x-request-id: req_1\r\nconnection: close\r\n\r\n";

/// One frame with a piece of text.
pub fn text_frame(text: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"model\":\"m\",\"choices\":[{{\"index\":0,\
         \"delta\":{{\"content\":{text:?}}}}}]}}\n\n"
    )
}

/// The frames that end an answer.
pub const END: &str = "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\
    \"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// A whole answer with the head of its response.
pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Options with long timers.
pub fn options() -> ClientOptions {
    ClientOptions {
        connect_timeout: LONG,
        first_byte_timeout: LONG,
        idle_timeout: LONG,
        // Whatever the environment of the tests says.
        proxy: Proxy::Direct,
        ..ClientOptions::default()
    }
}

/// A streaming call with a key.
pub fn call(url: &str) -> Call {
    let mut call = Call::post(url, Protocol::OpenaiChat, b"{\"stream\":true}".to_vec());
    call.headers.push(("authorization".into(), "Bearer key-of-this-test-1234567".into()));
    call.provider = Some("test".into());
    call.request.model = Some("m".into());
    call.request.stream = Some(true);
    call
}

/// Sends with these options.
pub async fn send(url: &str, options: ClientOptions) -> Result<Reply, Box<Evidence>> {
    Client::new(options).unwrap().send(call(url), &CancellationToken::new()).await
}

/// Sends and expects no answer.
pub async fn refused(url: &str, options: ClientOptions) -> Evidence {
    *send(url, options).await.unwrap_err()
}

/// Reads an answer to its end.
pub async fn drain(reply: &mut Reply) -> (Vec<Piece>, Result<(), Box<Evidence>>) {
    let mut pieces = Vec::new();
    loop {
        match reply.next().await {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => return (pieces, Ok(())),
            Err(evidence) => return (pieces, Err(evidence)),
        }
    }
}

/// Sends and reads an answer that breaks off.
pub async fn broken(url: &str, options: ClientOptions) -> (Vec<Piece>, Evidence) {
    let mut reply = send(url, options).await.unwrap();
    let (pieces, end) = drain(&mut reply).await;
    (pieces, *end.unwrap_err())
}

/// The class of a failure below HTTP.
pub fn class(evidence: &Evidence) -> Option<TransportClass> {
    evidence.transport.as_ref().map(|failure| failure.class)
}

/// What the fault means, and whether waiting helps.
pub fn judged(evidence: &Evidence) -> (Kind, bool) {
    let diagnosis = diagnose(evidence, &Context::default());
    (diagnosis.kind, diagnosis.transient)
}

/// The chain of causes in one text.
pub fn words(evidence: &Evidence) -> String {
    evidence.transport.as_ref().map(|failure| failure.chain.join(" | ")).unwrap_or_default()
}

/// The raw bytes of pieces, in a row.
pub fn raw(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.raw.to_vec()).collect()
}
