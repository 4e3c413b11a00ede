//! What the reconciler does about what others do: real tickets of domain controllers that are not
//! there, and what the nodes are given for them.

use keyroll::drift::{Heal, Healed, PAUSE};
use keyroll::kerberos::Kvno;
use keyroll::roll::{GenerationNumber, Record, Trouble};

use super::*;
use crate::audit;
use crate::stand_in::domain::{Scene, computer, password};
use crate::stand_in::{begin, commit, give_up, go_on};
use crate::store::{LEAVING, NodeRecord};

/// The codes of what an operator is told, each once.
async fn told(scene: &Scene) -> Vec<String> {
    scene.pass().await;
    let alarms = scene.site.alarms(&"web".parse().unwrap());
    let mut codes: Vec<String> = alarms.into_iter().map(|alarm| alarm.code).collect();
    codes.retain(|code| !code.is_empty());
    codes.dedup();
    codes
}

fn audited(scene: &Scene) -> Vec<String> {
    let store = &scene.site.controller.ports.store;
    let entries = audit::newest(store, 9, "web").unwrap();
    let word = |entry: audit::Entry| format!("{} {}", entry.event.verb, entry.event.outcome);
    entries.into_iter().rev().map(word).collect()
}

#[tokio::test]
async fn nobody_changes_anything_and_nothing_is_told() {
    let scene = Scene::new(&["dc1", "dc2"]);
    for _ in 0..3 {
        assert_eq!(told(&scene).await, [] as [&str; 0]);
    }
    assert_eq!(scene.row().keyset_version.0, 7);
    assert_eq!(audited(&scene), [] as [&str; 0]);
}

#[tokio::test]
async fn a_restored_domain_controller_s_key_is_on_the_nodes_at_once() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.has_had(3, 3);
    scene.issues("dc2", password(3), 3);
    assert_eq!(told(&scene).await, ["dc-behind"]);
    assert_eq!(scene.row().keyset_version.0, 8);
    assert_eq!(audited(&scene), ["Hold dc-behind"]);
    scene.site.asked();
    scene.pass().await;
    assert!(scene.site.asked().contains(&"stage n1 4+3".to_owned()));
    // It has caught up, and its last ticket is dead.
    scene.issues("dc2", password(1), 4);
    assert_eq!(told(&scene).await, [] as [&str; 0]);
    let kept = scene.row().drift.kept;
    assert_eq!(kept.len(), 1, "too early");
    scene.drained().await;
    assert_eq!(scene.row().drift.kept, []);
    assert_eq!(scene.row().keyset_version.0, 9);
}

#[tokio::test]
async fn an_account_that_was_restored_is_followed_and_to_be_rolled() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.has_had(3, 3);
    for dc in ["dc1", "dc2"] {
        scene.issues(dc, password(3), 100_003);
    }
    assert_eq!(told(&scene).await, ["password-returned"]);
    let row = scene.row();
    let current = row.current.as_ref().unwrap();
    assert_eq!(
        (current.number, current.kvno),
        (GenerationNumber(3), Kvno(100_003))
    );
    assert!(current.password_known, "the next roll can change it");
    scene.site.asked();
    assert_eq!(told(&scene).await, ["password-returned"]);
    let asked = scene.site.asked();
    assert!(asked.contains(&"stage n1 100003+4".to_owned()), "{asked:?}");
    // Until a roll, and not a day only.
    scene.drained().await;
    assert_eq!(told(&scene).await, ["password-returned"]);
}

#[tokio::test]
async fn the_same_password_set_again_is_held_under_its_new_number() {
    let scene = Scene::new(&["dc1"]);
    scene.issues("dc1", password(1), 5);
    assert_eq!(told(&scene).await, ["password-set-again"]);
    scene.site.asked();
    scene.pass().await;
    assert!(scene.site.asked().contains(&"stage n1 5+4".to_owned()));
}

