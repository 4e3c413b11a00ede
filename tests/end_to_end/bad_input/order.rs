//! Commands that cannot be carried out, and credentials that do not fit.

mod table;

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::cli::Cli;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use self::table::ORDERS;
pub use self::table::WHILE_STAGING;
use super::{Case, complained};
use crate::set_up::QUICK;

/// The cases, for the docs.
pub fn cases() -> Vec<Case> {
    let orders = ORDERS.into_iter().map(|(case, _)| case);
    let early = WHILE_STAGING.into_iter().map(|(case, _)| case);
    orders.chain(early).collect()
}

/// Each order in turn; arrays and the account in the directory stay as they are.
pub fn orders_that_make_no_sense(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let world = World::new(lab, free, 0, &[])?;
    let domain = world.domain();
    world.create("odd", QUICK)?;
    world.create("even", QUICK)?;
    let invite = ["node", "add", "even", "node15.corp.example"];
    world.cli.run(&invite)?;
    let folder = lab.folder("orders")?;
    domain.account("svc-foreign", &["HTTP/foreign.corp.example"])?;
    fs::copy(domain.keytab("svc-foreign"), folder.join("old.keytab"))?;
    domain.dc(&["set-password", "svc-foreign", "Another-Passw0rd-1"])?;
    domain.wait_for_kvno("svc-foreign")?;
    fs::copy(lab.dir.join("alice.keytab"), folder.join("alice.keytab"))?;
    let whole = fs::read(folder.join("old.keytab"))?;
    fs::write(folder.join("cut.keytab"), &whole[..whole.len() - 7])?;
    fs::write(folder.join("wrong"), "Wrong-Passw0rd-1")?;

    let state = || -> Result<String> {
        let arrays = world.cli.run(&["array", "list"])?;
        Ok(format!("{arrays} kvno {}", domain.kvno("svc-foreign")?))
    };
    let before = state()?;
    for (case, arguments) in ORDERS {
        let place = |word: &&str| match word.strip_prefix('@') {
            Some(file) => folder.join(file).display().to_string(),
            None => (*word).to_owned(),
        };
        let arguments: Vec<String> = arguments.iter().map(place).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        case.check(&complained(&world.cli.ask(&arguments)?)?)
            .with_context(|| world.story())?;
        let now = state()?;
        ensure!(now == before, "{}: {before}\nbecame {now}", case.wrong);
    }
    nobody_there(&folder)
}

/// Not in the table of the controller's refusals: there is no controller.
fn nobody_there(folder: &std::path::Path) -> Result<()> {
    let told = complained(&Cli::new(&folder.join("no.sock"))?.ask(&["status"])?)?;
    let case = Case {
        wrong: "no controller",
        command: "keyroll",
        exit: 69,
        code: "unreachable",
        says: &["no.sock", "was not reached"],
        next: "systemctl status keyroll-controller",
    };
    case.check(&told)
}
