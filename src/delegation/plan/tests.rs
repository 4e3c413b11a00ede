//! Which way is taken, and what is refused.

mod words;

use super::*;
use crate::account::protection::Protection;
use crate::delegation::{ACTORS, CONTROL, TARGETS, caller};
use crate::descriptor::Descriptor;
use crate::directory_change::Action;

const SPN: &str = "MSSQLSvc/db.corp.example:1433";

fn sid(number: u8) -> Sid {
    format!("S-1-5-21-1-2-3-110{number}").parse().unwrap()
}

fn party(account: &str, number: u8) -> Party {
    Party {
        guid: [number; 16],
        account: account.to_owned(),
        distinguished_name: format!("CN={account},DC=corp,DC=example"),
        sid: Some(sid(number)),
        control: Some(Control(0x200)),
        protections: Vec::new(),
        found_by: None,
        hidden: false,
    }
}

/// A group that the array's account is a member of.
fn group() -> Sid {
    sid(9)
}

/// Somebody who is in no group.
fn leaver(sid: Sid) -> Leaver {
    Leaver {
        caller: Some(caller(Some(&sid), [])),
        sid,
    }
}

fn ground(level: u32) -> Ground {
    let own = party("svc-web$", 1);
    Ground {
        dc: "dc1.corp.example".parse().unwrap(),
        level,
        array: "web".to_owned(),
        holding: Holding {
            control: Control(0x200),
            ..Holding::default()
        },
        caller: Some(caller(own.sid.as_ref(), [group()])),
        own,
    }
}

fn service() -> Service {
    Service {
        spn: SPN.to_owned(),
        owners: vec![party("svc-db", 2)],
        names: vec![SPN.to_owned(), "MSSQLSvc/db.corp.example".to_owned()],
        holding: Some(Holding::default()),
    }
}

fn to(service: Service) -> Asked {
    Asked {
        to: vec![service],
        ..Asked::default()
    }
}

/// `account: action attribute` of each value.
fn shape(planned: &Planned) -> Vec<String> {
    let changes = planned.changes.iter();
    let each = changes.flat_map(|change| {
        change.modifications.iter().map(|one| {
            let account = &change.target.account;
            format!("{account}: {} {}", one.action.word(), one.attribute)
        })
    });
    each.collect()
}

#[track_caller]
fn says(planned: &Planned, words: &[&str]) {
    for word in words {
        let mut notes = planned.notes.iter();
        assert!(
            notes.any(|note| note.contains(word)),
            "{word}: {planned:#?}"
        );
    }
}

#[test]
fn resource_based_comes_first_where_it_works() {
    let planned = plan(&ground(5), &to(service())).unwrap();
    assert_eq!(shape(&planned), [format!("svc-db: add {ACTORS}")]);
    let made = Descriptor::of_actors([&sid(1)]).to_bytes();
    assert_eq!(planned.changes[0].modifications[0].value, made);
    says(&planned, &["any user but the sensitive", "delegation-gap"]);

    let planned = plan(&ground(4), &to(service())).unwrap();
    assert_eq!(shape(&planned), [format!("svc-web$: add {TARGETS}")]);
    says(
        &planned,
        &[
            "each user who logs in to web",
            "functional level 4",
            "delegation-gap",
        ],
    );
    // As it was asked for.
    let mut asked = to(service());
    asked.way = Some(Way::Constrained);
    let planned = plan(&ground(7), &asked).unwrap();
    assert_eq!(shape(&planned), [format!("svc-web$: add {TARGETS}")]);
    asked.way = Some(Way::ResourceBased);
    let planned = plan(&ground(4), &asked).unwrap();
    assert_eq!(shape(&planned), [format!("svc-db: add {ACTORS}")]);
}

#[test]
fn what_is_so_already_is_not_changed() {
    let mut let_in = service();
    let_in.holding = Some(Holding {
        descriptor: Some(Descriptor::of_actors([&sid(1)]).to_bytes()),
        ..Holding::default()
    });
    let mut listed = ground(7);
    listed.holding.targets = vec![SPN.to_lowercase()];
    for (ground, service) in [(ground(7), let_in.clone()), (listed.clone(), service())] {
        let planned = plan(&ground, &to(service)).unwrap();
        assert!(planned.changes.is_empty());
        says(
            &planned,
            &["may act at MSSQLSvc/db.corp.example:1433 already"],
        );
    }
    // What takes it away finds both.
    let asked = Asked {
        not_to: vec![let_in],
        ..Asked::default()
    };
    let planned = plan(&listed, &asked).unwrap();
    assert_eq!(
        shape(&planned),
        [
            format!("svc-db: delete {ACTORS}"),
            format!("svc-web$: delete {TARGETS}")
        ]
    );
    says(&planned, &["every service of svc-db"]);
    let planned = plan(
        &ground(7),
        &Asked {
            not_to: vec![service()],
            ..Asked::default()
        },
    );
    let planned = planned.unwrap();
    assert!(planned.changes.is_empty());
    says(
        &planned,
        &["may not act at MSSQLSvc/db.corp.example:1433 as it is"],
    );
}

