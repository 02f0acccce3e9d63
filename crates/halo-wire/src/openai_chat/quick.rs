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

/// The bytes around the text of the last plain chunk. Nearly all chunks of a stream differ in their
/// text alone, and such a chunk is read by comparing the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// Longer surroundings are not kept.
const MAX_FRAME: usize = 4 * 1024;

impl Frame {
    /// The text of a chunk that is the last one but for its text.
    pub(crate) fn text(&self, data: &[u8]) -> Option<String> {
        let text = data.strip_prefix(&*self.head)?.strip_suffix(&*self.tail)?;
        if self.head.is_empty() || text.is_empty() {
            return None;
        }
        // A quote or a backslash may end the text earlier, and control characters end the document.
        if memchr::memchr2(b'"', b'\\', text).is_some() || text.iter().any(|byte| *byte < b' ') {
            return None;
        }
        std::str::from_utf8(text).ok().map(str::to_owned)
    }

    /// Keeps what surrounds `text` in `data`, where it is there as it is.
    pub(crate) fn learn(&mut self, data: &[u8], text: &str) {
        let Some(start) = text.as_ptr().addr().checked_sub(data.as_ptr().addr()) else { return };
        let end = start.saturating_add(text.len());
        if data.len() - text.len().min(data.len()) > MAX_FRAME {
            return;
        }
        if let (Some(head), Some(tail)) = (data.get(..start), data.get(end..)) {
            self.head.clear();
            self.head.extend_from_slice(head);
            self.tail.clear();
            self.tail.extend_from_slice(tail);
        }
    }
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
                // How it was read leaves a trace in the machine; what was read must not.
                machine.frame = Frame::default();
                (events, format!("{machine:?}"))
            };
            assert_eq!(read(true), read(false), "{chunk}");
        }
    }

    #[test]
    fn chunks_that_differ_in_their_text_alone_are_compared() {
        let chunk = |text: &str| {
            format!(
                "{{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}"
            )
        };
        let mut machine = Machine::default();
        let mut events: Vec<Event> = Vec::new();
        let value: Value = serde_json::from_str(START).unwrap();
        machine.piece(&value, &mut events);
        events.clear();
        let texts = ["a", "b“c”", "\\n", "", "x\\\"y", "d\",\"z\":\"e", "f"];
        for text in texts {
            assert!(machine.quick(chunk(text).as_bytes(), &mut events), "{text}");
        }
        let said: Vec<String> = events
            .iter()
            .map(|event| match event {
                Event::Text(text) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(said, ["a", "b“c”", "\n", "x\"y", "d", "f"]);
        // Bytes that are no text, and a chunk that ends early, are left to the machine.
        let broken = [&chunk("g").as_bytes()[..50], b"\xff"].concat();
        assert!(!machine.quick(&broken, &mut events));
        assert!(!machine.quick(chunk("a\nb").as_bytes(), &mut events));
    }

    #[test]
    fn the_plainest_are_read_quickly() {
        assert!(CHUNKS[..4].iter().all(|chunk| delta(chunk.as_bytes()).is_some()));
        assert!(CHUNKS[4..].iter().all(|chunk| delta(chunk.as_bytes()).is_none()));
    }
}
