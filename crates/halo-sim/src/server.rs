//! The HTTP side: routes, bodies that pause and break, and the journal of it all.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use halo_types::{Headers, Protocol};
use halo_wire::endpoint::{GeminiMethod, GeminiTarget, gemini_target};
use halo_wire::server::{decode_request, encode_gemini_count, encode_models};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::conn::{Control, SimListener};
use crate::exchange::{Incoming, journal_headers};
use crate::journal::{Ended, Exchange};
use crate::play::{Head, Op, Reply};
use crate::{Simulator, tokens};

/// The longest request that is read: the limit Anthropic documents.
const MAX_REQUEST: usize = 32 << 20;
/// How long open connections may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
struct App {
    sim: Simulator,
    shutdown: CancellationToken,
}

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    Chat(Protocol),
    /// A chat whose model and form stand in the path.
    Gemini(GeminiTarget),
    CountTokens(Protocol),
    Models,
    Scenarios,
    Journal,
    Unknown,
}

impl Route {
    /// Reads the end of a path, so that any prefix of a base URL is fine.
    fn of(path_and_query: &str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default().trim_end_matches('/');
        let ends = |tail: &str| path.ends_with(tail);
        match path {
            "/_sim/scenarios" => Self::Scenarios,
            "/_sim/journal" => Self::Journal,
            _ if ends("/messages") => Self::Chat(Protocol::Anthropic),
            _ if ends("/chat/completions") => Self::Chat(Protocol::OpenaiChat),
            _ if ends("/responses") => Self::Chat(Protocol::OpenaiResponses),
            _ if ends("/messages/count_tokens") => Self::CountTokens(Protocol::Anthropic),
            _ if ends("/models") => Self::Models,
            _ => match gemini_target(path_and_query) {
                Some(target) => match target.method {
                    GeminiMethod::CountTokens => Self::CountTokens(Protocol::Gemini),
                    GeminiMethod::Models => Self::Models,
                    // One model alone is not listed by any protocol here.
                    GeminiMethod::Model => Self::Unknown,
                    _ => Self::Gemini(target),
                },
                None => Self::Unknown,
            },
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Chat(_) | Self::Gemini(_) | Self::CountTokens(_) => Method::POST,
            Self::Models | Self::Scenarios | Self::Journal | Self::Unknown => Method::GET,
        }
    }
}

/// Serves until `shutdown` is cancelled. Answers that are under way are broken off then.
pub async fn serve(listener: TcpListener, sim: Simulator, shutdown: CancellationToken) {
    let app = App { sim, shutdown: shutdown.clone() };
    let router: Router = Router::new().fallback(handle).with_state(app);
    let service = router.into_make_service_with_connect_info::<Control>();
    let server = axum::serve(SimListener(listener), service)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => {
            if let Err(error) = result {
                tracing::error!(%error, "the simulator stopped");
            }
        }
        () = overdue => tracing::debug!("connections were still open when the simulator stopped"),
    }
}

