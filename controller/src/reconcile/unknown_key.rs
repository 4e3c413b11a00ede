//! An array whose key in force nobody here knows: a fresh ticket judges whether a node has it.

use keyroll::name::NodeName;

use super::Reconciler;
use crate::driver::ap_request;
use crate::ports::KnownKeys;
use crate::store::ArrayRecord;

impl Reconciler {
    /// What a client would show a node of the array now; in words, why there is nothing to show.
    pub(super) async fn fresh_request(&self, array: &ArrayRecord) -> Result<Vec<u8>, String> {
        let service = array
            .registered_services()
            .next()
            .ok_or("no SPN is registered to get a ticket for")?;
        let dcs = self.ports.directory.domain_controllers().await;
        let dcs = dcs.map_err(|error| error.to_string())?;
        let writer = dcs.first().ok_or("no domain controller is known")?;
        let known = KnownKeys::default();
        let sighting = self.ports.kdc.sight(writer, &service, &known).await;
        let ticket = sighting.map_err(|error| error.to_string())?.ticket;
        ap_request(&ticket, self.ports.clock.now()).ok_or_else(|| "no AP-REQ was made".to_owned())
    }

    /// Why the node would refuse a client, if it would or if that could not be tried.
    pub(super) async fn refuses(
        &self,
        array: &ArrayRecord,
        node: &NodeName,
        request: &Result<Vec<u8>, String>,
    ) -> Option<String> {
        let request = match request {
            Ok(request) => request.clone(),
            Err(why) => return Some(format!("its keys cannot be tried: {why}")),
        };
        let proofs = self.ports.agents.prove(node, &array.name, request).await;
        let proofs = match proofs {
            Ok(proofs) => proofs,
            Err(error) => return Some(error.to_string()),
        };
        proofs.iter().find_map(|proof| {
            let why = proof.verdict.as_ref().err()?;
            Some(format!("{} refuses a fresh ticket: {why}", proof.path))
        })
    }
}
