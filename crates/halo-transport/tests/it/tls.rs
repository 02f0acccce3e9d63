//! Faults of encryption: the certificate's, named, and those of speaking it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_transport::install_tls;
use halo_transport::{CaError, Client, ClientError, ClientOptions, Stage, check_ca_file};
use halo_types::{Evidence, Kind, Phase, TransportClass};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::{class, judged, options, read_request, refused, response, words};

/// A certificate of a server, and the authority that issued it as a file.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    folder: TempDir,
}

impl Identity {
    /// One for `localhost` that nothing is wrong with.
    pub fn of_localhost() -> Self {
        Self::new("localhost", |_| {})
    }

    fn new(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        install_tls();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each its own name: one of the same name would be taken for the issuer.
        let named = format!("Halo test authority of {name}");
        authority.distinguished_name.push(DnType::CommonName, named);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), pem("CERTIFICATE", authority.der())).unwrap();
        Self { chain: vec![certificate.der().clone()], key: key.serialize_der(), folder }
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Options that trust the authority.
    pub fn trusted(&self) -> ClientOptions {
        ClientOptions { ca_file: Some(self.ca_file()), ..options() }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Serves with a certificate; hands out the connections whose handshake worked.
pub async fn listen(identity: &Identity, alpn: &[&[u8]]) -> (u16, Receiver<TlsStream<TcpStream>>) {
    let key = PrivateKeyDer::try_from(identity.key.clone()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, sockets) = channel(8);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // Where the client turns away, that is what is tested.
            if let Ok(socket) = acceptor.accept(socket).await
                && sender.send(socket).await.is_err()
            {
                return;
            }
        }
    });
    (port, sockets)
}

/// A server that answers every request over TLS with `bytes`; returns its URL.
pub async fn says_encrypted(identity: &Identity, bytes: Vec<u8>) -> String {
    let (port, mut sockets) = listen(identity, &[b"http/1.1"]).await;
    tokio::spawn(async move {
        while let Some(mut socket) = sockets.recv().await {
            read_request(&mut socket).await;
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
        }
    });
    format!("https://localhost:{port}/v1")
}

fn is_certificate_fault(evidence: &Evidence) {
    assert_eq!(class(evidence), Some(TransportClass::Certificate), "{evidence:?}");
    assert_eq!((evidence.phase, Stage::of(evidence)), (Some(Phase::Connect), Stage::Tls));
    assert_eq!(judged(evidence), (Kind::Network, false));
}

