//! Faults of encryption.

use std::sync::Arc;

use halo_transport::{Stage, install_tls};
use halo_types::{Phase, TransportClass};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{class, options, refused};

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for() {
    install_tls();
    install_tls();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // The client turns away; that is what is tested.
            let _ = acceptor.accept(socket).await;
        }
    });
    let evidence = refused(&format!("https://localhost:{port}/v1"), options()).await;
    assert_eq!(class(&evidence), Some(TransportClass::Certificate), "{evidence:?}");
    assert_eq!((evidence.phase, Stage::of(&evidence)), (Some(Phase::Connect), Stage::Tls));
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
}
