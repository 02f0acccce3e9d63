//! The public API of the crate over data.

mod evidence;
mod keywords;
mod rules;
mod vendors;
