//! Turns against the simulator over real sockets, on a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod compaction;
mod connection;
mod cures;
mod doctor;
mod facts;
mod gallery;
mod ladder;
mod outbox;
mod pace;
mod pictures;
mod recovery;
mod rows;
mod scripted;
mod talk;