#[tokio::test]
async fn the_certificates_fault_is_named() {
    let expired = Identity::new("localhost", |params| {
        params.not_before = date_time_ymd(2020, 1, 2);
        params.not_after = date_time_ymd(2021, 3, 4);
    });
    let early = Identity::new("localhost", |params| params.not_before = date_time_ymd(4000, 1, 2));
    let other = Identity::new("other.example", |_| {});
    let good = Identity::of_localhost();
    for (served, trusted, want) in [
        (
            &expired,
            &expired,
            &["expired", "to 2021-03-04 00:00 UTC", "the clock of this machine"][..],
        ),
        (&early, &early, &["not valid yet", "from 4000-01-02 00:00 UTC"]),
        (&other, &other, &["not valid for name \"localhost\"", "for other.example"]),
        (&good, &other, &["UnknownIssuer", "issued by Halo test authority", "for localhost"]),
    ] {
        let url = says_encrypted(served, Vec::new()).await;
        let evidence = refused(&url, trusted.trusted()).await;
        is_certificate_fault(&evidence);
        for text in want {
            assert!(words(&evidence).contains(text), "{text}: {evidence:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_only_its_owner_vouches_for() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = Identity {
        chain: vec![own.cert.der().clone()],
        key: own.signing_key.serialize_der(),
        folder: tempfile::tempdir().unwrap(),
    };
    install_tls();
    let answer = response("400 Bad", "", b"here");
    let url = says_encrypted(&identity, answer).await;
    // Whatever the system trusts, and where it trusts nothing at all.
    let evidence = refused(&url, options()).await;
    is_certificate_fault(&evidence);
    assert!(words(&evidence).contains("issued by itself"), "{evidence:?}");
    // Trusted as it is, it works.
    fs::write(identity.ca_file(), pem("CERTIFICATE", own.cert.der())).unwrap();
    let evidence = refused(&url, identity.trusted()).await;
    assert_eq!(evidence.body.text(), "here", "{evidence:?}");
}

#[tokio::test]
async fn a_ca_file_adds_trust() {
    let identity = Identity::of_localhost();
    assert_eq!(check_ca_file(&identity.ca_file()).unwrap(), 1);
    let url = says_encrypted(&identity, response("400 Bad", "", b"here")).await;
    is_certificate_fault(&refused(&url, options()).await);
    let evidence = refused(&url, identity.trusted()).await;
    assert_eq!((evidence.status, evidence.body.text().as_ref()), (Some(400), "here"));
}

#[test]
fn what_can_be_wrong_with_a_ca_file() {
    let identity = Identity::of_localhost();
    let good = fs::read_to_string(identity.ca_file()).unwrap();
    let folder = identity.folder.path();
    let file = |name: &str, text: &[u8]| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    };
    let broken = good.replacen("MII", "MIJ", 1);
    let key = pem("PRIVATE KEY", &KeyPair::generate().unwrap().serialize_der());
    for (path, words) in [
        (folder.join("none.pem"), "does not exist"),
        (folder.to_owned(), "cannot be read"),
        (file("empty.pem", b""), "holds no certificate"),
        (file("key.pem", key.as_bytes()), "holds no certificate"),
        (file("binary.der", identity.chain[0].as_ref()), "holds no certificate"),
        (file("large.pem", &vec![b'\n'; 1 << 21]), "larger than 1 MiB"),
        (file("broken.pem", format!("{good}{broken}").as_bytes()), "certificate number 2"),
        (file("cut.pem", &good.as_bytes()[..good.len() / 2]), "certificate number 1"),
    ] {
        let error = check_ca_file(&path).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words) && text.contains(&path.display().to_string()), "{text}");
        let client = Client::new(ClientOptions { ca_file: Some(path), ..options() });
        let error = client.unwrap_err();
        assert!(matches!(error, ClientError::Ca(_)), "{error}");
        let evidence =
            Evidence { transport: Some(error.failure()), ..Evidence::from_text(String::new()) };
        assert_eq!(judged(&evidence), (Kind::Network, false), "{text}");
    }
    assert!(matches!(check_ca_file(&folder.join("none.pem")), Err(CaError::Missing { .. })));
}

#[tokio::test]
async fn encryption_spoken_to_a_plain_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });
    let evidence = refused(&url, options()).await;
    assert_eq!(class(&evidence), Some(TransportClass::Tls), "{evidence:?}");
    assert_eq!(Stage::of(&evidence), Stage::Tls);
    assert_eq!(judged(&evidence), (Kind::Network, false));
}

#[tokio::test]
async fn a_plain_request_to_an_encrypted_port() {
    let identity = Identity::of_localhost();
    let (port, _sockets) = listen(&identity, &[b"http/1.1"]).await;
    let evidence = refused(&format!("http://localhost:{port}/v1"), options()).await;
    // The server says so with an alert of TLS and closes; either may arrive first.
    let found = class(&evidence);
    assert!(
        matches!(found, Some(TransportClass::Protocol | TransportClass::Reset)),
        "{evidence:?}"
    );
    if found == Some(TransportClass::Protocol) {
        assert!(words(&evidence).contains("begins with https://"), "{evidence:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            // Read first, so that the close is an end and not a reset.
            let _ = socket.read(&mut [0; 4096]).await;
        }
    });
    let evidence = refused(&url, options()).await;
    assert_eq!(class(&evidence), Some(TransportClass::Tls), "{evidence:?}");
    assert_eq!((evidence.phase, Stage::of(&evidence)), (Some(Phase::Connect), Stage::Tls));
    assert_eq!(judged(&evidence), (Kind::Network, true));
}
