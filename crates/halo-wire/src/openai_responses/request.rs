//! Encodes the request: <https://platform.openai.com/docs/api-reference/responses/create>
//!
//! `stop` and `top_k` do not exist here.

use std::collections::HashSet;

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ToolChoice,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::proof;
use crate::EncodeError;
use crate::encode::{EncodeOptions, base64, put};
use crate::json::text;
use crate::openai_chat::request::{choice_word, schema_spec};
use crate::thinking;

/// Smaller limits are refused: "Invalid 'max_output_tokens': integer below minimum value.
/// Expected a value >= 16" (<https://github.com/vectorize-io/hindsight/issues/58>).
const MIN_OUTPUT: u64 = 16;

/// The longest `call_id`, in characters:
/// <https://github.com/openai/openai-openapi> (`FunctionCallOutputItemParam`).
const MAX_CALL_ID: usize = 64;

/// Names of models that do not think and refuse the whole request where encrypted thinking is
/// asked for: "Encrypted content is not supported with this model."
/// (<https://github.com/pydantic/pydantic-ai/issues/2865>, `gpt-5-chat-latest`:
/// <https://github.com/pydantic/pydantic-ai/issues/3326>).
const UNTHINKING: &[&str] = &["gpt-4", "gpt-3.5", "chatgpt-"];

/// Items other than messages, calls and reasoning that the input takes back:
/// <https://github.com/openai/openai-python/blob/main/src/openai/types/responses/response_input_item_param.py>
/// Without references, which need a server that stores.
const ITEMS: &[&str] = &[
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "computer_call",
    "computer_call_output",
    "configuration_update",
    "custom_tool_call",
    "custom_tool_call_output",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];

/// Parts of a user's message that the neutral form does not hold.
const CONTENT: &[&str] = &["input_text", "input_image", "input_file", "input_audio"];

pub(crate) fn encode(
    request: &ChatRequest,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Map<String, Value>, EncodeError> {
    let system = request.system.as_deref().filter(|system| !system.trim().is_empty());
    let folded = system.filter(|_| options.omits(&["instructions", "system"]));
    let mut input = Input { items: Vec::new(), folded, seen: HashSet::new() };
    for message in &request.messages {
        match message.role {
            Role::User => input.user(message, blobs)?,
            Role::Assistant => input.assistant(message),
        }
    }
    let Input { mut items, folded, .. } = input;
    if items.is_empty() {
        return Err(EncodeError::NoMessages);
    }
    if let Some(system) = folded {
        items.insert(0, user_message(vec![json!({ "type": "input_text", "text": system })]));
    }

    let mut body = Map::new();
    body.insert("model".to_owned(), json!(request.model));
    body.insert("input".to_owned(), Value::Array(items));
    put(&mut body, options, &["instructions", "system"], system.map(|system| json!(system)));
    let limit = request.max_tokens.map(|limit| json!(limit.max(MIN_OUTPUT)));
    let names = ["max_output_tokens", "max_tokens", "max_completion_tokens"];
    put(&mut body, options, &names, limit);
    put(&mut body, options, &["temperature"], request.temperature.map(|value| json!(value)));
    put(&mut body, options, &["top_p"], request.top_p.map(|value| json!(value)));
    tools(request, options, &mut body);
    reasoning(request, options, &mut body);
    let format = request.format.as_ref().map(|format| match format {
        OutputFormat::Json => json!({ "type": "json_object" }),
        OutputFormat::Schema { name, schema, strict } => {
            let mut spec = schema_spec(name.as_deref(), schema, *strict);
            spec["type"] = json!("json_schema");
            spec
        }
    });
    let names = ["text", "text.format", "format", "response_format"];
    put(&mut body, options, &names, format.map(|format| json!({ "format": format })));
    // The log is ours and every request is complete in itself.
    put(&mut body, options, &["store"], Some(json!(false)));
    put(&mut body, options, &["stream"], request.stream.then_some(Value::Bool(true)));
    Ok(body)
}

fn tools(request: &ChatRequest, options: &EncodeOptions, body: &mut Map<String, Value>) {
    if request.tools.is_empty() || options.omits(&["tools"]) {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
        // `strict` has to be there, and without a value it would be true:
        // <https://platform.openai.com/docs/guides/function-calling#strict-mode>
        let mut spec = json!({
            "type": "function",
            "name": tool.name,
            "parameters": tool.parameters,
            "strict": false,
        });
        if let Some(description) = &tool.description {
            spec["description"] = json!(description);
        }
        spec
    });
    body.insert("tools".to_owned(), Value::Array(tools.collect()));
    let choice = request.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Tool { name } => json!({ "type": "function", "name": name }),
        choice => choice_word(choice),
    });
    put(body, options, &["tool_choice"], choice);
    put(body, options, &["parallel_tool_calls"], request.parallel_tools.map(Value::Bool));
}

