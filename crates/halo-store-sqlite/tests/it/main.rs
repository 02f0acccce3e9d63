//! The store on SQLite against its contract and against a hostile world.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking, its helpers too")]

mod damage;
mod open;
mod rescue;
mod story;
