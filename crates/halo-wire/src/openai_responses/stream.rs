//! Reads answers: streams of events and whole responses.

use serde_json::Value;

use crate::Event;
use crate::decoder::Heard;

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    begun: bool,
    terminated: bool,
}

impl Machine {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether `response.completed` or `response.incomplete` came.
    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// Takes in one event of a stream.
    pub(crate) fn piece(
        &mut self,
        _name: Option<&str>,
        _value: &Value,
        _out: &mut Vec<Event>,
    ) -> Heard {
        Heard::Foreign
    }

    /// Takes in a whole response.
    pub(crate) fn whole(&mut self, _value: &Value, _out: &mut Vec<Event>) -> Heard {
        Heard::Foreign
    }

    /// Hands out what was held back.
    pub(crate) fn flush(&mut self, _out: &mut Vec<Event>) {}
}
