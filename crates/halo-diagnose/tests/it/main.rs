//! The public API of the crate over data.

mod evidence;
mod fuzzed;
mod keywords;
mod replay;
mod rules;
mod wrapped;
