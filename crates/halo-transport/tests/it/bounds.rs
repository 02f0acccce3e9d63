//! How much is read, whatever is sent.

use std::io::Write;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use halo_transport::{Call, Client, ClientOptions, Limits};
use halo_types::{Kind, Protocol, TransportClass};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use crate::server::{
    LONG, STREAM, broken, class, judged, options, refused, response, says, server, text_frame,
    words,
};

const LIMITS: Limits = Limits { whole: 100, stream: 400, error_body: 1000 };

fn limited() -> ClientOptions {
    ClientOptions { limits: LIMITS, ..options() }
}

#[tokio::test]
async fn answers_are_bounded() {
    let frames = text_frame("a").repeat(50);
    for body in [frames, "{".repeat(300), format!("data: {}", "x".repeat(300)), " ".repeat(300)] {
        let url = says(format!("{STREAM}{body}")).await;
        let (_, evidence) = broken(&url, limited()).await;
        assert_eq!(class(&evidence), Some(TransportClass::Protocol), "{evidence:?}");
        assert!(evidence.body.as_bytes().len() <= 1000);
    }
}

#[tokio::test]
async fn error_bodies_are_bounded_and_may_break_off() {
    let limits = Limits { error_body: 1000, ..Limits::default() };
    let huge = says(response("500 Oops", "", "é".repeat(40_000).as_bytes())).await;
    let evidence = refused(&huge, ClientOptions { limits, ..options() }).await;
    assert_eq!((evidence.body.as_bytes().len(), evidence.truncated), (1000, true));
    assert_eq!(evidence.body.text(), "é".repeat(500));

    let short = says("HTTP/1.1 503 x\r\ncontent-length: 100\r\n\r\nbusy").await;
    let evidence = refused(&short, options()).await;
    assert_eq!((evidence.status, evidence.body.text().as_ref()), (Some(503), "busy"));
    assert_eq!(class(&evidence), Some(TransportClass::Truncated));
}

/// A hundred megabytes that travel as a hundred kilobytes.
fn bomb(start: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(start).unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..100 {
        gzip.write_all(&block).unwrap();
    }
    gzip.finish().unwrap()
}

#[tokio::test]
async fn what_unpacks_without_end_is_left_at_the_limit() {
    let limits = Limits { whole: 1 << 16, stream: 1 << 17, error_body: 1 << 12 };
    let bounded = || ClientOptions { limits, ..options() };
    let started = Instant::now();
    for start in [&b"{"[..], b"data: ", b""] {
        let bytes = bomb(start);
        let packed = response("200 OK", "content-encoding: gzip\r\n", &bytes);
        let (_, evidence) = broken(&says(packed.clone()).await, bounded()).await;
        assert_eq!(class(&evidence), Some(TransportClass::Protocol), "{:?}", evidence.transport);
        assert!(words(&evidence).contains("longer than 65536 bytes"), "{:?}", evidence.transport);
        assert!(evidence.body.as_bytes().len() <= limits.error_body);

        let client = Client::new(bounded()).unwrap();
        let get = Call::get(says(packed).await, Protocol::Anthropic);
        let evidence = client.get(get, &CancellationToken::new()).await.unwrap_err();
        assert!(words(&evidence).contains("longer than"), "{:?}", evidence.transport);

        let refusal = response("503 Busy", "content-encoding: gzip\r\n", &bytes);
        let evidence = refused(&says(refusal).await, bounded()).await;
        assert_eq!((evidence.status, evidence.truncated), (Some(503), true));
        assert_eq!(evidence.body.as_bytes().len(), limits.error_body);
    }
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
}

#[tokio::test]
async fn headers_are_bounded() {
    for header in ["x-pad: aaaaaaaaaaaaaaaa\r\n".to_owned(), format!("x: {}\r\n", "a".repeat(8000))]
    {
        let url = server(move |mut socket| {
            let header = header.clone();
            async move {
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n").await;
                while socket.write_all(header.as_bytes()).await.is_ok() {}
            }
        })
        .await;
        let started = Instant::now();
        let evidence = refused(&url, options()).await;
        assert_eq!(class(&evidence), Some(TransportClass::Protocol), "{evidence:?}");
        assert_eq!(judged(&evidence).0, Kind::InvalidResponse);
        assert!(started.elapsed() < LONG / 2);
    }
}
