//! Durations and instants as providers spell them.

use halo_types::Timestamp;

use super::whole_ms;
use crate::calendar::days;

/// A number of seconds (`20`, `1.5`) or a duration (`28s`, `6m0s`, `20ms`), in milliseconds.
pub(super) fn seconds_or_duration(value: &str) -> Option<u64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return whole_ms(seconds * 1000.0);
    }
    spelled_duration(value)
}

/// A duration in units, compact or spelled out: `1h43m56s`, `2m59.56s`, `6hr 29min`,
/// `2 minutes and 10 seconds`.
pub(super) fn spelled_duration(value: &str) -> Option<u64> {
    let mut rest = value.trim();
    let mut total = 0.0;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let Ok(number) = rest[..digits].parse::<f64>() else { break };
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let scale = match rest[..letters].to_ascii_lowercase().as_str() {
            "ns" => 0.000_001,
            "us" | "µs" | "μs" => 0.001,
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 1.0,
            "s" | "sec" | "secs" | "second" | "seconds" | "segundo" | "segundos" | "seconde"
            | "secondes" | "sekunden" => 1_000.0,
            "m" | "min" | "mins" | "minute" | "minutes" | "minuto" | "minutos" => 60_000.0,
            "h" | "hr" | "hrs" | "hour" | "hours" | "heure" | "heures" => 3_600_000.0,
            "d" | "day" | "days" => 86_400_000.0,
            // What follows the duration is the rest of a sentence.
            _ if any => break,
            _ => return None,
        };
        total += number * scale;
        any = true;
        rest = rest[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    any.then_some(total).and_then(whole_ms)
}

/// An RFC 3339 date-time, or seconds or milliseconds since the epoch.
pub(super) fn instant(value: &str) -> Option<Timestamp> {
    instant_in_zone(value, 0)
}

/// As [`instant`]; a date-time without a zone is `offset_s` east of UTC.
pub(super) fn instant_in_zone(value: &str, offset_s: i64) -> Option<Timestamp> {
    let value = value.trim();
    if value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let number: f64 = value.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        return match number {
            n if (1e9..1e10).contains(&n) => Some(Timestamp((n * 1000.0) as i64)),
            n if (1e12..1e13).contains(&n) => Some(Timestamp(n as i64)),
            _ => None,
        };
    }
    let bytes = value.as_bytes();
    let digits =
        |from: usize, len: usize| -> Option<i64> { value.get(from..from + len)?.parse().ok() };
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    let mut ms = days(year, month, day)? * 86_400_000;
    let mut rest = value.get(10..)?;
    rest = rest.strip_prefix(" at ").or_else(|| rest.strip_prefix(['T', 't', ' '])).unwrap_or(rest);
    if let (Some(hour), Some(minute)) = (two(rest, 0), two(rest, 3)) {
        if rest.as_bytes()[2] != b':' || hour > 24 || minute > 59 {
            return None;
        }
        ms += (hour * 60 + minute) * 60_000;
        rest = &rest[5..];
        if let Some(second) = rest.strip_prefix(':').and_then(|rest| two(rest, 0)) {
            ms += second * 1000;
            rest = &rest[3..];
            if let Some(fraction) = rest.strip_prefix('.') {
                let len = fraction.bytes().take_while(u8::is_ascii_digit).count();
                let first = fraction[..len.min(3)].parse::<i64>().ok()?;
                ms += first * 10_i64.pow(3 - u32::try_from(len.min(3)).ok()?);
                rest = &fraction[len..];
            }
        }
    }
    let rest = rest.trim();
    let zone = match rest.as_bytes().first() {
        None => offset_s,
        Some(b'Z' | b'z' | b'U' | b'u' | b'G' | b'g') => 0,
        Some(sign @ (b'+' | b'-')) => {
            let colon = usize::from(rest.as_bytes().get(3) == Some(&b':'));
            let offset = two(rest, 1)? * 3600 + two(rest, 3 + colon).unwrap_or(0) * 60;
            if *sign == b'+' { offset } else { -offset }
        }
        Some(_) => return None,
    };
    Some(Timestamp(ms - zone * 1000))
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, also without the weekday, and the two obsolete forms of RFC
/// 9110: `Wednesday, 21-Oct-26 07:28:00 GMT` and `Wed Oct 21 07:28:00 2026`.
pub(super) fn http_date(value: &str) -> Option<Timestamp> {
    let rest = value.split_once(", ").map_or(value, |(_, rest)| rest);
    let parts: Vec<&str> = rest.split([' ', '-']).filter(|part| !part.is_empty()).collect();
    let (day, month, year, time) = match parts[..] {
        [day, month, year, time, ..] if day.as_bytes()[0].is_ascii_digit() => {
            (day, month, year, time)
        }
        [_, month, day, time, year, ..] => (day, month, year, time),
        _ => return None,
    };
    let day: i64 = day.parse().ok()?;
    let year = match year.parse().ok()? {
        short @ 0..70 => 2000 + short,
        short @ 70..100 => 1900 + short,
        year => year,
    };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(month))?;
    let (hour, minute, second) = (two(time, 0)?, two(time, 3)?, two(time, 6)?);
    if !(1970..10_000).contains(&year) {
        return None;
    }
    let seconds = days(year, i64::try_from(month).ok()? + 1, day)? * 86_400
        + hour * 3600
        + minute * 60
        + second;
    Some(Timestamp(seconds * 1000))
}

fn two(s: &str, at: usize) -> Option<i64> {
    let digits = s.get(at..at + 2)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
