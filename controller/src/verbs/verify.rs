//! `keyroll verify`: every domain controller, node and key of an array, looked at and tried now.

use futures_util::future::join_all;
use keyroll::doctor::TicketKey;
use keyroll::drift::{Change, Judgement, Names, conditions};
use keyroll::name::{DcName, NodeName};
use keyroll::roll::WhichKey;
use keyroll::roll::policy::DelegationGap;
use keyroll_proto::operator as said;

use super::Controller;
use super::no::No;
use crate::desired::Desired;
use crate::driver::{ap_request, wrong_with};
use crate::ports::{KnownKeys, Sighting};
use crate::random;
use crate::reconcile::candidates::Candidates;
use crate::store::{ArrayRecord, NodeState, Read as _};

/// What is told of because of what was before.
const PAST: [&str; 3] = ["password-returned", "keytab-fought-over", "dc-behind"];

impl Controller {
    /// Looks at everything. Then the controller looks after the nodes, now and not after its usual
    /// pause: what it can put right by itself is.
    ///
    /// # Errors
    /// [`No`] only where nothing at all can be looked at.
    pub async fn verify(&self, request: &said::VerifyRequest) -> Result<said::VerifyReply, No> {
        let array = self.array(&request.array)?;
        let desired =
            Desired::of(&self.ports, &array).map_err(|error| No::internal(error.to_string()))?;
        let mut checks = self.check_account(&array, &desired).await;
        if let Some(why) = &array.stale {
            let next = format!("keyroll recover {} --dry-run", array.name);
            let what = "is not looked after: this controller's memory of it is old";
            checks.push(check("broken", &array.name, what, why, next));
        }
        let (dcs, ticket) = self.check_dcs(&array, &desired).await?;
        checks.extend(dcs);
        let mut nodes = self.ports.store.members(&array.name)?;
        nodes.retain(|node| node.state == NodeState::Joined);
        if nodes.is_empty() {
            let next = format!("keyroll node add {} NODE", array.name);
            checks.push(check("warning", &array.name, "has no node", "", next));
        }
        let each = nodes
            .iter()
            .map(|node| self.check_node(&array, &desired, &node.name, ticket.as_ref()));
        checks.extend(join_all(each).await.into_iter().flatten());
        checks.extend(self.noticed(&array).iter().map(check_of));
        let ok = checks
            .iter()
            .all(|check| ["ok", "notice"].contains(&check.grade.as_str()));
        self.wake.notify_one();
        Ok(said::VerifyReply { ok, checks })
    }

    /// What reconciliation has seen that a look of now does not show.
    pub(super) fn noticed(&self, array: &ArrayRecord) -> Vec<Change> {
        let mut changes = self.overview.changes(&array.name, self.ports.clock.now());
        changes.retain(|one| one.judgement >= Judgement::Repaired || PAST.contains(&one.code));
        changes
    }

    async fn check_account(&self, array: &ArrayRecord, desired: &Desired) -> Vec<said::Check> {
        let name = &array.account.sam_account_name;
        let writer = match self.writer().await {
            Ok(writer) => writer,
            Err(no) => return vec![check("unknown", name, "cannot be read", no.what, no.next)],
        };
        let state = match self
            .ports
            .directory
            .read(&writer, &array.account_ref())
            .await
        {
            Ok(state) => state,
            Err(error) => {
                return vec![check(
                    "broken",
                    name,
                    "cannot be read",
                    error.to_string(),
                    "keyroll status",
                )];
            }
        };
        let names = Names {
            array: &array.name,
            spns: &array.spns,
            pending: &array.unregistered(),
        };
        let wanted = desired.wanted(&state);
        let mut changes = conditions(&state, &wanted, &names);
        if !changes.is_empty() {
            let account = array.account_ref();
            let history = self.ports.directory.history(&writer, &account).await;
            let history = history.unwrap_or_default();
            changes = changes.into_iter().map(|one| one.dated(&history)).collect();
        }
        let mut checks: Vec<said::Check> = changes.iter().map(check_of).collect();
        let passing = state.refusals(&wanted).into_iter();
        let passing = passing.filter(|reason| reason.code == "minimum-age");
        checks.extend(passing.map(|reason| {
            check(
                "warning",
                reason.object,
                reason.code,
                reason.why,
                reason.next,
            )
        }));
        if let Some(first) = state.delegates_to.first() {
            let gap = match array.policy.delegation_gap {
                DelegationGap::Refuse => "a roll is refused until an operator accepts that",
                DelegationGap::InWindow => "a roll goes on inside a window of the schedule",
                DelegationGap::Accept => "a roll goes on, as its policy says",
            };
            let evidence = format!(
                "to {first} ({} in all) with the tickets that clients show it, which may be no \
                 evidence after a roll: {gap}",
                state.delegates_to.len()
            );
            checks.push(check("notice", name, "delegates", evidence, ""));
        }
        if checks.iter().all(|check| check.grade == "notice") {
            let evidence = format!("{}, kvno {}", state.distinguished_name, state.kvno);
            checks.push(check("ok", name, "allows a roll", evidence, ""));
        }
        checks
    }

