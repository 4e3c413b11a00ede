//! The controller's ports to the domain: LDAP and the KDCs, with what networks do to both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keyroll::account::AccountState;
use keyroll::drift::{DcMark, History};
use keyroll::kerberos::message::{Credential, Mint};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::{Enctype, Key, Principal, Realm};
use keyroll::name::DcName;
use keyroll::roll::{Answer, WhichKey};
use keyroll::secret::SecretBytes;
use keyroll_controller::ports::{
    AccountRef, Directory, Kdc, KnownKeys, NewAccount, NotLoggedIn, PasswordWrite, PortError,
    Sighting,
};
use keyroll_controller::store::{Read as _, Store};

use crate::domain::Write;
use crate::mistake::Mistake;
use crate::world::{Event, Inner, World};

/// How long the real adapters wait for a domain controller.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the tickets live that the controller gets for itself: longer than any user's.
pub const PROBED: Duration = Duration::from_secs(601);

/// Both ports.
pub struct Site {
    pub world: Arc<World>,
    pub realm: Realm,
    pub store: Arc<Store>,
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Lost,
    Unheard,
    Late(Duration),
    Refused,
    Ignored,
}

impl Inner {
    fn write_fate(&mut self) -> Fate {
        let weather = self.weather.clone();
        let mut is = |of: u32| self.dice.thousandth(of);
        if is(weather.write_lost) {
            Fate::Lost
        } else if is(weather.write_unheard) {
            Fate::Unheard
        } else if is(weather.write_late) {
            // AD ends a request after two minutes.
            Fate::Late(self.dice.millis(1_000..110_000))
        } else if is(weather.write_refused) {
            Fate::Refused
        } else if is(weather.write_ignored) {
            Fate::Ignored
        } else {
            Fate::Answered
        }
    }

    /// A write arrives at a domain controller.
    pub fn write(&mut self, dc: usize, write: &Write) -> Answer {
        let (now, name) = (self.now(), self.domain.dcs[dc].name.clone());
        self.check();
        let answer = self.domain.apply(dc, write, now);
        match &answer {
            Answer::Applied => {
                let number = self.tickets.number(&write.new);
                self.note(format!("{name}: the account gets password {number}"));
                self.changed(dc);
            }
            other => self.note(format!("{name}: the write is not applied: {other:?}")),
        }
        self.check();
        answer
    }

    /// The ticket that a KDC issues now, as a client gets it.
    fn ticket(&mut self, dc: usize) -> Credential {
        let (kvno, password) = self.domain.in_force(dc);
        let password = password.to_owned();
        let keys = self.domain.keys_of(&password);
        let now = self.true_time();
        let start = now - TimeDelta::seconds(1);
        let enctype = keys[0].enctype();
        let session = SecretBytes::new(vec![1; enctype.key_length()]);
        let mint = Mint {
            service: &self.domain.service,
            key: &keys[0],
            kvno,
            client: &"keyroll@CORP.EXAMPLE".parse().unwrap(),
            start,
            end: start + PROBED,
            session_key: &Key::new(enctype, session).unwrap(),
            confounder: &[2; 16],
        };
        mint.issue().unwrap()
    }

    fn sighting(&mut self, dc: usize, known: &KnownKeys<'_>) -> Sighting {
        let asked = match self.mistake {
            // The proof of one domain controller is taken for that of all.
            Some(Mistake::AsksOneDcForAll) => 0,
            _ => dc,
        };
        let credential = self.ticket(asked);
        let (kvno, password) = self.domain.in_force(asked);
        let fits = |(_, key): &&(WhichKey, &Key)| credential.ticket.open(key).is_ok();
        let mut found = (WhichKey::Foreign, None);
        if let Some((which, _)) = known.keys.iter().find(fits) {
            found = (*which, None);
        } else if known
            .new_password
            .is_some_and(|(new, ..)| new.expose() == password)
        {
            found = (WhichKey::New, Some(self.domain.salt()));
        }
        let (name, number) = (self.domain.dcs[dc].name.clone(), password.to_owned());
        let number = self.tickets.number(&number);
        self.note(format!(
            "{name}: a ticket under password {number}, kvno {kvno}"
        ));
        Sighting {
            key: found.0,
            kvno,
            enctype: credential.ticket.look().enctype,
            salt: found.1,
            clock_offset: self.clock_offset(),
            ticket_life: (credential.times.end - credential.times.start)
                .to_std()
                .unwrap_or_default(),
            ticket: Arc::new(credential),
        }
    }
}

