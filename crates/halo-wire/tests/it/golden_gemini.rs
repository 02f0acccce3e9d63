//! Cases as files: `tests/golden/gemini/<kind>/<name>.in.*` and what becomes of it in
//! `<name>.out.*`. `UPDATE_GOLDEN=1` writes the second anew.

use std::path::{Path, PathBuf};

use halo_types::{BlobId, Blobs, ChatRequest, Protocol};
use halo_wire::{EncodeOptions, Event, encode, server};
use serde_json::Value;

use crate::decode;

/// Compares every case of a kind with what `become_of` makes of it.
fn check(kind: &str, ending: &str, become_of: impl Fn(&str, &[u8]) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gemini").join(kind);
    let mut inputs: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".in."))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{kind}");
    for input in inputs {
        let file = input.file_name().unwrap().to_string_lossy().into_owned();
        let name = file.split(".in.").next().unwrap().to_owned();
        let got = become_of(&name, &std::fs::read(&input).unwrap());
        let want = folder.join(format!("{name}.out.{ending}"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&want, got).unwrap();
        } else {
            let text = std::fs::read_to_string(&want).unwrap_or_default();
            assert_eq!(got, text, "{kind}/{name}");
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The picture that the requests name.
fn blobs() -> Blobs {
    let mut blobs = Blobs::default();
    blobs.insert(BlobId::from_digest(&[7; 32]), vec![1, 2, 3]);
    blobs
}

/// The events, one a line, and how the input ended. The bytes are cut at every offset.
fn events(bytes: &[u8]) -> String {
    let (events, finish) = decode(Protocol::Gemini, bytes);
    let mut text = String::new();
    for event in events {
        text += &match event {
            Event::Error { raw } => format!("Error {}\n", String::from_utf8_lossy(&raw)),
            event => format!("{event:?}\n"),
        };
    }
    format!("{text}= {finish:?}\n")
}

#[test]
fn requests() {
    check("request", "json", |name, input| {
        let request: ChatRequest = serde_json::from_slice(input).unwrap();
        let options = EncodeOptions {
            omit: match name {
                "old_target" => ["parametersJsonSchema", "responseJsonSchema", "id", "system"]
                    .map(str::to_owned)
                    .to_vec(),
                _ => Vec::new(),
            },
            ..EncodeOptions::default()
        };
        let body = encode(Protocol::Gemini, &request, &blobs(), &options).unwrap();
        pretty(&serde_json::from_slice(&body).unwrap())
    });
}

#[test]
fn requests_of_clients() {
    check("decode", "json", |_, input| match server::decode_request(Protocol::Gemini, input) {
        Ok((request, _)) => {
            server::check_history(Protocol::Gemini, &request).unwrap();
            pretty(&serde_json::to_value(&request).unwrap())
        }
        Err(fault) => pretty(&serde_json::json!({ "refused": fault.message })),
    });
}

#[test]
fn answers() {
    check("answer", "txt", |_, input| events(input));
}

#[test]
fn streams() {
    check("stream", "txt", |_, input| events(input));
}

#[test]
fn errors() {
    check("error", "txt", |_, input| events(input));
}
