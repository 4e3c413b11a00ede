//! The table is whole and says one thing once; whatever is typed finds its code.

mod erref;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::phrases::PHRASES;
use super::*;
use crate::kerberos::message::KdcCode;

#[test]
fn every_code_stands_there_once_and_says_something() {
    let mut seen = BTreeSet::new();
    for code in codes() {
        assert!(
            seen.insert((code.family, code.number)),
            "{code} is there twice"
        );
        assert!(code.means.ends_with('.'), "{code}: {:?}", code.means);
        assert!(
            !code.means.contains("  ") && !code.cause.contains("  "),
            "{code}"
        );
        assert!(code.cause.ends_with('.'), "{code}: {:?}", code.cause);
        assert!(!code.next.is_empty(), "{code}: nothing to type or do");
        assert!(
            !code.next.ends_with('.'),
            "{code}: {:?} is a command",
            code.next
        );
    }
}

/// RFC 4120 section 7.5.9 leaves out 30, 43 and 53 to 59; RFC 4511 appendix A leaves out more.
#[test]
fn the_rfcs_are_there_as_a_whole() {
    let has = |family, number| codes().any(|code| (code.family, code.number) == (family, number));
    let kerberos =
        (0..=76).filter(|number| ![30, 43].contains(number) && !(53..60).contains(number));
    for number in kerberos.chain(90..=93) {
        assert!(has(Family::Kerberos, number), "Kerberos {number}");
    }
    let ldap = [0..=8, 10..=14, 16..=21, 32..=34, 48..=54, 64..=69];
    for number in ldap.into_iter().flatten().chain([36, 71, 80]) {
        assert!(has(Family::Ldap, number), "LDAP {number}");
    }
    for number in [3, 4, 11, 14, 16, 27, 42, 4768, 4769, 4771]
        .into_iter()
        .chain(201..=209)
    {
        assert!(has(Family::Event, number), "event {number}");
    }
}

/// Numbers and names from another source than ours, since a wrong number explains something else.
#[test]
fn windows_calls_its_codes_like_this() {
    for code in codes().filter(|code| [Family::Windows, Family::Bind].contains(&code.family)) {
        let named = erref::NAMES
            .iter()
            .find(|(number, _)| *number == code.number);
        assert_eq!(named.map(|(_, name)| *name), Some(code.name), "{code}");
    }
}

#[test]
fn whatever_a_kdc_says_is_called_the_same_here() {
    for number in 0..128 {
        let code = KdcCode::from_number(number);
        if !matches!(code, KdcCode::Other(_)) {
            let found = explain(code.name());
            assert_eq!(i64::from(found[0].number), i64::from(number), "{code}");
            assert_eq!(found[0].family, Family::Kerberos);
            // What is told to be typed finds it, too.
            let typed = code.explained();
            assert_eq!(explain(&typed)[0].number, found[0].number, "{typed}");
        }
    }
}

#[test]
fn phrases_stand_for_codes_that_are_there() {
    for (words, family, number) in PHRASES {
        assert_eq!(*words, words.to_ascii_lowercase());
        let found = explain(words);
        assert_eq!(
            (found[0].family, found[0].number),
            (*family, *number),
            "{words}"
        );
    }
}

