//! Changes there and back, on a directory of three attributes.

use proptest::prelude::*;

use super::*;
use crate::directory_change::{Action, Modification};

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn shown(modifications: &[Modification]) -> Vec<String> {
    let one = |one: &Modification| {
        let value = String::from_utf8_lossy(&one.value);
        format!("{} {} {value}", one.action.word(), one.attribute)
    };
    modifications.iter().map(one).collect()
}

#[test]
fn a_change_is_single_values() {
    let present = Holding {
        control: Control(0x8_1000),
        targets: vec!["MSSQLSvc/db".to_owned(), "HTTP/old".to_owned()],
        descriptor: None,
    };
    let wishes = [
        Wish::Flag(Control::UNCONSTRAINED, false),
        Wish::Flag(Control::PROTOCOL_TRANSITION, true),
        Wish::Target("mssqlsvc/DB".to_owned()),
        Wish::Target("HTTP/new:8080".to_owned()),
        Wish::NoTarget("http/OLD".to_owned()),
        Wish::NoTarget("HTTP/never".to_owned()),
    ];
    assert_eq!(
        shown(&change(&present, &wishes).unwrap()),
        [
            "delete userAccountControl 528384",
            "add userAccountControl 16781312",
            "delete msDS-AllowedToDelegateTo HTTP/old",
            "add msDS-AllowedToDelegateTo HTTP/new:8080",
        ]
    );
    assert_eq!(change(&present, &wishes[2..3]), Ok(Vec::new()));
    assert_eq!(Control(0x8000_0200).text(), "-2147483136");
    assert_eq!(Control::of_text(b"-2147483136"), Some(Control(0x8000_0200)));
}

#[test]
fn a_descriptor_comes_and_goes_whole() {
    let (one, two) = (sid("S-1-5-21-1-2-3-1104"), sid("S-1-5-21-1-2-3-1105"));
    let first = Descriptor::of_actors([&one]).to_bytes();
    let both = Descriptor::of_actors([&one, &two]).to_bytes();
    let with = |bytes: Option<&Vec<u8>>| Holding {
        descriptor: bytes.cloned(),
        ..Holding::default()
    };
    let go = |bytes: &Vec<u8>| Modification::delete(ACTORS, bytes.clone());
    let come = |bytes: &Vec<u8>| Modification::add(ACTORS, bytes.clone());
    let (let_one, let_two) = (Wish::Actor(one.clone()), Wish::Actor(two.clone()));
    let (not_one, not_two) = (Wish::NoActor(one.clone()), Wish::NoActor(two));
    for (present, wish, expected) in [
        (None, &let_one, vec![come(&first)]),
        (Some(&first), &let_one, vec![]),
        (Some(&first), &let_two, vec![go(&first), come(&both)]),
        (Some(&both), &not_two, vec![go(&both), come(&first)]),
        (Some(&first), &not_one, vec![go(&first)]),
        (Some(&first), &not_two, vec![]),
        (None, &not_two, vec![]),
    ] {
        let planned = change(&with(present), std::slice::from_ref(wish));
        assert_eq!(planned, Ok(expected));
    }
    let wish = [let_one];
    let odd = vec![1, 2, 3];
    assert_eq!(
        change(&with(Some(&odd)), &wish),
        Err(Refused::BadDescriptor(3))
    );
    let no_list = [&[1, 0, 4, 0x80][..], &[0; 16]].concat();
    assert_eq!(
        change(&with(Some(&no_list)), &wish),
        Err(Refused::Everybody)
    );
    // The same entry as one that denies.
    let mut denying = first;
    denying[44] = 1;
    assert_eq!(
        change(&with(Some(&denying)), &wish),
        Err(Refused::Denied(one))
    );
}

fn wish() -> impl Strategy<Value = Wish> {
    let spn = (0..4_u8).prop_map(|number| format!("HTTP/h{number}"));
    let who = (0..3_u8).prop_map(|number| sid(&format!("S-1-5-21-1-2-3-110{number}")));
    prop_oneof![
        spn.clone().prop_map(Wish::Target),
        spn.prop_map(Wish::NoTarget),
        any::<bool>().prop_map(|set| Wish::Flag(Control::NOT_DELEGATED, set)),
        who.clone().prop_map(Wish::Actor),
        who.prop_map(Wish::NoActor),
    ]
}

/// What a directory makes of it, every value in its place; none if it refuses.
fn applied(mut holding: Holding, modifications: &[Modification]) -> Option<Holding> {
    for one in modifications {
        let (add, text) = (
            one.action == Action::Add,
            String::from_utf8_lossy(&one.value),
        );
        match one.attribute.as_str() {
            CONTROL if add => holding.control = Control::of_text(&one.value)?,
            CONTROL => (holding.control.text() == text).then_some(())?,
            TARGETS if add => holding.targets.push(text.into_owned()),
            TARGETS => {
                let at = holding.targets.iter().position(|spn| *spn == text)?;
                holding.targets.remove(at);
            }
            ACTORS if add => {
                holding.descriptor.is_none().then_some(())?;
                holding.descriptor = Some(one.value.clone());
            }
            ACTORS => {
                let gone = holding.descriptor.take()?;
                (gone == one.value).then_some(())?;
            }
            _ => return None,
        }
    }
    Some(holding)
}

/// Whether two wishes are about the same thing.
fn are_of_one(wish: &Wish, other: &Wish) -> bool {
    use Wish::{Actor, Flag, NoActor, NoTarget, Target};
    match (wish, other) {
        (Target(one) | NoTarget(one), Target(two) | NoTarget(two)) => one == two,
        (Actor(one) | NoActor(one), Actor(two) | NoActor(two)) => one == two,
        (Flag(..), Flag(..)) => true,
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_change_brings_what_was_wanted_and_asks_for_no_more(
        before in prop::collection::vec(wish(), 0..8),
        wishes in prop::collection::vec(wish(), 0..8),
    ) {
        let present = applied(Holding::default(), &change(&Holding::default(), &before).unwrap());
        let present = present.unwrap();
        let planned = change(&present, &wishes).unwrap();
        let after = applied(present, &planned).expect("a directory would refuse it");
        // The last word on each thing holds, so that to wish it again changes nothing.
        for (place, wish) in wishes.iter().enumerate() {
            let one = std::slice::from_ref(wish);
            if !wishes[place + 1..].iter().any(|other| are_of_one(wish, other)) {
                prop_assert_eq!(change(&after, one), Ok(Vec::new()));
            }
        }
    }
}
