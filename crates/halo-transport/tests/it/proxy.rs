//! Proxies, made by hand: the way through, and every way it can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use halo_transport::{Client, ClientOptions, Stage};
use halo_types::{Evidence, Kind, Phase, Proxy, TransportClass};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::faults::closed_port;
use crate::server::{
    END, STREAM, call, class, drain, judged, options, read_request, response, says, text_frame,
    words,
};
use crate::tls::{Identity, says_encrypted};

const PASSWORD: &str = "pass word/@1";

/// A proxy for HTTP: CONNECT to wherever is asked, or `answer` to whatever is asked.
async fn http_proxy(auth: Option<&'static str>, answer: Option<&'static str>) -> (u16, Counter) {
    serve(move |mut socket| async move {
        let request = read_request(&mut socket).await;
        let line = request.lines().next().unwrap_or_default().to_owned();
        let given = request.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .starts_with("proxy-authorization: ")
                .then(|| line[21..].to_owned())
        });
        if let Some(answer) = answer {
            let _ = socket.write_all(answer.as_bytes()).await;
        } else if auth.is_some_and(|wanted| given.as_deref() != Some(wanted)) {
            let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
                Proxy-Authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n";
            let _ = socket.write_all(refusal).await;
        } else if let Some(target) = line.strip_prefix("CONNECT ") {
            let target = target.split(' ').next().unwrap_or_default();
            let mut other = TcpStream::connect(target).await.unwrap();
            socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut socket, &mut other).await;
        } else {
            // A plain request names its whole URL; the rest goes through as it is.
            let authority = line.split('/').nth(2).unwrap_or_default().to_owned();
            let mut other = TcpStream::connect(authority).await.unwrap();
            other.write_all(request.as_bytes()).await.unwrap();
            let _ = copy_bidirectional(&mut socket, &mut other).await;
        }
    })
    .await
}

/// A proxy for SOCKS5 that knows one user, or nobody; `reply` is what it says instead of
/// connecting.
async fn socks_proxy(login: Option<(&'static str, &'static str)>, reply: u8) -> (u16, Counter) {
    serve(move |mut socket| async move {
        let _ = socks(&mut socket, login, reply).await;
    })
    .await
}

async fn socks(
    socket: &mut TcpStream,
    login: Option<(&str, &str)>,
    reply: u8,
) -> std::io::Result<()> {
    let methods = usize::from(bytes::<2>(socket).await?[1]);
    let mut offered = vec![0; methods];
    socket.read_exact(&mut offered).await?;
    let method = if login.is_some() { 2 } else { 0 };
    if !offered.contains(&method) {
        return socket.write_all(&[5, 0xff]).await;
    }
    socket.write_all(&[5, method]).await?;
    if let Some((user, password)) = login {
        let mut given = Vec::new();
        bytes::<1>(socket).await?;
        for _ in 0..2 {
            let mut text = vec![0; usize::from(bytes::<1>(socket).await?[0])];
            socket.read_exact(&mut text).await?;
            given.push(text);
        }
        let good = given == [user.as_bytes(), password.as_bytes()];
        socket.write_all(&[1, u8::from(!good)]).await?;
        if !good {
            return Ok(());
        }
    }
    let [_, _, _, kind] = bytes::<4>(socket).await?;
    let host = match kind {
        1 => std::net::Ipv4Addr::from(bytes::<4>(socket).await?).to_string(),
        4 => format!("[{}]", std::net::Ipv6Addr::from(bytes::<16>(socket).await?)),
        _ => {
            let mut name = vec![0; usize::from(bytes::<1>(socket).await?[0])];
            socket.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
    };
    let port = u16::from_be_bytes(bytes::<2>(socket).await?);
    let answer = [5, reply, 0, 1, 0, 0, 0, 0, 0, 0];
    if reply != 0 {
        return socket.write_all(&answer).await;
    }
    let mut other = TcpStream::connect(format!("{host}:{port}")).await?;
    socket.write_all(&answer).await?;
    copy_bidirectional(socket, &mut other).await?;
    Ok(())
}

async fn bytes<const N: usize>(socket: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// How many connections were taken.
type Counter = Arc<AtomicUsize>;

async fn serve<F, Fut>(each: F) -> (u16, Counter)
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Counter::default();
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(each(socket));
        }
    });
    (port, taken)
}

