//! The simulator over real sockets.

#![expect(clippy::unwrap_used, reason = "a step that fails here fails the test")]

mod client;
mod direct;
mod faults;
mod limits;
mod scenarios;
mod talk;
