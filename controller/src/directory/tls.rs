//! TLS to a domain controller: the CAs that were named and no others, the name always compared.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

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
