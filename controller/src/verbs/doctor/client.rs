//! What a client's machine is to look for, which only its user can.

use hyper::Uri;
use keyroll::doctor::Facts;
use keyroll_proto::operator::ClientTask;

use super::service::Page;
use crate::store::ArrayRecord;

/// What to ask for as a client, and what may come of it; none if the array has no registered SPN.
pub(super) fn task(array: &ArrayRecord, page: Option<&Page>, facts: &Facts) -> Option<ClientTask> {
    let service = match page {
        Some(page) => page.service.clone(),
        None => array.registered_services().next()?,
    };
    let known = &facts.array;
    let dcs = facts.dcs.iter().flatten();
    let kvnos = known.kvno.iter().chain(&known.other_kvnos);
    let urls = page.map(|page| page.urls.iter().map(Uri::to_string).collect());
    Some(ClientTask {
        realm: array.realm.to_string(),
        domain_controllers: dcs.map(|dc| dc.name.to_string()).collect(),
        spn: service.name(),
        spns: known.spns.clone(),
        urls: urls.unwrap_or_default(),
        kvnos: kvnos.map(|kvno| kvno.0).collect(),
        enctypes: known.enctypes.iter().map(|one| one.number()).collect(),
    })
}
