//! The world of a roll, small enough to be copied a million times.

/// The most nodes of a world.
pub const NODES: usize = 3;
/// The most domain controllers.
pub const DCS: usize = 3;

/// A key: 1 the first one, then one for each roll.
pub type KeyId = u8;
/// One that nobody here knows, though it was there from the beginning.
pub const UNKNOWN: KeyId = 0;
/// What a stranger sets.
pub const FOREIGN: KeyId = 6;
/// The kvno at the beginning; others are counted from it.
pub const FIRST_KVNO: u32 = 4;
/// Ticks that a ticket lives: its life and twice the skew.
pub const LIFE: u8 = 2;

/// A key under a kvno: what a ticket is issued under and an entry of a keytab holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(u8);

impl Slot {
    /// `kvno` is counted from the first one, and under 8.
    pub const fn new(key: KeyId, kvno: u8) -> Self {
        assert!(kvno < 8, "the world has grown beyond its kvnos");
        Self(key * 8 + kvno)
    }

    pub const fn key(self) -> KeyId {
        self.0 / 8
    }

    pub const fn kvno(self) -> u8 {
        self.0 % 8
    }
}

/// A set of slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Slots(u64);

impl Slots {
    pub const NONE: Self = Self(0);

    pub const fn of(slot: Slot) -> Self {
        Self(1 << slot.0)
    }

    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn holds(self, slot: Slot) -> bool {
        self.0 & (1 << slot.0) != 0
    }

    pub const fn of_key(self, key: KeyId) -> Self {
        Self(self.0 & (0xff << (key * 8)))
    }

    pub fn iter(self) -> impl Iterator<Item = Slot> {
        (0..64)
            .filter(move |bit| self.0 & (1 << bit) != 0)
            .map(Slot)
    }

    /// The kvnos that stand for more than one key.
    pub fn ambiguous(self) -> bool {
        let rows = (0..8).map(|key| (self.0 >> (key * 8)) & 0xff);
        rows.fold((0, false), |(seen, twice), row| {
            (seen | row, twice || seen & row != 0)
        })
        .1
    }
}

/// A domain controller's copy of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dc {
    /// The password in force there.
    pub slot: Option<Slot>,
    /// Which originating write it stems from: of two with one kvno the later wins.
    pub written: u8,
    /// The fence attribute: the key whose write left it; 0: absent. And which write that was.
    pub fence: KeyId,
    pub fence_written: u8,
    /// It was restored, and no record tells of it yet.
    pub unseen: bool,
}

/// A write to the directory whose connection is dead and that may yet be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Write {
    pub dc: u8,
    /// The key that must be in force, for a change.
    pub old: KeyId,
    pub new: KeyId,
    /// The kvno that the roll counts on.
    pub predicted: u8,
    /// The fence that must be there, for a fenced reset.
    pub fence: Option<KeyId>,
}

/// What a node holds, and what it has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Held {
    pub version: u8,
    pub epoch: u8,
    pub keys: Slots,
    /// What its initiators log in with.
    pub client: Option<Slot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Node {
    /// It belongs to the array.
    pub member: bool,
    pub up: bool,
    /// It answers and cannot write.
    pub sick: bool,
    /// An operator has quarantined it.
    pub set_aside: bool,
    pub held: Held,
    /// The gate: confirmed by the controller, not refused, and from which version on.
    pub admitted: bool,
    pub required: u8,
    pub snapshot: Option<Held>,
}

impl Node {
    /// Whether clients reach a service there.
    pub fn serves(&self) -> bool {
        self.member && self.up && self.admitted && self.held.version >= self.required
    }
}

/// What nodes shall hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Content {
    pub version: u8,
    pub keys: Slots,
    pub client: Option<Slot>,
    /// What is not listed stays.
    pub keep: bool,
}

/// A keyset on its way, for whatever reason it is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Late {
    pub node: u8,
    pub epoch: u8,
    pub content: Content,
}

/// A node as last seen: the small form of `NodeView`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NodeSeen {
    pub asked: bool,
    pub holds: Option<u8>,
    /// Bits by role: current, pending, previous.
    pub accepts: u8,
    pub refuses: bool,
    pub trouble: bool,
    pub unwilling: bool,
}

