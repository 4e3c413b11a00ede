//! Alarms that follow from the journal alone, whatever reconciliation last saw.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::name::ArrayName;
use keyroll::roll::story::human;
use keyroll::roll::{Cause, End, State, Trouble};
use keyroll_proto::operator::Alarm;

use super::Controller;
use super::no::No;
use crate::store::{ArrayRecord, PastRoll};

/// A roll that waits this long without a record is worth a look. While it drains it writes one
/// every 30 s.
const STANDSTILL: Duration = Duration::from_secs(3600);

/// How long domain controllers accept the password before for NTLM (`OldPasswordAllowedPeriod`, 60
/// minutes unless an administrator has set another).
const ACCEPTED: TimeDelta = TimeDelta::hours(1);

/// How long after an emergency roll somebody is told that it may take another.
const REMINDED: TimeDelta = TimeDelta::days(1);

impl Controller {
    /// What somebody must be told of the array's last roll.
    pub(super) fn of_roll(&self, array: &ArrayRecord) -> Result<Option<Alarm>, No> {
        let past = self.ports.store.history(&array.name, 2)?;
        let Some(last) = past.first() else {
            return Ok(None);
        };
        if matches!(last.roll.state(), State::Ended(_)) {
            return Ok(once_more(array, &past, self.ports.clock.now()));
        }
        let alarm = halted(array, last);
        Ok(alarm.or_else(|| self.stands_still(array, last)))
    }

    /// A roll that no DC answers, or no node, waits for as long as they are away.
    fn stands_still(&self, array: &ArrayRecord, open: &PastRoll) -> Option<Alarm> {
        let last = open.entries.last()?;
        let passed = self.ports.clock.now().timestamp_millis() - last.at_unix_millis;
        let passed = Duration::from_millis(u64::try_from(passed).ok()?);
        let line = self.rolls.line(&array.name);
        let told = line.map(|line| line.view.borrow().reason.clone());
        let reason = told.unwrap_or_else(|| last.reason.clone());
        let (number, state) = (open.number, open.roll.state().name());
        (passed >= STANDSTILL).then(|| Alarm {
            grade: "warning".to_owned(),
            object: array.name.to_string(),
            what: format!(
                "roll {number} has been {state} for {} without a step: {reason}",
                human(passed)
            ),
            next: format!("keyroll roll status {}", array.name),
            code: "roll-stands-still".to_owned(),
            ..Alarm::default()
        })
    }
}

/// What an emergency roll leaves to be done where a password has leaked, until it was done or a day
/// has passed.
fn once_more(array: &ArrayRecord, past: &[PastRoll], now: DateTime<Utc>) -> Option<Alarm> {
    let ended = |past: &PastRoll| {
        let urgent = past.roll.frame().cause == Cause::Emergency;
        let done = urgent && past.roll.state() == State::Ended(End::Done);
        let last = past.entries.last().filter(|_| done)?;
        DateTime::from_timestamp_millis(last.at_unix_millis)
    };
    let (last, before) = (past.first()?, past.get(1));
    let at = ended(last)?;
    // The second one of two.
    let second = before
        .and_then(ended)
        .is_some_and(|first| at - first < REMINDED);
    let reminded = now - at < REMINDED && !second;
    reminded.then(|| Alarm {
        grade: "notice".to_owned(),
        object: array.name.to_string(),
        what: format!(
            "until {} domain controllers may accept the password from before emergency roll {} \
             for NTLM; if that has leaked, and not a key alone, roll again then",
            (at + ACCEPTED).format("%Y-%m-%d %H:%M UTC"),
            last.number
        ),
        next: format!("keyroll roll {} --emergency", array.name),
        code: "password-before-accepted".to_owned(),
        ..Alarm::default()
    })
}

/// A halted roll waits for an operator, for days if nobody is told.
fn halted(array: &ArrayRecord, open: &PastRoll) -> Option<Alarm> {
    open.roll.trouble().map(|trouble| Alarm {
        grade: "critical".to_owned(),
        object: array.name.to_string(),
        what: format!("roll {} is halted: {}", open.number, trouble.sentence()),
        next: way_out(&array.name, trouble),
        code: "roll-halted".to_owned(),
        ..Alarm::default()
    })
}

/// What an operator types first, by what was seen.
fn way_out(array: &ArrayName, trouble: &Trouble) -> String {
    match trouble {
        // The roll's own key is not in force anywhere, so it cannot go on.
        Trouble::ForeignKey { .. } => {
            format!("keyroll roll resolve {array} give-up, then keyroll roll {array} --emergency")
        }
        Trouble::ForeignEnctype { .. } => format!(
            "keyroll verify {array} (it names the value of msDS-SupportedEncryptionTypes to set), \
             then keyroll roll resolve {array} continue"
        ),
        Trouble::WithoutEffect { .. } => format!(
            "keyroll verify {array}; once it is mended: keyroll roll resolve {array} continue"
        ),
        Trouble::NodeRefuses { node, .. } => format!(
            "keyroll node show {array} {node}; once it is mended: keyroll roll resolve {array} \
             continue"
        ),
    }
}

#[cfg(test)]
mod tests {
    use keyroll::fence::Version;
    use keyroll::roll::Record;

    use super::*;
    use crate::stand_in::domain::Scene;
    use crate::stand_in::{StandIn, begin, generated, go_on, in_service};

    #[test]
    fn a_roll_without_a_step_for_an_hour_is_worth_a_look() {
        let site = StandIn::new();
        let array = in_service(&site, &["n1"]);
        let (controller, ports) = (&site.controller, &site.controller.ports);
        let mut roll = begin(&site, true);
        let made = generated(&site, &roll);
        go_on(&site, &mut roll, [made]);
        assert!(controller.of_roll(&array).unwrap().is_none());
        let version = Version(8);
        let mut entry = ports.entry(Record::Staging { version }, "waiting for n1");
        roll.apply(entry.record.clone()).unwrap();
        entry.at_unix_millis -= 2 * 3600 * 1000;
        ports.record(&array.name, &roll, &entry).unwrap();
        let alarm = controller.of_roll(&array).unwrap().unwrap();
        assert_eq!(
            (alarm.grade.as_str(), alarm.code.as_str()),
            ("warning", "roll-stands-still")
        );
        assert!(
            alarm.what.contains("has been staging for 2 h"),
            "{}",
            alarm.what
        );
        assert!(alarm.what.ends_with("waiting for n1"), "{}", alarm.what);
    }

    #[test]
    fn a_password_that_leaked_takes_a_second_emergency_and_somebody_is_told() {
        let scene = Scene::new(&["dc1"]);
        let told = |later: TimeDelta| {
            let past = scene
                .site
                .controller
                .ports
                .store
                .history(&scene.row().name, 2);
            let past = past.unwrap();
            let ended = past[0].entries.last().unwrap().at_unix_millis;
            let now = DateTime::from_timestamp_millis(ended).unwrap() + later;
            once_more(&scene.row(), &past, now)
        };
        scene.emergency();
        let alarm = told(TimeDelta::minutes(5)).unwrap();
        assert_eq!(alarm.grade, "notice");
        assert!(alarm.what.contains("emergency roll 1"), "{}", alarm.what);
        assert!(told(TimeDelta::hours(25)).is_none(), "it is over");
        let row = scene.row();
        let code = scene.site.controller.of_roll(&row).unwrap().unwrap().code;
        assert_eq!(code, "password-before-accepted");
        scene.emergency();
        assert!(told(TimeDelta::minutes(5)).is_none(), "it was the second");
    }
}
