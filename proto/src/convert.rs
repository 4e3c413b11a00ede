//! From what was said to what is meant: every field checked once, here.

use keyroll::doctor::Examined;
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keyset::{GenerationKeys, HeldEntry, Keyset, Role, Unlisted};
use keyroll::letter::{Letter, PasswordUse};
use keyroll::name::ArrayName;
use keyroll::secret::SecretBytes;

use crate::{agent, operator};

/// A message that no honest peer sends: which field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {field}: {reason}")]
pub struct Malformed {
    /// The field's name in the .proto file.
    pub field: &'static str,
    /// What is wrong, without the field's content where that may be secret.
    pub reason: String,
}

impl Malformed {
    /// A complaint about `field`.
    pub fn new(field: &'static str, reason: impl ToString) -> Self {
        Self {
            field,
            reason: reason.to_string(),
        }
    }
}

impl From<Malformed> for tonic::Status {
    fn from(malformed: Malformed) -> Self {
        Self::invalid_argument(malformed.to_string())
    }
}

/// The most entries that one keyset may mean, which is keys times principals, and the most
/// generations and principals. An honest one has three generations, some dozen names and two or
/// three enctypes; a keytab of so many entries is nearly as large as is ever written.
pub const MOST_ENTRIES: usize = 8192;

/// The longest text for people that is taken from a peer, in characters.
pub const LONGEST_WORDS: usize = 500;

/// A text field as a name of the core.
///
/// # Errors
/// [`Malformed`] naming the field.
pub fn parsed<T>(field: &'static str, text: &str) -> Result<T, Malformed>
where
    T: std::str::FromStr,
    T::Err: ToString,
{
    text.parse()
        .map_err(|error: T::Err| Malformed::new(field, error.to_string()))
}

/// A peer's words for people, cut to [`LONGEST_WORDS`] and without control characters: they end up
/// in journals, which are kept, and on terminals, which obey.
#[must_use]
pub fn words(text: &str) -> String {
    let harmless = text.chars().filter(|c| !c.is_control());
    harmless.take(LONGEST_WORDS).collect()
}

/// A field of exactly 32 bytes: a nonce or a fingerprint.
///
/// # Errors
/// [`Malformed`] if the length differs.
pub fn thirty_two(field: &'static str, bytes: &[u8]) -> Result<[u8; 32], Malformed> {
    bytes
        .try_into()
        .map_err(|_| Malformed::new(field, format!("{} bytes, not 32", bytes.len())))
}

impl TryFrom<agent::Keyset> for Keyset {
    type Error = Malformed;

    fn try_from(keyset: agent::Keyset) -> Result<Self, Malformed> {
        let (principals, generations) = (keyset.principals.len(), keyset.generations.len());
        let keys = keyset.generations.iter().map(|one| one.keys.len());
        let entries = keys.sum::<usize>().saturating_mul(principals);
        let most = entries.max(principals).max(generations);
        if most > MOST_ENTRIES {
            return Err(Malformed::new(
                "keyset",
                format!("{most} entries, at most {MOST_ENTRIES} allowed"),
            ));
        }
        Ok(Self {
            array: parsed::<ArrayName>("keyset.array", &keyset.array)?,
            epoch: Epoch(keyset.epoch),
            version: Version(keyset.version),
            principals: keyset
                .principals
                .iter()
                .map(|text| parsed::<Principal>("keyset.principals", text))
                .collect::<Result<_, _>>()?,
            generations: keyset
                .generations
                .into_iter()
                .map(GenerationKeys::try_from)
                .collect::<Result<_, _>>()?,
            unlisted: if keyset.keep_unlisted {
                Unlisted::Keep
            } else {
                Unlisted::Remove
            },
        })
    }
}

impl TryFrom<agent::Generation> for GenerationKeys {
    type Error = Malformed;

    fn try_from(generation: agent::Generation) -> Result<Self, Malformed> {
        let role = match generation.role() {
            agent::Role::Current => Role::Current,
            agent::Role::Pending => Role::Pending,
            agent::Role::Previous => Role::Previous,
            agent::Role::Unspecified => return Err(Malformed::new("generation.role", "unknown")),
        };
        let keys = generation
            .keys
            .into_iter()
            .map(Key::try_from)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            role,
            kvno: Kvno(generation.kvno),
            keys,
            origin: None,
        })
    }
}

/// The generated type with a key's bytes, converted so that they are wiped.
impl TryFrom<agent::Key> for Key {
    type Error = Malformed;

    fn try_from(key: agent::Key) -> Result<Self, Malformed> {
        let bytes = SecretBytes::new(key.key);
        let enctype = enctype("key.enctype", key.enctype)?;
        Self::new(enctype, bytes).map_err(|error| Malformed::new("key.key", error))
    }
}

/// An enctype by its number.
///
/// # Errors
/// [`Malformed`] for a number keyroll does not know.
pub fn enctype(field: &'static str, number: i32) -> Result<Enctype, Malformed> {
    Enctype::from_number(number)
        .ok_or_else(|| Malformed::new(field, format!("unknown enctype number {number}")))
}

/// A sealed password, and what it says of itself outside.
#[derive(Debug)]
pub struct Enclosed {
    /// Of which generation.
    pub kvno: Kvno,
    /// What for.
    pub purpose: PasswordUse,
    /// The salt of the generation's keys.
    pub salt: Salt,
    /// The password.
    pub letter: Letter,
}

impl TryFrom<agent::SealedPassword> for Enclosed {
    type Error = Malformed;

