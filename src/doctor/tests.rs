//! A healthy array, and each fault alone: named by its own check, with a command, and by no other.

mod account;
mod balancer;
mod client;
mod domain;
mod limits;
mod places;
mod web;
mod windows;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::account::rights::LeastRights;
use crate::account::tests::account;
use crate::drift::{Attribute, History, Invocation, Stamp};
use crate::kerberos::salt::{AccountKind, Salt};
use crate::kerberos::{Enctype, Kvno};
use crate::keytab::TargetKind;
use crate::spn::HostRecords;

const NOW: i64 = 1_795_238_563;

fn stamp(version: u32, at_unix: i64) -> Stamp {
    Stamp {
        version,
        at_unix,
        invocation: Invocation([1; 16]),
    }
}

fn dc(name: &str) -> DcFacts {
    let stamps = [(Attribute::Password, stamp(5, NOW - 9999))];
    DcFacts {
        ldap: Some(Ok(LdapFacts {
            unsigned: Some(false),
            unbound: Some(false),
        })),
        name: name.parse().unwrap(),
        account: Ok(account()),
        history: Ok(History {
            stamps: stamps.into(),
            ..History::default()
        }),
        ticket: Some(Ok(TicketFacts {
            key: TicketKey::Ours,
            kvno: Kvno(5),
            enctype: 18,
            clock_offset: TimeDelta::milliseconds(3),
        })),
    }
}

fn node(name: &str) -> NodeFacts {
    let path = "/etc/keyroll/web.keytab".to_owned();
    let keytab = KeytabFacts {
        path: path.clone(),
        kind: TargetKind::Owned,
        trouble: None,
        wrong: None,
        drifted: false,
        leftovers: Vec::new(),
        folder_trouble: None,
        enctypes: BTreeSet::from([Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1]),
        left_out: BTreeSet::new(),
    };
    NodeFacts {
        name: name.parse().unwrap(),
        address: Some([10, 0, 0, 8].into()),
        quarantined: None,
        look: Ok(NodeLook {
            ready: Ok(()),
            versions: (7, 7),
            keytabs: vec![keytab],
            clock_offset: TimeDelta::milliseconds(-20),
            certificate_ends_unix: NOW + 20 * 86_400,
            hook_trouble: None,
        }),
        // The balancer's address on the node itself.
        around: NodeAround {
            own_names: vec![OwnName {
                host: "web.corp.example".to_owned(),
                address: "10.99.0.40".parse().unwrap(),
                check: LoopBackCheck::None,
            }],
            iis: None,
        },
        proofs: Some(Ok(vec![ProofFacts {
            path,
            verdict: Ok(Kvno(5)),
        }])),
    }
}

fn service(place: &str) -> ServiceFacts {
    ServiceFacts {
        place: place.to_owned(),
        way: match place {
            "web" => Way::Name,
            _ => Way::Direct,
        },
        dialled: format!("{place}.corp.example"),
        url: "https://web.corp.example/".to_owned(),
        web: Ok(WebFacts {
            status: 401,
            challenges: vec!["Negotiate".to_owned(), "Basic realm=\"web\"".to_owned()],
            server: "Apache/2.4.62 (Debian)".to_owned(),
            login: Some(Ok(LoginFacts {
                status: 200,
                proven: true,
            })),
        }),
    }
}

fn rights() -> LeastRights {
    LeastRights {
        account: Some("CN=svc-web,OU=Arrays,DC=corp,DC=example".to_owned()),
        container: "CN=Users,DC=corp,DC=example".to_owned(),
        kind: AccountKind::User,
        trustee: "CORP\\svc-keyroll".to_owned(),
        trustee_sid: "S-1-5-21-1-2-3-1104".to_owned(),
        fence: ("adminDescription".to_owned(), [7; 16]),
    }
}

/// Two domain controllers, two nodes, and nothing wrong with any of them.
pub(super) fn healthy() -> Facts {
    Facts {
        now_unix: NOW,
        array: ArrayFacts {
            name: "web".parse().unwrap(),
            account: "svc-web".to_owned(),
            spns: vec!["HTTP/web.corp.example".to_owned()],
            pending: BTreeSet::new(),
            prepared: BTreeSet::new(),
            leaving: BTreeMap::new(),
            enctypes: crate::account::tests::AES.to_vec(),
            kvno: Some(Kvno(5)),
            other_kvnos: vec![Kvno(5)],
            salt: Some(Salt::new("CORP.EXAMPLEsvc-web".to_owned())),
            method: None,
            password_known: true,
            password_length: 64,
            stale: None,
            roll: None,
            schedule: ScheduleFacts::default(),
            certificate_life: Duration::from_secs(30 * 86_400),
            authority_ends_unix: NOW + 3_000 * 86_400,
            noticed: Vec::new(),
        },
        dcs: Ok(vec![dc("dc1.corp.example"), dc("dc2.corp.example")]),
        names: Ok(NameFacts::default()),
        rights: Ok(rights()),
        surplus: Ok(vec![Surplus {
            place: "DC=corp,DC=example".to_owned(),
            may: Vec::new(),
        }]),
        hosts: vec![HostFacts {
            spn: "HTTP/web.corp.example".parse().unwrap(),
            records: Ok(HostRecords {
                addresses: vec![[10, 0, 0, 7].into()],
                alias_of: None,
                back: vec!["web.corp.example".to_owned()],
                back_unseen: None,
            }),
        }],
        delegation: Ok(Vec::new()),
        members: ["n1", "n2"]
            .map(|name| format!("{name}.corp.example").parse().unwrap())
            .into(),
        nodes: vec![node("n1.corp.example"), node("n2.corp.example")],
        services: ["n1", "n2", "web"].map(service).into(),
        one_node_alone: false,
        service_asked_for: false,
    }
}

