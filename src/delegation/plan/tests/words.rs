//! What is said of a plan's risks, and what to type where there is none.

use super::*;

#[test]
fn a_list_with_protocol_transition_is_told_apart_from_one_without() {
    let mut old = ground(4);
    let planned = plan(&old, &to(service())).unwrap();
    says(&planned, &["constrained: whoever holds the key"]);
    old.holding.control = Control(0x200 | Control::PROTOCOL_TRANSITION);
    let planned = plan(&old, &to(service())).unwrap();
    let words = [
        "constrained with protocol transition",
        "logged in or not",
        "safer: --protocol-transition off",
    ];
    says(&planned, &words);
}

#[test]
fn who_loses_by_the_end_of_protocol_transition_is_told() {
    let mut old = ground(7);
    old.holding.control = Control(0x200 | Control::PROTOCOL_TRANSITION);
    let asked = Asked {
        transition: Some(false),
        ..Asked::default()
    };
    let planned = plan(&old, &asked).unwrap();
    assert_eq!(planned.changes[0].modifications[1].value, b"512");
    says(&planned, &["do not log in to svc-web$ by Kerberos are not"]);
}

#[test]
fn flags_are_set_and_cleared_with_their_risk() {
    let asked = |transition, sensitive| Asked {
        transition,
        sensitive,
        ..Asked::default()
    };
    let planned = plan(&ground(7), &asked(Some(true), None)).unwrap();
    assert_eq!(planned.changes[0].modifications[1].value, b"16777728");
    says(
        &planned,
        &["is every user but the sensitive", "leave it off"],
    );
    let planned = plan(&ground(7), &asked(Some(false), Some(true))).unwrap();
    assert_eq!(planned.changes[0].modifications[1].value, b"1049088");
    says(&planned, &["Samba KDC issues no ticket"]);
    let planned = plan(&ground(7), &asked(Some(false), Some(false))).unwrap();
    assert_eq!(planned, Planned::default());
}

#[test]
fn a_refusal_says_what_to_type_next() {
    let text = |text: &str| text.to_owned();
    let elsewhere = |account: &str| Refused::Elsewhere(text(SPN), text(account));
    for (refused, words) in [
        (Refused::NoOwner(text(SPN)), SPN),
        (Refused::OfKdc(text(SPN)), "an account of the service's own"),
        (
            Refused::OfProtected(text(SPN), text("svc-db"), text("adminCount")),
            "if svc-db is no administrator's any more",
        ),
        (elsewhere("DB$"), "there: Set-ADComputer 'DB$' -Principals"),
        (
            elsewhere("svc-db"),
            "there: Set-ADUser 'svc-db' -Principals",
        ),
        (elsewhere("svc-db"), "(sAMAccountName=svc-web$)"),
        (
            Refused::TooOld(text("why")),
            "keyroll delegation apply OTHER",
        ),
        (
            Refused::Unconstrained(text("svc-web$")),
            "keyroll delegation apply web --to SPN",
        ),
        (Refused::Crowd(text("S-1-1-0")), "name the one account"),
        (Refused::Everybody, "keyroll delegation show web"),
    ] {
        let next = refused.next("web", "svc-web$");
        assert!(next.contains(words), "{words}: {next}");
    }
}

/// Let in by a group alone, somebody is not told to be shut out already.
#[test]
fn who_is_let_in_by_a_group_alone_is_in() {
    let mut own = ground(7);
    own.holding.descriptor = Some(Descriptor::of_actors([&group()]).to_bytes());
    let member = Leaver {
        sid: sid(3),
        caller: Some(caller(Some(&sid(3)), [group()])),
    };
    let asked = Asked {
        not_from: vec![member],
        ..Asked::default()
    };
    let planned = plan(&own, &asked).unwrap();
    says(&planned, &["all the same"]);
    assert_eq!(planned.notes.len(), 1, "{planned:?}");
}
