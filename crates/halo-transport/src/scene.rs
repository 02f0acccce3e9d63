//! Writes evidence: what is known about a call before it fails, and the masking of what came.

use std::time::{SystemTime, UNIX_EPOCH};

use halo_types::redact::{mask, shorten};
use halo_types::{
    Body, Evidence, Headers, Phase, RequestFacts, Timestamp, TransportClass, TransportFailure,
};
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::Call;

/// Room behind a cap so that a secret which straddles it is seen whole and masked.
pub(crate) const SECRET_SLACK: usize = 4096;

/// Headers whose value is a credential as a whole.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "x-auth-token",
];

/// Whether a header's value is a credential.
pub(crate) fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// What is known about a call before it fails.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    secrets: Secrets,
    provider: Option<String>,
    url: String,
    request: RequestFacts,
}

impl Scene {
    /// `more` are secrets of the way to the provider: those of a proxy.
    pub(crate) fn of(call: &Call, more: &[String]) -> Self {
        let secrets = Secrets::of(call, more);
        let url = secrets.mask_text(&public_url(&call.url));
        Self { secrets, provider: call.provider.clone(), url, request: call.request.clone() }
    }

    /// Whether a stream was asked for.
    pub(crate) fn asked_for_stream(&self) -> bool {
        self.request.stream == Some(true)
    }

    /// Evidence of a fault before any answer.
    pub(crate) fn unanswered(&self, phase: Phase, failure: TransportFailure) -> Box<Evidence> {
        let mut evidence = self.blank(phase);
        evidence.transport = Some(self.masked(failure));
        evidence
    }

    /// Evidence of an answer, whole or in part. `headers` are masked already.
    pub(crate) fn answered(
        &self,
        phase: Phase,
        status: u16,
        headers: &Headers,
        body: &[u8],
        cap: usize,
        failure: Option<TransportFailure>,
    ) -> Box<Evidence> {
        let mut evidence = self.blank(phase);
        evidence.status = Some(status);
        evidence.headers = headers.clone();
        (evidence.body, evidence.truncated) = self.secrets.mask_body(body, cap);
        evidence.transport = failure.map(|failure| self.masked(failure));
        evidence
    }

    /// The headers of an answer as text, credentials masked.
    pub(crate) fn headers(&self, map: &HeaderMap) -> Headers {
        Headers::new(map.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = if name == "set-cookie" {
                hide_cookie(&value)
            } else if is_secret_header(name.as_str()) {
                shorten(&value)
            } else if name == "location" {
                self.secrets.mask_text(&hide_query(&value))
            } else {
                self.secrets.mask_text(&value)
            };
            (name.as_str(), value)
        }))
    }

    fn blank(&self, phase: Phase) -> Box<Evidence> {
        Box::new(Evidence {
            phase: Some(phase),
            provider: self.provider.clone(),
            url: Some(self.url.clone()),
            request: self.request.clone(),
            at: Some(now()),
            ..Evidence::default()
        })
    }

    fn masked(&self, failure: TransportFailure) -> TransportFailure {
        let chain = failure.chain.iter().map(|text| self.secrets.mask_text(text)).collect();
        TransportFailure { class: failure.class, chain }
    }
}

/// A failure in Halo's own words.
pub(crate) fn failure(class: TransportClass, text: impl Into<String>) -> TransportFailure {
    TransportFailure { class, chain: vec![text.into()] }
}

/// The URL without user, password, query and fragment. A text that is no URL is cut likewise.
fn public_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text.trim()) else {
        let end = text.find(['?', '#']).unwrap_or(text.len());
        return text[..end].to_owned();
    };
    // Both fail only for URLs that cannot hold credentials at all.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Keeps a cookie's name and attributes and hides its value.
fn hide_cookie(value: &str) -> String {
    let (pair, attributes) = value.split_at(value.find(';').unwrap_or(value.len()));
    let name = pair.split('=').next().unwrap_or_default();
    format!("{name}=…{attributes}")
}

