//! Limits that are enforced by looking at the request.

use std::time::{Duration, Instant};

use halo_types::{ChatRequest, Part, Protocol, redact};

use crate::counter::{Counters, key_of};
use crate::scenario::Scenario;
use crate::tokens;

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The name of the limit, which is also the name of its words.
    pub(crate) name: &'static str,
    /// What is filled into the words.
    pub(crate) values: Vec<(&'static str, String)>,
}

impl Refusal {
    fn new(name: &'static str, values: Vec<(&'static str, String)>) -> Self {
        Self { name, values }
    }
}

/// Who asks, and with what parameters in the body.
pub(crate) struct Caller<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) key: Option<&'a str>,
    pub(crate) parameters: &'a serde_json::Map<String, serde_json::Value>,
    pub(crate) now: Instant,
}

/// Checks a request against the limits of its scenario, in the order providers do: key, rate,
/// parameters, pictures, length.
pub(crate) fn check(
    scenario: &Scenario,
    request: &ChatRequest,
    caller: &Caller<'_>,
    counters: &Counters,
) -> Result<(), Refusal> {
    let limits = &scenario.limits;
    if let Some(key) = &limits.key
        && caller.key != Some(key.as_str())
    {
        return Err(Refusal::new("key", vec![("masked_key", masked(caller.key))]));
    }
    if let Some(limit) = limits.requests_per_minute {
        let who = key_of(&[caller.key.unwrap_or_default(), &request.model]);
        counters.within_minute(who, limit, caller.now).map_err(|wait| {
            Refusal::new(
                "requests_per_minute",
                vec![("limit", limit.to_string()), ("retry_after", seconds(wait))],
            )
        })?;
    }
    if let Some(name) =
        limits.refuse_parameters.iter().find(|name| caller.parameters.contains_key(*name))
    {
        return Err(Refusal::new("parameter", vec![("parameter", name.clone())]));
    }
    if !limits.vision
        && let Some((index, part)) = first_picture(request)
    {
        let values = vec![("index", index.to_string()), ("part", part.to_string())];
        return Err(Refusal::new("vision", values));
    }
    length(scenario, request, caller.protocol)
}

fn length(scenario: &Scenario, request: &ChatRequest, protocol: Protocol) -> Result<(), Refusal> {
    let limits = &scenario.limits;
    if let (Some(max), Some(asked)) = (limits.max_output, request.max_tokens)
        && asked > max
    {
        return Err(Refusal::new(
            "output",
            vec![("max_tokens", asked.to_string()), ("max_output", max.to_string())],
        ));
    }
    let Some(window) = limits.context_window else { return Ok(()) };
    let tokens = tokens::request(request);
    let asked = request.max_tokens.unwrap_or(0);
    let name = match tokens {
        _ if tokens > window => "context",
        // Gemini's limit is for input alone: <https://ai.google.dev/api/models>
        _ if protocol != Protocol::Gemini && tokens.saturating_add(asked) > window => {
            "context_with_output"
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(
        name,
        vec![
            ("tokens", tokens.to_string()),
            ("window", window.to_string()),
            ("max_tokens", asked.to_string()),
            ("total", tokens.saturating_add(asked).to_string()),
        ],
    ))
}

/// Message and part of the first picture.
fn first_picture(request: &ChatRequest) -> Option<(usize, usize)> {
    request
        .messages
        .iter()
        .enumerate()
        .find_map(|(index, message)| Some((index, message.parts.iter().position(is_picture)?)))
}

fn is_picture(part: &Part) -> bool {
    match part {
        Part::Image(_) => true,
        // Pictures given by URL have no bytes and stay in the protocol's form.
        Part::Unknown { json, .. } => {
            matches!(json["type"].as_str(), Some("image" | "image_url" | "input_image"))
        }
        _ => false,
    }
}

/// A key as OpenAI prints it in its refusal.
fn masked(key: Option<&str>) -> String {
    let key = key.unwrap_or_default();
    if key.is_ascii() && key.len() >= 12 {
        return format!("{}{}{}", &key[..4], "*".repeat(key.len() - 8), &key[key.len() - 4..]);
    }
    redact::shorten(key).replace('…', "****")
}

fn seconds(wait: Duration) -> String {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1).to_string()
}
