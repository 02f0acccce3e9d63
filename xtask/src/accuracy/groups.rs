//! The groups in which Halo and LiteLLM are compared: the coarser of the two views.
//!
//! LiteLLM maps an error to an exception class of the OpenAI SDK's family, Halo to one of 25
//! kinds. A group is a set of kinds and a set of classes; kind and class agree if they are in the
//! same group. Where LiteLLM has one class for several kinds, these kinds share a group. Where a
//! class of LiteLLM is a bin for several groups (`APIError` with a status), its own status decides.

use std::io::{self, Write};

use halo_types::Kind;

/// A group of kinds and of LiteLLM's exception classes.
struct Group {
    name: &'static str,
    kinds: &'static [Kind],
    classes: &'static [&'static str],
    /// Statuses of an `APIError` that put it here.
    statuses: &'static [u16],
}

/// Every kind but `unknown` is in one group; records labelled `unknown` are not compared.
const GROUPS: &[Group] = &[
    Group {
        // An exhausted quota under 429 is a RateLimitError in the OpenAI SDK as well.
        name: "limit",
        kinds: &[Kind::RateLimited, Kind::QuotaExhausted],
        classes: &[
            "RateLimitError",
            "CallerCredentialRateLimitError",
            "PaymentRequiredError",
            "BudgetExceededError",
        ],
        statuses: &[402, 429],
    },
    Group {
        name: "context",
        kinds: &[Kind::ContextLengthExceeded],
        classes: &["ContextWindowExceededError"],
        statuses: &[],
    },
    Group {
        name: "access",
        kinds: &[
            Kind::InvalidApiKey,
            Kind::PermissionDenied,
            Kind::RegionUnsupported,
            Kind::AccountDisabled,
        ],
        classes: &[
            "AuthenticationError",
            "CallerCredentialAuthenticationError",
            "PermissionDeniedError",
        ],
        statuses: &[401, 403],
    },
    Group {
        name: "not_found",
        kinds: &[Kind::ModelNotFound, Kind::EndpointNotFound],
        classes: &["NotFoundError", "ModelNotMappedError"],
        statuses: &[404, 405],
    },
    Group {
        name: "content",
        kinds: &[Kind::ContentFiltered],
        classes: &[
            "ContentPolicyViolationError",
            "GuardrailRaisedException",
            "BlockedPiiEntityError",
        ],
        statuses: &[],
    },
    Group {
        name: "request",
        kinds: &[
            Kind::OutputLimitExceeded,
            Kind::RequestTooLarge,
            Kind::ImageUnsupported,
            Kind::ImageInvalid,
            Kind::InvalidHistory,
            Kind::UnsupportedFeature,
            Kind::InvalidRequest,
            Kind::Cancelled,
        ],
        classes: &[
            "BadRequestError",
            "InvalidRequestError",
            "UnprocessableEntityError",
            "UnsupportedParamsError",
            "UnsupportedEndpointError",
            "RejectedRequestError",
            "ImageFetchError",
            "MalformedRequestFieldError",
            "EndpointNotSupportedByModelError",
            "LiteLLMUnknownProvider",
        ],
        statuses: &[400, 406, 409, 411, 412, 413, 414, 415, 422, 416, 424, 431, 446, 451, 498, 499],
    },
    Group {
        name: "server",
        kinds: &[Kind::Overloaded, Kind::ServerError, Kind::InvalidResponse],
        classes: &[
            "InternalServerError",
            "ServiceUnavailableError",
            "BadGatewayError",
            "APIResponseValidationError",
            "JSONSchemaValidationError",
        ],
        statuses: &[500, 501, 502, 503, 505, 507, 508, 520, 521, 522, 523, 525, 526, 529, 530],
    },
    Group {
        name: "timeout",
        kinds: &[Kind::Timeout],
        classes: &["Timeout"],
        statuses: &[408, 504, 524],
    },
    Group {
        // Also LiteLLM's answer where nothing else fits.
        name: "connection",
        kinds: &[Kind::Network, Kind::StreamInterrupted],
        classes: &["APIConnectionError", "MidStreamFallbackError"],
        statuses: &[],
    },
];

/// The group of a kind; none for `unknown`.
pub(super) fn of_kind(kind: Kind) -> Option<&'static str> {
    GROUPS.iter().find(|group| group.kinds.contains(&kind)).map(|group| group.name)
}

/// Classes of LiteLLM that stand for whatever their status says.
const BY_STATUS: &[&str] = &["APIError", "OpenAIError", "BadRequestError"];

/// Whether an exception class of LiteLLM belongs to the group.
pub(super) fn class_is_in(class: &str, status: Option<u16>, name: &str) -> bool {
    GROUPS.iter().filter(|group| group.name == name).any(|group| {
        group.classes.contains(&class)
            || BY_STATUS.contains(&class) && status.is_some_and(|s| group.statuses.contains(&s))
    })
}

/// Prints the table.
pub(super) fn print(out: &mut impl Write) -> io::Result<()> {
    for group in GROUPS {
        let kinds: Vec<&str> = group.kinds.iter().map(|kind| kind.as_str()).collect();
        let statuses: Vec<String> = group.statuses.iter().map(ToString::to_string).collect();
        writeln!(out, "{}", group.name)?;
        writeln!(out, "  kinds:    {}", kinds.join(", "))?;
        writeln!(out, "  litellm:  {}", group.classes.join(", "))?;
        if !statuses.is_empty() {
            writeln!(out, "            {} with {}", BY_STATUS.join(", "), statuses.join(", "))?;
        }
    }
    writeln!(out, "not compared\n  kinds:    unknown")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_groups_are_a_partition() {
        for kind in Kind::ALL {
            let groups = GROUPS.iter().filter(|group| group.kinds.contains(kind)).count();
            assert_eq!(groups, usize::from(*kind != Kind::Unknown), "{kind}");
        }
        let mut classes = HashSet::new();
        let mut statuses = HashSet::new();
        for group in GROUPS {
            assert!(group.classes.iter().all(|class| classes.insert(class)), "{}", group.name);
            assert!(group.statuses.iter().all(|status| statuses.insert(status)), "{}", group.name);
        }
    }

    #[test]
    fn classes_and_statuses_find_their_group() {
        let limit = of_kind(Kind::QuotaExhausted).expect("every kind but unknown has one");
        assert!(class_is_in("RateLimitError", Some(429), limit));
        assert!(class_is_in("APIError", Some(403), "access"));
        assert!(class_is_in("BadRequestError", Some(403), "access"));
        assert!(class_is_in("BadRequestError", Some(403), "request"));
        assert!(!class_is_in("NotFoundError", Some(403), "access"));
        assert!(GROUPS.iter().all(|group| !class_is_in("ValueError", None, group.name)));
    }
}
