//! The accounts that a plan meets: who owns a service, and whom a descriptor lets in all the same.

use std::collections::BTreeSet;

use super::{Refused, Service};
use crate::delegation::finding::listed;
use crate::delegation::{Holding, Party, Tier};
use crate::descriptor::Sid;

/// That the descriptor of `of` lets somebody act there even without the entry of their own, if it
/// does or may; `who` is what they are called, with every SID by which they may be let in.
pub(super) fn still_open(
    of: &Party,
    holding: &Holding,
    own: Option<&Sid>,
    (who, caller): (&str, Option<&BTreeSet<Sid>>),
) -> Option<String> {
    let mut left = holding.actors()?;
    if let Some(own) = own {
        left.disallow(own);
    }
    let of = &of.account;
    let Some(caller) = caller else {
        let others = !left.actors().is_empty() || left.dacl().is_none();
        return others.then(|| {
            format!("whether the descriptor of {of} lets {who} in by a group is not known")
        });
    };
    left.lets_act(caller).then(|| match left.lets_act_by(caller) {
        Some(by) => format!(
            "{who} may act at {of} all the same: its descriptor lets {by} in, which {who} is or is \
             a member of; that entry must go, or the membership"
        ),
        None => format!(
            "{who} may act at {of} all the same: its descriptor has no list of entries, which lets \
             everybody in"
        ),
    })
}

/// The one account that has a service, if a service is all that it is.
///
/// # Errors
/// [`Refused`] for any other.
pub(super) fn sole_owner(service: &Service) -> Result<&Party, Refused> {
    let spn = || service.spn.clone();
    let tier = Tier::of(&service.spn, &service.owners);
    let name = || service.owners.first().map(|one| one.account.clone());
    match (tier, name()) {
        (Some(Tier::Kdc), _) => return Err(Refused::OfKdc(spn())),
        (Some(Tier::DomainController), Some(name)) => {
            return Err(Refused::OfDomainController(spn(), name));
        }
        (Some(Tier::Protected(marks)), Some(name)) => {
            return Err(Refused::OfProtected(spn(), name, listed(&marks)));
        }
        _ => {}
    }
    match service.owners.as_slice() {
        [] => Err(Refused::NoOwner(spn())),
        [owner] => Ok(owner),
        several => Err(Refused::Owners {
            spn: spn(),
            owners: several.to_vec(),
        }),
    }
}
