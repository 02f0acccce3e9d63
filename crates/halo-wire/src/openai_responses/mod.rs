//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>

pub(crate) mod decode;
pub(crate) mod history;
mod items;
mod output;
mod proof;
pub(crate) mod request;
pub(crate) mod server;
mod snapshot;
pub(crate) mod stream;

/// A block of this type holds what is known about the text before it: its `annotations`
/// (citations), as they stand in the official part, without the text itself. So a reader that
/// does not know it shows the text once and loses only the sources.
pub(crate) const ABOUT_TEXT: &str = "output_text";
