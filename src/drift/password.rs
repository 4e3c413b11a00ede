//! What is said of passwords that tickets show and that no roll of ours has put in force.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::change::{Change, Judgement};
use super::heal::Remedy;
use super::held::{Issue, Sight, Standing};
use super::stamp::Attribute;
use crate::kerberos::Kvno;
use crate::name::{ArrayName, DcName, NodeName};

/// A node whose keytab opens tickets that no key of the array opens: a program there has set the
/// password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    /// The node.
    pub node: NodeName,
    /// The keytab that the program keeps.
    pub path: String,
}

/// One look at every domain controller.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The array.
    pub array: &'a ArrayName,
    /// Its account, by the name that people know.
    pub account: &'a str,
    /// What nodes held before.
    pub before: &'a Standing,
    /// What they hold now.
    pub after: &'a Standing,
    /// What each domain controller issues.
    pub seen: &'a BTreeMap<DcName, Sight>,
    /// Whose program it was, as far as keytabs tell.
    pub culprits: &'a [Culprit],
    /// What is done about a password that nobody here knows.
    pub remedy: Remedy,
}

/// What there is to say. That a domain controller gave no ticket is not among it: why not, only
/// the caller knows.
#[must_use]
pub fn told(look: &Look<'_>) -> Vec<Change> {
    let mut changes: Vec<Change> = look.moved().into_iter().collect();
    for (dc, sight) in look.seen {
        match *sight {
            Sight::Known(issue) if issue != look.after.current => {
                changes.push(look.behind(dc, issue));
            }
            Sight::Burned(issue) => changes.push(look.burned(dc, issue)),
            Sight::Known(_) | Sight::Foreign(_) | Sight::OtherEnctype(_) | Sight::Silent => {}
        }
    }
    changes.extend(look.foreign());
    changes.extend(look.other_enctype());
    changes
}

/// What is said of a foreign password that has halted a roll, where and when it was set.
#[must_use]
pub fn halting(array: &ArrayName, account: &str, dc: &DcName, kvno: Kvno) -> Change {
    Change {
        what: format!(
            "tickets of {dc} (kvno {kvno}) open with no key of this array: somebody set the \
             password while it was rolled"
        ),
        consequence: "the roll is halted; tickets from since then open at no node".to_owned(),
        next: format!(
            "keyroll roll resolve {array} give-up, then keyroll roll {array} --emergency"
        ),
        ..Look::change("key-foreign", account, Judgement::Critical)
    }
}

