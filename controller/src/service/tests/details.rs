//! What the audit keeps of a call: everything that was chosen.

use std::collections::BTreeSet;

use super::*;

/// What is no choice, or must be in no entry.
const LEFT_OUT: [&str; 3] = ["dry_run", "password", "keytab"];

/// The changing calls, with every field of their requests and a value for it.
macro_rules! calls {
    ($($rpc:literal $name:ident $request:ident
        { $($known:ident: $same:expr),* } { $($field:ident: $value:expr),* };)*) => {{
        let mut found = Vec::new();
        $({
            #[allow(clippy::needless_update, reason = "some requests have few fields")]
            let base = || said::$request { $($known: $same,)* ..Default::default() };
            let bare = entry(base(), |service, request| async move {
                service.$name(request).await.map(drop)
            }).await;
            $(found.push(($rpc, stringify!($known), bare.0 == "own"));)*
            $({
                #[allow(clippy::needless_update, reason = "some requests have few fields")]
                let other = said::$request { $field: $value, ..base() };
                let told = entry(other, |service, request| async move {
                    service.$name(request).await.map(drop)
                }).await;
                found.push(($rpc, stringify!($field), told != bare));
            })*
        })*
        found
    }};
}

/// The first entry that such a call leaves: who, what, to what, and more.
async fn entry<T, F: Future<Output = Result<(), Status>>>(
    message: T,
    call: impl FnOnce(Service, Request<T>) -> F,
) -> (String, String) {
    let (site, service) = site();
    drop(call(service, from("alma", message)).await);
    let mut entries = audit::newest(&site.controller.ports.store, 40, "").unwrap();
    let event = entries.pop().expect("it leaves an entry").event;
    (event.object, event.detail)
}

fn own() -> String {
    "own".to_owned()
}

fn x() -> String {
    "x".to_owned()
}

fn xs() -> Vec<String> {
    vec![x()]
}

fn policy() -> Option<said::Policy> {
    Some(said::Policy {
        heal: "never".to_owned(),
        ..Default::default()
    })
}

async fn told() -> Vec<(&'static str, &'static str, bool)> {
    calls! {
        "CreateArray" create_array CreateArrayRequest { array: own() } {
            account: x(), account_kind: x(), container: x(), spns: xs(),
            enctypes: xs(), policy: policy(), take_existing: true };
        "AdoptArray" adopt_array AdoptArrayRequest {} {
            array: own(), account: x(), enctypes: xs(), policy: policy() };
        "SetPolicy" set_policy SetPolicyRequest { array: own() } { policy: policy() };
        "DeleteArray" delete_array DeleteArrayRequest { array: own() } { wipe_nodes: true };
        "AddNode" add_node AddNodeRequest { array: own() } {
            node: x(), address: x(), token_lifetime: 7, csr: vec![7] };
        "RemoveNode" remove_node RemoveNodeRequest { array: own() } {
            node: x(), unreachable: true };
        "QuarantineNode" quarantine_node QuarantineNodeRequest { array: own() } {
            node: x(), reason: x() };
        "ResumeNode" resume_node ResumeNodeRequest { array: own() } { node: x() };
        "AllowPassword" allow_password AllowPasswordRequest { array: own() } {
            node: x(), purpose: x(), forbid: true };
        "StartRoll" start_roll StartRollRequest {} {
            arrays: vec![own()], all: true, emergency: true, kill: x(), reason: x(),
            accept_delegation_gap: true };
        "AbortRoll" abort_roll AbortRollRequest { array: own() } { reason: x() };
        "ResolveRoll" resolve_roll ResolveRollRequest { array: own() } {
            choice: x(), dc: x(), reason: x() };
        "SetSchedule" set_schedule SetScheduleRequest { array: own() } { schedule_toml: x() };
        "PauseSchedule" pause_schedule PauseScheduleRequest { array: own() } { reason: x() };
        "ResumeSchedule" resume_schedule ResumeScheduleRequest { array: own() } {};
        "AcknowledgeAudit" acknowledge_audit AcknowledgeAuditRequest {} { reason: x() };
        "AddOperator" add_operator AddOperatorRequest {} {
            operator: x(), role: x(), arrays: vec![own()], csr: vec![7], lifetime: 7,
            replace: true };
        "RevokeOperator" revoke_operator RevokeOperatorRequest {} { operator: x() };
        "ReplaceAuthority" replace_authority ReplaceAuthorityRequest {} { step: x() };
        "GiveApproval" give_approval GiveApprovalRequest {} {
            number: 7, refuse: true, array: own() };
        "Recover" recover RecoverRequest {} { arrays: vec![own()], all: true };
        "ReportChange" report_change ReportChangeRequest {} {
            array: own(), number: 7, outcome: x(), said: x(), bound_as: x() };
        "UndoChange" undo_change UndoChangeRequest {} { array: own(), number: 7 };
        "MakeChange" make_change MakeChangeRequest {} { array: own(), number: 7 };
        "PrepareSpns" prepare_spns PrepareSpnsRequest { array: own() } {
            spns: xs(), moves: true };
        "PlanSpns" plan_spns PlanSpnsRequest { array: own() } { action: x(), spns: xs() };
        "TestDelegation" test_delegation TestDelegationRequest { array: own() } {
            user: x(), to: x() };
        "PlanDelegation" plan_delegation PlanDelegationRequest { array: own() } {
            to: xs(), not_to: xs(), from: xs(), not_from: xs(), way: x(),
            protocol_transition: x(), sensitive: x(), no_unconstrained: true };
    }
}

/// The fields of a message of the protocol.
fn fields(message: &str) -> Vec<String> {
    let proto = include_str!("../../../../proto/keyroll/operator/v1/operator.proto");
    let begin = format!("message {message} {{");
    let lines = proto.lines().skip_while(|line| !line.starts_with(&begin));
    // One without fields ends on the line on which it begins.
    let lines = lines.take_while(|line| *line != "}" && !line.ends_with("{}"));
    let fields = lines.filter_map(|line| {
        let (field, number) = line.trim().split_once(" = ")?;
        let is_field = number.ends_with(';') && !field.starts_with("//");
        is_field.then(|| field.rsplit(' ').next().unwrap().to_owned())
    });
    fields.collect()
}

#[tokio::test]
async fn r21_every_choice_of_a_changing_call_is_in_its_entry() {
    let told = told().await;
    let silent: Vec<_> = told.iter().filter(|(_, _, tells)| !tells).collect();
    assert_eq!(silent, [] as [&(&str, &str, bool); 0]);
    let listed: BTreeSet<(&str, &str)> =
        told.iter().map(|(rpc, field, _)| (*rpc, *field)).collect();
    for needs in NEEDS.iter().filter(|needs| needs.changes) {
        for field in fields(&format!("{}Request", needs.rpc)) {
            let known = listed.contains(&(needs.rpc, field.as_str()));
            assert!(
                known || LEFT_OUT.contains(&field.as_str()),
                "{} {field} is not in the table",
                needs.rpc
            );
        }
    }
}
