//! The server's side: reads requests. The model stands in the URL, see
//! [`gemini_target`](crate::endpoint::gemini_target), and so does whether to stream: the caller
//! sets both.

use halo_types::{
    Blobs, ChatRequest, OutputFormat, Part, Protocol, RequestMessage, Role, ThinkingSpec,
    ToolChoice, ToolSpec,
};
use serde_json::{Value, json};

use super::history::NO_CONTENTS;
use super::{NO_SIGNATURES, field, picture, schema, snake, text};
use crate::json::{count, label};
use crate::server::{RequestError, keep_image};

/// The parameters that the neutral request holds, or whose loss changes no answer.
pub(crate) const HELD: &[&str] = &[
    "model",
    "contents",
    "systemInstruction",
    "system_instruction",
    "generationConfig",
    "generation_config",
    "tools",
    "toolConfig",
    "tool_config",
    "generateContentRequest",
    "generate_content_request",
    "labels",
    "store",
];

/// The rest of what a request may have, as `google/genai/models.py` of
/// <https://github.com/googleapis/python-genai> writes it.
const KNOWN: &[&str] = &[
    "safetySettings",
    "cachedContent",
    "continuationToken",
    "modelArmorConfig",
    "outputConfig",
    "serviceTier",
];

/// What the neutral request holds of `generationConfig`. One candidate is what there is anyway.
const HELD_CONFIG: &[&str] = &[
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "thinkingConfig",
];

pub(crate) fn request(
    body: Option<&Value>,
    blobs: &mut Blobs,
) -> Result<ChatRequest, RequestError> {
    let body =
        body.ok_or_else(|| RequestError::new("Invalid JSON payload received. Unexpected token."))?;
    // `countTokens` may be given a whole request.
    let body =
        field(body, "generateContentRequest").filter(|inner| inner.is_object()).unwrap_or(body);
    if let Some(name) = unknown_name(body) {
        return Err(RequestError::new(format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."
        )));
    }
    let contents = match field(body, "contents") {
        Some(Value::Array(list)) if !list.is_empty() => list.as_slice(),
        Some(one @ (Value::Object(_) | Value::String(_))) => std::slice::from_ref(one),
        _ => return Err(RequestError::new(NO_CONTENTS)),
    };
    let mut reader = Reader { blobs, open: Vec::new(), calls: 0 };
    let mut messages = Vec::with_capacity(contents.len());
    for (at, content) in contents.iter().enumerate() {
        messages.push(reader.content(at, content)?);
    }
    let null = Value::Null;
    let config = field(body, "generationConfig").unwrap_or(&null);
    let number = |name| field(config, name).and_then(Value::as_f64);
    let stop = field(config, "stopSequences").and_then(Value::as_array);
    let model = text(body, "model").unwrap_or_default();
    Ok(ChatRequest {
        model: model.strip_prefix("models/").unwrap_or(model).to_owned(),
        system: field(body, "systemInstruction").and_then(system),
        messages,
        max_tokens: field(config, "maxOutputTokens").and_then(count),
        temperature: number("temperature"),
        top_p: number("topP"),
        top_k: field(config, "topK").and_then(count),
        stop: stop
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
        tools: tools(body),
        tool_choice: field(body, "toolConfig").and_then(tool_choice),
        parallel_tools: None,
        thinking: field(config, "thinkingConfig").and_then(thinking),
        format: format(config),
        stream: false,
    })
}

/// What the neutral request loses inside of fields that it holds, by path.
pub(crate) fn unheld_inside(body: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    if let Some(Value::Object(config)) = field(body, "generationConfig") {
        let lost_names = config.iter().filter(|(name, value)| {
            let held = HELD_CONFIG.iter().any(|held| is_named(name, held));
            let one = is_named(name, "candidateCount") && count(value) == Some(1);
            !value.is_null() && !held && !one
        });
        lost.extend(lost_names.map(|(name, _)| format!("generationConfig.{name}")));
    }
    for tool in list(field(body, "tools")) {
        let names = tool.as_object().into_iter().flatten();
        let others = names
            .filter(|(name, value)| !value.is_null() && !is_named(name, "functionDeclarations"));
        lost.extend(others.map(|(name, _)| format!("tools.{name}")));
    }
    lost
}

