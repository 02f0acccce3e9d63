//! Any pasted text is read, and its report holds no key.

#![no_main]

#[path = "../../crates/halo-diagnose/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::pasted(bytes));
