//! Each call as one row: what it is about, whether it is a rehearsal, and which verb answers it.

use std::pin::Pin;

use keyroll_proto::operator as said;
use keyroll_proto::operator::operator_server::Operator;
use tonic::{Request, Response, Status};

use super::stream::{Parts, Views};
use super::{About, Service, detail};
use crate::verbs::No;

pub(super) type Replies<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

/// The service from its rows: every call is admitted, carried out and written down in one way.
macro_rules! operator_service {
    ($(
        $rpc:literal $name:ident($request:ident) -> $reply:ident
            |$q:ident| $arrays:expr, $about:expr, $dry:expr $(, $detail:expr)? =>
            |$c:ident, $call:ident| $body:expr;
    )*) => {
        #[tonic::async_trait]
        impl Operator for Service {
            type WatchRollStream = Views;

            async fn watch_roll(
                &self,
                request: Request<said::WatchRollRequest>,
            ) -> Result<Response<Views>, Status> {
                self.views(request).await
            }

            type BackupStream = Parts;

            async fn backup(
                &self,
                request: Request<said::BackupRequest>,
            ) -> Result<Response<Self::BackupStream>, Status> {
                self.parts(request).await
            }

            $(async fn $name(
                &self,
                request: Request<said::$request>,
            ) -> Result<Response<said::$reply>, Status> {
                let $call = {
                    #[allow(unused_variables, reason = "some calls are about no array")]
                    let $q = request.get_ref();
                    let about = About {
                        arrays: $arrays,
                        object: $about,
                        dry_run: $dry,
                        detail: String::new()$( + &$detail)?,
                    };
                    self.admit($rpc, &request, &about).await?
                };
                // What was let in is carried out and written down, though whoever asked for it may
                // be gone; and it counts among his until then.
                #[allow(unused_variables, reason = "some calls take no arguments")]
                let (_, his_place, $q) = request.into_parts();
                let service = self.clone();
                let carried_out = tokio::spawn(async move {
                    let _his_place = his_place;
                    let $c = &service.controller;
                    let outcome: Result<_, No> = $body;
                    service.finish(&$call, outcome)
                });
                let reply = carried_out
                    .await
                    .map_err(|error| Status::internal(error.to_string()))??;
                Ok(Response::new(reply))
            })*
        }
    };
}

