//! R20: what nobody may do alone.

use keyroll::delegation::{ACTORS, CONTROL, TARGETS};
use keyroll::directory_change::{DirectoryChange, Modification, Reported, State, Target};

use super::*;
use crate::audit::sinks::AuditConfig;
use crate::stand_in::{give_up, in_service};
use crate::store::ChangeRecord;

pub(super) const GRAVE: [Grave; 6] = [
    Grave::Emergency,
    Grave::WaiveDc,
    Grave::Spn,
    Grave::Delegation,
    Grave::Password,
    Grave::AuditFork,
];

pub(super) fn guarded() -> (StandIn, Service) {
    furnished(StandIn::of_two_persons(GRAVE.into()))
}

pub(super) fn emergency(reason: &str) -> said::StartRollRequest {
    said::StartRollRequest {
        arrays: vec!["own".to_owned()],
        emergency: true,
        kill: "now".to_owned(),
        reason: reason.to_owned(),
        ..Default::default()
    }
}

pub(super) fn approval(number: u64) -> said::GiveApprovalRequest {
    said::GiveApprovalRequest {
        number,
        array: "own".to_owned(),
        ..Default::default()
    }
}

/// What the caller was told of a roll: a code of ours.
pub(super) async fn roll(service: &Service, by: &str, request: said::StartRollRequest) -> String {
    let no = service.start_roll(from(by, request)).await.unwrap_err();
    let code = no.metadata().get(keyroll_proto::refusal::CODE);
    code.unwrap().to_str().unwrap().to_owned()
}

pub(super) async fn give(service: &Service, by: &str, number: u64) -> Result<(), Status> {
    let given = service.give_approval(from(by, approval(number))).await;
    given.map(drop)
}

#[tokio::test]
async fn r20_what_is_grave_waits_for_a_second_person_and_is_done_once() {
    let (site, service) = guarded();
    // Past the door, it is refused because the array has no node.
    let done = "no-nodes";
    assert_eq!(
        roll(&service, "olaf", emergency("stolen")).await,
        "second-person"
    );
    let own = give(&service, "olaf", 1).await.unwrap_err();
    assert!(own.message().contains("olaf has asked"), "{own}");
    let viewer = give(&service, "vera", 1).await.unwrap_err();
    assert_eq!(viewer.code(), Code::PermissionDenied, "{viewer}");
    // Asked again, it is the same number.
    assert_eq!(
        roll(&service, "olaf", emergency("stolen")).await,
        "second-person"
    );
    give(&service, "otto", 1).await.unwrap();
    let twice = give(&service, "anna", 1).await.unwrap_err();
    assert!(twice.message().contains("is agreed already"), "{twice}");
    // Neither another request nor another operator is meant.
    assert_eq!(
        roll(&service, "olaf", emergency("lost")).await,
        "second-person"
    );
    assert_eq!(
        roll(&service, "anna", emergency("stolen")).await,
        "second-person"
    );
    assert_eq!(roll(&service, "olaf", emergency("stolen")).await, done);
    // Once is once.
    assert_eq!(
        roll(&service, "olaf", emergency("stolen")).await,
        "second-person"
    );
    let record = audited(&site)
        .into_iter()
        .map(|(who, verb, how, detail)| format!("{who} {verb} {how} {detail}"));
    let record: Vec<String> = record.collect();
    for wanted in [
        "otto approval give begun",
        "olaf roll begun agreed to by otto: emergency kill now: stolen",
    ] {
        let found = record.iter().any(|entry| entry.starts_with(wanted));
        assert!(found, "{wanted} is not in {record:#?}");
    }
}

#[tokio::test]
async fn r20_a_refusal_ends_it_and_nobody_else_hears_of_it() {
    let (_site, service) = guarded();
    assert_eq!(
        roll(&service, "olaf", emergency("stolen")).await,
        "second-person"
    );
    let list = |by| service.list_approvals(from(by, said::ListApprovalsRequest::default()));
    let states = |reply: said::ListApprovalsReply| {
        let states = reply.approvals.into_iter().map(|one| one.state);
        states.collect::<Vec<_>>()
    };
    assert_eq!(
        states(list("vera").await.unwrap().into_inner()),
        ["waiting"]
    );
    let refused = said::GiveApprovalRequest {
        refuse: true,
        ..approval(1)
    };
    service.give_approval(from("anna", refused)).await.unwrap();
    assert_eq!(
        states(list("vera").await.unwrap().into_inner()),
        ["refused"]
    );
    assert_eq!(roll(&service, "olaf", emergency("stolen")).await, "denied");
    let other = said::StartRollRequest {
        arrays: vec!["other".to_owned()],
        ..emergency("of another's array")
    };
    assert_eq!(roll(&service, "otto", other).await, "second-person");
    assert_eq!(
        states(list("vera").await.unwrap().into_inner()),
        ["refused"]
    );
    assert_eq!(states(list("viola").await.unwrap().into_inner()).len(), 2);
    let beyond = give(&service, "olaf", 2).await.unwrap_err();
    assert_eq!(beyond.code(), Code::PermissionDenied, "{beyond}");
}