#[tokio::test]
async fn a_key_from_before_an_emergency_comes_back_to_no_node() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.emergency();
    let (row, before) = (scene.row(), password(1));
    assert_eq!(row.current.as_ref().unwrap().number, GenerationNumber(2));
    scene.issues("dc1", password(2), 5);
    scene.issues("dc2", before, 4);
    assert_eq!(told(&scene).await, ["key-burned"]);
    assert_eq!(scene.row().drift.kept, []);
    assert_eq!(scene.row().keyset_version, row.keyset_version);
}

#[tokio::test]
async fn a_foreign_password_is_told_with_the_node_whose_program_set_it() {
    let scene = Scene::new(&["dc1", "dc2"]);
    for dc in ["dc1", "dc2"] {
        scene.issues(dc, "somebody else's", 5);
    }
    scene.site.opens("n2", "/etc/krb5.keytab");
    assert_eq!(told(&scene).await, ["key-foreign"]);
    let alarms = scene.site.alarms(&"web".parse().unwrap());
    let alarm = alarms.iter().find(|one| one.code == "key-foreign").unwrap();
    for words in [
        "n2 has the new key in /etc/krb5.keytab",
        "dc1, dc2 (kvno 5)",
    ] {
        assert!(alarm.what.contains(words), "{}", alarm.what);
    }
    assert_eq!(alarm.next, "keyroll roll web --emergency");
    assert_eq!(
        scene.row().keyset_version.0,
        7,
        "no key is taken from anybody"
    );
}

#[tokio::test]
async fn a_foreign_password_that_has_halted_a_roll_is_told_as_such() {
    let scene = Scene::new(&["dc1"]);
    let mut roll = begin(&scene.site, true);
    commit(&scene.site, &mut roll);
    assert_eq!(told(&scene).await, [] as [&str; 0]);
    let (dc, kvno) = ("dc1".parse().unwrap(), Kvno(6));
    let trouble = Trouble::ForeignKey { dc, kvno };
    go_on(&scene.site, &mut roll, [Record::Halted { trouble }]);
    assert_eq!(told(&scene).await, ["key-foreign"]);
    let alarms = scene.site.alarms(&"web".parse().unwrap());
    assert!(alarms[0].what.contains("while it was rolled"));
    assert!(
        alarms[0]
            .next
            .starts_with("keyroll roll resolve web give-up")
    );
}

#[tokio::test]
async fn tickets_of_another_enctype_are_no_foreign_password() {
    let scene = Scene::new(&["dc1"]);
    scene.pass().await;
    scene.state(|state| state.supported_enctypes = Some(0x4));
    scene.issues_rc4("dc1");
    let told = told(&scene).await;
    assert_eq!(
        told,
        ["enctypes-uncovered", "enctype-foreign", "enctypes-changed"]
    );
}

#[tokio::test]
async fn names_are_followed_and_the_nodes_given_entries_for_them() {
    let scene = Scene::new(&["dc1"]);
    scene.pass().await;
    scene.state(|state| {
        state.salt_source.sam_account_name = "new$".to_owned();
        state.spns.push("HTTP/second.corp.example".to_owned());
    });
    let codes = told(&scene).await;
    assert_eq!(codes, ["spn-added", "account-renamed"]);
    let row = scene.row();
    assert_eq!(row.account.principal.to_string(), "new$@CORP.EXAMPLE");
    assert_eq!(row.spns.last().unwrap(), "HTTP/second.corp.example");
    assert_eq!((row.keyset_version.0, row.drift.kept.len()), (8, 0));
    assert_eq!(
        audited(&scene),
        ["Follow account-renamed", "Follow spn-added"]
    );
    // Told for a day, and not again.
    assert_eq!(told(&scene).await, codes);
    assert_eq!(scene.row().keyset_version.0, 8);
    assert_eq!(audited(&scene).len(), 2);
}