impl Look<'_> {
    /// Every domain controller agrees on another password than the one that was in force.
    fn moved(&self) -> Option<Change> {
        let (old, new) = (self.before.current, self.after.current);
        if old == new {
            return None;
        }
        let again = old.generation == new.generation;
        let what = if again {
            format!(
                "the same password was set again: kvno {} → {}",
                old.kvno, new.kvno
            )
        } else {
            format!(
                "the password of generation {} (kvno {}) is in force in place of generation {} \
                 (kvno {}): the account or its domain controllers were restored",
                new.generation, new.kvno, old.generation, old.kvno
            )
        };
        let (code, judgement, next) = if again {
            ("password-set-again", Judgement::Repaired, String::new())
        } else {
            let next = format!("keyroll roll {}", self.array);
            ("password-returned", Judgement::NeedsRoll, next)
        };
        Some(Change {
            what,
            consequence: "the nodes hold its keys under this kvno, and those from before beside \
                          them until their last ticket is dead"
                .to_owned(),
            next,
            ..Self::change(code, self.account, judgement)
        })
    }

    /// A domain controller issues under another password than the others, or than it should.
    fn behind(&self, dc: &DcName, issue: Issue) -> Change {
        let current = self.after.current;
        let what = format!(
            "its tickets are under generation {} (kvno {}), in force is generation {} (kvno {})",
            issue.generation, issue.kvno, current.generation, current.kvno
        );
        let next = format!("samba-tool drs showrepl {dc} (or repadmin /showrepl {dc})");
        if !self.after.holds(issue) {
            return Change {
                what,
                consequence: "the nodes hold another key under that kvno and refuse them: two \
                              domain controllers have set passwords apart from each other"
                    .to_owned(),
                next,
                ..Self::change("dc-kvno-clash", dc, Judgement::Critical)
            };
        }
        Change {
            what,
            consequence: "the nodes hold that key too, so its tickets open; a roll waits until \
                          every domain controller issues alike"
                .to_owned(),
            next,
            ..Self::change("dc-behind", dc, Judgement::StopsRolls)
        }
    }

    fn burned(&self, dc: &DcName, issue: Issue) -> Change {
        Change {
            what: format!(
                "its tickets are under generation {} (kvno {}), which an emergency roll replaced",
                issue.generation, issue.kvno
            ),
            consequence: "the nodes are not given that key, since somebody else may have it: they \
                          refuse these tickets"
                .to_owned(),
            next: format!(
                "take {dc} off the network until it is restored, or: keyroll roll {} --emergency",
                self.array
            ),
            ..Self::change("key-burned", dc, Judgement::Critical)
        }
    }

    fn foreign(&self) -> Option<Change> {
        let foreign = |sight: &Sight| match sight {
            Sight::Foreign(kvno) => Some(*kvno),
            _ => None,
        };
        let (dcs, kvno) = self.those(foreign)?;
        let mut consequence = "tickets from since then open at no node".to_owned();
        for Culprit { node, path } in self.culprits {
            consequence = format!(
                "{node} has the new key in {path}: a program there renews the account's password; \
                 turn it off (SSSD: ad_maximum_machine_account_password_age = 0; winbind: machine \
                 password timeout = 0; no timer for adcli update or msktutil --auto-update); other \
                 nodes refuse tickets from since then"
            );
        }
        consequence += match self.remedy {
            Remedy::Alarm => "",
            Remedy::Roll => "; a healing roll begins",
            Remedy::Stop => {
                "; it was healed less than an hour before, so somebody else sets it in turns: \
                 nothing more is done without an operator"
            }
        };
        Some(Change {
            what: format!(
                "tickets of {dcs} (kvno {kvno}) open with no key of this array: somebody set the \
                 password"
            ),
            consequence,
            next: format!("keyroll roll {} --emergency", self.array),
            ..Self::change("key-foreign", self.account, Judgement::Critical)
        })
    }

    fn other_enctype(&self) -> Option<Change> {
        let other = |sight: &Sight| match sight {
            Sight::OtherEnctype(number) => Some(*number),
            _ => None,
        };
        let (dcs, number) = self.those(other)?;
        Some(Change {
            what: format!("tickets of {dcs} are of enctype {number}, of which no keytab has a key"),
            attribute: Some(Attribute::Enctypes),
            consequence: "nodes refuse them".to_owned(),
            next: format!(
                "keyroll verify {} (it names the value of msDS-SupportedEncryptionTypes to set)",
                self.array
            ),
            ..Self::change("enctype-foreign", self.account, Judgement::Critical)
        })
    }

    /// The domain controllers for which `of` says something, and what it says of the first.
    fn those<T>(&self, of: impl Fn(&Sight) -> Option<T>) -> Option<(String, T)> {
        let mut first = None;
        let mut names = Vec::new();
        for (dc, sight) in self.seen {
            let Some(value) = of(sight) else {
                continue;
            };
            first.get_or_insert(value);
            names.push(dc.as_str());
        }
        Some((names.join(", "), first?))
    }

    fn change(code: &'static str, object: impl Display, judgement: Judgement) -> Change {
        Change {
            code,
            object: object.to_string(),
            what: String::new(),
            attribute: Some(Attribute::Password),
            origin: None,
            consequence: String::new(),
            judgement,
            next: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
