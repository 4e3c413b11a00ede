//! Accounts as no roll may find them.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::domain::Domain;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::{Case, refusal};
use crate::set_up::QUICK;

const DN: &str = "CN=svc-bad,CN=Users,DC=corp,DC=example";
const DRY_RUN: &str = "keyroll roll ARRAY --dry-run";

/// A defect of an account: how it comes about and goes again.
struct Defect {
    case: Case,
    /// LDIF below the account's `dn:`, for each.
    bring: String,
    mend: &'static str,
}

/// The cases, for the docs.
pub fn cases() -> Vec<Case> {
    defects()
        .into_iter()
        .map(|defect| defect.case)
        .chain(others().into_iter().map(|other| other.case))
        .collect()
}

fn case(
    wrong: &'static str,
    code: &'static str,
    says: &'static [&'static str],
    next: &'static str,
) -> Case {
    Case {
        wrong,
        command: DRY_RUN,
        exit: 1,
        code,
        says,
        next,
    }
}

fn defects() -> Vec<Defect> {
    let defect = |case, bring: &str, mend| Defect {
        case,
        bring: bring.to_owned(),
        mend,
    };
    let locked = format!("replace: lockoutTime\nlockoutTime: {}", file_time_now());
    vec![
        defect(
            case(
                "disabled",
                "account-disabled",
                &["svc-bad", "disabled"],
                "user enable 'svc-bad'",
            ),
            "replace: userAccountControl\nuserAccountControl: 66050",
            "replace: userAccountControl\nuserAccountControl: 66048",
        ),
        defect(
            case(
                "locked out",
                "account-locked",
                &["svc-bad", "locked out"],
                "unlock 'svc-bad'",
            ),
            &locked,
            "replace: lockoutTime\nlockoutTime: 0",
        ),
        defect(
            case(
                "expired",
                "account-expired",
                &["svc-bad", "expired"],
                "setexpiry --noexpiry",
            ),
            "replace: accountExpires\naccountExpires: 130000000000000000",
            "replace: accountExpires\naccountExpires: 9223372036854775807",
        ),
        defect(
            case(
                "not to log in at any hour",
                "login-refused",
                &["dc1", "the account may not log in there"],
                "look at its logonHours",
            ),
            "replace: logonHours\nlogonHours:: AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "delete: logonHours",
        ),
        defect(
            case(
                "msDS-SupportedEncryptionTypes unset",
                "enctypes-unset",
                &["svc-bad", "RC4 tickets"],
                "net ads enctypes set 'svc-bad' 24",
            ),
            "delete: msDS-SupportedEncryptionTypes",
            "add: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24",
        ),
        defect(
            case(
                "RC4 allowed beside AES",
                "enctypes-uncovered",
                &["svc-bad", "keytabs lack (0x4)"],
                "net ads enctypes set 'svc-bad' 24",
            ),
            "replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 28",
            "replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24",
        ),
        defect(
            case(
                "no SPN is left",
                "spn-missing",
                &["svc-bad", "no SPN is registered"],
                "keyroll node list",
            ),
            "delete: servicePrincipalName",
            "replace: servicePrincipalName\nservicePrincipalName: HTTP/bad.corp.example",
        ),
        defect(
            case(
                "protected",
                "account-protected",
                &["svc-bad", "Tier 0"],
                "an account of its own",
            ),
            "replace: adminCount\nadminCount: 1",
            "delete: adminCount",
        ),
    ]
}

