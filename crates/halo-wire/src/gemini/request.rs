//! Encodes the request. The model and whether to stream stand in the URL, see
//! [`Endpoints::chat_url`](crate::endpoint::Endpoints::chat_url).

use std::collections::HashMap;

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ToolChoice,
};
use serde_json::{Map, Value, json};

use super::{NO_SIGNATURES, field, schema, thinking};
use crate::EncodeError;
use crate::encode::{EncodeOptions, arguments_object, base64, put};

/// Stands before a history that begins with the model.
const OPENING: &str = "(The conversation begins with the answer below.)";

/// Stands after a history that ends with the model. The newer models refuse that:
/// <https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-5-flash-lite>
const CLOSING: &str = "(Continue from where the answer above ends.)";

/// More stop sequences are refused: <https://ai.google.dev/api/generate-content#generationconfig>
const MAX_STOPS: usize = 5;

/// The fields that make an object a part: <https://ai.google.dev/api/caching#Part>
const PART_FIELDS: &[&str] = &[
    "text",
    "inlineData",
    "functionCall",
    "functionResponse",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

pub(crate) fn encode(
    request: &ChatRequest,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Map<String, Value>, EncodeError> {
    let mut contents = contents(request, blobs, options)?;
    if contents.is_empty() {
        return Err(EncodeError::NoMessages);
    }
    let text = |text: &str| vec![json!({ "text": text })];
    if contents[0].0 == Role::Assistant {
        contents.insert(0, (Role::User, text(OPENING)));
    }
    let third = thinking::is_third(&request.model);
    if third && contents.last().is_some_and(|(role, _)| *role == Role::Assistant) {
        contents.push((Role::User, text(CLOSING)));
    }
    let names = ["systemInstruction", "system_instruction", "system"];
    let system = request.system.as_deref().filter(|system| !system.trim().is_empty());
    if let Some(system) = system.filter(|_| options.omits(&names)) {
        contents[0].1.splice(0..0, text(system));
    }
    for (role, parts) in &mut contents {
        match role {
            // The results of tools have to stand before anything else.
            Role::User => parts.sort_by_key(|part| part.get("functionResponse").is_none()),
            Role::Assistant if third => excuse_first_call(parts),
            Role::Assistant => {}
        }
    }

    let mut body = Map::new();
    let contents = contents.into_iter().map(|(role, parts)| {
        let role = if role == Role::User { "user" } else { "model" };
        json!({ "role": role, "parts": parts })
    });
    body.insert("contents".to_owned(), contents.collect());
    let system = system.map(|system| json!({ "parts": text(system) }));
    put(&mut body, options, &names, system);
    let tools = tools(request, options);
    let choice = request.tool_choice.as_ref().filter(|_| tools.is_some()).map(tool_choice);
    put(&mut body, options, &["tools"], tools);
    let names = ["toolConfig", "tool_config", "tool_choice", "functionCallingConfig", "tools"];
    put(&mut body, options, &names, choice);
    let config = generation_config(request, options);
    let config = (!config.is_empty()).then_some(Value::Object(config));
    put(&mut body, options, &["generationConfig", "generation_config"], config);
    Ok(body)
}

fn contents(
    request: &ChatRequest,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Vec<(Role, Vec<Value>)>, EncodeError> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut contents: Vec<(Role, Vec<Value>)> = Vec::new();
    for message in &request.messages {
        let parts = match message.role {
            Role::User => user(message, &names, blobs, options)?,
            Role::Assistant => model(message, blobs, options)?,
        };
        for part in &message.parts {
            if let Part::ToolCall { id, name, .. } = part {
                names.insert(id, name);
            }
        }
        if parts.is_empty() {
            continue;
        }
        match contents.last_mut() {
            Some((role, before)) if *role == message.role => before.extend(parts),
            _ => contents.push((message.role, parts)),
        }
    }
    Ok(contents)
}

fn user(
    message: &RequestMessage,
    names: &HashMap<&str, &str>,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Vec<Value>, EncodeError> {
    let mut parts = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text } if !text.trim().is_empty() => parts.push(json!({ "text": text })),
            Part::Image(image) => parts.push(inline(&image.media_type, base64(image, blobs)?)),
            Part::ToolResult { call_id, text, is_error } => {
                // Results name the function; an orphan has only its id to go by.
                let name = names.get(call_id.as_str()).copied().unwrap_or(call_id);
                let mut body = json!({
                    "name": function_name(name),
                    "response": response(text, *is_error),
                });
                add_id(&mut body, call_id, options);
                parts.push(json!({ "functionResponse": body }));
            }
            Part::Unknown { protocol, json } if is_part(protocol, json) => parts.push(json.clone()),
            _ => {}
        }
    }
    Ok(parts)
}

/// The parts of an answer. Thoughts do not go back, their signatures do, each on the part it
/// came with: <https://ai.google.dev/gemini-api/docs/thought-signatures>
fn model(
    message: &RequestMessage,
    blobs: &Blobs,
    options: &EncodeOptions,
) -> Result<Vec<Value>, EncodeError> {
    let mut parts: Vec<Value> = Vec::new();
    let mut pending: Option<&str> = None;
    let mut says_something = false;
    for part in &message.parts {
        let mut json = match part {
            // Another protocol's proof means nothing here.
            Part::Thinking { signature: Some(proof), protocol: Some(Protocol::Gemini), .. } => {
                parts.extend(pending.replace(proof).map(signature_alone));
                continue;
            }
            Part::Text { text } if !text.trim().is_empty() => json!({ "text": text }),
            // A model's own pictures, for editing them further.
            Part::Image(image) => inline(&image.media_type, base64(image, blobs)?),
            Part::ToolCall { id, name, arguments } => {
                let mut body = json!({
                    "name": function_name(name),
                    "args": arguments_object(arguments),
                });
                add_id(&mut body, id, options);
                json!({ "functionCall": body })
            }
            Part::Unknown { protocol, json } if is_part(protocol, json) => json.clone(),
            _ => continue,
        };
        says_something = true;
        if field(&json, "thoughtSignature").is_none()
            && let Some(proof) = pending.take()
        {
            json["thoughtSignature"] = json!(proof);
        }
        parts.push(json);
    }
    parts.extend(pending.map(signature_alone));
    if !says_something {
        parts.clear();
    }
    Ok(parts)
}

