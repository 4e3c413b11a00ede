//! Certificates for nodes, operators and the controller itself.

use std::net::IpAddr;
use std::time::Duration;

use keyroll::name::{NodeName, OperatorName};
use rand::RngCore as _;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;

use super::{Authority, CaError, Identity, SigningRequest};

/// Certificates begin this long before they are made: a clock that is hours off, the controller's
/// or another machine's, must not cut off whom the keys have to reach. It is found by its offset.
const BACKDATE: Duration = Duration::from_secs(24 * 3600);
/// The longest that any certificate lasts, an authority's own among them. That one is replaced by
/// [`Authority::prepare`] long before.
pub(super) const LONGEST_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A certificate that was just made.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, leaf first, without the authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// When it ends, seconds since 1970.
    pub ends_unix: i64,
    /// The number of the authority that signed it.
    pub signer: u64,
}

impl Issued {
    /// The chain as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        to_pem(&self.chain)
    }
}

/// Certificates as PEM, one block after the other.
pub(super) fn to_pem(certificates: &[CertificateDer<'_>]) -> String {
    let block = |one: &CertificateDer<'_>| pem::Pem::new("CERTIFICATE", one.to_vec());
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_many_config(&certificates.iter().map(block).collect::<Vec<_>>(), lines)
}

impl Authority {
    /// A certificate for a node's agent: server towards us, client towards nobody.
    ///
    /// # Errors
    /// [`CaError::Signing`].
    pub fn issue_node(
        &self,
        node: &NodeName,
        request: &SigningRequest,
        now_unix: i64,
    ) -> Result<Issued, CaError> {
        let identity = Identity::Node(node.clone());
        let mut params = leaf(&identity, ExtendedKeyUsagePurpose::ServerAuth)?;
        params
            .subject_alt_names
            .push(dns(node.as_str(), &identity)?);
        self.sign(
            params,
            &identity,
            &request.public_key,
            self.lifetimes().node,
            now_unix,
        )
    }

    /// A certificate for an operator.
    ///
    /// # Errors
    /// [`CaError::Signing`].
    pub fn issue_operator(
        &self,
        operator: &OperatorName,
        request: &SigningRequest,
        life: Duration,
        now_unix: i64,
    ) -> Result<Issued, CaError> {
        let identity = Identity::Operator(operator.clone());
        let params = leaf(&identity, ExtendedKeyUsagePurpose::ClientAuth)?;
        self.sign(params, &identity, &request.public_key, life, now_unix)
    }

    /// A certificate for the controller itself: as a client towards agents, or as a server under
    /// `names`, host names and addresses.
    pub(super) fn issue_own(
        &self,
        usage: ExtendedKeyUsagePurpose,
        names: &[String],
        key: &KeyPair,
        now_unix: i64,
    ) -> Result<Issued, CaError> {
        let identity = Identity::Controller;
        let mut params = leaf(&identity, usage)?;
        for name in names {
            let name = match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => dns(name, &identity)?,
            };
            params.subject_alt_names.push(name);
        }
        self.sign(
            params,
            &identity,
            key,
            self.lifetimes().controller,
            now_unix,
        )
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        identity: &Identity,
        key: &impl PublicKeyData,
        life: Duration,
        now_unix: i64,
    ) -> Result<Issued, CaError> {
        let signer = self.signer()?;
        let (serial, ends_unix) = stamp(&mut params, life, now_unix);
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(key, &signer.issuer)
            .map_err(|error| failed(identity, &error))?;
        Ok(Issued {
            chain: vec![certificate.der().clone()],
            serial,
            ends_unix,
            signer: signer.number,
        })
    }
}

fn failed(identity: &Identity, error: &rcgen::Error) -> CaError {
    CaError::Signing {
        object: identity.to_string(),
        why: error.to_string(),
    }
}

fn dns(name: &str, identity: &Identity) -> Result<SanType, CaError> {
    let name = name.try_into().map_err(|error| failed(identity, &error))?;
    Ok(SanType::DnsName(name))
}

/// A leaf that says who its holder is and what it is for.
fn leaf(identity: &Identity, usage: ExtendedKeyUsagePurpose) -> Result<CertificateParams, CaError> {
    let uri = identity.to_string();
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(uri.trim_start_matches("keyroll://"));
    let uri = uri
        .as_str()
        .try_into()
        .map_err(|error| failed(identity, &error))?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    Ok(params)
}

/// X.509 allows 64 characters in a common name; nothing is decided by it.
pub(super) fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(
        DnType::CommonName,
        name.chars().take(64).collect::<String>(),
    );
    subject
}

/// When a certificate of ours was issued that is valid from `begins_unix` on.
pub(super) fn issued_unix(begins_unix: i64) -> i64 {
    begins_unix.saturating_add_unsigned(BACKDATE.as_secs())
}

/// Serial and validity; gives the serial in hexadecimal and the end in seconds since 1970.
pub(super) fn stamp(
    params: &mut CertificateParams,
    life: Duration,
    now_unix: i64,
) -> (String, i64) {
    let mut serial = [0; 16];
    rand::rng().fill_bytes(&mut serial);
    // Positive and without a leading zero byte, so that DER does not change it.
    serial[0] = serial[0] & 0x7f | 0x40;
    let life = life.min(LONGEST_LIFE);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let now = Duration::from_secs(u64::try_from(now_unix).unwrap_or(0));
    params.not_before = epoch + now.saturating_sub(BACKDATE);
    params.not_after = epoch + now + life;
    let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    (hex::encode(serial), now_unix.saturating_add(life))
}
