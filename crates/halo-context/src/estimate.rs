//! Token estimates. No provider's tokenizer is assumed: the figures are meant for decisions with
//! a margin, and are shown as "about".

use halo_types::{ChatRequest, ImageRef, Message, Part};

/// Tokens a message costs beyond its content: role and separators.
const PER_MESSAGE: u64 = 4;

/// Estimated tokens of a text: about four bytes of ASCII, one CJK character or three bytes of
/// anything else make a token.
#[must_use]
pub fn text_tokens(text: &str) -> u64 {
    let (mut ascii, mut wide, mut other) = (0u64, 0u64, 0u64);
    for c in text.chars() {
        match u32::from(c) {
            0..=0x7f => ascii += 1,
            0x2e80..=0x9fff
            | 0xac00..=0xd7af
            | 0xf900..=0xfaff
            | 0xff00..=0xffef
            | 0x2_0000..=0x3_ffff => wide += 1,
            _ => other += c.len_utf8() as u64,
        }
    }
    ascii.div_ceil(4) + wide + other.div_ceil(3)
}

/// Estimated tokens of a picture: area by 750, as Anthropic documents it, with a floor and a cap.
/// <https://platform.claude.com/docs/en/build-with-claude/vision>
#[must_use]
pub fn image_tokens(image: &ImageRef) -> u64 {
    let area = u64::from(image.width) * u64::from(image.height);
    (area / 750).clamp(85, 1_600)
}

/// Estimated tokens of parts.
fn part_tokens(part: &Part) -> u64 {
    match part {
        Part::Text { text } => text_tokens(text),
        Part::Image(image) => image_tokens(image),
        Part::Thinking { text, redacted, .. } => {
            text_tokens(text) + redacted.as_deref().map_or(0, text_tokens)
        }
        Part::ToolCall { name, arguments, .. } => text_tokens(name) + text_tokens(arguments) + 8,
        Part::ToolResult { text, .. } => text_tokens(text) + 8,
        Part::Unknown { json, .. } => text_tokens(&json.to_string()),
    }
}

/// Estimated tokens of a stored message.
#[must_use]
pub fn message_tokens(message: &Message) -> u64 {
    PER_MESSAGE + message.parts.iter().map(part_tokens).sum::<u64>()
}

/// Estimated input tokens of a request.
#[must_use]
pub fn request_tokens(request: &ChatRequest) -> u64 {
    let system = request.system.as_deref().map_or(0, |text| text_tokens(text) + PER_MESSAGE);
    let messages: u64 = request
        .messages
        .iter()
        .map(|message| PER_MESSAGE + message.parts.iter().map(part_tokens).sum::<u64>())
        .sum();
    let tools: u64 = request
        .tools
        .iter()
        .map(|tool| text_tokens(&tool.name) + text_tokens(&tool.parameters.to_string()) + 8)
        .sum();
    system + messages + tools
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_and_chinese_are_told_apart() {
        assert_eq!(text_tokens("abcdefgh"), 2);
        assert_eq!(text_tokens("你好世界"), 4);
        assert_eq!(text_tokens(""), 0);
    }
}
