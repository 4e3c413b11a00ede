//! Faults that users see, from the test's own machine: alice has logged in on it.

use std::fs;

use anyhow::Result;
use keyroll_tests::clock::Shifted;
use keyroll_tests::world::World;

use super::Fault;
use super::Mend::{ByHand, InItsPlace, Printed};
use super::web::foreign_keytab;
use crate::bound::alices_cache;

/// Alice logs in.
pub fn log_in(world: &mut World<'_>) -> Result<()> {
    let cache = alices_cache(world)?;
    world.cli.set(CACHE, Some(cache));
    Ok(())
}

/// The faults, for the docs; the array's name leads to the first node.
pub fn faults() -> Vec<Fault> {
    vec![
        Fault {
            wrong: "the user of the client's machine has no ticket",
            check: "client-ticket",
            grade: "unknown",
            says: "no Kerberos ticket of yours",
            follows: &["client-login"],
            bring: |world| {
                let nothing = world.lab.folder("caches")?.join("nothing");
                world.cli.set(CACHE, Some(nothing.into()));
                Ok(())
            },
            mend: Printed("kinit -c FILE:"),
        },
        Fault::broken(
            "the clock of the client's machine is ten minutes off",
            "client-clock",
            "dc1.corp.example by +",
            // A web server takes no ticket that is shown at such a time.
            &["client-login"],
            |world| {
                for (name, value) in Shifted::by("+600s")?.environment() {
                    world.cli.set(name, Some(value.into()));
                }
                Ok(())
            },
            InItsPlace("chronyc makestep (on this machine"),
        ),
        Fault {
            wrong: "the client's machine asks a name server that does not answer",
            check: "client-name",
            grade: "unknown",
            says: "ward.corp.example",
            follows: &["client-login", "client-ticket"],
            bring: |world| {
                let file = world.lab.folder("ward")?.join("resolv.conf");
                fs::write(
                    &file,
                    "nameserver 127.0.0.9\noptions timeout:1 attempts:1\n",
                )?;
                let mount = "mount --bind \"$0\" /etc/resolv.conf; exec \"$@\"";
                let file = file.display().to_string();
                world
                    .cli
                    .wrap(&["unshare", "-m", "sh", "-euc", mount, &file]);
                Ok(())
            },
            mend: ByHand("resolvectl query ward.corp.example", |world| {
                world.cli.wrap(&[]);
                Ok(())
            }),
        },
        Fault::broken(
            "the first node, to which the array's name leads, refuses this client's tickets",
            "client-login",
            "refuses a fresh ticket (401)",
            &["service-login"],
            |world| foreign_keytab(world, 0),
            InItsPlace("keyroll doctor ward (service-login"),
        ),
    ]
}

const CACHE: &str = "KRB5CCNAME";
