//! OpenAI- and Anthropic-compatible API for programs.
//!
//! A program speaks Chat Completions or Messages to [`router`] with a Halo key, and the request
//! goes to one of the configured providers. Where both sides speak the same protocol the bytes
//! pass through; else they are translated. Failures before the first part of an answer are
//! retried as the recovery machine decides. What remains is answered in the program's own
//! protocol, with the provider's words as the message and the diagnosis as `error.halo`.
//!
//! The crate decides nothing itself: the engine knows the providers, the diagnosis says what a
//! failure means, and the machine says what follows. It changes nothing that the caller asked for
//! but the model's name, and it binds no port. Whoever binds the listener sets `TCP_NODELAY` on
//! what it accepts (`axum::serve::ListenerExt::tap_io`): without it every stream may lose 40 ms.
//!
//! ```no_run
//! use halo_engine::Engine;
//!
//! # async fn example(engine: Engine) -> Result<(), Box<dyn std::error::Error>> {
//! if let Some(key) = halo_gateway::ensure_key(engine.store().as_ref()).await? {
//!     println!("Gateway key: {key}");
//! }
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7575").await?;
//! axum::serve(listener, halo_gateway::router(engine)).await?;
//! # Ok(())
//! # }
//! ```

mod ask;
mod auth;
mod chat;
mod explain;
mod key;
mod list;
mod outgoing;
mod own;
mod refusal;
mod relay;
mod route;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, post};
use halo_engine::Engine;

pub use key::{KeyError, ensure_key, new_key};

use auth::Speaks;
use own::OwnError;

/// The largest request that is taken, in bytes.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;

/// The routes of the gateway: everything below `/v1`, and `/healthz`.
///
/// All but `/healthz` need a Halo key, as `Authorization: Bearer halo_…` or as `x-api-key`.
pub fn router(engine: Engine) -> Router {
    let v1 = Router::new()
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/messages", post(chat::messages))
        .route("/v1/models", get(list::models))
        .route("/v1/errors/explain", post(explain::explain))
        .route("/v1/{*rest}", any(unknown))
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .layer(middleware::from_fn(refuse_too_large))
        .layer(middleware::from_fn_with_state(engine.clone(), auth::require_key))
        .with_state(engine);
    Router::new().route("/healthz", get(health)).merge(v1)
}

/// `GET /healthz`
async fn health() -> &'static str {
    "ok"
}

/// Refuses by the announced length, before a byte of the body is read.
async fn refuse_too_large(Speaks(protocol): Speaks, request: Request, next: Next) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let bytes: Option<usize> = announced.and_then(|n| n.to_str().ok()?.parse().ok());
    if bytes.is_some_and(|bytes| bytes > MAX_REQUEST_BYTES) {
        return OwnError::TooLarge { max: MAX_REQUEST_BYTES }.response(protocol);
    }
    next.run(request).await
}

/// Whatever the gateway does not have.
async fn unknown(Speaks(protocol): Speaks, method: Method, uri: Uri) -> Response {
    let path = uri.path().chars().take(200).collect();
    OwnError::NoSuchPath { method: method.to_string(), path }.response(protocol)
}
