//! Several faults at once: minutes, in `make model-full`.

use keyroll::roll::OldKey;

use super::Kind::{Emergency, Ordinary};
use super::{CALM, EMERGENCY, NOTHING, Settings};
use crate::world::Budget;

/// Two nodes, asked in every order.
const BOTH: Settings = Settings {
    nodes: 2,
    any_order: true,
    ..CALM
};

/// What `make model-full` explores besides.
pub const LARGE: &[Settings] = &[
    Settings {
        name: "large-writes",
        words: "three DCs; two writes unanswered, one refused, two silences, an abort, a crash",
        nodes: 1,
        dcs: 3,
        left: Budget {
            crashes: 1,
            lost_answers: 2,
            refusals: 1,
            silent_looks: 2,
            aborts: 1,
            ..NOTHING
        },
        ..CALM
    },
    Settings {
        name: "large-resets",
        words: "fenced resets, two unanswered, one refused; two silences, an abort, a crash",
        reset: true,
        left: Budget {
            crashes: 1,
            lost_answers: 2,
            refusals: 1,
            silent_looks: 2,
            aborts: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-keysets",
        words: "two keysets late or twice, a call cut off, a node's death, a crash",
        left: Budget {
            crashes: 1,
            late_keysets: 2,
            cut_calls: 1,
            node_crashes: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-snapshots",
        words: "two snapshots restored, a keyset late or twice, a crash",
        left: Budget {
            crashes: 1,
            snapshots: 2,
            late_keysets: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-left-behind",
        words: "three nodes: one dies, one cannot write, a call cut off; quarantine; a crash",
        nodes: 3,
        lenient: true,
        left: Budget {
            crashes: 1,
            node_crashes: 1,
            sick: 1,
            cut_calls: 1,
            ..NOTHING
        },
        ..CALM
    },
    Settings {
        name: "large-operators",
        words: "a node set aside and released, another joins, one dies, an abort, a crash",
        spare: 1,
        left: Budget {
            crashes: 1,
            set_asides: 1,
            joins: 1,
            aborts: 1,
            node_crashes: 1,
            ..NOTHING
        },
        ..CALM
    },
    Settings {
        name: "large-strangers",
        words: "a foreign password, the same one set again, a lost answer; then an emergency",
        rolls: &[Ordinary, EMERGENCY],
        left: Budget {
            foreign: 1,
            bumps: 1,
            lost_answers: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-emergency",
        words: "an emergency at once over a foreign password, a node dies, a lost answer, a crash",
        rolls: &[Emergency(OldKey::UntilCommitted), Ordinary],
        left: Budget {
            crashes: 1,
            foreign: 1,
            node_crashes: 1,
            lost_answers: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-restored",
        words: "two DCs restored, two looks without an answer, a waiver, two crashes",
        left: Budget {
            crashes: 2,
            dc_restores: 2,
            silent_looks: 2,
            waivers: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-waived",
        words: "three DCs: two waived, a write unanswered, a silence, an abort",
        nodes: 1,
        dcs: 3,
        left: Budget {
            waivers: 2,
            lost_answers: 1,
            silent_looks: 1,
            aborts: 1,
            ..NOTHING
        },
        ..CALM
    },
    Settings {
        name: "large-again",
        words: "two rolls; an abort, a lost answer, a keyset late, a node's death",
        rolls: &[Ordinary, Ordinary],
        left: Budget {
            aborts: 1,
            lost_answers: 1,
            late_keysets: 1,
            node_crashes: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-given-up",
        words: "two rolls; a lie, a lost answer, a snapshot, given up at every halt; a crash",
        rolls: &[Ordinary, Ordinary],
        left: Budget {
            crashes: 1,
            lies: 1,
            lost_answers: 1,
            snapshots: 1,
            ..NOTHING
        },
        ..BOTH
    },
    Settings {
        name: "large-adopted",
        words: "an unknown first key; lost answers, a snapshot, a foreign password, then a roll",
        adopted: true,
        reset: true,
        rolls: &[Ordinary, Ordinary],
        left: Budget {
            lost_answers: 1,
            snapshots: 1,
            foreign: 1,
            ..NOTHING
        },
        ..BOTH
    },
];