#[tokio::test]
async fn a_roll_keeps_its_number_when_a_name_is_added_under_it() {
    let scene = Scene::new(&["dc1"]);
    let mut roll = begin(&scene.site, true);
    commit(&scene.site, &mut roll);
    let version = scene.row().keyset_version;
    scene.state(|state| state.spns.push("HTTP/second.corp.example".to_owned()));
    assert_eq!(told(&scene).await, ["spn-added"]);
    assert_eq!(scene.row().keyset_version, version);
    let desired = Desired::of(&scene.site.controller.ports, &scene.row()).unwrap();
    assert_eq!(desired.keyset.principals.len(), scene.row().spns.len() + 1);
}

#[tokio::test]
async fn what_a_given_up_roll_left_stays_when_the_nodes_get_something_new() {
    let scene = Scene::new(&["dc1"]);
    let mut roll = begin(&scene.site, true);
    commit(&scene.site, &mut roll);
    give_up(&scene.site, &mut roll);
    scene.issues("dc1", password(2), 5);
    let held = scene.kvnos();
    assert_eq!(held, [5, 4]);
    scene.state(|state| state.spns.push("HTTP/second.corp.example".to_owned()));
    scene.pass().await;
    assert_eq!(scene.kvnos(), held);
    assert_eq!(scene.row().drift.kept.len(), 1);
}

#[tokio::test]
async fn an_account_that_is_gone_or_shut_is_told_of_for_as_long_as_it_is() {
    let scene = Scene::new(&["dc1"]);
    scene.state(|state| state.disabled = true);
    assert_eq!(told(&scene).await, ["account-disabled"]);
    scene.state(|state| *state = computer());
    assert_eq!(told(&scene).await, [] as [&str; 0]);
    scene.state(|state| state.spns.clear());
    assert_eq!(told(&scene).await, ["spn-missing", "spn-removed"]);
    scene.delete();
    assert_eq!(told(&scene).await, ["account-deleted"]);
}

#[tokio::test]
async fn healing_begins_once_and_stops_where_somebody_heals_too() {
    let scene = Scene::new(&["dc1"]);
    // The rolls end at their first look.
    scene.state(|state| state.may_reset = false);
    scene.issues("dc1", "somebody else's", 5);
    assert_eq!(told(&scene).await, ["key-foreign"]);
    assert_eq!(scene.rolls(), 0, "nobody asked for it");
    scene.edit(|array| array.drift.heal = Heal::Reset);
    scene.pass().await;
    assert_eq!(scene.rolls(), 1);
    assert_eq!(audited(&scene), ["Heal begun"]);
    scene.end_roll().await;
    scene.pass().await;
    assert_eq!(scene.rolls(), 1, "within the hour");
    assert_eq!(audited(&scene), ["Heal begun", "Heal stopped"]);
    // However long ago that was: somebody has to look into it.
    scene.edit(|array| {
        let last = array.drift.healed.last_unix;
        array.drift.healed.last_unix = last.map(|last| last - PAUSE);
    });
    scene.pass().await;
    assert_eq!(scene.rolls(), 1);
    scene.edit(|array| array.drift.healed = Healed::default());
    scene.pass().await;
    assert_eq!(scene.rolls(), 2);
}

#[tokio::test]
async fn a_file_that_is_put_right_again_and_again_is_fought_over() {
    let scene = Scene::new(&["dc1"]);
    scene.pass().await;
    scene.site.drifts("n1", "/etc/web.keytab");
    for _ in 0..4 {
        scene.pass().await;
    }
    let codes = ["keytab-fought-over", "keytab-edited"];
    assert_eq!(told(&scene).await, codes);
    // Between two rounds it is as it should be, and nothing is over.
    scene.site.shows_nothing("n1");
    assert_eq!(told(&scene).await, codes);
    assert_eq!(
        audited(&scene),
        ["Mend keytab-edited"; 2],
        "the audit is not filled with it"
    );
}

