//! What keeps an answer from beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use halo_transport::{Call, Client, ClientOptions, Limits, Stage};
use halo_types::{Kind, Phase, Protocol, TransportClass};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::{
    LONG, broken, call, class, judged, options, read_request, refused, reset, response, says,
    says_and_stalls, server, words,
};

pub async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn no_connection() {
    let refused_url = format!("http://user:pw@127.0.0.1:{}/v1?key=abc", closed_port().await);
    let cases = [
        (refused_url.as_str(), TransportClass::Refused, Stage::Tcp),
        ("http://halo-test.invalid/v1", TransportClass::Dns, Stage::Dns),
        ("not a url", TransportClass::Other, Stage::Address),
        ("ftp://127.0.0.1/x", TransportClass::Other, Stage::Address),
    ];
    for (url, want, stage) in cases {
        let evidence = refused(url, options()).await;
        assert_eq!(evidence.phase, Some(Phase::Connect), "{url}");
        assert_eq!(class(&evidence), Some(want), "{url}: {evidence:?}");
        assert_eq!(Stage::of(&evidence), stage, "{url}");
        assert_eq!((evidence.status, evidence.partial_chars), (None, 0));
        assert!(evidence.at.is_some() && evidence.request.model.as_deref() == Some("m"));
        if stage != Stage::Address {
            assert_eq!(judged(&evidence), (Kind::Network, true), "{url}");
        }
        let text = format!("{evidence:?}");
        assert!(!text.contains("abc") && !text.contains("pw"), "{text}");
    }
}

#[tokio::test]
async fn nothing_or_nonsense_instead_of_headers() {
    let silent = says_and_stalls("").await;
    let evidence = refused(
        &silent,
        ClientOptions {
            first_byte_timeout: Duration::from_millis(80),
            connect_timeout: Duration::from_millis(80),
            ..options()
        },
    )
    .await;
    assert_eq!(class(&evidence), Some(TransportClass::FirstByteTimeout));
    assert_eq!(evidence.phase, Some(Phase::Headers));
    assert_eq!(judged(&evidence), (Kind::Timeout, true));

    let not_http = says("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let closed = says("").await;
    let torn = server(|socket| async move { reset(socket) }).await;
    for (url, want) in [
        (not_http, TransportClass::Protocol),
        (closed, TransportClass::Reset),
        (torn, TransportClass::Reset),
    ] {
        let evidence = refused(&url, options()).await;
        assert_eq!((class(&evidence), evidence.phase), (Some(want), Some(Phase::Headers)));
        assert_eq!(Stage::of(&evidence), Stage::Request);
        let kind =
            if want == TransportClass::Reset { Kind::Network } else { Kind::InvalidResponse };
        assert_eq!(judged(&evidence).0, kind);
    }
}

#[tokio::test]
async fn an_error_answer_keeps_its_bytes_and_its_headers() {
    let body = b"{\"error\":{\"message\":\"bad key-of-this-test-1234567\"}}\xff".to_vec();
    let headers = "retry-after: 7\r\nset-cookie: sid=12345; Path=/\r\nx-request-id: req_9\r\n";
    let url = says(response("429 Too Many Requests", headers, &body)).await;
    let evidence = refused(&url, options()).await;
    assert_eq!((evidence.status, evidence.phase), (Some(429), Some(Phase::Body)));
    assert_eq!(evidence.transport, None);
    assert_eq!(
        evidence.body.as_bytes(),
        "{\"error\":{\"message\":\"bad key-of-…4567\"}}".bytes().chain([0xff]).collect::<Vec<u8>>()
    );
    let names: Vec<&str> = evidence.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["content-length", "retry-after", "set-cookie", "x-request-id"]);
    assert_eq!(evidence.headers.first("set-cookie"), Some("sid=…; Path=/"));
    assert_eq!(evidence.provider.as_deref(), Some("test"));
    assert_eq!(evidence.url.as_deref(), Some(url.as_str()));
    assert!(!evidence.truncated);
}

/// Not even within one host: the body of a `POST` would be dropped or sent twice, and whoever
/// redirects a chat request says that the base URL is not the right one.
#[tokio::test]
async fn redirects_are_evidence_of_where_they_point_and_are_not_followed() {
    for (status, target) in [
        ("302 Found", "http://127.0.0.1:1/login?token=abcdefgh&x=1#part"),
        ("307 Temporary Redirect", "/v2/chat/completions"),
        ("308 Permanent Redirect", "https://user:geheim-pw@other.example/v1"),
    ] {
        let moved = response(status, &format!("location: {target}\r\n"), b"moved");
        let hits = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&hits);
        let url = server(move |mut socket| {
            seen.fetch_add(1, Ordering::SeqCst);
            let moved = moved.clone();
            async move { socket.write_all(&moved).await.unwrap() }
        })
        .await;
        let evidence = refused(&url, options()).await;
        assert_eq!(evidence.status.map(|status| status / 100), Some(3));
        assert_eq!(evidence.body.text(), "moved");
        let shown = evidence.headers.first("location").unwrap();
        assert_eq!(
            shown,
            match target.split_once("user") {
                Some(_) => "https://…@other.example/v1",
                None if target.starts_with('/') => target,
                None => "http://127.0.0.1:1/login?token=…&x=…#…",
            }
        );
        let get = Call::get(url, Protocol::OpenaiChat);
        let client = Client::new(options()).unwrap();
        let evidence = client.get(get, &CancellationToken::new()).await.unwrap_err();
        assert_eq!(evidence.headers.first("location"), Some(shown));
        assert_eq!(hits.load(Ordering::SeqCst), 2);
        assert_eq!(judged(&evidence).0, Kind::EndpointNotFound);
    }
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    // Neither on a fresh connection that breaks, nor on one that was used before.
    let hits = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::clone(&hits);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                while !read_request(&mut socket).await.is_empty() {
                    if seen.fetch_add(1, Ordering::SeqCst) != 0 {
                        return reset(socket);
                    }
                    socket.write_all(&response("400 Bad", "", b"first")).await.unwrap();
                }
            });
        }
    });
    let client = Client::new(options()).unwrap();
    let cancel = CancellationToken::new();
    assert_eq!(client.send(call(&url), &cancel).await.unwrap_err().status, Some(400));
    for sent in [2, 3] {
        let evidence = client.send(call(&url), &cancel).await.unwrap_err();
        assert_eq!(class(&evidence), Some(TransportClass::Reset), "{evidence:?}");
        assert_eq!(judged(&evidence), (Kind::Network, true));
        assert_eq!(hits.load(Ordering::SeqCst), sent);
    }
}

