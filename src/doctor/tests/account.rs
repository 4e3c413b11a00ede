//! Faults of the account.

use super::*;
use crate::account::AccountState;
use crate::account::hidden;
use crate::account::protection::Protection;
use crate::account::tests::{other, owners};
use crate::doctor::Grade::{Broken, Unknown, Warning};
use crate::spn::Likeness;

#[track_caller]
fn account_names(spoil: fn(&mut AccountState), expected: &[(&str, Grade)]) {
    let both = |facts: &mut Facts| {
        for dc in facts.dcs.as_mut().unwrap() {
            spoil(dc.account.as_mut().unwrap());
        }
    };
    names(both, expected);
}

#[test]
fn each_state_of_the_account_has_its_check() {
    type Spoil = fn(&mut AccountState);
    let table: [(&str, Grade, Spoil); 15] = [
        ("account-enabled", Broken, |a| a.disabled = true),
        ("account-lockout", Broken, |a| a.locked = true),
        ("account-expiry", Broken, |a| a.expired = true),
        ("account-expiry", Warning, |a| {
            a.expires_unix = Some(NOW + 29 * 86_400)
        }),
        // Set ten days ago for twelve.
        ("password-expiry", Warning, |a| {
            a.password_set_unix = NOW - 10 * 86_400;
            a.password_expires_unix = Some(NOW + 2 * 86_400);
        }),
        ("account-tier", Warning, |a| {
            a.protections = vec![crate::account::protection::Protection::AdminCount]
        }),
        ("account-tier", Warning, |a| {
            a.protections = vec![crate::account::protection::Protection::Outside]
        }),
        // Its tickets are AES by the KDC's default.
        ("account-enctypes", Warning, |a| a.supported_enctypes = None),
        ("account-enctypes", Warning, |a| {
            a.supported_enctypes = Some(0x1c)
        }),
        ("account-policy", Warning, |a| a.minimum_length = 100),
        ("spn-registered", Broken, |a| {
            a.spns = vec!["HTTP/other".to_owned()]
        }),
        ("spn-unique", Broken, |a| {
            a.other_owners = owners(&[other("HTTP/web", Some("old"), "CN=old,DC=corp")]);
        }),
        ("password-expiry", Warning, |a| a.password_expired = true),
        ("account-salt", Warning, |a| {
            a.salt_source.user_principal_name = Some("HTTP/web@corp.example".to_owned());
        }),
        ("account-salt", Warning, |a| {
            a.salt_source.sam_account_name = "new".to_owned()
        }),
    ];
    for (check, grade, spoil) in table {
        account_names(spoil, &[(check, grade)]);
    }
}

/// What the property set Account Restrictions and every other right to read show.
const ALL: [&str; 12] = [
    hidden::CONTROL,
    hidden::LOCKOUT,
    hidden::EXPIRES,
    hidden::PASSWORD_SET,
    hidden::KVNO,
    hidden::ENCTYPES,
    hidden::SPNS,
    hidden::PRINCIPAL_NAME,
    hidden::CLASS,
    hidden::NAME,
    hidden::WRITABLE,
    hidden::GROUPS,
];

#[test]
fn what_may_not_be_read_is_neither_well_nor_ill() {
    let restrictions: fn(&mut AccountState) = |a| {
        a.protections = vec![Protection::Hidden("userAccountControl")];
        a.hidden = ALL[..4].to_vec();
    };
    account_names(
        restrictions,
        &[
            ("account-enabled", Unknown),
            ("account-lockout", Unknown),
            ("account-expiry", Unknown),
            ("account-tier", Warning),
            ("account-delegable", Unknown),
            ("password-expiry", Unknown),
        ],
    );
    let everything: fn(&mut AccountState) = |a| {
        a.protections = vec![Protection::Hidden("userAccountControl")];
        a.hidden = ALL.to_vec();
        // What the adapter makes of nothing.
        (a.spns, a.supported_enctypes, a.kvno) = (Vec::new(), None, Kvno(0));
        a.may_write_fence = false;
    };
    let mut facts = healthy();
    facts.array.password_known = false;
    for dc in facts.dcs.as_mut().unwrap() {
        everything(dc.account.as_mut().unwrap());
    }
    let expected = [
        ("account-enabled", Unknown),
        ("account-lockout", Unknown),
        ("account-expiry", Unknown),
        ("account-tier", Warning),
        ("account-delegable", Unknown),
        ("account-enctypes", Unknown),
        ("account-salt", Unknown),
        ("password-expiry", Unknown),
        ("key-kvno", Unknown),
        ("key-kvno", Unknown),
        ("spn-registered", Unknown),
        ("spn-unique", Unknown),
        ("rights-password", Unknown),
    ];
    assert_eq!(complaints(&facts), expected);
    let found = examine(&facts);
    let find = |check| found.iter().find(|one| one.check == check).unwrap();
    let finding = &find("account-enabled").finding;
    assert!(
        finding.evidence.contains("userAccountControl"),
        "{finding:?}"
    );
    // One command lets all of it be read, in the words of either kind of domain controller.
    let mend = &finding.mend;
    assert!(
        mend.starts_with("samba-tool dsacl set --objectdn='CN="),
        "{mend}"
    );
    for right in [
        "(OA;;RP;bf967a68-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-1104)",
        "(OA;;RP;2cc4b836-b63f-4940-8d23-ea7acf06af56;;",
        "(OA;;RC;;;S-1-5-21-1-2-3-1104)",
        " (or dsacls \"CN=",
        "\"CORP\\svc-keyroll:RP;lockoutTime\"",
    ] {
        assert!(mend.contains(right), "{right}: {mend}");
    }
    assert_eq!(mend.matches("bf967a68-").count(), 1, "{mend}");
    assert_eq!(&find("account-tier").finding.mend, mend);
    let kvno = &find("key-kvno").finding.evidence;
    assert!(kvno.starts_with("directory unseen, tickets 5"), "{kvno}");
}

