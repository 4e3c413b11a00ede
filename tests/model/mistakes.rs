//! Mistakes that are planted, one at a time: each removes one rule, and must be found.
//!
//! They stand around the real `plan`, `apply` and `judge`, never inside: one falsifies what `plan`
//! is told, replaces one of its steps, changes a frame, or breaks a rule of the world's agents,
//! directory or clocks.

mod falsified;
mod replaced;

use crate::settings::{self, Settings};

/// A rule that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mistake {
    CommitBeforeAllAcks,
    AcknowledgementIsAPromise,
    NoLastLook,
    LaggingWriterIsWrittenTo,
    StrangersAreNobodysBusiness,
    QuarantinedStaysOpen,
    UntoldIsTold,
    ReturningNodeServes,
    RestoredNodeServes,
    AgentGoesBack,
    UnknownKeysGo,
    LeftoversForgotten,
    InitiatorsGetThePendingKey,
    EffectBeforeRecord,
    ObservedOutlivesRecord,
    LostAnswerIsFailure,
    RefusalOfRepeatIsProof,
    AnotherPassword,
    BlindReset,
    BlindResetOutlivesItsRoll,
    WriteOutlivesItsRoll,
    SettledAtOnce,
    SendDoesNotRestartTheClock,
    OldLookIsBelieved,
    OnlyWrittenDcsAreAsked,
    OverwrittenIsUnwritten,
    AbortAfterIntent,
    LostKeyIsWaitedFor,
    KvnoIsProof,
    ProvenDcIsForgotten,
    SilentDcIsSkipped,
    SilentDcEndsTheDrain,
    PredictedKvnoIsDropped,
    OtherKvnoIsWaitedFor,
    DrainFromCommit,
    DrainWithoutSkew,
    RetireAtCommit,
    RetireAtConvergence,
    RegressionIgnored,
    DrainGoesOnAfterRegression,
    CrashCountsAsTime,
    DrainIsNotWrittenDown,
    AllLeftBehind,
    NoCoolDown,
}

/// A mistake, what it removes, and the world in which it is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    pub mistake: Mistake,
    /// The rule, in words.
    pub rule: &'static str,
    pub settings: &'static Settings,
}

const fn planted(mistake: Mistake, settings: &'static Settings, rule: &'static str) -> Planted {
    Planted {
        mistake,
        rule,
        settings,
    }
}

