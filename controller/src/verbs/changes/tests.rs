use keyroll::directory_change::{Modification, Target};
use keyroll_proto::operator as said;

use super::*;
use crate::stand_in::domain::Scene;

fn change(spn: &str) -> DirectoryChange {
    DirectoryChange {
        dc: "dc1".parse().unwrap(),
        target: Target {
            guid: [7; 16],
            account: "WEB$".to_owned(),
            distinguished_name: "CN=web,DC=corp,DC=example".to_owned(),
        },
        modifications: vec![Modification::add("servicePrincipalName", spn)],
    }
}

/// A change that adds this SPN, handed out; its number.
async fn planned(scene: &Scene, spn: &str) -> Result<u64, No> {
    let wanted = Wanted {
        array: Some(&"web".parse().unwrap()),
        verb: "spn add",
        actor: "anna",
        changes: vec![change(spn)],
        undoes: None,
    };
    let planned = scene.site.controller.hand_out(wanted, false).await?;
    Ok(planned.changes[0].number)
}

fn report(number: u64, outcome: &str) -> said::ReportChangeRequest {
    said::ReportChangeRequest {
        array: "web".to_owned(),
        number,
        outcome: outcome.to_owned(),
        said: "as the domain controller said".to_owned(),
        bound_as: "anna@CORP.EXAMPLE".to_owned(),
    }
}

fn make(number: u64) -> said::MakeChangeRequest {
    said::MakeChangeRequest {
        array: "web".to_owned(),
        number,
    }
}

fn undo(number: u64) -> said::UndoChangeRequest {
    said::UndoChangeRequest {
        array: "web".to_owned(),
        number,
        dry_run: false,
    }
}

/// As if that many seconds had passed.
fn age(scene: &Scene, number: u64, seconds: i64) {
    let store = &scene.site.controller.ports.store;
    let mut record = store.change(number).unwrap().unwrap();
    record.at_unix -= seconds;
    record.reported_unix -= seconds;
    let kept: Result<(), StoreError> = store.write(|edit| edit.put_change(&record));
    kept.unwrap();
}

#[tokio::test]
async fn a_change_is_written_down_before_it_is_handed_out() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let number = planned(&scene, "HTTP/new.corp.example").await.unwrap();
    let listed = controller.list_changes(&said::ListChangesRequest::default());
    let listed = listed.unwrap().changes;
    assert_eq!((listed.len(), listed[0].state.as_str()), (1, "handed-out"));
    assert_eq!(listed[0].actor, "anna");
    let change = listed[0].change.as_ref().unwrap();
    assert_eq!((change.number, change.dc.as_str()), (number, "dc1"));
    assert_eq!(
        change.sentences,
        ["WEB$: add servicePrincipalName HTTP/new.corp.example"]
    );
    // What is reported is noted, and what the object shows counts.
    let seen = controller
        .report_change(&report(number, "applied"))
        .await
        .unwrap();
    assert_eq!(seen.state, "not-made");
    scene.state(|account| account.spns.push("HTTP/new.corp.example".to_owned()));
    let seen = controller
        .report_change(&report(number, "refused"))
        .await
        .unwrap();
    assert_eq!(seen.state, "applied");
    assert_eq!(seen.bound_as, "anna@CORP.EXAMPLE");
    let odd = controller
        .report_change(&report(number, "perhaps"))
        .await
        .unwrap_err();
    assert_eq!(odd.code, "bad-outcome");
}

#[tokio::test]
async fn a_dry_run_writes_nothing_down() {
    let scene = Scene::new(&["dc1"]);
    let wanted = Wanted {
        array: None,
        verb: "spn add",
        actor: "anna",
        changes: vec![change("HTTP/new.corp.example")],
        undoes: None,
    };
    let planned = scene.site.controller.hand_out(wanted, true).await.unwrap();
    assert_eq!((planned.dry_run, planned.changes[0].number), (true, 0));
    let request = said::ListChangesRequest::default();
    assert!(
        scene
            .site
            .controller
            .list_changes(&request)
            .unwrap()
            .changes
            .is_empty()
    );
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_looking_and_never_sent_again() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let silent = || Answer::Unanswered {
        text: "no answer".to_owned(),
    };
    // Made, though nobody said so.
    scene.answers(silent(), true);
    let first = planned(&scene, "HTTP/one.corp.example").await.unwrap();
    let seen = controller
        .make_change(&make(first), |_| true)
        .await
        .unwrap();
    assert_eq!(
        (seen.state.as_str(), seen.said.as_str()),
        ("applied", "no answer")
    );
    // Not made, or not yet: nothing else is planned for the object meanwhile.
    scene.answers(silent(), false);
    let second = planned(&scene, "HTTP/two.corp.example").await.unwrap();
    let seen = controller
        .make_change(&make(second), |_| true)
        .await
        .unwrap();
    assert_eq!(seen.state, "unknown");
    let no = planned(&scene, "HTTP/three.corp.example")
        .await
        .unwrap_err();
    assert_eq!((no.code, no.exit), ("change-unknown", 75));
    assert_eq!(no.next, format!("keyroll change settle {second}"));
    let no = controller
        .make_change(&make(second), |_| true)
        .await
        .unwrap_err();
    assert_eq!(no.code, "not-to-be-made");
    // Nothing can be on its way any more.
    age(&scene, second, 150);
    planned(&scene, "HTTP/three.corp.example").await.unwrap();
    let seen = controller.report_change(&report(second, "")).await.unwrap();
    assert_eq!(seen.state, "not-made");
}

