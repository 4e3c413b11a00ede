//! R20: every call of the protocol, by every role, on an array of one's own and on another's.

use std::fmt::Write as _;

use tonic::Response;

use super::*;

/// Who asks: a role, and whether it is limited to array `own`.
const CALLERS: [(&str, bool); 6] = [
    ("vera", true),
    ("olaf", true),
    ("anna", true),
    ("viola", false),
    ("otto", false),
    ("alma", false),
];

/// What a caller was told: whether it was let through, whatever became of the call then.
fn passed<T>(outcome: &Result<Response<T>, Status>) -> bool {
    outcome
        .as_ref()
        .err()
        .is_none_or(|no| no.code() != Code::PermissionDenied)
}

/// Each call with a request about one array; the rest of what it takes is not there, so nothing
/// comes of those that are let through.
macro_rules! calls {
    ($service:ident, $by:ident, $array:ident: $($rpc:literal $name:ident $request:ident
        { $($field:ident: $value:expr),* };)*) => {
        vec![$((
            $rpc,
            passed(&$service.$name(from($by, said::$request {
                $($field: $value,)*
                ..Default::default()
            })).await),
        ),)*]
    };
}

/// Which calls this caller is let through to, about this array.
async fn asked(by: &'static str, array: &str) -> Vec<(&'static str, bool)> {
    let (_site, service) = site();
    let a = array;
    #[expect(clippy::needless_update, reason = "some requests have one field alone")]
    let calls = calls! { service, by, a:
        "CreateArray" create_array CreateArrayRequest { array: a.into(), dry_run: true };
        "AdoptArray" adopt_array AdoptArrayRequest { array: a.into(), dry_run: true };
        "ListArrays" list_arrays ListArraysRequest {};
        "ShowArray" show_array ShowArrayRequest { array: a.into() };
        "SetPolicy" set_policy SetPolicyRequest { array: a.into(), dry_run: true };
        "DeleteArray" delete_array DeleteArrayRequest { array: a.into(), dry_run: true };
        "PrintAcl" print_acl PrintAclRequest {};
        "AddNode" add_node AddNodeRequest { array: a.into(), dry_run: true };
        "ListNodes" list_nodes ListNodesRequest { array: a.into() };
        "ShowNode" show_node ShowNodeRequest { array: a.into() };
        "RemoveNode" remove_node RemoveNodeRequest { array: a.into() };
        "QuarantineNode" quarantine_node QuarantineNodeRequest { array: a.into() };
        "ResumeNode" resume_node ResumeNodeRequest { array: a.into() };
        "AllowPassword" allow_password AllowPasswordRequest { array: a.into() };
        "StartRoll" start_roll StartRollRequest { arrays: vec![a.into()], dry_run: true };
        "RollStatus" roll_status RollStatusRequest { array: a.into() };
        "WatchRoll" watch_roll WatchRollRequest { array: a.into() };
        "AbortRoll" abort_roll AbortRollRequest { array: a.into() };
        "ResolveRoll" resolve_roll ResolveRollRequest { array: a.into() };
        "RollHistory" roll_history RollHistoryRequest { array: a.into() };
        "ExplainRoll" explain_roll ExplainRollRequest { array: a.into() };
        "SetSchedule" set_schedule SetScheduleRequest { array: a.into(), dry_run: true };
        "ShowSchedule" show_schedule ShowScheduleRequest { array: a.into() };
        "PauseSchedule" pause_schedule PauseScheduleRequest { array: a.into() };
        "ResumeSchedule" resume_schedule ResumeScheduleRequest { array: a.into() };
        "Verify" verify VerifyRequest { array: a.into() };
        "Doctor" doctor DoctorRequest { array: a.into() };
        "Status" status StatusRequest {};
        "ShowAudit" show_audit ShowAuditRequest { array: a.into() };
        "VerifyAudit" verify_audit VerifyAuditRequest {};
        "AcknowledgeAudit" acknowledge_audit AcknowledgeAuditRequest { dry_run: true };
        "AddOperator" add_operator AddOperatorRequest {};
        "ListOperators" list_operators ListOperatorsRequest {};
        "RevokeOperator" revoke_operator RevokeOperatorRequest {};
        "ReplaceAuthority" replace_authority ReplaceAuthorityRequest { dry_run: true };
        "ListApprovals" list_approvals ListApprovalsRequest { array: a.into() };
        "GiveApproval" give_approval GiveApprovalRequest { array: a.into() };
        "Backup" backup BackupRequest {};
        "Recover" recover RecoverRequest { arrays: vec![a.into()], dry_run: true };
        "ListChanges" list_changes ListChangesRequest { array: a.into() };
        "ReportChange" report_change ReportChangeRequest { array: a.into() };
        "UndoChange" undo_change UndoChangeRequest { array: a.into() };
        "MakeChange" make_change MakeChangeRequest { array: a.into() };
        "ListSpns" list_spns ListSpnsRequest { array: a.into() };
        "SuggestSpns" suggest_spns SuggestSpnsRequest { array: a.into() };
        "CheckSpns" check_spns CheckSpnsRequest { array: a.into() };
        "FindDuplicateSpns" find_duplicate_spns FindDuplicateSpnsRequest {};
        "PrepareSpns" prepare_spns PrepareSpnsRequest { array: a.into() };
        "PlanSpns" plan_spns PlanSpnsRequest { array: a.into() };
        "ShowDelegation" show_delegation ShowDelegationRequest { array: a.into() };
        "TestDelegation" test_delegation TestDelegationRequest { array: a.into() };
        "PlanDelegation" plan_delegation PlanDelegationRequest { array: a.into() };
    };
    calls
}