/// Options with a proxy that was chosen for this very provider.
fn through(proxy: &str) -> ClientOptions {
    ClientOptions { proxy: proxy.parse().unwrap(), proxy_this_machine: true, ..options() }
}

async fn evidence(url: &str, options: ClientOptions) -> Evidence {
    let client = Client::new(options).unwrap();
    *client.send(call(url), &CancellationToken::new()).await.unwrap_err()
}

/// `me:` and the password of these tests.
const BASIC: &str = "Basic bWU6cGFzcyB3b3JkL0Ax";

#[tokio::test]
async fn answers_come_through_every_kind_of_proxy() {
    let stream = format!("{STREAM}{}{END}", text_frame("Hello"));
    let plain = says(stream.clone()).await;
    let identity = Identity::of_localhost();
    let encrypted = says_encrypted(&identity, stream.into_bytes()).await;
    let login = "me:pass%20word%2F%401@";
    let (http, _) = http_proxy(None, None).await;
    let (http_auth, _) = http_proxy(Some(BASIC), None).await;
    let (socks, _) = socks_proxy(None, 0).await;
    let (socks_auth, _) = socks_proxy(Some(("me", PASSWORD)), 0).await;
    for proxy in [
        format!("http://127.0.0.1:{http}"),
        format!("http://{login}127.0.0.1:{http_auth}"),
        format!("socks5://127.0.0.1:{socks}"),
        format!("socks5h://localhost:{socks}"),
        format!("socks5h://{login}127.0.0.1:{socks_auth}"),
    ] {
        for url in [&plain, &encrypted] {
            let options = ClientOptions { ca_file: Some(identity.ca_file()), ..through(&proxy) };
            let client = Client::new(options).unwrap();
            let mut reply = client
                .send(call(url), &CancellationToken::new())
                .await
                .unwrap_or_else(|evidence| panic!("{proxy} {url}: {evidence:?}"));
            assert_eq!(drain(&mut reply).await.1, Ok(()), "{proxy}");
            assert_eq!(reply.partial_chars(), 5, "{proxy}");
            let stages = client.connect_stages(url).await;
            assert_eq!(stages.len(), 1, "{stages:?}");
            assert_eq!(stages[0].stage, Stage::Proxy);
            assert!(stages[0].outcome.is_ok(), "{proxy} {url}: {stages:?}");
        }
    }
}

#[tokio::test]
async fn this_machine_is_reached_past_a_proxy_unless_it_was_chosen_for_the_provider() {
    let here = says(response("400 Bad", "", b"here")).await;
    let (port, taken) = http_proxy(None, None).await;
    let proxy = format!("http://127.0.0.1:{port}");
    let general = ClientOptions { proxy_this_machine: false, ..through(&proxy) };
    assert_eq!(evidence(&here, general).await.body.text(), "here");
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    assert_eq!(evidence(&here, through(&proxy)).await.body.text(), "here");
    assert_eq!(taken.load(Ordering::SeqCst), 1);
    let system = ClientOptions { proxy: Proxy::System, ..options() };
    assert_eq!(evidence(&here, system).await.body.text(), "here");
}

