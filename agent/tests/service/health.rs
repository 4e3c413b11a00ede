//! What balancers are told.

use std::time::Duration;

use keyroll::keyset::Role;
use keyroll_agent::config::Config;
use keyroll_agent::gate::Readiness;
use keyroll_agent::node::Node;
use keyroll_agent::platform;

use crate::scene::{Scene, admit, converse, keyset, look, stage, wipe};

const ONE: [(Role, u32); 1] = [(Role::Current, 7)];

#[tokio::test]
async fn a_node_is_ready_from_its_admission_until_a_reason_against_it() {
    let mut scene = Scene::plain().await;
    let (status, why) = scene.ready("/ready").await;
    assert_eq!(status, 503);
    assert!(
        why.contains("web: the controller has not confirmed"),
        "{why}"
    );
    assert_eq!(scene.ready("/live").await, (200, "alive".to_owned()));

    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 4, &ONE))).await.unwrap();
    assert_eq!(scene.ready("/ready").await.0, 503, "staged is not admitted");
    let reply = controller.admit(admit(1, 4, "")).await.unwrap();
    assert!(reply.into_inner().ready);
    assert_eq!(scene.ready("/ready").await, (200, "ready".to_owned()));
    assert_eq!(scene.ready("/ready/web").await.0, 200);
    assert_eq!(scene.ready("/ready/crm").await.0, 503);
    assert_eq!(scene.ready("/ready/%00").await.0, 404);
    assert_eq!(scene.ready("/").await.0, 404);

    let quarantine = admit(1, 4, "quarantined by alice:\nhardware");
    controller.admit(quarantine).await.unwrap();
    let told = (503, "web: quarantined by alice: hardware".to_owned());
    assert_eq!(scene.ready("/ready").await, told);

    controller.admit(admit(1, 5, "")).await.unwrap();
    let (status, why) = scene.ready("/ready").await;
    assert!(
        status == 503 && why.contains("holds version 4, 5 is required"),
        "{why}"
    );
    controller.stage(stage(keyset(1, 5, &ONE))).await.unwrap();
    assert_eq!(scene.ready("/ready").await.0, 200);

    // The controller goes away, and the node serves on; after a restart it must be asked again.
    drop(controller);
    assert_eq!(scene.ready("/ready").await.0, 200);
    scene.restart().await;
    assert_eq!(scene.ready("/ready").await.0, 503);
}

#[tokio::test]
async fn lost_changed_and_opened_keytabs_close_the_gate_until_they_are_repaired() {
    let scene = Scene::plain().await;
    let path = scene.path("web.keytab");
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &ONE))).await.unwrap();
    controller.admit(admit(1, 1, "")).await.unwrap();
    let lose = || std::fs::remove_file(&path).unwrap();
    let change = || std::fs::write(&path, super::keysets::foreign_keytab()).unwrap();
    let damage = || std::fs::write(&path, b"\x05\x02\x7f").unwrap();
    let open = || {
        // Made anew, it is for whoever may look into its folder.
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .unwrap();
    };
    let faults: [(&str, &dyn Fn()); 4] = [
        ("lost", &lose),
        ("changed", &change),
        ("damaged", &damage),
        ("opened", &open),
    ];
    for (name, harm) in faults {
        assert_eq!(scene.ready("/ready").await.0, 200);
        harm();
        let found = controller.look(look("web")).await.unwrap().into_inner();
        assert!(!found.ready, "{name}");
        let target = &found.targets[0];
        assert!(target.drifted, "{name}");
        let (status, why) = scene.ready("/ready").await;
        assert_eq!(status, 503);
        assert!(why.contains("web.keytab"), "{name}: {why}");
        controller.stage(stage(keyset(1, 1, &ONE))).await.unwrap();
        let access = platform::Access::default();
        assert!(!platform::is_open_to_others(&path, &access), "{name}");
    }
    assert_eq!(scene.ready("/ready").await.0, 200);
}

#[tokio::test]
async fn a_node_notices_lost_keys_by_itself() {
    let mut scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &ONE))).await.unwrap();
    controller.admit(admit(1, 1, "")).await.unwrap();
    std::fs::remove_file(scene.path("web.keytab")).unwrap();
    drop(controller);
    scene.stop().await;
    let node = Node::open(Config::read(&scene.path("agent.toml")).unwrap()).unwrap();
    let array = "web".parse().unwrap();
    node.gates()
        .admit(&array, Ok(()), keyroll::fence::Version(1));
    assert_eq!(node.gates().all(), Readiness::Ready);
    node.inspect(&array, &[0; 32]).await.unwrap();
    assert!(matches!(node.gates().all(), Readiness::NotReady(why) if why.contains("web.keytab")));
}