#[tokio::test]
async fn r20_each_grave_kind_waits_and_nothing_else_does() {
    let (_site, service) = guarded();
    let code = |no: Status| {
        let code = no.metadata().get(keyroll_proto::refusal::CODE);
        code.map_or_else(String::new, |code| code.to_str().unwrap().to_owned())
    };
    let own = || "own".to_owned();
    let waive = said::ResolveRollRequest {
        array: own(),
        choice: "waive-dc".to_owned(),
        ..Default::default()
    };
    let goes_on = said::ResolveRollRequest {
        choice: "continue".to_owned(),
        ..waive.clone()
    };
    let plan = said::PlanSpnsRequest {
        array: own(),
        ..Default::default()
    };
    let rehearsed = said::PlanSpnsRequest {
        dry_run: true,
        ..plan.clone()
    };
    let undo = said::UndoChangeRequest {
        array: own(),
        ..Default::default()
    };
    let test = said::TestDelegationRequest {
        array: own(),
        ..Default::default()
    };
    let apply = said::PlanDelegationRequest {
        array: own(),
        ..Default::default()
    };
    let ordinary = said::StartRollRequest {
        emergency: false,
        ..emergency("by the way")
    };
    let seen = said::AcknowledgeAuditRequest {
        reason: "restored".to_owned(),
        dry_run: false,
    };
    let by = "anna";
    let waits = "second-person";
    for (asked, outcome, grave) in [
        (
            "waive",
            service.resolve_roll(from(by, waive)).await.err(),
            true,
        ),
        (
            "continue",
            service.resolve_roll(from(by, goes_on)).await.err(),
            false,
        ),
        ("plan", service.plan_spns(from(by, plan)).await.err(), true),
        (
            "rehearsal",
            service.plan_spns(from(by, rehearsed)).await.err(),
            false,
        ),
        (
            "undo",
            service.undo_change(from(by, undo)).await.err(),
            true,
        ),
        (
            "test",
            service.test_delegation(from(by, test)).await.err(),
            true,
        ),
        (
            "apply",
            service.plan_delegation(from(by, apply)).await.err(),
            true,
        ),
        (
            "acknowledge",
            service.acknowledge_audit(from("alma", seen)).await.err(),
            true,
        ),
        (
            "roll",
            service.start_roll(from(by, ordinary)).await.err(),
            false,
        ),
    ] {
        let said = outcome.map(code).unwrap_or_default();
        assert_eq!(said == waits, grave, "{asked}: {said}");
    }
}

#[tokio::test]
async fn r20_what_no_sink_hears_of_spends_no_agreement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let config = AuditConfig {
        syslog: Some(path.clone()),
        ..AuditConfig::default()
    };
    let site = StandIn::of_two_persons_heard_by(GRAVE.into(), &config);
    let (site, service) = furnished(site);
    let ask = async || roll(&service, "olaf", emergency("stolen")).await;
    let _log = tokio::net::UnixDatagram::bind(&path).unwrap();
    let serving = tokio::spawn(site.controller.sinks.clone().run());
    assert_eq!(ask().await, "second-person");
    give(&service, "otto", 1).await.unwrap();
    site.controller.sinks.demand().await.unwrap();
    serving.abort();
    drop(serving.await);
    assert_eq!(ask().await, "audit-unheard");
    let serving = tokio::spawn(site.controller.sinks.clone().run());
    // It gets past the door this time, and once.
    assert_eq!(ask().await, "no-nodes");
    assert_eq!(ask().await, "second-person");
    serving.abort();
}

/// What a call that was refused was told: a code of ours.
pub(super) fn code<T>(outcome: Result<tonic::Response<T>, Status>) -> String {
    let Err(no) = outcome else {
        return String::new();
    };
    let code = no.metadata().get(keyroll_proto::refusal::CODE);
    code.map_or_else(String::new, |code| code.to_str().unwrap().to_owned())
}

/// A change that was made, of this attribute.
fn made(site: &StandIn, number: u64, attribute: &str) {
    let record = ChangeRecord {
        number,
        array: Some("own".parse().unwrap()),
        verb: "a test".to_owned(),
        actor: "anna".to_owned(),
        at_unix: 0,
        change: DirectoryChange {
            dc: "dc1".parse().unwrap(),
            target: Target {
                guid: [7; 16],
                account: "own".to_owned(),
                distinguished_name: "CN=own".to_owned(),
            },
            modifications: vec![Modification::add(attribute, "x")],
        },
        reported: Reported::Applied,
        reported_unix: 0,
        state: State::Applied,
        said: String::new(),
        bound_as: String::new(),
        undoes: None,
        undone_by: None,
    };
    let store = &site.controller.ports.store;
    let kept: Result<(), StoreError> = store.write(|change| change.put_change(&record));
    kept.unwrap();
}

