//! The target of services that log on as the account: when they get which password.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use keyroll::kerberos::Kvno;
use keyroll::keyset::{Keyset, Origin, Role};
use keyroll::keytab::TargetKind;
use keyroll::letter::{LetterKey, PasswordUse};
use keyroll::secret::Password;
use keyroll_agent::logon_session::kept::Kept;
use keyroll_agent::logon_session::request::LogonId;
use keyroll_agent::logons::Logons;
use keyroll_agent::password_targets::Takers;
use keyroll_agent::platform;
use keyroll_agent::service_logon::{NAME, ServiceKeeper, Services};
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_client::AgentClient;
use tonic::transport::Channel;

use crate::passwords::{
    ACCOUNT, keyset, letter_key, password, salt, target_of, with_passwords_for,
};
use crate::scene::{Logon, Scene, stage, wipe};

const OURS: [&str; 2] = ["Tomcat9", "AppSvc"];

/// A service control manager that checks nothing, as the real one.
#[derive(Debug, Default)]
struct ControlManager {
    /// Of each service the account and the password.
    services: Mutex<BTreeMap<String, (String, String)>>,
    /// How often a password was set.
    calls: Mutex<usize>,
    /// The asker dies at this call, before it is done or after.
    dies: Mutex<Option<(usize, bool)>>,
}

impl ControlManager {
    fn new() -> Arc<Self> {
        let this = Self::default();
        for name in OURS {
            this.install(name, r"CORP\WEB$");
        }
        Arc::new(this)
    }

    fn install(&self, name: &str, account: &str) {
        let service = (account.to_owned(), "first".to_owned());
        self.services
            .lock()
            .unwrap()
            .insert(name.to_owned(), service);
    }

    /// The passwords of the services.
    fn passwords(&self) -> Vec<String> {
        let services = self.services.lock().unwrap();
        OURS.map(|name| services[name].1.clone()).into()
    }

