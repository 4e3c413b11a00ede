//! This machine as a client of an array: what its user sees, judged by the core.

use futures_util::future::{join, join_all};
use hyper::Uri;
use keyroll::doctor::{
    ClientFacts, ClientTicket, Seen, ServiceFacts, Unseen, UnseenKind, Way, examine_client,
};
use keyroll::kerberos::message::Credential;
use keyroll::kerberos::{Enctype, Kvno, Principal, Realm};
use keyroll::name::{ArrayName, DcName};
use keyroll::spn::Spn;
use keyroll_controller::directory::dns;
use keyroll_controller::ports::{Kdc as _, KnownKeys, Sighting};
use keyroll_controller::web::login;
use keyroll_proto::operator::{ClientTask, Finding};

use super::garbled;
use crate::bind::Operator;
use crate::trouble::Trouble;

/// A domain controller, and what its KDC gave.
type Asked = (DcName, Seen<Sighting>);

/// Looks as a client does, with the ticket from `kinit`, and judges it.
///
/// # Errors
/// What the controller named cannot be asked for.
pub async fn look(array: &str, task: &ClientTask) -> Result<Vec<Finding>, Trouble> {
    let facts = facts(array, task).await?;
    Ok(examine_client(&facts).iter().map(Finding::from).collect())
}

async fn facts(array: &str, task: &ClientTask) -> Result<ClientFacts, Trouble> {
    let array: ArrayName = array.parse().map_err(garbled)?;
    let realm: Realm = task.realm.parse().map_err(garbled)?;
    let spn: Spn = task.spn.parse().map_err(garbled)?;
    let service = Principal::of_spn(&task.spn, &realm).map_err(garbled)?;
    let dcs = task.domain_controllers.iter().map(|dc| dc.parse());
    let dcs: Vec<DcName> = dcs.collect::<Result<_, _>>().map_err(garbled)?;
    let urls = task.urls.iter().map(|url| url.parse());
    let urls: Vec<Uri> = urls.collect::<Result<_, _>>().map_err(garbled)?;
    let operator = Operator::by_ticket(&realm).map_err(|trouble| Unseen {
        why: trouble.what,
        next: trouble.next,
        kind: UnseenKind::Missing,
    });
    let records = dns::host_here(spn.host());
    let (records, tickets) = join(records, tickets(operator.as_ref(), &service, &dcs)).await;
    let given = tickets.iter().flatten();
    let credential = given.flat_map(|(_, given)| given.as_ref()).next();
    let credential = credential.map(|given| given.ticket.as_ref());
    let seen = |(dc, given): Asked| (dc, given.map(|given| ticket(&given)));
    Ok(ClientFacts {
        page: page(spn.host(), &urls, credential).await,
        tickets: tickets
            .as_ref()
            .map(|asked| asked.iter().cloned().map(seen).collect())
            .map_err(Clone::clone),
        array,
        spn,
        spns: task.spns.clone(),
        enctypes: task
            .enctypes
            .iter()
            .filter_map(|one| Enctype::from_number(*one))
            .collect(),
        kvnos: task.kvnos.iter().map(|kvno| Kvno(*kvno)).collect(),
        records: records.map_err(Unseen::from),
    })
}

/// A ticket from every KDC, each asked by itself.
async fn tickets(
    operator: Result<&Operator, &Unseen>,
    service: &Principal,
    dcs: &[DcName],
) -> Seen<Vec<Asked>> {
    let operator = operator.map_err(Clone::clone)?;
    let each = dcs.iter().map(async |dc| {
        let nobodys = KnownKeys::default();
        let given = operator.kdc(dc).sight(dc, service, &nobodys).await;
        (dc.clone(), given.map_err(Unseen::from))
    });
    Ok(join_all(each).await)
}

fn ticket(given: &Sighting) -> ClientTicket {
    ClientTicket {
        kvno: given.kvno,
        enctype: given.enctype,
        clock_offset: given.clock_offset,
    }
}

async fn page(host: &str, urls: &[Uri], credential: Option<&Credential>) -> Option<ServiceFacts> {
    let (url, mut looks) = login::look(host, urls, credential, 1).await?;
    Some(ServiceFacts {
        place: host.to_owned(),
        way: Way::Name,
        dialled: host.to_owned(),
        url: url.to_string(),
        web: looks.pop()?.map_err(Unseen::from),
    })
}
