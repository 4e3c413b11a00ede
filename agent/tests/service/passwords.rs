//! The target of logon sessions: passwords that come sealed, and what becomes of them.

use std::sync::Arc;

use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Kvno, Principal};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::compare::shortfall;
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::letter::{Address, LetterKey, PasswordUse, seal};
use keyroll::name::NodeName;
use keyroll::secret::Password;
use keyroll_agent::logon_session::{NAME, Session};
use keyroll_agent::password_targets::Takers;
use keyroll_agent::platform;
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_client::AgentClient;
use keyroll_proto::convert::Enclosed;
use tonic::Code;
use tonic::transport::Channel;

use crate::local_authority::LocalAuthority;
use crate::scene::{Logon, NODE, NONCE, SPN, Scene, look, stage};

pub const ACCOUNT: &str = "WEB$@CORP.EXAMPLE";
const SYSTEM: u64 = 0x3e7;
const NETWORK_SERVICE: u64 = 0x3e4;

async fn scene() -> (Scene, Arc<LocalAuthority>) {
    let authority = Arc::new(LocalAuthority::default());
    let takers = Takers {
        authority: authority.clone(),
        ..platform::takers()
    };
    let logon = Logon {
        sessions: Some(vec![Session::System, Session::NetworkService]),
        services: None,
        pools: None,
        takers,
    };
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n";
    (Scene::beside(tables, Some(logon)).await, authority)
}

pub fn password(kvno: u32) -> String {
    format!("canary-of-{kvno}")
}

pub fn salt() -> Salt {
    Salt::new("CORP.EXAMPLEhostweb.corp.example".to_owned())
}

/// A keyset whose keys are those of [`password`].
pub fn keyset(version: u64, generations: &[(Role, u32)]) -> Keyset {
    let generation = |(role, kvno): &(Role, u32)| GenerationKeys {
        role: *role,
        kvno: Kvno(*kvno),
        keys: derive_all(
            &[Enctype::Aes256CtsHmacSha1],
            &Password::new(password(*kvno)),
            &salt(),
        ),
        origin: None,
    };
    Keyset {
        array: "web".parse().unwrap(),
        epoch: Epoch(1),
        version: Version(version),
        principals: vec![ACCOUNT.parse().unwrap(), SPN.parse().unwrap()],
        generations: generations.iter().map(generation).collect(),
        unlisted: Unlisted::Remove,
    }
}

/// The letter of one generation to `node`.
fn letter(keyset: &Keyset, kvno: u32, text: &str, node: &str, to: &LetterKey) -> Enclosed {
    letter_for(PasswordUse::LogonSession, keyset, kvno, text, node, to)
}

fn letter_for(
    purpose: PasswordUse,
    keyset: &Keyset,
    kvno: u32,
    text: &str,
    node: &str,
    to: &LetterKey,
) -> Enclosed {
    let node: NodeName = node.parse().unwrap();
    let account: Principal = ACCOUNT.parse().unwrap();
    let address = Address {
        node: &node,
        array: &keyset.array,
        version: keyset.version,
        kvno: Kvno(kvno),
        purpose,
        account: &account,
        salt: &salt(),
    };
    Enclosed {
        kvno: Kvno(kvno),
        purpose,
        salt: salt(),
        letter: seal(&Password::new(text.to_owned()), to, address, rand::random()).unwrap(),
    }
}

/// A keyset on its way, with the passwords of its generations.
fn with_passwords(keyset: &Keyset, to: &LetterKey) -> said::StageRequest {
    with_passwords_for(PasswordUse::LogonSession, keyset, to)
}

/// The same, for another use.
pub fn with_passwords_for(
    purpose: PasswordUse,
    keyset: &Keyset,
    to: &LetterKey,
) -> said::StageRequest {
    let generations = keyset.generations.iter();
    let letters = generations.map(|one| {
        let kvno = one.kvno.0;
        letter_for(purpose, keyset, kvno, &password(kvno), NODE, to).into()
    });
    said::StageRequest {
        passwords: letters.collect(),
        ..stage(keyset.into())
    }
}

pub async fn letter_key(controller: &mut AgentClient<Channel>) -> LetterKey {
    let array = "web".to_owned();
    let reply = controller
        .show_letter_key(said::ShowLetterKeyRequest { array })
        .await;
    LetterKey::new(&reply.unwrap().into_inner().key).unwrap()
}

