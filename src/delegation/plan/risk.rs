//! What a plan risks, said plainly before anybody agrees to it.

use super::{Ground, Service, Way};
use crate::delegation::{Actor, Control, Party};

/// What a way to a service risks.
pub(super) fn of_way(ground: &Ground, service: &Service, owner: &Party, way: Way) -> String {
    let (own, spn, owner) = (&ground.own.account, &service.spn, &owner.account);
    let transition = ground.holding.control.has(Control::PROTOCOL_TRANSITION);
    match way {
        Way::ResourceBased => format!(
            "{spn}, resource based: whoever holds the key of {own} may act there, at every service \
             of {owner}, for any user but the sensitive and protected, logged in or not; whoever \
             may write {owner} can end it"
        ),
        Way::Constrained if transition => format!(
            "{spn}, constrained with protocol transition: whoever holds the key of {own} may act \
             there, at every service of {owner}, for any user but the sensitive and protected, \
             logged in or not; safer: --protocol-transition off"
        ),
        Way::Constrained => format!(
            "{spn}, constrained: whoever holds the key of {own} may act there, at every service of \
             {owner}, for each user who logs in to {}",
            ground.array
        ),
    }
}

/// What somebody who is let in may do.
pub(super) fn of_actor(ground: &Ground, actor: &Actor) -> String {
    let sid = &actor.sid;
    let who = actor.party.as_ref().map_or_else(
        || format!("{sid}, of whom nothing was found in this domain or its global catalog,"),
        |party| format!("{} ({sid})", party.account),
    );
    format!(
        "{who} may come to {} as any user but the sensitive and protected, logged in or not",
        ground.array
    )
}

/// What a flag that is set or cleared does.
pub(super) fn of_flag(ground: &Ground, bit: u32, set: bool) -> Option<String> {
    let own = &ground.own.account;
    match (bit, set) {
        (Control::UNCONSTRAINED, false) => Some(format!(
            "what {own} does with its users' own tickets ends with those: name the services that \
             it needs by --to SPN; tickets that were handed to it stay good until they end"
        )),
        (Control::PROTOCOL_TRANSITION, true) => Some(format!(
            "with protocol transition whoever holds the key of {own} is every user but the \
             sensitive and protected at each service of its list, logged in or not; safer: leave \
             it off where users log in by Kerberos"
        )),
        (Control::PROTOCOL_TRANSITION, false) => Some(format!(
            "users who do not log in to {own} by Kerberos are not acted for by its list any more"
        )),
        (Control::NOT_DELEGATED, true) => Some(format!(
            "a Samba KDC issues no ticket to {own} that is evidence then: it could not act for its \
             users there"
        )),
        _ => None,
    }
}

/// That the rest bounds nothing.
pub(super) fn unconstrained_stays(ground: &Ground) -> String {
    format!(
        "{} stays unconstrained: whoever takes over one node is every user who logs in, \
         everywhere, whatever else is set; safer: --no-unconstrained",
        ground.own.account
    )
}

/// What it means for rolls.
pub(super) fn of_rolls(ground: &Ground) -> String {
    let array = &ground.array;
    format!(
        "from then on a roll of {array} is refused (delegation-gap) until it is accepted: keyroll \
         roll {array} --accept-delegation-gap, or the array's policy"
    )
}
