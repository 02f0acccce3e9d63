//! The client against small servers on loopback that misbehave in one way each.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod bounds;
mod cancel;
mod faults;
mod http2;
mod proxy;
mod server;
mod tls;
