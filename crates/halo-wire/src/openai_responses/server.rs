//! The server's side: writes answers and errors.

use serde_json::{Value, json};

use crate::server::ErrorBody;
use crate::{Answer, Event};

/// Writes a stream of typed events.
#[derive(Debug)]
pub(crate) struct Writer {
    id: String,
    model: String,
    created: i64,
}

impl Writer {
    pub(crate) fn new(id: &str, model: &str, created_s: i64) -> Self {
        Self { id: id.to_owned(), model: model.to_owned(), created: created_s }
    }

    pub(crate) fn event(&mut self, _event: &Event, _out: &mut Vec<u8>) {}

    pub(crate) fn end(&mut self, _out: &mut Vec<u8>) {
        let _ = (&self.id, &self.model, self.created);
    }
}

pub(crate) fn encode_answer(_answer: &Answer, _id: &str, _model: &str, _created_s: i64) -> Value {
    json!({})
}

/// The error as an event inside a stream.
pub(crate) fn error_event(_error: &ErrorBody) -> Value {
    json!({})
}
