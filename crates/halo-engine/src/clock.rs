//! The engine's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use halo_types::Timestamp;

/// The present moment.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The clock by which turns are dated and wait. It shows the system's time, or runs faster from
/// there, so that trials sit out the waits of hours within seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock(Option<Fast>);

#[derive(Debug, Clone, Copy)]
struct Fast {
    from: Timestamp,
    began: Instant,
    times: u32,
}

impl Clock {
    /// A clock that starts at the present and runs this many times as fast as time does.
    #[must_use]
    pub fn fast(times: u32) -> Self {
        Self(Some(Fast { from: now(), began: Instant::now(), times: times.max(1) }))
    }

    /// What it shows.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self.0 {
            None => now(),
            Some(fast) => {
                let passed = fast.began.elapsed().as_micros() * u128::from(fast.times) / 1_000;
                fast.from.plus_ms(u64::try_from(passed).unwrap_or(u64::MAX))
            }
        }
    }

    /// Sleeps until it shows `at`. A clock of the system that is set, or a machine that slept,
    /// is noticed within a minute.
    pub async fn sleep_until(self, at: Timestamp) {
        const LOOK_AGAIN: Duration = Duration::from_secs(60);
        loop {
            let left = at.ms_since(self.now());
            if left == 0 {
                return;
            }
            let times = self.0.map_or(1, |fast| u64::from(fast.times));
            // Rounded up, so that it does not wake before its time.
            let real = Duration::from_micros((left * 1_000).div_ceil(times));
            tokio::time::sleep(real.min(LOOK_AGAIN)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fast_clock_sits_out_an_hour_in_no_time() {
        let clock = Clock::fast(1_000_000);
        let began = Instant::now();
        let due = clock.now().plus_ms(3_600_000);
        clock.sleep_until(due).await;
        assert!(clock.now() >= due);
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
