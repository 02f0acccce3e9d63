//! Evidence from what people paste.

use halo_types::{Evidence, Headers, Timestamp};

/// Reads a pasted text, the output of `curl -i`, or a JSON evidence record.
///
/// ```
/// use halo_diagnose::input;
/// let evidence = input::parse("HTTP/2 429\r\nretry-after: 20\r\n\r\n{\"error\":{}}", None);
/// assert_eq!(evidence.status, Some(429));
/// assert_eq!(evidence.headers.first("Retry-After"), Some("20"));
/// assert_eq!(evidence.body.text(), "{\"error\":{}}");
/// ```
#[must_use]
pub fn parse(text: &str, now: Option<Timestamp>) -> Evidence {
    let mut evidence =
        record(text).or_else(|| http_message(text)).unwrap_or_else(|| Evidence::from_text(text));
    if evidence.at.is_none() {
        evidence.at = now;
    }
    evidence
}

/// A JSON object with `body` and at least one more field of evidence. An error body that merely
/// has a `body` of its own is left as it is.
fn record(text: &str) -> Option<Evidence> {
    let trimmed = text.trim();
    if !trimmed.starts_with('{') || !trimmed.contains("\"body\"") {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(trimmed).ok()?;
    let object = value.as_object()?;
    let known = ["status", "headers", "provider", "phase", "request", "transport", "url"];
    let alone = object.len() == 1;
    if !alone && !known.iter().any(|key| object.contains_key(*key)) {
        return None;
    }
    serde_json::from_value(value).ok()
}

/// The last HTTP message of a text that begins with a status line: `curl -i` prints one for each
/// redirect and for a proxy's answer to CONNECT. Also reads `curl -v`, where lines begin with `<`.
fn http_message(text: &str) -> Option<Evidence> {
    let mut status = None;
    let mut headers = Headers::default();
    let mut body_at = None;
    let mut in_head = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        let content = line.trim_end_matches(['\r', '\n']);
        let verbose = content.strip_prefix("< ").or_else(|| (content == "<").then_some(""));
        let content = verbose.unwrap_or(content);
        if let Some(found) = status_line(content) {
            if status.is_none() && verbose.is_none() && !text[..at].trim().is_empty() {
                return None;
            }
            status = Some(found);
            headers = Headers::default();
            in_head = true;
            body_at = None;
        } else if in_head && content.trim().is_empty() {
            in_head = false;
            body_at = Some(next);
        } else if in_head {
            match content.split_once(':') {
                Some((name, value)) if is_token(name) => headers.push(name, value.trim()),
                _ => {
                    in_head = false;
                    body_at = Some(at);
                }
            }
        } else if body_at.is_some()
            && (content.starts_with("* ") || content.starts_with("{ ["))
            && verbose.is_none()
            && body_at == Some(at)
        {
            // Remarks of `curl -v` between head and body.
            body_at = Some(next);
        } else if status.is_none() && !content.is_empty() {
            let remark = content.starts_with("* ") || content.starts_with("> ") || content == ">";
            if !remark {
                return None;
            }
        }
        at = next;
    }
    let status = status?;
    let body = body_at.map_or("", |at| &text[at..]);
    Some(Evidence::from_http(status, headers, body))
}

fn status_line(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/")?;
    let (version, rest) = rest.split_once(' ')?;
    if !version.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    rest.trim_start().get(..3)?.parse().ok().filter(|status| (100..600).contains(status))
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_forms() {
        let plain = parse("429 Too Many Requests", Some(Timestamp(5)));
        assert_eq!((plain.status, plain.at), (None, Some(Timestamp(5))));
        assert_eq!(plain.body.text(), "429 Too Many Requests");

        let record = parse(r#"{"status":500,"body":"x","provider":"openai"}"#, None);
        assert_eq!((record.status, record.provider.as_deref()), (Some(500), Some("openai")));

        // An error body with a field `body` is no record.
        let own = r#"{"error":{"message":"m"},"body":"b"}"#;
        assert_eq!(parse(own, None).body.text(), own);

        let twice = "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 401 \r\nx-a: 1\r\n\r\nno\n";
        let evidence = parse(twice, None);
        assert_eq!((evidence.status, evidence.body.text().as_ref()), (Some(401), "no\n"));

        let verbose = "* Connected\n> POST /v1 HTTP/1.1\n>\n< HTTP/1.1 200 OK\n< A: b\n<\n* left intact\n{\"error\":\"e\"}";
        let evidence = parse(verbose, None);
        assert_eq!(
            (evidence.status, evidence.body.text().as_ref()),
            (Some(200), "{\"error\":\"e\"}")
        );

        let quoting = "my log\nHTTP/1.1 500 Internal\n\nx";
        assert_eq!(parse(quoting, None).status, None);
    }
}
