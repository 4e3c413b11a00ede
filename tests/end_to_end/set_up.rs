//! Arrays made, nodes joined and removed.

use anyhow::{Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

/// The policy of most tests: tickets of 6 seconds, so a drain is over soon.
pub const QUICK: &[&str] = &[
    "--ticket-life",
    "6s",
    "--clock-skew",
    "0s",
    "--margin",
    "1s",
];

/// Account, enctypes, nodes, SPN last: a client can never get a ticket that no node opens.
pub fn an_array_from_nothing(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &["fresh"])?;
    world.create("fresh", QUICK)?;
    let domain = world.domain();
    let spns = domain.attribute("dc1", "svc-fresh$", "servicePrincipalName")?;
    ensure!(
        spns.is_empty(),
        "an SPN before any node holds the key: {spns:?}"
    );
    let enctypes = domain.attribute("dc1", "svc-fresh$", "msDS-SupportedEncryptionTypes")?;
    ensure!(enctypes == ["24"], "enctypes {enctypes:?}");
    world.serve("fresh")?;
    world.verify("fresh")?;
    let users = world.users("fresh", 6)?;
    world.roll(&["fresh"])?;
    users.stop()?.none_failed()?;
    world.verify("fresh")
}
