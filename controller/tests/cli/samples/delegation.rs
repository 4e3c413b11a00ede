//! Replies about delegation.

use keyroll_proto::operator::{
    DelegationFinding, DelegationFront, DelegationStep, DelegationTarget, DelegationView,
    TestDelegationReply,
};

pub fn delegation() -> DelegationView {
    DelegationView {
        array: "web".into(),
        account: "svc-web$".into(),
        dc: "dc1".into(),
        ways: vec!["constrained".into()],
        targets: vec![DelegationTarget {
            spn: "MSSQLSvc/db".into(),
            owners: vec!["svc-db".into()],
        }],
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
