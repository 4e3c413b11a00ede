//! Signatures under the audit: Ed25519 (RFC 8032) with a key that follows from the sealing key, so
//! that whoever has only its public half can tell what this controller has signed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use keyroll::secret::SecretBytes;
use rustls::SignatureScheme;
use rustls::crypto::ring::default_provider;
use rustls::sign::SigningKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::Seal;

/// What stands before the 32 bytes of a secret key in PKCS #8 (RFC 8410 section 7).
const SECRET_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The public half of the audit's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditKey([u8; 32]);

/// A text that is no [`AuditKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key of the audit is 64 hexadecimal digits, as `keyroll audit verify` shows it")]
pub struct BadAuditKey;

impl AuditKey {
    /// Whether the holder of the secret half has signed `message`.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let known = default_provider().signature_verification_algorithms.mapping;
        let mut known = known.iter();
        let ed25519 = known.find(|(scheme, _)| *scheme == SignatureScheme::ED25519);
        let algorithm = ed25519.and_then(|(_, algorithms)| algorithms.first());
        algorithm.is_some_and(|one| one.verify_signature(&self.0, message, signature).is_ok())
    }
}

impl fmt::Display for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for AuditKey {
    type Err = BadAuditKey;

    fn from_str(text: &str) -> Result<Self, BadAuditKey> {
        let bytes = hex::decode(text).map_err(|_| BadAuditKey)?;
        bytes.try_into().map(Self).map_err(|_| BadAuditKey)
    }
}

/// The pair, made for one use.
fn pair(seed: &SecretBytes) -> Arc<dyn SigningKey> {
    let der = Zeroizing::new([&SECRET_HEAD, seed.expose()].concat());
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(der.as_slice())).clone_key();
    let loaded = default_provider().key_provider.load_private_key(der);
    loaded.expect("any 32 bytes are a secret key of Ed25519, and a seed has as many")
}

impl Seal {
    /// Signs a statement of the audit.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signer = pair(&self.audit).choose_scheme(&[SignatureScheme::ED25519]);
        let signed = signer.and_then(|signer| signer.sign(message).ok());
        signed.expect("a key of Ed25519 signs by that, and whatever it is given")
    }

    /// By which [`Seal::sign`] is verified.
    #[must_use]
    pub fn audit_key(&self) -> AuditKey {
        let pair = pair(&self.audit);
        let public = pair.public_key();
        let key = public.as_ref().and_then(|info| info.last_chunk::<32>());
        AuditKey(*key.expect("the key stands at the end of its SubjectPublicKeyInfo (RFC 8410)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_and_one_message() {
        let (ours, other) = (Seal::new(&[1; 32]), Seal::new(&[2; 32]));
        let signature = ours.sign(b"statement");
        assert!(ours.audit_key().has_signed(b"statement", &signature));
        assert!(!ours.audit_key().has_signed(b"statemenT", &signature));
        assert!(!other.audit_key().has_signed(b"statement", &signature));
        assert!(!ours.audit_key().has_signed(b"statement", b""));
        let text = ours.audit_key().to_string();
        assert_eq!(text.parse(), Ok(ours.audit_key()));
        for bad in [
            "",
            "00",
            &text[1..],
            &text.replace(text.get(..1).unwrap(), "x"),
        ] {
            assert_eq!(bad.parse::<AuditKey>(), Err(BadAuditKey), "{bad}");
        }
    }
}
