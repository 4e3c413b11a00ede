//! How a change stands: noted as it was heard, settled by a look at the object.

use chrono::Utc;
use keyroll::directory_change::{DirectoryChange, Standing, State};

use super::super::no::No;
use super::super::{Controller, spns};
use crate::ports::{PortError, Values};
use crate::store::{Change, ChangeRecord, Changes as _, StoreError};

/// Among how many of the newest changes those are looked for that nobody knows the end of.
const OPEN_AMONG: usize = 200;

impl Controller {
    /// No earlier change of the object may still be on its way: none with an unknown end, and none
    /// that somebody has in hand to send.
    pub(crate) async fn demand_settled(&self, guid: &[u8; 16]) -> Result<(), No> {
        let newest = self.ports.store.newest_changes(OPEN_AMONG)?;
        let open = newest
            .into_iter()
            .filter(|record| record.change.target.guid == *guid && self.may_come(record));
        for record in open {
            let settled = self.settle(record.number).await?;
            if self.may_come(&settled) {
                let what = format!(
                    "nobody knows yet what became of change {} of {}, on {}",
                    settled.number, settled.change.target.account, settled.change.dc
                );
                return Err(No::busy("change-unknown", what)
                    .next(format!("keyroll change settle {}", settled.number)));
            }
        }
        Ok(())
    }

    fn may_come(&self, record: &ChangeRecord) -> bool {
        match record.state {
            State::Unknown => true,
            // Whoever has it may die before he reports what he has sent.
            State::HandedOut => self.is_in_flight(record.at_unix),
            State::Applied | State::Refused | State::NotMade | State::Differs => false,
        }
    }

    /// Whether what was sent then may still be carried out. By the wall clock, since a wrong guess
    /// harms nothing: whoever undoes or repeats a change looks again.
    pub(super) fn is_in_flight(&self, since_unix: i64) -> bool {
        let age = Utc::now().timestamp() - since_unix;
        // A clock that was set back a little makes nothing old.
        age.unsigned_abs() < self.defaults.quiesce
    }

    /// Notes what was heard of a change, as it is noted by now and unless `hear` objects.
    pub(super) fn note(
        &self,
        number: u64,
        hear: impl FnOnce(&mut ChangeRecord) -> Result<(), No>,
    ) -> Result<ChangeRecord, No> {
        self.ports.store.write(|edit| {
            let record = edit.change(number)?;
            let mut record = record.ok_or_else(|| No::unknown_change(number))?;
            hear(&mut record)?;
            record.reported_unix = Utc::now().timestamp();
            edit.put_change(&record)?;
            Ok(record)
        })
    }

    /// Looks at the object and writes down how the change stands.
    pub(super) async fn settle(&self, number: u64) -> Result<ChangeRecord, No> {
        let record = self.recorded(number)?;
        let seen = match self.standing(&record.change).await {
            Ok(standing) => Some(standing),
            Err(error) => {
                tracing::warn!(change = number, %error, "it cannot be looked at");
                None
            }
        };
        let state = State::of(
            record.reported,
            seen,
            self.is_in_flight(record.reported_unix),
        );
        self.ports.store.write(|edit| {
            let now = edit.change(number)?;
            let mut now = now.ok_or_else(|| No::unknown_change(number))?;
            // Somebody has heard more while we looked, and looks again himself.
            if (now.reported, now.reported_unix) == (record.reported, record.reported_unix) {
                now.state = state;
                edit.put_change(&now)?;
            }
            if now.state == State::Applied {
                spns::follow(edit, &now)?;
                mark_undone(edit, &now)?;
            }
            Ok(now)
        })
    }

    /// What the object shows of a change, on the domain controller that it is made on.
    pub(crate) async fn standing(&self, change: &DirectoryChange) -> Result<Standing, PortError> {
        let values = self.values(change).await?;
        Ok(change.standing(|name| values.get(name).cloned().unwrap_or_default()))
    }

    /// Every value of the attributes that a change touches, there.
    pub(super) async fn values(&self, change: &DirectoryChange) -> Result<Values, PortError> {
        let (guid, attributes) = (&change.target.guid, change.attributes());
        let values = self.ports.directory.values(&change.dc, guid, &attributes);
        values.await
    }
}

/// What a change has taken back is undone; what that one had taken back is in force again, and so
/// on. One that is undone itself has no say any more.
fn mark_undone(edit: &Change<'_>, made: &ChangeRecord) -> Result<(), StoreError> {
    if made.undone_by.is_some() {
        return Ok(());
    }
    let (mut by, mut undoes) = (Some(made.number), made.undoes);
    while let Some(number) = undoes {
        let Some(mut undone) = edit.change(number)? else {
            return Ok(());
        };
        undone.undone_by = by;
        edit.put_change(&undone)?;
        by = by.is_none().then_some(number);
        undoes = undone.undoes;
    }
    Ok(())
}
