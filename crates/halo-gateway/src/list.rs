//! `GET /v1/models`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use halo_engine::Engine;
use halo_wire::ModelInfo;
use halo_wire::server::encode_models;

use crate::auth::Speaks;

/// `GET /v1/models`: every known model of every provider as `provider/model`, the name under
/// which it is reached without doubt.
pub(crate) async fn models(State(engine): State<Engine>, Speaks(protocol): Speaks) -> Response {
    let models: Vec<ModelInfo> = engine
        .targets()
        .into_iter()
        .map(|info| ModelInfo {
            id: info.target.to_string(),
            name: Some(format!("{} ({})", info.target.model, info.provider_name)),
            context_window: info.window,
            max_output: engine.model_facts(&info.target).max_output.map(|known| known.value),
            vision: info.vision,
            ..ModelInfo::default()
        })
        .collect();
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, encode_models(protocol, &models)).into_response()
}
