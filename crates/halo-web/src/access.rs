//! Signing in from other machines: a password, and the devices it let in.
//!
//! The link of [`crate::auth`] is printed in the terminal of this machine, which a phone does not
//! see. A password reaches everywhere, so it is guarded: its hash is slow to compute, guesses are
//! counted per network and in all, and every device it let in is listed and can be sent away.

mod device;
mod entrance;
mod lockout;
mod password;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::extract::{ConnectInfo, Form, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use halo_types::Timestamp;
use serde::Deserialize;

use crate::auth;
use crate::clock;
use crate::error::PageError;
use crate::state::AppState;
use crate::strings::Words;

pub(crate) use device::label;
pub(crate) use entrance::{Entrance, sign_in as entrance};
pub(crate) use password::MIN_CHARS;
pub use password::{PasswordError, has_password, is_password, remove_password, set_password};

use lockout::{Lockout, Network};

/// The most bytes of a sign-in form.
pub(crate) const MAX_FORM: usize = 8 * 1024;

/// Who guesses, and how often.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Lockout>);

impl Gate {
    fn with<T>(&self, change: impl FnOnce(&mut Lockout) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks a password that was typed. `Err` holds until when nothing is tried.
    pub(crate) async fn check(
        &self,
        state: &AppState,
        from: Option<IpAddr>,
        typed: &str,
    ) -> Result<Result<bool, Timestamp>, PageError> {
        let network = Network::of(from);
        // Counted before it is looked at, so that guesses sent at once count as well.
        if let Err(until) = self.with(|lockout| lockout.begin(network, clock::now())) {
            return Ok(Err(until));
        }
        let fits = is_password(state.engine().store().as_ref(), typed).await?;
        if fits {
            self.with(|lockout| lockout.passed(network));
        }
        Ok(Ok(fits))
    }
}

/// The connection a request came by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// The machine at the other end; a proxy on this machine may speak for another.
    pub(crate) from: Option<IpAddr>,
    /// Whether nobody in between can read it: it stays on this machine, or is encrypted.
    pub(crate) private: bool,
    /// Whether the browser speaks TLS, to a proxy before Halo.
    pub(crate) tls: bool,
}

impl Way {
    /// Reads it from a request. What a proxy says of its client is believed of a proxy on this
    /// machine only.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.map(|ip| ip.to_canonical());
        let local = peer.is_none_or(|ip| ip.is_loopback());
        let last = |name: &str| {
            let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
            Some(value.rsplit(',').next().unwrap_or_default().trim().to_owned())
        };
        if !local {
            return Self { from: peer, private: false, tls: false };
        }
        let told = last("x-forwarded-for").and_then(|ip| ip.parse::<IpAddr>().ok());
        let tls = last("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        let from = told.map(|ip| ip.to_canonical()).or(peer);
        let stays = from.is_none_or(|ip| ip.is_loopback());
        Self { from, private: tls || stays, tls }
    }
}

/// What the sign-in form sends.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    #[serde(default)]
    password: String,
    /// The page that was wanted.
    #[serde(default)]
    to: String,
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(state): State<AppState>,
    words: Words,
    extensions: Extensions,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, PageError> {
    let way = Way::of(&extensions, &headers);
    let to = own_path(&form.to);
    if !has_password(state.engine().store().as_ref()).await? {
        return Ok(Redirect::to("/").into_response());
    }
    let refused = match state.gate().check(&state, way.from, &form.password).await? {
        Ok(true) => return auth::begin_session(&state, &headers, way, to).await,
        Ok(false) => Refused::Wrong,
        Err(until) => Refused::until(until),
    };
    let status = refused.status();
    let wait = refused.seconds();
    let door = Entrance { way, password: true, link_was_used: false, to, refused: Some(refused) };
    let mut response = entrance(words, &door, state.engine().config().paths())?;
    *response.status_mut() = status;
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// `POST /sign-out`: this browser.
pub(crate) async fn sign_out(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    auth::end_session(&state, &headers).await
}

/// Why a password did not open.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    /// It is another.
    Wrong,
    /// Too many were wrong.
    Locked {
        /// How long nothing is tried.
        seconds: u64,
    },
}

impl Refused {
    /// Nothing is tried before this instant.
    pub(crate) fn until(until: Timestamp) -> Self {
        Self::Locked { seconds: until.ms_since(clock::now()).div_ceil(1000) }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Locked { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    const fn seconds(self) -> Option<u64> {
        match self {
            Self::Wrong => None,
            Self::Locked { seconds } => Some(seconds),
        }
    }

    /// Says it.
    pub(crate) fn words(self, words: Words) -> String {
        match self {
            Self::Wrong => words.t("access-wrong"),
            Self::Locked { seconds } if seconds <= 60 => {
                words.t1("access-locked-seconds", "count", seconds)
            }
            Self::Locked { seconds } => {
                words.t1("access-locked-minutes", "count", seconds.div_ceil(60))
            }
        }
    }
}

/// A path of this app, or the first page: a form must not lead elsewhere.
pub(crate) fn own_path(to: &str) -> String {
    let own = to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if own { to.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_own_pages_only() {
        for own in ["/", "/c/1?at=2", "/settings/data"] {
            assert_eq!(own_path(own), own);
        }
        for other in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb"] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }

    #[test]
    fn what_a_proxy_says_counts_from_this_machine_only() {
        let way = |peer: &str, headers: &[(&'static str, &'static str)]| {
            let mut extensions = Extensions::new();
            let peer: SocketAddr = peer.parse().unwrap();
            extensions.insert(ConnectInfo(peer));
            let headers =
                headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            let way = Way::of(&extensions, &headers);
            (way.from.unwrap().to_string(), way.private, way.tls)
        };
        let is = |from: &str, private, tls| (from.to_owned(), private, tls);
        assert_eq!(way("127.0.0.1:9", &[]), is("127.0.0.1", true, false));
        assert_eq!(way("[::ffff:127.0.0.1]:9", &[]), is("127.0.0.1", true, false));
        assert_eq!(way("192.168.1.4:9", &[]), is("192.168.1.4", false, false));
        let told = [("x-forwarded-for", "10.0.0.1, 203.0.113.7"), ("x-forwarded-proto", "https")];
        assert_eq!(way("127.0.0.1:9", &told), is("203.0.113.7", true, true));
        assert_eq!(way("192.168.1.4:9", &told), is("192.168.1.4", false, false));
        assert_eq!(way("127.0.0.1:9", &told[..1]), is("203.0.113.7", false, false));
    }
}
