//! The binary `halo`.
fn main() {}
