//! Only the right domain controller is spoken to, and its absence is not a refusal.

use std::time::{Duration, Instant};

use keyroll::kerberos::salt::AccountKind;
use keyroll::name::DcName;
use keyroll_controller::directory::{ActiveDirectory, Kdcs};
use keyroll_controller::ports::{Directory as _, PortError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::lab::{Lab, sight};

#[track_caller]
fn assert_refusal(outcome: Result<impl std::fmt::Debug, PortError>, wanted: &str) {
    match outcome {
        Err(PortError::Refused { why, .. }) if why.contains(wanted) => {}
        other => panic!("not refused for {wanted:?}: {other:?}"),
    }
}

pub async fn r34_an_unknown_ca_is_refused(lab: &'static Lab) {
    let (ca, key) = (lab.folder.join("other.pem"), lab.folder.join("other.key"));
    lab.run(&[
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=Lab CA",
        "-keyout",
        key.to_str().unwrap(),
        "-out",
        ca.to_str().unwrap(),
    ]);
    let mut settings = lab.controller_settings();
    settings.ca = vec![ca];
    let directory = ActiveDirectory::new(settings).unwrap();
    assert_refusal(directory.find(&lab.dc1, "svc-keyroll").await, "certificate");
}

pub async fn r34_another_host_name_is_refused(lab: &'static Lab) {
    // The domain's own name leads to a domain controller whose certificate does not have it.
    let dc: DcName = "corp.example".parse().unwrap();
    assert_refusal(
        lab.controller().find(&dc, "svc-keyroll").await,
        "certificate",
    );
}

pub async fn r34_plain_text_is_refused(lab: &'static Lab) {
    let listener = TcpListener::bind("127.0.0.1:636").await.unwrap();
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00")
            .await
            .unwrap();
        let mut seen = Vec::new();
        let _ = stream.read_to_end(&mut seen).await;
        seen
    });
    let dc: DcName = "localhost".parse().unwrap();
    assert_refusal(lab.controller().find(&dc, "svc-keyroll").await, "TLS");
    let password = std::fs::read(lab.folder.join("controller.password")).unwrap();
    let seen = seen.await.unwrap();
    assert!(!seen.windows(password.len()).any(|part| part == password));
}

pub async fn silence_is_no_refusal(lab: &'static Lab) {
    let mut settings = lab.controller_settings();
    settings.connect_timeout = Duration::from_secs(1);
    let directory = ActiveDirectory::new(settings.clone()).unwrap();
    let made = lab.make("reach", AccountKind::User).await;
    let kdcs = Kdcs::new(settings);
    // One host without these services, one name without a host, one without an address.
    for name in [
        "client.corp.example",
        "node9.corp.example",
        "nowhere.corp.example",
    ] {
        let dc: DcName = name.parse().unwrap();
        let began = Instant::now();
        let error = directory.find(&dc, "svc-keyroll").await.unwrap_err();
        assert!(matches!(error, PortError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
        let error = sight(&kdcs, &dc, &made, &[]).await.unwrap_err();
        assert!(matches!(error, PortError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{:?}",
            began.elapsed()
        );
    }
}

pub async fn a_wrong_bind_password_is_shown_once(lab: &'static Lab) {
    let made = lab.make("binder", AccountKind::User).await;
    let path = lab.folder.join("wrong.password");
    std::fs::write(&path, "Wrong-canary-1").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let settings = lab
        .config(&made.account.principal.name(), &path)
        .settings()
        .unwrap();
    let directory = ActiveDirectory::new(settings.clone()).unwrap();
    let kdcs = Kdcs::new(settings);
    // Without a limit nothing is counted.
    lab.run(&["lab-dc", "lockout", "10"]);
    let mut errors = String::new();
    for _ in 0..3 {
        let error = directory.find(&lab.dc1, "svc-keyroll").await.unwrap_err();
        assert!(matches!(error, PortError::Refused { .. }), "{error:?}");
        let other = sight(&kdcs, &lab.dc1, &made, &[]).await.unwrap_err();
        errors.push_str(&format!("{error:?} {other:?}"));
    }
    let count = lab.search("dc1", &made.account, "badPwdCount");
    lab.run(&["lab-dc", "lockout", "0"]);
    assert!(
        errors.contains("directory.bind") && !errors.contains("canary"),
        "{errors}"
    );
    // Once by LDAP and once by Kerberos.
    assert_eq!(count.as_deref(), Some("2"));
}

pub async fn domain_controllers_come_from_srv_records(lab: &'static Lab) {
    let found = lab.controller().domain_controllers().await.unwrap();
    assert_eq!(found, [lab.dc1.clone(), lab.dc2.clone()]);
}
