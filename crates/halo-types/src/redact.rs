//! Masks secrets in texts that are stored or shown: known keys to the letter, and anything that
//! looks like a key, a bearer token or a password in a URL.

use std::borrow::Cow;

/// Prefixes of keys that providers hand out. What follows is masked up to the end of the word.
const KEY_PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "rk-",
    "pk-lf-",
    "gsk_",
    "xai-",
    "AIza",
    "hf_",
    "r8_",
    "nvapi-",
    "pplx-",
    "fw_",
    "csk-",
    "ghp_",
    "github_pat_",
    "eyJhbGciOi",
    "AKIA",
    "ASIA",
    "halo_",
    "ya29.",
    "tgp_v1_",
    "glpat-",
    "xoxb-",
    "AQ.",
];

/// Words before a secret: `Authorization: Bearer …`, `api_key=…`, `"x-api-key": "…"`.
const LABELS: &[&str] = &[
    "bearer",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "api_key",
    "apikey",
    "access_token",
    "client_secret",
    "password",
    "set-cookie",
    "authorization",
];

/// The shortest tail that is taken for a secret; shorter ones are examples such as `sk-...`.
const MIN_SECRET: usize = 12;

/// Replaces `known` secrets and everything that looks like one by its first characters and `…`.
///
/// Texts without secrets are returned as they are, without a copy.
///
/// ```
/// use halo_types::redact::mask;
/// let text = "Incorrect API key provided: sk-proj-abcdefghijklmnop1234.";
/// assert_eq!(mask(text, &[]), "Incorrect API key provided: sk-proj…1234.");
/// assert_eq!(mask("nothing here", &["s3cr3t-value"]), "nothing here");
/// ```
#[must_use]
pub fn mask<'a>(text: &'a str, known: &[&str]) -> Cow<'a, str> {
    let mut out = Cow::Borrowed(text);
    for secret in known.iter().filter(|secret| secret.len() >= 6) {
        if out.contains(*secret) {
            out = Cow::Owned(out.replace(*secret, &shorten(secret)));
        }
    }
    let mut spans = Vec::new();
    for prefix in KEY_PREFIXES {
        for (start, _) in out.match_indices(prefix) {
            if starts_word(&out, start) {
                let end = token_end(&out, start);
                push_secret(&out, start, end, prefix.len(), &mut spans);
            }
        }
    }
    let lower = out.to_ascii_lowercase();
    for label in LABELS {
        for (at, _) in lower.match_indices(label) {
            let start = skip_separators(&out, at + label.len());
            // A label needs a separator behind it: "passwords are" is prose.
            if start > at + label.len() {
                push_secret(&out, start, token_end(&out, start), 0, &mut spans);
            }
        }
    }
    for (at, _) in out.match_indices("://") {
        let rest = &out[at + 3..];
        let authority = rest.find(['/', ' ', '"', '\n', '?']).map_or(rest, |end| &rest[..end]);
        if let Some(user_end) = authority.rfind('@') {
            spans.push((at + 3, at + 3 + user_end));
        }
    }
    if spans.is_empty() {
        return out;
    }
    spans.sort_unstable();
    let mut masked = String::with_capacity(out.len());
    let mut done = 0;
    for (start, end) in spans {
        if start < done {
            continue;
        }
        masked.push_str(&out[done..start]);
        masked.push_str(&shorten(&out[start..end]));
        done = end;
    }
    masked.push_str(&out[done..]);
    Cow::Owned(masked)
}

/// The masked form of one secret: enough to recognise one's own, not enough to use it.
#[must_use]
pub fn shorten(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    if chars.len() < 20 {
        return "…".to_owned();
    }
    let head: String = chars[..7].iter().collect();
    let tail: String = chars[chars.len() - 4..].iter().collect();
    format!("{head}…{tail}")
}

fn push_secret(
    text: &str,
    start: usize,
    end: usize,
    prefix: usize,
    spans: &mut Vec<(usize, usize)>,
) {
    let secret = &text[start..end];
    let tail = secret.get(prefix..).unwrap_or_default();
    let digits_or_upper = tail.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let plausible = tail.len() >= MIN_SECRET
        && (prefix > 0 || digits_or_upper)
        // Providers mask keys themselves ("sk-proj-****abcd"); that is their word and stays.
        && !tail.contains("***")
        && !tail.contains("...")
        && !tail.contains('…');
    if plausible {
        spans.push((start, end));
    }
}

fn starts_word(text: &str, at: usize) -> bool {
    text[..at].bytes().next_back().is_none_or(|b| !b.is_ascii_alphanumeric())
}

fn token_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.+/=~*…".contains(c)))
        .unwrap_or(rest.len());
    start + rest[..end].trim_end_matches(['.', '=']).len().max(end.min(1))
}

fn skip_separators(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let mut start =
        at + (rest.len() - rest.trim_start_matches([':', '=', '"', '\'', ' ', '\\']).len());
    for scheme in ["Bearer ", "bearer ", "Basic "] {
        if text[start..].starts_with(scheme) {
            start += scheme.len();
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tokens_and_passwords_are_masked() {
        let cases = [
            ("Authorization: Bearer abcdef0123456789ABCDEF", "Authorization: Bearer abcdef0…CDEF"),
            (r#"{"x-api-key":"0123456789abcdefghij"}"#, r#"{"x-api-key":"0123456…ghij"}"#),
            (
                "https://user:pw@host/v1?key=AIzaSyA0123456789abcdef",
                "https://…@host/v1?key=AIzaSyA…cdef",
            ),
            ("sk-ant-api03-AAAABBBBCCCCDDDD!", "sk-ant-…DDDD!"),
        ];
        for (text, want) in cases {
            assert_eq!(mask(text, &[]), want);
        }
        assert_eq!(
            mask("my-own-long-secret-1234 failed", &["my-own-long-secret-1234"]),
            "my-own-…1234 failed"
        );
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "Incorrect API key provided: sk-proj-********************abcd.",
            "invalid api key: please check the key in your settings",
            "authorization failed for organization",
            "risk-adjusted and task-oriented",
            "Missing bearer authentication in header",
        ] {
            assert_eq!(mask(text, &[]), text);
        }
    }

    #[test]
    fn masking_twice_changes_nothing() {
        let once = mask("api_key=ABCDEFGHIJKLMNOP1234567890", &[]).into_owned();
        assert_eq!(mask(&once, &[]), once);
    }
}
