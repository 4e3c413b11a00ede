//! `keyroll schedule …`.

use chrono::{DateTime, Utc};
use keyroll::schedule::{AgeAlarm, Due, Never, Schedule, ScheduleFile, Why};
use keyroll_proto::operator as said;

use super::no::No;
use super::{Controller, changed};
use crate::scheduler::{history, schedule};
use crate::store::{ArrayRecord, Read as _, StoreError};

impl Controller {
    /// Gives an array a schedule.
    ///
    /// # Errors
    /// [`No`].
    pub fn set_schedule(&self, request: &said::SetScheduleRequest) -> Result<said::Changed, No> {
        let array = self.array(&request.array)?;
        let bad = |why: String| {
            No::bad_input(
                "bad-schedule",
                format!("the schedule for {} is not valid: {why}", array.name),
            )
            .next("keyroll schedule set --help")
        };
        let file: ScheduleFile =
            toml::from_str(&request.schedule_toml).map_err(|error| bad(error.to_string()))?;
        let valid = Schedule::try_from(file).map_err(|error| bad(error.to_string()))?;
        let text =
            toml::to_string(&ScheduleFile::from(valid)).map_err(|error| bad(error.to_string()))?;
        let done = vec![format!(
            "{} rolls by this schedule: {}",
            array.name,
            text.trim().replace('\n', ", ")
        )];
        let next = vec![format!("keyroll schedule next {}", array.name)];
        if !request.dry_run {
            self.change(&array, |array| {
                array.schedule = Some(text);
                array.schedule_set_unix = Some(Utc::now().timestamp());
            })?;
        }
        Ok(changed(done, next, request.dry_run))
    }

    /// Stops an array's schedule for now.
    ///
    /// # Errors
    /// [`No`].
    pub fn pause_schedule(
        &self,
        request: &said::PauseScheduleRequest,
    ) -> Result<said::Changed, No> {
        let array = self.scheduled(&request.array)?;
        let reason = if request.reason.is_empty() {
            "no reason given"
        } else {
            &request.reason
        };
        if !request.dry_run {
            self.change(&array, |array| array.paused = Some(reason.to_owned()))?;
        }
        let done = vec![format!(
            "{} no longer rolls by itself ({reason})",
            array.name
        )];
        let next = vec![format!("keyroll schedule resume {}", array.name)];
        Ok(changed(done, next, request.dry_run))
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`No`].
    pub fn resume_schedule(
        &self,
        request: &said::ResumeScheduleRequest,
    ) -> Result<said::Changed, No> {
        let array = self.scheduled(&request.array)?;
        if !request.dry_run {
            self.change(&array, |array| array.paused = None)?;
        }
        let done = vec![format!("{} rolls by its schedule again", array.name)];
        let next = vec![format!("keyroll schedule next {}", array.name)];
        Ok(changed(done, next, request.dry_run))
    }

    /// The schedule and what follows from it.
    ///
    /// # Errors
    /// [`No`].
    pub fn show_schedule(
        &self,
        request: &said::ShowScheduleRequest,
    ) -> Result<said::ScheduleView, No> {
        let array = self.array(&request.array)?;
        Ok(self.schedule_view(&array, request.upcoming as usize)?)
    }

    pub(super) fn schedule_view(
        &self,
        array: &ArrayRecord,
        count: usize,
    ) -> Result<said::ScheduleView, StoreError> {
        let empty = said::ScheduleView {
            array: array.name.to_string(),
            ..Default::default()
        };
        let Some(schedule) = schedule(array) else {
            return Ok(empty);
        };
        let mut history = history(&self.ports.store, array)?;
        let now = Utc::now();
        let open = self.ports.store.open_roll(&array.name)?;
        let under_way = open.map(|open| format!("if roll {} under way ends well", open.number));
        if under_way.is_some() {
            // Its beginning is no failure. Overdue or not, today's key is another matter.
            history.last_attempt = None;
        }
        let mut after = history;
        if under_way.is_some() {
            after.last_success = Some(now);
        }
        let because = |why| under_way.as_deref().unwrap_or(why_text(why)).to_owned();
        let (next, at) = match schedule.next_due(&array.name, &after, now) {
            Due::Now(why) => (format!("now ({})", because(why)), Some(now)),
            Due::At(at, why) => (format!("{} ({})", text(at), because(why)), Some(at)),
            Due::Never(Never::Paused) => {
                let reason = array.paused.as_deref().unwrap_or("in the schedule itself");
                (format!("never: paused ({reason})"), None)
            }
            Due::Never(Never::NoOpening) => (
                "never: no window is open outside the freezes".to_owned(),
                None,
            ),
        };
        let upcoming = schedule.upcoming(&array.name, &after, now, count.min(100));
        let alarm = schedule
            .age_alarm(&array.name, &history, now)
            .map(|alarm| match alarm {
                AgeAlarm::TooOld { age, limit } => {
                    format!(
                        "the key is {} days old, more than {}",
                        age.num_days(),
                        limit.num_days()
                    )
                }
                AgeAlarm::Overdue { since } => format!("a roll is overdue since {}", text(since)),
            });
        Ok(said::ScheduleView {
            schedule_toml: array.schedule.clone().unwrap_or_default(),
            paused: array.paused.is_some(),
            next,
            next_unix: at.map_or(0, |at| at.timestamp()),
            upcoming_unix: upcoming.iter().map(DateTime::timestamp).collect(),
            alarm: alarm.unwrap_or_default(),
            ..empty
        })
    }

    fn scheduled(&self, name: &str) -> Result<ArrayRecord, No> {
        let array = self.array(name)?;
        if array.schedule.is_none() {
            return Err(
                No::unknown("no-schedule", format!("{} has no schedule", array.name))
                    .next(format!("keyroll schedule set {} --every 30d", array.name)),
            );
        }
        Ok(array)
    }

    /// Changes one array's record in a transaction, and wakes what depends on it.
    pub(super) fn change(
        &self,
        array: &ArrayRecord,
        edit: impl FnOnce(&mut ArrayRecord),
    ) -> Result<(), No> {
        self.ports.store.write(|change| {
            let mut array = change
                .array(&array.name)?
                .ok_or_else(|| StoreError::missing(&array.name))?;
            edit(&mut array);
            change.put_array(&array)
        })?;
        self.wake.notify_one();
        self.schedule_wake.notify_one();
        Ok(())
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

const fn why_text(why: Why) -> &'static str {
    match why {
        Why::Scheduled => "as scheduled",
        Why::Missed => "it was missed",
        Why::Retry => "the last attempt failed",
    }
}
