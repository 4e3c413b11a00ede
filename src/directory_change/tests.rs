use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn change(modifications: Vec<Modification>) -> DirectoryChange {
    DirectoryChange {
        dc: "dc1.corp.example".parse().unwrap(),
        target: Target {
            guid: [7; 16],
            account: "svc-web$".to_owned(),
            distinguished_name: "CN=svc-web,DC=corp,DC=example".to_owned(),
        },
        modifications,
    }
}

fn spn(action: Action, spn: &str) -> Modification {
    Modification::new("servicePrincipalName", action, spn)
}

#[test]
fn an_object_tells_whether_a_change_was_made() {
    use Action::{Add, Delete};
    let swap = change(vec![spn(Delete, "HTTP/old"), spn(Add, "HTTP/new")]);
    for (present, standing) in [
        (&["HTTP/new"][..], Standing::Made),
        (&["HTTP/new", "HTTP/other"], Standing::Made),
        (&["HTTP/old"], Standing::NotMade),
        (&["HTTP/old", "HTTP/new"], Standing::Partly),
        (&[], Standing::Partly),
        // Another spelling is another value: what goes was read before it was planned.
        (&["HTTP/NEW", "HTTP/old"], Standing::NotMade),
    ] {
        let values = |_: &str| {
            present
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect()
        };
        assert_eq!(swap.standing(values), standing, "{present:?}");
    }
}

#[test]
fn a_change_is_shown_as_sentences_ldif_and_commands() {
    let binary = "msDS-AllowedToActOnBehalfOfOtherIdentity";
    let change = change(vec![
        spn(Action::Add, "HTTP/web.corp.example"),
        Modification::delete(binary, [1, 0, 4, 0x80]),
        Modification::add("description", " ä"),
    ]);
    assert_eq!(
        change.sentences(),
        [
            "svc-web$: add servicePrincipalName HTTP/web.corp.example",
            "svc-web$: delete msDS-AllowedToActOnBehalfOfOtherIdentity (4 bytes)",
            "svc-web$: add description  ä",
        ]
    );
    assert_eq!(
        change.ldif(),
        "dn: CN=svc-web,DC=corp,DC=example\nchangetype: modify\n\
         add: servicePrincipalName\nservicePrincipalName: HTTP/web.corp.example\n-\n\
         delete: msDS-AllowedToActOnBehalfOfOtherIdentity\n\
         msDS-AllowedToActOnBehalfOfOtherIdentity:: AQAEgA==\n-\n\
         add: description\ndescription:: IMOk\n-\n"
    );
    assert_eq!(
        change.commands()[0],
        "setspn -S HTTP/web.corp.example svc-web$"
    );
    assert_eq!(
        change.inverse().commands()[0],
        "setspn -D HTTP/web.corp.example svc-web$"
    );
}

#[test]
fn nothing_in_a_value_ends_a_line() {
    let change = change(vec![Modification::add("info", "a\ndn: CN=other\x1b[2J")]);
    assert_eq!(change.ldif().lines().count(), 5);
    assert!(change.sentences()[0].ends_with("(18 bytes)"));
}

#[test]
fn what_the_object_shows_counts_more_than_what_was_heard() {
    use Reported::{Applied, NotSent, Nothing, Refused, Unknown};
    use Standing::{Made, NotMade, Partly};
    for (reported, seen, in_flight, state) in [
        (Nothing, Some(NotMade), false, State::HandedOut),
        // Whoever had it in hand died after sending it.
        (Nothing, Some(Made), false, State::Applied),
        (Applied, Some(Made), false, State::Applied),
        (Applied, None, false, State::Applied),
        (Applied, Some(NotMade), false, State::NotMade),
        (Refused, Some(NotMade), false, State::Refused),
        (Refused, None, false, State::Refused),
        // A repetition of what had been made is refused.
        (Refused, Some(Made), false, State::Applied),
        (Unknown, Some(Made), true, State::Applied),
        (Unknown, Some(NotMade), true, State::Unknown),
        (Unknown, Some(NotMade), false, State::NotMade),
        (Unknown, None, false, State::Unknown),
        (NotSent, Some(NotMade), false, State::NotMade),
        (NotSent, Some(Partly), false, State::Differs),
    ] {
        assert_eq!(
            State::of(reported, seen, in_flight),
            state,
            "{reported:?} {seen:?}"
        );
    }
    for word in ["", "applied", "refused", "unknown", "not-sent"] {
        assert!(Reported::of_word(word).is_some(), "{word}");
    }
    assert_eq!(Reported::of_word("done"), None);
}