#[tokio::test]
async fn a_change_is_taken_back_once_and_only_as_it_was_left() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let number = planned(&scene, "HTTP/new.corp.example").await.unwrap();
    let no = controller
        .undo_change(&undo(number), "anna")
        .await
        .unwrap_err();
    assert_eq!(no.code, "not-applied");
    controller
        .make_change(&make(number), |_| true)
        .await
        .unwrap();
    // Somebody else takes it away, and puts it back.
    scene.state(|account| drop(account.spns.pop()));
    let no = controller
        .undo_change(&undo(number), "anna")
        .await
        .unwrap_err();
    assert_eq!(no.code, "not-applied");
    scene.state(|account| account.spns.push("HTTP/new.corp.example".to_owned()));
    let back = controller.undo_change(&undo(number), "anna").await.unwrap();
    let back = back.changes[0].number;
    let seen = controller.make_change(&make(back), |_| true).await.unwrap();
    assert_eq!((seen.state.as_str(), seen.undoes), ("applied", number));
    let store = &controller.ports.store;
    assert_eq!(store.change(number).unwrap().unwrap().undone_by, Some(back));
    let no = controller
        .undo_change(&undo(number), "anna")
        .await
        .unwrap_err();
    assert_eq!(no.code, "undone");
    // What is taken back is a change too.
    controller.undo_change(&undo(back), "anna").await.unwrap();
}

#[tokio::test]
async fn the_controller_writes_what_its_settings_name_and_no_more() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let mut wanted = change("x");
    wanted
        .modifications
        .push(Modification::add("msDS-AllowedToDelegateTo", "HTTP/sql"));
    let wanted = Wanted {
        array: Some(&"web".parse().unwrap()),
        verb: "delegation add",
        actor: "anna",
        changes: vec![wanted],
        undoes: None,
    };
    let planned = controller.hand_out(wanted, false).await.unwrap();
    // Told in the plan, before anything is begun.
    assert_eq!(
        planned.controller_may_not_write,
        ["msDS-AllowedToDelegateTo"]
    );
    let no = controller
        .make_change(&make(planned.changes[0].number), |_| true)
        .await
        .unwrap_err();
    assert_eq!(no.exit, 77);
    assert!(no.what.contains("msDS-AllowedToDelegateTo"), "{}", no.what);
    assert!(no.next.contains("--with-controller-rights"), "{}", no.next);
}

#[tokio::test]
async fn a_change_of_another_array_is_not_there() {
    let scene = Scene::new(&["dc1"]);
    let number = planned(&scene, "HTTP/new.corp.example").await.unwrap();
    for array in ["", "other"] {
        let mut request = report(number, "");
        request.array = array.to_owned();
        let no = scene
            .site
            .controller
            .report_change(&request)
            .await
            .unwrap_err();
        assert_eq!(no.code, "unknown-change", "{array}");
    }
}

#[tokio::test]
async fn what_somebody_has_in_hand_may_still_come() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let first = planned(&scene, "HTTP/one.corp.example").await.unwrap();
    // Whoever was to make it may have died before he said so. A clock that is set back a minute
    // changes nothing about that.
    for seconds in [0, -60] {
        age(&scene, first, seconds);
        let no = planned(&scene, "HTTP/two.corp.example").await.unwrap_err();
        assert_eq!((no.code, no.exit), ("change-unknown", 75));
    }
    age(&scene, first, 60 + 150);
    planned(&scene, "HTTP/two.corp.example").await.unwrap();
    // And what was looked at then may be otherwise by now.
    let late = controller.make_change(&make(first), |_| true).await;
    let late = late.unwrap_err();
    assert_eq!(late.code, "not-to-be-made");
    assert!(late.what.contains("too long ago"), "{}", late.what);
}

#[tokio::test]
async fn of_two_who_would_make_a_change_one_makes_it() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let number = planned(&scene, "HTTP/new.corp.example").await.unwrap();
    let request = make(number);
    let (one, other) = tokio::join!(
        controller.make_change(&request, |_| true),
        controller.make_change(&request, |_| true),
    );
    let codes: Vec<_> = [one, other]
        .into_iter()
        .map(|made| made.map_err(|no| no.code))
        .collect();
    let made = codes.iter().filter(|made| made.is_ok()).count();
    let refused = codes
        .iter()
        .filter(|made| matches!(made, Err("not-to-be-made")))
        .count();
    assert_eq!((made, refused), (1, 1), "{codes:?}");
    assert_eq!(scene.changes_made(), 1);
}

