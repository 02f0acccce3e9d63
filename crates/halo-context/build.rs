//! Writes OpenAI's vocabularies as tables that are searched as they lie in the binary: nothing is
//! read at the first use, and of the tables only what is touched takes memory.

use std::path::{Path, PathBuf};

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

include!("src/bpe/hash.rs");

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/bpe/hash.rs");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    write(&folder.join("o200k"), o200k_base_singleton(), 199_998);
    write(&folder.join("cl100k"), cl100k_base_singleton(), 100_256);
}

/// Where each token begins in the bytes of all, these bytes, and a table of hashes with open
/// addressing that holds rank + 1.
fn write(path: &Path, table: &CoreBPE, tokens: u32) {
    let mut offsets = vec![0_u32];
    let mut bytes = Vec::new();
    let mut slots = vec![0_u32; (tokens as usize * 3 / 2).next_power_of_two()];
    for rank in 0..tokens {
        let token = table.decode_bytes(&[rank]).expect("ranks have no gaps");
        let mut slot = hash(&token) as usize & (slots.len() - 1);
        while slots[slot] != 0 {
            slot = (slot + 1) & (slots.len() - 1);
        }
        slots[slot] = rank + 1;
        bytes.extend_from_slice(&token);
        offsets.push(u32::try_from(bytes.len()).expect("a few megabytes"));
    }
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    std::fs::write(path.with_extension("offsets"), numbers(&offsets)).expect("OUT_DIR is writable");
    std::fs::write(path.with_extension("slots"), numbers(&slots)).expect("OUT_DIR is writable");
    std::fs::write(path.with_extension("bytes"), bytes).expect("OUT_DIR is writable");
}
