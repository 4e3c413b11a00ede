mod details;
mod matrix;
mod nodes;
mod persons;
mod policies;
mod second;
mod streams;

use keyroll::kerberos::Kvno;
use keyroll::roll::{Record, Trouble};
use keyroll_proto::operator as said;
use keyroll_proto::operator::operator_server::Operator as _;
use tonic::{Code, Request};

use super::*;
use crate::ca::{Identity, Peer};
use crate::operators::{Grave, Role};
use crate::stand_in::{StandIn, begin, commit, go_on, in_service};
use crate::store::tests::array;
use crate::store::{NodeState, OperatorRecord, Read as _};

fn site() -> (StandIn, Service) {
    furnished(StandIn::new())
}

/// With arrays `own` and `other`, and operators of `own` and of all.
fn furnished(site: StandIn) -> (StandIn, Service) {
    for name in ["own", "other"] {
        site.keep(&array(name));
    }
    for (name, role, arrays) in [
        ("vera", Role::Viewer, "own"),
        ("olaf", Role::Operator, "own"),
        ("anna", Role::Admin, "own"),
        ("viola", Role::Viewer, ""),
        ("otto", Role::Operator, ""),
        ("alma", Role::Admin, ""),
    ] {
        let arrays = arrays.split_whitespace();
        let operator = OperatorRecord {
            name: name.parse().unwrap(),
            role,
            arrays: arrays.map(|array| array.parse().unwrap()).collect(),
            serial: name.to_owned(),
            expires_unix: i64::MAX,
            revoked: false,
            signer: 1,
            added_by: [].into(),
            added_unix: 0,
        };
        let store = &site.controller.ports.store;
        let kept: Result<(), StoreError> = store.write(|change| change.put_operator(&operator));
        kept.unwrap();
    }
    let service = Service::new(site.controller.clone());
    (site, service)
}

