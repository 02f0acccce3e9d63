//! Signing in: a link that works once or a password, then a cookie.
//!
//! Of link and cookie only the SHA-256 is stored, so a copy of the data lets nobody in.

use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use halo_store::{Store, StoreError, TokenKind, TokenRow};
use halo_types::Timestamp;
use serde::Deserialize;

use crate::access::{self, Entrance, Way};
use crate::clock;
use crate::cookies;
use crate::error::PageError;
use crate::guard;
use crate::secret::{self, NoRandomness};
use crate::state::AppState;
use crate::strings::Words;

/// How long a link works.
const LINK_MS: u64 = 10 * 60 * 1000;
/// How long a browser stays signed in.
const SESSION_S: u64 = 90 * 24 * 60 * 60;
/// How often the use of a session is noted.
const USE_NOTED_EVERY_MS: u64 = 5 * 60 * 1000;

/// A link could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The store did not take it.
    #[error("the link could not be stored")]
    Store(#[from] StoreError),
}

/// Makes a link that signs one browser in: once, within ten minutes. `base_url` is the address
/// of the app, such as `http://127.0.0.1:7575`.
///
/// # Errors
/// Where the system gives no random bytes or the store cannot be written.
pub async fn new_link(store: &dyn Store, base_url: &str) -> Result<String, LinkError> {
    let token = secret::token()?;
    let now = clock::now();
    store.put_token(&row(TokenKind::Link, &token, String::new(), now, LINK_MS)).await?;
    Ok(format!("{}/enter?token={token}", base_url.trim_end_matches('/')))
}

/// Signs every browser out; says how many there were.
///
/// # Errors
/// Where the store cannot be read or written.
pub async fn sign_out_all(store: &dyn Store) -> Result<usize, StoreError> {
    sign_out_others(store, None).await
}

/// Signs out every browser but the one whose session has this hash; says how many there were.
pub(crate) async fn sign_out_others(
    store: &dyn Store,
    keep: Option<&str>,
) -> Result<usize, StoreError> {
    let mut gone = 0;
    for session in store.tokens(TokenKind::Session).await? {
        if Some(session.hash.as_str()) != keep {
            gone += usize::from(store.remove_token(TokenKind::Session, &session.hash).await?);
        }
    }
    Ok(gone)
}

fn row(kind: TokenKind, token: &str, label: String, now: Timestamp, lifetime_ms: u64) -> TokenRow {
    TokenRow {
        kind,
        hash: secret::hash(token),
        label,
        created_at: now,
        expires_at: Some(now.plus_ms(lifetime_ms)),
        used_at: None,
    }
}

#[derive(Deserialize)]
pub(crate) struct Enter {
    #[serde(default)]
    token: String,
}

/// `GET /enter?token=…`: redeems a link.
pub(crate) async fn enter(
    State(state): State<AppState>,
    words: Words,
    extensions: Extensions,
    headers: HeaderMap,
    Query(query): Query<Enter>,
) -> Result<Response, PageError> {
    let store = state.engine().store();
    let way = Way::of(&extensions, &headers);
    if !redeem(store.as_ref(), &query.token).await? {
        // A bookmark of an old link in a browser that is signed in already.
        if session(store.as_ref(), &headers).await?.is_some() {
            return Ok(Redirect::to("/").into_response());
        }
        let password = access::has_password(store.as_ref()).await?;
        let entrance =
            Entrance { way, password, link_was_used: true, to: "/".to_owned(), refused: None };
        return access::entrance(words, &entrance, state.engine().config().paths());
    }
    begin_session(&state, &headers, way, "/".to_owned()).await
}

