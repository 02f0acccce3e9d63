//! Reads answers: streams of responses and whole ones.

use serde_json::Value;

use crate::Event;
use crate::decoder::Heard;

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    begun: bool,
    stopped: bool,
}

impl Machine {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the end of input may come now: a finish reason came.
    pub(crate) fn is_complete(&self) -> bool {
        self.stopped
    }

    /// Takes in one response of a stream.
    pub(crate) fn piece(&mut self, _value: &Value, _out: &mut Vec<Event>) -> Heard {
        Heard::Foreign
    }

    /// Takes in a whole response.
    pub(crate) fn whole(&mut self, _value: &Value, _out: &mut Vec<Event>) -> Heard {
        Heard::Foreign
    }

    /// Hands out what was held back.
    pub(crate) fn flush(&mut self, _out: &mut Vec<Event>) {}
}
