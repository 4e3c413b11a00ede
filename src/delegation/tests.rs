//! Findings of small inventories.

use super::*;
use crate::account::protection;
use crate::descriptor::Descriptor;

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn party(account: &str, control: u32) -> Party {
    let [own, users] =
        ["S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-513"].map(|sid| sid.parse().unwrap());
    Party {
        guid: [0; 16],
        account: account.to_owned(),
        distinguished_name: format!("CN={account},DC=corp,DC=example"),
        sid: None,
        control: Some(Control(control)),
        protections: protection::Marks {
            account,
            sid: Some(&own),
            admin_count: Some(account.contains("admin")),
            control: Some(control),
            groups: std::slice::from_ref(&users),
            secondary_kdc: false,
            distinguished_name: "",
        }
        .protections([]),
        found_by: None,
        hidden: false,
    }
}

type Owners<'a> = &'a [(&'a str, u32)];

fn inventory(control: u32, targets: &[(&str, Owners<'_>)]) -> Inventory {
    let own = party("svc-web$", control);
    let of = |(spn, owners): &(&str, Owners<'_>)| Target {
        spn: (*spn).to_owned(),
        owners: owners
            .iter()
            .map(|(name, control)| party(name, *control))
            .collect(),
    };
    let targets: Vec<Target> = targets.iter().map(of).collect();
    Inventory {
        holding: Holding {
            control: Control(control),
            targets: targets.iter().map(|one| one.spn.clone()).collect(),
            descriptor: None,
        },
        own,
        targets,
        resources: Vec::new(),
        fronts: Vec::new(),
        actors: Vec::new(),
        unconstrained: Vec::new(),
        whole_forest: true,
        partial: false,
    }
}

const PLAIN: u32 = 0x1000;
const QUIET: u32 = 0x1000 | Control::NOT_DELEGATED;
const DB: (&str, Owners<'_>) = ("MSSQLSvc/db", &[("svc-db", 0x200)]);

#[track_caller]
fn check(inventory: &Inventory, ways: &[&str], codes: &[&str]) {
    let found = findings("web", inventory);
    let of: Vec<_> = found.iter().map(|one| one.code).collect();
    assert_eq!((inventory.ways().as_slice(), of.as_slice()), (ways, codes));
    for one in &found {
        assert!(!one.object.is_empty() && !one.what.is_empty() && !one.risk.is_empty());
        assert!(
            one.grade == Grade::Notice || !one.safer.is_empty(),
            "{one:?}"
        );
    }
}

#[test]
fn each_way_to_delegate_has_its_risk() {
    let transition = PLAIN | Control::PROTOCOL_TRANSITION;
    let unconstrained = PLAIN | Control::UNCONSTRAINED;
    check(&inventory(QUIET, &[]), &[], &[]);
    check(&inventory(PLAIN, &[]), &[], &["not-sensitive"]);
    check(&inventory(PLAIN, &[DB]), &["constrained"], &["constrained"]);
    check(
        &inventory(QUIET, &[DB]),
        &["constrained"],
        &["sensitive-front", "constrained"],
    );
    let way = "constrained, with protocol transition";
    check(
        &inventory(transition, &[DB]),
        &[way],
        &["protocol-transition", "constrained"],
    );
    check(
        &inventory(transition, &[]),
        &[],
        &["protocol-transition-idle", "not-sensitive"],
    );
    check(
        &inventory(unconstrained, &[]),
        &["unconstrained"],
        &["unconstrained"],
    );
    check(
        &inventory(unconstrained, &[DB]),
        &["unconstrained", "constrained"],
        &["unconstrained", "list-idle", "constrained"],
    );
}

#[test]
fn a_list_is_told_with_its_risk_and_a_safer_way() {
    let found = findings("web", &inventory(PLAIN, &[DB]));
    let [one] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((one.grade, one.object.as_str()), (Grade::Notice, DB.0));
    assert!(one.risk.contains("every service of svc-db"), "{one:?}");
    let safer = "keyroll delegation apply web --to MSSQLSvc/db --way resource-based";
    assert!(one.safer.contains(safer), "{one:?}");
}

#[test]
fn a_target_is_one_account_that_is_no_domain_controller() {
    let dc = Control::DOMAIN_CONTROLLER;
    let krbtgt = Control::DISABLED;
    let table: [(Owners<'_>, &str); 8] = [
        (&[], "target-missing"),
        (&[("a", 0), ("b", 0)], "target-duplicate"),
        (&[("DC1$", dc)], "target-is-dc"),
        // A read-only domain controller, and what is one although it is disabled.
        (&[("RODC1$", 0x0400_1000)], "target-is-dc"),
        (&[("DC2$", dc | Control::DISABLED)], "target-is-dc"),
        (&[("krbtgt_4711", krbtgt)], "target-is-kdc"),
        (&[("admin", Control::DISABLED)], "target-protected"),
        (&[("a", Control::DISABLED)], "target-disabled"),
    ];
    for (owners, code) in table {
        check(
            &inventory(PLAIN, &[("ldap/x", owners)]),
            &["constrained"],
            &[code],
        );
    }
}

#[test]
fn a_target_of_two_is_left_to_the_one_that_can_be_used() {
    let owners: Owners<'_> = &[("old$", Control::DISABLED), ("new$", 0)];
    let mut two = inventory(PLAIN, &[("HTTP/x", owners)]);
    // It is found by the name that answers for it, in the owner's spelling.
    for (number, owner) in (1..).zip(&mut two.targets[0].owners) {
        owner.guid = [number; 16];
        owner.found_by = Some("HOST/X".to_owned());
    }
    let found = findings("web", &two);
    let both = "old$ (CN=old$,DC=corp,DC=example) and new$ (CN=new$,DC=corp,DC=example) have it";
    assert_eq!(found[0].what, both);
    let safer = "samba-tool spn delete HOST/X 'old$' (or Set-ADObject \
                 01010101-0101-0101-0101-010101010101 -Remove @{servicePrincipalName='HOST/X'}), \
                 if new$ is to keep it; new$ loses it by samba-tool spn delete HOST/X 'new$' (or \
                 Set-ADObject 02020202-0202-0202-0202-020202020202 -Remove \
                 @{servicePrincipalName='HOST/X'})";
    assert_eq!(found[0].safer, safer);
}

#[test]
fn a_protected_account_is_named_with_what_protects_it() {
    let found = findings("web", &inventory(PLAIN, &[("ldap/x", &[("admin", 0)])]));
    let what = &found[0].what;
    assert!(
        what.contains("admin is protected (adminCount is 1"),
        "{what}"
    );
}

/// A list that leads to the service that issues tickets is a known way to stay in a domain.
#[test]
fn the_ticket_granting_service_is_nobodys_service() {
    let list = inventory(PLAIN, &[("KRBTGT/corp.example", &[])]);
    check(&list, &["constrained"], &["target-is-kdc"]);
    let mut list = inventory(PLAIN, &[("kadmin/changepw", &[("tickets", 0x202)])]);
    list.targets[0].owners[0].protections = vec![protection::Protection::Kdc];
    check(&list, &["constrained"], &["target-is-kdc"]);
    assert!(!findings("web", &list)[0].safer.contains("enable"));
}

#[test]
fn what_is_hidden_is_told_as_such() {
    let mut of = inventory(QUIET, &[DB]);
    of.targets[0].owners[0].hidden = true;
    of.partial = true;
    let codes = ["sensitive-front", "target-hidden", NOT_ALL_SEEN];
    check(&of, &["constrained"], &codes);
    for (finding, whose) in findings("web", &of)[1..]
        .iter()
        .zip(["svc-db", "the domain's"])
    {
        let words = format!("tokenGroups of {whose}");
        assert!(finding.safer.contains(&words), "{finding:?}");
    }
    let mut front = party("svc-front", 0);
    front.control = None;
    let mut of = inventory(QUIET, &[]);
    of.fronts = vec![Front {
        party: front,
        spns: vec!["HTTP/web".to_owned()],
    }];
    check(&of, &[], &["delegated-to"]);
    assert!(findings("web", &of)[0].risk.contains("perhaps as any user"));
}

#[test]
fn who_may_come_to_the_array_is_told() {
    let mut of = inventory(QUIET, &[]);
    let front = |control| Front {
        party: party("svc-front", control),
        spns: vec!["HTTP/web".to_owned()],
    };
    of.fronts = vec![front(0), front(Control::PROTOCOL_TRANSITION)];
    of.resources = vec![party("svc-back", 0)];
    of.unconstrained = (0..7)
        .map(|number| party(&format!("old{number}"), 0))
        .collect();
    let codes = [
        "delegated-to",
        "unconstrained-elsewhere",
        "acts-at",
        "delegated-to",
    ];
    check(&of, &["resource based"], &codes);
    let all = findings("web", &of);
    assert_eq!(all[1].object, "old0, old1, old2, old3, old4 and 2 more");
}

#[test]
fn who_may_act_by_a_descriptor_is_told() {
    let with = |bytes: Vec<u8>, actors: Vec<Actor>| {
        let mut of = inventory(QUIET, &[]);
        of.holding.descriptor = Some(bytes);
        of.actors = actors;
        of
    };
    let named = |text: &str, party| Actor {
        sid: sid(text),
        party,
    };
    let made = Descriptor::of_actors([]).to_bytes();
    let actors = vec![
        named("S-1-5-21-1-2-3-1104", Some(party("svc-front", 0))),
        named("S-1-5-21-1-2-3-1105", None),
        named("S-1-5-21-7-8-9-1105", None),
        named("S-1-5-21-1-2-3-515", Some(party("Domain Computers", 0))),
        named("S-1-18-1", None),
        named("S-1-1-0", None),
    ];
    let codes = [
        "crowd-may-act",
        "crowd-may-act",
        "crowd-may-act",
        "actor-unknown",
        "actor",
        "actor-elsewhere",
    ];
    let mut of = with(made, actors);
    of.own.sid = Some(sid("S-1-5-21-1-2-3-1000"));
    check(&of, &[], &codes);
    // What works in another domain is not taken away by a command that is only copied.
    let all = findings("web", &of);
    assert!(all[3].safer.contains("--not-from"), "{all:?}");
    assert_eq!((all[5].grade, all[5].safer.as_str()), (Grade::Notice, ""));
    check(
        &with(vec![1, 2, 3], Vec::new()),
        &[],
        &["descriptor-unreadable"],
    );
    let no_list = [&[1, 0, 4, 0x80][..], &[0; 16]].concat();
    check(&with(no_list, Vec::new()), &[], &["anybody-may-act"]);
}

#[test]
fn an_entry_with_a_condition_is_told() {
    let front = sid("S-1-5-21-1-2-3-1104");
    let mut bytes = Descriptor::of_actors([&front]).to_bytes();
    // The kind of the only entry: a header of four bytes, a mask, and a SID of 28.
    let kind = bytes.len() - 36;
    assert_eq!(bytes[kind], 0);
    for (callback, told) in [(9, true), (11, true), (10, false), (2, false)] {
        bytes[kind] = callback;
        let mut of = inventory(QUIET, &[]);
        of.holding.descriptor = Some(bytes.clone());
        let codes: &[&str] = if told { &["actor-conditional"] } else { &[] };
        check(&of, &[], codes);
    }
}
