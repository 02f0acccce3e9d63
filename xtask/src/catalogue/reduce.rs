//! From LiteLLM's table to ours: which of its rows belong to which place, and what of a row is
//! kept.
//!
//! Its fields: <https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json>,
//! first entry (`sample_spec`).

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use halo_config::Row;
use halo_types::Price;
use serde_json::{Map, Value};

/// LiteLLM's names for the providers of a place, each with what stands before its models' names.
/// Where two rows give one name, the later provider's row and the name with the prefix count.
const PLACES: &[(&str, &[(&str, &str)])] = &[
    ("openai", &[("openai", "openai/")]),
    ("anthropic", &[("anthropic", "anthropic/")]),
    ("gemini", &[("gemini", "gemini/")]),
    ("deepseek", &[("deepseek", "deepseek/")]),
    ("mistral", &[("mistral", "mistral/")]),
    ("xai", &[("xai", "xai/")]),
    ("dashscope", &[("dashscope", "dashscope/")]),
    ("zai", &[("zai", "zai/")]),
    ("moonshot", &[("moonshot", "moonshot/")]),
    ("minimax", &[("minimax", "minimax/")]),
    ("cohere", &[("cohere", "cohere/"), ("cohere_chat", "cohere_chat/")]),
    ("volcengine", &[("volcengine", "volcengine/")]),
    ("tencent", &[("tencent", "tencent/")]),
    ("amazon-nova", &[("amazon_nova", "amazon-nova/")]),
    ("meta", &[("meta", "meta/")]),
    ("xiaomi", &[("xiaomi_mimo", "xiaomi_mimo/")]),
    ("ai21", &[("ai21", "ai21/")]),
    ("inception", &[("inception", "inception/")]),
    ("perplexity", &[("perplexity", "perplexity/")]),
    ("azure", &[("azure_ai", "azure_ai/"), ("azure", "azure/")]),
    (
        "bedrock",
        &[
            ("bedrock_mantle", "bedrock_mantle/"),
            ("bedrock", "bedrock/"),
            ("bedrock_converse", "bedrock/"),
        ],
    ),
    (
        "vertex",
        &[
            ("vertex_ai-llama_models", "vertex_ai/"),
            ("vertex_ai-mistral_models", "vertex_ai/"),
            ("vertex_ai-deepseek_models", "vertex_ai/"),
            ("vertex_ai-qwen_models", "vertex_ai/"),
            ("vertex_ai-openai_models", "vertex_ai/"),
            ("vertex_ai-anthropic_models", "vertex_ai/"),
            ("vertex_ai-language-models", "vertex_ai/"),
            ("vertex_ai", "vertex_ai/"),
        ],
    ),
    ("databricks", &[("databricks", "databricks/")]),
    ("github-copilot", &[("github_copilot", "github_copilot/")]),
    ("aihubmix", &[("aihubmix", "aihubmix/")]),
    ("baseten", &[("baseten", "baseten/")]),
    ("cerebras", &[("cerebras", "cerebras/")]),
    ("cloudflare", &[("cloudflare", "cloudflare/")]),
    ("deepinfra", &[("deepinfra", "deepinfra/")]),
    ("fireworks", &[("fireworks_ai", "fireworks_ai/")]),
    ("gmi", &[("gmi", "gmi/")]),
    ("groq", &[("groq", "groq/")]),
    ("hyperbolic", &[("hyperbolic", "hyperbolic/")]),
    ("nebius", &[("nebius", "nebius/")]),
    ("novita", &[("novita", "novita/")]),
    ("nscale", &[("nscale", "nscale/")]),
    ("sambanova", &[("sambanova", "sambanova/")]),
    ("together", &[("together_ai", "together_ai/")]),
    ("v0", &[("v0", "v0/")]),
    ("vercel", &[("vercel_ai_gateway", "vercel_ai_gateway/")]),
    ("wandb", &[("wandb", "wandb/")]),
];

/// Places whose names with a slash are offers of one region, not other models.
const REGIONAL: &[&str] = &["azure", "bedrock"];

/// A token of a price in dollars is this many nano-dollars for a million tokens.
const NANO_PER_MILLION: f64 = 1e15;

/// Dearer than any model by far: $100,000 for a million tokens.
const MOST: f64 = 0.1;

/// What the table says, by a model's name and its place.
pub(super) type Rows = BTreeMap<(String, String), Row>;

