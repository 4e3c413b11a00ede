//! How IIS authenticates by Kerberos, as its `applicationHost.config` says: read, and two of its
//! settings and the account of an application pool set. Everything else of the file stays as it
//! is, byte for byte.
//!
//! Passwords of application pools stand in it encrypted by a provider of IIS's own; they are not
//! written here, and of what is read only whether it changes is told (docs/decisions/0021). One
//! that a pool needs no more goes.

mod element;
pub mod pool;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::platform;
use element::{Element, elements};

/// Where the section stands, within `configuration` or one of its `location`s.
const SECTION: [&str; 4] = [
    "system.webServer",
    "security",
    "authentication",
    "windowsAuthentication",
];
/// The `identityType` of a pool that runs under an account of its own.
const SPECIFIC: &str = "SpecificUser";
/// Where application pools stand.
const POOL: [&str; 4] = [
    "configuration",
    "system.applicationHost",
    "applicationPools",
    "add",
];

/// What pools have that do not say it themselves.
const DEFAULTS: [&str; 5] = [
    "configuration",
    "system.applicationHost",
    "applicationPools",
    "applicationPoolDefaults",
    "processModel",
];

/// No configuration is larger.
const MOST: u64 = 32 << 20;

/// What a text in UTF-8 may begin with.
const MARK: char = '\u{feff}';

/// A setting of the section that is set here (IIS configuration reference,
/// `system.webServer/security/authentication/windowsAuthentication`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub enum Setting {
    /// Whether tickets are opened with the application pool's account, not with the machine's
    /// session.
    #[strum(serialize = "useAppPoolCredentials")]
    UseAppPoolCredentials,
    /// Whether a connection stays authenticated by Kerberos after its first request.
    #[strum(serialize = "authPersistNonNTLM")]
    AuthPersistNonNtlm,
}

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The application pools.
    pub pools: Vec<Pool>,
    /// The section, at each place that has one.
    pub sections: Vec<Section>,
}

/// An application pool.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// `identityType`: that of `applicationPoolDefaults`, or `ApplicationPoolIdentity`, unless it
    /// says otherwise.
    pub identity: String,
    /// The account, if it runs under one of its own.
    pub account: String,
    /// What it has of that account's password.
    pub password: Stored,
}

impl Pool {
    /// What it runs as: its account, or the name of an identity of the machine's own.
    #[must_use]
    pub fn runs_as(&self) -> &str {
        if self.account.is_empty() {
            &self.identity
        } else {
            &self.account
        }
    }
}

/// A password in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stored {
    /// There is none.
    #[default]
    Nothing,
    /// It stands there as it is.
    Clear,
    /// It is encrypted: SHA-256 of that, hexadecimal.
    Encrypted(String),
}

impl Stored {
    fn of(text: &str) -> Self {
        // `[enc:PROVIDER:…:enc]`
        if text.is_empty() {
            return Self::Nothing;
        } else if !text.starts_with("[enc:") {
            return Self::Clear;
        }
        let digest = Sha256::digest(text);
        Self::Encrypted(digest.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").ok();
            hex
        }))
    }
}

/// Windows authentication of one place; what is not said there comes from above.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// The site or path; empty for all.
    pub location: String,
    /// Whether it is on.
    pub enabled: Option<bool>,
    /// Whether HTTP.SYS authenticates, in the machine's session.
    pub kernel_mode: Option<bool>,
    /// [`Setting::UseAppPoolCredentials`].
    pub use_app_pool_credentials: Option<bool>,
    /// [`Setting::AuthPersistNonNtlm`].
    pub auth_persist_non_ntlm: Option<bool>,
}

/// Why the file is not read, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum IisError {
    /// It is no XML.
    #[error("it is no XML: {0}")]
    Syntax(#[from] quick_xml::Error),
    /// An attribute of it is none.
    #[error("it is no XML: {0}")]
    Attribute(#[from] quick_xml::events::attributes::AttrError),
    /// It has no `configuration`.
    #[error("it has no element configuration, so it is no configuration of IIS")]
    Other,
    /// There is no such application pool.
    #[error("there is no application pool {0}; next: keyroll-agent iis show")]
    NoPool(String),
    /// There is no place for the section.
    #[error(
        "<{0}/> of this location stands in one tag; next: write it as <{0}></{0}>, and repeat this"
    )]
    Closed(String),
    /// The edit did not do what it should.
    #[error("what was edited does not say what it should; nothing was changed")]
    NotHeld,
}

/// The text of the file at `path`.
///
/// # Errors
/// The system's.
pub fn load(path: &Path) -> io::Result<String> {
    text_of(&platform::open(path)?)
}

