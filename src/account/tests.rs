//! Every reason against an account, alone and together, and what it tells to type.

use std::sync::LazyLock;

use super::*;
use crate::kerberos::salt::AccountKind;

/// An account that nothing speaks against, and whose password may be reset.
pub(crate) fn account() -> AccountState {
    AccountState {
        guid: [7; 16],
        distinguished_name: "CN=web,OU=Services,DC=corp,DC=example".to_owned(),
        salt_source: SaltSource {
            kind: AccountKind::User,
            realm: "CORP.EXAMPLE".parse().unwrap(),
            sam_account_name: "svc-web".to_owned(),
            user_principal_name: None,
            dns_domain: "corp.example".to_owned(),
        },
        kvno: Kvno(5),
        spns: vec!["HTTP/web.corp.example".to_owned()],
        supported_enctypes: Some(0x10),
        disabled: false,
        locked: false,
        expired: false,
        password_expired: false,
        expires_unix: None,
        password_expires_unix: None,
        protections: Vec::new(),
        hidden: Vec::new(),
        password_set_unix: 0,
        minimum_age_left: Duration::ZERO,
        minimum_length: 64,
        may_reset: true,
        may_write_fence: true,
        fence: None,
        other_owners: OtherOwners::default(),
        delegates: false,
        not_delegated: false,
        protected_user: false,
        delegates_to: Vec::new(),
    }
}

pub(crate) const AES: [Enctype; 2] = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];

static WEB: LazyLock<ArrayName> = LazyLock::new(|| "web".parse().unwrap());

pub(crate) fn wanted(method: Method, password_known: bool) -> Wanted<'static> {
    Wanted {
        array: &WEB,
        enctypes: &AES,
        method,
        password_known,
        password_length: 64,
    }
}

/// The codes of the refusals of a change with a known password.
fn codes(account: &AccountState) -> Vec<String> {
    let refusals = account.refusals(&wanted(Method::Change, true));
    refusals.into_iter().map(|refusal| refusal.code).collect()
}

#[test]
fn a_good_account_is_not_refused() {
    for (method, known) in [
        (Method::Change, true),
        (Method::FencedReset, true),
        (Method::FencedReset, false),
    ] {
        assert_eq!(account().refusals(&wanted(method, known)), [], "{method:?}");
    }
}

#[test]
fn the_method_is_the_one_that_needs_the_least() {
    let second = Duration::from_secs(1);
    for (known, left, may_reset, method) in [
        (true, Duration::ZERO, true, Method::Change),
        (true, Duration::ZERO, false, Method::Change),
        (true, second, true, Method::FencedReset),
        (true, second, false, Method::Change),
        (false, Duration::ZERO, true, Method::FencedReset),
        (false, Duration::ZERO, false, Method::Change),
        (false, second, true, Method::FencedReset),
    ] {
        let account = AccountState {
            minimum_age_left: left,
            may_reset,
            ..account()
        };
        let found = account.method(known);
        assert_eq!(found, method, "{known} {left:?} {may_reset}");
    }
}

#[test]
fn each_condition_has_a_code_and_a_next_command() {
    type Spoil = fn(&mut AccountState);
    let table: [(&str, &str, Spoil); 8] = [
        ("account-disabled", "user enable 'svc-web'", |a| {
            a.disabled = true
        }),
        ("account-locked", "user unlock 'svc-web'", |a| {
            a.locked = true
        }),
        ("account-expired", "--noexpiry 'svc-web'", |a| {
            a.expired = true
        }),
        ("account-protected", "an account of its own", |a| {
            a.protections = vec![Protection::AdminCount]
        }),
        ("account-hidden", "--print-acl --account 'svc-web'", |a| {
            a.protections = vec![Protection::Hidden("tokenGroups")]
        }),
        ("enctypes-unset", "set 'svc-web' 24 ", |a| {
            a.supported_enctypes = None
        }),
        ("spn-missing", "keyroll node list", |a| a.spns.clear()),
        ("policy-length", "array set web --password-length 65", |a| {
            a.minimum_length = 65
        }),
    ];
    for (code, next, spoil) in table {
        let mut spoiled = account();
        spoil(&mut spoiled);
        let refusals = spoiled.refusals(&wanted(Method::Change, true));
        let [refusal] = &refusals[..] else {
            panic!("{code}: {refusals:?}");
        };
        assert_eq!(refusal.code, code);
        assert_eq!(refusal.object, "CN=web,OU=Services,DC=corp,DC=example");
        assert!(refusal.next.contains(next), "{refusal:?}");
    }
}

pub(crate) fn other(spn: &str, account: Option<&str>, name: &str) -> OtherOwner {
    OtherOwner {
        spn: spn.to_owned(),
        account: account.map(str::to_owned),
        name: name.to_owned(),
    }
}

pub(crate) fn owners(found: &[OtherOwner]) -> OtherOwners {
    OtherOwners {
        forest: true,
        found: found.to_vec(),
    }
}