/// A domain controller as last seen: the small form of `DcView`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DcSeen {
    #[default]
    Unasked,
    Silent,
    Issues(Slot),
}

/// What became of a write: the small form of `Answer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Said {
    Applied,
    Refused,
    Nothing,
}

/// The small form of `Observed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Seen {
    /// The kvno and the fence that the writer's directory shows.
    pub account: Option<(u8, KeyId)>,
    pub nodes: [NodeSeen; NODES],
    /// Which nodes were told not to serve, and whether they confirmed it.
    pub told: [Option<bool>; NODES],
    pub dcs: [DcSeen; DCS],
    pub candidate: bool,
    pub answer: Option<Said>,
    /// Bits by node.
    pub failed_before: u8,
    pub waits: u8,
}

/// The controller's process: all of it is lost in a crash, but for the number of the roll's state
/// in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Desk {
    /// The open roll, as a number in the ledger.
    pub roll: Option<u32>,
    pub seen: Seen,
    pub unsent: u8,
    /// As far as they matter.
    pub since_record: u8,
    pub since_state: u8,
    pub abort: bool,
    pub epoch: u8,
}

/// The array's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Row {
    pub current: Option<Slot>,
    pub version: u8,
    /// The roll whose keyset the nodes keep, if it is not that of the row.
    pub told: Option<u32>,
    /// The last roll that ended.
    pub ended: Option<u32>,
    /// The last that put its key into force, and the ticks since its end, as far as they matter.
    pub committed: Option<u32>,
    pub rested: u8,
    /// Keys that nobody here knows stay: the roll that adopted the account was given up.
    pub unknown_stay: bool,
    /// Rolls ended so far.
    pub rolls: u8,
}

/// How often each fault may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    pub crashes: u8,
    pub node_crashes: u8,
    pub snapshots: u8,
    /// Calls to nodes that fail, done or not.
    pub cut_calls: u8,
    /// Keysets that arrive late, or a second time.
    pub late_keysets: u8,
    /// Looks at a domain controller that get no answer.
    pub silent_looks: u8,
    /// Writes without an answer.
    pub lost_answers: u8,
    pub refusals: u8,
    pub lies: u8,
    pub aborts: u8,
    pub foreign: u8,
    pub bumps: u8,
    pub dc_restores: u8,
    pub waivers: u8,
    /// Drains that an operator does not wait for.
    pub given_up_drains: u8,
    pub set_asides: u8,
    pub joins: u8,
    pub sick: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct World {
    pub dcs: [Dc; DCS],
    pub writes: [Option<Write>; 2],
    pub originated: u8,
    pub nodes: [Node; NODES],
    pub late: [Option<Late>; 2],
    /// Tickets by how many ticks they still live, the longest first.
    pub tickets: [Slots; LIFE as usize],
    /// Tickets that no rule can cover at once: a stranger's, or ours under a stranger's kvno.
    pub unforeseen: Slots,
    /// Tickets that an operator gave up: by waiving a domain controller, or in an emergency.
    pub given_up: Slots,
    pub desk: Desk,
    pub row: Row,
    pub left: Budget,
    /// Ticks since a write of a roll was applied, and of which one.
    pub calm: u8,
    pub committed_by: u8,
    /// Somebody else wrote the password since the open roll began.
    pub meddled: bool,
    /// And did so after the last look before the commit.
    pub disturbed: bool,
    /// Domain controllers that an operator said do not matter, until they have caught up.
    pub waived: u8,
    /// The promise that the last step broke, if it did.
    pub broken: Option<&'static str>,
}

impl World {
    /// Every ticket that a client may show.
    pub fn live(&self) -> Slots {
        self.tickets
            .iter()
            .fold(Slots::NONE, |all, some| all.with(*some))
    }

    /// What every domain controller would issue under now.
    pub fn issued(&self) -> Slots {
        let slots = self.dcs.iter().filter_map(|dc| dc.slot);
        slots.fold(Slots::NONE, |all, slot| all.with(Slots::of(slot)))
    }
}
