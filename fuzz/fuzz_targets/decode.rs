//! Any bytes are an answer of some protocol or none, and never a panic.

#![no_main]

#[path = "../../crates/halo-wire/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::decoded(bytes));
