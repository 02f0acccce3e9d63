//! Answers as relays mangle them: still the whole answer, but not as the protocol says.

use bytes::Bytes;
use halo_types::Protocol;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::play::Op;

/// What is wrong with an answer that says everything all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sloppy {
    /// Lines end with CR and LF.
    Crlf,
    /// No space after `data:`.
    NoSpace,
    /// Comments, empty events and keep-alive words between the frames.
    KeepAlive,
    /// A byte order mark stands before everything.
    ByteOrderMark,
    /// A few bytes at a time, so that characters are cut in two.
    Crumbs,
    /// Two documents in each frame.
    Joined,
    /// `[DONE]` is missing where it belongs and there where it does not.
    DoneMarker,
    /// A document where a stream was asked for, and the reverse.
    OtherForm,
    /// The end is announced twice.
    EndTwice,
    /// Nulls in every place that allows one.
    Nulls,
    /// Numbers written as strings.
    Strings,
    /// Usage figures where nobody expects them.
    OddUsage,
    /// No `event:` lines.
    NoNames,
    /// Arguments of tools as objects.
    ObjectArguments,
}

/// Mangles the body of an answer. Pauses stay where they are.
pub(crate) fn mangle(how: Sloppy, protocol: Protocol, stream: bool, ops: Vec<Op>) -> Vec<Op> {
    let mut mangled = Vec::with_capacity(ops.len());
    let mut first = true;
    for op in ops {
        let Op::Bytes(bytes) = op else {
            mangled.push(op);
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let text = if stream { frames(how, protocol, &text) } else { whole(how, protocol, &text) };
        let text = match how {
            Sloppy::ByteOrderMark if first => format!("\u{feff}{text}"),
            Sloppy::Crlf => text.replace('\n', "\r\n"),
            _ => text,
        };
        first = false;
        if how == Sloppy::Crumbs {
            let crumbs = text.as_bytes().chunks(7);
            mangled.extend(crumbs.map(|crumb| Op::Bytes(Bytes::copy_from_slice(crumb))));
        } else if !text.is_empty() {
            mangled.push(Op::Bytes(text.into()));
        }
    }
    if stream && how == Sloppy::DoneMarker && protocol != Protocol::OpenaiChat {
        mangled.push(Op::Bytes(Bytes::from_static(b"data: [DONE]\n\n")));
    }
    mangled
}

fn whole(how: Sloppy, protocol: Protocol, body: &str) -> String {
    match serde_json::from_str(body) {
        Ok(mut value) => {
            document(how, protocol, &mut value);
            value.to_string()
        }
        Err(_) => body.to_owned(),
    }
}

fn frames(how: Sloppy, protocol: Protocol, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let frames: Vec<String> = text
        .split_terminator("\n\n")
        .filter_map(|frame| self::frame(how, protocol, frame))
        .collect();
    match how {
        Sloppy::Joined => {
            for pair in frames.chunks(2) {
                let [first, second] = pair else {
                    out.push_str(&pair.concat());
                    out.push_str("\n\n");
                    continue;
                };
                let data = second.lines().filter(|line| line.starts_with("data:"));
                out.push_str(first);
                for line in data {
                    out.push('\n');
                    out.push_str(line);
                }
                out.push_str("\n\n");
            }
        }
        _ => {
            for frame in frames {
                if how == Sloppy::KeepAlive {
                    out.push_str(": OPENROUTER PROCESSING\n\ndata:\n\ndata: keep-alive\n\n");
                }
                out.push_str(&frame);
                out.push_str("\n\n");
                if how == Sloppy::EndTwice && is_end(&frame) {
                    out.push_str(&frame);
                    out.push_str("\n\n");
                }
            }
        }
    }
    out
}

/// One frame, without the blank line behind it; `None` leaves it out.
fn frame(how: Sloppy, protocol: Protocol, frame: &str) -> Option<String> {
    if how == Sloppy::DoneMarker && frame.trim() == "data: [DONE]" {
        return None;
    }
    let lines = frame.lines().filter_map(|line| match (line.strip_prefix("data: "), how) {
        (None, Sloppy::NoNames) => None,
        (None, _) => Some(line.to_owned()),
        (Some(data), Sloppy::NoSpace) => Some(format!("data:{data}")),
        (Some(data), _) => match serde_json::from_str(data) {
            Ok(mut value) => {
                document(how, protocol, &mut value);
                Some(format!("data: {value}"))
            }
            Err(_) => Some(line.to_owned()),
        },
    });
    Some(lines.collect::<Vec<String>>().join("\n"))
}

/// Whether a frame says why the model stopped, and nothing else that must not come twice.
fn is_end(frame: &str) -> bool {
    let data = frame.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
    let Ok(value) = serde_json::from_str::<Value>(data) else { return false };
    let chat = value["choices"][0]["finish_reason"].is_string();
    let gemini = &value["candidates"][0];
    let gemini = gemini["finishReason"].is_string()
        && gemini["content"]["parts"].as_array().is_none_or(Vec::is_empty);
    chat || gemini || matches!(value["type"].as_str(), Some("message_delta" | "response.completed"))
}

fn document(how: Sloppy, protocol: Protocol, value: &mut Value) {
    match how {
        Sloppy::Nulls => {
            for name in ["error", "usage", "service_tier", "promptFeedback"] {
                add_null(value, name);
            }
            for place in ["/choices/0/delta", "/choices/0/message", "/delta"] {
                for name in ["content", "reasoning_content", "tool_calls", "refusal", "thinking"] {
                    value.pointer_mut(place).into_iter().for_each(|inner| add_null(inner, name));
                }
            }
        }
        Sloppy::Strings => strings(value),
        Sloppy::OddUsage => match protocol {
            // Moonshot's place for it.
            Protocol::OpenaiChat => {
                let usage = value["usage"].take();
                if usage.is_object() {
                    let choice = json!({ "index": 0, "delta": {}, "usage": usage });
                    match value["choices"].as_array_mut() {
                        Some(choices) if choices.is_empty() => choices.push(choice),
                        Some(choices) => choices[0]["usage"] = choice["usage"].clone(),
                        None => {}
                    }
                }
            }
            // Counted up in every piece.
            Protocol::Anthropic if value["type"] == "content_block_delta" => {
                value["usage"] = json!({ "input_tokens": 0, "output_tokens": 0 });
            }
            Protocol::Gemini if value["usageMetadata"].is_null() => {
                value["usageMetadata"] = json!({ "promptTokenCount": 0, "totalTokenCount": 0 });
            }
            _ => {}
        },
        Sloppy::ObjectArguments => objects(value),
        _ => {}
    }
}

fn add_null(value: &mut Value, name: &str) {
    if let Value::Object(map) = value
        && !map.contains_key(name)
    {
        map.insert(name.to_owned(), Value::Null);
    }
}

/// Counts and places become strings.
fn strings(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let count = name.ends_with("tokens")
                    || name.ends_with("TokenCount")
                    || matches!(name.as_str(), "index" | "output_index" | "content_index");
                match inner {
                    Value::Number(number) if count => *inner = json!(number.to_string()),
                    inner => strings(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strings),
        _ => {}
    }
}

/// Whole arguments become objects; pieces of them cannot.
fn objects(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let parsed = match (name.as_str(), &*inner) {
                    ("arguments", Value::String(text)) => serde_json::from_str(text).ok(),
                    _ => None,
                };
                match parsed {
                    Some(object @ Value::Object(_)) => *inner = object,
                    _ => objects(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(objects),
        _ => {}
    }
}
