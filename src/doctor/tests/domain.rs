//! Faults of names in DNS and of delegation.

use super::*;
use crate::delegation;
use crate::doctor::Grade::{Broken, Unknown, Warning};

fn records(facts: &mut Facts) -> &mut HostRecords {
    facts.hosts[0].records.as_mut().unwrap()
}

#[test]
fn names_that_lead_elsewhere() {
    names(
        |f| *records(f) = HostRecords::default(),
        &[("dns-name", Broken)],
    );
    let alias = |f: &mut Facts| records(f).alias_of = Some("lb.corp.example".to_owned());
    names(alias, &[("dns-name", Warning)]);
    let back = |f: &mut Facts| records(f).back = vec!["lb.corp.example".to_owned()];
    names(back, &[("dns-name", Warning)]);
    // Names that the account has too lead nobody astray.
    let own = |f: &mut Facts| {
        let spn = "HTTP/lb.corp.example".to_owned();
        f.array.spns.push(spn.clone());
        f.array.pending.insert(spn);
    };
    for spoil in [alias, back] {
        names(
            |f| {
                own(f);
                spoil(f);
            },
            &[("spn-registered", Warning)],
        );
    }
    // A label alone is completed by clients.
    names(
        |f| {
            f.hosts[0].spn = "HTTP/web".parse().unwrap();
            *records(f) = HostRecords::default();
        },
        &[],
    );
    names(
        |f| f.hosts[0].records = Err(silent("DNS")),
        &[("dns-name", Unknown)],
    );
}

#[test]
fn delegation_that_fails_or_gives_everybody_away() {
    let found = |code, grade| delegation::Finding {
        grade,
        code,
        object: "HTTP/db.corp.example".to_owned(),
        what: "it is so".to_owned(),
        risk: "that comes of it".to_owned(),
        safer: "do this".to_owned(),
    };
    for (code, grade, expected) in [
        (
            "target-missing",
            delegation::Grade::Warning,
            &[("delegation-works", Warning)][..],
        ),
        (
            "unconstrained",
            delegation::Grade::Critical,
            &[("delegation-risk", Warning)],
        ),
        (
            "protocol-transition",
            delegation::Grade::Warning,
            &[("delegation-risk", Warning)],
        ),
        (
            "delegated-to",
            delegation::Grade::Warning,
            &[("delegation-risk", Warning)],
        ),
        ("delegated-to", delegation::Grade::Notice, &[]),
        ("sensitive-front", delegation::Grade::Notice, &[]),
        ("actor-unknown", delegation::Grade::Warning, &[]),
        (
            delegation::NOT_ALL_SEEN,
            delegation::Grade::Notice,
            &[("delegation-works", Unknown), ("delegation-risk", Unknown)],
        ),
        ("not-sensitive", delegation::Grade::Notice, &[]),
    ] {
        names(|f| f.delegation = Ok(vec![found(code, grade)]), expected);
    }
    names(
        |f| f.delegation = Err(silent("dc1")),
        &[("delegation-works", Unknown)],
    );
}

#[test]
fn a_name_without_an_address_gets_the_only_node_s() {
    let nowhere = |facts: &mut Facts| facts.hosts[0].records = Ok(HostRecords::default());
    says("dns-name", nowhere, &["web A ADDRESS (ADDRESS of the bal"]);
    // One that is looked at alone, or has joined alone, is not the array.
    let looked_at = |facts: &mut Facts| {
        nowhere(facts);
        facts.nodes.truncate(1);
    };
    says(
        "dns-name",
        looked_at,
        &["web A ADDRESS (ADDRESS of the bal"],
    );
    let another = |facts: &mut Facts| {
        looked_at(facts);
        facts.members = vec!["n9".parse().unwrap()];
    };
    says("dns-name", another, &["web A ADDRESS (ADDRESS of the bal"]);
    let only = |facts: &mut Facts| {
        looked_at(facts);
        facts.members.truncate(1);
    };
    says(
        "dns-name",
        only,
        &["dns add dc1.corp.example", "A 10.0.0.8 ("],
    );
}

#[test]
fn what_a_domain_controller_refuses_over_ldap_is_told() {
    for (unsigned, unbound, words) in [
        (Some(false), Some(false), "without signing, and over TLS"),
        (Some(false), None, "refuses binds without signing"),
        (None, Some(false), "389 is shut"),
        (None, None, "389 is shut"),
    ] {
        let mut facts = healthy();
        dcs(&mut facts)[0].ldap = Some(Ok(LdapFacts { unsigned, unbound }));
        let found = examine(&facts).into_iter();
        let mut found = found.filter(|one| one.check == "ldap-signing");
        let evidence = found.next().unwrap().finding.evidence;
        assert!(evidence.contains(words), "{evidence}");
        assert_eq!(evidence.contains("TLS"), unbound.is_some(), "{evidence}");
    }
}
