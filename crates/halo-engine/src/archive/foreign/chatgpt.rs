//! ChatGPT: a tree of nodes (`mapping`) of which `current_node` was shown.

use std::collections::HashSet;

use halo_types::{Ending, Part, Role, StopReason, Timestamp};
use serde_json::Value;

use super::package::Package;
use super::{Builder, Entry, Maker, Said, fence, instant, list, text, words};

/// Reads one conversation.
pub(super) fn read(value: &Value, mut package: Option<&mut Package<'_>>) -> Result<Entry, String> {
    let id = [text(value, "conversation_id"), text(value, "id")];
    let id = id.into_iter().find(|id| !id.is_empty()).ok_or("it has no id")?;
    let mapping = value["mapping"].as_object().ok_or("its messages cannot be read")?;
    let begun = instant(value.get("create_time"))
        .or_else(|| mapping.values().filter_map(|node| said_at(&node["message"])).min())
        .unwrap_or(Timestamp(0));
    let mut builder = Builder::new(Maker::ChatGpt, id, begun);

    let parent = |node: &Value| {
        let parent = node.get("parent").and_then(Value::as_str)?;
        mapping.contains_key(parent).then_some(parent.to_owned())
    };
    let mut children: std::collections::HashMap<String, Vec<&str>> =
        std::collections::HashMap::new();
    let mut roots = Vec::new();
    for (name, node) in mapping {
        match parent(node) {
            Some(parent) => children.entry(parent).or_default().push(name),
            None => roots.push(name.as_str()),
        }
    }
    // Versions in the order in which they were written.
    let when = |name: &&str| said_at(&mapping[*name]["message"]).map_or(0, |at| at.0);
    children.values_mut().for_each(|names| names.sort_by_key(when));
    roots.sort_by_key(when);

    // By a stack, not by recursion: a chain may be as long as a file.
    let mut stack: Vec<(&str, Option<usize>, bool)> =
        roots.into_iter().rev().map(|name| (name, None, false)).collect();
    let mut seen = HashSet::new();
    while let Some((name, above, alone)) = stack.pop() {
        if !seen.insert(name) {
            continue;
        }
        let place = add(&mut builder, name, &mapping[name]["message"], above, alone, &mut package);
        if let Some(place) = place {
            builder.place.insert(name.to_owned(), place);
        }
        let below = children.get(name).map_or(&[][..], Vec::as_slice);
        let alone = below.len() == 1;
        stack.extend(below.iter().rev().map(|child| (*child, place, alone)));
    }
    let head = builder.place.get(text(value, "current_node")).copied();
    builder.finish(text(value, "title"), head)
}

fn said_at(message: &Value) -> Option<Timestamp> {
    instant(message.get("create_time"))
}

/// Adds a node; the place at which what follows it hangs. What a model did between a prompt and
/// its answer (thoughts, code, what tools said) is part of the answer.
fn add(
    builder: &mut Builder,
    name: &str,
    message: &Value,
    above: Option<usize>,
    alone: bool,
    package: &mut Option<&mut Package<'_>>,
) -> Option<usize> {
    let author = text(&message["author"], "role");
    let meta = &message["metadata"];
    let hidden = meta["is_visually_hidden_from_conversation"].as_bool() == Some(true);
    let role = match author {
        "user" => Role::User,
        "assistant" | "tool" => Role::Assistant,
        _ => return above,
    };
    if hidden {
        return above;
    }
    let parts = parts(builder, message, package);
    if parts.is_empty() {
        return above;
    }
    let ending = match text(&meta["finish_details"], "type") {
        "max_tokens" => Ending::Complete { stop: StopReason::Length },
        "interrupted" => Ending::Stopped,
        _ if text(message, "status") == "in_progress" => Ending::Interrupted,
        _ => Ending::Complete { stop: StopReason::End },
    };
    let model = text(meta, "model_slug");
    if let Some(place) = above
        && alone
        && role == Role::Assistant
        && builder.messages[place].role == Role::Assistant
    {
        let earlier = &mut builder.messages[place];
        earlier.parts.extend(parts);
        earlier.ending = Some(ending);
        return above;
    }
    Some(builder.say(Said {
        id: name,
        parent: above,
        role,
        parts,
        at: said_at(message),
        model: Some(if model.is_empty() { "unknown" } else { model }),
        ending,
    }))
}

