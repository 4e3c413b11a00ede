//! The promise itself, checked whenever anything has changed: every ticket that is alive, and every
//! ticket that a domain controller could issue now, opens at every node that has users: those that
//! say they are ready, and those that said so a moment ago.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyroll::name::DcName;
use keyroll::roll::{Outcome, Roll};

use crate::domain::Domain;
use crate::machine::{KeyOf, Machine};

/// The intents under which writes were sent.
#[derive(Default)]
pub struct Intents {
    /// The last one: its roll by the fence, which no two share, and which of its writes.
    used: Option<(String, usize)>,
}

impl Intents {
    /// A write leaves for `dc`: what speaks against it, if not this very write is on record, and
    /// nothing was sent under that number yet.
    pub fn use_up(&mut self, open: Option<&Roll>, dc: &DcName) -> Option<String> {
        let intent = open.and_then(|roll| {
            let last = roll.attempts().last()?;
            let meant = last.dc == *dc && last.outcome == Outcome::Open;
            let fence = roll.generated()?.fence.clone();
            meant.then_some((fence, roll.attempts().len()))
        });
        match intent {
            None => Some(format!(
                "a write leaves for {dc} without an intent on record"
            )),
            Some(intent) if self.used.as_ref() == Some(&intent) => Some(format!(
                "a write leaves for {dc} without an intent of its own"
            )),
            intent => {
                self.used = intent;
                None
            }
        }
    }
}

/// The tickets that clients hold.
#[derive(Default)]
pub struct Tickets {
    /// How long the last one issued under each key is honoured.
    dies: BTreeMap<KeyOf, Duration>,
    /// Keys that no node can be asked to know: set by somebody else, or brought back from a
    /// backup when nodes had given them up.
    pub excused: BTreeSet<KeyOf>,
    /// Those that an emergency which has begun gives up, unless it comes to nothing.
    given_up: BTreeSet<KeyOf>,
    /// What people call each key: "password 2, kvno 5".
    names: BTreeMap<KeyOf, String>,
    /// The passwords in the order in which they appeared.
    passwords: Vec<String>,
    /// How long a ticket is honoured after it is issued, skew of both clocks included.
    life: Duration,
}

impl Tickets {
    pub fn new(life: Duration) -> Self {
        Self {
            life,
            ..Self::default()
        }
    }

    /// A password by the order of its appearance: passwords are never shown.
    pub fn number(&mut self, password: &str) -> usize {
        let known = self.passwords.iter().position(|one| one == password);
        known.unwrap_or_else(|| {
            self.passwords.push(password.to_owned());
            self.passwords.len() - 1
        }) + 1
    }

    pub fn key_of(&mut self, domain: &mut Domain, dc: usize) -> KeyOf {
        let (kvno, password) = domain.in_force(dc);
        let password = password.to_owned();
        let key = domain.keys_of(&password)[0].expose().to_vec();
        let key = (kvno.0, key);
        if !self.names.contains_key(&key) {
            let name = format!("password {}, kvno {kvno}", self.number(&password));
            self.names.insert(key.clone(), name);
        }
        key
    }

    /// Every domain controller issues tickets at every moment, this one included.
    pub fn issue(&mut self, domain: &mut Domain, now: Duration) {
        for dc in 0..domain.dcs.len() {
            let key = self.key_of(domain, dc);
            self.dies.insert(key, now + self.life);
        }
        self.dies.retain(|_, dies| *dies > now);
    }

    /// No ticket of today is asked for any more: an emergency gives them up.
    pub fn give_up(&mut self) {
        self.given_up.extend(self.dies.keys().cloned());
    }

    /// The emergency has ended: they are given up for good, or asked for as before.
    pub fn weigh(&mut self, for_good: bool) {
        let given_up = std::mem::take(&mut self.given_up);
        if for_good {
            self.excused.extend(given_up);
        }
    }

    /// Whether an emergency has given up any.
    pub fn has_given_up(&self) -> bool {
        !self.given_up.is_empty()
    }

    fn is_excused(&self, key: &KeyOf) -> bool {
        self.excused.contains(key) || self.given_up.contains(key)
    }

    /// The first ticket that a serving node would refuse.
    pub fn refused<'a>(&self, machines: impl IntoIterator<Item = &'a Machine>) -> Option<String> {
        let serving = machines
            .into_iter()
            .filter(|machine| machine.has_users() && !machine.tampered && !machine.left_behind);
        for machine in serving {
            for held in &machine.held {
                let missing = self
                    .dies
                    .keys()
                    .find(|key| !held.contains(*key) && !self.is_excused(key));
                if let Some(key) = missing {
                    let names: Vec<&str> = held.iter().map(|key| self.name(key)).collect();
                    return Some(format!(
                        "{} has users and refuses a live ticket under {}; it holds {}",
                        machine.name,
                        self.name(key),
                        names.join(" and ")
                    ));
                }
            }
        }
        None
    }

    pub fn name(&self, key: &KeyOf) -> &str {
        self.names
            .get(key)
            .map_or("a key never in force", String::as_str)
    }
}