/// The text of a file that is open.
///
/// # Errors
/// The system's.
pub fn text_of(opened: &File) -> io::Result<String> {
    let mut text = String::new();
    opened.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// What the file says.
///
/// # Errors
/// [`IisError`], if it is not one of IIS.
pub fn read(text: &str) -> Result<Found, IisError> {
    let mut found = Found::default();
    let mut defaults = Pool {
        identity: "ApplicationPoolIdentity".to_owned(),
        ..Pool::default()
    };
    for element in elements(text.strip_prefix(MARK).unwrap_or(text))? {
        if element.is_part(SECTION.len(), &element.location) {
            found.sections.push(Section {
                location: element.location.clone(),
                enabled: element.truth("enabled"),
                kernel_mode: element.truth("useKernelMode"),
                use_app_pool_credentials: element.truth("useAppPoolCredentials"),
                auth_persist_non_ntlm: element.truth("authPersistNonNTLM"),
            });
        } else if element.path == POOL {
            found.pools.push(Pool {
                name: element.attribute("name").unwrap_or_default().to_owned(),
                ..Pool::default()
            });
        } else if element.path == DEFAULTS {
            take(&mut defaults, &element);
        } else if let (Some(pool), true) = (found.pools.last_mut(), is_of_pool(&element)) {
            take(pool, &element);
        }
    }
    // They may stand behind the pools.
    for pool in &mut found.pools {
        if pool.identity.is_empty() {
            defaults.identity.clone_into(&mut pool.identity);
        }
        if pool.identity != SPECIFIC {
            pool.account.clear();
            pool.password = Stored::Nothing;
            continue;
        }
        if pool.account.is_empty() {
            defaults.account.clone_into(&mut pool.account);
        }
        if pool.password == Stored::Nothing {
            pool.password = defaults.password.clone();
        }
    }
    Ok(found)
}

/// Takes what a `processModel` says of the account and its password.
fn take(pool: &mut Pool, element: &Element) {
    let Pool {
        identity, account, ..
    } = pool;
    for (name, to) in [("identityType", identity), ("userName", account)] {
        if let Some(value) = element.attribute(name) {
            value.clone_into(to);
        }
    }
    if let Some(password) = element.attribute("password") {
        pool.password = Stored::of(password);
    }
}

fn is_of_pool(element: &Element) -> bool {
    let within = element
        .path
        .strip_prefix(POOL.map(str::to_owned).as_slice());
    within.is_some_and(|rest| rest == ["processModel"])
}

/// The file with `setting` at `location` (a site, `Default Web Site`, or a path below it; empty for
/// all); everything else is as it was.
///
/// # Errors
/// [`IisError`].
pub fn set(text: &str, location: &str, setting: Setting, value: bool) -> Result<String, IisError> {
    if let Some(text) = text.strip_prefix(MARK) {
        return set(text, location, setting, value).map(|edited| format!("{MARK}{edited}"));
    }
    let name: &str = setting.into();
    let all = elements(text)?;
    let deepest = (0..=SECTION.len()).rev().find_map(|depth| {
        let element = all.iter().find(|one| one.is_part(depth, location))?;
        Some((depth, element))
    });
    let line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (place, new) = match deepest {
        Some((depth, section)) if depth == SECTION.len() => {
            section.with_attribute(name, &value.to_string())
        }
        Some((_, around)) if around.is_empty => {
            let name = around.path.last().cloned().unwrap_or_default();
            return Err(IisError::Closed(if around.is_location {
                "location".to_owned()
            } else {
                name
            }));
        }
        Some((depth, around)) => {
            let indent = depth + usize::from(!location.is_empty()) + 1;
            let place = around.tag.end..around.tag.end;
            (
                place,
                format!(
                    "{line}{}",
                    block(&SECTION[depth..], indent, name, value, line)
                ),
            )
        }
        None => {
            let root = all
                .iter()
                .find(|one| one.path == ["configuration"] && !one.is_location);
            let root = root.ok_or(IisError::Other)?;
            if root.is_empty {
                return Err(IisError::Closed("configuration".to_owned()));
            }
            let escaped = quick_xml::escape::escape(location);
            let inner = block(&SECTION, 2, name, value, line);
            let new = format!(
                "    <location path=\"{escaped}\">{line}{inner}{line}    </location>{line}"
            );
            (root.ends..root.ends, new)
        }
    };
    let mut edited = text.to_owned();
    edited.replace_range(place, &new);
    let holds = read(&edited)?.sections.iter().any(|section| {
        let held = match setting {
            Setting::UseAppPoolCredentials => section.use_app_pool_credentials,
            Setting::AuthPersistNonNtlm => section.auth_persist_non_ntlm,
        };
        section.location.eq_ignore_ascii_case(location) && held == Some(value)
    });
    if holds {
        Ok(edited)
    } else {
        Err(IisError::NotHeld)
    }
}

/// The rest of the section's path from the first name on, each in its line.
fn block(names: &[&str], indent: usize, attribute: &str, value: bool, line: &str) -> String {
    let space = "    ".repeat(indent);
    match names {
        [] => String::new(),
        [last] => format!("{space}<{last} {attribute}=\"{value}\" />"),
        [first, rest @ ..] => {
            let inner = block(rest, indent + 1, attribute, value, line);
            format!("{space}<{first}>{line}{inner}{line}{space}</{first}>")
        }
    }
}

#[cfg(test)]
mod tests;