#[tokio::test]
async fn a_node_gets_the_password_itself_when_two_have_said_so_and_loses_it_by_one() {
    for (kind, waits) in [(Grave::Password, true), (Grave::Spn, false)] {
        let (_site, service) = furnished(StandIn::of_two_persons([kind].into()));
        for (forbid, waits) in [(false, waits), (true, false)] {
            let request = said::AllowPasswordRequest {
                array: "own".to_owned(),
                node: "n1".to_owned(),
                purpose: "service-logon".to_owned(),
                forbid,
                dry_run: false,
            };
            let told = code(service.allow_password(from("anna", request)).await);
            assert_eq!(told == "second-person", waits, "{kind:?} {forbid}: {told}");
        }
    }
}

#[tokio::test]
async fn what_takes_a_change_back_is_as_grave_as_the_change() {
    for (kind, waiting) in [
        (Grave::Spn, [true, false, false, false]),
        (Grave::Delegation, [false, true, true, true]),
        (Grave::Emergency, [false; 4]),
    ] {
        let (site, service) = furnished(StandIn::of_two_persons([kind].into()));
        let attributes = ["servicePrincipalName", TARGETS, ACTORS, CONTROL];
        for ((number, attribute), waits) in (1..).zip(attributes).zip(waiting) {
            made(&site, number, attribute);
            let undo = said::UndoChangeRequest {
                array: "own".to_owned(),
                number,
                dry_run: false,
            };
            let told = code(service.undo_change(from("anna", undo)).await);
            assert_eq!(
                told == "second-person",
                waits,
                "{kind:?} {attribute}: {told}"
            );
        }
    }
}

#[tokio::test]
async fn who_registers_spns_with_a_new_array_asks_somebody_too() {
    let (_site, service) = guarded();
    let create = |spns: &[&str]| said::CreateArrayRequest {
        array: "own".to_owned(),
        account: "svc".to_owned(),
        spns: spns.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    for (spns, waits) in [(&["HTTP/a.corp.example"][..], true), (&[], false)] {
        let told = code(service.create_array(from("anna", create(spns))).await);
        assert_eq!(told == "second-person", waits, "{told}");
    }
}

/// The petitions, as they are shown.
pub(super) async fn waiting(service: &Service) -> Vec<said::ApprovalView> {
    let list = service.list_approvals(from("alma", said::ListApprovalsRequest::default()));
    list.await.unwrap().into_inner().approvals
}

#[tokio::test]
async fn the_second_person_sees_all_of_it() {
    let (_site, service) = guarded();
    let test = said::TestDelegationRequest {
        array: "own".to_owned(),
        user: "alice".to_owned(),
        to: "MSSQLSvc/db.corp.example".to_owned(),
    };
    service
        .test_delegation(from("anna", test))
        .await
        .unwrap_err();
    let spns: Vec<String> = (0..99)
        .map(|number| format!("HTTP/{number}.corp.example"))
        .collect();
    let plan = |times: usize| said::PlanSpnsRequest {
        array: "own".to_owned(),
        action: "add".to_owned(),
        spns: (0..times).flat_map(|_| spns.clone()).collect(),
        dry_run: false,
    };
    let told = code(service.plan_spns(from("anna", plan(1))).await);
    assert_eq!(told, "second-person");
    let told = code(service.plan_spns(from("anna", plan(9))).await);
    assert_eq!(told, "too-long");
    let shown = waiting(&service).await;
    let [plan, test] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    assert_eq!(test.object, "MSSQLSvc/db.corp.example");
    assert!(plan.detail.ends_with("HTTP/98.corp.example"), "{plan:?}");
    assert!(plan.plan[0].starts_with("as things are, it would be refused: "));
}

#[tokio::test]
async fn what_was_agreed_to_for_one_roll_is_not_done_to_the_next() {
    let (site, service) = guarded();
    in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    let waive = said::ResolveRollRequest {
        array: "web".to_owned(),
        choice: "waive-dc".to_owned(),
        dc: "dc2".to_owned(),
        ..Default::default()
    };
    let ask = async || code(service.resolve_roll(from("otto", waive.clone())).await);
    assert_eq!(ask().await, "second-person");
    assert_eq!(waiting(&service).await[0].plan, ["roll 1"]);
    let agreed = said::GiveApprovalRequest {
        number: 1,
        array: "web".to_owned(),
        ..Default::default()
    };
    service.give_approval(from("alma", agreed)).await.unwrap();
    give_up(&site, &mut roll);
    assert_eq!(ask().await, "second-person");
    assert_eq!(waiting(&service).await[0].plan, ["no roll is open"]);
}
