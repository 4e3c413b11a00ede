//! The agent's port as a controller meets it: a real agent on loopback, real mutual TLS, real
//! files. What it must refuse is tried with what an attacker would have: another node's
//! certificate, another authority's, none, an older TLS, an older controller's words.

mod site;

use std::time::Duration;

use keyroll_proto::agent as said;
use tonic::Code;

use site::{Site, keyset, nonce};

#[tokio::test]
async fn a_keyset_is_written_read_back_and_reported() {
    let site = Site::open("").await;
    let mut agent = site.controller().await;
    let reply = agent.stage(keyset(3, 5)).await.unwrap().into_inner();
    let inventory = reply.inventory.unwrap();
    assert_eq!((inventory.epoch, inventory.version), (3, 5));
    assert_eq!(inventory.node, "n1.corp.example");
    assert_eq!(inventory.targets[0].entries.len(), 1);
    assert!(!inventory.targets[0].drifted && inventory.targets[0].trouble.is_empty());
    // Another nonce, another fingerprint: an answer proves nothing to whoever overheard it.
    let again = agent.look(site::look([8; 32])).await.unwrap().into_inner();
    let print = |inventory: &said::Inventory| inventory.targets[0].entries[0].fingerprint.clone();
    assert_ne!(print(&again), print(&inventory));
    // A repetition is the same answer, not an error.
    agent.stage(keyset(3, 5)).await.unwrap();
}

