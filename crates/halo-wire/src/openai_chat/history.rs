//! The rules for the history of messages, in OpenAI's words.

use halo_types::{ChatRequest, Part, Role};

use crate::server::RequestError;

pub(crate) fn check(request: &ChatRequest) -> Result<(), RequestError> {
    if request.messages.is_empty() && request.system.is_none() {
        return Err(RequestError::new(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an \
             empty array instead.",
        )
        .about("messages", Some("empty_array")));
    }
    // Counted as on the wire, where the system prompt is the first message and every result of a
    // tool is one of its own.
    let mut at = usize::from(request.system.is_some());
    let mut open: Vec<&str> = Vec::new();
    let mut called = false;
    for message in &request.messages {
        let mut speaks = false;
        for part in &message.parts {
            if let (Part::ToolResult { call_id, .. }, Role::User) = (part, message.role) {
                if !called {
                    return Err(RequestError::new(
                        "Invalid parameter: messages with role 'tool' must be a response to a \
                         preceeding message with 'tool_calls'.",
                    )
                    .about(&format!("messages.[{at}].role"), None));
                }
                open.retain(|id| id != call_id);
                at += 1;
            } else {
                speaks = true;
            }
        }
        if speaks || message.role == Role::Assistant {
            unanswered(&open, at)?;
            called = false;
        }
        if message.role == Role::Assistant {
            open.clear();
            open.extend(message.parts.iter().filter_map(|part| match part {
                Part::ToolCall { id, .. } => Some(id.as_str()),
                _ => None,
            }));
            called = !open.is_empty();
        }
        at += usize::from(speaks || message.parts.is_empty());
    }
    unanswered(&open, at)
}

fn unanswered(open: &[&str], at: usize) -> Result<(), RequestError> {
    if open.is_empty() {
        return Ok(());
    }
    Err(RequestError::new(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to \
         each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    ))
    .about(&format!("messages.[{at}].role"), None))
}