#[tokio::test]
async fn the_controllers_rights_are_for_those_who_have_a_say_over_the_account() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let own = |guid: [u8; 16]| {
        let mut change = change("HTTP/new.corp.example");
        change.target.guid = guid;
        Wanted {
            array: None,
            verb: "spn add",
            actor: "anna",
            changes: vec![change],
            undoes: None,
        }
    };
    let array = scene.row().account.guid;
    for (guid, say, allowed) in [
        (array, "web", true),
        (array, "other", false),
        ([9; 16], "web", false),
        ([8; 16], "", true),
    ] {
        let planned = controller.hand_out(own(guid), false).await.unwrap();
        let mut request = make(planned.changes[0].number);
        request.array = String::new();
        let made = controller.make_change(&request, |name| name == say).await;
        match made {
            Ok(_) => assert!(allowed, "{say:?}"),
            Err(no) => assert_eq!((no.exit, allowed), (77, false), "{say:?}: {}", no.what),
        }
        age(&scene, planned.changes[0].number, 150);
        scene.state(|account| account.spns.retain(|spn| spn != "HTTP/new.corp.example"));
    }
}

#[tokio::test]
async fn nothing_is_taken_back_that_somebody_else_has_by_now() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let mut removed = change("HTTP/old.corp.example");
    removed.modifications = vec![Modification::delete(
        "servicePrincipalName",
        "HTTP/old.corp.example",
    )];
    scene.state(|account| account.spns.push("HTTP/old.corp.example".to_owned()));
    let wanted = Wanted {
        array: Some(&"web".parse().unwrap()),
        verb: "spn remove",
        actor: "anna",
        changes: vec![removed],
        undoes: None,
    };
    let planned = controller.hand_out(wanted, false).await.unwrap();
    let number = planned.changes[0].number;
    controller
        .make_change(&make(number), |_| true)
        .await
        .unwrap();
    scene.others(&[("http/OLD.corp.example", "SQL$")]);
    let no = controller.undo_change(&undo(number), "anna").await;
    let no = no.unwrap_err();
    assert_eq!(no.code, "spn-duplicate");
    assert!(no.what.contains("SQL$"), "{}", no.what);
    scene.others(&[]);
    controller.undo_change(&undo(number), "anna").await.unwrap();
}

#[tokio::test]
async fn what_no_plan_gives_is_not_given_by_taking_something_back() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let mut flags = change("");
    flags.modifications = vec![
        Modification::delete("userAccountControl", "528384"),
        Modification::add("userAccountControl", "4096"),
    ];
    let wanted = Wanted {
        array: Some(&"web".parse().unwrap()),
        verb: "delegation apply",
        actor: "anna",
        changes: vec![flags],
        undoes: None,
    };
    let planned = controller.hand_out(wanted, false).await.unwrap();
    let number = planned.changes[0].number;
    let told = controller.report_change(&report(number, "applied")).await;
    assert_eq!(told.unwrap().state, "applied");
    let no = controller.undo_change(&undo(number), "anna").await;
    let no = no.unwrap_err();
    assert_eq!(no.code, "unconstrained", "{}", no.what);
    let by_hand = "by hand: samba-tool delegation for-any-service 'WEB$' on (or \
                   Set-ADAccountControl 'WEB$' -TrustedForDelegation $true)";
    assert!(no.next.ends_with(by_hand), "{}", no.next);
}

#[tokio::test]
async fn what_an_undone_undoing_had_taken_back_is_in_force_again() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let first = planned(&scene, "HTTP/one.corp.example").await.unwrap();
    controller
        .make_change(&make(first), |_| true)
        .await
        .unwrap();
    let store = &controller.ports.store;
    let undone_by = |number| store.change(number).unwrap().unwrap().undone_by;
    let mut numbers = vec![first];
    for _ in 0..3 {
        let back = undo(*numbers.last().unwrap());
        let planned = controller.undo_change(&back, "anna").await.unwrap();
        let number = planned.changes[0].number;
        controller
            .make_change(&make(number), |_| true)
            .await
            .unwrap();
        numbers.push(number);
        // A second look finds the same.
        for &number in &numbers {
            controller.settle(number).await.unwrap();
        }
    }
    let [first, second, third, fourth] = numbers[..] else {
        panic!("{numbers:?}");
    };
    assert_eq!(undone_by(first), Some(second));
    assert_eq!(undone_by(second), None);
    assert_eq!(undone_by(third), Some(fourth));
    assert_eq!(undone_by(fourth), None);
}
