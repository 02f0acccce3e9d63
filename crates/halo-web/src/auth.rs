//! Signing in: a link that works once, then a cookie.
//!
//! Of link and cookie only the SHA-256 is stored, so a copy of the data lets nobody in.

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use halo_store::{Store, StoreError, TokenKind, TokenRow};
use halo_types::Timestamp;
use serde::Deserialize;

use crate::clock;
use crate::cookies;
use crate::error::PageError;
use crate::guard;
use crate::page;
use crate::secret::{self, NoRandomness};
use crate::state::AppState;
use crate::strings::Words;

/// How long a link works.
const LINK_MS: u64 = 10 * 60 * 1000;
/// How long a browser stays signed in.
const SESSION_S: u64 = 90 * 24 * 60 * 60;

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
    store.put_token(&row(TokenKind::Link, &token, now, LINK_MS)).await?;
    Ok(format!("{}/enter?token={token}", base_url.trim_end_matches('/')))
}

fn row(kind: TokenKind, token: &str, now: Timestamp, lifetime_ms: u64) -> TokenRow {
    TokenRow {
        kind,
        hash: secret::hash(token),
        label: String::new(),
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
    headers: HeaderMap,
    Query(query): Query<Enter>,
) -> Result<Response, PageError> {
    let store = state.engine().store();
    if !redeem(store.as_ref(), &query.token).await? {
        // A bookmark of an old link in a browser that is signed in already.
        if signed_in(store.as_ref(), &headers).await? {
            return Ok(Redirect::to("/").into_response());
        }
        return page::sign_in(words, true, state.engine().config().paths());
    }
    let session = secret::token()?;
    let stored = row(TokenKind::Session, &session, clock::now(), SESSION_S * 1000);
    store.put_token(&stored).await?;
    let cookie = cookies::set(&cookie_name(&headers), &session, SESSION_S);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// Takes a link token out of the store; of two that try at once, one is told `true`.
async fn redeem(store: &dyn Store, token: &str) -> Result<bool, StoreError> {
    let hash = secret::hash(token);
    let Some(link) = store.token(TokenKind::Link, &hash).await? else { return Ok(false) };
    let existed = store.remove_token(TokenKind::Link, &hash).await?;
    Ok(existed && is_alive(&link))
}

fn is_alive(token: &TokenRow) -> bool {
    token.expires_at.is_none_or(|end| clock::now() < end)
}

async fn signed_in(store: &dyn Store, headers: &HeaderMap) -> Result<bool, StoreError> {
    let Some(session) = cookies::value(headers, &cookie_name(headers)) else { return Ok(false) };
    let found = store.token(TokenKind::Session, &secret::hash(session)).await?;
    Ok(found.is_some_and(|token| is_alive(&token)))
}

/// Cookies are shared between all ports of a host, so the name carries the port: two instances
/// of Halo on one computer do not sign each other out.
fn cookie_name(headers: &HeaderMap) -> String {
    let port = headers.get(header::HOST).and_then(|h| h.to_str().ok()).and_then(guard::port);
    port.map_or_else(|| "halo_session".to_owned(), |port| format!("halo_session_{port}"))
}

/// Lets signed-in browsers through; shows everyone else how to get a link.
pub(crate) async fn require(
    State(state): State<AppState>,
    words: Words,
    request: Request,
    next: Next,
) -> Response {
    match signed_in(state.engine().store().as_ref(), request.headers()).await {
        Ok(true) => next.run(request).await,
        Ok(false) if wants_page(&request) => {
            page::sign_in(words, false, state.engine().config().paths())
                .unwrap_or_else(IntoResponse::into_response)
        }
        Ok(false) => (StatusCode::UNAUTHORIZED, words.t("sign-in-needed")).into_response(),
        Err(error) => PageError::from(error).into_response(),
    }
}

fn wants_page(request: &Request) -> bool {
    request
        .headers()
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
}
