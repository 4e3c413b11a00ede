//! The node's own key and certificate, and whom it trusts: files in the state folder, for nobody
//! else.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio::sync::watch;
use x509_parser::extensions::GeneralName;

use crate::atomic_file::{self, Access, FileError};
use crate::effect::Effect;
use crate::platform;

/// Why the node cannot show who it is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It has not joined yet.
    #[error("this node has not joined")]
    NotJoined,
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is in the files, or was offered, is not what it should be.
    #[error("{what}: {why}")]
    Unusable {
        /// Which file or message.
        what: String,
        /// Why.
        why: String,
    },
}

fn unusable(what: impl ToString, why: impl ToString) -> IdentityError {
    IdentityError::Unusable {
        what: what.to_string(),
        why: why.to_string(),
    }
}

/// A key made here, and a signing request for it.
pub struct NewKey {
    key: SecretBytes,
    /// PKCS #10, DER.
    pub request: Vec<u8>,
}

impl NewKey {
    /// A new key, and a request that names `node`; the controller decides the names in the end.
    ///
    /// # Errors
    /// [`IdentityError::Unusable`].
    pub fn make(node: &str) -> Result<Self, IdentityError> {
        let bad = |error: rcgen::Error| unusable("making a key", error);
        let pair = KeyPair::generate().map_err(bad)?;
        let params = CertificateParams::new(vec![node.to_owned()]).map_err(bad)?;
        let request = params.serialize_request(&pair).map_err(bad)?;
        let key = SecretBytes::new(pair.serialize_pem().into_bytes());
        Ok(Self {
            key,
            request: request.der().to_vec(),
        })
    }

    /// The key, PEM, for a join by files.
    #[must_use]
    pub fn into_pem(self) -> SecretBytes {
        self.key
    }

    /// A key that was kept by [`Self::into_pem`].
    #[must_use]
    pub fn kept(key: SecretBytes) -> Self {
        Self {
            key,
            request: Vec::new(),
        }
    }
}

/// Who the node is.
#[derive(Debug)]
pub struct Identity {
    folder: PathBuf,
    current: watch::Sender<Arc<Current>>,
    asked: Mutex<Option<SecretBytes>>,
    looked: Mutex<Looked>,
}

/// Tells a file from the one that took its place.
type Stamp = (u64, SystemTime);

/// The files that were found when the folder was last looked at.
#[derive(Debug, Default)]
struct Looked {
    /// The one that was read.
    read: Option<Stamp>,
    /// One that could not be used, as the log was told.
    unusable: Option<Stamp>,
}

#[derive(Debug)]
struct Current {
    certified: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
    authorities: Vec<Vec<u8>>,
    node: NodeName,
    ends: SystemTime,
}

const KEY: &str = "node.key";
const CHAIN: &str = "node.crt";
const AUTHORITIES: &str = "authorities.crt";

impl Identity {
    /// The identity in the state folder.
    ///
    /// # Errors
    /// [`IdentityError::NotJoined`] if there is none.
    pub fn load(folder: &Path) -> Result<Self, IdentityError> {
        let read = stamp(folder);
        let current = Current::load(folder, atomic_file::read)?;
        Ok(Self {
            folder: folder.to_owned(),
            current: watch::Sender::new(Arc::new(current)),
            asked: Mutex::new(None),
            looked: Mutex::new(Looked {
                read,
                unusable: None,
            }),
        })
    }

