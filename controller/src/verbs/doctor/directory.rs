//! What the domain controllers tell.

use std::collections::BTreeMap;

use futures_util::future::{OptionFuture, join_all, join4};
use keyroll::account::rights::LeastRights;
use keyroll::delegation;
use keyroll::doctor::{
    DcFacts, HostFacts, NameFacts, Rival, Seen, Surplus, TicketFacts, Unseen, UnseenKind,
};
use keyroll::kerberos::Principal;
use keyroll::kerberos::salt::AccountKind;
use keyroll::name::DcName;
use keyroll::roll::WhichKey;
use keyroll::spn::Spn;

use crate::desired::Desired;
use crate::directory::acl::RightsRequest;
use crate::ports::{PortError, Sighting};
use crate::reconcile::candidates::Candidates;
use crate::store::ArrayRecord;
use crate::verbs::verify::known;
use crate::verbs::{Controller, No};

/// What a KDC gave or said; none if it was not asked.
type Ticket = Option<Result<Sighting, PortError>>;

/// The hosts of the array's SPNs in lower case, each with the first such SPN. One that is not
/// registered yet, or not any more, needs no address.
pub(super) fn hosts(array: &ArrayRecord) -> BTreeMap<String, Spn> {
    let mut hosts = BTreeMap::new();
    let naming = &array.naming;
    let away = |spn: &String| naming.prepared.contains(spn) || naming.leaving.contains_key(spn);
    let called = array.spns.iter().filter(|spn| !away(spn));
    for spn in called.filter_map(|spn| spn.parse::<Spn>().ok()) {
        hosts.entry(spn.host().to_ascii_lowercase()).or_insert(spn);
    }
    hosts
}

impl Controller {
    /// Every domain controller, and a ticket under a key in force, if one gave such.
    ///
    /// # Errors
    /// [`No`] if the store fails.
    pub(super) async fn domain_facts(
        &self,
        desired: &Desired,
    ) -> Result<(Seen<Vec<DcFacts>>, Option<Sighting>), No> {
        let dcs = match self.ports.directory.domain_controllers().await {
            Ok(dcs) => dcs,
            Err(error) => return Ok((Err(error.into()), None)),
        };
        let service = desired.array.registered_services().next();
        let each = dcs
            .into_iter()
            .map(|dc| self.dc_facts(desired, service.as_ref(), dc));
        let mut candidates = Candidates::new(&self.ports, desired);
        let (mut facts, mut ours) = (Vec::new(), None);
        for (mut dc, ticket) in join_all(each).await {
            dc.ticket = match ticket {
                None => None,
                Some(Err(error)) => Some(Err(error.into())),
                Some(Ok(ticket)) => {
                    let seen = ticket_facts(&ticket, &mut candidates)?;
                    ours = ours.or(Some(ticket).filter(|one| one.key != WhichKey::Foreign));
                    Some(Ok(seen))
                }
            };
            facts.push(dc);
        }
        Ok((Ok(facts), ours))
    }

    /// What DNS says of each host of the array's SPNs.
    pub(super) async fn host_facts(&self, array: &ArrayRecord) -> Vec<HostFacts> {
        let each = hosts(array).into_values().map(async |spn| HostFacts {
            records: self
                .ports
                .directory
                .host(spn.host())
                .await
                .map_err(Unseen::from),
            spn,
        });
        join_all(each).await
    }

    /// What there is to say of delegation, by the domain controller that is written to.
    pub(super) async fn delegation_facts(
        &self,
        array: &ArrayRecord,
    ) -> Seen<Vec<delegation::Finding>> {
        let directory = &self.ports.directory;
        let dcs = directory.domain_controllers().await.map_err(Unseen::from)?;
        let Some(writer) = dcs.first() else {
            return Ok(Vec::new());
        };
        let account = array.account_ref();
        let inventory = directory.delegation(writer, &account, &array.spns).await;
        inventory
            .map(|inventory| delegation::findings(array.name.as_str(), &inventory))
            .map_err(Unseen::from)
    }

