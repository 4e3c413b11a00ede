//! The rules that an array is rolled by, and `keyroll array set`.

use std::time::Duration;

use keyroll::drift::Heal;
use keyroll::password::Length;
use keyroll::roll::policy::{DelegationGap, Gate, Method, OnDeadline, Policy};
use keyroll::roll::story::human;
use keyroll_proto::operator as said;

use super::super::no::No;
use super::super::{Controller, changed};
use super::words::{bad_word, short_life};
use crate::store::ArrayRecord;

/// The rules that an array goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) policy: Policy,
    pub(super) method: Option<Method>,
    pub(super) password_length: u32,
    pub(super) heal: Heal,
}

impl Rules {
    fn of(array: &ArrayRecord) -> Self {
        Self {
            policy: array.policy.clone(),
            method: array.method,
            password_length: array.password_length,
            heal: array.drift.heal,
        }
    }

    /// The same where `given` says otherwise; what it leaves out stays.
    fn with(mut self, given: &said::Policy) -> Result<Self, No> {
        let policy = &mut self.policy;
        let set = |time: &mut Duration, seconds: Option<u64>| {
            *time = seconds.map_or(*time, Duration::from_secs);
        };
        if !given.gate.is_empty() {
            policy.gate = given
                .gate
                .parse::<Gate>()
                .map_err(|error| No::bad_input("bad-value", format!("--gate: {error}")))?;
        }
        if given.stage_deadline != 0 {
            policy.stage_deadline = Duration::from_secs(given.stage_deadline);
        }
        set(&mut policy.ticket_life, given.ticket_life);
        policy.ticket_life_given |= given.ticket_life.is_some();
        set(&mut policy.clock_skew, given.clock_skew);
        set(&mut policy.margin, given.margin);
        policy.on_deadline = match given.on_deadline.as_str() {
            "" => policy.on_deadline,
            "abort" => OnDeadline::Abort,
            "quarantine" => OnDeadline::Quarantine,
            other => return Err(bad_word("on-deadline", other, "abort or quarantine")),
        };
        policy.delegation_gap = match given.delegation_gap.as_str() {
            "" => policy.delegation_gap,
            "refuse" => DelegationGap::Refuse,
            "in-window" => DelegationGap::InWindow,
            "accept" => DelegationGap::Accept,
            other => {
                let allowed = "refuse, in-window or accept";
                return Err(bad_word("delegation-gap", other, allowed));
            }
        };
        self.method = match given.method.as_str() {
            "" => self.method,
            "auto" => None,
            "change" => Some(Method::Change),
            "reset" => Some(Method::FencedReset),
            other => return Err(bad_word("method", other, "auto, change or reset")),
        };
        if given.password_length != 0 {
            self.password_length = given.password_length;
        }
        Length::new(self.password_length as usize)
            .map_err(|error| No::bad_input("bad-length", error.to_string()))?;
        self.heal = match given.heal.as_str() {
            "" => self.heal,
            "never" => Heal::Never,
            "reset" => Heal::Reset,
            other => return Err(bad_word("heal", other, "never or reset")),
        };
        Ok(self)
    }
}

impl Controller {
    /// The rules that a request describes, with the configured defaults filled in.
    pub(super) fn rules(&self, given: Option<&said::Policy>) -> Result<Rules, No> {
        let defaults = Rules {
            policy: self.defaults.policy(),
            method: None,
            password_length: self.defaults.password_length,
            heal: self.defaults.heal,
        };
        defaults.with(given.unwrap_or(&said::Policy::default()))
    }

    /// What rules say by which an old key goes earlier than by the array's present ones, or by the
    /// configured ones where there is no array yet; nothing where it does not, or where they make
    /// no sense and are refused.
    pub(crate) fn goes_earlier(
        &self,
        array: Option<&str>,
        given: Option<&said::Policy>,
    ) -> Option<String> {
        let before = match array {
            Some(array) => Rules::of(&self.array(array).ok()?),
            None => self.rules(None).ok()?,
        };
        let rules = before.clone().with(given?).ok()?;
        let (drain, drained) = (rules.policy.drain(), before.policy.drain());
        // Whoever names a ticket's life has tickets that were seen to live longer not count.
        let blind = rules.policy.ticket_life_given && !before.policy.ticket_life_given;
        (drain < drained || blind).then(|| {
            format!(
                "an old key stays for {} after a roll instead of {}{}",
                human(drain),
                human(drained),
                if blind {
                    ", though tickets be seen that live longer"
                } else {
                    ""
                }
            )
        })
    }

