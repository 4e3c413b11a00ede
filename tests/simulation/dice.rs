//! The one source of chance: a seed decides everything that happens.

use std::ops::Range;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Throws that follow from a seed alone.
pub struct Dice(StdRng);

impl Dice {
    /// The dice of a seed, for one purpose: dice of different purposes do not disturb each other.
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self(StdRng::seed_from_u64(seed ^ purpose.rotate_left(48)))
    }

    /// Whether something happens that happens so many times in a thousand.
    pub fn thousandth(&mut self, of: u32) -> bool {
        of > 0 && self.0.random_range(0..1000) < of
    }

    /// A number of the range.
    pub fn number(&mut self, range: Range<u64>) -> u64 {
        self.0.random_range(range)
    }

    /// A time between so many milliseconds.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = self.0.random_range(0..from.len());
        from[at].clone()
    }
}
