//! Looking for secrets where they must not be: in files, in command lines, in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use memchr::memmem;

/// Secrets in every spelling in which they could leak.
#[derive(Debug, Default)]
pub struct Needles {
    spellings: Vec<(String, Vec<u8>)>,
}

impl Needles {
    /// Adds a secret: raw, as hex in both cases, as base64.
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        let small: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut add = |how: &str, bytes: Vec<u8>| {
            self.spellings.push((format!("{name} ({how})"), bytes));
        };
        add("hex", small.to_uppercase().into_bytes());
        add("hex", small.into_bytes());
        // Whatever stands before it shifts base64 by 0, 1 or 2 bytes; the middle stays the same.
        for shift in 0..3 {
            let padded = [&vec![0; shift], secret].concat();
            let text = base64(&padded);
            let whole = text.len() - text.len() % 4;
            add(
                "base64",
                text.as_bytes()[4..whole.saturating_sub(4)].to_vec(),
            );
        }
        let listed: Vec<String> = secret.iter().map(ToString::to_string).collect();
        add("as a list", listed.join(", ").into_bytes());
        add("raw", secret.to_vec());
    }

    /// Adds a text, also as the UTF-16 of LDAP's `unicodePwd`.
    pub fn add_text(&mut self, name: &str, text: &str) {
        self.add(name, text.as_bytes());
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.spellings.push((format!("{name} (UTF-16)"), wide));
    }

    /// The names of those that occur.
    #[must_use]
    pub fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let there = |needle: &[u8]| memmem::find(hay, needle).is_some();
        let hits = self.spellings.iter().filter(|(_, bytes)| there(bytes));
        hits.map(|(name, _)| name.as_str()).collect()
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0u32, |word, &byte| word << 8 | u32::from(byte));
        let word = word << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(
                LETTERS[(word >> (18 - 6 * place)) as usize & 63],
            ));
        }
    }
    text
}

/// What was found where it must not be, by all tests of this process so far.
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Looks for the passwords in these files in all that was said and logged, and keeps what it finds
/// for [`no_leaks`]. So each error that any test meets is searched, whatever that test is about.
pub fn note_leaks(passwords: &[PathBuf], said: &[PathBuf]) {
    let mut leaks = LEAKS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut needles = Needles::default();
    for file in passwords {
        match fs::read_to_string(file) {
            // It is being written at this moment.
            Ok(text) if text.is_empty() => {}
            Ok(text) => needles.add_text(&file.display().to_string(), text.trim_end()),
            Err(error) => leaks.push(format!(
                "{} cannot be searched for: {error}",
                file.display()
            )),
        }
    }
    // What was not written is not searched.
    for (file, hay) in said
        .iter()
        .filter_map(|file| Some((file, fs::read(file).ok()?)))
    {
        let found = needles.found_in(&hay);
        leaks.extend(
            found
                .iter()
                .map(|name| format!("{} has {name}", file.display())),
        );
    }
}

/// That nothing was found since this was asked last.
///
/// # Errors
/// What was found.
pub fn no_leaks() -> Result<()> {
    let leaks = std::mem::take(&mut *LEAKS.lock().unwrap_or_else(PoisonError::into_inner));
    ensure!(leaks.is_empty(), "secrets were told: {leaks:?}");
    Ok(())
}

/// Every file below a folder, with its mode and content.
///
/// # Errors
/// One cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<(PathBuf, u32, Vec<u8>)>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        if about.is_dir() {
            files.extend(files_below(&path)?);
        } else if about.is_file() {
            files.push((
                path.clone(),
                about.permissions().mode() & 0o777,
                fs::read(&path)?,
            ));
        }
    }
    Ok(files)
}

/// Adds the command line and environment of every process to what was seen before.
pub fn note_processes(seen: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(processes) = fs::read_dir("/proc") else {
        return;
    };
    for process in processes.flatten() {
        for part in ["cmdline", "environ"] {
            let path = process.path().join(part);
            // Gone again, or no process.
            if let Ok(content) = fs::read(&path) {
                seen.insert(path.display().to_string(), content);
            }
        }
    }
}

/// Everything that a process has in memory which it can write to.
///
/// # Errors
/// Its memory cannot be read.
pub fn memory(process: u32) -> Result<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mut memory = File::open(format!("/proc/{process}/mem"))?;
    let mut all = Vec::new();
    for line in maps
        .lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(writable))
    {
        let range = line.split(' ').next().unwrap_or_default();
        let (start, end) = range.split_once('-').context("a line of maps")?;
        let (start, end) = (
            u64::from_str_radix(start, 16)?,
            u64::from_str_radix(end, 16)?,
        );
        memory.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        // Guard pages cannot be read, and it may be unmapped by now.
        drop(memory.by_ref().take(end - start).read_to_end(&mut part));
        all.append(&mut part);
    }
    Ok(all)
}

fn writable(rights: &str) -> bool {
    rights.starts_with("rw")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_a_password_in_an_error_of_any_test_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (password, log) = (
            folder.path().join("svc.password"),
            folder.path().join("log"),
        );
        fs::write(&password, "CANARY-7f3a9c\n").unwrap();
        fs::write(&log, "the account svc was refused").unwrap();
        let look = || note_leaks(std::slice::from_ref(&password), std::slice::from_ref(&log));
        look();
        no_leaks().unwrap();
        fs::write(&log, "error: \"CANARY-7f3a9c\" was refused").unwrap();
        look();
        let told = no_leaks().unwrap_err().to_string();
        assert!(
            told.contains("log has") && told.contains("svc.password"),
            "{told}"
        );
        no_leaks().unwrap();
    }

    #[test]
    fn every_spelling_is_found() {
        let mut needles = Needles::default();
        let secret = b"\x00\x01a secret of some length\xff\xfe";
        needles.add("key", secret);
        needles.add_text("password", "Passw0rd-of-some-length");
        let hex: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
        for hay in [
            [b"xx", &secret[..], b"yy"].concat(),
            format!("key={hex};").into_bytes(),
            base64(&[b"a", &secret[..]].concat()).into_bytes(),
            base64(&[b"bc", &secret[..], b"d"].concat()).into_bytes(),
            base64(secret).into_bytes(),
            format!("{secret:?}").into_bytes(),
            b"P\0a\0s\0s\0w\x000\0r\0d\0-\0o\0f\0-\0s\0o\0m\0e\0-\0l\0e\0n\0g\0t\0h\0".to_vec(),
        ] {
            assert!(
                !needles.found_in(&hay).is_empty(),
                "{:?}",
                String::from_utf8_lossy(&hay)
            );
        }
        assert!(
            needles
                .found_in(b"nothing of the kind, a secret of other length")
                .is_empty()
        );
    }

    #[test]
    fn base64_is_base64() {
        // RFC 4648, section 10; without padding.
        for (text, encoded) in [
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