impl Site {
    /// One question to a domain controller: its way there, what it does, its way back.
    async fn ask<T>(
        &self,
        dc: &DcName,
        what: &str,
        work: impl FnOnce(&mut Inner, usize) -> T,
    ) -> Result<T, PortError> {
        let (index, there, back, silent) = {
            let mut inner = self.world.lock();
            let index = inner.domain.index(dc);
            let weather = inner.weather.clone();
            let silent = inner.dice.thousandth(weather.silent);
            let slow = inner.dice.thousandth(weather.slow);
            let back = if slow { 500..8_000 } else { 1..30 };
            let (there, back) = (inner.dice.millis(1..30), inner.dice.millis(back));
            (index, there, back, silent)
        };
        let unreachable = || PortError::Unreachable {
            object: dc.to_string(),
            why: "no answer".to_owned(),
        };
        if silent {
            self.world
                .lock()
                .strike(&format!("{dc}: {what} is not answered"));
            tokio::time::sleep(PATIENCE).await;
            return Err(unreachable());
        }
        tokio::time::sleep(there).await;
        if self.world.lock().domain.dcs[index].cut {
            return Err(unreachable());
        }
        let outcome = work(&mut self.world.lock(), index);
        tokio::time::sleep(back).await;
        Ok(outcome)
    }

    /// What is said of a write that was not answered.
    fn silence(&self, text: &str) -> Answer {
        let text = text.to_owned();
        if self.world.lock().mistake == Some(Mistake::TakesSilenceForNo) {
            let (code, win32) = (52, None);
            return Answer::Refused { code, win32, text };
        }
        Answer::Unanswered { text }
    }

    /// Each write to the directory has an intent of its own on record before it.
    fn look_for_an_intent(&self, dc: &DcName) {
        let arrays = self.store.arrays().unwrap();
        let open = arrays
            .iter()
            .find_map(|array| self.store.open_roll(&array.name).unwrap());
        let mut inner = self.world.lock();
        let roll = open.as_ref().map(|open| &open.roll);
        if let Some(why) = inner.intents.use_up(roll, dc) {
            inner.fail(why);
        }
    }

    fn missing(what: &str) -> PortError {
        PortError::Missing {
            object: what.to_owned(),
        }
    }
}

#[async_trait]
impl Directory for Site {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    async fn domain_controllers(&self) -> Result<Vec<DcName>, PortError> {
        let mut inner = self.world.lock();
        let often = inner.weather.silent;
        if inner.dice.thousandth(often) {
            inner.strike("DNS does not answer");
            return Err(PortError::Unreachable {
                object: "DNS".to_owned(),
                why: "no answer".to_owned(),
            });
        }
        Ok(inner.domain.dcs.iter().map(|dc| dc.name.clone()).collect())
    }

    async fn history(&self, dc: &DcName, _: &AccountRef) -> Result<History, PortError> {
        Err(untold(dc))
    }

    async fn mark(&self, dc: &DcName) -> Result<DcMark, PortError> {
        Err(untold(dc))
    }

    async fn find(&self, _: &DcName, name: &str) -> Result<AccountRef, PortError> {
        Err(Self::missing(name))
    }

    async fn read(&self, dc: &DcName, _: &AccountRef) -> Result<AccountState, PortError> {
        let read = |inner: &mut Inner, dc: usize| inner.domain.account_state(dc);
        self.ask(dc, "a read", read).await
    }

