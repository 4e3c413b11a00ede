//! Which places are reached in which scenario. The places themselves are the programs' own lists.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

/// A scenario's places of the controller.
pub const GOOD: &[&str] = &[
    "record planned",
    "record generated",
    "record staging",
    "record commit-intent",
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
    "save meta",
    "save arrays",
    "save rolls",
    "save audit",
    "port domain_controllers",
    "port read",
    "port sight",
    "port log_in",
    "port look",
    "port stage",
    "port prove",
    "port admit",
    "publish backup",
];

/// Its places about the write. After each of these the directory has the password, and nobody
/// writes again: it takes a roll for each.
pub const WRITE: &[&str] = &[
    "action commit",
    "port write_password",
    "ldap modify",
    "record attempt-applied",
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

/// Records of other courses (`otherwise.rs`, `halts.rs`).
pub const OTHERWISE: &[&str] = &[
    "record refused",
    "record enlisted",
    "record quarantined",
    "record rejoined",
    "record attempt-refused",
    "record settled",
    "record abandoned",
    "record waived",
    "record regressed",
    "record renumbered",
    "record aborting",
    "record aborted",
    "record halted",
    "record resolved",
    "record recovered",
    "action shut",
];

/// A controller is set up.
pub const INIT: &[&str] = &[
    "publish seal-key",
    "publish store",
    "save meta",
    "save authorities",
];
/// An array's account is made.
pub const CREATE: &[&str] = &[
    "port find",
    "port may_create",
    "port spn_owners",
    "port create",
    "ldap add",
    "port rights",
];
/// An array takes an account that is there.
pub const TAKE: &[&str] = &["port set_enctypes", "port write_password"];
/// An array's first node holds the key.
pub const REGISTER: &[&str] = &["port add_spn"];
/// An operator is let in.
pub const OPERATORS: &[&str] = &["save operators"];
/// The audit is copied elsewhere.
pub const COPY: &[&str] = &["sink take"];
/// A change of the directory is planned, made with the controller's rights, and settled.
pub const CHANGE: &[&str] = &[
    "save changes",
    "port spn_holders",
    "port values",
    "port make_change",
];
/// A node is invited.
pub const INVITE: &[&str] = &["save tokens", "save nodes"];
/// A node joins: the agent's places.
pub const JOIN: &[&str] = &["effect save-identity", "effect rename"];
/// A node's certificate is renewed.
pub const RENEWAL: &[&str] = &["renewal request-certificate", "renewal install-certificate"];
/// A node's certificate is renewed: the agent's places.
pub const RENEW: &[&str] = &["call RequestCertificate", "effect save-identity"];
/// The next time: after the last of those it is renewed, so this one would not be reached.
pub const RENEW_AGAIN: &[&str] = &["call InstallCertificate"];
/// A node is wiped.
pub const WIPE: &[&str] = &["port wipe"];
/// A node is wiped: the agent's places.
pub const WIPE_AGENT: &[&str] = &["call Wipe", "effect wipe-keytab", "effect remove"];

/// The scenarios' places, all together, must be the programs' places.
pub fn every_place_has_one() -> Result<()> {
    // Logon sessions are of Windows, where no process is killed at its places yet.
    let of_windows = [
        "call ShowLetterKey",
        "effect give-credential",
        "effect take-credential",
    ];
    let controller = [
        GOOD, WRITE, OTHERWISE, INIT, CREATE, TAKE, REGISTER, OPERATORS, COPY, CHANGE, INVITE,
        RENEWAL, WIPE,
    ];
    same(
        &controller.concat(),
        keyroll_controller::failpoint::places(),
    )?;
    let agent = [
        GOOD_AGENT,
        JOIN,
        RENEW,
        RENEW_AGAIN,
        WIPE_AGENT,
        &of_windows,
    ];
    same(&agent.concat(), keyroll_agent::failpoint::places())
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
