//! SPNs have one owner each.

use keyroll::kerberos::salt::AccountKind;
use keyroll::spn::{Holder, Likeness, duplicates};
use keyroll_controller::ports::{Directory as _, PortError, SpnSearch};

use crate::duplicates::twins;
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
        assert!(next.starts_with("samba-tool spn delete "), "{next}");
    }
}

pub async fn a_duplicate_that_replication_made_shows(lab: &'static Lab) {
    let directory = lab.administrator();
    let spn = format!("HTTP/{}.corp.example", lab.name("shared"));
    let [one, two] = twins(lab, std::slice::from_ref(&spn)).await;
    let state = directory.read(&lab.dc1, &one.account).await.unwrap();
    let other = lab.distinguished_name("dc1", &two.account);
    let [owner] = &state.other_owners.found[..] else {
        panic!("{:?}", state.other_owners);
    };
    let account = two.account.principal.name();
    assert_eq!((&owner.spn, &owner.name), (&spn, &other));
    assert_eq!(owner.account.as_deref(), Some(&*account));
    assert!(state.other_owners.forest, "dc1 is a global catalog");
    let owners = directory.spn_owners(&lab.dc1, &[spn.to_uppercase()]).await;
    let owners = owners.unwrap();
    assert!(
        owners.len() == 2
            && owners
                .iter()
                .any(|(_, owner)| owner.ends_with(&format!("({other})"))),
        "{owners:?}"
    );

    let found = directory
        .spn_holders(&lab.dc1, &SpnSearch::All)
        .await
        .unwrap();
    assert!(found.forest);
    let all = found.holders.into_iter().map(|one| Holder {
        spn: one.spn,
        owner: one.distinguished_name,
    });
    let found = duplicates(all);
    let twins = found.iter().find(|set| set.holders[0].spn == spn).unwrap();
    assert_eq!(twins.likeness, Likeness::Exact);
    assert!(twins.holders.iter().any(|one| one.owner == other));

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

pub async fn names_are_found_by_class_and_in_any_case(lab: &'static Lab) {
    let made = lab.make("found", AccountKind::User).await;
    let directory = lab.controller();
    let own = made.service().name();
    let exact = vec![own.to_uppercase()];
    let by_name = SpnSearch::Some {
        exact,
        classes: Vec::new(),
        hosts: Vec::new(),
    };
    let by_class = SpnSearch::Some {
        exact: Vec::new(),
        classes: vec!["http".to_owned()],
        hosts: Vec::new(),
    };
    for (search, alone) in [(by_name, true), (by_class, false), (SpnSearch::All, false)] {
        let found = directory.spn_holders(&lab.dc1, &search).await.unwrap();
        let ours: Vec<_> = found.holders.iter().filter(|one| one.spn == own).collect();
        assert_eq!(ours.len(), 1, "{search:?}");
        assert_eq!(ours[0].guid, made.account.guid);
        assert_eq!(ours[0].account, made.account.principal.name());
        assert_eq!(found.holders.len() == 1, alone, "{search:?}");
        let http = |spn: &str| spn.to_lowercase().starts_with("http/");
        let all_http = found.holders.iter().all(|one| http(&one.spn));
        assert_eq!(all_http, search != SpnSearch::All);
    }
}

pub async fn the_forest_tells_for_what_host_answers(lab: &'static Lab) {
    let aliases = lab.controller().spn_aliases(&lab.dc1).await.unwrap();
    assert_eq!(aliases.answers_for("HTTP"), Some("host"));
    assert_eq!(aliases.answers_for("MSSQLSvc"), None);
}

pub async fn dns_tells_addresses(lab: &'static Lab) {
    let directory = lab.controller();
    let known = directory.host("dc1.corp.example").await.unwrap();
    assert_eq!(
        known.addresses,
        ["10.99.0.11".parse::<std::net::IpAddr>().unwrap()]
    );
    let unknown = directory.host("nowhere.corp.example").await.unwrap();
    assert!(unknown.addresses.is_empty() && unknown.alias_of.is_none());
}
