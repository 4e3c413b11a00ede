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
/// `User-Force-Change-Password` (MS-ADTS 5.1.3.2.1).
pub(super) const RESET_PASSWORD: &str = "00299570-246d-11d0-a768-00aa006e0529";

/// Denies the controller's account a right of this kind to the account.
pub(super) fn deny(world: &World<'_>, kind: &str, guid: &str) -> Result<()> {
    fs::write(descriptor_file(world)?, descriptor(world)?)?;
    let sid = world.domain().sid("svc-keyroll")?;
    let right = format!("--sddl=(OD;;{kind};{guid};;{sid})");
    let account = format!("--objectdn={DN}");
    let set = ["dsacl", "set", &account, &right];
    world.domain().samba_tool(&set).map(drop)
}

/// Who may do what with the account: a line of LDIF.
fn descriptor(world: &World<'_>) -> Result<String> {
    let find = ["ldbsearch", "dc1", "(sAMAccountName=svc-sick)", DESCRIPTOR];
    let found = world.domain().dc(&find)?.replace("\n ", "");
    let line = found.lines().find(|line| line.starts_with(DESCRIPTOR));
    Ok(line.context("it has no descriptor")?.to_owned())
}

/// Where it is kept while another one is in force.
fn descriptor_file(world: &World<'_>) -> Result<PathBuf> {
    Ok(world.lab.folder("sick")?.join("descriptor"))
}

/// The one that was kept is in force again.
pub(super) fn put_back(world: &mut World<'_>) -> Result<()> {
    let before = fs::read_to_string(descriptor_file(world)?)?;
    modify(world, DN, &format!("replace: {DESCRIPTOR}\n{before}"))
}

/// That what may not be read is called neither well nor ill.
pub(super) fn nothing_is_made_up(world: &World<'_>) -> Result<()> {
    let (_, findings) = examined(world, "sick")?;
    // lockoutTime is in no property set: whether it is locked may still be seen.
    for check in [
        "account-enabled",
        "account-expiry",
        "account-delegable",
        "password-expiry",
    ] {
        let found = findings.iter().filter(|one| one["check"] == check);
        let grades: Vec<&Value> = found.map(|one| &one["grade"]).collect();
        ensure!(grades == ["unknown"], "{check}: {grades:?}");
    }
    Ok(())
}
