//! The target of application pools: what a controller has to send for it, and is told of it. How
//! IIS is asked, `tests/iis_pools` shows.

use std::io;
use std::sync::{Arc, Mutex};

use keyroll::keyset::{Keyset, Role};
use keyroll::keytab::TargetKind;
use keyroll::letter::PasswordUse;
use keyroll::secret::Password;
use keyroll_agent::config::Pools as Named;
use keyroll_agent::iis::{Pool, Stored};
use keyroll_agent::iis_pool::{NAME, Pools, Recycle};
use keyroll_agent::password_targets::Takers;
use keyroll_agent::platform;

use crate::passwords::{keyset, letter_key, password, target_of, with_passwords_for};
use crate::scene::{Logon, Scene, look, stage, wipe};

/// An IIS with one pool, and what it was asked for.
#[derive(Debug, Default)]
struct Iis {
    password: Mutex<String>,
    asked: Mutex<Vec<String>>,
}

impl Pools for Iis {
    fn look(&self, pool: &str) -> io::Result<Pool> {
        Ok(Pool {
            name: pool.to_owned(),
            identity: "SpecificUser".to_owned(),
            account: r"CORP\WEB$".to_owned(),
            password: Stored::Encrypted(self.password.lock().unwrap().clone()),
        })
    }

    fn rehearse(&self, pool: &str, account: &str) -> io::Result<()> {
        let asked = format!("try {pool} {account}");
        self.asked.lock().unwrap().push(asked);
        Ok(())
    }

    fn give(&self, pool: &str, _: &str, password: &Password, recycle: bool) -> io::Result<Recycle> {
        let asked = format!("give {pool} {}, recycle {recycle}", password.expose());
        self.asked.lock().unwrap().push(asked);
        password
            .expose()
            .clone_into(&mut self.password.lock().unwrap());
        Ok(Recycle::Left)
    }
}

#[tokio::test]
async fn pools_get_the_new_password_once_the_directory_has_it_and_no_sooner() {
    let iis = Arc::new(Iis::default());
    let logon = Logon {
        sessions: None,
        services: None,
        pools: Some(Named {
            names: vec!["Shop".to_owned()],
            recycle: false,
        }),
        takers: Takers {
            pools: iis.clone(),
            ..platform::takers()
        },
    };
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n";
    let mut scene = Scene::beside(tables, Some(logon)).await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    let request = |keyset: &Keyset| with_passwords_for(PasswordUse::IisPool, keyset, &key);
    // Leave for another use is none for this one.
    let first = keyset(1, &[(Role::Current, 3)]);
    let other = with_passwords_for(PasswordUse::ServiceLogon, &first, &key);
    for request in [other, stage((&first).into())] {
        let refused = controller.stage(request).await.unwrap_err();
        assert!(refused.message().contains("--allow iis-pool"), "{refused}");
    }
    let give = |kvno| format!("give Shop {}, recycle false", password(kvno));
    let rehearse = r"try Shop CORP\WEB$".to_owned();
    let (old, new) = ((Role::Current, 3), (Role::Current, 4));
    let steps: [(&[_], _); 5] = [
        (&[old], vec![give(3)]),
        (&[old, (Role::Pending, 4)], vec![rehearse]),
        (&[new, (Role::Previous, 3)], vec![give(4)]),
        (&[new], Vec::new()),
        (&[new], Vec::new()),
    ];
    for (number, (generations, asked)) in steps.into_iter().enumerate() {
        let keyset = keyset(number as u64 + 1, generations);
        let staged = controller.stage(request(&keyset)).await.unwrap();
        let inventory = staged.into_inner().inventory.unwrap();
        let (found, wrong) = target_of(TargetKind::IisPool, NAME, &inventory, &keyset);
        let verdict = (found.trouble.as_str(), found.drifted, wrong);
        assert_eq!(verdict, ("", false, None), "step {number}");
        let done = std::mem::take(&mut *iis.asked.lock().unwrap());
        assert_eq!(done, asked, "step {number}");
    }
    // A start looks at what IIS has, and gives nothing that is there.
    scene.restart().await;
    assert!(iis.asked.lock().unwrap().is_empty());
    "by hand".clone_into(&mut iis.password.lock().unwrap());
    let mut controller = scene.controller().await;
    let seen = controller.look(look("web")).await.unwrap().into_inner();
    let last = keyset(5, &[new]);
    let (found, _) = target_of(TargetKind::IisPool, NAME, &seen, &last);
    assert!(found.trouble.contains("another password"), "{found:?}");
    // Nor is anything kept of an array that is removed.
    let file = scene.path("state/arrays/web.pool-passwords");
    assert!(file.exists());
    controller.wipe(wipe(1)).await.unwrap();
    assert!(!file.exists());
    assert_eq!(*iis.password.lock().unwrap(), "by hand");
}
