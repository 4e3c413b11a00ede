//! Each fault once, at any moment: seconds, in `make test`.

use super::Kind::Ordinary;
use super::{CALM, EMERGENCY, NOTHING, Settings};
use crate::world::Budget;

pub const WRITES: Settings = Settings {
    name: "writes",
    words: "a write unanswered, applied or late; one refused; a DC silent; an abort; a crash",
    left: Budget {
        crashes: 1,
        lost_answers: 1,
        refusals: 1,
        silent_looks: 1,
        aborts: 1,
        ..NOTHING
    },
    ..CALM
};

pub const RESETS: Settings = Settings {
    name: "resets",
    words: "fenced resets, one unanswered, applied or late; a foreign password; an abort; a crash",
    reset: true,
    left: Budget {
        crashes: 1,
        lost_answers: 1,
        foreign: 1,
        aborts: 1,
        ..NOTHING
    },
    ..CALM
};

pub const LATE_KEYSETS: Settings = Settings {
    name: "late-keysets",
    words: "a keyset late or twice, a call cut off, a node's death, a crash",
    left: Budget {
        crashes: 1,
        late_keysets: 1,
        cut_calls: 1,
        node_crashes: 1,
        ..NOTHING
    },
    ..CALM
};

pub const SNAPSHOTS: Settings = Settings {
    name: "snapshots",
    words: "a node restored from a snapshot, a keyset late or twice, a crash",
    left: Budget {
        crashes: 1,
        snapshots: 1,
        late_keysets: 1,
        ..NOTHING
    },
    ..CALM
};

pub const LEFT_BEHIND: Settings = Settings {
    name: "left-behind",
    words: "a node dies, one cannot write; who is late is quarantined and comes back; a crash",
    lenient: true,
    left: Budget {
        crashes: 1,
        node_crashes: 1,
        sick: 1,
        ..NOTHING
    },
    ..CALM
};

pub const GATE: Settings = Settings {
    name: "gate",
    words: "one ready node is enough; a call cut off, one node cannot write, a crash",
    gate: "at-least 1",
    left: Budget {
        crashes: 1,
        cut_calls: 1,
        sick: 1,
        ..NOTHING
    },
    ..CALM
};

pub const OPERATORS: Settings = Settings {
    name: "operators",
    words: "a node set aside and released, another joins, an abort",
    spare: 1,
    left: Budget {
        set_asides: 1,
        joins: 1,
        aborts: 1,
        ..NOTHING
    },
    ..CALM
};

pub const STRANGERS: Settings = Settings {
    name: "strangers",
    words: "somebody else sets the password; halts resolved; then an emergency; a crash",
    rolls: &[Ordinary, EMERGENCY],
    left: Budget {
        crashes: 1,
        foreign: 1,
        ..NOTHING
    },
    ..CALM
};

pub const RENUMBERED: Settings = Settings {
    name: "renumbered",
    words: "somebody sets the same password again; a waiver, a crash",
    left: Budget {
        crashes: 1,
        bumps: 1,
        waivers: 1,
        ..NOTHING
    },
    ..CALM
};

pub const WAIVED: Settings = Settings {
    name: "waived",
    words: "a DC waived, a write unanswered, a DC silent, an abort",
    left: Budget {
        waivers: 1,
        lost_answers: 1,
        silent_looks: 1,
        aborts: 1,
        ..NOTHING
    },
    ..CALM
};

pub const RESTORED: Settings = Settings {
    name: "restored",
    words: "a DC restored while old tickets die, a waiver, a crash",
    left: Budget {
        dc_restores: 1,
        crashes: 1,
        waivers: 1,
        ..NOTHING
    },
    ..CALM
};

pub const SILENT: Settings = Settings {
    name: "silent",
    words: "a DC restored, two looks without an answer, a crash",
    left: Budget {
        crashes: 1,
        dc_restores: 1,
        silent_looks: 2,
        ..NOTHING
    },
    ..CALM
};

pub const SET_BACK: Settings = Settings {
    name: "set-back",
    words: "a DC restored, the drain given up for an emergency, a look without an answer",
    rolls: &[Ordinary, EMERGENCY],
    left: Budget {
        dc_restores: 1,
        given_up_drains: 1,
        silent_looks: 1,
        ..NOTHING
    },
    ..CALM
};

pub const AGAIN: Settings = Settings {
    name: "again",
    words: "two rolls; an abort, a refusal, a lost answer, a crash",
    rolls: &[Ordinary, Ordinary],
    left: Budget {
        crashes: 1,
        aborts: 1,
        refusals: 1,
        lost_answers: 1,
        ..NOTHING
    },
    ..CALM
};

pub const LATE_AGAIN: Settings = Settings {
    name: "late-again",
    words: "two rolls; an abort, a keyset late or twice",
    rolls: &[Ordinary, Ordinary],
    left: Budget {
        aborts: 1,
        late_keysets: 1,
        ..NOTHING
    },
    ..CALM
};

pub const GIVEN_UP: Settings = Settings {
    name: "given-up",
    words: "two rolls; a DC says success and does nothing, a lost answer, given up, a crash",
    rolls: &[Ordinary, Ordinary],
    left: Budget {
        crashes: 1,
        lies: 1,
        lost_answers: 1,
        ..NOTHING
    },
    ..CALM
};

pub const GIVEN_UP_LATE: Settings = Settings {
    name: "given-up-late",
    words: "two rolls; the first halts as a node is restored, or drains; given up",
    rolls: &[Ordinary, Ordinary],
    left: Budget {
        snapshots: 1,
        given_up_drains: 1,
        ..NOTHING
    },
    ..CALM
};

pub const HASTY: Settings = Settings {
    name: "hasty",
    words: "a drain given up for an emergency, then a roll; an abort; a crash",
    rolls: &[Ordinary, EMERGENCY, Ordinary],
    left: Budget {
        crashes: 1,
        given_up_drains: 1,
        aborts: 1,
        ..NOTHING
    },
    ..CALM
};

pub const ADOPTED: Settings = Settings {
    name: "adopted",
    words: "an unknown first key, a drain given up, then an emergency; a lost answer, a crash",
    adopted: true,
    reset: true,
    rolls: &[Ordinary, EMERGENCY],
    left: Budget {
        lost_answers: 1,
        crashes: 1,
        given_up_drains: 1,
        ..NOTHING
    },
    ..CALM
};

/// What `make test` explores.
pub const SMALL: &[Settings] = &[
    CALM,
    WRITES,
    RESETS,
    LATE_KEYSETS,
    SNAPSHOTS,
    LEFT_BEHIND,
    GATE,
    OPERATORS,
    STRANGERS,
    RENUMBERED,
    WAIVED,
    RESTORED,
    SILENT,
    SET_BACK,
    AGAIN,
    LATE_AGAIN,
    GIVEN_UP,
    GIVEN_UP_LATE,
    HASTY,
    ADOPTED,
];
