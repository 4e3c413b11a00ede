//! Secrets by type: boxed, wiped when dropped, never printed, never compared in variable time.
//!
//! A secret cannot be cloned, serialized or shown by accident; whoever needs its bytes says
//! [`SecretBytes::expose`], a word that a review can search for.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes that only their holder may see: a key, a sealed password's plain text, a keytab image.
pub struct SecretBytes(Zeroizing<Box<[u8]>>);

impl SecretBytes {
    /// Takes ownership of `bytes`; a vector's spare capacity is wiped too.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        // `into_boxed_slice` may reallocate and leave the old block behind unwiped, so copy into
        // a box of the exact size and let the vector be wiped as a whole.
        let bytes = Zeroizing::new(bytes);
        Self(Zeroizing::new(Box::from(bytes.as_slice())))
    }

    /// The bytes themselves. Do not log, format or store what this returns.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A second copy, wiped like the first. Named so that copies can be counted in a review.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Zeroizing::new(Box::from(self.expose())))
    }

    /// Equality in time that depends on the lengths alone.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// An account's password, as the text that is given to the directory.
pub struct Password(Zeroizing<Box<str>>);

impl Password {
    /// Takes ownership of the text, which is wiped when dropped.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(Zeroizing::new(Box::from(text.as_str())))
    }

    /// The text itself. Do not log, format or store what this returns.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A second copy, wiped like the first.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Zeroizing::new(Box::from(self.expose())))
    }

    /// Equality in time that depends on the lengths alone.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.expose()
            .as_bytes()
            .ct_eq(other.expose().as_bytes())
            .into()
    }

    /// The form `unicodePwd` takes: the text in double quotes, UTF-16LE (MS-ADTS 3.1.1.3.1.5.1).
    #[must_use]
    pub fn to_unicode_pwd(&self) -> SecretBytes {
        let mut wide = Zeroizing::new(Vec::with_capacity(2 * self.expose().len() + 4));
        for unit in "\""
            .encode_utf16()
            .chain(self.expose().encode_utf16())
            .chain("\"".encode_utf16())
        {
            wide.extend_from_slice(&unit.to_le_bytes());
        }
        SecretBytes(Zeroizing::new(Box::from(wide.as_slice())))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_the_type_only() {
        assert_eq!(
            format!("{:?}", SecretBytes::new(b"canary".to_vec())),
            "SecretBytes(..)"
        );
        assert_eq!(
            format!("{:?}", Password::new("canary".into())),
            "Password(..)"
        );
    }

    #[test]
    fn passwords_are_compared_whole() {
        let canary = Password::new("canary".into());
        assert!(canary.same_as(&canary.duplicate()));
        for other in ["canarY", "canar", ""] {
            assert!(!canary.same_as(&Password::new(other.into())), "{other}");
        }
    }

    /// Says of a concrete type whether it has a trait, at compile time and without failing: an
    /// inherent constant wins over a trait's, where its bounds hold.
    macro_rules! has {
        ($type:ty: $($bound:tt)+) => {{
            struct Probe<T>(std::marker::PhantomData<T>);
            #[allow(dead_code, reason = "one of the two is never taken")]
            trait Without {
                const HAS: bool = false;
            }
            impl<T> Without for Probe<T> {}
            #[allow(dead_code, reason = "one of the two is never taken")]
            impl<T: $($bound)+> Probe<T> {
                const HAS: bool = true;
            }
            Probe::<$type>::HAS
        }};
    }

    #[test]
    fn r10_a_secret_cannot_be_shown_copied_compared_or_serialized() {
        assert!(
            has!(String: fmt::Display) && has!(String: serde::Serialize),
            "the probe is blind"
        );
        macro_rules! has_none {
            ($($type:ty),+) => {
                $(for (trait_name, has) in [
                    ("Display", has!($type: fmt::Display)),
                    ("LowerHex", has!($type: fmt::LowerHex)),
                    ("Clone", has!($type: Clone)),
                    ("Copy", has!($type: Copy)),
                    ("PartialEq", has!($type: PartialEq)),
                    ("Hash", has!($type: std::hash::Hash)),
                    ("Serialize", has!($type: serde::Serialize)),
                    ("AsRef<[u8]>", has!($type: AsRef<[u8]>)),
                    ("AsRef<str>", has!($type: AsRef<str>)),
                    ("Deref", has!($type: std::ops::Deref)),
                ] {
                    assert!(!has, "{} is {trait_name}", stringify!($type));
                })+
            };
        }
        has_none!(SecretBytes, Password, crate::kerberos::Key);
    }

    #[test]
    fn unicode_pwd_is_quoted_utf16() {
        let wide = Password::new("aé".into()).to_unicode_pwd();
        assert_eq!(wide.expose(), b"\"\0a\0\xe9\0\"\0");
    }
}
