//! The texts that LDAP is asked with: filters (RFC 4515), distinguished names (RFC 4514), GUIDs.
//!
//! No other place puts a value into a filter or a name, so no value can end one: whatever stands
//! in an account's name, it is looked for, never obeyed.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

pub use keyroll::descriptor::Guid;

/// A search filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// The attribute has this value. `attribute` is a name of ours or a checked one.
    #[must_use]
    pub fn equals(attribute: &str, value: &str) -> Self {
        Self::equals_bytes(attribute, value.as_bytes())
    }

    /// The attribute has these bytes.
    #[must_use]
    pub fn equals_bytes(attribute: &str, value: &[u8]) -> Self {
        Self::matches(attribute, value, ")")
    }

    /// The attribute has a value that begins like this; with nothing, any value.
    #[must_use]
    pub fn begins(attribute: &str, prefix: &str) -> Self {
        Self::matches(attribute, prefix.as_bytes(), "*)")
    }

    /// The attribute has a value that has this somewhere behind its beginning.
    #[must_use]
    pub fn holds(attribute: &str, part: &str) -> Self {
        let Self(begins) = Self::begins(attribute, part);
        Self(begins.replacen('=', "=*", 1))
    }

    fn matches(attribute: &str, value: &[u8], end: &str) -> Self {
        debug_assert!(is_attribute_name(attribute));
        let mut text = format!("({attribute}=");
        for byte in value {
            // Letters and digits stay readable in logs and captures; everything else is escaped,
            // which RFC 4515 section 3 allows and which leaves no character to think about.
            if byte.is_ascii_alphanumeric() {
                text.push(char::from(*byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\{byte:02x}");
            }
        }
        text.push_str(end);
        Self(text)
    }

    /// The attribute has a value.
    #[must_use]
    pub fn present(attribute: &str) -> Self {
        debug_assert!(is_attribute_name(attribute));
        Self(format!("({attribute}=*)"))
    }

    /// All of these bits are set: LDAP_MATCHING_RULE_BIT_AND (MS-ADTS 3.1.1.3.4.4.1).
    #[must_use]
    pub fn has_bits(attribute: &str, bits: u32) -> Self {
        debug_assert!(is_attribute_name(attribute));
        Self(format!("({attribute}:1.2.840.113556.1.4.803:={bits})"))
    }

    /// The attribute has no value, or none that we may read.
    #[must_use]
    pub fn absent(attribute: &str) -> Self {
        Self(format!("(!{})", Self::present(attribute).0))
    }

    /// The object is there.
    #[must_use]
    pub fn any_object() -> Self {
        Self("(objectClass=*)".to_owned())
    }

    /// At least one of these holds; false if there are none.
    #[must_use]
    pub fn any_of(filters: impl IntoIterator<Item = Self>) -> Self {
        let parts: String = filters.into_iter().map(|filter| filter.0).collect();
        Self(format!("(|{parts})"))
    }

    /// All of these hold.
    #[must_use]
    pub fn all_of(filters: impl IntoIterator<Item = Self>) -> Self {
        let parts: String = filters.into_iter().map(|filter| filter.0).collect();
        Self(format!("(&{parts})"))
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dn(String);

/// A text that is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a distinguished name such as OU=Services,DC=corp,DC=example")]
pub struct BadDn(pub String);

impl Dn {
    /// A name as the directory itself spells it.
    pub(super) fn of_directory(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The object with this GUID, whatever it is called now (MS-ADTS 3.1.1.3.1.2.4).
    #[must_use]
    pub fn of_guid(guid: &[u8; 16]) -> Self {
        Self(format!("<GUID={}>", Guid(*guid)))
    }

    /// A well-known container of `domain`, such as that of users (MS-ADTS 6.1.1.4).
    #[must_use]
    pub fn well_known(guid: &str, domain: &Self) -> Self {
        debug_assert!(guid.chars().all(|c| c.is_ascii_hexdigit()));
        Self(format!("<WKGUID={guid},{}>", domain.0))
    }

    /// The child of `parent` with this common name.
    #[must_use]
    pub fn child(common_name: &str, parent: &Self) -> Self {
        let mut text = String::from("CN=");
        for c in common_name.chars() {
            match c {
                // A NUL cannot be escaped by a backslash, and neither can a space within.
                '\0' => text.push_str("\\00"),
                ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' | '#' => text.extend(['\\', c]),
                // RFC 4514 wants it escaped at the ends only, but allows it anywhere as hex.
                ' ' => text.push_str("\\20"),
                _ => text.push(c),
            }
        }
        text.push(',');
        text.push_str(&parent.0);
        Self(text)
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Dn {
    type Err = BadDn;

    /// A name that a person wrote: only its form is looked at.
    fn from_str(text: &str) -> Result<Self, BadDn> {
        let bad = || BadDn(text.chars().take(80).collect());
        let mut parts = 1;
        let mut has_equals = false;
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' => {
                    characters.next().ok_or_else(bad)?;
                }
                ',' if has_equals => (parts, has_equals) = (parts + 1, false),
                '=' => has_equals = true,
                // `<GUID=…>` and its kind would name another object than the one written.
                ',' | '<' | '>' | ';' | '\0' => return Err(bad()),
                _ => {}
            }
        }
        if has_equals && parts <= 128 && text.len() <= 2048 {
            Ok(Self(text.to_owned()))
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the text is the name of an attribute (RFC 4512 section 1.4, `keystring`).
#[must_use]
pub fn is_attribute_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use ldap3::{dn_escape, ldap_unescape, parse_filter};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn r33_a_value_never_leaves_its_place_in_a_filter(value in any::<Vec<u8>>()) {
            let filter = Filter::equals_bytes("cn", &value);
            let inner = filter.as_str().strip_prefix("(cn=").unwrap().strip_suffix(')').unwrap();
            prop_assert!(!inner.contains(['(', ')', '*', '\0']));
            prop_assert!(parse_filter(filter.as_str()).is_ok());
            if let Ok(text) = std::str::from_utf8(&value) {
                prop_assert_eq!(ldap_unescape(inner).unwrap(), text);
            }
        }

        #[test]
        fn r33_a_common_name_never_leaves_its_place_in_a_dn(name in "\\PC{1,40}") {
            let parent: Dn = "OU=a,DC=b".parse().unwrap();
            let dn = Dn::child(&name, &parent);
            let first = dn.as_str().strip_suffix(",OU=a,DC=b").unwrap();
            prop_assert!(dn.as_str().parse::<Dn>().is_ok());
            // ldap3's own escaping of the same value has as many unescaped characters.
            let plain = |text: &str| {
                let mut rest = text.chars();
                let mut count = 0;
                while let Some(c) = rest.next() {
                    if c == '\\' && rest.next().is_some_and(|c| c.is_ascii_hexdigit()) {
                        rest.next();
                    }
                    count += 1;
                }
                count
            };
            prop_assert_eq!(plain(first) - 3, plain(&dn_escape(name.as_str())));
        }
    }

    #[test]
    fn r33_a_million_names_come_back_out_of_a_filter() {
        use rand::{Rng as _, SeedableRng as _};
        let mut dice = rand::rngs::StdRng::seed_from_u64(33);
        // What means something in a filter or a name comes more often than chance would have it.
        let special = [
            '(', ')', '*', '\\', '\0', '&', '|', '=', ',', '"', '<', '\n', 'ß', '€',
        ];
        for _ in 0..1_000_000 {
            let name: String = (0..dice.random_range(0..12))
                .map(|_| match dice.random_bool(0.4) {
                    true => special[dice.random_range(0..special.len())],
                    false => char::from(dice.random_range(b' '..=b'~')),
                })
                .collect();
            let filter = Filter::equals("cn", &name);
            let inner = filter.as_str().strip_prefix("(cn=").unwrap();
            let inner = inner.strip_suffix(')').unwrap();
            let left = |c: char| !c.is_ascii_alphanumeric() && c != '\\';
            assert!(!inner.contains(left), "{name:?}: {inner}");
            assert_eq!(ldap_unescape(inner).unwrap(), name);
        }
    }

    #[test]
    fn written_names_are_looked_at() {
        for good in ["DC=corp", "OU=a\\,b,DC=corp,DC=example", "OU=Größe,DC=x"] {
            assert_eq!(good.parse::<Dn>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "corp.example",
            "OU=a,,DC=b",
            "<GUID=1>",
            "OU=a\\",
            "OU=a,b",
        ] {
            assert!(bad.parse::<Dn>().is_err(), "{bad:?} was taken for a name");
        }
    }
}
