//! Known descriptors byte for byte, the walk, and what no bytes may do.

mod hard_cases;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::acl::Ace;
use super::*;

const ALICE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 99, 0, 0, 0];
const OTHER: [u8; 16] = [7; 16];
const CONTROL_ACCESS: u32 = 0x100;
const GENERIC_ALL: u32 = 0x1000_0000;
const INHERIT_ONLY: u8 = 0x08;
const PRINCIPAL_SELF: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0];

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn ace(kind: u8, flags: u8, mask: u32, right: Option<&[u8; 16]>, sid: &[u8]) -> Vec<u8> {
    let mut body = mask.to_le_bytes().to_vec();
    if kind >= 5 {
        body.extend(u32::from(right.is_some()).to_le_bytes());
        body.extend(right.into_iter().flatten());
    }
    body.extend(sid);
    let size = u16::try_from(body.len() + 4).unwrap().to_le_bytes();
    [&[kind, flags][..], &size, &body].concat()
}

fn list(aces: &[Vec<u8>]) -> Vec<u8> {
    let body = aces.concat();
    let count = u16::try_from(aces.len()).unwrap().to_le_bytes();
    let size = u16::try_from(8 + body.len()).unwrap().to_le_bytes();
    [
        &[4, 0, size[0], size[1], count[0], count[1], 0, 0],
        &body[..],
    ]
    .concat()
}

fn descriptor(aces: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![1, 0, 4, 0x80];
    bytes.extend([0; 12]);
    bytes.extend(20_u32.to_le_bytes());
    bytes.extend(list(aces));
    bytes
}

#[track_caller]
fn check(aces: &[Vec<u8>], granted: bool) {
    let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
    let own = Sid::from_bytes(&ALICE);
    let found = Descriptor::from_bytes(&descriptor(aces)).unwrap();
    let found = found.grants(&RESET_PASSWORD, &caller, own.as_ref());
    assert_eq!(found, Ok(granted));
}

#[test]
fn the_first_entry_that_speaks_of_the_right_decides() {
    let right = Some(&RESET_PASSWORD.guid);
    let allow = || ace(5, 0, CONTROL_ACCESS, right, &ALICE);
    let deny = || ace(6, 0, CONTROL_ACCESS, right, &ALICE);
    check(&[], false);
    check(&[allow()], true);
    check(&[deny(), allow()], false);
    check(&[allow(), deny()], true);
    check(&[ace(1, 0, CONTROL_ACCESS, None, &ALICE), allow()], false);
    check(&[ace(5, 0, CONTROL_ACCESS, None, &ALICE)], true);
    check(&[ace(0, 0, GENERIC_ALL, None, &ALICE)], true);
    check(&[ace(5, 0, CONTROL_ACCESS, right, &PRINCIPAL_SELF)], true);
}

#[test]
fn what_does_not_speak_of_it_is_passed_over() {
    let right = Some(&RESET_PASSWORD.guid);
    let bob = [1, 1, 0, 0, 0, 0, 0, 5, 98, 0, 0, 0];
    check(&[ace(5, 0, CONTROL_ACCESS, Some(&OTHER), &ALICE)], false);
    check(
        &[ace(5, INHERIT_ONLY, CONTROL_ACCESS, right, &ALICE)],
        false,
    );
    check(&[ace(5, 0, 0x20, right, &ALICE)], false);
    check(&[ace(5, 0, CONTROL_ACCESS, right, &bob)], false);
    check(&[ace(9, 0, CONTROL_ACCESS, None, &ALICE)], false);
}