#[test]
fn what_is_for_people_hinders_a_service() {
    let told = ("account-delegable", Warning);
    account_names(|a| a.protected_user = true, &[told]);
    account_names(|a| a.not_delegated = true, &[]);
    account_names(|a| (a.not_delegated, a.delegates) = (true, true), &[told]);
    // By the descriptor of another.
    let by_another = |facts: &mut Facts| {
        facts.delegation = Ok(vec![crate::delegation::Finding {
            grade: crate::delegation::Grade::Notice,
            code: "acts-at",
            object: "svc-db".to_owned(),
            what: "it lets this account act".to_owned(),
            risk: String::new(),
            safer: String::new(),
        }]);
        for dc in facts.dcs.as_mut().unwrap() {
            dc.account.as_mut().unwrap().not_delegated = true;
        }
    };
    names(by_another, &[told]);
}

#[test]
fn what_is_seen_counts_for_more_than_what_is_hidden() {
    account_names(
        |a| {
            a.locked = true;
            a.hidden = vec![hidden::LOCKOUT];
        },
        &[("account-lockout", Broken)],
    );
}

#[test]
fn no_kind_of_key_is_as_bad_as_the_tickets_are() {
    let rc4 = |facts: &mut Facts| {
        for dc in facts.dcs.as_mut().unwrap() {
            dc.account.as_mut().unwrap().supported_enctypes = Some(0x20);
            dc.ticket.as_mut().unwrap().as_mut().unwrap().enctype = 23;
        }
    };
    let mut facts = healthy();
    rc4(&mut facts);
    let told = |facts: &Facts| {
        let mut found = examine(facts).into_iter();
        found
            .find(|one| one.check == "account-enctypes")
            .unwrap()
            .finding
    };
    assert_eq!(told(&facts).grade, Broken);
    // The bit of session keys stays.
    assert!(told(&facts).mend.contains(" 56 "), "{:?}", told(&facts));
}

#[test]
fn what_makes_an_account_protected_is_its_own_cause() {
    use crate::account::protection::Protection::{AdminCount, Outside};
    for (protection, word, not) in [
        (AdminCount, "administrators' group", "accounts-below"),
        (Outside, "accounts-below", "administrators' group"),
    ] {
        let mut facts = healthy();
        let dcs = facts.dcs.as_mut().unwrap();
        dcs[0].account.as_mut().unwrap().protections = vec![protection];
        let found = examine(&facts);
        let tier = found
            .iter()
            .find(|one| one.check == "account-tier")
            .unwrap();
        let cause = &tier.finding.cause;
        assert!(cause.contains(word) && !cause.contains(not), "{cause}");
        let mend = &tier.finding.mend;
        assert!(!mend.is_empty() && !mend.contains("then keyroll"), "{mend}");
    }
}

#[test]
fn an_end_that_is_far_away_is_no_fault() {
    account_names(|a| a.expires_unix = Some(NOW + 31 * 86_400), &[]);
    let set_lately: fn(&mut AccountState) = |a| {
        a.password_set_unix = NOW - 10 * 86_400;
        a.password_expires_unix = Some(NOW + 32 * 86_400);
    };
    account_names(set_lately, &[]);
}

#[test]
fn rights_beside_the_work_are_named_and_not_all_of_a_hundred() {
    let many = |facts: &mut Facts| {
        let place = &mut facts.surplus.as_mut().unwrap()[0];
        place.may = (0..100).map(|n| May::Write(format!("a{n}"))).collect();
    };
    names(many, &[("rights-surplus", Warning)]);
    let mut facts = healthy();
    many(&mut facts);
    let found = examine(&facts).into_iter();
    let mut found = found.filter(|one| one.check == "rights-surplus");
    let evidence = found.next().unwrap().finding.evidence;
    assert!(evidence.contains("write a4, and 95 more"), "{evidence}");
    names(
        |facts| facts.surplus = Err(silent("dc1")),
        &[("rights-surplus", Grade::Unknown)],
    );
}

