//! Google Gemini `generateContent`: <https://ai.google.dev/api/generate-content>

pub(crate) mod decode;
pub(crate) mod history;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod stream;
