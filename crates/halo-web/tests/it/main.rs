//! The pages as a browser meets them: signing in, refusals, headers, conversations.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod access;
mod browser;
mod compaction;
mod data;
mod events;
mod gallery;
mod guards;
mod help;
mod languages;
mod outbox;
mod pages;
mod shell;
mod teach;
