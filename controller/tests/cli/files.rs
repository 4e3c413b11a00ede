//! Files that verbs read and write.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tonic::Status;

use crate::fake::World;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_join_line_can_go_to_a_private_file() {
    let world = World::new();
    for form in ["table", "json"] {
        let name = format!("join-{form}");
        let ran = world
            .run(&format!("node add web n1 --join-file {name} -o {form}"))
            .exits(0);
        assert!(
            !ran.out.contains("TOKEN") && !ran.err.contains("TOKEN"),
            "{ran:?}"
        );
        let path = world.path(&name);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "keyroll-agent join TOKEN\n"
        );
        assert_eq!(mode(&path), 0o600);
    }
    // Never over another file.
    world
        .run("node add web n1 --join-file join-table")
        .exits(73);
    // No token was made for it either.
    assert_eq!(world.fake.knobs().asked.len(), 2);
}

#[test]
fn a_nodes_certificate_travels_by_file() {
    let world = World::new();
    world.file("n1.csr", "REQUEST");
    world
        .run("node add web n1 --csr n1.csr --certificate-out n1.crt")
        .exits(0);
    assert!(
        world.last_asked().contains("csr: [82, 69,"),
        "{}",
        world.last_asked()
    );
    assert_eq!(
        std::fs::read_to_string(world.path("n1.crt")).unwrap(),
        "CERTIFICATE"
    );
    assert_eq!(
        std::fs::read_to_string(world.path("ca.crt")).unwrap(),
        "AUTHORITIES"
    );
    world
        .run("node add web n1 --csr none.csr --certificate-out n1.crt")
        .exits(74);
    world
        .run("node add web n1 --csr n1.csr --certificate-out no/such/n1.crt")
        .exits(73);
}

#[test]
fn an_operators_key_is_made_here_and_kept_private() {
    let world = World::new();
    let ran = world
        .run("operator add anna --role operator --array web --lifetime 90d --yes")
        .exits(0);
    let key = std::fs::read_to_string(world.path("anna.key")).unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "no key");
    assert_eq!(mode(&world.path("anna.key")), 0o600);
    assert_eq!(
        std::fs::read_to_string(world.path("anna.crt")).unwrap(),
        "CERTIFICATE"
    );
    assert_eq!(
        std::fs::read_to_string(world.path("ca.crt")).unwrap(),
        "AUTHORITIES"
    );
    assert!(ran.err.contains("key = \"anna.key\""), "{ran:?}");
    let asked = world.last_asked();
    for part in [
        "role: \"operator\"",
        "arrays: [\"web\"]",
        "lifetime: 7776000",
        "csr: [48,",
    ] {
        assert!(asked.contains(part), "no {part} in {asked}");
    }
    // The key is never replaced, and no certificate is asked for then.
    world.run("operator add anna --role viewer --yes").exits(73);
    assert_eq!(
        std::fs::read_to_string(world.path("anna.key")).unwrap(),
        key
    );
    assert_eq!(world.fake.knobs().asked.len(), 1);
}

#[test]
fn no_key_is_left_behind_when_the_controller_refuses() {
    let world = World::new();
    world.fake.knobs().refusal = Some(Status::permission_denied("anna is no admin"));
    world.run("operator add anna --role admin --yes").exits(77);
    assert!(!world.path("anna.key").exists());
    world.run("operator add ../anna --role admin").exits(65);
}

#[test]
fn an_operator_there_is_gets_no_new_certificate_unasked() {
    let world = World::new();
    let ran = world.run("operator add anna --role viewer").exits(4);
    assert!(ran.err.contains("operator anna exists: admin"), "{ran:?}");
    assert!(!world.path("anna.key").exists());
    assert_eq!(world.fake.knobs().asked.len(), 1, "more than the list");
}

#[test]
fn a_request_that_the_operator_made_is_enough() {
    let world = World::new();
    world.file("ben.csr", "REQUEST");
    world
        .run("operator add ben --role viewer --csr ben.csr")
        .exits(0);
    assert!(!world.path("ben.key").exists() && world.path("ben.crt").exists());
}

#[test]
fn bad_secret_files_are_named() {
    let world = World::new();
    world.file("empty", "");
    world.file("two-lines", "a\nb\n");
    for (file, exit) in [("empty", 65), ("two-lines", 65), ("missing", 74)] {
        let line = format!("array adopt mail --account svc --password-file {file}");
        let ran = world.run(&line).exits(exit);
        assert!(ran.err.contains(file), "{ran:?}");
    }
    assert_eq!(world.fake.knobs().asked.len(), 0);
}

#[test]
fn a_backup_is_private_whole_and_never_replaces_a_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let ran = world.run("backup ./b --output json").exits(0);
    assert_eq!(ran.json()["file"], "./b");
    assert_eq!(
        (&ran.json()["bytes"], &ran.json()["epoch"]),
        (&5.into(), &3.into())
    );
    assert_eq!(std::fs::read(world.path("b")).unwrap(), b"hello");
    let mode = std::fs::metadata(world.path("b"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    world.run("backup ./b").exits(73);
    assert_eq!(
        world.fake.knobs().asked.len(),
        1,
        "nothing is taken for nothing"
    );
    let said = world.run("backup c").exits(0).out;
    assert!(said.contains("the sealing key is not in it"), "{said}");
}

#[test]
fn a_backup_that_was_cut_off_or_damaged_on_the_way_leaves_no_file() {
    let world = World::new();
    let mut parts = crate::samples::backup();
    let last = parts.pop().unwrap();
    world.fake.knobs().backup = Some(parts);
    let ran = world.run("backup b --output json").exits(75);
    assert!(ran.err.contains("backup-cut-off"), "{ran:?}");
    world.fake.knobs().backup = Some(vec![last]);
    let ran = world.run("backup b --output json").exits(75);
    assert!(ran.err.contains("backup-damaged"), "{ran:?}");
    let left = std::fs::read_dir(world.path("")).unwrap();
    let names: Vec<_> = left.map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["operator.sock"]);
}
