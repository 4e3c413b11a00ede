//! From a domain controller's name to a bound connection: TCP, TLS or sealing, bind; each within
//! the time that the settings give it.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use keyroll::doctor::LdapFacts;
use keyroll::kerberos::Principal;
use keyroll::kerberos::message::gss::{ChannelBinding, Protection, Unestablished};
use keyroll::name::DcName;
use keyroll::secret::Password;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, StdStream};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::config::{DirectorySettings, Transport};
use super::credential::{ENCTYPES, OwnCredential};
use super::line::{Incoming, Outgoing, plain, sealed};
use super::refusals::{self, Refusals};
use super::relay::relay;
use super::sasl::{self, Bound, NotBound, Shown};
use super::tickets::{Got, Tickets};
use super::{result, tls};
use crate::ports::PortError;

/// What a connection is opened with.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) settings: DirectorySettings,
    refusals: Refusals,
    tickets: Tickets,
}

impl Dialer {
    /// Opens nothing yet.
    pub(super) fn new(settings: DirectorySettings) -> Self {
        Self {
            tickets: Tickets::new(settings.clone()),
            refusals: Refusals::default(),
            settings,
        }
    }

    /// A bound connection to `port` of `dc`.
    pub(super) async fn dial(&self, dc: &DcName, port: u16) -> Result<Ldap, PortError> {
        match self.settings.transport {
            Transport::Ldaps => {
                let securing = async {
                    let stream = connect(dc, port).await?;
                    secure(&self.settings, dc, port, stream).await
                };
                let stream = self.in_time(dc, port, "TLS", securing).await?;
                self.bind_over_tls(dc, port, stream).await
            }
            Transport::Gssapi => {
                let mut stream = self.in_time(dc, port, "TCP", connect(dc, port)).await?;
                let sealing = Protection::Sealing;
                let bound = self.bind_by_ticket(dc, &mut stream, sealing, None).await?;
                let context = (bound.context.sending, bound.context.receiving);
                hand_over(dc, port, sealed(stream, context, bound.longest)).await
            }
        }
    }

    /// What `dc` takes of binds that are not protected; each is tried by a ticket of its own KDC.
    pub(super) async fn takes(&self, dc: &DcName) -> Result<LdapFacts, PortError> {
        let service = self.service(dc)?;
        let ticket = self.ldap_ticket(dc, &service).await;
        ticket.map_err(|error| untried(dc, &service, error))?;
        let (plain, tls) = (Transport::Gssapi.port(), Transport::Ldaps.port());
        let unsigned = async {
            match self.in_time(dc, plain, "TCP", connect(dc, plain)).await {
                Ok(mut stream) => self.lets_in(dc, &mut stream).await.map(Some),
                // Whoever speaks TLS alone has nothing to sign.
                Err(_) if self.settings.transport == Transport::Ldaps => Ok(None),
                Err(error) => Err(error),
            }
        };
        let unbound = async {
            if self.settings.transport != Transport::Ldaps {
                return Ok(None);
            }
            let securing = async {
                let stream = connect(dc, tls).await?;
                secure(&self.settings, dc, tls, stream).await
            };
            let mut stream = self.in_time(dc, tls, "TLS", securing).await?;
            self.lets_in(dc, &mut stream).await.map(Some)
        };
        let (unsigned, unbound) = tokio::try_join!(unsigned, unbound)?;
        Ok(LdapFacts { unsigned, unbound })
    }

