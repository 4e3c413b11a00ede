//! SPN, keytabs, DNS and nodes beside each other.

use futures_util::future::join_all;
use keyroll::kerberos::Principal;
use keyroll::name::ArrayName;
use keyroll::shell::word;
use keyroll::spn::{HostGrade, HostRecords, Spn, Zone, host_faults};
use keyroll_proto::operator as said;

use super::typed;
use crate::driver::ap_request;
use crate::ports::{KnownKeys, PortError};
use crate::store::ArrayRecord;
use crate::verbs::verify::check;
use crate::verbs::{Controller, No};

impl Controller {
    /// Looks at every SPN of an array: the directory, the keytabs, DNS, and a fresh ticket at each
    /// node.
    ///
    /// # Errors
    /// [`No`] where nothing can be looked at.
    pub async fn check_spns(
        &self,
        request: &said::CheckSpnsRequest,
    ) -> Result<said::VerifyReply, No> {
        let array = self.array(&request.array)?;
        let listed = said::ListSpnsRequest {
            array: request.array.clone(),
        };
        let listed = self.list_spns(&listed).await?;
        let mut checks = Vec::new();
        for view in &listed.spns {
            if view.state == "unknown" {
                let (what, why) = ("may be registered or not", &listed.unknown_because);
                checks.push(check("unknown", &view.spn, what, why, &listed.next));
            } else {
                checks.extend(self.check_spn(&array, view).await?);
            }
        }
        if listed.spns.is_empty() {
            let next = format!("keyroll spn plan {} --name HOST", array.name);
            checks.push(check("warning", &array.name, "has no SPN", "", next));
        }
        let ok = checks
            .iter()
            .all(|check| ["ok", "notice"].contains(&check.grade.as_str()));
        Ok(said::VerifyReply { ok, checks })
    }

    async fn check_spn(
        &self,
        array: &ArrayRecord,
        view: &said::SpnView,
    ) -> Result<Vec<said::Check>, No> {
        let mut checks = vec![state_check(array, view)];
        if view.held_by < view.nodes {
            let evidence = format!("{} of {} nodes hold keys for it", view.held_by, view.nodes);
            let next = format!("keyroll node list {}", array.name);
            let grade = if view.state == "leaving" {
                "notice"
            } else {
                "broken"
            };
            checks.push(check(
                grade,
                &view.spn,
                "is not in every keytab",
                evidence,
                next,
            ));
        }
        let Ok(spn) = view.spn.parse::<Spn>() else {
            return Ok(checks);
        };
        if view.state != "registered" {
            return Ok(checks);
        }
        let dc = self.writer().await?;
        let others = self.others_with(&array.account.guid, &dc, &spn).await?;
        for narrow in others.narrow(&dc) {
            let what = "may have owners elsewhere";
            checks.push(check("notice", &spn, what, narrow.why, narrow.next));
        }
        for other in others.holders {
            let (what, next) = if !spn.is_same(&other.spn) {
                ("has a look-alike", other.taken_away())
            } else if other.forest.is_some() {
                ("has an owner in another forest, too", other.taken_away())
            } else {
                let spn = typed(&spn);
                let next = format!("keyroll spn move {} {spn} --dry-run", array.name);
                ("has another owner, too", next)
            };
            let evidence = format!("{} of {}", other.spn.escape_default(), other.shown());
            checks.push(check("broken", &spn, what, evidence, next));
        }
        let found = self.ports.directory.host(spn.host()).await;
        let zone = Zone {
            server: dc.as_str(),
            address: None,
            nodes: &self.joined(array)?,
        };
        checks.extend(dns_checks(
            array.name.as_str(),
            &spn,
            &array.spns,
            found,
            &zone,
        ));
        checks.extend(self.ticket_checks(array, &spn).await?);
        Ok(checks)
    }

