//! How long to wait.
use halo_types::{Evidence, Kind, Retry, Timestamp};

use crate::unwrap::Layer;

pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.0.to_string()
}

pub(crate) fn retry(_: &Evidence, _: &[Layer], _: Kind, _: Option<Timestamp>) -> Option<Retry> {
    None
}
