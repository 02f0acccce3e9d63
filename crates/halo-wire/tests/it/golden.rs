//! Cases as files: `tests/golden/PROTOCOL/KIND/NAME.in.*` and what has to come of it,
//! `NAME.out.json`.
//!
//! | kind | in | out |
//! |---|---|---|
//! | `request` | a neutral request, with `omit` (refused parameters) and `blobs` (base64) if need be | the body for the provider |
//! | `decode` | the body of a client's request | the neutral request, or the error |
//! | `answer`, `stream`, `error` | bytes from a provider, cut at every offset | the events and how it ended |
//! | `serve` | parts, usage and reason of an answer | the whole answer, and as `NAME.out.sse` the stream |
//! | `convert` | a request, an answer, a stream | the same in each other protocol, and what is lost: `NAME.out.TO.*` |
//!
//! `UPDATE_GOLDEN=1` writes what comes out instead of comparing it; then read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{BlobId, Blobs, ChatRequest, Part, Protocol, StopReason, Usage};
use halo_wire::server::{self, StreamEncoder};
use halo_wire::translate::{self, RequestTarget, Translated};
use halo_wire::{Answer, EncodeOptions, Event, Finish, encode};
use serde_json::{Value, json};

use crate::decode;

#[test]
fn requests() {
    compare("request", |protocol, input| vec![("json", pretty(&request(protocol, input)))]);
}

#[test]
fn requests_of_clients() {
    compare("decode", |protocol, input| vec![("json", pretty(&client(protocol, input)))]);
}

#[test]
fn whole_answers() {
    compare("answer", |protocol, input| vec![("json", answer(protocol, input))]);
}

#[test]
fn streams() {
    compare("stream", |protocol, input| vec![("json", answer(protocol, input))]);
}

#[test]
fn errors() {
    compare("error", |protocol, input| vec![("json", answer(protocol, input))]);
}

#[test]
fn served_answers() {
    compare("serve", |protocol, input| {
        let (whole, stream) = serve(protocol, input);
        vec![("json", pretty(&whole)), ("sse", stream)]
    });
}

