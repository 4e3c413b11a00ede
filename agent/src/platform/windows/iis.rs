//! `keyroll-agent iis`: the settings of IIS on which Kerberos for an array depends.
//!
//! The file is `applicationHost.config`. IIS reads it whenever it changes; others write it too.
//! So nobody else may write while it is edited, a copy is put where `appcmd restore backup` finds
//! it, and the new content takes the place of the old in one step, list and all.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::{ArgGroup, Subcommand, ValueEnum};
use keyroll::secret::SecretBytes;
use keyroll_proto::agent as said;
use keyroll_windows::files::replace_content;

use super::files::{NO_LINK, make_private_folder};
use super::lock::{once_free, once_replaced, told};
use super::process::system_root;
use crate::atomic_file::{self, Access};
use crate::command_line::say;
use crate::exit::Exit;
use crate::iis::pool::{Identity, set_identity};
use crate::iis::{Found, IisError, Pool, Section, Setting, read, set, text_of};
use crate::trouble::Trouble;

/// How long others may have it open to write.
const OTHERS: Duration = Duration::from_secs(10);
/// `FILE_SHARE_READ` and `FILE_SHARE_DELETE`: nobody else writes, and it may be replaced.
const NOBODY_WRITES: u32 = 1 | 4;
/// `GENERIC_WRITE` and `DELETE`.
const WRITE_AND_DELETE: u32 = 0x4001_0000;
/// `FILE_FLAG_DELETE_ON_CLOSE`.
const GONE_ONCE_CLOSED: u32 = 0x0400_0000;

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Show application pools and the accounts they run under, and how each site authenticates.
    #[command(after_help = "Examples:\n  keyroll-agent iis show")]
    Show,
    /// Set two settings of Windows authentication, or the account of an application pool; a copy of
    /// the file is kept before.
    #[command(
        group = ArgGroup::new("what").required(true).multiple(true)
            .args(["use_app_pool_credentials", "auth_persist_non_ntlm", "pool"]),
        after_help = "Examples:\n  keyroll-agent iis set --site \"Default Web Site\" \
        --use-app-pool-credentials false\n  \
        keyroll-agent iis set --auth-persist-non-ntlm true\n  \
        keyroll-agent iis set --pool Shop --identity NetworkService\n  \
        keyroll-agent iis set --pool Shop --identity SpecificUser --account 'CORP\\gmsa-shop$'"
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
        /// The application pool.
        #[arg(long, requires = "identity",
            conflicts_with_all = ["site", "use_app_pool_credentials", "auth_persist_non_ntlm"])]
        pool: Option<String>,
        /// What the pool runs as.
        #[arg(long, value_enum, ignore_case = true, requires = "pool")]
        identity: Option<IdentityType>,
        /// The group managed account, DOMAIN\name$, for SpecificUser.
        #[arg(long, requires = "identity")]
        account: Option<String>,
    },
}

/// `identityType`, in the words of IIS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum IdentityType {
    /// An account of the pool's own, on this machine alone.
    ApplicationPoolIdentity,
    /// NetworkService.
    NetworkService,
    /// LocalService.
    LocalService,
    /// LocalSystem.
    LocalSystem,
    /// A group managed account, which --account names.
    SpecificUser,
}

/// The account that two words on the command line are.
fn identity(of: IdentityType, account: Option<&String>) -> Result<Identity, Trouble> {
    let wrong = |what| Err(Trouble::new(Exit::Usage, what));
    match (of, account) {
        (IdentityType::ApplicationPoolIdentity, None) => Ok(Identity::OfPool),
        (IdentityType::NetworkService, None) => Ok(Identity::NetworkService),
        (IdentityType::LocalService, None) => Ok(Identity::LocalService),
        (IdentityType::LocalSystem, None) => Ok(Identity::LocalSystem),
        (IdentityType::SpecificUser, Some(account)) => {
            Identity::managed(account.clone()).or_else(wrong)
        }
        (IdentityType::SpecificUser, None) => wrong("SpecificUser wants --account".to_owned()),
        (_, Some(_)) => wrong("--account is for SpecificUser alone".to_owned()),
    }
}

