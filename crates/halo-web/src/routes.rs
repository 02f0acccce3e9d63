//! Which address is answered by what.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::PageError;
use crate::state::AppState;
use crate::{
    access, actions, assets, auth, conversation, error, gallery, guard, help, images, live, outbox,
    practice, reliability, search, settings, setup, teach,
};

/// The pages, ready to be served. Everything but the sign-in link and the files of the interface
/// needs a session.
pub fn router(state: AppState) -> Router {
    let pages = Router::new()
        .merge(reading())
        .merge(doing())
        .merge(teaching())
        .merge(settings::router())
        .merge(help::router())
        .fallback(async || PageError::NotFound)
        // Texts are measured after they were read, so that the refusal can say how long they
        // were; a browser shows no answer to a request that is cut off.
        .layer(DefaultBodyLimit::max(images::MAX_UPLOAD))
        .layer(from_fn(error::explain))
        .layer(from_fn_with_state(state.clone(), auth::require));
    let open = Router::new()
        .route("/enter", get(auth::enter))
        .route("/assets/{name}", get(assets::serve))
        .route("/sign-in", post(access::sign_in))
        .route("/sign-out", post(access::sign_out))
        .layer(DefaultBodyLimit::max(access::MAX_FORM))
        .layer(from_fn(error::explain));
    open.merge(pages)
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(state.clone(), guard::check))
        .with_state(state)
}

fn reading() -> Router<AppState> {
    Router::new()
        .route("/", get(conversation::home))
        .route("/new", get(conversation::new))
        .route("/practice", get(conversation::practice))
        .route("/practice/all", get(gallery::show))
        .route("/practice/panel", get(conversation::practice_panel))
        .route("/list", get(conversation::list))
        .route("/search", get(search::fragment))
        .route("/export", get(settings::export_all))
        .route("/outbox", get(outbox::show))
        .route("/reliability", get(reliability::show))
        .route("/reliability.csv", get(reliability::export))
        .route("/outbox/entries", get(outbox::fragment))
        .route("/events", get(live::events))
        .route("/setup", get(setup::new).post(setup::create))
        .route("/c/{id}/setup", get(setup::show).post(setup::save))
        .route("/c/{id}", get(conversation::show))
        .route("/c/{id}/export", get(settings::export_one))
        .route("/c/{id}/thread", get(conversation::thread))
        .route("/c/{id}/messages/{message}/text", get(conversation::text))
        .route("/c/{id}/attempts/{attempt}/report", get(conversation::report))
        .route("/c/{id}/attempts/{attempt}/teach", get(teach::show))
        .route("/images/{blob}", get(images::show))
}

fn doing() -> Router<AppState> {
    Router::new()
        .route("/messages", post(actions::first))
        .route("/images", post(images::add))
        .route("/practice/play", post(practice::play))
        .route("/c/{id}/messages", post(actions::message))
        .route("/c/{id}/messages/{message}/continue", post(actions::cont))
        .route("/c/{id}/messages/{message}/regenerate", post(actions::regenerate))
        .route("/c/{id}/messages/{message}/choose", post(actions::choose))
        .route("/c/{id}/messages/{message}/pin", post(actions::pin))
        .route("/c/{id}/compact", post(actions::compact))
        .route("/c/{id}/act", post(actions::act))
        .route("/c/{id}/stop", post(actions::stop))
        .route("/c/{id}/send-now", post(actions::send_now))
        .route("/c/{id}/turns/{turn}/send", post(outbox::send))
        .route("/c/{id}/turns/{turn}/cancel", post(outbox::cancel))
        .route("/c/{id}/turns/{turn}/switch", post(outbox::switch))
        .route("/c/{id}/target", post(actions::set_target))
        .route("/c/{id}/messages/{message}/fork", post(actions::fork))
        .route("/c/{id}/leave-out-images", post(actions::leave_out_images))
        .route("/c/{id}/send-smaller", post(actions::send_smaller))
        .route("/c/{id}/rename", post(actions::rename))
        .route("/c/{id}/pin", post(actions::keep_on_top))
        .route("/c/{id}/delete", post(actions::delete))
        .route("/c/{id}/restore", post(actions::restore))
        .route("/c/{id}/steps/{step}/undo", post(actions::undo_step))
        .route("/c/{id}/steps/{step}/redo", post(actions::redo_step))
        .route("/c/{id}/steps/{step}/edit", post(actions::edit_summary))
}

/// Forms of a few words: no large one is read.
fn teaching() -> Router<AppState> {
    Router::new()
        .route("/c/{id}/attempts/{attempt}/teach", post(teach::teach))
        .route("/c/{id}/unteach", post(teach::unteach))
        .layer(DefaultBodyLimit::max(teach::MAX_FORM))
}
