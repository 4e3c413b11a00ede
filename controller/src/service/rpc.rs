//! Each call: let through, carried out, written down. Every arm has the same shape on purpose.

use std::pin::Pin;

use keyroll_proto::operator as said;
use keyroll_proto::operator::operator_server::Operator;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::Service;
use crate::verbs::No;

/// Admits, runs and records one call.
macro_rules! call {
    ($self:ident, $rpc:literal, $request:ident, |$q:ident| $arrays:expr, $about:expr, $dry:expr,
     |$c:ident, $call:ident| $body:expr) => {{
        let $call = {
            #[allow(unused_variables, reason = "some calls are about no array")]
            let $q = $request.get_ref();
            $self.admit($rpc, &$request, $arrays, $about, $dry)?
        };
        #[allow(unused_variables, reason = "some calls take no arguments")]
        let $q = $request.into_inner();
        let $c = &$self.controller;
        let outcome: Result<_, No> = $body;
        Ok(Response::new($self.finish(&$call, outcome)?))
    }};
}

/// The array that a call is about, if it names one.
fn some(array: &str) -> Vec<&str> {
    if array.is_empty() {
        Vec::new()
    } else {
        vec![array]
    }
}

#[tonic::async_trait]
impl Operator for Service {
    type WatchRollStream =
        Pin<Box<dyn tokio_stream::Stream<Item = Result<said::RollView, Status>> + Send>>;

    async fn watch_roll(
        &self,
        request: Request<said::WatchRollRequest>,
    ) -> Result<Response<Self::WatchRollStream>, Status> {
        let name = request.get_ref().array.clone();
        self.admit("WatchRoll", &request, &[&name], "", false)?;
        let array = self.controller.array(&name)?;
        let (sender, receiver) = tokio::sync::mpsc::channel(16);
        let controller = std::sync::Arc::clone(&self.controller);
        tokio::spawn(async move {
            if let Some(mut views) = controller.watch(&array) {
                loop {
                    let view = views.borrow_and_update().clone();
                    if !view.array.is_empty() && sender.send(Ok(view)).await.is_err() {
                        return;
                    }
                    if views.changed().await.is_err() {
                        break;
                    }
                }
            }
            let last = match controller.roll_view(&array) {
                Ok(Some(view)) => Ok(view),
                Ok(None) => Err(
                    No::unknown("no-roll", format!("{} was never rolled", array.name))
                        .next(format!("keyroll roll {}", array.name))
                        .into(),
                ),
                Err(no) => Err(no.into()),
            };
            drop(sender.send(last).await);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn create_array(
        &self,
        request: Request<said::CreateArrayRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "CreateArray",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.create_array(&q).await
        )
    }

    async fn adopt_array(
        &self,
        request: Request<said::AdoptArrayRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "AdoptArray",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.adopt_array(q).await
        )
    }

    async fn list_arrays(
        &self,
        request: Request<said::ListArraysRequest>,
    ) -> Result<Response<said::ListArraysReply>, Status> {
        call!(
            self,
            "ListArrays",
            request,
            |q| &[],
            "",
            false,
            |c, call| c.list_arrays()
        )
    }

    async fn show_array(
        &self,
        request: Request<said::ShowArrayRequest>,
    ) -> Result<Response<said::ArrayView>, Status> {
        call!(
            self,
            "ShowArray",
            request,
            |q| &[&q.array],
            "",
            false,
            |c, call| c.array(&q.array).and_then(|array| c.array_view(&array))
        )
    }

    async fn delete_array(
        &self,
        request: Request<said::DeleteArrayRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "DeleteArray",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.delete_array(&q).await
        )
    }

    async fn print_acl(
        &self,
        request: Request<said::PrintAclRequest>,
    ) -> Result<Response<said::PrintAclReply>, Status> {
        call!(self, "PrintAcl", request, |q| &[], "", false, |c, call| c
            .print_acl(&q)
            .await)
    }

    async fn add_node(
        &self,
        request: Request<said::AddNodeRequest>,
    ) -> Result<Response<said::AddNodeReply>, Status> {
        call!(
            self,
            "AddNode",
            request,
            |q| &[&q.array],
            &q.node,
            q.dry_run,
            |c, call| c.add_node(&q)
        )
    }

    async fn list_nodes(
        &self,
        request: Request<said::ListNodesRequest>,
    ) -> Result<Response<said::ListNodesReply>, Status> {
        call!(
            self,
            "ListNodes",
            request,
            |q| &some(&q.array),
            "",
            false,
            |c, call| c.list_nodes(&q)
        )
    }

    async fn show_node(
        &self,
        request: Request<said::ShowNodeRequest>,
    ) -> Result<Response<said::NodeView>, Status> {
        call!(
            self,
            "ShowNode",
            request,
            |q| &[&q.array],
            &q.node,
            false,
            |c, call| c.show_node(&q)
        )
    }

