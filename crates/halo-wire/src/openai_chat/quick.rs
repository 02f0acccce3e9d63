//! Reads the plainest chunks, which are nearly all of a stream, straight from their bytes.
//!
//! A chunk counts as plain where every field that could mean more is absent or null. All others
//! are left to the machine, so that both ways give the same events.

use std::borrow::Cow;

use serde::Deserialize;

/// What a plain chunk brings.
pub(crate) struct Delta<'a> {
    pub(crate) thought: Option<Cow<'a, str>>,
    pub(crate) text: Option<Cow<'a, str>>,
}

/// The piece of text or thinking in a plain chunk; `None` where it is no plain chunk.
pub(crate) fn delta(data: &[u8]) -> Option<Delta<'_>> {
    let chunk: Chunk<'_> = serde_json::from_slice(data).ok()?;
    if chunk.object.is_some_and(|object| !object.0.starts_with("chat.completion")) {
        return None;
    }
    let Choices(choice) = chunk.choices?;
    if choice.index.unwrap_or_default() > 0 {
        return None;
    }
    let delta = choice.delta;
    let thought = said(delta.reasoning_content)
        .or_else(|| said(delta.reasoning))
        .or_else(|| said(delta.thinking));
    Some(Delta { thought, text: said(delta.content) })
}

fn said(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    text.map(|text| text.0).filter(|text| !text.is_empty())
}

/// A value that makes a chunk more than plain.
#[derive(Debug)]
enum Never {}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("not plain"))
    }
}

/// A text that borrows where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    object: Option<Text<'a>>,
    #[serde(borrow, default)]
    choices: Option<Choices<'a>>,
    #[serde(default, rename = "type")]
    _type: Option<Never>,
    #[serde(default, rename = "error")]
    _error: Option<Never>,
    #[serde(default, rename = "base_resp")]
    _base_resp: Option<Never>,
    #[serde(default, rename = "Response")]
    _response_upper: Option<Never>,
    #[serde(default, rename = "response")]
    _response: Option<Never>,
    #[serde(default, rename = "usage")]
    _usage: Option<Never>,
    #[serde(default, rename = "x_groq")]
    _x_groq: Option<Never>,
}

/// Exactly one choice.
struct Choices<'a>(Choice<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A tuple of one takes a list of one, and no other.
        <(Choice<'a>,)>::deserialize(deserializer).map(|(choice,)| Self(choice))
    }
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    delta: Piece<'a>,
    #[serde(default, rename = "message")]
    _message: Option<Never>,
    #[serde(default, rename = "text")]
    _text: Option<Never>,
    #[serde(default, rename = "finish_reason")]
    _finish_reason: Option<Never>,
    #[serde(default, rename = "usage")]
    _usage: Option<Never>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(default, rename = "reasoning_details")]
    _reasoning_details: Option<Never>,
    #[serde(default, rename = "refusal")]
    _refusal: Option<Never>,
    #[serde(default, rename = "tool_calls")]
    _tool_calls: Option<Never>,
    #[serde(default, rename = "function_call")]
    _function_call: Option<Never>,
    #[serde(default, rename = "images")]
    _images: Option<Never>,
    #[serde(default, rename = "audio")]
    _audio: Option<Never>,
    #[serde(default, rename = "annotations")]
    _annotations: Option<Never>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Event;
    use crate::openai_chat::stream::Machine;

    const START: &str =
        r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}"#;

    /// Chunks around the edge of what is plain.
    const CHUNKS: &[&str] = &[
        r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a\n“b”"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"delta":{"content":"","reasoning_content":"hm"}}],"error":null,"obfuscation":"xyz"}"#,
        r#"{"choices":[{"delta":{"reasoning":"a","thinking":"a"}}]}"#,
        r#"{"choices":[{"delta":{}}]}"#,
        r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1}}"#,
        r#"{"choices":[{"delta":{"content":"x"}},{"index":1,"delta":{"content":"y"}}]}"#,
        r#"{"choices":[{"index":"0","delta":{"content":"x"}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"x"}}]}"#,
        r#"{"choices":[{"delta":{"content":["x"]}}]}"#,
        r#"{"choices":[{"delta":null,"text":"x"}]}"#,
        r#"{"choices":[]}"#,
        r#"{"object":"list","choices":[{"delta":{"content":"x"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f"}}]}}]}"#,
    ];

    #[test]
    fn both_ways_give_the_same_events() {
        for chunk in CHUNKS {
            let read = |quickly: bool| {
                let mut machine = Machine::default();
                let mut events: Vec<Event> = Vec::new();
                for text in [START, chunk] {
                    let done = quickly && machine.quick(text.as_bytes(), &mut events);
                    if !done {
                        let value: Value = serde_json::from_str(text).unwrap();
                        machine.piece(&value, &mut events);
                    }
                }
                (events, format!("{machine:?}"))
            };
            assert_eq!(read(true), read(false), "{chunk}");
        }
    }

    #[test]
    fn the_plainest_are_read_quickly() {
        assert!(CHUNKS[..4].iter().all(|chunk| delta(chunk.as_bytes()).is_some()));
        assert!(CHUNKS[4..].iter().all(|chunk| delta(chunk.as_bytes()).is_none()));
    }
}
