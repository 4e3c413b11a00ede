//! Backups that nobody has asked for.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::gates::Gates;
use super::{all_in_service, lose, nothing_is_done, recover, restore};
use crate::set_up::{LIFE, QUICK};

/// The controller is lost with all its state while a roll drains. The newest backup was made by
/// itself, before any node had the new key, and has the password that is in force.
pub fn a_controller_with_backups_of_its_own(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["kept"])?;
    let folder = lab.folder("automatic-backups")?;
    world.controller.kill()?;
    back_up_into(&world, &folder)?;
    world.controller.start()?;
    world.create("kept", QUICK)?;
    world.serve("kept")?;
    let users = world.users("kept", LIFE)?;
    let gates = Gates::watch(&world, "kept");
    world.take_tickets_to_live("kept", 12)?;
    world.begin_roll("kept")?;
    world.wait_for_state("kept", "draining")?;
    let kvno = world.domain().kvno("svc-kept$")?;
    lose(&mut world)?;
    let newest = newest(&folder)?;
    restore(&mut world, &newest)?;
    nothing_is_done(&world, "kept", "restored from its backup of")?;
    let verdict = recover(&world, "kept")?;
    ensure!(verdict == "roll", "{verdict}\n{}", world.story());
    world.wait_for_state("kept", "done")?;
    all_in_service(&world, "kept")?;
    ensure!(world.domain().kvno("svc-kept$")? == kvno, "it was reset");
    gates.never_shut()?;
    no_backup_no_roll(&world, &folder)?;
    world.roll(&["kept"])?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("kept")
}

fn back_up_into(world: &World<'_>, folder: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    let mut config = options.append(true).open(world.controller.config())?;
    let text = format!("[backup]\nfolder = {folder:?}\nkeep = 5\nrequired = true\n");
    Ok(config.write_all(text.as_bytes())?)
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let mut files = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{file:?} is {mode:o}");
        files.push(file.path());
    }
    files.sort();
    ensure!(files.len() <= 5, "more than are to be kept: {files:?}");
    files.pop().context("no backup was made")
}

/// The folder is away, as a file system that is not mounted: told, and no password is used.
fn no_backup_no_roll(world: &World<'_>, folder: &Path) -> Result<()> {
    let away = folder.with_extension("away");
    fs::rename(folder, &away)?;
    let said = world.cli.ask(&["roll", "kept", "--yes", "--wait"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("could not be backed up"),
        "{said:?}"
    );
    let view = world.status("kept")?;
    ensure!(view["state"] == "aborted", "{view}");
    let status = world.cli.ask(&["status"])?;
    ensure!(
        status.exit == 1 && status.stdout.contains("no backup was made"),
        "{status:?}"
    );
    ensure!(!folder.exists(), "it was made");
    Ok(fs::rename(away, folder)?)
}
