//! The times at which a rule lets a roll fall due.

use chrono::{DateTime, TimeDelta, Utc};

use super::{History, Rule, Schedule};

impl Schedule {
    /// The first time at which a roll falls due, given what happened so far. All others follow
    /// from it.
    pub(super) fn first_occurrence(&self, history: &History) -> Option<DateTime<Utc>> {
        let set = history.schedule_set;
        match &self.rule {
            Rule::Every(every) => match history.last_success {
                Some(last) => last.checked_add_signed(*every),
                None => Some(set),
            },
            // Times before the schedule was set are not missed: nobody wanted them.
            Rule::Cron(_) => {
                let since = history.last_success.map_or(set, |last| last.max(set));
                self.cron_occurrence(since, false)
            }
        }
    }

    /// The first occurrence at or after `time`, in the series that begins with `first`.
    pub(super) fn occurrence_from(
        &self,
        first: DateTime<Utc>,
        time: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let Rule::Every(every) = &self.rule else {
            return self.cron_occurrence(time.max(first), true);
        };
        let (step, way) = (every.num_seconds(), (time - first).num_seconds());
        let steps = way.max(0).checked_add(step - 1)?.checked_div(step)?;
        first.checked_add_signed(TimeDelta::try_seconds(step.checked_mul(steps)?)?)
    }

    fn cron_occurrence(&self, time: DateTime<Utc>, inclusive: bool) -> Option<DateTime<Utc>> {
        let Rule::Cron(cron) = &self.rule else {
            return None;
        };
        let next = cron.find_next_occurrence(&time.with_timezone(&self.zone), inclusive);
        next.ok().map(|next| next.to_utc())
    }
}
