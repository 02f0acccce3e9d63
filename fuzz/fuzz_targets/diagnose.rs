//! Any evidence is diagnosed, and the diagnosis keeps its promises.

#![no_main]

#[path = "../../crates/halo-diagnose/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::diagnosed(bytes));
