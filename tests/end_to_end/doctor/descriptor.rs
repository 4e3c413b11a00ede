//! Who may do what with the account, changed for as long as a fault lasts.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::world::World;
use serde_json::Value;

use super::account::DN;
use super::{examined, modify};

const DESCRIPTOR: &str = "nTSecurityDescriptor";
/// The property set Account Restrictions (MS-ADTS 3.1.1.2.3.3).
pub(super) const ACCOUNT_RESTRICTIONS: &str = "4c164200-20c0-11d0-a768-00aa006e0529";

/// Denies the controller's account a right to the account: an entry up to whose it is.
pub(super) fn deny(world: &World<'_>, entry: &str) -> Result<()> {
    let sid = world.domain().sid("svc-keyroll")?;
    let right = format!("--sddl=({entry};;{sid})");
    let account = format!("--objectdn={DN}");
    let set = ["dsacl", "set", &account, &right];
    world.domain().samba_tool(&set).map(drop)
}

/// Takes away all that the controller's account may do with the account, and what it would inherit
/// again; what everybody may stays.
pub(super) fn take_away(world: &mut World<'_>) -> Result<()> {
    let sid = world.domain().sid("svc-keyroll")?;
    let there = descriptor(world)?;
    let (head, rest) = there.split_once("D:").context("it has no list")?;
    let (list, tail) = match rest.split_once("S:") {
        Some((list, tail)) => (list, format!("S:{tail}")),
        None => (rest, String::new()),
    };
    let entries = list.split('(').skip(1).map(|entry| format!("({entry}"));
    let entries = entries.filter(|entry| !entry.contains(&sid));
    // What was inherited is the account's own from now on.
    let own: String = entries.map(|entry| entry.replace("ID;", ";")).collect();
    let new = format!("replace: {DESCRIPTOR}\n{DESCRIPTOR}: {head}D:PAI{own}{tail}");
    modify(world, DN, &new)
}

/// Keeps what may be done with the account for [`put_back`].
pub(super) fn keep(world: &World<'_>) -> Result<()> {
    Ok(fs::write(kept(world)?, descriptor(world)?)?)
}

/// What was kept is in force again.
pub(super) fn put_back(world: &World<'_>) -> Result<()> {
    let before = fs::read_to_string(kept(world)?)?;
    let old = format!("replace: {DESCRIPTOR}\n{DESCRIPTOR}: {before}");
    modify(world, DN, &old)
}

fn kept(world: &World<'_>) -> Result<PathBuf> {
    Ok(world.lab.folder("sick")?.join("descriptor"))
}

/// Who may do what with the account, as SDDL.
fn descriptor(world: &World<'_>) -> Result<String> {
    let find = ["ldbsearch", "dc1", "(sAMAccountName=svc-sick)", DESCRIPTOR];
    let found = world.domain().dc(&find)?.replace("\n ", "");
    let prefix = format!("{DESCRIPTOR}: ");
    let line = found.lines().find_map(|line| line.strip_prefix(&prefix));
    Ok(line.context("it has no descriptor")?.to_owned())
}

/// What nobody can say of an account that may not be read at all.
pub(super) const HIDDEN_WITH_ALL: &[&str] = &[
    "account-enabled",
    "account-lockout",
    "account-expiry",
    "account-delegable",
    "account-enctypes",
    "account-salt",
    "password-expiry",
    "key-kvno",
    "replication-account",
    "spn-registered",
    "spn-unique",
    "delegation-works",
    "delegation-risk",
    "rights-password",
    "rights-surplus",
];

/// That what may not be read is called neither well nor ill.
pub(super) fn nothing_is_made_up(world: &World<'_>) -> Result<()> {
    // lockoutTime is in no property set: whether it is locked may still be seen.
    unknown(
        world,
        &[
            "account-enabled",
            "account-expiry",
            "account-delegable",
            "password-expiry",
        ],
    )
}

fn unknown(world: &World<'_>, checks: &[&str]) -> Result<()> {
    let (_, findings) = examined(world, "sick")?;
    for check in checks {
        let found = findings.iter().filter(|one| one["check"] == *check);
        let grades: Vec<&Value> = found.map(|one| &one["grade"]).collect();
        ensure!(grades == ["unknown"], "{check}: {grades:?}");
    }
    Ok(())
}

/// That nothing is called broken of which nothing can be read, and each unknown names the right
/// and a command.
pub(super) fn nothing_is_broken(world: &World<'_>) -> Result<()> {
    let (code, findings) = examined(world, "sick")?;
    ensure!(code == 3, "exit code {code}: {findings:#?}");
    let unseen = findings.iter().filter(|one| one["grade"] == "unknown");
    let unseen: Vec<&Value> = unseen.collect();
    ensure!(unseen.len() > 5, "{findings:#?}");
    for one in unseen {
        let evidence = one["evidence"].as_str().unwrap_or_default();
        let names_it = ["right to read", "not shown", "hide their"];
        ensure!(
            names_it.iter().any(|words| evidence.contains(words)),
            "{one:#}"
        );
        ensure!(
            one["mend"].as_str().is_some_and(|mend| !mend.is_empty()),
            "{one:#}"
        );
    }
    unknown(
        world,
        &[
            "account-enabled",
            "account-lockout",
            "account-expiry",
            "account-delegable",
            "account-enctypes",
            "password-expiry",
            "spn-registered",
        ],
    )
}
