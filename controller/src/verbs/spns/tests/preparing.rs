//! What nodes are to hold keys for, before anybody can have a ticket for it.

use super::*;

#[tokio::test]
async fn nothing_is_prepared_while_a_roll_is_open() {
    let scene = Scene::new(&["dc1"]);
    crate::stand_in::begin(&scene.site, true);
    let prepare = said::PrepareSpnsRequest {
        array: "web".to_owned(),
        spns: vec![NEW.to_owned()],
        dry_run: false,
        moves: false,
    };
    let before = scene.row();
    let no = scene
        .site
        .controller
        .prepare_spns(&prepare)
        .await
        .unwrap_err();
    assert_eq!((no.code, no.exit), ("roll-under-way", 75));
    assert_eq!(scene.row(), before);
}

/// What nodes hold keys for, they take others' keys for out of a keytab that they share.
#[tokio::test]
async fn r14_nodes_are_given_no_name_that_is_not_the_array_s_to_take() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.others(&[(NEW, "SQL$")]);
    let before = scene.row();
    let asked = |spn: &str, moves| said::PrepareSpnsRequest {
        array: "web".to_owned(),
        spns: vec![spn.to_owned()],
        dry_run: false,
        moves,
    };
    for (spn, moves, code) in [
        (NEW, false, "spn-duplicate"),
        ("host/n1", true, "machines-name"),
        ("HOST/N1", false, "machines-name"),
        ("RestrictedKrbHost/n1", false, "machines-name"),
    ] {
        let no = controller.prepare_spns(&asked(spn, moves)).await;
        let no = no.unwrap_err();
        assert_eq!(no.code, code, "{spn}: {}", no.what);
        assert_eq!(scene.row(), before, "{spn}");
    }
    for (spn, moves) in [
        (NEW, true),
        ("HTTP/n1", false),
        ("host/web.corp.example", false),
    ] {
        controller.prepare_spns(&asked(spn, moves)).await.unwrap();
        assert!(scene.row().principals().iter().any(|one| one.name() == spn));
    }
}

#[tokio::test]
async fn a_name_that_is_wanted_again_stays() {
    let scene = Scene::new(&["dc1"]);
    let controller = &scene.site.controller;
    scene.edit(|array| {
        array.spns.push(NEW.to_owned());
        array.naming.leaving.insert(NEW.to_owned(), 1);
    });
    let prepare = said::PrepareSpnsRequest {
        array: "web".to_owned(),
        // As somebody types it: the dot means the same name.
        spns: vec![format!("{}.", NEW.to_uppercase())],
        dry_run: false,
        moves: false,
    };
    let version = scene.row().keyset_version;
    controller.prepare_spns(&prepare).await.unwrap();
    let row = scene.row();
    let whole = u64::try_from(row.policy.drain().as_millis()).unwrap();
    assert_eq!(
        (row.naming.leaving[NEW], row.keyset_version),
        (whole, version)
    );
    let no = controller
        .plan_spns(&plan("add", &prepare.spns[0]), "anna")
        .await;
    let no = no.unwrap_err();
    // What is missing is a node's word, not the name.
    assert!(no.what.contains("node n1"), "{}", no.what);
}
