//! The rules for the history of messages, in OpenAI's words.
//!
//! That no item comes twice is checked where the items still have their ids, in `decode`.

use halo_types::{ChatRequest, Part, Protocol, Role};

use super::decode::NOTHING_ASKED;
use super::proof;
use crate::server::RequestError;

pub(crate) fn check(request: &ChatRequest) -> Result<(), RequestError> {
    if request.messages.is_empty() {
        return Err(
            RequestError::new(NOTHING_ASKED).about("input", Some("missing_required_parameter"))
        );
    }
    let refuse = |message: String| Err(RequestError::new(message).about("input", None));
    // Results may come anywhere behind their calls.
    let mut open: Vec<&str> = Vec::new();
    let mut answered: Vec<&str> = Vec::new();
    let mut thought: Option<String> = None;
    for message in &request.messages {
        for part in &message.parts {
            match (message.role, part) {
                (
                    Role::Assistant,
                    Part::Thinking {
                        signature: Some(proof),
                        protocol: Some(Protocol::OpenaiResponses),
                        ..
                    },
                ) => {
                    thought = proof::id(proof);
                    continue;
                }
                (Role::Assistant, Part::ToolCall { id, .. }) => open.push(id),
                (Role::User, Part::ToolResult { call_id, .. }) => {
                    if let Some(at) = open.iter().position(|id| id == call_id) {
                        answered.push(open.remove(at));
                    } else if !answered.contains(&call_id.as_str()) {
                        return refuse(format!(
                            "No tool call found for function call output with call_id {call_id}."
                        ));
                    }
                }
                _ => {}
            }
            if message.role == Role::Assistant {
                thought = None;
            }
        }
        if message.role == Role::User {
            thoughtless(thought.as_deref())?;
        }
    }
    thoughtless(thought.as_deref())?;
    match open.first() {
        Some(id) => refuse(format!("No tool output found for function call {id}.")),
        None => Ok(()),
    }
}

/// A thought has to stand before what it led to:
/// <https://github.com/continuedev/continue/issues/8933>
fn thoughtless(thought: Option<&str>) -> Result<(), RequestError> {
    match thought {
        None => Ok(()),
        Some(id) => Err(RequestError::new(format!(
            "Item '{id}' of type 'reasoning' was provided without its required following item."
        ))
        .about("input", None)),
    }
}
