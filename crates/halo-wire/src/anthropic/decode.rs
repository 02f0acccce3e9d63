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
    "system",
    "max_tokens",
    "temperature",
    "top_p",
    "stop_sequences",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "stream",
    "metadata",
];

pub(crate) fn request(
    body: Option<&Value>,
    blobs: &mut Blobs,
) -> Result<ChatRequest, RequestError> {
    let body = body.ok_or_else(|| RequestError::new("The request body is not valid JSON"))?;
    let missing = |name: &str| RequestError::new(format!("{name}: Field required"));
    let model = text(body, "model").ok_or_else(|| missing("model"))?;
    let max_tokens = match body.get("max_tokens") {
        None | Some(Value::Null) => return Err(missing("max_tokens")),
        Some(value) => count(value).filter(|limit| *limit > 0).ok_or_else(|| {
            RequestError::new("max_tokens: Input should be greater than or equal to 1")
        })?,
    };
    let list = body.get("messages").ok_or_else(|| missing("messages"))?;
    let list = list
        .as_array()
        .ok_or_else(|| RequestError::new("messages: Input should be a valid list"))?;
    let mut messages = Vec::with_capacity(list.len());
    for (at, message) in list.iter().enumerate() {
        messages.push(decode_message(at, message, blobs)?);
    }
    let stop = body.get("stop_sequences").and_then(Value::as_array);
    let tools = body.get("tools").and_then(Value::as_array);
    Ok(ChatRequest {
        model: model.to_owned(),
        system: system(body.get("system")),
        messages,
        max_tokens: Some(max_tokens),
        temperature: body.get("temperature").and_then(Value::as_f64),
        top_p: body.get("top_p").and_then(Value::as_f64),
        stop: stop
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
        tools: tools
            .map(|list| list.iter().filter_map(|spec| tool(spec, "input_schema")).collect())
            .unwrap_or_default(),
        top_k: body.get("top_k").and_then(count),
        tool_choice: body.get("tool_choice").and_then(tool_choice),
        parallel_tools: body
            .pointer("/tool_choice/disable_parallel_tool_use")
            .and_then(Value::as_bool)
            .map(|disabled| !disabled),
        thinking: thinking(body),
        format: body.pointer("/output_config/format").and_then(format),
        stream: body.get("stream") == Some(&Value::Bool(true)),
    })
}

fn tool_choice(choice: &Value) -> Option<ToolChoice> {
    match text(choice, "type")? {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "any" => Some(ToolChoice::Required),
        "tool" => Some(ToolChoice::Tool { name: text(choice, "name")?.to_owned() }),
        _ => None,
    }
}

fn thinking(body: &Value) -> Option<ThinkingSpec> {
    let thinking = body.get("thinking").unwrap_or(&Value::Null);
    let effort = body.get("output_config").and_then(|config| text(config, "effort"));
    let budget = match text(thinking, "type") {
        Some("disabled") => Some(0),
        Some("enabled") => thinking.get("budget_tokens").and_then(count),
        Some("adaptive") => None,
        _ if effort.is_none() => return None,
        _ => None,
    };
    Some(ThinkingSpec { effort: effort.map(str::to_owned), budget })
}

fn format(format: &Value) -> Option<OutputFormat> {
    let schema = format.get("schema").filter(|_| text(format, "type") == Some("json_schema"))?;
    Some(OutputFormat::Schema { name: None, schema: schema.clone(), strict: Some(true) })
}

fn system(value: Option<&Value>) -> Option<String> {
    let system = match value? {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => joined(blocks),
        _ => return None,
    };
    (!system.is_empty()).then_some(system)
}

fn joined(blocks: &[Value]) -> String {
    let texts: Vec<&str> = blocks.iter().filter_map(|block| text(block, "text")).collect();
    texts.join("\n\n")
}

fn decode_message(
    at: usize,
    message: &Value,
    blobs: &mut Blobs,
) -> Result<RequestMessage, RequestError> {
    let role = match text(message, "role") {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => {
            return Err(RequestError::new(
                "messages: Unexpected role \"system\". The Messages API accepts a top-level \
                 `system` parameter, not \"system\" as an input message role.",
            ));
        }
        _ => {
            return Err(RequestError::new(format!(
                "messages.{at}.role: Input should be 'user' or 'assistant'"
            )));
        }
    };
    let parts = match message.get("content") {
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(Value::String(text)) => vec![Part::text(text)],
        Some(Value::Array(blocks)) => {
            blocks.iter().flat_map(|block| decode_block(block, blobs)).collect()
        }
        _ => {
            return Err(RequestError::new(format!("messages.{at}.content: Field required")));
        }
    };
    Ok(RequestMessage { role, parts })
}

fn decode_block(block: &Value, blobs: &mut Blobs) -> Vec<Part> {
    let string = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let unknown =
        || Part::Unknown { protocol: Protocol::Anthropic.as_str().to_owned(), json: block.clone() };
    match text(block, "type").unwrap_or_default() {
        "text" => vec![Part::Text { text: string("text") }],
        "image" => vec![decode_image(block, blobs).unwrap_or_else(unknown)],
        "thinking" => vec![Part::Thinking {
            text: string("thinking"),
            signature: text(block, "signature").map(str::to_owned),
            redacted: None,
            protocol: Some(Protocol::Anthropic),
        }],
        "redacted_thinking" => vec![Part::Thinking {
            text: String::new(),
            signature: None,
            redacted: Some(string("data")),
            protocol: Some(Protocol::Anthropic),
        }],
        "tool_use" => vec![Part::ToolCall {
            id: string("id"),
            name: string("name"),
            arguments: block
                .get("input")
                .filter(|input| !input.is_null())
                .map_or_else(|| "{}".to_owned(), Value::to_string),
        }],
        "tool_result" => {
            let (result, images) = match block.get("content") {
                Some(Value::String(text)) => (text.clone(), Vec::new()),
                Some(Value::Array(inner)) => (
                    joined(inner),
                    inner.iter().filter_map(|inner| decode_image(inner, blobs)).collect(),
                ),
                _ => (String::new(), Vec::new()),
            };
            let result = Part::ToolResult {
                call_id: string("tool_use_id"),
                text: result,
                is_error: block.get("is_error") == Some(&Value::Bool(true)),
            };
            // The neutral result holds text; its pictures follow it in the same message.
            std::iter::once(result).chain(images).collect()
        }
        _ => vec![unknown()],
    }
}

fn decode_image(block: &Value, blobs: &mut Blobs) -> Option<Part> {
    let source = block.get("source").filter(|_| text(block, "type") == Some("image"))?;
    let data = text(source, "data").filter(|_| text(source, "type") == Some("base64"))?;
    store_image(text(source, "media_type").unwrap_or("image/png"), data, blobs)
}