#[test]
fn conversions() {
    let mut wrong = Vec::new();
    for (from, to) in pairs() {
        let folder = root().join(from.as_str().replace('-', "_")).join("convert");
        let cases = cases(&folder);
        assert_eq!(cases.len(), 3, "{from}");
        for (name, input) in cases {
            let (extension, got) = match name.as_str() {
                "request" => ("json", converted_request(from, to, &input)),
                "answer" => ("json", converted_answer(from, to, &input)),
                _ => ("sse", converted_stream(from, to, &input)),
            };
            check(&folder.join(format!("{name}.out.{to}.{extension}")), &got, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDEN=1 rewrites them:\n{}", wrong.join("\n"));
}

fn pairs() -> impl Iterator<Item = (Protocol, Protocol)> {
    let all = || Protocol::ALL.iter().copied();
    all().flat_map(move |from| all().filter(move |to| *to != from).map(move |to| (from, to)))
}

fn converted_request(from: Protocol, to: Protocol, input: &[u8]) -> String {
    let target = RequestTarget { model: Some("m".to_owned()), ..RequestTarget::default() };
    translated(&translate::request(from, to, input, &target).unwrap())
}

fn converted_answer(from: Protocol, to: Protocol, input: &[u8]) -> String {
    translated(&translate::answer(from, to, input, "answer_1", "m", 1_760_000_000).unwrap())
}

fn translated(translated: &Translated) -> String {
    let lost: Vec<String> = translated.lost.iter().map(ToString::to_string).collect();
    pretty(&json!({ "lost": lost, "body": parse(&translated.body) }))
}

/// The stream, the losses in a comment at its end.
fn converted_stream(from: Protocol, to: Protocol, input: &[u8]) -> String {
    let convert = |cut: usize| {
        let mut stream = translate::Stream::new(from, to, "answer_1", "m", 1_760_000_000);
        let mut out: Vec<u8> = input.chunks(cut).flat_map(|piece| stream.push(piece)).collect();
        let (rest, finish) = stream.finish();
        assert_eq!(finish, Finish::Complete, "{from} → {to}");
        out.extend(rest);
        let lost: Vec<String> = stream.lost().iter().map(ToString::to_string).collect();
        format!("{}: lost: {}\n", String::from_utf8(out).unwrap(), lost.join(", "))
    };
    let whole = convert(input.len());
    assert_eq!(whole, convert(1), "byte by byte");
    whole
}

/// Compares what `work` makes of each case with the files, by their extension.
fn compare(kind: &str, work: impl Fn(Protocol, &[u8]) -> Vec<(&'static str, String)>) {
    let mut wrong = Vec::new();
    for protocol in Protocol::ALL {
        let folder = root().join(protocol.as_str().replace('-', "_")).join(kind);
        for (name, input) in cases(&folder) {
            for (extension, got) in work(*protocol, &input) {
                check(&folder.join(format!("{name}.out.{extension}")), &got, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDEN=1 rewrites them:\n{}", wrong.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The cases of a folder by name, with their input.
fn cases(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut cases: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_str()?.split_once(".in.")?.0.to_owned();
            Some((name, fs::read(&path).unwrap()))
        })
        .collect();
    cases.sort();
    cases
}

fn check(path: &Path, got: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, got).unwrap();
        return;
    }
    let want = fs::read_to_string(path).unwrap_or_default();
    if want != got {
        let line = want.lines().zip(got.lines()).position(|(want, got)| want != got);
        let line = line.unwrap_or_else(|| want.lines().count().min(got.lines().count()));
        let at = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
        wrong.push(format!(
            "{}:{}\n  want {}\n  got  {}",
            path.display(),
            line + 1,
            at(&want),
            at(got)
        ));
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn parse(input: &[u8]) -> Value {
    serde_json::from_slice(input).unwrap()
}

fn request(protocol: Protocol, input: &[u8]) -> Value {
    let mut input = parse(input);
    let omit = input.as_object_mut().unwrap().remove("omit").unwrap_or_else(|| json!([]));
    let blobs = take_blobs(&mut input);
    let request: ChatRequest = serde_json::from_value(input).unwrap();
    let options =
        EncodeOptions { omit: serde_json::from_value(omit).unwrap(), ..EncodeOptions::default() };
    match encode(protocol, &request, &blobs, &options) {
        Ok(body) => parse(&body),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn take_blobs(input: &mut Value) -> Blobs {
    let mut blobs = Blobs::default();
    if let Some(Value::Object(given)) = input.as_object_mut().unwrap().remove("blobs") {
        for (id, data) in given {
            let id: BlobId = serde_json::from_value(json!(id)).unwrap();
            blobs.insert(id, STANDARD.decode(data.as_str().unwrap()).unwrap());
        }
    }
    blobs
}

fn client(protocol: Protocol, input: &[u8]) -> Value {
    let refused = |error: server::RequestError| json!({ "message": error.message, "param": error.param, "code": error.code });
    match server::decode_request(protocol, input) {
        Err(error) => json!({ "refused": refused(error) }),
        Ok((request, _)) => {
            let mut out = json!({ "request": request });
            let unheld = server::unheld_parameters(protocol, input);
            if !unheld.is_empty() {
                out["unheld"] = json!(unheld);
            }
            if let Err(error) = server::check_history(protocol, &request) {
                out["history"] = refused(error);
            }
            out
        }
    }
}

fn answer(protocol: Protocol, input: &[u8]) -> String {
    let (events, finish) = decode(protocol, input);
    let finish = match finish {
        Finish::Complete => json!("complete"),
        Finish::Truncated => json!("truncated"),
        Finish::Unusable { why } => json!({ "unusable": why }),
    };
    let lines: Vec<String> = events.iter().map(|event| format!("    {}", line(event))).collect();
    format!("{{\n  \"events\": [\n{}\n  ],\n  \"finish\": {finish}\n}}\n", lines.join(",\n"))
}

/// One event in one line.
fn line(event: &Event) -> Value {
    match event {
        Event::Start { id, model } => json!({ "start": { "id": id, "model": model } }),
        Event::Text(text) => json!({ "text": text }),
        Event::Thinking(text) => json!({ "thinking": text }),
        Event::Signature { protocol, proof } => json!({ "signature": [protocol, proof] }),
        Event::RedactedThinking { protocol, data } => json!({ "redacted": [protocol, data] }),
        Event::Image { media_type, bytes } => {
            json!({ "image": [media_type, STANDARD.encode(bytes)] })
        }
        Event::ToolCall { index, id, name } => json!({ "call": [index, id, name] }),
        Event::ToolArguments { index, delta } => json!({ "arguments": [index, delta] }),
        Event::Usage(usage) => json!({ "usage": usage }),
        Event::Stop(reason) => json!({ "stop": reason }),
        Event::Block { protocol, json } => json!({ "block": [protocol, json] }),
        Event::Error { raw } => json!({ "error": String::from_utf8_lossy(raw) }),
        Event::Unknown { json } => json!({ "unknown": json }),
        Event::Done => json!("done"),
    }
}

fn serve(protocol: Protocol, input: &[u8]) -> (Value, String) {
    let mut input = parse(input);
    let blobs = take_blobs(&mut input);
    let parts: Vec<Part> = serde_json::from_value(input["parts"].take()).unwrap();
    let usage: Usage = serde_json::from_value(input["usage"].take()).unwrap_or_default();
    let stop: StopReason = serde_json::from_value(input["stop"].take()).unwrap_or(StopReason::End);
    let mut answer = Answer::from_parts(parts, usage, stop);
    answer.blobs = blobs;
    let whole = server::encode_answer(protocol, &answer, "resp_1", "m", 1_760_000_000);
    let mut encoder = StreamEncoder::new(protocol, "resp_1", "m", 1_760_000_000);
    let mut events = answer.events();
    if let Some(error) = input.get("error") {
        // It breaks after the parts.
        events.truncate(events.len() - 2);
        events.push(Event::Error { raw: error.to_string().into_bytes() });
    }
    let stream: Vec<u8> = events.iter().flat_map(|event| encoder.encode(event)).collect();
    (parse(&whole), String::from_utf8(stream).unwrap())
}
