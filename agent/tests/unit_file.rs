//! The sandboxes that the services ship with, judged by systemd itself.

#![cfg(unix)]
#![allow(
    clippy::disallowed_types,
    reason = "a test may wait for a program to end"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Exposure in tenths, as `--threshold` takes it.
const PROMISED: [(&str, u8); 2] = [
    ("agent/systemd/keyroll-agent.service", 18),
    ("controller/systemd/keyroll-controller.service", 12),
];

fn unit(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn judged(path: &Path, threshold: u8) -> (bool, String) {
    let judgement = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={threshold}"))
        .arg(path)
        .output()
        .expect("systemd-analyze runs: it comes with the package systemd");
    let text = [judgement.stdout, judgement.stderr].concat();
    (
        judgement.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn r43_the_sandboxes_are_as_tight_as_promised() {
    for (path, threshold) in PROMISED {
        let (tight, text) = judged(&unit(path), threshold);
        assert!(
            tight,
            "{path} is more exposed than {threshold} tenths:\n{text}"
        );
    }
}

#[test]
fn the_judgement_bites() {
    let folder = tempfile::tempdir().unwrap();
    let loose = folder.path().join("loose.service");
    let text = std::fs::read_to_string(unit(PROMISED[0].0)).unwrap();
    std::fs::write(&loose, text.replace("ProtectSystem=strict\n", "")).unwrap();
    assert!(!judged(&loose, PROMISED[0].1).0);
}

#[test]
fn r11_no_core_is_left_and_the_watchdog_is_on() {
    for (path, _) in PROMISED {
        let text = std::fs::read_to_string(unit(path)).unwrap();
        for line in [
            "Type=notify",
            "LimitCORE=0",
            "LimitMEMLOCK=infinity",
            "MemorySwapMax=0",
            "WatchdogSec=30",
        ] {
            assert!(text.lines().any(|one| one == line), "{path} lacks {line}");
        }
    }
}
