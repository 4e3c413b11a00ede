//! The domain: an account on every domain controller, with what replication does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use keyroll::account::{AccountState, OtherOwners};
use keyroll::kerberos::salt::{AccountKind, Salt, SaltSource};
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::name::DcName;
use keyroll::roll::Answer;
use keyroll::roll::policy::Method;
use keyroll::secret::Password;
use keyroll_controller::ports::PasswordWrite;

/// The account's kvno before the first roll.
pub const FIRST_KVNO: u32 = 4;
/// Its password then.
pub const FIRST_PASSWORD: &str = "the first password, which nobody but the array knows 1";

/// An attribute of an object, as the directory replicates it (MS-ADTS 3.1.1.3): the higher
/// version wins, then the later time, then the higher origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<T> {
    pub value: T,
    version: u32,
    written: Duration,
    origin: usize,
}

impl<T: Clone> Attribute<T> {
    fn stamp(&self) -> (u32, Duration, usize) {
        (self.version, self.written, self.origin)
    }

    fn write(&mut self, value: T, now: Duration, origin: usize) {
        self.version += 1;
        (self.value, self.written, self.origin) = (value, now, origin);
    }

    fn merge(&mut self, other: &Self) {
        if other.stamp() > self.stamp() {
            self.clone_from(other);
        }
    }
}

/// The account as one domain controller has it.
#[derive(Debug, Clone)]
pub struct Held {
    pub password: Attribute<String>,
    pub fence: Attribute<Option<String>>,
}

/// One domain controller.
#[derive(Debug)]
pub struct Dc {
    pub name: DcName,
    pub held: Held,
    /// What it had before the last write that reached it, as a backup of it would.
    pub backup: Option<Held>,
    /// The passwords before, the newest last: the directory counts no login with one of the last
    /// two.
    past: Vec<String>,
    /// The controller does not reach it.
    pub cut: bool,
    /// Its replication partners do not reach it.
    pub apart: bool,
    /// It was restored and has not heard yet what it missed.
    pub restored: bool,
}

/// A write that is on its way.
#[derive(Debug, Clone)]
pub struct Write {
    old: Option<String>,
    pub new: String,
    method: Method,
    fence_before: Option<String>,
    fence: String,
}

impl From<&PasswordWrite<'_>> for Write {
    fn from(write: &PasswordWrite<'_>) -> Self {
        Self {
            old: write.old.map(|old| old.expose().to_owned()),
            new: write.new.expose().to_owned(),
            method: write.method,
            fence_before: write.fence.0.map(str::to_owned),
            fence: write.fence.1.to_owned(),
        }
    }
}

/// All of it.
pub struct Domain {
    pub dcs: Vec<Dc>,
    pub account: Principal,
    pub service: Principal,
    pub enctypes: Vec<Enctype>,
    /// Passwords that somebody else set.
    pub foreign: BTreeSet<String>,
    /// Failed logins that the directory has counted.
    pub bad_logins: u32,
    /// Any write is taken, whatever it builds on.
    pub blind: bool,
    keys: BTreeMap<String, Arc<Vec<Key>>>,
}

impl Domain {
    pub fn new(dcs: usize, enctypes: Vec<Enctype>) -> Self {
        let password = Attribute {
            value: FIRST_PASSWORD.to_owned(),
            version: FIRST_KVNO,
            written: Duration::ZERO,
            origin: 0,
        };
        let fence = Attribute {
            value: None,
            version: 0,
            written: Duration::ZERO,
            origin: 0,
        };
        let held = Held { password, fence };
        let dc = |number: usize| Dc {
            name: format!("dc{number}").parse().unwrap(),
            held: held.clone(),
            backup: None,
            past: Vec::new(),
            cut: false,
            apart: false,
            restored: false,
        };
        Self {
            dcs: (1..=dcs).map(dc).collect(),
            account: "WEB$@CORP.EXAMPLE".parse().unwrap(),
            service: "HTTP/web.corp.example@CORP.EXAMPLE".parse().unwrap(),
            enctypes,
            foreign: BTreeSet::new(),
            bad_logins: 0,
            blind: false,
            keys: BTreeMap::new(),
        }
    }

    pub fn index(&self, name: &DcName) -> usize {
        let at = self.dcs.iter().position(|dc| dc.name == *name);
        at.expect("the controller asks only DCs that it was told of")
    }

