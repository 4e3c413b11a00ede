//! `keyroll-agent iis`: the settings of IIS on which Kerberos for an array depends.
//!
//! The file is `applicationHost.config`. IIS reads it whenever it changes; others write it too.
//! So nobody else may write while it is edited, a copy is put where `appcmd restore backup` finds
//! it, and the new content takes the place of the old in one step, list and all.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::{ArgGroup, Subcommand};
use keyroll::secret::SecretBytes;
use keyroll_windows::files::replace_content;

use super::files::{NO_LINK, make_private_folder};
use super::lock::{once_free, told};
use crate::atomic_file::{self, Access};
use crate::command_line::say;
use crate::exit::Exit;
use crate::iis::{Found, IisError, Setting, read, set};
use crate::trouble::Trouble;

/// How long others may have it open to write.
const OTHERS: Duration = Duration::from_secs(10);
/// `FILE_SHARE_READ` and `FILE_SHARE_DELETE`: nobody else writes, and it may be replaced.
const NOBODY_WRITES: u32 = 1 | 4;
/// No configuration is larger.
const MOST: u64 = 32 << 20;

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Show application pools and the accounts they run under, and how each site authenticates.
    #[command(after_help = "Examples:\n  keyroll-agent iis show")]
    Show,
    /// Set one of two settings of Windows authentication; a copy of the file is kept before.
    #[command(
        group = ArgGroup::new("what").required(true).multiple(true)
            .args(["use_app_pool_credentials", "auth_persist_non_ntlm"]),
        after_help = "Examples:\n  keyroll-agent iis set --site \"Default Web Site\" \
        --use-app-pool-credentials false\n  \
        keyroll-agent iis set --auth-persist-non-ntlm true"
    )]
    Set {
        /// The site, or a path below it; all of them if it is left out.
        #[arg(long, default_value = "")]
        site: String,
        /// Whether tickets are opened with the application pool's account (true), or in the
        /// machine's session, where a target of kind logon-session puts the array's (false).
        #[arg(long)]
        use_app_pool_credentials: Option<bool>,
        /// Whether a connection stays authenticated after its first request.
        #[arg(long)]
        auth_persist_non_ntlm: Option<bool>,
    },
}

/// Does it.
///
/// # Errors
/// [`Trouble`].
pub fn act(verb: &Verb) -> Result<Exit, Trouble> {
    let folder = folder();
    let file = folder.join("config").join("applicationHost.config");
    match verb {
        Verb::Show => {
            let text = look(&file)?;
            let found = read(&text).map_err(|error| unfit(&file, &error))?;
            lines(&found).iter().for_each(|line| say(line));
        }
        Verb::Set {
            site,
            use_app_pool_credentials,
            auth_persist_non_ntlm,
        } => {
            let credentials =
                use_app_pool_credentials.map(|to| (Setting::UseAppPoolCredentials, to));
            let persist = auth_persist_non_ntlm.map(|to| (Setting::AuthPersistNonNtlm, to));
            let wanted: Vec<_> = credentials.into_iter().chain(persist).collect();
            match change(&file, &folder.join("backup"), site, &wanted)? {
                Some(backup) => {
                    say("set; IIS takes it up by itself");
                    say(&format!("to take it back: appcmd restore backup {backup}"));
                }
                None => say("it is so already; nothing was changed"),
            }
        }
    }
    Ok(Exit::Done)
}

/// `C:\Windows\System32\inetsrv`.
fn folder() -> PathBuf {
    let windows = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    PathBuf::from(windows).join("System32").join("inetsrv")
}

/// Changes the file; returns the name of the backup, or none if nothing had to change.
fn change(
    file: &Path,
    backups: &Path,
    site: &str,
    wanted: &[(Setting, bool)],
) -> Result<Option<String>, Trouble> {
    let mut options = OpenOptions::new();
    let options = options
        .read(true)
        .share_mode(NOBODY_WRITES)
        .custom_flags(NO_LINK);
    let opened = once_free(Instant::now() + OTHERS, || options.open(file));
    let locked = opened.map_err(|error| failed("open", file, &told(error, "is writing it")))?;
    let text = text_of(&locked, file)?;
    let mut edited = text.clone();
    for (setting, value) in wanted {
        edited = set(&edited, site, *setting, *value).map_err(|error| unfit(file, &error))?;
    }
    if edited == text {
        return Ok(None);
    }
    let name = format!("keyroll-{}", Utc::now().format("%Y%m%dT%H%M%S%3fZ"));
    let backup = backups.join(&name);
    make_private_folder(&backup).map_err(|error| failed("make", &backup, &error))?;
    let write = |path: &Path, text: String| {
        atomic_file::replace(path, &SecretBytes::new(text.into_bytes()), &Access::PRIVATE)
            .map_err(|error| Trouble::of(Exit::CannotWrite, &error))
    };
    write(&backup.join("applicationHost.config"), text)?;
    let new = file.with_file_name(format!("applicationHost.config.{name}"));
    write(&new, edited)?;
    // Its list and owner are those of the one that it replaces.
    let outcome = once_free(Instant::now() + OTHERS, || replace_content(&new, file));
    outcome.map_err(|error| {
        atomic_file::wipe(&new).ok();
        failed("replace", file, &told(error, "has it open"))
    })?;
    drop(locked);
    Ok(Some(name))
}

