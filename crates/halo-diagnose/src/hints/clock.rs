//! Times of day: "resets 3pm (America/Los_Angeles)", "明日0点重置".

use halo_types::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{ToSpan as _, ZonedDateTime};

use crate::hits::Hits;
use crate::pattern::Found;
use crate::table::built_in;
use crate::unwrap::Layer;

/// The next instant after `now` at which a clock shows the time that the text names as the end
/// of a limit. Without a zone in the text it is the person's clock; where that is not known
/// either, nothing is reckoned.
pub(super) fn next(
    layer: &Layer,
    index: usize,
    hits: &Hits,
    now: Timestamp,
    zone: Option<&TimeZone>,
) -> Option<Timestamp> {
    let patterns = &built_in().hints;
    let time = patterns
        .clock
        .captures(layer, index, hits)
        .and_then(|found| Clock::western(&found))
        .or_else(|| patterns.clock_cjk.captures(layer, index, hits).and_then(|f| Clock::cjk(&f)))?;
    let zone = time.zone.clone().or_else(|| zone.cloned())?;
    let now = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned_datetime(zone);
    let at = time.after(&now)?;
    Some(Timestamp(at.timestamp().as_millisecond()))
}

/// A time of day with what stands beside it.
struct Clock {
    time: Time,
    day: Day,
    zone: Option<TimeZone>,
}

enum Day {
    /// The next one on which the time is still to come.
    Next,
    Tomorrow,
    Weekday(Weekday),
    /// A month and a day, perhaps with a year.
    Date(i8, i8, Option<i16>),
}

impl Clock {
    fn western(found: &Found<'_>) -> Option<Self> {
        let text = |name: &str| found.name(name);
        let number = |name: &str| text(name).and_then(|digits| digits.parse::<i16>().ok());
        let half = text("half").map(|half| half.as_bytes()[0].to_ascii_lowercase());
        let hour = number("hour");
        let time = match (text("named"), hour) {
            (Some(name), _) => {
                Time::new(if name.eq_ignore_ascii_case("noon") { 12 } else { 0 }, 0, 0, 0)
            }
            // "resets 5" may be anything; a time has minutes or a half of the day.
            (None, Some(hour)) if half.is_some() || text("minute").is_some() => {
                let hour = match half {
                    Some(b'p') if hour < 12 => hour + 12,
                    Some(b'a') if hour == 12 => 0,
                    _ => hour,
                };
                let minute = number("minute").unwrap_or(0);
                Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0)
            }
            (None, _) if text("month").is_some() => Ok(Time::midnight()),
            _ => return None,
        };
        let day = if let Some(month) = text("month") {
            Day::Date(month_number(month)?, i8::try_from(number("day")?).ok()?, number("year"))
        } else if let Some(weekday) = text("weekday") {
            Day::Weekday(weekday_named(weekday)?)
        } else if text("day_word").is_some_and(|word| word.eq_ignore_ascii_case("tomorrow")) {
            Day::Tomorrow
        } else {
            Day::Next
        };
        let zone = match text("zone") {
            Some(name) => Some(zone_named(name)?),
            None => None,
        };
        Some(Self { time: time.ok()?, day, zone })
    }

    fn cjk(found: &Found<'_>) -> Option<Self> {
        let either = |a: &str, b: &str| found.name(a).or_else(|| found.name(b));
        let number = |text: Option<&str>| text.and_then(|digits| digits.parse::<i8>().ok());
        let hour = number(either("hour", "hour2"))?;
        let minute = number(either("minute", "minute2")).unwrap_or(0);
        let word = either("day_word", "day_word2").unwrap_or_default();
        let tomorrow = ["明日", "明天", "次日", "翌日", "내일"].contains(&word);
        // Midnight of a day is its end where nothing else is said.
        let time = Time::new(hour % 24, minute, 0, 0).ok()?;
        let zone = TimeZone::get("Asia/Shanghai").ok();
        Some(Self { time, day: if tomorrow { Day::Tomorrow } else { Day::Next }, zone })
    }

    fn after(&self, now: &ZonedDateTime) -> Option<ZonedDateTime> {
        let zone = now.time_zone();
        let on = |date: Date| date.to_datetime(self.time).to_zoned_datetime(zone.clone()).ok();
        let today = now.date();
        match self.day {
            Day::Tomorrow => on(today.tomorrow().ok()?),
            Day::Next => on(today).filter(|at| at > now).or_else(|| on(today.tomorrow().ok()?)),
            Day::Weekday(weekday) if today.weekday() == weekday => {
                on(today).filter(|at| at > now).or_else(|| on(today.checked_add(7.days()).ok()?))
            }
            Day::Weekday(weekday) => on(today.nth_weekday(1, weekday).ok()?),
            Day::Date(month, day, Some(year)) => on(Date::new(year, month, day).ok()?),
            Day::Date(month, day, None) => {
                let this = Date::new(today.year(), month, day).ok().and_then(on);
                // A date without a year that is long past is next year's.
                this.filter(|at| *at >= now.saturating_sub(7.days()))
                    .or_else(|| on(Date::new(today.year() + 1, month, day).ok()?))
            }
        }
    }
}

fn month_number(name: &str) -> Option<i8> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let at = MONTHS.find(&name.to_ascii_lowercase())?;
    i8::try_from(at / 3 + 1).ok()
}

fn weekday_named(name: &str) -> Option<Weekday> {
    const DAYS: &str = "montuewedthufrisatsun";
    let at = DAYS.find(&name.to_ascii_lowercase())?;
    Weekday::from_monday_one_offset(i8::try_from(at / 3 + 1).ok()?).ok()
}

/// A zone by its name in the tz database, by its distance from UTC, or by an abbreviation that
/// people in one place use for it.
fn zone_named(name: &str) -> Option<TimeZone> {
    let upper = name.to_ascii_uppercase();
    if let Some(rest) = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")) {
        return offset(rest);
    }
    let place = match upper.as_str() {
        "Z" => return Some(TimeZone::UTC),
        "PT" | "PST" | "PDT" | "PACIFIC" => "America/Los_Angeles",
        "MT" | "MST" | "MDT" => "America/Denver",
        "CT" | "CDT" => "America/Chicago",
        "ET" | "EST" | "EDT" | "EASTERN" => "America/New_York",
        "CET" | "CEST" => "Europe/Paris",
        "BST" => "Europe/London",
        "JST" => "Asia/Tokyo",
        "KST" => "Asia/Seoul",
        "IST" => "Asia/Kolkata",
        // Central time of America, or China's: nothing tells.
        "CST" => return None,
        _ => name,
    };
    TimeZone::get(place).ok()
}

/// `+8`, `-05:30`, nothing.
fn offset(text: &str) -> Option<TimeZone> {
    if text.is_empty() {
        return Some(TimeZone::UTC);
    }
    let negative = text.starts_with('-');
    let digits = text[1..].replace(':', "");
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i32>().ok()?, 0),
        3 | 4 => {
            let (hours, minutes) = digits.split_at(digits.len() - 2);
            (hours.parse().ok()?, minutes.parse::<i32>().ok()?)
        }
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    Some(TimeZone::fixed(Offset::from_seconds(if negative { -seconds } else { seconds }).ok()?))
}
