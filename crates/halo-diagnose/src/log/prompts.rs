//! Leaves out what people and models said to each other: a prompt that speaks of an error is none.

use std::borrow::Cow;

/// Keys whose values are words of a conversation.
const KEYS: &[&str] = &[
    "messages",
    "prompt",
    "content",
    "contents",
    "input",
    "system",
    "inputs",
    "query",
    "question",
    "completion",
    "user_input",
    "user_message",
    "system_prompt",
    "reasoning_content",
    "instructions",
];

/// The text without the values of such keys, each replaced by `…`.
pub(super) fn without(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out: Option<String> = None;
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b':', b'=', &bytes[at..]) {
        let separator = at + found;
        at = separator + 1;
        if !is_key(&text[..separator]) {
            continue;
        }
        let value =
            separator + 1 + bytes[separator + 1..].iter().take_while(|b| **b == b' ').count();
        let Some(end) = value_end(bytes, value) else { continue };
        if end - value < 24 {
            continue;
        }
        let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
        out.push_str(&text[done..value]);
        out.push('…');
        // Lines are counted; they stay.
        out.extend(text[value..end].chars().filter(|c| *c == '\n'));
        done = end;
        at = end;
    }
    match out {
        Some(mut out) => {
            out.push_str(&text[done..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(text),
    }
}

/// Whether a text ends with one of the keys.
fn is_key(before: &str) -> bool {
    let trimmed = before.trim_end_matches(['"', '\'', '\\']);
    KEYS.iter().any(|key| {
        trimmed.strip_suffix(key).is_some_and(|rest| {
            rest.bytes().next_back().is_none_or(|b| !b.is_ascii_alphanumeric() && b != b'_')
        })
    })
}

/// Where the list, object or string that begins at `at` ends; the end of the text where it is
/// cut off. `None` where no such value begins.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'[' | b'{' => {
            let mut depth = 0_usize;
            for (offset, byte) in bytes[at..].iter().enumerate() {
                match byte {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + offset + 1);
                        }
                    }
                    _ => {}
                }
            }
            Some(bytes.len())
        }
        b'"' | b'\'' | b'\\' => {
            // As many escapes as before the first quote stand before the last one.
            let escapes = bytes[at..].iter().take_while(|b| **b == b'\\').count();
            let quote = *bytes.get(at + escapes).filter(|b| b"\"'".contains(b))?;
            let mut from = at + escapes + 1;
            while let Some(found) = memchr::memchr(quote, &bytes[from..]) {
                let place = from + found;
                let before = bytes[at + escapes + 1..place]
                    .iter()
                    .rev()
                    .take_while(|b| **b == b'\\')
                    .count();
                if before == escapes {
                    return Some(place + 1);
                }
                from = place + 1;
            }
            Some(bytes.len())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_left_out() {
        for (text, want) in [
            (
                r#"{"messages":[{"role":"user","content":"Error 429 {"}}],"error":"x"}"#,
                r#"{"messages":…,"error":"x"}"#,
            ),
            (r#"content='I get a rate limit error, why' x"#, "content=… x"),
            (
                r#"{\"prompt\":\"an error \\\"x\\\" of the day, long\",\"a\":1}"#,
                r#"{\"prompt\":…,\"a\":1}"#,
            ),
            (r#"{"content":"short"}"#, r#"{"content":"short"}"#),
            (r#"the input: is too long"#, r#"the input: is too long"#),
            (r#"prompt: "never ends and goes on and on"#, "prompt: …"),
        ] {
            assert_eq!(without(text), want);
        }
    }
}