/// The rows that are kept, from the JSON of LiteLLM's table.
pub(super) fn reduce(json: &[u8]) -> anyhow::Result<Rows> {
    let table: Map<String, Value> =
        serde_json::from_slice(json).context("the table of models is no JSON object")?;
    let mut rows = BTreeMap::new();
    for place in halo_config::Place::all() {
        let (_, providers) = PLACES
            .iter()
            .find(|(id, _)| *id == place.id)
            .with_context(|| format!("nobody in the table serves for {}", place.id))?;
        for (provider, prefix) in *providers {
            // Without the prefix first, so that the row with it counts.
            for with in [false, true] {
                for (name, value) in &table {
                    let Some(value) = value.as_object().filter(|row| speaks_of(row, provider))
                    else {
                        continue;
                    };
                    let plain = name.strip_prefix(prefix);
                    if plain.is_some() != with {
                        continue;
                    }
                    let name = plain.unwrap_or(name).to_ascii_lowercase();
                    if !is_name(&name) || REGIONAL.contains(&place.id) && name.contains('/') {
                        continue;
                    }
                    let mut row = read(value);
                    if !place.is_priced() {
                        row.price = None;
                    }
                    if !row.is_empty() {
                        rows.insert((name, place.id.to_owned()), row);
                    }
                }
            }
        }
    }
    drop_dated(&mut rows);
    ensure!(!rows.is_empty(), "the table of models holds none that Halo knows a place for");
    Ok(rows)
}

/// Whether a row is about a model of that provider that answers with text.
fn speaks_of(row: &Map<String, Value>, provider: &str) -> bool {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    text("litellm_provider") == Some(provider)
        && matches!(text("mode"), Some("chat" | "responses" | "completion"))
}

/// Whether a name can stand in a line of the table and is one: LiteLLM keeps Together's prices for
/// sizes of models under names of their own.
fn is_name(name: &str) -> bool {
    // What stands before `#` or begins with it would be lost in the head of the table.
    name > "#"
        && !name.starts_with('#')
        && !name.starts_with("together-ai-")
        && name.chars().all(|c| c.is_ascii_graphic())
}

fn read(row: &Map<String, Value>) -> Row {
    let count = |key: &str| row.get(key).and_then(Value::as_u64).filter(|count| *count > 0);
    let flag = |key: &str| row.get(key).and_then(Value::as_bool);
    let context_window = count("max_input_tokens");
    // The table copies the window here where a provider states no maximum.
    let max_output = count("max_output_tokens")
        .filter(|output| context_window.is_none_or(|window| *output < window));
    let pictures = || {
        let modalities = row.get("supported_modalities")?.as_array()?;
        Some(modalities.iter().any(|modality| modality == "image"))
    };
    Row {
        context_window,
        max_output,
        vision: flag("supports_vision").or_else(pictures),
        tools: flag("supports_function_calling"),
        reasoning: flag("supports_reasoning"),
        price: price(row),
    }
}

/// What a row says tokens cost. `None` where it says nothing, or less than the whole: a price of
/// nothing stands in the table for free trials, subscriptions and for what is not known.
fn price(row: &Map<String, Value>) -> Option<Price> {
    let tiers = row.get("tiered_pricing").and_then(Value::as_array);
    let first = tiers.and_then(|tiers| tiers.first()).and_then(Value::as_object);
    let stated = first.unwrap_or(row);
    let input = nano(stated.get("input_cost_per_token"))?;
    let output = nano(stated.get("output_cost_per_token"))?;
    // Thinking that is billed apart cannot be told from the rest of the output.
    let thinking = stated.get("output_cost_per_reasoning_token");
    if input == 0 && output == 0 || thinking.is_some_and(|price| nano(Some(price)) != Some(output))
    {
        return None;
    }
    let end = |tier: &Map<String, Value>| tier.get("range")?.as_array()?.get(1)?.as_f64();
    let up_to = match first {
        Some(tier) if tiers.is_some_and(|tiers| tiers.len() > 1) => {
            // A first tier without an end says nothing about where its price stops.
            Some(end(tier).filter(|end| *end >= 1.0 && *end < 1e9)? as u64)
        }
        Some(_) => None,
        None => row.keys().filter_map(|key| threshold(key)).min(),
    };
    Some(Price {
        input,
        output,
        cache_read: nano(stated.get("cache_read_input_token_cost")).filter(|price| *price > 0),
        cache_write: nano(stated.get("cache_creation_input_token_cost")).filter(|price| *price > 0),
        up_to,
    })
}

/// The tokens in `input_cost_per_token_above_200k_tokens`, and in the same of the output.
fn threshold(key: &str) -> Option<u64> {
    let rest = key
        .strip_prefix("input_cost_per_token_above_")
        .or_else(|| key.strip_prefix("output_cost_per_token_above_"))?;
    rest.strip_suffix("k_tokens")?.parse::<u64>().ok()?.checked_mul(1000)
}

/// Dollars for a token as nano-dollars for a million; the rounding only takes back what the
/// binary form of a decimal number added.
fn nano(value: Option<&Value>) -> Option<u64> {
    let dollars = value?.as_f64().filter(|dollars| (0.0..=MOST).contains(dollars))?;
    Some((dollars * NANO_PER_MILLION).round() as u64)
}

