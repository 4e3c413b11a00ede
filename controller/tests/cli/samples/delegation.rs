//! Replies about delegation.

use keyroll_proto::operator::{
    DelegationFinding, DelegationFront, DelegationStep, DelegationTarget, DelegationView,
    DirectoryChange, Modification, PlannedChanges, TestDelegationReply,
};

pub fn delegation() -> DelegationView {
    DelegationView {
        array: "web".into(),
        account: "svc-web$".into(),
        dc: "dc1".into(),
        ways: vec!["constrained".into()],
        targets: [
            ("MSSQLSvc/db", &["svc-db"][..]),
            ("MSSQLSvc/old", &[]),
            ("MSSQLSvc/two", &["svc-db", "svc-db2"]),
        ]
        .map(|(spn, owners)| DelegationTarget {
            spn: spn.into(),
            owners: owners.iter().map(ToString::to_string).collect(),
        })
        .into(),
        resources: vec!["svc-back".into()],
        fronts: vec![DelegationFront {
            account: "svc-front".into(),
            spns: vec!["HTTP/web".into()],
        }],
        actors: vec!["S-1-5-21-1-2-3-1104".into()],
        unconstrained: Vec::new(),
        whole_forest: false,
        findings: vec![DelegationFinding {
            grade: "warning".into(),
            code: "target-missing".into(),
            object: "MSSQLSvc/db".into(),
            what: "no account has this SPN".into(),
            risk: "delegation to it fails".into(),
            safer: "register it".into(),
        }],
    }
}

/// It works for anybody but mallory.
pub fn tested(user: &str) -> TestDelegationReply {
    let ok = user != "mallory";
    TestDelegationReply {
        ok,
        user: user.into(),
        dc: "dc1".into(),
        steps: vec![DelegationStep {
            what: "svc-web$ logs in".into(),
            ok,
            why: "a ticket".into(),
            next: "keyroll verify web".into(),
        }],
    }
}

/// A service that the array may act at, and one flag fewer.
pub fn planned_delegation(dry_run: bool) -> PlannedChanges {
    let modification = |attribute: &str, action: &str, value: &str| Modification {
        attribute: attribute.into(),
        action: action.into(),
        value: value.into(),
    };
    PlannedChanges {
        changes: vec![DirectoryChange {
            number: if dry_run { 0 } else { 8 },
            dc: "dc1.corp.example".into(),
            realm: "CORP.EXAMPLE".into(),
            guid: vec![7; 16],
            account: "svc-web$".into(),
            distinguished_name: "CN=svc-web,DC=corp,DC=example".into(),
            modifications: vec![
                modification("userAccountControl", "delete", "528384"),
                modification("userAccountControl", "add", "4096"),
                modification("msDS-AllowedToDelegateTo", "add", "MSSQLSvc/db"),
            ],
            ..Default::default()
        }],
        dry_run,
        array: "web".into(),
        notes: vec!["whoever holds the key".into()],
        next: vec!["keyroll delegation show web".into()],
        ..Default::default()
    }
}
