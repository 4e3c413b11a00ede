//! The web server: a POST of JSON for some entries at a time, over TLS that is verified.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::audit::Entry;
use crate::directory::credential::Place;

/// No token is longer, in bytes.
const LONGEST_TOKEN: usize = 4096;

/// A web server that takes the audit.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where entries are posted to: `https://…`.
    pub url: String,
    /// The CAs that its certificate comes from, and no others.
    pub ca: Vec<PathBuf>,
    /// A file with what is shown as `Authorization: Bearer …`, 0600.
    pub token_file: Option<PathBuf>,
    /// The name of a systemd credential (`LoadCredential=`) with it instead: under the unit the
    /// controller can read no file of root's.
    pub token_credential: Option<String>,
}

impl WebhookConfig {
    /// What is wrong with it, in words.
    ///
    /// # Errors
    /// An address that is none, or no CA.
    pub fn check(&self) -> Result<(), String> {
        let uri: Uri = self
            .url
            .parse()
            .map_err(|error| format!("audit.webhook.url: {error}"))?;
        if uri.scheme_str() != Some("https") || uri.host().is_none() {
            return Err("audit.webhook.url must begin with https:// and a host".to_owned());
        }
        if self.ca.is_empty() {
            return Err("audit.webhook.ca: name the CAs of its certificate".to_owned());
        }
        self.token().map(drop)
    }

    fn token(&self) -> Result<Option<Place>, String> {
        match (&self.token_file, &self.token_credential) {
            (None, None) => Ok(None),
            (Some(path), None) => Ok(Some(Place::File(path.clone()))),
            (None, Some(name)) => Place::systemd(name)
                .map(Some)
                .map_err(|why| format!("audit.webhook.token-credential: {why}")),
            (Some(_), Some(_)) => {
                Err("audit.webhook: give one of token-file and token-credential".to_owned())
            }
        }
    }
}

/// One that was read.
pub(super) struct Webhook {
    uri: Uri,
    config: Arc<ClientConfig>,
    token: Option<Place>,
}

impl Webhook {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// In words.
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, String> {
        config.check()?;
        let mut roots = RootCertStore::empty();
        for path in &config.ca {
            let failed = |error: &dyn std::fmt::Display| {
                format!("audit.webhook.ca: {}: {error}", path.display())
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| failed(&error))?;
                roots.add(certificate).map_err(|error| failed(&error))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            uri: config
                .url
                .parse()
                .map_err(|_| "audit.webhook.url".to_owned())?,
            config: Arc::new(client),
            token: config.token()?,
        })
    }

    pub(super) fn url(&self) -> String {
        self.uri.to_string()
    }

    /// Posts the entries as a JSON array.
    ///
    /// # Errors
    /// If it cannot be reached, is somebody else, or answers anything but success.
    pub(super) async fn post(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let host = self.uri.host().context("its address has no host")?;
        let port = self.uri.port_u16().unwrap_or(443);
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driving = tokio::spawn(connection);
        let response = sender.send_request(self.request(entries)?).await;
        driving.abort();
        let status = response?.status();
        if !status.is_success() {
            bail!("it answered {status}");
        }
        Ok(())
    }

    fn request(&self, entries: &[Entry]) -> anyhow::Result<Request<String>> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let mut request = Request::post(path)
            .header(HOST, host)
            .header(CONNECTION, "close")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("keyroll/", env!("CARGO_PKG_VERSION")));
        if let Some(place) = &self.token {
            let token = place.read(LONGEST_TOKEN);
            let token = token.map_err(|why| anyhow!("{place}: {why}"))?;
            let token = std::str::from_utf8(token.expose()).context("the token is no text")?;
            let shown = Zeroizing::new(format!("Bearer {}", token.trim_end()));
            let mut shown = HeaderValue::from_str(&shown).context("the token is not one line")?;
            shown.set_sensitive(true);
            request = request.header(AUTHORIZATION, shown);
        }
        let body = serde_json::to_string(entries)?;
        ensure!(!entries.is_empty(), "there is nothing to post");
        Ok(request.body(body)?)
    }
}
