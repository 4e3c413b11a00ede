//! Who asks: root on the local socket, or an operator by certificate.

use chrono::Utc;
use keyroll::name::{ArrayName, OperatorName};
use tonic::Request;

use super::scope::Scope;
use super::{Needs, policy};
use crate::ca::{Identity, Peer};
use crate::operators::Role;
use crate::store::{OperatorRecord, Petition, Read, Store, StoreError};
use crate::verbs::No;

/// Marks a connection of the local socket, which only root can open.
#[derive(Debug, Clone, Copy)]
pub struct LocalRoot;

/// Who asks.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Root on this machine: may do everything.
    Root,
    /// An operator, as the store knows them right now.
    Operator(OperatorRecord),
}

/// The name that a request comes under, whether it may do anything or not: for the audit.
#[must_use]
pub fn shown<T>(request: &Request<T>) -> String {
    if request.extensions().get::<LocalRoot>().is_some() {
        return "root".to_owned();
    }
    match request
        .extensions()
        .get::<Peer>()
        .map(|peer| &peer.identity)
    {
        Some(Identity::Operator(name)) => name.to_string(),
        Some(_) => "not an operator".to_owned(),
        None => "nobody".to_owned(),
    }
}

/// The operator of this name, if it is one's; `root` is nobody's.
fn record(name: &str, store: &impl Read) -> Result<Option<OperatorRecord>, StoreError> {
    match name.parse::<OperatorName>() {
        Ok(name) => store.operator(&name),
        Err(_) => Ok(None),
    }
}

impl Caller {
    /// Who sent this request; looked up for each call, so that a revocation holds at once.
    ///
    /// # Errors
    /// [`No`] for anybody who is not an operator with a certificate in force.
    pub fn of<T>(request: &Request<T>, store: &Store) -> Result<Self, No> {
        if request.extensions().get::<LocalRoot>().is_some() {
            return Ok(Self::Root);
        }
        let peer = request
            .extensions()
            .get::<Peer>()
            .ok_or_else(|| No::denied("who are you?"))?;
        let Identity::Operator(name) = &peer.identity else {
            return Err(No::denied("the certificate shown is not an operator's"));
        };
        let record = store
            .operator(name)?
            .ok_or_else(|| No::denied(format!("there is no operator {name}")))?;
        let over = !record.is_in_force(Utc::now().timestamp());
        if over || record.serial != peer.serial {
            return Err(No::denied(format!(
                "the certificate shown for operator {name} is not in force"
            )));
        }
        Ok(Self::Operator(record))
    }

    /// Who has this name in the audit, and is in force now.
    ///
    /// # Errors
    /// [`No`] if nobody is.
    pub fn named(name: &str, store: &impl Read) -> Result<Self, No> {
        if name == "root" {
            return Ok(Self::Root);
        }
        let known = record(name, store)?;
        let in_force = known.filter(|one| one.is_in_force(Utc::now().timestamp()));
        in_force
            .map(Self::Operator)
            .ok_or_else(|| No::denied(format!("{name} is no operator in force")))
    }

    /// Whether this one may agree to it as a second person: who may do the same, and is another.
    ///
    /// # Errors
    /// [`No`], why not.
    pub fn may_agree(&self, petition: &Petition, store: &impl Read) -> Result<(), No> {
        let arrays: Vec<&str> = petition.arrays.iter().map(String::as_str).collect();
        self.may(policy::named(&petition.rpc), &arrays)?;
        self.is_another_than(petition, store)
    }

    /// The arrays that this caller may hear of.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Operator(record) if !record.arrays.is_empty() => {
                Scope::Some(record.arrays.clone())
            }
            Self::Root | Self::Operator(_) => Scope::All,
        }
    }

    /// Whether this one may stand for a second person: of two of whom one was let in by the other
    /// alone, or the second only since it was asked for, both may be the same one.
    ///
    /// # Errors
    /// [`No`] naming who let whom in.
    fn is_another_than(&self, petition: &Petition, store: &impl Read) -> Result<(), No> {
        let (own, name) = match self {
            Self::Root => (None, "root"),
            Self::Operator(record) => (Some(record), record.name.as_str()),
        };
        let alone = |record: &OperatorRecord, by: &str| {
            record.added_by.len() == 1 && record.added_by.contains(by)
        };
        let (actor, number) = (petition.actor.as_str(), petition.number);
        let why = if own.is_some_and(|own| alone(own, actor)) {
            format!("{name} was added by {actor} alone")
        } else if record(actor, store)?.is_some_and(|asker| alone(&asker, name)) {
            format!("{actor} was added by {name} alone")
        } else if own.is_some_and(|own| own.added_unix >= petition.at_unix) {
            format!("{name} was added since number {number} was asked for")
        } else {
            return Ok(());
        };
        let what = format!("{why}: {name} is no second person for it");
        Err(No::denied(what).next(
            "somebody else: keyroll approval give; or add the operator anew with somebody's \
             agreement: keyroll operator add --replace",
        ))
    }

    /// Whether this caller may do what `needs` says to all of these arrays.
    ///
    /// # Errors
    /// [`No`] naming the role or the array that is missing.
    pub fn may(&self, needs: Needs, arrays: &[&str]) -> Result<(), No> {
        let Self::Operator(record) = self else {
            return Ok(());
        };
        if record.role < needs.role {
            let what = format!(
                "`{}` needs the role {}; {} is {} {}",
                needs.verb,
                needs.role,
                record.name,
                if record.role == Role::Viewer {
                    "a"
                } else {
                    "an"
                },
                record.role
            );
            return Err(No::denied(what));
        }
        if record.arrays.is_empty() {
            return Ok(());
        }
        let own = |array: &&str| {
            array
                .parse::<ArrayName>()
                .is_ok_and(|array| record.arrays.contains(&array))
        };
        // What is about no array in particular is about all of them. Lists are cut to the scope.
        let whole = ["ShowAudit", "VerifyAudit"].contains(&needs.rpc);
        let listed = needs.role == Role::Viewer && !whole;
        if arrays.is_empty() && !listed {
            let what = format!(
                "`{}` is about the whole controller, and {} has some arrays only",
                needs.verb, record.name
            );
            return Err(No::denied(what));
        }
        match arrays.iter().find(|array| !own(array)) {
            None => Ok(()),
            Some(other) => Err(No::denied(format!(
                "{} has no say over array {other}",
                record.name
            ))),
        }
    }
}