fn modifications() -> impl Strategy<Value = Vec<Modification>> {
    let one = (0..3_u8, any::<bool>(), 0..4_u8).prop_map(|(attribute, add, value)| {
        let action = if add { Action::Add } else { Action::Delete };
        Modification::new(&format!("a{attribute}"), action, [value])
    });
    // One value is not both added and deleted: a directory refuses such a modify.
    proptest::collection::vec(one, 1..6).prop_filter("each value once", |all| {
        let mut seen = std::collections::BTreeSet::new();
        all.iter()
            .all(|one| seen.insert((one.attribute.clone(), one.value.clone())))
    })
}

type Object = BTreeMap<String, Vec<Vec<u8>>>;

/// What a directory does: everything, or nothing if one value is not as it should be.
fn applied(object: &Object, change: &DirectoryChange) -> Option<Object> {
    let mut object = object.clone();
    for one in &change.modifications {
        let values = object.entry(one.attribute.clone()).or_default();
        let at = values.iter().position(|value| *value == one.value);
        match (one.action, at) {
            (Action::Add, None) => values.push(one.value.clone()),
            (Action::Delete, Some(at)) => drop(values.remove(at)),
            _ => return None,
        }
    }
    for values in object.values_mut() {
        values.sort();
    }
    Some(object)
}

proptest! {
    #[test]
    fn what_is_made_is_seen_and_can_be_taken_back(
        modifications in modifications(),
        others in proptest::collection::btree_map("a[0-2]", proptest::collection::btree_set(
            proptest::collection::vec(0..4_u8, 1), 0..4), 0..3),
    ) {
        let before: Object = others
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().collect()))
            .collect();
        let change = change(modifications);
        let see = |object: &Object, change: &DirectoryChange| {
            change.standing(|name| object.get(name).cloned().unwrap_or_default())
        };
        match applied(&before, &change) {
            None => prop_assert_ne!(see(&before, &change), Standing::NotMade),
            Some(after) => {
                prop_assert_eq!(see(&before, &change), Standing::NotMade);
                prop_assert_eq!(see(&after, &change), Standing::Made);
                prop_assert_eq!(see(&after, &change.inverse()), Standing::NotMade);
                let back = applied(&after, &change.inverse()).unwrap();
                let filled = |object: &Object| -> Vec<_> {
                    let object = object.clone().into_iter();
                    object.filter(|(_, values)| !values.is_empty()).collect()
                };
                prop_assert_eq!(filled(&back), filled(&before));
            }
        }
        prop_assert_eq!(change.inverse().inverse(), change);
    }
}

#[test]
fn the_words_of_ldif_come_back() {
    for action in [Action::Add, Action::Delete] {
        assert_eq!(Action::of_word(action.word()), Some(action));
    }
    assert_eq!(Action::of_word("replace"), None);
}

#[test]
fn each_attribute_is_named_once_and_a_foreign_one_is_found() {
    let spn = |text: &str| Modification::add("servicePrincipalName", text);
    let mut change = change(vec![spn("HTTP/b"), spn("HTTP/a")]);
    assert_eq!(change.attributes(), ["servicePrincipalName"]);
    let flags = |action, number: &str| Modification::new("USERACCOUNTCONTROL", action, number);
    change.modifications.push(flags(Action::Delete, "4096"));
    change.modifications.push(flags(Action::Add, "528384"));
    assert_eq!(
        change.attributes(),
        ["USERACCOUNTCONTROL", "servicePrincipalName"]
    );
    assert_eq!(change.foreign_attribute(), None);
    let mut other = change.clone();
    other
        .modifications
        .push(Modification::add("member", "CN=x"));
    assert_eq!(other.foreign_attribute(), Some("member"));
    // No need of a password (0x20), and a number that takes the place of whatever is there.
    let foreign = Some("USERACCOUNTCONTROL");
    change.modifications[3].value = b"528416".to_vec();
    assert_eq!(change.foreign_attribute(), foreign);
    change.modifications.remove(2);
    assert_eq!(change.foreign_attribute(), foreign);
}

