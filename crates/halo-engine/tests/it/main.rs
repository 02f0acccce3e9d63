//! Turns against the simulator over real sockets, on a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod connection;
mod doctor;
mod facts;
mod outbox;
mod recovery;
mod rows;
mod talk;
