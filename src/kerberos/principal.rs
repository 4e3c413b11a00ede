//! Realms and principals (RFC 4120 section 6), with MIT's escaping in their text form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A realm in AD's form: the domain's name in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Realm(String);

/// A principal: components and realm, `HTTP/web.corp.example@CORP.EXAMPLE`.
///
/// Comparison is exact, as in a keytab; AD itself compares service names without case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal {
    components: Vec<String>,
    realm: Realm,
}

/// Why a text is no realm or principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {reason}")]
pub struct BadPrincipal {
    /// `realm` or `principal`.
    pub kind: &'static str,
    /// What was given, at most its first 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl BadPrincipal {
    fn new(kind: &'static str, text: &str, reason: &'static str) -> Self {
        Self {
            kind,
            text: text.chars().take(80).collect(),
            reason,
        }
    }
}

impl Realm {
    /// The realm as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The DNS domain of the same name, in small letters.
    #[must_use]
    pub fn dns_domain(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Realm {
    type Err = BadPrincipal;

    fn from_str(text: &str) -> Result<Self, BadPrincipal> {
        if text.is_empty() || text.len() > 255 {
            return Err(BadPrincipal::new(
                "realm",
                text,
                "1 to 255 characters are allowed",
            ));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !text.chars().all(allowed) {
            return Err(BadPrincipal::new(
                "realm",
                text,
                "letters, digits, '-', '_' and '.' only",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The longest text of a principal: every character escaped, and a realm. What is longer is not
/// taken apart.
const LONGEST: usize = 2 * 1024 + 256;

impl Principal {
    /// A principal of these components.
    ///
    /// # Errors
    /// [`BadPrincipal`] if there is no component, one is empty, or one holds a control character
    /// that has no escape of its own (`\n`, `\t`, `\b`): a terminal or a log might obey it.
    pub fn new(components: Vec<String>, realm: Realm) -> Result<Self, BadPrincipal> {
        let joined = components.join("/");
        if components.is_empty() || components.iter().any(String::is_empty) {
            return Err(BadPrincipal::new(
                "principal",
                &joined,
                "a component is empty",
            ));
        }
        let obeyed = |c: char| c.is_control() && !['\n', '\t', '\u{8}'].contains(&c);
        if joined.contains(obeyed) || joined.len() > 1024 {
            return Err(BadPrincipal::new(
                "principal",
                &joined,
                "it holds a control character or is too long",
            ));
        }
        Ok(Self { components, realm })
    }

    /// A service principal of an SPN such as `HTTP/web.corp.example`, in `realm`.
    ///
    /// # Errors
    /// [`BadPrincipal`] if the text is not `class/host` or `class/host/name`.
    pub fn of_spn(spn: &str, realm: &Realm) -> Result<Self, BadPrincipal> {
        let components = spn.split('/').map(str::to_owned);
        let components: Vec<String> = components.take(4).collect();
        if !(2..=3).contains(&components.len()) {
            return Err(BadPrincipal::new(
                "principal",
                spn,
                "an SPN is class/host or class/host/name",
            ));
        }
        if spn.contains('@') || spn.chars().any(char::is_whitespace) {
            return Err(BadPrincipal::new(
                "principal",
                spn,
                "an SPN has neither '@' nor spaces",
            ));
        }
        Self::new(components, realm.clone())
    }

    /// The components, at least one, none empty.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// The realm.
    #[must_use]
    pub const fn realm(&self) -> &Realm {
        &self.realm
    }

    /// The text without the realm: an SPN, or an account's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.components
            .iter()
            .map(|part| escape(part))
            .collect::<Vec<_>>()
            .join("/")
    }
}

fn escape(component: &str) -> String {
    let mut escaped = String::with_capacity(component.len());
    for c in component.chars() {
        match c {
            '/' | '@' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            _ => escaped.push(c),
        }
    }
    escaped
}

impl FromStr for Principal {
    type Err = BadPrincipal;

    fn from_str(text: &str) -> Result<Self, BadPrincipal> {
        let bad = |reason| BadPrincipal::new("principal", text, reason);
        if text.len() > LONGEST {
            return Err(bad("it is too long"));
        }
        let mut components = vec![String::new()];
        let mut realm: Option<String> = None;
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            let literal = match c {
                '\\' => Some(
                    match characters.next().ok_or_else(|| bad("it ends in '\\'"))? {
                        'n' => '\n',
                        't' => '\t',
                        'b' => '\u{8}',
                        other => other,
                    },
                ),
                '/' if realm.is_none() => {
                    components.push(String::new());
                    None
                }
                '@' if realm.is_none() => {
                    realm = Some(String::new());
                    None
                }
                '@' => return Err(bad("it names two realms")),
                other => Some(other),
            };
            let part = realm.as_mut().or(components.last_mut());
            if let (Some(literal), Some(part)) = (literal, part) {
                part.push(literal);
            }
        }
        let realm = realm.ok_or_else(|| bad("its realm is missing (name@REALM)"))?;
        Self::new(components, realm.parse()?)
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name(), self.realm)
    }
}

impl TryFrom<String> for Realm {
    type Error = BadPrincipal;

    fn try_from(text: String) -> Result<Self, BadPrincipal> {
        text.parse()
    }
}

impl From<Realm> for String {
    fn from(realm: Realm) -> Self {
        realm.0
    }
}

impl TryFrom<String> for Principal {
    type Error = BadPrincipal;

    fn try_from(text: String) -> Result<Self, BadPrincipal> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for text in [
            "HTTP/web.corp.example@CORP.EXAMPLE",
            "WEB$@CORP.EXAMPLE",
            r"a\/b\@c@R",
        ] {
            assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
        }
        assert!(
            "a@R/b".parse::<Principal>().is_err(),
            "no realm has a slash"
        );
    }

    #[test]
    fn what_ends_a_name_or_a_line_is_escaped_as_mit_does() {
        let parts = ["a/b", "c@d", "e\\f", "g\nh", "i\tj", "k\u{8}l"];
        let text = r"a\/b/c\@d/e\\f/g\nh/i\tj/k\bl@R";
        let principal: Principal = text.parse().unwrap();
        assert_eq!(principal.components(), parts);
        assert_eq!(principal.to_string(), text);
        assert_eq!(String::from(principal), text);
    }

    #[test]
    fn a_realm_names_a_domain() {
        let realm: Realm = "CORP.Example-1_x".parse().unwrap();
        assert_eq!(realm.dns_domain(), "corp.example-1_x");
        assert_eq!(String::from(realm), "CORP.Example-1_x");
        for (length, is_realm) in [(0, false), (1, true), (255, true), (256, false)] {
            assert_eq!(
                "R".repeat(length).parse::<Realm>().is_ok(),
                is_realm,
                "{length}"
            );
        }
    }

    #[test]
    fn a_principal_has_at_most_1024_bytes() {
        let realm: Realm = "R".parse().unwrap();
        let of = |length| Principal::new(vec!["a".repeat(length)], realm.clone());
        assert!(of(1024).is_ok() && of(1025).is_err());
        // What a terminal would obey is nobody's name.
        for c in ['\0', '\u{6}', '\u{1b}', '\r', '\u{7f}', '\u{9b}'] {
            let parts = vec!["a".to_owned(), format!("b{c}")];
            assert!(Principal::new(parts, realm.clone()).is_err(), "{c:?}");
        }
        let long = format!("{}@R", "a/".repeat(10_000));
        assert!(long.parse::<Principal>().is_err());
        // Every character escaped, and the longest realm.
        let longest = format!("{}@{}", r"\@".repeat(1024), "R".repeat(255));
        let read: Principal = longest.parse().unwrap();
        assert_eq!(read.to_string(), longest);
        assert!(Principal::new(vec![], realm).is_err());
    }

    #[test]
    fn an_spn_is_class_host_and_perhaps_a_name() {
        let realm: Realm = "R".parse().unwrap();
        for (spn, principal) in [
            ("HTTP/web", Some("HTTP/web@R")),
            ("ldap/dc1/corp.example", Some("ldap/dc1/corp.example@R")),
            ("HTTP", None),
            ("a/b/c/d", None),
            ("HTTP/", None),
            ("HTTP/web@R", None),
            ("HTTP/we b", None),
            ("HTTP/web\n", None),
        ] {
            let found = Principal::of_spn(spn, &realm).ok();
            assert_eq!(
                found.map(|found| found.to_string()).as_deref(),
                principal,
                "{spn:?}"
            );
        }
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in [
            "", "a", "a@", "@R", "a//b@R", "a@R@S", "a\\", "a@R S", "a@R/b",
        ] {
            assert!(
                text.parse::<Principal>().is_err(),
                "{text:?} was taken for a principal"
            );
        }
    }
}
