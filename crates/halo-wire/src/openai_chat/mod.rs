//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>

pub(crate) mod decode;
pub(crate) mod history;
mod quick;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod stream;