/// Does it.
///
/// # Errors
/// [`Trouble`].
pub fn act(verb: &Verb) -> Result<Exit, Trouble> {
    let folder = folder();
    let file = config();
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
            pool,
            identity: of,
            account,
        } => {
            let credentials =
                use_app_pool_credentials.map(|to| (Setting::UseAppPoolCredentials, to));
            let persist = auth_persist_non_ntlm.map(|to| (Setting::AuthPersistNonNtlm, to));
            let wanted: Vec<_> = credentials.into_iter().chain(persist).collect();
            let identity = of.map(|of| identity(of, account.as_ref())).transpose()?;
            let changed = change(&file, &folder.join("backup"), |text| {
                match pool.as_deref().zip(identity.as_ref()) {
                    Some((pool, identity)) => set_identity(text, pool, identity),
                    None => set_all(text, site, &wanted),
                }
            })?;
            let Some(backup) = changed else {
                say("it is so already; nothing was changed");
                return Ok(Exit::Done);
            };
            let appcmd = folder.join("appcmd.exe");
            let appcmd = appcmd.display();
            match pool {
                Some(pool) => {
                    say("set; what the pool runs is as before until the pool is recycled:");
                    say(&format!("next: {appcmd} recycle apppool \"{pool}\""));
                }
                None => say("set; IIS takes it up by itself"),
            }
            say(&format!(
                "to take it back: {appcmd} restore backup {backup}"
            ));
        }
    }
    Ok(Exit::Done)
}

fn set_all(text: &str, site: &str, wanted: &[(Setting, bool)]) -> Result<String, IisError> {
    let mut edited = text.to_owned();
    for (setting, value) in wanted {
        edited = set(&edited, site, *setting, *value)?;
    }
    Ok(edited)
}

/// How IIS authenticates, as a controller is told; none where there is no IIS.
#[must_use]
pub fn iis_now() -> Option<said::Iis> {
    of_file(&config())
}

fn of_file(file: &Path) -> Option<said::Iis> {
    // Whoever writes it is not waited for: what it says then, the next look tells.
    let trouble = |why: String| said::Iis {
        trouble: format!("{}: {why}", file.display()),
        ..said::Iis::default()
    };
    let text = match super::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(trouble(error.to_string())),
        Ok(opened) => text_of(&opened).map_err(|error| error.to_string()),
    };
    let found = text.and_then(|text| read(&text).map_err(|error| error.to_string()));
    Some(found.map_or_else(trouble, |found| said::Iis {
        pools: found.pools.into_iter().map(pool).collect(),
        sites: found.sections.into_iter().map(site).collect(),
        trouble: String::new(),
    }))
}

fn pool(of: Pool) -> said::IisPool {
    said::IisPool {
        name: of.name,
        identity: of.identity,
        account: of.account,
        kept: false,
    }
}

fn site(of: Section) -> said::IisSite {
    said::IisSite {
        location: of.location,
        enabled: of.enabled,
        kernel_mode: of.kernel_mode,
        use_app_pool_credentials: of.use_app_pool_credentials,
        auth_persist_non_ntlm: of.auth_persist_non_ntlm,
    }
}

/// `C:\Windows\System32\inetsrv`.
fn folder() -> PathBuf {
    system_root().join("System32").join("inetsrv")
}

/// Where IIS keeps its configuration.
#[must_use]
pub fn config() -> PathBuf {
    folder().join("config").join("applicationHost.config")
}

/// Changes the file; returns the name of the backup, or none if nothing had to change.
fn change(
    file: &Path,
    backups: &Path,
    edit: impl FnOnce(&str) -> Result<String, IisError>,
) -> Result<Option<String>, Trouble> {
    let _turn = turn(file)?;
    let mut options = OpenOptions::new();
    let options = options
        .read(true)
        .share_mode(NOBODY_WRITES)
        .custom_flags(NO_LINK);
    let opened = once_free(Instant::now() + OTHERS, || options.open(file));
    let locked = opened.map_err(|error| failed("open", file, &told(error, "is writing it")))?;
    let text = text_of(&locked).map_err(|error| failed("read", file, &error))?;
    let edited = edit(&text).map_err(|error| unfit(file, &error))?;
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
    let before = text.clone();
    write(&backup.join("applicationHost.config"), text)?;
    let beside = |what: &str| file.with_file_name(format!("applicationHost.config.{name}.{what}"));
    let (new, old) = (beside("new"), beside("old"));
    write(&new, edited)?;
    // Its list and owner are those of the one that it replaces.
    let outcome = still(file, &before).and_then(|()| {
        once_replaced(Instant::now() + OTHERS, || {
            replace_content(&new, file, &old)
        })
    });
    let outcome = outcome.map_err(|error| {
        let trouble = failed("replace", file, &told(error, "has it open"));
        trouble.next(format!(
            "repeat it; were it damaged: appcmd restore backup {name}"
        ))
    });
    drop(locked);
    // If anything went so wrong that it is not there, each of these may be the one copy of it.
    for rest in [new, old]
        .iter()
        .filter(|rest| rest.exists() && file.exists())
    {
        atomic_file::wipe(rest).ok();
    }
    outcome.map(|()| Some(name))
}

