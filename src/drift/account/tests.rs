use super::*;
use crate::account::tests::{account, other, owners, wanted};
use crate::kerberos::Kvno;
use crate::kerberos::salt::AccountKind;
use crate::roll::policy::Method;

const OWN: &str = "keyroll web.";

fn known(edit: impl FnOnce(&mut AccountState)) -> Known {
    let mut state = account();
    edit(&mut state);
    Known::of(&state, Some(GenerationNumber(3)))
}

/// The codes of what is other than before, with what is said of the first.
#[track_caller]
fn check(edit: impl FnOnce(&mut AccountState), codes: &[&str], said: &str) {
    let changes = known(|_| ()).changes(&known(edit), OWN);
    let found: Vec<&str> = changes.iter().map(|change| change.code).collect();
    assert_eq!(found, codes);
    let text = changes.first().map(Change::sentence).unwrap_or_default();
    assert!(text.contains(said), "{text}");
}

#[test]
fn what_is_as_before_is_no_change() {
    check(|_| (), &[], "");
    // A password that was set is told by tickets, not by numbers.
    check(
        |now| (now.kvno, now.password_set_unix) = (Kvno(9), 9),
        &[],
        "",
    );
}

#[test]
fn each_change_is_named_with_what_follows() {
    check(
        |now| {
            now.salt_source.sam_account_name = "svc-new".to_owned();
            now.distinguished_name = "CN=svc-new,OU=Services,DC=corp,DC=example".to_owned();
        },
        &["account-renamed"],
        "sAMAccountName was svc-web and is svc-new: the array and its keytabs follow; tickets and \
         today's keys go on; the next password's salt will be CORP.EXAMPLEsvc-new",
    );
    check(
        |now| now.distinguished_name = "CN=web,DC=corp,DC=example".to_owned(),
        &["account-moved"],
        "distinguishedName was CN=web,OU=Services,DC=corp,DC=example and is",
    );
    check(
        |now| now.salt_source.user_principal_name = Some("HTTP/web@corp.example".to_owned()),
        &["upn-changed"],
        "the next password's salt will be CORP.EXAMPLEHTTPweb",
    );
    check(
        |now| now.salt_source.user_principal_name = Some("svc-web@corp.example".to_owned()),
        &["upn-changed"],
        "tickets and keys go on as before",
    );
    check(
        |now| now.supported_enctypes = Some(0x18),
        &["enctypes-changed"],
        "was 0x10 and is 0x18",
    );
    check(
        |now| now.delegates = true,
        &["delegation-changed"],
        "was off and is on",
    );
    check(
        |now| now.fence = Some("a note".to_owned()),
        &["fence-written"],
        "was absent and is a note",
    );
}

#[test]
fn a_roll_s_own_fence_is_no_change() {
    check(
        |now| now.fence = Some("keyroll web.Xy12".to_owned()),
        &[],
        "",
    );
    let before = known(|_| ());
    let rolled = Known {
        generation: Some(GenerationNumber(4)),
        ..known(|now| now.fence = Some("whatever".to_owned()))
    };
    assert_eq!(before.changes(&rolled, OWN), []);
}

#[test]
fn a_computer_s_salt_does_not_follow_its_upn() {
    let computer = |upn: Option<&str>| {
        known(|now| {
            now.salt_source.kind = AccountKind::Computer;
            now.salt_source.user_principal_name = upn.map(str::to_owned);
        })
    };
    let changes = computer(None).changes(&computer(Some("HTTP/web@corp.example")), OWN);
    assert_eq!(changes[0].consequence, "tickets and keys go on as before");
}

/// The codes of what stands in the way, with their grades.
fn found(edit: impl FnOnce(&mut AccountState), pending: &str) -> Vec<(&'static str, &'static str)> {
    let mut now = account();
    now.may_reset = false;
    edit(&mut now);
    let spns = [
        "HTTP/web.corp.example".to_owned(),
        "HTTP/two.corp.example".to_owned(),
    ];
    let pending = pending.split_whitespace().map(str::to_owned).collect();
    let array = "web".parse().unwrap();
    let names = Names {
        array: &array,
        spns: &spns,
        pending: &pending,
    };
    let conditions = conditions(&now, &wanted(Method::Change, true), &names);
    let found = conditions.iter();
    found.map(|one| (one.code, one.judgement.grade())).collect()
}

