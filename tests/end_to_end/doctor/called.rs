//! Faults of the account's names, and of its delegation to the names of others.

use anyhow::{Context as _, Result};
use keyroll_tests::world::World;

use super::Mend::Printed;
use super::account::{DN, SPN};
use super::{Fault, modify};

/// Those of its own names, for the docs.
pub fn names() -> Vec<Fault> {
    vec![
        Fault::broken(
            "an SPN is gone",
            "spn-registered",
            SPN,
            &["key-tickets"],
            |world| modify(world, DN, "delete: servicePrincipalName"),
            Printed("keyroll spn add sick HTTP/sick.corp.example"),
        ),
        Fault::broken(
            "another account has an SPN too",
            "spn-unique",
            SPN,
            &["key-tickets"],
            |world| {
                world.domain().account("svc-ill", &[])?;
                let spn = format!("add: servicePrincipalName\nservicePrincipalName: {SPN}");
                world.domain().force(TWIN, &spn)
            },
            Printed("keyroll spn move sick HTTP/sick.corp.example"),
        ),
        Fault::broken(
            "another account has a name that looks like an SPN (a Cyrillic letter)",
            "spn-unique",
            "u{456}ck.corp.example, another name that looks like it",
            &[],
            |world| alike(world, "HTTP/s\u{456}ck.corp.example"),
            Printed("samba-tool spn delete $'HTTP/s\\xd1\\x96ck.corp.example' svc-ill"),
        ),
        Fault::broken(
            "another account has an SPN with a character that nobody sees",
            "spn-unique",
            "u{200b}.corp.example, another name that looks like it",
            &[],
            |world| alike(world, "HTTP/sick\u{200b}.corp.example"),
            Printed("samba-tool spn delete $'HTTP/sick\\xe2\\x80\\x8b.corp.example' svc-ill"),
        ),
        Fault::broken(
            "the array's name has no address in DNS",
            "dns-name",
            "has no address in DNS",
            &[],
            |world| world.domain().dc(&["name", "sick"]).map(drop),
            Printed("samba-tool dns add dc1.corp.example corp.example sick A 10.99.0."),
        ),
        Fault::warning(
            "the array's name is an alias of a node's (CNAME)",
            "dns-name",
            "is a CNAME",
            &[],
            |world| {
                let node = world.agents[0].full_name();
                world.domain().dc(&["name", "sick", &node]).map(drop)
            },
            Printed("samba-tool dns delete dc1.corp.example corp.example sick CNAME node"),
        ),
    ]
}

/// Those of the services that it delegates to, for the docs.
pub fn delegation() -> Vec<Fault> {
    vec![
        Fault::warning(
            "the account delegates to an SPN that nobody has",
            "delegation-works",
            "no account that can be seen has this SPN",
            &[],
            |world| modify(world, DN, &format!("add: {TARGETS}\n{TARGETS}: {NOBODYS}")),
            Printed("keyroll delegation apply sick --not-to HTTP/nowhere.corp.example"),
        ),
        Fault::warning(
            "the account may delegate to any service",
            "delegation-risk",
            "trusted for delegation to any service",
            &[],
            |world| {
                let domain = world.domain();
                let flags = domain.attribute("dc1", "svc-sick", "userAccountControl")?;
                let flags: u32 = flags.first().context("no userAccountControl")?.parse()?;
                let flags = flags | 0x8_0000;
                let change = format!("replace: userAccountControl\nuserAccountControl: {flags}");
                modify(world, DN, &change)
            },
            Printed("keyroll delegation apply sick --no-unconstrained"),
        ),
        Fault::warning(
            "the account is in Protected Users",
            "account-delegable",
            "in the group Protected Users",
            &[],
            |world| {
                let add = ["group", "addmembers", "Protected Users", "svc-sick"];
                world.domain().samba_tool(&add).map(drop)
            },
            Printed("samba-tool group removemembers"),
        ),
        Fault::warning(
            "the account delegates, and is sensitive",
            "account-delegable",
            "is sensitive (NOT_DELEGATED)",
            &[],
            |world| {
                world.domain().account("svc-sick-behind", &[SOMEBODYS])?;
                let target = format!("add: {TARGETS}\n{TARGETS}: {SOMEBODYS}");
                modify(world, DN, &target)?;
                let set = ["user", "sensitive", "svc-sick", "on"];
                world.domain().samba_tool(&set).map(drop)
            },
            Printed("keyroll delegation apply sick --sensitive off"),
        ),
        Fault::warning(
            "the account of a service that it delegates to is disabled",
            "delegation-works",
            "its account svc-sick-behind is disabled",
            &[],
            |world| {
                let disable = ["user", "disable", "svc-sick-behind"];
                world.domain().samba_tool(&disable).map(drop)
            },
            Printed("samba-tool user enable 'svc-sick-behind'"),
        ),
        Fault::warning(
            "two accounts have an SPN that it delegates to",
            "delegation-works",
            "svc-ill (CN=svc-ill,CN=Users,DC=corp,DC=example)",
            &[],
            |world| {
                let spn = format!("add: servicePrincipalName\nservicePrincipalName: {SOMEBODYS}");
                world.domain().force(TWIN, &spn)
            },
            Printed("samba-tool spn delete HTTP/sick-behind.corp.example svc-"),
        ),
    ]
}

/// Such a name is another one to the directory, which takes it.
fn alike(world: &World<'_>, spn: &str) -> Result<()> {
    let change = format!("add: servicePrincipalName\nservicePrincipalName: {spn}");
    modify(world, TWIN, &change)
}

const TWIN: &str = "CN=svc-ill,CN=Users,DC=corp,DC=example";

const TARGETS: &str = "msDS-AllowedToDelegateTo";
const NOBODYS: &str = "HTTP/nowhere.corp.example";
const SOMEBODYS: &str = "HTTP/sick-behind.corp.example";
