//! Operators bind with their own credentials, and change single values.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use keyroll::directory_change::{DirectoryChange, Modification, Standing, Target};
use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Answer;
use keyroll::secret::SecretBytes;
use keyroll_controller::directory::credential::{CredentialSource, Place};
use keyroll_controller::directory::{ActiveDirectory, operator};
use keyroll_controller::ports::{Directory as _, PortError};

use crate::lab::{Lab, Made, assert_refused};

pub const SPNS: &str = "servicePrincipalName";

/// `kinit` with these arguments into a credential cache of its own.
fn kinit(lab: &Lab, who: &str, arguments: &[&str], password: Option<&str>) -> PathBuf {
    let cache = lab.folder.join(lab.name("cache"));
    let mut kinit = Command::new("kinit");
    kinit
        .args(["-c", &format!("FILE:{}", cache.display())])
        .args(arguments)
        .arg(format!("{who}@CORP.EXAMPLE"));
    if let Some(file) = password {
        kinit.stdin(std::fs::File::open(lab.folder.join(file)).unwrap());
    }
    let done = kinit.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    cache
}

fn bind(lab: &Lab, who: &str, credential: CredentialSource) -> ActiveDirectory {
    try_bind(lab, who, credential).unwrap()
}

fn try_bind(
    lab: &Lab,
    who: &str,
    credential: CredentialSource,
) -> Result<ActiveDirectory, PortError> {
    let principal = format!("{who}@CORP.EXAMPLE").parse().unwrap();
    let settings = operator::settings(principal, credential, lab.dc1.clone());
    ActiveDirectory::new(settings)
}

pub fn change(lab: &Lab, made: &Made, modifications: Vec<Modification>) -> DirectoryChange {
    DirectoryChange {
        dc: lab.dc1.clone(),
        target: Target {
            guid: made.account.guid,
            account: made.account.principal.name(),
            distinguished_name: lab.distinguished_name("dc1", &made.account),
        },
        modifications,
    }
}

pub async fn standing(directory: &ActiveDirectory, change: &DirectoryChange) -> Standing {
    let attributes = change.attributes();
    let guid = &change.target.guid;
    let values = directory
        .values(&change.dc, guid, &attributes)
        .await
        .unwrap();
    change.standing(|name| values[name].clone())
}

/// Adds a name, swaps it for another, and takes both back.
async fn changes_are_made(lab: &'static Lab, directory: &ActiveDirectory) {
    let made = lab.make("changed", AccountKind::User).await;
    let own = made.service().name();
    let new = format!("HTTP/{}.corp.example", lab.name("new"));
    let added = change(lab, &made, vec![Modification::add(SPNS, new.as_str())]);
    let swapped = vec![
        Modification::delete(SPNS, own.as_str()),
        Modification::add(SPNS, format!("{own}:8080")),
    ];
    let swapped = change(lab, &made, swapped);
    for change in [&added, &swapped, &swapped.inverse(), &added.inverse()] {
        assert_eq!(standing(directory, change).await, Standing::NotMade);
        assert_eq!(directory.make_change(change).await, Answer::Applied);
        assert_eq!(standing(directory, change).await, Standing::Made);
        // The same again is refused and changes nothing.
        assert!(matches!(
            directory.make_change(change).await,
            Answer::Refused { .. }
        ));
        assert_eq!(standing(directory, change).await, Standing::Made);
    }
    let state = lab
        .administrator()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    assert_eq!(state.spns, [own]);
}

pub async fn a_ticket_from_kinit_makes_changes(lab: &'static Lab) {
    let cache = kinit(lab, "Administrator", &[], Some("admin.password"));
    let directory = bind(lab, "Administrator", CredentialSource::Cache(cache));
    changes_are_made(lab, &directory).await;
}

pub async fn a_password_that_was_typed_makes_changes(lab: &'static Lab) {
    let password = std::fs::read(lab.folder.join("admin.password")).unwrap();
    let given = Place::Given(Arc::new(SecretBytes::new(password)));
    let directory = bind(lab, "Administrator", CredentialSource::Password(given));
    changes_are_made(lab, &directory).await;
}

pub async fn who_lacks_a_right_is_told_which(lab: &'static Lab) {
    let made = lab.make("guarded", AccountKind::User).await;
    let keytab = lab.folder.join("alice.keytab");
    let cache = kinit(lab, "alice", &["-kt", keytab.to_str().unwrap()], None);
    let by_cache = CredentialSource::Cache(cache);
    let by_keytab = CredentialSource::Keytab(Place::File(keytab));
    for credential in [by_cache, by_keytab] {
        let directory = bind(lab, "alice", credential);
        let change = change(lab, &made, vec![Modification::add(SPNS, "HTTP/guarded")]);
        let answer = directory.make_change(&change).await;
        assert_refused(&answer, (50, None));
        let Answer::Refused { text, .. } = answer else {
            unreachable!()
        };
        let name = made.account.principal.name();
        let told = format!("alice may not write servicePrincipalName of {name}");
        assert!(text.contains(&told), "{text}");
        assert_eq!(standing(&directory, &change).await, Standing::NotMade);
    }
}

pub async fn a_ticket_that_cannot_be_used_says_so(lab: &'static Lab) {
    let keytab = lab.folder.join("alice.keytab");
    let cache = kinit(
        lab,
        "alice",
        &["-kt", keytab.to_str().unwrap(), "-l", "1s"],
        None,
    );
    let refused = try_bind(lab, "bob", CredentialSource::Cache(cache.clone()));
    let Err(PortError::Refused { why, .. }) = refused else {
        panic!("another's ticket was used");
    };
    assert!(why.contains("it is alice@CORP.EXAMPLE's"), "{why}");
    let has_ended = || {
        let klist = Command::new("klist").arg("-s").arg(&cache).status();
        !klist.unwrap().success()
    };
    while !has_ended() {
        tokio::task::yield_now().await;
    }
    let directory = bind(lab, "alice", CredentialSource::Cache(cache.clone()));
    let refused = directory.values(&lab.dc1, &[0; 16], &[SPNS]).await;
    let Err(PortError::Refused { why, next, .. }) = refused else {
        panic!("a ticket that has ended was used: {refused:?}");
    };
    assert!(why.contains("ended at"), "{why}");
    assert!(next.starts_with("kinit"), "{next}");
}