#[test]
fn an_attribute_is_shown_by_the_right_to_read_it() {
    let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
    let shown = |aces: &[Vec<u8>]| {
        let found = Descriptor::from_bytes(&descriptor(aces)).unwrap();
        found.grants(&READ_ADMIN_COUNT, &caller, None).unwrap()
    };
    let (read, right) = (0x10, Some(&READ_ADMIN_COUNT.guid));
    let all = || ace(0, 0, read, None, &ALICE);
    assert!(shown(&[all()]));
    assert!(shown(&[ace(0, 0, 0x8000_0000, None, &ALICE)]));
    assert!(shown(&[ace(5, 0, read, right, &ALICE)]));
    assert!(!shown(&[ace(6, 0, read, right, &ALICE), all()]));
    assert!(!shown(&[ace(5, 0, read, Some(&OTHER), &ALICE)]));
    assert!(!shown(&[ace(0, 0, CONTROL_ACCESS, None, &ALICE)]));
}

#[test]
fn a_property_set_speaks_of_what_is_in_it() {
    let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
    let shown = |right: &Right, aces: &[Vec<u8>]| {
        let found = Descriptor::from_bytes(&descriptor(aces)).unwrap();
        found.grants(right, &caller, None).unwrap()
    };
    let all = || ace(0, 0, 0x10, None, &ALICE);
    let deny = |guid: &[u8; 16]| ace(6, 0, 0x10, Some(guid), &ALICE);
    for right in [READ_SPNS, READ_PRINCIPAL_NAME, READ_ENCTYPES, READ_WRITABLE] {
        let set = right.set.unwrap();
        assert!(shown(&right, &[ace(5, 0, 0x10, Some(&set), &ALICE)]));
        assert!(!shown(&right, &[deny(&set), all()]));
        assert!(!shown(&right, &[deny(&right.guid), all()]));
        assert!(shown(&right, &[deny(&OTHER), all()]));
        assert!(shown(&READ_ADMIN_COUNT, &[deny(&set), all()]));
    }
}

#[test]
fn sids_have_their_usual_text() {
    let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
    assert_eq!(Sid::from_bytes(&bytes).unwrap().to_string(), "S-1-5-32-544");
    assert_eq!(Sid::from_bytes(&bytes[..15]), None);
    assert_eq!(sid("S-1-5-32-544").as_bytes(), bytes);
    for good in [
        "S-1-0",
        "S-1-5-21-1-2-4294967295-1104",
        "S-1-0x010000000000-1",
        "S-1-4294967295-1",
        "S-1-0x000100000000-1",
    ] {
        assert_eq!(sid(good).to_string(), good);
    }
    for bad in [
        "",
        "S-1",
        "S-2-5-1",
        "s-1-5-1",
        "S-1-5-",
        "S-1-5-01",
        "S-1-5-+1",
        "S-1-5-4294967296",
        "S-1-0x1",
        "S-1-0x1000000000000",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
    ] {
        assert!(bad.parse::<Sid>().is_err(), "{bad:?} was taken for a SID");
    }
}

/// What `Set-ADComputer -PrincipalsAllowedToDelegateToAccount` writes for one account:
/// `O:BAD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;S-1-5-21-1-2-3-1104)`, laid out by hand after
/// MS-DTYP 2.4.6: the header, the owner at 20, the list at 36.
const POWERSHELL: [u8; 80] = [
    1, 0, 4, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, // header
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // BUILTIN\Administrators
    2, 0, 44, 0, 1, 0, 0, 0, // a list of revision 2, one entry
    0, 0, 36, 0, 0xff, 1, 0x0f, 0, // allowed: every right
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x50, 4, 0, 0,
];

#[test]
fn a_new_descriptor_is_that_of_powershell() {
    let actor = sid("S-1-5-21-1-2-3-1104");
    let made = Descriptor::of_actors([&actor]);
    assert_eq!(made.to_bytes(), POWERSHELL);
    let read = Descriptor::from_bytes(&POWERSHELL).unwrap();
    assert_eq!(read, made);
    assert_eq!(read.actors(), [actor]);
    assert_eq!(read.owner(), Some(&sid("S-1-5-32-544")));
}

