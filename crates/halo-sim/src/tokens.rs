//! Counting the tokens of a request.
//!
//! No model's own tokenizer, but a count that grows with the text as theirs do: six letters or
//! digits of a word to a token, one token to a Chinese, Japanese or Korean character or to a
//! punctuation mark.

use halo_types::{ChatRequest, Part};

/// What one message costs beside its parts.
const PER_MESSAGE: u64 = 4;
/// The most one picture costs.
const MAX_PICTURE: u64 = 1600;

/// The tokens of everything a request holds.
pub(crate) fn request(request: &ChatRequest) -> u64 {
    let system = request.system.as_deref().map_or(0, text);
    let tools: u64 = request.tools.iter().map(|tool| text(&tool.parameters.to_string()) + 20).sum();
    let messages: u64 = request
        .messages
        .iter()
        .map(|message| PER_MESSAGE + message.parts.iter().map(part).sum::<u64>())
        .sum();
    system + tools + messages
}

fn part(part: &Part) -> u64 {
    match part {
        Part::Text { text: said } => text(said),
        // A server sees bytes, not pixels; a kilobyte of a usual picture is about one token.
        Part::Image(image) => (image.bytes / 1_000).clamp(85, MAX_PICTURE),
        Part::Thinking { text: thought, .. } => text(thought),
        Part::ToolCall { name, arguments, .. } => text(name) + text(arguments) + 10,
        Part::ToolResult { text: said, .. } => text(said) + 10,
        Part::Unknown { json, .. } => text(&json.to_string()),
    }
}

/// The tokens of a text.
pub(crate) fn text(text: &str) -> u64 {
    let mut tokens = 0;
    let mut word = 0u64;
    for c in text.chars() {
        if c.is_alphanumeric() && !is_wide(c) {
            word += 1;
            continue;
        }
        tokens += word.div_ceil(6);
        word = 0;
        tokens += u64::from(!c.is_whitespace());
    }
    tokens + word.div_ceil(6)
}

/// Whether a character is Chinese, Japanese or Korean.
pub(crate) fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_characters_and_marks_count() {
        let cases = [
            ("", 0),
            ("word", 1),
            ("morning", 2),
            ("two words.", 3),
            ("你好，世界", 5),
            (" \n ", 0),
        ];
        for (said, want) in cases {
            assert_eq!(text(said), want, "{said:?}");
        }
    }
}
