//! Faults of domain controllers: run alone, since others would be without them too.

use std::fs;

use anyhow::Result;
use keyroll_tests::dc::Dc;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::Mend::{ByHand, Printed};
use super::{Fault, modify, plant};
use crate::set_up::QUICK;

const DN: &str = "CN=svc-cut,OU=Arrays,DC=corp,DC=example";

/// One is cut off from the other, and one is down.
pub fn domain_controllers(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["cut"])?;
    world.create("cut", QUICK)?;
    world.serve("cut")?;
    world.domain().address("cut", &world.nodes[0])?;
    let planted = plant(&mut world, "cut", &faults());
    minimum_length(&world, SAMBAS_MINIMUM)?;
    planted
}

/// The faults, for the docs.
pub fn faults() -> Vec<Fault> {
    vec![
        Fault::warning(
            "a domain controller takes binds that are neither signed nor sealed",
            "ldap-signing",
            "takes a bind on port 389",
            &[],
            |world| signing(world, "no"),
            ByHand("ldap server require strong auth = yes", |world| {
                signing(world, "yes")
            }),
        ),
        Fault::warning(
            "a domain controller takes binds over TLS without channel binding",
            "ldap-signing",
            "takes a bind on port 636",
            &[],
            |world| signing(world, "allow_sasl_over_tls"),
            ByHand("LdapEnforceChannelBinding", |world| signing(world, "yes")),
        ),
        Fault {
            wrong: "two domain controllers do not replicate",
            check: "replication-account",
            grade: "warning",
            says: "lacks the last write of msDS-SupportedEncryptionTypes",
            follows: &[],
            bring: |world| {
                world.domain().dc(&["cut"])?;
                let change = "replace: msDS-SupportedEncryptionTypes\n\
                              msDS-SupportedEncryptionTypes: 16";
                modify(world, DN, change)
            },
            mend: ByHand(
                "samba-tool drs replicate dc2.corp.example dc1.corp.example",
                |world| {
                    world.domain().dc(&["heal"])?;
                    world.domain().dc(&["replicate"]).map(drop)
                },
            ),
        },
        Fault::warning(
            "the domain wants longer passwords than the array makes",
            "account-policy",
            "at least 100 characters",
            &[],
            |world| minimum_length(world, 100),
            Printed("keyroll array set cut --password-length 100"),
        ),
        Fault::warning(
            "a domain controller's clock is two minutes off",
            "clock-dc",
            "differs from the controller's clock by +1",
            &[],
            |world| {
                let dc = Dc::of(world.lab, "dc2");
                dc.kill()?;
                dc.start_off_by("+120s")
            },
            ByHand("w32tm /resync", |world| {
                let dc = Dc::of(world.lab, "dc2");
                dc.kill()?;
                dc.start()
            }),
        ),
        Fault {
            wrong: "a domain controller is down",
            check: "dc-ldap",
            grade: "broken",
            says: "dc2.corp.example",
            follows: &["key-tickets", "replication-account"],
            bring: |world| Dc::of(world.lab, "dc2").kill(),
            mend: ByHand("nc -vz dc2.corp.example 636", |world| {
                Dc::of(world.lab, "dc2").start()
            }),
        },
    ]
}

/// How long passwords must be in the whole domain.
fn minimum_length(world: &World<'_>, characters: u32) -> Result<()> {
    let change = format!("replace: minPwdLength\nminPwdLength: {characters}");
    modify(world, "DC=corp,DC=example", &change)?;
    world.domain().dc(&["replicate"]).map(drop)
}

const SAMBAS_MINIMUM: u32 = 7;

/// What the first domain controller demands of binds from now on. The second one of the lab has no
/// SPN for its LDAP, so nobody can try it.
fn signing(world: &World<'_>, demanded: &str) -> Result<()> {
    let settings = world.lab.dir.join("dc1/smb.conf");
    let there = fs::read_to_string(&settings)?;
    let lines = there.lines().filter(|line| !line.contains(STRONG_AUTH));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    let ours = format!("[global]\n    {STRONG_AUTH} = {demanded}\n");
    fs::write(&settings, lines.replace("[global]\n", &ours))?;
    world.domain().dc(&["restart", "dc1"]).map(drop)
}

const STRONG_AUTH: &str = "ldap server require strong auth";
