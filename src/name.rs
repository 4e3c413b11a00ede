//! Identifiers, a type for each kind of thing, so that a node is never taken for an array.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name: which kind was wanted, the text, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {kind}: {rule}")]
pub struct BadName {
    /// What was wanted, with its article: "an array name".
    pub kind: &'static str,
    /// What was given.
    pub text: String,
    /// What is allowed, as a phrase.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $rule:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                let allowed: fn(char) -> bool = $allowed;
                let first = text.chars().next();
                if first.is_some_and(|first| first.is_ascii_alphanumeric())
                    && text.len() <= $max
                    && text.chars().all(allowed)
                {
                    Ok(Self(text.to_ascii_lowercase()))
                } else {
                    Err(BadName { kind: $kind, text: text.chars().take(80).collect(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// An array: the nodes that answer under one name with one account's key.
    ArrayName,
    "an array name",
    63,
    "1 to 63 letters, digits, '-' or '_', beginning with a letter or digit",
    |c| c.is_ascii_alphanumeric() || c == '-' || c == '_'
);
name!(
    /// A node, by the host name its certificate is bound to.
    NodeName,
    "a node name",
    253,
    "a host name: letters, digits, '-' and '.', at most 253",
    |c| c.is_ascii_alphanumeric() || c == '-' || c == '.'
);
name!(
    /// A domain controller, by its host name.
    DcName,
    "a domain controller's name",
    253,
    "a host name: letters, digits, '-' and '.', at most 253",
    |c| c.is_ascii_alphanumeric() || c == '-' || c == '.'
);
name!(
    /// An operator, as named in the operator's certificate.
    OperatorName,
    "an operator name",
    64,
    "1 to 64 letters, digits, '-', '_', '.' or '@'",
    |c| c.is_ascii_alphanumeric() || "-_.@".contains(c)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_lowered() {
        assert_eq!("Web".parse::<ArrayName>().unwrap().as_str(), "web");
        assert_eq!(
            "node1.corp.example".parse::<NodeName>().unwrap().as_str(),
            "node1.corp.example"
        );
        for bad in ["", "-web", "../x", "a b", "a/b", "wéb", &"a".repeat(64)] {
            assert!(
                bad.parse::<ArrayName>().is_err(),
                "{bad:?} was taken for a name"
            );
        }
    }
}
