//! Names that others have become the array's.

use super::*;

#[tokio::test]
async fn a_name_is_not_moved_from_beside_its_look_alike() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.others(&[(NEW, "SQL$"), ("HTTP/n\u{435}w.corp.example", "EVIL$")]);
    let mut request = plan("move", NEW);
    request.dry_run = true;
    let no = controller.plan_spns(&request, "anna").await.unwrap_err();
    assert_eq!(no.code, "spn-look-alike");
    let spelled = "EVIL$ (CN=EVIL$,DC=corp,DC=example) has HTTP/n\\u{435}w.corp.example, which";
    assert!(no.what.contains(spelled), "{}", no.what);
}

#[tokio::test]
async fn a_move_ends_a_duplicate_of_the_arrays_own_name() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let spelled = OWN.to_uppercase();
    scene.others(&[(&spelled, "SQL$")]);
    let mut request = plan("move", OWN);
    request.dry_run = true;
    let planned = controller.plan_spns(&request, "anna").await.unwrap();
    let sentences: Vec<_> = planned
        .changes
        .iter()
        .flat_map(|one| &one.sentences)
        .collect();
    let delete = format!("SQL$: delete servicePrincipalName {spelled}");
    assert_eq!(sentences, [&delete]);
    // Wherever it is found, that is what mends it.
    let mends = format!("keyroll spn move web {OWN} --dry-run");
    request.action = "add".to_owned();
    let no = controller.plan_spns(&request, "anna").await.unwrap_err();
    assert_eq!((no.code, no.next), ("spn-duplicate", mends.clone()));
    let array = said::CheckSpnsRequest {
        array: "web".to_owned(),
    };
    let checked = controller.check_spns(&array).await.unwrap();
    assert!(
        checked.checks.iter().any(|one| one.next == mends),
        "{checked:?}"
    );
    scene.others(&[]);
    request.action = "move".to_owned();
    let planned = controller.plan_spns(&request, "anna").await.unwrap();
    assert!(planned.changes.is_empty(), "{planned:?}");
}

/// The first part of each modification, `+` for what comes.
fn parts(one: &said::DirectoryChange) -> Vec<String> {
    let part = |one: &said::Modification| {
        let sign = if one.action == "add" { '+' } else { '-' };
        format!("{sign}{}", String::from_utf8_lossy(&one.value))
    };
    one.modifications.iter().map(part).collect()
}

#[tokio::test]
async fn samba_is_asked_in_a_way_that_it_takes() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    let passing = "keyroll/63636363-6363-6363-6363-636363636363";
    let detour = |spn: &str| {
        vec![
            format!("+{passing}"),
            format!("-{passing}"),
            format!("-{spn}"),
        ]
    };
    scene.of_samba();
    scene.others(&[(OWN, "SQL$")]);
    let mut request = plan("move", OWN);
    request.dry_run = true;
    let planned = controller.plan_spns(&request, "anna").await.unwrap();
    let [only] = &planned.changes[..] else {
        panic!("{planned:?}");
    };
    assert_eq!(parts(only), detour(OWN));
    let sentence = format!("SQL$: delete servicePrincipalName {OWN}");
    assert_eq!(only.sentences, [sentence]);
    // Two others have it: the last of them has it alone.
    scene.others(&[(NEW, "SQL$"), (NEW, "ZOO$")]);
    request.spns = vec![NEW.to_owned()];
    let planned = controller.plan_spns(&request, "anna").await.unwrap();
    let all: Vec<_> = planned.changes.iter().map(parts).collect();
    let plain = vec![format!("-{NEW}")];
    assert_eq!(all, [detour(NEW), plain, vec![format!("+{NEW}")]]);
    assert!(planned.notes[0].contains("SQL$ and ZOO$"), "{planned:?}");
}