fn silent(whom: &str) -> Unseen {
    Unseen {
        why: format!("{whom} did not answer"),
        next: String::new(),
        kind: UnseenKind::Silent,
    }
}

/// What is not well, as check and grade.
fn complaints(facts: &Facts) -> Vec<(&'static str, Grade)> {
    let found = examine(facts).into_iter();
    let bad = found.filter(|one| one.finding.grade != Grade::Ok);
    bad.map(|one| (one.check, one.finding.grade)).collect()
}

/// That this one fault is named by exactly these checks, in words, and with a command.
#[track_caller]
fn names(spoil: impl FnOnce(&mut Facts), expected: &[(&str, Grade)]) {
    let mut facts = healthy();
    spoil(&mut facts);
    assert_eq!(complaints(&facts), expected);
    for one in examine(&facts) {
        let finding = &one.finding;
        assert!(
            !finding.object.is_empty() && !finding.evidence.is_empty(),
            "{one:?}"
        );
        assert!(
            finding.grade == Grade::Ok || !(finding.cause.is_empty() || finding.mend.is_empty()),
            "{one:?}"
        );
    }
}

/// What a check says of a spoilt array beside what is well.
fn told(check: &str, spoil: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = healthy();
    spoil(&mut facts);
    let found = examine(&facts).into_iter();
    let found = found.filter(|one| one.check == check && one.finding.grade != Grade::Ok);
    found.map(|one| one.finding).collect()
}

/// That the first of it has these words, in this order.
#[track_caller]
fn says(check: &str, spoil: impl FnOnce(&mut Facts), words: &[&str]) {
    let found = told(check, spoil);
    let one = found.first().expect("nothing is told");
    let text = format!(
        "{}: {}; {}: {}",
        one.object, one.evidence, one.cause, one.mend
    );
    let mut rest = text.as_str();
    for word in words {
        let at = rest
            .find(word)
            .unwrap_or_else(|| panic!("{word:?} in {text}"));
        rest = &rest[at + word.len()..];
    }
}

fn answer(kind: UnseenKind) -> Unseen {
    Unseen {
        kind,
        ..silent("it")
    }
}

fn dcs(facts: &mut Facts) -> &mut Vec<DcFacts> {
    facts.dcs.as_mut().unwrap()
}

#[test]
fn checks_have_names_of_their_own_and_say_what_they_are() {
    let mut seen = BTreeSet::new();
    for check in checks() {
        assert!(seen.insert(check.id), "{} is there twice", check.id);
        let word = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(check.id.chars().all(word), "{}", check.id);
        for text in [check.looks_at, check.means, check.mends] {
            assert!(
                !text.is_empty() && !text.contains("  "),
                "{}: {text}",
                check.id
            );
        }
    }
}

#[test]
fn a_healthy_array_has_nothing() {
    assert_eq!(complaints(&healthy()), []);
    let looked_at: BTreeSet<_> = examine(&healthy()).iter().map(|one| one.check).collect();
    let silent: Vec<_> = checks()
        .filter(|check| !looked_at.contains(check.id))
        .collect();
    // There is no IIS, and others have changed nothing; all else shows that it was looked at.
    let silent: Vec<_> = silent.iter().map(|check| check.id).collect();
    assert_eq!(silent, ["node-iis", "changes-by-others"]);
}

#[test]
fn what_cannot_be_seen_is_unknown_and_nothing_worse() {
    let refused = Unseen {
        why: "dc1 refused: no right to read".to_owned(),
        next: String::new(),
        kind: UnseenKind::Refused,
    };
    names(
        |facts| {
            for dc in facts.dcs.as_mut().unwrap() {
                dc.account = Err(refused.clone());
                dc.history = Err(refused.clone());
            }
        },
        &[
            ("account-found", Grade::Unknown),
            ("dc-ldap", Grade::Unknown),
            ("dc-ldap", Grade::Unknown),
            ("replication-account", Grade::Unknown),
            ("replication-account", Grade::Unknown),
        ],
    );
    names(
        |facts| facts.dcs = Err(silent("every name server")),
        &[
            ("account-found", Grade::Unknown),
            ("key-tickets", Grade::Unknown),
            ("dc-ldap", Grade::Unknown),
        ],
    );
}