    /// Takes over what a `keyroll-agent join` beside this process has put into the folder. A node
    /// that must join anew, because its controller is lost, need not be stopped for it: its gate
    /// would close.
    ///
    /// Nothing is waited for, since whoever serves asks at each call: neither a certificate that is
    /// being installed, nor a program that has a file for itself. The next look is another try.
    pub fn refresh(&self) {
        let mut looked = match self.looked.try_lock() {
            Ok(looked) => looked,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let found = stamp(&self.folder);
        if found.is_none() || found == looked.read {
            return;
        }
        // What cannot be read stays unread.
        let next = match Current::load(&self.folder, atomic_file::read_now) {
            Ok(next) => next,
            Err(error) => {
                if looked.unusable != found {
                    tracing::warn!(%error, "a new identity is there and cannot be used");
                }
                looked.unusable = found;
                return;
            }
        };
        looked.read = found;
        // A renewal leaves a new file, too.
        if self.now().is(&next) {
            return;
        }
        tracing::info!(node = %next.node, "joined anew: the new identity counts");
        self.current.send_replace(Arc::new(next));
    }

    /// Hears of each change of what the node is and whom it trusts.
    pub fn changes(&self) -> watch::Receiver<impl Sized + use<>> {
        self.current.subscribe()
    }

    /// Checks and keeps a certificate for `key`, with the authorities to trust.
    ///
    /// # Errors
    /// [`IdentityError`]; the files stay as they were.
    pub fn keep(
        folder: &Path,
        key: &SecretBytes,
        chain: &[Vec<u8>],
        authorities: &[Vec<u8>],
    ) -> Result<(), IdentityError> {
        Current::of(key, chain, authorities)?.check_issuer()?;
        let _here = Effect::SaveIdentity.here();
        // The key with its chain in one file: nobody ever finds one without the other.
        let chain_text = pem(chain);
        // Of its whole length from the first: a buffer that grows leaves the key where it was.
        let mut both = Vec::with_capacity(key.expose().len() + chain_text.len());
        both.extend_from_slice(key.expose());
        both.extend_from_slice(chain_text.as_bytes());
        let both = platform::seal(SecretBytes::new(both))
            .map_err(|error| unusable("the node's key", error))?;
        let write = |name: &str, bytes: SecretBytes| {
            atomic_file::replace(&folder.join(name), &bytes, &Access::PRIVATE)
        };
        let text = |certificates| SecretBytes::new(pem(certificates).into_bytes());
        // Whoever is trusted first: authorities are replaced by adding the new one, so the old key
        // works with the new list if this ends in between.
        write(AUTHORITIES, text(authorities))?;
        // A copy for people, before the file that counts: what fails leaves that as it was.
        write(CHAIN, text(chain))?;
        write(KEY, both)?;
        Ok(())
    }

    /// The node's name, as its certificate says it.
    #[must_use]
    pub fn node(&self) -> NodeName {
        self.now().node.clone()
    }

    /// When its certificate ends.
    #[must_use]
    pub fn ends(&self) -> SystemTime {
        self.now().ends
    }

    /// Whom it trusts.
    #[must_use]
    pub fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.now().roots)
    }

    /// Makes a new key for a renewal, kept in memory until its certificate comes.
    ///
    /// # Errors
    /// [`IdentityError::Unusable`].
    pub fn ask(&self) -> Result<Vec<u8>, IdentityError> {
        let NewKey { key, request } = NewKey::make(self.node().as_str())?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
        Ok(request)
    }

    /// Takes the certificate for the key of the last [`Self::ask`]; new handshakes use it at once.
    /// The same certificate again is taken again: the first answer may have been lost.
    ///
    /// # Errors
    /// [`IdentityError`]; then everything stays as it was.
    pub fn install(
        &self,
        chain: &[Vec<u8>],
        authorities: &[Vec<u8>],
    ) -> Result<SystemTime, IdentityError> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        if asked.is_none() && now.is_of(chain, authorities) {
            return Ok(now.ends);
        }
        let key = asked
            .as_ref()
            .ok_or_else(|| unusable("the new certificate", "no request was made for it"))?;
        let next = Current::of(key, chain, authorities)?;
        if next.node != now.node {
            let why = format!("it names {}", next.node);
            return Err(unusable("the new certificate", why));
        }
        // Nobody takes over what is half kept, or takes it for another's.
        let _looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        Self::keep(&self.folder, key, chain, authorities)?;
        let ends = next.ends;
        self.current.send_replace(Arc::new(next));
        *asked = None;
        Ok(ends)
    }

    fn now(&self) -> Arc<Current> {
        Arc::clone(&self.current.borrow())
    }
}

fn stamp(folder: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(folder.join(KEY)).ok()?;
    Some((platform::stamp(&found), found.modified().ok()?))
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now().certified))
    }
}