mod flags {
    use super::*;
    use crate::delegation::{ACTORS, CONTROL, TARGETS};
    use crate::descriptor::Descriptor;

    fn swap(old: &str, new: &str) -> DirectoryChange {
        change(vec![
            Modification::delete(CONTROL, old),
            Modification::add(CONTROL, new),
        ])
    }

    /// 512: an account; 524288: unconstrained; 65536: its password never expires; 2: disabled.
    #[test]
    fn flags_of_others_neither_count_nor_are_lost() {
        let on = swap("512", "524800");
        for (present, standing) in [
            (&["512"][..], Standing::NotMade),
            (&["524800"], Standing::Made),
            (&["66048"], Standing::NotMade),
            (&["590336"], Standing::Made),
            (&["-2146958848"], Standing::Made),
            (&["odd"], Standing::Partly),
            (&[], Standing::Partly),
        ] {
            let values = |_: &str| present.iter().map(|one| one.as_bytes().to_vec()).collect();
            assert_eq!(on.standing(values), standing, "{present:?}");
        }
        let back = |present: &str| on.inverse_on(|_| vec![present.as_bytes().to_vec()]);
        assert_eq!(back("524800"), swap("524800", "512"));
        assert_eq!(back("590336"), swap("590336", "66048"));
        assert_eq!(back("odd"), on.inverse());
        // Two flags at once, of which somebody has taken one back.
        let both = swap("512", "17302016");
        let values = |_: &str| vec![b"524800".to_vec()];
        assert_eq!(both.standing(values), Standing::Partly);
        // With another attribute that is not there yet.
        let mut more = swap("512", "524800");
        more.modifications
            .push(Modification::add(TARGETS, "HTTP/a"));
        let values = |name: &str| match name {
            CONTROL => vec![b"524800".to_vec()],
            _ => Vec::new(),
        };
        assert_eq!(more.standing(values), Standing::Partly);
    }

    #[test]
    fn delegation_is_shown_by_names_and_by_the_commands_of_others() {
        let mut switched = swap("512", "17825792");
        switched
            .modifications
            .push(Modification::add(TARGETS, "MSSQLSvc/d'b"));
        assert_eq!(
            switched.sentences(),
            [
                "svc-web$: clear 0x200 (userAccountControl 512 to 17825792)",
                "svc-web$: set NOT_DELEGATED (userAccountControl 512 to 17825792)",
                "svc-web$: set TRUSTED_TO_AUTH_FOR_DELEGATION (userAccountControl 512 to 17825792)",
                "svc-web$: add msDS-AllowedToDelegateTo MSSQLSvc/d'b",
            ]
        );
        assert_eq!(
            switched.commands(),
            [
                "# PowerShell",
                "Set-ADAccountControl 'svc-web$' -TrustedToAuthForDelegation $true",
                "Set-ADAccountControl 'svc-web$' -AccountNotDelegated $true",
                "Set-ADComputer 'svc-web$' -Add @{'msDS-AllowedToDelegateTo'='MSSQLSvc/d''b'}",
                "# or Samba",
                "samba-tool delegation for-any-protocol 'svc-web$' on",
                "samba-tool user sensitive 'svc-web$' on",
                r"samba-tool delegation add-service 'svc-web$' 'MSSQLSvc/d'\''b'",
            ]
        );
        let actor = |text: &str| text.parse().unwrap();
        let one = Descriptor::of_actors([&actor("S-1-5-21-1-2-3-1104")]).to_bytes();
        let mut let_in = change(vec![Modification::add(ACTORS, one)]);
        let_in.target.account = "svc-db".to_owned();
        assert_eq!(
            let_in.sentences(),
            [format!(
                "svc-db: add {ACTORS} (80 bytes: S-1-5-21-1-2-3-1104 may act)"
            )]
        );
        let option = "-PrincipalsAllowedToDelegateToAccount";
        assert_eq!(
            let_in.commands()[1],
            format!("Set-ADUser 'svc-db' {option} 'S-1-5-21-1-2-3-1104'")
        );
        assert_eq!(
            let_in.inverse().commands(),
            [
                "# PowerShell".to_owned(),
                format!("Set-ADUser 'svc-db' {option} $null")
            ]
        );
        // An entry that denies would be lost.
        let mut kept = Descriptor::of_actors([&actor("S-1-5-21-1-2-3-1105")]).to_bytes();
        let kind = kept.len() - 36;
        assert_eq!(kept[kind], 0);
        kept[kind] = 1;
        let mut kept = Descriptor::from_bytes(&kept).unwrap();
        kept.allow(&actor("S-1-5-21-1-2-3-1104"));
        let with_denial = change(vec![Modification::add(ACTORS, kept.to_bytes())]);
        let commands = with_denial.commands();
        assert_eq!(commands.len(), 2, "{commands:?}");
        assert!(commands[1].starts_with("# by LDIF alone"), "{commands:?}");
    }

