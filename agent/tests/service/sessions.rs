//! Logon sessions that come and go: of services that are started anew, and out of the settings.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use keyroll::secret::Password;
use keyroll_agent::logon_session::kept::Kept;
use keyroll_agent::logon_session::request::LogonId;
use keyroll_agent::logon_session::{LogonSessions, Session};
use keyroll_agent::password_targets::{PasswordTargets, Takers};
use keyroll_agent::platform;
use keyroll_agent::service_logon::Services;

use crate::dying::kept;
use crate::local_authority::LocalAuthority;

const ACCOUNT: &str = "WEB$";

/// Services, and the sessions in which they run.
#[derive(Debug, Default)]
struct Running(Mutex<BTreeMap<String, Option<u64>>>);

impl Running {
    fn is(&self, service: &str, session: Option<u64>) {
        self.0.lock().unwrap().insert(service.to_owned(), session);
    }
}

impl Services for Running {
    fn account(&self, _: &str) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_password(&self, _: &str, _: &str, _: &Password) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn session(&self, service: &str) -> io::Result<Option<LogonId>> {
        let services = self.0.lock().unwrap();
        let found = services.get(service).ok_or(io::ErrorKind::NotFound)?;
        Ok(found.map(LogonId))
    }
}

struct Machine {
    folder: tempfile::TempDir,
    authority: Arc<LocalAuthority>,
    services: Arc<Running>,
}

impl Machine {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Arc::default(),
            services: Arc::default(),
        }
    }

    fn takers(&self) -> Takers {
        Takers {
            authority: self.authority.clone(),
            services: self.services.clone(),
            ..platform::takers()
        }
    }

    fn begin(&self, sessions: &[&str]) -> LogonSessions {
        let sessions = sessions.iter().map(|one| one.parse().unwrap()).collect();
        let array = "web".parse().unwrap();
        LogonSessions::begin(sessions, &self.takers(), self.folder.path(), &array)
    }

    fn has(&self, session: u64, kvnos: &[u32]) {
        let expected: Vec<_> = kvnos
            .iter()
            .map(|kvno| format!("{ACCOUNT} {kvno}"))
            .collect();
        assert_eq!(self.authority.passwords(session), expected, "{session:#x}");
    }

    fn file(&self) -> Option<Kept> {
        Kept::load(&self.folder.path().join("web.passwords")).unwrap()
    }
}

#[test]
fn a_service_that_is_started_anew_has_the_credential_in_its_new_session() {
    let machine = Machine::new();
    machine.services.is("Tomcat9", None);
    let sessions = machine.begin(&["system", "service:Tomcat9"]);
    assert!(sessions.moves());
    // It does not run: nobody asks it anything, and no roll waits for it.
    sessions.hold(kept(ACCOUNT, &[3])).unwrap();
    machine.has(0x3e7, &[3]);
    machine.authority.flags();
    sessions.follow();
    assert!(machine.authority.flags().is_empty());
    machine.services.is("Tomcat9", Some(0x1_0000_5000));
    sessions.follow();
    machine.has(0x1_0000_5000, &[3]);
    sessions.hold(kept(ACCOUNT, &[3, 4])).unwrap();
    // In the middle of a roll.
    machine.services.is("Tomcat9", Some(0x6000));
    machine.authority.flags();
    sessions.follow();
    machine.has(0x6000, &[3, 4]);
    machine.has(0x3e7, &[3, 4]);
    // The session that had it was left alone: replaced or added, and added.
    assert_eq!(machine.authority.flags(), [2, 1, 1]);
    sessions.follow();
    assert!(machine.authority.flags().is_empty());
    // A keyset finds the session of the moment, too.
    machine.services.is("Tomcat9", Some(0x7000));
    sessions.hold(kept(ACCOUNT, &[4])).unwrap();
    machine.has(0x7000, &[4]);
    sessions.wipe().unwrap();
    machine.has(0x7000, &[]);
    machine.has(0x3e7, &[]);
}

#[test]
fn a_service_that_is_not_there_is_told_of_and_keeps_none_of_the_others_waiting() {
    let machine = Machine::new();
    let sessions = machine.begin(&["service:Tomcat9", "system"]);
    let error = sessions.hold(kept(ACCOUNT, &[3])).unwrap_err().to_string();
    assert!(
        error.contains("session service:Tomcat9 cannot be told"),
        "{error}"
    );
    machine.has(0x3e7, &[3]);
    machine.services.is("Tomcat9", Some(0x5000));
    sessions.follow();
    machine.has(0x5000, &[3]);
    sessions.hold(kept(ACCOUNT, &[3])).unwrap();
}

#[test]
fn two_names_of_one_session_are_one() {
    let machine = Machine::new();
    machine.services.is("AppSvc", Some(0x3e4));
    let sessions = machine.begin(&["network-service", "service:AppSvc"]);
    sessions.hold(kept(ACCOUNT, &[3, 4])).unwrap();
    machine.has(0x3e4, &[3, 4]);
    // One of the names goes, and the session stays.
    let sessions = machine.begin(&["network-service"]);
    machine.has(0x3e4, &[3, 4]);
    assert_eq!(machine.file().unwrap().sessions, [Session::NetworkService]);
    assert!(machine.file().unwrap().leaving.is_empty());
    assert!(!sessions.moves());
}

#[test]
fn what_is_struck_from_the_settings_is_taken_away_once_the_authority_lets_it() {
    let machine = Machine::new();
    machine.services.is("Tomcat9", Some(0x5000));
    let all = ["system", "service:Tomcat9"];
    machine.begin(&all).hold(kept(ACCOUNT, &[3])).unwrap();
    *machine.authority.refuses.lock().unwrap() = true;
    machine.begin(&["system"]);
    machine.has(0x5000, &[3]);
    assert_eq!(machine.file().unwrap().leaving.len(), 1);
    *machine.authority.refuses.lock().unwrap() = false;
    let sessions = machine.begin(&["system"]);
    machine.has(0x5000, &[]);
    machine.has(0x3e7, &[3]);
    assert!(machine.file().unwrap().leaving.is_empty());
    // One that is not there any more keeps nobody.
    sessions.hold(kept(ACCOUNT, &[3])).unwrap();
    machine.begin(&all).hold(kept(ACCOUNT, &[3])).unwrap();
    machine.services.0.lock().unwrap().clear();
    machine.begin(&["system"]);
    assert!(machine.file().unwrap().leaving.is_empty());
}

/// An array that is struck, with both of its files: one is taken away, the other forgotten.
#[test]
fn what_arrays_have_that_the_settings_name_no_more_is_taken_away() {
    let machine = Machine::new();
    machine
        .begin(&["system"])
        .hold(kept(ACCOUNT, &[3]))
        .unwrap();
    let folder: &Path = machine.folder.path();
    let of_services = folder.join("web.service-passwords");
    kept(ACCOUNT, &[3]).save(&of_services).unwrap();
    let bystander = folder.join("web.json");
    std::fs::write(&bystander, "{}").unwrap();
    PasswordTargets::abandon(&[], &machine.takers(), folder);
    machine.has(0x3e7, &[]);
    assert!(machine.file().is_none() && !of_services.exists() && bystander.exists());
}
