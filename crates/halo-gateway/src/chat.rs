//! `POST /v1/chat/completions` and `POST /v1/messages`.

use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use halo_engine::Engine;
use halo_types::Protocol;
use halo_wire::server::wants_usage;

use crate::ask::ask;
use crate::outgoing::Incoming;
use crate::own::body_of;
use crate::refusal::Refusal;
use crate::relay::Handing;

type RequestBody = Result<Bytes, BytesRejection>;

/// `POST /v1/chat/completions`
pub(crate) async fn completions(
    State(engine): State<Engine>,
    headers: HeaderMap,
    uri: Uri,
    body: RequestBody,
) -> Response {
    answer(engine, Protocol::OpenaiChat, headers, uri, body).await
}

/// `POST /v1/messages`
pub(crate) async fn messages(
    State(engine): State<Engine>,
    headers: HeaderMap,
    uri: Uri,
    body: RequestBody,
) -> Response {
    answer(engine, Protocol::Anthropic, headers, uri, body).await
}

async fn answer(
    engine: Engine,
    protocol: Protocol,
    headers: HeaderMap,
    uri: Uri,
    body: RequestBody,
) -> Response {
    let answered = async {
        let body = body_of(body).map_err(|error| error.refusal(protocol))?;
        exchange(engine, Incoming { protocol, headers, uri, body }).await
    };
    answered.await.unwrap_or_else(|refusal| refusal.into_response())
}

/// One request from arrival to the head of its answer. It all lives in the task of the program's
/// connection: when the program goes away, the work is dropped, and with it the connection to the
/// provider.
async fn exchange(engine: Engine, incoming: Incoming) -> Result<Response, Refusal> {
    let protocol = incoming.protocol;
    let outgoing = incoming.prepare(&engine).map_err(|error| error.refusal(protocol))?;
    let good = ask(&engine, &outgoing.provider, &outgoing.call, || incoming.facts(&outgoing))
        .await
        .map_err(|failure| failure.refusal(protocol))?;
    tracing::debug!(model = outgoing.model, attempts = good.attempts, "a gateway request answers");
    let handing = Handing {
        to: protocol,
        from: outgoing.call.protocol,
        stream: outgoing.stream,
        usage: wants_usage(protocol, &incoming.body),
        model: outgoing.model,
        omitted: outgoing.omitted,
        engine,
    };
    Ok(handing.response(good))
}