fn parts(
    builder: &mut Builder,
    message: &Value,
    package: &mut Option<&mut Package<'_>>,
) -> Vec<Part> {
    let content = &message["content"];
    let tool = text(&message["author"], "role") == "tool";
    let mut parts: Vec<Part> = Vec::new();
    match text(content, "content_type") {
        // What the app tells the model of the person, not what was said.
        "user_editable_context" | "model_editable_context" => return parts,
        "code" => {
            let language = text(content, "language");
            let language = if language == "unknown" { "" } else { language };
            let code = text(content, "text");
            parts.extend((!code.trim().is_empty()).then(|| Part::text(fence(language, code))));
        }
        "execution_output" | "system_error" => {
            let output = text(content, "text");
            parts.extend((!output.trim().is_empty()).then(|| Part::text(fence("", output))));
        }
        "thoughts" => {
            for thought in list(content, "thoughts") {
                let said = [text(thought, "summary"), text(thought, "content")];
                let said = said.map(str::trim).join("\n\n");
                parts.extend((!said.trim().is_empty()).then(|| Part::thought(said.trim())));
            }
        }
        "reasoning_recap" => {
            let recap = text(content, "content").trim();
            parts.extend((!recap.is_empty()).then(|| Part::thought(recap)));
        }
        "tether_quote" => {
            let quote = ["title", "url", "text"].map(|name| text(content, name).trim());
            parts.extend(words(&quote.join("\n\n")));
        }
        "tether_browsing_display" => {
            let said = [text(content, "summary"), text(content, "result")];
            let said = said.into_iter().find(|said| !said.trim().is_empty()).unwrap_or_default();
            parts.extend((!said.is_empty()).then(|| Part::text(fence("", said))));
        }
        _ => {
            let plain = content.get("text").into_iter().chain(list(content, "parts"));
            for part in plain {
                parts.extend(piece(builder, part, tool, package));
            }
        }
    }
    // Files that are no pictures are not in the text.
    for file in list(&message["metadata"], "attachments") {
        let name = text(file, "name");
        let shown = text(file, "id");
        let drawn = parts.iter().any(|part| match part {
            Part::Image(image) => image.name.as_deref() == Some(shown),
            _ => false,
        });
        let picture = ["mime_type", "mimeType"].iter().any(|n| text(file, n).starts_with("image/"));
        if !drawn && !picture && !name.is_empty() {
            parts.push(Part::text(format!("*[{name}: not in the export]*")));
        }
    }
    parts
}

fn piece(
    builder: &mut Builder,
    part: &Value,
    tool: bool,
    package: &mut Option<&mut Package<'_>>,
) -> Option<Part> {
    if let Some(said) = part.as_str() {
        // What a tool said stands apart from what the model says.
        return if tool && !said.trim().is_empty() {
            Some(Part::text(fence("", said)))
        } else {
            words(said)
        };
    }
    match text(part, "content_type") {
        "image_asset_pointer" => {
            let pointer = text(part, "asset_pointer");
            let id = pointer.rsplit("://").next().unwrap_or(pointer);
            let id = id.split(['?', '#']).next().unwrap_or(id);
            let bytes = package.as_deref_mut().and_then(|package| package.asset(id));
            let shown: String = id.chars().take(80).collect();
            Some(builder.picture(&shown, bytes))
        }
        // A spoken message: its words. The sound itself is not a message of ours.
        _ => words(text(part, "text")),
    }
}
