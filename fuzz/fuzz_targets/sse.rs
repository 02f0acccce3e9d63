//! Any bytes are cut into the same frames, however they arrive.

#![no_main]

#[path = "../../crates/halo-wire/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::framed(bytes));
