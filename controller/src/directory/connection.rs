//! One warm LDAP connection to each domain controller.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use keyroll::doctor::LdapFacts;
use keyroll::name::DcName;
use keyroll_failpoint::at;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapError, LdapResult, Mod, Scope, SearchOptions};
use tokio::sync::Mutex;

use super::config::DirectorySettings;
use super::dial::Dialer;
use super::entry::Entry;
use super::result;
use super::text::{Dn, Filter};
use crate::ports::PortError;

/// The requests that change something, as places where a test ends this process.
pub(crate) const WRITES: [&str; 2] = [MODIFY, ADD];
const MODIFY: &str = "modify";
const ADD: &str = "add";
/// Entries in one page; AD gives at most 1000.
const PAGE: i32 = 500;

/// What is asked of a domain controller about itself, and of the caller.
const ROOT: [&str; 7] = [
    "configurationNamingContext",
    "currentTime",
    "defaultNamingContext",
    "isGlobalCatalogReady",
    "schemaNamingContext",
    "tokenGroups",
    "vendorName",
];

/// A connection's place: domain controller and port.
type Place = (DcName, u16);

/// The connections, each made when it is first wanted and again when it was lost.
#[derive(Debug)]
pub(super) struct Connections {
    dialer: Dialer,
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
            port: settings.transport.port(),
            dialer: Dialer::new(settings),
            open: Mutex::default(),
        }
    }

    /// What `dc` takes on connections of their own, which end with the look.
    pub(super) async fn takes(&self, dc: &DcName) -> Result<Option<LdapFacts>, PortError> {
        self.dialer.takes(dc).await.map(Some)
    }

    /// A handle on the connection to the global catalog on `dc`.
    pub(super) async fn catalog(&self, dc: &DcName) -> Result<Connection, PortError> {
        let port = self.dialer.settings.transport.catalog_port();
        self.at(dc, port).await
    }

    /// A handle on the connection to the directory on `dc`.
    pub(super) async fn to(&self, dc: &DcName) -> Result<Connection, PortError> {
        self.at(dc, self.port).await
    }

    /// A handle on the connection to a port of `dc`, which is opened if there is none.
    async fn at(&self, dc: &DcName, port: u16) -> Result<Connection, PortError> {
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
                let opened = self.dialer.dial(dc, port).await?;
                *held = Some(opened.clone());
                (opened, false)
            }
        };
        drop(held);
        let patience = self.dialer.settings.write_timeout;
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
        let mut connection = self.to(dc).await?;
        match connection.look(&root, &ROOT, None).await {
            Err(PortError::Unreachable { .. }) if connection.reused => {
                connection = self.to(dc).await?;
                let entry = connection.look(&root, &ROOT, None).await?;
                Ok((connection, entry))
            }
            looked => Ok((connection, looked?)),
        }
    }
}

impl Connection {
    /// Reads one object, with every value of the attributes.
    pub(super) async fn look(
        &mut self,
        base: &Dn,
        attributes: &[&str],
        control: Option<RawControl>,
    ) -> Result<Entry, PortError> {
        let entry = self.look_once(base, attributes, control).await?;
        self.whole(base, entry).await
    }

    /// The entry with the rest of those values of which the directory sent a part: as many
    /// questions as it takes, each for what follows.
    async fn whole(&mut self, object: &Dn, mut entry: Entry) -> Result<Entry, PortError> {
        while let Some((attribute, next)) = entry.cut_short() {
            let rest = format!("{attribute};range={next}-*");
            let more = self.look_once(object, &[&rest], None).await?;
            // The values may have become fewer in between: what is left is not all of them.
            if !entry.take_part(&attribute, &more) {
                return Err(PortError::Refused {
                    object: format!("{object} on {}", self.place.0),
                    why: format!("it shows no values of {attribute} from number {next} on"),
                    next: "try again".to_owned(),
                });
            }
        }
        Ok(entry)
    }

    async fn look_once(
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
        let mut whole = Vec::with_capacity(entries.len());
        for entry in entries {
            let object = Dn::of_directory(entry.name());
            whole.push(self.whole(&object, entry).await?);
        }
        Ok(whole)
    }

    /// Whether the filter finds an object below `base`.
    pub(super) async fn any(&mut self, base: &Dn, filter: &Filter) -> Result<bool, PortError> {
        self.ldap.with_timeout(self.patience);
        // One is enough, and the directory says so by an error (RFC 4511 section 4.5.1.4).
        self.ldap
            .with_search_options(SearchOptions::new().sizelimit(1));
        let adapters: Vec<Box<dyn Adapter<'_, &'static str, Vec<&'static str>>>> =
            vec![Box::new(EntriesOnly::new())];
        let searching = async {
            let (base, filter) = (base.as_str(), filter.as_str());
            let mut stream = self
                .ldap
                .streaming_search_with(adapters, base, Scope::Subtree, filter, vec!["1.1"])
                .await?;
            let mut found = false;
            while stream.next().await?.is_some() {
                found = true;
            }
            Ok((found, stream.finish().await))
        };
        let found = searching.await;
        let (found, result) = self
            .answered(found)
            .await
            .map_err(|lost| self.unreachable(lost))?;
        if !found && result.rc != result::SIZE_LIMIT_EXCEEDED {
            result::success(&self.place.0, base.as_str(), &result)?;
        }
        Ok(found || result.rc == result::SIZE_LIMIT_EXCEEDED)
    }

    /// Sends one modify, once.
    pub(super) async fn modify(
        &mut self,
        object: &Dn,
        changes: Vec<Mod<Vec<u8>>>,
    ) -> Result<LdapResult, Lost> {
        let _here = at("ldap", MODIFY);
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
        let _here = at("ldap", ADD);
        let sending = self
            .ldap
            .with_timeout(self.patience)
            .add(object.as_str(), attributes);
        let answer = sending.await;
        self.answered(answer).await
    }

    /// Gives the connection up: what libraries keep in its buffers of a password that went over it
    /// is wiped with it alone.
    pub(super) async fn close(self) {
        *self.slot.lock().await = None;
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

#[cfg(test)]
mod tests;