    fn try_from(sealed: agent::SealedPassword) -> Result<Self, Malformed> {
        Ok(Self {
            kvno: Kvno(sealed.kvno),
            purpose: parsed("password.use", &sealed.r#use)?,
            salt: Salt::new(sealed.salt),
            letter: Letter {
                encapsulated: sealed.encapsulated,
                ciphertext: sealed.ciphertext,
            },
        })
    }
}

impl From<Enclosed> for agent::SealedPassword {
    fn from(enclosed: Enclosed) -> Self {
        Self {
            kvno: enclosed.kvno.0,
            r#use: enclosed.purpose.to_string(),
            salt: enclosed.salt.as_str().to_owned(),
            encapsulated: enclosed.letter.encapsulated,
            ciphertext: enclosed.letter.ciphertext,
        }
    }
}

impl From<&Keyset> for agent::Keyset {
    fn from(keyset: &Keyset) -> Self {
        Self {
            array: keyset.array.to_string(),
            epoch: keyset.epoch.0,
            version: keyset.version.0,
            principals: keyset.principals.iter().map(ToString::to_string).collect(),
            generations: keyset
                .generations
                .iter()
                .map(agent::Generation::from)
                .collect(),
            keep_unlisted: keyset.unlisted == Unlisted::Keep,
        }
    }
}

impl From<&GenerationKeys> for agent::Generation {
    fn from(generation: &GenerationKeys) -> Self {
        let role = match generation.role {
            Role::Current => agent::Role::Current,
            Role::Pending => agent::Role::Pending,
            Role::Previous => agent::Role::Previous,
        };
        let key = |key: &Key| agent::Key {
            enctype: key.enctype().number(),
            key: key.expose().to_vec(),
        };
        Self {
            role: role.into(),
            kvno: generation.kvno.0,
            keys: generation.keys.iter().map(key).collect(),
        }
    }
}

impl From<&HeldEntry> for agent::Entry {
    fn from(entry: &HeldEntry) -> Self {
        Self {
            principal: entry.principal.to_string(),
            kvno: entry.kvno.0,
            enctype: entry.enctype.number(),
            fingerprint: entry.fingerprint.to_vec(),
        }
    }
}

impl TryFrom<&agent::Entry> for HeldEntry {
    type Error = Malformed;

    fn try_from(entry: &agent::Entry) -> Result<Self, Malformed> {
        Ok(Self {
            principal: parsed("entry.principal", &entry.principal)?,
            kvno: Kvno(entry.kvno),
            enctype: enctype("entry.enctype", entry.enctype)?,
            fingerprint: thirty_two("entry.fingerprint", &entry.fingerprint)?,
        })
    }
}

impl From<&Examined> for operator::Finding {
    fn from(examined: &Examined) -> Self {
        let finding = &examined.finding;
        Self {
            check: examined.check.to_owned(),
            object: finding.object.clone(),
            grade: finding.grade.name().to_owned(),
            evidence: finding.evidence.clone(),
            cause: finding.cause.clone(),
            mend: finding.mend.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyset_survives_the_journey() {
        let key = Key::new(Enctype::Aes256CtsHmacSha1, SecretBytes::new(vec![7; 32])).unwrap();
        let keyset = Keyset {
            array: "web".parse().unwrap(),
            epoch: Epoch(2),
            version: Version(9),
            principals: vec!["HTTP/web.corp.example@CORP.EXAMPLE".parse().unwrap()],
            generations: vec![GenerationKeys {
                role: Role::Pending,
                kvno: Kvno(300),
                keys: vec![key],
                origin: None,
            }],
            unlisted: Unlisted::Keep,
        };
        let back = Keyset::try_from(agent::Keyset::from(&keyset)).unwrap();
        assert_eq!((back.version, back.unlisted), (Version(9), Unlisted::Keep));
        assert_eq!(back.principals, keyset.principals);
        assert!(back.generations[0].keys[0].same_as(&keyset.generations[0].keys[0]));
    }

    #[test]
    fn a_keyset_means_no_more_entries_than_a_keytab_can_hold() {
        let key = agent::Key {
            enctype: 17,
            key: vec![7; 16],
        };
        let generation = |keys| agent::Generation {
            role: 1,
            kvno: 1,
            keys: vec![key.clone(); keys],
        };
        let keyset = |principals: usize, generations: Vec<agent::Generation>| {
            Keyset::try_from(agent::Keyset {
                array: "web".to_owned(),
                principals: (0..principals).map(|n| format!("HTTP/{n}@R")).collect(),
                generations,
                ..Default::default()
            })
        };
        // One message of a megabyte could ask for forty million entries.
        assert!(keyset(1024, vec![generation(4), generation(4)]).is_ok());
        assert!(keyset(1024, vec![generation(4), generation(5)]).is_err());
        assert!(keyset(MOST_ENTRIES + 1, vec![]).is_err());
        assert!(keyset(0, vec![generation(0); MOST_ENTRIES + 1]).is_err());
    }

    #[test]
    fn words_of_a_peer_are_short_and_move_no_cursor() {
        assert_eq!(words("a\x1b[2Jb\r\nc\u{9b}d"), "a[2Jbcd");
        assert_eq!(words(&"é".repeat(600)), "é".repeat(LONGEST_WORDS));
    }

    #[test]
    fn debug_of_a_key_shows_no_key() {
        let key = agent::Key {
            enctype: 18,
            key: b"canary-canary".to_vec(),
        };
        let shown = format!(
            "{:?}",
            agent::Generation {
                role: 1,
                kvno: 1,
                keys: vec![key]
            }
        );
        assert!(!shown.contains("99"), "the key's bytes are in {shown}");
    }
}
