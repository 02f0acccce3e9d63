//! The only crate that speaks HTTP to providers