/// All of them, in the order of a roll.
pub const ALL: &[Planted] = &[
    planted(
        Mistake::CommitBeforeAllAcks,
        &settings::CALM,
        "the directory is written once *every* node has proven both keys",
    ),
    planted(
        Mistake::AcknowledgementIsAPromise,
        &settings::LATE_KEYSETS,
        "a node has a key when it was read back from its disk",
    ),
    planted(
        Mistake::NoLastLook,
        &settings::RENUMBERED,
        "the writer is looked at once more right before the commit",
    ),
    planted(
        Mistake::LaggingWriterIsWrittenTo,
        &settings::SET_BACK,
        "no roll begins where the writer lags behind another domain controller",
    ),
    planted(
        Mistake::StrangersAreNobodysBusiness,
        &settings::OPERATORS,
        "a node that joins during a roll is let in with the roll's keys alone",
    ),
    planted(
        Mistake::QuarantinedStaysOpen,
        &settings::OPERATORS,
        "who is left behind has its gate shut before the commit",
    ),
    planted(
        Mistake::UntoldIsTold,
        &settings::GATE,
        "and who has not confirmed that is told again",
    ),
    planted(
        Mistake::ReturningNodeServes,
        &settings::LEFT_BEHIND,
        "a node that starts serves once the controller has looked at it",
    ),
    planted(
        Mistake::RestoredNodeServes,
        &settings::SNAPSHOTS,
        "a node restored from a snapshot serves once the controller has looked at it",
    ),
    planted(
        Mistake::AgentGoesBack,
        &settings::LATE_AGAIN,
        "an agent never goes back to a lower version",
    ),
    planted(
        Mistake::UnknownKeysGo,
        &settings::ADOPTED,
        "while an account is adopted, keys that nobody here knows stay",
    ),
    planted(
        Mistake::LeftoversForgotten,
        &settings::GIVEN_UP_LATE,
        "after a roll that was given up, the next one keeps both its keys",
    ),
    planted(
        Mistake::InitiatorsGetThePendingKey,
        &settings::CALM,
        "initiators get the new key after the commit",
    ),
    planted(
        Mistake::EffectBeforeRecord,
        &settings::CALM,
        "a record is durable before the effect that it opens",
    ),
    planted(
        Mistake::ObservedOutlivesRecord,
        &settings::RESTORED,
        "a record empties what was observed",
    ),
    planted(
        Mistake::LostAnswerIsFailure,
        &settings::WRITES,
        "a write without an answer has neither failed nor succeeded",
    ),
    planted(
        Mistake::RefusalOfRepeatIsProof,
        &settings::WRITES,
        "a write is sent once under its number",
    ),
    planted(
        Mistake::AnotherPassword,
        &settings::WRITES,
        "all writes of a roll carry one password",
    ),
    planted(
        Mistake::BlindReset,
        &settings::WRITES,
        "a write is a compare-and-swap",
    ),
    planted(
        Mistake::BlindResetOutlivesItsRoll,
        &settings::AGAIN,
        "a write is a compare-and-swap, and dies with its connection",
    ),
    planted(
        Mistake::WriteOutlivesItsRoll,
        &settings::WRITES,
        "a write whose connection is dead is not applied after the time that servers allow",
    ),
    planted(
        Mistake::SettledAtOnce,
        &settings::WRITES,
        "a write without an answer is waited out before it is said not to have happened",
    ),
    planted(
        Mistake::SendDoesNotRestartTheClock,
        &settings::WRITES,
        "that time counts from when the write was sent, not from its record",
    ),
    planted(
        Mistake::OldLookIsBelieved,
        &settings::WRITES,
        "what has become of a write is looked at after that time, not before",
    ),
    planted(
        Mistake::OnlyWrittenDcsAreAsked,
        &settings::WAIVED,
        "and so at every domain controller, not only where it was sent",
    ),
    planted(
        Mistake::OverwrittenIsUnwritten,
        &settings::RESETS,
        "a write that somebody may have written over leaves both keys",
    ),
    planted(
        Mistake::AbortAfterIntent,
        &settings::WRITES,
        "no abort once a write is recorded",
    ),
    planted(
        Mistake::LostKeyIsWaitedFor,
        &settings::WAIVED,
        "a key that was lost with its only domain controller is written once more",
    ),
    planted(
        Mistake::KvnoIsProof,
        &settings::STRANGERS,
        "a domain controller is proven by a ticket's key, not by its kvno",
    ),
    planted(
        Mistake::ProvenDcIsForgotten,
        &settings::CALM,
        "one that is proven is looked at again while another is waited for",
    ),
    planted(
        Mistake::SilentDcIsSkipped,
        &settings::SILENT,
        "a silent domain controller is waited for",
    ),
    planted(
        Mistake::SilentDcEndsTheDrain,
        &settings::SILENT,
        "the drain ends with every domain controller seen once more",
    ),
    planted(
        Mistake::PredictedKvnoIsDropped,
        &settings::RENUMBERED,
        "a kvno that tickets may carry stays, whatever the directory counts on to",
    ),
    planted(
        Mistake::OtherKvnoIsWaitedFor,
        &settings::RENUMBERED,
        "another kvno than recorded is given to the nodes",
    ),
    planted(
        Mistake::DrainFromCommit,
        &settings::CALM,
        "the drain begins when the *last* domain controller has the new key",
    ),
    planted(
        Mistake::DrainWithoutSkew,
        &settings::CALM,
        "the drain lasts a ticket's life and twice the skew",
    ),
    planted(
        Mistake::RetireAtCommit,
        &settings::CALM,
        "the old key stays at the commit",
    ),
    planted(
        Mistake::RetireAtConvergence,
        &settings::CALM,
        "the old key stays when every domain controller has the new one",
    ),
    planted(
        Mistake::RegressionIgnored,
        &settings::RESTORED,
        "a domain controller that goes back is noticed",
    ),
    planted(
        Mistake::DrainGoesOnAfterRegression,
        &settings::RESTORED,
        "and the drain begins anew",
    ),
    planted(
        Mistake::CrashCountsAsTime,
        &settings::RESTORED,
        "only time that one process has measured counts",
    ),
    planted(
        Mistake::DrainIsNotWrittenDown,
        &settings::CALM,
        "what has passed of a drain is written down",
    ),
    planted(
        Mistake::AllLeftBehind,
        &settings::LATE_KEYSETS,
        "where no node answers, none is left behind",
    ),
    planted(
        Mistake::NoCoolDown,
        &settings::HASTY,
        "a password is not followed by another within a ticket's life",
    ),
];