#[tokio::test]
async fn a_node_that_is_being_removed_gets_no_keys_again() {
    let scene = Scene::new(&["dc1"]);
    scene.site.drifts("n1", "/etc/web.keytab");
    let given = async || {
        scene.pass().await;
        let asked = scene.site.asked();
        asked
            .iter()
            .filter(|one| one.starts_with("stage n1 "))
            .count()
    };
    assert!(given().await > 0);
    let store = &scene.site.controller.ports.store;
    let leave = |node: &mut NodeRecord| {
        let array = "web".parse().unwrap();
        node.quarantined.insert(array, LEAVING.to_owned());
    };
    let n1 = "n1".parse().unwrap();
    store.write(|change| change.edit_node(&n1, leave)).unwrap();
    assert_eq!(given().await, 0);
}

#[tokio::test]
async fn another_program_s_key_stays_where_it_may_be_the_only_one_that_opens_a_ticket() {
    let scene = Scene::new(&["dc1"]);
    scene.pass().await;
    scene
        .site
        .holds("n1", "HTTP/web.corp.example@CORP.EXAMPLE", 5);
    scene.site.asked();
    scene.pass().await;
    let asked = scene.site.asked();
    assert!(asked.contains(&"stage n1 4".to_owned()), "{asked:?}");
    scene.issues("dc1", "somebody else's", 5);
    scene.pass().await;
    let asked = scene.site.asked();
    assert!(
        asked.contains(&"stage n1 4 keeping others".to_owned()),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_roll_that_is_done_leaves_nothing_of_what_was_kept() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.has_had(3, 3);
    scene.issues("dc2", password(3), 3);
    scene.pass().await;
    assert_eq!(scene.kvnos(), [4, 3]);
    let mut roll = begin(&scene.site, true);
    commit(&scene.site, &mut roll);
    assert_eq!(scene.kvnos(), [5, 4, 3]);
    let version = scene.row().keyset_version.next();
    let dcs = ["dc1".parse().unwrap()].into();
    let left = Duration::ZERO;
    let records = [
        Record::Converged { dcs },
        Record::Draining { left },
        Record::Retiring { version },
        Record::Done,
    ];
    go_on(&scene.site, &mut roll, records);
    assert_eq!(scene.kvnos(), [5]);
}

#[tokio::test]
async fn a_name_stays_in_the_keytabs_while_any_domain_controller_has_it() {
    const OLD: &str = "HTTP/old.corp.example";
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.state(|account| account.spns.push(OLD.to_owned()));
    scene.lags("dc2");
    scene.state(|account| account.spns.retain(|spn| spn != OLD));
    let nothing_left = |array: &mut ArrayRecord| {
        array.naming.leaving.insert(OLD.to_owned(), 0);
    };
    scene.edit(|array| array.spns.push(OLD.to_owned()));
    scene.edit(nothing_left);
    // The lagging one goes on to issue tickets for it.
    scene.pass().await;
    let row = scene.row();
    assert!(row.spns.iter().any(|spn| spn == OLD));
    let whole = u64::try_from(row.policy.drain().as_millis()).unwrap();
    assert_eq!(row.naming.leaving[OLD], whole);
    scene.replicate();
    scene.edit(nothing_left);
    scene.pass().await;
    assert!(!scene.row().spns.iter().any(|spn| spn == OLD));
}

#[tokio::test]
async fn an_spn_that_is_registered_stands_in_the_audit_however_often_it_is_tried() {
    let scene = Scene::new(&["dc1"]);
    let spn = "HTTP/new.corp.example";
    scene.edit(|array| {
        array.spns.push(spn.to_owned());
        array.spns_pending.insert(spn.to_owned());
    });
    scene.others(&[(spn, "OTHER$")]);
    let mends = "keyroll spn move web HTTP/new.corp.example --dry-run (or, if OTHER$ is to keep \
                 it: keyroll spn remove web HTTP/new.corp.example)";
    for _ in 0..3 {
        let alarms = scene.register().await;
        let next: Vec<_> = alarms.iter().map(|alarm| alarm.next.as_str()).collect();
        assert_eq!(next, [mends]);
    }
    scene.others(&[]);
    assert!(scene.register().await.is_empty());
    assert!(scene.row().spns_pending.is_empty());
    let told = ["begun", "refused", "done"].map(|word| format!("register SPN {word}"));
    assert_eq!(audited(&scene), told);
}
