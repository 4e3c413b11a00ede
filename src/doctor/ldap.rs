//! What domain controllers take over LDAP that others could have changed on its way.
//!
//! Nothing tells whether a domain controller demands signing (Microsoft, KB 935834) or channel
//! binding (KB 4034879): it is tried, with the controller's own ticket and never with a password.

use super::facts::{DcFacts, Facts, LdapFacts, UnseenKind};
use super::finding::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "ldap-signing",
    looks_at: "whether every domain controller refuses a bind that is neither signed nor sealed, \
               and one over TLS that does not say which TLS connection it is made on (channel \
               binding): tried with the controller's own ticket",
    means: "who has another's login pass through his hands acts at the domain controller in that \
            one's name: he may let an account of his own delegate to the array, or set its \
            password",
    mends: "signing and channel binding, demanded on every domain controller; the controller's own \
            connections have what is demanded",
    look: |facts| {
        let dcs = facts.dcs().iter();
        dcs.flat_map(|dc| of_dc(facts, dc)).collect()
    },
}];

/// Has Samba take no bind that is neither signed nor sealed, over TLS neither: whatever its
/// settings say of that goes first, since the last line counts.
const DEMAND: &str = "sed -i -e '/ldap server require strong auth/d' -e '/^\\[global\\]/a ldap \
                      server require strong auth = yes' /etc/samba/smb.conf";

fn of_dc(facts: &Facts, dc: &DcFacts) -> Vec<Finding> {
    let name = &dc.name;
    let found = match &dc.ldap {
        // One that does not answer at all has a check of its own.
        None => return Vec::new(),
        Some(Err(unseen)) if unseen.kind == UnseenKind::Silent => return Vec::new(),
        Some(Err(unseen)) => return vec![Finding::unknown(name, unseen, &facts.array.name)],
        Some(Ok(found)) => found,
    };
    let bad = |evidence: &str, setting: &str| {
        Finding::warning(name, evidence)
            .because(
                "a login that is relayed is as good there as one's own; keyroll's are protected, \
                 others' are not",
            )
            .mend(format!(
                "{DEMAND} (on {name}), then systemctl restart samba-ad-dc (on {name}; it may know \
                 no channel binding: a controller with a keytab needs directory.transport = \
                 \"gssapi\" first; Windows: reg add \
                 HKLM\\SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters /v {setting} /t \
                 REG_DWORD /d 2), then keyroll doctor {}",
                facts.array.name
            ))
    };
    let mut findings = Vec::new();
    if found.unsigned == Some(true) {
        findings.push(bad(
            "takes a bind on port 389 that is neither signed nor sealed",
            "LDAPServerIntegrity",
        ));
    }
    if found.unbound == Some(true) {
        findings.push(bad(
            "takes a bind on port 636 without channel binding",
            "LdapEnforceChannelBinding",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(name, refused(found)));
    }
    findings
}

/// What it refuses, in words.
fn refused(found: &LdapFacts) -> &'static str {
    match (found.unsigned, found.unbound) {
        (Some(_), Some(_)) => "refuses binds without signing, and over TLS without channel binding",
        (Some(_), None) => "refuses binds without signing",
        (None, Some(_)) => "refuses binds over TLS without channel binding; 389 is shut",
        (None, None) => "389 is shut",
    }
}