fn unknown_name(body: &Value) -> Option<&String> {
    body.as_object()?.keys().find(|name| {
        !HELD.contains(&name.as_str()) && !KNOWN.iter().any(|known| is_named(name, known))
    })
}

fn is_named(name: &str, known: &str) -> bool {
    name == known || snake(known).as_deref() == Some(name)
}

/// A list, or the one thing that stands for it.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(list)) => list,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

fn system(value: &Value) -> Option<String> {
    let parts = match value {
        Value::Object(_) => list(field(value, "parts")),
        value => list(Some(value)),
    };
    let texts: Vec<&str> =
        parts.iter().filter_map(|part| part.as_str().or_else(|| text(part, "text"))).collect();
    let system = texts.join("\n\n");
    (!system.is_empty()).then_some(system)
}

/// Reads the contents in order, so that results find their calls.
struct Reader<'a> {
    blobs: &'a mut Blobs,
    /// Name and id of the calls that have no result yet.
    open: Vec<(String, String)>,
    calls: usize,
}

impl Reader<'_> {
    fn content(&mut self, at: usize, content: &Value) -> Result<RequestMessage, RequestError> {
        if let Some(plain) = content.as_str() {
            return Ok(RequestMessage { role: Role::User, parts: vec![Part::text(plain)] });
        }
        let role = match text(content, "role") {
            // `function` is the old name of the turn that answers calls.
            None | Some("user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => {
                return Err(RequestError::new("Please use a valid role: user, model."));
            }
        };
        let given = list(field(content, "parts"));
        if given.is_empty() {
            return Err(RequestError::new(format!(
                "* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty.\n"
            )));
        }
        let mut parts = Vec::with_capacity(given.len());
        for part in given {
            self.part(part, role, &mut parts);
        }
        Ok(RequestMessage { role, parts })
    }

    fn part(&mut self, part: &Value, role: Role, out: &mut Vec<Part>) {
        let proof = text(part, "thoughtSignature").filter(|proof| !NO_SIGNATURES.contains(proof));
        let signature = |words: &str| Part::Thinking {
            text: words.to_owned(),
            signature: proof.map(str::to_owned),
            redacted: None,
            protocol: Some(Protocol::Gemini),
        };
        // The proof stands before the part it is for.
        let alone = proof.filter(|_| role == Role::Assistant).map(|_| signature(""));
        let words = part.as_str().or_else(|| field(part, "text")?.as_str());
        if let Some(words) = words {
            if field(part, "thought") == Some(&Value::Bool(true)) {
                out.push(if proof.is_some() { signature(words) } else { Part::thought(words) });
                return;
            }
            let is_proof_only = words.is_empty() && alone.is_some();
            out.extend(alone);
            if !is_proof_only {
                out.push(Part::text(words));
            }
        } else if let Some(call) = field(part, "functionCall") {
            out.extend(alone);
            out.push(self.call(call));
        } else if let Some(response) = field(part, "functionResponse") {
            self.result(response, out);
        } else if let Some((media_type, bytes)) = picture(part) {
            out.extend(alone);
            out.push(keep_image(&media_type, bytes, self.blobs));
        } else {
            let protocol = Protocol::Gemini.as_str().to_owned();
            out.push(Part::Unknown { protocol, json: part.clone() });
        }
    }

    fn call(&mut self, call: &Value) -> Part {
        let name = text(call, "name").unwrap_or_default().to_owned();
        self.calls += 1;
        let id = label(call, "id").unwrap_or_else(|| format!("call_{}", self.calls));
        self.open.push((name.clone(), id.clone()));
        let arguments = match field(call, "args") {
            Some(Value::String(json)) => json.clone(),
            Some(args) => args.to_string(),
            None => "{}".to_owned(),
        };
        Part::ToolCall { id, name, arguments }
    }

    /// Ids are optional: a result without one answers the first open call of its name.
    fn result(&mut self, result: &Value, out: &mut Vec<Part>) {
        let name = text(result, "name").unwrap_or_default();
        let given = label(result, "id");
        let by_id = self.open.iter().position(|(_, id)| Some(id) == given.as_ref());
        let found = by_id.or_else(|| self.open.iter().position(|(called, _)| called == name));
        let call_id = match found {
            Some(at) => self.open.remove(at).1,
            None => given.unwrap_or_else(|| name.to_owned()),
        };
        let (text, is_error) = result_text(field(result, "response"));
        out.push(Part::ToolResult { call_id, text, is_error });
        // The neutral result holds text; its pictures follow it in the same message.
        for part in list(field(result, "parts")) {
            if let Some((media_type, bytes)) = picture(part) {
                out.push(keep_image(&media_type, bytes, self.blobs));
            }
        }
    }
}

