//! A password goes to the nodes that an operator has named, sealed to them; to others, never.

use keyroll::kerberos::salt::Salt;
use keyroll::keyset::Origin;
use keyroll::letter::{Address, Letter, LetterOpener, PasswordUse};
use keyroll::secret::Password;
use keyroll_proto::agent::SealedPassword;

use super::*;
use crate::store::PasswordLeave;

pub(super) const SECRET: &str = "canary-of-the-password";

fn salt() -> Salt {
    Salt::new("CORP.EXAMPLEweb".to_owned())
}

pub(super) fn keyset_of(array: &str) -> Keyset {
    let mut keyset = keyset(9);
    keyset.array = array.parse().unwrap();
    keyset.generations[0].origin = Some(Origin {
        password: Password::new(SECRET.to_owned()),
        salt: salt(),
    });
    keyset
}

pub(super) fn leave(key: &LetterOpener) -> PasswordLeave {
    PasswordLeave {
        uses: [PasswordUse::LogonSession].into(),
        key: key.key(),
    }
}

pub(super) fn opened(
    opener: &LetterOpener,
    node: &str,
    keyset: &Keyset,
    sealed: &SealedPassword,
) -> Option<Password> {
    let address = Address {
        node: &name(node),
        array: &keyset.array,
        version: keyset.version,
        kvno: Kvno(sealed.kvno),
        purpose: sealed.r#use.parse().unwrap(),
        account: &keyset.principals[0],
        salt: &Salt::new(sealed.salt.clone()),
    };
    let letter = Letter {
        encapsulated: sealed.encapsulated.clone(),
        ciphertext: sealed.ciphertext.clone(),
    };
    opener.open(&letter, address).ok()
}

#[tokio::test]
async fn a_password_is_sent_where_it_is_allowed_and_sealed_to_that_node_alone() {
    let (world, pool, agent, mut record) = one_agent().await;
    let (n1, crm) = (name("n1"), "crm".parse::<ArrayName>().unwrap());
    record.arrays.insert(crm.clone());
    let store = &world.scratch.store;
    let keep = |record: &NodeRecord| store.write(|change| change.put_node(record)).unwrap();
    keep(&record);
    let (web, opener) = (keyset_of("web"), LetterOpener::of([1; 32]));
    // Nobody has allowed it.
    pool.stage(&n1, &web, [2; 32]).await.unwrap();
    assert_eq!(agent.sealed(), [Vec::new()]);
    // For one of its arrays: that one's, and no other's.
    record.passwords.insert(web.array.clone(), leave(&opener));
    keep(&record);
    pool.stage(&n1, &web, [2; 32]).await.unwrap();
    pool.stage(&n1, &keyset_of("crm"), [2; 32]).await.unwrap();
    let sealed = agent.sealed();
    assert_eq!((sealed[0].len(), sealed[1].len()), (1, 0));
    let letter = &sealed[0][0];
    let text = opened(&opener, "n1", &web, letter).unwrap();
    assert_eq!((letter.kvno, text.expose()), (300, SECRET));
    assert!(opened(&opener, "n2", &web, letter).is_none());
    assert!(opened(&LetterOpener::of([2; 32]), "n1", &web, letter).is_none());
    // A generation whose password nobody knows has none to send.
    pool.stage(&n1, &keyset(9), [2; 32]).await.unwrap();
    assert_eq!(agent.sealed(), [Vec::new()]);
    // The same twice is never the same on the way.
    pool.stage(&n1, &web, [2; 32]).await.unwrap();
    let again = &agent.sealed()[0][0];
    assert_ne!(again.encapsulated, letter.encapsulated);
    // Not any more, from the next push on.
    record.passwords.clear();
    keep(&record);
    pool.stage(&n1, &web, [2; 32]).await.unwrap();
    assert_eq!(agent.sealed(), [Vec::new()]);
}

#[tokio::test]
async fn a_node_shows_its_key_and_one_that_is_none_is_refused() {
    let (_world, pool, agent, _) = one_agent().await;
    let opener = LetterOpener::of([1; 32]);
    let ask = || async { pool.letter_key(&name("n1"), &web()).await };
    agent.knobs().letter_key = opener.key().bytes().to_vec();
    assert_eq!(ask().await.unwrap(), opener.key());
    agent.knobs().letter_key = vec![7; 31];
    let refused = ask().await.unwrap_err().to_string();
    assert!(refused.contains("malformed message: key"), "{refused}");
    agent.knobs().refuse = Some("no target of array web here takes a password".to_owned());
    let refused = ask().await.unwrap_err().to_string();
    assert!(refused.contains("no target of array web"), "{refused}");
    let foreign = pool.letter_key(&name("n1"), &"crm".parse().unwrap()).await;
    assert!(
        matches!(foreign, Err(PortError::Missing { .. })),
        "{foreign:?}"
    );
}
