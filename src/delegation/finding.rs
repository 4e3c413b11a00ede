//! What an inventory is worth: each risk said plainly, with something safer.

use super::{Control, Inventory, Party, Target};
use crate::descriptor::{Descriptor, Sid};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Whoever takes over the service, or a crowd, becomes any user in many places.
    Critical,
    /// Something does not work, or risks more than it needs to.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Grade {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// One thing that an inventory shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub grade: Grade,
    /// What kind it is, in a word that never changes.
    pub code: &'static str,
    /// Whom or what it is about.
    pub object: String,
    /// What was seen.
    pub what: String,
    /// What can come of it.
    pub risk: String,
    /// What would be safer, as a command or a sentence; empty if nothing.
    pub safer: String,
}

/// How many names a sentence lists.
const LISTED: usize = 5;

/// Everything that an inventory shows of an array's account, the gravest first.
#[must_use]
pub fn findings(array: &str, inventory: &Inventory) -> Vec<Finding> {
    let mut found = own_flags(array, inventory);
    found.extend(
        inventory
            .targets
            .iter()
            .flat_map(|one| of_target(array, one)),
    );
    found.extend(inventory.resources.iter().map(of_resource));
    found.extend(of_fronts(inventory));
    found.extend(of_actors(array, inventory));
    found.extend(of_unconstrained(&inventory.unconstrained));
    found.sort_by_key(|one| one.grade);
    found
}

fn own_flags(array: &str, inventory: &Inventory) -> Vec<Finding> {
    use Grade::{Critical, Notice, Warning};
    let control = inventory.holding.control;
    let listed = !inventory.holding.targets.is_empty();
    let unconstrained = control.has(Control::UNCONSTRAINED);
    let transition = control.has(Control::PROTOCOL_TRANSITION);
    let any_service = format!(
        "keyroll delegation apply {array} --no-unconstrained --to SPN, with each service that it \
         needs"
    );
    let any_protocol = format!(
        "keyroll delegation apply {array} --protocol-transition off, if all its users log in by \
         Kerberos"
    );
    let sensitive = |on: &str| format!("keyroll delegation apply {array} --sensitive {on}");
    let table = [
        (
            unconstrained,
            Critical,
            "unconstrained",
            "it is trusted for delegation to any service",
            "every user who logs in hands it a ticket-granting ticket: whoever takes over one node \
             is each of them, everywhere, until those tickets end",
            any_service.clone(),
        ),
        (
            transition && listed,
            Warning,
            "protocol-transition",
            "it may name any user to its targets, whether that user has logged in or not",
            "whoever holds its key is every user at its targets but those who are sensitive or \
             protected",
            any_protocol.clone(),
        ),
        (
            transition && !listed,
            Warning,
            "protocol-transition-idle",
            "it may name any user, and has no list of services to name them to",
            "nothing works by it, and the next name in the list works for any user",
            any_protocol,
        ),
        (
            unconstrained && listed,
            Notice,
            "list-idle",
            "it has a list of services, which bounds nothing while it is unconstrained",
            "the list looks like a limit and is none",
            any_service,
        ),
        (
            control.has(Control::NOT_DELEGATED) && listed,
            Warning,
            "sensitive-front",
            "it delegates, and nobody may act for it itself",
            "a Samba KDC issues no ticket to it that is evidence, so delegation by it fails there; \
             a Windows one does",
            sensitive("off"),
        ),
        (
            !control.has(Control::NOT_DELEGATED) && inventory.ways().is_empty(),
            Notice,
            "not-sensitive",
            "others may act for the account itself",
            "a service that may delegate becomes this account where it is a client",
            sensitive("on"),
        ),
    ];
    let held = table.into_iter().filter(|(holds, ..)| *holds);
    held.map(|(_, grade, code, what, risk, safer)| Finding {
        grade,
        code,
        object: inventory.own.account.clone(),
        what: what.to_owned(),
        risk: risk.to_owned(),
        safer,
    })
    .collect()
}

fn of_target(array: &str, target: &Target) -> Option<Finding> {
    let spn = &target.spn;
    let away = format!("keyroll delegation apply {array} --not-to {spn}");
    let finding = |grade, code, what: String, risk: &str, safer: String| Finding {
        grade,
        code,
        object: spn.clone(),
        what,
        risk: risk.to_owned(),
        safer,
    };
    match target.owners.as_slice() {
        [] => Some(finding(
            Grade::Warning,
            "target-missing",
            "no account has this SPN".to_owned(),
            "delegation to it fails; and whoever may register it gets what is meant for it",
            format!("register it, or: {away}"),
        )),
        [owner] if owner.control.has(Control::DOMAIN_CONTROLLER) => Some(finding(
            Grade::Critical,
            "target-is-dc",
            format!("it belongs to the domain controller {}", owner.account),
            "the service's name is not protected in a ticket: delegation to one service of an \
             account is delegation to all of them, here to the directory itself",
            away,
        )),
        [owner] if owner.control.has(Control::DISABLED) => Some(finding(
            Grade::Warning,
            "target-disabled",
            format!("its account {} is disabled", owner.account),
            "a Windows DC issues no ticket for it: delegation to it fails",
            format!("enable it, or: {away}"),
        )),
        [_] => None,
        several => Some(finding(
            Grade::Warning,
            "target-duplicate",
            format!("{} have it", names(several)),
            "nobody gets a ticket for an SPN of two accounts: delegation to it fails",
            format!("setspn -D {spn} ACCOUNT, on all but one of them"),
        )),
    }
}

