//! How long to wait: headers, fields of the body, and prose, in every spelling that providers use.

mod allowances;
mod clock;
mod time;

use halo_types::{Evidence, Kind, Retry, Timestamp};
use jiff::tz::TimeZone;

use crate::hits::Hits;
use crate::table::built_in;
use crate::unwrap::{Key, Layer, Origin, Wait};

pub use allowances::allowances;

/// A wait longer than this is not believed: a misread instant or unit.
const MAX_WAIT_MS: u64 = 400 * 24 * 3_600_000;
/// A header that asks for more than this means "long"; it is heard as this.
const LONG_MS: u64 = 30 * 24 * 3_600_000;
/// What waits are read from, and what instants are reckoned with.
pub(crate) struct Source<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) layers: &'a [Layer],
    pub(crate) hits: &'a Hits,
    /// The present, as the caller gives it.
    pub(crate) now: Option<Timestamp>,
    /// Where the person is, for times of day without a zone.
    pub(crate) zone: Option<&'a TimeZone>,
}

/// The wait that the provider asks for, if the failure is one that waiting cures.
pub(crate) fn retry(source: &Source<'_>, kind: Kind, transient: bool) -> Option<Retry> {
    if !transient {
        return None;
    }
    told(source, now_of(source), kind == Kind::RateLimited)
}

/// When the limit is lifted, where an instant is named or can be computed.
pub(crate) fn reset_at(source: &Source<'_>, retry: Option<&Retry>) -> Option<Timestamp> {
    let layers = source.layers;
    let fields = layers.iter().rev().flat_map(|layer| {
        let text = layer.text.as_str();
        let instants = layer.fields.iter().filter(|f| f.key == Key::Wait(Wait::Instant));
        instants.map(move |field| time::instant(&text[field.start..field.end]))
    });
    let named = fields.flatten().next().or_else(|| {
        let inside_out = layers.iter().enumerate().rev();
        inside_out.into_iter().find_map(|(index, layer)| instant_in(layer, index, source.hits))
    });
    named.or_else(|| {
        let now = now_of(source)?;
        let told = match retry {
            Some(retry) => retry.clone(),
            None => told(source, Some(now), true)?,
        };
        Some(now.plus_ms(told.after_ms))
    })
}

fn told(source: &Source<'_>, now: Option<Timestamp>, limited: bool) -> Option<Retry> {
    told_by_headers(source.evidence, now)
        .or_else(|| told_by_fields(source.layers, now))
        .or_else(|| told_by_words(source, now))
        .or_else(|| limited.then(|| told_by_resets(source.evidence, now)).flatten())
        .filter(|retry| retry.after_ms <= MAX_WAIT_MS)
}

/// The present: as given, else by the answer's own clock.
fn now_of(source: &Source<'_>) -> Option<Timestamp> {
    source.now.or_else(|| source.evidence.headers.first("date").and_then(time::http_date))
}

fn retry_at(at: Timestamp, now: Option<Timestamp>, from: &str) -> Option<Retry> {
    Some(Retry { after_ms: at.ms_since(now?), from: from.to_owned() })
}

fn retry_in(after_ms: u64, from: impl Into<String>) -> Option<Retry> {
    Some(Retry { after_ms, from: from.into() })
}

/// `retry-after-ms`, `retry-after` and their relatives.
fn told_by_headers(evidence: &Evidence, now: Option<Timestamp>) -> Option<Retry> {
    let header = |name: &str| evidence.headers.first(name).map(str::trim).filter(|v| !v.is_empty());
    for name in ["retry-after-ms", "x-ms-retry-after-ms", "x-retry-after-ms"] {
        if let Some(ms) = header(name).and_then(|v| v.parse::<f64>().ok()).and_then(whole_ms) {
            return retry_in(ms, format!("header:{name}"));
        }
    }
    for name in ["retry-after", "x-retry-after", "llm_provider-retry-after"] {
        // Where proxies doubled the header, the longer wait holds.
        let values = evidence.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let longest = values.filter_map(|(_, value)| waited(value, now)).max();
        if let Some(ms) = longest {
            return retry_in(ms.min(LONG_MS), format!("header:{name}"));
        }
    }
    None
}

/// The wait that one value of `retry-after` asks for.
fn waited(value: &str, now: Option<Timestamp>) -> Option<u64> {
    let value = value.trim();
    // Some send the instant in seconds since the epoch.
    let epoch = time::instant(value).zip(now).filter(|(at, _)| at.0 < 4_102_444_800_000);
    if let Some((at, now)) = epoch {
        return Some(at.ms_since(now));
    }
    time::seconds_or_duration(value)
        .or_else(|| time::http_date(value).zip(now).map(|(at, now)| at.ms_since(now)))
        .or_else(|| value.split(',').filter_map(time::seconds_or_duration).max())
}

/// Reset headers of rate limits: of the limit that is used up, else of the one lifted first.
fn told_by_resets(evidence: &Evidence, now: Option<Timestamp>) -> Option<Retry> {
    let mut used_up: Option<Retry> = None;
    let mut first: Option<Retry> = None;
    for (name, value) in evidence.headers.iter() {
        let lower = name.to_ascii_lowercase();
        let (retry, left) = if lower == "ratelimit" {
            let Some((seconds, left)) = ietf_limit(value) else { continue };
            (retry_in(seconds, "header:ratelimit"), left)
        } else if limits(&lower) && lower.contains("reset") {
            let from = format!("header:{lower}");
            let retry = time::instant(value)
                .and_then(|at| retry_at(at, now, &from))
                .or_else(|| retry_in(time::seconds_or_duration(value)?, from));
            let remaining = lower.replace("reset-after", "remaining").replace("reset", "remaining");
            (retry, evidence.headers.first(&remaining).map(str::trim))
        } else {
            continue;
        };
        let Some(retry) = retry else { continue };
        let longer = |old: &Option<Retry>| old.as_ref().is_none_or(|o| retry.after_ms > o.after_ms);
        if left == Some("0") && longer(&used_up) {
            used_up = Some(retry.clone());
        }
        // Limits with something left do not hold the request back.
        let free = left.is_some() && lower != "ratelimit";
        if !free && first.as_ref().is_none_or(|old| retry.after_ms < old.after_ms) {
            first = Some(retry);
        }
    }
    used_up.or(first)
}

