//! Faults of the account.

use super::*;
use crate::account::AccountState;
use crate::account::tests::{other, owners};
use crate::doctor::Grade::{Broken, Warning};

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
    let table: [(&str, Grade, Spoil); 12] = [
        ("account-enabled", Broken, |a| a.disabled = true),
        ("account-lockout", Broken, |a| a.locked = true),
        ("account-expiry", Broken, |a| a.expired = true),
        ("account-tier", Warning, |a| {
            a.protections = vec![crate::account::protection::Protection::AdminCount]
        }),
        ("account-enctypes", Broken, |a| a.supported_enctypes = None),
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
