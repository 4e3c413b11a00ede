//! Strangers in a crowd: whose places they take, who gives way, and how often it is told of them.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// What counts as one address: of IPv6 the first 64 bits, since one machine has all of the rest
/// (RFC 4291 section 2.5.4).
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

/// How many may be there at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub all: usize,
    /// From one address.
    pub each: usize,
}

impl Room {
    /// Who gives way to one more that `comes`, by its place among those who are `there`, the oldest
    /// first: the oldest of its own address, or of all, where there are as many as may be. Whoever
    /// is honest is done in a moment; who stays and says nothing is the one to go.
    #[must_use]
    pub fn gives_way(
        self,
        there: impl ExactSizeIterator<Item = IpAddr> + Clone,
        comes: IpAddr,
    ) -> Option<usize> {
        let own = |address: IpAddr| address == comes;
        if there.clone().filter(|one| own(*one)).count() >= self.each {
            return there.clone().position(own);
        }
        (there.len() >= self.all).then_some(0)
    }
}

/// A line of a log that strangers can cause: so many in a while are written, and then how many
/// there were besides.
#[derive(Debug)]
pub struct Seldom {
    most: u32,
    within: Duration,
    since: Duration,
    told: u32,
    untold: u64,
}

impl Seldom {
    /// So many lines `within` that time.
    #[must_use]
    pub const fn new(most: u32, within: Duration) -> Self {
        Self {
            most,
            within,
            since: Duration::ZERO,
            told: 0,
            untold: 0,
        }
    }

    /// Whether a line is written at `now`, by a clock that only rises; if so, how many were not
    /// since the last one.
    pub fn tell(&mut self, now: Duration) -> Option<u64> {
        if now.saturating_sub(self.since) >= self.within {
            (self.since, self.told) = (now, 0);
        }
        if self.told >= self.most {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        network(text.parse().unwrap())
    }

    #[test]
    fn one_machine_is_one_address() {
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    }

    #[test]
    fn the_oldest_of_an_address_gives_way_and_then_the_oldest_of_all() {
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let room = Room { all: 3, each: 2 };
        let gives_way = |there: &[IpAddr], comes| room.gives_way(there.iter().copied(), comes);
        assert_eq!(gives_way(&[], one), None);
        assert_eq!(gives_way(&[one], one), None);
        assert_eq!(gives_way(&[other, one, one], one), Some(1));
        assert_eq!(gives_way(&[other, one, one], other), Some(0));
        assert_eq!(gives_way(&[other, one], one), None);
    }

    #[test]
    fn a_flood_fills_no_log() {
        let mut seldom = Seldom::new(2, Duration::from_secs(60));
        let at = Duration::from_millis;
        let told: Vec<_> = (100_000..101_000).map(|now| seldom.tell(at(now))).collect();
        assert_eq!(told[..3], [Some(0), Some(0), None]);
        assert_eq!(told.iter().flatten().count(), 2);
        assert_eq!(seldom.tell(at(159_999)), None);
        assert_eq!(seldom.tell(at(160_000)), Some(999));
        assert_eq!(seldom.tell(at(160_000)), Some(0));
    }
}
