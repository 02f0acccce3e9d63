//! Times as programs write them at the head of a line.

use std::sync::LazyLock;

use halo_types::Timestamp;
use memchr::memmem;

use crate::calendar::{date_time, days};

/// An instant as a log tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Milliseconds since 1970. Where the log names a zone, in UTC; else the clock as written.
    pub ms: i64,
    /// Whether the log names a zone (or counts seconds since 1970).
    pub zoned: bool,
}

/// How much of a line is looked at for a time.
const HEAD: usize = 240;

/// The first time that stands in a line. `now`, in milliseconds since 1970, tells the year where
/// the log leaves it out.
pub(super) fn find(line: &[u8], now: Option<i64>) -> Option<Stamp> {
    if line.first() == Some(&b'{')
        && let Some(stamp) = json(line)
    {
        return Some(stamp);
    }
    let head = &line[..line.len().min(HEAD)];
    let mut at = 0;
    while at < head.len() {
        let b = head[at];
        let begins = at == 0 || !head[at - 1].is_ascii_alphanumeric();
        if begins && b.is_ascii_digit() {
            if let Some(stamp) = iso(&head[at..]).or_else(|| day_first(&head[at..])) {
                return Some(stamp);
            }
            if at <= 1
                && let Some(stamp) = epoch(&head[at..])
            {
                return Some(stamp);
            }
            at += head[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        } else if begins && b.is_ascii_uppercase() {
            if let Some(stamp) = syslog(&head[at..], now).or_else(|| klog(&head[at..], now)) {
                return Some(stamp);
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    None
}

/// A time field of a JSON record.
fn json(line: &[u8]) -> Option<Stamp> {
    // A search is not set up anew for each line.
    static KEYS: LazyLock<[memmem::Finder<'static>; 9]> = LazyLock::new(|| {
        [
            "\"time\":",
            "\"ts\":",
            "\"@timestamp\":",
            "\"timestamp\":",
            "\"asctime\":",
            "\"datetime\":",
            "\"t\":",
            "\"date\":",
            "\"__REALTIME_TIMESTAMP\":",
        ]
        .map(memmem::Finder::new)
    });
    KEYS.iter().find_map(|key| {
        let found = key.find(line)?;
        let value = line[found + key.needle().len()..].trim_ascii_start();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        iso(value).or_else(|| epoch(value))
    })
}

/// `2026-11-01T12:00:00.123+01:00`, `2026-11-01 12:00:00,123`, `2026/11/01 - 12:00:00`.
fn iso(text: &[u8]) -> Option<Stamp> {
    let mut at = 0;
    let year = digits(text, &mut at, 4)?;
    let separator = *text.get(at)?;
    if separator != b'-' && separator != b'/' {
        return None;
    }
    at += 1;
    let month = digits(text, &mut at, 2)?;
    expect(text, &mut at, separator)?;
    let day = digits(text, &mut at, 2)?;
    match text.get(at)? {
        b'T' | b't' | b'_' => at += 1,
        b' ' if text[at..].starts_with(b" - ") => at += 3,
        b' ' => at += 1,
        _ => return None,
    }
    let time = clock(text, &mut at)?;
    let offset = zone(text, at);
    stamp(year, month, day, time, offset)
}

/// `01/Nov/2026:12:00:00 +0000` of Apache and nginx, `01-Nov-2026 12:00:00.123` of Tomcat.
fn day_first(text: &[u8]) -> Option<Stamp> {
    let mut at = 0;
    let day = digits(text, &mut at, 2)?;
    let separator = *text.get(at).filter(|b| b"/- ".contains(b))?;
    at += 1;
    let month = month(text.get(at..at + 3)?)?;
    at += 3;
    expect(text, &mut at, separator)?;
    let year = digits(text, &mut at, 4)?;
    text.get(at).filter(|b| b": ".contains(b))?;
    at += 1;
    let time = clock(text, &mut at)?;
    let offset = zone(text, at);
    stamp(year, month, day, time, offset)
}

/// `Nov  1 12:00:00`, and with a year behind as in `Sun Nov  1 12:00:00 2026`.
fn syslog(text: &[u8], now: Option<i64>) -> Option<Stamp> {
    let month = month(text.get(..3)?)?;
    let mut at = 3;
    expect(text, &mut at, b' ')?;
    if text.get(at) == Some(&b' ') {
        at += 1;
    }
    let width = text[at..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    let day = digits(text, &mut at, width)?;
    expect(text, &mut at, b' ')?;
    let time = clock(text, &mut at)?;
    if text.get(at) == Some(&b' ')
        && let Some(year) = digits(text, &mut (at + 1), 4).filter(|y| (1990..2200).contains(y))
    {
        return stamp(year, month, day, time, None);
    }
    without_year(month, day, time, now)
}

/// `E1101 12:00:00.123456`
fn klog(text: &[u8], now: Option<i64>) -> Option<Stamp> {
    text.first().filter(|b| b"IWEF".contains(b))?;
    let mut at = 1;
    let month = digits(text, &mut at, 2)?;
    let day = digits(text, &mut at, 2)?;
    expect(text, &mut at, b' ')?;
    let time = clock(text, &mut at)?;
    without_year(month, day, time, now)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, between 2001 and 2100.
fn epoch(text: &[u8]) -> Option<Stamp> {
    let width = text.iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    let number: i64 = std::str::from_utf8(&text[..width]).ok()?.parse().ok()?;
    let ms = match width {
        10 => {
            let mut at = width;
            let ms = fraction(text, &mut at);
            number * 1000 + ms
        }
        13 => number,
        16 => number / 1000,
        19 => number / 1_000_000,
        _ => return None,
    };
    (1_000_000_000_000..4_102_444_800_000).contains(&ms).then_some(Stamp { ms, zoned: true })
}

/// The last such day that is not in the future.
fn without_year(month: i64, day: i64, time: i64, now: Option<i64>) -> Option<Stamp> {
    let now = now?;
    let year = year_of(now);
    let found = stamp(year, month, day, time, None)?;
    // Clocks and zones differ by up to a day.
    if found.ms <= now + 86_400_000 { Some(found) } else { stamp(year - 1, month, day, time, None) }
}

/// `12:00:00` and a fraction, in milliseconds of the day.
fn clock(text: &[u8], at: &mut usize) -> Option<i64> {
    let hour = digits(text, at, 2)?;
    expect(text, at, b':')?;
    let minute = digits(text, at, 2)?;
    expect(text, at, b':')?;
    let second = digits(text, at, 2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let ms = fraction(text, at);
    Some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

fn fraction(text: &[u8], at: &mut usize) -> i64 {
    if !text.get(*at).is_some_and(|b| b".,".contains(b))
        || !text.get(*at + 1).is_some_and(u8::is_ascii_digit)
    {
        return 0;
    }
    *at += 1;
    let mut ms = 0;
    let mut weight = 100;
    while let Some(digit) = text.get(*at).filter(|b| b.is_ascii_digit()) {
        ms += i64::from(digit - b'0') * weight;
        weight /= 10;
        *at += 1;
    }
    ms
}

/// The offset of the zone in minutes.
fn zone(text: &[u8], mut at: usize) -> Option<i64> {
    if text.get(at) == Some(&b' ') {
        at += 1;
        if text[at..].starts_with(b"UTC") || text[at..].starts_with(b"GMT") {
            return Some(0);
        }
    }
    match *text.get(at)? {
        b'Z' => Some(0),
        sign @ (b'+' | b'-') => {
            at += 1;
            let hours = digits(text, &mut at, 2)?;
            if text.get(at) == Some(&b':') {
                at += 1;
            }
            let minutes = digits(text, &mut at, 2).unwrap_or(0);
            let whole = text.get(at).is_none_or(|b| !b.is_ascii_alphanumeric());
            let offset = hours * 60 + minutes;
            (whole && hours < 15).then_some(if sign == b'-' { -offset } else { offset })
        }
        _ => None,
    }
}

fn stamp(year: i64, month: i64, day: i64, time: i64, offset: Option<i64>) -> Option<Stamp> {
    if !(1970..2200).contains(&year) {
        return None;
    }
    let ms = days(year, month, day)? * 86_400_000 + time - offset.unwrap_or(0) * 60_000;
    Some(Stamp { ms, zoned: offset.is_some() })
}

fn year_of(ms: i64) -> i64 {
    date_time(Timestamp(ms)).year().into()
}

fn month(name: &[u8]) -> Option<i64> {
    const NAMES: &[&[u8; 3]] = &[
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let at = NAMES.iter().position(|known| known.as_slice() == name)?;
    i64::try_from(at + 1).ok()
}

fn digits(text: &[u8], at: &mut usize, width: usize) -> Option<i64> {
    let part = text.get(*at..*at + width)?;
    if width == 0 || !part.iter().all(u8::is_ascii_digit) {
        return None;
    }
    *at += width;
    Some(part.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn expect(text: &[u8], at: &mut usize, byte: u8) -> Option<()> {
    (text.get(*at) == Some(&byte)).then(|| *at += 1)
}

impl Stamp {
    /// The time as text: `2026-11-01 12:00:00`, with `Z` behind where the zone is known.
    #[must_use]
    pub fn text(self) -> String {
        let zone = if self.zoned { "Z" } else { "" };
        let at = date_time(Timestamp(self.ms));
        format!("{}{zone}", at.strftime("%Y-%m-%d %H:%M:%S"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_usual_forms() {
        const NOW: i64 = 1_793_534_400_000; // 2026-11-01T12:00:00Z
        for (line, want) in [
            ("2026-11-01T12:00:00Z x", "2026-11-01 12:00:00Z"),
            ("2026-11-01T12:00:00.123+01:00 x", "2026-11-01 11:00:00Z"),
            ("[2026-11-01 12:00:00,123] x", "2026-11-01 12:00:00"),
            ("2026/11/01 12:00:00 [error] x", "2026-11-01 12:00:00"),
            ("[GIN] 2026/11/01 - 12:00:00 | 429 |", "2026-11-01 12:00:00"),
            ("1.2.3.4 - - [01/Nov/2026:12:00:00 +0100] \"GET", "2026-11-01 11:00:00Z"),
            ("Nov  1 12:00:00 host x[1]: y", "2026-11-01 12:00:00"),
            ("Dec 31 23:59:59 host x[1]: y", "2025-12-31 23:59:59"),
            ("E1101 12:00:00.123456 1 a.go:1] x", "2026-11-01 12:00:00"),
            ("1793534400 x", "2026-11-01 12:00:00Z"),
            ("{\"ts\":1793534400.5,\"msg\":\"x\"}", "2026-11-01 12:00:00Z"),
            ("{\"level\":50,\"time\":1793534400123}", "2026-11-01 12:00:00Z"),
            ("{\"@timestamp\":\"2026-11-01T12:00:00.000Z\"}", "2026-11-01 12:00:00Z"),
            ("{\"timestamp\": \"2026-11-01 12:00:00\"}", "2026-11-01 12:00:00"),
            ("Sun Nov  1 12:00:00 2020 x", "2020-11-01 12:00:00"),
            ("01-Nov-2026 12:00:00.123 SEVERE x", "2026-11-01 12:00:00"),
        ] {
            let found = find(line.as_bytes(), Some(NOW)).map(Stamp::text);
            assert_eq!(found.as_deref(), Some(want), "{line}");
        }
        for line in
            ["req-2026-11 x", "12:00:00 INFO", "id 17935344001 x", "2026-13-01T12:00:00Z", ""]
        {
            assert_eq!(find(line.as_bytes(), Some(NOW)), None, "{line}");
        }
        assert_eq!(find(b"Nov  1 12:00:00 x", None), None);
    }
}
