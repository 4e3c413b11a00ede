//! R20 and R4: nodes that several arrays share.

use std::time::Duration;

use super::*;
use crate::store::{NodeRecord, Read as _};

fn kept(site: &StandIn) -> NodeRecord {
    let node = site.controller.ports.store.node(&"n1".parse().unwrap());
    node.unwrap().unwrap()
}

fn leave(array: &str) -> said::RemoveNodeRequest {
    said::RemoveNodeRequest {
        array: array.to_owned(),
        node: "n1".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn r20_an_admin_of_one_array_moves_no_node_of_another() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["other"]);
    let before = kept(&site).address;
    let add = |address: &str| said::AddNodeRequest {
        array: "own".to_owned(),
        node: "n1".to_owned(),
        address: address.to_owned(),
        ..Default::default()
    };
    let no = service.add_node(from("anna", add("evil.example:1"))).await;
    assert_eq!(no.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(
        (kept(&site).address, kept(&site).arrays.len()),
        (before.clone(), 1)
    );
    // Where it is, it may be theirs, too; whoever has a say over both may move it.
    service.add_node(from("anna", add(""))).await.unwrap();
    assert_eq!((kept(&site).address, kept(&site).arrays.len()), (before, 2));
    let (site, service) = self::site();
    site.node("n1", NodeState::Joined, &["other"]);
    let moved = service.add_node(from("alma", add("new.example:1"))).await;
    moved.unwrap();
    assert_eq!(kept(&site).address, "new.example:1");
}

#[tokio::test]
async fn no_node_is_called_like_the_controller() {
    let (_site, service) = site();
    for node in [
        "localhost",
        "controller.corp.example",
        "CONTROLLER.Corp.Example",
    ] {
        for dry_run in [true, false] {
            let request = said::AddNodeRequest {
                array: "own".to_owned(),
                node: node.to_owned(),
                dry_run,
                ..Default::default()
            };
            let no = service.add_node(from("anna", request)).await.unwrap_err();
            assert_eq!(no.code(), Code::InvalidArgument, "{node}: {no}");
        }
    }
    let request = said::AddNodeRequest {
        array: "own".to_owned(),
        node: "controller2.corp.example".to_owned(),
        ..Default::default()
    };
    service.add_node(from("anna", request)).await.unwrap();
}

#[tokio::test]
async fn r04_a_node_that_two_arrays_let_go_of_at_once_is_revoked() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let remove = |array: &str| service.remove_node(from("alma", leave(array)));
    let (own, other) = tokio::join!(remove("own"), remove("other"));
    own.and(other).unwrap();
    let node = kept(&site);
    assert_eq!((node.state, node.arrays.len()), (NodeState::Removed, 0));
    assert!(node.certificates.is_empty());
}

#[tokio::test]
async fn r02_an_invitation_ends_with_its_array() {
    let (site, service) = site();
    let request = said::AddNodeRequest {
        array: "own".to_owned(),
        node: "n1".to_owned(),
        ..Default::default()
    };
    service.add_node(from("anna", request)).await.unwrap();
    let store = &site.controller.ports.store;
    assert_eq!(store.tokens().unwrap().len(), 1);
    let request = said::DeleteArrayRequest {
        array: "own".to_owned(),
        ..Default::default()
    };
    service.delete_array(from("alma", request)).await.unwrap();
    assert!(store.tokens().unwrap().is_empty());
    assert_eq!(kept(&site).state, NodeState::Removed);
}

/// The log is asked for an array's entries by its name among an entry's words.
#[tokio::test]
async fn r20_no_node_s_name_is_that_of_another_array_too() {
    let (site, service) = site();
    let request = said::AddNodeRequest {
        array: "own".to_owned(),
        node: "n1 other".to_owned(),
        ..Default::default()
    };
    let no = service.add_node(from("anna", request)).await.unwrap_err();
    assert_eq!(no.code(), Code::InvalidArgument, "{no}");
    let store = &site.controller.ports.store;
    assert!(crate::audit::newest(store, 9, "other").unwrap().is_empty());
}

