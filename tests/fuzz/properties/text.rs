//! Texts that people write, or that travel by hand.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::kerberos::{Enctype, Principal, Realm};
use keyroll::name::{ArrayName, DcName, NodeName, OperatorName};
use keyroll::roll::policy::Gate;
use keyroll::schedule::{Due, History, Schedule};
use keyroll_controller::ca::Identity;
use keyroll_controller::directory::text::{Dn, Filter, is_attribute_name};
use keyroll_controller::enroll::NodeAddress;
use keyroll_proto::Invitation;

/// An invitation is refused, or printed as the line that it was.
pub fn invitations(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let Ok(invitation) = text.parse::<Invitation>() else {
        return false;
    };
    let again = invitation.line().parse::<Invitation>();
    let again = again.expect("our own line");
    assert!(again.line() == invitation.line());
    assert!(again.token.same_as(&invitation.token) && again.authority == invitation.authority);
    assert!(again.node == invitation.node && again.controller == invitation.controller);
    true
}

/// A name is refused with a short sentence, or printed such that it is read as the same.
pub fn names(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let taken = [
        round_trip::<ArrayName>(text),
        round_trip::<NodeName>(text),
        round_trip::<DcName>(text),
        round_trip::<OperatorName>(text),
        round_trip::<Realm>(text),
        round_trip::<Principal>(text),
        round_trip::<Enctype>(text),
        round_trip::<Gate>(text),
        round_trip::<Dn>(text),
        round_trip::<NodeAddress>(text),
        round_trip::<Identity>(text),
    ];
    assert!(!is_attribute_name(text) || text.is_ascii());
    let filter = Filter::equals("cn", text);
    assert!(filter.as_str().matches(['(', ')']).count() == 2);
    assert!(filter.as_str().is_ascii());
    let parent: Dn = "OU=a,DC=b".parse().expect("a name");
    let child = Dn::child(text, &parent);
    assert!(child.as_str().starts_with("CN=") && child.as_str().ends_with(",OU=a,DC=b"));
    taken.contains(&true)
}

fn round_trip<T>(text: &str) -> bool
where
    T: FromStr + Display + PartialEq,
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(name) => {
            let again = name.to_string().parse::<T>();
            assert!(again.is_ok_and(|again| again == name), "{name} changed");
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 1_000, "a long complaint");
            false
        }
    }
}

/// A schedule is refused, or written as one that gives the same answers, and gives an answer at
/// any time at all.
pub fn schedules(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let Ok(schedule) = toml::from_str::<Schedule>(text) else {
        return false;
    };
    let written = toml::to_string(&schedule).expect("a schedule that was read is written");
    let again: Schedule = toml::from_str(&written).expect("our own schedule");
    assert!(again == schedule, "a schedule changed on its way");
    let array: ArrayName = "web".parse().expect("a name");
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    // Whatever number stands in the text moves the times about.
    let turn = bytes
        .iter()
        .fold(0_i64, |sum, byte| sum * 31 % 90_000_000 + i64::from(*byte));
    let history = History {
        schedule_set: now - TimeDelta::seconds(turn),
        last_success: Some(now - TimeDelta::seconds(turn / 2)),
        last_attempt: (turn % 2 == 0).then(|| now - TimeDelta::seconds(turn / 3)),
    };
    let due = schedule.next_due(&array, &history, now);
    if let Due::At(at, _) = due {
        assert!(at > now, "{due} is over");
    }
    let coming = schedule.upcoming(&array, &history, now, 3);
    assert!(coming.is_sorted());
    let _ = schedule.age_alarm(&array, &history, now);
    true
}
