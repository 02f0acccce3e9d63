//! `POST /v1/errors/explain`

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use halo_diagnose::diagnose;
use halo_engine::{Engine, now};
use halo_types::{Diagnosis, Evidence, Lang};
use serde::Deserialize;

use crate::auth::Speaks;
use crate::own::{OwnError, body_of};

/// What may stand in the query.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// `en` or `zh`; without it the language of the settings.
    lang: Option<String>,
}

/// `POST /v1/errors/explain`: an evidence record in, its diagnosis out.
pub(crate) async fn explain(
    State(engine): State<Engine>,
    Speaks(protocol): Speaks,
    Query(asked): Query<Asked>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match diagnosis(&engine, &asked, body) {
        Ok(diagnosis) => Json(diagnosis).into_response(),
        Err(error) => error.response(protocol),
    }
}

fn diagnosis(
    engine: &Engine,
    asked: &Asked,
    body: Result<Bytes, BytesRejection>,
) -> Result<Diagnosis, OwnError> {
    let evidence: Evidence = serde_json::from_slice(&body_of(body)?).map_err(OwnError::NotJson)?;
    let named = asked.lang.as_deref().and_then(|lang| lang.parse().ok());
    let lang = named.or(engine.config().settings().language).unwrap_or(Lang::En);
    Ok(diagnose(&evidence, &engine.context(now(), lang)))
}
