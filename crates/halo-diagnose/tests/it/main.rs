//! The public API of the crate over data.

mod rules;
