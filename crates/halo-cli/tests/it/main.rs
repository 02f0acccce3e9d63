//! The binary as a whole, from outside.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says on stderr how far it came"
)]

mod browser;
mod chat;
mod command_line;
mod data;
mod errors;
mod explain_log;
mod kill;
mod process;
