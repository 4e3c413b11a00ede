//! Tickets tell whose key a domain controller has; logins prove each enctype.

use std::time::Duration;

use chrono::TimeDelta;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Kvno};
use keyroll::roll::{Answer, WhichKey};
use keyroll_controller::ports::{Directory as _, Kdc as _, KnownKeys, NotLoggedIn};

use crate::lab::{AES, Lab, log_in, password, sight};

pub async fn a_ticket_tells_whose_key_it_is_under(lab: &'static Lab) {
    let mut made = lab.make("sight", AccountKind::User).await;
    let (directory, kdcs) = (lab.administrator(), lab.kdcs());
    let base = made.keys(lab).await;
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    let new_password = password("second");
    let new = derive_all(&AES, &new_password, &state.salt_source.next_salt());
    let known = [
        (WhichKey::Base, base.as_slice()),
        (WhichKey::New, new.as_slice()),
    ];

    // Without a limit nothing would be counted.
    lab.run(&["lab-dc", "lockout", "10"]);
    let seen = sight(&kdcs, &lab.dc1, &made, &known).await.unwrap();
    assert_eq!((seen.key, seen.kvno), (WhichKey::Base, state.kvno));
    assert_eq!(seen.enctype, Enctype::Aes256CtsHmacSha1.number());
    assert!(
        seen.clock_offset.abs() < TimeDelta::seconds(2),
        "{:?}",
        seen.clock_offset
    );
    // The lab's domain is of the defaults: ten hours.
    assert_eq!(seen.ticket_life, Duration::from_secs(36_000));
    assert_eq!(seen.ticket.service(), &made.service());

    assert_eq!(
        made.reset(&directory, &lab.dc1, new_password).await,
        Answer::Applied
    );
    let seen = sight(&kdcs, &lab.dc1, &made, &known).await.unwrap();
    assert_eq!((seen.key, seen.kvno), (WhichKey::New, state.kvno.next()));

    assert_eq!(
        made.reset(&directory, &lab.dc1, password("third")).await,
        Answer::Applied
    );
    let seen = sight(&kdcs, &lab.dc1, &made, &known).await.unwrap();
    assert_eq!(
        (seen.key, seen.kvno),
        (WhichKey::Foreign, state.kvno.next().next())
    );
    // Looking never counts as a bad password of the account.
    lab.run(&["lab-dc", "lockout", "0"]);
    assert_eq!(
        lab.search("dc1", &made.account, "badPwdCount").as_deref(),
        Some("0")
    );
}

pub async fn the_kdc_names_the_salt_of_a_upn(lab: &'static Lab) {
    let mut made = lab.make("upn", AccountKind::User).await;
    let directory = lab.administrator();
    let base = made.keys(lab).await;
    let spn = made.service().name();
    let upn = format!("replace: userPrincipalName\nuserPrincipalName: {spn}@corp.example");
    lab.put("dc1", &made, &upn);
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    let wanted = format!("CORP.EXAMPLE{}", spn.replace('/', ""));
    assert_eq!(state.salt_source.next_salt().as_str(), wanted);
    assert_eq!(
        made.reset(&directory, &lab.dc1, password("second")).await,
        Answer::Applied
    );

    // As if the prediction had been wrong: keys under the salt of before.
    let old_salt = derive_all(
        &AES,
        &made.password,
        &keyroll::kerberos::salt::Salt::new(format!(
            "CORP.EXAMPLE{}",
            made.account.principal.name()
        )),
    );
    let mut keys: Vec<_> = base.iter().map(|key| (WhichKey::Base, key)).collect();
    keys.extend(old_salt.iter().map(|key| (WhichKey::New, key)));
    let new_password = Some((&made.password, AES.as_slice(), &made.account.principal));
    let known = KnownKeys {
        keys,
        new_password,
        account: None,
    };
    let seen = lab
        .kdcs()
        .sight(&lab.dc1, &made.service(), &known)
        .await
        .unwrap();
    assert_eq!(seen.key, WhichKey::New);
    assert_eq!(seen.salt.expect("the KDC's own").as_str(), wanted);
    // And the right prediction needs no help.
    let keys = made.keys(lab).await;
    let seen = sight(&lab.kdcs(), &lab.dc1, &made, &[(WhichKey::New, &keys)])
        .await
        .unwrap();
    assert_eq!((seen.key, seen.salt), (WhichKey::New, None));
}