/// Waits until no other run of this program changes the file. Who writes it otherwise is kept out
/// by having it open; another run opens it as this one does.
fn turn(file: &Path) -> Result<File, Trouble> {
    let lock = file.with_file_name("applicationHost.config.keyroll-lock");
    let mut options = OpenOptions::new();
    let options = options
        .create(true)
        .write(true)
        .access_mode(WRITE_AND_DELETE)
        .share_mode(0)
        .custom_flags(NO_LINK | GONE_ONCE_CLOSED);
    let opened = once_free(Instant::now() + OTHERS, || options.open(&lock));
    opened.map_err(|error| failed("lock", file, &told(error, "changes it")))
}

/// Refuses to go on if somebody has put another file in its place meanwhile: a rename passes by
/// whoever has the old one open.
fn still(file: &Path, before: &str) -> io::Result<()> {
    if text_of(&super::open(file)?)? == before {
        return Ok(());
    }
    Err(io::Error::other(
        "somebody has replaced it meanwhile; nothing was changed: repeat it",
    ))
}

fn look(file: &Path) -> Result<String, Trouble> {
    let opened = once_free(Instant::now() + OTHERS, || super::open(file));
    let opened = opened.map_err(|error| failed("open", file, &error))?;
    text_of(&opened).map_err(|error| failed("read", file, &error))
}

fn lines(found: &Found) -> Vec<String> {
    let pools = found
        .pools
        .iter()
        .map(|pool| format!("pool {}: {}", pool.name, pool.runs_as()));
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
        let edit = |text: &str| set_all(text, "Default Web Site", &wanted);
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
                change(file, backups, edit).unwrap().unwrap()
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
        // Somebody puts another in its place while it is edited: his is what stays.
        let meanwhile = |text: &str| {
            let other = config.join("other.config");
            fs::write(&other, text.replace("Shop", "Store")).unwrap();
            replace_content(&other, &file, &config.join("his.old")).unwrap();
            set_all(
                text,
                "Default Web Site",
                &[(Setting::AuthPersistNonNtlm, true)],
            )
        };
        let now = fs::read_to_string(&file).unwrap();
        let said = change(&file, &backups, meanwhile).unwrap_err().to_string();
        assert!(said.contains("somebody has replaced it"), "{said}");
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            now.replace("Shop", "Store")
        );
        fs::write(&file, now).unwrap();
        atomic_file::wipe(&config.join("his.old")).unwrap();
        // Again: nothing to do, no copy, nothing left beside it.
        let again = change(&file, &backups, edit).unwrap();
        assert_eq!(again, None);
        assert_eq!(fs::read_dir(&backups).unwrap().count(), 2);
        assert_eq!(fs::read_dir(&config).unwrap().count(), 1);
        // What a controller is told of it.
        let told = of_file(&file).unwrap();
        assert_eq!(told.trouble, "");
        assert_eq!(told.pools[1].account, r"CORP\WEB$");
        let is_it = |one: &&said::IisSite| one.location == "Default Web Site";
        let one = told.sites.iter().find(is_it).unwrap();
        assert_eq!(one.use_app_pool_credentials, Some(true));
        fs::write(config.join("other"), "<a/>").unwrap();
        let told = of_file(&config.join("other")).unwrap();
        assert!(told.trouble.contains("no configuration of IIS"), "{told:?}");
        let none = folder.path().join("none");
        assert_eq!(of_file(&none), None);
        let said = change(&none, &backups, edit).unwrap_err().to_string();
        assert!(said.contains("Web-Windows-Auth"), "{said}");
    }
}
