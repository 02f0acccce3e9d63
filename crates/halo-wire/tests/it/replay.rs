//! What fuzzing found must stay mended: `tests/data/fuzz/TARGET-what-it-is`.

use std::fs;
use std::path::Path;

use crate::fuzzed;

#[test]
fn what_fuzzing_found_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match name.split('-').next() {
            Some("sse") => fuzzed::framed(&bytes),
            Some("decode") => fuzzed::decoded(&bytes),
            Some("convert") => fuzzed::converted(&bytes),
            _ => panic!("{name} names no fuzz target"),
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_scraps_keep_the_promises(input in crate::split::scraps(), pair: u8, what: u8) {
        fuzzed::framed(&input);
        fuzzed::decoded(&[&[pair], input.as_slice()].concat());
        fuzzed::converted(&[&[pair, what], input.as_slice()].concat());
    }
}
