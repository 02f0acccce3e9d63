//! HTTP/2, agreed on while the encryption is.

use std::time::Duration;

use bytes::Bytes;
use halo_transport::Client;
use halo_types::TransportClass;
use tokio::sync::mpsc::channel;
use tokio_util::sync::CancellationToken;

use crate::server::{END, LONG, call, class, drain, raw, text_frame};
use crate::tls::{Identity, listen};

#[tokio::test]
async fn a_stream_over_http2_and_its_reset() {
    let identity = Identity::of_localhost();
    let options = identity.trusted();
    let (port, mut sockets) = listen(&identity, &[b"h2"]).await;
    let (gone, mut seen) = channel(1);
    tokio::spawn(async move {
        while let Some(socket) = sockets.recv().await {
            let gone = gone.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let stalls = request.uri().path().ends_with("/stall");
                    let head = http::Response::builder()
                        .header("content-type", "text/event-stream")
                        .header("x-request-id", "req_2")
                        .body(())
                        .unwrap();
                    let mut body = respond.send_response(head, false).unwrap();
                    body.send_data(Bytes::from(text_frame("Hel")), false).unwrap();
                    if stalls {
                        let gone = gone.clone();
                        tokio::spawn(async move {
                            let reason = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
                            gone.send(reason.unwrap()).await.unwrap();
                        });
                    } else {
                        let rest = format!("{}{END}", text_frame("lo"));
                        body.send_data(Bytes::from(rest), true).unwrap();
                    }
                }
            });
        }
    });
    let client = Client::new(options).unwrap();
    let cancel = CancellationToken::new();
    let url = format!("https://localhost:{port}/v1");
    let mut reply = client.send(call(&url), &cancel).await.unwrap();
    assert_eq!(reply.headers().first("x-request-id"), Some("req_2"));
    let (pieces, end) = drain(&mut reply).await;
    let want = format!("{}{}{END}", text_frame("Hel"), text_frame("lo"));
    assert_eq!((end, raw(&pieces)), (Ok(()), want.into_bytes()));

    // Here a connection carries many answers: only the one that is cancelled ends.
    let mut other = client.send(call(&url), &CancellationToken::new()).await.unwrap();
    let mut reply = client.send(call(&format!("{url}/stall")), &cancel).await.unwrap();
    assert!(reply.next().await.unwrap().is_some());
    cancel.cancel();
    let evidence = reply.next().await.unwrap_err();
    assert_eq!(class(&evidence), Some(TransportClass::Cancelled));
    let reason = tokio::time::timeout(LONG, seen.recv()).await.unwrap();
    assert_eq!(reason, Some(h2::Reason::CANCEL));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(drain(&mut other).await.1, Ok(()));
}