/// Leaves out versions with a date that say what the plain name says: they are found without it.
fn drop_dated(rows: &mut Rows) {
    let same: Vec<(String, String)> = rows
        .iter()
        .filter(|((name, place), row)| {
            let plain = halo_config::without_date(name);
            plain != name && rows.get(&(plain.to_owned(), place.clone())) == Some(row)
        })
        .map(|(key, _)| key.clone())
        .collect();
    for key in same {
        rows.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(row: &str) -> Row {
        let table = format!(r#"{{"openai/m":{row}}}"#);
        let key = ("m".to_owned(), "openai".to_owned());
        reduce(table.as_bytes()).unwrap().remove(&key).unwrap()
    }

    #[test]
    fn a_row_keeps_what_it_says_and_nothing_more() {
        let row = one(r#"{
            "litellm_provider":"openai","mode":"chat","max_input_tokens":1050000,
            "max_output_tokens":128000,"supports_vision":true,"supports_reasoning":false,
            "input_cost_per_token":2.5e-06,"output_cost_per_token":1.5e-05,
            "cache_read_input_token_cost":2.5e-07,
            "input_cost_per_token_above_272k_tokens":5e-06,
            "input_cost_per_token_above_128k_tokens_batches":5e-06}"#);
        assert_eq!(row.write("k", "p"), "k\tp\t1050000\t128000\tv-r\t2.5\t15\t0.25\t\t272000");
    }

    #[test]
    fn what_a_price_leaves_open_is_no_price() {
        for (fields, line) in [
            // Free, or not known.
            (r#""input_cost_per_token":0,"output_cost_per_token":0"#, "k\tp\t8192"),
            (r#""input_cost_per_token":1e-06"#, "k\tp\t8192"),
            (r#""input_cost_per_token":1e-06,"output_cost_per_token":"free""#, "k\tp\t8192"),
            (r#""input_cost_per_token":-1e-06,"output_cost_per_token":1e-06"#, "k\tp\t8192"),
            (r#""input_cost_per_token":5,"output_cost_per_token":5"#, "k\tp\t8192"),
            // Thinking costs more.
            (
                r#""input_cost_per_token":1e-06,"output_cost_per_token":2e-06,"output_cost_per_reasoning_token":4e-06"#,
                "k\tp\t8192",
            ),
            (
                r#""tiered_pricing":[{"input_cost_per_token":1.2e-06,"output_cost_per_token":6e-06,"range":[0,32000.0]},{"range":[32000.0,128000.0]}]"#,
                "k\tp\t8192\t\t\t1.2\t6\t\t\t32000",
            ),
            (
                r#""tiered_pricing":[{"input_cost_per_token":1.2e-06,"output_cost_per_token":6e-06},{}]"#,
                "k\tp\t8192",
            ),
            (
                r#""input_cost_per_token":6e-09,"output_cost_per_token":2.8e-08"#,
                "k\tp\t8192\t\t\t0.006\t0.028",
            ),
        ] {
            let row = one(&format!(
                r#"{{"litellm_provider":"openai","mode":"chat","max_input_tokens":8192,
                    "max_output_tokens":8192,{fields}}}"#
            ));
            assert_eq!(row.write("k", "p"), line, "{fields}");
        }
    }

    #[test]
    fn rows_go_to_their_place_and_others_are_left_out() {
        let table = br#"{
            "deepseek-chat":{"litellm_provider":"deepseek","mode":"chat","max_input_tokens":1},
            "deepseek/deepseek-chat":{"litellm_provider":"deepseek","mode":"chat","max_input_tokens":2},
            "azure/us/gpt-5":{"litellm_provider":"azure","mode":"chat","max_input_tokens":3},
            "azure/gpt-5":{"litellm_provider":"azure","mode":"chat","max_input_tokens":4,
                "input_cost_per_token":1e-06,"output_cost_per_token":1e-06},
            "gpt-5":{"litellm_provider":"openai","mode":"chat","max_input_tokens":5},
            "gpt-5-2026-01-01":{"litellm_provider":"openai","mode":"chat","max_input_tokens":5},
            "gpt-5-2026-02-02":{"litellm_provider":"openai","mode":"chat","max_input_tokens":6},
            "whisper":{"litellm_provider":"openai","mode":"audio_transcription","max_input_tokens":7},
            "a b":{"litellm_provider":"openai","mode":"chat","max_input_tokens":8},
            "silent":{"litellm_provider":"openai","mode":"chat"},
            "list":[],
            "groq/Meta/Llama":{"litellm_provider":"groq","mode":"chat","max_input_tokens":9},
            "elsewhere/m":{"litellm_provider":"elsewhere","mode":"chat","max_input_tokens":10}
        }"#;
        let lines: Vec<String> = reduce(table)
            .unwrap()
            .iter()
            .map(|((name, place), row)| row.write(name, place))
            .collect();
        assert_eq!(
            lines,
            [
                "deepseek-chat\tdeepseek\t2",
                "gpt-5\tazure\t4",
                "gpt-5\topenai\t5",
                "gpt-5-2026-02-02\topenai\t6",
                "meta/llama\tgroq\t9",
            ]
        );
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for json in ["", "[]", "{}", r#"{"m":{}}"#] {
            assert!(reduce(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn every_place_has_its_providers_and_the_other_way_round() {
        let ids: Vec<&str> = PLACES.iter().map(|(id, _)| *id).collect();
        let known: Vec<&str> = halo_config::Place::all().iter().map(|place| place.id).collect();
        assert_eq!(ids, known);
    }
}