type Cause = fn(&World<'_>) -> Result<()>;

/// One that takes more than a modify of the account.
struct Other {
    case: Case,
    array: &'static str,
    bring: Cause,
    mend: Cause,
}

fn others() -> Vec<Other> {
    let other = |case, array, bring, mend| Other {
        case,
        array,
        bring,
        mend,
    };
    vec![
        other(
            case(
                "the domain wants longer passwords",
                "policy-length",
                &["svc-bad", "at least 100 characters"],
                "keyroll array set bad --password-length 100",
            ),
            "bad",
            long_passwords,
            short_passwords,
        ),
        other(
            case(
                "another account has its SPN",
                "spn-duplicate",
                &["HTTP/bad.corp.example", "has it too"],
                "keyroll spn move bad HTTP/bad.corp.example",
            ),
            "bad",
            duplicate_spn,
            no_duplicate_spn,
        ),
        other(
            case(
                "no right to reset the password",
                "right-missing",
                &["svc-bare", "may not reset"],
                "--print-acl --account 'svc-bare'",
            ),
            "bare",
            no_right,
            nothing,
        ),
        other(
            case(
                "too young for a change, by policy `change`",
                "minimum-age",
                &["svc-young", "too young to be changed"],
                "--print-acl --account 'svc-young'",
            ),
            "young",
            too_young,
            nothing,
        ),
        other(
            case(
                "somebody else set the password",
                "key-foreign",
                &["dc1.corp.example", "somebody else set the password"],
                "keyroll verify bad",
            ),
            "bad",
            foreign_password,
            nothing,
        ),
    ]
}

/// Each defect in turn; nothing is written to the account by keyroll in all that time.
pub fn accounts_that_cannot_be_rolled(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["bad", "bare", "young"])?;
    let domain = world.domain();
    domain.account("svc-bad", &["HTTP/bad.corp.example"])?;
    domain.delegate(&world.cli, "svc-bad")?;
    let password = domain.password_file("svc-bad").display().to_string();
    let adopt = [
        "array",
        "adopt",
        "bad",
        "--account",
        "svc-bad",
        "--password-file",
        &password,
    ];
    world.cli.run(&[&adopt[..], QUICK].concat())?;
    world.join("bad", 0)?;
    let before = untouched(&domain)?;
    let version = world.cli.run(&["array", "show", "bad"])?["keyset_version"].clone();
    ensure!(
        world.cli.ask(&["roll", "bad", "--dry-run"])?.exit == 0,
        "it is bad to begin with"
    );
    for defect in defects() {
        domain.modify(&ldif(&defect.bring))?;
        let told = refusal(&world.cli, "bad", defect.case.code)?;
        defect.case.check(&told)?;
        domain.modify(&ldif(defect.mend))?;
    }
    // A roll is refused in the same words as its rehearsal, and ends at once.
    domain.modify(&ldif("delete: msDS-SupportedEncryptionTypes"))?;
    let said = world.cli.ask(&["roll", "bad", "--yes", "--wait"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("enctypes-unset"),
        "{said:?}"
    );
    domain.modify(&ldif(
        "add: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24",
    ))?;
    for other in others() {
        let now = untouched(&domain)?;
        ensure!(now == before, "{before} became {now}");
        (other.bring)(&world).context(other.case.wrong)?;
        other
            .case
            .check(&refusal(&world.cli, other.array, other.case.code)?)?;
        (other.mend)(&world).context(other.case.wrong)?;
    }
    let now = world.cli.run(&["array", "show", "bad"])?["keyset_version"].clone();
    ensure!(
        now == version,
        "the keyset's version went from {version} to {now}"
    );
    Ok(())
}

fn untouched(domain: &Domain<'_>) -> Result<String> {
    let set = domain.attribute("dc1", "svc-bad", "pwdLastSet")?;
    let fence = domain.attribute("dc1", "svc-bad", "adminDescription")?;
    Ok(format!(
        "kvno {}, set {set:?}, fence {fence:?}",
        domain.kvno("svc-bad")?
    ))
}

fn ldif(change: &str) -> String {
    format!("dn: {DN}\nchangetype: modify\n{change}\n")
}

fn nothing(_: &World<'_>) -> Result<()> {
    Ok(())
}

/// A password settings object for this account alone: others roll at the same time.
fn long_passwords(world: &World<'_>) -> Result<()> {
    let domain = world.domain();
    let pso = ["domain", "passwordsettings", "pso"];
    domain.samba_tool(&[&pso[..], &["create", "long", "1", "--min-pwd-length=100"]].concat())?;
    let dn = "--objectdn=CN=long,CN=Password Settings Container,CN=System,DC=corp,DC=example";
    let read = format!("--sddl=(A;;RPLCLORC;;;{})", domain.sid("svc-keyroll")?);
    domain.samba_tool(&["dsacl", "set", dn, &read])?;
    domain
        .samba_tool(&[&pso[..], &["apply", "long", "svc-bad"]].concat())
        .map(|_| ())
}

fn short_passwords(world: &World<'_>) -> Result<()> {
    let pso = [
        "domain",
        "passwordsettings",
        "pso",
        "unapply",
        "long",
        "svc-bad",
    ];
    world.domain().samba_tool(&pso).map(|_| ())
}

const TWIN: &str = "CN=svc-twin,CN=Users,DC=corp,DC=example";

/// As replication can leave it: the directory itself would refuse a second holder.
fn duplicate_spn(world: &World<'_>) -> Result<()> {
    world.domain().account("svc-twin", &[])?;
    let spn = "add: servicePrincipalName\nservicePrincipalName: HTTP/bad.corp.example";
    world.domain().force(TWIN, spn)
}

fn no_duplicate_spn(world: &World<'_>) -> Result<()> {
    world.domain().force(TWIN, "delete: servicePrincipalName")
}

fn no_right(world: &World<'_>) -> Result<()> {
    let domain = world.domain();
    domain.samba_tool(&["user", "create", "svc-bare", "Bare-Passw0rd-1"])?;
    domain.samba_tool(&["spn", "add", "HTTP/bare.corp.example", "svc-bare"])?;
    in_service(world, "bare", &["--method", "reset"])
}

fn too_young(world: &World<'_>) -> Result<()> {
    let domain = world.domain();
    domain.account("svc-young", &["HTTP/young.corp.example"])?;
    let password = domain.password_file("svc-young").display().to_string();
    in_service(
        world,
        "young",
        &["--method", "change", "--password-file", &password],
    )
}

/// Adopts `svc-NAME` and makes the node a member.
fn in_service(world: &World<'_>, name: &str, more: &[&str]) -> Result<()> {
    let account = format!("svc-{name}");
    let adopt = ["array", "adopt", name, "--account", &account];
    world.cli.run(&[&adopt[..], more, QUICK].concat())?;
    world
        .cli
        .run(&["node", "add", name, &world.agents[0].full_name()])?;
    Ok(())
}

fn foreign_password(world: &World<'_>) -> Result<()> {
    world
        .domain()
        .dc(&["set-password", "svc-bad", "Somebody-Elses-Passw0rd"])?;
    world.domain().wait_for_kvno("svc-bad")
}

/// 100 ns since 1601 (MS-DTYP 2.3.3).
fn file_time_now() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    (since + 11_644_473_600) * 10_000_000
}
