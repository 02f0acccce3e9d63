//! The client against small servers on loopback that misbehave in one way each.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod faults;
mod server;
mod tls;
