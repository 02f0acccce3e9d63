//! Where the person is, as far as the clock is concerned.

use jiff::tz::TimeZone;

/// The time zone of this machine: of `TZ`, else of the system; `None` where neither tells.
#[must_use]
pub fn local_zone() -> Option<TimeZone> {
    TimeZone::try_system().ok()
}
