//! Numbers and names: what limits there are, what was sent, which model and parameter are named.

use halo_types::{Evidence, Facts, Kind, Retry};

use crate::hints::{self, Source};
use crate::hits::Hits;
use crate::table::{Fact, built_in};
use crate::unwrap::{Key, Layer};

/// Headers that carry a request id, best first.
const REQUEST_ID_HEADERS: &[&str] = &[
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-oneapi-request-id",
    "x-dashscope-request-id",
    "x-siliconcloud-trace-id",
    "x-litellm-call-id",
    "x-portkey-trace-id",
    "nvcf-reqid",
    "trace-id",
    "trace_id",
    "x-vercel-id",
    "cf-ray",
];

pub(crate) fn read(source: &Source<'_>, kind: Kind, retry: Option<&Retry>) -> Facts {
    let Source { evidence, layers, hits, .. } = *source;
    let mut facts = Facts::default();
    // The innermost layer speaks first.
    for layer in layers.iter().rev() {
        fields(layer, kind, &mut facts);
    }
    for (index, layer) in layers.iter().enumerate().rev() {
        for Fact { pattern, .. } in built_in().facts(kind, index, hits) {
            let Some(found) = pattern.captures(layer, index, hits) else { continue };
            for name in pattern.regex.get().names() {
                if let Some(value) = found.name(name) {
                    set(&mut facts, name, value);
                }
            }
        }
    }
    if facts.request_id.is_none() {
        facts.request_id = REQUEST_ID_HEADERS
            .iter()
            .find_map(|name| evidence.headers.first(name))
            .map(str::to_owned);
    }
    if matches!(kind, Kind::RateLimited | Kind::RequestTooLarge) {
        let inside_out = (0..layers.len()).rev();
        facts.limit_scope = inside_out.into_iter().find_map(|index| limit_scope(index, hits));
    }
    if kind == Kind::RateLimited {
        headers(evidence, &mut facts);
    }
    if matches!(kind, Kind::RateLimited | Kind::QuotaExhausted) {
        facts.reset_at = hints::reset_at(source, retry);
    }
    facts
}

fn fields(layer: &Layer, kind: Kind, facts: &mut Facts) {
    let text = layer.text.as_str();
    for field in &layer.fields {
        let value = text[field.start..field.end].trim();
        if value.is_empty() {
            continue;
        }
        let number = match field.key {
            Key::Window if kind == Kind::ContextLengthExceeded => Some(&mut facts.context_window),
            Key::Sent if kind == Kind::ContextLengthExceeded => Some(&mut facts.input_tokens),
            _ => None,
        };
        if let Some(number) = number {
            *number = number.or_else(|| value.parse().ok());
            continue;
        }
        let slot = match field.key {
            Key::Param => {
                let name_like =
                    value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.[]-".contains(&b));
                if !name_like || value.parse::<u64>().is_ok() {
                    continue;
                }
                &mut facts.parameter
            }
            Key::Model if kind != Kind::Unknown => &mut facts.model,
            Key::RequestId => &mut facts.request_id,
            _ => continue,
        };
        slot.get_or_insert_with(|| value.to_owned());
    }
}

/// Keeps the first reading of each fact.
fn set(facts: &mut Facts, name: &str, value: &str) {
    let text = value.trim_matches(|c: char| c.is_whitespace() || ".,'\"`".contains(c));
    let mut texts = |slot: fn(&mut Facts) -> &mut Option<String>| {
        // "model is not a multimodal model" names none.
        let common = ["model", "models", "it", "this", "that", "the", "which", "any", "one"];
        let named = !common.iter().any(|word| text.eq_ignore_ascii_case(word));
        if !text.is_empty() && named {
            slot(facts).get_or_insert_with(|| text.to_owned());
        }
    };
    match name {
        "model" => return texts(|f| &mut f.model),
        "parameter" => return texts(|f| &mut f.parameter),
        "request_id" => return texts(|f| &mut f.request_id),
        "balance" => return texts(|f| &mut f.balance),
        _ => {}
    }
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    let slot = match name {
        "context_window" => &mut facts.context_window,
        "input_tokens" => &mut facts.input_tokens,
        "requested_output_tokens" => &mut facts.requested_output_tokens,
        "max_output_tokens" => &mut facts.max_output_tokens,
        "limit" => &mut facts.limit,
        "remaining" => &mut facts.remaining,
        _ => {
            let value = digits
                .parse::<u64>()
                .map(serde_json::Value::from)
                .or_else(|_| digits.parse::<f64>().map(serde_json::Value::from))
                .unwrap_or_else(|_| serde_json::Value::from(text));
            facts.other.entry(name.to_owned()).or_insert(value);
            return;
        }
    };
    if let Ok(number) = digits.parse() {
        slot.get_or_insert(number);
    }
}

/// What a limit counts.
fn limit_scope(layer: usize, hits: &Hits) -> Option<String> {
    let scopes = &built_in().scopes;
    scopes.iter().find(|scope| hits.has(layer, &scope.words)).map(|scope| scope.name.clone())
}

/// Limits named by headers: the exhausted one.
fn headers(evidence: &Evidence, facts: &mut Facts) {
    let exhausted = evidence.headers.iter().find_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        (name.contains("ratelimit") && name.contains("remaining") && value.trim() == "0")
            .then_some(name)
    });
    let Some(name) = exhausted else { return };
    facts.remaining.get_or_insert(0);
    if facts.limit.is_none() {
        facts.limit = evidence
            .headers
            .first(&name.replace("remaining", "limit"))
            .and_then(|value| value.trim().parse().ok());
    }
    if facts.limit_scope.is_none() {
        let scope = match () {
            () if name.contains("tokens") => "tokens_per_minute",
            () if name.contains("requests-day") => "requests_per_day",
            () if name.contains("requests") => "requests_per_minute",
            () => return,
        };
        facts.limit_scope = Some(scope.to_owned());
    }
}
