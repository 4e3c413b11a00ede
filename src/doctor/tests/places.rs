//! Faults of keys, domain controllers, clocks and nodes.

use super::*;
use crate::doctor::Grade::{Broken, Unknown, Warning};
use crate::drift::{Change, Judgement};
use crate::keytab::compare::Shortfall;

fn ticket(facts: &mut Facts, at: usize) -> &mut TicketFacts {
    let dc = &mut facts.dcs.as_mut().unwrap()[at];
    dc.ticket.as_mut().unwrap().as_mut().unwrap()
}

pub(super) fn look(facts: &mut Facts, at: usize) -> &mut NodeLook {
    facts.nodes[at].look.as_mut().unwrap()
}

/// What is printed against the first fault.
pub(super) fn mended(spoil: impl FnOnce(&mut Facts)) -> String {
    let mut facts = healthy();
    spoil(&mut facts);
    let found = examine(&facts).into_iter();
    let mut bad = found.filter(|one| one.finding.grade != Grade::Ok);
    bad.next().unwrap().finding.mend
}

#[test]
fn a_kvno_that_no_node_holds_is_mended_by_what_is_not_refused() {
    let account = |f: &mut Facts, kvno| {
        f.dcs.as_mut().unwrap()[1].account.as_mut().unwrap().kvno = kvno;
    };
    let behind = |f: &mut Facts| account(f, Kvno(4));
    names(behind, &[("key-kvno", Broken)]);
    assert!(mended(behind).contains("drs showrepl dc2.corp.example"));
    let again = |f: &mut Facts| ticket(f, 1).kvno = Kvno(6);
    names(again, &[("key-kvno", Broken)]);
    assert!(mended(again).starts_with("keyroll verify web"));
    let foreign = |f: &mut Facts| {
        *ticket(f, 1) = TicketFacts {
            key: TicketKey::Foreign,
            kvno: Kvno(6),
            ..*ticket(f, 1)
        };
        account(f, Kvno(6));
    };
    names(foreign, &[("key-tickets", Broken), ("key-kvno", Broken)]);
    let mut facts = healthy();
    foreign(&mut facts);
    let found = examine(&facts).into_iter();
    let kvno = found.filter(|one| one.check == "key-kvno");
    let mends: Vec<String> = kvno.map(|one| one.finding.mend).collect();
    assert!(mends.contains(&"keyroll roll web --emergency".to_owned()));
    let rolls = |f: &mut Facts| {
        behind(f);
        f.array.roll = Some(OpenRoll {
            number: 7,
            state: "converging",
            halted: None,
        });
    };
    assert_eq!(mended(rolls), "keyroll roll status web");
}

#[test]
fn keys_that_differ() {
    for (key, grade, mend) in [
        (TicketKey::Held, Warning, "drs showrepl dc2.corp.example"),
        (TicketKey::Earlier, Broken, "drs showrepl dc2.corp.example"),
        (TicketKey::Burned, Broken, "drs showrepl dc2.corp.example"),
        (TicketKey::Foreign, Broken, "keyroll roll web --emergency"),
    ] {
        let spoil = |f: &mut Facts| ticket(f, 1).key = key;
        names(spoil, &[("key-tickets", grade)]);
        assert!(mended(spoil).contains(mend), "{key:?}: {}", mended(spoil));
    }
    // No key of the array: nothing to compare with.
    names(
        |f| {
            ticket(f, 1).key = TicketKey::Foreign;
            f.array.kvno = None;
        },
        &[("key-known", Warning)],
    );
    // A roll under way has both on the nodes.
    names(
        |f| {
            ticket(f, 1).kvno = Kvno(6);
            f.array.other_kvnos.push(Kvno(6));
        },
        &[],
    );
    // A ticket of another kind opens with no key of ours, and that is its fault.
    names(
        |f| {
            ticket(f, 0).enctype = 23;
            ticket(f, 0).key = TicketKey::Foreign;
        },
        &[("key-enctype", Broken)],
    );
    let aes = |f: &mut Facts| look(f, 1).keytabs[0].left_out = [Enctype::Aes256CtsHmacSha1].into();
    names(aes, &[("key-enctype", Broken)]);
    let small =
        |f: &mut Facts| look(f, 1).keytabs[0].left_out = [Enctype::Aes128CtsHmacSha1].into();
    names(small, &[]);
    names(
        |f| f.dcs.as_mut().unwrap()[0].ticket = Some(Err(silent("dc1"))),
        &[("key-tickets", Broken)],
    );
    for dc in [0, 1] {
        names(
            |f| {
                f.dcs.as_mut().unwrap()[1 - dc].ticket = None;
                f.dcs.as_mut().unwrap()[dc].ticket = None;
            },
            &[("key-tickets", Warning)],
        );
    }
}