#[tokio::test]
async fn a_proxys_faults_are_the_proxys_and_in_its_words() {
    let dead = closed_port().await;
    let (wants, _) = http_proxy(Some(BASIC), None).await;
    let (forbids, _) = http_proxy(None, Some("HTTP/1.1 403 Blocked by policy\r\n\r\n")).await;
    let (fails, _) = http_proxy(None, Some("HTTP/1.1 502 Bad Gateway\r\n\r\n")).await;
    let (no_proxy, _) = http_proxy(None, Some("SSH-2.0-OpenSSH_9.2\r\n")).await;
    let (hangs_up, _) = http_proxy(None, Some("")).await;
    let (login, _) = socks_proxy(Some(("me", PASSWORD)), 0).await;
    let (unreachable, _) = socks_proxy(None, 4).await;
    let (ruled_out, _) = socks_proxy(None, 2).await;
    let target = "192.0.2.1:443";
    for (proxy, transient, want) in [
        (format!("http://u:geheim@127.0.0.1:{dead}"), true, "refused"),
        (format!("https://u:geheim@127.0.0.1:{dead}"), true, "refused"),
        (format!("socks5://u:geheim@127.0.0.1:{dead}"), true, "refused"),
        (format!("socks5h://u:geheim@127.0.0.1:{dead}"), true, "refused"),
        (format!("socks4://127.0.0.1:{dead}"), true, "refused"),
        ("http://halo-proxy.invalid:8080".to_owned(), true, "\"halo-proxy.invalid\" could not be"),
        ("socks5h://halo-proxy.invalid".to_owned(), true, "\"halo-proxy.invalid\" could not be"),
        (format!("http://127.0.0.1:{wants}"), false, "wants a user and a password (HTTP/1.1 407"),
        (format!("http://me:geheim@127.0.0.1:{wants}"), false, "does not accept this user"),
        (format!("http://127.0.0.1:{forbids}"), false, "403 Blocked by policy"),
        (format!("http://127.0.0.1:{fails}"), true, "HTTP/1.1 502 Bad Gateway"),
        (format!("http://127.0.0.1:{no_proxy}"), true, "is no HTTP proxy"),
        (format!("http://127.0.0.1:{hangs_up}"), true, "is no HTTP proxy"),
        (format!("socks5://127.0.0.1:{login}"), false, "wants a user and a password"),
        (format!("socks5://me:geheim@127.0.0.1:{login}"), false, "does not accept this user"),
        (format!("socks5h://127.0.0.1:{unreachable}"), true, "host unreachable"),
        (format!("socks5h://127.0.0.1:{ruled_out}"), false, "not allowed by its rules"),
    ] {
        let evidence = evidence(&format!("https://{target}/v1"), through(&proxy)).await;
        assert_eq!(class(&evidence), Some(TransportClass::Proxy), "{proxy}: {evidence:?}");
        assert_eq!((evidence.phase, Stage::of(&evidence)), (Some(Phase::Connect), Stage::Proxy));
        assert!(words(&evidence).contains(want), "{proxy}: {}", words(&evidence));
        assert_eq!(judged(&evidence), (Kind::Network, transient), "{proxy}: {}", words(&evidence));
        assert!(!format!("{evidence:?}").contains("geheim"), "{evidence:?}");
        // Settings → Test says the same.
        let client = Client::new(through(&proxy)).unwrap();
        let stages = client.connect_stages(&format!("https://{target}/v1")).await;
        assert_eq!(stages.len(), 1);
        if !proxy.starts_with("https") {
            let fault = stages[0].outcome.as_ref().unwrap_err();
            assert_eq!(fault.class, TransportClass::Proxy);
            assert!(fault.chain.join(" | ").contains(want), "{proxy}: {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_looked_up_here_for_a_socks_proxy_is_no_fault_of_the_proxy() {
    let (port, _) = socks_proxy(None, 0).await;
    let url = "https://halo-test.invalid/v1";
    let evidence = evidence(url, through(&format!("socks5://127.0.0.1:{port}"))).await;
    assert_eq!(class(&evidence), Some(TransportClass::Dns), "{evidence:?}");
    assert_eq!(Stage::of(&evidence), Stage::Dns);
}

#[tokio::test]
async fn a_password_that_a_proxy_repeats_is_masked() {
    let answer = "HTTP/1.1 407 No\r\nconnection: close\r\n\r\n\
                  not geheim-pw12, not bWU6Z2VoZWltLXB3MTI=";
    let (port, _) = http_proxy(None, Some(answer)).await;
    let proxy = format!("http://me:geheim-pw12@127.0.0.1:{port}");
    let evidence = evidence("http://192.0.2.1/v1", through(&proxy)).await;
    assert_eq!(evidence.status, Some(407));
    let text = evidence.body.text().into_owned();
    assert!(text.starts_with("not …, not"), "{text}");
    assert!(!text.contains("geheim") && !text.contains("bWU6Z2VoZWlt"), "{text}");
    assert_eq!(judged(&evidence), (Kind::Network, false));
    let client = Client::new(through(&proxy)).unwrap();
    assert!(!format!("{client:?} {:?}", client.options()).contains("geheim"), "{client:?}");
}
