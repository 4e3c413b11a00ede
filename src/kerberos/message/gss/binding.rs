//! Channel bindings: the context holds on one TLS connection and nowhere else.

use md5::{Digest as _, Md5};

/// The hash of a channel's bindings, as it stands in the authenticator (RFC 4121 section 4.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelBinding([u8; 16]);

impl ChannelBinding {
    /// Bound to a TLS connection by its server's certificate (RFC 5929 section 4, which is what
    /// AD asks for): `certificate` is the certificate's hash under the hash of its own signature,
    /// or under SHA-256 where that is MD5 or SHA-1.
    ///
    /// MD5 is what the RFC prescribes. What it has to withstand is a second certificate that
    /// gives the same sum, and that certificate's hash is a strong one.
    #[must_use]
    pub fn tls_server_end_point(certificate: &[u8]) -> Self {
        const PREFIX: &[u8] = b"tls-server-end-point:";
        // Neither end's address: their types and lengths are zero.
        let mut sum = Md5::new_with_prefix([0; 16]);
        let length = u32::try_from(PREFIX.len() + certificate.len()).unwrap_or(u32::MAX);
        sum.update(length.to_le_bytes());
        sum.update(PREFIX);
        sum.update(certificate);
        Self(sum.finalize().into())
    }

    pub(super) const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}