    /// A fresh ticket for this very SPN, at every node.
    async fn ticket_checks(&self, array: &ArrayRecord, spn: &Spn) -> Result<Vec<said::Check>, No> {
        let service = Principal::of_spn(&spn.to_string(), &array.realm)?;
        let dcs = self.ports.directory.domain_controllers().await?;
        let known = KnownKeys::default();
        let tries = dcs
            .iter()
            .map(|dc| self.ports.kdc.sight(dc, &service, &known));
        let mut checks = Vec::new();
        let mut ticket = None;
        for (dc, sighted) in dcs.iter().zip(join_all(tries).await) {
            match sighted {
                Ok(sighting) => ticket = Some(sighting),
                Err(error) => {
                    let next = mends_ticket(&array.name, &error);
                    let evidence = format!("{dc}: {error}");
                    checks.push(check("broken", spn, "gets no ticket", evidence, next));
                }
            }
        }
        let Some(ticket) = ticket else {
            return Ok(checks);
        };
        for node in self.joined(array)? {
            let now = self.ports.clock.now();
            let Some(request) = ap_request(&ticket.ticket, now) else {
                continue;
            };
            let next = format!("keyroll node show {} {node}", array.name);
            let proofs = match self.ports.agents.prove(&node, &array.name, request).await {
                Ok(proofs) => proofs,
                Err(error) => {
                    let what = format!("was not tried at {node}");
                    checks.push(check("unknown", spn, what, error, next));
                    continue;
                }
            };
            let refused = proofs.iter().find_map(|proof| proof.verdict.as_ref().err());
            checks.push(match refused {
                None if proofs.is_empty() => {
                    let why = "no keytab there is for it and the ticket's enctype";
                    let what = format!("was not tried at {node}");
                    check("notice", spn, what, why, next)
                }
                None => {
                    let evidence = format!("kvno {}", ticket.kvno);
                    check(
                        "ok",
                        spn,
                        format!("a fresh ticket is accepted by {node}"),
                        evidence,
                        "",
                    )
                }
                Some(why) => {
                    let what = format!("a fresh ticket is refused by {node}");
                    check("broken", spn, what, why, next)
                }
            });
        }
        Ok(checks)
    }
}

/// What the KDC's answer calls for; where there was none, it is the domain controller's own fault.
fn mends_ticket(array: &ArrayName, error: &PortError) -> String {
    match error {
        PortError::Refused { next, .. } if !next.is_empty() => next.clone(),
        _ => format!("keyroll verify {array}"),
    }
}

fn state_check(array: &ArrayRecord, view: &said::SpnView) -> said::Check {
    let account = &array.account.sam_account_name;
    let name = &array.name;
    let spn = &view.spn;
    match view.state.as_str() {
        "registered" => check("ok", spn, "is registered", account, ""),
        "pending" => {
            let next = format!("keyroll node list {name}");
            check("warning", spn, "waits for the first node", "", next)
        }
        "prepared" => {
            let next = format!("keyroll spn add {name} {}, or spn remove", word(spn));
            check(
                "warning",
                spn,
                "is held by the nodes and not registered",
                "",
                next,
            )
        }
        "leaving" => {
            let evidence = format!("the keytabs lose it in {} min", view.left_seconds / 60);
            check("notice", spn, "was removed", evidence, "")
        }
        _ => {
            let next = format!("keyroll spn add {name} {}", word(spn));
            check("broken", spn, "is not registered any more", account, next)
        }
    }
}

/// What a client makes of the host's records.
pub(super) fn dns_checks(
    array: &str,
    spn: &Spn,
    own: &[String],
    found: Result<HostRecords, PortError>,
    zone: &Zone<'_>,
) -> Vec<said::Check> {
    let host = spn.host();
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let what = "was not looked up in DNS";
            return vec![check("unknown", host, what, error, "")];
        }
    };
    let addresses = found.addresses.iter().map(ToString::to_string);
    let addresses = addresses.collect::<Vec<_>>().join(", ");
    let there = check("ok", host, "has an address in DNS", &addresses, "");
    let mut checks = Vec::from_iter((!addresses.is_empty()).then_some(there));
    checks.extend(
        host_faults(array, spn, own, &found, zone)
            .into_iter()
            .map(|fault| {
                let grade = match fault.grade {
                    HostGrade::Broken => "broken",
                    HostGrade::Warning => "warning",
                    HostGrade::Notice => "notice",
                };
                check(grade, host, fault.what, fault.leads_to, fault.next)
            }),
    );
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kdc_that_is_silent_is_no_sign_of_a_double_name() {
        let array = "web".parse().unwrap();
        let refused = |next: &str| PortError::Refused {
            object: "HTTP/web".to_owned(),
            why: "no".to_owned(),
            next: next.to_owned(),
        };
        let silent = PortError::Unreachable {
            object: "dc1".to_owned(),
            why: "no answer".to_owned(),
        };
        for (error, next) in [
            (refused("keyroll spn duplicates"), "keyroll spn duplicates"),
            (refused(""), "keyroll verify web"),
            (silent, "keyroll verify web"),
        ] {
            assert_eq!(mends_ticket(&array, &error), next);
        }
    }
}
