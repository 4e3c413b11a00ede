//! R20: who is a second person.

use super::second::{GRAVE, code, emergency, give, guarded, roll, waiting};
use super::*;

fn added(name: &str, role: &str) -> said::AddOperatorRequest {
    said::AddOperatorRequest {
        operator: name.to_owned(),
        role: role.to_owned(),
        csr: name.as_bytes().to_vec(),
        ..Default::default()
    }
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
async fn root_makes_the_first_admin_alone_and_no_other() {
    let site = StandIn::of_two_persons(GRAVE.into());
    let service = Service::new(site.controller.clone());
    let add = async |service: &Service| {
        let mut request = Request::new(added("ghost", "admin"));
        request.extensions_mut().insert(LocalRoot);
        code(service.add_operator(request).await)
    };
    assert_eq!(add(&service).await, "bad-csr");
    let (_site, service) = furnished(site);
    assert_eq!(add(&service).await, "second-person");
}

#[tokio::test]
async fn r20_an_operator_of_the_askers_making_is_no_second_person() {
    let (site, service) = guarded();
    let store = &site.controller.ports.store;
    let told = roll(&service, "olaf", emergency("stolen")).await;
    assert_eq!(told, "second-person");
    for (people, added_unix, agrees) in [
        (&["olaf"][..], 1, false),
        (&["alma"], i64::MAX, false),
        (&["olaf", "alma"], 1, true),
    ] {
        let mut record = store.operator(&"otto".parse().unwrap()).unwrap().unwrap();
        record.added_by = people.iter().map(ToString::to_string).collect();
        record.added_unix = added_unix;
        let kept: Result<(), StoreError> = store.write(|change| change.put_operator(&record));
        kept.unwrap();
        let given = give(&service, "otto", 1).await;
        assert_eq!(given.is_ok(), agrees, "{people:?}: {given:?}");
    }
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
