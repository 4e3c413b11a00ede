//! Other forests, whose names count too: clients there ask their own KDCs for them, and clients
//! here may be led there by a trust. Each is read with a credential of its own, and never written.

use keyroll::name::DcName;

use super::config::DirectorySettings;
use super::connection::Connections;
use super::discovery;
use super::spn::found_in;
use super::text::Dn;
use crate::ports::{ForestUnseen, PortError, SpnHolder, SpnSearch};

/// One other forest, by its global catalogs.
#[derive(Debug)]
pub(super) struct Forest {
    settings: DirectorySettings,
    connections: Connections,
}

impl Forest {
    /// Opens nothing yet.
    pub(super) fn new(settings: DirectorySettings) -> Self {
        Self {
            connections: Connections::new(settings.clone()),
            settings,
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
        let unseen = |error: PortError| ForestUnseen {
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
        let dcs = discovery::domain_controllers(&self.settings).await;
        let mut last = PortError::Missing {
            object: format!("a global catalog of {}", self.settings.domain),
        };
        for dc in dcs.map_err(unseen)? {
            match self.search_at(&dc, search).await {
                Ok(mut holders) => {
                    for one in &mut holders {
                        one.forest = Some(self.settings.domain.clone());
                    }
                    return Ok(holders);
                }
                Err(error) => last = error,
            }
        }
        Err(unseen(last))
    }

    async fn search_at(
        &self,
        dc: &DcName,
        search: &SpnSearch,
    ) -> Result<Vec<SpnHolder>, PortError> {
        let everything = Dn::of_directory("");
        let mut catalog = self.connections.catalog(dc).await?;
        match found_in(&mut catalog, &everything, search).await {
            // It may have died unnoticed since the last search.
            Err(PortError::Unreachable { .. }) if catalog.reused => {
                let mut catalog = self.connections.catalog(dc).await?;
                found_in(&mut catalog, &everything, search).await
            }
            found => found,
        }
    }
}
