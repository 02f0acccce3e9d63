//! Who may use the gateway, and which protocol a request speaks.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use halo_engine::Engine;
use halo_types::Protocol;

use crate::key;
use crate::own::OwnError;

/// Lets requests with a Halo key through.
pub(crate) async fn require_key(
    State(engine): State<Engine>,
    Speaks(protocol): Speaks,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let presented = presented_keys(headers);
    let known = if presented.is_empty() {
        Ok(false)
    } else {
        key::is_known(engine.store().as_ref(), &presented).await
    };
    let error = match known {
        Ok(true) => return next.run(request).await,
        Ok(false) => {
            let settings = settings_page(&engine, headers);
            if presented.is_empty() {
                OwnError::NoKey { settings }
            } else {
                OwnError::WrongKey { settings }
            }
        }
        Err(error) => OwnError::Store(error),
    };
    error.response(protocol)
}

/// The keys of a request. SDKs send one of the two headers; some programs send both.
fn presented_keys(headers: &HeaderMap) -> Vec<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    [bearer, text("x-api-key")]
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .collect()
}

/// Where keys are made, at the address the program itself used.
fn settings_page(engine: &Engine, headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-[]".contains(&b)))
        .map_or_else(|| engine.config().settings().listen.to_string(), str::to_owned);
    format!("http://{host}/settings/gateway")
}

/// The protocol that the path belongs to; where it belongs to both, the one the headers speak of.
fn protocol_of(uri: &Uri, headers: &HeaderMap) -> Protocol {
    let path = uri.path();
    if path.starts_with("/v1/messages") {
        Protocol::Anthropic
    } else if path.starts_with("/v1/chat/") || !headers.contains_key("anthropic-version") {
        Protocol::OpenaiChat
    } else {
        Protocol::Anthropic
    }
}

/// The protocol of a request, for handlers that serve both.
pub(crate) struct Speaks(pub(crate) Protocol);

impl<S: Sync> FromRequestParts<S> for Speaks {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(protocol_of(&parts.uri, &parts.headers)))
    }
}
