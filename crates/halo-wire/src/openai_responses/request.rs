//! Encodes the request.

use halo_types::{Blobs, ChatRequest};
use serde_json::{Map, Value};

use crate::EncodeError;
use crate::encode::EncodeOptions;

pub(crate) fn encode(
    _request: &ChatRequest,
    _blobs: &Blobs,
    _options: &EncodeOptions,
) -> Result<Map<String, Value>, EncodeError> {
    Err(EncodeError::NoMessages)
}