    /// Whether a ticket alone is enough: no layer, and bound to no connection.
    async fn lets_in<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        dc: &DcName,
        stream: &mut S,
    ) -> Result<bool, PortError> {
        match self.try_ticket(dc, stream, Protection::Proof, None).await? {
            Ok(_) => Ok(true),
            Err(NotBound::NoLayer(_)) => Ok(false),
            Err(NotBound::Refused(answer)) if result::wants_protection(&answer) => Ok(false),
            Err(trouble) => Err(self.not_bound(dc, trouble)),
        }
    }

    async fn in_time<T>(
        &self,
        dc: &DcName,
        port: u16,
        what: &str,
        connecting: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let patience = self.settings.connect_timeout;
        timeout(patience, connecting).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs();
            let why = format!("no {what} connection to port {port} within {seconds} s");
            Err(unreachable(dc, why))
        })
    }

    async fn bind_over_tls(
        &self,
        dc: &DcName,
        port: u16,
        mut stream: TlsStream<TcpStream>,
    ) -> Result<Ldap, PortError> {
        let credential = self.settings.credential.read(&self.settings.principal);
        let credential = credential.map_err(|error| self.refused(dc, error.to_string()))?;
        match credential {
            OwnCredential::Password(password) => {
                let mut ldap = hand_over(dc, port, plain(stream)).await?;
                self.bind_by_password(dc, &mut ldap, &password).await?;
                Ok(ldap)
            }
            OwnCredential::Keys(_) | OwnCredential::Ticket(_) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let hash = certificates
                    .and_then(<[_]>::first)
                    .and_then(|certificate| tls::end_point(certificate));
                let binding = hash.map(|hash| ChannelBinding::tls_server_end_point(&hash));
                self.bind_by_ticket(dc, &mut stream, Protection::Proof, binding)
                    .await?;
                hand_over(dc, port, plain(stream)).await
            }
        }
    }

    async fn bind_by_password(
        &self,
        dc: &DcName,
        ldap: &mut Ldap,
        password: &Password,
    ) -> Result<(), PortError> {
        let secret = refusals::of_password(password);
        if let Some(pause) = self.refusals.pause(dc, &secret) {
            return Err(self.refused(dc, refusals::in_words("this password", pause)));
        }
        let who = self.who();
        let binding = ldap
            .with_timeout(self.settings.connect_timeout)
            .simple_bind(&who, password.expose());
        match binding.await {
            Ok(answer) if answer.rc == 0 => Ok(()),
            Ok(answer) => {
                let trouble = result::bind_trouble(answer.rc, &answer.text);
                if trouble.wrong_password {
                    self.refusals.note(dc, &secret);
                }
                Err(self.refused(dc, trouble.words))
            }
            Err(error) => Err(unreachable(dc, format!("the bind got no answer: {error}"))),
        }
    }

    async fn bind_by_ticket<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        dc: &DcName,
        stream: &mut S,
        protection: Protection,
        binding: Option<ChannelBinding>,
    ) -> Result<Bound, PortError> {
        let trouble = match self.try_ticket(dc, stream, protection, binding).await {
            Ok(Ok(bound)) => return Ok(bound),
            Ok(Err(trouble)) => trouble,
            Err(error) => return Err(error),
        };
        // Whatever the ticket was good for, the next try begins with a new login.
        self.tickets.forget(dc).await;
        Err(self.not_bound(dc, trouble))
    }

    /// The same, with the domain controller's own answer.
    async fn try_ticket<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        dc: &DcName,
        stream: &mut S,
        protection: Protection,
        binding: Option<ChannelBinding>,
    ) -> Result<Result<Bound, NotBound>, PortError> {
        let service = self.service(dc)?;
        let Got {
            credential, ahead, ..
        } = self.ldap_ticket(dc, &service).await?;
        let shown = Shown {
            credential,
            ahead,
            protection,
            binding,
        };
        let patience = self.settings.connect_timeout;
        let bound = timeout(patience, sasl::bind(stream, &shown)).await;
        bound.map_err(|_| {
            let seconds = patience.as_secs();
            unreachable(dc, format!("the bind got no answer within {seconds} s"))
        })
    }

    async fn ldap_ticket(&self, dc: &DcName, service: &Principal) -> Result<Got, PortError> {
        let host = dc.as_str().split('.').next().unwrap_or_default();
        let account = Principal::new(vec![format!("{host}$")], self.settings.realm.clone());
        let account = account.map_err(|error| self.refused(dc, error.to_string()))?;
        self.tickets
            .of(dc, service, Some(&account), &ENCTYPES)
            .await
    }

    /// The domain controller's LDAP service.
    fn service(&self, dc: &DcName) -> Result<Principal, PortError> {
        let parts = vec!["ldap".to_owned(), dc.to_string()];
        let service = Principal::new(parts, self.settings.realm.clone());
        service.map_err(|error| self.refused(dc, error.to_string()))
    }

    fn not_bound(&self, dc: &DcName, trouble: NotBound) -> PortError {
        let (why, next) = match trouble {
            NotBound::Lost(error) => {
                return unreachable(dc, format!("the bind got no answer: {error}"));
            }
            NotBound::Refused(answer) => {
                let words = result::bind_trouble(answer.code, &answer.text).words;
                (words, self.way_out(answer.code))
            }
            NotBound::NoLayer(_) => (trouble.to_string(), self.way_out(result::STRONGER_AUTH)),
            NotBound::Unestablished(Unestablished::Refused(_)) => {
                (trouble.to_string(), "chronyc tracking")
            }
            NotBound::Unestablished(_)
            | NotBound::NotLdap(_)
            | NotBound::BadWrap(_)
            | NotBound::Unsayable(_) => (
                trouble.to_string(),
                "check directory.domain-controllers, and what listens there",
            ),
        };
        self.refused_with(dc, why, next)
    }

    /// What to do where a domain controller takes no bind of this kind.
    fn way_out(&self, code: u32) -> &'static str {
        match (self.settings.transport, code) {
            (Transport::Ldaps, result::STRONGER_AUTH | result::UNWILLING) => {
                "set directory.transport to \"gssapi\"; or let the domain controller take SASL \
                 over TLS (Samba: ldap server require strong auth = allow_sasl_over_tls)"
            }
            (Transport::Ldaps | Transport::Gssapi, _) => self.settings.check_bind,
        }
    }

    fn refused(&self, dc: &DcName, why: String) -> PortError {
        self.refused_with(dc, why, self.settings.check_bind)
    }

    fn refused_with(&self, dc: &DcName, why: String, next: &str) -> PortError {
        PortError::Refused {
            object: dc.to_string(),
            why: format!("it does not let {} in: {why}", self.who()),
            next: next.to_owned(),
        }
    }

    fn who(&self) -> String {
        format!(
            "{}@{}",
            self.settings.principal.name(),
            self.settings.domain
        )
    }
}