fn of_resource(resource: &Party) -> Finding {
    Finding {
        grade: Grade::Notice,
        code: "acts-at",
        object: resource.account.clone(),
        what: "it lets this account act for users at it, by a descriptor of its own".to_owned(),
        risk: "what runs there trusts every node of the array".to_owned(),
        safer: String::new(),
    }
}

fn of_fronts(inventory: &Inventory) -> impl Iterator<Item = Finding> {
    inventory.fronts.iter().map(|front| {
        let transition = front.party.control.has(Control::PROTOCOL_TRANSITION);
        let (grade, risk, safer) = if transition {
            let risk = "it may come as any user, whether that user has logged in there or not";
            (Grade::Warning, risk, "take its protocol transition away")
        } else {
            (
                Grade::Notice,
                "it may come as any user who has logged in there",
                "",
            )
        };
        Finding {
            grade,
            code: "delegated-to",
            object: front.party.account.clone(),
            what: format!("may act for users at {}", front.spns.join(", ")),
            risk: risk.to_owned(),
            safer: safer.to_owned(),
        }
    })
}

fn of_actors(array: &str, inventory: &Inventory) -> Vec<Finding> {
    let own = &inventory.own.account;
    let finding = |grade, code, object: &str, what: &str, risk: &str, safer: String| Finding {
        grade,
        code,
        object: object.to_owned(),
        what: what.to_owned(),
        risk: risk.to_owned(),
        safer,
    };
    if let Some(bytes) = &inventory.holding.descriptor {
        let (grade, code, what) = match Descriptor::from_bytes(bytes) {
            Err(_) => (
                Grade::Warning,
                "descriptor-unreadable",
                "what says who may act at it is no security descriptor",
            ),
            Ok(found) if found.dacl().is_none() => (
                Grade::Critical,
                "anybody-may-act",
                "what says who may act at it has no list of entries, which lets everybody",
            ),
            Ok(_) => return each_actor(array, inventory),
        };
        let risk = "any account with an SPN may come as any user, or none can";
        let safer = format!("clear msDS-AllowedToActOnBehalfOfOtherIdentity of {own}");
        return vec![finding(grade, code, own, what, risk, safer)];
    }
    Vec::new()
}

fn each_actor(array: &str, inventory: &Inventory) -> Vec<Finding> {
    let each = inventory.actors.iter().map(|actor| {
        let away = format!("keyroll delegation apply {array} --not-from {}", actor.sid);
        let (grade, code, risk, safer) = if is_crowd(&actor.sid) {
            let risk = "anybody who makes an account with an SPN may come as any user";
            (Grade::Critical, "crowd-may-act", risk, away)
        } else if actor.party.is_none() {
            let risk = "the account is gone, or of another domain; its SID is nobody's you can see";
            (Grade::Warning, "actor-unknown", risk, away)
        } else {
            let risk = "it may come as any user but those who are sensitive or protected";
            (Grade::Notice, "actor", risk, String::new())
        };
        let party = actor.party.as_ref();
        Finding {
            grade,
            code,
            object: party.map_or_else(|| actor.sid.to_string(), |one| one.account.clone()),
            what: "may act for users at it, by the array's own descriptor".to_owned(),
            risk: risk.to_owned(),
            safer,
        }
    });
    each.collect()
}

/// Everyone, Authenticated Users, Anonymous, Users, and a domain's Users, Guests and Computers
/// (MS-DTYP 2.4.2.4).
pub(super) fn is_crowd(sid: &Sid) -> bool {
    let text = sid.to_string();
    let known = [
        "S-1-1-0",
        "S-1-5-7",
        "S-1-5-11",
        "S-1-5-32-545",
        "S-1-5-32-546",
    ];
    let of_domain = ["-513", "-514", "-515"];
    known.contains(&text.as_str())
        || text.starts_with("S-1-5-21-") && of_domain.iter().any(|end| text.ends_with(end))
}

fn of_unconstrained(others: &[Party]) -> Option<Finding> {
    (!others.is_empty()).then(|| Finding {
        grade: Grade::Warning,
        code: "unconstrained-elsewhere",
        object: names(others),
        what: format!(
            "{} other accounts of the domain are unconstrained",
            others.len()
        ),
        risk: "whoever holds one of them is every user who logs in there, this array's too"
            .to_owned(),
        safer: "make users who matter sensitive, and constrain those accounts".to_owned(),
    })
}

fn names(parties: &[Party]) -> String {
    let some = parties.iter().take(LISTED).map(|one| one.account.as_str());
    let text = some.collect::<Vec<_>>().join(", ");
    match parties.len().checked_sub(LISTED) {
        None | Some(0) => text,
        Some(more) => format!("{text} and {more} more"),
    }
}