/// Keeps where a redirect points and hides the values of its query, which sign-in pages use for
/// credentials.
fn hide_query(location: &str) -> String {
    let (location, fragment) = match location.split_once('#') {
        Some((location, _)) => (location, "#…"),
        None => (location, ""),
    };
    let Some((place, query)) = location.split_once('?') else {
        return format!("{location}{fragment}");
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() => format!("{name}=…"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{place}?{}{fragment}", pairs.join("&"))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The secrets of one call.
#[derive(Clone)]
struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    fn of(call: &Call, more: &[String]) -> Self {
        let in_headers = call.headers.iter().filter(|(name, _)| is_secret_header(name));
        let bare = in_headers.map(|(_, value)| {
            let value = value.trim();
            value.split_once(' ').map_or(value, |(_, token)| token.trim()).to_owned()
        });
        let known = call.known_secrets.iter().chain(more).cloned();
        let mut secrets: Vec<String> = known.chain(bare).collect();
        // The longest first, so that a secret which contains another is masked as a whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self(secrets)
    }

    fn mask_text(&self, text: &str) -> String {
        let known: Vec<&str> = self.0.iter().map(String::as_str).collect();
        mask(text, &known).into_owned()
    }

    /// Masks secrets and cuts at `cap` bytes. Bytes without secrets stay as they are, whether
    /// they are text or not.
    fn mask_body(&self, bytes: &[u8], cap: usize) -> (Body, bool) {
        let whole = &bytes[..bytes.len().min(cap.saturating_add(SECRET_SLACK))];
        let mut masked = Vec::with_capacity(whole.len());
        for chunk in whole.utf8_chunks() {
            masked.extend_from_slice(self.mask_text(chunk.valid()).as_bytes());
            masked.extend_from_slice(chunk.invalid());
        }
        let truncated = bytes.len() > cap;
        if truncated {
            masked.truncate(cap);
            // A character that the cut went through is dropped, so that a text stays one.
            if let Some(tail) = masked.utf8_chunks().last()
                && tail.invalid().len() < 4
                && std::str::from_utf8(tail.invalid())
                    .is_err_and(|error| error.error_len().is_none())
            {
                masked.truncate(masked.len() - tail.invalid().len());
            }
        }
        (Body::from(masked), truncated)
    }
}

#[cfg(test)]
mod tests {
    use halo_types::Protocol;

    use super::*;

    fn secrets() -> Secrets {
        let mut call = Call::get("https://u:p@h.example/v1?key=1", Protocol::OpenaiChat);
        call.headers.push(("Authorization".into(), "Bearer odd+key/of:mine".into()));
        call.known_secrets.push("another-secret".into());
        Secrets::of(&call, &[])
    }

    #[test]
    fn bodies_without_secrets_stay_the_same_to_the_byte() {
        for body in [&b"plain \r\n text"[..], b"\xff\xfe\x00text\xc3", b"", "汉字\u{0}".as_bytes()]
        {
            let (masked, truncated) = secrets().mask_body(body, 1 << 20);
            assert_eq!((masked.as_bytes(), truncated), (body, false));
        }
    }

    #[test]
    fn the_secrets_of_a_call_are_masked_even_among_broken_bytes() {
        let body = b"\xffkey odd+key/of:mine and another-secret\xfe".to_vec();
        let (masked, _) = secrets().mask_body(&body, 1 << 20);
        assert_eq!(masked.as_bytes(), b"\xffkey \xe2\x80\xa6 and \xe2\x80\xa6\xfe");
    }

    #[test]
    fn a_cut_neither_splits_a_character_nor_uncovers_half_a_secret() {
        let (cut, truncated) = secrets().mask_body("aé".repeat(10).as_bytes(), 5);
        assert_eq!((cut.text().as_ref(), truncated), ("aéa", true));
        let (cut, _) = secrets().mask_body(b"xx another-secret and more", 12);
        assert!(!cut.text().contains("another"), "{cut:?}");
    }

    #[test]
    fn urls_lose_what_may_be_secret() {
        for (url, want) in [
            ("https://u:p@h.example/v1/chat?key=abc#x", "https://h.example/v1/chat"),
            ("not a url?key=abc", "not a url"),
        ] {
            assert_eq!(public_url(url), want);
        }
        assert_eq!(hide_cookie("__cf=abc; Path=/"), "__cf=…; Path=/");
        for (location, want) in [
            ("/login", "/login"),
            (
                "https://sso.example/a?token=x1&back=/v1&b#f",
                "https://sso.example/a?token=…&back=…&b#…",
            ),
            ("//h/?=&=x", "//h/?=&=…"),
        ] {
            assert_eq!(hide_query(location), want);
        }
    }
}
