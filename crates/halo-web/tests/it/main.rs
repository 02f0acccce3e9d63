//! The pages as a browser meets them: signing in, refusals, headers, conversations.

mod browser;
mod events;
mod guards;
mod pages;