#[test]
fn keytabs_that_are_wrong() {
    let wrong = |shortfall| move |f: &mut Facts| look(f, 1).keytabs[0].wrong = Some(shortfall);
    let entry = || "HTTP/web@R kvno 5 aes256".to_owned();
    names(wrong(Shortfall::Lacks(entry())), &[("key-keytabs", Broken)]);
    names(
        wrong(Shortfall::WrongKey(entry())),
        &[("key-keytabs", Broken)],
    );
    names(
        wrong(Shortfall::StillHolds(entry())),
        &[("key-keytabs", Warning)],
    );
    names(
        |f| look(f, 0).keytabs[0].trouble = Some("Permission denied".to_owned()),
        &[("key-keytabs", Unknown), ("node-keytab-file", Broken)],
    );
    names(
        |f| look(f, 0).keytabs[0].drifted = true,
        &[("node-keytab-file", Warning)],
    );
    names(
        |f| look(f, 0).keytabs.clear(),
        &[("node-keytab-file", Broken)],
    );
    names(
        |f| {
            let proofs = f.nodes[0].proofs.as_mut().unwrap().as_mut().unwrap();
            proofs[0].verdict = Err("cannot decrypt ticket".to_owned());
        },
        &[("key-accepted", Broken)],
    );
}

#[test]
fn what_the_controller_knows() {
    names(|f| f.array.kvno = None, &[("key-known", Warning)]);
    names(
        |f| f.array.stale = Some("n1 has more".to_owned()),
        &[("key-known", Broken)],
    );
    names(
        |f| {
            f.array.roll = Some(OpenRoll {
                number: 3,
                state: "halted",
                halted: Some("a foreign key".to_owned()),
            });
        },
        &[("key-known", Broken)],
    );
}

#[test]
fn domain_controllers_that_differ() {
    let later = |age| {
        move |f: &mut Facts| {
            let history = f.dcs.as_mut().unwrap()[0].history.as_mut().unwrap();
            let change = stamp(6, NOW - age);
            history.stamps.insert(Attribute::Password, change);
        }
    };
    names(later(5), &[("replication-account", Warning)]);
    // Between sites hours are usual.
    names(later(4 * 3600), &[("replication-account", Warning)]);
    names(later(8 * 3600), &[("replication-account", Broken)]);
    names(
        |f| f.dcs.as_mut().unwrap()[1].account = Err(silent("dc2")),
        &[("dc-ldap", Broken)],
    );
    names(
        |f| f.dcs.as_mut().unwrap()[1].history = Err(silent("dc2")),
        &[("replication-account", Unknown)],
    );
}

#[test]
fn clocks_that_differ() {
    let (minute, hour) = (TimeDelta::seconds(90), TimeDelta::seconds(3600));
    names(
        |f| ticket(f, 0).clock_offset = minute,
        &[("clock-dc", Warning)],
    );
    names(
        |f| ticket(f, 0).clock_offset = hour,
        &[("clock-dc", Broken)],
    );
    names(
        |f| look(f, 1).clock_offset = minute,
        &[("clock-node", Warning)],
    );
    names(
        |f| look(f, 1).clock_offset = -hour,
        &[("clock-node", Broken)],
    );
    let all = |f: &mut Facts, dcs, nodes| {
        for at in [0, 1] {
            ticket(f, at).clock_offset = dcs;
            look(f, at).clock_offset = nodes;
        }
    };
    names(|f| all(f, -hour, -hour), &[("clock-controller", Broken)]);
    // Nobody's clock is both ahead of and behind the others'.
    let opposed = [("clock-dc", Broken), ("clock-dc", Broken)];
    let opposed = [opposed, [("clock-node", Broken); 2]].concat();
    names(|f| all(f, hour, -hour), &opposed);
    names(|f| all(f, hour, hour), &[("clock-controller", Broken)]);
    // Two are enough to tell who is wrong, and one is not.
    let few = |f: &mut Facts, nodes: usize| {
        all(f, hour, hour);
        f.dcs.as_mut().unwrap().truncate(1);
        f.nodes.truncate(nodes);
    };
    names(|f| few(f, 1), &[("clock-controller", Broken)]);
    names(
        |f| few(f, 0),
        &[("clock-dc", Broken), ("node-contact", Warning)],
    );
}

#[test]
fn nodes_that_are_not_as_they_should_be() {
    names(
        |f| {
            f.nodes[1].look = Err(silent("n2"));
            f.nodes[1].proofs = None;
        },
        &[("node-contact", Broken)],
    );
    names(|f| f.nodes.clear(), &[("node-contact", Warning)]);
    names(
        |f| f.nodes[0].quarantined = Some("by hand".to_owned()),
        &[("node-ready", Warning)],
    );
    names(
        |f| look(f, 0).ready = Err("a hook failed".to_owned()),
        &[("node-ready", Warning)],
    );
    for (left, grade) in [(86_400, Warning), (-5, Broken)] {
        names(
            |f| look(f, 0).certificate_ends_unix = NOW + left,
            &[("deadline-certificate", grade)],
        );
    }
}

