//! The server's side: reads requests.

use std::collections::HashSet;

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ThinkingSpec,
};
use serde_json::Value;

use super::proof;
use crate::json::{count, text};
use crate::openai_chat::decode::{data_url, schema_format, tool_choice, type_name};
use crate::server::{RequestError, store_image, tool};

/// The parameters that the neutral request holds, or whose loss changes no answer.
pub(crate) const HELD: &[&str] = &[
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "stream",
    "stream_options",
    "store",
    "include",
    "user",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
];

/// What OpenAI says where nothing is asked: <https://github.com/openclaw/openclaw/issues/73820>
pub(super) const NOTHING_ASKED: &str = "One of \"input\" or \"previous_response_id\" or 'prompt' \
    or 'conversation_id' must be provided.";

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
    let model = text(body, "model").ok_or_else(|| {
        RequestError::new("Missing required parameter: 'model'.")
            .about("model", Some("missing_required_parameter"))
    })?;
    nothing_is_stored(body)?;
    let limit = limit(body)?;
    let mut system: Vec<String> = Vec::new();
    system.extend(text(body, "instructions").map(str::to_owned));
    let mut input = Input { system, ..Input::default() };
    match body.get("input") {
        None | Some(Value::Null) => {
            return Err(
                RequestError::new(NOTHING_ASKED).about("input", Some("missing_required_parameter"))
            );
        }
        Some(Value::String(text)) => {
            if !text.is_empty() {
                input.add(Role::User, vec![Part::text(text)], Join::No);
            }
        }
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                input.item(at, item, blobs)?;
            }
        }
        Some(other) => {
            return Err(RequestError::new(format!(
                "Invalid type for 'input': expected one of an array of objects or string, but got \
                 {} instead.",
                type_name(other)
            ))
            .about("input", Some("invalid_type")));
        }
    }
    let tools = body.get("tools").and_then(Value::as_array);
    let functions = |spec: &&Value| matches!(text(spec, "type"), None | Some("function"));
    Ok(ChatRequest {
        model: model.to_owned(),
        system: (!input.system.is_empty()).then(|| input.system.join("\n\n")),
        messages: input.messages,
        max_tokens: limit,
        temperature: body.get("temperature").and_then(Value::as_f64),
        top_p: body.get("top_p").and_then(Value::as_f64),
        tools: tools
            .map(|list| {
                list.iter().filter(functions).filter_map(|spec| tool(spec, "parameters")).collect()
            })
            .unwrap_or_default(),
        tool_choice: body.get("tool_choice").and_then(tool_choice),
        parallel_tools: body.get("parallel_tool_calls").and_then(Value::as_bool),
        thinking: body
            .get("reasoning")
            .and_then(|reasoning| text(reasoning, "effort"))
            .map(|effort| ThinkingSpec { effort: Some(effort.to_owned()), budget: None }),
        format: body.pointer("/text/format").and_then(format),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        ..ChatRequest::default()
    })
}

/// Refuses what only a server that stores answers can do.
fn nothing_is_stored(body: &Value) -> Result<(), RequestError> {
    if let Some(id) = text(body, "previous_response_id") {
        // <https://github.com/maximhq/bifrost/issues/2441>
        return Err(RequestError::new(format!("Previous response with id '{id}' not found."))
            .about("previous_response_id", Some("previous_response_not_found")));
    }
    let conversation = body.get("conversation").unwrap_or(&Value::Null);
    if let Some(id) = conversation.as_str().or_else(|| text(conversation, "id")) {
        return Err(RequestError::new(format!("Conversation with id '{id}' not found."))
            .about("conversation", None));
    }
    if let Some(id) = body.get("prompt").and_then(|prompt| text(prompt, "id")) {
        return Err(
            RequestError::new(format!("Prompt with id '{id}' not found.")).about("prompt", None)
        );
    }
    Ok(())
}

/// OpenAI itself wants 16 at least; what is smaller harms nobody elsewhere.
fn limit(body: &Value) -> Result<Option<u64>, RequestError> {
    let Some(given) = body.get("max_output_tokens").filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    match count(given) {
        Some(limit) if limit > 0 => Ok(Some(limit)),
        Some(_) => Err(RequestError::new(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, \
             but got 0 instead.",
        )
        .about("max_output_tokens", Some("integer_below_min_value"))),
        None => Err(RequestError::new(format!(
            "Invalid type for 'max_output_tokens': expected an integer, but got {} instead.",
            type_name(given)
        ))
        .about("max_output_tokens", Some("invalid_type"))),
    }
}

fn format(format: &Value) -> Option<OutputFormat> {
    match text(format, "type")? {
        "json_object" => Some(OutputFormat::Json),
        "json_schema" => schema_format(format),
        _ => None,
    }
}

/// Whether an item goes into the message before it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Join {
    #[default]
    No,
    /// The items of one answer.
    Answer,
    /// The results of one answer's calls.
    Results,
}

#[derive(Default)]
struct Input {
    system: Vec<String>,
    messages: Vec<RequestMessage>,
    before: Join,
    ids: HashSet<String>,
}

impl Input {
    fn add(&mut self, role: Role, parts: Vec<Part>, join: Join) {
        match self.messages.last_mut() {
            Some(last) if join != Join::No && join == self.before => last.parts.extend(parts),
            _ => self.messages.push(RequestMessage { role, parts }),
        }
        self.before = join;
    }