/// Without a ticket for its LDAP service nothing can be tried.
fn untried(dc: &DcName, service: &Principal, error: PortError) -> PortError {
    if let PortError::Unreachable { .. } = error {
        return error;
    }
    let name = service.name();
    let why = format!("what it takes cannot be tried without a ticket for {name}: {error}");
    let next = match error {
        PortError::Refused { next, .. } => next,
        PortError::Missing { .. } | PortError::Unreachable { .. } => String::new(),
    };
    let object = dc.to_string();
    PortError::Refused { object, why, next }
}

fn unreachable(dc: &DcName, why: String) -> PortError {
    PortError::Unreachable {
        object: dc.to_string(),
        why,
    }
}

async fn connect(dc: &DcName, port: u16) -> Result<TcpStream, PortError> {
    let stream = TcpStream::connect((dc.as_str(), port)).await;
    let stream = stream.map_err(|error| unreachable(dc, format!("port {port}: {error}")))?;
    keep_alive(&stream).map_err(|error| unreachable(dc, error.to_string()))?;
    Ok(stream)
}

/// A line that a firewall forgot is noticed after a minute and a half.
fn keep_alive(stream: &TcpStream) -> std::io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    Ok(())
}

async fn secure(
    settings: &DirectorySettings,
    dc: &DcName,
    port: u16,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, PortError> {
    let refused = |why: String, next: &str| PortError::Refused {
        object: dc.to_string(),
        why,
        next: next.to_owned(),
    };
    let config = tls::client(&settings.ca)
        .map_err(|error| refused(error.to_string(), "check directory.ca"))?;
    let name = ServerName::try_from(dc.as_str().to_owned())
        .map_err(|error| refused(error.to_string(), "check directory.domain-controllers"))?;
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map_err(|error| match tls::objection(&error) {
        Some(why) => refused(
            why,
            "check directory.ca and the names in the domain controller's certificate",
        ),
        None => unreachable(dc, format!("port {port}: {error}")),
    })
}

/// Gives the connection to the LDAP library, with the relay in between.
async fn hand_over(
    dc: &DcName,
    port: u16,
    line: (impl Incoming + 'static, impl Outgoing + 'static),
) -> Result<Ldap, PortError> {
    let pair = StdUnixStream::pair().and_then(|(near, far)| {
        near.set_nonblocking(true)?;
        Ok((UnixStream::from_std(near)?, far))
    });
    let (near, far) = pair.map_err(|error| unreachable(dc, error.to_string()))?;
    let name = dc.clone();
    tokio::spawn(async move {
        let broken = relay(line, plain(near)).await;
        tracing::debug!(dc = %name, port, reason = %broken, "LDAP connection ended");
    });
    let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(far));
    let opened = LdapConnAsync::with_settings(settings, "ldapi:///").await;
    let (connection, ldap) = opened.map_err(|error| unreachable(dc, error.to_string()))?;
    tokio::spawn(connection.drive());
    Ok(ldap)
}