    /// Who else has the array's SPNs, or names like them, as the domain controller that is written
    /// to shows it.
    pub(super) async fn name_facts(&self, array: &ArrayRecord) -> Seen<NameFacts> {
        let directory = &self.ports.directory;
        let dcs = directory.domain_controllers().await.map_err(Unseen::from)?;
        let Some(writer) = dcs.first() else {
            return Ok(NameFacts::default());
        };
        let spns: Vec<Spn> = array
            .spns
            .iter()
            .filter_map(|spn| spn.parse().ok())
            .collect();
        let rivals = self.rivals_of(&array.account.guid, writer, &spns).await;
        let (rivals, searched) = rivals.map_err(Unseen::from)?;
        let rivals = rivals.into_iter().map(|(spn, likeness, one)| Rival {
            spn: spn.to_string(),
            likeness,
            theirs: one.spn,
            account: one.account,
            distinguished_name: one.distinguished_name,
            guid: one.guid,
            forest: one.forest,
        });
        let unseen = searched.unseen.into_iter().map(|one| {
            let why = format!("it was not looked through: {}", one.why);
            let (next, kind) = (one.next, UnseenKind::Silent);
            (one.forest, Unseen { why, next, kind })
        });
        Ok(NameFacts {
            rivals: rivals.collect(),
            forests: searched.others,
            unseen: unseen.collect(),
        })
    }

    /// What an administrator types for the least rights, by the same domain controller.
    pub(super) async fn rights_facts(&self, array: &ArrayRecord) -> Seen<LeastRights> {
        let directory = &self.ports.directory;
        let dcs = directory.domain_controllers().await.map_err(Unseen::from)?;
        let wanted = RightsRequest {
            account: &array.account.sam_account_name,
            trustee: &self.trustee,
            kind: AccountKind::Computer,
            container: None,
        };
        let none = || Unseen {
            why: "there is no domain controller".to_owned(),
            next: "keyroll status".to_owned(),
            kind: UnseenKind::Missing,
        };
        let writer = dcs.first().ok_or_else(none)?;
        let found = directory.rights(writer, &wanted).await;
        found.map_err(Unseen::from)
    }

    /// What the controller's account may do beside its work, by the same domain controller.
    pub(super) async fn surplus_facts(&self, array: &ArrayRecord) -> Seen<Vec<Surplus>> {
        let directory = &self.ports.directory;
        let dcs = directory.domain_controllers().await.map_err(Unseen::from)?;
        let Some(writer) = dcs.first() else {
            return Ok(Vec::new());
        };
        let found = directory.surplus(writer, &array.account_ref()).await;
        found.map_err(Unseen::from)
    }

    /// A domain controller without its ticket, and that.
    async fn dc_facts(
        &self,
        desired: &Desired,
        service: Option<&Principal>,
        dc: DcName,
    ) -> (DcFacts, Ticket) {
        let (directory, account) = (&self.ports.directory, desired.array.account_ref());
        let known = known(desired);
        let sight = service.map(|service| self.ports.kdc.sight(&dc, service, &known));
        let (state, history, ticket, ldap) = join4(
            directory.read(&dc, &account),
            directory.history(&dc, &account),
            OptionFuture::from(sight),
            directory.takes(&dc),
        )
        .await;
        let facts = DcFacts {
            account: state.map_err(Unseen::from),
            history: history.map_err(Unseen::from),
            ldap: ldap.map_err(Unseen::from).transpose(),
            ticket: None,
            name: dc,
        };
        (facts, ticket)
    }
}

fn ticket_facts(ticket: &Sighting, candidates: &mut Candidates<'_>) -> Result<TicketFacts, No> {
    Ok(TicketFacts {
        key: candidates.whose(ticket)?,
        kvno: ticket.kvno,
        enctype: ticket.enctype,
        clock_offset: ticket.clock_offset,
    })
}
