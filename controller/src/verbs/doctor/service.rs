//! What the service's pages answer, at each node and under the array's name.

use futures_util::future::join_all;
use hyper::Uri;
use hyper::http::uri::Authority;
use keyroll::doctor::{ServiceFacts, Unseen};
use keyroll::kerberos::Principal;
use keyroll::kerberos::message::Credential;
use keyroll::roll::WhichKey;

use crate::desired::Desired;
use crate::store::{ArrayRecord, NodeRecord};
use crate::verbs::verify::known;
use crate::verbs::{Controller, No};
use crate::web::login;

/// A page that is asked for.
pub(super) struct Page {
    /// The array's name that it is under, as a service.
    pub(super) service: Principal,
    /// Where it is. More than one if an operator did not say: the first that answers counts.
    pub(super) urls: Vec<Uri>,
    /// Whether an operator named it.
    pub(super) named: bool,
}

/// The page to ask for: the operator's, or the root under the first name that is one of HTTP.
///
/// # Errors
/// [`No`] for what is no address of a page, or none of the array.
pub(super) fn page(array: &ArrayRecord, url: &str) -> Result<Option<Page>, No> {
    let mut services = array.registered_services();
    let is_web = |service: &Principal| service.components()[0].eq_ignore_ascii_case("http");
    let host = |service: &Principal| service.components().get(1).cloned().unwrap_or_default();
    if url.is_empty() {
        let Some(service) = services.find(is_web) else {
            return Ok(None);
        };
        let urls = ["https", "http"].map(|scheme| format!("{scheme}://{}/", host(&service)));
        let urls: Vec<Uri> = urls.iter().filter_map(|url| url.parse().ok()).collect();
        return Ok((!urls.is_empty()).then_some(Page {
            service,
            urls,
            named: false,
        }));
    }
    let bad = |why: &str| No::bad_input("bad-url", format!("{url:?} {why}"));
    let uri: Uri = url.parse().map_err(|_| bad("is no address of a page"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("begins neither with http:// nor with https://"));
    }
    let name = uri.host().unwrap_or_default().to_owned();
    let own = |service: &Principal| is_web(service) && host(service).eq_ignore_ascii_case(&name);
    let service = services.find(own).ok_or_else(|| {
        bad("is under no HTTP name of the array, so no ticket of its is for it")
            .next(format!("keyroll array show {}", array.name))
    })?;
    Ok(Some(Page {
        service,
        urls: vec![uri],
        named: true,
    }))
}

/// The host where a node's agent is dialled.
pub(super) fn dialled(node: &NodeRecord) -> String {
    let address = node.address.parse::<Authority>();
    let host = address.map(|address| address.host().trim_matches(['[', ']']).to_owned());
    host.unwrap_or_else(|_| node.name.to_string())
}

/// Where the page is asked for.
struct Place {
    name: String,
    is_node: bool,
    /// The host to dial.
    host: String,
}

impl Place {
    /// A node, where its agent is dialled: its name need not resolve here.
    fn of(node: &NodeRecord) -> Self {
        Self {
            host: dialled(node),
            is_node: true,
            name: node.name.to_string(),
        }
    }
}

impl Controller {
    /// What each place answers. The name itself is left out where this machine cannot resolve it
    /// and nobody asked for it.
    pub(super) async fn service_facts(
        &self,
        desired: &Desired,
        page: &Page,
        nodes: &[NodeRecord],
    ) -> Vec<ServiceFacts> {
        let credential = self.ticket_for(desired, &page.service).await;
        let host = page.urls.first().and_then(Uri::host).unwrap_or_default();
        let resolves = tokio::net::lookup_host((host, 80)).await.is_ok();
        let name = (page.named || resolves).then(|| Place {
            name: host.to_owned(),
            is_node: false,
            host: host.to_owned(),
        });
        let places = nodes.iter().map(Place::of).chain(name);
        let each = places.map(|place| look(place, page, credential.as_deref()));
        join_all(each).await.into_iter().flatten().collect()
    }

    /// A ticket for it, under a key that is known here, from the first domain controller that
    /// gives such: no node is to blame for refusing another.
    async fn ticket_for(
        &self,
        desired: &Desired,
        service: &Principal,
    ) -> Option<std::sync::Arc<Credential>> {
        let dcs = self.ports.directory.domain_controllers().await.ok()?;
        let known = known(desired);
        for dc in &dcs {
            match self.ports.kdc.sight(dc, service, &known).await {
                Ok(sighting) if sighting.key != WhichKey::Foreign => return Some(sighting.ticket),
                Ok(_) | Err(_) => {}
            }
        }
        None
    }
}

async fn look(place: Place, page: &Page, credential: Option<&Credential>) -> Option<ServiceFacts> {
    let (url, web) = login::look(&place.host, &page.urls, credential).await?;
    Some(ServiceFacts {
        place: place.name,
        is_node: place.is_node,
        dialled: place.host,
        url: url.to_string(),
        web: web.map_err(Unseen::from),
    })
}
