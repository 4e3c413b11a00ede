//! Which places are reached in which scenario. The places themselves are the programs' own lists.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

/// A scenario's places of the controller.
pub const GOOD: &[&str] = &[
    "record planned",
    "record generated",
    "record staging",
    "record commit-intent",
    "record attempt-applied",
    "record committed",
    "record converged",
    "record draining",
    "record drained",
    "record retiring",
    "record done",
    "action look-at-account",
    "action look-at-dc",
    "action look-at-node",
    "action generate",
    "action stage",
    "action prove",
    "action commit",
    "save meta",
    "save arrays",
    "save rolls",
    "save audit",
    "port domain_controllers",
    "port read",
    "port write_password",
    "port sight",
    "port log_in",
    "port look",
    "port stage",
    "port prove",
    "port admit",
];

/// Its places of the agents.
pub const GOOD_AGENT: &[&str] = &[
    "effect create",
    "effect write",
    "effect sync",
    "effect rename",
    "effect patch",
    "effect save-state",
    "effect replace-keytab",
    "effect patch-keytab",
    "effect run-hook",
    "call Look",
    "call Stage",
    "call Prove",
    "call Admit",
];

/// In no scenario yet.
const NOT_YET: &[&str] = &[
    "record refused",
    "record enlisted",
    "record quarantined",
    "record rejoined",
    "record attempt-refused",
    "record settled",
    "record abandoned",
    "record waived",
    "record regressed",
    "record aborting",
    "record aborted",
    "record halted",
    "record resolved",
    "record recovered",
    "record renumbered",
    "action shut",
    "save nodes",
    "save tokens",
    "save operators",
    "save authorities",
    "port find",
    "port create",
    "port may_create",
    "port spn_owners",
    "port set_enctypes",
    "port add_spn",
    "port remove_spn",
    "port delegation",
    "port wipe",
];

/// In no scenario of the agents yet.
const NOT_YET_AGENT: &[&str] = &[
    "effect remove",
    "effect save-identity",
    "effect wipe-keytab",
    "call Wipe",
    "call RequestCertificate",
    "call InstallCertificate",
];

/// The scenarios' places, all together, must be the programs' places.
pub fn every_place_has_one() -> Result<()> {
    same(
        &[GOOD, NOT_YET].concat(),
        keyroll_controller::failpoint::places(),
    )?;
    same(
        &[GOOD_AGENT, NOT_YET_AGENT].concat(),
        keyroll_agent::failpoint::places(),
    )
}

fn same(reached: &[&str], places: Vec<String>) -> Result<()> {
    let reached: BTreeSet<String> = reached.iter().map(|&place| place.to_owned()).collect();
    let places: BTreeSet<String> = places.into_iter().collect();
    let nowhere: Vec<&String> = places.difference(&reached).collect();
    let unknown: Vec<&String> = reached.difference(&places).collect();
    ensure!(
        nowhere.is_empty() && unknown.is_empty(),
        "in no scenario: {nowhere:?}; not a place: {unknown:?}"
    );
    Ok(())
}
