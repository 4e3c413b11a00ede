//! Passwords, accounts and enctypes are written; each refusal has its code.

use std::time::{Duration, Instant};

use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::policy::Method;
use keyroll::roll::{Answer, WhichKey};
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::ports::{Directory as _, NewAccount, PasswordWrite, PortError};

use crate::lab::{AES, Lab, assert_refused, log_in, password, sight};

const CONSTRAINT: u32 = 19;
const OLD_PASSWORD_WRONG: u32 = 0x56;
const POLICY: u32 = 0x52d;

pub async fn a_created_user_and_computer_can_log_in(lab: &'static Lab) {
    for kind in [AccountKind::User, AccountKind::Computer] {
        let made = lab.make("made", kind).await;
        let directory = lab.administrator();
        let state = directory.read(&lab.dc1, &made.account).await.unwrap();
        assert_eq!(state.supported_enctypes, Some(0x18));
        assert_eq!(state.fence.as_deref(), Some("fence-0"));
        assert!(!state.disabled && !state.password_expired, "{state:?}");
        assert_eq!(state.salt_source.kind, kind);
        let keys = made.keys(lab).await;
        log_in(&lab.kdcs(), &lab.dc1, &made, &keys).await.unwrap();

        let sam = made.account.principal.name();
        let again = NewAccount {
            sam_account_name: &sam,
            kind,
            container: None,
            password: &made.password,
            enctypes: &AES,
            fence: "fence-1",
        };
        let answer = directory.create(&lab.dc1, &again).await;
        assert!(
            matches!(answer, Answer::Refused { code: 68, .. }),
            "{answer:?}"
        );
        let elsewhere = NewAccount {
            container: Some("OU=none,DC=corp,DC=example"),
            ..again
        };
        let answer = directory.create(&lab.dc1, &elsewhere).await;
        assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
        let looked = directory.may_create(&lab.dc1, kind, elsewhere.container);
        let looked = looked.await;
        assert!(
            matches!(looked, Err(PortError::Missing { .. })),
            "{looked:?}"
        );
        directory.may_create(&lab.dc1, kind, None).await.unwrap();
    }
}

pub async fn a_change_needs_the_old_password(lab: &'static Lab) {
    // A computer's password may be changed at any age.
    let made = lab.make("change", AccountKind::Computer).await;
    let directory = lab.controller();
    let (wrong, new) = (password("wrong"), password("second"));
    let before = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(before.minimum_age_left, Duration::ZERO);
    let answer = made.change(&directory, &lab.dc1, &wrong, &new).await;
    assert_refused(&answer, (CONSTRAINT, Some(OLD_PASSWORD_WRONG)));
    // Nobody needs a right to change a password that they know.
    let answer = made
        .change(&directory, &lab.dc1, &made.password, &new)
        .await;
    assert_eq!(answer, Answer::Applied);
    let after = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(after.kvno, before.kvno.next());
    // The repetition of an applied change is refused, and changes nothing.
    let answer = made
        .change(&directory, &lab.dc1, &made.password, &new)
        .await;
    assert_refused(&answer, (CONSTRAINT, Some(OLD_PASSWORD_WRONG)));
    let again = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(again.kvno, after.kvno);
}

pub async fn a_user_password_is_too_young_to_change(lab: &'static Lab) {
    let mut made = lab.make("young", AccountKind::User).await;
    let directory = lab.administrator();
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    let left = state.minimum_age_left.as_secs();
    assert!((86_000..=86_400).contains(&left), "{left} s left");
    let answer = made
        .change(&directory, &lab.dc1, &made.password, &password("2"))
        .await;
    assert_refused(&answer, (CONSTRAINT, Some(POLICY)));
    // A reset may be at any age.
    assert_eq!(
        made.reset(&directory, &lab.dc1, password("3")).await,
        Answer::Applied
    );
}

pub async fn a_used_password_is_refused(lab: &'static Lab) {
    let (mut user, computer) = (
        lab.make("used", AccountKind::User).await,
        lab.make("used", AccountKind::Computer).await,
    );
    let directory = lab.administrator();
    let (first, second, third) = (password("first"), password("second"), password("third"));
    lab.run(&[
        "lab-dc",
        "samba-tool",
        "domain",
        "passwordsettings",
        "set",
        "--min-pwd-age=0",
    ]);
    let to_second = user.change(&directory, &lab.dc1, &first, &second).await;
    let back = user.change(&directory, &lab.dc1, &second, &first).await;
    let to_third = user.change(&directory, &lab.dc1, &second, &third).await;
    lab.run(&[
        "lab-dc",
        "samba-tool",
        "domain",
        "passwordsettings",
        "set",
        "--min-pwd-age=1",
    ]);
    assert_eq!((to_second, to_third), (Answer::Applied, Answer::Applied));
    assert_refused(&back, (CONSTRAINT, Some(POLICY)));
    // A reset looks at no history, and neither does the change of a computer's password.
    assert_eq!(
        user.reset(&directory, &lab.dc1, first.duplicate()).await,
        Answer::Applied
    );
    for (old, new) in [(&first, &second), (&second, &first)] {
        assert_eq!(
            computer.change(&directory, &lab.dc1, old, new).await,
            Answer::Applied
        );
    }
}

