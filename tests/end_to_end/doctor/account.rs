//! Faults of the account, its names, its password and its rolls.

use anyhow::Result;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::Mend::{ByHand, Lasts, Printed};
use super::descriptor::{
    ACCOUNT_RESTRICTIONS, HIDDEN_WITH_ALL, deny, keep, nothing_is_broken, nothing_is_made_up,
    put_back, take_away,
};
use super::{Fault, called, modify, plant, plant_into};
use crate::set_up::QUICK;

pub(super) const DN: &str = "CN=svc-sick,OU=Arrays,DC=corp,DC=example";
pub(super) const SPN: &str = "HTTP/sick.corp.example";

/// A user account, since a computer's salt follows no UPN and its password never expires.
pub fn accounts_and_keys(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["sick", "found"])?;
    world.unit()?;
    let what = [
        "array",
        "create",
        "sick",
        "--account",
        "svc-sick",
        "--kind",
        "user",
    ];
    let how = ["--method", "reset", "--spn", SPN];
    let place = ["--container", "OU=Arrays,DC=corp,DC=example"];
    world.cli.run(&[&what[..], &how, &place, QUICK].concat())?;
    world.join("sick", 0)?;
    world.domain().wait_for_spn(SPN)?;
    lead_back(&mut world)?;
    plant_into(&mut world, "found", &unknown())?;
    plant(&mut world, "sick", &faults())
}

/// Those of an array that was adopted without a word of its key, for the docs.
pub fn unknown() -> Vec<Fault> {
    let adopt = |world: &mut World<'_>| {
        let domain = world.domain();
        domain.account("svc-found", &["HTTP/found.corp.example"])?;
        domain.delegate(&world.cli, "svc-found")?;
        domain.address("found", &world.nodes[0])?;
        let adopt = ["array", "adopt", "found", "--account", "svc-found"];
        world.cli.run(&[&adopt[..], QUICK].concat())?;
        let node = world.agents[0].full_name();
        world.cli.run(&["node", "add", "found", &node]).map(drop)
    };
    vec![Fault::warning(
        "nobody told the controller the key of an account that it adopted",
        "key-known",
        "today's key",
        &["node-ready", "account-salt"],
        adopt,
        Printed("keyroll roll found"),
    )]
}

/// The faults, for the docs.
pub fn faults() -> Vec<Fault> {
    let groups = [
        of_itself(),
        called::names(),
        called::delegation(),
        at_the_end(),
    ];
    groups.into_iter().flatten().collect()
}