    #[test]
    fn what_is_done_by_hand_is_one_line_without_comments() {
        let one = |attribute: &str, value: &str| change(vec![Modification::add(attribute, value)]);
        assert_eq!(one("servicePrincipalName", "HTTP/a").by_hand(), None);
        let unreadable = one(ACTORS, "no descriptor").by_hand();
        assert_eq!(unreadable, None, "a comment is no command");
        let samba = "samba-tool delegation add-service 'svc-web$' 'HTTP/a'";
        let powershell = "Set-ADComputer 'svc-web$' -Add @{'msDS-AllowedToDelegateTo'='HTTP/a'}";
        let both = format!("{samba} (or {powershell})");
        assert_eq!(one(TARGETS, "HTTP/a").by_hand(), Some(both));
        // Samba has no command for that.
        let out = one(ACTORS, "no descriptor").inverse().by_hand();
        let option = "-PrincipalsAllowedToDelegateToAccount $null";
        assert_eq!(out, Some(format!("Set-ADComputer 'svc-web$' {option}")));
        let mut two = one(TARGETS, "HTTP/a");
        two.modifications.push(Modification::add(TARGETS, "HTTP/b"));
        let then = two.by_hand().unwrap();
        let second = "'HTTP/a', then samba-tool delegation add-service 'svc-web$' 'HTTP/b' (or ";
        assert!(then.contains(second), "{then}");
    }
}

#[test]
fn a_long_value_is_shown_by_its_first_characters() {
    let shown = |value: &str| change(vec![spn(Action::Add, value)]).sentences().remove(0);
    let (most, more) = ("\u{e9}".repeat(120), "\u{e9}".repeat(121));
    assert!(shown(&most).ends_with(&format!(" {most}")), "it is whole");
    assert!(shown(&more).ends_with(&format!(" {most}\u{2026}")));
}

/// Samba asks of an SPN that goes what it asks of one that comes, and of the first part alone.
#[test]
fn what_comes_and_goes_leaves_nothing_behind() {
    let target = change(Vec::new()).target;
    let change = change(take_duplicate(&target, "HTTP/twice"));
    let number = "07070707-0707-0707-0707-070707070707";
    assert_eq!(
        change.ldif(),
        format!(
            "dn: CN=svc-web,DC=corp,DC=example\nchangetype: modify\n\
             add: servicePrincipalName\nservicePrincipalName: keyroll/{number}\n-\n\
             delete: servicePrincipalName\nservicePrincipalName: keyroll/{number}\n-\n\
             delete: servicePrincipalName\nservicePrincipalName: HTTP/twice\n-\n"
        )
    );
    assert_eq!(
        change.sentences(),
        ["svc-web$: delete servicePrincipalName HTTP/twice"]
    );
    assert_eq!(
        change.commands(),
        ["samba-tool spn delete HTTP/twice 'svc-web$'"]
    );
    for (present, standing) in [
        (&["HTTP/twice", "HTTP/other"][..], Standing::NotMade),
        (&["HTTP/other"], Standing::Made),
        (&[], Standing::Made),
    ] {
        let values = |_: &str| present.iter().map(|one| one.as_bytes().to_vec()).collect();
        assert_eq!(change.standing(values), standing, "{present:?}");
    }
    let back = change.inverse();
    let spn = Modification::add("servicePrincipalName", "HTTP/twice");
    assert_eq!(back.modifications, [spn]);
    assert_eq!(change.foreign_attribute(), None);
    // Only Samba is asked for the detour.
    assert!(keeps_duplicates(Some("Samba Team (https://www.samba.org)")));
    assert!(!keeps_duplicates(None));
}
