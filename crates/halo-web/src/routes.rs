//! Which address is answered by what.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

use crate::error::PageError;
use crate::state::AppState;
use crate::{assets, auth, error, guard, settings};

/// The pages, ready to be served. Everything but the sign-in link and the files of the interface
/// needs a session.
pub fn router(state: AppState) -> Router {
    let pages = Router::new()
        .merge(settings::router())
        .fallback(async || PageError::NotFound)
        .layer(from_fn(error::explain))
        .layer(from_fn_with_state(state.clone(), auth::require));
    let open = Router::new()
        .route("/enter", get(auth::enter))
        .route("/assets/{name}", get(assets::serve))
        .layer(from_fn(error::explain));
    open.merge(pages).layer(from_fn_with_state(state.clone(), guard::check)).with_state(state)
}
