//! Lists of models.

use halo_types::Price;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::endpoint::QUERY;
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
    /// Whether it can call tools.
    pub tools: Option<bool>,
    /// What its tokens cost.
    pub price: Option<Price>,
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

/// The query of the next page, where a list goes on: Gemini gives 50 models a page
/// (<https://ai.google.dev/api/models#method:-models.list>), Anthropic 20
/// (<https://platform.claude.com/docs/en/api/models-list>).
#[must_use]
pub fn next_page(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if let Some(token) = text(&value, "nextPageToken") {
        return Some(format!("pageToken={}", utf8_percent_encode(token, QUERY)));
    }
    let more = value.get("has_more") == Some(&Value::Bool(true));
    let last = text(&value, "last_id").filter(|_| more)?;
    Some(format!("after_id={}", utf8_percent_encode(last, QUERY)))
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
        thinking: flag(value, &["thinking", "model_info.supports_reasoning"])
            .or_else(|| supports(value, "reasoning")),
        tools: flag(
            value,
            &[
                "capabilities.function_calling",
                "capabilities.supports.tool_calls",
                "supports_tools",
                "model_info.supports_function_calling",
            ],
        )
        .or_else(|| supports(value, "tools")),
        price: price(value),
    })
}

fn flag(value: &Value, keys: &[&str]) -> Option<bool> {
    keys.iter().find_map(|key| path(value, key).and_then(Value::as_bool))
}

/// Whether OpenRouter lists a parameter: <https://openrouter.ai/docs/api-reference/list-available-models>
fn supports(value: &Value, parameter: &str) -> Option<bool> {
    let list = value.get("supported_parameters").and_then(Value::as_array)?;
    Some(list.iter().any(|name| name.as_str() == Some(parameter)))
}

/// OpenRouter's prices, in dollars for one token, as decimal texts. A price of zero may be a free
/// offer or a router that charges what its choice costs; neither is a price.
fn price(value: &Value) -> Option<Price> {
    let pricing = value.get("pricing")?;
    let figure = |key: &str| per_million(pricing.get(key)?.as_str()?).filter(|price| *price > 0);
    Some(Price {
        input: figure("prompt")?,
        output: figure("completion")?,
        cache_read: figure("input_cache_read"),
        cache_write: figure("input_cache_write"),
        up_to: None,
    })
}

/// Dollars for a token as nano-dollars for a million of them: a shift by fifteen places.
fn per_million(text: &str) -> Option<u64> {
    const PLACES: usize = 15;
    let (mantissa, exponent) = match text.trim().split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text.trim(), 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shift = i32::try_from(PLACES).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
    let number: u128 = digits.parse().ok()?;
    let power = 10u128.checked_pow(shift.unsigned_abs())?;
    let scaled = if shift >= 0 { number.checked_mul(power)? } else { number / power };
    u64::try_from(scaled).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_for_a_token_become_nano_dollars_for_a_million() {
        for (text, want) in [
            ("0.0000025", Some(2_500_000_000)),
            ("0.00000015", Some(150_000_000)),
            ("2.5e-6", Some(2_500_000_000)),
            ("1", Some(1_000_000_000_000_000)),
            ("0", Some(0)),
            ("-1", None),
            ("free", None),
            ("", None),
            ("1e400", None),
        ] {
            assert_eq!(per_million(text), want, "{text}");
        }
    }
}
