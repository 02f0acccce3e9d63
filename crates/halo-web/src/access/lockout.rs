//! How often a password may be guessed.
//!
//! Some tries are free. After them each wrong one locks its network for a time that doubles; a
//! crowd of networks is slowed as a whole. Browsers that are signed in and links from the
//! terminal are never locked out, so nobody can shut the owner out for good.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use halo_types::Timestamp;

/// Wrong tries of one network that cost nothing.
const FREE: u32 = 5;
/// Wrong tries of all networks together that cost nothing.
const FREE_IN_ALL: u32 = 50;
/// The first lock.
const FIRST_MS: u64 = 60_000;
/// The longest lock of one network.
const LONGEST_MS: u64 = 60 * 60 * 1000;
/// After so long without a wrong try, all is forgotten.
const FORGET_MS: u64 = 24 * 60 * 60 * 1000;
/// Networks that are remembered.
const MOST: usize = 4096;

/// Who guesses: an address, or the part of an IPv6 address that one subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    /// The network of an address; those that are not known share one.
    pub(super) fn of(ip: Option<IpAddr>) -> Self {
        Self(match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V6(v6)) => {
                let [a, b, c, d, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            Some(v4) => v4,
            None => Ipv6Addr::UNSPECIFIED.into(),
        })
    }
}

/// Wrong tries in a row.
#[derive(Debug, Clone, Copy, Default)]
struct Misses {
    count: u32,
    last: Timestamp,
}

impl Misses {
    /// Until when nothing is tried.
    fn locked_until(self, free: u32, longest_ms: u64) -> Option<Timestamp> {
        let over = self.count.checked_sub(free)?;
        let lock = FIRST_MS.saturating_mul(1 << over.min(20)).min(longest_ms);
        Some(self.last.plus_ms(lock))
    }

    fn add(&mut self, now: Timestamp) {
        self.count = self.count.saturating_add(1);
        self.last = now;
    }

    fn is_old(self, now: Timestamp) -> bool {
        now.ms_since(self.last) >= FORGET_MS
    }
}

/// The wrong tries of every network.
#[derive(Debug, Default)]
pub(super) struct Lockout {
    networks: HashMap<Network, Misses>,
    all: Misses,
}

impl Lockout {
    /// A try begins; it counts as wrong until [`Lockout::passed`] says otherwise. `Err` holds
    /// until when none is taken.
    pub(super) fn begin(&mut self, from: Network, now: Timestamp) -> Result<(), Timestamp> {
        let mut misses = self.networks.get(&from).copied().unwrap_or_default();
        if misses.is_old(now) {
            misses = Misses::default();
        }
        if self.all.is_old(now) {
            self.all = Misses::default();
        }
        let own = misses.locked_until(FREE, LONGEST_MS);
        let shared = self.all.locked_until(FREE_IN_ALL, FIRST_MS);
        if let Some(until) = own.max(shared).filter(|until| now < *until) {
            return Err(until);
        }
        misses.add(now);
        self.all.add(now);
        if self.networks.len() >= MOST && !self.networks.contains_key(&from) {
            self.forget_oldest();
        }
        self.networks.insert(from, misses);
        Ok(())
    }

    /// The try was right.
    pub(super) fn passed(&mut self, from: Network) {
        let own = self.networks.remove(&from).map_or(0, |misses| misses.count);
        self.all.count = self.all.count.saturating_sub(own);
    }

    fn forget_oldest(&mut self) {
        let oldest = self.networks.iter().min_by_key(|(_, misses)| misses.last);
        if let Some(oldest) = oldest.map(|(network, _)| *network) {
            self.networks.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn network(text: &str) -> Network {
        Network::of(Some(text.parse().unwrap()))
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp(0).plus_ms(ms)
    }

    #[test]
    fn five_are_free_then_the_lock_doubles_up_to_an_hour() {
        let mut lockout = Lockout::default();
        let from = network("192.168.1.4");
        let mut now = at(FORGET_MS);
        for _ in 0..5 {
            assert_eq!(lockout.begin(from, now), Ok(()));
        }
        let mut locks = Vec::new();
        for _ in 0..8 {
            let until = lockout.begin(from, now).unwrap_err();
            assert!(lockout.begin(from, Timestamp(until.0 - 1)).is_err(), "to the millisecond");
            locks.push(until.ms_since(now) / MINUTE);
            now = until;
            assert_eq!(lockout.begin(from, now), Ok(()));
        }
        assert_eq!(locks, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(lockout.begin(network("192.168.1.5"), now), Ok(()), "others are free");
        assert_eq!(lockout.begin(from, now.plus_ms(FORGET_MS)), Ok(()), "and a day forgets");
    }

    #[test]
    fn a_right_one_clears_the_wrong_ones() {
        let mut lockout = Lockout::default();
        let from = network("10.0.0.1");
        for round in 0..100 {
            for _ in 0..4 {
                assert_eq!(lockout.begin(from, at(round)), Ok(()));
            }
            lockout.passed(from);
        }
    }

    #[test]
    fn a_crowd_is_slowed_as_a_whole() {
        let mut lockout = Lockout::default();
        let now = at(FORGET_MS);
        let tried = (0..10_000_u32).filter(|n| {
            let ip = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            lockout.begin(Network::of(Some(ip)), now).is_ok()
        });
        assert_eq!(tried.count(), 50);
        assert_eq!(lockout.begin(network("11.0.0.1"), now.plus_ms(MINUTE)), Ok(()));
        assert!(lockout.begin(network("11.0.0.2"), now.plus_ms(MINUTE)).is_err());
    }

    #[test]
    fn a_subscriber_has_one_network_and_memory_is_bounded() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
        let mut lockout = Lockout::default();
        for n in 0..10_000_u32 {
            let ip = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let _ = lockout.begin(Network::of(Some(ip)), at(u64::from(n) * 2 * MINUTE));
        }
        assert!(lockout.networks.len() <= MOST);
    }
}
