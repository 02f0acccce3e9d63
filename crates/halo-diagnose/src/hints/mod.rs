//! How long to wait: headers, fields of the body, and prose, in every spelling that providers use.

mod time;

use std::sync::LazyLock;

use halo_types::{Evidence, Kind, Retry, Timestamp};
use regex::Regex;

use crate::pattern;
use crate::unwrap::{Key, Layer, Origin, Wait};

pub(crate) use time::rfc3339;

/// A wait longer than this is not believed: a misread instant or unit.
const MAX_WAIT_MS: u64 = 400 * 24 * 3_600_000;
/// A header that asks for more than this means "long"; it is heard as this.
const LONG_MS: u64 = 30 * 24 * 3_600_000;
/// The longest text that is searched.
const MAX_TEXT: usize = 6 * 1024;

/// The wait that the provider asks for, if the failure is one that waiting cures.
pub(crate) fn retry(
    evidence: &Evidence,
    layers: &[Layer],
    kind: Kind,
    transient: bool,
    now: Option<Timestamp>,
) -> Option<Retry> {
    if !transient {
        return None;
    }
    let now = now_of(evidence, now);
    told_by_headers(evidence, now)
        .or_else(|| told_by_fields(layers, now))
        .or_else(|| told_by_words(layers, now))
        .or_else(|| (kind == Kind::RateLimited).then(|| told_by_resets(evidence, now)).flatten())
        .filter(|retry| retry.after_ms <= MAX_WAIT_MS)
}

/// When the limit is lifted, where an instant is named or can be computed.
pub(crate) fn reset_at(
    evidence: &Evidence,
    layers: &[Layer],
    now: Option<Timestamp>,
) -> Option<Timestamp> {
    let fields = layers.iter().rev().flat_map(|layer| {
        let text = layer.text.as_str();
        let instants = layer.fields.iter().filter(|f| f.key == Key::Wait(Wait::Instant));
        instants.map(move |field| time::instant(&text[field.start..field.end]))
    });
    let named = fields
        .flatten()
        .next()
        .or_else(|| layers.iter().rev().find_map(|layer| instant_in(head(layer.text.as_str()))));
    named.or_else(|| {
        let now = now_of(evidence, now)?;
        let retry = told_by_headers(evidence, Some(now))
            .or_else(|| told_by_fields(layers, Some(now)))
            .or_else(|| told_by_words(layers, Some(now)))
            .or_else(|| told_by_resets(evidence, Some(now)))?;
        (retry.after_ms <= MAX_WAIT_MS).then(|| now.plus_ms(retry.after_ms))
    })
}

/// The present: as given, else by the answer's own clock.
fn now_of(evidence: &Evidence, now: Option<Timestamp>) -> Option<Timestamp> {
    now.or_else(|| evidence.headers.first("date").and_then(time::http_date))
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
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
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
        let retry = if lower == "ratelimit" {
            // IETF draft: `"api";r=0;t=147`
            value.split(';').find_map(|part| {
                let seconds = part.trim().strip_prefix("t=")?;
                retry_in(time::seconds_or_duration(seconds)?, "header:ratelimit")
            })
        } else if lower.contains("ratelimit") && lower.contains("reset") {
            let from = format!("header:{lower}");
            time::instant(value)
                .and_then(|at| retry_at(at, now, &from))
                .or_else(|| retry_in(time::seconds_or_duration(value)?, from))
        } else {
            None
        };
        let Some(retry) = retry else { continue };
        let left = evidence.headers.first(&lower.replace("reset", "remaining"));
        let longer = |old: &Option<Retry>| old.as_ref().is_none_or(|o| retry.after_ms > o.after_ms);
        if left.is_some_and(|left| left.trim() == "0") && longer(&used_up) {
            used_up = Some(retry.clone());
        }
        // Limits with something left do not hold the request back.
        let unknown = left.is_none() || lower == "ratelimit";
        if unknown && first.as_ref().is_none_or(|old| retry.after_ms < old.after_ms) {
            first = Some(retry);
        }
    }
    used_up.or(first)
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

/// "try again in 20s", "Please retry after 26 seconds", "请在 30 秒后重试", "resets at 2026-…".
fn told_by_words(layers: &[Layer], now: Option<Timestamp>) -> Option<Retry> {
    for layer in layers.iter().rev() {
        let text = head(layer.text.as_str());
        let from = if layer.origin == Origin::Body { "body" } else { "transport" };
        if let Some(ms) = duration_in(text) {
            return retry_in(ms, from);
        }
        if let Some(retry) = instant_in(text).and_then(|at| retry_at(at, now, from)) {
            return Some(retry);
        }
    }
    None
}