async fn handle(
    State(app): State<App>,
    ConnectInfo(control): ConnectInfo<Control>,
    request: Request,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let route = Route::of(parts.uri.path_and_query().map_or(path.as_str(), |whole| whole.as_str()));
    if parts.method == Method::GET {
        match route {
            Route::Scenarios => return Ok(json(&app.sim.scenarios())),
            Route::Journal if app.sim.0.options.expose_journal => {
                return Ok(json(&app.sim.journal()));
            }
            _ => {}
        }
    }
    let protocol = protocol_of(&route, &parts.headers);
    let body = axum::body::to_bytes(body, MAX_REQUEST).await;
    let at = crate::now();
    let id = app.sim.0.journal.begin(Exchange {
        id: 0,
        at,
        method: parts.method.to_string(),
        path: path.clone(),
        protocol: Some(protocol),
        request_headers: journal_headers(&parts.headers),
        request_body: body.as_ref().map(|b| b.to_vec()).unwrap_or_default().into(),
        model: None,
        nth: None,
        history_fault: None,
        status: None,
        response_headers: Headers::default(),
        response_body: Vec::new().into(),
        truncated: body.is_err(),
        ended: Ended::Open,
    });

    let call = || vec![("method", parts.method.to_string()), ("path", path.clone())];
    let reply = match (route, &body) {
        (_, Err(_)) => {
            let limit = vec![("limit", MAX_REQUEST.to_string())];
            app.sim.refuse_call(protocol, "too_large", &limit)
        }
        (Route::Unknown | Route::Scenarios | Route::Journal, Ok(_)) => {
            app.sim.refuse_call(protocol, "path", &call())
        }
        (route, Ok(_)) if parts.method != route.method() => {
            let mut values = call();
            values.push(("allow", route.method().to_string()));
            app.sim.refuse_call(protocol, "method", &values)
        }
        (Route::Models, Ok(_)) => whole(encode_models(protocol, &app.sim.models())),
        (Route::CountTokens(protocol), Ok(body)) => count_tokens(&app.sim, protocol, body),
        (route @ (Route::Chat(_) | Route::Gemini(_)), Ok(body)) => {
            let created_s = at.0 / 1_000;
            let target = match &route {
                Route::Gemini(target) => Some(target),
                _ => None,
            };
            let headers = &parts.headers;
            let incoming = Incoming { protocol, path: &path, target, headers, body, created_s };
            let (reply, notes) = app.sim.respond(&incoming);
            app.sim.0.journal.update(id, |exchange| {
                exchange.model = notes.model;
                exchange.nth = notes.nth;
                exchange.history_fault = notes.history_fault;
            });
            reply
        }
    };
    Ok(send(app, control, id, reply).await)
}

/// The protocol of a path; where both share it, the one the headers speak of.
fn protocol_of(route: &Route, headers: &HeaderMap) -> Protocol {
    match route {
        Route::Chat(protocol) | Route::CountTokens(protocol) => *protocol,
        Route::Gemini(_) => Protocol::Gemini,
        _ if headers.contains_key("x-goog-api-key") => Protocol::Gemini,
        _ if headers.contains_key("anthropic-version") || headers.contains_key("x-api-key") => {
            Protocol::Anthropic
        }
        _ => Protocol::OpenaiChat,
    }
}

fn count_tokens(sim: &Simulator, protocol: Protocol, body: &[u8]) -> Reply {
    match decode_request(protocol, &answerable(protocol, body)) {
        Ok((request, _)) => {
            let tokens = tokens::request(&request);
            whole(match protocol {
                Protocol::Gemini => encode_gemini_count(tokens),
                _ => format!("{{\"input_tokens\":{tokens}}}").into_bytes(),
            })
        }
        Err(error) => sim.refuse_call(protocol, "request", &[("message", error.message)]),
    }
}

