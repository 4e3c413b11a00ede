//! IIS on nodes whose logon sessions have the array's credential: whether it opens tickets there.

use super::facts::{Facts, IisFacts, IisSite, NodeFacts};
use super::finding::{Check, Finding};
use crate::keytab::TargetKind;

pub(super) const CHECKS: &[Check] = &[Check {
    id: "node-iis",
    looks_at: "IIS on nodes with a target of logon sessions or application pools, as \
               applicationHost.config says: useAppPoolCredentials, useKernelMode and \
               authPersistNonNTLM of each site with Windows authentication, and what application \
               pools run as",
    means: "tickets of the array are opened with the application pool's account, which has not its \
            keys: 401 after the ticket, or a login that falls back to NTLM; a pool that runs as \
            the array's account, and is named by no target, logs on with a password that a roll \
            has replaced",
    mends: "`keyroll-agent iis set` on the node, which keeps a copy of the file; or the target \
            that is missing",
    look: iis,
}];

/// A site's settings, with what comes from above.
struct Effective<'a> {
    site: &'a str,
    enabled: bool,
    kernel_mode: bool,
    use_app_pool_credentials: bool,
    auth_persist_non_ntlm: bool,
}

fn iis(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for node in &facts.nodes {
        let has = |kind| {
            let keytabs = node.look.iter().flat_map(|look| &look.keytabs);
            { keytabs }.any(|one| one.kind == kind)
        };
        let has_session = has(TargetKind::LogonSession);
        if !has_session && !has(TargetKind::IisPool) {
            continue;
        }
        match &node.around.iis {
            None => {}
            Some(Err(unseen)) => found.push(
                Finding::unknown(&node.name, unseen, &facts.array.name)
                    .mend(format!("keyroll-agent iis show (on {})", node.name)),
            ),
            Some(Ok(iis)) => {
                let sites = iis.sites.iter().map(|site| effective(iis, site));
                let sites = sites.filter(|site| site.enabled);
                found.extend(sites.map(|site| of_site(facts, node, has_session, &site)));
                found.extend(pools(facts, node, iis));
            }
        }
    }
    found
}

/// What counts at a place: what it says itself, then what the nearest place above it says, then
/// what IIS has unless told otherwise.
fn effective<'a>(iis: &IisFacts, site: &'a IisSite) -> Effective<'a> {
    let place = site.location.to_lowercase();
    let mut above: Vec<&IisSite> = iis.sites.iter().collect();
    above.retain(|one| is_at_or_above(&one.location.to_lowercase(), &place));
    above.sort_by_key(|one| std::cmp::Reverse(one.location.len()));
    let value = |of: fn(&IisSite) -> Option<bool>, otherwise| {
        above.iter().find_map(|one| of(one)).unwrap_or(otherwise)
    };
    Effective {
        site: &site.location,
        enabled: value(|one| one.enabled, false),
        kernel_mode: value(|one| one.kernel_mode, true),
        use_app_pool_credentials: value(|one| one.use_app_pool_credentials, false),
        auth_persist_non_ntlm: value(|one| one.auth_persist_non_ntlm, false),
    }
}

fn is_at_or_above(other: &str, place: &str) -> bool {
    let rest = place.strip_prefix(other);
    other.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn of_site(facts: &Facts, node: &NodeFacts, has_session: bool, site: &Effective<'_>) -> Finding {
    let (name, option) = if site.site.is_empty() {
        ("all sites".to_owned(), String::new())
    } else {
        (site.site.to_owned(), format!(" --site \"{}\"", site.site))
    };
    let place = option.replacen(" --site", "", 1);
    let object = format!("{}: {name}", node.name);
    if !has_session {
        return without_session(facts, node, object, site);
    }
    if !site.kernel_mode {
        return Finding::warning(object, "useKernelMode is false")
            .because(
                "the application pool's process opens tickets, in the session of its own account, \
                 which has not the array's credential",
            )
            .mend(format!(
                "C:\\Windows\\System32\\inetsrv\\appcmd.exe set config{place} \
                 -section:system.webServer/security/authentication/windowsAuthentication \
                 -useKernelMode:true /commit:apphost (on {})",
                node.name
            ));
    }
    if site.use_app_pool_credentials {
        return Finding::warning(object, "useAppPoolCredentials is true")
            .because(
                "tickets are opened with the application pool's account, not in the machine's \
                 session, which has the array's credential",
            )
            .mend(format!(
                "keyroll-agent iis set{option} --use-app-pool-credentials false (on {})",
                node.name
            ));
    }
    let persists = site.auth_persist_non_ntlm;
    Finding::ok(
        object,
        format!("in the machine's session; authPersistNonNTLM is {persists}"),
    )
}

/// Where application pools get the array's password, and the machine's session does not.
fn without_session(
    facts: &Facts,
    node: &NodeFacts,
    object: String,
    site: &Effective<'_>,
) -> Finding {
    let (array, name) = (&facts.array.name, &node.name);
    let of_pool = site.use_app_pool_credentials || !site.kernel_mode;
    let (what, why) = if of_pool {
        (
            "tickets are opened with the application pool's account",
            "from the write of a roll until the pool is recycled it has the old keys alone, and \
             refuses every new ticket; from then on it has the new keys alone, and refuses those \
             of before the roll until they die; the machine's session would hold both in time",
        )
    } else {
        (
            "tickets are opened in the machine's session, which has not the array's credential",
            "every ticket of the array is refused: the password of the pool opens none here",
        )
    };
    let mend = target_of_session(array.as_str(), name.as_str());
    Finding::warning(object, what).because(why).mend(mend)
}

/// What gives the machine's session of a node the array's credential.
pub(super) fn target_of_session(array: &str, node: &str) -> String {
    format!(
        "[[array.target]] kind = \"logon-session\", sessions = [\"system\"] (in the settings of \
         {node}), then keyroll node password {array} {node} --allow logon-session"
    )
}

/// Pools that run as the array's account: a roll changes its password, and theirs only where a
/// target keeps it.
fn pools<'a>(
    facts: &'a Facts,
    node: &'a NodeFacts,
    iis: &'a IisFacts,
) -> impl Iterator<Item = Finding> + 'a {
    let account = facts.array.account.to_lowercase();
    let is_arrays = move |of: &str| {
        let of = of.to_lowercase();
        let name = of.rsplit_once('\\').map(|(_, name)| name);
        name.or_else(|| of.split_once('@').map(|(name, _)| name)) == Some(&account)
    };
    let pools = iis
        .pools
        .iter()
        .filter(move |pool| is_arrays(&pool.account));
    pools.map(move |pool| {
        let (name, array) = (&pool.name, &facts.array.name);
        let what = format!("application pool {name} runs as {}", pool.account);
        if pool.kept {
            let object = format!("{}: {name}", node.name);
            return Finding::ok(
                object,
                format!("{what}, and gets its password with each roll"),
            );
        }
        Finding::warning(format!("{}: {name}", node.name), what)
            .because(format!(
                "IIS keeps a password for it that the next roll of {array} replaces in the \
                 directory, and not here: no target of kind iis-pool names the pool"
            ))
            .mend(format!(
                "keyroll-agent iis set --pool \"{name}\" --identity ApplicationPoolIdentity \
                 (on {})",
                node.name
            ))
    })
}
