//! R20: who is a second person.

use super::second::{GRAVE, approval, code, emergency, give, guarded, roll, waiting};
use super::*;

fn added(name: &str, role: &str) -> said::AddOperatorRequest {
    said::AddOperatorRequest {
        operator: name.to_owned(),
        role: role.to_owned(),
        csr: name.as_bytes().to_vec(),
        ..Default::default()
    }
}

/// An operator's record is another from now on.
fn changed(site: &StandIn, name: &str, edit: impl FnOnce(&mut OperatorRecord)) {
    let store = &site.controller.ports.store;
    let mut record = store.operator(&name.parse().unwrap()).unwrap().unwrap();
    edit(&mut record);
    let kept: Result<(), StoreError> = store.write(|change| change.put_operator(&record));
    kept.unwrap();
}

#[tokio::test]
async fn r20_nobody_makes_a_second_person_alone() {
    let (_site, service) = guarded();
    let add = async |request| code(service.add_operator(from("alma", request)).await);
    let waits = "second-person";
    assert_eq!(add(added("ghost", "operator")).await, waits);
    assert_eq!(add(added("ghost", "admin")).await, waits);
    // Whoever only reads agrees to nothing; who is there already is not replaced unseen.
    assert_eq!(add(added("ghost", "viewer")).await, "bad-csr");
    assert_eq!(add(added("vera", "viewer")).await, waits);
    // Another key is made each time, and nobody has seen either.
    let other_key = said::AddOperatorRequest {
        csr: vec![1],
        ..added("ghost", "admin")
    };
    let before = waiting(&service).await.len();
    assert_eq!(add(other_key).await, waits);
    assert_eq!(waiting(&service).await.len(), before);
    let (_site, alone) = site();
    let told = code(
        alone
            .add_operator(from("alma", added("ghost", "admin")))
            .await,
    );
    assert_eq!(told, "bad-csr");
}

#[tokio::test]
async fn root_makes_the_first_two_admins_alone_and_no_other() {
    let site = StandIn::of_two_persons(GRAVE.into());
    let service = Service::new(site.controller.clone());
    let add = async |service: &Service| {
        let mut request = Request::new(added("ghost", "admin"));
        request.extensions_mut().insert(LocalRoot);
        code(service.add_operator(request).await)
    };
    assert_eq!(add(&service).await, "bad-csr");
    // Alma is there then, and nobody whom root could ask besides.
    let (site, service) = furnished(site);
    assert_eq!(add(&service).await, "bad-csr");
    changed(&site, "otto", |otto| otto.role = Role::Admin);
    assert_eq!(add(&service).await, "second-person");
}

#[tokio::test]
async fn r20_an_operator_of_the_askers_making_is_no_second_person() {
    let (site, service) = guarded();
    let told = roll(&service, "olaf", emergency("stolen")).await;
    assert_eq!(told, "second-person");
    for (people, added_unix, agrees) in [
        (&["olaf"][..], 1, false),
        (&["alma"], i64::MAX, false),
        (&["olaf", "alma"], 1, true),
    ] {
        changed(&site, "otto", |otto| {
            otto.added_by = people.iter().map(ToString::to_string).collect();
            otto.added_unix = added_unix;
        });
        let given = give(&service, "otto", 1).await;
        assert_eq!(given.is_ok(), agrees, "{people:?}: {given:?}");
    }
}

#[tokio::test]
async fn r20_nobody_agrees_to_what_an_operator_of_their_own_making_asks() {
    let (site, service) = guarded();
    let by = |people: &[&str]| people.iter().map(ToString::to_string).collect();
    changed(&site, "olaf", |olaf| olaf.added_by = by(&["otto"]));
    let told = roll(&service, "olaf", emergency("stolen")).await;
    assert_eq!(told, "second-person");
    let no = give(&service, "otto", 1).await.unwrap_err();
    assert!(
        no.message().contains("olaf was added by otto alone"),
        "{no}"
    );
    let root = async || {
        let mut request = Request::new(approval(1));
        request.extensions_mut().insert(LocalRoot);
        service.give_approval(request).await
    };
    changed(&site, "olaf", |olaf| olaf.added_by = by(&["root"]));
    let no = root().await.unwrap_err();
    assert!(
        no.message().contains("olaf was added by root alone"),
        "{no}"
    );
    changed(&site, "olaf", |olaf| olaf.added_by = by(&["root", "otto"]));
    root().await.unwrap();
}

#[tokio::test]
async fn r20_an_agreement_is_worth_nothing_once_its_giver_may_not_give_it() {
    let (site, service) = guarded();
    let ask = async || roll(&service, "olaf", emergency("stolen")).await;
    assert_eq!(ask().await, "second-person");
    for (name, spoil) in [
        (
            "otto",
            (|one| one.revoked = true) as fn(&mut OperatorRecord),
        ),
        ("alma", |one| one.role = Role::Viewer),
        ("anna", |one| one.added_by = ["olaf".to_owned()].into()),
    ] {
        give(&service, name, 1).await.unwrap();
        changed(&site, name, spoil);
        assert_eq!(ask().await, "second-person", "{name}");
        let record = audited(&site);
        let void = format!("approval 1 of {name} counts no more: ");
        let told = record
            .iter()
            .any(|(_, _, how, why)| how == "void" && why.starts_with(&void));
        assert!(told, "{record:#?}");
    }
    // It waits on, and another one may agree.
    assert_eq!(waiting(&service).await.len(), 1);
    changed(&site, "anna", |anna| anna.added_by.clear());
    give(&service, "anna", 1).await.unwrap();
    assert_eq!(ask().await, "no-nodes");
}

#[tokio::test]
async fn an_operator_has_a_name_of_their_own() {
    let (_site, service) = site();
    let add = async |request| code(service.add_operator(from("alma", request)).await);
    assert_eq!(add(added("root", "viewer")).await, "reserved-name");
    assert_eq!(add(added("Schedule", "viewer")).await, "reserved-name");
    assert_eq!(add(added("otto", "viewer")).await, "exists");
    let replaced = said::AddOperatorRequest {
        replace: true,
        ..added("otto", "viewer")
    };
    assert_eq!(add(replaced).await, "bad-csr");
}
