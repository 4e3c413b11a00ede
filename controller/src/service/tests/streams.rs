//! R04: who loses the say over an array hears no more of it, on streams that are open too.

use std::time::Duration;

use tokio_stream::StreamExt as _;

use super::*;

/// How many operators are revoked.
const OPERATORS: usize = 1_000;

fn operator(number: usize) -> OperatorRecord {
    let name = format!("op{number}");
    OperatorRecord {
        serial: name.clone(),
        name: name.parse().unwrap(),
        role: Role::Viewer,
        arrays: Default::default(),
        expires_unix: i64::MAX,
        revoked: false,
        signer: 1,
        added_by: Default::default(),
        added_unix: 0,
    }
}

fn watch_web() -> said::WatchRollRequest {
    said::WatchRollRequest {
        array: "web".to_owned(),
        ..Default::default()
    }
}

/// A roll of `web` that is under way and stays so, since no domain controller answers.
fn rolling() -> (StandIn, Service) {
    let (site, service) = site();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    site.controller.rolls.take_up_one(array).unwrap();
    (site, service)
}

#[tokio::test]
async fn r04_a_thousand_revoked_operators_hear_no_more_within_five_seconds() {
    let (site, service) = rolling();
    let store = &site.controller.ports.store;
    let kept: Result<(), StoreError> = store
        .write(|change| (0..OPERATORS).try_for_each(|one| change.put_operator(&operator(one))));
    kept.unwrap();
    let mut streams = Vec::new();
    for number in 0..OPERATORS {
        let request = from(&format!("op{number}"), watch_web());
        streams.push(service.watch_roll(request).await.unwrap().into_inner());
    }
    let mut slowest = Duration::ZERO;
    for (number, mut stream) in streams.into_iter().enumerate() {
        let begun = Instant::now();
        let request = said::RevokeOperatorRequest {
            operator: format!("op{number}"),
            dry_run: false,
        };
        site.controller.revoke_operator(&request).unwrap();
        // Views that were on their way come first.
        let last = loop {
            match stream.next().await.unwrap() {
                Ok(_) => {}
                Err(no) => break no,
            }
        };
        assert_eq!(last.code(), Code::PermissionDenied, "{last}");
        assert!(stream.next().await.is_none());
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[tokio::test]
async fn r04_a_stream_ends_with_the_certificate() {
    let (site, service) = rolling();
    let store = &site.controller.ports.store;
    let ending = OperatorRecord {
        expires_unix: Utc::now().timestamp() + 1,
        ..operator(0)
    };
    let kept: Result<(), StoreError> = store.write(|change| change.put_operator(&ending));
    kept.unwrap();
    let stream = service.watch_roll(from("op0", watch_web())).await.unwrap();
    let mut stream = stream.into_inner().filter_map(Result::err);
    let last = tokio::time::timeout(Duration::from_secs(6), stream.next()).await;
    let no = last.unwrap().unwrap();
    assert!(no.message().contains("is not in force"), "{no}");
}

/// A view that waits for somebody to take it, or comes in the same moment, is not told any more.
#[tokio::test]
async fn r04_what_waits_for_somebody_is_not_told_once_he_is_revoked() {
    let (site, service) = rolling();
    let store = &site.controller.ports.store;
    let kept: Result<(), StoreError> = store.write(|change| change.put_operator(&operator(0)));
    kept.unwrap();
    let mut listener = service.listener(from("op0", watch_web())).await.unwrap();
    let told = listener.still(store, std::future::ready("a view")).await;
    assert_eq!(told.ok(), Some("a view"));
    let request = said::RevokeOperatorRequest {
        operator: "op0".to_owned(),
        dry_run: false,
    };
    let revoke = async { site.controller.revoke_operator(&request).unwrap() };
    let waiting = listener.still(store, std::future::pending::<()>());
    let (ended, _) = tokio::join!(waiting, revoke);
    assert!(ended.unwrap_err().what.contains("is not in force"));
    for _ in 0..100 {
        let told = listener.still(store, std::future::ready(())).await;
        assert!(told.is_err(), "told, by chance");
    }
}

fn visit(name: &str) -> Request<()> {
    let mut request = Request::new(());
    let peer = from(name, ()).extensions().get::<Peer>().cloned();
    let address = ([127, 0, 0, 1], 7).into();
    let visitor = crate::ca::Visitor { address, peer };
    request.extensions_mut().insert(visitor);
    request
}

#[tokio::test]
async fn r30_a_request_counts_until_it_is_carried_out() {
    let (site, service) = site();
    site.node("n1", NodeState::Joined, &["own", "other"]);
    let mut mark = mark_peers();
    let mut ask = || mark(visit("anna"));
    let _others: Vec<_> = (1..AT_ONCE).map(|_| ask().unwrap()).collect();
    let request = ask().unwrap().map(|()| said::RemoveNodeRequest {
        array: "own".to_owned(),
        node: "n1".to_owned(),
        ..Default::default()
    });
    let removed = tokio::spawn(async move { service.remove_node(request).await });
    while site.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(ask().is_err(), "it is under way");
    removed.await.unwrap().unwrap();
    assert!(ask().is_ok());
}

#[test]
fn r30_nobody_has_more_than_his_share_of_requests_under_way() {
    let mut mark = mark_peers();
    let mut ask = |name: &str| mark(visit(name));
    let mut under_way: Vec<_> = (0..AT_ONCE).map(|_| ask("op1").unwrap()).collect();
    let no = ask("op1").unwrap_err();
    assert_eq!(no.code(), Code::ResourceExhausted, "{no}");
    assert!(ask("op2").is_ok(), "another one's share is his own");
    // It ends when all of the request has, wherever that has gone to.
    let (_, kept, ()) = under_way.pop().unwrap().into_parts();
    assert!(ask("op1").is_err());
    drop(kept);
    assert!(ask("op1").is_ok());
}

/// A backup that alma is to take, and does not yet.
async fn backup(service: &Service) -> Result<super::super::stream::Parts, Status> {
    let begun = service.backup(from("alma", said::BackupRequest::default()));
    Ok(begun.await?.into_inner())
}

#[tokio::test]
async fn r04_a_revoked_admin_gets_no_more_of_a_backup() {
    let (site, service) = site();
    let mut parts = backup(&service).await.unwrap();
    let request = said::RevokeOperatorRequest {
        operator: "alma".to_owned(),
        dry_run: false,
    };
    site.controller.revoke_operator(&request).unwrap();
    let no = loop {
        match parts.next().await.unwrap() {
            Ok(part) => assert_eq!(part.whole, None, "it came to its end"),
            Err(no) => break no,
        }
    };
    assert_eq!(no.code(), Code::PermissionDenied, "{no}");
    assert!(parts.next().await.is_none());
}

#[tokio::test]
async fn a_backup_that_is_taken_comes_to_its_end() {
    let (_site, service) = site();
    let parts = backup(&service).await.unwrap();
    let parts: Vec<_> = parts.map(Result::unwrap).collect().await;
    let whole = parts.last().and_then(|part| part.whole.clone()).unwrap();
    let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
    assert_eq!(whole.bytes, bytes as u64);
}

#[tokio::test]
async fn r30_two_backups_are_under_way_at_most_and_each_holds_a_place() {
    let (_site, service) = site();
    let mut mark = mark_peers();
    let mut ask = || mark(visit("alma"));
    let _others: Vec<_> = (1..AT_ONCE).map(|_| ask().unwrap()).collect();
    let request = ask().unwrap().map(|()| said::BackupRequest::default());
    let first = service.backup(request).await.unwrap();
    let _second = backup(&service).await.unwrap();
    let third = backup(&service).await.err().unwrap();
    assert!(third.message().contains("being taken already"), "{third}");
    assert!(ask().is_err(), "it is under way");
    drop(first);
    // It is seen that nobody takes it when the next part is there.
    while ask().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(backup(&service).await.unwrap());
}
