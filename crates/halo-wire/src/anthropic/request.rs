//! Encodes the request.

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ToolChoice,
};
use serde_json::{Map, Value, json};

use crate::EncodeError;
use crate::encode::{DEFAULT_MAX_TOKENS, EncodeOptions, arguments_object, base64, put};
use crate::thinking;

/// The smallest budget for thinking that is accepted, in tokens:
/// <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>
const MIN_BUDGET: u64 = 1_024;

/// Stands before a history that begins with the assistant, which the protocol forbids.
const OPENING: &str = "(The conversation begins with the answer below.)";

pub(crate) fn encode(
    request: &ChatRequest,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Map<String, Value>, EncodeError> {
    let mut messages: Vec<(Role, Vec<Value>)> = Vec::new();
    for message in &request.messages {
        let blocks = blocks(message, blobs)?;
        if blocks.is_empty() {
            continue;
        }
        match messages.last_mut() {
            Some((role, before)) if *role == message.role => before.extend(blocks),
            _ => messages.push((message.role, blocks)),
        }
    }
    if messages.is_empty() {
        return Err(EncodeError::NoMessages);
    }
    if messages[0].0 == Role::Assistant {
        messages.insert(0, (Role::User, vec![text_block(OPENING)]));
    }
    let system = request.system.as_deref().filter(|system| !system.trim().is_empty());
    let folded = options.omits(&["system"]);
    if let (Some(system), true) = (system, folded) {
        messages[0].1.insert(0, text_block(system));
    }
    for (role, blocks) in &mut messages {
        if *role == Role::User {
            // The results of tools have to stand before anything else.
            blocks.sort_by_key(|block| block["type"] != "tool_result");
        }
    }
    if let Some((Role::Assistant, blocks)) = messages.last_mut() {
        trim_end(blocks);
    }

    let mut body = Map::new();
    body.insert("model".to_owned(), json!(request.model));
    let thinking = request.thinking.as_ref().filter(|_| !options.omits(&["thinking"]));
    let budget = thinking.and_then(|spec| spec.budget).filter(|budget| *budget > 0);
    let budget = budget.map(|budget| budget.max(MIN_BUDGET));
    let mut max_tokens =
        request.max_tokens.or(options.default_max_tokens).unwrap_or(DEFAULT_MAX_TOKENS);
    if let Some(budget) = budget
        && max_tokens <= budget
    {
        // The budget counts as output and has to leave room for an answer.
        max_tokens = max_tokens.saturating_add(budget);
    }
    body.insert("max_tokens".to_owned(), json!(max_tokens));
    let messages: Vec<Value> = messages
        .into_iter()
        .map(|(role, blocks)| json!({ "role": role_name(role), "content": blocks }))
        .collect();
    body.insert("messages".to_owned(), Value::Array(messages));
    put(&mut body, options, &["system"], system.map(|system| json!(system)));
    // Other protocols go up to 2.
    let temperature = request.temperature.map(|value| json!(value.clamp(0.0, 1.0)));
    let top_p = request.top_p.map(|value| json!(value));
    let top_k = request.top_k.map(|value| json!(value));
    // A model that thinks takes none of the three.
    if thinking.is_none_or(thinking::is_off) {
        put(&mut body, options, &["temperature"], temperature);
        put(&mut body, options, &["top_p"], top_p);
        put(&mut body, options, &["top_k"], top_k);
    }
    let stop: Vec<&String> = request.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    let stop = (!stop.is_empty()).then(|| json!(stop));
    put(&mut body, options, &["stop_sequences", "stop"], stop);
    let tools = (!request.tools.is_empty()).then(|| {
        let tools = request.tools.iter().map(|tool| {
            let mut spec = Map::new();
            spec.insert("name".to_owned(), json!(tool.name));
            if let Some(description) = &tool.description {
                spec.insert("description".to_owned(), json!(description));
            }
            spec.insert("input_schema".to_owned(), schema(&tool.parameters));
            Value::Object(spec)
        });
        Value::Array(tools.collect())
    });
    let with_tools = tools.is_some() && !options.omits(&["tools"]);
    put(&mut body, options, &["tools"], tools);
    let choice = tool_choice(request).filter(|_| with_tools);
    put(&mut body, options, &["tool_choice"], choice);
    if let Some(spec) = thinking {
        let value = match budget {
            _ if thinking::is_off(spec) => json!({ "type": "disabled" }),
            Some(budget) => json!({ "type": "enabled", "budget_tokens": budget }),
            None => json!({ "type": "adaptive" }),
        };
        body.insert("thinking".to_owned(), value);
    }
    put(&mut body, options, &["output_config"], output_config(request));
    put(&mut body, options, &["stream"], request.stream.then_some(Value::Bool(true)));
    Ok(body)
}

fn tool_choice(request: &ChatRequest) -> Option<Value> {
    let mut choice = match &request.tool_choice {
        None if request.parallel_tools.is_none() => return None,
        None | Some(ToolChoice::Auto) => json!({ "type": "auto" }),
        Some(ToolChoice::None) => return Some(json!({ "type": "none" })),
        Some(ToolChoice::Required) => json!({ "type": "any" }),
        Some(ToolChoice::Tool { name }) => json!({ "type": "tool", "name": name }),
    };
    if let Some(parallel) = request.parallel_tools {
        choice["disable_parallel_tool_use"] = json!(!parallel);
    }
    Some(choice)
}

fn output_config(request: &ChatRequest) -> Option<Value> {
    let mut config = Map::new();
    let effort = request.thinking.as_ref().and_then(|spec| spec.effort.as_deref());
    match effort {
        None | Some("none") => {}
        // The lowest word here.
        Some("minimal") => {
            config.insert("effort".to_owned(), json!("low"));
        }
        Some(effort) => {
            config.insert("effort".to_owned(), json!(effort));
        }
    }
    if let Some(OutputFormat::Schema { schema, .. }) = &request.format {
        config.insert("format".to_owned(), json!({ "type": "json_schema", "schema": schema }));
    }
    (!config.is_empty()).then_some(Value::Object(config))
}

fn blocks(message: &RequestMessage, blobs: &Blobs) -> Result<Vec<Value>, EncodeError> {
    let mut blocks = Vec::new();
    let mut speaks = false;
    for part in &message.parts {
        let block = match (part, message.role) {
            // A block of white space is refused.
            (Part::Text { text }, _) if !text.trim().is_empty() => text_block(text),
            (Part::Image(image), Role::User) => json!({
                "type": "image",
                "source": {
                    "type": "base64",
                    "media_type": image.media_type,
                    "data": base64(image, blobs)?,
                },
            }),
            // Another protocol's proof means nothing here.
            (Part::Thinking { protocol: Some(other), .. }, _) if *other != Protocol::Anthropic => {
                continue;
            }
            (Part::Thinking { redacted: Some(data), .. }, Role::Assistant) => {
                blocks.push(json!({ "type": "redacted_thinking", "data": data }));
                continue;
            }
            (Part::Thinking { text, signature: Some(signature), .. }, Role::Assistant) => {
                let block = json!({ "type": "thinking", "thinking": text, "signature": signature });
                blocks.push(block);
                continue;
            }
            (Part::ToolCall { id, name, arguments }, Role::Assistant) => json!({
                "type": "tool_use",
                "id": call_id(id),
                "name": name,
                "input": arguments_object(arguments),
            }),
            (Part::ToolResult { call_id: id, text, is_error }, Role::User) => {
                let mut block = json!({ "type": "tool_result", "tool_use_id": call_id(id) });
                if !text.trim().is_empty() {
                    block["content"] = json!(text);
                }
                if *is_error {
                    block["is_error"] = json!(true);
                }
                block
            }
            (Part::Unknown { protocol, json }, _)
                if protocol == Protocol::Anthropic.as_str() && json.get("type").is_some() =>
            {
                json.clone()
            }
            _ => continue,
        };
        speaks = true;
        blocks.push(block);
    }
    // An answer may not consist of thinking alone.
    if !speaks {
        blocks.clear();
    }
    Ok(blocks)
}

fn text_block(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// An answer at the end is to be continued, and may not end in white space.
fn trim_end(blocks: &mut [Value]) {
    if let Some(block) = blocks.last_mut()
        && let Some(text) = block["text"].as_str()
    {
        let trimmed = text.trim_end().to_owned();
        block["text"] = Value::String(trimmed);
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// The protocol takes letters, digits, `_` and `-` in ids; calls and results change alike.
fn call_id(id: &str) -> String {
    let id: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .collect();
    if id.is_empty() { "_".to_owned() } else { id }
}

/// A schema has to be an object of type `object`.
fn schema(parameters: &Value) -> Value {
    match parameters {
        Value::Object(map) if map.contains_key("type") => parameters.clone(),
        Value::Object(map) => {
            let mut map = map.clone();
            map.insert("type".to_owned(), json!("object"));
            Value::Object(map)
        }
        _ => json!({ "type": "object", "properties": {} }),
    }
}
