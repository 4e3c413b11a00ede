//! The account as others have left it: looked at, told of, and followed.

use keyroll::account::AccountState;
use keyroll::delegation;
use keyroll::directory_change::State;
use keyroll::drift::{
    Change, DELEGATION_CHANGED, Judgement, Known, Names, conditions, spns_to_take_up, taken_up,
};
use keyroll::kerberos::Principal;
use keyroll::name::DcName;

use super::Reconciler;
use crate::audit::{self, Event};
use crate::desired::Desired;
use crate::ports::{AccountRef, PortError};
use crate::store::{ArrayRecord, Changes as _, Read as _, StoreError};

/// What a change of the right to delegate is written to.
const DELEGATION: [&str; 2] = [delegation::TARGETS, delegation::CONTROL];
/// For how many seconds a planned change explains what is seen: the account is looked at every few
/// seconds, or once the domain controller is back.
const LATELY: i64 = 24 * 60 * 60;
/// How many changes are looked through for it.
const LOOKED_THROUGH: usize = 200;

/// What a look at an account has shown.
#[derive(Default)]
pub(super) struct AccountLook {
    /// The account, if it was to be read.
    pub(super) state: Option<AccountState>,
    /// What stands in the way of something, for as long as it does.
    pub(super) lasting: Vec<Change>,
    /// Whether nodes have to hold something else now.
    pub(super) altered: bool,
}

impl Reconciler {
    /// Looks at the account on the first of these, the writer, and follows it: a new name and new
    /// SPNs are the array's from now on.
    pub(super) async fn look_at_account(
        &self,
        desired: &Desired,
        dcs: &[DcName],
    ) -> Result<AccountLook, StoreError> {
        let Some(dc) = dcs.first() else {
            return Ok(AccountLook::default());
        };
        let array = &desired.array;
        let account = array.account_ref();
        let state = match self.ports.directory.read(dc, &account).await {
            Ok(state) => state,
            Err(error) => {
                return Ok(AccountLook {
                    lasting: vec![unread(array, dc, &error)],
                    ..AccountLook::default()
                });
            }
        };
        let known = Known::of(&state, array.current.as_ref().map(|one| one.number));
        let before = array.drift.known.as_ref();
        let known = match before {
            Some(before) => known.keeping(before, &state),
            None => known,
        };
        let own_fence = format!("keyroll {}.", array.name);
        let mut changes = before
            .map(|before| before.changes(&known, &own_fence))
            .unwrap_or_default();
        if changes.iter().any(|one| one.code == DELEGATION_CHANGED) && self.is_our_own(&account)? {
            changes.retain(|one| one.code != DELEGATION_CHANGED);
        }
        let spns = spns_to_take_up(&array.spns, &state);
        let sam = &known.salt_source.sam_account_name;
        changes.extend(spns.iter().map(|spn| taken_up(spn, sam)));
        let names = Names {
            array: &array.name,
            spns: &array.spns,
            pending: &array.unregistered(),
        };
        let mut lasting = conditions(&state, &desired.wanted(&state), &names);
        if !changes.is_empty() || !lasting.is_empty() {
            match self.ports.directory.history(dc, &account).await {
                Ok(history) => {
                    let date = |change: &mut Change| *change = change.clone().dated(&history);
                    changes.iter_mut().chain(&mut lasting).for_each(date);
                }
                Err(error) => tracing::debug!(array = %array.name, %error, "no history is shown"),
            }
        }
        let mut altered = self.follow_names(desired, &state, dcs).await?;
        if before != Some(&known) || !spns.is_empty() {
            altered |= self.follow(desired, &known, &spns, &changes)?;
        }
        for change in changes {
            let now = self.ports.clock.now();
            self.overview.notice(&array.name, now, change);
        }
        Ok(AccountLook {
            state: Some(state),
            lasting,
            altered,
        })
    }

