//! What speaks against a roll is seen.

use std::time::Duration;

use keyroll::account::protection::Protection;
use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::directory::acl::RightsRequest;
use keyroll_controller::directory::config::{DirectorySettings, Exception};
use keyroll_controller::ports::{Directory as _, NotLoggedIn, PortError};

use crate::lab::{AES, Lab, log_in, password, sight};
use crate::rights::narrow;

pub async fn everything_of_an_account_is_read(lab: &'static Lab) {
    let made = lab.make("read", AccountKind::User).await;
    let state = lab
        .controller()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    assert_eq!(state.guid, made.account.guid);
    assert_eq!(
        state.distinguished_name,
        lab.distinguished_name("dc1", &made.account)
    );
    assert_eq!(
        state.salt_source.sam_account_name,
        made.account.principal.name()
    );
    assert_eq!(state.spns, [made.service().name()]);
    assert_eq!(state.minimum_length, 7);
    assert!(
        state.other_owners.found.is_empty() && !state.delegates && !state.locked,
        "{state:?}"
    );
    let age = chrono::Utc::now().timestamp() - state.password_set_unix;
    assert!((-2..60).contains(&age), "set {age} s ago");
    // It was granted nothing on this account; an administrator may do everything.
    assert!(!state.may_reset && !state.may_write_fence, "{state:?}");
    let state = lab
        .administrator()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    assert!(state.may_reset && state.may_write_fence, "{state:?}");

    let (target, name) = ("replace: msDS-AllowedToDelegateTo", made.service().name());
    lab.put(
        "dc1",
        &made,
        &format!("{target}\nmsDS-AllowedToDelegateTo: {name}"),
    );
    assert!(
        lab.controller()
            .read(&lab.dc1, &made.account)
            .await
            .unwrap()
            .delegates
    );
}

pub async fn a_disabled_expired_or_protected_account_shows(lab: &'static Lab) {
    let made = lab.make("state", AccountKind::User).await;
    let directory = lab.controller();
    let read = || async { directory.read(&lab.dc1, &made.account).await.unwrap() };
    let before = read().await;
    assert!(
        !before.disabled
            && !before.expired
            && before.protections.is_empty()
            && !before.password_expired
    );
    lab.put(
        "dc1",
        &made,
        "replace: userAccountControl\nuserAccountControl: 514",
    );
    assert!(read().await.disabled);
    // The first second of 2020.
    lab.put(
        "dc1",
        &made,
        "replace: accountExpires\naccountExpires: 132223104000000000",
    );
    assert!(read().await.expired);
    lab.put("dc1", &made, "replace: pwdLastSet\npwdLastSet: 0");
    let state = read().await;
    assert!(state.password_expired);
    assert_eq!(state.minimum_age_left, Duration::ZERO);
    lab.put("dc1", &made, "replace: adminCount\nadminCount: 1");
    let protections = async |settings| {
        let directory = ActiveDirectory::new(settings).unwrap();
        let state = directory.read(&lab.dc1, &made.account).await.unwrap();
        state.protections
    };
    let plain = lab.controller_settings();
    assert_eq!(protections(plain.clone()).await, [Protection::AdminCount]);
    let elsewhere = DirectorySettings {
        accounts_below: vec!["OU=Arrays,DC=corp,DC=example".parse().unwrap()],
        ..plain.clone()
    };
    assert!(protections(elsewhere).await.contains(&Protection::Outside));
    let exception = Exception {
        account: made.account.principal.name().to_uppercase(),
        reason: "a test".to_owned(),
    };
    let let_in = DirectorySettings {
        exceptions: vec![exception],
        ..plain
    };
    assert_eq!(protections(let_in).await, []);
}

pub async fn a_locked_account_gets_no_tickets(lab: &'static Lab) {
    let made = lab.make("locked", AccountKind::User).await;
    let directory = lab.controller();
    let salt = directory
        .read(&lab.dc1, &made.account)
        .await
        .unwrap()
        .salt_source
        .next_salt();
    let wrong = derive_all(&AES[..1], &password("never"), &salt);
    lab.run(&["lab-dc", "lockout", "3"]);
    for _ in 0..3 {
        log_in(&lab.kdcs(), &lab.dc1, &made, &wrong)
            .await
            .unwrap_err();
    }
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    let error = sight(&lab.kdcs(), &lab.dc1, &made, &[]).await.unwrap_err();
    lab.run(&["lab-dc", "lockout", "0"]);
    assert!(state.locked, "{state:?}");
    let PortError::Refused { why, next, .. } = error else {
        panic!("{error}");
    };
    assert!(why.contains("locked"), "{why}");
    let unlocks = format!(
        "samba-tool user unlock '{}' ",
        made.account.principal.name()
    );
    assert!(next.starts_with(&unlocks), "{next}");
    lab.put("dc1", &made, "replace: lockoutTime\nlockoutTime: 0");
    assert!(
        !directory
            .read(&lab.dc1, &made.account)
            .await
            .unwrap()
            .locked
    );
    sight(&lab.kdcs(), &lab.dc1, &made, &[]).await.unwrap();
}

pub async fn an_account_without_enctypes_gets_rc4_tickets(lab: &'static Lab) {
    let made = lab.make("rc4", AccountKind::User).await;
    lab.put("dc1", &made, "delete: msDS-SupportedEncryptionTypes");
    let state = lab
        .controller()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    assert_eq!(state.supported_enctypes, None);
    let keys = made.keys(lab).await;
    let known = [(keyroll::roll::WhichKey::Base, keys.as_slice())];
    let seen = sight(&lab.kdcs(), &lab.dc1, &made, &known).await.unwrap();
    assert_eq!(seen.enctype, Enctype::Rc4Hmac.number());
    assert_eq!(seen.key, keyroll::roll::WhichKey::Foreign);
}

