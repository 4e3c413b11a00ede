//! A page asked for as a browser asks for it: without a login first, then with a ticket.
//!
//! The ticket is for the array's service and good for nothing else. So whoever answers may be
//! anybody: certificates are not judged, for it is the keys behind the page that are looked at.

pub mod login;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST, SERVER, USER_AGENT, WWW_AUTHENTICATE};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use keyroll::kerberos::message::gss::ChannelBinding;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::directory::tls::end_point;
use crate::ports::PortError;

/// How long a page may take: a user would have gone by then.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that a web server is read of: headers alone matter here.
const HEADERS_MOST: usize = 64 * 1024;

/// What a web server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Every `WWW-Authenticate` header, in order.
    pub challenges: Vec<String>,
    /// What program it says it is; empty if it does not.
    pub server: String,
}

impl Answer {
    /// The token that goes with `Negotiate`, if there is one: the service's proof, or its refusal.
    #[must_use]
    pub fn token(&self) -> Option<Vec<u8>> {
        let mut words = self.challenges.iter().map(|one| one.split_whitespace());
        words.find_map(|mut words| {
            let negotiates = words.next()?.eq_ignore_ascii_case("negotiate");
            let token = words.next()?.trim_end_matches(',');
            negotiates.then(|| STANDARD.decode(token).ok())?
        })
    }
}

/// Asks the host `dial` for `uri`. `token` makes what is shown of the connection's binding, if it
/// has one; `None` shows nothing.
///
/// # Errors
/// [`PortError::Unreachable`] if there is no answer, or none in HTTP.
pub async fn ask(
    dial: &str,
    uri: &Uri,
    token: impl FnOnce(Option<&ChannelBinding>) -> Option<Vec<u8>>,
) -> Result<Answer, PortError> {
    let object = || format!("{uri} at {dial}");
    let late = |_| PortError::Unreachable {
        object: object(),
        why: format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let asked = tokio::time::timeout(PATIENCE, connect(dial, uri, token));
    asked
        .await
        .map_err(late)?
        .map_err(|why| PortError::Unreachable {
            object: object(),
            why: why.to_string(),
        })
}

async fn connect(
    dial: &str,
    uri: &Uri,
    token: impl FnOnce(Option<&ChannelBinding>) -> Option<Vec<u8>>,
) -> anyhow::Result<Answer> {
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((dial, port)).await?;
    if !secure {
        return send(stream, uri, token(None)).await;
    }
    let name = ServerName::try_from(uri.host().unwrap_or(dial).to_owned())?;
    let connector = tokio_rustls::TlsConnector::from(client()?);
    let stream = connector.connect(name, stream).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    let certificate = certificates.and_then(<[_]>::first);
    let hash = certificate.and_then(|certificate| end_point(certificate));
    let binding = hash.map(|hash| ChannelBinding::tls_server_end_point(&hash));
    let token = token(binding.as_ref());
    send(stream, uri, token).await
}

async fn send<S>(stream: S, uri: &Uri, token: Option<Vec<u8>>) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADERS_MOST)
        .handshake(TokioIo::new(stream))
        .await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::get(path)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header(USER_AGENT, concat!("keyroll/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = token {
        let shown = format!("Negotiate {}", STANDARD.encode(token));
        request = request.header(AUTHORIZATION, shown);
    }
    let request = request.body(String::new())?;
    // Driven apart: it may end in the moment in which the answer is whole.
    let driving = tokio::spawn(connection);
    let response = sender.send_request(request).await;
    driving.abort();
    let response = response?;
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenges = challenges.filter_map(|value| value.to_str().ok());
    let server = response.headers().get(SERVER);
    let server = server.and_then(|value| value.to_str().ok());
    Ok(Answer {
        status: response.status().as_u16(),
        challenges: challenges.map(str::to_owned).collect(),
        server: server.unwrap_or_default().to_owned(),
    })
}

fn client() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Takes every certificate; that the other end has its key is still proven.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with `answer`, and tells what was asked.
    async fn asked(
        answer: &'static str,
        token: Option<&[u8]>,
    ) -> (Result<Answer, PortError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let uri: Uri = format!("http://web.corp.example:{port}/app?x")
            .parse()
            .unwrap();
        let answer = ask("127.0.0.1", &uri, |binding| {
            assert!(binding.is_none());
            token.map(<[u8]>::to_vec)
        });
        (answer.await, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_page_is_asked_for_under_its_name_wherever_it_is() {
        let refused = "HTTP/1.1 401 Unauthorized\r\nServer: nginx\r\n\
                       WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n\
                       Content-Length: 2\r\n\r\nno";
        let (answer, request) = asked(refused, Some(b"ticket")).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.server.as_str()), (401, "nginx"));
        assert_eq!(answer.challenges, ["Negotiate", "NTLM"]);
        assert!(request.starts_with("GET /app?x HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("host: web.corp.example:"), "{request}");
        assert!(
            request.contains("authorization: Negotiate dGlja2V0\r\n"),
            "{request}"
        );
        assert_eq!(answer.token(), None);
        let proven = "HTTP/1.1 200 OK\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                      WWW-Authenticate: negotiate dGlja2V0\r\n\r\n";
        let (answer, _) = asked(proven, None).await;
        assert_eq!(answer.unwrap().token().as_deref(), Some(&b"ticket"[..]));
        let (answer, request) = asked("HTTP/1.1 200 OK\r\n\r\n", None).await;
        assert_eq!(answer.unwrap().status, 200);
        assert!(!request.contains("authorization"), "{request}");
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error_that_names_the_place() {
        for nonsense in ["", "SSH-2.0-OpenSSH_9.2\r\n"] {
            let error = asked(nonsense, None).await.0.unwrap_err();
            assert!(
                error.to_string().contains(" at 127.0.0.1 did not answer"),
                "{error}"
            );
        }
    }
}
