//! R20 and R4: nodes that several arrays share.

use super::*;
use crate::store::NodeRecord;

fn kept(site: &StandIn) -> NodeRecord {
    let node = site.controller.ports.store.node(&"n1".parse().unwrap());
    node.unwrap().unwrap()
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
async fn r04_a_node_that_two_arrays_let_go_of_at_once_is_revoked() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let remove = |array: &str| {
        let request = said::RemoveNodeRequest {
            array: array.to_owned(),
            node: "n1".to_owned(),
            ..Default::default()
        };
        service.remove_node(from("alma", request))
    };
    let (own, other) = tokio::join!(remove("own"), remove("other"));
    own.and(other).unwrap();
    let node = kept(&site);
    assert_eq!((node.state, node.arrays.len()), (NodeState::Removed, 0));
    assert!(node.certificates.is_empty());
}