pub async fn a_stale_fence_is_refused(lab: &'static Lab) {
    let mut made = lab.make("fence", AccountKind::User).await;
    let directory = lab.administrator();
    let kvno = || async { directory.read(&lab.dc1, &made.account).await.unwrap().kvno };
    let before = kvno().await;
    let new = password("second");
    for (stale, code) in [(Some("fence-stale"), 16), (None, 20)] {
        let write = PasswordWrite {
            account: &made.account,
            old: None,
            new: &new,
            method: Method::FencedReset,
            fence: (stale, "fence-1"),
        };
        let answer = directory.write_password(&lab.dc1, &write).await;
        let Answer::Refused { code: found, .. } = answer else {
            panic!("a reset from fence {stale:?} was not refused: {answer:?}");
        };
        assert_eq!(found, code);
    }
    assert_eq!(kvno().await, before);
    assert_eq!(made.reset(&directory, &lab.dc1, new).await, Answer::Applied);
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!((state.kvno, state.fence), (before.next(), Some(made.fence)));
}

pub async fn nothing_is_written_to_a_protected_account(lab: &'static Lab) {
    let mut made = lab.make("guarded", AccountKind::User).await;
    let directory = lab.administrator();
    lab.put("dc1", &made, "replace: adminCount\nadminCount: 1");
    let before = directory.read(&lab.dc1, &made.account).await.unwrap();
    let answer = made.reset(&directory, &lab.dc1, password("second")).await;
    assert!(
        matches!(&answer, Answer::Refused { text, .. } if text.contains("adminCount is 1")),
        "{answer:?}"
    );
    let spn = "HTTP/guarded.corp.example";
    let refused = directory.add_spn(&lab.dc1, &made.account, spn).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("it is protected"), "{refused}");
    let one = [Enctype::Aes128CtsHmacSha1];
    let refused = directory.set_enctypes(&lab.dc1, &made.account, &one).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("it is protected"), "{refused}");
    let after = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(
        (before.kvno, before.supported_enctypes, before.spns),
        (after.kvno, after.supported_enctypes, after.spns)
    );
}

pub async fn a_frozen_domain_controller_leaves_a_write_unanswered(lab: &'static Lab) {
    let mut made = lab.make("silent", AccountKind::User).await;
    lab.replicate();
    let mut config = lab.config("Administrator", &lab.folder.join("admin.password"));
    config.write_timeout_seconds = 2;
    let directory = ActiveDirectory::new(config.settings().unwrap()).unwrap();
    directory.read(&lab.dc2, &made.account).await.unwrap();
    let base = made.keys(lab).await;
    let pid = std::fs::read_to_string(lab.folder.join("dc2/samba.pid")).unwrap();
    let group = format!("-{}", pid.trim());

    // It accepts connections and answers nothing. What happens when the line dies between the
    // probe and the answer to the write itself is shown in src/directory/connection/tests.rs.
    lab.run(&["kill", "-STOP", "--", &group]);
    let began = Instant::now();
    let answer = made.reset(&directory, &lab.dc2, password("second")).await;
    lab.run(&["kill", "-CONT", "--", &group]);
    assert!(matches!(answer, Answer::Unanswered { .. }), "{answer:?}");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );

    // What was not sent is not applied; the same controller goes on over a new connection.
    let seen = sight(&lab.kdcs(), &lab.dc2, &made, &[(WhichKey::Base, &base)])
        .await
        .unwrap();
    assert_eq!(seen.key, WhichKey::Base);
    let answer = made.reset(&directory, &lab.dc2, password("third")).await;
    assert_eq!(answer, Answer::Applied);
}

pub async fn enctypes_are_set_and_other_bits_stay(lab: &'static Lab) {
    let made = lab.make("enctypes", AccountKind::User).await;
    let directory = lab.administrator();
    // Bit 5 asks for AES session keys; it names no kind of long-term key.
    lab.put(
        "dc1",
        &made,
        "replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 36",
    );
    directory
        .set_enctypes(&lab.dc1, &made.account, &AES)
        .await
        .unwrap();
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(state.supported_enctypes, Some(0x38));
    let only = [Enctype::Aes256CtsHmacSha1];
    directory
        .set_enctypes(&lab.dc1, &made.account, &only)
        .await
        .unwrap();
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    assert_eq!(state.supported_enctypes, Some(0x30));
    let refused = lab
        .controller()
        .set_enctypes(&lab.dc1, &made.account, &AES)
        .await;
    assert!(
        matches!(refused, Err(PortError::Refused { .. })),
        "{refused:?}"
    );
}
