//! One warm LDAPS connection to each domain controller.

use std::collections::HashMap;
use std::collections::HashSet;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;

use keyroll::name::DcName;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, StdStream};
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::config::DirectorySettings;
use super::credential::Refusals;
use super::entry::Entry;
use super::relay::relay;
use super::text::{Dn, Filter};
use super::{result, tls};
use crate::ports::PortError;

/// LDAPS, and the global catalog over TLS.
pub(super) const LDAPS: u16 = 636;
pub(super) const GLOBAL_CATALOG: u16 = 3269;
/// Entries in one page; AD gives at most 1000.
const PAGE: i32 = 500;

/// What is asked of a domain controller about itself, and of the caller.
const ROOT: [&str; 6] = [
    "configurationNamingContext",
    "currentTime",
    "defaultNamingContext",
    "isGlobalCatalogReady",
    "schemaNamingContext",
    "tokenGroups",
];

/// A connection's place: domain controller and port.
type Place = (DcName, u16);

/// The connections, each made when it is first wanted and again when it was lost.
#[derive(Debug)]
pub(super) struct Connections {
    settings: DirectorySettings,
    refusals: Refusals,
    port: u16,
    open: Mutex<HashMap<Place, Arc<Mutex<Option<Ldap>>>>>,
}

/// A handle on one connection. Requests of several handles share it.
#[derive(Debug)]
pub(super) struct Connection {
    ldap: Ldap,
    place: Place,
    patience: Duration,
    slot: Arc<Mutex<Option<Ldap>>>,
    /// It was open before: it may have died unnoticed.
    pub(super) reused: bool,
}

/// A request got no answer; the connection is given up.
#[derive(Debug)]
pub(super) struct Lost(pub(super) String);

impl Connections {
    pub(super) fn new(settings: DirectorySettings) -> Self {
        Self {
            settings,
            refusals: Refusals::default(),
            port: LDAPS,
            open: Mutex::default(),
        }
    }

    /// A handle on the connection to `dc`, which is opened if there is none.
    pub(super) async fn to(&self, dc: &DcName, port: u16) -> Result<Connection, PortError> {
        let place = (dc.clone(), port);
        let slot = self
            .open
            .lock()
            .await
            .entry(place.clone())
            .or_default()
            .clone();
        // Held while connecting, so that no second caller opens a second connection.
        let mut held = slot.lock().await;
        let known = held
            .take()
            .and_then(|mut ldap| (!ldap.is_closed()).then_some(ldap));
        let (ldap, reused) = match known {
            Some(ldap) => (held.insert(ldap).clone(), true),
            None => {
                let opened = open(&self.settings, &self.refusals, dc, port).await?;
                *held = Some(opened.clone());
                (opened, false)
            }
        };
        drop(held);
        let patience = self.settings.write_timeout;
        Ok(Connection {
            ldap,
            place,
            patience,
            slot,
            reused,
        })
    }

    /// A handle on a connection that has just answered, and the answer: what the domain controller
    /// says of itself. What is sent next meets no line that died unnoticed.
    pub(super) async fn live(&self, dc: &DcName) -> Result<(Connection, Entry), PortError> {
        let root = Dn::of_directory("");
        let mut connection = self.to(dc, self.port).await?;
        match connection.look(&root, &ROOT, None).await {
            Err(PortError::Unreachable { .. }) if connection.reused => {
                connection = self.to(dc, self.port).await?;
                let entry = connection.look(&root, &ROOT, None).await?;
                Ok((connection, entry))
            }
            looked => Ok((connection, looked?)),
        }
    }
}

impl Connection {
    /// Reads one object.
    pub(super) async fn look(
        &mut self,
        base: &Dn,
        attributes: &[&str],
        control: Option<RawControl>,
    ) -> Result<Entry, PortError> {
        self.ldap.with_timeout(self.patience);
        if let Some(control) = control {
            self.ldap.with_controls(control);
        }
        let filter = Filter::any_object();
        let searching = self
            .ldap
            .search(base.as_str(), Scope::Base, filter.as_str(), attributes);
        let found = searching.await;
        let found = self
            .answered(found)
            .await
            .map_err(|lost| self.unreachable(lost))?;
        let (entries, found) = (found.0, found.1);
        if found.rc == result::NO_SUCH_OBJECT {
            return Err(PortError::Missing {
                object: base.to_string(),
            });
        }
        result::success(&self.place.0, base.as_str(), &found)?;
        let entry = entries.into_iter().next().map(Entry::of);
        entry.ok_or_else(|| PortError::Missing {
            object: base.to_string(),
        })
    }

    /// Every object below `base` that the filter finds, page by page.
    pub(super) async fn find(
        &mut self,
        base: &Dn,
        filter: &Filter,
        attributes: &[&'static str],
    ) -> Result<Vec<Entry>, PortError> {
        let adapters: Vec<Box<dyn Adapter<'_, &'static str, Vec<&'static str>>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(PAGE)),
        ];
        let searching = async {
            let (base, filter) = (base.as_str(), filter.as_str());
            self.ldap.with_timeout(self.patience);
            let mut stream = self
                .ldap
                .streaming_search_with(adapters, base, Scope::Subtree, filter, attributes.to_vec())
                .await?;
            let mut entries = Vec::new();
            while let Some(entry) = stream.next().await? {
                entries.push(Entry::of(entry));
            }
            Ok((entries, stream.finish().await))
        };
        let found = searching.await;
        let (entries, found) = self
            .answered(found)
            .await
            .map_err(|lost| self.unreachable(lost))?;
        result::success(&self.place.0, base.as_str(), &found)?;
        Ok(entries)
    }

