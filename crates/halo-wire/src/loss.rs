//! What a protocol cannot hold of what another one said.

use std::collections::BTreeSet;
use std::fmt;

use halo_types::{ChatRequest, OutputFormat, Part, Protocol, ThinkingSpec};
use serde_json::Value;

use crate::{Answer, Event, thinking};

/// One thing that does not get through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// A parameter, by the name it has where it comes from.
    Parameter(String),
    /// A parameter that only gets through roughly: a budget as a word, or the reverse.
    Roughly(String),
    /// Thinking: its proof means nothing to another protocol, and without one it is not taken.
    Thinking,
    /// The mark that a tool failed; its words get through.
    ToolError,
    /// A picture that a model made.
    Picture,
    /// A part that only one protocol knows.
    Block {
        /// That protocol.
        protocol: String,
        /// What it calls the part.
        kind: String,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => f.write_str(name),
            Self::Roughly(name) => write!(f, "{name} (kept roughly)"),
            Self::Thinking => f.write_str("thinking"),
            Self::ToolError => f.write_str("the mark of a failed tool"),
            Self::Picture => f.write_str("a picture in the answer"),
            Self::Block { protocol, kind } => write!(f, "{kind} of {protocol}"),
        }
    }
}

/// What [`encode`](crate::encode) leaves out of a request, each thing once.
#[must_use]
pub fn request_losses(protocol: Protocol, request: &ChatRequest) -> BTreeSet<Loss> {
    let mut lost = BTreeSet::new();
    let mut parameter = |is_lost: bool, name: &str| {
        if is_lost {
            lost.insert(Loss::Parameter(name.to_owned()));
        }
    };
    let thinks = request.thinking.as_ref().is_some_and(|spec| !thinking::is_off(spec));
    let has_tools = !request.tools.is_empty();
    parameter(request.tool_choice.is_some() && !has_tools, "tool_choice");
    parameter(request.parallel_tools.is_some() && !has_tools, "parallel_tool_calls");
    match protocol {
        Protocol::Anthropic => {
            parameter(request.format == Some(OutputFormat::Json), "response_format");
            parameter(thinks && request.temperature.is_some(), "temperature");
            parameter(thinks && request.top_p.is_some(), "top_p");
            parameter(thinks && request.top_k.is_some(), "top_k");
        }
        Protocol::OpenaiChat => parameter(request.top_k.is_some(), "top_k"),
        Protocol::OpenaiResponses => {
            parameter(request.top_k.is_some(), "top_k");
            parameter(!request.stop.is_empty(), "stop");
        }
        Protocol::Gemini => {
            parameter(request.parallel_tools.is_some() && has_tools, "parallel_tool_calls");
            parameter(request.stop.len() > 5, "stop");
        }
    }
    if let Some(ThinkingSpec { effort: None, budget: Some(1..) }) = &request.thinking
        && matches!(protocol, Protocol::OpenaiChat | Protocol::OpenaiResponses)
    {
        lost.insert(Loss::Roughly("thinking budget".to_owned()));
    }
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        lost.extend(part_loss(protocol, part));
        let marked = matches!(part, Part::ToolResult { is_error: true, .. });
        if marked && matches!(protocol, Protocol::OpenaiChat | Protocol::OpenaiResponses) {
            lost.insert(Loss::ToolError);
        }
    }
    lost
}

/// What [`encode_answer`](crate::server::encode_answer) leaves out of an answer.
#[must_use]
pub fn answer_losses(protocol: Protocol, answer: &Answer) -> BTreeSet<Loss> {
    let mut lost: BTreeSet<Loss> = answer
        .parts()
        .iter()
        .filter_map(|part| match part {
            // The words of thinking are shown in every protocol.
            Part::Thinking { text, .. } if !text.is_empty() => None,
            part => part_loss(protocol, part),
        })
        .collect();
    if protocol == Protocol::Anthropic && answer.blobs.iter().next().is_some() {
        lost.insert(Loss::Picture);
    }
    lost
}

/// What a [`StreamEncoder`](crate::server::StreamEncoder) leaves out of an event.
pub(crate) fn event_loss(protocol: Protocol, event: &Event) -> Option<Loss> {
    match event {
        Event::Block { protocol: other, json } if *other != protocol => {
            Some(Loss::Block { protocol: other.to_string(), kind: kind_of(json) })
        }
        Event::Image { .. } if protocol == Protocol::Anthropic => Some(Loss::Picture),
        Event::RedactedThinking { protocol: other, .. } if *other != protocol => {
            Some(Loss::Thinking)
        }
        _ => None,
    }
}

fn part_loss(protocol: Protocol, part: &Part) -> Option<Loss> {
    match part {
        Part::Unknown { protocol: other, json } if other != protocol.as_str() => {
            Some(Loss::Block { protocol: other.clone(), kind: kind_of(json) })
        }
        Part::Thinking { signature, redacted, protocol: by, .. } => {
            let proven = signature.is_some() || redacted.is_some();
            let own = by.unwrap_or(Protocol::Anthropic) == protocol;
            (!(proven && own)).then_some(Loss::Thinking)
        }
        _ => None,
    }
}

/// The name of a part: its type, or else its first field.
fn kind_of(json: &Value) -> String {
    json.get("type")
        .and_then(Value::as_str)
        .or_else(|| json.as_object()?.keys().next().map(String::as_str))
        .unwrap_or("part")
        .to_owned()
}
