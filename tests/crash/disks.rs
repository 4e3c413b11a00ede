//! Disks that are full and folders that cannot be written, on a node and at the controller.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::gauntlet::is;
use crate::good::{QUICK, few_users};
use crate::toll::Toll;

const ARRAY: &str = "disks";

/// Each fault in turn: the roll ends with the reason, or waits; once mended the next one works.
pub fn disks_are_full_or_read_only(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = World::new(lab, free, 2, &[ARRAY])?;
    let keytabs = world.agents[0].folder().join("keytabs");
    Disk::at(&keytabs, "256k")?;
    world.controller.kill()?;
    let state = Disk::at(&world.controller.folder().join("state"), "4m")?;
    world.controller.start()?;
    world.create(ARRAY, &[QUICK, &["--stage-deadline", "5s"]].concat())?;
    world.serve(ARRAY)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    for fault in [Fault::Full, Fault::ReadOnly] {
        let disk = Disk(keytabs.display().to_string());
        a_node_cannot_write(&mut world, &disk, fault)
            .with_context(|| format!("{fault:?}\n{}", world.story()))?;
    }
    the_controller_cannot_write(&mut world, &state)?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Full,
    ReadOnly,
}

/// Found before anything is begun, or while staging: in both cases nothing has changed.
fn a_node_cannot_write(world: &mut World<'_>, disk: &Disk, fault: Fault) -> Result<()> {
    let kvno = world.domain().kvno(&account())?;
    let words = match fault {
        Fault::Full => {
            disk.fill()?;
            "No space left"
        }
        Fault::ReadOnly => {
            disk.remount("ro")?;
            "Read-only"
        }
    };
    world.begin_roll(ARRAY)?;
    let view = until("the roll to end", SOON, || {
        let view = world.status(ARRAY)?;
        ensure!(view["ended"] == true, "{}", view["reason"]);
        Ok(view)
    })?;
    let told = view.to_string();
    ensure!(
        view["state"] == "aborted" || view["state"] == "refused",
        "it ended as {}",
        view["state"]
    );
    ensure!(
        told.contains(words) && told.contains(&world.nodes[0]),
        "it does not say {words:?} of {}: {told}",
        world.nodes[0]
    );
    let now = world.domain().kvno(&account())?;
    ensure!(
        now == kvno,
        "the directory was changed: kvno {kvno} to {now}"
    );
    match fault {
        Fault::Full => disk.empty()?,
        Fault::ReadOnly => disk.remount("rw")?,
    }
    world.agents[0].wait_ready(ARRAY, SOON)?;
    world.roll(&[ARRAY]).context("the next roll").map(drop)
}

/// What is not saved is not done: it stops, says why, and goes on where it was. A store has some
/// room in itself, so an operator has to say a lot before the disk matters.
fn the_controller_cannot_write(world: &mut World<'_>, disk: &Disk) -> Result<()> {
    let place = "after record staging";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    disk.fill()?;
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    let status = until("the controller to end", SOON, || {
        let reason = "a long story ".repeat(5000);
        drop(
            world
                .cli
                .ask(&["schedule", "pause", ARRAY, "--reason", &reason]),
        );
        world
            .controller
            .process()?
            .ended()?
            .context("it still runs")
    })
    .with_context(|| world.story())?;
    ensure!(status.code() == Some(70), "it ended with {status}");
    let log = fs::read_to_string(world.controller.log())?;
    ensure!(
        log.contains("No space left"),
        "it does not say why:\n{}",
        world.story()
    );
    disk.empty()?;
    disk.remount("ro")?;
    world.controller.launch()?;
    let status = world
        .controller
        .wait_ended(SOON)
        .with_context(|| world.story())?;
    ensure!(status.code() == Some(75), "it ended with {status}");
    disk.remount("rw")?;
    world.controller.start()?;
    until("the roll to be done", seconds(120), || {
        is(world, ARRAY, "done")
    })
    .with_context(|| world.story())?;
    world.roll(&[ARRAY]).context("the next roll").map(drop)
}

/// A small disk of its own for a folder.
pub struct Disk(String);

impl Disk {
    /// Lays it over the folder; what was there is on it.
    pub fn at(folder: &Path, size: &str) -> Result<Self> {
        let disk = Self(folder.display().to_string());
        let kept = folder.with_extension("kept");
        output(Command::new("cp").arg("-a").args([folder, &kept]))?;
        let options = format!("size={size},mode=700");
        let mount = ["-t", "tmpfs", "-o", &options, "disk", &disk.0];
        output(Command::new("mount").args(mount))?;
        let all = kept.join(".");
        output(
            Command::new("cp")
                .arg("-a")
                .args([&all, &folder.to_owned()]),
        )?;
        Ok(disk)
    }

    fn fill(&self) -> Result<()> {
        let file = Path::new(&self.0).join("filler");
        // It ends when there is no room left, which is what is wanted.
        let of = format!("of={}", file.display());
        drop(
            Command::new("dd")
                .args(["if=/dev/zero", &of, "bs=4k"])
                .output()?,
        );
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        Ok(fs::remove_file(Path::new(&self.0).join("filler"))?)
    }

    /// Mounts it anew, `ro` or `rw`.
    pub fn remount(&self, how: &str) -> Result<()> {
        let options = format!("remount,{how}");
        output(Command::new("mount").args(["-o", &options, &self.0])).map(drop)
    }
}

fn account() -> String {
    format!("svc-{ARRAY}$")
}
