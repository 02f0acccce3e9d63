//! Claude: a list of messages, each with its parent in newer exports.

use std::collections::HashSet;

use halo_types::{Ending, Part, Role, StopReason, Timestamp};
use serde_json::Value;

use super::{Builder, Entry, Maker, Said, fence, instant, list, text, words};

/// Reads one conversation.
pub(super) fn read(value: &Value) -> Result<Entry, String> {
    let id = text(value, "uuid");
    if id.is_empty() {
        return Err("it has no id".to_owned());
    }
    let messages = value["chat_messages"].as_array().ok_or("its messages cannot be read")?;
    let begun = instant(value.get("created_at"))
        .or_else(|| messages.iter().filter_map(|m| instant(m.get("created_at"))).min())
        .unwrap_or(Timestamp(0));
    let mut builder = Builder::new(Maker::Claude, id, begun);
    let ids: HashSet<&str> = messages.iter().map(|message| text(message, "uuid")).collect();
    // Messages without anything to show hand on what they hang on.
    let mut hangs: std::collections::HashMap<&str, Option<usize>> =
        std::collections::HashMap::new();
    let mut before = None;
    for (at, message) in messages.iter().enumerate() {
        let role = match text(message, "sender") {
            "human" | "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => continue,
        };
        let above = text(message, "parent_message_uuid");
        let parent = if let Some(parent) = hangs.get(above) {
            *parent
        } else if above.is_empty() || ids.contains(above) {
            // No parent is told, or one that comes later: the order of the list counts.
            before
        } else {
            None
        };
        let made = format!("#{at}");
        let name = text(message, "uuid");
        let name = if name.is_empty() { made.as_str() } else { name };
        if hangs.contains_key(name) {
            continue;
        }
        let parts = parts(message);
        let place = if parts.is_empty() {
            parent
        } else {
            let model = text(value, "model");
            Some(builder.say(Said {
                id: name,
                parent,
                role,
                parts,
                at: instant(message.get("created_at")),
                model: Some(if model.is_empty() { "claude" } else { model }),
                ending: Ending::Complete { stop: StopReason::End },
            }))
        };
        let own = text(message, "uuid");
        if !own.is_empty() {
            hangs.insert(own, place);
        }
        before = place;
    }
    let leaf = hangs.get(text(value, "current_leaf_message_uuid")).copied().flatten();
    builder.finish(text(value, "name"), leaf.or(before))
}

fn parts(message: &Value) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for block in list(message, "content") {
        match text(block, "type") {
            "text" => parts.extend(words(text(block, "text"))),
            "thinking" => {
                let thought = text(block, "thinking").trim();
                parts.extend((!thought.is_empty()).then(|| Part::thought(thought)));
            }
            "tool_use" => {
                let input = &block["input"];
                let json = serde_json::to_string_pretty(input).unwrap_or_default();
                // An artifact is what the person wanted; its JSON is not.
                let (language, shown) = match input.get("content").and_then(Value::as_str) {
                    Some(content) => ("", content),
                    None => ("json", json.as_str()),
                };
                let title = text(input, "title");
                let title = if title.is_empty() { text(block, "name") } else { title };
                parts.push(Part::text(format!("**{title}**\n\n{}", fence(language, shown))));
            }
            "tool_result" => {
                let said = match &block["content"] {
                    Value::String(said) => said.clone(),
                    _ => list(block, "content")
                        .iter()
                        .map(|piece| text(piece, "text"))
                        .filter(|said| !said.is_empty())
                        .collect::<Vec<_>>()
                        .join("\n\n"),
                };
                parts.extend((!said.trim().is_empty()).then(|| Part::text(fence("", &said))));
            }
            _ => {}
        }
    }
    if !parts.iter().any(|part| matches!(part, Part::Text { .. })) {
        parts.extend(words(text(message, "text")));
    }
    for file in list(message, "attachments") {
        let (name, inside) = (text(file, "file_name"), text(file, "extracted_content"));
        if !inside.trim().is_empty() {
            parts.push(Part::text(format!("{name}\n\n{}", fence("", inside)).trim().to_owned()));
        } else if !name.is_empty() {
            parts.push(Part::text(format!("*[{name}: not in the export]*")));
        }
    }
    for file in list(message, "files") {
        let name = text(file, "file_name");
        if !name.is_empty() {
            parts.push(Part::text(format!("*[{name}: not in the export]*")));
        }
    }
    parts
}