#[test]
fn every_reason_is_given_at_once() {
    let spoiled = AccountState {
        disabled: true,
        locked: true,
        expired: true,
        protections: vec![Protection::AdminCount],
        supported_enctypes: Some(0x14),
        spns: Vec::new(),
        other_owners: owners(&[other("HTTP/a", Some("other"), "CN=other,DC=corp")]),
        minimum_age_left: Duration::from_secs(9),
        minimum_length: 65,
        ..account()
    };
    let found = codes(&spoiled);
    let expected = [
        "account-disabled",
        "account-locked",
        "account-expired",
        "account-protected",
        "enctypes-uncovered",
        "spn-duplicate",
        "spn-missing",
        "minimum-age",
        "policy-length",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_hidden_is_told_once_whatever_else_is_told() {
    let mut spoiled = account();
    spoiled.hidden = vec![hidden::SPNS];
    assert_eq!(codes(&spoiled), ["account-hidden"]);
    spoiled.disabled = true;
    assert_eq!(codes(&spoiled), ["account-disabled", "account-hidden"]);
    spoiled.protections = vec![Protection::Hidden("tokenGroups")];
    assert_eq!(codes(&spoiled), ["account-disabled", "account-hidden"]);
}

#[test]
fn the_enctypes_of_the_account_must_all_be_in_the_keytabs() {
    for (supported, code) in [
        (None, Some("enctypes-unset")),
        (Some(0), Some("enctypes-unset")),
        // Only the session keys' bit, or only features (MS-KILE 2.2.7): RC4 tickets.
        (Some(0x20), Some("enctypes-unset")),
        (Some(0x8_0000), Some("enctypes-unset")),
        (Some(0x10), None),
        (Some(0x08), None),
        (Some(0x18), None),
        (Some(0x38), None),
        (Some(0x8_0018), None),
        (Some(0x1c), Some("enctypes-uncovered")),
        (Some(0x04), Some("enctypes-uncovered")),
        (Some(0x01), Some("enctypes-uncovered")),
        (Some(0x02), Some("enctypes-uncovered")),
    ] {
        let account = AccountState {
            supported_enctypes: supported,
            ..account()
        };
        let expected: Vec<&str> = code.into_iter().collect();
        assert_eq!(codes(&account), expected, "{supported:#x?}");
    }
    let mixed = AccountState {
        supported_enctypes: Some(0x1f),
        ..account()
    };
    let [refusal] = &mixed.refusals(&wanted(Method::Change, true))[..] else {
        panic!("not one refusal");
    };
    assert!(refusal.why.contains("is 0x1f") && refusal.why.contains("lack (0x7)"));
    assert_eq!(
        refusal.next,
        "net ads enctypes set 'svc-web' 24 (or Set-ADUser, Set-ADComputer -Replace \
         @{'msDS-SupportedEncryptionTypes'=24})"
    );
}

#[test]
fn a_doubled_enctype_counts_once() {
    let twice = Wanted {
        enctypes: &[Enctype::Aes256CtsHmacSha1, Enctype::Aes256CtsHmacSha1],
        ..wanted(Method::Change, true)
    };
    assert_eq!(account().refusals(&twice), []);
}

#[test]
fn each_doubled_spn_names_its_other_owner() {
    let doubled = AccountState {
        other_owners: owners(&[
            other("HTTP/a", Some("svc old$"), "CN=Smith\\, J,OU=x,DC=corp"),
            other("HTTP/b", None, "CN=contact,DC=corp"),
        ]),
        ..account()
    };
    let refusals = doubled.refusals(&wanted(Method::Change, true));
    let shown: Vec<_> = refusals
        .iter()
        .map(|refusal| (refusal.object.as_str(), refusal.next.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("HTTP/a", "keyroll spn move web HTTP/a"),
            ("HTTP/b", "setspn -Q HTTP/b")
        ]
    );
    assert!(
        refusals[0]
            .why
            .starts_with("CN=Smith\\, J,OU=x,DC=corp has it too")
    );
}

#[test]
fn what_a_method_lacks_is_told() {
    let young = Duration::from_millis(90_500);
    for (method, known, left, may_reset, may_write_fence, refused) in [
        (
            Method::Change,
            false,
            Duration::ZERO,
            true,
            true,
            Some("password-unknown"),
        ),
        // Not knowing the password is the worse trouble of the two.
        (
            Method::Change,
            false,
            young,
            true,
            true,
            Some("password-unknown"),
        ),
        (
            Method::Change,
            true,
            young,
            false,
            false,
            Some("minimum-age"),
        ),
        (Method::Change, true, Duration::ZERO, false, false, None),
        (Method::FencedReset, true, young, true, true, None),
        (
            Method::FencedReset,
            true,
            young,
            false,
            true,
            Some("right-missing"),
        ),
        (
            Method::FencedReset,
            true,
            young,
            true,
            false,
            Some("right-missing"),
        ),
    ] {
        let account = AccountState {
            minimum_age_left: left,
            may_reset,
            may_write_fence,
            ..account()
        };
        let refusals = account.refusals(&wanted(method, known));
        let found: Vec<&str> = refusals
            .iter()
            .map(|refusal| refusal.code.as_str())
            .collect();
        let expected: Vec<&str> = refused.into_iter().collect();
        assert_eq!(
            found, expected,
            "{method:?} {known} {left:?} {may_reset} {may_write_fence}"
        );
        for refusal in refusals {
            assert_eq!(
                refusal.next,
                "keyroll array create --print-acl --account 'svc-web'"
            );
            let age = refusal.why.contains("for another 90 s");
            assert_eq!(age, refusal.code == "minimum-age");
            let fence = refusal.why.contains("may not write its fence");
            assert_eq!(fence, may_reset && refusal.code == "right-missing");
        }
    }
}

#[test]
fn an_enctype_that_is_named_twice_is_one() {
    let [aes, _] = AES;
    let set = set_enctypes("svc-web", Some(0x21c), &[aes, aes]);
    assert!(
        set.starts_with("net ads enctypes set 'svc-web' 528 (or"),
        "{set}"
    );
    let twice = Wanted {
        enctypes: &[aes, aes],
        ..wanted(Method::Change, true)
    };
    assert_eq!(account().refusals(&twice), []);
}