    /// Changes some of the rules that an array is rolled by, from its next roll on.
    ///
    /// # Errors
    /// [`No`].
    pub fn set_policy(&self, request: &said::SetPolicyRequest) -> Result<said::Changed, No> {
        let array = self.array(&request.array)?;
        let given = request.policy.clone().unwrap_or_default();
        let (before, rules) = (Rules::of(&array), Rules::of(&array).with(&given)?);
        let next = vec![format!("keyroll array show {}", array.name)];
        if rules == before {
            let same = format!("{} goes by these rules already", array.name);
            return Ok(changed(vec![same], next, request.dry_run));
        }
        let mut done = vec![format!("{} is rolled by the rules given", array.name)];
        if let Some(open) = self.ports.store.open_roll(&array.name)? {
            done.push(format!(
                "roll {} goes on by the rules it began with",
                open.number
            ));
        }
        let (drain, drained) = (rules.policy.drain(), before.policy.drain());
        if drain < drained {
            done.push(format!(
                "an old key stays for {} instead of {} after a roll: clients with tickets that \
                 live longer are refused then",
                human(drain),
                human(drained)
            ));
        }
        done.extend(short_life(&rules.policy));
        if !request.dry_run {
            self.change(&array, |array| {
                array.policy = rules.policy;
                array.method = rules.method;
                array.password_length = rules.password_length;
                array.drift.heal = rules.heal;
            })?;
        }
        Ok(changed(done, next, request.dry_run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::{StandIn, begin, in_service};
    use crate::store::Read as _;

    fn set(site: &StandIn, policy: said::Policy, dry_run: bool) -> Result<Vec<String>, No> {
        let request = said::SetPolicyRequest {
            array: "web".to_owned(),
            policy: Some(policy),
            dry_run,
        };
        site.controller.set_policy(&request).map(|said| said.done)
    }

    fn kept(site: &StandIn) -> ArrayRecord {
        let name = "web".parse().unwrap();
        site.controller.ports.store.array(&name).unwrap().unwrap()
    }

    #[test]
    fn what_is_given_changes_and_all_else_stays() {
        let site = StandIn::new();
        let before = in_service(&site, &["n1"]);
        let given = said::Policy {
            ticket_life: Some(20 * 3600),
            heal: "reset".to_owned(),
            method: "change".to_owned(),
            ..said::Policy::default()
        };
        let done = set(&site, given.clone(), true).unwrap();
        assert_eq!(done, ["web is rolled by the rules given"]);
        assert_eq!(Rules::of(&kept(&site)), Rules::of(&before), "a dry run");
        set(&site, given.clone(), false).unwrap();
        let mut expected = Rules::of(&before);
        expected.policy.ticket_life = Duration::from_secs(20 * 3600);
        expected.policy.ticket_life_given = true;
        expected.heal = Heal::Reset;
        expected.method = Some(Method::Change);
        assert_eq!(Rules::of(&kept(&site)), expected);
        let again = set(&site, given, false).unwrap();
        assert_eq!(again, ["web goes by these rules already"]);
        let auto = said::Policy {
            method: "auto".to_owned(),
            ..said::Policy::default()
        };
        set(&site, auto, false).unwrap();
        assert_eq!(kept(&site).method, None);
    }

    #[test]
    fn a_shorter_drain_is_said_and_an_open_roll_goes_by_its_own_rules() {
        let site = StandIn::new();
        in_service(&site, &["n1"]);
        begin(&site, true);
        let given = said::Policy {
            ticket_life: Some(0),
            ..said::Policy::default()
        };
        let done = set(&site, given, false).unwrap().join("\n");
        for part in [
            "goes on by the rules it began with",
            "instead of 10 h 30 min after a roll",
            "taken to live 0 s",
        ] {
            assert!(done.contains(part), "{part:?} is not in {done}");
        }
    }

    #[test]
    fn nonsense_is_refused_and_nothing_changes() {
        let site = StandIn::new();
        let before = in_service(&site, &["n1"]);
        for policy in [
            said::Policy {
                gate: "at-least none".to_owned(),
                ..said::Policy::default()
            },
            said::Policy {
                heal: "always".to_owned(),
                ..said::Policy::default()
            },
            said::Policy {
                password_length: 4,
                ..said::Policy::default()
            },
        ] {
            assert!(set(&site, policy.clone(), false).is_err(), "{policy:?}");
        }
        assert_eq!(Rules::of(&kept(&site)), Rules::of(&before));
    }
}
