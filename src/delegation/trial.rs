//! A try of delegation with the account's own key: what each step came to, in words.

use super::{ACTORS, Control, Holding, Party, Target, left_to_one, left_to_somebody, shown};
use crate::kerberos::message::{KdcCode, KdcError};
use crate::shell::{quoted, word};

/// What is known of those who have a part in it, from the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The array's account.
    pub own: Party,
    /// What its object says.
    pub holding: Holding,
    /// The user for whom it acts; none if the domain has no such account.
    pub user: Option<Party>,
    /// The user is in the group Protected Users; none if its groups are not shown.
    pub protected: Option<bool>,
    /// The service to which it acts, and who has that name.
    pub target: Target,
    /// The target's own descriptor lets the account act; none if it was not seen, since the target
    /// is in another domain or hides it.
    pub let_in: Option<bool>,
}

impl Facts {
    /// Whether a descriptor alone permits it. Then a ticket that may not be handed on is evidence
    /// too, unless the user is sensitive (MS-SFU 3.2.5.2.3).
    fn by_descriptor(&self) -> bool {
        self.let_in == Some(true) && !self.holding.names(&self.target.spn)
    }
}

/// Where the evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The account has asked for it in the user's name (S4U2Self).
    Asked,
    /// The user has fetched it, as any client does.
    Shown,
}

/// A ticket that a step brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Got {
    /// It may be handed on, or be evidence.
    pub forwardable: bool,
}

/// What each step came to; none: it was not tried, since the one before failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The account logs in with its key.
    pub log_in: Result<Got, KdcError>,
    /// A ticket to the account in the user's name.
    pub evidence: Option<Result<Got, KdcError>>,
    /// A ticket to the target in the user's name (S4U2Proxy).
    pub onward: Option<Onward>,
}

/// What a KDC answers to one who asks for a ticket to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onward {
    /// A ticket.
    Got(Got),
    /// No.
    Refused(KdcError),
    /// That this realm's KDC decides it (MS-SFU 3.2.5.2.3): nothing is said for or against it.
    Referred(String),
}

/// One step, told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was tried.
    pub what: String,
    /// Whether it came to what it should.
    pub ok: bool,
    /// What came of it, and why.
    pub why: String,
    /// What to do about it; empty if nothing.
    pub next: String,
}

/// The steps of a try, told in order; the last one tells whether the account can delegate.
#[must_use]
pub fn steps(array: &str, facts: &Facts, evidence: Evidence, tried: &Tried) -> Vec<Step> {
    let own = &facts.own.account;
    let spn = &facts.target.spn;
    let user = facts
        .user
        .as_ref()
        .map_or("nobody", |one| one.account.as_str());
    let mut steps = vec![told(
        format!("{own} logs in with the array's key"),
        &tried.log_in,
        |error| (error.to_string(), format!("keyroll verify {array}")),
    )];
    if let Some(outcome) = &tried.evidence {
        let what = match evidence {
            Evidence::Asked => format!("{own} asks for a ticket to itself for {user} (S4U2Self)"),
            Evidence::Shown => format!("{user} fetches a ticket to {own}"),
        };
        steps.push(told(what, outcome, |error| no_evidence(facts, error)));
        if let (Ok(Got { forwardable: false }), Some(last)) = (outcome, steps.last_mut()) {
            let (why, next) = not_forwardable(array, facts, evidence, tried);
            // A target that lets the account in by itself may take it all the same.
            let taken = matches!(tried.onward, Some(Onward::Got(_) | Onward::Referred(_)));
            last.ok = taken || facts.by_descriptor() && forbidden(facts).is_none();
            last.why = why;
            last.next = next;
            if facts.by_descriptor() && last.ok {
                last.why = "a ticket that may not be handed on, which is evidence where a \
                            descriptor lets the account in"
                    .to_owned();
                last.next = String::new();
            }
        }
    }
    steps.extend(tried.onward.as_ref().map(|outcome| {
        let what = format!("{own} asks for a ticket to {spn} for {user} (S4U2Proxy)");
        match outcome {
            Onward::Got(got) => told(what, &Ok(*got), |_| Default::default()),
            Onward::Refused(error) => told(what, &Err(error.clone()), |error| {
                not_onward(array, facts, evidence, tried, error)
            }),
            Onward::Referred(realm) => elsewhere(what, spn, realm),
        }
    }));
    steps
}

/// A step that another realm's KDC decides.
fn elsewhere(what: String, spn: &str, realm: &str) -> Step {
    Step {
        what,
        ok: false,
        why: format!(
            "not decided here: {spn} is in {realm}, whose KDC goes by the descriptor of the \
             target's account there, which was not looked at"
        ),
        next: format!("in {realm}: Get-ADComputer TARGET -Properties {ACTORS}"),
    }
}

fn told(
    what: String,
    outcome: &Result<Got, KdcError>,
    no: impl FnOnce(&KdcError) -> (String, String),
) -> Step {
    let (ok, why, next) = match outcome {
        Ok(got) if got.forwardable => (
            true,
            "a ticket that may be handed on".to_owned(),
            String::new(),
        ),
        Ok(_) => (true, "a ticket".to_owned(), String::new()),
        Err(error) => {
            let (why, next) = no(error);
            (false, why, next)
        }
    };
    Step {
        what,
        ok,
        why,
        next,
    }
}

