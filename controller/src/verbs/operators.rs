//! `keyroll operator …`, `keyroll audit …`.

use chrono::Utc;
use keyroll::name::{ArrayName, OperatorName};
use keyroll_proto::operator as said;

use super::no::No;
use super::{Controller, changed};
use crate::audit;
use crate::ca::SigningRequest;
use crate::operators::Role;
use crate::store::{OperatorRecord, Read as _};

/// How long an operator's certificate holds unless said otherwise, and at the most, in seconds.
const LIFETIME: (u64, u64) = (90 * 24 * 3600, 400 * 24 * 3600);

impl Controller {
    /// Gives an operator a certificate, or a new one.
    ///
    /// # Errors
    /// [`No`].
    pub fn add_operator(
        &self,
        request: &said::AddOperatorRequest,
    ) -> Result<said::AddOperatorReply, No> {
        let name: OperatorName = request.operator.parse()?;
        let role: Role = request
            .role
            .parse()
            .map_err(|error| No::bad_input("bad-value", format!("{error}")))?;
        let arrays = request
            .arrays
            .iter()
            .map(|array| Ok(self.array(array)?.name))
            .collect::<Result<std::collections::BTreeSet<ArrayName>, No>>()?;
        let seconds = match request.lifetime {
            0 => LIFETIME.0,
            given if given <= LIFETIME.1 => given,
            given => {
                let what = format!(
                    "a certificate for {given} s is too long-lived, at most {} s",
                    LIFETIME.1
                );
                return Err(No::bad_input("bad-lifetime", what));
            }
        };
        let scope = if arrays.is_empty() {
            "all arrays".to_owned()
        } else {
            arrays
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let done = vec![format!("operator {name} added as {role} of {scope}")];
        let mut reply = said::AddOperatorReply {
            changed: Some(changed(
                done,
                vec!["keyroll operator list".to_owned()],
                request.dry_run,
            )),
            ..said::AddOperatorReply::default()
        };
        if request.dry_run {
            return Ok(reply);
        }
        let lifetime = std::time::Duration::from_secs(seconds);
        let now = Utc::now().timestamp();
        let issued = SigningRequest::read(&request.csr, name.as_str())
            .and_then(|csr| self.authority.issue_operator(&name, &csr, lifetime, now))
            .map_err(|error| No::bad_input("bad-csr", error.to_string()))?;
        let record = OperatorRecord {
            name,
            role,
            arrays,
            serial: issued.serial.clone(),
            expires_unix: issued.ends_unix,
            revoked: false,
            signer: issued.signer,
        };
        self.ports
            .store
            .write(|change| change.put_operator(&record))?;
        self.standing.send_replace(());
        reply.certificate_pem = issued.pem();
        reply.authorities_pem = self.authority.pem();
        reply.controller.clone_from(&self.operator_address);
        Ok(reply)
    }

    /// Every operator, revoked ones too.
    ///
    /// # Errors
    /// [`No`].
    pub fn list_operators(&self) -> Result<said::ListOperatorsReply, No> {
        let view = |record: OperatorRecord| said::OperatorView {
            operator: record.name.to_string(),
            role: record.role.to_string(),
            arrays: record.arrays.iter().map(ToString::to_string).collect(),
            serial: record.serial,
            expires_unix: record.expires_unix,
            revoked: record.revoked,
        };
        let operators = self
            .ports
            .store
            .operators()?
            .into_iter()
            .map(view)
            .collect();
        Ok(said::ListOperatorsReply { operators })
    }

    /// Ends an operator's authority from the next call on.
    ///
    /// # Errors
    /// [`No`].
    pub fn revoke_operator(
        &self,
        request: &said::RevokeOperatorRequest,
    ) -> Result<said::Changed, No> {
        let name: OperatorName = request.operator.parse()?;
        let unknown = || {
            No::unknown("unknown-operator", format!("there is no operator {name}"))
                .next("keyroll operator list")
        };
        let mut record = self.ports.store.operator(&name)?.ok_or_else(unknown)?;
        record.revoked = true;
        if !request.dry_run {
            self.ports
                .store
                .write(|change| change.put_operator(&record))?;
            self.standing.send_replace(());
        }
        let done = vec![format!("operator {name} has no say from the next call on")];
        Ok(changed(
            done,
            vec!["keyroll operator list".to_owned()],
            request.dry_run,
        ))
    }

    /// The newest entries of the audit, the newest first.
    ///
    /// # Errors
    /// [`No`].
    pub fn show_audit(&self, request: &said::ShowAuditRequest) -> Result<said::ShowAuditReply, No> {
        let limit = if request.limit == 0 {
            50
        } else {
            request.limit as usize
        };
        let entries = audit::newest(&self.ports.store, limit, &request.array)?;
        let view = |entry: audit::Entry| said::AuditEntry {
            number: entry.number,
            at_unix_millis: entry.event.at_unix_millis,
            actor: entry.event.actor,
            verb: entry.event.verb,
            object: entry.event.object,
            outcome: entry.event.outcome,
            detail: entry.event.detail,
            hash: entry.hash,
        };
        Ok(said::ShowAuditReply {
            entries: entries.into_iter().map(view).collect(),
        })
    }

    /// Whether the chain of the audit holds.
    ///
    /// # Errors
    /// [`No`].
    pub fn verify_audit(&self) -> Result<said::VerifyAuditReply, No> {
        let verdict = audit::verify(&self.ports.store)?;
        Ok(said::VerifyAuditReply {
            ok: verdict.trouble.is_none(),
            entries: verdict.entries,
            head: verdict.head,
            trouble: verdict.trouble.unwrap_or_default(),
            checkpoints: verdict.checkpoints,
            signed: verdict.signed,
            key: verdict.key.to_string(),
            last: verdict.last,
        })
    }
}