fn of_itself() -> Vec<Fault> {
    vec![
        Fault::broken(
            "the account is disabled",
            "account-enabled",
            "it is disabled",
            &["key-tickets", "key-accepted"],
            |world| {
                world
                    .domain()
                    .samba_tool(&["user", "disable", "svc-sick"])
                    .map(drop)
            },
            Printed("samba-tool user enable"),
        ),
        Fault::broken(
            "the account is locked out",
            "account-lockout",
            "locked out",
            &["key-tickets"],
            |world| {
                modify(
                    world,
                    DN,
                    &format!("replace: lockoutTime\nlockoutTime: {}", now()),
                )
            },
            Printed("samba-tool user unlock"),
        ),
        Fault::broken(
            "the account has expired",
            "account-expiry",
            "expired",
            &["key-tickets"],
            |world| {
                modify(
                    world,
                    DN,
                    "replace: accountExpires\naccountExpires: 130000000000000000",
                )
            },
            Printed("samba-tool user setexpiry --noexpiry"),
        ),
        Fault::warning(
            "the account expires within a month",
            "account-expiry",
            "it expires in",
            &[],
            |world| {
                let end = now() + 10 * DAY;
                let change = format!("replace: accountExpires\naccountExpires: {end}");
                modify(world, DN, &change)
            },
            Printed("samba-tool user setexpiry --noexpiry"),
        ),
        Fault::warning(
            "the controller's account may write to the accounts' container",
            "rights-surplus",
            "it may write description",
            &[],
            to_describe,
            Printed("samba-tool dsacl set --objectdn='OU=Arrays,DC=corp,DC=example'"),
        ),
        Fault::warning(
            "the controller's account may not reset the password",
            "rights-password",
            "svc-sick",
            &[],
            take_away,
            Printed("samba-tool dsacl set --objectdn='CN=svc-sick,OU=Arrays,DC=corp,DC=example'"),
        ),
        Fault::warning(
            "the controller's account may not read the account's restrictions",
            "account-tier",
            "userAccountControl is not shown",
            // What nobody can say then.
            &[
                "account-enabled",
                "account-lockout",
                "account-expiry",
                "account-delegable",
                "password-expiry",
                "delegation-works",
            ],
            |world| {
                keep(world)?;
                deny(world, &format!("OD;;RP;{ACCOUNT_RESTRICTIONS}"))?;
                nothing_is_made_up(world)
            },
            Printed("samba-tool dsacl set --objectdn='CN=svc-sick,OU=Arrays,DC=corp,DC=example'"),
        ),
        Fault::warning(
            "the controller's account may read nothing of the account",
            "account-tier",
            "tokenGroups",
            // What nobody can say then.
            HIDDEN_WITH_ALL,
            |world| {
                // samba-tool adds no entry that is there already, below the denial too.
                put_back(world)?;
                deny(world, "D;;RPLCLORC;")?;
                nothing_is_broken(world)
            },
            // What is printed is granted beside the denial, which goes on hiding the rest.
            ByHand(
                "samba-tool dsacl set --objectdn='CN=svc-sick,OU=Arrays,DC=corp,DC=example'",
                |world| put_back(world),
            ),
        ),
        Fault::warning(
            "the account is an administrator's (adminCount)",
            "account-tier",
            "protected",
            &[],
            |world| modify(world, DN, "replace: adminCount\nadminCount: 1"),
            ByHand("use an account of its own", |world| {
                modify(world, DN, "delete: adminCount")
            }),
        ),
        Fault::broken(
            "msDS-SupportedEncryptionTypes is unset: the KDC issues RC4",
            "key-enctype",
            "rc4-hmac",
            &["account-enctypes"],
            |world| modify(world, DN, "delete: msDS-SupportedEncryptionTypes"),
            Printed("net ads enctypes set 'svc-sick' 24"),
        ),
        Fault::warning(
            "msDS-SupportedEncryptionTypes allows RC4 beside AES",
            "account-enctypes",
            "lack (0x4)",
            &[],
            |world| {
                let change = "replace: msDS-SupportedEncryptionTypes\n\
                              msDS-SupportedEncryptionTypes: 28";
                modify(world, DN, change)
            },
            Printed("net ads enctypes set 'svc-sick' 24"),
        ),
        Fault::warning(
            "a UPN gives the next password another salt",
            "account-salt",
            "userPrincipalName HTTP/sick.corp.example@corp.example",
            &[],
            |world| {
                let upn = "HTTP/sick.corp.example@corp.example";
                let change = format!("replace: userPrincipalName\nuserPrincipalName: {upn}");
                modify(world, DN, &change)
            },
            Printed("keyroll roll sick"),
        ),
        Fault::warning(
            "the password must be changed at the next logon",
            "password-expiry",
            "must be changed",
            &["key-tickets", "key-accepted"],
            |world| modify(world, DN, "replace: pwdLastSet\npwdLastSet: 0"),
            Printed("samba-tool user setexpiry --noexpiry"),
        ),
        Fault::broken(
            "somebody else set the password",
            "key-tickets",
            "open with no key of the array",
            &["key-kvno", "account-salt"],
            |world| {
                let domain = world.domain();
                domain.dc(&["set-password", "svc-sick", "Somebody-Elses-Passw0rd"])?;
                domain.wait_for_kvno("svc-sick")
            },
            Printed("keyroll roll sick --emergency"),
        ),
    ]
}

/// What comes last.
fn at_the_end() -> Vec<Fault> {
    vec![
        Fault::warning(
            "the schedule is paused",
            "deadline-roll",
            "paused",
            &[],
            |world| {
                world
                    .cli
                    .run(&["schedule", "set", "sick", "--every", "30d"])?;
                let pause = ["schedule", "pause", "sick", "--reason", "holidays"];
                world.cli.run(&pause).map(drop)
            },
            Printed("keyroll schedule resume sick"),
        ),
        Fault::broken(
            "the account is deleted",
            "account-found",
            "svc-sick",
            &[
                "key-tickets",
                "dc-ldap",
                // What cannot be seen any more.
                "replication-account",
                "delegation-works",
                "rights-surplus",
            ],
            |world| {
                let delete = ["user", "delete", "svc-sick"];
                world.domain().samba_tool(&delete).map(drop)
            },
            Lasts("Restore-ADObject", "by hand, where there is a recycle bin"),
        ),
    ]
}

/// Allows the controller's account to write the container's description.
fn to_describe(world: &mut World<'_>) -> Result<()> {
    const DESCRIPTION: &str = "bf967950-0de6-11d0-a285-00aa003049e2";
    let sid = world.domain().sid("svc-keyroll")?;
    let right = format!("--sddl=(OA;;WP;{DESCRIPTION};;{sid})");
    let container = "--objectdn=OU=Arrays,DC=corp,DC=example";
    let set = ["dsacl", "set", container, &right];
    world.domain().samba_tool(&set).map(drop)
}

fn lead_back(world: &mut World<'_>) -> Result<()> {
    world.domain().address("sick", &world.nodes[0])
}

/// In the same units.
const DAY: u64 = 86_400 * 10_000_000;

/// 100 ns since 1601 (MS-DTYP 2.3.3).
fn now() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    (since.map_or(0, |since| since.as_secs()) + 11_644_473_600) * 10_000_000
}
