//! The `[directory]` table of the controller's configuration, and what is left of it once checked.
//!
//! ```toml
//! [directory]
//! domain = "corp.example"
//! ca = ["/etc/keyroll/domain-ca.pem"]
//!
//! [directory.bind]
//! principal = "svc-keyroll@corp.example"
//! password-file = "/etc/keyroll/directory.password"
//! ```
//!
//! | transport | with a password | with a keytab |
//! | --- | --- | --- |
//! | `ldaps` | simple bind over TLS | SASL GSSAPI over TLS, bound to the TLS channel |
//! | `gssapi` | login by password, then as with a keytab | SASL GSSAPI, every message sealed |

use std::path::PathBuf;
use std::time::Duration;

use keyroll::kerberos::{Principal, Realm};
use keyroll::name::DcName;
use serde::Deserialize;

use super::credential::{CredentialSource, Place};
use super::text::{Dn, is_attribute_name};

/// The `[directory]` table, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirectoryConfig {
    /// The DNS name of the domain, `corp.example`.
    pub domain: String,
    /// The Kerberos realm, where it is not the domain in capitals.
    pub realm: Option<String>,
    /// `"srv"`, or a list of host names of which the first is written to.
    #[serde(default)]
    pub domain_controllers: DomainControllers,
    /// How LDAP is protected on its way.
    #[serde(default)]
    pub transport: Transport,
    /// PEM files with the CAs that the domain controllers' certificates come from. No other CA is
    /// trusted, not even the machine's. Needed for `ldaps` only.
    #[serde(default)]
    pub ca: Vec<PathBuf>,
    /// Who binds.
    pub bind: BindConfig,
    /// Who asks for the tickets that prove what KDCs issue, if somebody else: a plain user.
    pub prober: Option<BindConfig>,
    /// The distinguished name under which accounts are created; none: the domain's default.
    pub account_container: Option<String>,
    /// The single-valued text attribute that tells one reset from the next.
    #[serde(default = "default_fence_attribute")]
    pub fence_attribute: String,
    /// How long reaching a domain controller may take, TCP, TLS and bind each.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout_seconds: u64,
    /// How long an LDAP request or a write may stay unanswered.
    #[serde(default = "default_write_timeout")]
    pub write_timeout_seconds: u64,
    /// The distinguished names below which every array's account is; none: anywhere.
    #[serde(default)]
    pub accounts_below: Vec<String>,
    /// Accounts that may be rolled although they are protected, which may make this controller
    /// Tier 0.
    #[serde(default, rename = "exception")]
    pub exceptions: Vec<Exception>,
    /// Other forests, in which names are looked for as well, and nothing is written.
    #[serde(default, rename = "forest")]
    pub forests: Vec<ForestConfig>,
}

/// Another forest, read by its global catalogs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ForestConfig {
    /// The DNS name of the domain of its that is asked, `other.example`.
    pub domain: String,
    /// The Kerberos realm, where it is not the domain in capitals.
    pub realm: Option<String>,
    /// Its global catalogs: `"srv"`, or a list of host names.
    #[serde(default)]
    pub domain_controllers: DomainControllers,
    /// How LDAP is protected on its way.
    #[serde(default)]
    pub transport: Transport,
    /// PEM files with the CAs that its domain controllers' certificates come from.
    #[serde(default)]
    pub ca: Vec<PathBuf>,
    /// Who binds: an account of that forest, which needs no right but to read.
    pub bind: BindConfig,
}

/// A protected account that may be rolled all the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exception {
    /// Its `sAMAccountName`.
    pub account: String,
    /// Why: whoever reads the settings or the audit must not guess.
    pub reason: String,
}

/// How LDAP is protected on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// By TLS, on ports 636 and 3269.
    #[default]
    Ldaps,
    /// By Kerberos, on ports 389 and 3268: every message is sealed under the key of a GSS-API
    /// context (RFC 4752, RFC 4121), and no domain controller needs a certificate.
    Gssapi,
}

impl Transport {
    /// The port of a domain controller's own directory.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Ldaps => 636,
            Self::Gssapi => 389,
        }
    }

    /// The port of its global catalog.
    #[must_use]
    pub const fn catalog_port(self) -> u16 {
        match self {
            Self::Ldaps => 3269,
            Self::Gssapi => 3268,
        }
    }
}

/// Who binds. Exactly one credential is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BindConfig {
    /// sAMAccountName and domain: `svc-keyroll@corp.example`.
    pub principal: String,
    /// A file with the password, which nobody but its owner may read; one line break at its end
    /// is not part of the password.
    pub password_file: Option<PathBuf>,
    /// The name of a systemd credential (`LoadCredential=`) with the password.
    pub password_credential: Option<String>,
    /// A keytab with the account's keys, which nobody but its owner may read.
    pub keytab: Option<PathBuf>,
    /// The name of a systemd credential with the keytab.
    pub keytab_credential: Option<String>,
}

