//! Seeds for the fuzz targets: the rules' examples, in the form that the targets read.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use halo_types::{Evidence, Protocol};

/// Runs `fuzz-seeds [DIR]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let root = match args {
        [] => Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus"),
        [folder] if !folder.starts_with("--") => PathBuf::from(folder),
        _ => bail!("fuzz-seeds takes one folder at most"),
    };
    for target in ["diagnose", "input"] {
        let folder = root.join(target);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for rule in halo_diagnose::rules() {
            for (number, example) in rule.example.iter().chain(&rule.near).enumerate() {
                let evidence = example.evidence();
                let seed = match target {
                    "diagnose" => for_diagnose(&evidence)?,
                    _ => for_input(&evidence, number)?,
                };
                fs::write(folder.join(format!("seed-{}-{number}", rule.id)), seed)?;
            }
        }
    }
    fs::write(root.join("words.dict"), dictionary())?;
    wire(&root)
}

/// The golden files of halo-wire, in the forms that `halo-wire/tests/it/fuzzed.rs` reads: a byte
/// that cuts or chooses the protocol, or two that choose a pair and what is converted.
fn wire(root: &Path) -> anyhow::Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/halo-wire/tests/golden");
    let count = Protocol::ALL.len();
    for (at, protocol) in Protocol::ALL.iter().enumerate() {
        let folder = golden.join(protocol.as_str().replace('-', "_"));
        for kind in ["decode", "answer", "stream", "error"] {
            let Ok(files) = fs::read_dir(folder.join(kind)) else { continue };
            for file in files {
                let path = file?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if !name.contains(".in.") {
                    continue;
                }
                let bytes = fs::read(&path)?;
                let seed = |target: &str, head: &[u8], to: &str| -> anyhow::Result<()> {
                    let folder = root.join(target);
                    fs::create_dir_all(&folder)?;
                    let name = format!("seed-{protocol}-{kind}-{name}{to}");
                    fs::write(folder.join(name), [head, &bytes].concat())?;
                    Ok(())
                };
                let byte = |n: usize| u8::try_from(n).unwrap_or_default();
                if kind != "decode" {
                    seed("decode", &[byte(at)], "")?;
                    seed("sse", &[0], "")?;
                }
                let what = ["decode", "answer"].iter().position(|known| *known == kind);
                for to in 0..count {
                    let head = [byte(at + count * to), byte(what.unwrap_or(2))];
                    seed("convert", &head, &format!("-{to}"))?;
                }
            }
        }
    }
    Ok(())
}

/// The form that `halo-diagnose/tests/it/fuzzed.rs` reads.
fn for_diagnose(evidence: &Evidence) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut word = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(out, "{key}={value} ");
        }
    };
    word("status", evidence.status.map(|status| status.to_string()));
    word("phase", evidence.phase.map(name).transpose()?);
    word("transport", evidence.transport.as_ref().map(|t| name(t.class)).transpose()?);
    word("provider", evidence.provider.clone());
    word("model", evidence.request.model.clone());
    word("images", evidence.request.images.map(|images| images.to_string()));
    let partial = (evidence.partial_chars > 0).then(|| evidence.partial_chars.to_string());
    word("partial", partial);
    if evidence.truncated {
        out.push_str("truncated");
    }
    for (name, value) in evidence.headers.iter() {
        let _ = write!(out, "\n{name}: {value}");
    }
    for text in evidence.transport.iter().flat_map(|transport| &transport.chain) {
        let _ = write!(out, "\n!{text}");
    }
    out.push_str("\n\n");
    out.push_str(&evidence.body.text());
    Ok(out)
}

/// What people paste: the text alone, the output of `curl -i`, or a record.
fn for_input(evidence: &Evidence, number: usize) -> anyhow::Result<String> {
    Ok(match (number % 3, evidence.status) {
        (0, Some(status)) => {
            let mut out = format!("HTTP/2 {status}\r\n");
            for (name, value) in evidence.headers.iter() {
                let _ = write!(out, "{name}: {value}\r\n");
            }
            out.push_str("\r\n");
            out.push_str(&evidence.body.text());
            out
        }
        (1, _) => serde_json::to_string(evidence)?,
        _ => evidence.body.text().into_owned(),
    })
}

fn name(value: impl serde::Serialize) -> anyhow::Result<String> {
    let value = serde_json::to_value(value)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Words that open doors in the reader.
fn dictionary() -> String {
    const WORDS: &[&str] = &[
        "status=429",
        "status=200",
        "phase=stream",
        "transport=reset",
        "images=0",
        "partial=5",
        "retry-after: ",
        "x-ratelimit-reset: ",
        "date: ",
        "data: ",
        "event: error",
        "\n\n",
        "{\"error\":{\"message\":\"",
        "\"metadata\":{\"raw\":\"",
        "\"code\":",
        "\"retryDelay\":\"28s\"",
        "\\\"",
        "\\\\\\\"",
        "\\u4f59",
        "\\ud83d\\ude00",
        "{'error': {'message': '",
        "<html>",
        "<!DOCTYPE html>",
        "<script>",
        "</html>",
        "[{",
        "}]",
        "\u{1b}[31m",
        "│",
        "’",
        "余额不足",
        "try again in ",
        "resets at 2026-09-21 14:14:20",
        "maximum context length is 8192 tokens",
        "HTTP/2 429",
        "Error code: 429 - ",
        "sk-",
        "Bearer ",
        "://user@",
    ];
    let quoted = |word: &&str| {
        let mut out = String::from("\"");
        for b in word.bytes() {
            match b {
                b'"' | b'\\' => out.extend(['\\', char::from(b)]),
                0x20..0x7f => out.push(char::from(b)),
                _ => {
                    let _ = write!(out, "\\x{b:02x}");
                }
            }
        }
        out + "\"\n"
    };
    WORDS.iter().map(quoted).collect()
}

#[cfg(test)]
#[path = "../../crates/halo-diagnose/tests/it/fuzzed.rs"]
mod fuzzed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_say_what_the_examples_say() {
        for rule in halo_diagnose::rules() {
            for example in &rule.example {
                let evidence = example.evidence();
                let seed = for_diagnose(&evidence).expect("evidence can be written");
                assert_eq!(fuzzed::evidence(seed.as_bytes()), evidence, "{}: {seed}", rule.id);
            }
        }
    }
}
