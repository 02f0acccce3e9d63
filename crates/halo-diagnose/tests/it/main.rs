//! The public API of the crate over data.

mod evidence;
mod facts;
mod keywords;
mod rules;
mod vendors;
