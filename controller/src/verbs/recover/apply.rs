//! What was found becomes what is remembered, all at once.

use keyroll::fence::Version;
use keyroll::roll::recovery::{InForce, Issuer, Verdict};
use keyroll::roll::{Record, RollNumber};

use super::super::Controller;
use super::super::no::No;
use super::look::Seen;
use super::tell;
use crate::audit::{self, Event};
use crate::store::{ArrayRecord, PreviousGeneration, Read as _, StoreError};

impl Controller {
    /// Writes down what was found, with numbers above all that anybody has heard.
    pub(super) fn apply(&self, seen: &Seen, verdict: &Verdict, actor: &str) -> Result<(), No> {
        let highest = seen.highest();
        let version = highest.version.next();
        // Its own epoch is enough unless somebody has heard a higher one.
        let epoch = if highest.epoch > seen.epoch {
            highest.epoch.next()
        } else {
            seen.epoch
        };
        let now = self.ports.clock.now();
        let record = self.record(seen, verdict, version, actor);
        let entry = self.ports.store.write(|change| {
            let name = &seen.array.name;
            let mut array = change
                .array(name)?
                .ok_or_else(|| StoreError::missing(name))?;
            if let Some((number, record)) = record {
                let reason = format!("recovered by {actor}");
                let entry = self.ports.entry(record, &reason);
                let roll = change.append(name, number, std::slice::from_ref(&entry))?;
                let (record, escrow) = (&entry.record, self.ports.escrow_seconds);
                array.settle(record, &roll, now.timestamp(), escrow);
            }
            settle(&mut array, seen, verdict.in_force);
            array.keyset_version = array.keyset_version.max(version);
            change.put_array(&array)?;
            let mut meta = change.meta()?;
            meta.epoch = meta.epoch.max(epoch);
            if change.arrays()?.iter().all(|array| array.stale.is_none()) {
                // Nothing that was done from now on is forgotten.
                meta.remembers_until_unix = now.timestamp();
            }
            change.put_meta(&meta)?;
            let event = Event {
                at_unix_millis: now.timestamp_millis(),
                actor: actor.to_owned(),
                verb: "recover".to_owned(),
                object: name.to_string(),
                outcome: "found".to_owned(),
                detail: format!(
                    "in force: {}; epoch {epoch}, keyset {version}; it was stale: {}",
                    tell::word(verdict.in_force),
                    seen.array.stale.as_deref().unwrap_or_default()
                ),
            };
            audit::append_within(change, event)
        })?;
        audit::announce(&entry);
        self.ports.epoch.raise(epoch);
        Ok(())
    }

    fn record(
        &self,
        seen: &Seen,
        verdict: &Verdict,
        version: Version,
        actor: &str,
    ) -> Option<(RollNumber, Record)> {
        let open = seen.open.as_ref()?;
        let record = Record::Recovered {
            version,
            found: verdict.found.clone()?,
            actor: actor.to_owned(),
        };
        Some((open.number, record))
    }
}

/// What is in force, and that keys nobody here knows are not to be touched yet.
fn settle(array: &mut ArrayRecord, seen: &Seen, in_force: InForce) {
    array.stale = None;
    array.unknown_keys_stay = true;
    if array.founding.take().is_some() {
        array.account = seen.array.account.clone();
        array.current.clone_from(&seen.array.current);
    }
    let keep = |generation| PreviousGeneration {
        generation,
        // Nobody knows for how long tickets under it live; the next roll takes its place.
        destroy_at_unix: i64::MAX,
    };
    match in_force {
        InForce::Recorded => {
            let recorded = seen.looks().filter(|look| look.key == Issuer::Recorded);
            let newest = recorded.map(|look| look.kvno).max();
            // The roll's base has its kvno in the journal, and keeps it.
            if let (Some(current), Some(kvno), None) = (&mut array.current, newest, &seen.open) {
                current.kvno = kvno;
            }
        }
        // The roll's last record makes its generation the one in force.
        InForce::Roll => {}
        InForce::Before(kvno) => {
            if let Some(mut before) = array.previous.take() {
                before.generation.kvno = kvno;
                let after = array.current.replace(before.generation);
                array.previous = after.map(keep);
            }
        }
        InForce::Unknown(_) => {
            array.previous = array.current.take().map(keep);
        }
    }
}
