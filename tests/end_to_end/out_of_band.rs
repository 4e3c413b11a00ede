//! What others do behind keyroll's back: noticed, named, repaired or left to an operator, while
//! users log in.

mod account;
mod dc;
mod keytabs;
mod midway;
mod updaters;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::logins::Logins;
use keyroll_tests::wait::until;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

pub use self::account::names_spns_and_enctypes;
pub use self::dc::{a_domain_controller_set_back, a_restored_domain_controller};
pub use self::keytabs::files_that_others_write;
pub use self::midway::in_the_middle_of_a_roll;
pub use self::updaters::programs_that_renew_the_password;

/// The alarm of this code, once there is one.
fn told(world: &World<'_>, code: &str) -> Result<Value> {
    until(&format!("an operator to be told of {code}"), SOON, || {
        let alarms = alarms(world)?;
        let alarm = alarms.iter().find(|alarm| alarm["code"] == code);
        alarm.cloned().with_context(|| format!("told: {alarms:?}"))
    })
    .with_context(|| world.story())
}

/// That nobody is told of it any more.
fn untold(world: &World<'_>, code: &str) -> Result<()> {
    until(&format!("{code} to be over"), SOON, || {
        let alarms = alarms(world)?;
        let alarm = alarms.iter().find(|alarm| alarm["code"] == code);
        ensure!(alarm.is_none(), "{alarm:?}");
        Ok(())
    })
    .with_context(|| world.story())
}

fn alarms(world: &World<'_>) -> Result<Vec<Value>> {
    let status = world.cli.ask(&["status"])?.status()?;
    Ok(status["alarms"].as_array().cloned().unwrap_or_default())
}

/// That an alarm has this grade and names all of this.
fn says(alarm: &Value, grade: &str, words: &[&str]) -> Result<()> {
    ensure!(alarm["grade"] == grade, "not {grade}: {alarm}");
    let text = alarm.to_string();
    for word in words {
        ensure!(text.contains(word), "no {word:?} in {alarm}");
    }
    Ok(())
}

/// That an alarm names where and when, as the directory's stamps tell it.
fn dated(alarm: &Value, dc: &str) -> Result<()> {
    ensure!(alarm["changed_on"] == dc, "not on {dc}: {alarm}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let at = alarm["changed_unix"].as_u64().unwrap_or_default();
    ensure!(now.abs_diff(at) < 300, "not of now: {alarm}");
    let what = alarm["what"].as_str().unwrap_or_default();
    ensure!(
        what.contains("in its security log tells by whom"),
        "{alarm}"
    );
    Ok(())
}

/// That all logins since `failed` of them had failed were good.
fn none_failed_since(users: Logins, failed: u64, world: &World<'_>) -> Result<()> {
    let summary = users.stop()?;
    let since = summary.failed - failed;
    ensure!(
        since == 0 && summary.tried > failed,
        "{since} failed later, {failed} before:\n{}\n{}",
        summary.failures,
        world.story()
    );
    Ok(())
}

/// That `verify` has a finding of this name and grade, and whether it finds the array good.
fn verified(world: &World<'_>, array: &str, code: &str, grade: &str) -> Result<()> {
    let said = world.cli.ask(&["verify", array])?;
    let bad = ["broken", "warning", "unknown"].contains(&grade);
    ensure!((said.exit != 0) == bad, "{said:?}");
    let reply: Value = serde_json::from_str(&said.stdout)?;
    let checks = reply["checks"].as_array().cloned().unwrap_or_default();
    let check = checks.iter().find(|check| check["what"] == code);
    ensure!(
        check.is_some_and(|check| check["grade"] == grade),
        "{code} is {check:?} in {reply}"
    );
    Ok(())
}
