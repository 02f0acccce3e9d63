//! The rules for the history of messages, in Anthropic's words.

use std::collections::HashSet;

use halo_types::{ChatRequest, Part, Role};

use crate::server::RequestError;

/// Two messages of one role in a row are joined by the provider, so they are allowed.
pub(crate) fn check(request: &ChatRequest) -> Result<(), RequestError> {
    let messages = &request.messages;
    let fault = |text: String| Err(RequestError::new(text));
    let Some(first) = messages.first() else {
        return fault("messages: at least one message is required".to_owned());
    };
    if first.role == Role::Assistant {
        return fault("messages: first message must use the \"user\" role".to_owned());
    }
    for (at, message) in messages.iter().enumerate() {
        let is_last = at + 1 == messages.len();
        if message.parts.is_empty() && !(is_last && message.role == Role::Assistant) {
            return fault(format!(
                "messages.{at}: all messages must have non-empty content except for the optional \
                 final assistant message"
            ));
        }
        for part in &message.parts {
            match part {
                Part::Text { text } if text.is_empty() => {
                    return fault("messages: text content blocks must be non-empty".to_owned());
                }
                Part::Text { text } if text.trim().is_empty() => {
                    return fault(
                        "messages: text content blocks must contain non-whitespace text".to_owned(),
                    );
                }
                _ => {}
            }
        }
        let ends_in_space = matches!(
            message.parts.last(),
            Some(Part::Text { text }) if text.ends_with(char::is_whitespace)
        );
        if is_last && message.role == Role::Assistant && ends_in_space {
            return fault(
                "messages: final assistant content cannot end with trailing whitespace".to_owned(),
            );
        }
    }
    check_pairs(request)
}

/// Every call is answered in the message right after it, and every answer has its call there.
/// Neighbours of one role count as one message.
fn check_pairs(request: &ChatRequest) -> Result<(), RequestError> {
    let mut open: Vec<&str> = Vec::new();
    let mut called_at = 0;
    let mut answered = HashSet::new();
    let mut role = None;
    for (at, message) in request.messages.iter().enumerate() {
        if role != Some(message.role) {
            if message.role == Role::Assistant {
                unanswered(&open, &answered, called_at)?;
                open.clear();
            }
            answered.clear();
            role = Some(message.role);
        }
        for (place, part) in message.parts.iter().enumerate() {
            match part {
                Part::ToolCall { id, .. } => {
                    if open.contains(&id.as_str()) {
                        return Err(RequestError::new(format!(
                            "messages.{at}.content.{place}: `tool_use` ids must be unique"
                        )));
                    }
                    open.push(id);
                    called_at = at;
                }
                Part::ToolResult { call_id, .. } => {
                    if !open.contains(&call_id.as_str()) {
                        return Err(RequestError::new(format!(
                            "messages.{at}.content.{place}: unexpected `tool_use_id` found in \
                             `tool_result` blocks: {call_id}. Each `tool_result` block must have a \
                             corresponding `tool_use` block in the previous message."
                        )));
                    }
                    answered.insert(call_id.as_str());
                }
                _ => {}
            }
        }
    }
    unanswered(&open, &answered, called_at)
}

fn unanswered(
    open: &[&str],
    answered: &HashSet<&str>,
    called_at: usize,
) -> Result<(), RequestError> {
    let missing: Vec<&str> = open.iter().copied().filter(|id| !answered.contains(id)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(RequestError::new(format!(
        "messages.{called_at}: `tool_use` ids were found without `tool_result` blocks immediately \
         after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the \
         next message.",
        missing.join(", ")
    )))
}
