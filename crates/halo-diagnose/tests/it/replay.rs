//! Inputs that a fuzzer found: each one broke a promise once.
//!
//! `tests/data/fuzz/diagnose-*.txt` and `input-*.txt` are read as the fuzz target of that name
//! reads them.

use std::fs;
use std::path::Path;

use crate::fuzzed;

#[test]
fn what_a_fuzzer_found_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("the folder is part of the crate") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bytes = fs::read(&path).expect("the file can be read");
        println!("{name}");
        match name.split_once('-') {
            Some(("diagnose", _)) => fuzzed::diagnosed(&bytes),
            Some(("input", _)) => fuzzed::pasted(&bytes),
            _ if name == "README.md" => continue,
            _ => panic!("{name}: no fuzz target has that name"),
        }
        read += 1;
    }
    assert!(read > 0, "no inputs were found");
}
