//! Signing requests: only the key in them counts, and that its holder has it.

use rcgen::{CertificateSigningRequestParams, PublicKey};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use super::CaError;

/// The longest request: an RSA key of 8192 bits needs a quarter of it.
const LONGEST: usize = 8 * 1024;

/// A signing request (PKCS #10) whose signature proves that the requester has the key.
pub struct SigningRequest {
    pub(super) public_key: PublicKey,
}

impl std::fmt::Debug for SigningRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningRequest(..)")
    }
}

impl SigningRequest {
    /// Reads a request, DER or PEM, of `object`, who stands in the error.
    ///
    /// # Errors
    /// [`CaError::Request`] if it is too long, no request, or not signed by its own key.
    pub fn read(bytes: &[u8], object: &str) -> Result<Self, CaError> {
        let refuse = |why: &str| CaError::Request {
            object: object.to_owned(),
            why: why.to_owned(),
        };
        if bytes.len() > LONGEST {
            return Err(refuse("it is longer than 8 KiB"));
        }
        let der = if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
            CertificateSigningRequestDer::from_pem_slice(bytes)
                .map_err(|_| refuse("it holds no PEM block CERTIFICATE REQUEST"))?
        } else {
            CertificateSigningRequestDer::from(bytes.to_vec())
        };
        let request = CertificateSigningRequestParams::from_der(&der).map_err(|error| {
            refuse(&format!(
                "it is not PKCS #10 signed by its own key ({error})"
            ))
        })?;
        Ok(Self {
            public_key: request.public_key,
        })
    }
}