#[test]
fn what_is_late() {
    names(
        |f| f.array.schedule.alarm = "the key is 90 days old".to_owned(),
        &[("deadline-roll", Warning)],
    );
    names(
        |f| {
            (f.array.schedule.set, f.array.schedule.paused) = (true, true);
        },
        &[("deadline-roll", Warning)],
    );
    names(
        |f| f.array.authority_ends_unix = NOW + 300 * 86_400,
        &[("deadline-authority", Warning)],
    );
    names(
        |f| f.array.authority_ends_unix = NOW,
        &[("deadline-authority", Broken)],
    );
}

#[test]
fn what_is_around_a_keytab_and_what_follows_it() {
    names(
        |f| look(f, 0).hook_trouble = Some("hook /bin/reload ended with 1".to_owned()),
        &[("node-hooks", Warning)],
    );
    names(
        |f| {
            let keytab = &mut look(f, 1).keytabs[0];
            keytab.leftovers = vec!["/etc/keyroll/web.keytab.bak".to_owned()];
            keytab.folder_trouble = Some("/etc/keyroll has mode 0777".to_owned());
        },
        &[("node-leftovers", Warning), ("node-leftovers", Warning)],
    );
}

#[test]
fn a_domain_controller_that_takes_what_is_not_protected() {
    let takes = |unsigned, unbound| {
        move |f: &mut Facts| {
            let dc = &mut f.dcs.as_mut().unwrap()[1];
            dc.ldap = Some(Ok(LdapFacts { unsigned, unbound }));
        }
    };
    let warning = ("ldap-signing", Warning);
    names(takes(Some(true), Some(false)), &[warning]);
    names(takes(Some(true), Some(true)), &[warning, warning]);
    names(takes(None, Some(true)), &[warning]);
    names(takes(Some(false), None), &[]);
    names(takes(None, None), &[]);
    // That it does not answer, another check says.
    let refused = Unseen {
        kind: UnseenKind::Refused,
        ..silent("dc2")
    };
    let silent = |f: &mut Facts| f.dcs.as_mut().unwrap()[1].ldap = Some(Err(silent("dc2")));
    names(silent, &[]);
    let unseen = |f: &mut Facts| f.dcs.as_mut().unwrap()[1].ldap = Some(Err(refused));
    names(unseen, &[("ldap-signing", Unknown)]);
    let setting = mended(takes(Some(true), Some(false)));
    assert!(setting.contains("LDAPServerIntegrity"), "{setting}");
}

#[test]
fn a_node_that_takes_itself_for_the_array() {
    use crate::doctor::{LoopBackCheck, OwnName};
    let own = |host: &str, address: &str, check| OwnName {
        host: host.to_owned(),
        address: address.parse().unwrap(),
        check,
    };
    let array = "web.corp.example";
    for (address, check, expected) in [
        ("10.99.0.40", LoopBackCheck::Refuses, &[Warning][..]),
        ("127.0.0.1", LoopBackCheck::Refuses, &[Warning]),
        ("127.0.0.1", LoopBackCheck::Exempt, &[]),
        ("127.0.1.1", LoopBackCheck::None, &[Warning]),
        ("::1", LoopBackCheck::None, &[Warning]),
        // The balancer's address on the node, as direct server return wants it.
        ("10.99.0.40", LoopBackCheck::None, &[]),
    ] {
        let expected: Vec<_> = expected
            .iter()
            .map(|grade| ("node-loop-back", *grade))
            .collect();
        let spoil = |f: &mut Facts| f.nodes[0].around.own_names = vec![own(array, address, check)];
        names(spoil, &expected);
    }
    // All of them in one command: it replaces what is there.
    let mut facts = healthy();
    let node = &mut facts.nodes[0];
    let its_own = format!("{}.corp.example", node.name);
    node.around.own_names = [array, "web", &its_own]
        .map(|host| own(host, "10.99.0.40", LoopBackCheck::Refuses))
        .to_vec();
    let found = examine(&facts);
    let found = found
        .iter()
        .filter(|one| one.finding.grade == Warning && one.check == "node-loop-back");
    let mends: Vec<&str> = found.map(|one| one.finding.mend.as_str()).collect();
    assert_eq!(mends.len(), 2, "{mends:?}");
    assert!(
        mends[0].contains(" /d web.corp.example,web (on"),
        "{mends:?}"
    );
}

#[test]
fn what_others_did_is_as_bad_as_it_was_judged() {
    for (judgement, expected) in [
        (Judgement::Critical, &[("changes-by-others", Broken)][..]),
        (Judgement::NeedsRoll, &[("changes-by-others", Warning)]),
        (Judgement::Repaired, &[]),
    ] {
        let change = Change {
            code: "keytab-fought-over",
            object: "web.keytab on n1".to_owned(),
            what: "it was put right 3 times within the hour".to_owned(),
            attribute: None,
            origin: None,
            consequence: "another program writes it".to_owned(),
            judgement,
            next: "inotifywait -m".to_owned(),
        };
        names(|f| f.array.noticed = vec![change], expected);
    }
}
