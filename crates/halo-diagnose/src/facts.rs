//! Numbers and names: what limits there are, what was sent, which model and parameter are named.

use std::sync::LazyLock;

use halo_types::{Evidence, Facts, Kind, Timestamp};
use serde::Deserialize;

use crate::hints;
use crate::pattern::LazyRegex;
use crate::unwrap::{Key, Layer};

/// The longest text that is searched for facts.
const MAX_TEXT: usize = 6 * 1024;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fact: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(default)]
    kinds: Vec<Kind>,
    patterns: Vec<String>,
}

/// Patterns of one group; compiled when its kinds first occur.
struct Compiled {
    kinds: Vec<Kind>,
    patterns: Vec<LazyRegex>,
}

static GROUPS: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../facts.toml"))
        .expect("the built-in facts parse; a test reads them all");
    file.fact
        .into_iter()
        .map(|group| Compiled {
            kinds: group.kinds,
            patterns: group.patterns.into_iter().map(LazyRegex::new).collect(),
        })
        .collect()
});

pub(crate) fn read(
    evidence: &Evidence,
    layers: &[Layer],
    kind: Kind,
    now: Option<Timestamp>,
) -> Facts {
    let mut facts = Facts::default();
    // The innermost layer speaks first.
    for layer in layers.iter().rev() {
        fields(layer, kind, &mut facts);
    }
    for layer in layers.iter().rev() {
        words(layer, kind, &mut facts);
    }
    if facts.request_id.is_none() {
        facts.request_id = REQUEST_ID_HEADERS
            .iter()
            .find_map(|name| evidence.headers.first(name))
            .map(str::to_owned);
    }
    if matches!(kind, Kind::RateLimited | Kind::RequestTooLarge) {
        for layer in layers.iter().rev() {
            facts.limit_scope = facts.limit_scope.or_else(|| limit_scope(layer.text.as_str()));
        }
    }
    if kind == Kind::RateLimited {
        headers(evidence, &mut facts);
    }
    if matches!(kind, Kind::RateLimited | Kind::QuotaExhausted) {
        facts.reset_at = hints::reset_at(evidence, layers, now);
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

fn words(layer: &Layer, kind: Kind, facts: &mut Facts) {
    let text = layer.text.as_str();
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let groups = GROUPS.iter().filter(|g| g.kinds.is_empty() || g.kinds.contains(&kind));
    for pattern in groups.flat_map(|group| &group.patterns) {
        let regex = pattern.get();
        let Some(found) = regex.captures(text) else { continue };
        for name in regex.capture_names().flatten() {
            if let Some(value) = found.name(name) {
                set(facts, name, value.as_str());
            }
        }
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
fn limit_scope(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let scope = if has(&["concurren", "conn limit", "并发"]) {
        "concurrency"
    } else if has(&[
        "tokens per min",
        "tokens_per_min",
        "(tpm)",
        "tpm ",
        " tpm",
        "input tokens per minute",
        "tokens per minute",
    ]) {
        "tokens_per_minute"
    } else if has(&["tokens per day", "(tpd)"]) {
        "tokens_per_day"
    } else if has(&[
        "requests per day",
        "(rpd)",
        "perday",
        "per-day",
        "bymodelbyday",
        "daily",
        "per day",
        "今日",
        "当日",
        "日流控",
    ]) {
        "requests_per_day"
    } else if has(&[
        "requests per min",
        "(rpm)",
        "rpm ",
        " rpm",
        "perminute",
        "per minute",
        "per-min",
        "byminute",
        "每分钟",
        "1分钟",
    ]) {
        "requests_per_minute"
    } else if has(&["per second", "qps"]) {
        "requests_per_second"
    } else if has(&["images per min", "(ipm)"]) {
        "images_per_minute"
    } else if has(&["5 hour", "5-hour", "five_hour", "5 小时"]) {
        "five_hours"
    } else if has(&["weekly", "7 day", "每周", "7 天"]) {
        "week"
    } else {
        return None;
    };
    Some(scope.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_compile() {
        for group in GROUPS.iter() {
            for pattern in &group.patterns {
                assert!(pattern.get().captures_len() > 1, "{}: names nothing", pattern.source());
            }
        }
    }
}