operator_service! {
    "CreateArray" create_array(CreateArrayRequest) -> Changed
        |q| &unless(q.take_existing, &q.array), about(q.take_existing, &q.array), q.dry_run,
        detail::create_array(q) => |c, call| c.create_array(&q).await;
    "AdoptArray" adopt_array(AdoptArrayRequest) -> Changed
        |q| &unless(q.credential.is_none(), &q.array), about(q.credential.is_none(), &q.array),
        q.dry_run, detail::adopt_array(q) => |c, call| c.adopt_array(q).await;
    "ListArrays" list_arrays(ListArraysRequest) -> ListArraysReply
        |q| &[], "", false => |c, call| c.list_arrays().map(|reply| call.scope.arrays(reply));
    "ShowArray" show_array(ShowArrayRequest) -> ArrayView
        |q| &[&q.array], "", false => |c, call| c.show_array(&q);
    "SetPolicy" set_policy(SetPolicyRequest) -> Changed
        |q| &[&q.array], "", q.dry_run, detail::policy(q.policy.as_ref()) =>
        |c, call| c.set_policy(&q);
    "DeleteArray" delete_array(DeleteArrayRequest) -> Changed
        |q| &[&q.array], "", q.dry_run, detail::delete_array(q) =>
        |c, call| c.delete_array(&q).await;
    "PrintAcl" print_acl(PrintAclRequest) -> PrintAclReply
        |q| &[], "", false => |c, call| c.print_acl(&q, |array| call.scope.has(array)).await;
    "AddNode" add_node(AddNodeRequest) -> AddNodeReply
        |q| &[&q.array], &q.node, q.dry_run, detail::add_node(q) =>
        |c, call| c.add_node(&q, |array| call.scope.has(array));
    "ListNodes" list_nodes(ListNodesRequest) -> ListNodesReply
        |q| &some(&q.array), "", false =>
        |c, call| c.list_nodes(&q).map(|reply| call.scope.nodes(reply));
    "ShowNode" show_node(ShowNodeRequest) -> NodeView
        |q| &[&q.array], &q.node, false => |c, call| c.show_node(&q);
    "RemoveNode" remove_node(RemoveNodeRequest) -> Changed
        |q| &[&q.array], &q.node, q.dry_run, detail::remove_node(q) =>
        |c, call| c.remove_node(&q).await;
    "QuarantineNode" quarantine_node(QuarantineNodeRequest) -> Changed
        |q| &[&q.array], &q.node, q.dry_run, q.reason => |c, call| c.quarantine_node(&q);
    "ResumeNode" resume_node(ResumeNodeRequest) -> Changed
        |q| &[&q.array], &q.node, q.dry_run => |c, call| c.resume_node(&q);
    "AllowPassword" allow_password(AllowPasswordRequest) -> Changed
        |q| &[&q.array], &q.node, q.dry_run, detail::allow_password(q) =>
        |c, call| c.allow_password(&q).await;
    "StartRoll" start_roll(StartRollRequest) -> StartRollReply
        |q| &named(&q.arrays, q.all), "", q.dry_run, detail::start_roll(q) =>
        |c, call| c.start_rolls(&q, &call.actor).await;
    "RollStatus" roll_status(RollStatusRequest) -> RollStatusReply
        |q| &some(&q.array), "", false =>
        |c, call| c.roll_status(&q).map(|reply| call.scope.rolls(reply));
    "AbortRoll" abort_roll(AbortRollRequest) -> Changed
        |q| &[&q.array], "", q.dry_run, q.reason => |c, call| c.abort_roll(&q, &call.actor);
    "ResolveRoll" resolve_roll(ResolveRollRequest) -> Changed
        |q| &[&q.array], "", q.dry_run, detail::resolve_roll(q) =>
        |c, call| c.resolve_roll(&q, &call.actor);
    "RollHistory" roll_history(RollHistoryRequest) -> RollHistoryReply
        |q| &[&q.array], "", false => |c, call| c.roll_history(&q);
    "ExplainRoll" explain_roll(ExplainRollRequest) -> ExplainRollReply
        |q| &[&q.array], "", false => |c, call| c.explain_roll(&q);
    "SetSchedule" set_schedule(SetScheduleRequest) -> Changed
        |q| &[&q.array], "", q.dry_run, detail::schedule(q) => |c, call| c.set_schedule(&q);
    "ShowSchedule" show_schedule(ShowScheduleRequest) -> ScheduleView
        |q| &[&q.array], "", false => |c, call| c.show_schedule(&q);
    "PauseSchedule" pause_schedule(PauseScheduleRequest) -> Changed
        |q| &[&q.array], "", q.dry_run, q.reason => |c, call| c.pause_schedule(&q);
    "ResumeSchedule" resume_schedule(ResumeScheduleRequest) -> Changed
        |q| &[&q.array], "", q.dry_run => |c, call| c.resume_schedule(&q);
    "Verify" verify(VerifyRequest) -> VerifyReply
        |q| &[&q.array], "", false => |c, call| c.verify(&q).await;
    "Doctor" doctor(DoctorRequest) -> DoctorReply
        |q| &[&q.array], &q.node, false => |c, call| c.doctor(&q).await;
    "Status" status(StatusRequest) -> StatusReply
        |q| &[], "", false => |c, call| c.status().await.map(|reply| call.scope.status(reply));
    "ShowAudit" show_audit(ShowAuditRequest) -> ShowAuditReply
        |q| &some(&q.array), "", false => |c, call| c.show_audit(&q).await;
    "VerifyAudit" verify_audit(VerifyAuditRequest) -> VerifyAuditReply
        |q| &[], "", false => |c, call| c.verify_audit().await;
    "AcknowledgeAudit" acknowledge_audit(AcknowledgeAuditRequest) -> Changed
        |q| &[], "", q.dry_run, q.reason => |c, call| c.acknowledge_audit(&q);
    "AddOperator" add_operator(AddOperatorRequest) -> AddOperatorReply
        |q| &[], &q.operator, q.dry_run, detail::add_operator(q) =>
        |c, call| c.add_operator(&q, call.people());
    "ListOperators" list_operators(ListOperatorsRequest) -> ListOperatorsReply
        |q| &[], "", false => |c, call| c.list_operators();
    "ListApprovals" list_approvals(ListApprovalsRequest) -> ListApprovalsReply
        |q| &some(&q.array), "", false =>
        |c, call| c.list_approvals(&q).map(|reply| call.scope.approvals(reply));
    "GiveApproval" give_approval(GiveApprovalRequest) -> Changed
        |q| &some(&q.array), &q.number.to_string(), q.dry_run, detail::give_approval(q) =>
        |c, call| c.give_approval(&q, &call.giver(&c.ports.store));
    "Recover" recover(RecoverRequest) -> RecoverReply
        |q| &named(&q.arrays, q.all), "", q.dry_run, detail::recover(q) =>
        |c, call| c.recover(&q, &call.actor).await;
    "ListChanges" list_changes(ListChangesRequest) -> ListChangesReply
        |q| &some(&q.array), "", false =>
        |c, call| c.list_changes(&q).map(|reply| call.scope.changes(reply));
    "ReportChange" report_change(ReportChangeRequest) -> ChangeView
        |q| &some(&q.array), &q.number.to_string(), false, detail::report_change(q) =>
        |c, call| c.report_change(&q).await;
    "UndoChange" undo_change(UndoChangeRequest) -> PlannedChanges
        |q| &some(&q.array), &q.number.to_string(), q.dry_run =>
        |c, call| c.undo_change(&q, &call.actor).await;
    "MakeChange" make_change(MakeChangeRequest) -> ChangeView
        |q| &some(&q.array), &q.number.to_string(), false =>
        |c, call| c.make_change(&q, |array| call.scope.has(array)).await;
    "ListSpns" list_spns(ListSpnsRequest) -> ListSpnsReply
        |q| &[&q.array], "", false => |c, call| c.list_spns(&q).await;
    "SuggestSpns" suggest_spns(SuggestSpnsRequest) -> ListSpnsReply
        |q| &[&q.array], "", false => |c, call| c.suggest_spns(&q).await;
    "CheckSpns" check_spns(CheckSpnsRequest) -> VerifyReply
        |q| &[&q.array], "", false => |c, call| c.check_spns(&q).await;
    "FindDuplicateSpns" find_duplicate_spns(FindDuplicateSpnsRequest) -> DuplicateSpnsReply
        |q| &[], "", false => |c, call| c.find_duplicate_spns().await;
    "PrepareSpns" prepare_spns(PrepareSpnsRequest) -> PrepareSpnsReply
        |q| &[&q.array], "", q.dry_run, detail::prepare_spns(q) =>
        |c, call| c.prepare_spns(&q).await;
    "PlanSpns" plan_spns(PlanSpnsRequest) -> PlannedChanges
        |q| &[&q.array], "", q.dry_run, detail::plan_spns(q) =>
        |c, call| c.plan_spns(&q, &call.actor).await;
    "ShowDelegation" show_delegation(ShowDelegationRequest) -> DelegationView
        |q| &[&q.array], "", false => |c, call| c.show_delegation(&q).await;
    "TestDelegation" test_delegation(TestDelegationRequest) -> TestDelegationReply
        |q| &[&q.array], &q.to, false, detail::test_delegation(q) =>
        |c, call| c.test_delegation(&q).await;
    "PlanDelegation" plan_delegation(PlanDelegationRequest) -> PlannedChanges
        |q| &[&q.array], "", q.dry_run, detail::plan_delegation(q) =>
        |c, call| c.plan_delegation(&q, &call.actor).await;
    "ReplaceAuthority" replace_authority(ReplaceAuthorityRequest) -> ReplaceAuthorityReply
        |q| &[], &q.step, q.dry_run => |c, call| c.replace_authority(&q);
    "RevokeOperator" revoke_operator(RevokeOperatorRequest) -> Changed
        |q| &[], &q.operator, q.dry_run => |c, call| c.revoke_operator(&q);
}

/// The array of a call, unless the call is to reset the password of an account that is no array's
/// yet: that is for those who have a say over all of them.
fn unless(takes: bool, array: &str) -> Vec<&str> {
    if takes { Vec::new() } else { vec![array] }
}

/// The array of such a call, for the audit.
const fn about(takes: bool, array: &str) -> &str {
    if takes { array } else { "" }
}

/// The array that a call is about, if it names one.
fn some(array: &str) -> Vec<&str> {
    if array.is_empty() {
        Vec::new()
    } else {
        vec![array]
    }
}

/// The arrays named. All of them is about the whole controller, whatever is named besides.
fn named(arrays: &[String], all: bool) -> Vec<&str> {
    if all {
        return Vec::new();
    }
    arrays.iter().map(String::as_str).collect()
}
