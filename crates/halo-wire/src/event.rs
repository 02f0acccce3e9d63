//! What a decoder gives: the parts of an answer as they arrive.

use halo_types::{Protocol, StopReason, Usage};

/// One thing that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's id of the answer.
        id: Option<String>,
        /// The model that answers, as the provider names it.
        model: Option<String>,
    },
    /// A piece of the text.
    Text(String),
    /// A piece of the model's thinking.
    Thinking(String),
    /// The provider's signature over the thinking before it, whole; where no thinking without a
    /// signature stands before it, over the part that follows.
    Signature {
        /// The protocol that understands it.
        protocol: Protocol,
        /// The signature, opaque.
        proof: String,
    },
    /// Thinking that the provider shows only in encrypted form.
    RedactedThinking {
        /// The protocol that understands it.
        protocol: Protocol,
        /// The encrypted form.
        data: String,
    },
    /// A picture that the model made.
    Image {
        /// Its media type as the provider names it.
        media_type: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The model asks for a tool. Calls are counted from 0; each index comes once.
    ToolCall {
        /// Which call of this answer.
        index: usize,
        /// The provider's id of the call.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// A piece of the arguments of a call that has been announced.
    ToolArguments {
        /// Which call of this answer.
        index: usize,
        /// The next piece of the JSON text.
        delta: String,
    },
    /// What the provider counted so far. Later figures complete and replace earlier ones.
    Usage(Usage),
    /// Why the model stopped. Comes at most once.
    Stop(StopReason),
    /// A content block the neutral model cannot hold, whole; it becomes
    /// [`halo_types::Part::Unknown`].
    Block {
        /// The protocol whose block it is.
        protocol: Protocol,
        /// The block.
        json: serde_json::Value,
    },
    /// An error instead of, or in the middle of, an answer. Nothing comes after it.
    Error {
        /// The data of the frame, or the body, exactly as received.
        raw: Vec<u8>,
    },
    /// Something this decoder does not know. It does not belong to the answer's content; data
    /// that is no JSON is here as a JSON string.
    Unknown {
        /// What came.
        json: serde_json::Value,
    },
    /// The answer is complete. Nothing comes after it.
    Done,
}

/// How the input ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The protocol's terminator came, or a whole JSON answer was read.
    Complete,
    /// The input ended too early, part of it was garbled, or an [`Event::Error`] ended it.
    Truncated,
    /// There was no answer of this protocol in it: nothing at all, HTML, foreign JSON.
    Unusable {
        /// What came instead, in a few words.
        why: String,
    },
}
