//! Owners in another forest, and forests that do not answer.

use super::*;

const ENDS: &str = "in other.example: samba-tool spn delete HTTP/new.corp.example 'SQL$' (or ";
const UNSEEN: &str = "the forest third.example was not looked through for other owners: no answer";

#[tokio::test]
async fn an_owner_in_another_forest_is_named_with_it() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.abroad(&[(NEW, "SQL$")]);
    let mut request = plan("add", NEW);
    request.dry_run = true;
    let no = controller.plan_spns(&request, "anna").await.unwrap_err();
    assert_eq!(no.code, "spn-duplicate");
    let owner = "SQL$ (CN=SQL$,DC=other,DC=example) in the forest other.example has HTTP/new";
    assert!(no.what.contains(owner), "{}", no.what);
    assert!(no.next.starts_with(ENDS), "{}", no.next);
    request.action = "move".to_owned();
    let no = controller.plan_spns(&request, "anna").await.unwrap_err();
    assert_eq!(no.code, "other-forest");
    let again = ", then keyroll spn add web HTTP/new.corp.example";
    assert!(
        no.next.starts_with(ENDS) && no.next.ends_with(again),
        "{}",
        no.next
    );
    // What others do here is the same: the search for a plan, for a check, for duplicates.
    let request = said::SuggestSpnsRequest {
        array: "web".to_owned(),
        hosts: vec!["new.corp.example".to_owned()],
        ..Default::default()
    };
    let reply = controller.suggest_spns(&request).await.unwrap();
    assert_eq!(reply.spns[0].state, "taken");
    assert!(reply.spns[0].owner.contains("other.example"), "{reply:?}");
    let [taken, unseen] = &reply.commands[..] else {
        panic!("{reply:?}");
    };
    let ends = format!("# HTTP/new.corp.example is taken: {ENDS}");
    assert!(taken.starts_with(&ends), "{taken}");
    assert!(unseen.contains(UNSEEN), "{unseen}");
}

#[tokio::test]
async fn the_arrays_own_name_in_another_forest_is_ended_there() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.abroad(&[(OWN, "SQL$")]);
    let request = said::CheckSpnsRequest {
        array: "web".to_owned(),
    };
    let reply = controller.check_spns(&request).await.unwrap();
    let found = |what: &str| {
        let mut checks = reply.checks.iter();
        let one = checks.find(|one| one.what == what);
        one.unwrap_or_else(|| panic!("{what}: {reply:?}"))
    };
    let owner = found("has an owner in another forest, too");
    assert_eq!(owner.grade, "broken");
    assert!(
        owner.next.starts_with("in other.example: samba-tool"),
        "{owner:?}"
    );
    let unseen = found("may have owners elsewhere");
    assert_eq!(
        (unseen.grade.as_str(), unseen.evidence.as_str()),
        ("notice", UNSEEN)
    );
    assert_eq!(unseen.next, "nc -vz dc.third.example 3269");

    let request = said::DoctorRequest {
        array: "web".to_owned(),
        ..Default::default()
    };
    let reply = controller.doctor(&request).await.unwrap();
    let unique = reply
        .findings
        .iter()
        .filter(|one| one.check == "spn-unique");
    let unique: Vec<_> = unique
        .map(|one| (one.object.as_str(), one.grade.as_str()))
        .collect();
    assert_eq!(unique, [(OWN, "broken"), ("third.example", "unknown")]);
}

#[tokio::test]
async fn a_forest_that_does_not_answer_stands_in_nothings_way() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.abroad(&[]);
    let mut request = plan("add", NEW);
    request.dry_run = true;
    let planned = controller.plan_spns(&request, "anna").await.unwrap();
    assert_eq!(planned.changes.len(), 1);
    let told = format!("{UNSEEN}; nc -vz dc.third.example 3269");
    assert!(planned.notes.contains(&told), "{:?}", planned.notes);
    let found = controller.find_duplicate_spns().await.unwrap();
    assert_eq!(found.others, ["other.example"]);
    assert_eq!(found.unseen[0].forest, "third.example");
}

#[tokio::test]
async fn duplicates_across_forests_name_what_ends_them() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let odd = "HTTP/w\u{435}b.corp.example";
    let each = [
        (OWN, "SQL$"),
        ("kadmin/changepw", "krbtgt"),
        ("HTTP/x", "ONE$"),
        (odd, "EVIL$"),
    ];
    scene.abroad(&each);
    let found = controller.find_duplicate_spns().await.unwrap().duplicates;
    let [only] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (only.likeness.as_str(), only.grade.as_str()),
        ("look-alike", "broken")
    );
    let takes =
        r"in other.example: samba-tool spn delete $'HTTP/w\xd0\xb5b.corp.example' 'EVIL$' (or";
    assert!(only.next.starts_with(takes), "{}", only.next);
    let forests: Vec<_> = only.holders.iter().map(|one| one.forest.as_str()).collect();
    assert_eq!(forests, ["other.example"; 2]);
}
