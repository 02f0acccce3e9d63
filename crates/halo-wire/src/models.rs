//! Lists of models.

use serde_json::Value;

use crate::json::{first_count, path, text};

/// A model as its provider's list describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelInfo {
    /// The name to ask for.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// The window, in tokens.
    pub context_window: Option<u64>,
    /// The most it can write, in tokens.
    pub max_output: Option<u64>,
    /// Whether it takes pictures.
    pub vision: Option<bool>,
    /// Whether it thinks before it answers.
    pub thinking: Option<bool>,
}

/// A body that is no list of models.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// It is no JSON.
    #[error("the list of models is no JSON")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON without a list of models.
    #[error("the answer holds no list of models")]
    NoList,
}

/// Where a list goes on: the `pageToken` of Gemini's next page, 50 models a page unless
/// `pageSize` (up to 1,000) says otherwise: <https://ai.google.dev/api/models#method:-models.list>
#[must_use]
pub fn next_page(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    text(&value, "nextPageToken").map(str::to_owned)
}

/// Reads a list of models: Anthropic's and OpenAI's form, and the fields that OpenRouter, Groq,
/// Mistral, vLLM, Together, LM Studio, Gemini and others add.
///
/// # Errors
/// Where the body is no such list; an error body among them.
///
/// ```
/// let models = halo_wire::decode_models(br#"{"data":[{"id":"m","context_length":8192}]}"#)?;
/// assert_eq!(models[0].context_window, Some(8192));
/// # Ok::<(), halo_wire::ModelsError>(())
/// ```
pub fn decode_models(body: &[u8]) -> Result<Vec<ModelInfo>, ModelsError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value = serde_json::from_slice(body).map_err(ModelsError::NotJson)?;
    let list = match &value {
        Value::Array(list) => list,
        value => ["data", "models", "result"]
            .iter()
            .find_map(|key| value.get(key).and_then(Value::as_array))
            .ok_or(ModelsError::NoList)?,
    };
    let mut models: Vec<ModelInfo> = Vec::with_capacity(list.len());
    let mut seen = std::collections::HashSet::new();
    for model in list.iter().filter(|value| generates(value)).filter_map(model) {
        if seen.insert(model.id.clone()) {
            models.push(model);
        }
    }
    if models.is_empty() && list.iter().any(generates) {
        return Err(ModelsError::NoList);
    }
    Ok(models)
}

/// Gemini lists models for embeddings and videos too.
fn generates(model: &Value) -> bool {
    model
        .get("supportedGenerationMethods")
        .and_then(Value::as_array)
        .is_none_or(|methods| methods.iter().any(|method| method == "generateContent"))
}

fn model(value: &Value) -> Option<ModelInfo> {
    if let Value::String(id) = value {
        return Some(ModelInfo { id: id.clone(), ..ModelInfo::default() });
    }
    let id = ["id", "model", "name", "slug"].iter().find_map(|key| text(value, key))?;
    // Gemini writes the name with its collection; the requests take it without.
    let vertex = id.strip_prefix("publishers/").and_then(|_| id.split_once("/models/"));
    let id = vertex.map_or(id.strip_prefix("models/").unwrap_or(id), |(_, id)| id);
    let name = ["display_name", "displayName", "name"]
        .iter()
        .find_map(|key| text(value, key))
        .filter(|name| *name != id && !name.ends_with(&format!("models/{id}")));
    let count = |keys: &[&str]| first_count(value, keys).filter(|count| *count > 0);
    let context_window = count(&[
        "context_length",
        "context_window",
        "max_context_length",
        "max_model_len",
        "max_input_tokens",
        "inputTokenLimit",
        "context_size",
        "top_provider.context_length",
        "limits.max_input_tokens",
        "limits.max_context_window_tokens",
        "capabilities.limits.max_context_window_tokens",
        "model_info.max_input_tokens",
        "meta.n_ctx",
        "meta.n_ctx_train",
    ]);
    let max_output = count(&[
        "top_provider.max_completion_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "outputTokenLimit",
        "max_output_length",
        "limits.max_output_tokens",
        "capabilities.limits.max_output_tokens",
        "model_info.max_output_tokens",
    ])
    // Anthropic's word for it; elsewhere `max_tokens` can mean the window.
    .or_else(|| value.get("max_input_tokens").and_then(|_| count(&["max_tokens"])));
    Some(ModelInfo {
        id: id.to_owned(),
        name: name.map(str::to_owned),
        context_window,
        max_output,
        vision: vision(value),
        thinking: value.get("thinking").and_then(Value::as_bool),
    })
}

fn vision(value: &Value) -> Option<bool> {
    let flags = [
        "capabilities.vision",
        "capabilities.image_input.supported",
        "capabilities.image_input",
        "capabilities.supports.vision",
        "supports_vision",
        "supports_image_in",
        "supports_image_input",
        "vision",
        "model_info.supports_vision",
    ];
    let flag = flags.iter().find_map(|key| path(value, key).and_then(Value::as_bool));
    let listed = || {
        let lists = [
            "architecture.input_modalities",
            "input_modalities",
            "modalities.input",
            "supported_input_modalities",
            "capabilities",
        ];
        lists.iter().find_map(|key| path(value, key).and_then(Value::as_array)).map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .any(|word| matches!(word, "image" | "vision" | "IMAGE"))
        })
    };
    flag.or_else(listed).or_else(|| (text(value, "type") == Some("vlm")).then_some(true))
}