pub async fn a_rename_keeps_the_salt_until_the_next_password(lab: &'static Lab) {
    let mut made = lab.make("rename", AccountKind::User).await;
    let service = made.service();
    let keys = made.keys(lab).await;
    let renamed = lab.name("renamed");
    lab.put(
        "dc1",
        &made,
        &format!("replace: sAMAccountName\nsAMAccountName: {renamed}"),
    );
    let directory = lab.administrator();
    made.account = directory.find(&lab.dc1, &renamed).await.unwrap();
    let salts = log_in(&lab.kdcs(), &lab.dc1, &made, &keys).await.unwrap();
    let salt = salts[&Enctype::Aes256CtsHmacSha1]
        .as_ref()
        .expect("the KDC names it");
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_ne!(salt, &state.salt_source.next_salt());

    assert_eq!(
        made.reset(&directory, &lab.dc1, password("second")).await,
        Answer::Applied
    );
    let keys = made.keys(lab).await;
    let salts = log_in(&lab.kdcs(), &lab.dc1, &made, &keys).await.unwrap();
    assert_eq!(
        salts[&Enctype::Aes256CtsHmacSha1].as_ref(),
        Some(&state.salt_source.next_salt())
    );
    let known = KnownKeys {
        keys: keys.iter().map(|key| (WhichKey::New, key)).collect(),
        new_password: None,
        account: None,
    };
    let seen = lab.kdcs().sight(&lab.dc1, &service, &known).await.unwrap();
    assert_eq!(seen.key, WhichKey::New);
}

pub async fn each_enctype_logs_in(lab: &'static Lab) {
    for kind in [AccountKind::User, AccountKind::Computer] {
        let made = lab.make("login", kind).await;
        let keys = made.keys(lab).await;
        let salts = log_in(&lab.kdcs(), &lab.dc1, &made, &keys).await.unwrap();
        let state = lab
            .administrator()
            .read(&lab.dc1, &made.account)
            .await
            .unwrap();
        let salt = state.salt_source.next_salt();
        assert_eq!(salts.len(), 2);
        for enctype in AES {
            assert_eq!(salts[&enctype].as_ref(), Some(&salt), "{enctype}");
        }
    }
}

pub async fn a_wrong_key_is_tried_once(lab: &'static Lab) {
    let made = lab.make("wrong", AccountKind::User).await;
    let state = lab
        .administrator()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    let keys = derive_all(&AES, &password("never"), &state.salt_source.next_salt());
    // Without a limit nothing is counted.
    lab.run(&["lab-dc", "lockout", "10"]);
    let outcome = log_in(&lab.kdcs(), &lab.dc1, &made, &keys).await;
    let count = lab.search("dc1", &made.account, "badPwdCount");
    lab.run(&["lab-dc", "lockout", "0"]);
    let error = outcome.unwrap_err();
    assert!(matches!(error, NotLoggedIn::Unproven(_)), "{error}");
    let text = error.to_string();
    let name = made.account.principal.to_string();
    assert!(text.contains(&name) && text.contains("dc1"), "{text}");
    assert_eq!(count.as_deref(), Some("1"));
}

pub async fn domain_controllers_differ_until_they_have_replicated(lab: &'static Lab) {
    let mut made = lab.make("lag", AccountKind::User).await;
    lab.replicate();
    let (directory, kdcs) = (lab.administrator(), lab.kdcs());
    let base = made.keys(lab).await;
    lab.run(&["lab-dc", "cut"]);
    let applied = made.reset(&directory, &lab.dc1, password("second")).await;
    let new = made.keys(lab).await;
    let known = [
        (WhichKey::Base, base.as_slice()),
        (WhichKey::New, new.as_slice()),
    ];
    let first = sight(&kdcs, &lab.dc1, &made, &known).await;
    let second = sight(&kdcs, &lab.dc2, &made, &known).await;
    lab.run(&["lab-dc", "heal"]);
    assert_eq!(applied, Answer::Applied);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.key, second.key), (WhichKey::New, WhichKey::Base));
    assert_eq!(first.kvno, Kvno(second.kvno.0 + 1));

    lab.replicate();
    let second = sight(&kdcs, &lab.dc2, &made, &known).await.unwrap();
    assert_eq!((second.key, second.kvno), (WhichKey::New, first.kvno));
}
