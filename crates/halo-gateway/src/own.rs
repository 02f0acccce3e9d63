//! Errors of the gateway itself, where no provider was asked.

use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use halo_store::StoreError;
use halo_types::{
    Action, Because, Blame, Confidence, Diagnosis, Facts, Kind, Lang, Protocol, ProviderId, Remedy,
    Scope,
};
use halo_wire::server::{ErrorBody, RequestError};

use crate::refusal::Refusal;

/// What Halo itself has to say against a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnError {
    #[error(
        "Halo's gateway needs a Halo key (halo_…), as \"Authorization: Bearer\" or as x-api-key, \
         and this request has none. Keys are made in Halo under Settings → Gateway: {settings}"
    )]
    NoKey { settings: String },
    #[error(
        "This is not a key of this Halo. It is Halo's own gateway that refuses, no provider was \
         asked; the key of a provider does not belong here, Halo adds it by itself. Halo keys \
         (halo_…) are made in Halo under Settings → Gateway: {settings}"
    )]
    WrongKey { settings: String },
    #[error("the body of the request is larger than the {max} bytes that Halo's gateway takes")]
    TooLarge { max: usize },
    #[error("the body of the request could not be read to its end")]
    Unreadable(#[source] BytesRejection),
    #[error("the body of the request is not the JSON that is expected here: {0}")]
    NotJson(#[source] serde_json::Error),
    #[error("the request names no model")]
    NoModel,
    /// In the words of the protocol that the client speaks.
    #[error("{0}")]
    Request(#[from] RequestError),
    #[error(
        "Halo cannot translate this request from {from} to {to}, the protocol of the provider \
         {provider}: {what}"
    )]
    Untranslatable { from: Protocol, to: Protocol, provider: ProviderId, what: String },
    #[error("no provider is configured in Halo; add one under Settings → AI Model")]
    NoProvider,
    #[error(
        "the base URL of the provider {provider} cannot be used: {error}. It stands in Halo under \
         Settings → AI Model"
    )]
    BaseUrl { provider: ProviderId, error: halo_wire::endpoint::EndpointError },
    #[error(
        "Halo's gateway has no {method} {path}. It has POST /v1/chat/completions, POST \
         /v1/messages, GET /v1/models and POST /v1/errors/explain"
    )]
    NoSuchPath { method: String, path: String },
    #[error("Halo could not read its own data")]
    Store(#[from] StoreError),
}

impl OwnError {
    /// The answer in the protocol of who asked.
    pub(crate) fn response(self, protocol: Protocol) -> Response {
        if let Self::Store(error) = &self {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the gateway could not read the store");
        }
        self.refusal(protocol).into_response()
    }

    pub(crate) fn refusal(self, protocol: Protocol) -> Refusal {
        let diagnosis = self.diagnosis();
        let error = match &self {
            Self::Request(error) => error.body(),
            other => ErrorBody {
                status: other.status(),
                code: other.code().filter(|_| protocol == Protocol::OpenaiChat).map(str::to_owned),
                message: other.to_string(),
                ..ErrorBody::default()
            },
        };
        Refusal::own(protocol, error, &diagnosis)
    }

    fn status(&self) -> u16 {
        match self {
            Self::NoKey { .. } | Self::WrongKey { .. } => 401,
            Self::TooLarge { .. } => 413,
            Self::NoSuchPath { .. } | Self::NoProvider => 404,
            Self::Unreadable(_)
            | Self::NotJson(_)
            | Self::NoModel
            | Self::Request(_)
            | Self::Untranslatable { .. } => 400,
            Self::BaseUrl { .. } => 502,
            Self::Store(_) => 500,
        }
    }

    /// OpenAI's `code` for it, where it has one.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoKey { .. } | Self::WrongKey { .. } => Some("invalid_api_key"),
            Self::NoProvider => Some("model_not_found"),
            Self::TooLarge { .. } => Some("request_too_large"),
            _ => None,
        }
    }

    fn diagnosis(&self) -> Diagnosis {
        let (rule, kind, scope, blame) = match self {
            Self::NoKey { .. } => ("no-key", Kind::InvalidApiKey, Scope::Key, Blame::Halo),
            Self::WrongKey { .. } => ("wrong-key", Kind::InvalidApiKey, Scope::Key, Blame::Halo),
            Self::TooLarge { .. } => {
                ("too-large", Kind::RequestTooLarge, Scope::Request, Blame::Caller)
            }
            Self::Unreadable(_) => {
                ("unreadable", Kind::InvalidRequest, Scope::Request, Blame::Caller)
            }
            Self::NotJson(_) => ("not-json", Kind::InvalidRequest, Scope::Request, Blame::Caller),
            Self::NoModel => ("no-model", Kind::InvalidRequest, Scope::Request, Blame::Caller),
            Self::Request(_) => ("request", Kind::InvalidRequest, Scope::Request, Blame::Caller),
            Self::Untranslatable { .. } => {
                ("untranslatable", Kind::UnsupportedFeature, Scope::Provider, Blame::Halo)
            }
            Self::NoProvider => ("no-provider", Kind::ModelNotFound, Scope::Provider, Blame::Halo),
            Self::BaseUrl { .. } => {
                ("base-url", Kind::EndpointNotFound, Scope::Provider, Blame::Halo)
            }
            Self::NoSuchPath { .. } => {
                ("no-such-path", Kind::EndpointNotFound, Scope::Request, Blame::Caller)
            }
            Self::Store(_) => ("store", Kind::ServerError, Scope::Provider, Blame::Halo),
        };
        Diagnosis {
            kind,
            transient: false,
            vendor: None,
            layers: vec!["halo".to_owned()],
            scope,
            blame,
            confidence: Confidence::Certain,
            retry: None,
            facts: Facts::default(),
            title: halo_diagnose::kind_text(kind, Lang::En).title.as_str().into(),
            meaning: self.to_string().into(),
            remedies: self.remedy().into_iter().collect(),
            because: Because {
                rule: format!("halo.gateway.{rule}"),
                field: "none".to_owned(),
                span: None,
                quote: String::new(),
            },
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        let (action, text, url) = match self {
            Self::NoKey { settings } | Self::WrongKey { settings } => (
                Action::OpenSettingsKey,
                "Make a Halo key in Settings → Gateway and give it to the program",
                Some(settings.clone()),
            ),
            Self::NoProvider => {
                (Action::OpenSettingsModel, "Add a provider in Settings → AI Model", None)
            }
            Self::BaseUrl { .. } => {
                (Action::OpenSettingsUrl, "Correct the base URL in Settings → AI Model", None)
            }
            Self::Untranslatable { .. } => (
                Action::SwitchProvider,
                "Choose a provider that speaks the protocol of the request",
                None,
            ),
            _ => return None,
        };
        Some(Remedy { action, text: text.to_owned().into(), url: url.map(Into::into) })
    }
}

/// The body of a request, or why there is none.
pub(crate) fn body_of(
    body: Result<bytes::Bytes, BytesRejection>,
) -> Result<bytes::Bytes, OwnError> {
    body.map_err(|rejection| {
        if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            OwnError::TooLarge { max: crate::MAX_REQUEST_BYTES }
        } else {
            OwnError::Unreadable(rejection)
        }
    })
}
