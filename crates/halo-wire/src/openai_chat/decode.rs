//! The server's side: reads requests.

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ThinkingSpec,
    ToolChoice,
};
use serde_json::Value;

use crate::json::{count, text};
use crate::server::{RequestError, store_image, tool};

/// The parameters that the neutral request holds, or whose loss changes no answer.
pub(crate) const HELD: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "stream",
    "stream_options",
    "user",
    "metadata",
];

pub(crate) fn request(
    body: Option<&Value>,
    blobs: &mut Blobs,
) -> Result<ChatRequest, RequestError> {
    let body = body.ok_or_else(|| {
        RequestError::new(
            "We could not parse the JSON body of your request. (HINT: This likely means you \
             aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but \
             what was sent was not valid JSON.)",
        )
    })?;
    let model = text(body, "model")
        .ok_or_else(|| RequestError::new("you must provide a model parameter"))?;
    let list = match body.get("messages") {
        None | Some(Value::Null) => {
            return Err(RequestError::new("Missing required parameter: 'messages'.")
                .about("messages", Some("missing_required_parameter")));
        }
        Some(Value::Array(list)) => list,
        Some(other) => {
            return Err(RequestError::new(format!(
                "Invalid type for 'messages': expected an array of objects, but got {} instead.",
                type_name(other)
            ))
            .about("messages", Some("invalid_type")));
        }
    };
    let mut system: Vec<String> = Vec::new();
    let mut messages: Vec<RequestMessage> = Vec::new();
    let mut after_tool = false;
    for (at, message) in list.iter().enumerate() {
        let role = text(message, "role").unwrap_or_default();
        let is_tool = matches!(role, "tool" | "function");
        match role {
            "system" | "developer" => system.extend(text_of(message.get("content"))),
            "user" => messages.push(RequestMessage {
                role: Role::User,
                parts: content(at, message.get("content"), blobs)?,
            }),
            "assistant" => messages.push(assistant(at, message, blobs)?),
            "tool" | "function" => {
                let result = Part::ToolResult {
                    call_id: text(message, "tool_call_id")
                        .or_else(|| text(message, "name"))
                        .unwrap_or_default()
                        .to_owned(),
                    text: text_of(message.get("content")).unwrap_or_default(),
                    is_error: false,
                };
                // The results of one answer's calls make one message.
                match messages.last_mut() {
                    Some(last) if after_tool => last.parts.push(result),
                    _ => messages.push(RequestMessage { role: Role::User, parts: vec![result] }),
                }
            }
            other => {
                return Err(RequestError::new(format!(
                    "Invalid value: '{other}'. Supported values are: 'system', 'assistant', \
                     'user', 'function', 'tool', and 'developer'."
                ))
                .about(&format!("messages[{at}].role"), Some("invalid_value")));
            }
        }
        after_tool = is_tool;
    }
    let limit = |name: &str| body.get(name).and_then(count);
    let tools = body.get("tools").and_then(Value::as_array);
    Ok(ChatRequest {
        model: model.to_owned(),
        system: (!system.is_empty()).then(|| system.join("\n\n")),
        messages,
        max_tokens: limit("max_completion_tokens").or_else(|| limit("max_tokens")),
        temperature: body.get("temperature").and_then(Value::as_f64),
        top_p: body.get("top_p").and_then(Value::as_f64),
        stop: match body.get("stop") {
            Some(Value::String(stop)) => vec![stop.clone()],
            Some(Value::Array(list)) => {
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        },
        tools: tools
            .map(|list| {
                list.iter().filter_map(|spec| tool(spec.get("function")?, "parameters")).collect()
            })
            .unwrap_or_default(),
        top_k: None,
        tool_choice: body.get("tool_choice").and_then(tool_choice),
        parallel_tools: body.get("parallel_tool_calls").and_then(Value::as_bool),
        thinking: text(body, "reasoning_effort")
            .map(|effort| ThinkingSpec { effort: Some(effort.to_owned()), budget: None }),
        format: body.get("response_format").and_then(format),
        stream: body.get("stream") == Some(&Value::Bool(true)),
    })
}

/// The choice of a tool; Responses writes the name one level higher.
pub(crate) fn tool_choice(choice: &Value) -> Option<ToolChoice> {
    match choice {
        Value::String(word) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" | "any" => Some(ToolChoice::Required),
            _ => None,
        },
        choice if text(choice, "type") == Some("function") => {
            let name = choice.get("function").and_then(|function| text(function, "name"));
            let name = name.or_else(|| text(choice, "name"))?;
            Some(ToolChoice::Tool { name: name.to_owned() })
        }
        _ => None,
    }
}

