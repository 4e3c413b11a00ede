//! Service for user (MS-SFU): a service asks for a ticket to itself in a user's name (S4U2Self),
//! and for a ticket to another service on the strength of one that a user has shown (S4U2Proxy).

use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};
use picky_asn1::wrapper::{
    ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, ExplicitContextTag3,
    OctetStringAsn1,
};
use picky_krb::data_types::{Checksum, KerberosStringAsn1, PaData, PaPacOptions, PrincipalName};
use serde::Serialize;

use super::der::encode;
use super::kdc_exchange::{FORWARDABLE, hint};
use super::tgs_exchange::TgsRequest;
use super::ticket::Ticket;
use super::wire::{Unsayable, flags, integer, name_type, to_name, to_realm, to_text};
use crate::kerberos::{Key, Principal};

/// Kinds of hints (MS-SFU 2.2.1, MS-KILE 2.2.10): PA-FOR-USER and PA-PAC-OPTIONS.
const FOR_USER: i64 = 129;
const PAC_OPTIONS: i64 = 167;
/// `resource-based constrained delegation` of the PAC's options (MS-SFU 2.2.5), bit 3.
const RESOURCE_BASED: u32 = 1 << 28;
/// `cname-in-addl-tkt` of the KDC's options (MS-SFU 2.2.3), bit 14.
const CLIENT_IN_EVIDENCE: u32 = 1 << 17;
/// KERB_CHECKSUM_HMAC_MD5 (RFC 4757 section 4).
const HMAC_MD5: i64 = -138;
/// What the key is used for in PA-FOR-USER's checksum (MS-SFU 2.2.1).
const FOR_USER_CHECKSUM: u32 = 17;
/// What every PA-FOR-USER names.
const PACKAGE: &str = "Kerberos";

/// A request of a ticket to the service that asks, in the name of a user who need not be there.
/// The request's service is the one that shows its ticket-granting ticket.
#[derive(Debug, Clone, Copy)]
pub struct ForUserRequest<'a> {
    /// The request.
    pub request: TgsRequest<'a>,
    /// In whose name.
    pub user: &'a Principal,
    /// Whether it shall be evidence. Refused by some KDCs if the ticket-granting ticket is not
    /// forwardable.
    pub forwardable: bool,
}

/// A request of a ticket to another service, in the name of the user of a ticket shown.
#[derive(Debug, Clone, Copy)]
pub struct ProxyRequest<'a> {
    /// The request.
    pub request: TgsRequest<'a>,
    /// The user's ticket to the service that asks.
    pub evidence: &'a Ticket,
}

impl ForUserRequest<'_> {
    /// The message, without TCP's frame.
    ///
    /// # Errors
    /// [`Unsayable`] as for [`TgsRequest::to_bytes`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        let sum = checksum(&self.request.tgt.session_key, self.user);
        let named = encode(&PaForUser {
            user_name: ExplicitContextTag0::from(to_name(self.user)?),
            user_realm: ExplicitContextTag1::from(to_realm(self.user.realm())?),
            cksum: ExplicitContextTag2::from(Checksum {
                cksumtype: ExplicitContextTag0::from(integer(HMAC_MD5)),
                checksum: ExplicitContextTag1::from(OctetStringAsn1::from(sum)),
            }),
            auth_package: ExplicitContextTag3::from(to_text(PACKAGE)?),
        });
        let options = if self.forwardable { FORWARDABLE } else { 0 };
        let hints = vec![hint(FOR_USER, named)];
        self.request.message(options, None, hints)
    }
}

impl ProxyRequest<'_> {
    /// The message, without TCP's frame.
    ///
    /// # Errors
    /// [`Unsayable`] as for [`TgsRequest::to_bytes`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        let hints: Vec<PaData> = vec![hint(
            PAC_OPTIONS,
            encode(&PaPacOptions {
                flags: ExplicitContextTag0::from(flags(RESOURCE_BASED)),
            }),
        )];
        self.request
            .message(CLIENT_IN_EVIDENCE, Some(self.evidence), hints)
    }
}

/// `PA-FOR-USER-ENC ::= SEQUENCE` (MS-SFU 2.2.1); picky-krb has none.
#[derive(Debug, Serialize)]
struct PaForUser {
    user_name: ExplicitContextTag0<PrincipalName>,
    user_realm: ExplicitContextTag1<KerberosStringAsn1>,
    cksum: ExplicitContextTag2<Checksum>,
    auth_package: ExplicitContextTag3<KerberosStringAsn1>,
}

/// The checksum of a user's name: HMAC-MD5 (RFC 4757 section 4) under the session key's bytes, of
/// whatever enctype, over the name's type, its parts, the realm and the package (MS-SFU 2.2.1).
fn checksum(key: &Key, user: &Principal) -> Vec<u8> {
    let mut digest = Md5::new();
    digest.update(FOR_USER_CHECKSUM.to_le_bytes());
    digest.update(name_type(user).to_le_bytes());
    for part in user.components() {
        digest.update(part);
    }
    digest.update(user.realm().as_str());
    digest.update(PACKAGE);
    let hmac = |key: &[u8], text: &[u8]| {
        let mac = <Hmac<Md5> as hmac::Mac>::new_from_slice(key);
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(text);
        zeroize::Zeroizing::new(mac.finalize().into_bytes().to_vec())
    };
    let signing = hmac(key.expose(), b"signaturekey\0");
    hmac(&signing, &digest.finalize()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kerberos::Enctype;
    use crate::secret::SecretBytes;

    /// Computed by Python's hmac and hashlib, after MS-SFU 2.2.1 and RFC 4757.
    #[test]
    fn the_checksum_is_that_of_another_implementation() {
        let key = Key::new(
            Enctype::Aes256CtsHmacSha1,
            SecretBytes::new((0..32).collect()),
        );
        let sum = checksum(&key.unwrap(), &"alice@CORP.EXAMPLE".parse().unwrap());
        assert_eq!(hex::encode(sum), "1f74d4b90654daf01629a831a28f0e4d");
    }

    #[test]
    fn bits_count_from_the_highest() {
        let bit = |place: u32| 0x8000_0000_u32 >> place;
        assert_eq!(
            (RESOURCE_BASED, CLIENT_IN_EVIDENCE, FORWARDABLE),
            (bit(3), bit(14), bit(1))
        );
    }
}
