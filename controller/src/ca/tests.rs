mod doorway;
mod flood;

use std::sync::Arc;
use std::time::Duration;

use keyroll::name::OperatorName;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;
use crate::store::Read as _;
use crate::store::tests::{Scratch, scratch};

/// A controller's identity on a scratch store.
pub(crate) struct World {
    pub(crate) scratch: Scratch,
    pub(crate) authority: Arc<Authority>,
    pub(crate) own: Arc<OwnCredential>,
}

pub(crate) fn world() -> World {
    let scratch = scratch();
    let (store, seal) = (&scratch.store, &scratch.seal);
    let authority = Authority::create(store, seal, Lifetimes::default(), now_unix()).unwrap();
    let authority = Arc::new(authority);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = Arc::new(OwnCredential::new(authority.clone(), names).unwrap());
    World {
        scratch,
        authority,
        own,
    }
}

/// A key pair and a signing request that claims to be somebody else.
pub(crate) fn request() -> (KeyPair, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
    let claim = "keyroll://controller".try_into().unwrap();
    params.subject_alt_names.push(SanType::URI(claim));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let csr = params.serialize_request(&key).unwrap().der().to_vec();
    (key, csr)
}

pub(crate) fn certified(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> CertifiedKey {
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::new(chain, provider.key_provider.load_private_key(der).unwrap())
}

pub(crate) fn node_certificate(
    authority: &Authority,
    node: &str,
    now_unix: i64,
) -> (Issued, CertifiedKey) {
    let (key, csr) = request();
    let request = SigningRequest::read(&csr, node).unwrap();
    let node = node.parse().unwrap();
    let issued = authority.issue_node(&node, &request, now_unix).unwrap();
    let certified = certified(issued.chain.clone(), &key);
    (issued, certified)
}

pub(crate) fn operator_certificate(
    authority: &Authority,
    operator: &str,
    now_unix: i64,
) -> (Issued, CertifiedKey) {
    let (key, csr) = request();
    let request = SigningRequest::read(&csr, operator).unwrap();
    let operator: OperatorName = operator.parse().unwrap();
    let life = Duration::from_secs(3600);
    let issued = authority
        .issue_operator(&operator, &request, life, now_unix)
        .unwrap();
    let certified = certified(issued.chain.clone(), &key);
    (issued, certified)
}

#[test]
fn a_certificate_says_what_the_controller_says_whatever_was_requested() {
    let world = world();
    let now = now_unix();
    let (issued, _) = node_certificate(&world.authority, "n1.corp.example", now);
    let peer = Peer::of(&issued.chain[0]).unwrap();
    assert_eq!(peer.identity.to_string(), "keyroll://node/n1.corp.example");
    assert_eq!(
        (&peer.serial, peer.ends_unix),
        (&issued.serial, issued.ends_unix)
    );
    assert_eq!(issued.ends_unix, now + 24 * 3600);
    let (_, parsed) = x509_parser::parse_x509_certificate(&issued.chain[0]).unwrap();
    let begins = parsed.validity().not_before.timestamp();
    assert_eq!(begins, now - 24 * 3600, "clocks may be hours apart");
    assert!(!parsed.is_ca());
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth && !usage.any);
    let text = String::from_utf8_lossy(&issued.chain[0]).into_owned();
    assert!(!text.contains("evil") && !text.contains("keyroll://controller"));
}

#[test]
fn a_request_that_is_none_or_not_its_owner_s_is_refused() {
    let (_, csr) = request();
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", csr.clone()));
    assert!(SigningRequest::read(pem.as_bytes(), "n1").is_ok());
    let mut forged = csr.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let long = vec![0x30; 9000];
    let certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for bad in [&forged[..], &csr[..csr.len() / 2], b"", &long, certificate] {
        let error = SigningRequest::read(bad, "node n1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("node n1"), "{error}");
    }
}

#[test]
fn r07_the_store_does_not_hold_the_authority_s_key_in_the_clear() {
    let world = world();
    let sealed = world.scratch.store.authorities().unwrap().remove(0);
    let purpose = crate::seal::Purpose::Authority { number: 1 };
    let plain = world.scratch.seal.open(&purpose, &sealed.key.0).unwrap();
    let file = std::fs::read(world.scratch.folder.path().join("state.redb")).unwrap();
    // Where a P-256 key of PKCS #8 has its secret number (RFC 5915 in RFC 5208).
    let secret = &plain.expose()[36..68];
    for part in secret.chunks_exact(8) {
        // Rows are JSON, in which bytes are numbers.
        let numbers: Vec<String> = part.iter().map(ToString::to_string).collect();
        for form in [part.to_vec(), numbers.join(",").into_bytes()] {
            let found = file.windows(form.len()).any(|window| window == form);
            assert!(!found, "the key is in the file");
        }
    }
    let other = crate::seal::Seal::new(&[6; 32]);
    let outcome = Authority::load(&world.scratch.store, &other, Lifetimes::default());
    assert!(matches!(outcome, Err(CaError::Sealed { number: 1, .. })));
}

#[test]
fn r07_an_authority_is_replaced_with_overlapping_trust() {
    let World {
        scratch, authority, ..
    } = world();
    let (store, seal, now) = (&scratch.store, &scratch.seal, now_unix());
    let first = authority.fingerprint().unwrap();
    assert!(Authority::create(store, seal, Lifetimes::default(), now).is_err());
    let number = authority.prepare(store, seal, now).unwrap();
    assert_eq!((number, authority.certificates().len()), (2, 2));
    assert_eq!(
        authority.fingerprint().unwrap(),
        first,
        "it signs nothing yet"
    );
    authority.activate(store, seal, number).unwrap();
    assert_ne!(authority.fingerprint().unwrap(), first);
    assert_eq!(
        authority.roots().len(),
        2,
        "what the old one signed still counts"
    );
    authority.retire(store, seal).unwrap();
    assert_eq!(authority.roots().len(), 1);
    let again = Authority::load(store, seal, Lifetimes::default()).unwrap();
    assert_eq!(
        again.fingerprint().unwrap(),
        authority.fingerprint().unwrap()
    );
    assert_eq!(again.pem().matches("BEGIN CERTIFICATE").count(), 1);
}

#[test]
fn no_lifetime_however_long_makes_more_than_an_authority_lasts() {
    let world = world();
    let (_, csr) = request();
    let request = SigningRequest::read(&csr, "alice").unwrap();
    let (alice, now) = ("alice".parse().unwrap(), now_unix());
    let issued = world
        .authority
        .issue_operator(&alice, &request, Duration::from_secs(u64::MAX), now)
        .unwrap();
    assert_eq!(issued.ends_unix, now + 10 * 365 * 24 * 3600);
    assert_eq!(
        Peer::of(&issued.chain[0]).unwrap().ends_unix,
        issued.ends_unix
    );
}
