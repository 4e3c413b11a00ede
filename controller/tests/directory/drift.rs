//! Who changed what where: what a domain controller tells of it to any account.

use keyroll::drift::Attribute;
use keyroll::kerberos::salt::AccountKind;
use keyroll_controller::ports::Directory as _;

use crate::lab::Lab;

pub async fn a_change_is_dated_and_names_its_domain_controller(lab: &'static Lab) {
    let made = lab.make("dated", AccountKind::User).await;
    lab.replicate();
    let name = made.account.principal.name();
    lab.run(&["lab-dc", "set-password", &name, "Somebody-Elses-1", "dc2"]);
    lab.replicate();
    // The controller's own account was granted nothing on this one.
    let directory = lab.controller();
    let history = directory.history(&lab.dc1, &made.account).await.unwrap();
    let origin = history.origin(Attribute::Password).unwrap();
    assert_eq!(origin.dc.as_ref(), Some(&lab.dc2), "{origin}");
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(
        origin.stamp.version, state.kvno.0,
        "its version is the kvno"
    );
    let age = chrono::Utc::now().timestamp() - origin.stamp.at_unix;
    assert!((-2..60).contains(&age), "set {age} s ago");
    for attribute in [Attribute::AccountName, Attribute::Spns, Attribute::Enctypes] {
        let origin = history.origin(attribute).unwrap();
        assert_eq!(
            (origin.dc.as_ref(), origin.stamp.version),
            (Some(&lab.dc1), 1),
            "{origin}"
        );
    }
    for (changes, attribute) in [
        (
            "replace: userPrincipalName\nuserPrincipalName: x@corp.example",
            Attribute::PrincipalName,
        ),
        (
            "replace: accountExpires\naccountExpires: 0",
            Attribute::Expiry,
        ),
        ("replace: lockoutTime\nlockoutTime: 0", Attribute::Lockout),
        (
            "replace: userAccountControl\nuserAccountControl: 514",
            Attribute::Control,
        ),
        ("replace: pwdLastSet\npwdLastSet: 0", Attribute::PasswordSet),
    ] {
        let before = history
            .origin(attribute)
            .map_or(0, |origin| origin.stamp.version);
        lab.put("dc1", &made, changes);
        let history = directory.history(&lab.dc1, &made.account).await.unwrap();
        let after = history.origin(attribute).unwrap();
        assert!(after.stamp.version > before, "{after}");
    }
}

pub async fn a_domain_controller_tells_how_far_its_database_has_come(lab: &'static Lab) {
    let directory = lab.controller();
    let (one, two) = (
        directory.mark(&lab.dc1).await.unwrap(),
        directory.mark(&lab.dc2).await.unwrap(),
    );
    assert_ne!(one.invocation, two.invocation);
    lab.make("mark", AccountKind::User).await;
    let later = directory.mark(&lab.dc1).await.unwrap();
    assert_eq!(later.invocation, one.invocation);
    assert!(later.usn > one.usn, "{one:?} {later:?}");
}