    fn item(&mut self, at: usize, item: &Value, blobs: &mut Blobs) -> Result<(), RequestError> {
        if !item.is_object() {
            return Err(RequestError::new(format!(
                "Invalid type for 'input[{at}]': expected an object, but got {} instead.",
                type_name(item)
            ))
            .about(&format!("input[{at}]"), Some("invalid_type")));
        }
        let id = text(item, "id");
        if let Some(id) = id
            && text(item, "type") != Some("item_reference")
            && !self.ids.insert(id.to_owned())
        {
            // <https://github.com/vercel/ai/issues/7883>
            return Err(RequestError::new(format!(
                "Duplicate item found with id {id}. Remove duplicate items from your input and \
                 try again."
            ))
            .about("input", None));
        }
        let fallback = if item.get("role").is_some() { "message" } else { "" };
        let own = |key: &str| text(item, key).unwrap_or_default().to_owned();
        match text(item, "type").unwrap_or(fallback) {
            "message" => return self.message(at, item, blobs),
            "function_call" => {
                let call = Part::ToolCall {
                    id: text(item, "call_id").or(id).unwrap_or_default().to_owned(),
                    name: own("name"),
                    arguments: match item.get("arguments") {
                        Some(Value::String(text)) => text.clone(),
                        Some(Value::Null) | None => String::new(),
                        Some(other) => other.to_string(),
                    },
                };
                self.add(Role::Assistant, vec![call], Join::Answer);
            }
            "function_call_output" => {
                let (text, others) = output(item.get("output"), blobs);
                let result = Part::ToolResult { call_id: own("call_id"), text, is_error: false };
                // The neutral result holds text; its pictures follow it in the same message.
                let parts = std::iter::once(result).chain(others).collect();
                self.add(Role::User, parts, Join::Results);
            }
            "reasoning" => self.add(Role::Assistant, vec![proof::part(item)], Join::Answer),
            "item_reference" => {
                return Err(RequestError::new(format!(
                    "Item with id '{}' not found. Items are not persisted when `store` is set to \
                     false. Try again with `store` set to true, or remove this item from your \
                     input.",
                    id.unwrap_or_default()
                ))
                .about("input", None));
            }
            "" => {
                return Err(RequestError::new(format!(
                    "Missing required parameter: 'input[{at}].type'."
                ))
                .about(&format!("input[{at}].type"), Some("missing_required_parameter")));
            }
            kind if kind.ends_with("_output") || kind == "mcp_approval_response" => {
                self.add(Role::User, vec![unknown(item)], Join::Results);
            }
            _ => self.add(Role::Assistant, vec![unknown(item)], Join::Answer),
        }
        Ok(())
    }

    fn message(&mut self, at: usize, item: &Value, blobs: &mut Blobs) -> Result<(), RequestError> {
        let parts = match item.get("content") {
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(Value::String(text)) => vec![Part::text(text)],
            Some(Value::Array(parts)) => {
                parts.iter().map(|part| content_part(part, blobs)).collect()
            }
            None | Some(Value::Null) => {
                return Err(RequestError::new(format!(
                    "Missing required parameter: 'input[{at}].content'."
                ))
                .about(&format!("input[{at}].content"), Some("missing_required_parameter")));
            }
            Some(other) => {
                return Err(RequestError::new(format!(
                    "Invalid type for 'input[{at}].content': expected one of an array of objects \
                     or string, but got {} instead.",
                    type_name(other)
                ))
                .about(&format!("input[{at}].content"), Some("invalid_type")));
            }
        };
        match text(item, "role").unwrap_or_default() {
            "user" => self.add(Role::User, parts, Join::No),
            "assistant" => self.add(Role::Assistant, parts, Join::Answer),
            "system" | "developer" => {
                self.system.extend(parts.into_iter().filter_map(|part| match part {
                    Part::Text { text } if !text.is_empty() => Some(text),
                    _ => None,
                }));
            }
            other => {
                return Err(RequestError::new(format!(
                    "Invalid value: '{other}'. Supported values are: 'assistant', 'system', \
                     'developer', and 'user'."
                ))
                .about(&format!("input[{at}]"), Some("invalid_value")));
            }
        }
        Ok(())
    }
}

fn content_part(part: &Value, blobs: &mut Blobs) -> Part {
    match text(part, "type").unwrap_or_default() {
        "input_text" | "output_text" | "text" | "summary_text" => {
            Part::text(text(part, "text").unwrap_or_default())
        }
        "refusal" => Part::text(text(part, "refusal").unwrap_or_default()),
        "input_image" | "image_url" => {
            let image = part.get("image_url").unwrap_or(&Value::Null);
            image
                .as_str()
                .or_else(|| text(image, "url"))
                .and_then(data_url)
                .and_then(|(media_type, data)| store_image(media_type, data, blobs))
                .unwrap_or_else(|| unknown(part))
        }
        _ => unknown(part),
    }
}

/// The text of a tool's result and what else is in it.
fn output(output: Option<&Value>, blobs: &mut Blobs) -> (String, Vec<Part>) {
    let Some(Value::Array(parts)) = output else {
        return match output {
            Some(Value::String(text)) => (text.clone(), Vec::new()),
            None | Some(Value::Null) => (String::new(), Vec::new()),
            Some(other) => (other.to_string(), Vec::new()),
        };
    };
    let mut texts = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        match content_part(part, blobs) {
            Part::Text { text } => texts.push(text),
            other => others.push(other),
        }
    }
    (texts.join("\n\n"), others)
}

fn unknown(json: &Value) -> Part {
    Part::Unknown { protocol: Protocol::OpenaiResponses.as_str().to_owned(), json: json.clone() }
}
