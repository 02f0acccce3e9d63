//! The public API of the crate over data.

mod evidence;
mod keywords;
mod log;
mod rules;