    /// How often a password was set since the last time.
    fn calls(&self) -> usize {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

impl Services for ControlManager {
    fn account(&self, service: &str) -> io::Result<String> {
        let services = self.services.lock().unwrap();
        let found = services.get(service).ok_or(io::ErrorKind::NotFound)?;
        Ok(found.0.clone())
    }

    fn set_password(&self, service: &str, account: &str, password: &Password) -> io::Result<()> {
        let call = *self.calls.lock().unwrap();
        *self.calls.lock().unwrap() = call + 1;
        let dies = *self.dies.lock().unwrap();
        let now = dies.filter(|(at, _)| *at == call).map(|(_, done)| done);
        if now != Some(false) {
            let logon = (account.to_owned(), password.expose().to_owned());
            self.services
                .lock()
                .unwrap()
                .insert(service.to_owned(), logon);
        }
        assert!(now.is_none(), "the agent dies here");
        Ok(())
    }

    fn session(&self, _: &str) -> io::Result<Option<LogonId>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

async fn scene() -> (Scene, Arc<ControlManager>) {
    let manager = ControlManager::new();
    let takers = Takers {
        services: manager.clone(),
        ..platform::takers()
    };
    let logon = Logon {
        sessions: None,
        services: Some(OURS.map(ToOwned::to_owned).into()),
        pools: None,
        takers,
    };
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n";
    (Scene::beside(tables, Some(logon)).await, manager)
}

async fn give(
    controller: &mut AgentClient<Channel>,
    keyset: &Keyset,
    key: &LetterKey,
) -> said::Inventory {
    let request = with_passwords_for(PasswordUse::ServiceLogon, keyset, key);
    let reply = controller.stage(request).await.unwrap().into_inner();
    reply.inventory.unwrap()
}

fn both(kvno: u32) -> Vec<String> {
    vec![password(kvno); OURS.len()]
}

#[tokio::test]
async fn services_get_the_new_password_once_the_directory_has_it_and_no_sooner() {
    let (mut scene, manager) = scene().await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    let (old, new) = ((Role::Current, 3), (Role::Current, 4));
    let steps: [(&[_], u32, usize); 7] = [
        (&[old], 3, 2),
        (&[old, (Role::Pending, 4)], 3, 0),
        // Given up before the commit, and begun anew.
        (&[old], 3, 0),
        (&[old, (Role::Pending, 4)], 3, 0),
        (&[new, (Role::Previous, 3)], 4, 2),
        (&[new], 4, 0),
        (&[new], 4, 0),
    ];
    for (number, (generations, has, calls)) in steps.into_iter().enumerate() {
        let keyset = keyset(number as u64 + 1, generations);
        let inventory = give(&mut controller, &keyset, &key).await;
        let (found, wrong) = target_of(TargetKind::ServiceLogon, NAME, &inventory, &keyset);
        let verdict = (found.trouble.as_str(), found.drifted, wrong);
        assert_eq!(verdict, ("", false, None), "step {number}");
        assert_eq!(manager.passwords(), both(has), "step {number}");
        assert_eq!(manager.calls(), calls, "step {number}");
    }
    // A start gives what is kept again: a crash may have come between.
    manager.install(OURS[0], r"CORP\WEB$");
    scene.restart().await;
    assert_eq!(manager.passwords(), both(4));
    // Nothing of an array that is removed is kept; the services are left what they have.
    let file = scene.path("state/arrays/web.service-passwords");
    assert!(file.exists());
    scene.controller().await.wipe(wipe(1)).await.unwrap();
    assert!(!file.exists());
    assert_eq!(manager.passwords(), both(4));
}

#[tokio::test]
async fn what_cannot_be_switched_is_refused_before_the_directory_has_the_new_password() {
    let (scene, manager) = scene().await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    give(&mut controller, &keyset(1, &[(Role::Current, 3)]), &key).await;
    let roll = keyset(2, &[(Role::Current, 3), (Role::Pending, 4)]);
    let mut refused = async |request| {
        let refused = controller.stage(request).await.unwrap_err();
        assert!(!refused.message().contains("canary"), "{refused}");
        refused.message().to_owned()
    };
    let ours = || with_passwords_for(PasswordUse::ServiceLogon, &roll, &key);
    manager.install(OURS[1], "LocalSystem");
    let said = refused(ours()).await;
    assert!(
        said.contains("AppSvc logs on as LocalSystem, not as WEB$@"),
        "{said}"
    );
    manager.services.lock().unwrap().remove(OURS[1]);
    let said = refused(ours()).await;
    assert!(
        said.contains("service AppSvc did not get the password"),
        "{said}"
    );
    manager.install(OURS[1], r"CORP\WEB$");
    // Leave for one use is none for another.
    let other = with_passwords_for(PasswordUse::LogonSession, &roll, &key);
    for request in [other, stage((&roll).into())] {
        let said = refused(request).await;
        assert!(said.contains("--allow service-logon"), "{said}");
        assert!(!scene.path("state/arrays/web.service-passwords").exists());
    }
    assert_eq!(manager.passwords(), [password(3), "first".to_owned()]);
    let mut controller = scene.controller().await;
    give(&mut controller, &roll, &key).await;
    assert_eq!(manager.passwords(), both(3));
}

fn kept(kvno: u32) -> Kept {
    let mut keyset = keyset(1, &[(Role::Current, kvno)]);
    keyset.generations[0].origin = Some(Origin {
        password: Password::new(password(kvno)),
        salt: salt(),
    });
    assert_eq!(keyset.generations[0].kvno, Kvno(kvno));
    Kept::of(&keyset, PasswordUse::ServiceLogon).unwrap()
}

#[test]
fn one_that_cannot_be_switched_keeps_none_of_the_others_waiting() {
    let account = ACCOUNT.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manager = ControlManager::new();
    let services = begin(&manager, folder.path());
    services.hold(&account, Some(kept(3)), false).unwrap();
    // It has gone between the last look and the directory's change.
    let gone = manager.services.lock().unwrap().remove(OURS[0]).unwrap();
    for _ in 0..2 {
        let refused = services.hold(&account, Some(kept(4)), false).unwrap_err();
        assert!(refused.to_string().contains(OURS[0]), "{refused}");
        assert_eq!(manager.services.lock().unwrap()[OURS[1]].1, password(4));
    }
    // What is kept is the new one: a start gives it to whoever is there again.
    manager
        .services
        .lock()
        .unwrap()
        .insert(OURS[0].to_owned(), gone);
    begin(&manager, folder.path());
    assert_eq!(manager.passwords(), both(4));
}

fn begin(manager: &Arc<ControlManager>, folder: &Path) -> Logons {
    let names = OURS.map(ToOwned::to_owned).into();
    let keeper = Arc::new(ServiceKeeper(manager.clone()));
    Logons::begin(names, keeper, folder, &"web".parse().unwrap())
}

#[test]
fn whoever_dies_between_two_services_switches_the_rest_at_the_next_start() {
    let account = ACCOUNT.parse().unwrap();
    for (call, done) in [(0, false), (0, true), (1, false), (1, true)] {
        let folder = tempfile::tempdir().unwrap();
        let manager = ControlManager::new();
        let services = begin(&manager, folder.path());
        services.hold(&account, Some(kept(3)), false).unwrap();
        assert_eq!(manager.calls(), OURS.len());
        *manager.dies.lock().unwrap() = Some((call, done));
        let hold = || services.hold(&account, Some(kept(4)), false).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(hold)).is_err());
        *manager.dies.lock().unwrap() = None;
        let services = begin(&manager, folder.path());
        assert_eq!(manager.passwords(), both(4), "call {call}, done {done}");
        manager.calls();
        services.hold(&account, Some(kept(4)), false).unwrap();
        assert_eq!(manager.calls(), 0, "a repetition touches nothing");
    }
}