    /// Whether a change of the right to delegate was lately planned here, and so is no stranger's:
    /// it is made by an operator, and may be seen before it is reported.
    fn is_our_own(&self, account: &AccountRef) -> Result<bool, StoreError> {
        let since = self.ports.clock.now().timestamp() - LATELY;
        let newest = self.ports.store.newest_changes(LOOKED_THROUGH)?;
        let ours = newest.iter().filter(|record| {
            let may_be_made = !matches!(record.state, State::Refused | State::NotMade);
            may_be_made && record.at_unix >= since && record.change.target.guid == account.guid
        });
        let mut written = ours.flat_map(|record| &record.change.modifications);
        Ok(written.any(|one| DELEGATION.contains(&one.attribute.as_str())))
    }

    /// Takes down what the account is like now, with what was changed about it. Whether nodes have
    /// to hold other entries from now on.
    fn follow(
        &self,
        desired: &Desired,
        known: &Known,
        spns: &[String],
        changes: &[Change],
    ) -> Result<bool, StoreError> {
        let name = &desired.array.name;
        let (altered, entries) = self.ports.store.write(|change| {
            let Some(mut array) = change.array(name)? else {
                return Ok((false, Vec::new()));
            };
            let before = array.principals();
            take_over(&mut array, known, spns);
            let altered = array.principals() != before;
            // An open roll numbers its own keysets, and its driver takes the names from this row.
            if altered && !change.has_open_roll(name)? {
                array.advance(desired.given_up.as_ref());
            }
            change.put_array(&array)?;
            let entries = changes.iter().map(|one| {
                let event = self.event("Follow", &array, one);
                audit::append_within(change, event)
            });
            Ok::<_, StoreError>((altered, entries.collect::<Result<Vec<_>, _>>()?))
        })?;
        entries.iter().for_each(audit::announce);
        Ok(altered)
    }

    /// What the audit says of a change by others that something follows from here.
    pub(super) fn event(&self, verb: &str, array: &ArrayRecord, change: &Change) -> Event {
        Event {
            at_unix_millis: self.ports.clock.now().timestamp_millis(),
            actor: "controller".to_owned(),
            verb: verb.to_owned(),
            object: format!("{} {}", array.name, change.object),
            outcome: change.code.to_owned(),
            detail: change.sentence(),
        }
    }
}

fn take_over(array: &mut ArrayRecord, known: &Known, spns: &[String]) {
    let sam = &known.salt_source.sam_account_name;
    if let Ok(principal) = Principal::new(vec![sam.clone()], array.realm.clone()) {
        array.account.principal = principal;
        array.account.sam_account_name.clone_from(sam);
    }
    array
        .account
        .distinguished_name
        .clone_from(&known.distinguished_name);
    for spn in spns {
        if !array.spns.iter().any(|one| one.eq_ignore_ascii_case(spn)) {
            array.spns.push(spn.clone());
        }
    }
    array.drift.known = Some(known.clone());
}

/// An account that cannot be read, or is not there any more.
fn unread(array: &ArrayRecord, dc: &DcName, error: &PortError) -> Change {
    let sam = &array.account.sam_account_name;
    let gone = matches!(error, PortError::Missing { .. });
    let (code, what, consequence, judgement) = if gone {
        (
            "account-deleted",
            format!("{dc} has it no more ({})", array.account.distinguished_name),
            "its SPNs get no tickets; those that clients hold go on until they end",
            Judgement::Critical,
        )
    } else {
        let what = error.to_string();
        ("account-unread", what, "", Judgement::StopsRolls)
    };
    let next = if gone {
        format!(
            "Restore-ADObject (or samba-tool domain backup), then keyroll verify {}",
            array.name
        )
    } else {
        "keyroll status".to_owned()
    };
    Change {
        code,
        object: sam.clone(),
        what,
        attribute: None,
        origin: None,
        consequence: consequence.to_owned(),
        judgement,
        next,
    }
}
