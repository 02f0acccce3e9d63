//! The HTTP error status that a text names as such.

use memchr::memchr2_iter;

/// How much of a text is looked at, in bytes.
const MAX_TEXT: usize = 8192;

/// Words that a status may follow after a mark such as `:`, wherever they stand.
const LABELS: &[&str] = &[
    "http",
    "https",
    "status",
    "status code",
    "status_code",
    "status-code",
    "statuscode",
    "status text",
    "status_text",
    "status-text",
    "statustext",
    "error",
    "error code",
    "error_code",
    "errorcode",
    "code",
    "failed with",
    "returned with",
    "response with",
];
/// The same in languages that put no space between words.
const CJK_LABELS: &[&str] =
    &["状态码", "狀態碼", "错误码", "錯誤碼", "错误代码", "錯誤代碼", "错误", "錯誤", "错误信息"];
/// What may stand between such a word and the status.
const BETWEEN: &[&str] = &["of ", "http ", "https ", "(", "code", "code:", "%!s(int="];
/// Words that a status may follow where it is followed by more of a status line.
const LEADS: &[&str] =
    &["failed", "returned", "response", "unexpected", "got", "upstream", "request", "error"];
/// What follows a status at the beginning of a line; "500 people" is none.
const FOLLOWS: &[&str] = &[
    "too ",
    "rate ",
    "bad ",
    "not ",
    "un",
    "forbid",
    "internal",
    "service",
    "gateway",
    "timeout",
    "time",
    "request",
    "invalid",
    "insufficient",
    "server",
    "payment",
    "error",
    "status",
    "overload",
];

/// The status in "Error code: 429", "HTTP 502", "(HTTP 400)", "[403]: …" or "503 Service
/// Unavailable" at the beginning of a line. Other numbers are not looked at.
pub(super) fn status_in(text: &str) -> Option<u16> {
    let bytes = &text.as_bytes()[..text.len().min(MAX_TEXT)];
    memchr2_iter(b'4', b'5', bytes).find_map(|at| {
        let digits = bytes.get(at..at + 3)?;
        let alone = at == 0 || !is_word(bytes[at - 1]);
        if !digits.iter().all(u8::is_ascii_digit)
            || !alone
            || bytes.get(at + 3).is_some_and(u8::is_ascii_digit)
        {
            return None;
        }
        let (before, after) = (&text[..at], &text[at + 3..]);
        if labelled(before, after) || bare(before, after) {
            text[at..at + 3].parse().ok()
        } else {
            None
        }
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `before` without `end`, whatever its case.
fn cut<'t>(before: &'t str, end: &str) -> Option<&'t str> {
    let at = before.len().checked_sub(end.len())?;
    let fits = before.as_bytes()[at..].eq_ignore_ascii_case(end.as_bytes());
    fits.then(|| &before[..at])
}

/// Whether `before` ends with one of `words`, as a whole word.
fn ends_with_word(before: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        cut(before, word).is_some_and(|rest| !rest.bytes().next_back().is_some_and(is_word))
    })
}

fn labelled(before: &str, after: &str) -> bool {
    let ends = !after.bytes().next().is_some_and(|byte| is_word(byte) || byte == b'%');
    ends && labelled_within(before, 2)
}

/// Whether a label stands before the number, with at most `pieces` of [`BETWEEN`] in between.
fn labelled_within(before: &str, pieces: u8) -> bool {
    let marks = |c: char| " :：=([#-\"'\t\r\n".contains(c);
    let head = before.trim_end_matches(marks);
    let gap = &before[head.len()..];
    let separated =
        gap.chars().count() <= 7 && gap.contains([':', '：', '=', ' ', '(', '[', '#', '-']);
    if separated {
        // `HTTP/1.1 404`
        let version = head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let label = version.strip_suffix('/').unwrap_or(head);
        if ends_with_word(label, LABELS) || CJK_LABELS.iter().any(|word| head.ends_with(word)) {
            return true;
        }
    }
    if pieces == 0 {
        return false;
    }
    // `status: HTTP 502`, `Error: status code 400`
    let status = before.trim_end_matches([':', ' ']);
    let status = cut(status, " code").unwrap_or(status);
    BETWEEN
        .iter()
        .filter_map(|piece| cut(before, piece))
        .chain(cut(status, "status"))
        .any(|rest| labelled_within(rest, pieces - 1))
}

