//! `keyroll recover`: an array whose records are older than the nodes and the directory.
//!
//! What is in force is found out by tickets, what was given out by asking the nodes; then the
//! numbers are raised above all that anybody has heard, and the roll that was open goes on or ends.
//! Nothing is written to the directory, and no node loses a key.

mod apply;
mod look;
mod tell;

use keyroll::roll::recovery::{Verdict, judge};
use keyroll_proto::operator as said;

use self::look::Seen;
use super::Controller;
use super::no::No;
use crate::store::{ArrayRecord, Read as _};

impl Controller {
    /// Recovers the arrays named, one after the other, or tells what would be done.
    ///
    /// # Errors
    /// [`No`] if a name is wrong, or the only array named cannot be recovered now.
    pub async fn recover(
        &self,
        request: &said::RecoverRequest,
        actor: &str,
    ) -> Result<said::RecoverReply, No> {
        let arrays = if request.all {
            let mut arrays = self.ports.store.arrays()?;
            arrays.retain(|array| array.stale.is_some());
            arrays
        } else {
            let named = request.arrays.iter().map(|name| self.array(name));
            named.collect::<Result<_, _>>()?
        };
        if arrays.is_empty() && !request.all {
            return Err(
                No::bad_input("no-array", "no array was named").next("keyroll recover --all")
            );
        }
        let mut recoveries = Vec::new();
        for array in &arrays {
            let outcome = self.recover_one(array, request.dry_run, actor).await;
            recoveries.push(match outcome {
                Ok(recovery) => recovery,
                Err(no) if arrays.len() == 1 => return Err(no),
                // The others have been recovered: say of this one that it was not.
                Err(no) => tell::refused(array, no),
            });
        }
        let dry_run = request.dry_run;
        Ok(said::RecoverReply {
            recoveries,
            dry_run,
        })
    }

    async fn recover_one(
        &self,
        array: &ArrayRecord,
        dry_run: bool,
        actor: &str,
    ) -> Result<said::Recovery, No> {
        if array.stale.is_none() {
            return Ok(tell::current(array));
        }
        if !dry_run {
            // A driver that stands by has the old journal in its memory.
            self.rolls.stop(&array.name).await;
        }
        let seen = self.look_everywhere(array).await?;
        let verdict = seen.judge()?;
        if !dry_run {
            self.apply(&seen, &verdict, actor)?;
            self.rolls.take_up_one(self.array(array.name.as_str())?)?;
            self.wake.notify_one();
            self.schedule_wake.notify_one();
        }
        Ok(tell::recovered(&seen, &verdict))
    }
}

impl Seen {
    fn judge(&self) -> Result<Verdict, No> {
        let looks: Vec<_> = self.looks().cloned().collect();
        let roll = self.open.as_ref().map(|open| &open.roll);
        let recorded = self.array.current.is_some();
        let verdict = judge(roll, recorded, &looks, self.is_retired());
        verdict.ok_or_else(|| {
            let what = format!(
                "no domain controller gave a ticket for {}, so nobody can say which key is in \
                 force: {}",
                self.array.name,
                self.silence()
            );
            No::unreachable(what).next("keyroll status")
        })
    }
}

#[cfg(test)]
mod tests;
