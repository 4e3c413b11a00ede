//! What MIT, Heimdal, Java and `kerberos_keytab` read in a file, entry by entry and key by key.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::secret::SecretBytes;
use keyroll_tests::lab::{Lab, output, tests_folder};

use crate::write_keytab;

/// kvno, principal, key in hex.
pub type Seen = BTreeSet<(u32, String, String)>;

/// At the edges of every field that holds a kvno, and where readers differ.
const KVNOS: &[u32] = &[1, 2, 127, 128, 255, 256, 257, 300, 65_535, 65_536, 100_003];

pub fn everybody_reads_the_same_entries(lab: &Lab) -> Result<()> {
    let principals: Vec<Principal> = [
        "svc-web$@CORP.EXAMPLE",
        "HTTP/web.corp.example@CORP.EXAMPLE",
        "a/b/c@CORP.EXAMPLE",
    ]
    .iter()
    .map(|name| name.parse().context("a principal"))
    .collect::<Result<_>>()?;
    let enctypes = [
        Enctype::Aes256CtsHmacSha1,
        Enctype::Aes128CtsHmacSha1,
        Enctype::Aes256CtsHmacSha384,
        Enctype::Aes128CtsHmacSha256,
    ];
    let mut keys = Vec::new();
    for (&kvno, seed) in KVNOS.iter().zip(1u8..) {
        for (enctype, other) in enctypes.into_iter().zip(1u8..) {
            let bytes = vec![seed.wrapping_mul(16) ^ other; enctype.key_length()];
            keys.push((Kvno(kvno), Key::new(enctype, SecretBytes::new(bytes))?));
        }
    }
    let mut entries = Vec::new();
    for principal in &principals {
        entries.extend(keys.iter().map(|(kvno, key)| (principal, *kvno, key)));
    }
    let file = write_keytab(lab, "reads.keytab", &entries)?;
    let written: Seen = entries
        .iter()
        .map(|(principal, kvno, key)| (kvno.0, principal.to_string(), hex(key.expose())))
        .collect();
    ensure!(
        written.len() == 3 * 11 * 4,
        "the test's own keys are not all different"
    );
    for (who, seen) in [
        ("MIT", mit(&file)?),
        ("Heimdal", heimdal(&file)?),
        ("Java", java(&file, &principals)?),
        ("kerberos_keytab", kerberos_keytab(&file)?),
    ] {
        let missing: Vec<_> = written.difference(&seen).collect();
        let invented: Vec<_> = seen.difference(&written).collect();
        ensure!(
            seen == written,
            "{who} misses {missing:?} and has {invented:?} instead"
        );
    }
    Ok(())
}

/// `   1 principal (enctype)  (0xkey)`
pub fn mit(file: &str) -> Result<Seen> {
    let shown = output(Command::new("klist").args(["-k", "-K", "-e", file]))?;
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kvno, principal, .., key] = words[..] else {
            return None;
        };
        let key = key.strip_prefix("(0x")?.strip_suffix(')')?;
        Some((kvno.parse().ok()?, principal.to_owned(), key.to_owned()))
    };
    Ok(shown.lines().filter_map(entry).collect())
}

/// `1  enctype  principal  key`
pub fn heimdal(file: &str) -> Result<Seen> {
    let shown = output(heimdal_tool("ktutil.heimdal")?.args(["-k", file, "list", "--keys"]))?;
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kvno, _, principal, key, ..] = words[..] else {
            return None;
        };
        Some((kvno.parse().ok()?, principal.to_owned(), key.to_lowercase()))
    };
    Ok(shown.lines().filter_map(entry).collect())
}

/// The JDK's own parser, which its acceptors use.
fn java(file: &str, principals: &[Principal]) -> Result<Seen> {
    let mut command = Command::new("java");
    command
        .arg(tests_folder().join("interop/Keys.java"))
        .arg(file);
    command.args(principals.iter().map(ToString::to_string));
    let entry = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some((words.next()?.parse().ok()?, words.next()?, words.next()?))
    };
    Ok(output(&mut command)?.lines().filter_map(entry).collect())
}

fn kerberos_keytab(file: &str) -> Result<Seen> {
    let bytes = std::fs::read(file)?;
    let (_, keytab) = kerberos_keytab::Keytab::parse(&bytes)
        .map_err(|error| anyhow::anyhow!("kerberos_keytab reads nothing: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let entry = |entry: &kerberos_keytab::KeytabEntry| {
        let name: Vec<String> = entry.components.iter().map(|one| text(&one.data)).collect();
        let principal = format!("{}@{}", name.join("/"), text(&entry.realm.data));
        let kvno = entry.vno.unwrap_or(u32::from(entry.vno8));
        (kvno, principal, hex(&entry.key.keyvalue))
    };
    Ok(keytab.entries.iter().map(entry).collect())
}

/// Heimdal lies unpacked beside MIT; `tests/lab/packages` put it there.
pub fn heimdal_tool(name: &str) -> Result<Command> {
    let path = heimdal_folder()?.join("bin").join(name);
    ensure!(
        path.exists(),
        "{} is missing; run `make deps`",
        path.display()
    );
    Ok(Command::new(path))
}

/// Where.
pub fn heimdal_folder() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Ok(cache
        .or_else(home)
        .context("no home folder")?
        .join("keyroll-lab/heimdal"))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