/// A connection that the system makes and nobody takes part in: the timer of connecting.
#[tokio::test]
async fn a_connection_that_does_not_come_about() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    let connect_timeout = Duration::from_millis(150);
    let short = ClientOptions { connect_timeout, first_byte_timeout: connect_timeout, ..options() };
    let started = Instant::now();
    let evidence = refused(&url, short).await;
    assert_eq!(class(&evidence), Some(TransportClass::ConnectTimeout), "{evidence:?}");
    assert_eq!((evidence.phase, Stage::of(&evidence)), (Some(Phase::Connect), Stage::Tcp));
    assert!(words(&evidence).contains("no connection within 150ms"), "{evidence:?}");
    assert_eq!(judged(&evidence), (Kind::Network, true));
    assert!(started.elapsed() < LONG / 4);
}

#[tokio::test]
async fn an_address_that_no_way_leads_to() {
    // No TCP connection goes to the broadcast address, whatever the network of the tests is.
    let evidence = refused("http://255.255.255.255/v1", options()).await;
    assert_eq!(class(&evidence), Some(TransportClass::Unreachable), "{evidence:?}");
    assert_eq!((evidence.phase, Stage::of(&evidence)), (Some(Phase::Connect), Stage::Tcp));
    assert_eq!(judged(&evidence), (Kind::Network, true));
}

#[tokio::test]
async fn a_body_that_stalls() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"id\":";
    let idle_timeout = Duration::from_millis(100);
    let short = ClientOptions {
        idle_timeout,
        connect_timeout: idle_timeout,
        first_byte_timeout: idle_timeout,
        ..options()
    };
    let (_, evidence) = broken(&says_and_stalls(half).await, short.clone()).await;
    assert_eq!(class(&evidence), Some(TransportClass::IdleTimeout), "{evidence:?}");
    assert_eq!(evidence.phase, Some(Phase::Body));
    assert_eq!(judged(&evidence), (Kind::Timeout, true));

    let client = Client::new(short).unwrap();
    let get = Call::get(says_and_stalls(half).await, Protocol::OpenaiChat);
    let evidence = client.get(get, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(class(&evidence), Some(TransportClass::IdleTimeout), "{evidence:?}");
}

#[tokio::test]
async fn the_first_steps_to_a_server() {
    let client = Client::new(options()).unwrap();
    let open = says("").await;
    let stages = client.connect_stages(&open).await;
    assert_eq!(stages.iter().map(|s| s.stage).collect::<Vec<_>>(), [Stage::Dns, Stage::Tcp]);
    assert_eq!(stages[0].outcome.as_deref(), Ok("127.0.0.1"));
    assert!(stages[1].outcome.is_ok());

    let refused = format!("http://127.0.0.1:{}/", closed_port().await);
    for (url, stage, class) in [
        ("http://halo-test.invalid/", Stage::Dns, TransportClass::Dns),
        (refused.as_str(), Stage::Tcp, TransportClass::Refused),
        ("nonsense", Stage::Address, TransportClass::Other),
    ] {
        let last = client.connect_stages(url).await.pop().unwrap();
        assert_eq!((last.stage, last.outcome.unwrap_err().class), (stage, class), "{url}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry() {
    let mut broken = call("http://127.0.0.1:1/");
    broken.headers = vec![("authorization".into(), "Bearer 钥匙-secret-value-0".into())];
    let client = Client::new(options()).unwrap();
    let evidence = client.send(broken, &CancellationToken::new()).await.unwrap_err();
    let chain = &evidence.transport.as_ref().unwrap().chain;
    assert!(chain[0].contains("\"authorization\""), "{chain:?}");
    assert!(!chain[0].contains("secret-value"), "{chain:?}");
}

#[tokio::test]
async fn documents_come_whole_or_as_evidence() {
    let client = Client::new(options()).unwrap();
    let cancel = CancellationToken::new();
    let get = |url: String| Call::get(url, Protocol::Anthropic);
    let good = says(response("200 OK", "x-a: 1\r\n", b"{\"data\":[]}")).await;
    let (status, headers, body) = client.get(get(good), &cancel).await.unwrap();
    assert_eq!((status, headers.first("x-a")), (200, Some("1")));
    assert_eq!(body, b"{\"data\":[]}");

    let wrong = says(response("401 No", "", b"who?")).await;
    let evidence = client.get(get(wrong), &cancel).await.unwrap_err();
    assert_eq!((evidence.status, evidence.body.text().as_ref()), (Some(401), "who?"));

    let limits = Limits { whole: 4, ..Limits::default() };
    let long = says(response("200 OK", "", b"12345678")).await;
    let client = Client::new(ClientOptions { limits, ..options() }).unwrap();
    let evidence = client.get(get(long), &cancel).await.unwrap_err();
    assert_eq!(class(&evidence), Some(TransportClass::Protocol));
    assert_eq!(evidence.body.text(), "1234");
}
