//! `halo explain --log` as a process: files, pipes, gzip, exit codes, Ctrl+C.

use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::process::run;

const KEY: &str = "sk-proj-abcdEFGHijklMNOP1234567890";

fn log() -> String {
    let mut text = "2026-11-01 10:00:00 INFO ready\n".repeat(3);
    text += "2026-11-01 10:00:01 ERROR openai.RateLimitError: Error code: 429 - Rate limit reached for gpt-4o\n";
    text += "2026-11-01 10:30:01 ERROR openai.RateLimitError: Error code: 429 - Rate limit reached for gpt-4o\n";
    text += &format!(
        "2026-11-01 12:00:01 ERROR openai.AuthenticationError: Error code: 401 - Incorrect API key provided: {KEY}\n"
    );
    text
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_log_is_summed_up_for_people() {
    let output = run(&["explain", "--log", "--lang", "en"], log().as_bytes());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = words(&output);
    for part in [
        "3 provider errors in 6 lines · 2026-11-01 10:00:01 – 2026-11-01 12:00:01",
        "67 % pass by themselves",
        "2  Too many requests in a short time [rate_limited]",
        "3  OpenAI",
        "2026-11-01 10:00  ████████████████████████████████████████ 2",
        "1× The API key was not accepted [invalid_api_key]",
        "-:6 · 2026-11-01 12:00:01",
        "»Incorrect API key«",
        "→ Check the API key in the settings",
        "rule ",
        "-:4 · 2026-11-01 10:00:01 – 2026-11-01 10:30:01",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    assert!(said.find("invalid_api_key").unwrap() > said.find("rate_limited").unwrap());
    assert!(!said.contains("MNOP1234") && !said.contains('\u{1b}'), "{said}");
    let worst = &said[said.find("The worst").unwrap()..];
    assert!(worst.find("invalid_api_key").unwrap() < worst.find("rate_limited").unwrap());
    let chinese = run(&["explain", "--log", "--lang", "zh"], log().as_bytes());
    assert!(words(&chinese).contains("6 行中有 3 个服务商错误"), "{chinese:?}");
}

#[test]
fn nothing_found_is_said_with_the_lines_that_were_read() {
    let output = run(&["explain", "--log", "--lang", "en"], b"all is well\nhere");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(words(&output), "no provider errors found in 2 lines\n");
}

#[test]
fn several_files_packed_and_plain_are_one_json_object() {
    let folder = TempDir::new().unwrap();
    let plain = folder.path().join("app.log");
    // Packed, in two members, under a name that does not tell.
    let packed = folder.path().join("old.log");
    std::fs::write(&plain, log()).unwrap();
    let mut bytes = Vec::new();
    for part in [&log()[..150], &log()[150..]] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(part.as_bytes()).unwrap();
        bytes.extend(encoder.finish().unwrap());
    }
    std::fs::write(&packed, bytes).unwrap();
    let missing = folder.path().join("gone.log");
    let name = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let names = [name(&plain), name(&missing), name(&packed)];
    let output = run(&["explain", "--log", &names[0], &names[1], "--json", &names[2]], b"");
    assert_eq!(output.status.code(), Some(2), "one file could not be read");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("gone.log") && complaint.lines().count() == 1, "{complaint}");
    let told = json(&output);
    assert_eq!((&told["total"], &told["lines"]), (&6.into(), &12.into()), "{told}");
    assert_eq!(told["files"][1]["name"], names[2].as_str());
    assert_eq!(told["files"][1]["lines"], 6);
    assert_eq!(told["transient"], 4);
    assert_eq!(told["partial"], false);
    assert_eq!(told["hours"].as_array().unwrap().len(), 2);
    let worst = &told["groups"][0];
    assert_eq!((&worst["kind"], &worst["count"]), (&"invalid_api_key".into(), &2.into()));
    let example = &worst["example"];
    assert_eq!((&example["file"], &example["line"]), (&names[0].as_str().into(), &6.into()));
    assert_eq!(example["time"], "2026-11-01 12:00:01");
    let span = &example["diagnosis"]["because"]["span"];
    let at = |n: usize| usize::try_from(span[n].as_u64().unwrap()).unwrap();
    let text = example["text"].as_str().unwrap();
    assert_eq!(&text[at(0)..at(1)], example["diagnosis"]["because"]["quote"].as_str().unwrap());
    assert!(!told.to_string().contains("MNOP1234"));
}

#[test]
fn threads_do_not_show() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("app.log");
    let line = "2026-11-01 10:00:00 INFO ready\n".repeat(150);
    std::fs::write(&file, (line + &log()).repeat(1000)).unwrap();
    let run = || run(&["explain", "--log", "--json", file.to_str().unwrap()], b"").stdout;
    let first = run();
    assert!(first.len() > 1000 && first == run() && first == run());
}

#[test]
fn a_broken_archive_tells_what_came_before() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(log().as_bytes()).unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.extend_from_slice(&[0x1f, 0x8b, 0x08, 0xff, 0x01]);
    std::fs::write(&file, bytes).unwrap();
    let output = run(&["explain", "--log", "--json", file.to_str().unwrap()], b"");
    assert_eq!((output.status.code(), &json(&output)["total"]), (Some(2), &3.into()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("to its end"));
}

#[test]
fn the_words_that_are_looked_for_first_can_be_printed() {
    let output = run(&["explain", "--log", "--literals"], b"");
    assert!(words(&output).lines().any(|line| line == "ate limit"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_there_is() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_halo"))
        .args(["explain", "--log", "--lang", "en"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The pipe stays open: the program waits for more.
    let mut stdin = child.stdin.take().unwrap();
    let long = "2026-11-01 10:00:00 INFO ready\n".repeat(60_000) + &log();
    stdin.write_all(long.as_bytes()).unwrap();
    stdin.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.starts_with("Stopped before the end"), "{said}");
    assert!(said.contains("3 provider errors in 60,006 lines"), "{said}");
    drop(stdin);
}