#[tokio::test]
async fn only_a_verdict_counts_as_the_controllers_word() {
    use std::time::Instant;
    let mut scene = Scene::plain().await;
    scene.stop().await;
    let path = scene.path("agent.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, settings.replace("= 3600", "= 50")).unwrap();
    let node = Node::open(Config::read(&path).unwrap()).unwrap();
    let array = "web".parse().unwrap();
    let gates = node.gates();
    let keyset = || keyroll::keyset::Keyset::try_from(keyset(1, 1, &ONE)).unwrap();
    node.stage(keyset()).await.unwrap();
    let (epoch, version) = (keyset().epoch, keyset().version);
    node.admit(&array, epoch, Ok(()), version).await.unwrap();
    assert_eq!(gates.all(), Readiness::Ready);
    let ago = Duration::from_secs(51);
    gates.heard(&array, Instant::now().checked_sub(ago).unwrap());
    node.inspect(&array, &[0; 32]).await.unwrap();
    node.stage(keyset()).await.unwrap();
    assert!(matches!(gates.all(), Readiness::NotReady(why) if why.contains("no word")));
    node.admit(&array, epoch, Ok(()), version).await.unwrap();
    assert_eq!(gates.all(), Readiness::Ready);
}

#[tokio::test]
async fn haproxys_agent_check_is_told_in_one_line() {
    let scene = Scene::plain().await;
    let line = converse(scene.check, b"").await;
    assert!(
        line.starts_with("down #web: the controller has not"),
        "{line}"
    );
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &ONE))).await.unwrap();
    controller.admit(admit(1, 1, "")).await.unwrap();
    // With agent-send, too.
    assert_eq!(converse(scene.check, b"").await, "up\n");
    assert_eq!(converse(scene.check, b"node1\n").await, "up\n");
    assert_eq!(converse(scene.check, b"web\n").await, "up\n");
    controller.admit(admit(1, 1, "two\nlines")).await.unwrap();
    assert_eq!(converse(scene.check, b"").await, "down #web: two lines\n");
}

#[tokio::test]
async fn an_array_that_was_left_takes_no_other_one_down_even_after_a_restart() {
    let mut scene = Scene::with(
        "[[array.target]]\npath = '{folder}/web.keytab'\n[[array]]\nname = 'mail'\n\
         [[array.target]]\npath = '{folder}/mail.keytab'\n",
    )
    .await;
    let mut controller = scene.controller().await;
    let mut mail = keyset(1, 1, &ONE);
    mail.array = "mail".to_owned();
    let mut admit_mail = admit(1, 1, "");
    admit_mail.array = "mail".to_owned();
    controller.stage(stage(keyset(1, 1, &ONE))).await.unwrap();
    controller.admit(admit(1, 1, "")).await.unwrap();
    let line = converse(scene.check, b"web\n").await;
    assert_eq!(line, "up\n", "the other array is none of its business");
    assert!(
        converse(scene.check, b"mail\n")
            .await
            .starts_with("down #mail")
    );
    controller.stage(stage(mail)).await.unwrap();
    controller.admit(admit_mail.clone()).await.unwrap();
    assert_eq!(scene.ready("/ready").await.0, 200);
    controller.wipe(wipe(1)).await.unwrap();
    scene.restart().await;
    let mut controller = scene.controller().await;
    controller.admit(admit_mail).await.unwrap();
    assert_eq!(scene.ready("/ready").await.0, 200);
    assert_eq!(scene.ready("/ready/web").await.0, 503);
    assert_eq!(converse(scene.check, b"mail\n").await, "up\n");
    assert!(
        converse(scene.check, b"web\n")
            .await
            .starts_with("down #web: an operator")
    );
    // Taken back, it counts from its admission on.
    controller.stage(stage(keyset(1, 2, &ONE))).await.unwrap();
    assert_eq!(scene.ready("/ready").await.0, 200);
    assert_eq!(scene.ready("/ready/web").await.0, 503);
    controller.admit(admit(1, 2, "")).await.unwrap();
    assert_eq!(scene.ready("/ready/web").await.0, 200);
    controller.admit(admit(1, 2, "quarantined")).await.unwrap();
    assert_eq!(scene.ready("/ready").await.0, 503);
}

#[tokio::test]
async fn whoever_asks_badly_or_never_ends_keeps_nobody_waiting() {
    let scene = Scene::plain().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        for port in [scene.http, scene.check] {
            idle.push(tokio::net::TcpStream::connect(port).await.unwrap());
        }
    }
    assert!(converse(scene.check, b"").await.starts_with("down #"));
    assert_eq!(scene.ready("/live").await, (200, "alive".to_owned()));
    let answer = converse(scene.http, b"POST /ready HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    let answer = converse(scene.http, b"\x16\x03\x01\x00\x00 not http\r\n\r\n").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_controller_that_has_forgotten_a_keyset_shuts_no_gate() {
    let scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 4, &ONE))).await.unwrap();
    controller.admit(admit(1, 4, "")).await.unwrap();
    // From a backup of before keyset 4; its epoch is higher, since it was started since.
    let refused = controller
        .admit(admit(2, 3, "it holds keyset 4"))
        .await
        .unwrap_err();
    assert!(
        refused
            .message()
            .contains("version 3 is older than version 4"),
        "{refused}"
    );
    assert_eq!(scene.ready("/ready/web").await.0, 200);
    controller.admit(admit(1, 4, "")).await.unwrap();
}
