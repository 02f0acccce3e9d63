//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>

pub(crate) mod decode;
pub(crate) mod history;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod stream;
