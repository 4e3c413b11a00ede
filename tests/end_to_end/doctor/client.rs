//! Faults that users see, from the test's own machine: alice has logged in on it.

use anyhow::Result;
use keyroll_tests::world::World;

use super::Fault;
use super::Mend::ByHand;
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
            mend: ByHand("kinit -c FILE:", log_in),
        },
        Fault::broken(
            "the clock of the client's machine is ten minutes off",
            "client-clock",
            "dc1.corp.example by +",
            // A web server takes no ticket that is shown at such a time.
            &["client-login"],
            |world| {
                world.cli.set("FAKETIME", Some("+600s".into()));
                world.cli.set("LD_PRELOAD", Some(FAKETIME.into()));
                Ok(())
            },
            ByHand("chronyc makestep, on this machine", |world| {
                world.cli.set("FAKETIME", None);
                world.cli.set("LD_PRELOAD", None);
                Ok(())
            }),
        ),
    ]
}

const CACHE: &str = "KRB5CCNAME";
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