/// A request to count as one to answer: Anthropic's names no `max_tokens` where it only counts.
/// <https://platform.claude.com/docs/en/api/messages-count-tokens>
fn answerable(protocol: Protocol, body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(mut request) if protocol == Protocol::Anthropic && request.is_object() => {
            request["max_tokens"] = 1.into();
            request.to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

/// A good answer that is there at once.
fn whole(body: Vec<u8>) -> Reply {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Reply {
        head: Head::Send { status: 200, headers },
        ops: vec![Op::Bytes(body.into())],
        answered: true,
    }
}

fn json(value: &impl serde::Serialize) -> Response {
    let body = serde_json::to_vec_pretty(value).unwrap_or_else(|error| {
        // Texts and numbers alone are serialised here.
        tracing::error!(%error, "an answer about the simulator itself failed");
        b"null".to_vec()
    });
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Carries out a reply on its connection.
async fn send(app: App, control: Control, id: u64, reply: Reply) -> Response {
    let journal = &app.sim.0.journal;
    let (status, headers) = match reply.head {
        Head::Send { status, headers } => (status, headers),
        Head::Stall => {
            app.shutdown.cancelled().await;
            control.close();
            return Response::new(Body::empty());
        }
        Head::Close => {
            journal.update(id, |exchange| exchange.ended = Ended::Closed);
            control.close();
            return Response::new(Body::empty());
        }
        Head::Reset => {
            journal.update(id, |exchange| exchange.ended = Ended::Reset);
            control.reset();
            return Response::new(Body::empty());
        }
    };
    journal.update(id, |exchange| {
        exchange.status = Some(status);
        exchange.response_headers = Headers::new(headers.clone());
    });
    let streams = headers.iter().any(|(_, value)| value.starts_with("text/event-stream"));
    let body = match whole_bytes(&reply.ops) {
        Some(bytes) if !streams => {
            journal.sent(id, &bytes);
            journal.update(id, |exchange| exchange.ended = Ended::Whole);
            Body::from(bytes)
        }
        _ => Body::from_stream(played(app, control, id, reply.ops)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    for (name, value) in headers {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                response.headers_mut().append(name, value);
            }
            (name, _) => tracing::warn!(?name, "a header of a scenario cannot be sent"),
        }
    }
    response
}

/// The body in one piece, if nothing else happens in it.
fn whole_bytes(ops: &[Op]) -> Option<Bytes> {
    match ops {
        [] => Some(Bytes::new()),
        [Op::Bytes(bytes)] => Some(bytes.clone()),
        _ => None,
    }
}

/// The body as it happens.
fn played(
    app: App,
    control: Control,
    id: u64,
    ops: Vec<Op>,
) -> impl stream::Stream<Item = io::Result<Bytes>> {
    let ops = ops.into_iter();
    stream::unfold((app, control, ops, false), move |(app, control, mut ops, over)| async move {
        if over {
            return None;
        }
        let journal = &app.sim.0.journal;
        let fault = loop {
            match ops.next() {
                Some(Op::Bytes(bytes)) => {
                    journal.sent(id, &bytes);
                    return Some((Ok(bytes), (app, control, ops, false)));
                }
                Some(Op::Pause(pause)) => {
                    let stopped = app.shutdown.cancelled();
                    if tokio::time::timeout(pause, stopped).await.is_ok() {
                        break io::ErrorKind::ConnectionAborted;
                    }
                }
                Some(Op::Stall) => {
                    app.shutdown.cancelled().await;
                    break io::ErrorKind::ConnectionAborted;
                }
                Some(Op::Abort) => {
                    journal.update(id, |exchange| exchange.ended = Ended::Closed);
                    break io::ErrorKind::ConnectionAborted;
                }
                Some(Op::Reset) => {
                    journal.update(id, |exchange| exchange.ended = Ended::Reset);
                    control.reset();
                    break io::ErrorKind::ConnectionReset;
                }
                None => {
                    journal.update(id, |exchange| exchange.ended = Ended::Whole);
                    return None;
                }
            }
        };
        Some((Err(fault.into()), (app, control, ops, true)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_slashes_are_fine() {
        let cases = [
            ("/v1/messages", Route::Chat(Protocol::Anthropic)),
            ("/a/b/v1/messages/", Route::Chat(Protocol::Anthropic)),
            ("/messages", Route::Chat(Protocol::Anthropic)),
            ("/api/v1/chat/completions", Route::Chat(Protocol::OpenaiChat)),
            ("/v1/responses", Route::Chat(Protocol::OpenaiResponses)),
            ("/v1/messages/count_tokens", Route::CountTokens(Protocol::Anthropic)),
            ("/v1/models", Route::Models),
            ("/v1beta/models?pageSize=1000", Route::Models),
            ("/v1beta/models/m:countTokens", Route::CountTokens(Protocol::Gemini)),
            (
                "/v1beta/models/m:streamGenerateContent?alt=sse",
                Route::Gemini(GeminiTarget {
                    model: "m".to_owned(),
                    method: GeminiMethod::StreamGenerateContent { sse: true },
                }),
            ),
            ("/_sim/scenarios", Route::Scenarios),
            ("/v1/other", Route::Unknown),
            ("/", Route::Unknown),
        ];
        for (path, want) in cases {
            assert_eq!(Route::of(path), want, "{path}");
        }
    }
}
