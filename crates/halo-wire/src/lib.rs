//! The provider protocols as machines over bytes.
//!
//! This crate turns the neutral [`ChatRequest`](halo_types::ChatRequest) into the body a provider
//! expects ([`encode`]), and the bytes of its answer into [`Event`]s ([`Decoder`]). The reader is
//! tolerant: it takes what relays mangle and keeps every error byte for byte. The writer is
//! strict: it sends what the official documentation allows. The [`server`] module is the other
//! side of the same protocols, for a gateway and a simulator. Nothing here does I/O.
//!
//! ```
//! use halo_types::{Protocol, StopReason};
//! use halo_wire::{Answer, Decoder, Finish};
//!
//! let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n\
//!     data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
//!     data: [DONE]\n\n";
//! let mut decoder = Decoder::new(Protocol::OpenaiChat);
//! let mut answer = Answer::default();
//! for event in decoder.push(stream) {
//!     answer.add(&event);
//! }
//! assert_eq!(decoder.finish().1, Finish::Complete);
//! assert_eq!(answer.text(), "Hello");
//! assert_eq!(answer.stop, Some(StopReason::End));
//! ```

mod answer;
mod anthropic;
mod decoder;
mod encode;
pub mod endpoint;
mod event;
mod fault;
mod gemini;
mod json;
mod list;
mod loss;
mod machine;
mod models;
mod openai_chat;
mod openai_responses;
pub mod server;
pub mod sse;
mod stop;
mod thinking;
pub mod translate;

pub use answer::Answer;
pub use decoder::{Decoder, MAX_BODY, MAX_LEFTOVER};
pub use encode::{
    DEFAULT_MAX_TOKENS, EncodeError, EncodeOptions, MaxTokensField, auth_headers, encode,
};
pub use event::{Event, Finish};
pub use loss::{Loss, answer_losses, request_losses};
pub use models::{ModelInfo, ModelsError, decode_models, next_page};
