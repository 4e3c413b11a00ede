use std::net::IpAddr;

use keyroll::directory_change::{DirectoryChange, Modification, Target};
use keyroll::spn::{HostRecords, Zone};
use keyroll_proto::operator as said;

use super::*;
use crate::ports::PortError;
use crate::stand_in::domain::Scene;

mod abroad;
mod moving;
mod preparing;

const NEW: &str = "HTTP/new.corp.example";
const OWN: &str = "HTTP/web.corp.example";

/// A change of the array's account that was made, or is.
fn made(scene: &Scene, number: u64, modification: Modification) {
    let change = DirectoryChange {
        dc: "dc1".parse().unwrap(),
        target: Target {
            guid: scene.row().account.guid,
            account: "WEB$".to_owned(),
            distinguished_name: String::new(),
        },
        modifications: vec![modification],
    };
    let record = crate::store::ChangeRecord {
        number,
        array: None,
        verb: "spn".to_owned(),
        actor: "anna".to_owned(),
        at_unix: 0,
        change,
        reported: keyroll::directory_change::Reported::Applied,
        reported_unix: 0,
        state: keyroll::directory_change::State::Applied,
        said: String::new(),
        bound_as: String::new(),
        undoes: None,
        undone_by: None,
    };
    let store = &scene.site.controller.ports.store;
    let followed: Result<(), StoreError> = store.write(|edit| follow(edit, &record));
    followed.unwrap();
}

#[tokio::test]
async fn keys_come_before_a_name_and_outlive_it() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let before = scene.row();
    let prepare = said::PrepareSpnsRequest {
        array: "web".to_owned(),
        spns: vec![NEW.to_owned()],
        dry_run: false,
        moves: false,
    };
    let reply = controller.prepare_spns(&prepare).await.unwrap();
    assert_eq!((reply.ready, reply.waiting.len()), (false, 2));
    let row = scene.row();
    assert_eq!(row.keyset_version, before.keyset_version.next());
    assert!(row.principals().iter().any(|one| one.name() == NEW));
    let registered: Vec<String> = row.registered_services().map(|one| one.name()).collect();
    assert_eq!(registered, [OWN]);
    // The same again changes nothing.
    controller.prepare_spns(&prepare).await.unwrap();
    assert_eq!(scene.row(), row);

    made(&scene, 1, Modification::add(SPNS, NEW));
    assert!(scene.row().unregistered().is_empty());
    made(&scene, 2, Modification::delete(SPNS, NEW.to_lowercase()));
    let row = scene.row();
    let drain = u64::try_from(row.policy.drain().as_millis()).unwrap();
    assert_eq!(row.naming.leaving, [(NEW.to_owned(), drain)].into());
    // Settled once more: the count goes on.
    scene.edit(|array| {
        array.naming.leaving.insert(NEW.to_owned(), 5);
    });
    made(&scene, 2, Modification::delete(SPNS, NEW));
    assert_eq!(scene.row().naming.leaving[NEW], 5);
    made(&scene, 3, Modification::add(SPNS, NEW));
    assert!(scene.row().naming.leaving.is_empty());
}

#[test]
fn what_dns_means_for_a_name_is_said() {
    let spn: Spn = OWN.parse().unwrap();
    let address: IpAddr = "10.0.0.1".parse().unwrap();
    let found = |alias_of: Option<&str>, back: &[&str]| {
        Ok(HostRecords {
            addresses: vec![address],
            alias_of: alias_of.map(str::to_owned),
            back: back.iter().map(|&name| name.to_owned()).collect(),
            back_unseen: None,
        })
    };
    let silent = || {
        Err(PortError::Unreachable {
            object: "DNS".to_owned(),
            why: "no answer".to_owned(),
        })
    };
    for (found, grades, words) in [
        (found(None, &["web.corp.example"]), &["ok"][..], "10.0.0.1"),
        (found(None, &[]), &["ok"], "10.0.0.1"),
        (
            found(None, &["lb.corp.example", "WEB.corp.example"]),
            &["ok"],
            "10.0.0.1",
        ),
        (
            found(None, &["lb.corp.example"]),
            &["ok", "warning"],
            "HTTP/lb.corp.example",
        ),
        (
            found(Some("lb.corp.example"), &["web.corp.example"]),
            &["ok", "warning"],
            "HTTP/lb.corp.example",
        ),
        (Ok(HostRecords::default()), &["broken"], "no address"),
        (silent(), &["unknown"], "no answer"),
    ] {
        let checks = check::dns_checks("web", &spn, &[OWN.to_owned()], found, &ZONE);
        let seen: Vec<&str> = checks.iter().map(|check| check.grade.as_str()).collect();
        assert_eq!(seen, grades, "{checks:?}");
        assert!(format!("{checks:?}").contains(words), "{words}: {checks:?}");
        // A command that is printed can be typed.
        let names_it = |one: &said::Check| !one.next.contains("ARRAY");
        assert!(checks.iter().all(names_it), "{checks:?}");
    }
    // A label alone is nobody's host name in DNS.
    let short: Spn = "HTTP/web".parse().unwrap();
    let checks = check::dns_checks("web", &short, &[], Ok(HostRecords::default()), &ZONE);
    assert_eq!(checks[0].grade, "notice");
}

