//! What the domain controllers tell.

use futures_util::future::{OptionFuture, join_all, join3};
use keyroll::doctor::{DcFacts, TicketFacts, Unseen};
use keyroll::kerberos::Principal;
use keyroll::name::DcName;
use keyroll::roll::WhichKey;

use super::unseen;
use crate::desired::Desired;
use crate::ports::Sighting;
use crate::verbs::Controller;
use crate::verbs::verify::known;

impl Controller {
    /// Every domain controller, and a ticket under a key that is known here, if one gave such.
    pub(super) async fn domain_facts(
        &self,
        desired: &Desired,
    ) -> Result<(Vec<DcFacts>, Option<Sighting>), Unseen> {
        let dcs = self.ports.directory.domain_controllers().await;
        let dcs = dcs.map_err(unseen)?;
        let service = desired.array.registered_services().next();
        let each = dcs
            .into_iter()
            .map(|dc| self.dc_facts(desired, service.as_ref(), dc));
        let (facts, tickets): (Vec<_>, Vec<_>) = join_all(each).await.into_iter().unzip();
        let mut tickets = tickets.into_iter().flatten();
        Ok((facts, tickets.find(|one| one.key != WhichKey::Foreign)))
    }

    async fn dc_facts(
        &self,
        desired: &Desired,
        service: Option<&Principal>,
        dc: DcName,
    ) -> (DcFacts, Option<Sighting>) {
        let (directory, account) = (&self.ports.directory, desired.array.account_ref());
        let known = known(desired);
        let sight = service.map(|service| self.ports.kdc.sight(&dc, service, &known));
        let (state, history, ticket) = join3(
            directory.read(&dc, &account),
            directory.history(&dc, &account),
            OptionFuture::from(sight),
        )
        .await;
        let facts = |ticket: &Sighting| TicketFacts {
            key: ticket.key,
            kvno: ticket.kvno,
            enctype: ticket.enctype,
            clock_offset: ticket.clock_offset,
        };
        let seen = ticket.as_ref().map(|ticket| match ticket {
            Ok(ticket) => Ok(facts(ticket)),
            Err(error) => Err(unseen(error.clone())),
        });
        let facts = DcFacts {
            account: state.map_err(unseen),
            history: history.map_err(unseen),
            ticket: seen,
            name: dc,
        };
        (facts, ticket.and_then(Result::ok))
    }
}
