//! Days and instants of the Gregorian calendar, in UTC.

use halo_types::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days from 1970-01-01 to a day; `None` where there is no such day.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let small = |number| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    Some(date.duration_since(EPOCH).as_hours() / 24)
}

/// Date and time of an instant; beyond the years that a calendar holds, its first or last one.
pub(crate) fn date_time(at: Timestamp) -> DateTime {
    let bound = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(bound);
    at.to_zoned_datetime(TimeZone::UTC).datetime()
}

/// An instant as RFC 3339, in whole seconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    date_time(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-200_000..200_000).step_by(37) {
            let date = date_time(Timestamp(day * 86_400_000)).date();
            let back = days(date.year().into(), date.month().into(), date.day().into());
            assert_eq!(back, Some(day));
        }
        assert_eq!(days(2026, 2, 29), None);
        assert_eq!(days(2024, 2, 29), Some(19_782));
        assert_eq!(days(99_999, 1, 1), None);
        assert_eq!(rfc3339(Timestamp(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59Z");
        assert!(rfc3339(Timestamp(i64::MAX)).starts_with("9999-12-"));
    }
}