fn no_evidence(facts: &Facts, error: &KdcError) -> (String, String) {
    let Some(user) = &facts.user else {
        return (
            format!("the domain has no such user ({error})"),
            "give --user the sAMAccountName of an account of this domain".to_owned(),
        );
    };
    let name = &user.account;
    match error.code {
        _ if user.has(Control::DISABLED) => (
            format!("{name} is disabled ({error})"),
            format!(
                "samba-tool user enable {} (or Enable-ADAccount; or another --user)",
                quoted(name)
            ),
        ),
        KdcCode::ClientRevoked => (
            format!("{name} is disabled, locked or expired ({error})"),
            format!(
                "samba-tool user unlock {} (or Unlock-ADAccount)",
                quoted(name)
            ),
        ),
        _ => (
            format!("the KDC gives none ({error})"),
            error.code.explained(),
        ),
    }
}

/// Why a ticket is no evidence, the first reason that holds.
fn not_forwardable(
    array: &str,
    facts: &Facts,
    evidence: Evidence,
    tried: &Tried,
) -> (String, String) {
    let hidden = facts
        .user
        .as_ref()
        .filter(|user| facts.protected.is_none() || user.control.is_none());
    let hidden = hidden.map_or_else(String::new, |user| {
        format!(
            "; or {} is sensitive or in Protected Users, which is not shown to the controller",
            user.account
        )
    });
    let why = |text: &str| format!("a ticket that may not be handed on: {text}{hidden}");
    if let Some((text, next)) = forbidden(facts) {
        return (why(&text), next);
    }
    let transition = facts.holding.control.has(Control::PROTOCOL_TRANSITION);
    let own = &facts.own.account;
    if facts.holding.control.has(Control::NOT_DELEGATED) {
        let text = format!(
            "{own} is sensitive itself, and a Samba KDC issues no ticket to such an account that \
             is evidence"
        );
        return (
            why(&text),
            format!("keyroll delegation apply {array} --sensitive off"),
        );
    }
    match (evidence, &tried.log_in) {
        (Evidence::Asked, _) if !transition => (
            why(&format!(
                "{own} may not name users who have not logged in to it (no protocol transition), \
                 so only tickets that clients show it are evidence"
            )),
            format!(
                "without --user, to try a ticket that is shown; or keyroll delegation apply \
                 {array} --protocol-transition on"
            ),
        ),
        (Evidence::Asked, Ok(Got { forwardable: false })) => (
            why(&format!(
                "{own} got no ticket itself that may be handed on, which this KDC wants first"
            )),
            format!("keyroll delegation show {array}"),
        ),
        _ => (
            why("the KDC does not say why"),
            format!("keyroll delegation show {array}"),
        ),
    }
}

/// That nobody may act for the user.
fn forbidden(facts: &Facts) -> Option<(String, String)> {
    let user = facts.user.as_ref()?;
    let name = &user.account;
    if user.has(Control::NOT_DELEGATED) {
        let text = format!("{name} is sensitive and cannot be delegated (NOT_DELEGATED)");
        return Some((text, "that is meant so; try another --user".to_owned()));
    }
    (facts.protected == Some(true)).then(|| {
        let text = format!("{name} is in the group Protected Users, for whom nobody acts");
        (text, "that is meant so; try another --user".to_owned())
    })
}

/// Why there is no ticket to the target, the first reason that holds.
fn not_onward(
    array: &str,
    facts: &Facts,
    evidence: Evidence,
    tried: &Tried,
    error: &KdcError,
) -> (String, String) {
    let (spn, own) = (&facts.target.spn, &facts.own.account);
    let permitted = facts.holding.names(spn) || facts.let_in == Some(true);
    match facts.target.owners.len() {
        0 => {
            return (
                format!("no account has {spn} ({error})"),
                left_to_somebody(spn),
            );
        }
        1 => {}
        _ => {
            let owners = &facts.target.owners;
            return (
                format!("{} have {spn} ({error})", shown(owners)),
                left_to_one(spn, owners),
            );
        }
    }
    if let Some((text, next)) = forbidden(facts) {
        return (format!("{text} ({error})"), next);
    }
    if !permitted {
        let descriptor = match facts.let_in {
            Some(_) => "the target's own descriptor does not let it in",
            None => {
                "the target's own descriptor was not seen: it is in another domain, or hidden from \
                 the controller"
            }
        };
        return (
            format!(
                "{own} may not delegate to {spn}: its list does not name it, and {descriptor} \
                 ({error})"
            ),
            format!("keyroll delegation apply {array} --to {}", word(spn)),
        );
    }
    if error.code == KdcCode::BadOption && facts.by_descriptor() {
        return (
            format!(
                "the target's descriptor lets {own} in, and this KDC does not go by it (Samba \
                 before 4.19 does not) ({error})"
            ),
            format!(
                "keyroll delegation apply {array} --to {} --way constrained",
                word(spn)
            ),
        );
    }
    let handed_on = matches!(tried.evidence, Some(Ok(Got { forwardable: true })));
    if !handed_on && !facts.by_descriptor() {
        let (text, next) = not_forwardable(array, facts, evidence, tried);
        return (format!("its evidence is {text} ({error})"), next);
    }
    match error.code {
        KdcCode::BadIntegrity | KdcCode::Modified => (
            format!(
                "the KDC cannot open the evidence: it has no key of the password that was in \
                 force when the ticket was issued ({error})"
            ),
            "the user must fetch a new ticket".to_owned(),
        ),
        KdcCode::ServiceUnknown | KdcCode::WrongRealm => (
            format!(
                "this KDC does not know {spn}: in another domain only a descriptor of the target \
                 lets {own} in ({error})"
            ),
            format!("keyroll delegation show {array}"),
        ),
        _ => (
            format!("the KDC gives none ({error})"),
            error.code.explained(),
        ),
    }
}

#[cfg(test)]
mod tests;
