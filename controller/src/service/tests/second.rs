//! R20: what nobody may do alone.

use super::*;
use crate::audit::sinks::AuditConfig;

const GRAVE: [Grave; 4] = [
    Grave::Emergency,
    Grave::WaiveDc,
    Grave::Spn,
    Grave::Delegation,
];

fn guarded() -> (StandIn, Service) {
    furnished(StandIn::of_two_persons(GRAVE.into()))
}

fn emergency(reason: &str) -> said::StartRollRequest {
    said::StartRollRequest {
        arrays: vec!["own".to_owned()],
        emergency: true,
        kill: "now".to_owned(),
        reason: reason.to_owned(),
        ..Default::default()
    }
}

fn approval(number: u64) -> said::GiveApprovalRequest {
    said::GiveApprovalRequest {
        number,
        array: "own".to_owned(),
        ..Default::default()
    }
}

/// What the caller was told of a roll: a code of ours.
async fn roll(service: &Service, by: &str, request: said::StartRollRequest) -> String {
    let no = service.start_roll(from(by, request)).await.unwrap_err();
    let code = no.metadata().get(keyroll_proto::refusal::CODE);
    code.unwrap().to_str().unwrap().to_owned()
}

async fn give(service: &Service, by: &str, number: u64) -> Result<(), Status> {
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
