//! Other forests, whose names count too: clients there ask their own KDCs for them, and clients
//! here may be led there by a trust. Each is read with a credential of its own, and never written.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keyroll::name::DcName;
use tokio::time::{Instant, timeout_at};

use super::config::DirectorySettings;
use super::connection::{Connection, Connections};
use super::discovery;
use super::spn::found_in;
use super::text::Dn;
use crate::ports::{ForestUnseen, PortError, SpnHolder, SpnSearch};

/// One other forest, by its global catalogs.
#[derive(Debug)]
pub(super) struct Forest {
    settings: DirectorySettings,
    connections: Connections,
    /// What came of looking there when nobody answered, and when: an operator's call asks often.
    unseen: Mutex<Option<(Instant, ForestUnseen)>>,
}

/// A forest that was not to be reached is not tried again for so long.
const LEFT_ALONE: Duration = Duration::from_secs(20);

impl Forest {
    /// Opens nothing yet.
    pub(super) fn new(settings: DirectorySettings) -> Self {
        Self {
            connections: Connections::new(settings.clone()),
            settings,
            unseen: Mutex::default(),
        }
    }

    /// Its domain's name.
    pub(super) fn name(&self) -> &str {
        &self.settings.domain
    }

    /// Who has which SPNs there, by the first global catalog that answers.
    ///
    /// # Errors
    /// [`ForestUnseen`] with what the last of them said.
    pub(super) async fn search(&self, search: &SpnSearch) -> Result<Vec<SpnHolder>, ForestUnseen> {
        if let Some(unseen) = self.lately_unseen() {
            return Err(unseen);
        }
        let found = self.search_anywhere(search).await;
        let mut holders = found.map_err(|error| self.unseen_by(error))?;
        for one in &mut holders {
            one.forest = Some(self.settings.domain.clone());
        }
        Ok(holders)
    }

    /// Whoever asks waits for all forests: for a connection to one, no longer than two take.
    async fn search_anywhere(&self, search: &SpnSearch) -> Result<Vec<SpnHolder>, PortError> {
        let dcs = discovery::domain_controllers(&self.settings).await?;
        let patience = self.settings.connect_timeout.saturating_mul(2);
        let deadline = Instant::now() + patience;
        let mut last = PortError::Missing {
            object: format!("a global catalog of {}", self.settings.domain),
        };
        for dc in dcs {
            let connected = timeout_at(deadline, self.connections.catalog(&dc)).await;
            let Ok(connected) = connected else {
                let seconds = patience.as_secs();
                return Err(PortError::Unreachable {
                    object: dc.to_string(),
                    why: format!("no global catalog answers within {seconds} s"),
                });
            };
            let found = match connected {
                Ok(catalog) => self.search_at(&dc, catalog, search).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(holders) => return Ok(holders),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn search_at(
        &self,
        dc: &DcName,
        mut catalog: Connection,
        search: &SpnSearch,
    ) -> Result<Vec<SpnHolder>, PortError> {
        let everything = Dn::of_directory("");
        match found_in(&mut catalog, &everything, search).await {
            // It may have died unnoticed since the last search.
            Err(PortError::Unreachable { .. }) if catalog.reused => {
                let mut catalog = self.connections.catalog(dc).await?;
                found_in(&mut catalog, &everything, search).await
            }
            found => found,
        }
    }

    fn lately_unseen(&self) -> Option<ForestUnseen> {
        let unseen = self.unseen.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = unseen.as_ref().filter(|(at, _)| at.elapsed() < LEFT_ALONE);
        lately.map(|(_, unseen)| unseen.clone())
    }

    fn unseen_by(&self, error: PortError) -> ForestUnseen {
        let silent = matches!(error, PortError::Unreachable { .. });
        let unseen = ForestUnseen {
            forest: self.settings.domain.clone(),
            why: error.to_string(),
            next: match error {
                PortError::Refused { next, .. } => next,
                PortError::Unreachable { object, .. } => {
                    let port = self.settings.transport.catalog_port();
                    format!("nc -vz {object} {port}")
                }
                PortError::Missing { .. } => "check directory.forest".to_owned(),
            },
        };
        if silent {
            let mut last = self.unseen.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some((Instant::now(), unseen.clone()));
        }
        unseen
    }
}