fn format(format: &Value) -> Option<OutputFormat> {
    match text(format, "type")? {
        "json_object" => Some(OutputFormat::Json),
        "json_schema" => schema_format(format.get("json_schema")?),
        _ => None,
    }
}

/// A schema with its name beside it.
pub(crate) fn schema_format(spec: &Value) -> Option<OutputFormat> {
    Some(OutputFormat::Schema {
        name: text(spec, "name").map(str::to_owned),
        schema: spec.get("schema")?.clone(),
        strict: spec.get("strict").and_then(Value::as_bool),
    })
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn text_of(content: Option<&Value>) -> Option<String> {
    let text = match content? {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| text(part, "text")).collect();
            texts.join("\n\n")
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn content(
    at: usize,
    content: Option<&Value>,
    blobs: &mut Blobs,
) -> Result<Vec<Part>, RequestError> {
    match content {
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(parts)) => {
            Ok(parts.iter().map(|part| content_part(part, blobs)).collect())
        }
        Some(Value::Null) | None => {
            Err(RequestError::new("Invalid value for 'content': expected a string, got null.")
                .about(&format!("messages.[{at}].content"), None))
        }
        Some(other) => Err(RequestError::new(format!(
            "Invalid type for 'messages[{at}].content': expected one of a string or array of \
             objects, but got {} instead.",
            type_name(other)
        ))
        .about(&format!("messages[{at}].content"), Some("invalid_type"))),
    }
}

fn content_part(part: &Value, blobs: &mut Blobs) -> Part {
    let unknown =
        || Part::Unknown { protocol: Protocol::OpenaiChat.as_str().to_owned(), json: part.clone() };
    match text(part, "type").unwrap_or_default() {
        "text" | "input_text" => {
            Part::text(part.get("text").and_then(Value::as_str).unwrap_or_default())
        }
        "image_url" | "input_image" => {
            let image = part.get("image_url").unwrap_or(&Value::Null);
            let url = image.as_str().or_else(|| text(image, "url")).unwrap_or_default();
            data_url(url)
                .and_then(|(media_type, data)| store_image(media_type, data, blobs))
                .unwrap_or_else(unknown)
        }
        _ => unknown(),
    }
}

/// Media type and base64 of a `data:` URL.
pub(crate) fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?.split(';').next();
    Some((media_type.filter(|name| !name.is_empty()).unwrap_or("image/png"), data))
}

fn assistant(
    at: usize,
    message: &Value,
    blobs: &mut Blobs,
) -> Result<RequestMessage, RequestError> {
    let calls = message.get("tool_calls").and_then(Value::as_array).filter(|c| !c.is_empty());
    let mut parts = Vec::new();
    let thought = text(message, "reasoning_content").or_else(|| text(message, "reasoning"));
    if let Some(thought) = thought {
        parts.push(Part::thought(thought));
    }
    match message.get("content") {
        None | Some(Value::Null) if calls.is_some() || text(message, "refusal").is_some() => {}
        given => parts.extend(content(at, given, blobs)?),
    }
    parts.extend(text(message, "refusal").map(Part::text));
    for call in calls.map_or(&[][..], Vec::as_slice) {
        let function = call.get("function").unwrap_or(&Value::Null);
        parts.push(Part::ToolCall {
            id: text(call, "id").unwrap_or_default().to_owned(),
            name: text(function, "name").unwrap_or_default().to_owned(),
            arguments: match function.get("arguments") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            },
        });
    }
    Ok(RequestMessage { role: Role::Assistant, parts })
}
