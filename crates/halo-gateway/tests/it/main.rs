//! The gateway over real sockets, with the simulator as the provider.

#![expect(clippy::unwrap_used, reason = "a step that fails here fails the test")]

mod answers;
mod client;
mod disconnect;
mod failures;
mod own;
mod world;
