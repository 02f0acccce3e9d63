//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>

pub(crate) mod decode;
pub(crate) mod history;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod stream;