/// Signs a browser in and leads it on.
pub(crate) async fn begin_session(
    state: &AppState,
    headers: &HeaderMap,
    way: Way,
    to: String,
) -> Result<Response, PageError> {
    let session = secret::token()?;
    let user_agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    let label = access::label(user_agent.unwrap_or_default(), way.from);
    let stored = row(TokenKind::Session, &session, label, clock::now(), SESSION_S * 1000);
    let store = state.engine().store();
    // Sessions that have ended are of no use to anybody.
    for old in store.tokens(TokenKind::Session).await?.iter().filter(|old| !is_alive(old)) {
        store.remove_token(TokenKind::Session, &old.hash).await?;
    }
    store.put_token(&stored).await?;
    let cookie = cookies::set_secret(&cookie_name(headers), &session, SESSION_S, way.tls);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

/// Signs a browser out.
pub(crate) async fn end_session(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let store = state.engine().store();
    if let Some(session) = session(store.as_ref(), headers).await? {
        store.remove_token(TokenKind::Session, &session.hash).await?;
    }
    let cookie = cookies::set(&cookie_name(headers), "", 0);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// Takes a link token out of the store; of two that try at once, one is told `true`.
async fn redeem(store: &dyn Store, token: &str) -> Result<bool, StoreError> {
    let hash = secret::hash(token);
    let Some(link) = store.token(TokenKind::Link, &hash).await? else { return Ok(false) };
    let existed = store.remove_token(TokenKind::Link, &hash).await?;
    Ok(existed && is_alive(&link))
}

pub(crate) fn is_alive(token: &TokenRow) -> bool {
    token.expires_at.is_none_or(|end| clock::now() < end)
}

/// The session of the browser that asks.
pub(crate) async fn session(
    store: &dyn Store,
    headers: &HeaderMap,
) -> Result<Option<TokenRow>, StoreError> {
    let Some(session) = cookies::value(headers, &cookie_name(headers)) else { return Ok(None) };
    let found = store.token(TokenKind::Session, &secret::hash(session)).await?;
    Ok(found.filter(is_alive))
}

/// Notes that a session is used, now and then.
async fn note_use(store: &dyn Store, session: &TokenRow) -> Result<(), StoreError> {
    let now = clock::now();
    if session.used_at.is_none_or(|at| now.ms_since(at) >= USE_NOTED_EVERY_MS) {
        store.touch_token(TokenKind::Session, &session.hash, now).await?;
    }
    Ok(())
}

/// Cookies are shared between all ports of a host, so the name carries the port: two instances
/// of Halo on one computer do not sign each other out.
fn cookie_name(headers: &HeaderMap) -> String {
    let port = headers.get(header::HOST).and_then(|h| h.to_str().ok()).and_then(guard::port);
    port.map_or_else(|| "halo_session".to_owned(), |port| format!("halo_session_{port}"))
}

/// Lets signed-in browsers through; shows everyone else how to get in.
pub(crate) async fn require(
    State(state): State<AppState>,
    words: Words,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match admit(&state, words, &parts).await {
        Ok(None) => next.run(Request::from_parts(parts, body)).await,
        Ok(Some(refusal)) => refusal,
        Err(error) => error.into_response(),
    }
}

/// What a browser that is not signed in is answered.
async fn admit(
    state: &AppState,
    words: Words,
    request: &Parts,
) -> Result<Option<Response>, PageError> {
    let store = state.engine().store();
    if let Some(session) = session(store.as_ref(), &request.headers).await? {
        note_use(store.as_ref(), &session).await?;
        return Ok(None);
    }
    if !wants_page(request) {
        let refusal = (StatusCode::UNAUTHORIZED, words.t("sign-in-needed"));
        return Ok(Some(refusal.into_response()));
    }
    let get = request.method == Method::GET;
    let to = request.uri.path_and_query().filter(|_| get).map_or("/", |path| path.as_str());
    let entrance = Entrance {
        way: Way::of(&request.extensions, &request.headers),
        password: access::has_password(store.as_ref()).await?,
        link_was_used: false,
        to: access::own_path(to),
        refused: None,
    };
    access::entrance(words, &entrance, state.engine().config().paths()).map(Some)
}

fn wants_page(request: &Parts) -> bool {
    request
        .headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
}