/// Whether a header speaks of a rate limit.
fn limits(name: &str) -> bool {
    name.contains("ratelimit")
        || name.contains("rate-limit")
        || name.starts_with("anthropic-priority-")
}

/// The wait in milliseconds that the IETF's `RateLimit` header names, and what is left: of the
/// limit that is used up, else of the first. `"day";r=0;t=3600`, in older drafts
/// `limit=100, remaining=0, reset=50`.
fn ietf_limit(value: &str) -> Option<(u64, Option<&str>)> {
    // An item of the newer drafts is a name in quotes with its parameters; the older drafts have
    // one list of parameters.
    let items = value.split(if value.contains(';') { ',' } else { '\0' });
    let limits = items.filter_map(|item| {
        let parameter = |names: [&str; 2]| {
            let mut parts = item.split([';', ',']);
            parts.find_map(|part| {
                let (name, value) = part.split_once('=')?;
                names.contains(&name.trim()).then(|| value.trim())
            })
        };
        let wait = time::seconds_or_duration(parameter(["t", "reset"])?)?;
        Some((wait, parameter(["r", "remaining"])))
    });
    let limits: Vec<_> = limits.collect();
    let used_up = limits.iter().filter(|(_, left)| *left == Some("0"));
    used_up.max_by_key(|(wait, _)| *wait).or(limits.first()).copied()
}

/// `retryDelay`, `retry_after`, `resets_at` and the like, innermost first.
fn told_by_fields(layers: &[Layer], now: Option<Timestamp>) -> Option<Retry> {
    for layer in layers.iter().rev() {
        let text = layer.text.as_str();
        for field in &layer.fields {
            let Key::Wait(unit) = field.key else { continue };
            let value = text[field.start..field.end].trim();
            let retry = match unit {
                Wait::Seconds => {
                    time::seconds_or_duration(value).and_then(|ms| retry_in(ms, "body"))
                }
                Wait::Millis => {
                    value.parse().ok().and_then(whole_ms).and_then(|ms| retry_in(ms, "body"))
                }
                Wait::Instant => time::instant(value)
                    .and_then(|at| retry_at(at, now, "body"))
                    .or_else(|| retry_in(time::seconds_or_duration(value)?, "body")),
            };
            if retry.is_some() {
                return retry;
            }
        }
    }
    None
}

/// "try again in 20s", "请在 30 秒后重试", "resets at 2026-…", "resets 3pm (Europe/Paris)".
fn told_by_words(source: &Source<'_>, now: Option<Timestamp>) -> Option<Retry> {
    for (index, layer) in source.layers.iter().enumerate().rev() {
        let from = if layer.origin == Origin::Body { "body" } else { "transport" };
        if let Some(ms) = duration_in(layer, index, source.hits) {
            return retry_in(ms, from);
        }
        let instant = instant_in(layer, index, source.hits)
            .or_else(|| clock::next(layer, index, source.hits, now?, source.zone));
        if let Some(retry) = instant.and_then(|at| retry_at(at, now, from)) {
            return Some(retry);
        }
    }
    None
}

fn duration_in(layer: &Layer, index: usize, hits: &Hits) -> Option<u64> {
    let patterns = &built_in().hints;
    if let Some(found) = patterns.duration.captures(layer, index, hits)
        && let Some(ms) = time::spelled_duration(found.name("span")?)
    {
        return Some(ms);
    }
    if let Some(found) = patterns.chinese.captures(layer, index, hits) {
        let (n, unit) = found
            .name("a")
            .zip(found.name("au"))
            .or_else(|| found.name("b").zip(found.name("bu")))?;
        let scale = match unit {
            "毫秒" | "ms" => 1.0,
            "秒" | "s" => 1_000.0,
            "分钟" | "分鐘" | "分" | "min" => 60_000.0,
            "天" => 86_400_000.0,
            _ => 3_600_000.0,
        };
        return n.parse::<f64>().ok().and_then(|n| whole_ms(n * scale));
    }
    let bare = patterns.bare.captures(layer, index, hits)?;
    bare.name("n")?.parse::<f64>().ok().and_then(|n| whole_ms(n * 1000.0))
}

/// An instant that a text names as the end of a limit.
fn instant_in(layer: &Layer, index: usize, hits: &Hits) -> Option<Timestamp> {
    let found = built_in().hints.instant.captures(layer, index, hits)?;
    // A date without a zone is the provider's own: China's where the words are Chinese.
    let chinese = layer.text.as_str().chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    time::instant_in_zone(found.name("at")?, if chinese { 8 * 3600 } else { 0 })
}

/// Whole milliseconds, rounded up so that no wait ends too early.
pub(crate) fn whole_ms(ms: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    let whole = (ms.is_finite() && ms >= 0.0).then(|| (ms.min(1e15) - 1e-6).ceil() as u64);
    whole
}

#[cfg(test)]
mod tests;
