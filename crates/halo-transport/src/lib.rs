//! The only crate that speaks HTTP to providers.
//!
//! A [`Client`] sends one [`Call`] exactly once: it does not retry, follows no redirect and has no
//! total deadline. An answer comes as a [`Reply`], piece by piece, each with its raw bytes and the
//! events decoded from them. Every failure, from a host name that does not resolve to an error
//! event in the middle of a stream, comes back as [`Evidence`](halo_types::Evidence): what arrived,
//! where in the exchange it broke, and the whole chain of causes, with secrets masked.
//!
//! ```
//! use halo_transport::{Call, Client, ClientOptions};
//! use halo_types::{Phase, Protocol, TransportClass};
//! use tokio_util::sync::CancellationToken;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let client = Client::new(ClientOptions::default())?;
//! let call = Call::post("http://127.0.0.1:1/v1/messages", Protocol::Anthropic, b"{}".to_vec());
//! let evidence = client.send(call, &CancellationToken::new()).await.unwrap_err();
//! assert_eq!(evidence.phase, Some(Phase::Connect));
//! assert_eq!(evidence.transport.unwrap().class, TransportClass::Refused);
//! # Ok::<(), halo_transport::ClientError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ca;
mod call;
mod certificate;
mod client;
mod fault;
mod lines;
mod options;
mod reply;
mod route;
mod scene;
mod stages;
mod tls;
mod tunnel;

pub use ca::{CaError, check_ca_file};
pub use call::{Call, Method};
pub use client::Client;
pub use options::{ClientError, ClientOptions, Limits};
pub use reply::{Piece, Reply};
pub use stages::{Stage, StageReport};
pub use tls::install_tls;
