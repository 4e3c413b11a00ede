//! What goes wrong by itself, and how often. Each seed has a weather of its own: a world in which
//! everything breaks at once explores less than many worlds in which a few things break.

use crate::dice::Dice;

/// Each number is out of a thousand occasions.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// A message to a node never gets there.
    pub lost: u32,
    /// It gets there, and the answer does not come back.
    pub unheard: u32,
    /// The call hangs until whoever asked gives up.
    pub hanging: u32,
    /// It gets there when nobody waits for an answer any more.
    pub late: u32,
    /// It gets there a second time, later.
    pub twice: u32,
    /// The agent's process dies over it: before, in the middle or after.
    pub deadly: u32,
    /// A look at a domain controller is not answered.
    pub silent: u32,
    /// Its answer takes long: what it tells may be out of date then.
    pub slow: u32,
    /// A write to the directory is lost.
    pub write_lost: u32,
    /// It is applied, and the answer is lost.
    pub write_unheard: u32,
    /// It is applied later, when nobody waits for an answer any more.
    pub write_late: u32,
    /// It is refused for a reason of the domain controller's own.
    pub write_refused: u32,
    /// The domain controller says success and does nothing.
    pub write_ignored: u32,
    /// The controller's process is killed as it sends something.
    pub killed: u32,
}

impl Weather {
    /// The weather of a seed.
    pub fn draw(dice: &mut Dice) -> Self {
        let mut some = |most: u64| {
            if dice.thousandth(550) {
                0
            } else {
                u32::try_from(dice.number(1..most)).unwrap_or_default()
            }
        };
        Self {
            lost: some(120),
            unheard: some(120),
            hanging: some(60),
            late: some(80),
            twice: some(80),
            deadly: some(40),
            silent: some(150),
            slow: some(150),
            write_lost: some(400),
            write_unheard: some(400),
            write_late: some(300),
            write_refused: some(200),
            write_ignored: some(60),
            killed: some(30),
        }
    }
}