impl Current {
    fn load(
        folder: &Path,
        read: fn(&Path) -> Result<SecretBytes, FileError>,
    ) -> Result<Self, IdentityError> {
        let path = folder.join(KEY);
        let read = |path: &Path| match read(path) {
            Err(error) if error.is_missing() => Err(IdentityError::NotJoined),
            outcome => Ok(outcome?),
        };
        let key =
            platform::unseal(read(&path)?).map_err(|error| unusable("the node's key", error))?;
        let authorities = read(&folder.join(AUTHORITIES))?;
        let certificates = |bytes: &SecretBytes, path: &Path| {
            CertificateDer::pem_slice_iter(bytes.expose())
                .map(|one| {
                    Ok(one
                        .map_err(|error| unusable(path.display(), error))?
                        .to_vec())
                })
                .collect::<Result<Vec<_>, IdentityError>>()
        };
        let chain = certificates(&key, &path)?;
        let authorities = certificates(&authorities, &folder.join(AUTHORITIES))?;
        Self::of(&key, &chain, &authorities)
    }

    fn of(
        key: &SecretBytes,
        chain: &[Vec<u8>],
        authorities: &[Vec<u8>],
    ) -> Result<Self, IdentityError> {
        let what = "the node's certificate";
        let key = PrivateKeyDer::from_pem_slice(key.expose())
            .map_err(|error| unusable("the node's key", error))?;
        let signer = any_supported_type(&key).map_err(|error| unusable("the node's key", error))?;
        let leaf = chain
            .first()
            .ok_or_else(|| unusable(what, "there is none"))?;
        let (node, ends) = names(leaf)?;
        let chain = chain.iter().cloned().map(CertificateDer::from).collect();
        let certified = CertifiedKey::new(chain, signer);
        certified
            .keys_match()
            .map_err(|error| unusable(what, error))?;
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots
                .add(CertificateDer::from(authority.clone()))
                .map_err(|error| unusable("an authority's certificate", error))?;
        }
        if roots.is_empty() {
            return Err(unusable("the authorities", "there is none"));
        }
        Ok(Self {
            certified: Arc::new(certified),
            roots: Arc::new(roots),
            authorities: authorities.to_vec(),
            node,
            ends,
        })
    }

    /// Whether the other has the same certificate and trusts the same authorities.
    fn is(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert && self.authorities == other.authorities
    }

    /// Whether it is of this chain and trusts these authorities.
    fn is_of(&self, chain: &[Vec<u8>], authorities: &[Vec<u8>]) -> bool {
        self.authorities == authorities
            && self
                .certified
                .cert
                .iter()
                .map(AsRef::as_ref)
                .eq(chain.iter().map(Vec::as_slice))
    }

    /// A new certificate must be one that its authorities stand for today. An old one is not
    /// asked: an expired node must still be reachable for its renewal.
    fn check_issuer(&self) -> Result<(), IdentityError> {
        let what = "the node's certificate";
        let bad = |error: rustls::Error| unusable(what, error);
        let (leaf, others) = self
            .certified
            .cert
            .split_first()
            .ok_or_else(|| unusable(what, "there is none"))?;
        let parsed = ParsedCertificate::try_from(leaf).map_err(bad)?;
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            others,
            UnixTime::now(),
            algorithms.all,
        )
        .map_err(bad)
    }
}

/// The node that a certificate names, and when it ends.
fn names(leaf: &[u8]) -> Result<(NodeName, SystemTime), IdentityError> {
    let what = "the node's certificate";
    let uri = uri(leaf).map_err(|why| unusable(what, why))?;
    let name = uri
        .strip_prefix("keyroll://node/")
        .ok_or_else(|| unusable(what, "it is not a node's"))?;
    let node = name.parse().map_err(|error| unusable(what, error))?;
    let ends = ends(leaf).map_err(|why| unusable(what, why))?;
    Ok((node, ends))
}

/// When a certificate ends.
///
/// # Errors
/// In words, if it is none.
pub fn ends(certificate: &[u8]) -> Result<SystemTime, String> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The one URI in a certificate, which says who its holder is.
///
/// # Errors
/// In words, if it is no certificate or has not one URI.
pub fn uri(certificate: &[u8]) -> Result<String, String> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|error| error.to_string())?;
    let names = names.ok_or("it names nobody")?;
    let mut uris = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
    match (uris.next(), uris.next()) {
        (Some(uri), None) => Ok(uri.to_owned()),
        _ => Err("it has not exactly one URI".to_owned()),
    }
}

/// Certificates as PEM.
#[must_use]
pub fn pem(certificates: &[Vec<u8>]) -> String {
    let block = |der: &Vec<u8>| ::pem::encode(&::pem::Pem::new("CERTIFICATE", der.clone()));
    certificates.iter().map(block).collect()
}
