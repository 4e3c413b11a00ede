//! Logon sessions while the agent dies, at each call to the local security authority in turn.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Origin, Role, Unlisted};
use keyroll::letter::PasswordUse;
use keyroll::secret::Password;
use keyroll_agent::logon_session::kept::Kept;
use keyroll_agent::logon_session::request::Request;
use keyroll_agent::logon_session::{Authority, LogonSessions, Session, SessionError};
use keyroll_agent::password_targets::Takers;
use keyroll_agent::platform;

use crate::local_authority::{Held, LocalAuthority};

const SESSIONS: [Session; 2] = [Session::System, Session::NetworkService];

/// An authority whose asker dies at a call: before it is done, or after.
#[derive(Debug, Default)]
struct Deadly {
    authority: LocalAuthority,
    dies: Mutex<Option<(usize, bool)>>,
}

impl Authority for Deadly {
    fn ask(&self, request: Request) -> io::Result<()> {
        let now = self
            .dies
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|(calls, done)| {
                let now = (*calls == 0).then_some(*done);
                *calls = calls.saturating_sub(1);
                now
            });
        if now != Some(false) {
            self.authority.ask(request)?;
        }
        assert!(now.is_none(), "the agent dies here");
        Ok(())
    }
}

pub fn kept(account: &str, kvnos: &[u32]) -> Kept {
    let salt = Salt::new("CORP.EXAMPLEhostweb.corp.example".to_owned());
    let generation = |(place, kvno): (usize, &u32)| {
        let password = Password::new(format!("{account} {kvno}"));
        let role = if place == 0 {
            Role::Current
        } else {
            Role::Pending
        };
        GenerationKeys {
            role,
            kvno: Kvno(*kvno),
            keys: derive_all(&[Enctype::Aes128CtsHmacSha1], &password, &salt),
            origin: Some(Origin {
                password,
                salt: salt.clone(),
            }),
        }
    };
    let keyset = Keyset {
        array: "web".parse().unwrap(),
        epoch: Epoch(1),
        version: Version(1),
        principals: vec![format!("{account}@CORP.EXAMPLE").parse().unwrap()],
        generations: kvnos.iter().enumerate().map(generation).collect(),
        unlisted: Unlisted::Remove,
    };
    Kept::of(&keyset, PasswordUse::LogonSession).unwrap()
}

fn begin(authority: &Arc<Deadly>, folder: &Path) -> LogonSessions {
    begin_with(&SESSIONS, authority, folder)
}

fn begin_with(sessions: &[Session], authority: &Arc<Deadly>, folder: &Path) -> LogonSessions {
    let takers = Takers {
        authority: authority.clone(),
        ..platform::takers()
    };
    LogonSessions::begin(sessions.to_vec(), &takers, folder, &"web".parse().unwrap())
}

/// What the sessions hold once they hold this account's passwords and nothing else.
fn holding(account: &str, kvnos: &[u32]) -> Vec<Held> {
    holding_in(&SESSIONS, account, kvnos)
}

fn holding_in(sessions: &[Session], account: &str, kvnos: &[u32]) -> Vec<Held> {
    let of_session = |session: &Session| {
        let id = session.id(platform::takers().services.as_ref());
        let id = id.unwrap().unwrap().0;
        let one = |kvno: &u32| {
            let (account, domain) = (account.to_owned(), "CORP.EXAMPLE".to_owned());
            let password = format!("{account} {kvno}");
            (id, account, domain, password)
        };
        kvnos.iter().map(one).collect::<Vec<_>>()
    };
    let mut held: Vec<Held> = sessions.iter().flat_map(of_session).collect();
    held.sort();
    held
}

type Act = fn(&LogonSessions) -> Result<(), SessionError>;

#[test]
fn whoever_dies_at_any_call_leaves_nothing_that_the_next_start_does_not_set_right() {
    let acts: [(&str, Act, Vec<Held>); 4] = [
        (
            "renamed",
            |all| all.hold(kept("NEW$", &[3])),
            holding("NEW$", &[3]),
        ),
        (
            "begun",
            |all| all.hold(kept("OLD$", &[1, 2, 3])),
            holding("OLD$", &[1, 2, 3]),
        ),
        (
            "ended",
            |all| all.hold(kept("OLD$", &[2])),
            holding("OLD$", &[2]),
        ),
        ("wiped", LogonSessions::wipe, Vec::new()),
    ];
    for (act, run, expected) in &acts {
        for done in [false, true] {
            let mut deaths = 0;
            while dies_at(deaths, done, *run, expected, act) {
                deaths += 1;
            }
            assert!(deaths >= SESSIONS.len(), "{act} dies only {deaths} times");
        }
    }
}

/// Has the agent die in the act at this call; false if the act has no such call.
fn dies_at(call: usize, done: bool, act: Act, expected: &[Held], name: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(Deadly::default());
    let sessions = begin(&authority, folder.path());
    sessions.hold(kept("OLD$", &[1, 2])).unwrap();
    *authority.dies.lock().unwrap() = Some((call, done));
    let died = catch_unwind(AssertUnwindSafe(|| act(&sessions).unwrap())).is_err();
    drop(sessions);
    *authority.dies.lock().unwrap() = None;
    // Started again, and then told again.
    let sessions = begin(&authority, folder.path());
    for told_again in [false, true] {
        if told_again {
            act(&sessions).unwrap();
        }
        let mut held = authority.authority.held().clone();
        held.sort();
        let when = format!("{name}, call {call}, done {done}, told again {told_again}");
        assert_eq!(held, expected, "{when}");
        let kept = Kept::load(&folder.path().join("web.passwords")).unwrap();
        assert_eq!(kept.is_none(), expected.is_empty(), "{when}");
        assert!(kept.is_none_or(|kept| kept.leaving.is_empty()), "{when}");
    }
    died
}

#[test]
fn whoever_dies_while_a_session_is_struck_from_the_settings_goes_on_with_it_at_the_next_start() {
    for named in [&SESSIONS[..1], &SESSIONS[1..], &[]] {
        for done in [false, true] {
            let mut deaths = 0;
            while dies_while_struck(deaths, done, named) {
                deaths += 1;
            }
            assert!(deaths >= 2, "{named:?}: {deaths} deaths");
        }
    }
}

fn dies_while_struck(call: usize, done: bool, named: &[Session]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(Deadly::default());
    let sessions = begin(&authority, folder.path());
    sessions.hold(kept("OLD$", &[1, 2])).unwrap();
    *authority.dies.lock().unwrap() = Some((call, done));
    let starts = || begin_with(named, &authority, folder.path());
    let died = catch_unwind(AssertUnwindSafe(starts)).is_err();
    *authority.dies.lock().unwrap() = None;
    let file = folder.path().join("web.passwords");
    let left = |sessions: &[Session]| {
        let mut held = authority.authority.held().clone();
        held.sort();
        let when = format!("{named:?}, call {call}, done {done}");
        assert_eq!(held, holding_in(sessions, "OLD$", &[1, 2]), "{when}");
        let kept = Kept::load(&file).unwrap();
        assert_eq!(kept.is_none(), sessions.is_empty(), "{when}");
        assert!(kept.is_none_or(|kept| kept.leaving.is_empty()), "{when}");
    };
    begin_with(named, &authority, folder.path());
    left(named);
    // Named again, they have it with the next keyset, and those that stayed have it all along.
    let sessions = begin(&authority, folder.path());
    sessions.hold(kept("OLD$", &[1, 2])).unwrap();
    left(&SESSIONS);
    died
}
