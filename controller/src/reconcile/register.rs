//! The SPNs of a new array, registered once a node holds the key: agreed to when the array was
//! made, and written down when each is written.

use std::sync::PoisonError;

use keyroll::name::DcName;
use keyroll::shell::word;
use keyroll_proto::operator::Alarm;

use super::Reconciler;
use super::overview::alarm;
use crate::audit::{self, Event};
use crate::driver::DriveError;
use crate::ports::{PortError, SpnSearch};
use crate::store::{ArrayRecord, Read as _, StoreError};

impl Reconciler {
    /// A node holds the key now, so clients may be given tickets for it.
    pub(crate) async fn register(&self, array: &ArrayRecord) -> Result<Vec<Alarm>, DriveError> {
        let writer = match self.ports.directory.domain_controllers().await {
            Ok(dcs) if !dcs.is_empty() => dcs[0].clone(),
            _ => return Ok(Vec::new()),
        };
        let mut alarms = Vec::new();
        for spn in &array.spns_pending {
            let is_new = self.begins(array, spn)?;
            if let Some(sinks) = &self.sinks
                && let Err(unheard) = sinks.demand().await
            {
                alarms.push(alarm(
                    "critical",
                    spn,
                    unheard.to_string(),
                    "keyroll status",
                ));
                continue;
            }
            let account = array.account_ref();
            match self.ports.directory.add_spn(&writer, &account, spn).await {
                Ok(()) => {
                    tracing::info!(array = %array.name, spn, dc = %writer, "SPN registered");
                    self.is_registered(array, spn)?;
                }
                Err(error) => {
                    let why = error.to_string();
                    if is_new {
                        let event = self.registering_event(array, spn, "refused", &why);
                        audit::append(&self.ports.store, event)?;
                    }
                    let next = self.mends(array, &writer, spn, error).await;
                    alarms.push(alarm("critical", spn, why, &next));
                }
            }
        }
        Ok(alarms)
    }

    /// What lets a name be registered that was refused. Whose it is, is looked at anew: a domain
    /// controller refuses a second owner of which its own catalog knew nothing when it was asked.
    async fn mends(
        &self,
        array: &ArrayRecord,
        writer: &DcName,
        spn: &str,
        error: PortError,
    ) -> String {
        let PortError::Refused { next, .. } = error else {
            return format!("keyroll verify {}", array.name);
        };
        let search = SpnSearch::Some {
            exact: vec![spn.to_owned()],
            classes: Vec::new(),
            hosts: Vec::new(),
        };
        let found = self.ports.directory.spn_holders(writer, &search).await;
        let holders = found.map(|found| found.holders).unwrap_or_default();
        let mut others = holders.iter().filter(|one| one.guid != array.account.guid);
        let (name, spn) = (&array.name, word(spn));
        match (others.next(), next.is_empty()) {
            (Some(other), _) => {
                let mended = match other.forest {
                    None => format!("keyroll spn move {name} {spn} --dry-run"),
                    Some(_) => other.taken_away(),
                };
                format!(
                    "{mended} (or, if {} is to keep it: keyroll spn remove {name} {spn})",
                    other.account
                )
            }
            (None, false) => next,
            (None, true) => format!("keyroll doctor {name}"),
        }
    }

    /// Writes down that it is being registered: once, however often that has to be tried.
    fn begins(&self, array: &ArrayRecord, spn: &str) -> Result<bool, StoreError> {
        let one = (array.name.clone(), spn.to_owned());
        let registering = || {
            let registering = self.registering.lock();
            registering.unwrap_or_else(PoisonError::into_inner)
        };
        if registering().contains(&one) {
            return Ok(false);
        }
        let event = self.registering_event(array, spn, "begun", "");
        audit::append(&self.ports.store, event)?;
        registering().insert(one);
        Ok(true)
    }

    fn is_registered(&self, array: &ArrayRecord, spn: &str) -> Result<(), StoreError> {
        let name = &array.name;
        let written = self.ports.store.write(|change| {
            if let Some(mut array) = change.array(name)? {
                array.spns_pending.remove(spn);
                change.put_array(&array)?;
            }
            let event = self.registering_event(array, spn, "done", "");
            audit::append_within(change, event)
        })?;
        audit::announce(&written);
        Ok(())
    }

    fn registering_event(
        &self,
        array: &ArrayRecord,
        spn: &str,
        outcome: &str,
        detail: &str,
    ) -> Event {
        let sam = &array.account.sam_account_name;
        Event {
            at_unix_millis: self.ports.clock.now().timestamp_millis(),
            actor: "controller".to_owned(),
            verb: "register SPN".to_owned(),
            object: format!("{} {sam} {spn}", array.name),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
        }
    }
}