    /// The account's keys under a password: the strongest first, under which tickets are issued.
    pub fn keys_of(&mut self, password: &str) -> Arc<Vec<Key>> {
        if let Some(keys) = self.keys.get(password) {
            return Arc::clone(keys);
        }
        let text = Password::new(password.to_owned());
        let keys = Arc::new(derive_all(&self.enctypes, &text, &self.salt()));
        self.keys.insert(password.to_owned(), Arc::clone(&keys));
        keys
    }

    pub fn salt(&self) -> Salt {
        self.salt_source().next_salt()
    }

    fn salt_source(&self) -> SaltSource {
        SaltSource {
            kind: AccountKind::Computer,
            realm: self.account.realm().clone(),
            sam_account_name: "WEB$".to_owned(),
            user_principal_name: None,
            dns_domain: "corp.example".to_owned(),
        }
    }

    /// The kvno and password that a domain controller issues tickets with now.
    pub fn in_force(&self, dc: usize) -> (Kvno, &str) {
        let password = &self.dcs[dc].held.password;
        (Kvno(password.version), &password.value)
    }

    /// A write arrives. Whether it was applied tells [`Answer`].
    pub fn apply(&mut self, dc: usize, write: &Write, now: Duration) -> Answer {
        let held = &self.dcs[dc].held;
        let refused = |code, win32, text: &str| Answer::Refused {
            code,
            win32,
            text: text.to_owned(),
        };
        match write.method {
            _ if self.blind => {}
            Method::Change if write.old.as_ref() != Some(&held.password.value) => {
                return refused(19, Some(0x56), "wrong old password");
            }
            Method::FencedReset if write.fence_before != held.fence.value => {
                return refused(16, None, "the fence has no such value");
            }
            Method::Change | Method::FencedReset => {}
        }
        self.set(dc, &write.new, now);
        if write.method == Method::FencedReset {
            let fence = Some(write.fence.clone());
            self.dcs[dc].held.fence.write(fence, now, dc);
        }
        Answer::Applied
    }

    /// Somebody sets the password, whoever it is.
    pub fn set(&mut self, dc: usize, password: &str, now: Duration) {
        let one = &mut self.dcs[dc];
        one.backup = Some(one.held.clone());
        one.past.push(one.held.password.value.clone());
        one.held.password.write(password.to_owned(), now, dc);
    }

    /// A login with these keys; whether they are those in force. A wrong one is counted, but for
    /// keys of a password that was in force a moment ago: a ticket may have shown it just before
    /// somebody set another.
    pub fn log_in(&mut self, dc: usize, keys: &[Key]) -> bool {
        let one = &self.dcs[dc];
        let (now, past) = (one.held.password.value.clone(), one.past.clone());
        let mut opens = |password: &str| {
            let theirs = self.keys_of(password);
            let mut of = keys.iter();
            of.all(|key| theirs.iter().any(|their| their.same_as(key)))
        };
        let right = opens(&now);
        if !right && !past.iter().rev().take(2).any(|password| opens(password)) {
            self.bad_logins += 1;
        }
        right
    }

    /// What one has reaches another; whether anything changed there.
    pub fn replicate(&mut self, from: usize, to: usize) -> bool {
        let theirs = self.dcs[from].held.clone();
        let one = &mut self.dcs[to];
        one.restored = false;
        let before = one.held.clone();
        one.held.password.merge(&theirs.password);
        one.held.fence.merge(&theirs.fence);
        let changed = before.password != one.held.password || before.fence != one.held.fence;
        if before.password.value != one.held.password.value {
            one.past.push(before.password.value.clone());
        }
        if changed {
            one.backup = Some(before);
        }
        changed
    }

    pub fn account_state(&self, dc: usize) -> AccountState {
        let held = &self.dcs[dc].held;
        AccountState {
            guid: [7; 16],
            distinguished_name: "CN=WEB,CN=Computers,DC=corp,DC=example".to_owned(),
            salt_source: self.salt_source(),
            kvno: Kvno(held.password.version),
            spns: vec!["HTTP/web.corp.example".to_owned()],
            supported_enctypes: Some(
                self.enctypes
                    .iter()
                    .filter_map(|enctype| enctype.directory_bit())
                    .sum(),
            ),
            disabled: false,
            locked: false,
            expired: false,
            password_expired: false,
            expires_unix: None,
            password_expires_unix: None,
            protections: Vec::new(),
            hidden: Vec::new(),
            password_set_unix: 0,
            minimum_age_left: Duration::ZERO,
            minimum_length: 7,
            may_reset: true,
            may_write_fence: true,
            fence: held.fence.value.clone(),
            other_owners: OtherOwners::default(),
            delegates: false,
            not_delegated: false,
            protected_user: false,
            delegates_to: Vec::new(),
        }
    }
}
