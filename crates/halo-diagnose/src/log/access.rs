//! Lines of access logs: a request and the status that answered it.

/// What an access line tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Access<'a> {
    /// The status, if it is an error.
    pub(super) status: Option<u16>,
    /// Method and target as they stand.
    pub(super) target: &'a str,
}

const METHODS: &[&str] = &["POST ", "GET ", "PUT ", "DELETE ", "PATCH ", "HEAD ", "OPTIONS "];

/// Reads a line of nginx, Apache, uvicorn, httpx, gin or a JSON access log. The text is a
/// canonical digest: statuses of errors stand in it as they are, other numbers do not.
pub(super) fn read(text: &str) -> Option<Access<'_>> {
    if text.contains('\n') {
        return None;
    }
    gin(text).or_else(|| json(text)).or_else(|| plain(text))
}

/// `"POST /v1/messages HTTP/1.1" 429`, `POST https://… "HTTP/1.1 429 Too Many Requests"`
fn plain(text: &str) -> Option<Access<'_>> {
    let http =
        text.find(" HTTP/1.").or_else(|| text.find("\"HTTP/")).or_else(|| text.find(" HTTP/"))?;
    let start = METHODS.iter().filter_map(|method| text[..http].rfind(method)).max()?;
    let target = text[start..http].trim_end_matches([' ', '"']);
    let version = http + 1 + text[http + 1..].find('/')? + 1;
    let rest = &text[version..];
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let rest = rest.trim_start_matches(['"', ' ', '\\']);
    let number = rest.bytes().take_while(u8::is_ascii_digit).count();
    if number == 0 {
        return None;
    }
    let behind = rest[number..].bytes().next();
    if behind.is_some_and(|b| !b" \"\\\t".contains(&b)) {
        return None;
    }
    Some(Access { status: error(&rest[..number]), target })
}

/// `[GIN] 2026/11/01 - 12:00:00 | 429 |  1.2s | 10.0.0.1 | POST     "/v1/chat/completions"`
fn gin(text: &str) -> Option<Access<'_>> {
    let at = text.find("[GIN]")?;
    let mut columns = text[at..].split('|').map(str::trim);
    let number =
        columns.find(|column| !column.is_empty() && column.bytes().all(|b| b.is_ascii_digit()))?;
    let start = METHODS.iter().filter_map(|method| text.rfind(method)).max()?;
    Some(Access { status: error(number), target: &text[start..] })
}

/// `{"status":429,"uri":"/v1/chat/completions",…}` without words of an error.
fn json(text: &str) -> Option<Access<'_>> {
    if !text.starts_with('{') || text.contains("rror\"") || text.contains("\"err\"") {
        return None;
    }
    let key = ["\"status\":", "\"statusCode\":", "\"status_code\":"]
        .iter()
        .find_map(|key| text.find(key).map(|at| at + key.len()))?;
    let value = text[key..].trim_start_matches([' ', '"']);
    let number = value.bytes().take_while(u8::is_ascii_digit).count();
    let target = [
        "\"uri\":",
        "\"url\":",
        "\"path\":",
        "\"request\":\"",
        "\"requestUrl\":",
        "\"request_uri\":",
    ]
    .iter()
    .find_map(|key| text.find(key).map(|at| at + key.len()))?;
    let target = text[target..].trim_start_matches([' ', '"']);
    let end = target.find('"').unwrap_or(target.len());
    Some(Access { status: error(&value[..number]), target: &target[..end] })
}

fn error(number: &str) -> Option<u16> {
    number.parse().ok().filter(|status| (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_lines_are_told_apart() {
        for (text, status, target) in [
            (
                r#"1.2.3.4 - - [x] "POST /v1/messages HTTP/1.1" 429 70 "-" "curl""#,
                Some(429),
                "POST /v1/messages",
            ),
            (
                r#"INFO:httpx:HTTP Request: POST https://api.openai.com/v1/chat/completions "HTTP/1.1 429 Too Many Requests""#,
                Some(429),
                "POST https://api.openai.com/v1/chat/completions",
            ),
            (
                r#"[GIN] 70/70/70 - 70:70:70 | 503 | 1.2s | 10.0.0.1 | POST     "/v1/chat/completions""#,
                Some(503),
                r#"POST     "/v1/chat/completions""#,
            ),
            (r#"{"status":502,"uri":"/v1/messages","x":0}"#, Some(502), "/v1/messages"),
            (r#""GET /errors HTTP/1.1" 70 12"#, None, "GET /errors"),
        ] {
            let access = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((access.status, access.target), (status, target));
        }
        assert_eq!(read("POST to /x failed with status 500"), None);
        assert_eq!(read(r#"{"status":502,"uri":"/v1/messages","error":"x"}"#), None);
    }
}
