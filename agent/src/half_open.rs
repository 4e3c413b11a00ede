//! How many handshakes are under way, and from where: strangers must not keep the controller out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// In all; each holds some tens of kilobytes until it has ended or its time is over.
const MOST: usize = 64;
/// From one address. The controller opens one connection at a time, and who shares its address
/// (a gateway) must not fill all places.
const MOST_EACH: usize = 8;

/// The handshakes under way.
#[derive(Debug, Default)]
pub struct HalfOpen(Mutex<HashMap<IpAddr, usize>>);

/// One of them; it is over when this is dropped.
#[derive(Debug)]
pub struct Place {
    counts: Arc<HalfOpen>,
    from: IpAddr,
}

impl HalfOpen {
    /// A place for one more; `None` if there is none left, in all or for this address.
    #[must_use]
    pub fn enter(self: Arc<Self>, address: IpAddr) -> Option<Place> {
        let from = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let of_address = counts.get(&from).copied().unwrap_or_default();
        if all >= MOST || of_address >= MOST_EACH {
            return None;
        }
        counts.insert(from, of_address + 1);
        drop(counts);
        Some(Place { counts: self, from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

/// What counts as one address: of IPv6 the first 64 bits, since one machine has all of the rest
/// (RFC 4291 section 2.5.4).
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(half_open: &Arc<HalfOpen>, address: &str, count: usize) -> Vec<Place> {
        let enter = || Arc::clone(half_open).enter(address.parse().unwrap());
        let places: Vec<Place> = (0..count).filter_map(|_| enter()).collect();
        places
    }

    #[test]
    fn one_address_takes_its_share_and_gives_it_back() {
        let half_open = Arc::new(HalfOpen::default());
        let places = take(&half_open, "192.0.2.1", 100);
        assert_eq!(places.len(), MOST_EACH);
        // The same machine by other names.
        assert_eq!(take(&half_open, "::ffff:192.0.2.1", 1).len(), 0);
        let other = take(&half_open, "2001:db8::1", 100);
        assert_eq!(other.len(), MOST_EACH);
        assert_eq!(take(&half_open, "2001:db8::ffff:1", 1).len(), 0);
        assert_eq!(take(&half_open, "2001:db8:0:1::1", 1).len(), 1);
        drop(places);
        assert_eq!(take(&half_open, "192.0.2.1", 100).len(), MOST_EACH);
        drop(other);
        assert!(half_open.0.lock().unwrap().is_empty());
    }

    #[test]
    fn all_together_take_no_more_than_there_is() {
        let half_open = Arc::new(HalfOpen::default());
        let addresses = (1..20).map(|last| format!("192.0.2.{last}"));
        let places: Vec<Place> = addresses
            .flat_map(|address| take(&half_open, &address, 100))
            .collect();
        assert_eq!(places.len(), MOST);
    }
}
