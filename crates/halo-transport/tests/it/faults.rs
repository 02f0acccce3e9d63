//! What keeps an answer from beginning.

use std::time::{Duration, Instant};

use halo_transport::{Call, Client, ClientError, ClientOptions, Limits, Stage};
use halo_types::{Phase, Protocol, TransportClass};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::{
    LONG, call, class, options, refused, reset, response, says, says_and_stalls, server,
};

async fn closed_port() -> u16 {
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

#[tokio::test]
async fn redirects_are_evidence() {
    let moved = response("302 Found", "location: http://127.0.0.1:1/login?x=1\r\n", b"moved");
    let evidence = refused(&says(moved).await, options()).await;
    assert_eq!((evidence.status, evidence.body.text().as_ref()), (Some(302), "moved"));
    assert_eq!(evidence.headers.first("location"), Some("http://127.0.0.1:1/login?x=1"));
}

#[tokio::test]
async fn cancelling_before_the_headers_closes_the_connection() {
    let (gone, mut seen) = tokio::sync::mpsc::channel(1);
    let url = server(move |mut socket| {
        let gone = gone.clone();
        async move {
            let end = socket.read(&mut [0; 16]).await;
            gone.send(matches!(end, Ok(0) | Err(_))).await.unwrap();
        }
    })
    .await;
    let cancel = CancellationToken::new();
    let client = Client::new(options()).unwrap();
    let started = Instant::now();
    let (answer, ()) = tokio::join!(client.send(call(&url), &cancel), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel.cancel();
    });
    let evidence = answer.unwrap_err();
    assert_eq!(class(&evidence), Some(TransportClass::Cancelled));
    assert_eq!(tokio::time::timeout(LONG, seen.recv()).await, Ok(Some(true)));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_dead_proxy_is_blamed_for_what_lies_behind_it() {
    let port = closed_port().await;
    for scheme in ["http", "socks5", "socks5h"] {
        let proxy = Some(format!("{scheme}://user:pw@127.0.0.1:{port}"));
        let client = Client::new(ClientOptions { proxy, ..options() }).unwrap();
        let cancel = CancellationToken::new();
        let evidence = client.send(call("https://192.0.2.1/v1"), &cancel).await.unwrap_err();
        assert_eq!(class(&evidence), Some(TransportClass::Proxy), "{scheme}: {evidence:?}");
        assert_eq!(Stage::of(&evidence), Stage::Proxy);
        let stages = client.connect_stages("https://192.0.2.1/v1").await;
        assert_eq!(stages.len(), 1);
        assert_eq!(stages[0].stage, Stage::Proxy);
        assert_eq!(stages[0].outcome.as_ref().unwrap_err().class, TransportClass::Refused);
        // This machine is reached without it.
        let here = says(response("400 Bad", "", b"here")).await;
        let evidence = client.send(call(&here), &cancel).await.unwrap_err();
        assert_eq!(evidence.body.text(), "here");
    }
    for proxy in ["", "10.0.0.1:80:90", "ftp://host:1", "http://"] {
        let error = Client::new(ClientOptions { proxy: Some(proxy.into()), ..options() });
        assert!(matches!(error, Err(ClientError::Proxy { .. })), "{proxy}");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_password() {
    let proxy = server(|mut socket| async move {
        socket.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
    })
    .await;
    let evidence =
        refused("https://192.0.2.1/v1", ClientOptions { proxy: Some(proxy), ..options() }).await;
    assert_eq!(class(&evidence), Some(TransportClass::Proxy));
    let chain = evidence.transport.unwrap().chain;
    assert!(chain.iter().any(|text| text.contains("authorization required")), "{chain:?}");
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
