//! With whose rights the directory is changed: the operator's own, unless the controller's are
//! asked for.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use keyroll::kerberos::{Principal, Realm};
use keyroll::name::DcName;
use keyroll::secret::SecretBytes;
use keyroll_controller::directory::credential::{self, CredentialSource, Place};
use keyroll_controller::directory::{ActiveDirectory, operator};
use keyroll_controller::ports::PortError;

use crate::exit::Exit;
use crate::files;
use crate::trouble::Trouble;

/// Who makes a change.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Whose rights")]
pub struct BindOptions {
    /// Make the change as this account, not with the ticket from `kinit`; its password is asked for
    ///
    /// sAMAccountName, or sAMAccountName@REALM. Without it, the ticket in the credential cache that
    /// KRB5CCNAME names is used.
    #[arg(long, value_name = "USER")]
    bind_as: Option<String>,
    /// Its password, from the first line of this file; `-`: standard input
    #[arg(long, value_name = "FILE", requires = "bind_as")]
    bind_password_file: Option<PathBuf>,
    /// Its keys, from this keytab
    #[arg(
        long,
        value_name = "FILE",
        requires = "bind_as",
        conflicts_with = "bind_password_file"
    )]
    bind_keytab: Option<PathBuf>,
    /// Have the controller make the change with its own rights, if its settings let it
    #[arg(long, conflicts_with = "bind_as")]
    pub with_controller_rights: bool,
}

/// Who binds, and with what.
#[derive(Debug)]
pub struct Operator {
    /// The account.
    pub principal: Principal,
    credential: CredentialSource,
}

impl BindOptions {
    /// Who binds in this realm. Asks for a password where one is needed.
    ///
    /// # Errors
    /// There is no ticket, keytab or password, or it is another realm's.
    pub fn operator(&self, realm: &Realm) -> Result<Operator, Trouble> {
        let Some(name) = &self.bind_as else {
            return by_ticket(realm);
        };
        let principal = principal(name, realm)?;
        let credential = match (&self.bind_keytab, &self.bind_password_file) {
            (Some(path), _) => CredentialSource::Keytab(Place::File(path.clone())),
            (None, Some(path)) => given(SecretBytes::new(files::password(path)?.to_vec())),
            (None, None) => given(asked(&principal)?),
        };
        Ok(Operator {
            principal,
            credential,
        })
    }
}

impl Operator {
    /// The directory on one domain controller, bound with this operator's own rights at the first
    /// question.
    ///
    /// # Errors
    /// The credential cannot be read.
    pub fn directory(&self, dc: &DcName) -> Result<ActiveDirectory, Trouble> {
        let (principal, credential) = (self.principal.clone(), self.credential.clone());
        let settings = operator::settings(principal, credential, dc.clone());
        ActiveDirectory::new(settings).map_err(|error| not_bound(&error))
    }
}

/// Why the directory did not let the operator in, or did not answer.
pub fn not_bound(error: &PortError) -> Trouble {
    match error {
        PortError::Unreachable { .. } => {
            Trouble::new(Exit::TryAgain, "directory-unreachable", error.to_string())
        }
        PortError::Refused { next, .. } => {
            Trouble::new(Exit::Denied, "bind-refused", error.to_string()).next(next.clone())
        }
        PortError::Missing { .. } => Trouble::new(Exit::Denied, "object-hidden", error.to_string()),
    }
}

fn given(secret: SecretBytes) -> CredentialSource {
    CredentialSource::Password(Place::Given(Arc::new(secret)))
}

fn principal(name: &str, realm: &Realm) -> Result<Principal, Trouble> {
    let bad = |why: String| Trouble::usage(format!("--bind-as {name}: {why}"));
    let account = match name.rsplit_once('@') {
        Some((account, other)) if other.eq_ignore_ascii_case(realm.as_str()) => account,
        Some(_) => return Err(bad(format!("the directory's realm is {realm}"))),
        None => name,
    };
    Principal::new(vec![account.to_owned()], realm.clone()).map_err(|error| bad(error.to_string()))
}

fn by_ticket(realm: &Realm) -> Result<Operator, Trouble> {
    const NEXT: &str = "kinit, or say who makes the change: --bind-as USER";
    let no = |what: String| Trouble::new(Exit::Denied, "no-ticket", what).next(NEXT);
    let path = cache(std::env::var_os("KRB5CCNAME")).map_err(no)?;
    let ticket = credential::cached(&path).map_err(|why| {
        no(format!(
            "no Kerberos ticket of yours: the credential cache {} cannot be used: {why}",
            path.display()
        ))
    })?;
    let principal = ticket.client;
    if principal.realm() != realm {
        return Err(no(format!(
            "the Kerberos ticket is {principal}'s, and the directory's realm is {realm}"
        )));
    }
    Ok(Operator {
        principal,
        credential: CredentialSource::Cache(path),
    })
}

/// The file of the credential cache, as MIT krb5 names it.
fn cache(named: Option<OsString>) -> Result<PathBuf, String> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        let user = rustix::process::getuid().as_raw();
        return Ok(PathBuf::from(format!("/tmp/krb5cc_{user}")));
    };
    let text = named.to_string_lossy();
    match text.split_once(':') {
        Some(("FILE", path)) => Ok(PathBuf::from(path)),
        _ if text.starts_with('/') => Ok(PathBuf::from(&named)),
        _ => Err(format!(
            "KRB5CCNAME is {text:?}, and only files can be read: export KRB5CCNAME=FILE:PATH, then \
             kinit"
        )),
    }
}

/// The password as typed, not shown.
fn asked(principal: &Principal) -> Result<SecretBytes, Trouble> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Trouble::new(
            Exit::Unconfirmed,
            "no-terminal",
            format!("there is no terminal to ask for the password of {principal} on"),
        )
        .next("--bind-password-file FILE, or --bind-keytab FILE"));
    }
    let terminal = console::Term::stderr();
    let typed = terminal
        .write_str(&format!("Password of {principal}: "))
        .and_then(|()| terminal.read_secure_line())
        .map_err(|error| Trouble::unreadable(Path::new("-"), &error))?;
    Ok(SecretBytes::new(typed.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_credential_caches() {
        let cache = |name: &str| cache(Some(name.into()));
        assert_eq!(cache("FILE:/tmp/x").unwrap(), Path::new("/tmp/x"));
        assert_eq!(cache("/tmp/x").unwrap(), Path::new("/tmp/x"));
        assert!(cache("").unwrap().starts_with("/tmp"));
        for other in ["KEYRING:persistent:0", "KCM:", "DIR:/tmp/y", "x"] {
            assert!(cache(other).unwrap_err().contains("KRB5CCNAME"), "{other}");
        }
    }

    #[test]
    fn a_user_is_one_of_the_realm() {
        let realm: Realm = "CORP.EXAMPLE".parse().unwrap();
        for (name, principal) in [
            ("alice", Some("alice@CORP.EXAMPLE")),
            ("alice@corp.example", Some("alice@CORP.EXAMPLE")),
            ("alice@OTHER.EXAMPLE", None),
            ("", None),
        ] {
            let found = super::principal(name, &realm).ok();
            assert_eq!(found.map(|found| found.to_string()).as_deref(), principal);
        }
    }
}
