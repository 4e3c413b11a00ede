//! SPNs have one owner each.

use keyroll::kerberos::salt::AccountKind;
use keyroll_controller::ports::{Directory as _, PortError};

use crate::lab::{Lab, sight};

pub async fn names_are_added_one_by_one(lab: &'static Lab) {
    let made = lab.make("names", AccountKind::User).await;
    let directory = lab.administrator();
    let first = made.service().name();
    let second = format!("HTTP/{}.corp.example", lab.name("second"));
    let spns = || async {
        let mut spns = directory.read(&lab.dc1, &made.account).await.unwrap().spns;
        spns.sort();
        spns
    };
    // What is there already, in whatever case, is success.
    for spn in [&second, &second, &second.to_uppercase()] {
        directory
            .add_spn(&lab.dc1, &made.account, spn)
            .await
            .unwrap();
    }
    assert_eq!(spns().await, [first, second]);
}

pub async fn a_name_of_another_account_is_refused(lab: &'static Lab) {
    let owner = lab.make("owner", AccountKind::User).await;
    let other = lab.make("other", AccountKind::User).await;
    let directory = lab.administrator();
    let spn = owner.service().name();
    for spn in [spn.clone(), spn.to_lowercase()] {
        let refused = directory.add_spn(&lab.dc1, &other.account, &spn).await;
        let Err(PortError::Refused { why, next, .. }) = refused else {
            panic!("the second owner of {spn} was not refused: {refused:?}");
        };
        let name = lab.distinguished_name("dc1", &owner.account);
        assert!(why.contains(&name), "{why}");
        assert!(next.contains("setspn"), "{next}");
    }
}

pub async fn a_duplicate_that_replication_made_shows(lab: &'static Lab) {
    let one = lab.make("twin", AccountKind::User).await;
    let two = lab.make("twin", AccountKind::User).await;
    lab.replicate();
    let directory = lab.administrator();
    let spn = format!("HTTP/{}.corp.example", lab.name("shared"));
    lab.run(&["lab-dc", "cut"]);
    let first = directory.add_spn(&lab.dc1, &one.account, &spn).await;
    let second = directory.add_spn(&lab.dc2, &two.account, &spn).await;
    lab.run(&["lab-dc", "heal"]);
    lab.replicate();
    first.unwrap();
    second.unwrap();
    let state = directory.read(&lab.dc1, &one.account).await.unwrap();
    let other = lab.distinguished_name("dc1", &two.account);
    assert_eq!(state.duplicate_spns, [(spn.clone(), other.clone())]);
    let owners = directory.spn_owners(&lab.dc1, &[spn.to_uppercase()]).await;
    let owners = owners.unwrap();
    assert!(
        owners.len() == 2
            && owners
                .iter()
                .any(|(_, owner)| owner.ends_with(&format!("({other})"))),
        "{owners:?}"
    );

    let mut seen = one;
    seen.account.principal = format!("{}@CORP.EXAMPLE", &spn[5..spn.len() - 13])
        .parse()
        .unwrap();
    let error = sight(&lab.kdcs(), &lab.dc1, &seen, &[]).await.unwrap_err();
    assert!(
        error.to_string().contains("KDC_ERR_S_PRINCIPAL_UNKNOWN"),
        "{error}"
    );
    let name = two.account.principal.name();
    lab.run(&["lab-dc", "samba-tool", "spn", "delete", &spn, &name]);
    let state = directory.read(&lab.dc1, &two.account).await.unwrap();
    assert_eq!(state.spns, [two.service().name()]);
    sight(&lab.kdcs(), &lab.dc1, &seen, &[]).await.unwrap();
}