fn reasoning(request: &ChatRequest, options: &EncodeOptions, body: &mut Map<String, Value>) {
    let include = thinks(&request.model).then(|| json!(["reasoning.encrypted_content"]));
    put(body, options, &["include", "reasoning.encrypted_content"], include);
    let Some(spec) = &request.thinking else { return };
    let mut reasoning = Map::new();
    if let Some(effort) = thinking::effort(spec) {
        reasoning.insert("effort".to_owned(), json!(effort));
    }
    if !thinking::is_off(spec) && !options.omits(&["reasoning.summary", "summary"]) {
        // Some models show summaries only to organisations that were verified.
        reasoning.insert("summary".to_owned(), json!("auto"));
    }
    let names = ["reasoning", "reasoning.effort", "reasoning_effort", "thinking"];
    let reasoning = (!reasoning.is_empty()).then_some(Value::Object(reasoning));
    put(body, options, &names, reasoning);
}

/// Whether a model may be asked for its encrypted thinking. Unknown names may.
fn thinks(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    !UNTHINKING.iter().any(|begin| name.starts_with(begin)) && !name.ends_with("-chat-latest")
}

struct Input<'a> {
    items: Vec<Value>,
    /// The system prompt, where it has to be said in the first message.
    folded: Option<&'a str>,
    /// Ids of items; the server refuses to be sent one twice.
    seen: HashSet<String>,
}

impl Input<'_> {
    /// Results of tools come first: some servers look for them right behind the calls
    /// (<https://github.com/deepseek-ai/awesome-deepseek-integration/issues/740>).
    fn user(&mut self, message: &RequestMessage, blobs: &Blobs) -> Result<(), EncodeError> {
        let mut others = Vec::new();
        let mut content = Vec::new();
        for part in &message.parts {
            match part {
                Part::ToolResult { call_id: id, text, is_error } => {
                    let output = match (text.trim().is_empty(), is_error) {
                        (false, _) => text,
                        (true, true) => "(The tool failed.)",
                        (true, false) => "(no output)",
                    };
                    self.items.push(json!({
                        "type": "function_call_output", "call_id": call_id(id), "output": output,
                    }));
                }
                Part::Text { text } if !text.trim().is_empty() => {
                    content.push(json!({ "type": "input_text", "text": text }));
                }
                Part::Image(image) => {
                    let url = format!("data:{};base64,{}", image.media_type, base64(image, blobs)?);
                    content
                        .push(json!({ "type": "input_image", "image_url": url, "detail": "auto" }));
                }
                Part::Unknown { protocol, json } if is_ours(protocol) => {
                    if text(json, "type").is_some_and(|kind| CONTENT.contains(&kind)) {
                        content.push(json.clone());
                    } else {
                        others.extend(self.item(json));
                    }
                }
                _ => {}
            }
        }
        self.items.extend(others);
        if content.is_empty() {
            return Ok(());
        }
        if let Some(system) = self.folded.take() {
            content.insert(0, json!({ "type": "input_text", "text": system }));
        }
        self.items.push(user_message(content));
        Ok(())
    }

    fn assistant(&mut self, message: &RequestMessage) {
        let before = self.items.len();
        for part in &message.parts {
            let item = match part {
                // Content in parts would need the id of an answer that the server has stored;
                // a message with a plain text is documented without one:
                // <https://github.com/openai/openai-python/blob/main/src/openai/types/responses/easy_input_message_param.py>
                Part::Text { text } if !text.trim().is_empty() => {
                    Some(json!({ "type": "message", "role": "assistant", "content": text }))
                }
                Part::ToolCall { id, name, arguments } => Some(json!({
                    "type": "function_call",
                    "call_id": call_id(id),
                    "name": name,
                    "arguments": if arguments.trim().is_empty() { "{}" } else { arguments },
                })),
                Part::Thinking {
                    text,
                    signature: Some(proof),
                    protocol: Some(Protocol::OpenaiResponses),
                    ..
                } => proof::item(proof, text).filter(|item| self.is_new(item)),
                Part::Unknown { protocol, json } if is_ours(protocol) => self.item(json),
                _ => None,
            };
            self.items.extend(item);
        }
        // "Item … of type 'reasoning' was provided without its required following item."
        while self.items.len() > before
            && self.items.last().is_some_and(|item| item["type"] == "reasoning")
        {
            self.items.pop();
        }
    }

    fn item(&mut self, json: &Value) -> Option<Value> {
        let fits = text(json, "type").is_some_and(|kind| ITEMS.contains(&kind));
        if !fits || !self.is_new(json) {
            return None;
        }
        // What an answer leaves open is null there, and refused here.
        let mut item = json.clone();
        item.as_object_mut()?.retain(|_, value| !value.is_null());
        Some(item)
    }

    fn is_new(&mut self, item: &Value) -> bool {
        text(item, "id").is_none_or(|id| self.seen.insert(id.to_owned()))
    }
}

fn is_ours(protocol: &str) -> bool {
    protocol == Protocol::OpenaiResponses.as_str()
}

fn user_message(content: Vec<Value>) -> Value {
    json!({ "type": "message", "role": "user", "content": content })
}

/// An id of bounded length; calls and results change alike.
fn call_id(id: &str) -> String {
    if id.is_empty() {
        return "_".to_owned();
    }
    if id.chars().count() <= MAX_CALL_ID {
        return id.to_owned();
    }
    let digest: String =
        Sha256::digest(id).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let head: String = id.chars().take(MAX_CALL_ID - 17).collect();
    format!("{head}_{digest}")
}
