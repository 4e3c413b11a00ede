//! The salt an AES key is derived with, as Active Directory chooses it (MS-KILE 3.1.1.2).
//!
//! The directory settles the salt when a password is set and keeps it until the next set: an
//! account that was renamed, or whose user principal name changed, still has the old salt. So the
//! salt of the *next* password follows from the account's attributes of today, while the salt of
//! *today's* password is whatever the KDC says in ETYPE-INFO2 (RFC 4120 section 5.2.7.5).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Realm;

/// A salt: public text that goes into string-to-key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(String);

/// Which of the directory's two salt rules an account falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// An object of class `user` that is no computer.
    User,
    /// An object of class `computer`, whose sAMAccountName ends in `$`.
    Computer,
}

/// The attributes that the salt of an account's next password follows from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SaltSource {
    /// User or computer.
    pub kind: AccountKind,
    /// The realm of the account's domain.
    pub realm: Realm,
    /// `sAMAccountName`, in the case in which the directory holds it.
    pub sam_account_name: String,
    /// `userPrincipalName`, where the account has one.
    pub user_principal_name: Option<String>,
    /// The DNS name of the account's domain.
    pub dns_domain: String,
}

impl Salt {
    /// A salt as a KDC or a journal spells it.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The salt as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SaltSource {
    /// The salt that the directory will give to the next password.
    ///
    /// A user's salt is the realm in capitals and the name before the `@` of its user principal
    /// name, without slashes; without one, sAMAccountName in its own case. A computer's salt never
    /// looks at a user principal name: realm, `host`, the name in small letters without `$`, a
    /// dot, and the DNS domain in small letters.
    #[must_use]
    pub fn next_salt(&self) -> Salt {
        let realm = self.realm.as_str().to_ascii_uppercase();
        let name = match self.kind {
            AccountKind::User => self.user_name().replace('/', ""),
            AccountKind::Computer => self.host_name(),
        };
        Salt(realm + &name)
    }

    fn user_name(&self) -> &str {
        let upn = self.user_principal_name.as_deref().unwrap_or("");
        let name = upn.split_once('@').map_or(upn, |(name, _suffix)| name);
        if name.is_empty() {
            &self.sam_account_name
        } else {
            name
        }
    }

    fn host_name(&self) -> String {
        let name = &self.sam_account_name;
        let host = name.strip_suffix('$').unwrap_or(name).to_lowercase();
        format!("host{host}.{}", self.dns_domain.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: AccountKind, name: &str, upn: Option<&str>, salt: &str) {
        let source = SaltSource {
            kind,
            realm: "corp.example".parse().unwrap(),
            sam_account_name: name.to_owned(),
            user_principal_name: upn.map(str::to_owned),
            dns_domain: "Corp.Example".to_owned(),
        };
        assert_eq!(source.next_salt().as_str(), salt, "{source:?}");
    }

    #[test]
    fn the_directory_chooses_salts_like_this() {
        use AccountKind::{Computer, User};
        let web = Some("HTTP/web.corp.example@corp.example");
        assert_eq!(Salt::new("CORPx".to_owned()).to_string(), "CORPx");
        check(User, "svc-Web", None, "CORP.EXAMPLEsvc-Web");
        check(User, "svc-web", Some(""), "CORP.EXAMPLEsvc-web");
        check(
            User,
            "svc-web",
            Some("svc-web@corp.example"),
            "CORP.EXAMPLEsvc-web",
        );
        check(
            User,
            "svc-web",
            Some("Svc-Web@other.example"),
            "CORP.EXAMPLESvc-Web",
        );
        check(User, "svc-web", web, "CORP.EXAMPLEHTTPweb.corp.example");
        check(Computer, "asa1$", None, "CORP.EXAMPLEhostasa1.corp.example");
        check(Computer, "ASA1$", web, "CORP.EXAMPLEhostasa1.corp.example");
        check(Computer, "ASA1", None, "CORP.EXAMPLEhostasa1.corp.example");
    }
}
