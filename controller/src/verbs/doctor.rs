//! `keyroll doctor`: every fact about an array, gathered side by side, and judged by the core.
//!
//! Nothing is changed, and no bad password is counted: tickets are asked for with the controller's
//! own credential. Whatever may not be read is told as such.

mod client;
mod directory;
mod nodes;
mod service;

use futures_util::future::{OptionFuture, join, join_all, join3, join5};
use keyroll::doctor::{ArrayFacts, Examined, Facts, Grade, OpenRoll, ScheduleFacts, examine};
use keyroll::roll::Roll;
use keyroll_proto::operator as said;

use self::service::Page;
use super::Controller;
use super::no::No;
use crate::desired::Desired;
use crate::store::{ArrayRecord, NodeState, Read as _};

impl Controller {
    /// Looks at everything, changes nothing.
    ///
    /// # Errors
    /// [`No`] for an array or node that is not known, and if the store fails.
    pub async fn doctor(&self, request: &said::DoctorRequest) -> Result<said::DoctorReply, No> {
        let array = match request.node.is_empty() {
            true => self.array(&request.array)?,
            false => self.member(&request.array, &request.node)?.0,
        };
        let desired =
            Desired::of(&self.ports, &array).map_err(|error| No::internal(error.to_string()))?;
        let page = service::page(&array, &request.url, request.node_port)?;
        let facts = self.facts(&desired, &request.node, page.as_ref()).await?;
        let mut reply = reply(&examine(&facts));
        if request.from_client {
            reply.client = client::task(&array, page.as_ref(), &facts);
        }
        Ok(reply)
    }

    async fn facts(&self, desired: &Desired, only: &str, page: Option<&Page>) -> Result<Facts, No> {
        let array = &desired.array;
        let mut nodes = self.ports.store.members(&array.name)?;
        let members = nodes.iter().map(|node| node.name.clone()).collect();
        nodes.retain(|node| node.state == NodeState::Joined);
        let around: Vec<String> = nodes.iter().map(service::dialled).collect();
        nodes.retain(|node| only.is_empty() || node.name.as_str() == only);
        let looks = join_all(nodes.iter().map(|node| self.look_at(desired, &node.name)));
        let services = page.map(|page| self.service_facts(desired, page, &nodes, &around));
        let services = OptionFuture::from(services);
        let domain = join5(
            self.domain_facts(desired),
            self.host_facts(array),
            self.name_facts(array),
            self.delegation_facts(array),
            join(self.surplus_facts(array), self.rights_facts(array)),
        );
        let ((dcs, hosts, names, delegation, (surplus, rights)), looks, services) =
            join3(domain, looks, services).await;
        let (dcs, ticket) = dcs?;
        let each = nodes.iter().zip(looks);
        let each = each.map(|(node, look)| self.node_facts(array, node, look, ticket.as_ref()));
        Ok(Facts {
            now_unix: self.ports.clock.now().timestamp(),
            array: self.array_facts(desired)?,
            dcs,
            hosts,
            names,
            delegation,
            surplus,
            rights,
            members,
            nodes: join_all(each).await,
            services: services.unwrap_or_default(),
            one_node_alone: !only.is_empty(),
            service_asked_for: page.is_some_and(|page| page.named),
        })
    }

    fn array_facts(&self, desired: &Desired) -> Result<ArrayFacts, No> {
        let array = &desired.array;
        let current = array.current.as_ref();
        let held = desired.keyset.generations.iter().map(|one| one.kvno);
        Ok(ArrayFacts {
            name: array.name.clone(),
            account: array.account.sam_account_name.clone(),
            spns: array.spns.clone(),
            pending: array.spns_pending.iter().cloned().collect(),
            prepared: array.naming.prepared.clone(),
            leaving: array.naming.leaving.clone(),
            enctypes: array.enctypes.clone(),
            kvno: current.map(|current| current.kvno),
            other_kvnos: held.collect(),
            salt: current.and_then(|current| current.salt.clone()),
            method: array.method,
            password_known: desired
                .base
                .as_ref()
                .is_some_and(|base| base.password.is_some()),
            password_length: array.password_length,
            stale: array.stale.clone(),
            roll: desired.roll.as_ref().map(open_roll),
            schedule: self.schedule_facts(array)?,
            certificate_life: self.authority.lifetimes().node,
            authority_ends_unix: self
                .authority
                .ends_unix()
                .map_err(|error| No::internal(error.to_string()))?,
            noticed: self.noticed(array),
        })
    }

    fn schedule_facts(&self, array: &ArrayRecord) -> Result<ScheduleFacts, No> {
        let view = self.schedule_view(array, 0)?;
        Ok(ScheduleFacts {
            set: !view.schedule_toml.is_empty(),
            paused: view.paused,
            next: view.next,
            alarm: view.alarm,
        })
    }
}

fn open_roll(roll: &Roll) -> OpenRoll {
    OpenRoll {
        number: roll.frame().roll.0,
        state: roll.state().name(),
        halted: roll.trouble().map(keyroll::roll::Trouble::sentence),
    }
}

fn reply(examined: &[Examined]) -> said::DoctorReply {
    let grades = examined.iter().map(|one| one.finding.grade);
    said::DoctorReply {
        grade: grades.max().unwrap_or(Grade::Ok).name().to_owned(),
        findings: examined.iter().map(said::Finding::from).collect(),
        client: None,
    }
}