#[test]
fn a_second_actor_moves_nothing_but_lengths() {
    let (first, second) = (sid("S-1-5-21-1-2-3-1104"), sid("S-1-5-21-1-2-3-1105"));
    let mut found = Descriptor::from_bytes(&POWERSHELL).unwrap();
    assert!(!found.allow(&first), "it may already");
    assert!(found.allow(&second));
    let mut wanted = POWERSHELL.to_vec();
    (wanted[38], wanted[40]) = (80, 2);
    wanted.extend(&POWERSHELL[44..]);
    let last = wanted.len() - 4;
    wanted[last] = 0x51;
    assert_eq!(found.to_bytes(), wanted);
    assert_eq!(found.actors(), [first.clone(), second.clone()]);
    assert!(found.disallow(&second) && !found.disallow(&second));
    assert_eq!(found.to_bytes(), POWERSHELL);
    assert!(found.disallow(&first));
    assert!(found.actors().is_empty() && found.dacl().is_some());
}

/// A descriptor of nobody's usual making: SACL and DACL first, a gap, group and owner last, a
/// conditional entry, an inherited one, slack behind the last entry, odd bits.
fn unusual() -> Vec<u8> {
    let actor = sid("S-1-5-21-1-2-3-1104");
    let audit = list(&[ace(2, 0xc0, 1, None, &ALICE)]);
    let mut dacl = list(&[
        ace(9, 0, CONTROL_ACCESS, None, &ALICE),
        ace(0, 0, GENERIC_ALL, None, actor.as_bytes()),
        ace(5, 0, CONTROL_ACCESS, Some(&OTHER), &ALICE),
        ace(0, 0x10, CONTROL_ACCESS, None, &ALICE),
    ]);
    dacl.extend([0xaa, 0xbb, 0xcc, 0xdd]);
    let size = u16::try_from(dacl.len()).unwrap().to_le_bytes();
    dacl[2..4].copy_from_slice(&size);
    dacl[6] = 0x77;
    let at = |place: usize| u32::try_from(place).unwrap().to_le_bytes();
    let (sacl_at, dacl_at) = (20, 20 + audit.len());
    let group_at = dacl_at + dacl.len() + 4;
    let mut bytes = vec![1, 0x55, 0x1c, 0xf9];
    bytes.extend(at(group_at + 12));
    bytes.extend(at(group_at));
    bytes.extend(at(sacl_at));
    bytes.extend(at(dacl_at));
    bytes.extend(audit);
    bytes.extend(dacl);
    bytes.extend([1, 2, 3, 4]);
    bytes.extend(PRINCIPAL_SELF);
    bytes.extend(ALICE);
    bytes.extend([9, 9]);
    bytes
}

#[test]
fn what_is_not_known_stays_as_it_is() {
    let bytes = unusual();
    let mut found = Descriptor::from_bytes(&bytes).unwrap();
    assert_eq!(found.to_bytes(), bytes);
    let (old, new) = (sid("S-1-5-21-1-2-3-1104"), sid("S-1-5-21-1-2-3-1105"));
    let alice = Sid::from_bytes(&ALICE).unwrap();
    assert_eq!(found.actors(), [old.clone(), alice.clone()]);

    assert!(found.allow(&new));
    let aces = &found.dacl().unwrap().aces;
    let kinds: Vec<_> = aces.iter().map(|ace| (ace.kind, ace.flags)).collect();
    // Before the inherited one, behind all others.
    assert_eq!(kinds, [(9, 0), (0, 0), (5, 0), (0, 0), (0, 0x10)]);
    assert_eq!(Descriptor::from_bytes(&found.to_bytes()).unwrap(), found);
    assert!(found.disallow(&new));
    assert_eq!(found.to_bytes(), bytes);

    assert!(
        !found.disallow(&alice),
        "what is inherited is not taken away here"
    );
    assert!(found.disallow(&old));
    assert_eq!(found.actors(), [alice]);
    assert_eq!(found.to_bytes().len(), bytes.len() - 36);
}