fn target(inventory: &said::Inventory, keyset: &Keyset) -> (said::Target, Option<String>) {
    target_of(TargetKind::LogonSession, NAME, inventory, keyset)
}

/// The target in what the node says it holds, and what is wrong with it by the controller's rule.
pub fn target_of(
    kind: TargetKind,
    name: &str,
    inventory: &said::Inventory,
    keyset: &Keyset,
) -> (said::Target, Option<String>) {
    let target = inventory
        .targets
        .iter()
        .find(|target| target.path == name)
        .unwrap();
    let filter = TargetFilter {
        kind,
        principals: None,
        enctypes: None,
    };
    let entries: Result<Vec<_>, _> = target.entries.iter().map(TryFrom::try_from).collect();
    let wrong = shortfall(keyset, &filter, &entries.unwrap(), &NONCE);
    (target.clone(), wrong.map(|wrong| wrong.to_string()))
}

fn of(kvnos: &[u32]) -> Vec<String> {
    kvnos.iter().map(|kvno| password(*kvno)).collect()
}

#[tokio::test]
async fn a_roll_puts_the_new_password_beside_the_old_and_takes_the_old_away_at_its_end() {
    let (scene, authority) = scene().await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    let (old, new) = ((Role::Current, 3), (Role::Current, 4));
    let steps: [(&[_], &[u32], &[u8]); 5] = [
        // Nothing is there to be replaced.
        (&[old], &[3], &[2, 1, 2, 1]),
        (&[old, (Role::Pending, 4)], &[3, 4], &[1, 1]),
        // After the commit, while tickets under the old key live: the sessions hold both already.
        (&[new, (Role::Previous, 3)], &[3, 4], &[]),
        (&[new], &[4], &[2, 2]),
        (&[new], &[4], &[]),
    ];
    for (number, (generations, held, flags)) in steps.into_iter().enumerate() {
        let keyset = keyset(number as u64 + 1, generations);
        let staged = controller
            .stage(with_passwords(&keyset, &key))
            .await
            .unwrap();
        let inventory = staged.into_inner().inventory.unwrap();
        let (found, wrong) = target(&inventory, &keyset);
        let verdict = (found.trouble.as_str(), found.drifted, wrong);
        assert_eq!(verdict, ("", false, None), "step {number}");
        for session in [SYSTEM, NETWORK_SERVICE] {
            assert_eq!(authority.passwords(session), of(held), "step {number}");
        }
        if number > 0 {
            // Whoever has what is in force has it at every moment.
            for (_, held) in authority.asked.lock().unwrap().iter() {
                for session in [SYSTEM, NETWORK_SERVICE] {
                    let in_force = password(if number < 3 { 3 } else { 4 });
                    let has = |one: &(u64, _, _, String)| one.0 == session && one.3 == in_force;
                    assert!(held.iter().any(has), "step {number}: {held:?}");
                }
            }
        }
        assert_eq!(authority.flags(), flags, "step {number}");
    }
    // A repetition touches nothing.
    let file = scene.path("state/arrays/web.passwords");
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    let last = keyset(6, &[new]);
    for _ in 0..2 {
        controller.stage(with_passwords(&last, &key)).await.unwrap();
    }
    assert_eq!(
        std::fs::metadata(&file).unwrap().modified().unwrap(),
        written
    );
    assert!(authority.flags().is_empty());
    let held = authority.held().clone();
    assert_eq!(
        (held[0].1.as_str(), held[0].2.as_str()),
        ("WEB$", "CORP.EXAMPLE")
    );
}

