//! `keyroll delegation …`: who may act for whom by way of an array's account; and a try of it.

use keyroll::delegation::trial::{Evidence, Onward, Step, steps};
use keyroll::delegation::{Finding, Front, Party, Target, findings};
use keyroll::kerberos::Principal;
use keyroll_proto::operator as said;

use super::Controller;
use super::no::No;
use super::verify::known;
use crate::desired::Desired;
use crate::ports::Trial;

mod plan;

impl Controller {
    /// Everything that bears on delegation by and to the array's account, and what it risks.
    ///
    /// # Errors
    /// [`No`].
    pub async fn show_delegation(
        &self,
        request: &said::ShowDelegationRequest,
    ) -> Result<said::DelegationView, No> {
        let array = self.array(&request.array)?;
        let dc = self.writer().await?;
        let account = array.account_ref();
        let directory = &self.ports.directory;
        let inventory = directory.delegation(&dc, &account, &array.spns).await?;
        let found = findings(array.name.as_str(), &inventory);
        Ok(said::DelegationView {
            array: array.name.to_string(),
            account: inventory.own.account.clone(),
            dc: dc.to_string(),
            ways: inventory.ways().into_iter().map(str::to_owned).collect(),
            targets: inventory.targets.iter().map(target).collect(),
            resources: accounts(&inventory.resources),
            fronts: inventory.fronts.iter().map(front).collect(),
            actors: inventory
                .actors
                .iter()
                .map(|one| {
                    let name = one.party.as_ref().map(|party| party.account.clone());
                    name.unwrap_or_else(|| one.sid.to_string())
                })
                .collect(),
            unconstrained: accounts(&inventory.unconstrained),
            whole_forest: inventory.whole_forest,
            findings: found.iter().map(finding).collect(),
        })
    }

    /// Tries delegation with the array's own key, step by step.
    ///
    /// Whoever may do it learns whether any user can be acted for: it is an admin's, and written
    /// down. Nobody gets a ticket by it.
    ///
    /// # Errors
    /// [`No`] if it cannot be tried at all; a step that fails is an answer.
    pub async fn test_delegation(
        &self,
        request: &said::TestDelegationRequest,
    ) -> Result<said::TestDelegationReply, No> {
        let array = self.array(&request.array)?;
        let desired =
            Desired::of(&self.ports, &array).map_err(|error| No::internal(error.to_string()))?;
        let service = array.registered_services().next().ok_or_else(|| {
            let what = format!("{} has no registered SPN", array.name);
            No::bad_state("spn-missing", what).next(format!("keyroll node list {}", array.name))
        })?;
        let help = |no: No| no.next("keyroll delegation test --help");
        let to =
            Principal::of_spn(&request.to, &array.realm).map_err(|error| help(error.into()))?;
        let user = match request.user.as_str() {
            "" => None,
            name => {
                let user = Principal::new(vec![name.to_owned()], array.realm.clone());
                Some(user.map_err(|error| help(error.into()))?)
            }
        };
        let dc = self.writer().await?;
        // Whose ticket is shown, as it logs in, with or without its realm.
        let own = self.prober.split('@').next().unwrap_or_default();
        let name = if request.user.is_empty() {
            own
        } else {
            &request.user
        };
        let account = array.account_ref();
        let directory = &self.ports.directory;
        let facts = directory.facts(&dc, &account, name, &request.to).await?;
        let known = known(&desired);
        let ticket = self.ports.kdc.sight(&dc, &service, &known).await?;
        let key = ticket.shown(&known).ok_or_else(|| {
            let what = format!(
                "{dc} issues tickets of {} under a key that is not known here; nothing was tried",
                array.name
            );
            No::bad_state("key-foreign", what).next(format!("keyroll verify {}", array.name))
        })?;
        let trial = Trial {
            own: &account.principal,
            key,
            user: user.as_ref(),
            service: &service,
            to: &to,
        };
        let tried = self.ports.kdc.delegate(&dc, &trial).await?;
        let evidence = if user.is_some() {
            Evidence::Asked
        } else {
            Evidence::Shown
        };
        let steps = steps(array.name.as_str(), &facts, evidence, &tried);
        Ok(said::TestDelegationReply {
            ok: matches!(tried.onward, Some(Onward::Got(_))),
            user: name.to_owned(),
            dc: dc.to_string(),
            steps: steps.into_iter().map(step).collect(),
        })
    }
}

fn accounts(parties: &[Party]) -> Vec<String> {
    parties.iter().map(|one| one.account.clone()).collect()
}

fn target(target: &Target) -> said::DelegationTarget {
    said::DelegationTarget {
        spn: target.spn.clone(),
        owners: accounts(&target.owners),
    }
}

fn front(front: &Front) -> said::DelegationFront {
    said::DelegationFront {
        account: front.party.account.clone(),
        spns: front.spns.clone(),
    }
}

fn finding(finding: &Finding) -> said::DelegationFinding {
    said::DelegationFinding {
        grade: finding.grade.word().to_owned(),
        code: finding.code.to_owned(),
        object: finding.object.clone(),
        what: finding.what.clone(),
        risk: finding.risk.clone(),
        safer: finding.safer.clone(),
    }
}

fn step(step: Step) -> said::DelegationStep {
    said::DelegationStep {
        what: step.what,
        ok: step.ok,
        why: step.why,
        next: step.next,
    }
}