#[test]
fn who_is_denied_first_is_not_let_in() {
    let denied = ace(1, 0, CONTROL_ACCESS, None, &ALICE);
    let allowed = ace(0, 0, CONTROL_ACCESS, None, &ALICE);
    for (aces, count) in [
        (vec![denied.clone(), allowed.clone()], 0),
        (vec![allowed, denied], 1),
        (vec![ace(0, INHERIT_ONLY, CONTROL_ACCESS, None, &ALICE)], 0),
        (vec![ace(0, 0, 0x20, None, &ALICE)], 0),
    ] {
        let found = Descriptor::from_bytes(&descriptor(&aces)).unwrap();
        assert_eq!(found.actors().len(), count, "{aces:02x?}");
    }
}

#[test]
fn who_may_act_is_told_by_the_groups_too() {
    let group = sid("S-1-5-21-1-2-3-1105");
    let caller = |sids: &[&Sid]| sids.iter().map(|sid| (*sid).clone()).collect();
    let alice = Sid::from_bytes(&ALICE).unwrap();
    let alone: BTreeSet<Sid> = caller(&[&alice]);
    let member: BTreeSet<Sid> = caller(&[&alice, &group]);
    let found = Descriptor::of_actors([&group]);
    assert!(found.lets_act(&member) && !found.lets_act(&alone));
    let denied = ace(1, 0, CONTROL_ACCESS, None, &ALICE);
    let allowed = ace(0, 0, CONTROL_ACCESS, None, group.as_bytes());
    let found = Descriptor::from_bytes(&descriptor(&[denied, allowed])).unwrap();
    assert!(!found.lets_act(&member), "the first entry decides");
    assert!(found.lets_act(&caller(&[&group])));
}

#[test]
fn without_a_list_everybody_may() {
    let mut bytes = descriptor(&[]);
    bytes.truncate(20);
    bytes[16] = 0;
    let mut found = Descriptor::from_bytes(&bytes).unwrap();
    let nobody = BTreeSet::new();
    assert_eq!(found.grants(&RESET_PASSWORD, &nobody, None), Ok(true));
    assert!(found.lets_act(&nobody));
    assert!(found.dacl().is_none() && !found.allow(&sid("S-1-1-0")));
}

#[test]
fn hostile_bytes_are_refused() {
    let good = unusual();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let owner = u32::from_le_bytes(good[4..8].try_into().unwrap());
    let dacl = usize::from(good[16]);
    for (bytes, why) in [
        (Vec::new(), "it is cut short"),
        (vec![1, 0, 0, 0x80, 0], "it is cut short"),
        (good[..19].to_vec(), "a part lies outside of it"),
        (vec![0; DESCRIPTOR_MAX + 1], "it is too long"),
        (with(0, &[2]), "it is not of revision 1 and self-relative"),
        (with(3, &[0]), "it is not of revision 1 and self-relative"),
        (with(2, &[0x10]), "it has a list that it says it has not"),
        (with(4, &[19]), "a part lies outside of it"),
        (with(4, &[0xff; 4]), "a part lies outside of it"),
        (
            with(8, &owner.to_le_bytes()),
            "two parts lie on one another",
        ),
        (with(4, &(owner + 8).to_le_bytes()), "a SID is bad"),
        (with(dacl + 2, &[7, 0]), "a list is cut short"),
        (with(dacl + 2, &[0xff; 2]), "a list is cut short"),
        (with(dacl + 4, &[0xff; 2]), "an entry is cut short"),
        (with(dacl + 10, &[3, 0]), "an entry is cut short"),
    ] {
        assert_eq!(Descriptor::from_bytes(&bytes), Err(BadDescriptor(why)));
    }
}

#[test]
fn an_entry_without_a_whole_sid_decides_nothing() {
    let mut bytes = descriptor(&[ace(0, 0, CONTROL_ACCESS, None, &ALICE[..8])]);
    let found = Descriptor::from_bytes(&bytes).unwrap();
    let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
    assert!(found.grants(&RESET_PASSWORD, &caller, None).is_err());
    assert!(found.actors().is_empty());
    // Of a kind that is not known, its inside is nobody's business.
    bytes[28] = 0x55;
    let found = Descriptor::from_bytes(&bytes).unwrap();
    assert_eq!(found.grants(&RESET_PASSWORD, &caller, None), Ok(false));
}

