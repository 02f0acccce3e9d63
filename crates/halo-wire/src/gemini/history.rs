//! The rules for the history of messages.

use halo_types::ChatRequest;

use crate::server::RequestError;

pub(crate) fn check(_request: &ChatRequest) -> Result<(), RequestError> {
    Ok(())
}
