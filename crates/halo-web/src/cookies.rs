//! Reading and writing cookies.

use axum::http::{HeaderMap, header};

/// The value of a cookie that the browser sent.
pub(crate) fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` value that scripts cannot read and other sites cannot send.
pub(crate) fn set(name: &str, value: &str, max_age_s: u64) -> String {
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict")
}

/// The same for a secret: got over TLS, it is never sent without it.
pub(crate) fn set_secret(name: &str, value: &str, max_age_s: u64, tls: bool) -> String {
    let mut cookie = set(name, value, max_age_s);
    if tls {
        cookie.push_str("; Secure");
    }
    cookie
}