#[test]
fn conditions_are_told_for_as_long_as_they_last() {
    let two = |now: &mut AccountState| now.spns.push("http/TWO.corp.example".to_owned());
    assert_eq!(found(two, ""), []);
    assert_eq!(found(|_| (), "HTTP/two.corp.example"), []);
    assert_eq!(found(|_| (), ""), [("spn-removed", "critical")]);
    let bad = |now: &mut AccountState| {
        two(now);
        (now.disabled, now.locked, now.expired, now.password_expired) = (true, true, true, true);
        now.supported_enctypes = None;
        now.minimum_length = 99;
        now.other_owners = owners(&[other("HTTP/web.corp.example", Some("x"), "CN=x")]);
        // Passes by itself.
        now.minimum_age_left = std::time::Duration::from_secs(9);
    };
    assert_eq!(
        found(bad, ""),
        [
            ("account-disabled", "critical"),
            ("account-locked", "critical"),
            ("account-expired", "critical"),
            ("enctypes-unset", "critical"),
            ("spn-duplicate", "critical"),
            ("policy-length", "warning"),
            ("password-expired", "warning"),
        ]
    );
    let disabled = |now: &mut AccountState| now.disabled = true;
    assert_eq!(
        found(disabled, "HTTP/two.corp.example"),
        [("account-disabled", "critical")],
        "a name that is waited for hides nothing else"
    );
    let bare = |now: &mut AccountState| now.spns.clear();
    let both = "HTTP/web.corp.example HTTP/two.corp.example";
    assert_eq!(found(bare, both), []);
    assert_eq!(
        found(bare, "HTTP/two.corp.example"),
        [("spn-removed", "critical")],
        "a name that was registered is missed whatever else is waited for"
    );
}

#[test]
fn what_is_hidden_has_not_changed() {
    let before = known(|now| {
        now.salt_source.user_principal_name = Some("HTTP/web@corp.example".to_owned());
        now.delegates = true;
    });
    let mut now = account();
    now.spns.clear();
    now.supported_enctypes = None;
    now.salt_source.kind = AccountKind::Computer;
    now.hidden = vec![
        hidden::CLASS,
        hidden::CONTROL,
        hidden::ENCTYPES,
        hidden::PRINCIPAL_NAME,
        hidden::SPNS,
    ];
    let known = Known::of(&now, before.generation).keeping(&before, &now);
    assert_eq!(known, before);
    let pending = BTreeSet::new();
    let spns = ["HTTP/web.corp.example".to_owned()];
    let array = "web".parse().unwrap();
    let names = Names {
        array: &array,
        spns: &spns,
        pending: &pending,
    };
    let found = conditions(&now, &wanted(Method::FencedReset, true), &names);
    let codes: Vec<&str> = found.iter().map(|change| change.code).collect();
    assert_eq!(codes, ["account-hidden"]);
    let said = &found[0].what;
    assert!(said.contains("servicePrincipalName, msDS-Supp"), "{said}");
    assert_eq!(found[0].judgement.grade(), "warning");
}

#[test]
fn every_reason_against_an_account_has_a_judgement_of_its_own() {
    let named = [
        "account-disabled",
        "account-locked",
        "account-expired",
        "enctypes-unset",
        "enctypes-uncovered",
        "spn-duplicate",
        "spn-missing",
        "right-missing",
        "policy-length",
        "account-hidden",
    ];
    for code in named {
        let reason = Refusal::new(code, "o", "why", "next");
        assert_eq!(condition(reason).code, code);
    }
    let rest = condition(Refusal::new("account-protected", "o", "why", "next"));
    assert_eq!(
        (rest.code, rest.judgement),
        ("account-unfit", Judgement::StopsRolls)
    );
}

#[test]
fn names_that_somebody_gave_are_taken_up_once_and_only_if_they_are_names() {
    let mut now = account();
    let spns = now.spns.clone();
    assert_eq!(spns_to_take_up(&spns, &now), [] as [String; 0]);
    now.spns = ["http/WEB.corp.example", "HTTP/new.corp.example", "no name"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(spns_to_take_up(&spns, &now), ["HTTP/new.corp.example"]);
}
