//! From one protocol to another: requests, answers and streams, with what is lost named.
//!
//! ```
//! use halo_types::Protocol;
//! use halo_wire::translate::{self, RequestTarget};
//!
//! let body = br#"{"model":"m","top_k":5,"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
//! let target = RequestTarget::default();
//! let chat = translate::request(Protocol::Anthropic, Protocol::OpenaiChat, body, &target)?;
//! assert!(String::from_utf8_lossy(&chat.body).contains(r#"{"content":"Hi","role":"user"}"#));
//! assert_eq!(chat.lost.iter().map(ToString::to_string).collect::<Vec<_>>(), ["top_k"]);
//! # Ok::<(), translate::TranslateError>(())
//! ```

use std::collections::BTreeSet;

use halo_types::Protocol;

use crate::loss::{Loss, answer_losses, request_losses};
use crate::server::{
    RequestError, StreamEncoder, decode_request, encode_answer, unheld_parameters,
};
use crate::{Answer, Decoder, EncodeError, EncodeOptions, Event, Finish, encode};

/// A document in another protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// The document.
    pub body: Vec<u8>,
    /// What it could not hold, each thing once.
    pub lost: BTreeSet<Loss>,
}

/// Where a translated request goes.
#[derive(Debug, Clone, Default)]
pub struct RequestTarget {
    /// The model's name there; the one in the request where absent. Gemini's requests name none.
    pub model: Option<String>,
    /// Whether to stream; as the request says where absent. Gemini's requests do not say.
    pub stream: Option<bool>,
    /// What the target demands beyond its protocol.
    pub options: EncodeOptions,
}

/// Why a request cannot be translated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranslateError {
    /// It is no request of its protocol.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The other protocol cannot say it.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Translates a request.
///
/// # Errors
/// Where `body` is no request of `from`, or nothing of it is left in `to`.
pub fn request(
    from: Protocol,
    to: Protocol,
    body: &[u8],
    target: &RequestTarget,
) -> Result<Translated, TranslateError> {
    let (mut request, blobs) = decode_request(from, body)?;
    if let Some(model) = &target.model {
        request.model.clone_from(model);
    }
    request.stream = target.stream.unwrap_or(request.stream);
    let mut lost = request_losses(to, &request);
    lost.extend(unheld_parameters(from, body).into_iter().map(Loss::Parameter));
    let body = encode(to, &request, &blobs, &target.options)?;
    Ok(Translated { body, lost })
}

/// Translates a whole answer. `id` and `model` are what the client sees, as in
/// [`StreamEncoder::new`].
///
/// # Errors
/// How the answer ended, where it is none or not whole; an error in it is evidence, not an answer.
pub fn answer(
    from: Protocol,
    to: Protocol,
    body: &[u8],
    id: &str,
    model: &str,
    created_s: i64,
) -> Result<Translated, Finish> {
    let mut decoder = Decoder::new(from);
    let mut answer = Answer::default();
    for event in decoder.push(body) {
        answer.add(&event);
    }
    let (events, finish) = decoder.finish();
    if finish != Finish::Complete {
        return Err(finish);
    }
    for event in &events {
        answer.add(event);
    }
    let body = encode_answer(to, &answer, id, model, created_s);
    Ok(Translated { body, lost: answer_losses(to, &answer) })
}

/// Translates a stream as it comes.
///
/// ```
/// use halo_types::Protocol;
/// use halo_wire::Finish;
/// use halo_wire::translate::Stream;
///
/// let mut stream = Stream::new(Protocol::OpenaiChat, Protocol::Anthropic, "msg_1", "m", 0);
/// let out = stream.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
/// assert!(String::from_utf8_lossy(&out).contains("text_delta"));
/// let (_, finish) = stream.finish();
/// assert_eq!(finish, Finish::Truncated);
/// ```
#[derive(Debug)]
pub struct Stream {
    decoder: Decoder,
    encoder: StreamEncoder,
}

impl Stream {
    /// A translator for one answer; the arguments are those of [`StreamEncoder::new`].
    #[must_use]
    pub fn new(from: Protocol, to: Protocol, id: &str, model: &str, created_s: i64) -> Self {
        let encoder = StreamEncoder::new(to, id, model, created_s).with_usage(true);
        Self { decoder: Decoder::new(from), encoder }
    }

    /// The bytes that these ones become. An error event becomes the other protocol's.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let events = self.decoder.push(bytes);
        self.encode(&events)
    }

    /// Ends the input. The end of the other protocol is written only where the answer is whole, so
    /// that a broken stream stays a broken one.
    pub fn finish(&mut self) -> (Vec<u8>, Finish) {
        let (events, finish) = self.decoder.finish();
        (self.encode(&events), finish)
    }

    /// What could not be said so far.
    #[must_use]
    pub fn lost(&self) -> &BTreeSet<Loss> {
        self.encoder.lost()
    }

    fn encode(&mut self, events: &[Event]) -> Vec<u8> {
        let mut out = Vec::new();
        for event in events {
            out.extend_from_slice(&self.encoder.encode(event));
        }
        out
    }
}
