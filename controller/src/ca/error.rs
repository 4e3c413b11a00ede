//! What can go wrong with certificates.

use crate::seal::SealError;
use crate::store::StoreError;

/// Why there is no authority or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The store holds no authority.
    #[error(
        "the store holds no certificate authority; a new controller begins with: \
             keyroll-controller init"
    )]
    Absent,
    /// An authority's private key does not open.
    #[error("the private key of certificate authority {number} cannot be opened")]
    Sealed {
        /// The authority's number.
        number: u64,
        /// Why.
        #[source]
        source: SealError,
    },
    /// An authority's certificate or key opens and cannot be used.
    #[error("certificate authority {number} cannot be used: {why}")]
    Unusable {
        /// The authority's number.
        number: u64,
        /// Why.
        why: String,
    },
    /// A signing request that is not signed: the requester's fault.
    #[error("the signing request of {object} is refused: {why}")]
    Request {
        /// Whose it is.
        object: String,
        /// Why.
        why: String,
    },
    /// Signing failed on our side.
    #[error("making a certificate for {object} failed: {why}")]
    Signing {
        /// Whom it was for.
        object: String,
        /// Why.
        why: String,
    },
    /// TLS cannot be configured with what there is.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