#[tokio::test]
async fn what_comes_too_late_or_from_elsewhere_is_refused() {
    let site = Site::open("").await;
    let mut agent = site.controller().await;
    agent.stage(keyset(3, 5)).await.unwrap();
    let before = site.keytab();
    let mut refused = Vec::new();
    for (epoch, version) in [(2, 6), (3, 4), (4, 4)] {
        refused.push(agent.stage(keyset(epoch, version)).await.unwrap_err());
    }
    let admit = said::AdmitRequest {
        array: "web".into(),
        epoch: 2,
        required_version: 5,
        admitted: true,
        reason: String::new(),
    };
    refused.push(agent.admit(admit).await.unwrap_err());
    let wipe = said::WipeRequest {
        array: "web".into(),
        epoch: 2,
    };
    refused.push(agent.wipe(wipe).await.unwrap_err());
    for status in refused {
        assert_eq!(status.code(), Code::Aborted, "{status}");
        assert!(status.message().contains("older than"), "{status}");
    }
    let mut foreign = keyset(3, 9);
    foreign.keyset.as_mut().unwrap().array = "mail".into();
    assert_eq!(
        agent.stage(foreign).await.unwrap_err().code(),
        Code::NotFound
    );
    let look = said::LookRequest {
        array: "mail".into(),
        nonce: nonce(),
    };
    assert_eq!(agent.look(look).await.unwrap_err().code(), Code::NotFound);
    let mut short = keyset(3, 9);
    short.nonce.pop();
    assert_eq!(
        agent.stage(short).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(site.keytab(), before);
}

#[tokio::test]
async fn only_a_controller_of_this_authority_gets_in() {
    let site = Site::open("").await;
    let (own, foreign) = (&site.authority, site::Authority::new());
    let none = site.dial_with(None, site::TLS13).await;
    let node = own.certificate("keyroll://node/n2.corp.example");
    let operator = own.certificate("keyroll://operator/alice");
    let stranger = foreign.certificate("keyroll://controller");
    let nobody = own.certificate("https://controller");
    for (who, outcome) in [
        ("nobody", none),
        (
            "another node",
            site.dial_with(Some(node), site::TLS13).await,
        ),
        (
            "an operator",
            site.dial_with(Some(operator), site::TLS13).await,
        ),
        (
            "another authority's controller",
            site.dial_with(Some(stranger), site::TLS13).await,
        ),
        (
            "somebody else",
            site.dial_with(Some(nobody), site::TLS13).await,
        ),
    ] {
        assert!(outcome.is_err(), "{who} was let in");
    }
    let controller = own.certificate("keyroll://controller");
    let older = site.dial_with(Some(controller), site::TLS12).await;
    assert!(older.is_err(), "TLS 1.2 was spoken");
    // And the one who may.
    let controller = own.certificate("keyroll://controller");
    assert_eq!(site.dial_with(Some(controller), site::TLS13).await, Ok(()));
}

#[tokio::test]
async fn half_open_connections_do_not_shut_the_controller_out() {
    let site = Site::open("").await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(tokio::net::TcpStream::connect(site.port).await.unwrap());
    }
    let look = async { site.controller().await.look(site::look([1; 32])).await };
    tokio::time::timeout(Duration::from_secs(4), look)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_renewed_certificate_counts_at_once_and_a_foreign_one_never() {
    let site = Site::open("").await;
    let mut agent = site.controller().await;
    let first = site.shown_certificate().await;
    let ask = said::RequestCertificateRequest {};
    let csr = agent
        .request_certificate(ask)
        .await
        .unwrap()
        .into_inner()
        .csr;
    let install = |chain: Vec<u8>| said::InstallCertificateRequest {
        chain: vec![chain],
        authorities: vec![site.authority.der()],
    };
    let wrong = site.authority.sign(&csr, "keyroll://node/n2.corp.example");
    agent.install_certificate(install(wrong)).await.unwrap_err();
    assert_eq!(site.shown_certificate().await, first);
    let csr = agent
        .request_certificate(ask)
        .await
        .unwrap()
        .into_inner()
        .csr;
    let right = site.authority.sign(&csr, "keyroll://node/n1.corp.example");
    let reply = agent
        .install_certificate(install(right.clone()))
        .await
        .unwrap()
        .into_inner();
    assert!(reply.certificate_ends_unix > 0);
    assert_eq!(site.shown_certificate().await, right);
    // The connection from before the renewal goes on.
    agent.look(site::look([1; 32])).await.unwrap();
}

#[tokio::test]
async fn a_failing_hook_keeps_the_node_from_counting_until_it_succeeds() {
    let flag = tempfile::tempdir().unwrap();
    let mark = flag.path().join("fixed");
    let hook = format!(
        "[[array.hook]]\ncommand = ['/usr/bin/test', '-e', '{}']",
        mark.display()
    );
    let site = Site::open(&hook).await;
    let mut agent = site.controller().await;
    let status = agent.stage(keyset(1, 1)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status.message().contains("hook /usr/bin/test ended with"),
        "{status}"
    );
    let seen = agent.look(site::look([1; 32])).await.unwrap().into_inner();
    assert_eq!(
        seen.version, 0,
        "it counts as held though the services were not told"
    );
    std::fs::write(&mark, b"").unwrap();
    let reply = agent.stage(keyset(1, 1)).await.unwrap().into_inner();
    assert_eq!(reply.inventory.unwrap().version, 1);
}

#[tokio::test]
async fn health_follows_the_controller_and_the_files() {
    let site = Site::open("").await;
    let mut agent = site.controller().await;
    assert_eq!(site.ready().await.0, 503);
    agent.stage(keyset(1, 2)).await.unwrap();
    let (status, why) = site.ready().await;
    assert!(
        status == 503 && why.contains("not confirmed"),
        "{status} {why}"
    );
    let admit = |required_version, reason: &str| said::AdmitRequest {
        array: "web".into(),
        epoch: 1,
        required_version,
        admitted: reason.is_empty(),
        reason: reason.into(),
    };
    assert!(agent.admit(admit(2, "")).await.unwrap().into_inner().ready);
    assert_eq!(site.ready().await.0, 200);
    assert_eq!(site.agent_check().await, "up\n");
    let reply = agent.admit(admit(3, "")).await.unwrap().into_inner();
    assert!(
        !reply.ready && reply.reason.contains("behind"),
        "{}",
        reply.reason
    );
    agent.stage(keyset(1, 3)).await.unwrap();
    assert_eq!(site.ready().await.0, 200);
    agent.admit(admit(3, "quarantined by alice")).await.unwrap();
    assert!(
        site.agent_check()
            .await
            .starts_with("down #web: quarantined by alice")
    );
    agent.admit(admit(3, "")).await.unwrap();
    site.lose_the_keytab();
    agent.look(site::look([1; 32])).await.unwrap();
    assert_eq!(site.ready().await.0, 503, "it serves without its keys");
    // The same keyset again repairs the file and opens the gate.
    agent.stage(keyset(1, 3)).await.unwrap();
    assert_eq!(site.ready().await.0, 200);
}

#[tokio::test]
async fn a_wiped_array_leaves_no_key_and_no_readiness() {
    let site = Site::open("").await;
    let mut agent = site.controller().await;
    agent.stage(keyset(1, 1)).await.unwrap();
    let wipe = said::WipeRequest {
        array: "web".into(),
        epoch: 1,
    };
    let left = agent.wipe(wipe).await.unwrap().into_inner();
    assert!(left.targets.iter().all(|target| target.entries.is_empty()));
    assert_eq!((left.version, site.ready().await.0), (0, 503));
}

#[tokio::test]
async fn a_restart_remembers_what_was_accepted_and_closes_the_gate() {
    let site = Site::open("").await;
    site.controller().await.stage(keyset(3, 5)).await.unwrap();
    let first = site
        .controller()
        .await
        .look(site::look([1; 32]))
        .await
        .unwrap()
        .into_inner();
    let site = site.restart().await;
    let mut agent = site.controller().await;
    let after = agent.look(site::look([1; 32])).await.unwrap().into_inner();
    assert_eq!((after.epoch, after.version), (3, 5));
    assert_ne!(after.boot, first.boot);
    assert_eq!(site.ready().await.0, 503);
    assert_eq!(
        agent.stage(keyset(3, 4)).await.unwrap_err().code(),
        Code::Aborted
    );
}
