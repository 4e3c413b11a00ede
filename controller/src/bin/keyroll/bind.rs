//! With whose rights the directory is changed: the operator's own, unless the controller's are
//! asked for.

mod cache;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use keyroll::kerberos::{Principal, Realm};
use keyroll::name::DcName;
use keyroll::secret::SecretBytes;
use keyroll_controller::directory::config::{DirectorySettings, Transport};
use keyroll_controller::directory::credential::{self, CredentialSource, Place};
use keyroll_controller::directory::{ActiveDirectory, Kdcs, operator};
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
            return Operator::by_ticket(realm).map_err(|trouble| {
                let next = format!(
                    "{}, or say who makes the change: --bind-as USER",
                    trouble.next
                );
                trouble.next(next)
            });
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
    /// Who has logged in on this machine, by the ticket from `kinit`.
    ///
    /// # Errors
    /// There is no such ticket, or it is another realm's.
    pub fn by_ticket(realm: &Realm) -> Result<Self, Trouble> {
        let no =
            |what: String, next: String| Trouble::new(Exit::Denied, "no-ticket", what).next(next);
        let path = cache::file(std::env::var_os("KRB5CCNAME"))
            .map_err(|foreign| no(foreign.to_string(), foreign.next()))?;
        let kinit = || format!("kinit -c FILE:{}", path.display());
        let ticket = credential::cached(&path).map_err(|why| {
            let what = format!(
                "no Kerberos ticket of yours: the credential cache {} cannot be used: {why}",
                path.display()
            );
            no(what, kinit())
        })?;
        let principal = ticket.client;
        if principal.realm() != realm {
            let what = format!(
                "the Kerberos ticket is {principal}'s, and the directory's realm is {realm}"
            );
            return Err(no(what, kinit()));
        }
        Ok(Self {
            principal,
            credential: CredentialSource::Cache(path),
        })
    }

    /// The KDC of one domain controller, asked as this operator.
    #[must_use]
    pub fn kdc(&self, dc: &DcName) -> Kdcs {
        Kdcs::new(self.settings(dc))
    }

    fn settings(&self, dc: &DcName) -> DirectorySettings {
        let (principal, credential) = (self.principal.clone(), self.credential.clone());
        operator::settings(principal, credential, dc.clone())
    }

    /// The directory on one domain controller, bound with this operator's own rights at the first
    /// question.
    ///
    /// # Errors
    /// The credential cannot be read.
    pub fn directory(&self, dc: &DcName) -> Result<ActiveDirectory, Trouble> {
        ActiveDirectory::new(self.settings(dc)).map_err(|error| not_bound(dc, &error))
    }
}

/// Why a domain controller did not let the operator in, or did not answer.
pub fn not_bound(dc: &DcName, error: &PortError) -> Trouble {
    let what = error.to_string();
    match error {
        PortError::Unreachable { .. } => {
            let ports = Transport::Gssapi.port();
            let next = format!("nc -vz {dc} 88 && nc -vz {dc} {ports}");
            Trouble::new(Exit::TryAgain, "directory-unreachable", what).next(next)
        }
        PortError::Refused { next, .. } => {
            let next = if next.is_empty() {
                way_out(&what)
            } else {
                next.clone()
            };
            Trouble::new(Exit::Denied, "bind-refused", what).next(next)
        }
        PortError::Missing { .. } => Trouble::new(Exit::Denied, "object-hidden", what)
            .next("bind as somebody who may read it: --bind-as USER"),
    }
}

/// What to type about a KDC's refusal, which names an error by its word (RFC 4120 section 7.5.9).
fn way_out(what: &str) -> String {
    let mut words = what.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_code = |word: &&str| {
        ["KDC_ERR_", "KRB_AP_ERR_"]
            .iter()
            .any(|one| word.starts_with(one))
    };
    match words.find(is_code) {
        Some(code) => format!("keyroll explain {code}, or bind as somebody else: --bind-as USER"),
        None => "kinit, or say who binds: --bind-as USER".to_owned(),
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

    #[test]
    fn who_is_not_let_in_is_told_what_to_type() {
        let dc = "dc1.corp.example".parse().unwrap();
        let refused = |why: &str, next: &str| PortError::Refused {
            object: "alice".to_owned(),
            why: why.to_owned(),
            next: next.to_owned(),
        };
        let unreachable = PortError::Unreachable {
            object: "dc1".to_owned(),
            why: "no answer".to_owned(),
        };
        let missing = PortError::Missing {
            object: "svc-web$".to_owned(),
        };
        for (error, next) in [
            (refused("why", "kinit"), "kinit"),
            (
                refused("KDC_ERR_PREAUTH_FAILED (24): …", ""),
                "keyroll explain KDC_ERR_PREAUTH_FAILED, or bind as somebody else: --bind-as USER",
            ),
            (
                refused("no word", ""),
                "kinit, or say who binds: --bind-as USER",
            ),
            (
                unreachable,
                "nc -vz dc1.corp.example 88 && nc -vz dc1.corp.example 389",
            ),
            (missing, "bind as somebody who may read it: --bind-as USER"),
        ] {
            assert_eq!(not_bound(&dc, &error).next, next);
        }
    }
}
