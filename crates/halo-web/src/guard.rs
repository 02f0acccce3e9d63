//! What every request and every answer must satisfy, signed in or not.
//!
//! The app listens on this computer, where any page of the web can send requests to it. Two
//! checks keep strangers out: the Host must be one the app answers to (a stranger's name that
//! was made to point here is refused), and a request that changes something must come from the
//! app's own pages.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::AppState;
use crate::strings::Words;

/// No inline script or style, nothing from elsewhere, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Refuses foreign hosts and foreign origins, and adds the security headers.
pub(crate) async fn check(
    State(state): State<AppState>,
    words: Words,
    request: Request,
    next: Next,
) -> Response {
    let refusal = refuse(request.method(), request.headers(), &state.options().hosts);
    let mut response = match refusal {
        Some(key) => (StatusCode::FORBIDDEN, words.t(key)).into_response(),
        None => next.run(request).await,
    };
    harden(response.headers_mut());
    response
}

/// The key of the words that say why a request is refused.
fn refuse(method: &Method, headers: &HeaderMap, hosts: &[String]) -> Option<&'static str> {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !is_ours(host, hosts) {
        return Some("refused-host");
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let foreign = match text(headers, "sec-fetch-site") {
        // `same-site` is another port of this host: another program.
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => text(headers, "origin").is_some_and(|origin| !is_origin_of(origin, host)),
    };
    foreign.then_some("refused-origin")
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

fn is_origin_of(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// Whether a Host header names this app. Numbers cannot be rebound, names can.
fn is_ours(host: &str, hosts: &[String]) -> bool {
    let name = name(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The port in a Host header.
pub(crate) fn port(host: &str) -> Option<u16> {
    host.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_hosts_are_served() {
        let hosts = ["halo.example".to_owned()];
        for host in [
            "127.0.0.1:7575",
            "localhost:7575",
            "LOCALHOST",
            "[::1]:7575",
            "[::1]",
            "192.168.1.4:80",
            "halo.example",
            "halo.example:7575",
        ] {
            assert!(is_ours(host, &hosts), "{host}");
        }
        for host in ["", "evil.example:7575", "127.0.0.1.evil.example", "localhost.evil.example"] {
            assert!(!is_ours(host, &hosts), "{host}");
        }
    }

    #[test]
    fn foreign_pages_change_nothing() {
        let host = ("host", "127.0.0.1:7575");
        type Case =
            (&'static Method, &'static [(&'static str, &'static str)], Option<&'static str>);
        let cases: [Case; 9] = [
            (&Method::GET, &[("sec-fetch-site", "cross-site")], None),
            (&Method::POST, &[], None),
            (&Method::POST, &[("sec-fetch-site", "same-origin")], None),
            (&Method::POST, &[("sec-fetch-site", "same-site")], Some("refused-origin")),
            (&Method::POST, &[("sec-fetch-site", "cross-site")], Some("refused-origin")),
            (&Method::POST, &[("origin", "http://127.0.0.1:7575")], None),
            (&Method::POST, &[("origin", "http://127.0.0.1:8000")], Some("refused-origin")),
            (&Method::POST, &[("origin", "https://evil.example")], Some("refused-origin")),
            (&Method::DELETE, &[("origin", "null")], Some("refused-origin")),
        ];
        for (method, extra, expected) in cases {
            let mut all = vec![host];
            all.extend_from_slice(extra);
            assert_eq!(refuse(method, &headers(&all), &[]), expected, "{method} {extra:?}");
        }
    }
}
