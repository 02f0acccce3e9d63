//! Growing waits with jitter.

/// The first wait.
const BASE_MS: u64 = 1_000;
/// The longest wait that backoff alone asks for.
const CAP_MS: u64 = 30_000;

/// Milliseconds to wait before the try after `failures` failures (at least one): doubling from
/// one second, of which the upper half is drawn from `random`.
pub(crate) fn backoff_ms(failures: u32, random: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let full = (BASE_MS << doublings).min(CAP_MS);
    full / 2 + random % (full / 2 + 1)
}

/// One step of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): small, seedable, good enough
/// to spread retries.
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_bounds() {
        let mut state = 1;
        for failures in 1..40 {
            for _ in 0..50 {
                let ms = backoff_ms(failures, next_random(&mut state));
                let full = (BASE_MS << (failures - 1).min(16)).min(CAP_MS);
                assert!((full / 2..=full).contains(&ms), "{failures}: {ms}");
            }
        }
    }
}
