//! SPNs on their way in and out: registered by an operator, or taken away and their tickets dead.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use futures_util::future::join_all;
use keyroll::account::AccountState;
use keyroll::account::hidden::SPNS;
use keyroll::name::DcName;
use tokio::time::Instant;

use super::Reconciler;
use crate::desired::Desired;
use crate::store::{ArrayRecord, NamingRecord, Read as _, StoreError};

impl Reconciler {
    /// Notes which SPNs the directory has by now, and lets those go from the keytabs whose tickets
    /// are dead. Whether nodes have to hold other entries from now on.
    pub(super) async fn follow_names(
        &self,
        desired: &Desired,
        state: &AccountState,
        dcs: &[DcName],
    ) -> Result<bool, StoreError> {
        let array = &desired.array;
        let watched = self.watched_for(array);
        if array.naming == NamingRecord::default() {
            return Ok(false);
        }
        let named = self.still_named(array, dcs).await;
        self.ports.store.write(|change| {
            let Some(mut array) = change.array(&array.name)? else {
                return Ok(false);
            };
            let before = array.clone();
            arrived(&mut array.naming, state);
            // An open roll numbers its own keysets: entries leave after it.
            let busy = change.has_open_roll(&array.name)?;
            let whole = u64::try_from(change.drain(&array)?.as_millis()).unwrap_or(u64::MAX);
            for spn in named {
                array
                    .naming
                    .leaving
                    .entry(spn)
                    .and_modify(|left| *left = whole);
            }
            let gone = leave(&mut array.naming, &watched, busy);
            array.spns.retain(|spn| !gone.contains(spn));
            let altered = array.spns != before.spns;
            if altered {
                array.advance(desired.given_up.as_ref());
                tracing::info!(array = %array.name, ?gone, "SPNs leave the keytabs");
            }
            if array != before {
                change.put_array(&array)?;
            }
            Ok(altered)
        })
    }

    /// The SPNs on their way out that some domain controller has still, or may have since it is
    /// silent: it goes on to issue tickets for them.
    async fn still_named(&self, array: &ArrayRecord, dcs: &[DcName]) -> BTreeSet<String> {
        let leaving = &array.naming.leaving;
        if leaving.is_empty() {
            return BTreeSet::new();
        }
        let account = array.account_ref();
        let looks = dcs.iter().map(|dc| self.ports.directory.read(dc, &account));
        let looks = join_all(looks).await;
        let named = |spn: &&String| {
            let mut looks = looks.iter();
            looks.any(|look| look.as_ref().map_or(true, |state| may_have(state, spn)))
        };
        leaving.keys().filter(named).cloned().collect()
    }

    /// The SPNs that have been leaving since the last look, and the milliseconds since then. One
    /// that was taken away in between has not been watched for so long.
    fn watched_for(&self, array: &ArrayRecord) -> Watched {
        let leaving: BTreeSet<String> = array.naming.leaving.keys().cloned().collect();
        let now = Instant::now();
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let before = named.insert(array.name.clone(), (now, leaving));
        before.map_or_else(Watched::default, |(since, spns)| Watched {
            millis: u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX),
            spns,
        })
    }
}

/// Whether an account has this SPN, or may have it since its SPNs are hidden.
pub(super) fn may_have(state: &AccountState, spn: &str) -> bool {
    state.has_spn(spn) || state.hides(SPNS)
}

/// What was watched, and for how long.
#[derive(Default)]
struct Watched {
    spns: BTreeSet<String>,
    millis: u64,
}

/// What the directory has is neither on its way in nor out.
fn arrived(naming: &mut NamingRecord, state: &AccountState) {
    naming.prepared.retain(|spn| !state.has_spn(spn));
    naming.leaving.retain(|spn, _| !state.has_spn(spn));
}

/// Counts the time, and names those whose tickets are dead.
fn leave(naming: &mut NamingRecord, watched: &Watched, busy: bool) -> BTreeSet<String> {
    for (spn, left) in &mut naming.leaving {
        if watched.spns.contains(spn) {
            *left = left.saturating_sub(watched.millis);
        }
    }
    if busy {
        return BTreeSet::new();
    }
    let over = naming.leaving.iter().filter(|(_, left)| **left == 0);
    let over: BTreeSet<String> = over.map(|(spn, _)| spn.clone()).collect();
    naming.leaving.retain(|spn, _| !over.contains(spn));
    over
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::domain::computer;

    fn naming(prepared: &[&str], leaving: &[(&str, u64)]) -> NamingRecord {
        NamingRecord {
            prepared: prepared.iter().map(|&spn| spn.to_owned()).collect(),
            leaving: leaving
                .iter()
                .map(|&(spn, left)| (spn.to_owned(), left))
                .collect(),
        }
    }

    #[test]
    fn an_account_that_hides_its_spns_may_have_any() {
        let mut state = computer();
        assert!(may_have(&state, "http/WEB.corp.example") && !may_have(&state, "HTTP/old"));
        state.hidden = vec![SPNS];
        assert!(may_have(&state, "HTTP/old"));
    }

    #[test]
    fn what_is_registered_has_arrived() {
        let mut record = naming(&["http/WEB.corp.example", "HTTP/new"], &[("HTTP/old", 9)]);
        arrived(&mut record, &computer());
        assert_eq!(record, naming(&["HTTP/new"], &[("HTTP/old", 9)]));
        let mut record = naming(&[], &[("HTTP/web.corp.example", 9)]);
        arrived(&mut record, &computer());
        assert_eq!(record, NamingRecord::default());
    }

    #[test]
    fn an_spn_leaves_after_the_time_for_which_it_was_watched_leaving() {
        let watched = Watched {
            spns: ["HTTP/old".to_owned()].into(),
            millis: 600,
        };
        let mut record = naming(&[], &[("HTTP/old", 1000), ("HTTP/late", 500)]);
        assert!(leave(&mut record, &watched, false).is_empty());
        assert_eq!(
            record,
            naming(&[], &[("HTTP/old", 400), ("HTTP/late", 500)])
        );
        // Not while a roll is open, and not the one that nobody has watched.
        assert!(leave(&mut record, &watched, true).is_empty());
        let gone = leave(&mut record, &watched, false);
        assert_eq!(gone, ["HTTP/old".to_owned()].into());
        assert_eq!(record, naming(&[], &[("HTTP/late", 500)]));
    }
}
