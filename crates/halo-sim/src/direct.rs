//! Requests that somebody outside decides about: trials that know what each one has to meet.

use std::fmt;
use std::time::Duration;

use halo_types::{ChatRequest, Protocol, Role, StopReason};
use serde_json::{Map, Value};

use crate::play::{self, Asked, Op, Reply, Spoken};
use crate::scenario::{AnswerSpec, HttpReply};
use crate::{text, tokens};

/// Decides what a request meets, by looking at it. Called before the scenarios, after the rules
/// of the protocol: a message list that breaks them is refused as ever.
pub trait Director: Send + Sync {
    /// What happens; `None` leaves the request to the scenarios.
    fn direct(&self, request: &Directing<'_>) -> Option<Scene>;
}

/// A request to decide about.
pub struct Directing<'a> {
    /// The protocol it came in.
    pub protocol: Protocol,
    /// The key it carries, in whichever header.
    pub key: Option<&'a str>,
    /// The path as called.
    pub path: &'a str,
    /// The request in the neutral form.
    pub request: &'a ChatRequest,
    /// Its bytes.
    pub body: &'a [u8],
    /// The parameters that stand in its body, Gemini's among the others.
    pub parameters: &'a Map<String, Value>,
    /// Its size as the simulator counts.
    pub tokens: u64,
    /// Whether it asks for a summary of the conversation.
    pub wants_summary: bool,
}

impl Directing<'_> {
    /// A summary that quotes the beginning of each message, of at most `max` tokens.
    #[must_use]
    pub fn summary(&self, max: u64) -> String {
        text::summary(&self.request.messages, self.request.max_tokens.unwrap_or(max).min(max))
    }

    /// The text of the last message of the model, and whether the person's instruction to go on
    /// is all that follows.
    #[must_use]
    pub fn last_answer(&self) -> Option<String> {
        let from = self.request.messages.iter().rposition(|m| m.role == Role::Assistant)?;
        (from + 2 >= self.request.messages.len()).then(|| text::said(&self.request.messages[from]))
    }

    /// The text of the last message of the person.
    #[must_use]
    pub fn prompt(&self) -> String {
        text::last_prompt(&self.request.messages)
    }
}

/// What a request meets.
#[derive(Debug, Clone, PartialEq)]
pub enum Scene {
    /// A whole answer.
    Answer {
        /// Thoughts that come first; may be empty.
        thinking: String,
        /// The words.
        text: String,
        /// Why it stops.
        stop: StopReason,
        /// The pause after every few words.
        pace: Duration,
    },
    /// An HTTP answer, as it stands.
    Http {
        /// The status.
        status: u16,
        /// Headers; without a content type it is JSON.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// A stream that begins with `text` and goes on with an error.
    StreamError {
        /// What comes before it; may be empty.
        text: String,
        /// The data of the event.
        data: String,
    },
    /// An answer that breaks off.
    Broken {
        /// What comes before the break; `None` breaks before the head of the response.
        text: Option<String>,
        /// How it breaks.
        how: Break,
    },
}

/// How an answer breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The connection closes.
    Close,
    /// The connection is reset.
    Reset,
    /// The body ends in good order, without the protocol's terminator.
    End,
    /// Nothing more comes, and the connection stays open.
    Stall,
}

/// The bytes of a scene.
pub(crate) fn reply(asked: &Asked<'_>, scene: Scene) -> Reply {
    match scene {
        Scene::Answer { thinking, text, stop, pace } => {
            let spoken = Spoken { thinking, text, tool: None, stop };
            let pace_ms = u64::try_from(pace.as_millis()).unwrap_or(u64::MAX);
            let spec = AnswerSpec { pace_ms: Some(pace_ms), ..AnswerSpec::default() };
            play::whole(asked, &spec, play::within_limit(asked, spoken))
        }
        Scene::Http { status, headers, body } => {
            let content_type = headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                .map(|(_, value)| value.clone());
            let headers = headers
                .into_iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
                .collect();
            let reply =
                HttpReply { status, headers, content_type, bare: true, ..HttpReply::default() };
            let mut played = play::http(asked, &reply, &[]);
            played.ops = vec![Op::Bytes(body.into())];
            played
        }
        Scene::StreamError { text, data } => play::error_after(asked, &text, &data),
        Scene::Broken { text: None, how } => play::no_head(how),
        Scene::Broken { text: Some(text), how } => {
            let end = match how {
                Break::Close => vec![Op::Abort],
                Break::Reset => vec![Op::Reset],
                Break::Stall => vec![Op::Stall],
                Break::End => Vec::new(),
            };
            play::broken_after(asked, text, end)
        }
    }
}

/// What a director gets to see.
pub(crate) fn directing<'a>(
    asked: &Asked<'a>,
    key: Option<&'a str>,
    path: &'a str,
    body: &'a [u8],
    parameters: &'a Map<String, Value>,
) -> Directing<'a> {
    Directing {
        protocol: asked.protocol,
        key,
        path,
        request: asked.request,
        body,
        parameters,
        tokens: tokens::request(asked.request),
        wants_summary: text::wants_summary(&text::last_prompt(&asked.request.messages)),
    }
}

impl fmt::Debug for dyn Director {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Director")
    }
}
