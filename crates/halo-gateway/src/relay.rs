//! Hands an answer on to the program that asked.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use halo_engine::{Engine, now};
use halo_transport::{Piece, Reply};
use halo_types::{Evidence, Protocol};
use halo_wire::server::{StreamEncoder, encode_answer, encode_error_event};
use uuid::Uuid;

use crate::ask::{Good, diagnosed};
use crate::refusal::{ATTEMPTS, Failure, passed_on};

const OMITTED: HeaderName = HeaderName::from_static("x-halo-omitted");

/// What an answer is handed on with.
pub(crate) struct Handing {
    pub(crate) engine: Engine,
    /// The protocol of the program.
    pub(crate) to: Protocol,
    /// The protocol of the provider.
    pub(crate) from: Protocol,
    /// Whether the program wants a stream.
    pub(crate) stream: bool,
    /// The model's name, should the provider not tell it.
    pub(crate) model: String,
    /// Whether the program wants usage figures in its stream.
    pub(crate) usage: bool,
    /// Parameters that were left out, by name.
    pub(crate) omitted: Vec<String>,
}

impl Handing {
    /// The answer for the program.
    pub(crate) fn response(self, good: Good) -> Response {
        let mut headers = passed_on(good.reply.headers());
        headers.insert(ATTEMPTS, HeaderValue::from(good.attempts));
        if let Ok(names) = HeaderValue::try_from(self.omitted.join(", "))
            && !names.is_empty()
        {
            headers.insert(OMITTED, names);
        }
        let content_type = if self.stream { "text/event-stream" } else { "application/json" };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let body = if self.stream {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            self.streamed(good)
        } else {
            Body::from(self.whole(&good))
        };
        let mut response = Response::new(body);
        *response.headers_mut() = headers;
        response
    }

    fn whole(&self, good: &Good) -> Vec<u8> {
        if self.passes(&good.held) {
            return good.held.iter().flat_map(|piece| &piece.raw).copied().collect();
        }
        let (id, model) = self.names(good);
        encode_answer(self.to, &good.answer, &id, &model, now().0 / 1_000)
    }

    fn streamed(self, good: Good) -> Body {
        let encoder = if self.passes(&good.held) {
            None
        } else {
            let (id, model) = self.names(&good);
            let encoder = StreamEncoder::new(self.to, &id, &model, now().0 / 1_000);
            Some(encoder.with_usage(self.usage))
        };
        let relay = Relay {
            reply: good.reply,
            held: good.held.into(),
            encoder,
            attempts: good.attempts,
            handing: self,
            over: false,
        };
        Body::from_stream(stream::unfold(relay, |mut relay| async move {
            let bytes = relay.next().await?;
            Some((Ok::<_, Infallible>(bytes), relay))
        }))
    }

    /// Whether the provider's bytes are what the program expects. Some relays stream where none
    /// asked for it, or do not where one did.
    fn passes(&self, held: &[Piece]) -> bool {
        let first = held
            .iter()
            .flat_map(|piece| &piece.raw)
            .find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
        let is_stream = !matches!(first, Some(b'{' | b'['));
        self.from == self.to && is_stream == self.stream
    }

    /// The id and the model of a translated answer.
    fn names(&self, good: &Good) -> (String, String) {
        let id = good.answer.id.clone().unwrap_or_else(|| {
            let prefix = match self.to {
                Protocol::Anthropic => "msg_",
                Protocol::OpenaiChat => "chatcmpl-",
                Protocol::OpenaiResponses => "resp_",
                Protocol::Gemini => "",
            };
            format!("{prefix}{}", Uuid::now_v7().simple())
        });
        (id, good.answer.model.clone().unwrap_or_else(|| self.model.clone()))
    }
}

/// A stream on its way. Dropping it ends the provider's work.
struct Relay {
    reply: Reply,
    held: VecDeque<Piece>,
    /// `None` where the bytes pass through.
    encoder: Option<StreamEncoder>,
    attempts: u32,
    handing: Handing,
    over: bool,
}

impl Relay {
    async fn next(&mut self) -> Option<Bytes> {
        while !self.over {
            let piece = match self.held.pop_front() {
                Some(piece) => Ok(Some(piece)),
                None => self.reply.next().await,
            };
            let bytes = match piece {
                Ok(Some(piece)) => match &mut self.encoder {
                    None => piece.raw,
                    Some(encoder) => {
                        let written = piece.events.iter().map(|event| encoder.encode(event));
                        written.collect::<Vec<_>>().concat().into()
                    }
                },
                Ok(None) => {
                    self.over = true;
                    self.encoder.as_mut().map(StreamEncoder::finish).unwrap_or_default().into()
                }
                Err(evidence) => {
                    self.over = true;
                    self.broken(evidence).into()
                }
            };
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
        None
    }

    /// The program's own error event: the answer has begun and cannot be sent again.
    fn broken(&self, evidence: Box<Evidence>) -> Vec<u8> {
        let diagnosis = diagnosed(&self.handing.engine, &evidence);
        tracing::info!(kind = %diagnosis.kind, "an answer broke off in the gateway");
        let failure =
            Failure { evidence, diagnosis, attempts: self.attempts, protocol: self.handing.from };
        encode_error_event(self.handing.to, &failure.error(self.handing.to))
    }
}