#[test]
fn a_missing_right_is_told_where_it_is_needed() {
    names(
        |facts| {
            facts.array.password_known = false;
            for dc in facts.dcs.as_mut().unwrap() {
                dc.account.as_mut().unwrap().may_reset = false;
            }
        },
        &[("rights-password", Warning)],
    );
}

#[test]
fn a_deleted_account_is_broken_once_for_each_place() {
    let gone = Unseen {
        why: "svc-web does not exist".to_owned(),
        next: String::new(),
        kind: UnseenKind::Missing,
    };
    names(
        |facts| facts.dcs.as_mut().unwrap()[0].account = Err(gone),
        &[("account-found", Broken), ("dc-ldap", Broken)],
    );
}

#[test]
fn a_name_on_its_way_in_or_out_is_not_broken() {
    let too = || "HTTP/too.corp.example".to_owned();
    let out = |facts: &mut Facts| {
        facts.array.spns.push(too());
        facts.array.leaving.insert(too(), 90_000);
    };
    names(out, &[]);
    let prepared = |facts: &mut Facts| {
        facts.array.spns.push(too());
        facts.array.prepared.insert(too());
    };
    names(prepared, &[("spn-registered", Warning)]);
    let mut facts = healthy();
    facts.array.spns.push(too());
    names(
        |facts| facts.array.spns.push(too()),
        &[("spn-registered", Broken)],
    );
    let mut found = examine(&facts).into_iter();
    let gone = found.find(|one| one.finding.grade == Broken).unwrap();
    assert_eq!(gone.finding.mend, format!("keyroll spn add web {}", too()));
}

/// Somebody with the array's name, or one like it.
fn rival(likeness: Likeness, theirs: &str, forest: Option<&str>) -> Rival {
    Rival {
        spn: "HTTP/web.corp.example".to_owned(),
        likeness,
        theirs: theirs.to_owned(),
        account: "evil".to_owned(),
        distinguished_name: "CN=evil,DC=corp".to_owned(),
        guid: [7; 16],
        forest: forest.map(str::to_owned),
    }
}

#[test]
fn whoever_passes_for_the_account_is_named_and_no_look_alike_is_moved() {
    let alike = "HTTP/w\u{435}b.corp.example";
    for (rival, evidence, mend) in [
        (
            rival(Likeness::LooksAlike, alike, None),
            r"CN=evil,DC=corp has HTTP/w\u{435}b.corp.example, another name that looks like it",
            r"samba-tool spn delete $'HTTP/w\xd0\xb5b.corp.example' evil (or Set-ADObject ",
        ),
        (
            rival(Likeness::Hidden, alike, Some("other.example")),
            r"CN=evil,DC=corp in the forest other.example has HTTP/w\u{435}b.corp.example, another",
            r"in other.example: samba-tool spn delete $'HTTP/w\xd0\xb5b.corp.example' evil (or ",
        ),
        (
            rival(
                Likeness::Case,
                "http/WEB.corp.example",
                Some("other.example"),
            ),
            "CN=evil,DC=corp in the forest other.example has it too",
            "in other.example: samba-tool spn delete http/WEB.corp.example evil (or ",
        ),
    ] {
        let mut facts = healthy();
        facts.names = Ok(NameFacts {
            rivals: vec![rival],
            ..NameFacts::default()
        });
        let found = examine(&facts).into_iter();
        let found: Vec<_> = found.filter(|one| one.check == "spn-unique").collect();
        let [only] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(only.finding.grade, Broken);
        assert!(only.finding.evidence.starts_with(evidence), "{only:?}");
        assert!(only.finding.mend.starts_with(mend), "{only:?}");
        assert!(!only.finding.mend.contains("spn move"), "{only:?}");
    }
    // A second owner here is told by what the account itself shows.
    let mut facts = healthy();
    facts.names = Ok(NameFacts {
        rivals: vec![rival(Likeness::Exact, "HTTP/web.corp.example", None)],
        forests: vec!["other.example".to_owned()],
        unseen: vec![(
            "third.example".to_owned(),
            Unseen {
                why: "no answer".to_owned(),
                next: "nc -vz dc.third.example 3269".to_owned(),
                kind: UnseenKind::Silent,
            },
        )],
    });
    let found = examine(&facts).into_iter();
    let found = found.filter(|one| one.check == "spn-unique");
    let found: Vec<_> = found
        .map(|one| (one.finding.grade, one.finding.object, one.finding.evidence))
        .collect();
    assert_eq!(found[0].0, Grade::Ok);
    assert!(
        found[0].2.contains("in its domain and other.example"),
        "{found:?}"
    );
    assert_eq!(found[1].0, Unknown);
    assert_eq!(found[1].1, "third.example");
}
