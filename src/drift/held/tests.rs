use proptest::prelude::*;

use super::*;

const DRAIN: Duration = Duration::from_secs(100);
const PASS: Duration = Duration::from_secs(30);

fn issue(generation: u64, kvno: u32) -> Issue {
    Issue {
        generation: GenerationNumber(generation),
        kvno: Kvno(kvno),
    }
}

fn standing() -> Standing {
    Standing {
        current: issue(5, 6),
        kept: Vec::new(),
    }
}

fn seen(sights: &[Sight]) -> BTreeMap<DcName, Sight> {
    let dc = |(at, sight): (usize, &Sight)| (format!("dc{at}").parse().unwrap(), *sight);
    sights.iter().enumerate().map(dc).collect()
}

fn look(standing: &Standing, sights: &[Sight]) -> Standing {
    standing.after(&seen(sights), PASS, DRAIN)
}

const IN_FORCE: Sight = Sight::Known(Issue {
    generation: GenerationNumber(5),
    kvno: Kvno(6),
});

#[test]
fn what_is_as_it_should_be_stays() {
    for sights in [
        &[IN_FORCE, IN_FORCE][..],
        &[IN_FORCE, Sight::Silent],
        &[Sight::Silent],
        &[],
        &[Sight::Foreign(Kvno(7)), Sight::OtherEnctype(23)],
    ] {
        assert_eq!(look(&standing(), sights), standing(), "{sights:?}");
    }
}

#[test]
fn a_domain_controller_that_is_behind_is_borne_until_its_tickets_are_dead() {
    let old = Sight::Known(issue(4, 5));
    let now = look(&standing(), &[IN_FORCE, old]);
    assert_eq!(now.current, issue(5, 6));
    assert!(now.holds(issue(4, 5)) && !now.same_keys_as(&standing()));
    // It goes on issuing: nothing is counted.
    assert_eq!(look(&now, &[IN_FORCE, old]), now);
    // It is silent: it may issue still.
    assert_eq!(look(&now, &[IN_FORCE, Sight::Silent]), now);
    // Nobody is known to ask: any may issue still.
    assert_eq!(look(&now, &[]), now);
    // It has caught up: its last ticket was issued just before.
    let mut left = now;
    for _ in 0..3 {
        let before = left.clone();
        left = look(&left, &[IN_FORCE, IN_FORCE]);
        // Less time, the same keys: nothing to write anew on any node.
        assert!(left.holds(issue(4, 5)) && left != before && left.same_keys_as(&before));
    }
    assert_eq!(look(&left, &[IN_FORCE, IN_FORCE]), standing());
}

#[test]
fn what_every_domain_controller_issues_under_is_in_force() {
    // An authoritative restore: the password of before under a kvno far ahead.
    let restored = Sight::Known(issue(4, 100_005));
    let half = look(&standing(), &[restored, IN_FORCE]);
    assert_eq!(half.current, issue(5, 6), "not while they differ");
    assert!(half.holds(issue(4, 100_005)));
    let whole = look(&half, &[restored, restored]);
    assert_eq!(whole.current, issue(4, 100_005));
    assert!(whole.holds(issue(5, 6)), "its tickets are alive");
    // All at once, as in a domain of one.
    assert_eq!(look(&standing(), &[restored]).current, issue(4, 100_005));
    // And never because somebody says nothing.
    for other in [
        Sight::Silent,
        Sight::Foreign(Kvno(9)),
        Sight::Burned(issue(3, 4)),
    ] {
        assert_eq!(look(&standing(), &[restored, other]).current, issue(5, 6));
    }
}

#[test]
fn the_same_password_set_again_is_held_under_both_numbers() {
    let again = look(&standing(), &[Sight::Known(issue(5, 7)); 2]);
    assert_eq!(again.current, issue(5, 7));
    assert!(again.holds(issue(5, 6)));
}

#[test]
fn two_keys_never_stand_under_one_kvno() {
    let clash = Sight::Known(issue(4, 6));
    assert_eq!(look(&standing(), &[IN_FORCE, clash]), standing());
    assert_eq!(look(&standing(), &[clash, clash]), standing());
}

#[test]
fn a_burned_key_comes_back_to_no_node() {
    let burned = Sight::Burned(issue(4, 5));
    assert_eq!(look(&standing(), &[burned, burned]), standing());
}

fn any_sight() -> impl Strategy<Value = Sight> {
    let issue = (1..5_u64, 1..8_u32).prop_map(|(generation, kvno)| issue(generation, kvno));
    prop_oneof![
        Just(Sight::Silent),
        Just(Sight::Foreign(Kvno(9))),
        issue.clone().prop_map(Sight::Burned),
        issue.clone().prop_map(Sight::Known),
        issue.prop_map(Sight::Known),
    ]
}

proptest! {
    /// Whatever domain controllers show in whatever order: one key to a kvno; what one issues under
    /// is held unless that number is taken; and nothing that was held goes before its time.
    #[test]
    fn nodes_hold_what_tickets_need(
        looks in proptest::collection::vec(proptest::collection::vec(any_sight(), 1..4), 1..20)
    ) {
        let mut now = standing();
        let mut last_issued: BTreeMap<Issue, usize> = [(now.current, 0)].into();
        for (at, sights) in looks.iter().enumerate() {
            let next = look(&now, sights);
            let kvnos: Vec<_> = next.issues().map(|issue| (issue.kvno, issue)).collect();
            for (kvno, issue) in &kvnos {
                let same = kvnos.iter().filter(|(one, _)| one == kvno);
                prop_assert!(same.clone().all(|(_, one)| one.generation == issue.generation));
                prop_assert_eq!(kvnos.iter().filter(|(_, one)| one == issue).count(), 1);
            }
            for sight in sights {
                if let Sight::Known(issue) = sight {
                    prop_assert!(next.holds(*issue) || !next.admits(*issue));
                    last_issued.insert(*issue, at);
                }
            }
            last_issued.insert(next.current, at);
            for issue in now.issues().filter(|issue| !next.holds(*issue)) {
                let since = u32::try_from(at - last_issued[&issue]).unwrap();
                prop_assert!(PASS * since >= DRAIN, "{issue:?} went after {since} looks");
            }
            now = next;
        }
    }
}