/// Which domain controllers there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "DomainControllersText")]
pub enum DomainControllers {
    /// Whatever the domain's SRV records say, the PDC emulator first.
    #[default]
    Srv,
    /// These, in this order.
    Listed(Vec<DcName>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DomainControllersText {
    Word(String),
    List(Vec<DcName>),
}

impl TryFrom<DomainControllersText> for DomainControllers {
    type Error = String;

    fn try_from(text: DomainControllersText) -> Result<Self, String> {
        match text {
            DomainControllersText::Word(word) if word == "srv" => Ok(Self::Srv),
            DomainControllersText::Word(word) => Err(format!(
                "{word:?} is neither \"srv\" nor a list of host names"
            )),
            DomainControllersText::List(names) if names.is_empty() => {
                Err("the list of domain controllers is empty".to_owned())
            }
            DomainControllersText::List(names) => Ok(Self::Listed(names)),
        }
    }
}

fn default_fence_attribute() -> String {
    "adminDescription".to_owned()
}

const fn default_connect_timeout() -> u64 {
    5
}

const fn default_write_timeout() -> u64 {
    10
}

/// What the adapters go by: every name parsed, exactly one credential.
#[derive(Debug, Clone)]
pub struct DirectorySettings {
    /// The realm.
    pub realm: Realm,
    /// The DNS name of the domain, in small letters.
    pub domain: String,
    /// Which domain controllers there are.
    pub domain_controllers: DomainControllers,
    /// How LDAP is protected.
    pub transport: Transport,
    /// PEM files of the only CAs that are trusted.
    pub ca: Vec<PathBuf>,
    /// Who binds: the controller's own account, or an operator's.
    pub principal: Principal,
    /// Where its password or keys are.
    pub credential: CredentialSource,
    /// Who asks for tickets, and where its password or keys are, if that is somebody else.
    pub prober: Option<(Principal, CredentialSource)>,
    /// What to do where the bind is refused, as a phrase.
    pub check_bind: &'static str,
    /// Where accounts are created.
    pub account_container: Option<Dn>,
    /// The fence attribute.
    pub fence_attribute: String,
    /// For TCP, TLS and bind each.
    pub connect_timeout: Duration,
    /// For a request.
    pub write_timeout: Duration,
    /// The containers below which every array's account is; none: anywhere.
    pub accounts_below: Vec<Dn>,
    /// Accounts that may be rolled although they are protected.
    pub exceptions: Vec<Exception>,
    /// Other forests, to look for names in.
    pub forests: Vec<DirectorySettings>,
}

impl DirectorySettings {
    /// The same for whoever asks for tickets.
    #[must_use]
    pub fn of_prober(&self) -> Self {
        let mut own = self.clone();
        if let Some((principal, credential)) = own.prober.take() {
            own.principal = principal;
            own.credential = credential;
            own.check_bind = "check directory.prober: principal and credential";
        }
        own
    }

    /// Whether an account may be rolled whatever protects it.
    #[must_use]
    pub fn lets_in(&self, sam_account_name: &str) -> bool {
        let mut exceptions = self.exceptions.iter();
        exceptions.any(|one| one.account.eq_ignore_ascii_case(sam_account_name))
    }
}

/// A key of the `[directory]` table whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("directory.{key}: {why}")]
pub struct BadDirectoryConfig {
    /// Which key, dotted.
    pub key: &'static str,
    /// What is wrong with it and what would be right.
    pub why: String,
}

impl BadDirectoryConfig {
    /// What is wrong with one table is wrong with the other in the same way.
    fn of_prober(self) -> Self {
        let Self { key, why } = self;
        let why = match key.split_once('.') {
            Some((_, key)) => format!("{key}: {why}"),
            None => why,
        };
        Self { key: "prober", why }
    }
}

impl DirectoryConfig {
    /// Checks everything that can be checked without opening a file or a connection.
    ///
    /// # Errors
    /// [`BadDirectoryConfig`] for the first key that is wrong.
    pub fn settings(&self) -> Result<DirectorySettings, BadDirectoryConfig> {
        if !is_attribute_name(&self.fence_attribute) {
            let why = "an attribute's name is letters, digits and '-', beginning with a letter";
            return Err(bad("fence-attribute", why));
        }
        let container = self.account_container.as_deref();
        let account_container = container.map(str::parse::<Dn>).transpose();
        let below = self.accounts_below.iter().map(|text| text.parse::<Dn>());
        let below: Result<Vec<Dn>, _> = below.collect();
        let reasonless = self
            .exceptions
            .iter()
            .find(|one| one.reason.trim().is_empty());
        if let Some(Exception { account, .. }) = reasonless {
            return Err(bad("exception", format!("give a reason for {account}")));
        }
        let own = ForestConfig {
            domain: self.domain.clone(),
            realm: self.realm.clone(),
            domain_controllers: self.domain_controllers.clone(),
            transport: self.transport,
            ca: self.ca.clone(),
            bind: self.bind.clone(),
        };
        let times = (
            seconds("connect-timeout-seconds", self.connect_timeout_seconds)?,
            seconds("write-timeout-seconds", self.write_timeout_seconds)?,
        );
        let own = own.settings(times, "check directory.bind: principal and credential")?;
        let others = self.forests.iter();
        let others = others.map(|one| one.elsewhere(&own.domain, times));
        let forests = others.collect::<Result<Vec<_>, _>>()?;
        let prober = self.prober.as_ref().map(|bind| {
            let principal = principal(&bind.principal, &own.domain, &own.realm)?;
            Ok((principal, bind.source()?))
        });
        let prober = prober.transpose().map_err(BadDirectoryConfig::of_prober)?;
        Ok(DirectorySettings {
            prober,
            account_container: account_container.map_err(|why| bad("account-container", why))?,
            fence_attribute: self.fence_attribute.clone(),
            accounts_below: below.map_err(|why| bad("accounts-below", why))?,
            exceptions: self.exceptions.clone(),
            forests,
            ..own
        })
    }
}

impl ForestConfig {
    /// The settings of what is read alone. `times` are those for connecting and for a request.
    fn settings(
        &self,
        (connect_timeout, write_timeout): (Duration, Duration),
        check_bind: &'static str,
    ) -> Result<DirectorySettings, BadDirectoryConfig> {
        let domain = self.domain.trim_end_matches('.').to_ascii_lowercase();
        let realm = self.realm.clone().unwrap_or_else(|| domain.to_uppercase());
        let realm: Realm = realm.parse().map_err(|why| bad("realm", why))?;
        domain.parse::<DcName>().map_err(|why| bad("domain", why))?;
        if self.ca.is_empty() && self.transport == Transport::Ldaps {
            return Err(bad(
                "ca",
                "name the PEM file of the CA that signed the domain controllers' certificates",
            ));
        }
        Ok(DirectorySettings {
            principal: principal(&self.bind.principal, &domain, &realm)?,
            credential: self.bind.source()?,
            check_bind,
            prober: None,
            account_container: None,
            fence_attribute: String::new(),
            connect_timeout,
            write_timeout,
            accounts_below: Vec::new(),
            exceptions: Vec::new(),
            forests: Vec::new(),
            domain_controllers: self.domain_controllers.clone(),
            transport: self.transport,
            ca: self.ca.clone(),
            realm,
            domain,
        })
    }

    /// The same of a forest other than that of `own`.
    fn elsewhere(
        &self,
        own: &str,
        times: (Duration, Duration),
    ) -> Result<DirectorySettings, BadDirectoryConfig> {
        let check = "check directory.forest.bind: principal and credential";
        let settings = self.settings(times, check).map_err(|error| {
            let why = format!("{}: {}", error.key, error.why);
            bad("forest", format!("{}: {why}", self.domain))
        })?;
        if settings.domain == own {
            let why =
                format!("{own} is the directory's own domain, which is looked through anyway");
            return Err(bad("forest", why));
        }
        Ok(settings)
    }
}

impl BindConfig {
    fn source(&self) -> Result<CredentialSource, BadDirectoryConfig> {
        let by_file = |path: &PathBuf| Ok(Place::File(path.clone()));
        let by_name =
            |key: &'static str, name: &str| Place::systemd(name).map_err(|why| bad(key, &why));
        let named = [
            self.password_file
                .as_ref()
                .map(|path| by_file(path).map(CredentialSource::Password)),
            self.password_credential.as_ref().map(|name| {
                by_name("bind.password-credential", name).map(CredentialSource::Password)
            }),
            self.keytab
                .as_ref()
                .map(|path| by_file(path).map(CredentialSource::Keytab)),
            self.keytab_credential
                .as_ref()
                .map(|name| by_name("bind.keytab-credential", name).map(CredentialSource::Keytab)),
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(source), None) => source,
            _ => Err(bad(
                "bind",
                "give one of password-file, password-credential, keytab and keytab-credential",
            )),
        }
    }
}

/// The account's own name in its realm. A domain that is not the directory's is a mistake: the
/// bind would be sent to whatever answers there.
fn principal(text: &str, domain: &str, realm: &Realm) -> Result<Principal, BadDirectoryConfig> {
    let bad = |why: &str| bad("bind.principal", why);
    let Some((name, suffix)) = text.split_once('@') else {
        return Err(bad("it is sAMAccountName@domain"));
    };
    if !suffix.eq_ignore_ascii_case(domain) && !suffix.eq_ignore_ascii_case(realm.as_str()) {
        return Err(bad("its domain is not the directory's"));
    }
    Principal::new(vec![name.to_owned()], realm.clone()).map_err(|error| bad(&error.to_string()))
}

fn seconds(key: &'static str, seconds: u64) -> Result<Duration, BadDirectoryConfig> {
    // AD ends a request after 120 s; who waits longer waits for nobody.
    if (1..=120).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(bad(key, "1 to 120 seconds"))
    }
}

fn bad(key: &'static str, why: impl ToString) -> BadDirectoryConfig {
    let why = why.to_string();
    BadDirectoryConfig { key, why }
}

#[cfg(test)]
mod tests;
