//! The final word to a program: an error in its own protocol.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halo_types::{Diagnosis, Evidence, Headers, Kind, Protocol, TransportClass};
use halo_wire::server::{ErrorBody, encode_error};

/// The longest provider's message that is handed on, in bytes. Longer ones are pages.
const MAX_MESSAGE: usize = 16 * 1024;
/// The longest stated wait that is left to the program, in milliseconds.
const MAX_LEFT_WAIT_MS: u64 = 60_000;

/// How many attempts a request took.
pub(crate) const ATTEMPTS: HeaderName = HeaderName::from_static("x-halo-attempts");
const KIND: HeaderName = HeaderName::from_static("x-halo-kind");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Headers of providers that mean something to a program.
const PASSED_ON: &[&str] = &[
    "request-id",
    "x-request-id",
    "x-oneapi-request-id",
    "x-amzn-requestid",
    "cf-ray",
    "anthropic-organization-id",
    "openai-organization",
    "openai-project",
    "openai-processing-ms",
    "openai-version",
];
const PASSED_ON_PREFIXES: &[&str] =
    &["x-ratelimit-", "ratelimit-", "anthropic-ratelimit-", "anthropic-priority-"];

/// A failure that is final: what was left behind, what it means, after how many attempts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) evidence: Box<Evidence>,
    pub(crate) diagnosis: Diagnosis,
    pub(crate) attempts: u32,
    /// The protocol of the provider.
    pub(crate) protocol: Protocol,
}

impl Failure {
    /// The error as a program of `protocol` reads it.
    pub(crate) fn error(&self, protocol: Protocol) -> ErrorBody {
        let status = status_for(protocol, &self.evidence, self.diagnosis.kind);
        let mut error = if spoken(&self.evidence) {
            ErrorBody::from_raw(status, self.evidence.body.as_bytes())
        } else {
            ErrorBody { status, message: self.own_words(), ..ErrorBody::default() }
        };
        if self.protocol != protocol {
            // Names of another protocol's errors would only mislead.
            error = ErrorBody { kind: None, code: None, ..error };
        }
        if protocol == Protocol::OpenaiChat && error.code.is_none() {
            error.code = openai_code(self.diagnosis.kind).map(str::to_owned);
        }
        cut(&mut error.message);
        error.halo = serde_json::to_value(&self.diagnosis).ok();
        error
    }

    /// What is said where the provider said nothing.
    fn own_words(&self) -> String {
        let evidence = &self.evidence;
        let chain = evidence.transport.as_ref().map(|fault| fault.chain.join(": "));
        match (chain.filter(|chain| !chain.is_empty()), evidence.status) {
            (Some(chain), _) => format!("{}: {chain}", self.diagnosis.title),
            (None, Some(status)) if status >= 300 => {
                format!("{}: HTTP {status} without a body", self.diagnosis.title)
            }
            _ => format!("{}. {}", self.diagnosis.title, self.diagnosis.meaning),
        }
    }

    pub(crate) fn refusal(&self, protocol: Protocol) -> Refusal {
        let error = self.error(protocol);
        let wait_ms = self.diagnosis.retry.as_ref().map(|retry| retry.after_ms);
        let mut headers = passed_on(&self.evidence.headers);
        if let Some(ms) = wait_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        // The gateway has made its own attempts; the program's would multiply them.
        let should_retry = self.diagnosis.transient
            && wait_ms.is_some_and(|ms| (1..=MAX_LEFT_WAIT_MS).contains(&ms));
        Refusal::new(protocol, &error, self.diagnosis.kind, self.attempts, should_retry, headers)
    }
}

/// An error answer, ready to leave.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Refusal {
    /// An error of Halo's own.
    pub(crate) fn own(protocol: Protocol, error: ErrorBody, diagnosis: &Diagnosis) -> Self {
        let halo = serde_json::to_value(diagnosis).ok();
        let error = ErrorBody { halo, ..error };
        Self::new(protocol, &error, diagnosis.kind, 0, false, HeaderMap::new())
    }

    fn new(
        protocol: Protocol,
        error: &ErrorBody,
        kind: Kind,
        attempts: u32,
        should_retry: bool,
        mut headers: HeaderMap,
    ) -> Self {
        let retry = if should_retry { "true" } else { "false" };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(KIND, HeaderValue::from_static(kind.as_str()));
        headers.insert(ATTEMPTS, HeaderValue::from(attempts));
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(retry));
        Self {
            status: StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY),
            headers,
            body: encode_error(protocol, error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The headers of a provider's answer that a program may use.
pub(crate) fn passed_on(headers: &Headers) -> HeaderMap {
    let useful = headers.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        PASSED_ON.contains(&name.as_str())
            || PASSED_ON_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
    useful
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        })
        .collect()
}

/// Whether the body holds the provider's words about the failure, rather than what had come of
/// an answer or a document that is none.
fn spoken(evidence: &Evidence) -> bool {
    let refused = evidence.status.is_none_or(|status| status >= 300);
    (refused || evidence.transport.is_none()) && !evidence.body.text().trim().is_empty()
}

/// The provider's status; where the connection failed or what came is no answer, a gateway's;
/// where the provider said 200 and meant an error, the one that fits.
fn status_for(protocol: Protocol, evidence: &Evidence, kind: Kind) -> u16 {
    if let Some(status @ 400..=599) = evidence.status {
        return status;
    }
    if let Some(fault) = &evidence.transport {
        return match fault.class {
            TransportClass::ConnectTimeout
            | TransportClass::FirstByteTimeout
            | TransportClass::IdleTimeout => 504,
            _ => 502,
        };
    }
    let openai = protocol == Protocol::OpenaiChat;
    match kind {
        Kind::RateLimited => 429,
        Kind::QuotaExhausted => {
            if openai {
                429
            } else {
                402
            }
        }
        Kind::ContextLengthExceeded
        | Kind::OutputLimitExceeded
        | Kind::ImageUnsupported
        | Kind::ImageInvalid
        | Kind::ContentFiltered
        | Kind::InvalidHistory
        | Kind::UnsupportedFeature
        | Kind::InvalidRequest => 400,
        Kind::RequestTooLarge => 413,
        Kind::InvalidApiKey => 401,
        Kind::PermissionDenied | Kind::RegionUnsupported | Kind::AccountDisabled => 403,
        Kind::ModelNotFound => 404,
        Kind::Overloaded => {
            if openai {
                503
            } else {
                529
            }
        }
        Kind::ServerError => 500,
        Kind::Timeout => 504,
        Kind::EndpointNotFound
        | Kind::Network
        | Kind::StreamInterrupted
        | Kind::InvalidResponse
        | Kind::Cancelled
        | Kind::Unknown => 502,
    }
}

/// The code that programs written for OpenAI look at.
fn openai_code(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::RateLimited => Some("rate_limit_exceeded"),
        Kind::QuotaExhausted => Some("insufficient_quota"),
        Kind::ContextLengthExceeded => Some("context_length_exceeded"),
        Kind::InvalidApiKey => Some("invalid_api_key"),
        Kind::ModelNotFound => Some("model_not_found"),
        Kind::ContentFiltered => Some("content_filter"),
        _ => None,
    }
}

fn cut(message: &mut String) {
    if message.len() > MAX_MESSAGE {
        let end = message.floor_char_boundary(MAX_MESSAGE);
        message.truncate(end);
        message.push('…');
    }
}
