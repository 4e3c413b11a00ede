//! What can go wrong in the world.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NodeDead(usize),
    NodeJoins,
    NodeSetAside(usize),
    AbortAsked,
    AnswerLost { applied: bool, times: u32 },
    WriteRefused,
    StaleLooks(u32),
    ForeignKey,
    KvnoJumps(u32),
    DcRestored,
    ClockOff,
}
