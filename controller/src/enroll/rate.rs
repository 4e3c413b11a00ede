//! How often one address may try.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use keyroll::crowd::network;
use tokio::time::Instant;

/// Tries of one address within [`WINDOW`]: a site that joins many nodes at once from behind one
/// address waits a minute for the next ten.
const TRIES: usize = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered. When all of them have tried within the window, new ones are refused: a
/// flood must not make us forget whom we counted.
const ADDRESSES: usize = 10_000;

/// Recent tries by address.
#[derive(Debug, Default)]
pub(super) struct Rate(HashMap<IpAddr, Vec<Instant>>);

impl Rate {
    /// Counts a try, and says whether it is one too many.
    pub(super) fn allows(&mut self, address: IpAddr, now: Instant) -> bool {
        let recent = |tried: &Instant| now.saturating_duration_since(*tried) < WINDOW;
        let address = network(address);
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&address) {
            self.0.retain(|_, tries| tries.iter().any(recent));
            if self.0.len() >= ADDRESSES {
                return false;
            }
        }
        let tries = self.0.entry(address).or_default();
        tries.retain(recent);
        if tries.len() >= TRIES {
            return false;
        }
        tries.push(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn r23_the_eleventh_try_within_a_minute_is_one_too_many() {
        let mut rate = Rate::default();
        let (start, address) = (Instant::now(), "10.0.0.1".parse().unwrap());
        for second in 0..10 {
            assert!(rate.allows(address, start + Duration::from_secs(second)));
        }
        assert!(!rate.allows(address, start + Duration::from_secs(59)));
        assert!(rate.allows("10.0.0.2".parse().unwrap(), start + Duration::from_secs(59)));
        assert!(
            rate.allows(address, start + Duration::from_secs(60)),
            "the first is forgotten"
        );
        assert!(!rate.allows(address, start + Duration::from_secs(60)));
    }

    #[test]
    fn r23_a_flood_of_addresses_neither_grows_nor_resets_the_memory() {
        let mut rate = Rate::default();
        let now = Instant::now();
        for host in 0..20_000_u128 {
            let address = Ipv6Addr::from_bits(host << 64 | 1);
            assert_eq!(rate.allows(address.into(), now), host < ADDRESSES as u128);
        }
        assert_eq!(rate.0.len(), ADDRESSES);
        let one = |last: u16| IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, last));
        let allowed = (1..=50).filter(|last| rate.allows(one(*last), now)).count();
        assert_eq!(allowed, TRIES - 1, "one /64 counts as one");
    }
}