fn duration_in(text: &str) -> Option<u64> {
    static LED: LazyLock<Regex> = LazyLock::new(|| {
        pattern::compile(
            r#"(?x)
            (?: \btry(?:\ (?:it|this|your\ request))?\ again | \bretry(?:\ (?:it|the\ request|your\ request))? | \bretry[-_\ ]?(?:after|delay|in)
              | \bwait(?:ing)?(?:\ (?:time|for))? | \bcome\ back | \bavailable(?:\ again)? | \bresets? | \breset\ (?:time|after)
              | \brefresh(?:es)? | \brecovers? | \bexpected\ available | \bttl | \bintentar(?:lo)?\ de\ nuevo | \bréessayer | \bversuchen\ sie\ es )
            ["'_:=\ ]* (?: (?:in|after|for|about|at\ least|another|around|approximately|dans|en) \ )*
            ["']? (?P<span> \d+(?:\.\d+)? \s* [a-z]+ (?: [\s,]* (?:and\s+)? \d+(?:\.\d+)? \s* [a-z]+ )* )"#,
        )
    });
    static BARE: LazyLock<Regex> = LazyLock::new(|| {
        pattern::compile(
            r#"\bretry[-_ ]?after(?:[-_ ]?(?:seconds|secs|s))?["']?\s*[:=]?\s*["']?(?P<n>\d+(?:\.\d+)?)\b"#,
        )
    });
    static ZH: LazyLock<Regex> = LazyLock::new(|| {
        pattern::compile(
            r"(?x)
            (?:等待|请等|請等|需等|再等|冷却|間隔|间隔) \s* (?:约|約|大约)? \s* (?P<a>\d+(?:\.\d+)?) \s* (?P<au>毫秒|秒|分钟|分鐘|分|小时|小時|个小时|天)
            | (?P<b>\d+(?:\.\d+)?) \s* (?P<bu>毫秒|秒|分钟|分鐘|小时|小時|个小时|天) \s* (?:钟|鐘)? \s* (?:后|後|之后|以后|内不)",
        )
    });
    if let Some(found) = LED.captures(text)
        && let Some(ms) = time::spelled_duration(&found["span"])
    {
        return Some(ms);
    }
    if let Some(found) = ZH.captures(text) {
        let (n, unit) = found
            .name("a")
            .zip(found.name("au"))
            .or_else(|| found.name("b").zip(found.name("bu")))?;
        let scale = match unit.as_str() {
            "毫秒" => 1.0,
            "秒" => 1_000.0,
            "分钟" | "分鐘" | "分" => 60_000.0,
            "天" => 86_400_000.0,
            _ => 3_600_000.0,
        };
        return n.as_str().parse::<f64>().ok().and_then(|n| whole_ms(n * scale));
    }
    let bare = BARE.captures(text)?;
    bare["n"].parse::<f64>().ok().and_then(|n| whole_ms(n * 1000.0))
}

/// An instant that a text names as the end of a limit.
fn instant_in(text: &str) -> Option<Timestamp> {
    static LED: LazyLock<Regex> = LazyLock::new(|| {
        pattern::compile(
            r"(?x)
            (?: \breset(?:s|ting)? | \bregain\ access | \btry\ again | \bavailable | \bretry | \brenews? | \brefresh(?:es)? | \buntil | 限额将 | 将于 | 将在 | 重置于 | 重置时间 | 恢复时间 | reached )
            [:：|\ ]* (?:time|again)? [:：\ ]* (?: (?:at|on|after|until|by|在|于)\ ?)*
            (?P<at> \d{4}-\d\d-\d\d (?: (?:T|\ at\ |\ ) \d\d:\d\d (?: :\d\d (?:\.\d+)? )? )? \s? (?: Z | UTC | GMT | [+-]\d\d:?\d\d )? | 1[6-9]\d{8}(?:\d{3})? )",
        )
    });
    let found = LED.captures(text)?;
    let at = &found["at"];
    // A time of day without a zone is the provider's own: China's where the words are Chinese.
    let chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    time::instant_in_zone(at, if chinese { 8 * 3600 } else { 0 })
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
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
