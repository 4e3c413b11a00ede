//! Others read a keytab while it is written: whatever they meet is a whole file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::secret::SecretBytes;
use keyroll_agent::atomic_file::Access;
use keyroll_agent::keytab_file::{Order, Target, prepare};
use keyroll_tests::lab::{Lab, output, tests_folder};
use keyroll_tests::wait::until;
use keyroll_tests::world::SOON;

use crate::reads::{Seen, heimdal, mit};
use crate::write_keytab;

const OURS: &str = "HTTP/web.corp.example@CORP.EXAMPLE";
const OTHERS: &str = "host/web.corp.example@CORP.EXAMPLE";
/// Of each kind of file.
const WRITES: u32 = 1_000;

/// A file that is replaced, and one that others' entries are in, which is edited where it lies.
pub fn r14_others_read_whole_files_while_they_are_written(lab: &Lab) -> Result<()> {
    let folder = lab.folder("interop")?;
    race(&folder, &folder.join("owned.keytab"), TargetKind::Owned)?;
    let other: Principal = OTHERS.parse()?;
    let shared = write_keytab(lab, "shared.keytab", &[(&other, Kvno(7), &key(7)?)])?;
    race(&folder, Path::new(&shared), TargetKind::Shared)
}

#[expect(clippy::print_stderr, reason = "the test program's own voice")]
fn race(folder: &Path, file: &Path, kind: TargetKind) -> Result<()> {
    let target = Target {
        path: file.to_owned(),
        filter: TargetFilter {
            kind,
            principals: None,
            enctypes: None,
        },
        access: Access::default(),
    };
    write(&target, 1)?;
    let mut wanted = vec![OURS];
    wanted.extend((kind == TargetKind::Shared).then_some(OTHERS));
    let signs = ["begun", "done"].map(|sign| folder.join(format!("{kind:?}.{sign}")));
    let (done, [begun, end]) = (AtomicBool::new(false), &signs);
    let path = file.to_str().context("the lab's folder is not UTF-8")?;
    let reads = thread::scope(|scope| -> Result<[u32; 3]> {
        let (wanted, done) = (&wanted, &done);
        let others = [("MIT", mit as Reads), ("Heimdal", heimdal as Reads)]
            .map(|(who, reads)| scope.spawn(move || read(who, reads, path, wanted, done)));
        let java = scope.spawn(|| java(path, &signs, wanted));
        // To start takes the JDK longer than all of it.
        let written = until("Java to read", SOON, || {
            ensure!(begun.exists(), "it has not");
            Ok(())
        })
        .and_then(|()| (2..=WRITES).try_for_each(|number| write(&target, number)));
        // Whatever came of it, nobody is left reading.
        done.store(true, Ordering::Relaxed);
        std::fs::write(end, "")?;
        let [mit, heimdal] = others.map(|reader| joined(reader.join()));
        let java = joined(java.join());
        written?;
        Ok([mit?, heimdal?, java?])
    })?;
    ensure!(reads.iter().all(|reads| *reads > 20), "{reads:?} reads");
    let [mit, heimdal, java] = reads;
    eprintln!("{kind:?}: {WRITES} writes, read by MIT {mit} times, Heimdal {heimdal}, Java {java}");
    Ok(())
}

fn joined(read: thread::Result<Result<u32>>) -> Result<u32> {
    read.unwrap_or_else(|_| bail!("a reader panicked"))
}

type Reads = fn(&str) -> Result<Seen>;

/// Reads until all is written; a file that the tool complains of is a failure of its own.
fn read(who: &str, reads: Reads, file: &str, wanted: &[&str], done: &AtomicBool) -> Result<u32> {
    let mut count = 0;
    while !done.load(Ordering::Relaxed) {
        let seen = reads(file).with_context(|| format!("{who}, read {count}"))?;
        for principal in wanted {
            let has = seen.iter().any(|(_, name, _)| name == principal);
            ensure!(has, "{who}, read {count}: no key of {principal}: {seen:?}");
        }
        count += 1;
    }
    Ok(count)
}

/// The JDK takes a file that it cannot read for one without keys.
fn java(file: &str, signs: &[PathBuf; 2], wanted: &[&str]) -> Result<u32> {
    let mut command = Command::new("java");
    command
        .arg("--add-opens=java.security.jgss/sun.security.krb5.internal.ktab=ALL-UNNAMED")
        .arg(tests_folder().join("interop/Watch.java"))
        .arg(file)
        .args(signs)
        .args(wanted);
    let said = output(&mut command)?;
    said.trim()
        .parse()
        .with_context(|| format!("Java: {}", said.lines().take(3).collect::<String>()))
}

/// What a roll's steps write, the kvno one higher each time.
fn write(target: &Target, number: u32) -> Result<()> {
    let generation = |role, kvno| -> Result<GenerationKeys> {
        Ok(GenerationKeys {
            role,
            kvno: Kvno(kvno),
            keys: vec![key(u8::try_from(kvno % 251)?)?],
            origin: None,
        })
    };
    let keyset = Keyset {
        array: "web".parse()?,
        epoch: Epoch(1),
        version: Version(u64::from(number)),
        principals: vec![OURS.parse()?],
        generations: vec![
            generation(Role::Current, number)?,
            generation(Role::Pending, number + 1)?,
        ],
        unlisted: Unlisted::Remove,
    };
    let order = Order {
        keyset: &keyset,
        scope: &keyset.principals,
        written: &[(target.path.clone(), Access::default())].into(),
        ours: &[target.path.clone()].into(),
        timestamp: 1,
    };
    Ok(prepare(std::slice::from_ref(target), order)?.commit()?)
}

fn key(byte: u8) -> Result<Key> {
    let enctype = Enctype::Aes256CtsHmacSha1;
    let secret = SecretBytes::new(vec![byte; enctype.key_length()]);
    Ok(Key::new(enctype, secret)?)
}