#[tokio::test]
async fn what_is_kept_is_given_again_after_a_boot() {
    let (mut scene, authority) = scene().await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    let both = keyset(1, &[(Role::Current, 3), (Role::Pending, 4)]);
    controller.stage(with_passwords(&both, &key)).await.unwrap();
    let kept = std::fs::read(scene.path("state/arrays/web.passwords")).unwrap();
    let is_plain = kept.windows(6).any(|part| part == b"canary");
    assert_eq!(
        is_plain,
        cfg!(unix),
        "only Windows seals, and only Windows has such a target"
    );
    authority.held().clear();
    scene.restart().await;
    assert_eq!(authority.passwords(SYSTEM), of(&[3, 4]));
    assert_eq!(authority.passwords(NETWORK_SERVICE), of(&[3, 4]));
    let mut controller = scene.controller().await;
    assert_eq!(letter_key(&mut controller).await, key, "the key stays");
    // One that is not given back is told of, and given with the next keyset.
    authority.held().clear();
    *authority.refuses.lock().unwrap() = true;
    scene.restart().await;
    let mut controller = scene.controller().await;
    let inventory = controller.look(look("web")).await.unwrap().into_inner();
    let trouble = target(&inventory, &both).0.trouble;
    assert!(
        trouble.contains("logon session system did not get"),
        "{trouble}"
    );
    let refused = controller
        .stage(with_passwords(&both, &key))
        .await
        .unwrap_err();
    assert!(
        refused
            .message()
            .contains("did not get the credential of WEB$@"),
        "{refused}"
    );
    *authority.refuses.lock().unwrap() = false;
    let staged = controller.stage(with_passwords(&both, &key)).await.unwrap();
    let (found, wrong) = target(&staged.into_inner().inventory.unwrap(), &both);
    assert_eq!((found.trouble.as_str(), wrong), ("", None));
    assert_eq!(authority.passwords(SYSTEM), of(&[3, 4]));
}

#[tokio::test]
async fn a_password_that_is_not_sent_any_more_or_is_wiped_is_gone() {
    let (scene, authority) = scene().await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    let first = keyset(1, &[(Role::Current, 3)]);
    let file = scene.path("state/arrays/web.passwords");
    // Without one from the first moment on; the keytab is right all the same.
    let refused = controller.stage(stage((&first).into())).await.unwrap_err();
    assert!(
        refused
            .message()
            .contains("keyroll node password web NODE --allow"),
        "{refused}"
    );
    assert!(scene.path("web.keytab").exists() && authority.held().is_empty());
    for wipe in [false, true] {
        controller
            .stage(with_passwords(&first, &key))
            .await
            .unwrap();
        assert!(!authority.held().is_empty() && file.exists());
        if wipe {
            let request = said::WipeRequest {
                array: "web".to_owned(),
                epoch: 1,
            };
            controller.wipe(request).await.unwrap();
        } else {
            controller.stage(stage((&first).into())).await.unwrap_err();
        }
        assert!(
            authority.held().is_empty() && !file.exists(),
            "wipe: {wipe}"
        );
    }
}

#[tokio::test]
async fn a_password_of_another_node_or_of_other_keys_is_not_taken() {
    let (scene, authority) = scene().await;
    let mut controller = scene.controller().await;
    let key = letter_key(&mut controller).await;
    let other = keyset(2, &[(Role::Current, 3)]);
    let keyset = keyset(1, &[(Role::Current, 3)]);
    let right = password(3);
    let letters = [
        (
            "does not open",
            letter(&keyset, 3, &right, "node2.corp.example", &key),
        ),
        ("does not open", letter(&other, 3, &right, NODE, &key)),
        (
            "is not the one of its keys",
            letter(&keyset, 3, "canary", NODE, &key),
        ),
        // Of no generation of the keyset.
        ("sends none", letter(&keyset, 4, &right, NODE, &key)),
    ];
    for (reason, letter) in letters {
        let request = said::StageRequest {
            passwords: vec![letter.into()],
            ..stage((&keyset).into())
        };
        let refused = controller.stage(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(reason), "{refused}");
        assert!(!refused.message().contains("canary"), "{refused}");
        assert!(authority.held().is_empty());
    }
}

#[tokio::test]
async fn an_agent_without_such_a_target_has_no_key_and_opens_nothing() {
    let scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    let array = "web".to_owned();
    let refused = controller
        .show_letter_key(said::ShowLetterKeyRequest { array })
        .await;
    let refused = refused.unwrap_err();
    assert!(
        refused.message().contains("kind = \"logon-session\""),
        "{refused}"
    );
    let keyset = keyset(1, &[(Role::Current, 3)]);
    let somebodys = keyroll::letter::LetterOpener::of([1; 32]).key();
    controller
        .stage(with_passwords(&keyset, &somebodys))
        .await
        .unwrap();
    for name in ["state/letters.key", "state/arrays/web.passwords"] {
        assert!(!scene.path(name).exists(), "{name}");
    }
}
