//! What an inventory is worth: each risk said plainly, with something safer.

use super::party::{is_crowd, left_to_one, shown};
use super::{Actor, Control, Inventory, Party, Target, Tier};
use crate::account::protection::Protection;
use crate::descriptor::Descriptor;
use crate::shell::{quoted, word};

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

/// The code of what says that others may hold more than was seen.
pub const NOT_ALL_SEEN: &str = "not-all-seen";

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
            .map(|one| of_target(array, &inventory.own.account, one)),
    );
    found.extend(inventory.resources.iter().map(of_resource));
    found.extend(of_fronts(inventory));
    found.extend(of_actors(array, inventory));
    found.extend(of_unconstrained(&inventory.unconstrained));
    found.extend(of_what_is_hidden(inventory));
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
        "keyroll delegation apply {array} --no-unconstrained (with --to SPN for each service that \
         it needs)"
    );
    let any_protocol = format!(
        "keyroll delegation apply {array} --protocol-transition off (if all its users log in by \
         Kerberos)"
    );
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
            Notice,
            "sensitive-front",
            "it delegates, and nobody may act for it itself",
            "only where a KDC is Samba: that one issues no ticket to it that is evidence, so \
             delegation by it fails; to a Windows one it is nothing, and protects the account",
            format!("keyroll delegation test {array} --to SPN tells whether it works here"),
        ),
        (
            !control.has(Control::NOT_DELEGATED) && inventory.ways().is_empty(),
            Notice,
            "not-sensitive",
            "others may act for the account itself",
            "a service that may delegate becomes this account where it is a client",
            format!("keyroll delegation apply {array} --sensitive on"),
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

fn of_target(array: &str, own: &str, target: &Target) -> Finding {
    let spn = &target.spn;
    let away = format!("keyroll delegation apply {array} --not-to {}", word(spn));
    let finding = |grade, code, what: String, risk: &str, safer: String| Finding {
        grade,
        code,
        object: spn.clone(),
        what,
        risk: risk.to_owned(),
        safer,
    };
    // Before all else: that its account is disabled is no fault of the KDC's.
    if let Some(tier) = Tier::of(spn, &target.owners) {
        let owner = target.owners.first();
        let owner = owner.map_or("krbtgt", |one| one.account.as_str());
        let (code, what, risk) = of_tier(&tier, owner);
        return finding(Grade::Critical, code, what, &risk, away);
    }
    match target.owners.as_slice() {
        [] => finding(
            Grade::Warning,
            "target-missing",
            "no account that can be seen has this SPN".to_owned(),
            "delegation to it fails; and whoever may register it gets what is meant for it",
            format!("{away} (or have its account given that SPN)"),
        ),
        [owner] if owner.has(Control::DISABLED) => finding(
            Grade::Warning,
            "target-disabled",
            format!("its account {} is disabled", owner.account),
            "a Windows DC issues no ticket for it: delegation to it fails",
            format!(
                "samba-tool user enable {} (or Enable-ADAccount; or {away})",
                quoted(&owner.account)
            ),
        ),
        [owner] if owner.hidden => finding(
            Grade::Notice,
            "target-hidden",
            format!(
                "flags or groups of its account {} are not shown",
                owner.account
            ),
            "whether it is disabled, a domain controller's or an administrator's is not known",
            may_read(&owner.account),
        ),
        [owner] => finding(
            Grade::Notice,
            "constrained",
            format!("{own} may act for its users there, by a list of its own"),
            &format!(
                "whoever holds the key of {own} may act there, at every service of {}, for each \
                 user who logs in to {array}",
                owner.account
            ),
            format!(
                "resource based, which is bound to {0} and may be ended by whoever may write it: \
                 {away}, then keyroll delegation apply {array} --to {1} --way resource-based; \
                 between the two nobody is acted for at {0}",
                owner.account,
                word(spn)
            ),
        ),
        several => finding(
            Grade::Warning,
            "target-duplicate",
            format!("{} have it", shown(several)),
            "nobody gets a ticket for an SPN of two accounts: delegation to it fails",
            left_to_one(spn, several),
        ),
    }
}

/// The code of what an owner is, what is seen, and what comes of it.
fn of_tier(tier: &Tier, owner: &str) -> (&'static str, String, String) {
    const ALL: &str = "the service's name is not protected in a ticket: delegation to one service \
                       of an account is delegation to all of them, here to";
    match tier {
        Tier::Kdc => (
            "target-is-kdc",
            format!("it belongs to the KDC's own account {owner}"),
            format!("{ALL} the one that issues tickets: any user, everywhere"),
        ),
        Tier::DomainController => (
            "target-is-dc",
            format!("it belongs to the domain controller {owner}"),
            format!("{ALL} the directory itself"),
        ),
        Tier::Protected(marks) => (
            "target-protected",
            format!("its account {owner} is protected ({})", listed(marks)),
            format!("{ALL} whatever an administrator's account runs"),
        ),
    }
}

/// Marks of an account in words.
pub(super) fn listed(marks: &[Protection]) -> String {
    let marks: Vec<String> = marks.iter().map(ToString::to_string).collect();
    marks.join(", ")
}

/// What lets the controller see more of an account.
fn may_read(account: &str) -> String {
    format!(
        "let the controller's account read the property set Account Restrictions and tokenGroups \
         of {account}"
    )
}

fn of_what_is_hidden(inventory: &Inventory) -> Option<Finding> {
    inventory.partial.then(|| Finding {
        grade: Grade::Notice,
        code: NOT_ALL_SEEN,
        object: inventory.own.account.clone(),
        what: "accounts of its domain hide their flags and descriptors from this controller"
            .to_owned(),
        risk: "who is unconstrained, and who lets whom act by a descriptor, is seen in part alone"
            .to_owned(),
        safer: may_read("the domain's accounts"),
    })
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
        let transition = front.party.control;
        let transition = transition.map(|control| control.has(Control::PROTOCOL_TRANSITION));
        let (grade, risk, safer) = match transition {
            Some(true) => (
                Grade::Warning,
                "it may come as any user, whether that user has logged in there or not",
                Some(format!(
                    "samba-tool delegation for-any-protocol {} off (or Set-ADAccountControl \
                     -TrustedToAuthForDelegation $false)",
                    quoted(&front.party.account)
                )),
            ),
            Some(false) => (
                Grade::Notice,
                "it may come as any user who has logged in there",
                None,
            ),
            None => (
                Grade::Notice,
                "it may come as any user who has logged in there; its flags are not shown, so \
                 perhaps as any user at all",
                None,
            ),
        };
        Finding {
            grade,
            code: "delegated-to",
            object: front.party.account.clone(),
            what: format!("may act for users at {}", front.spns.join(", ")),
            risk: risk.to_owned(),
            safer: safer.unwrap_or_default(),
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
            Ok(found) => {
                let mut each = each_actor(array, inventory);
                each.extend(found.has_conditions().then(|| {
                    let what = "an entry of what says who may act at it has a condition";
                    let risk = "who may come by it as any user is not told here";
                    let code = "actor-conditional";
                    finding(Grade::Notice, code, own, what, risk, String::new())
                }));
                return each;
            }
        };
        let risk = "any account with an SPN may come as any user, or none can";
        let safer = format!("clear msDS-AllowedToActOnBehalfOfOtherIdentity of {own}");
        return vec![finding(grade, code, own, what, risk, safer)];
    }
    Vec::new()
}

fn each_actor(array: &str, inventory: &Inventory) -> Vec<Finding> {
    let own = inventory.own.sid.as_ref();
    let of_its_domain = |actor: &Actor| own.is_some_and(|own| own.is_beside(&actor.sid));
    let each = inventory.actors.iter().map(|actor| {
        let away = format!("keyroll delegation apply {array} --not-from {}", actor.sid);
        let (grade, code, risk, safer) = if is_crowd(&actor.sid) {
            let risk = "anybody who makes an account with an SPN may come as any user";
            (Grade::Critical, "crowd-may-act", risk, away)
        } else if actor.party.is_none() && of_its_domain(actor) {
            let risk = "the account is gone, or hidden from this controller";
            (Grade::Warning, "actor-unknown", risk, away)
        } else if actor.party.is_none() {
            let risk = "its account is elsewhere and not looked up here; it may come as any user \
                        but those who are sensitive or protected";
            (Grade::Notice, "actor-elsewhere", risk, String::new())
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
