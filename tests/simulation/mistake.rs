//! Mistakes that the world can be made to make, one at a time: each must be found, or borne.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// An agent says that it holds a keyset and accepts its tickets, and writes it half a minute
    /// later.
    AnswersBeforeItWrites,
    /// An agent takes a keyset whatever it took before.
    TakesOldKeysets,
    /// A node serves as soon as its agent starts.
    OpensAtItsStart,
    /// The controller's disk says that it has synced before it has.
    ForgetsTheLastRecord,
    /// And forgets all that it was told to sync within the last hundred times.
    ForgetsManyRecords,
    /// What the controller waits for is counted by the clock on the wall.
    WaitsByTheWallClock,
    /// The clock by which the controller counts what it waits for runs ten times too fast.
    WaitsByAFastClock,
    /// A ticket of one domain controller is taken for the proof of all.
    AsksOneDcForAll,
    /// A write that was not answered is taken for one that was refused.
    TakesSilenceForNo,
    /// A write that was not answered is sent again by what is below the driver.
    SendsAgain,
    /// A password is written whatever was there before.
    WritesBlindly,
    /// A node that shuts its gate by itself does not say after how long.
    TellsNoLimit,
    /// The balancer is not given the time to hear that a gate was shut.
    ForgetsTheBalancer,
}