fn plan(action: &str, spn: &str) -> said::PlanSpnsRequest {
    said::PlanSpnsRequest {
        array: "web".to_owned(),
        action: action.to_owned(),
        spns: vec![spn.to_owned()],
        dry_run: false,
    }
}

#[tokio::test]
async fn a_name_keeps_its_keys_while_it_may_be_on_its_way() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.edit(|array| {
        array.spns.push(NEW.to_owned());
        array.naming.prepared.insert(NEW.to_owned());
    });
    let change = DirectoryChange {
        dc: "dc1".parse().unwrap(),
        target: Target {
            guid: scene.row().account.guid,
            account: "WEB$".to_owned(),
            distinguished_name: String::new(),
        },
        modifications: vec![Modification::add(SPNS, NEW)],
    };
    let wanted = Wanted {
        array: Some(&"web".parse().unwrap()),
        verb: "spn add",
        actor: "anna",
        changes: vec![change],
        undoes: None,
    };
    controller.hand_out(wanted, false).await.unwrap();
    let no = controller.plan_spns(&plan("remove", NEW), "boris").await;
    assert_eq!(no.unwrap_err().code, "change-unknown");
    assert!(scene.row().naming.leaving.is_empty());
    // Once it is there, it goes as any other does.
    scene.state(|account| account.spns.push(NEW.to_owned()));
    controller
        .plan_spns(&plan("remove", NEW), "boris")
        .await
        .unwrap();
}

#[tokio::test]
async fn the_doctor_knows_of_names_on_their_way() {
    let scene = Scene::new(&["dc1"]);
    scene.edit(|array| {
        let (new, old) = (NEW.to_owned(), "HTTP/old.corp.example".to_owned());
        array.spns.extend([new.clone(), old.clone()]);
        array.naming.prepared.insert(new);
        array.naming.leaving.insert(old, 60_000);
    });
    let request = said::DoctorRequest {
        array: "web".to_owned(),
        ..Default::default()
    };
    let reply = scene.site.controller.doctor(&request).await.unwrap();
    let of = |check: &str| {
        let found = reply.findings.iter().filter(|one| one.check == check);
        let found = found.map(|one| (one.object.as_str(), one.grade.as_str()));
        found.collect::<Vec<_>>()
    };
    let states = [
        (OWN, "ok"),
        (NEW, "warning"),
        ("HTTP/old.corp.example", "ok"),
    ];
    assert_eq!(of("spn-registered"), states);
    // Nobody is to get to what is not registered.
    let hosts: Vec<&str> = of("dns-name").into_iter().map(|(host, _)| host).collect();
    assert_eq!(hosts, ["web.corp.example"]);
}

#[tokio::test]
async fn duplicates_come_with_what_mends_them() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.others(&[
        ("HTTP/a", "ONE$"),
        ("http/A", "TWO$"),
        ("HOST/b", "ONE$"),
        ("HTTP/b", "TWO$"),
    ]);
    let found = controller.find_duplicate_spns().await.unwrap().duplicates;
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.likeness.as_str(), one.grade.as_str(), one.next.as_str()))
        .collect();
    let number = "63636363-6363-6363-6363-636363636363";
    let loses = |spn: &str, account: &str| {
        format!(
            "samba-tool spn delete {spn} '{account}' (or Set-ADObject {number} -Remove \
             @{{servicePrincipalName='{spn}'}})"
        )
    };
    let (two, one) = (loses("http/A", "TWO$"), loses("HTTP/a", "ONE$"));
    let either = format!("{two}, if ONE$ is to keep it; ONE$ loses it by {one}");
    let expected = [
        ("case", "broken", either.as_str()),
        ("host-alias", "notice", ""),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_was_never_registered_goes_at_once() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.edit(|array| {
        array.spns.push(NEW.to_owned());
        array.naming.prepared.insert(NEW.to_owned());
    });
    let planned = controller.plan_spns(&plan("remove", NEW), "anna").await;
    let planned = planned.unwrap();
    assert_eq!(
        (planned.forgotten, planned.changes.len()),
        (vec![NEW.to_owned()], 0)
    );
    let naming = scene.row().naming;
    assert!(naming.prepared.is_empty());
    assert_eq!(naming.leaving, [(NEW.to_owned(), 0)].into());
}