fn look(file: &Path) -> Result<String, Trouble> {
    let opened = once_free(Instant::now() + OTHERS, || super::open(file));
    text_of(&opened.map_err(|error| failed("open", file, &error))?, file)
}

fn text_of(opened: &std::fs::File, file: &Path) -> Result<String, Trouble> {
    let mut text = String::new();
    let read = opened.take(MOST).read_to_string(&mut text);
    read.map_err(|error| failed("read", file, &error))?;
    Ok(text)
}

fn lines(found: &Found) -> Vec<String> {
    let pools = found.pools.iter().map(|pool| {
        let account = if pool.account.is_empty() {
            &pool.identity
        } else {
            &pool.account
        };
        format!("pool {}: {account}", pool.name)
    });
    let word =
        |value: Option<bool>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let sections = found.sections.iter().map(|section| {
        let site = if section.location.is_empty() {
            "(all)"
        } else {
            &section.location
        };
        format!(
            "site {site}: enabled {}, useKernelMode {}, useAppPoolCredentials {}, \
             authPersistNonNTLM {}",
            word(section.enabled),
            word(section.kernel_mode),
            word(section.use_app_pool_credentials),
            word(section.auth_persist_non_ntlm)
        )
    });
    pools.chain(sections).collect()
}

fn unfit(file: &Path, error: &IisError) -> Trouble {
    Trouble::new(Exit::Damaged, format!("{}: {error}", file.display()))
}

fn failed(doing: &str, file: &Path, error: &io::Error) -> Trouble {
    let trouble = Trouble::new(
        Exit::System,
        format!("cannot {doing} {}: {error}", file.display()),
    );
    match error.kind() {
        io::ErrorKind::NotFound => trouble.next("Install-WindowsFeature Web-Windows-Auth"),
        io::ErrorKind::PermissionDenied => trouble.next("repeat it as an administrator"),
        _ => trouble,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_setting_is_set_with_a_copy_kept_while_nobody_else_can_write() {
        let folder = tempfile::tempdir().unwrap();
        let (config, backups) = (folder.path().join("config"), folder.path().join("backup"));
        fs::create_dir(&config).unwrap();
        let file = config.join("applicationHost.config");
        let text = include_str!("../../iis/tests/applicationHost.config");
        fs::write(&file, text).unwrap();
        let wanted = [
            (Setting::UseAppPoolCredentials, true),
            (Setting::AuthPersistNonNtlm, false),
        ];
        // Somebody writes it, and is done after a while.
        let (says, waits) = std::sync::mpsc::channel();
        let writer = OpenOptions::new()
            .write(true)
            .share_mode(0)
            .open(&file)
            .unwrap();
        let name = std::thread::scope(|scope| {
            let (file, backups) = (&file, &backups);
            let changing = scope.spawn(move || {
                says.send(()).unwrap();
                change(file, backups, "Default Web Site", &wanted)
                    .unwrap()
                    .unwrap()
            });
            waits.recv().unwrap();
            assert!(!changing.is_finished());
            drop(writer);
            changing.join().unwrap()
        });
        let kept = backups.join(name).join("applicationHost.config");
        assert_eq!(fs::read_to_string(kept).unwrap(), text);
        let found = read(&fs::read_to_string(&file).unwrap()).unwrap();
        let site = found
            .sections
            .iter()
            .find(|one| one.location == "Default Web Site");
        let site = site.unwrap();
        assert_eq!(site.use_app_pool_credentials, Some(true));
        assert_eq!(site.auth_persist_non_ntlm, Some(false));
        assert!(lines(&found).contains(&r"pool Shop & More: CORP\WEB$".to_owned()));
        // Again: nothing to do, no copy, nothing left beside it.
        let again = change(&file, &backups, "Default Web Site", &wanted).unwrap();
        assert_eq!(again, None);
        assert_eq!(fs::read_dir(&backups).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&config).unwrap().count(), 1);
        let none = folder.path().join("none");
        let said = change(&none, &backups, "", &wanted)
            .unwrap_err()
            .to_string();
        assert!(said.contains("Web-Windows-Auth"), "{said}");
    }
}