/// The page: what was seen when everybody asked for everything.
async fn page() -> String {
    let mut columns = Vec::new();
    for (by, limited) in CALLERS {
        columns.push(asked(by, "own").await);
        if limited {
            columns.push(asked(by, "other").await);
        }
    }
    let mut page = String::from(
        "# Who may call what\n\n\
         Each call of the protocol, made by everybody in turn; written by the test \
         `r20_every_role_is_let_through_to_what_the_page_says`, not by hand. `own`: an operator \
         who has some arrays asks about one of them; `other`: about one of somebody else's; `all`: \
         an operator of all arrays. `yes` is let through, `-` is refused and audited.\n\n\
         Lists (`array list`, `status`, …) show whoever has some arrays those alone. What is about \
         the whole controller and no array is for those who have all arrays; and so is what resets \
         the password of an account that is no array's yet: `array create --take-existing`, and \
         `array adopt` without a credential, as it is asked here.\n\n\
         | verb | call | viewer: own | other | operator: own | other | admin: own | other | \
         viewer: all | operator: all | admin: all |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (row, needs) in NEEDS.iter().enumerate() {
        write!(page, "| `{}` | {} |", needs.verb, needs.rpc).unwrap();
        for column in &columns {
            let (rpc, passed) = column[row];
            assert_eq!(rpc, needs.rpc, "the calls here are not those of the table");
            write!(page, " {} |", if passed { "yes" } else { "-" }).unwrap();
        }
        page.push('\n');
    }
    page
}

/// Calls about no array at all, which answer with what the caller may hear of.
const LISTS: [&str; 4] = ["ListArrays", "PrintAcl", "Status", "FindDuplicateSpns"];

#[tokio::test]
async fn r20_nobody_has_a_say_over_an_array_of_others() {
    for (by, limited) in CALLERS {
        for (rpc, passed) in asked(by, "other").await {
            if limited && !LISTS.contains(&rpc) {
                assert!(!passed, "{by} was let through to {rpc} of another's array");
            }
        }
    }
}

#[tokio::test]
async fn r20_every_role_is_let_through_to_what_the_page_says() {
    let page = page().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/roles.md");
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/roles.md is old: set KEYROLL_WRITE_DOCS=1 and run this again"
    );
}

#[tokio::test]
async fn r20_without_a_certificate_in_force_nothing_is_answered() {
    let (site, service) = site();
    let nobody = Request::new(said::StatusRequest::default());
    let no = service.status(nobody).await.unwrap_err();
    assert_eq!(no.code(), Code::PermissionDenied, "{no}");
    let mut other_serial = from("alma", said::StatusRequest::default());
    let peer = other_serial.extensions_mut().get_mut::<Peer>().unwrap();
    peer.serial = "an older one".to_owned();
    assert!(service.status(other_serial).await.is_err());
    let mut node = from("alma", said::StatusRequest::default());
    let peer = node.extensions_mut().get_mut::<Peer>().unwrap();
    peer.identity = Identity::Node("n1".parse().unwrap());
    assert!(service.status(node).await.is_err());
    let ask = || service.status(from("alma", said::StatusRequest::default()));
    ask().await.unwrap();
    let request = said::RevokeOperatorRequest {
        operator: "alma".to_owned(),
        dry_run: false,
    };
    site.controller.revoke_operator(&request).unwrap();
    assert!(ask().await.is_err(), "a revoked operator was answered");
}
