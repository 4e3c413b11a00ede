//! SPNs.

use keyroll_proto::operator::{
    DuplicateSpn, DuplicateSpnsReply, ListSpnsReply, PrepareSpnsReply, RollNodeView, SpnHolder,
    SpnView, UnseenForest,
};

/// Two SPNs, one on its way out.
pub fn spns() -> ListSpnsReply {
    let spn = |spn: &str, state: &str, left_seconds| SpnView {
        spn: spn.into(),
        state: state.into(),
        owner: String::new(),
        held_by: 2,
        nodes: 2,
        left_seconds,
    };
    ListSpnsReply {
        spns: vec![
            spn("HTTP/web.corp.example", "registered", 0),
            spn("HTTP/old.corp.example", "leaving", 5_400),
        ],
        ..Default::default()
    }
}

/// The same where the directory does not show which the account has.
pub fn hidden_spns() -> ListSpnsReply {
    ListSpnsReply {
        unknown_because: "svc-web$ is not shown".into(),
        next: "dsacls …".into(),
        ..spns()
    }
}

/// A name with two owners that look the same.
pub fn duplicate_spns() -> DuplicateSpnsReply {
    let holder = |spn: &str, account: &str| SpnHolder {
        spn: spn.into(),
        account: account.into(),
        distinguished_name: format!("CN={account},DC=corp,DC=example"),
        forest: String::new(),
    };
    DuplicateSpnsReply {
        duplicates: vec![DuplicateSpn {
            likeness: "look-alike".into(),
            holders: vec![
                holder("HTTP/web", "svc-web$"),
                holder("HTTP/w\u{435}b", "evil"),
            ],
            next: "find out who made it".into(),
            grade: "broken".into(),
        }],
        looked_at: 812,
        forest: true,
        others: vec!["other.example".into()],
        unseen: vec![UnseenForest {
            forest: "third.example".into(),
            why: "no answer".into(),
            next: "nc -vz dc.third.example 3269".into(),
        }],
    }
}

/// Held after the second look.
pub fn prepared(looked_before: bool) -> PrepareSpnsReply {
    let waiting = RollNodeView {
        node: "node2".into(),
        state: "behind".into(),
        reason: "it is being given them".into(),
    };
    PrepareSpnsReply {
        ready: looked_before,
        nodes: 2,
        waiting: if looked_before {
            Vec::new()
        } else {
            vec![waiting]
        },
    }
}