/// Neither a balancer nor the node itself keeps whoever cuts off a node that was stolen.
#[tokio::test(start_paused = true)]
async fn r04_a_node_in_wrong_hands_cannot_put_off_that_it_is_let_go_of() {
    for stalls in [false, true] {
        let (site, service) = site();
        site.node("n1", NodeState::Joined, &["own"]);
        if stalls {
            site.plays_for_time("n1");
        }
        let begun = tokio::time::Instant::now();
        let request = said::RemoveNodeRequest {
            unreachable: true,
            ..leave("own")
        };
        let removed = service.remove_node(from("anna", request)).await.unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(kept(&site).state, NodeState::Removed);
        assert_eq!(site.asked(), ["wipe n1"]);
        let done = removed.into_inner().done.join("\n");
        assert_eq!(done.contains("NOT wiped on n1"), stalls, "{done}");
    }
}

/// A push that was under way when the gate was shut may open it again.
#[tokio::test]
async fn the_keys_of_a_removed_node_go_only_where_its_gate_stayed_shut() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    site.opens_again("n1", 1);
    let removed = service.remove_node(from("anna", leave("own"))).await;
    removed.unwrap();
    assert_eq!(site.asked(), ["shut n1", "shut n1", "wipe n1", "wipe n1"]);

    let (site, service) = self::site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    site.opens_again("n1", 9);
    let no = service.remove_node(from("anna", leave("own"))).await;
    let no = no.unwrap_err();
    assert!(no.message().contains("opened again 3 times"), "{no}");
    assert_eq!(site.asked(), ["shut n1"; 3]);
    let (arrays, quarantined) = (kept(&site).arrays, kept(&site).quarantined);
    assert_eq!((arrays.len(), quarantined.len()), (2, 0), "it serves on");
}

/// The first wipe is said; that the second one failed must be, too.
#[tokio::test]
async fn a_node_that_falls_silent_before_it_is_wiped_again_is_told_of() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let silence = async {
        while !site.asked().contains(&"wipe n1".to_owned()) {
            tokio::task::yield_now().await;
        }
        site.falls_silent("n1");
    };
    let remove = service.remove_node(from("anna", leave("own")));
    let (removed, ()) = tokio::join!(remove, silence);
    let removed = removed.unwrap().into_inner();
    let done = removed.done.join("\n");
    assert!(done.contains("perhaps NOT wiped"), "{done}");
    assert_eq!(removed.next, ["keyroll roll own --emergency"]);
}

#[tokio::test]
async fn a_removal_that_fails_takes_back_no_reason_of_before() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let reason = |node: &mut NodeRecord| {
        let own = "own".parse().unwrap();
        node.quarantined.insert(own, "its disk".to_owned());
    };
    let store = &site.controller.ports.store;
    let edit = |change: &crate::store::Change<'_>| change.edit_node(&"n1".parse().unwrap(), reason);
    let set: Result<_, StoreError> = store.write(edit);
    set.unwrap();
    site.falls_silent("n1");
    let removed = service.remove_node(from("anna", leave("own"))).await;
    removed.unwrap_err();
    let why = kept(&site).quarantined.into_values().collect::<Vec<_>>();
    assert_eq!(why, ["its disk"]);
}

#[tokio::test]
async fn a_removal_that_fails_takes_back_what_it_said_alone() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    site.falls_silent("n1");
    let remove = || service.remove_node(from("anna", leave("own")));
    let quarantine = async {
        tokio::task::yield_now().await;
        let request = said::QuarantineNodeRequest {
            array: "own".to_owned(),
            node: "n1".to_owned(),
            reason: "its disk".to_owned(),
            ..Default::default()
        };
        service.quarantine_node(from("anna", request)).await
    };
    let (first, second, quarantined) = tokio::join!(remove(), remove(), quarantine);
    quarantined.unwrap();
    let (first, second) = (first.unwrap_err(), second.unwrap_err());
    assert!(first.message().contains("nothing was changed"), "{first}");
    assert!(second.message().contains("already"), "{second}");
    let why = kept(&site).quarantined.into_values().collect::<Vec<_>>();
    assert_eq!(why, ["its disk"]);
}

#[tokio::test]
async fn what_was_asked_for_is_done_though_the_one_who_asked_has_gone() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let asked = service.remove_node(from("anna", leave("own")));
    let soon = Duration::from_millis(5);
    assert!(tokio::time::timeout(soon, asked).await.is_err());
    while kept(&site).arrays.len() > 1 {
        tokio::time::sleep(soon).await;
    }
    let store = &site.controller.ports.store;
    let ended = |number| store.audit_entry(number).unwrap().is_some();
    let first = store.audit_entry(1).unwrap().unwrap();
    assert_eq!(first.event.outcome, "begun");
    while !ended(2) {
        tokio::time::sleep(soon).await;
    }
}
