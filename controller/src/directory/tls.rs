//! TLS to a domain controller: the CAs that were named and no others, the name always compared.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// The CA files cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the CA file {path} cannot be used: {why}")]
pub struct BadCa {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// TLS 1.3 or 1.2, trusting the certificates in these PEM files.
///
/// TLS 1.2 is for Windows Server before 2022; rustls offers only its forward-secret, authenticated
/// suites. A client certificate is not offered: AD would map it to another account.
///
/// # Errors
/// [`BadCa`] for the first file that cannot be read, is no PEM, or has no certificate.
pub fn client(ca: &[PathBuf]) -> Result<Arc<ClientConfig>, BadCa> {
    let mut roots = RootCertStore::empty();
    for path in ca {
        add(&mut roots, path).map_err(|why| BadCa {
            path: path.clone(),
            why,
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| BadCa {
            path: PathBuf::new(),
            why: error.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let mut count = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        count += 1;
    }
    if count == 0 {
        return Err("it has no certificate in PEM form".to_owned());
    }
    Ok(())
}

/// What TLS itself has against the other end, in words; `None` if the connection was only lost.
#[must_use]
pub fn objection(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match inner {
        rustls::Error::InvalidCertificate(why) => format!("its certificate is not good: {why}"),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS there".to_owned(),
        other => format!("TLS failed: {other}"),
    })
}

/// The hash of a server's certificate that stands for the TLS connection to it (RFC 5929 section
/// 4.1): by the hash function of its own signature, or by SHA-256 where that is MD5 or SHA-1.
/// `None` where the signature has no hash function of its own, which the RFC leaves undefined.
#[must_use]
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = &parsed.signature_algorithm;
    let hash = match SignatureAlgorithm::try_from(algorithm) {
        // Its hash function is a parameter.
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
            parameters.hash_algorithm_oid().to_id_string()
        }
        _ => algorithm.algorithm.to_id_string(),
    };
    Some(match hash.as_str() {
        // MD5 and SHA-1 with RSA, SHA-1 with ECDSA, SHA-1 alone.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" | "1.3.14.3.2.26" => {
            Sha256::digest(certificate).to_vec()
        }
        // SHA-2 of each length: with RSA, with ECDSA, alone.
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" | "2.16.840.1.101.3.4.2.4" => {
            Sha224::digest(certificate).to_vec()
        }
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.2.1" => {
            Sha256::digest(certificate).to_vec()
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => {
            Sha384::digest(certificate).to_vec()
        }
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => {
            Sha512::digest(certificate).to_vec()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ClientConnection, ServerConfig, ServerConnection};

    use super::*;

    /// What a client says of a domain controller whose certificate ended in this year.
    fn judged(ends: i32, speaks: &'static rustls::SupportedProtocolVersion) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = folder.path().join("ca.pem");
        std::fs::write(&pem, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
        let mut params = CertificateParams::new(vec!["dc1.corp.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(ends, 1, 1);
        let leaf = params.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[speaks])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        let name = "dc1.corp.example".try_into().unwrap();
        let mut client = ClientConnection::new(client(&[pem]).unwrap(), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut line = Vec::new();
            client.write_tls(&mut line).unwrap();
            server.read_tls(&mut line.as_slice()).unwrap();
            server
                .process_new_packets()
                .map_err(|error| error.to_string())?;
            let mut line = Vec::new();
            server.write_tls(&mut line).unwrap();
            client.read_tls(&mut line.as_slice()).unwrap();
            let judged = client.process_new_packets().map(drop);
            judged.map_err(|error| objection(&io::Error::other(error)).unwrap())?;
        }
        Ok(())
    }

    #[test]
    fn r34_an_expired_certificate_is_refused() {
        for speaks in [&rustls::version::TLS13, &rustls::version::TLS12] {
            assert_eq!(judged(2100, speaks), Ok(()));
            let why = judged(2025, speaks).unwrap_err();
            assert!(why.contains("certificate is not good"), "{why}");
            assert!(why.contains("expired"), "{why}");
        }
    }

    #[test]
    fn a_certificate_is_hashed_as_its_signature_was() {
        for (algorithm, length) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(32)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(48)),
            (&rcgen::PKCS_ED25519, None),
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let params = CertificateParams::new(vec!["dc1.corp.example".to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let hash = end_point(certificate.der());
            assert_eq!(hash.map(|hash| hash.len()), length, "{algorithm:?}");
        }
        assert_eq!(end_point(b"no certificate"), None);
    }
}
