//! Stack traces: where a program stood is no word of a provider.

/// Calls `keep` for the ranges of `text` without the lines of stack traces, and without the name
/// that a container's log has before each line.
pub(super) fn without(text: &str, mut keep: impl FnMut(usize, usize)) {
    let lines = memchr::memchr(b'\n', text.as_bytes()).is_some();
    let trace = lines && (text.contains("at ") || text.contains("File \""));
    let barred = memchr::memchr(b'|', text.as_bytes()).is_some() && text.contains(" | ");
    if !trace && !barred {
        keep(0, text.len());
        return;
    }
    let (mut from, mut at) = (0, 0);
    // The line of code that Python prints under a frame, and the marks under that.
    let mut code = false;
    for line in text.split_inclusive('\n') {
        let (begin, end) = (at, at + line.len());
        at = end;
        let start = begin + container(line);
        if begin < start {
            if from < begin {
                keep(from, begin);
            }
            from = start;
        }
        let content = text[start..end].trim_end();
        let words = content.trim_start();
        let indented = words.len() < content.len();
        let python = words.starts_with("File \"") && words.contains(", line ");
        let skipped = python
            || words.starts_with("Traceback (most recent call last)")
            || words.starts_with("at ") && is_place(words)
            || code && indented;
        code = (python || code && indented) && skipped;
        if skipped {
            if from < start {
                keep(from, start);
            }
            from = end;
        }
    }
    if from < text.len() {
        keep(from, text.len());
    }
}

/// The length of the name that a container's log has before each line: `chat-1  | `.
fn container(line: &str) -> usize {
    let Some(bar) = line.find(" | ") else { return 0 };
    let name = line[..bar].trim();
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = word.len() < name.len() && word.ends_with(['-', '_']);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if numbered && name.chars().all(plain) { bar + 3 } else { 0 }
}

/// Whether a line that begins with "at" names a place in code: `at run (main.js:7:3)`,
/// `at java.base/java.net.Socket.connect(Socket.java:633)`, `at Foo.Bar() in Baz.cs:line 12`.
fn is_place(line: &str) -> bool {
    let end = line.trim_end_matches([')', ']']);
    let number = end.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = number.len() < end.len() && (number.ends_with(':') || number.ends_with("line "));
    numbered || line.ends_with(')') && line.contains('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_left_out_and_words_stay() {
        let cases = [
            (
                "Traceback (most recent call last):\n  File \"/a.py\", line 4, in run\n    reply = send()\n            ^^^^^^\nopenai.RateLimitError: slow down\n",
                "openai.RateLimitError: slow down\n",
            ),
            (
                "Error: slow down\n    at Client.send (/a/b.js:42:11)\n    at async /a/main.mjs:7:3\n  status: 429",
                "Error: slow down\n  status: 429",
            ),
            (
                "java.net.ConnectException: refused\n\tat java.base/sun.nio.ch.Net.connect0(Native Method)\n\tat a.B.c(B.java:633)\nCaused by: x",
                "java.net.ConnectException: refused\nCaused by: x",
            ),
            ("chat-1  | slow down\nchat-1  | later", "slow down\nlater"),
            ("a | b\nno-1 name | c", "a | b\nno-1 name | c"),
            ("Try again\nat 15:30 tomorrow", "Try again\nat 15:30 tomorrow"),
            ("no trace at all", "no trace at all"),
        ];
        for (text, want) in cases {
            let mut kept = String::new();
            without(text, |from, to| kept.push_str(&text[from..to]));
            assert_eq!(kept, want, "{text}");
        }
    }
}