#[test]
fn a_number_a_name_or_a_line_is_found() {
    use Family::{Bind, Event, Kerberos, Ldap, Windows};
    for (text, expected) in [
        ("41", &[(Kerberos, 41)][..]),
        ("0x29", &[(Kerberos, 41)]),
        ("50", &[(Kerberos, 50), (Ldap, 50)]),
        ("52e", &[(Bind, 0x52e), (Windows, 0x52e)]),
        ("0000052D", &[(Windows, 0x52d)]),
        ("00002035", &[(Windows, 0x2035)]),
        ("4771", &[(Event, 4771)]),
        ("-1765328347", &[(Kerberos, 37)]),
        ("krb_ap_err_modified", &[(Kerberos, 41)]),
        ("KRB5KRB_AP_ERR_SKEW", &[(Kerberos, 37)]),
        ("KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN", &[(Kerberos, 7)]),
        ("invalidCredentials", &[(Ldap, 49)]),
        ("busy", &[(Ldap, 51)]),
        ("LDAP 53", &[(Ldap, 53)]),
        ("1326", &[(Windows, 0x52e)]),
        ("8453", &[(Windows, 0x2105)]),
        ("401", &[(Windows, 0x8009_030c)]),
        ("HTTP Error 401.1 - Unauthorized", &[(Windows, 0x8009_030c)]),
        (
            "Login failed for user 'NT AUTHORITY\\ANONYMOUS LOGON'.",
            &[(Kerberos, 13)],
        ),
        ("4625", &[(Event, 4625)]),
        ("Event ID 4", &[(Event, 4)]),
        (
            "80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data 775, v4563",
            &[(Bind, 0x775), (Windows, 0x8009_0308)],
        ),
        (
            "0000052D: Constraint violation - check_password_restrictions: the password is too \
             young to change!",
            &[(Windows, 0x52d), (Ldap, 19)],
        ),
        (
            "gss_accept_sec_context() failed: [An unsupported mechanism was requested (Request \
             ticket server HTTP/web@R kvno 16 not found in keytab; keytab is likely out of date)]",
            &[(Kerberos, 44), (Kerberos, 45)],
        ),
        (
            "Service Information:\r\n\tService ID:\t\tS-1-0-0\r\n\r\nAdditional Information:\r\n\t\
             Ticket Options:\t\t0x40810010\r\n\tFailure Code:\t\t0x18",
            &[(Kerberos, 24)],
        ),
        (
            "javax.naming.AuthenticationException: [LDAP: error code 49 - 80090308: LdapErr: \
             DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563",
            &[(Bind, 0x52e), (Ldap, 49), (Windows, 0x8009_0308)],
        ),
        ("GSSException: Error code 37 of the KDC", &[(Kerberos, 37)]),
        (
            "Cannot decrypt ticket for HTTP/web@R using keytab key for HTTP/web@R",
            &[(Kerberos, 41)],
        ),
        ("KRB5KDC_ERR_KEY_EXP", &[(Kerberos, 23)]),
        (
            "gss_init_sec_context: Minor: -1765328347",
            &[(Kerberos, 37)],
        ),
        ("Major: 851968, Minor: 2529638949", &[(Kerberos, 37)]),
        ("-1765328203", &[(Kerberos, 45)]),
        ("Minor = -1765328189", &[(Windows, 0x8009_030e)]),
        ("1765328129 and 2529639168", &[]),
        (
            "Failure Code: 0x18 of event 4771",
            &[(Event, 4771), (Kerberos, 24)],
        ),
        ("the sky is blue and busy", &[]),
        ("9999999999", &[]),
        ("", &[]),
    ] {
        let found: Vec<_> = explain(text)
            .iter()
            .map(|code| (code.family, code.number))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_pasted_makes_it_panic(text in any::<String>(), tail in "[a-z0-9x: ]{0,40}") {
        let _ = explain(&text);
        let _ = explain(&(text + "data 0x event " + &tail));
    }
}

/// A page of a log is read, and no whole log.
#[test]
fn sixteen_thousand_characters_of_a_paste_are_read() {
    let name = " krb_ap_err_modified";
    let room = 16 * 1024 - name.len();
    for (before, found) in [(room, 1), (room + 1, 0)] {
        let text = "x".repeat(before) + name;
        assert_eq!(explain(&text).len(), found, "{before}");
    }
    let foreign = "\u{435}".repeat(room) + name;
    assert_eq!(explain(&foreign).len(), 1);
}

#[test]
fn a_code_is_written_as_its_family_does() {
    for (family, number, text) in [
        (
            Family::Kerberos,
            41,
            "Kerberos 41 (0x29): KRB_AP_ERR_MODIFIED",
        ),
        (Family::Ldap, 50, "LDAP 50: insufficientAccessRights"),
        (
            Family::Bind,
            0x52e,
            "LDAP bind to Active Directory data 52e: ",
        ),
        (Family::Windows, 0x52d, "Windows 0x0000052d: "),
        (Family::Event, 4771, "Windows event 4771: "),
    ] {
        let mut found = codes().filter(|one| (one.family, one.number) == (family, number));
        let text_of = found.next().map(ToString::to_string).unwrap_or_default();
        assert!(text_of.starts_with(text), "{text_of:?}, and not {text:?}");
    }
}
