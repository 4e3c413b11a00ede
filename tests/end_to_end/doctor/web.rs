//! Faults of web servers.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use keyroll_tests::lab::output;
use keyroll_tests::wait::until;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use super::Mend::{ByHand, InItsPlace};
use super::{Fault, examined};

/// Authorization says 401 too, to a user whose ticket was taken.
pub fn no_fault_of_kerberos(world: &World<'_>) -> Result<()> {
    let (anybody, nobody) = ("Require valid-user", "Require user nobody@CORP.EXAMPLE");
    reconfigure(world, |text| text.replace(anybody, nobody))?;
    until("the ticket to be taken and the user not", SOON, || {
        let (_, findings) = examined(world, "ward")?;
        let taken = |one: &&Value| {
            let text = one.to_string();
            one["check"] == "service-login" && text.contains("takes a fresh ticket: Kerberos, 401")
        };
        let found = findings.iter().find(taken);
        ensure!(
            found.is_some_and(|one| one["grade"] == "ok"),
            "{findings:#?}"
        );
        Ok(())
    })?;
    reconfigure(world, |text| text.replace(nobody, anybody))
}

/// The faults, for the docs.
pub fn faults() -> Vec<Fault> {
    vec![
        Fault::broken(
            "a node's web server is down",
            "service-answers",
            "node",
            &[],
            |world| {
                let node = world.nodes[1].clone();
                world.web.stop(&node)
            },
            InItsPlace("systemctl start apache2 (on node"),
        ),
        Fault::broken(
            "a node's web server reads another keytab than keyroll writes",
            "service-login",
            "refuses a fresh ticket (401)",
            &[],
            |world| foreign_keytab(world, 1),
            InItsPlace("GssapiCredStore keytab:"),
        ),
        Fault::warning(
            "a web server offers NTLM before Negotiate",
            "service-offers",
            "ntlm, negotiate",
            &[],
            |world| reconfigure(world, |text| text + NTLM_FIRST),
            ByHand("Negotiate first", |world| {
                reconfigure(world, |text| text.replace(NTLM_FIRST, ""))
            }),
        ),
        Fault::broken(
            "a web server takes no header as long as a ticket",
            "service-login",
            "cannot read a fresh ticket (400)",
            &[],
            |world| reconfigure(world, |text| text + SHORT_HEADERS),
            InItsPlace("LimitRequestFieldSize 65536"),
        ),
        Fault::warning(
            "what is behind a web server is down",
            "service-answers",
            "answers 503",
            &[],
            |world| reconfigure(world, |text| text + OUT_OF_SERVICE),
            ByHand("curl -sv http://ward.corp.example/", |world| {
                reconfigure(world, |text| text.replace(OUT_OF_SERVICE, ""))
            }),
        ),
    ]
}

/// The web server of a node reads the keytab of another account.
pub fn foreign_keytab(world: &mut World<'_>, index: usize) -> Result<()> {
    let keytab = world.domain().keytab("svc-before");
    if !keytab.exists() {
        let spns = ["HTTP/before.corp.example"];
        world.domain().account("svc-before", &spns)?;
    }
    serve_with(world, index, &keytab)
}

fn serve_with(world: &mut World<'_>, index: usize, keytab: &Path) -> Result<()> {
    let node = world.nodes[index].clone();
    world.web.stop(&node)?;
    world.web.serve(&node, keytab)
}

const SHORT_HEADERS: &str = "LimitRequestFieldSize 300\n";
const OUT_OF_SERVICE: &str =
    "LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\nRedirect 503 /\n";
const NTLM_FIRST: &str = "Header always set WWW-Authenticate \"NTLM, Negotiate\"\n";

/// Has the second node's Apache read its configuration anew.
fn reconfigure(world: &World<'_>, change: impl FnOnce(String) -> String) -> Result<()> {
    let folder = world.lab.dir.join("node").join(&world.nodes[1]).join("web");
    let file = folder.join("httpd.conf");
    fs::write(&file, change(fs::read_to_string(&file)?))?;
    let pid = fs::read_to_string(folder.join("httpd.pid"))?;
    output(Command::new("kill").args(["-HUP", pid.trim()])).map(drop)
}