#[test]
fn unconstrained_goes_when_its_successor_is_there() {
    let mut old = ground(7);
    old.holding.control = Control(0x200 | Control::UNCONSTRAINED);
    let planned = plan(&old, &to(service())).unwrap();
    says(&planned, &["stays unconstrained", "--no-unconstrained"]);
    let mut asked = to(service());
    asked.constrain = true;
    let planned = plan(&old, &asked).unwrap();
    assert_eq!(
        shape(&planned),
        [
            format!("svc-db: add {ACTORS}"),
            format!("svc-web$: delete {CONTROL}"),
            format!("svc-web$: add {CONTROL}"),
        ]
    );
    says(&planned, &["name the services that it needs"]);
    // In one modify where it is one object.
    old.level = 4;
    let planned = plan(&old, &asked).unwrap();
    assert_eq!(planned.changes.len(), 1);
    let flags = &planned.changes[0].modifications[..2];
    assert_eq!(
        (flags[0].action, flags[0].value.as_slice()),
        (Action::Delete, &b"524800"[..])
    );
    assert_eq!(
        (flags[1].action, flags[1].value.as_slice()),
        (Action::Add, &b"512"[..])
    );
}

#[test]
fn who_may_come_is_one_account() {
    let asked = |sid, party| Asked {
        from: vec![Actor { sid, party }],
        ..Asked::default()
    };
    let front = asked(sid(3), Some(party("svc-front", 3)));
    let planned = plan(&ground(7), &front).unwrap();
    assert_eq!(shape(&planned), [format!("svc-web$: add {ACTORS}")]);
    says(
        &planned,
        &["svc-front (S-1-5-21-1-2-3-1103) may come to web as any user"],
    );
    let stranger = plan(&ground(7), &asked(sid(4), None)).unwrap();
    says(&stranger, &["of whom nothing was found"]);
    let crowd = asked("S-1-5-21-1-2-3-515".parse().unwrap(), None);
    let codes = |level, asked| plan(&ground(level), asked).unwrap_err().code();
    assert_eq!(codes(7, &crowd), "crowd-may-act");
    assert_eq!(codes(4, &front), "too-old");
    assert!(plan(&ground(5), &front).is_ok());

    let mut both = front.clone();
    both.not_from = vec![leaver(sid(3))];
    assert_eq!(codes(7, &both), "both-ways");
    let out = Asked {
        not_from: vec![leaver(sid(3))],
        ..Asked::default()
    };
    says(
        &plan(&ground(7), &out).unwrap(),
        &["does not let S-1-5-21-1-2-3-1103 in as it is"],
    );
}

#[test]
fn a_target_that_is_not_one_account_of_the_domain_is_refused() {
    let with = |owners: Vec<Party>, holding| {
        to(Service {
            owners,
            holding,
            ..service()
        })
    };
    let of_tier = |protection| {
        let mut owner = party("DC1$", 4);
        owner.protections = vec![protection];
        owner
    };
    let dc = of_tier(Protection::DomainController);
    let mut krbtgt = of_tier(Protection::AdminCount);
    krbtgt.protections.push(Protection::Kdc);
    krbtgt.control = Some(Control(Control::DISABLED));
    let admin = of_tier(Protection::Member("Domain Admins"));
    let here = Some(Holding::default());
    let two = vec![party("a", 4), party("b", 5)];
    for (asked, code) in [
        (with(Vec::new(), None), "target-missing"),
        (with(two, None), "target-duplicate"),
        (with(vec![dc], here.clone()), "target-is-dc"),
        (with(vec![krbtgt], here.clone()), "target-is-kdc"),
        (with(vec![admin], here.clone()), "target-protected"),
        (with(vec![party("far", 4)], None), "other-domain"),
    ] {
        for way in [None, Some(Way::Constrained), Some(Way::ResourceBased)] {
            let refused = plan(
                &ground(7),
                &Asked {
                    way,
                    ..asked.clone()
                },
            )
            .unwrap_err();
            assert_eq!(refused.code(), code);
            assert!(!refused.next("web", "svc-web$").is_empty());
        }
    }
    let mut both = to(service());
    both.not_to = vec![Service {
        spn: SPN.to_lowercase(),
        ..service()
    }];
    assert_eq!(plan(&ground(7), &both).unwrap_err().code(), "both-ways");
    let mut disabled = party("svc-db", 2);
    disabled.control = Some(Control(Control::DISABLED));
    says(
        &plan(&ground(7), &with(vec![disabled], here)).unwrap(),
        &["svc-db is disabled"],
    );
    let mut hidden = ground(7);
    hidden.own.sid = None;
    let planned = plan(&hidden, &to(service())).unwrap();
    assert_eq!(shape(&planned), [format!("svc-web$: add {TARGETS}")]);
    says(&planned, &["shows no SID"]);
}