fn bare(before: &str, after: &str) -> bool {
    goes_on(after) && stands_first(before)
}

/// Whether what follows looks like the rest of a status line.
fn goes_on(after: &str) -> bool {
    let Some(first) = after.chars().next() else { return true };
    if "])|:;,.'\"}\\{[\r\n，。；、）】".contains(first) {
        return true;
    }
    let Some(rest) = after.strip_prefix([' ', '\t']) else { return false };
    let Some(next) = rest.trim_start_matches([' ', '\t']).chars().next() else { return true };
    if next == '\n' || next == '\r' {
        return true;
    }
    let han = ('\u{3400}'..='\u{9fff}').contains(&next);
    next.is_ascii_uppercase()
        || han
        || "\"{<·|[(—–-".contains(next)
        || FOLLOWS.iter().any(|word| {
            rest.as_bytes()
                .get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
        })
}

/// Whether the number stands at the beginning of a line, in brackets, or after a word that leads
/// to a status.
fn stands_first(before: &str) -> bool {
    let led = before.ends_with(['(', '['])
        || ["| ", "返回", "返回 ", "返回了", "返回了 "].iter().any(|lead| before.ends_with(lead))
        || ends_with_word(before, &["with a ", "with an "]);
    if led {
        return true;
    }
    // "https://…/v1/chat/completions: 404 Not Found"
    if let Some(address) = before.strip_suffix(": ") {
        let address = address.trim_end_matches(['"', '\'']);
        let ends = |c: char| c.is_whitespace() || "\"'<>".contains(c);
        if address.rsplit(ends).next().is_some_and(|word| word.contains("://")) {
            return true;
        }
    }
    let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
    let line = cut(line, "error: ").or_else(|| cut(line, "error ")).unwrap_or(line);
    let line = cut(line, "api ").unwrap_or(line);
    // Bullets and the signs that terminals and chat clients put before an error.
    if line.chars().all(|c| c.is_whitespace() || ">⎿✕✻│•⚠❌️*-\"'`".contains(c)) {
        return true;
    }
    let marks = |c: char| " :=([\"'".contains(c);
    let head = before.trim_end_matches(marks);
    let gap = before.len() - head.len();
    if (1..=5).contains(&gap) && ends_with_word(head, LEADS) {
        return true;
    }
    // Python's requests: "… for url (https://…): 404 …"
    before.strip_suffix("): ").is_some_and(|head| {
        head.rfind('(').is_some_and(|open| cut(&head[..open], "for url ").is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_a_text_names() {
        let cases = [
            ("Error code: 429 - {", Some(429)),
            ("HTTP/1.1 405 Method Not Allowed", Some(405)),
            ("API Error (429 Too many tokens)", Some(429)),
            ("unexpected status 502 Bad Gateway", Some(502)),
            ("401 Unauthorized", Some(401)),
            ("Status Code: 404", Some(404)),
            ("请求格式错误 (HTTP 400)：被拒绝", Some(400)),
            ("status_code=429, TPM", Some(429)),
            ("[403]: This service", Some(403)),
            ("HTTP status client error (400 Bad Request)", Some(400)),
            ("request failed with status code 503", Some(503)),
            ("Error: status code 400", Some(400)),
            ("错误码：429", Some(429)),
            ("error, status code: 401, status: , message:", Some(401)),
            ("for url (https://a.b/v1): 404 Not Found", Some(404)),
            ("⎿ API Error: 529 {\"type\"", Some(529)),
            ("code %!s(int=429)", Some(429)),
            ("POST \"https://a.b/v1/messages\": 502 Bad Gateway", Some(502)),
            ("it failed with a 503 Service Unavailable", Some(503)),
            ("上游返回了 429 Too Many Requests", Some(429)),
            ("status code of 404", Some(404)),
            ("request id 20240429", None),
            ("limit of 500 requests", None),
            ("requested 429 tokens", None),
            ("500 people came", None),
            ("got 500 items", None),
            ("429 too many", Some(429)),
            ("Error: 400 deepseek/x is not a valid model ID", Some(400)),
            ("request failed: 503 {", Some(503)),
            ("a progress of 45%", None),
            ("code: 429%", None),
            ("", None),
            ("4", None),
        ];
        for (text, want) in cases {
            assert_eq!(status_in(text), want, "{text}");
        }
    }
}