fn signature_alone(proof: &str) -> Value {
    json!({ "text": "", "thoughtSignature": proof })
}

/// Gemini 3 refuses an answer whose first call has no signature. For calls that another model
/// made there is a word that turns the check off; calls beside the first need none.
fn excuse_first_call(parts: &mut [Value]) {
    let first = parts.iter_mut().find(|part| field(part, "functionCall").is_some());
    if let Some(part) = first
        && field(part, "thoughtSignature").is_none()
    {
        part["thoughtSignature"] = json!(NO_SIGNATURES[0]);
    }
}

fn inline(media_type: &str, data: String) -> Value {
    json!({ "inlineData": { "mimeType": media_type, "data": data } })
}

/// The ids are optional; where there is one, the result has to bear it too:
/// <https://ai.google.dev/api/caching#FunctionCall>. Old Vertex versions refuse the field.
fn add_id(body: &mut Value, id: &str, options: &EncodeOptions) {
    if !id.is_empty() && !options.omits(&["id"]) {
        body["id"] = json!(id);
    }
}

/// Names go as they are, since the answers come back under them; but there has to be one.
fn function_name(name: &str) -> &str {
    if name.is_empty() { "unnamed" } else { name }
}

/// A result has to be an object. `output` and `error` are the documented keys:
/// <https://ai.google.dev/api/caching#FunctionResponse>
fn response(text: &str, is_error: bool) -> Value {
    if is_error {
        return json!({ "error": text });
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Value::Object(map),
        _ => json!({ "output": text }),
    }
}

/// Whether something unknown is a part of this protocol; what an answer says about its sources
/// is none.
fn is_part(protocol: &str, json: &Value) -> bool {
    protocol == Protocol::Gemini.as_str()
        && PART_FIELDS.iter().any(|name| field(json, name).is_some())
}

/// `parametersJsonSchema` takes JSON Schema as it is; `parameters` takes a subset of OpenAPI and
/// refuses the request over any field beyond that:
/// <https://ai.google.dev/api/caching#FunctionDeclaration>. The subset is for targets that do
/// not know the newer field.
fn tools(request: &ChatRequest, options: &EncodeOptions) -> Option<Value> {
    if request.tools.is_empty() {
        return None;
    }
    let old = options.omits(&["parametersJsonSchema", "parameters_json_schema"]);
    let declarations = request.tools.iter().map(|tool| {
        let mut declaration = json!({ "name": function_name(&tool.name) });
        if let Some(description) = &tool.description {
            declaration["description"] = json!(description);
        }
        if old {
            declaration["parameters"] = schema::to_subset(&tool.parameters);
        } else {
            declaration["parametersJsonSchema"] = tool.parameters.clone();
        }
        declaration
    });
    Some(json!([{ "functionDeclarations": declarations.collect::<Vec<_>>() }]))
}

/// <https://ai.google.dev/api/caching#FunctionCallingConfig>
fn tool_choice(choice: &ToolChoice) -> Value {
    let config = match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Tool { name } => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    json!({ "functionCallingConfig": config })
}

/// <https://ai.google.dev/api/generate-content#generationconfig>
fn generation_config(request: &ChatRequest, options: &EncodeOptions) -> Map<String, Value> {
    let mut config = Map::new();
    let mut set = |names: &[&str], value: Option<Value>| put(&mut config, options, names, value);
    let limit = request.max_tokens.map(|limit| json!(limit));
    set(&["maxOutputTokens", "max_output_tokens", "max_tokens", "max_completion_tokens"], limit);
    let temperature = request.temperature.map(|value| json!(value.clamp(0.0, 2.0)));
    set(&["temperature"], temperature);
    set(&["topP", "top_p"], request.top_p.map(|value| json!(value)));
    set(&["topK", "top_k"], request.top_k.map(|value| json!(value)));
    let stop: Vec<&String> =
        request.stop.iter().filter(|stop| !stop.is_empty()).take(MAX_STOPS).collect();
    let stop = (!stop.is_empty()).then(|| json!(stop));
    set(&["stopSequences", "stop_sequences", "stop"], stop);
    let thinking =
        request.thinking.as_ref().and_then(|spec| thinking::config(&request.model, spec, options));
    set(&["thinkingConfig", "thinking_config", "thinking"], thinking);
    if let Some(format) = &request.format
        && !options.omits(&["response_format", "format", "responseMimeType", "response_mime_type"])
    {
        set(&["responseMimeType"], Some(json!("application/json")));
        if let OutputFormat::Schema { schema, .. } = format {
            // As with tools: the newer field takes JSON Schema, the older one the subset. Both
            // need the media type: <https://ai.google.dev/gemini-api/docs/structured-output>
            if options.omits(&["responseJsonSchema", "response_json_schema"]) {
                let names = ["responseSchema", "response_schema"];
                set(&names, Some(schema::to_subset(schema)));
            } else {
                set(&["responseJsonSchema"], Some(schema.clone()));
            }
        }
    }
    config
}
