//! Whoever makes the changes of a plan.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyroll::directory_change::DirectoryChange;
use keyroll::kerberos::Realm;
use keyroll::name::DcName;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::ports::Directory as _;
use keyroll_controller::ports::Values;

use crate::bind::{BindOptions, Operator, not_bound};
use crate::exit::Exit;
use crate::session::with_spinner;
use crate::trouble::Trouble;

const NAME: &str = "sAMAccountName";
const ALLOWED: &str = "allowedAttributesEffective";

/// What was looked at for a plan is believed for so long: whoever stops this program in between
/// finds another directory.
const FRESH: Duration = Duration::from_secs(60);

/// An operator's own bind to the domain controllers of a plan, warm from the first look on: between
/// two changes of one plan no more than a request passes.
pub struct Maker {
    operator: Operator,
    directories: BTreeMap<DcName, ActiveDirectory>,
}

/// What was heard of a change.
pub struct Outcome {
    /// As the controller is told.
    pub word: &'static str,
    /// What the domain controller said.
    pub said: String,
    /// Whose rights were used.
    pub bound_as: String,
}

impl Outcome {
    /// It was never sent.
    pub fn not_sent(why: &str) -> Self {
        Self {
            word: "not-sent",
            said: format!("not sent: {why}"),
            bound_as: String::new(),
        }
    }
}

impl Maker {
    /// The one who shall make these changes, once a look at each object with these rights has shown
    /// that it is the one named.
    ///
    /// # Errors
    /// No bind, another object, or, for a plan of several changes, an attribute that may not be
    /// written: the first change alone would leave a service without its name.
    pub async fn of(
        bind: &BindOptions,
        changes: &[(Realm, DirectoryChange)],
    ) -> Result<Self, Trouble> {
        let Some((realm, _)) = changes.first() else {
            return Err(Trouble::usage("there is nothing to change"));
        };
        let mut maker = Self {
            operator: bind.operator(realm)?,
            directories: BTreeMap::new(),
        };
        for (_, change) in changes {
            let seen = maker.look(change).await?;
            is_the_one(change, &seen)?;
            if changes.len() > 1 {
                maker.may_write(change, &seen)?;
            }
        }
        Ok(maker)
    }

    async fn look(&mut self, change: &DirectoryChange) -> Result<Values, Trouble> {
        if !self.directories.contains_key(&change.dc) {
            let directory = self.operator.directory(&change.dc)?;
            self.directories.insert(change.dc.clone(), directory);
        }
        let directory = &self.directories[&change.dc];
        let look = directory.values(&change.dc, &change.target.guid, &[NAME, ALLOWED]);
        let doing = format!("logging in at {} as {}", change.dc, self.operator.principal);
        let seen = with_spinner(&doing, look).await;
        seen.map_err(|error| not_bound(&change.dc, &error))
    }

    fn may_write(&self, change: &DirectoryChange, seen: &Values) -> Result<(), Trouble> {
        let may =
            |attribute: &str| texts(seen, ALLOWED).any(|one| one.eq_ignore_ascii_case(attribute));
        let Some(lacking) = change.attributes().into_iter().find(|one| !may(one)) else {
            return Ok(());
        };
        let (who, account) = (&self.operator.principal, &change.target.account);
        let what = format!(
            "{who} may not write {lacking} of {account}: nothing was sent, since the changes are \
             to be made one right after the other"
        );
        let next = format!("grant it, or bind as somebody who may: --bind-as USER (on {account})");
        Err(Trouble::new(Exit::Denied, "insufficient-rights", what).next(next))
    }

    /// Sends the changes one right after the other, and stops at the first that is not applied.
    /// What was heard of each.
    pub async fn make(
        &self,
        changes: &[(Realm, DirectoryChange)],
        planned: Instant,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut hindrance = None;
        for (_, change) in changes {
            if planned.elapsed() > FRESH && outcomes.is_empty() {
                hindrance = Some("it was planned more than a minute ago");
            }
            if let Some(why) = hindrance {
                outcomes.push(Outcome::not_sent(why));
                continue;
            }
            let outcome = self.send(change).await;
            if outcome.word != "applied" {
                hindrance = Some("what comes before it was not made");
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn send(&self, change: &DirectoryChange) -> Outcome {
        let Some(directory) = self.directories.get(&change.dc) else {
            return Outcome::not_sent("nobody is logged in there");
        };
        let doing = format!("changing {} on {}", change.target.account, change.dc);
        let (word, said) = match with_spinner(&doing, directory.make_change(change)).await {
            Answer::Applied => ("applied", String::new()),
            Answer::Refused { text, .. } => ("refused", text),
            Answer::Unanswered { text } => ("unknown", text),
        };
        Outcome {
            word,
            said,
            bound_as: self.operator.principal.to_string(),
        }
    }
}

/// The object is the account that was shown, whatever a controller says.
fn is_the_one(change: &DirectoryChange, seen: &Values) -> Result<(), Trouble> {
    let named = &change.target.account;
    let name = texts(seen, NAME).next().unwrap_or_default();
    if name.eq_ignore_ascii_case(named) {
        return Ok(());
    }
    let what = format!(
        "the object that the controller calls {named} is {name:?} on {}: nothing was sent",
        change.dc
    );
    Err(Trouble::new(Exit::Denied, "foreign-change", what)
        .next("the same once more, if the account was just renamed"))
}

fn texts<'a>(seen: &'a Values, name: &str) -> impl Iterator<Item = &'a str> {
    let values = seen.get(name).into_iter().flatten();
    values.filter_map(|value| std::str::from_utf8(value).ok())
}
