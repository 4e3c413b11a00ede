use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::store::tests::{Scratch, array, scratch, seal};

fn config(folder: &Path) -> BackupConfig {
    BackupConfig {
        folder: folder.to_owned(),
        keep: 2,
        every_hours: 24,
        required: true,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn backups(scratch: &Scratch, folder: &Path) -> Arc<Backups> {
    Backups::new(Arc::clone(&scratch.store), Some(config(folder)))
}

fn keep_array(scratch: &Scratch, name: &str, stale: Option<&str>) {
    let mut array = array(name);
    array.stale = stale.map(str::to_owned);
    let kept: Result<(), StoreError> = scratch.store.write(|change| change.put_array(&array));
    kept.unwrap();
}

#[tokio::test]
async fn the_newest_are_kept_and_hold_what_was_durable() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    // Somebody's, another controller's, and what a killed process of ours has left.
    let prefix = scratch_prefix(&scratch, folder.path());
    for name in ["somebody's.backup", "keyroll-00000000-2026.backup"] {
        fs::write(folder.path().join(name), b"").unwrap();
    }
    fs::write(folder.path().join(format!("{prefix}1.part")), b"half").unwrap();
    let backups = backups(&scratch, folder.path());
    for name in ["web", "crm", "mail"] {
        keep_array(&scratch, name, None);
        backups.make().await.unwrap();
    }
    let files = files(folder.path());
    assert_eq!(files.len(), 4, "two of ours, two of others: {files:?}");
    let ours = |path: &&PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(&prefix)
    };
    let newest = files.iter().rfind(ours).unwrap();
    let mode = fs::metadata(newest).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let source = File::open(newest).unwrap();
    let (store, _) = Store::of_backup(source, newest, seal()).unwrap();
    assert_eq!(store.arrays().unwrap().len(), 3);
    assert_eq!(backups.alarm(), None);
}

fn scratch_prefix(scratch: &Scratch, folder: &Path) -> String {
    backups(scratch, folder).prefix().unwrap()
}

#[tokio::test]
async fn a_clock_that_was_ahead_costs_no_new_backup() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    let backups = backups(&scratch, folder.path());
    let prefix = backups.prefix().unwrap();
    for year in [2998, 2999] {
        let name = format!("{prefix}{year}0101T000000.000Z-0001.backup");
        fs::write(folder.path().join(name), b"").unwrap();
    }
    backups.make().await.unwrap();
    let sizes = files(folder.path());
    let sizes: Vec<u64> = sizes
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().any(|size| *size > 0), "the new one is gone");
}

#[tokio::test]
async fn a_store_that_was_put_back_drives_out_no_backup_of_later() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    keep_array(&scratch, "web", Some("n1 was given keyset 9"));
    let backups = backups(&scratch, folder.path());
    for _ in 0..4 {
        backups.make().await.unwrap();
    }
    assert_eq!(files(folder.path()).len(), 4);
    keep_array(&scratch, "web", None);
    backups.make().await.unwrap();
    assert_eq!(files(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_and_is_not_made() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    let missing = folder.path().join("not-mounted");
    let backups = backups(&scratch, &missing);
    let why = backups.make().await.unwrap_err();
    assert!(why.contains("not-mounted/keyroll-"), "{why}");
    let alarm = backups.alarm().unwrap();
    assert_eq!(alarm.grade, "critical");
    assert_eq!(alarm.object, missing.display().to_string());
    assert!(alarm.what.contains(&why), "{}", alarm.what);
    assert!(!missing.exists());
    fs::create_dir(&missing).unwrap();
    backups.make().await.unwrap();
    assert_eq!(backups.alarm(), None);
}

#[tokio::test]
async fn a_file_system_that_hangs_holds_nobody_up_for_ever() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    let mut backups = backups(&scratch, folder.path());
    Arc::get_mut(&mut backups).unwrap().limit = Duration::from_millis(1);
    // A write that does not come back has its turn for as long.
    let hangs = Arc::clone(&backups.turn).lock_owned().await;
    let why = backups.make().await.unwrap_err();
    assert!(why.contains("nothing was written"), "{why}");
    assert!(backups.alarm().unwrap().what.contains(&why));
    drop(hangs);
    Arc::get_mut(&mut backups).unwrap().limit = LIMIT;
    backups.make().await.unwrap();
    assert_eq!(backups.alarm(), None);
}

#[tokio::test]
async fn many_who_ask_at_once_share_few() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    let mut config = config(folder.path());
    config.keep = 1000;
    let backups = Backups::new(Arc::clone(&scratch.store), Some(config));
    let all = (0..100).map(|_| backups.make());
    for made in futures_util::future::join_all(all).await {
        made.unwrap();
    }
    let made = files(folder.path()).len();
    assert!((1..100).contains(&made), "{made} backups");
}

#[test]
fn a_process_that_starts_again_and_again_makes_no_new_one_each_time() {
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
    assert_eq!(rest(None, now, hour), Duration::ZERO);
    assert_eq!(rest(Some(now - 9 * hour), now, hour), Duration::ZERO);
    assert_eq!(rest(Some(now - hour / 4), now, hour), 3 * hour / 4);
    assert_eq!(rest(Some(now + hour), now, hour), Duration::ZERO);
}

#[tokio::test]
async fn the_newest_of_this_store_tells_how_old_it_is() {
    let (scratch, folder) = (scratch(), tempfile::tempdir().unwrap());
    let backups = backups(&scratch, folder.path());
    assert_eq!(backups.newest(folder.path()).unwrap(), None);
    backups.make().await.unwrap();
    let made = fs::metadata(&files(folder.path())[0]).unwrap();
    let newest = backups.newest(folder.path()).unwrap();
    assert_eq!(newest, Some(made.modified().unwrap()));
}

#[test]
fn the_sample_shows_the_defaults() {
    let sample = include_str!("../../keyroll-controller.toml");
    let (_, table) = sample.split_once("# [backup]\n").unwrap();
    let settings = table.lines().filter_map(|line| {
        let line = line.strip_prefix("# ")?;
        line.contains(" = ").then_some(line)
    });
    let settings = settings.collect::<Vec<_>>().join("\n");
    let shown: BackupConfig = toml::from_str(&settings).unwrap();
    assert_eq!(shown.check(), Ok(()));
    let least: BackupConfig = toml::from_str("folder = '/srv/backups/keyroll'").unwrap();
    assert_eq!(format!("{shown:?}"), format!("{least:?}"));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let good = config(Path::new("/srv/backups"));
    assert_eq!(good.check(), Ok(()));
    let folder = BackupConfig {
        folder: "backups".into(),
        ..good.clone()
    };
    let keep = BackupConfig {
        keep: 0,
        ..good.clone()
    };
    let hours = BackupConfig {
        every_hours: 0,
        ..good
    };
    for (bad, word) in [(folder, "folder"), (keep, "keep"), (hours, "every-hours")] {
        assert!(bad.check().unwrap_err().contains(word));
    }
}
