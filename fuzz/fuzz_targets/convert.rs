//! What is translated is a request, an answer or a stream of the other protocol.

#![no_main]

#[path = "../../crates/halo-wire/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::converted(bytes));