    async fn check_dcs(
        &self,
        array: &ArrayRecord,
        desired: &Desired,
    ) -> Result<(Vec<said::Check>, Option<Sighting>), No> {
        let Some(service) = array.registered_services().next() else {
            let next = format!("keyroll node list {}", array.name);
            let why = "an SPN is registered once a node holds the key";
            return Ok((
                vec![check(
                    "warning",
                    &array.name,
                    "has no registered SPN",
                    why,
                    next,
                )],
                None,
            ));
        };
        let known = known(desired);
        let dcs = self.ports.directory.domain_controllers().await?;
        let sightings = join_all(
            dcs.iter()
                .map(|dc| self.ports.kdc.sight(dc, &service, &known)),
        )
        .await;
        let mut candidates = Candidates::new(&self.ports, desired);
        let mut checks = Vec::new();
        for (dc, seen) in dcs.iter().zip(&sightings) {
            let seen = seen.as_ref().map(|seen| (seen, candidates.whose(seen)));
            checks.push(match seen {
                Ok((seen, key)) => check_dc(array, dc, seen, key?),
                Err(error) => {
                    let next = format!("nc -vz {dc} 88");
                    check("broken", dc, "gave no ticket", error, next)
                }
            });
        }
        let ticket = sightings
            .into_iter()
            .flatten()
            .find(|one| one.key != WhichKey::Foreign);
        Ok((checks, ticket))
    }

    async fn check_node(
        &self,
        array: &ArrayRecord,
        desired: &Desired,
        node: &NodeName,
        ticket: Option<&Sighting>,
    ) -> Vec<said::Check> {
        let show = format!("keyroll node show {} {node}", array.name);
        let nonce = random::bytes();
        let inventory = match self.ports.agents.look(node, &array.name, nonce).await {
            Ok(inventory) => inventory,
            Err(error) => {
                return vec![check(
                    "broken",
                    node,
                    "cannot be asked",
                    error.to_string(),
                    show,
                )];
            }
        };
        let mut checks = vec![match wrong_with(&inventory, &desired.keyset, &nonce) {
            None => {
                let evidence = format!(
                    "keyset {}, {} keytabs",
                    inventory.version,
                    inventory.targets.len()
                );
                check("ok", node, "holds the right keys", evidence, "")
            }
            Some(why) => check("broken", node, "holds other keys", why, show.clone()),
        }];
        if let Err(why) = &inventory.ready {
            checks.push(check("warning", node, "is not ready", why, show.clone()));
        }
        checks.extend(self.check_proof(array, node, ticket, show).await);
        checks
    }

