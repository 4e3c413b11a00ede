//! Chance that a seed replays.

/// xorshift64: enough to pick faults.
pub(super) struct Dice(pub u64);

impl Dice {
    /// True in so many of a hundred throws.
    pub(super) fn below(&mut self, percent: u64) -> bool {
        self.draw(100) < percent
    }

    /// A number from 0 on, less than `sides`.
    pub(super) fn draw(&mut self, sides: u64) -> u64 {
        let Self(state) = self;
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % sides
    }
}
