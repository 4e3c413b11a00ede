//! Domain controllers that were set back, told by how far their databases have come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use keyroll::drift::{Change, DcMark, Judgement, set_back};
use keyroll::name::DcName;

use super::Reconciler;
use super::overview::TOLD;

/// What is remembered of the domain controllers' databases.
#[derive(Default)]
pub(super) struct Databases {
    /// The furthest that each was seen.
    marks: BTreeMap<DcName, DcMark>,
    /// What became of it and when that was seen.
    set_back: BTreeMap<DcName, (DateTime<Utc>, Change)>,
}

impl Databases {
    /// Takes in what a domain controller says now.
    fn see(&mut self, dc: &DcName, now: DcMark, at: DateTime<Utc>) {
        let before = self.marks.get(dc).copied();
        if let Some(change) = before.and_then(|before| set_back(dc, &before, &now)) {
            self.set_back.insert(dc.clone(), (at, change));
        }
        let further =
            before.is_none_or(|before| before.invocation != now.invocation || before.usn < now.usn);
        if further {
            self.marks.insert(dc.clone(), now);
        }
    }

    /// What is told at `now`: a restore for a day, a rollback until the database begins another
    /// life.
    fn told(&self, now: DateTime<Utc>) -> Vec<Change> {
        let lasts = |(at, change): &&(DateTime<Utc>, Change)| {
            change.judgement == Judgement::Critical || now - *at < TOLD
        };
        let set_back = self.set_back.values().filter(lasts);
        set_back.map(|(_, change)| change.clone()).collect()
    }
}

impl Reconciler {
    /// Asks every domain controller how far its database has come. One that does not answer is
    /// told of where its tickets are missed.
    pub(super) async fn look_at_databases(&self) {
        let Ok(dcs) = self.ports.directory.domain_controllers().await else {
            return;
        };
        let marks = dcs.iter().map(|dc| self.ports.directory.mark(dc));
        let marks = join_all(marks).await;
        let now = self.ports.clock.now();
        let mut databases = self.databases.lock().await;
        for (dc, mark) in dcs.iter().zip(marks) {
            match mark {
                Ok(mark) => databases.see(dc, mark, now),
                Err(error) => tracing::debug!(%dc, %error, "its database shows no mark"),
            }
        }
        self.overview.set_domain(databases.told(now));
    }
}

#[cfg(test)]
mod tests {
    use keyroll::drift::Invocation;

    use super::*;

    #[test]
    fn a_database_that_was_set_back_stays_told_of_until_its_next_life() {
        let dc: DcName = "dc2".parse().unwrap();
        let mut databases = Databases::default();
        let start = DateTime::UNIX_EPOCH;
        let mut codes = |life: u8, usn, at| {
            let invocation = Invocation([life; 16]);
            databases.see(&dc, DcMark { invocation, usn }, at);
            let told = databases.told(at);
            told.first().map(|change| change.code)
        };
        assert_eq!(codes(1, 100, start), None);
        assert_eq!(codes(1, 90, start), Some("dc-rolled-back"));
        // Its numbers catch up; what was lost stays lost.
        assert_eq!(codes(1, 120, start + TOLD), Some("dc-rolled-back"));
        assert_eq!(codes(2, 120, start + TOLD), Some("dc-restored"));
        assert_eq!(codes(2, 121, start + TOLD + TOLD), None);
    }
}