#[test]
fn another_name_of_the_same_account_leaves_the_door_open() {
    let other = "mssqlsvc/DB.corp.example".to_owned();
    let mut ground = ground(7);
    ground.holding.targets = vec![SPN.to_owned(), other.clone(), "HTTP/else".to_owned()];
    let mut asked = Asked::default();
    asked.not_to.push(service());
    let open = format!("all the same: its list has {other} of svc-db");
    says(&plan(&ground, &asked).unwrap(), &[&open]);
    asked.not_to.push(service());
    asked.not_to[1].spn = other;
    let planned = plan(&ground, &asked).unwrap();
    assert!(
        !planned
            .notes
            .iter()
            .any(|note| note.contains("all the same"))
    );
}

#[test]
fn an_inventory_proposes_what_leads_nowhere_to_go() {
    let crowd: Sid = "S-1-1-0".parse().unwrap();
    let holding = Holding {
        control: Control(Control::UNCONSTRAINED | Control::PROTOCOL_TRANSITION),
        ..Holding::default()
    };
    let mut inventory = Inventory {
        own: party("svc-web$", 1),
        targets: Vec::new(),
        resources: Vec::new(),
        fronts: Vec::new(),
        actors: [crowd.clone(), sid(3)]
            .map(|sid| Actor { sid, party: None })
            .to_vec(),
        unconstrained: Vec::new(),
        whole_forest: true,
        partial: false,
        holding,
    };
    let asked = Asked::proposed(&inventory);
    // Its users' services still go by it, and nobody has named others.
    assert!(!asked.constrain);
    assert!(asked.transition == Some(false) && asked.sensitive.is_none());
    assert_eq!(asked.not_from.len(), 1);
    assert_eq!(asked.not_from[0].sid, crowd);
    let target = |spn: &str, owners| crate::delegation::Target {
        spn: spn.to_owned(),
        owners,
    };
    inventory.targets = vec![
        target(SPN, vec![party("svc-db", 2)]),
        target("a/b", Vec::new()),
    ];
    inventory.holding.targets = vec![SPN.to_owned(), "a/b".to_owned()];
    let asked = Asked::proposed(&inventory);
    assert_eq!(asked.transition, None);
    assert_eq!(asked.not_to.len(), 1);
    assert_eq!(asked.not_to[0].spn, "a/b");
    assert!(asked.to.is_empty() && asked.from.is_empty());
    // What was not looked for is not missing.
    inventory.partial = true;
    assert!(Asked::proposed(&inventory).not_to.is_empty());
    inventory.partial = false;
    inventory.whole_forest = false;
    assert!(Asked::proposed(&inventory).not_to.is_empty());
}

/// What shuts a door says which one is still open.
#[test]
fn a_group_that_keeps_the_door_open_is_named() {
    let with = |sids: &[&Sid]| {
        let mut service = service();
        service.holding = Some(Holding {
            descriptor: Some(Descriptor::of_actors(sids.iter().copied()).to_bytes()),
            ..Holding::default()
        });
        Asked {
            not_to: vec![service],
            ..Asked::default()
        }
    };
    let group = group();
    let planned = plan(&ground(7), &with(&[&sid(1), &group])).unwrap();
    assert_eq!(planned.changes.len(), 1);
    says(&planned, &["all the same", &group.to_string()]);
    // It is let in by the group alone.
    let planned = plan(&ground(7), &with(&[&group])).unwrap();
    assert!(planned.changes.is_empty());
    says(&planned, &["all the same"]);
    assert!(!planned.notes.iter().any(|note| note.contains("as it is")));
    let planned = plan(&ground(7), &with(&[&sid(1), &sid(8)])).unwrap();
    assert!(
        !planned
            .notes
            .iter()
            .any(|note| note.contains("all the same"))
    );
    let mut hidden = ground(7);
    hidden.caller = None;
    let planned = plan(&hidden, &with(&[&sid(1), &sid(8)])).unwrap();
    says(&planned, &["by a group is not known"]);

    // The same of who comes to the array.
    let mut own = ground(7);
    own.holding.descriptor = Some(Descriptor::of_actors([&sid(3), &group]).to_bytes());
    let member = Leaver {
        sid: sid(3),
        caller: Some(caller(Some(&sid(3)), [group.clone()])),
    };
    for (leaver, open) in [(member, true), (leaver(sid(3)), false)] {
        let asked = Asked {
            not_from: vec![leaver],
            ..Asked::default()
        };
        let planned = plan(&own, &asked).unwrap();
        let says = |words| planned.notes.iter().any(|note| note.contains(words));
        assert_eq!(says("all the same"), open);
        assert!(!says("as it is"), "{planned:?}");
    }
}