pub async fn who_may_not_log_in_is_told_from_a_wrong_key(lab: &'static Lab) {
    let made = lab.make("hours", AccountKind::User).await;
    let keys = &made.keys(lab).await[..1];
    let (kdcs, dc) = (lab.kdcs(), &lab.dc1);
    let never = "A".repeat(28);
    lab.put(
        "dc1",
        &made,
        &format!("replace: logonHours\nlogonHours:: {never}"),
    );
    let barred = log_in(&kdcs, dc, &made, keys).await.unwrap_err();
    assert!(matches!(barred, NotLoggedIn::Barred(_)), "{barred}");
    // Its services get tickets all the same.
    sight(&kdcs, dc, &made, &[]).await.unwrap();
    lab.put("dc1", &made, "delete: logonHours");
    // It was made with a password that never expires.
    let flags = "replace: userAccountControl\nuserAccountControl: 512";
    lab.put("dc1", &made, flags);
    lab.put("dc1", &made, "replace: pwdLastSet\npwdLastSet: 0");
    let expired = log_in(&kdcs, dc, &made, keys).await.unwrap_err();
    assert!(matches!(expired, NotLoggedIn::Expired(_)), "{expired}");
    lab.put("dc1", &made, "replace: pwdLastSet\npwdLastSet: -1");
    log_in(&kdcs, dc, &made, keys).await.unwrap();
}

pub async fn the_password_rules_of_a_group_hold(lab: &'static Lab) {
    let made = lab.make("rules", AccountKind::User).await;
    let (rules, name) = (lab.name("rules"), made.account.principal.name());
    let settings = ["lab-dc", "samba-tool", "domain", "passwordsettings", "pso"];
    let with = |more: &[&str]| lab.run(&[&settings[..], more].concat());
    with(&[
        "create",
        &rules,
        "10",
        "--min-pwd-length=40",
        "--min-pwd-age=3",
    ]);
    with(&["apply", &rules, &name]);
    let state = lab
        .administrator()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    assert_eq!(state.minimum_length, 40);
    let left = state.minimum_age_left.as_secs();
    assert!((259_000..=259_200).contains(&left), "{left} s left");
    // Who may not read the rules takes the domain's.
    let state = lab
        .controller()
        .read(&lab.dc1, &made.account)
        .await
        .unwrap();
    assert_eq!(state.minimum_length, 7);
}

pub async fn accounts_that_cannot_be_rolled_are_not_found(lab: &'static Lab) {
    let directory = lab.controller();
    let none = directory.find(&lab.dc1, "nobody*").await;
    assert!(matches!(none, Err(PortError::Missing { .. })), "{none:?}");
    let group = directory.find(&lab.dc1, "Domain Admins").await;
    assert!(matches!(group, Err(PortError::Refused { .. })), "{group:?}");
    // A value is looked for, never obeyed.
    let injected = directory.find(&lab.dc1, "x)(objectClass=*").await;
    assert!(
        matches!(injected, Err(PortError::Missing { .. })),
        "{injected:?}"
    );
    let gone = keyroll_controller::ports::AccountRef {
        guid: [0xab; 16],
        principal: "gone@CORP.EXAMPLE".parse().unwrap(),
    };
    let error = directory.read(&lab.dc1, &gone).await.unwrap_err();
    assert!(matches!(error, PortError::Missing { .. }), "{error}");
    assert!(
        error.to_string().contains("gone@CORP.EXAMPLE on dc1"),
        "{error}"
    );
}

/// As in a domain where nobody may read accounts unless it is granted.
pub async fn what_is_hidden_of_an_account_is_no_sign_of_none(lab: &'static Lab) {
    let (directory, trustee) = narrow(lab).await;
    for (attribute, guid) in [
        ("tokenGroups", "b7c69e6d-2cc7-11d2-854e-00a0c983f608"),
        ("userAccountControl", "bf967a68-0de6-11d0-a285-00aa003049e2"),
        ("adminCount", "bf967918-0de6-11d0-a285-00aa003049e2"),
    ] {
        let mut made = lab.make("hidden", AccountKind::User).await;
        let name = made.account.principal.name();
        let wanted = RightsRequest {
            account: &name,
            trustee: &trustee,
            kind: AccountKind::User,
            container: None,
        };
        let rights = directory.rights(&lab.dc1, &wanted).await.unwrap();
        for grant in rights.grants() {
            lab.run(&["bash", "-c", &format!("lab-dc {}", grant.samba_tool)]);
        }
        let answer = made.reset(&directory, &lab.dc1, password("second")).await;
        assert_eq!(answer, Answer::Applied);
        let object = lab.distinguished_name("dc1", &made.account);
        let deny = format!("(OD;;RP;{guid};;{})", rights.trustee_sid);
        let set = ["lab-dc", "samba-tool", "dc1", "dsacl", "set"];
        let what = ["--action=deny", "--objectdn", &object, "--sddl", &deny];
        lab.run(&[&set[..], &what].concat());
        let state = directory.read(&lab.dc1, &made.account).await.unwrap();
        assert_eq!(state.protections, [Protection::Hidden(attribute)]);
        let answer = made.reset(&directory, &lab.dc1, password("third")).await;
        assert!(
            matches!(&answer, Answer::Refused { text, .. } if text.contains(attribute)),
            "{answer:?}"
        );
    }
}
