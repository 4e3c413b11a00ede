//! The internal certificate authority.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyroll::roll::Sealed;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use super::CaError;
use super::issue::{LONGEST_LIFE, common_name, stamp, to_pem};
use crate::seal::{Purpose, Seal};
use crate::store::{AuthorityRecord, Read as _, Store, Trust};

/// How long certificates last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// A node's; renewed at half.
    pub node: Duration,
    /// The controller's own; renewed at half.
    pub controller: Duration,
    /// How long after the end of its last certificate a node may still have it renewed.
    pub grace: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self {
            node: day,
            controller: day,
            grace: 90 * day,
        }
    }
}

/// One authority, open.
pub(super) struct Signer {
    pub(super) number: u64,
    certificate: CertificateDer<'static>,
    pub(super) issuer: Issuer<'static, KeyPair>,
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

    /// Who is trusted, and who signs.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let current = self.current();
        let number = |one: Option<&Arc<Signer>>| one.map_or(current.signing, |one| one.number);
        Trust {
            oldest: number(current.all.first()),
            newest: number(current.all.last()),
            signer: current.signing,
        }
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

    /// When the signing authority's own certificate ends, seconds since 1970.
    ///
    /// # Errors
    /// [`CaError::Absent`]; [`CaError::Unusable`] if it cannot be read.
    pub fn ends_unix(&self) -> Result<i64, CaError> {
        let signer = self.signer()?;
        let read = x509_parser::parse_x509_certificate(&signer.certificate);
        let (_, certificate) = read.map_err(|error| CaError::Unusable {
            number: signer.number,
            why: error.to_string(),
        })?;
        Ok(certificate.validity().not_after.timestamp())
    }

    /// How long certificates last.
    #[must_use]
    pub const fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    pub(super) fn signer(&self) -> Result<Arc<Signer>, CaError> {
        let current = self.current();
        let signer = current.all.iter().find(|one| one.number == current.signing);
        signer.cloned().ok_or(CaError::Absent)
    }
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
    stamp(&mut params, LONGEST_LIFE, now_unix);
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