    async fn remove_node(
        &self,
        request: Request<said::RemoveNodeRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "RemoveNode",
            request,
            |q| &[&q.array],
            &q.node,
            q.dry_run,
            |c, call| c.remove_node(&q).await
        )
    }

    async fn quarantine_node(
        &self,
        request: Request<said::QuarantineNodeRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "QuarantineNode",
            request,
            |q| &[&q.array],
            &q.node,
            q.dry_run,
            |c, call| c.quarantine_node(&q)
        )
    }

    async fn resume_node(
        &self,
        request: Request<said::ResumeNodeRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "ResumeNode",
            request,
            |q| &[&q.array],
            &q.node,
            q.dry_run,
            |c, call| c.resume_node(&q)
        )
    }

    async fn start_roll(
        &self,
        request: Request<said::StartRollRequest>,
    ) -> Result<Response<said::StartRollReply>, Status> {
        call!(
            self,
            "StartRoll",
            request,
            |q| &q.arrays.iter().map(String::as_str).collect::<Vec<_>>(),
            "",
            q.dry_run,
            |c, call| c.start_rolls(&q, &call.actor).await
        )
    }

    async fn roll_status(
        &self,
        request: Request<said::RollStatusRequest>,
    ) -> Result<Response<said::RollStatusReply>, Status> {
        call!(
            self,
            "RollStatus",
            request,
            |q| &some(&q.array),
            "",
            false,
            |c, call| c.roll_status(&q)
        )
    }

    async fn abort_roll(
        &self,
        request: Request<said::AbortRollRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "AbortRoll",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.abort_roll(&q, &call.actor)
        )
    }

    async fn resolve_roll(
        &self,
        request: Request<said::ResolveRollRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "ResolveRoll",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.resolve_roll(&q, &call.actor)
        )
    }

    async fn roll_history(
        &self,
        request: Request<said::RollHistoryRequest>,
    ) -> Result<Response<said::RollHistoryReply>, Status> {
        call!(
            self,
            "RollHistory",
            request,
            |q| &[&q.array],
            "",
            false,
            |c, call| c.roll_history(&q)
        )
    }

    async fn explain_roll(
        &self,
        request: Request<said::ExplainRollRequest>,
    ) -> Result<Response<said::ExplainRollReply>, Status> {
        call!(
            self,
            "ExplainRoll",
            request,
            |q| &[&q.array],
            "",
            false,
            |c, call| c.explain_roll(&q)
        )
    }

    async fn set_schedule(
        &self,
        request: Request<said::SetScheduleRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "SetSchedule",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.set_schedule(&q)
        )
    }

    async fn show_schedule(
        &self,
        request: Request<said::ShowScheduleRequest>,
    ) -> Result<Response<said::ScheduleView>, Status> {
        call!(
            self,
            "ShowSchedule",
            request,
            |q| &[&q.array],
            "",
            false,
            |c, call| c.show_schedule(&q)
        )
    }

    async fn pause_schedule(
        &self,
        request: Request<said::PauseScheduleRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "PauseSchedule",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.pause_schedule(&q)
        )
    }

    async fn resume_schedule(
        &self,
        request: Request<said::ResumeScheduleRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "ResumeSchedule",
            request,
            |q| &[&q.array],
            "",
            q.dry_run,
            |c, call| c.resume_schedule(&q)
        )
    }

    async fn verify(
        &self,
        request: Request<said::VerifyRequest>,
    ) -> Result<Response<said::VerifyReply>, Status> {
        call!(
            self,
            "Verify",
            request,
            |q| &[&q.array],
            "",
            false,
            |c, call| c.verify(&q).await
        )
    }

    async fn status(
        &self,
        request: Request<said::StatusRequest>,
    ) -> Result<Response<said::StatusReply>, Status> {
        call!(self, "Status", request, |q| &[], "", false, |c, call| c
            .status()
            .await)
    }

    async fn show_audit(
        &self,
        request: Request<said::ShowAuditRequest>,
    ) -> Result<Response<said::ShowAuditReply>, Status> {
        call!(self, "ShowAudit", request, |q| &[], "", false, |c, call| c
            .show_audit(&q))
    }

    async fn verify_audit(
        &self,
        request: Request<said::VerifyAuditRequest>,
    ) -> Result<Response<said::VerifyAuditReply>, Status> {
        call!(
            self,
            "VerifyAudit",
            request,
            |q| &[],
            "",
            false,
            |c, call| c.verify_audit()
        )
    }

    async fn add_operator(
        &self,
        request: Request<said::AddOperatorRequest>,
    ) -> Result<Response<said::AddOperatorReply>, Status> {
        call!(
            self,
            "AddOperator",
            request,
            |q| &[],
            &q.operator,
            q.dry_run,
            |c, call| c.add_operator(&q)
        )
    }

    async fn list_operators(
        &self,
        request: Request<said::ListOperatorsRequest>,
    ) -> Result<Response<said::ListOperatorsReply>, Status> {
        call!(
            self,
            "ListOperators",
            request,
            |q| &[],
            "",
            false,
            |c, call| c.list_operators()
        )
    }

    async fn revoke_operator(
        &self,
        request: Request<said::RevokeOperatorRequest>,
    ) -> Result<Response<said::Changed>, Status> {
        call!(
            self,
            "RevokeOperator",
            request,
            |q| &[],
            &q.operator,
            q.dry_run,
            |c, call| c.revoke_operator(&q)
        )
    }
}
