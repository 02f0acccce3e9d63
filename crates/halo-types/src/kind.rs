//! The kinds of provider errors: one kind per error, chosen by the remedy that really works.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::IdError;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, transient: $transient:literal;)*) => {
        /// What kind of failure it was. Each kind says what a person would have to know to act.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind, in the order of the reference.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The stable name used in JSON, headers and rules.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// Whether an unchanged request may succeed later. A diagnosis may overrule this for
            /// a particular error (certificate faults, proxy authentication).
            #[must_use]
            pub const fn is_transient(self) -> bool {
                match self { $(Kind::$variant => $transient,)* }
            }
        }

        impl FromStr for Kind {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match text {
                    $($name => Ok(Kind::$variant),)*
                    _ => Err(IdError { what: "kind", text: text.chars().take(80).collect() }),
                }
            }
        }
    };
}

kinds! {
    /// Too many requests, tokens or concurrent calls in a window; waiting lifts it.
    RateLimited = "rate_limited", transient: true;
    /// Money, credit or a paid allowance is used up; waiting does not help.
    QuotaExhausted = "quota_exhausted", transient: false;
    /// The conversation is longer than the model's window.
    ContextLengthExceeded = "context_length_exceeded", transient: false;
    /// The requested output is longer than the model can write.
    OutputLimitExceeded = "output_limit_exceeded", transient: false;
    /// The body exceeds a byte limit.
    RequestTooLarge = "request_too_large", transient: false;
    /// The model or endpoint takes no pictures at all.
    ImageUnsupported = "image_unsupported", transient: false;
    /// The model takes pictures, but not this one.
    ImageInvalid = "image_invalid", transient: false;
    /// The key is missing, malformed, wrong, expired or revoked.
    InvalidApiKey = "invalid_api_key", transient: false;
    /// The key is valid but may not do this.
    PermissionDenied = "permission_denied", transient: false;
    /// The country, region or territory is not served.
    RegionUnsupported = "region_unsupported", transient: false;
    /// The account, organisation or key is suspended.
    AccountDisabled = "account_disabled", transient: false;
    /// The model does not exist, is retired, or is out of this account's reach.
    ModelNotFound = "model_not_found", transient: false;
    /// The base URL or path is wrong.
    EndpointNotFound = "endpoint_not_found", transient: false;
    /// The service has no capacity right now.
    Overloaded = "overloaded", transient: true;
    /// A fault inside the provider or the proxy.
    ServerError = "server_error", transient: true;
    /// The provider, a gateway or the client gave up waiting.
    Timeout = "timeout", transient: true;
    /// No HTTP answer at all.
    Network = "network", transient: true;
    /// The answer began and broke off.
    StreamInterrupted = "stream_interrupted", transient: true;
    /// HTTP 200, but unusable.
    InvalidResponse = "invalid_response", transient: true;
    /// A safety or content policy refused input or output.
    ContentFiltered = "content_filtered", transient: false;
    /// The message list breaks a rule of the protocol.
    InvalidHistory = "invalid_history", transient: false;
    /// The model or endpoint lacks a feature that the request uses.
    UnsupportedFeature = "unsupported_feature", transient: false;
    /// Any other malformed or out-of-range request.
    InvalidRequest = "invalid_request", transient: false;
    /// The caller stopped it.
    Cancelled = "cancelled", transient: false;
    /// Nothing tells.
    Unknown = "unknown", transient: false;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_match_serde() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), *kind);
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("{:?}", kind.as_str()));
        }
        assert_eq!(Kind::ALL.len(), 25);
    }
}
