//! The account: names, place, SPNs, enctypes, flags; and that it is gone.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use super::{dated, says, told, untold, verified};
use crate::set_up::{LIFE, QUICK};

const DN: &str = "CN=svc-named,OU=Arrays,DC=corp,DC=example";
const MOVED: &str = "CN=svc-named,OU=Moved,OU=Arrays,DC=corp,DC=example";
const FIRST: &str = "dc1.corp.example";

/// An edit that costs no login, and what is said of it.
struct Edit {
    dn: &'static str,
    change: &'static str,
    code: &'static str,
    words: &'static [&'static str],
}

const EDITS: &[Edit] = &[
    Edit {
        dn: DN,
        change: "replace: userPrincipalName\n\
                 userPrincipalName: HTTP/named.corp.example@corp.example",
        code: "upn-changed",
        words: &["next password's salt will be CORP.EXAMPLEHTTPnamed.corp.example"],
    },
    Edit {
        dn: DN,
        change: "replace: sAMAccountName\nsAMAccountName: svc-renamed",
        code: "account-renamed",
        words: &["was svc-named and is svc-renamed", "keytabs follow"],
    },
    Edit {
        dn: DN,
        change: "replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 16",
        code: "enctypes-changed",
        words: &["was 0x18 and is 0x10"],
    },
    Edit {
        dn: DN,
        change: "replace: userAccountControl\nuserAccountControl: 590336",
        code: "delegation-changed",
        words: &["was off and is on"],
    },
    Edit {
        dn: DN,
        change: "add: servicePrincipalName\nservicePrincipalName: HTTP/named-too.corp.example",
        code: "spn-added",
        words: &["HTTP/named-too.corp.example", "keytabs of all nodes"],
    },
];

/// Everything that may be done to an account without a login lost, one after the other under load,
/// then a roll; after that what costs logins by itself.
pub fn names_spns_and_enctypes(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["named"])?;
    create(&world)?;
    world.serve("named")?;
    let users = world.users("named", LIFE)?;
    for edit in EDITS {
        let ldif = format!("dn: {}\nchangetype: modify\n{}\n", edit.dn, edit.change);
        world.domain().modify(&ldif)?;
        let alarm = told(&world, edit.code)?;
        says(&alarm, "notice", edit.words)?;
        dated(&alarm, FIRST)?;
        verified(&world, "named", edit.code, "notice").with_context(|| world.story())?;
    }
    a_note_in_the_fence(&world)?;
    it_is_moved(&world)?;
    names_are_in_every_keytab(&world)?;
    at_every_node(lab, &world, "named-too.corp.example")?;
    it_is_disabled_for_a_while(&world)?;
    an_spn_goes_and_comes_back(&world)?;
    // Named by another UPN, with another salt, and proven by tickets all the same.
    world.roll(&["named"])?;
    world.verify("named")?;
    at_every_node(lab, &world, "named-too.corp.example")?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    enctypes_that_no_keytab_has(lab, &world)?;
    it_is_deleted(&world)
}

/// A user account, whose salt follows from its UPN.
fn create(world: &World<'_>) -> Result<()> {
    world.unit()?;
    let spn = world.spn("named");
    let what = ["array", "create", "named", "--account", "svc-named"];
    let how = ["--kind", "user", "--method", "reset", "--spn", &spn];
    let place = ["--container", "OU=Arrays,DC=corp,DC=example"];
    world
        .cli
        .run(&[&what[..], &how, &place, QUICK].concat())
        .map(drop)
}

/// The attribute has no stamp of its own among those that are told.
fn a_note_in_the_fence(world: &World<'_>) -> Result<()> {
    let change = "replace: adminDescription\nadminDescription: ask Ben before touching";
    let ldif = format!("dn: {DN}\nchangetype: modify\n{change}\n");
    world.domain().modify(&ldif)?;
    let alarm = told(world, "fence-written")?;
    says(&alarm, "notice", &["ask Ben before touching"])
}

fn it_is_moved(world: &World<'_>) -> Result<()> {
    world
        .domain()
        .samba_tool(&["ou", "create", "OU=Moved,OU=Arrays,DC=corp,DC=example"])?;
    world.domain().modify(&format!(
        "dn: {DN}\nchangetype: modrdn\nnewrdn: CN=svc-named\ndeleteoldrdn: 1\n\
         newsuperior: OU=Moved,OU=Arrays,DC=corp,DC=example\n"
    ))?;
    let alarm = told(world, "account-moved")?;
    says(&alarm, "notice", &["OU=Moved", "found by its objectGUID"])?;
    dated(&alarm, FIRST)
}