    async fn write_password(&self, dc: &DcName, write: &PasswordWrite<'_>) -> Answer {
        self.look_for_an_intent(dc);
        let write = Write::from(write);
        let (index, fate, there, dies) = {
            let mut inner = self.world.lock();
            let (index, fate) = (inner.domain.index(dc), inner.write_fate());
            let there = inner.dice.millis(1..60);
            let often = inner.weather.killed * 5;
            (index, fate, there, inner.dice.thousandth(often))
        };
        let send = |after| {
            let write = Box::new(write.clone());
            self.world.later(after, Event::Write { dc: index, write });
        };
        if dies {
            let sent = !matches!(fate, Fate::Lost | Fate::Refused);
            if sent {
                send(there);
            }
            let whether = if sent { "after" } else { "before" };
            self.world
                .kill(&format!("{whether} it sent the write to {dc}"));
            return std::future::pending().await;
        }
        if self.world.lock().domain.dcs[index].cut {
            tokio::time::sleep(PATIENCE).await;
            return self.silence("no connection");
        }
        if fate != Fate::Answered {
            let mut inner = self.world.lock();
            inner.strike(&format!("{dc}: the write: {fate:?}"));
        }
        match fate {
            Fate::Lost => {
                tokio::time::sleep(PATIENCE).await;
                return self.silence("connection reset");
            }
            Fate::Late(after) => {
                send(after);
                tokio::time::sleep(PATIENCE).await;
                return self.silence("no answer in time");
            }
            Fate::Refused => {
                tokio::time::sleep(there).await;
                return Answer::Refused {
                    code: 53,
                    win32: None,
                    text: "unwilling to perform".to_owned(),
                };
            }
            Fate::Ignored => {
                tokio::time::sleep(there).await;
                return Answer::Applied;
            }
            Fate::Answered | Fate::Unheard => {}
        }
        tokio::time::sleep(there).await;
        let answer = self.world.lock().write(index, &write);
        self.world.check();
        self.world.queued.notify_one();
        tokio::time::sleep(there).await;
        if fate == Fate::Unheard {
            if self.world.lock().mistake == Some(Mistake::SendsAgain) {
                self.look_for_an_intent(dc);
            }
            return self.silence("connection reset");
        }
        answer
    }

    async fn create(&self, _: &DcName, _: &NewAccount<'_>) -> Answer {
        Answer::Unanswered {
            text: "no accounts are made here".to_owned(),
        }
    }

    async fn set_enctypes(
        &self,
        _: &DcName,
        _: &AccountRef,
        _: &[Enctype],
    ) -> Result<(), PortError> {
        Ok(())
    }

    async fn add_spn(&self, _: &DcName, _: &AccountRef, _: &str) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Kdc for Site {
    async fn sight(
        &self,
        dc: &DcName,
        _: &Principal,
        known: &KnownKeys<'_>,
    ) -> Result<Sighting, PortError> {
        let see = |inner: &mut Inner, dc: usize| inner.sighting(dc, known);
        self.ask(dc, "a ticket request", see).await
    }

    async fn log_in(
        &self,
        dc: &DcName,
        account: &Principal,
        keys: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn> {
        let try_keys = |inner: &mut Inner, dc: usize| {
            if inner.domain.log_in(dc, keys) {
                let salt = inner.domain.salt();
                let salts = keys.iter().map(|key| (key.enctype(), Some(salt.clone())));
                return Ok(salts.collect());
            }
            let name = inner.domain.dcs[dc].name.clone();
            inner.strike(&format!("{name}: a login with a wrong key"));
            let refused = PortError::Refused {
                object: account.to_string(),
                why: "this is not its key".to_owned(),
                next: String::new(),
            };
            Err(refused.into())
        };
        self.ask(dc, "a login", try_keys).await?
    }
}

/// Stamps and marks are for words in alarms: nothing here goes by them.
fn untold(dc: &DcName) -> PortError {
    PortError::Unreachable {
        object: dc.to_string(),
        why: "it shows no stamps".to_owned(),
    }
}
