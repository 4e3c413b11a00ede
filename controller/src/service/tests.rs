use keyroll_proto::operator as said;
use keyroll_proto::operator::operator_server::Operator as _;
use tonic::{Code, Request};

use super::*;
use crate::ca::{Identity, Peer};
use crate::operators::Role;
use crate::stand_in::StandIn;
use crate::store::tests::array;
use crate::store::{NodeState, OperatorRecord, Read as _};

fn site() -> (StandIn, Service) {
    let site = StandIn::new();
    for name in ["own", "other"] {
        site.keep(&array(name));
    }
    for (name, role) in [
        ("vera", Role::Viewer),
        ("olaf", Role::Operator),
        ("anna", Role::Admin),
    ] {
        let operator = OperatorRecord {
            name: name.parse().unwrap(),
            role,
            arrays: ["own".parse().unwrap()].into(),
            serial: name.to_owned(),
            expires_unix: i64::MAX,
            revoked: false,
        };
        let store = &site.controller.ports.store;
        let kept: Result<(), StoreError> = store.write(|change| change.put_operator(&operator));
        kept.unwrap();
    }
    let service = Service::new(site.controller.clone());
    (site, service)
}

/// A request of an operator who has array `own` alone.
fn from<T>(name: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Peer {
        identity: Identity::Operator(name.parse().unwrap()),
        serial: name.to_owned(),
        issued_unix: 0,
        ends_unix: i64::MAX,
    });
    request
}

#[tokio::test]
async fn an_operator_of_one_array_cannot_roll_all_of_them() {
    let (_site, service) = site();
    for arrays in [vec![], vec!["own".to_owned()]] {
        let request = said::StartRollRequest {
            all: true,
            arrays,
            ..Default::default()
        };
        let no = service.start_roll(from("olaf", request)).await.unwrap_err();
        assert_eq!(no.code(), Code::PermissionDenied, "{no}");
    }
}

#[tokio::test]
async fn lists_show_nobody_the_arrays_of_others() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let list = service.list_arrays(from("vera", said::ListArraysRequest::default()));
    let names = |views: Vec<said::ArrayView>| {
        let names = views.into_iter().map(|view| view.array);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(list.await.unwrap().into_inner().arrays), ["own"]);
    let status = service.status(from("vera", said::StatusRequest::default()));
    assert_eq!(names(status.await.unwrap().into_inner().arrays), ["own"]);
    let nodes = service.list_nodes(from("vera", said::ListNodesRequest::default()));
    let nodes = nodes.await.unwrap().into_inner().nodes;
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0].array, "own");
    let audit = service.show_audit(from("vera", said::ShowAuditRequest::default()));
    let no = audit.await.unwrap_err();
    assert_eq!(no.code(), Code::PermissionDenied, "{no}");
    let request = said::ShowAuditRequest {
        array: "own".to_owned(),
        ..Default::default()
    };
    service.show_audit(from("vera", request)).await.unwrap();
}

#[tokio::test]
async fn an_invitation_does_not_open_an_array_of_others() {
    let (site, service) = site();
    site.node("n1", NodeState::Invited, &["other"]);
    let request = said::AddNodeRequest {
        array: "own".to_owned(),
        node: "n1".to_owned(),
        ..Default::default()
    };
    let no = service.add_node(from("anna", request)).await.unwrap_err();
    assert_eq!(no.code(), Code::FailedPrecondition, "{no}");
    let node = site.controller.ports.store.node(&"n1".parse().unwrap());
    let arrays = node.unwrap().unwrap().arrays;
    assert_eq!(arrays, ["other".parse().unwrap()].into());
}

#[tokio::test]
async fn a_removed_node_is_wiped_after_the_last_push_too() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let request = said::RemoveNodeRequest {
        array: "own".to_owned(),
        node: "n1".to_owned(),
        ..Default::default()
    };
    service.remove_node(from("anna", request)).await.unwrap();
    // Once to know that it can be, once when nobody gives it keys any more.
    assert_eq!(site.asked(), ["wipe n1", "wipe n1"]);
}