fn names_are_in_every_keytab(world: &World<'_>) -> Result<()> {
    for agent in &world.agents {
        until("the keytab to follow", SOON, || {
            let keytab = agent.keytab("named");
            let shown = output(Command::new("klist").arg("-k").arg(keytab))?;
            for name in ["svc-renamed@", "HTTP/named-too.corp.example@"] {
                ensure!(shown.contains(name), "no {name} in {shown}");
            }
            ensure!(!shown.contains("svc-named@"), "{shown}");
            Ok(())
        })
        .with_context(|| world.story())?;
    }
    Ok(())
}

fn at_every_node(lab: &Lab, world: &World<'_>, host: &str) -> Result<()> {
    let ticket = HeldTicket::fetch(lab, host, 60)?;
    let mut nodes = world.nodes.iter();
    nodes.try_for_each(|node| ticket.log_in(node).with_context(|| world.story()))
}

/// Samba's KDC goes on giving tickets; Active Directory's does not.
fn it_is_disabled_for_a_while(world: &World<'_>) -> Result<()> {
    let set = |verb| world.domain().samba_tool(&["user", verb, "svc-renamed"]);
    set("disable")?;
    let alarm = told(world, "account-disabled")?;
    says(&alarm, "critical", &["samba-tool user enable"])?;
    dated(&alarm, FIRST)?;
    verified(world, "named", "account-disabled", "broken")?;
    let said = world.cli.ask(&["roll", "named", "--dry-run"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("account-disabled"),
        "{said:?}"
    );
    set("enable")?;
    untold(world, "account-disabled")
}

fn an_spn_goes_and_comes_back(world: &World<'_>) -> Result<()> {
    let spn = "HTTP/named-too.corp.example";
    let change = |verb| {
        format!(
            "dn: {MOVED}\nchangetype: modify\n{verb}: servicePrincipalName\n\
             servicePrincipalName: {spn}\n"
        )
    };
    world.domain().modify(&change("delete"))?;
    let alarm = told(world, "spn-removed")?;
    let next = format!("keyroll spn add named {spn}");
    says(&alarm, "critical", &[spn, &next])?;
    dated(&alarm, FIRST)?;
    verified(world, "named", "spn-removed", "broken")?;
    world.domain().modify(&change("add"))?;
    untold(world, "spn-removed")?;
    world.domain().wait_for_spn(spn)
}

/// From here on logins fail until somebody has set it right: no keytab has such a key.
fn enctypes_that_no_keytab_has(lab: &Lab, world: &World<'_>) -> Result<()> {
    let set = |bits: u8| {
        world.domain().modify(&format!(
            "dn: {MOVED}\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\n\
             msDS-SupportedEncryptionTypes: {bits}\n"
        ))
    };
    set(4)?;
    let alarm = told(world, "enctypes-uncovered")?;
    says(&alarm, "critical", &["0x4", " 24"])?;
    dated(&alarm, FIRST)?;
    let alarm = told(world, "enctype-foreign")?;
    says(&alarm, "critical", &["enctype 23", "keyroll verify named"])?;
    verified(world, "named", "enctypes-uncovered", "broken")?;
    set(24)?;
    untold(world, "enctypes-uncovered")?;
    untold(world, "enctype-foreign")?;
    at_every_node(lab, world, "named.corp.example")
}

fn it_is_deleted(world: &World<'_>) -> Result<()> {
    let keytab = world.agents[0].keytab("named");
    let before = std::fs::read(keytab)?;
    world
        .domain()
        .modify(&format!("dn: {MOVED}\nchangetype: delete\n"))?;
    let alarm = told(world, "account-deleted")?;
    says(&alarm, "critical", &["svc-renamed", "Restore-ADObject"])?;
    let said = world.cli.ask(&["roll", "named", "--yes", "--wait"])?;
    ensure!(said.exit != 0, "{said:?}");
    ensure!(std::fs::read(keytab)? == before, "nodes lose their keys");
    Ok(())
}
