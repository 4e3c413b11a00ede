//! The request that gives a logon session of Windows an extra credential, byte for byte.
//!
//! `KERB_ADD_CREDENTIALS_REQUEST` of `ntsecapi.h`, on 64 bits: 72 bytes, and the three texts behind
//! them. Windows wants addresses where texts are named; here they are distances from the first
//! byte, and [`Request::pointers`] says where they stand, so that whoever makes the call adds the
//! address at which the bytes then are.

use keyroll::secret::Password;
use zeroize::Zeroizing;

/// `KerbAddExtraCredentialsMessage` (`KERB_PROTOCOL_MESSAGE_TYPE`).
const MESSAGE: u32 = 17;
/// The size of the structure without its texts.
const FIXED: usize = 72;

/// What is done with a credential: the `Flags` of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `KERB_REQUEST_ADD_CREDENTIAL`: beside those that are there.
    Add = 1,
    /// `KERB_REQUEST_REPLACE_CREDENTIAL`: in the place of those of the same name.
    Replace = 2,
    /// `KERB_REQUEST_REMOVE_CREDENTIAL`.
    Remove = 4,
}

/// The number of a logon session: a `LUID`, the low part first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogonId(pub u64);

/// An account with one of its passwords, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Credential<'a> {
    /// sAMAccountName.
    pub account: &'a str,
    /// The realm, which is the domain's DNS name.
    pub domain: &'a str,
    /// The password.
    pub password: &'a Password,
}

/// A text that has no place in the request: a `UNICODE_STRING` counts its bytes with 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is longer than Windows takes, 32767 characters")]
pub struct TooLong(&'static str);

/// A request, ready but for the address at which it will be.
pub struct Request {
    /// What is done.
    pub verb: Verb,
    /// In which session.
    pub session: LogonId,
    /// The bytes, the password among them.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Request {
    /// The request that does `verb` with `credential` in `session`.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn new(verb: Verb, session: LogonId, credential: Credential<'_>) -> Result<Self, TooLong> {
        let texts = [
            ("the account's name", credential.account),
            ("the domain's name", credential.domain),
            ("the password", credential.password.expose()),
        ];
        // Of its last size at once: what outgrows its place leaves a copy there.
        let most: usize = texts.iter().map(|(_, text)| 2 * text.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + most));
        bytes.resize(FIXED, 0);
        bytes[..4].copy_from_slice(&MESSAGE.to_le_bytes());
        for ((what, text), place) in texts.into_iter().zip([8, 24, 40]) {
            let start = bytes.len();
            for unit in text.encode_utf16() {
                bytes.extend_from_slice(&unit.to_le_bytes());
            }
            let length = u16::try_from(bytes.len() - start).map_err(|_| TooLong(what))?;
            bytes[place..place + 2].copy_from_slice(&length.to_le_bytes());
            bytes[place + 2..place + 4].copy_from_slice(&length.to_le_bytes());
            bytes[place + 8..place + 16].copy_from_slice(&(start as u64).to_le_bytes());
        }
        bytes[56..64].copy_from_slice(&session.0.to_le_bytes());
        bytes[64..68].copy_from_slice(&(verb as u32).to_le_bytes());
        Ok(Self {
            verb,
            session,
            bytes,
        })
    }

    /// Where the addresses of the three texts stand, 8 bytes each.
    #[must_use]
    pub const fn pointers() -> [usize; 3] {
        [16, 32, 48]
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({:?}, {:?}, ..)", self.verb, self.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each field of `ntsecapi.h`, in the layout of 64 bits: where it stands, and what it holds.
    #[test]
    fn the_request_is_laid_out_as_documented() {
        let password = Password::new("geheim-ü".to_owned());
        let credential = Credential {
            account: "WEB$",
            domain: "CORP.EXAMPLE",
            password: &password,
        };
        let request = Request::new(Verb::Replace, LogonId(0x1_0000_03e4), credential).unwrap();
        let fields: [(&str, usize, &[u8]); 17] = [
            ("MessageType", 0, &[17, 0, 0, 0]),
            ("padding", 4, &[0; 4]),
            ("UserName.Length", 8, &[8, 0]),
            ("UserName.MaximumLength", 10, &[8, 0]),
            ("padding", 12, &[0; 4]),
            ("UserName.Buffer", 16, &[72, 0, 0, 0, 0, 0, 0, 0]),
            ("DomainName.Length", 24, &[24, 0]),
            ("DomainName.MaximumLength", 26, &[24, 0]),
            ("DomainName.Buffer", 32, &[80, 0, 0, 0, 0, 0, 0, 0]),
            ("Password.Length", 40, &[16, 0]),
            ("Password.MaximumLength", 42, &[16, 0]),
            ("Password.Buffer", 48, &[104, 0, 0, 0, 0, 0, 0, 0]),
            ("LogonId.LowPart", 56, &[0xe4, 3, 0, 0]),
            ("LogonId.HighPart", 60, &[1, 0, 0, 0]),
            ("Flags", 64, &[2, 0, 0, 0]),
            ("padding", 68, &[0; 4]),
            ("the account", 72, b"W\0E\0B\0$\0"),
        ];
        for (field, place, content) in fields {
            let found = &request.bytes[place..place + content.len()];
            assert_eq!(found, content, "{field}");
        }
        assert_eq!(request.bytes[80..84], *b"C\0O\0");
        assert_eq!(request.bytes[104..], *b"g\0e\0h\0e\0i\0m\0-\0\xfc\0");
        for place in Request::pointers() {
            assert!([72, 80, 104].contains(&request.bytes[place]), "{place}");
        }
        assert!(!format!("{request:?}").contains("geheim"));
    }

    #[test]
    fn each_verb_has_its_flag_and_a_text_has_its_limit() {
        let password = Password::new("x".to_owned());
        let credential = |account| Credential {
            account,
            domain: "D",
            password: &password,
        };
        for (verb, flag) in [(Verb::Add, 1), (Verb::Replace, 2), (Verb::Remove, 4)] {
            let request = Request::new(verb, LogonId(0x3e7), credential("A")).unwrap();
            assert_eq!(request.bytes[64..68], [flag, 0, 0, 0]);
        }
        let longest = "a".repeat(32_767);
        assert!(Request::new(Verb::Add, LogonId(1), credential(&longest)).is_ok());
        let longer = "a".repeat(32_768);
        let refused = Request::new(Verb::Add, LogonId(1), credential(&longer)).unwrap_err();
        assert_eq!(refused, TooLong("the account's name"));
    }
}
