//! Turns against the simulator over real sockets, on a real store.

mod bench;
mod recovery;
mod rows;
mod talk;
