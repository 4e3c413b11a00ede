//! The internal certificate authority.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyroll::name::{NodeName, OperatorName};
use keyroll::roll::Sealed;
use rand::RngCore as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use super::{CaError, Identity, SigningRequest};
use crate::seal::{Purpose, Seal};
use crate::store::{AuthorityRecord, Read as _, Store};

/// Certificates begin this long before they are made: other machines' clocks may be behind.
const BACKDATE: Duration = Duration::from_secs(300);
/// How long an authority lasts. It is replaced by [`Authority::prepare`] long before.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How long certificates last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// A node's; renewed at half.
    pub node: Duration,
    /// The controller's own; renewed at half.
    pub controller: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self {
            node: day,
            controller: day,
        }
    }
}

/// A certificate that was just made.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, leaf first, without the authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// When it ends, seconds since 1970.
    pub ends_unix: i64,
}

impl Issued {
    /// The chain as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        to_pem(&self.chain)
    }
}

/// Certificates as PEM, one block after the other.
fn to_pem(certificates: &[CertificateDer<'_>]) -> String {
    let block = |one: &CertificateDer<'_>| pem::Pem::new("CERTIFICATE", one.to_vec());
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_many_config(&certificates.iter().map(block).collect::<Vec<_>>(), lines)
}

struct Signer {
    number: u64,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

struct Authorities {
    /// All that are trusted, the oldest first.
    all: Vec<Arc<Signer>>,
    /// The number of the one that signs.
    signing: u64,
    roots: Arc<RootCertStore>,
}

/// Signs certificates. The private keys are sealed in the store and open in memory.
///
/// There may be several authorities: a new one is first made known to everybody
/// ([`Authority::prepare`]), and signs from its [`Authority::activate`] on, when no agent is left
/// that does not trust it.
pub struct Authority {
    lifetimes: Lifetimes,
    current: RwLock<Arc<Authorities>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    /// Makes the first authority of a new controller.
    ///
    /// # Errors
    /// [`CaError::Unusable`] if there is one already; [`CaError::Signing`], [`CaError::Store`].
    pub fn create(
        store: &Store,
        seal: &Seal,
        lifetimes: Lifetimes,
        now_unix: i64,
    ) -> Result<Self, CaError> {
        let record = make_authority(seal, &store.meta()?.store, 1, true, now_unix)?;
        store.write(|change| {
            if change.authorities()?.is_empty() {
                return Ok(change.put_authority(&record)?);
            }
            Err(CaError::Unusable {
                number: 1,
                why: "it exists already".to_owned(),
            })
        })?;
        Self::load(store, seal, lifetimes)
    }

    /// Opens the authorities that the store holds.
    ///
    /// # Errors
    /// [`CaError::Absent`], [`CaError::Sealed`], [`CaError::Unusable`], [`CaError::Store`].
    pub fn load(store: &Store, seal: &Seal, lifetimes: Lifetimes) -> Result<Self, CaError> {
        let current = RwLock::new(Arc::new(open_all(store, seal)?));
        Ok(Self { lifetimes, current })
    }

    /// Makes one more authority, which everybody is told to trust and which signs nothing yet.
    /// Gives its number.
    ///
    /// # Errors
    /// As [`Authority::create`].
    pub fn prepare(&self, store: &Store, seal: &Seal, now_unix: i64) -> Result<u64, CaError> {
        let number = self
            .current()
            .all
            .last()
            .map_or(1, |newest| newest.number + 1);
        let record = make_authority(seal, &store.meta()?.store, number, false, now_unix)?;
        store.write(|change| change.put_authority(&record))?;
        self.reload(store, seal)?;
        Ok(number)
    }

    /// Lets the authority of this number sign from now on.
    ///
    /// # Errors
    /// [`CaError::Absent`] if there is none of this number; [`CaError::Store`].
    pub fn activate(&self, store: &Store, seal: &Seal, number: u64) -> Result<(), CaError> {
        store.write(|change| {
            let found = change
                .authorities()?
                .into_iter()
                .find(|one| one.number == number);
            let mut record = found.ok_or(CaError::Absent)?;
            record.signs = true;
            Ok::<_, CaError>(change.put_authority(&record)?)
        })?;
        self.reload(store, seal)
    }

    /// Ends all trust in the authorities before the one that signs.
    ///
    /// # Errors
    /// [`CaError::Store`].
    pub fn retire(&self, store: &Store, seal: &Seal) -> Result<(), CaError> {
        let signing = self.current().signing;
        store.write(|change| {
            for old in change
                .authorities()?
                .iter()
                .filter(|one| one.number < signing)
            {
                change.remove_authority(old.number)?;
            }
            Ok::<_, CaError>(())
        })?;
        self.reload(store, seal)
    }

    fn reload(&self, store: &Store, seal: &Seal) -> Result<(), CaError> {
        let opened = Arc::new(open_all(store, seal)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }

    fn current(&self) -> Arc<Authorities> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every trusted authority's certificate, DER, the oldest first.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.current()
            .all
            .iter()
            .map(|signer| signer.certificate.clone())
            .collect()
    }

    /// Every trusted authority's certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        to_pem(&self.certificates())
    }

    /// Every trusted authority, as anchors of trust.
    #[must_use]
    pub fn roots(&self) -> Arc<RootCertStore> {
        self.current().roots.clone()
    }

    /// SHA-256 over the signing authority's certificate (DER), by which a node knows us at first.
    ///
    /// # Errors
    /// [`CaError::Absent`].
    pub fn fingerprint(&self) -> Result<[u8; 32], CaError> {
        Ok(Sha256::digest(&self.signer()?.certificate).into())
    }

    /// The signing authority's certificate, which a node that has only its fingerprint is shown.
    pub(super) fn signing_certificate(&self) -> Result<CertificateDer<'static>, CaError> {
        Ok(self.signer()?.certificate.clone())
    }

    /// How long certificates last.
    #[must_use]
    pub const fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    fn signer(&self) -> Result<Arc<Signer>, CaError> {
        let current = self.current();
        let signer = current.all.iter().find(|one| one.number == current.signing);
        signer.cloned().ok_or(CaError::Absent)
    }

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
            self.lifetimes.node,
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
        self.sign(params, &identity, key, self.lifetimes.controller, now_unix)
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
fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(
        DnType::CommonName,
        name.chars().take(64).collect::<String>(),
    );
    subject
}

