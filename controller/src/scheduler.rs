//! Begins the rolls that fall due, one look a minute at the most and at every change.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use keyroll::roll::{Cause, OldKey};
use keyroll::schedule::{Due, History, Schedule, ScheduleFile};
use tokio::sync::Notify;

use crate::rolls::{NotBegun, Rolls, Wanted};
use crate::store::{ArrayRecord, Read as _, Store, StoreError};

/// A wait is never longer, so that a clock that was set is noticed.
const LONGEST: Duration = Duration::from_secs(60);

/// The loop.
pub struct Scheduler {
    store: Arc<Store>,
    rolls: Arc<Rolls>,
    wake: Arc<Notify>,
}

impl Scheduler {
    /// A loop over the arrays of `store`, looking anew when woken.
    #[must_use]
    pub fn new(store: Arc<Store>, rolls: Arc<Rolls>, wake: Arc<Notify>) -> Self {
        Self { store, rolls, wake }
    }

    /// Runs for ever.
    pub async fn run(self) {
        loop {
            let next = match self.pass().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "the schedules cannot be read");
                    LONGEST
                }
            };
            drop(tokio::time::timeout(next, self.wake.notified()).await);
        }
    }

    /// Begins what is due; tells how long nothing will be.
    async fn pass(&self) -> Result<Duration, StoreError> {
        let mut next = LONGEST;
        for array in self.store.arrays()? {
            let Some(schedule) = schedule(&array) else {
                continue;
            };
            if self.rolls.line(&array.name).is_some() {
                continue;
            }
            let now = Utc::now();
            match schedule.next_due(&array.name, &history(&self.store, &array)?, now) {
                Due::Now(why) => {
                    tracing::info!(array = %array.name, ?why, "a roll is due");
                    let wanted = Wanted {
                        cause: Cause::Schedule,
                        actor: "schedule".to_owned(),
                        old_key: OldKey::UntilDrained,
                        // The array's policy says whether it may.
                        accepts_gap: false,
                    };
                    let begun = self.rolls.begin(&array, &wanted).await;
                    let array = &array.name;
                    match begun {
                        Ok(_) => {}
                        Err(why @ NotBegun::TooMany { .. }) => {
                            tracing::info!(%array, %why, "a scheduled roll waits");
                        }
                        Err(error) => {
                            tracing::error!(%array, %error, "a scheduled roll did not begin");
                        }
                    }
                }
                Due::At(at, _) => next = next.min((at - now).to_std().unwrap_or_default()),
                Due::Never(_) => {}
            }
        }
        Ok(next)
    }
}

/// The array's schedule, paused or not; none if none is set.
#[must_use]
pub fn schedule(array: &ArrayRecord) -> Option<Schedule> {
    let file: ScheduleFile = toml::from_str(array.schedule.as_deref()?).ok()?;
    let schedule = Schedule::try_from(file).ok()?;
    Some(if array.paused.is_some() {
        schedule.with_paused(true)
    } else {
        schedule
    })
}

/// What the schedule goes by.
///
/// # Errors
/// [`StoreError`].
pub fn history(store: &Store, array: &ArrayRecord) -> Result<History, StoreError> {
    let time = |unix: Option<i64>| unix.and_then(|unix| DateTime::from_timestamp(unix, 0));
    let last = store.history(&array.name, 1)?;
    let begun = last.first().and_then(|past| past.entries.first());
    Ok(History {
        schedule_set: time(array.schedule_set_unix).unwrap_or(DateTime::UNIX_EPOCH),
        last_success: time(array.rolled_at_unix),
        last_attempt: begun.and_then(|entry| DateTime::from_timestamp_millis(entry.at_unix_millis)),
    })
}
