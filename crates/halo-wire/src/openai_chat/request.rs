//! Encodes the request.

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ToolChoice,
};
use serde_json::{Map, Value, json};

use crate::EncodeError;
use crate::encode::{EncodeOptions, MaxTokensField, base64, put};
use crate::thinking;

pub(crate) fn encode(
    request: &ChatRequest,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Map<String, Value>, EncodeError> {
    let mut messages = Vec::new();
    let system = request.system.as_deref().filter(|system| !system.trim().is_empty());
    // Some models know no system message; the words are too important to drop them.
    let mut folded = system.filter(|_| options.omits(&["system"]));
    if let (Some(system), None) = (system, folded) {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let before = messages.len();
    for message in &request.messages {
        match message.role {
            Role::User => user(message, blobs, &mut folded, &mut messages)?,
            Role::Assistant => assistant(message, &mut messages),
        }
    }
    if messages.len() == before {
        return Err(EncodeError::NoMessages);
    }
    if let Some(system) = folded {
        messages.insert(0, json!({ "role": "user", "content": system }));
    }

    let mut body = Map::new();
    body.insert("model".to_owned(), json!(request.model));
    body.insert("messages".to_owned(), Value::Array(messages));
    if let (Some(limit), Some(name)) = (request.max_tokens, max_tokens_name(options)) {
        body.insert(name.to_owned(), json!(limit));
    }
    put(&mut body, options, &["temperature"], request.temperature.map(|value| json!(value)));
    put(&mut body, options, &["top_p"], request.top_p.map(|value| json!(value)));
    let stop = (!request.stop.is_empty()).then(|| json!(request.stop));
    put(&mut body, options, &["stop", "stop_sequences"], stop);
    let tools = (!request.tools.is_empty()).then(|| {
        let tools = request.tools.iter().map(|tool| {
            let mut function = Map::new();
            function.insert("name".to_owned(), json!(tool.name));
            if let Some(description) = &tool.description {
                function.insert("description".to_owned(), json!(description));
            }
            function.insert("parameters".to_owned(), tool.parameters.clone());
            json!({ "type": "function", "function": function })
        });
        Value::Array(tools.collect())
    });
    let with_tools = tools.is_some() && !options.omits(&["tools"]);
    put(&mut body, options, &["tools"], tools);
    if with_tools {
        let choice = request.tool_choice.as_ref().map(|choice| match choice {
            ToolChoice::Tool { name } => {
                json!({ "type": "function", "function": { "name": name } })
            }
            choice => choice_word(choice),
        });
        put(&mut body, options, &["tool_choice"], choice);
        let parallel = request.parallel_tools.map(Value::Bool);
        put(&mut body, options, &["parallel_tool_calls"], parallel);
    }
    let effort = request.thinking.as_ref().and_then(thinking::effort);
    let names = ["reasoning_effort", "thinking", "reasoning"];
    put(&mut body, options, &names, effort.map(|effort| json!(effort)));
    let format = request.format.as_ref().map(|format| match format {
        OutputFormat::Json => json!({ "type": "json_object" }),
        OutputFormat::Schema { name, schema, strict } => json!({
            "type": "json_schema",
            "json_schema": schema_spec(name.as_deref(), schema, *strict),
        }),
    });
    put(&mut body, options, &["response_format", "format"], format);
    if request.stream && !options.omits(&["stream"]) {
        body.insert("stream".to_owned(), Value::Bool(true));
        let usage = options.include_usage.then(|| json!({ "include_usage": true }));
        let names = ["stream_options", "stream_options.include_usage", "include_usage"];
        put(&mut body, options, &names, usage);
    }
    Ok(body)
}

/// A choice of tools that needs no name; Responses has the same words.
pub(crate) fn choice_word(choice: &ToolChoice) -> Value {
    json!(match choice {
        ToolChoice::None => "none",
        ToolChoice::Required => "required",
        ToolChoice::Auto | ToolChoice::Tool { .. } => "auto",
    })
}

/// A schema with the name it has to have.
pub(crate) fn schema_spec(name: Option<&str>, schema: &Value, strict: Option<bool>) -> Value {
    let mut spec = json!({ "name": name.unwrap_or("answer"), "schema": schema });
    if let Some(strict) = strict {
        spec["strict"] = json!(strict);
    }
    spec
}

/// The output limit under the name asked for, or under the other if that one was refused.
fn max_tokens_name(options: &EncodeOptions) -> Option<&'static str> {
    let names = match options.max_tokens_field {
        MaxTokensField::MaxTokens => ["max_tokens", "max_completion_tokens"],
        MaxTokensField::MaxCompletionTokens => ["max_completion_tokens", "max_tokens"],
    };
    names.into_iter().find(|name| !options.omits(&[name]))
}

/// Results of tools are messages of their own and come first: they answer the message before.
fn user(
    message: &RequestMessage,
    blobs: &Blobs,
    folded: &mut Option<&str>,
    messages: &mut Vec<Value>,
) -> Result<(), EncodeError> {
    let mut content = Vec::new();
    let mut plain = true;
    for part in &message.parts {
        match part {
            Part::ToolResult { call_id, text, is_error } => {
                let text = match (text.trim().is_empty(), is_error) {
                    (false, _) => text,
                    (true, true) => "(The tool failed.)",
                    (true, false) => "(no output)",
                };
                messages.push(json!({ "role": "tool", "tool_call_id": call_id, "content": text }));
            }
            Part::Text { text } if !text.trim().is_empty() => {
                content.push(json!({ "type": "text", "text": text }));
            }
            Part::Image(image) => {
                plain = false;
                let url = format!("data:{};base64,{}", image.media_type, base64(image, blobs)?);
                content.push(json!({ "type": "image_url", "image_url": { "url": url } }));
            }
            // Pictures by URL, files, sound: as they came.
            Part::Unknown { protocol, json }
                if protocol == Protocol::OpenaiChat.as_str() && json.get("type").is_some() =>
            {
                plain = false;
                content.push(json.clone());
            }
            _ => {}
        }
    }
    if content.is_empty() {
        return Ok(());
    }
    if let Some(system) = folded.take() {
        content.insert(0, json!({ "type": "text", "text": system }));
    }
    // Many compatible servers take only plain text unless there is a picture.
    let content = if plain { json!(joined(&content)) } else { Value::Array(content) };
    messages.push(json!({ "role": "user", "content": content }));
    Ok(())
}

fn assistant(message: &RequestMessage, messages: &mut Vec<Value>) {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text } if !text.trim().is_empty() => texts.push(json!({ "text": text })),
            Part::ToolCall { id, name, arguments } => calls.push(json!({
                "id": id,
                "type": "function",
                "function": { "name": name, "arguments": arguments_text(arguments) },
            })),
            _ => {}
        }
    }
    if texts.is_empty() && calls.is_empty() {
        return;
    }
    let content = if texts.is_empty() { Value::Null } else { json!(joined(&texts)) };
    let mut body = json!({ "role": "assistant", "content": content });
    if !calls.is_empty() {
        body["tool_calls"] = Value::Array(calls);
    }
    messages.push(body);
}

fn joined(parts: &[Value]) -> String {
    let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    texts.join("\n\n")
}

fn arguments_text(arguments: &str) -> &str {
    if arguments.trim().is_empty() { "{}" } else { arguments }
}
