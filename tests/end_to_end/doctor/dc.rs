//! Faults of domain controllers: run alone, since others would be without them too.

use std::fs;

use anyhow::Result;
use keyroll_tests::dc::Dc;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::Mend::{InItsPlace, Printed};
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
    set(&world, "dc1", "dreplsrv:notify_interval", "1")?;
    set(&world, "dc2", "dreplsrv:periodic_startup_interval", "1")?;
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
            InItsPlace("sed -i -e '/ldap server require strong auth/d'"),
        ),
        Fault::warning(
            "a domain controller takes binds over TLS without channel binding",
            "ldap-signing",
            "takes a bind on port 636",
            &[],
            |world| signing(world, "allow_sasl_over_tls"),
            InItsPlace("/v LdapEnforceChannelBinding"),
        ),
        Fault {
            wrong: "a domain controller has no SPN for its LDAP, so what it takes cannot be tried",
            check: "ldap-signing",
            grade: "unknown",
            says: "cannot be tried without a ticket for ldap/dc2.corp.example",
            follows: &[],
            bring: |world| {
                let without = format!("delete: servicePrincipalName\nservicePrincipalName: {LDAP}");
                modify(
                    world,
                    "CN=DC2,OU=Domain Controllers,DC=corp,DC=example",
                    &without,
                )?;
                world.domain().dc(&["replicate"])?;
                // It has a ticket from before.
                world.controller.kill()?;
                world.controller.start()
            },
            mend: Printed("samba-tool spn add ldap/dc2.corp.example 'dc2$'"),
        },
        Fault {
            wrong: "two domain controllers do not replicate",
            check: "replication-account",
            grade: "warning",
            says: "lacks the last write of msDS-SupportedEncryptionTypes",
            follows: &[],
            bring: |world| {
                reluctant(world)?;
                let change = "replace: msDS-SupportedEncryptionTypes\n\
                              msDS-SupportedEncryptionTypes: 16";
                modify(world, DN, change)
            },
            mend: Printed(
                "samba-tool drs replicate dc2.corp.example dc1.corp.example DC=corp,DC=example",
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
            InItsPlace("chronyc makestep (on dc2.corp.example"),
        ),
        Fault::broken(
            "a domain controller's clock is seven minutes off",
            "clock-dc",
            "differs from the controller's clock by +4",
            &["key-tickets"],
            |world| {
                let dc = Dc::of(world.lab, "dc2");
                dc.kill()?;
                dc.start_off_by("+420s")
            },
            InItsPlace("chronyc makestep (on dc2.corp.example"),
        ),
        Fault {
            wrong: "a domain controller is down",
            check: "dc-ldap",
            grade: "broken",
            says: "dc2.corp.example",
            follows: &["key-tickets", "replication-account"],
            bring: |world| Dc::of(world.lab, "dc2").kill(),
            mend: InItsPlace("systemctl start samba-ad-dc (on dc2.corp.example"),
        },
    ]
}

/// How long passwords must be in the whole domain.
fn minimum_length(world: &World<'_>, characters: u32) -> Result<()> {
    let change = format!("replace: minPwdLength\nminPwdLength: {characters}");
    modify(world, "DC=corp,DC=example", &change)?;
    world.domain().dc(&["replicate"]).map(drop)
}

const LDAP: &str = "ldap/dc2.corp.example";

const SAMBAS_MINIMUM: u32 = 7;

/// What the first domain controller demands of binds from now on.
fn signing(world: &World<'_>, demanded: &str) -> Result<()> {
    set(world, "dc1", STRONG_AUTH, demanded)
}

/// Another value of a setting of a domain controller, which holds from its restart on.
fn set(world: &World<'_>, dc: &str, name: &str, value: &str) -> Result<()> {
    let settings = world.lab.dir.join(dc).join("smb.conf");
    let there = fs::read_to_string(&settings)?;
    let lines = there.lines().filter(|line| !line.contains(name));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    let ours = format!("[global]\n    {name} = {value}\n");
    fs::write(&settings, lines.replace("[global]\n", &ours))?;
    world.domain().dc(&["restart", dc]).map(drop)
}

/// The first domain controller tells the second one nothing, and that one asks for nothing, for
/// longer than the test lasts.
fn reluctant(world: &World<'_>) -> Result<()> {
    set(world, "dc1", "dreplsrv:notify_interval", HOURS)?;
    set(world, "dc2", "dreplsrv:periodic_startup_interval", HOURS)
}

/// Ten, in seconds.
const HOURS: &str = "36000";

const STRONG_AUTH: &str = "ldap server require strong auth";
