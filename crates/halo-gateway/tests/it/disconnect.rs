//! A program that goes away takes the provider's work with it.

use std::time::Duration;

use halo_types::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{auth, path, prompt, send};
use crate::world::World;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                    transfer-encoding: chunked\r\n\r\n";
const FRAME: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n";

/// Reads a request to its end.
async fn read_request(stream: &mut TcpStream) {
    let mut raw = Vec::new();
    while !raw.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut raw).await.unwrap(), 0);
    }
}

/// Waits until the other side closes.
async fn closed(mut stream: TcpStream) {
    let mut buffer = [0; 64];
    let end = tokio::time::timeout(Duration::from_secs(3), stream.read(&mut buffer)).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
}

async fn asked(world: &World) -> TcpStream {
    let protocol = Protocol::OpenaiChat;
    let body = prompt(protocol, "openai/m", true).to_string();
    send(world.address, "POST", path(protocol), &auth(protocol, &world.key), body.as_bytes()).await
}

#[tokio::test]
async fn before_the_answer() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::with_upstream(upstream.local_addr().unwrap()).await;
    let program = asked(&world).await;
    let (mut provider, _) = upstream.accept().await.unwrap();
    read_request(&mut provider).await;
    drop(program);
    closed(provider).await;
}

#[tokio::test]
async fn in_the_middle_of_the_answer() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::with_upstream(upstream.local_addr().unwrap()).await;
    let mut program = asked(&world).await;
    let (mut provider, _) = upstream.accept().await.unwrap();
    read_request(&mut provider).await;
    provider.write_all(HEAD.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{FRAME}\r\n", FRAME.len());
    provider.write_all(chunk.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    while !received.windows(5).any(|window| window == b"Hello") {
        assert_ne!(program.read_buf(&mut received).await.unwrap(), 0);
    }
    drop(program);
    closed(provider).await;
}

#[tokio::test]
async fn while_it_waits_in_line() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::with_upstream(upstream.local_addr().unwrap()).await;
    let program = asked(&world).await;
    let (mut provider, _) = upstream.accept().await.unwrap();
    read_request(&mut provider).await;
    provider
        .write_all(
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\
              connection: close\r\n\r\n",
        )
        .await
        .unwrap();
    drop(provider);
    drop(program);
    let again = tokio::time::timeout(Duration::from_millis(1_600), upstream.accept()).await;
    assert!(again.is_err(), "the request was sent again for nobody");
}