proptest! {
    #[test]
    fn no_bytes_make_the_walk_panic(
        bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte: u8,
    ) {
        let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
        let mut almost = unusual();
        let at = at.index(almost.len());
        almost[at] = byte;
        for bytes in [bytes, almost] {
            let Ok(found) = Descriptor::from_bytes(&bytes) else { continue };
            prop_assert_eq!(&found.to_bytes(), &bytes);
            let _ = found.grants(&RESET_PASSWORD, &caller, None);
            for actor in found.actors() {
                prop_assert!(!found.clone().allow(&actor));
            }
        }
    }

    /// Whatever else is there, whoever is let in and put out again leaves no trace.
    #[test]
    fn in_and_out_again_is_lossless(
        aces in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u32>(), 0..3_u8), 0..6),
        part in 100..u32::MAX,
    ) {
        let some = |(kind, flags, mask, who): &(u8, u8, u32, u8)| {
            let sid = [1, 1, 0, 0, 0, 0, 0, 5, *who, 0, 0, 0];
            ace(*kind, *flags, *mask, None, &sid)
        };
        let bytes = descriptor(&aces.iter().map(some).collect::<Vec<_>>());
        let mut found = Descriptor::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&found.to_bytes(), &bytes);
        let before = found.actors();
        let actor = sid(&format!("S-1-5-21-{part}"));
        prop_assert!(found.allow(&actor));
        prop_assert!(found.actors().contains(&actor));
        prop_assert!(found.disallow(&actor));
        prop_assert_eq!(found.to_bytes(), bytes);
        prop_assert_eq!(found.actors(), before);
    }
}

#[test]
fn the_entry_of_an_actor_is_known_again() {
    let actor = sid("S-1-5-21-1-2-3-1104");
    assert_eq!(Ace::of_actor(&actor).of_all_rights(), Some((true, actor)));
}

#[test]
fn the_longest_descriptor_is_read() {
    let mut bytes = descriptor(&[ace(0, 0, GENERIC_ALL, None, &ALICE)]);
    bytes.resize(131_226, 0);
    assert_eq!(Descriptor::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    bytes.push(0);
    let why = Descriptor::from_bytes(&bytes).unwrap_err().to_string();
    assert!(why.contains("too long"), "{why}");
}

#[test]
fn a_list_has_an_end() {
    let entry = ace(0, 0, GENERIC_ALL, None, &PRINCIPAL_SELF);
    let size = entry.len();
    let room = (0xffff - 8) / size - 1;
    let full = descriptor(&vec![entry; room]);
    let mut found = Descriptor::from_bytes(&full).unwrap();
    let mut allowed = 0;
    while found.allow(&sid(&format!("S-1-5-{}", 1000 + allowed))) {
        allowed += 1;
        assert!(allowed < 3, "it never ends");
    }
    // The last that fits leaves less room than an entry needs, and nothing is cut.
    let bytes = found.to_bytes();
    let length = bytes.len() - 20;
    assert!(
        allowed > 0 && length <= 0xffff && length + size > 0xffff,
        "{allowed}, {length}"
    );
    let again = Descriptor::from_bytes(&bytes).unwrap();
    assert_eq!(again.actors().len(), found.actors().len());
    assert_eq!(again.to_bytes(), bytes);
}

#[test]
fn what_has_no_domain_is_beside_nothing() {
    let beside = |one: &str, other: &str| sid(one).is_beside(&sid(other));
    assert!(beside("S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-1104"));
    assert!(!beside("S-1-5-21-1-2-3-500", "S-1-5-21-1-2-4-500"));
    assert!(!beside("S-1-5-18", "S-1-5-19"), "parts of the system");
}
