//! R40: what a release holds, as `make release` packs it; here with programs that are none.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ARCHIVE: &str = concat!(
    "keyroll-",
    env!("CARGO_PKG_VERSION"),
    "-x86_64-linux-gnu.tar.gz"
);

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A command that must succeed; what it prints.
fn ran(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

/// Three programs that carry a list of one package, and the bills of `listed`.
fn parts(folder: &Path, listed: &str) -> PathBuf {
    let parts = folder.join("parts");
    for sub in ["bin", "bills"] {
        std::fs::create_dir_all(parts.join(sub)).unwrap();
    }
    let section = folder.join("section");
    let list = r#"{"packages":[{"name":"tonic","version":"1.0.0"}]}"#;
    let deflate =
        "import sys, zlib; open(sys.argv[1], 'wb').write(zlib.compress(sys.argv[2].encode()))";
    ran(Command::new("python3")
        .args(["-c", deflate])
        .arg(&section)
        .arg(list));
    for program in ["keyroll", "keyroll-agent", "keyroll-controller"] {
        let add = format!(".dep-v0={}", section.display());
        let objcopy = &mut Command::new("objcopy");
        objcopy.args(["--add-section", &add, "/usr/bin/true"]);
        ran(objcopy.arg(parts.join("bin").join(program)));
    }
    let bill = serde_json::json!({
        "metadata": { "component": { "name": "keyroll-agent", "version": "0.1.0" } },
        "components": [{ "name": listed, "version": "1.0.0" }],
    });
    std::fs::write(parts.join("bills/keyroll-agent.cdx.json"), bill.to_string()).unwrap();
    parts
}

fn pack(parts: &Path, release: &Path, key: Option<&Path>) -> Output {
    let mut pack = Command::new(top().join("tests/release"));
    pack.arg("pack").args([parts, release]).env_remove("KEY");
    pack.envs(key.map(|key| ("KEY", key))).output().unwrap()
}

/// As docs/releasing.md tells an administrator to.
fn checked(release: &Path, signers: &Path) -> bool {
    let sums = std::fs::File::open(release.join("SHA256SUMS")).unwrap();
    let mut verify = Command::new("ssh-keygen");
    verify.args([
        "-Y",
        "verify",
        "-n",
        "keyroll-release",
        "-I",
        "release@keyroll",
    ]);
    verify
        .arg("-f")
        .arg(signers)
        .arg("-s")
        .arg(release.join("SHA256SUMS.sig"));
    let signed = verify.stdin(sums).output().unwrap().status.success();
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(release);
    signed && sums.output().unwrap().status.success()
}

#[test]
fn r40_a_release_is_signed_and_tells_what_it_is_made_of_and_from_what() {
    let folder = tempfile::tempdir().unwrap();
    let (key, signers) = (folder.path().join("key"), folder.path().join("signers"));
    let make = &mut Command::new("ssh-keygen");
    ran(make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    std::fs::write(&signers, format!("release@keyroll {public}")).unwrap();

    let release = folder.path().join("release");
    let done = pack(&parts(folder.path(), "tonic"), &release, Some(&key));
    assert!(done.status.success(), "{done:?}");
    assert!(checked(&release, &signers));
    let read = |file: &str| std::fs::read_to_string(release.join(file)).unwrap();
    let provenance: Value = serde_json::from_str(&read("provenance.json")).unwrap();
    assert_eq!(
        provenance["predicateType"],
        "https://slsa.dev/provenance/v1"
    );
    let commit = ran(Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(top()));
    let sources = &provenance["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(sources["digest"]["gitCommit"], commit.trim());
    // Its sum of the archive is the one that is signed.
    let subjects = provenance["subject"].as_array().unwrap();
    let archive = subjects.iter().find(|one| one["name"] == ARCHIVE).unwrap();
    let line = format!(
        "{}  {ARCHIVE}",
        archive["digest"]["sha256"].as_str().unwrap()
    );
    assert!(read("SHA256SUMS").lines().any(|one| one == line), "{line}");
    let listed = ran(Command::new("tar").arg("-tf").arg(release.join(ARCHIVE)));
    let inside = ARCHIVE.trim_end_matches(".tar.gz");
    for installed in [
        "bin/keyroll-controller",
        "systemd/keyroll-agent.service",
        "systemd/keyroll-controller.service",
        "settings/keyroll-agent.toml",
        "docs/man/keyroll.1",
        "LICENSE",
    ] {
        let wanted = format!("{inside}/{installed}");
        assert!(listed.lines().any(|one| one == wanted), "{wanted}");
    }

    for changed in [ARCHIVE, "provenance.json", "SHA256SUMS"] {
        let before = std::fs::read(release.join(changed)).unwrap();
        std::fs::write(release.join(changed), [&before[..], b"x"].concat()).unwrap();
        assert!(!checked(&release, &signers), "{changed}: nobody notices");
        std::fs::write(release.join(changed), before).unwrap();
    }
}

#[test]
fn r40_the_same_parts_make_the_same_archive_and_what_no_bill_lists_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let parts = parts(folder.path(), "tonic");
    let archives = ["one", "two"].map(|name| {
        let release = folder.path().join(name);
        let done = pack(&parts, &release, None);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success() && said.contains("not signed"),
            "{done:?}"
        );
        std::fs::read(release.join(ARCHIVE)).unwrap()
    });
    assert!(archives[0] == archives[1], "two archives differ");

    let refused = |why: &str| {
        let done = pack(&parts, &folder.path().join("none"), None);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(why), "{done:?}");
        assert!(!folder.path().join("none/SHA256SUMS").exists());
    };
    std::fs::copy("/usr/bin/true", parts.join("bin/keyroll")).unwrap();
    refused("does not carry its bill");
    self::parts(folder.path(), "axum");
    refused("[('tonic', '1.0.0')]");
}
