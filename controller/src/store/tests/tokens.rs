use std::sync::atomic::{AtomicUsize, Ordering};

use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;

use super::*;

fn token(byte: u8) -> SecretBytes {
    SecretBytes::new(vec![byte; 32])
}

fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}

fn issue(store: &Store, byte: u8, name: &str, now: i64) {
    store
        .write(|change| change.issue_token(&token(byte), &node(name), now, now + 600))
        .unwrap();
}

fn redeem(store: &Store, byte: u8, name: &str, now: i64) -> Result<TokenRecord, NotRedeemed> {
    store.write(|change| change.redeem_token(&token(byte), &node(name), now))
}

#[test]
fn r02_of_a_thousand_redemptions_at_once_exactly_one_succeeds() {
    let scratch = scratch();
    issue(&scratch.store, 7, "n1", 1_000);
    let wins = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..50 {
                    match redeem(&scratch.store, 7, "n1", 1_001) {
                        Ok(_) => drop(wins.fetch_add(1, Ordering::SeqCst)),
                        Err(NotRedeemed::Used { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
    });
    assert_eq!(wins.into_inner(), 1);
}

#[test]
fn r02_a_token_is_for_one_node_and_one_time() {
    let scratch = scratch();
    let store = &scratch.store;
    issue(store, 7, "n1", 1_000);
    assert!(matches!(
        redeem(store, 8, "n1", 1_001),
        Err(NotRedeemed::Unknown)
    ));
    assert!(matches!(
        redeem(store, 7, "n2", 1_001),
        Err(NotRedeemed::OtherNode { .. })
    ));
    let late = redeem(store, 7, "n1", 1_600);
    assert!(matches!(late, Err(NotRedeemed::Expired { seconds: 0, .. })));
    assert!(
        redeem(store, 7, "n1", 1_599).is_ok(),
        "refusals use nothing up"
    );
    issue(store, 9, "n1", 1_000);
    issue(store, 10, "n1", 1_000);
    assert!(
        matches!(redeem(store, 9, "n1", 1_001), Err(NotRedeemed::Unknown)),
        "a new invitation ends the one before"
    );
    store
        .write(|change| change.revoke_tokens(&node("n1")))
        .unwrap();
    assert!(matches!(
        redeem(store, 10, "n1", 1_001),
        Err(NotRedeemed::Unknown)
    ));
    issue(store, 11, "n2", 1_000 + 2 * 24 * 3600);
    assert_eq!(
        store.tokens().unwrap().len(),
        1,
        "what is long over is forgotten"
    );
}

#[test]
fn r02_the_file_does_not_hold_the_token() {
    let scratch = scratch();
    issue(&scratch.store, b'C', "n1", 1_000);
    let file = std::fs::read(scratch.folder.path().join("state.redb")).unwrap();
    let raw = [b'C'; 32];
    assert!(!file.windows(32).any(|window| window == raw));
    let text = hex::encode(raw);
    assert!(!file.windows(64).any(|window| window == text.as_bytes()));
}