    /// Sends one modify, once.
    pub(super) async fn modify(
        &mut self,
        object: &Dn,
        changes: Vec<Mod<Vec<u8>>>,
    ) -> Result<LdapResult, Lost> {
        let sending = self
            .ldap
            .with_timeout(self.patience)
            .modify(object.as_str(), changes);
        let answer = sending.await;
        self.answered(answer).await
    }

    /// Sends one add, once.
    pub(super) async fn add(
        &mut self,
        object: &Dn,
        attributes: Vec<(Vec<u8>, HashSet<Vec<u8>>)>,
    ) -> Result<LdapResult, Lost> {
        let sending = self
            .ldap
            .with_timeout(self.patience)
            .add(object.as_str(), attributes);
        let answer = sending.await;
        self.answered(answer).await
    }

    /// Tells an answer from its absence; without one the connection is not used again, so that no
    /// late answer is taken for another's.
    async fn answered<T>(&mut self, answer: Result<T, LdapError>) -> Result<T, Lost> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        *self.slot.lock().await = None;
        Err(Lost(match error {
            LdapError::Timeout { .. } => {
                format!("no answer within {} s", self.patience.as_secs())
            }
            LdapError::Io { source } => source.to_string(),
            LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
                "the connection was lost".to_owned()
            }
            other => other.to_string(),
        }))
    }

    pub(super) fn unreachable(&self, lost: Lost) -> PortError {
        PortError::Unreachable {
            object: self.place.0.to_string(),
            why: lost.0,
        }
    }
}

/// TCP, TLS, bind; each within the time that the settings give it.
async fn open(
    settings: &DirectorySettings,
    refusals: &Refusals,
    dc: &DcName,
    port: u16,
) -> Result<Ldap, PortError> {
    let unreachable = |why: String| PortError::Unreachable {
        object: dc.to_string(),
        why,
    };
    let secured = timeout(settings.connect_timeout, secure(settings, dc, port)).await;
    let stream = secured.map_err(|_| {
        let seconds = settings.connect_timeout.as_secs();
        unreachable(format!(
            "no TLS connection to port {port} within {seconds} s"
        ))
    })??;
    let pair = StdUnixStream::pair().and_then(|(near, far)| {
        near.set_nonblocking(true)?;
        Ok((UnixStream::from_std(near)?, far))
    });
    let (near, far) = pair.map_err(|error| unreachable(error.to_string()))?;
    let name = dc.clone();
    tokio::spawn(async move {
        let broken = relay(stream, near).await;
        tracing::debug!(dc = %name, port, reason = %broken, "LDAP connection ended");
    });
    let settings_of_stream = LdapConnSettings::new().set_std_stream(StdStream::Unix(far));
    let opened = LdapConnAsync::with_settings(settings_of_stream, "ldapi:///").await;
    let (connection, mut ldap) = opened.map_err(|error| unreachable(error.to_string()))?;
    tokio::spawn(connection.drive());
    bind(settings, refusals, dc, &mut ldap).await?;
    Ok(ldap)
}

async fn secure(
    settings: &DirectorySettings,
    dc: &DcName,
    port: u16,
) -> Result<TlsStream<TcpStream>, PortError> {
    let unreachable = |why: String| PortError::Unreachable {
        object: dc.to_string(),
        why,
    };
    let refused = |why: String, next: &str| PortError::Refused {
        object: dc.to_string(),
        why,
        next: next.to_owned(),
    };
    let config = tls::client(&settings.ca)
        .map_err(|error| refused(error.to_string(), "check directory.ca"))?;
    let name = ServerName::try_from(dc.as_str().to_owned())
        .map_err(|error| refused(error.to_string(), "check directory.domain-controllers"))?;
    let stream = TcpStream::connect((dc.as_str(), port))
        .await
        .map_err(|error| unreachable(format!("port {port}: {error}")))?;
    keep_alive(&stream).map_err(|error| unreachable(error.to_string()))?;
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map_err(|error| match tls::objection(&error) {
        Some(why) => refused(
            why,
            "check directory.ca and the names in the domain controller's certificate",
        ),
        None => unreachable(format!("port {port}: {error}")),
    })
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

async fn bind(
    settings: &DirectorySettings,
    refusals: &Refusals,
    dc: &DcName,
    ldap: &mut Ldap,
) -> Result<(), PortError> {
    let name = format!("{}@{}", settings.principal.name(), settings.domain);
    let refused = |why: String| PortError::Refused {
        object: dc.to_string(),
        why: format!("it does not let {name} in: {why}"),
        next: "check directory.bind: principal and password".to_owned(),
    };
    let password = settings.password.read();
    let password = password.map_err(|error| refused(error.to_string()))?;
    refusals.check(dc, &password).map_err(refused)?;
    let binding = ldap
        .with_timeout(settings.connect_timeout)
        .simple_bind(&name, password.expose());
    match binding.await {
        Ok(answer) if answer.rc == 0 => Ok(()),
        Ok(answer) => {
            let trouble = result::bind_trouble(&answer);
            if trouble.wrong_password {
                refusals.note(dc, &password);
            }
            Err(refused(trouble.words))
        }
        Err(error) => Err(PortError::Unreachable {
            object: dc.to_string(),
            why: format!("the bind got no answer: {error}"),
        }),
    }
}

#[cfg(test)]
mod tests;