/// A request of an operator. The first three have array `own` alone.
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
async fn r20_an_operator_of_one_array_cannot_roll_all_of_them() {
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
async fn r20_lists_show_nobody_the_arrays_of_others() {
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
async fn r02_an_invitation_holds_for_ten_minutes_at_the_most() {
    let (_site, service) = site();
    for (asked, given) in [
        (0, Some(600)),
        (60, Some(60)),
        (600, Some(600)),
        (601, None),
    ] {
        let request = said::AddNodeRequest {
            array: "own".to_owned(),
            node: format!("n{asked}"),
            token_lifetime: asked,
            ..Default::default()
        };
        let now = Utc::now().timestamp();
        let reply = service.add_node(from("anna", request)).await;
        let lasts = reply.map(|reply| reply.into_inner().token_expires_unix - now);
        match given {
            Some(given) => assert!((0..=2).contains(&(lasts.unwrap() - given as i64))),
            None => assert_eq!(lasts.unwrap_err().code(), Code::InvalidArgument),
        }
    }
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
    // Users first. Then once to know that it can be, once when nobody gives it keys any more.
    assert_eq!(site.asked(), ["shut n1", "wipe n1", "wipe n1"]);
}

#[tokio::test]
async fn a_halted_roll_is_an_alarm_with_the_way_out() {
    let (site, service) = site();
    in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    let trouble = Trouble::ForeignKey {
        dc: "dc1".parse().unwrap(),
        kvno: Kvno(13),
    };
    go_on(&site, &mut roll, [Record::Halted { trouble }]);
    let status = service.controller.status().await.unwrap();
    let [alarm] = status.alarms.as_slice() else {
        panic!("{:?}", status.alarms)
    };
    assert_eq!(
        (alarm.grade.as_str(), alarm.object.as_str()),
        ("critical", "web")
    );
    assert!(
        alarm
            .what
            .contains("is halted: dc1 issues tickets (kvno 13)")
    );
    assert_eq!(
        alarm.next,
        "keyroll roll resolve web give-up, then keyroll roll web --emergency"
    );
}

fn audited(site: &StandIn) -> Vec<(String, String, String, String)> {
    let entries = audit::newest(&site.controller.ports.store, 40, "").unwrap();
    let event = |entry: audit::Entry| {
        let audit::Event {
            actor,
            verb,
            outcome,
            detail,
            ..
        } = entry.event;
        (actor, verb, outcome, detail)
    };
    entries.into_iter().rev().map(event).collect()
}

#[tokio::test]
async fn the_audit_keeps_why_and_how_in_the_operators_words() {
    let (site, service) = site();
    let request = said::StartRollRequest {
        arrays: vec!["own".to_owned()],
        emergency: true,
        kill: "now".to_owned(),
        reason: "node3 was stolen".to_owned(),
        ..Default::default()
    };
    service.start_roll(from("olaf", request)).await.unwrap_err();
    let (actor, verb, outcome, detail) = audited(&site).remove(0);
    assert_eq!((&*actor, &*verb, &*outcome), ("olaf", "roll", "begun"));
    assert_eq!(detail, "emergency kill now: node3 was stolen");
}

#[tokio::test]
async fn who_is_denied_leaves_one_entry_not_many() {
    let (site, service) = site();
    for _ in 0..3 {
        let request = said::DeleteArrayRequest {
            array: "own".to_owned(),
            ..Default::default()
        };
        let no = service
            .delete_array(from("vera", request))
            .await
            .unwrap_err();
        assert_eq!(
            no.message(),
            "`array delete` needs the role admin; vera is a viewer"
        );
    }
    let entries = audited(&site);
    let [(actor, verb, outcome, detail)] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(
        (&**actor, &**verb, &**outcome),
        ("vera", "array delete", "denied")
    );
    assert!(detail.contains("needs the role admin"), "{detail}");
}

#[tokio::test]
async fn a_short_name_is_told_the_full_one() {
    let (site, service) = site();
    site.node("n1.corp.example", NodeState::Joined, &["own"]);
    let request = said::ShowNodeRequest {
        array: "own".to_owned(),
        node: "n1".to_owned(),
    };
    let no = service.show_node(from("vera", request)).await.unwrap_err();
    assert_eq!(
        no.message(),
        "n1 is no node of own; did you mean n1.corp.example?"
    );
}

#[tokio::test]
async fn an_spn_of_another_array_is_refused_before_anything_is_made() {
    let (site, service) = site();
    let spn = array("other").spns[0].clone();
    let request = said::CreateArrayRequest {
        array: "own2".to_owned(),
        account: "svc-own2$".to_owned(),
        spns: vec![spn.to_lowercase()],
        dry_run: true,
        ..Default::default()
    };
    let no = service.controller.create_array(&request).await.unwrap_err();
    assert!(no.what.contains("belongs to array"), "{}", no.what);
    assert_eq!((no.exit, site.asked().len()), (65, 0));
}

#[tokio::test]
async fn an_array_that_cannot_roll_hides_no_other_from_a_rehearsal() {
    let (_site, service) = site();
    let request = said::StartRollRequest {
        all: true,
        dry_run: true,
        ..Default::default()
    };
    let reply = service
        .controller
        .start_rolls(&request, "anna")
        .await
        .unwrap();
    let codes: Vec<&str> = reply
        .rolls
        .iter()
        .flat_map(|roll| roll.refusals.iter().map(|refusal| refusal.code.as_str()))
        .collect();
    assert_eq!(codes, ["no-nodes", "no-nodes"]);
}

#[tokio::test]
async fn what_is_no_array_is_written_down_nowhere() {
    let (site, service) = site();
    for (by, name) in [("vera", "x".repeat(100_000)), ("alma", "a b".to_owned())] {
        let request = said::DeleteArrayRequest {
            array: name,
            ..Default::default()
        };
        let no = service.delete_array(from(by, request)).await.unwrap_err();
        assert_eq!(no.code(), Code::InvalidArgument, "{no}");
    }
    let long = said::QuarantineNodeRequest {
        array: "own".to_owned(),
        reason: "x".repeat(300_000),
        ..Default::default()
    };
    let no = service
        .quarantine_node(from("alma", long))
        .await
        .unwrap_err();
    assert_eq!(no.code(), Code::InvalidArgument, "{no}");
    assert_eq!(audited(&site), []);
}

#[tokio::test]
async fn who_is_denied_everything_leaves_few_entries() {
    let (site, service) = site();
    let array = || "own".to_owned();
    macro_rules! denied {
        ($($name:ident $request:ident),*) => {$(
            #[allow(clippy::needless_update, reason = "some requests have one field alone")]
            let request = said::$request { array: array(), ..Default::default() };
            service.$name(from("vera", request)).await.unwrap_err();
        )*};
    }
    denied!(
        create_array CreateArrayRequest, delete_array DeleteArrayRequest,
        add_node AddNodeRequest, remove_node RemoveNodeRequest,
        quarantine_node QuarantineNodeRequest, resume_node ResumeNodeRequest,
        abort_roll AbortRollRequest, resolve_roll ResolveRollRequest,
        set_schedule SetScheduleRequest, pause_schedule PauseScheduleRequest,
        verify VerifyRequest, doctor DoctorRequest
    );
    assert_eq!(audited(&site).len(), 8);
}

#[tokio::test]
async fn r20_an_admin_of_one_array_takes_no_account_that_is_none_of_it() {
    let (site, service) = site();
    let create = |take_existing| said::CreateArrayRequest {
        array: "own".to_owned(),
        account: "someone".to_owned(),
        take_existing,
        ..Default::default()
    };
    let adopt = |credential| said::AdoptArrayRequest {
        array: "own".to_owned(),
        account: "someone".to_owned(),
        credential,
        ..Default::default()
    };
    let keytab = said::adopt_array_request::Credential::Keytab(Vec::new());
    let code = async |by: &'static str| {
        [
            service.create_array(from(by, create(false))).await.err(),
            service.create_array(from(by, create(true))).await.err(),
            service
                .adopt_array(from(by, adopt(Some(keytab.clone()))))
                .await
                .err(),
            service.adopt_array(from(by, adopt(None))).await.err(),
        ]
        .map(|no| no.map(|no| no.code()) == Some(Code::PermissionDenied))
    };
    assert_eq!(code("anna").await, [false, true, false, true]);
    assert_eq!(code("alma").await, [false; 4]);
    let entries = audit::newest(&site.controller.ports.store, 40, "own").unwrap();
    let takes = entries.iter().find(|entry| {
        let event = &entry.event;
        event.actor == "alma" && event.detail == "take-existing account someone"
    });
    assert!(takes.is_some(), "{entries:#?}");
}