/// The words of a result, if it is nothing else than words in the usual wrapping.
fn result_text(response: Option<&Value>) -> (String, bool) {
    let Some(response) = response else {
        return (String::new(), false);
    };
    let only = response.as_object().filter(|map| map.len() == 1);
    let only = only.and_then(|map| map.iter().next());
    match only {
        Some((name, Value::String(words))) if name == "error" => (words.clone(), true),
        Some((name, Value::String(words))) if matches!(name.as_str(), "output" | "result") => {
            (words.clone(), false)
        }
        _ => (response.as_str().map_or_else(|| response.to_string(), str::to_owned), false),
    }
}

fn tools(body: &Value) -> Vec<ToolSpec> {
    let tools = list(field(body, "tools")).iter();
    tools
        .flat_map(|tool| list(field(tool, "functionDeclarations")))
        .filter_map(|declaration| {
            let parameters = field(declaration, "parametersJsonSchema")
                .cloned()
                .or_else(|| field(declaration, "parameters").map(schema::to_json_schema));
            Some(ToolSpec {
                name: text(declaration, "name")?.to_owned(),
                description: text(declaration, "description").map(str::to_owned),
                parameters: parameters
                    .unwrap_or_else(|| json!({ "type": "object", "properties": {} })),
            })
        })
        .collect()
}

fn tool_choice(config: &Value) -> Option<ToolChoice> {
    let config = field(config, "functionCallingConfig")?;
    let allowed = field(config, "allowedFunctionNames").and_then(Value::as_array);
    match text(config, "mode")?.to_ascii_uppercase().as_str() {
        "AUTO" | "VALIDATED" => Some(ToolChoice::Auto),
        "NONE" => Some(ToolChoice::None),
        "ANY" => Some(match allowed.map_or(&[][..], Vec::as_slice) {
            [Value::String(name)] => ToolChoice::Tool { name: name.clone() },
            _ => ToolChoice::Required,
        }),
        _ => None,
    }
}

fn thinking(config: &Value) -> Option<ThinkingSpec> {
    let effort = text(config, "thinkingLevel")
        .filter(|level| !level.ends_with("_UNSPECIFIED"))
        .map(str::to_ascii_lowercase);
    // A budget of -1 leaves it to the model.
    let budget = field(config, "thinkingBudget");
    let shown = field(config, "includeThoughts") == Some(&Value::Bool(true));
    (effort.is_some() || budget.is_some() || shown)
        .then(|| ThinkingSpec { effort, budget: budget.and_then(count) })
}

fn format(config: &Value) -> Option<OutputFormat> {
    let schema = field(config, "responseJsonSchema")
        .cloned()
        .or_else(|| field(config, "responseSchema").map(schema::to_json_schema));
    match (schema, text(config, "responseMimeType")) {
        (Some(schema), _) => Some(OutputFormat::Schema { name: None, schema, strict: Some(true) }),
        (None, Some("application/json")) => Some(OutputFormat::Json),
        _ => None,
    }
}
