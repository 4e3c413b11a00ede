//! KDCs that nobody reaches.

use super::*;

#[async_trait]
impl Kdc for Dead {
    async fn sight(
        &self,
        dc: &DcName,
        _: &Principal,
        _: &KnownKeys<'_>,
    ) -> Result<Sighting, PortError> {
        Err(silence(dc))
    }

    async fn log_in(
        &self,
        dc: &DcName,
        _: &Principal,
        _: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn> {
        Err(silence(dc).into())
    }
}
