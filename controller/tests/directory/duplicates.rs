//! A name that replication gave to two accounts is taken from one of them.

use futures_util::future::join;
use keyroll::directory_change::{
    DirectoryChange, Modification, Standing, keeps_duplicates, take_duplicate,
};
use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::ports::Directory as _;

use crate::lab::{Lab, Made, assert_refused};
use crate::operators::{SPNS, change, standing};

/// Two accounts with the same names, beside one of their own: each domain controller has heard of
/// one owner when it took a name.
pub async fn twins(lab: &'static Lab, spns: &[String]) -> [Made; 2] {
    let one = lab.make("twin", AccountKind::User).await;
    let two = lab.make("twin", AccountKind::User).await;
    lab.replicate();
    let directory = lab.administrator();
    lab.run(&["lab-dc", "cut"]);
    let mut taken = Vec::new();
    for spn in spns {
        taken.push(directory.add_spn(&lab.dc1, &one.account, spn).await);
        taken.push(directory.add_spn(&lab.dc2, &two.account, spn).await);
    }
    lab.run(&["lab-dc", "heal"]);
    lab.replicate();
    taken.into_iter().for_each(Result::unwrap);
    [one, two]
}

async fn spns_of(directory: &ActiveDirectory, lab: &Lab, made: &Made) -> Vec<String> {
    let mut spns = directory.read(&lab.dc1, &made.account).await.unwrap().spns;
    spns.sort();
    spns
}

pub async fn a_duplicate_ends_without_a_gap(lab: &'static Lab) {
    let spn = format!("HTTP/{}.corp.example", lab.name("shared"));
    let [one, two] = twins(lab, std::slice::from_ref(&spn)).await;
    let directory = lab.administrator();
    let vendor = directory.vendor(&lab.dc1).await.unwrap();
    assert!(keeps_duplicates(vendor.as_deref()), "{vendor:?}");
    // What would be enough elsewhere.
    let plain = change(lab, &two, vec![Modification::delete(SPNS, spn.as_str())]);
    assert_refused(&directory.make_change(&plain).await, (19, None));
    let ends = change(lab, &two, Vec::new());
    let ends = DirectoryChange {
        modifications: take_duplicate(&ends.target, &spn),
        ..ends
    };
    assert_eq!(standing(&directory, &ends).await, Standing::NotMade);
    assert_eq!(directory.make_change(&ends).await, Answer::Applied);
    assert_eq!(standing(&directory, &ends).await, Standing::Made);
    assert_eq!(
        spns_of(&directory, lab, &two).await,
        [two.service().name()],
        "something was left behind"
    );
    assert!(spns_of(&directory, lab, &one).await.contains(&spn));
    // A repetition finds nothing to take, and leaves nothing either.
    assert!(matches!(
        directory.make_change(&ends).await,
        Answer::Refused { .. }
    ));
    assert_eq!(spns_of(&directory, lab, &two).await, [two.service().name()]);
}

/// An account may have no other name than the one that it is to lose.
pub async fn the_only_name_goes_too(lab: &'static Lab) {
    let spn = format!("HTTP/{}.corp.example", lab.name("only"));
    let [_, two] = twins(lab, std::slice::from_ref(&spn)).await;
    let directory = lab.administrator();
    let own = two.service().name();
    let alone = change(lab, &two, vec![Modification::delete(SPNS, own)]);
    assert_eq!(directory.make_change(&alone).await, Answer::Applied);
    let ends = change(lab, &two, take_duplicate(&alone.target, &spn));
    assert_eq!(directory.make_change(&ends).await, Answer::Applied);
    assert!(spns_of(&directory, lab, &two).await.is_empty());
}

/// Whatever somebody else adds or removes at the same moment stays added and removed: no list is
/// written that was read before.
pub async fn what_others_change_meanwhile_is_not_lost(lab: &'static Lab) {
    const SHARED: usize = 6;
    const ADDED: usize = 40;
    let shared: Vec<String> = (0..SHARED)
        .map(|_| format!("HTTP/{}.corp.example", lab.name("raced")))
        .collect();
    let [_, two] = twins(lab, &shared).await;
    let (directory, other) = (lab.administrator(), lab.administrator());
    let ends: Vec<DirectoryChange> = shared
        .iter()
        .map(|spn| {
            let mut one = change(lab, &two, Vec::new());
            one.modifications = take_duplicate(&one.target, spn);
            one
        })
        .collect();
    // Between the look and the change, for certain.
    let early = format!("HTTP/{}.corp.example", lab.name("early"));
    let own = two.service().name();
    let meanwhile = [
        Modification::add(SPNS, early.as_str()),
        Modification::delete(SPNS, own),
    ];
    let meanwhile = change(lab, &two, meanwhile.to_vec());
    assert_eq!(other.make_change(&meanwhile).await, Answer::Applied);
    // And in the midst of them.
    let names: Vec<String> = (0..ADDED)
        .map(|_| format!("HTTP/{}", lab.name("new")))
        .collect();
    let adding = async {
        for name in &names {
            let add = change(lab, &two, vec![Modification::add(SPNS, name.as_str())]);
            assert_eq!(other.make_change(&add).await, Answer::Applied, "{name}");
        }
    };
    let ending = async {
        for end in &ends {
            assert_eq!(directory.make_change(end).await, Answer::Applied);
        }
    };
    join(adding, ending).await;
    let mut expected = names;
    expected.push(early);
    expected.sort();
    assert_eq!(spns_of(&directory, lab, &two).await, expected);
}
