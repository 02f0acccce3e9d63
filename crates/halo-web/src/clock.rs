//! The present, and instants as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use halo_types::Timestamp;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// The present instant.
pub(crate) fn now() -> Timestamp {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// A time zone as a fixed distance from UTC, as the browser told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Zone {
    /// Minutes east of UTC.
    east_min: i64,
}

impl Zone {
    /// The zone a given number of minutes east of UTC; beyond 14 hours it is UTC.
    pub(crate) fn east(minutes: i64) -> Self {
        Self { east_min: if minutes.abs() <= 14 * 60 { minutes } else { 0 } }
    }

    /// Milliseconds east of UTC.
    pub(crate) const fn east_ms(self) -> i64 {
        self.east_min * MINUTE_MS
    }

    fn local_ms(self, at: Timestamp) -> i64 {
        at.0.saturating_add(self.east_min * MINUTE_MS)
    }

    /// The number of the local day, from 1970-01-01.
    pub(crate) fn day(self, at: Timestamp) -> i64 {
        self.local_ms(at).div_euclid(DAY_MS)
    }

    /// `2026-11-22`, local.
    pub(crate) fn date_text(self, at: Timestamp) -> String {
        let (year, month, day) = civil(self.day(at));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `2026-11-22 18:43`, local.
    pub(crate) fn minute_text(self, at: Timestamp) -> String {
        let ms = self.local_ms(at);
        let (year, month, day) = civil(ms.div_euclid(DAY_MS));
        let minutes = ms.rem_euclid(DAY_MS) / MINUTE_MS;
        format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// `18:43`, local; with its date where that is not the day of `now`.
    pub(crate) fn near_text(self, at: Timestamp, now: Timestamp) -> String {
        if self.day(at) == self.day(now) { self.time_text(at) } else { self.minute_text(at) }
    }

    /// `18:43`, local.
    pub(crate) fn time_text(self, at: Timestamp) -> String {
        let minutes = self.local_ms(at).rem_euclid(DAY_MS) / MINUTE_MS;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// RFC 3339 in UTC, for `datetime` attributes.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MS));
    let ms = at.0.rem_euclid(DAY_MS);
    let (s, ms) = (ms / 1000, ms % 1000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z",
        s / 3600,
        s / 60 % 60,
        s % 60
    )
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_as_dates() {
        let at = Timestamp(1_795_372_991_042);
        assert_eq!(rfc3339(at), "2026-11-22T18:43:11.042Z");
        assert_eq!(Zone::default().minute_text(at), "2026-11-22 18:43");
        assert_eq!(Zone::east(480).minute_text(at), "2026-11-23 02:43");
        assert_eq!(Zone::east(-300).time_text(at), "13:43");
        assert_eq!(Zone::east(100_000), Zone::default());
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp(951_782_400_000)), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(Zone::east(480).day(Timestamp(0)), 0);
        assert_eq!(Zone::east(-60).day(Timestamp(0)), -1);
    }
}
