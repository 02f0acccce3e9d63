//! The public API of the crate over data.

mod evidence;
// One case a line, so that a table can be read.
#[rustfmt::skip]
mod field_mistakes;
mod facts;
mod fuzzed;
mod keywords;
mod log;
mod replay;
#[rustfmt::skip]
mod retry_hints;
mod rules;
mod vendors;
mod wordings;
mod wrapped;
