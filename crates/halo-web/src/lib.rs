//! Halo's pages for people: conversations, error cards and settings in a browser.
//!
//! Pages are rendered here, in Rust; a few small ES modules add what a page without scripts
//! cannot do: an answer that grows, a countdown that moves, pictures by paste. One event stream
//! per browser carries the news. The crate decides nothing about errors: it shows what the
//! engine says, the provider's own words first.
//!
//! It refuses to serve strangers: every page needs a session (see [`new_link`]), Host and Origin
//! are checked, and the content security policy allows no inline script or style.
//!
//! ```no_run
//! # async fn run(engine: halo_engine::Engine) -> Result<(), Box<dyn std::error::Error>> {
//! use halo_web::{AppState, WebOptions};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7575").await?;
//! let link = halo_web::new_link(engine.store().as_ref(), "http://127.0.0.1:7575").await?;
//! tracing::info!("open {link}");
//! let state = AppState::new(engine, WebOptions::default());
//! axum::serve(listener, halo_web::router(state)).await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod actions;
mod assets;
mod auth;
mod clock;
mod composer;
mod conversation;
mod cookies;
mod error;
mod extract;
mod gallery;
mod guard;
mod help;
mod images;
mod live;
mod markdown;
mod outbox;
mod page;
mod practice;
mod reliability;
mod routes;
mod search;
mod secret;
mod settings;
mod setup;
mod state;
pub mod strings;
mod teach;
mod thread;

pub use access::{PasswordError, has_password, is_password, remove_password, set_password};
pub use auth::{LinkError, new_link, sign_out_all};
pub use routes::router;
pub use secret::NoRandomness;
pub use state::{AppState, WebOptions};
