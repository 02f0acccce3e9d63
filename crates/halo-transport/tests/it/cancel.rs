//! Cancelling closes the connection at once, in every phase.

use std::time::{Duration, Instant};

use halo_transport::{Call, Client, Reply};
use halo_types::{Evidence, Kind, Protocol, TransportClass};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

use crate::server::{LONG, STREAM, call, class, judged, options, read_request, server, text_frame};

/// How soon the other side must see it. The system needs no more than a moment; the rest is for
/// machines that are busy with other tests.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A server that writes `bytes` and tells when the connection is closed.
async fn watched(bytes: String) -> (String, Receiver<Instant>) {
    let (gone, seen) = channel(4);
    let url = server(move |mut socket| {
        let (gone, bytes) = (gone.clone(), bytes.clone());
        async move {
            socket.write_all(bytes.as_bytes()).await.unwrap();
            until_closed(&mut socket).await;
            let _ = gone.send(Instant::now()).await;
        }
    })
    .await;
    (url, seen)
}

async fn until_closed(socket: &mut TcpStream) {
    let mut buffer = [0; 512];
    while !matches!(socket.read(&mut buffer).await, Ok(0) | Err(_)) {}
}

/// That the close was seen soon after `cancelled`.
async fn closed_at_once(mut seen: Receiver<Instant>, cancelled: Instant) {
    let closed = tokio::time::timeout(LONG, seen.recv()).await.unwrap().unwrap();
    let took = closed.saturating_duration_since(cancelled);
    assert!(took < AT_ONCE, "{took:?}");
}

/// Cancels while `work` waits, and returns what came of it and when that was.
async fn cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> (T, Instant) {
    tokio::join!(work, async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let at = Instant::now();
        cancel.cancel();
        at
    })
}

fn stopped(evidence: &Evidence) {
    assert_eq!(class(evidence), Some(TransportClass::Cancelled), "{evidence:?}");
    assert_eq!(judged(evidence), (Kind::Cancelled, false));
}

#[tokio::test]
async fn while_connecting() {
    // The server takes the connection and says nothing to the client's TLS greeting.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    let (gone, seen) = channel(1);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        until_closed(&mut socket).await;
        gone.send(Instant::now()).await.unwrap();
    });
    let client = Client::new(options()).unwrap();
    let cancel = CancellationToken::new();
    let (answer, at) = cancelled(&cancel, client.send(call(&url), &cancel)).await;
    stopped(&answer.unwrap_err());
    closed_at_once(seen, at).await;
}

#[tokio::test]
async fn while_waiting_for_headers() {
    let (url, seen) = watched(String::new()).await;
    let client = Client::new(options()).unwrap();
    let cancel = CancellationToken::new();
    let (answer, at) = cancelled(&cancel, client.send(call(&url), &cancel)).await;
    stopped(&answer.unwrap_err());
    closed_at_once(seen, at).await;
}

#[tokio::test]
async fn while_reading_a_refusal_or_a_document() {
    let half = "content-length: 900\r\n\r\n{\"error\":";
    let (url, seen) = watched(format!("HTTP/1.1 429 Too Many Requests\r\n{half}")).await;
    let client = Client::new(options()).unwrap();
    let cancel = CancellationToken::new();
    let (answer, at) = cancelled(&cancel, client.send(call(&url), &cancel)).await;
    let evidence = answer.unwrap_err();
    assert_eq!((evidence.status, class(&evidence)), (Some(429), Some(TransportClass::Cancelled)));
    closed_at_once(seen, at).await;

    let (url, seen) = watched(format!("HTTP/1.1 200 OK\r\n{half}")).await;
    let cancel = CancellationToken::new();
    let get = Call::get(url, Protocol::OpenaiChat);
    let (answer, at) = cancelled(&cancel, client.get(get, &cancel)).await;
    stopped(&answer.unwrap_err());
    closed_at_once(seen, at).await;
}

#[tokio::test]
async fn while_reading_an_answer() {
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"id\":".to_owned();
    for (bytes, partial) in [(format!("{STREAM}{}", text_frame("Hel")), 3), (whole, 0)] {
        let (url, seen) = watched(bytes).await;
        let client = Client::new(options()).unwrap();
        let cancel = CancellationToken::new();
        let mut reply = client.send(call(&url), &cancel).await.unwrap();
        let (evidence, at) = cancelled(&cancel, to_the_end(&mut reply)).await;
        stopped(&evidence);
        assert_eq!(evidence.partial_chars, partial);
        // The reply is still held: it is the cancellation that closes.
        closed_at_once(seen, at).await;
        drop(reply);
    }
}

async fn to_the_end(reply: &mut Reply) -> Box<Evidence> {
    loop {
        match reply.next().await {
            Ok(piece) => assert!(piece.is_some()),
            Err(evidence) => return evidence,
        }
    }
}

#[tokio::test]
async fn dropping_an_answer_closes_too() {
    let (url, seen) = watched(format!("{STREAM}{}", text_frame("Hel"))).await;
    let client = Client::new(options()).unwrap();
    let reply = client.send(call(&url), &CancellationToken::new()).await.unwrap();
    let at = Instant::now();
    drop(reply);
    closed_at_once(seen, at).await;
}

#[tokio::test]
async fn an_answer_outlives_its_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (more, mut wait) = channel::<()>(1);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        let first = format!("{STREAM}{}", text_frame("Hel"));
        socket.write_all(first.as_bytes()).await.unwrap();
        wait.recv().await.unwrap();
        let rest = format!("{}{}", text_frame("lo"), crate::server::END);
        socket.write_all(rest.as_bytes()).await.unwrap();
    });
    let client = Client::new(options()).unwrap();
    let mut reply = client.send(call(&url), &CancellationToken::new()).await.unwrap();
    assert!(reply.next().await.unwrap().is_some());
    drop(client);
    more.send(()).await.unwrap();
    let (pieces, end) = crate::server::drain(&mut reply).await;
    assert_eq!((end, pieces.is_empty(), reply.partial_chars()), (Ok(()), false, 5));
}