/// Serial and validity; gives the serial in hexadecimal and the end in seconds since 1970.
fn stamp(params: &mut CertificateParams, life: Duration, now_unix: i64) -> (String, i64) {
    let mut serial = [0; 16];
    rand::rng().fill_bytes(&mut serial);
    // Positive and without a leading zero byte, so that DER does not change it.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let now = Duration::from_secs(u64::try_from(now_unix).unwrap_or(0));
    params.not_before = epoch + now.saturating_sub(BACKDATE);
    params.not_after = epoch + now + life;
    let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    (hex::encode(serial), now_unix.saturating_add(life))
}

fn make_authority(
    seal: &Seal,
    store_id: &str,
    number: u64,
    signs: bool,
    now_unix: i64,
) -> Result<AuthorityRecord, CaError> {
    let failed = |error: rcgen::Error| CaError::Signing {
        object: format!("certificate authority {number}"),
        why: error.to_string(),
    };
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::default();
    let site: String = store_id.chars().take(8).collect();
    params.distinguished_name = common_name(&format!("keyroll authority {number} of {site}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    stamp(&mut params, AUTHORITY_LIFE, now_unix);
    let certificate = params.self_signed(&key).map_err(failed)?;
    let plain = zeroize::Zeroizing::new(key.serialize_der());
    Ok(AuthorityRecord {
        number,
        signs,
        certificate: certificate.der().to_vec(),
        key: Sealed(seal.seal(&Purpose::Authority { number }, &plain)),
    })
}

fn open_all(store: &Store, seal: &Seal) -> Result<Authorities, CaError> {
    let records = store.authorities()?;
    let newest = records
        .iter()
        .filter(|one| one.signs)
        .map(|one| one.number)
        .max();
    let signing = newest.ok_or(CaError::Absent)?;
    let all: Vec<_> = records
        .into_iter()
        .map(|record| open_one(record, seal).map(Arc::new))
        .collect::<Result<_, _>>()?;
    let mut roots = RootCertStore::empty();
    for signer in &all {
        roots.add(signer.certificate.clone())?;
    }
    Ok(Authorities {
        all,
        signing,
        roots: Arc::new(roots),
    })
}

fn open_one(record: AuthorityRecord, seal: &Seal) -> Result<Signer, CaError> {
    let number = record.number;
    let unusable = |error: rcgen::Error| CaError::Unusable {
        number,
        why: error.to_string(),
    };
    let plain = seal
        .open(&Purpose::Authority { number }, &record.key.0)
        .map_err(|source| CaError::Sealed { number, source })?;
    let der = PrivatePkcs8KeyDer::from(plain.expose());
    let key = KeyPair::try_from(&der).map_err(unusable)?;
    let certificate = CertificateDer::from(record.certificate);
    let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(unusable)?;
    Ok(Signer {
        number,
        certificate,
        issuer,
    })
}