    /// What the node's keytabs make of a fresh ticket, if there is one.
    async fn check_proof(
        &self,
        array: &ArrayRecord,
        node: &NodeName,
        ticket: Option<&Sighting>,
        show: String,
    ) -> Option<said::Check> {
        let ticket = ticket?;
        let request = ap_request(&ticket.ticket, self.ports.clock.now())?;
        let proofs = match self.ports.agents.prove(node, &array.name, request).await {
            Ok(proofs) => proofs,
            Err(error) => return Some(check("unknown", node, "was not tried", error, show)),
        };
        let refused = proofs.iter().find_map(|proof| proof.verdict.as_ref().err());
        Some(match refused {
            Some(why) => check("broken", node, "refuses a fresh ticket", why, show),
            None if proofs.is_empty() => {
                let why = "no keytab of it is for the ticket's SPN and enctype";
                check("notice", node, "was not tried", why, show)
            }
            None => {
                let evidence = format!("kvno {}", ticket.kvno);
                check("ok", node, "accepts a fresh ticket", evidence, "")
            }
        })
    }
}

/// What others have changed, as a check: what was put right is no more than worth a word.
fn check_of(change: &Change) -> said::Check {
    let grade = match change.judgement {
        Judgement::Critical | Judgement::StopsRolls => "broken",
        Judgement::NeedsRoll => "warning",
        Judgement::Repaired | Judgement::Harmless => "notice",
    };
    let (object, evidence) = (&change.object, change.sentence());
    check(grade, object, change.code, evidence, change.next.clone())
}

/// The keys by which an array's tickets are recognized.
pub(super) fn known(desired: &Desired) -> KnownKeys<'_> {
    let base = desired.base.iter().map(|one| (WhichKey::Base, one));
    let new = desired.new.iter().map(|one| (WhichKey::New, one));
    let keys = base.chain(new).flat_map(|(which, unlocked)| {
        let keys = unlocked.keys.iter();
        keys.map(move |key| (which, key))
    });
    KnownKeys {
        keys: keys.collect(),
        new_password: None,
        account: Some(&desired.array.account.principal),
    }
}

fn check_dc(array: &ArrayRecord, dc: &DcName, seen: &Sighting, key: TicketKey) -> said::Check {
    let kvno = array.current.as_ref().map_or(0, |current| current.kvno.0);
    let replication = format!("samba-tool drs showrepl {dc} (or repadmin /showrepl {dc})");
    let emergency = format!("keyroll roll {} --emergency", array.name);
    let issued = format!("kvno {}, enctype {}", seen.kvno, seen.enctype);
    match key {
        TicketKey::Foreign => {
            let evidence = format!(
                "its tickets (kvno {}) open with no key of {}",
                seen.kvno, array.name
            );
            check(
                "broken",
                dc,
                "issues with a foreign key",
                evidence,
                emergency,
            )
        }
        TicketKey::Held => {
            let evidence = format!("{issued}, which the nodes hold too");
            let what = "issues with an earlier key";
            check("warning", dc, what, evidence, replication)
        }
        TicketKey::Earlier => {
            let evidence = format!("{issued}, which the nodes do not hold");
            let what = "issues with an earlier key";
            check("broken", dc, what, evidence, replication)
        }
        TicketKey::Burned => {
            let evidence = format!("{issued}, which an emergency roll has replaced");
            let what = "issues with an earlier key";
            check("broken", dc, what, evidence, replication)
        }
        TicketKey::Ours if seen.key == WhichKey::Base && seen.kvno.0 != kvno => {
            let evidence = format!("kvno {} in tickets, {kvno} on the nodes", seen.kvno);
            let next = match seen.kvno.0 < kvno {
                true => replication,
                // The same password set again.
                false => format!(
                    "keyroll verify {} (once the controller has looked)",
                    array.name
                ),
            };
            check("broken", dc, "issues with another kvno", evidence, next)
        }
        TicketKey::Ours => check("ok", dc, "issues with the array's key", issued, ""),
    }
}

pub(in crate::verbs) fn check(
    grade: &str,
    object: impl ToString,
    what: impl Into<String>,
    evidence: impl ToString,
    next: impl Into<String>,
) -> said::Check {
    said::Check {
        grade: grade.to_owned(),
        object: object.to_string(),
        what: what.into(),
        evidence: evidence.to_string(),
        next: next.into(),
    }
}
