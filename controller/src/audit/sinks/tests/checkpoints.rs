//! When the chain is signed: every thousand entries, and every hour.

use super::*;

#[tokio::test]
async fn r21_a_thousand_entries_never_pass_without_a_checkpoint() {
    let scratch = scratch();
    let store = &scratch.store;
    write(store, 2_500);
    let verdict = verify(store).unwrap();
    assert_eq!((verdict.trouble, verdict.checkpoints), (None, 2));
    assert_eq!(verdict.signed, 2_000);
    // Every hour besides, but only what is new.
    for _ in 0..3 {
        audit::sign_what_is_new(store, 9).unwrap();
    }
    let verdict = verify(store).unwrap();
    assert_eq!((verdict.trouble, verdict.checkpoints), (None, 3));
    assert_eq!(verdict.signed, verdict.entries);
    let last = newest(store, 1, "").unwrap().remove(0);
    assert_eq!(last.event.object, store.audit_key().to_string());
}

/// In the runtime's own time: three hours pass in no time.
#[tokio::test(start_paused = true)]
async fn r21_every_hour_the_chain_is_signed_if_it_has_grown() {
    let minutes = |count: u64| tokio::time::sleep(Duration::from_secs(60 * count));
    let served = serve(scratch(), &AuditConfig::default());
    let store = &served.scratch.store;
    let checkpoints = || {
        let verdict = verify(store).unwrap();
        assert_eq!(verdict.trouble, None);
        (verdict.checkpoints, verdict.entries - verdict.signed)
    };
    minutes(1).await;
    assert_eq!(checkpoints(), (0, 0), "there is nothing to sign");
    write(store, 3);
    minutes(58).await;
    assert_eq!(checkpoints(), (0, 3), "the hour is not over");
    minutes(2).await;
    assert_eq!(checkpoints(), (1, 0));
    // Not twice for the same entries, and not for its own.
    minutes(60).await;
    assert_eq!(checkpoints(), (1, 0));
    write(store, 1);
    minutes(60).await;
    assert_eq!(checkpoints(), (2, 0));
    let last = newest(store, 1, "").unwrap().remove(0);
    assert_eq!(last.event.verb, "audit checkpoint");
}
