//! Anthropic Messages: <https://platform.claude.com/docs/en/api/messages>

pub(crate) mod decode;
pub(crate) mod history;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod stream;