#[tokio::test]
async fn what_waits_for_a_node_can_be_given_up() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.edit(|array| {
        array.spns.push(NEW.to_owned());
        array.spns_pending.insert(NEW.to_owned());
    });
    let planned = controller.plan_spns(&plan("remove", NEW), "anna").await;
    assert_eq!(planned.unwrap().forgotten, [NEW]);
    let row = scene.row();
    assert!(row.spns_pending.is_empty());
    assert_eq!(row.naming.leaving, [(NEW.to_owned(), 0)].into());
}

#[tokio::test]
async fn a_suggestion_says_how_to_register_it() {
    let scene = Scene::new(&["dc1"]);
    let request = said::SuggestSpnsRequest {
        array: "web".to_owned(),
        hosts: vec!["web.corp.example".to_owned(), "10.9.0.4".to_owned()],
        ..Default::default()
    };
    let reply = scene.site.controller.suggest_spns(&request).await.unwrap();
    let commands = [
        "keyroll spn add web HTTP/10.9.0.4",
        "# or, once every keytab has the keys, on Windows",
        "setspn -S HTTP/10.9.0.4 \"WEB$\"",
        "# or Samba",
        "samba-tool spn add HTTP/10.9.0.4 'WEB$'",
    ];
    assert_eq!(reply.commands, commands);
    assert!(reply.spns[1].owner.contains("is an address"), "{reply:?}");
}

#[tokio::test]
async fn a_suggestion_that_is_taken_says_what_ends_that() {
    let scene = Scene::new(&["dc1"]);
    scene.others(&[
        ("http/SHOP.corp.example", "OLD$"),
        ("HTTP/n\u{435}ws.corp.example", "ODD$"),
    ]);
    let request = said::SuggestSpnsRequest {
        array: "web".to_owned(),
        hosts: ["shop", "news"]
            .map(|host| format!("{host}.corp.example"))
            .into(),
        ..Default::default()
    };
    let reply = scene.site.controller.suggest_spns(&request).await.unwrap();
    let states: Vec<_> = reply.spns.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["taken", "taken"]);
    let [shop, news] = &reply.commands[..] else {
        panic!("{reply:?}");
    };
    let moves = "keyroll spn move web HTTP/shop.corp.example --dry-run";
    assert_eq!(shop, &format!("# HTTP/shop.corp.example is taken: {moves}"));
    let ends = "# HTTP/news.corp.example is taken: samba-tool spn delete \
                $'HTTP/n\\xd0\\xb5ws.corp.example' 'ODD$' (or ";
    assert!(news.starts_with(ends), "{news}");
}

#[tokio::test]
async fn what_is_not_shown_is_not_called_missing() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.state(|account| {
        account.spns.clear();
        account.hidden = vec![SPNS];
    });
    let array = || "web".to_owned();
    let listed = said::ListSpnsRequest { array: array() };
    let listed = controller.list_spns(&listed).await.unwrap();
    assert_eq!(listed.spns[0].state, "unknown");
    assert!(listed.unknown_because.contains("(Read Property)"));
    assert!(listed.next.contains("CONTROLLER:RP;servicePrincipalName"));
    let checked = said::CheckSpnsRequest { array: array() };
    let checked = controller.check_spns(&checked).await.unwrap();
    let [only] = &checked.checks[..] else {
        panic!("{checked:?}");
    };
    assert_eq!((only.grade.as_str(), &only.next), ("unknown", &listed.next));
    for action in ["add", "remove", "move"] {
        let no = controller.plan_spns(&plan(action, OWN), "anna").await;
        assert_eq!(no.unwrap_err().code, "account-hidden", "{action}");
    }
    // None at all is another thing.
    scene.state(|account| account.hidden.clear());
    let listed = said::ListSpnsRequest { array: array() };
    let listed = controller.list_spns(&listed).await.unwrap();
    assert_eq!(listed.spns[0].state, "missing");
    assert!(listed.unknown_because.is_empty() && listed.next.is_empty());
}

const ZONE: Zone<'static> = Zone {
    server: "dc1.corp.example",
    address: None,
    nodes: &[],
};
