//! The public API of the crate over data.

mod evidence;
mod fuzzed;
mod keywords;
mod rules;
mod wrapped;
