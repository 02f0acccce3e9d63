//! One reader for the decoder, whichever protocol it reads.

use halo_types::Protocol;
use serde_json::Value;

use crate::{Event, anthropic, gemini, openai_chat, openai_responses};

/// The reader of one protocol. What a decoder does with it is the same for all.
#[derive(Debug)]
pub(crate) enum Machine {
    Anthropic(anthropic::stream::Machine),
    OpenaiChat(openai_chat::stream::Machine),
    OpenaiResponses(openai_responses::stream::Machine),
    Gemini(gemini::stream::Machine),
}

/// What a protocol's machine made of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A piece of the answer, or a known event without content.
    Known,
    /// Not of this protocol.
    Foreign,
    /// The provider failed; the frame is the evidence.
    Failure,
}

impl Machine {
    pub(crate) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Anthropic => Self::Anthropic(anthropic::stream::Machine::default()),
            Protocol::OpenaiChat => Self::OpenaiChat(openai_chat::stream::Machine::default()),
            Protocol::OpenaiResponses => {
                Self::OpenaiResponses(openai_responses::stream::Machine::default())
            }
            Protocol::Gemini => Self::Gemini(gemini::stream::Machine::default()),
        }
    }

    /// Takes in a frame of the plainest form without building a document of it; `false` leaves it
    /// to [`Machine::piece`].
    pub(crate) fn quick(&mut self, data: &[u8], events: &mut Vec<Event>) -> bool {
        match self {
            Self::OpenaiChat(machine) => machine.quick(data, events),
            Self::Anthropic(_) | Self::OpenaiResponses(_) | Self::Gemini(_) => false,
        }
    }

    pub(crate) fn piece(
        &mut self,
        name: Option<&str>,
        value: &Value,
        events: &mut Vec<Event>,
    ) -> Heard {
        match self {
            Self::Anthropic(machine) => machine.piece(name, value, events),
            Self::OpenaiChat(machine) => machine.piece(value, events),
            Self::OpenaiResponses(machine) => machine.piece(name, value, events),
            Self::Gemini(machine) => machine.piece(value, events),
        }
    }

    pub(crate) fn whole(&mut self, value: &Value, events: &mut Vec<Event>) -> Heard {
        match self {
            Self::Anthropic(machine) => machine.whole(value, events),
            Self::OpenaiChat(machine) => machine.whole(value, events),
            Self::OpenaiResponses(machine) => machine.whole(value, events),
            Self::Gemini(machine) => machine.whole(value, events),
        }
    }

    /// Hands out what was held back.
    pub(crate) fn flush(&mut self, events: &mut Vec<Event>) {
        match self {
            Self::Anthropic(machine) => machine.flush(events),
            Self::OpenaiChat(machine) => machine.flush(events),
            Self::OpenaiResponses(machine) => machine.flush(events),
            Self::Gemini(machine) => machine.flush(events),
        }
    }

    /// Notes `[DONE]`; true where that ends an answer.
    pub(crate) fn done_marker(&mut self) -> bool {
        match self {
            // Relays append it to streams of other protocols, where it proves nothing.
            Self::Anthropic(_) | Self::OpenaiResponses(_) | Self::Gemini(_) => false,
            Self::OpenaiChat(machine) => machine.done_marker(),
        }
    }

    pub(crate) fn saw_done_marker(&self) -> bool {
        matches!(self, Self::OpenaiChat(machine) if machine.saw_done_marker())
    }

    /// Whether a piece of an answer of this protocol has come.
    pub(crate) fn has_begun(&self) -> bool {
        match self {
            Self::Anthropic(machine) => machine.has_begun(),
            Self::OpenaiChat(machine) => machine.has_begun(),
            Self::OpenaiResponses(machine) => machine.has_begun(),
            Self::Gemini(machine) => machine.has_begun(),
        }
    }

    /// Whether the end of input may come now.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Anthropic(machine) => machine.is_terminated(),
            Self::OpenaiChat(machine) => machine.is_complete(),
            Self::OpenaiResponses(machine) => machine.is_terminated(),
            Self::Gemini(machine) => machine.is_complete(),
        }
    }

    /// Whether the terminator came inside a JSON piece.
    pub(crate) fn is_terminated(&self) -> bool {
        match self {
            Self::Anthropic(machine) => machine.is_terminated(),
            Self::OpenaiResponses(machine) => machine.is_terminated(),
            Self::OpenaiChat(_) | Self::Gemini(_) => false,
        }
    }
}
