//! What operators change in the directory, with rights of their own.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use keyroll_tests::cli::Said;
use keyroll_tests::lab::{output, output_with};
use keyroll_tests::world::World;

/// As an administrator of the domain, by password.
pub fn as_administrator(world: &World<'_>, line: &[&str]) -> Result<Said> {
    let password = world.lab.dir.join("admin.password");
    let password = password.display().to_string();
    let bind = [
        "--bind-as",
        "Administrator",
        "--bind-password-file",
        &password,
        "--yes",
    ];
    world.cli.ask(&[line, &bind].concat())
}

/// The name of a cache with the ticket that kinit gives alice, who has no right.
pub fn alices_cache(world: &World<'_>) -> Result<OsString> {
    let own = world.controller.folder().file_name();
    let own = own.context("the controller's folder has no name")?;
    let cache = world.lab.folder("caches")?.join(own);
    let mut kinit = Command::new("kinit");
    kinit
        .arg("-c")
        .arg(&cache)
        .arg("-kt")
        .arg(world.lab.dir.join("alice.keytab"));
    output(kinit.arg("alice"))?;
    Ok(format!("FILE:{}", cache.display()).into())
}

/// As alice, with that ticket.
pub fn as_alice(world: &World<'_>, line: &[&str]) -> Result<Said> {
    let mut command = world.cli.command(line);
    let done = command.env("KRB5CCNAME", alices_cache(world)?).output()?;
    Ok(Said {
        command: line.join(" "),
        exit: done.status.code().context("ended by a signal")?,
        stdout: String::from_utf8(done.stdout)?,
        stderr: String::from_utf8(done.stderr)?,
    })
}

/// The name of a cache with the ticket of an administrator of the domain.
pub fn administrators_cache(world: &World<'_>) -> Result<OsString> {
    let own = world.controller.folder().file_name();
    let own = own.context("the controller's folder has no name")?;
    let cache = world
        .lab
        .folder("caches")?
        .join(format!("{}.admin", own.display()));
    let cache = format!("FILE:{}", cache.display());
    let password = fs::read_to_string(world.lab.dir.join("admin.password"))?;
    let mut kinit = Command::new("kinit");
    output_with(kinit.args(["-c", &cache, "Administrator"]), &password)?;
    Ok(cache.into())
}
