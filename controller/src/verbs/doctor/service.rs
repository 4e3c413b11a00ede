//! What the service's pages answer, at each node and under the array's name.

use std::net::IpAddr;

use futures_util::future::join_all;
use hyper::Uri;
use hyper::http::uri::Authority;
use keyroll::doctor::{ServiceFacts, Unseen, Way};
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
    /// Where it is at the nodes.
    node_urls: Vec<Uri>,
    /// Whether an operator named it.
    pub(super) named: bool,
}

/// The page to ask for: the operator's, or the root under the first name that is one of HTTP; at
/// the nodes at a port of their own, if one is given.
///
/// # Errors
/// [`No`] for what is no address of a page, or none of the array, and for what is no port.
pub(super) fn page(array: &ArrayRecord, url: &str, port: u32) -> Result<Option<Page>, No> {
    let port = match u16::try_from(port) {
        Ok(0) => None,
        Ok(port) => Some(port),
        Err(_) => return Err(No::bad_input("bad-port", "a port is 1 to 65535")),
    };
    let page = match url {
        "" => root(array),
        url => Some(named(array, url)?),
    };
    Ok(page.map(|page| match port {
        Some(port) => page.with_node_port(port),
        None => page,
    }))
}

fn root(array: &ArrayRecord) -> Option<Page> {
    let service = array.registered_services().find(is_web)?;
    let urls = ["https", "http"].map(|scheme| format!("{scheme}://{}/", host(&service)));
    let urls: Vec<Uri> = urls.iter().filter_map(|url| url.parse().ok()).collect();
    (!urls.is_empty()).then(|| Page {
        service,
        node_urls: urls.clone(),
        urls,
        named: false,
    })
}

fn named(array: &ArrayRecord, url: &str) -> Result<Page, No> {
    let bad = |why: &str| No::bad_input("bad-url", format!("{url:?} {why}"));
    let uri: Uri = url.parse().map_err(|_| bad("is no address of a page"))?;
    let port = match uri.scheme_str() {
        Some("https") => uri.port_u16().unwrap_or(443),
        Some("http") => uri.port_u16().unwrap_or(80),
        _ => return Err(bad("begins neither with http:// nor with https://")),
    };
    let name = uri.host().unwrap_or_default();
    // Most clients ask for the name alone, some with the port.
    let spelled = [name.to_owned(), format!("{name}:{port}")];
    let mut own = spelled.iter().filter_map(|name| {
        let mut services = array.registered_services().filter(is_web);
        services.find(|service| host(service).eq_ignore_ascii_case(name))
    });
    let service = own.next().ok_or_else(|| {
        bad("is under no HTTP name of the array, so no ticket of its is for it")
            .next(format!("keyroll array show {}", array.name))
    })?;
    Ok(Page {
        service,
        node_urls: vec![uri.clone()],
        urls: vec![uri],
        named: true,
    })
}

fn is_web(service: &Principal) -> bool {
    service.components()[0].eq_ignore_ascii_case("http")
}

fn host(service: &Principal) -> String {
    service.components().get(1).cloned().unwrap_or_default()
}

impl Page {
    /// The same where nodes listen at another port than what is before them, which may end TLS.
    fn with_node_port(self, port: u16) -> Self {
        let at = |scheme: &str| {
            let page = self.urls.first()?;
            let path = page.path_and_query().map_or("/", |path| path.as_str());
            format!("{scheme}://{}:{port}{path}", page.host()?)
                .parse()
                .ok()
        };
        Self {
            node_urls: ["https", "http"].into_iter().filter_map(at).collect(),
            ..self
        }
    }
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
    way: Way,
    /// The host to dial.
    host: String,
    /// How often.
    times: usize,
}

impl Place {
    /// A node, where its agent is dialled: its name need not resolve here.
    fn of(node: &NodeRecord) -> Self {
        Self {
            host: dialled(node),
            way: Way::Direct,
            name: node.name.to_string(),
            times: 1,
        }
    }

    /// The array's name, asked at `addresses`. Behind a balancer, one that sends each request to
    /// the next sends some to each node, and to a few that are none.
    fn under_name(host: &str, addresses: &[IpAddr], nodes: &[IpAddr], known: usize) -> Self {
        let mut others = addresses.iter().filter(|one| !nodes.contains(one));
        let way = others.next().map_or(Way::Name, |one| Way::Balancer(*one));
        Self {
            name: host.to_owned(),
            host: host.to_owned(),
            way,
            times: match way {
                Way::Balancer(_) => (2 * known).clamp(2, MOST_TIMES),
                Way::Direct | Way::Name => 1,
            },
        }
    }
}

/// The most requests at a time that a look makes of a balancer.
const MOST_TIMES: usize = 20;

/// What a host's name resolves to on this machine; nothing if it does not.
async fn addresses(host: &str) -> Vec<IpAddr> {
    let found = tokio::net::lookup_host((host, 80)).await;
    let found = found.into_iter().flatten();
    found.map(|address| address.ip().to_canonical()).collect()
}

impl Controller {
    /// What each place answers. The name itself is left out where this machine cannot resolve it
    /// and nobody asked for it. `around` is where all nodes are dialled, looked at or not.
    pub(super) async fn service_facts(
        &self,
        desired: &Desired,
        page: &Page,
        nodes: &[NodeRecord],
        around: &[String],
    ) -> Vec<ServiceFacts> {
        let credential = self.ticket_for(desired, &page.service).await;
        let host = page.urls.first().and_then(Uri::host).unwrap_or_default();
        let found = addresses(host).await;
        let at_nodes = join_all(around.iter().map(|node| addresses(node))).await;
        let name = (page.named || !found.is_empty())
            .then(|| Place::under_name(host, &found, &at_nodes.concat(), around.len()));
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

async fn look(place: Place, page: &Page, credential: Option<&Credential>) -> Vec<ServiceFacts> {
    let urls = match place.way {
        Way::Direct => &page.node_urls,
        Way::Name | Way::Balancer(_) => &page.urls,
    };
    let Some((url, looks)) = login::look(&place.host, urls, credential, place.times).await else {
        return Vec::new();
    };
    let facts = looks.into_iter().map(|web| ServiceFacts {
        place: place.name.clone(),
        way: place.way,
        dialled: place.host.clone(),
        url: url.to_string(),
        web: web.map_err(Unseen::from),
    });
    facts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::domain::Scene;

    fn array(spns: &[&str]) -> ArrayRecord {
        ArrayRecord {
            spns: spns.iter().map(|&spn| spn.to_owned()).collect(),
            ..Scene::new(&["dc1"]).row()
        }
    }

    fn texts(urls: &[Uri]) -> Vec<String> {
        urls.iter().map(Uri::to_string).collect()
    }

    #[test]
    fn a_page_is_under_a_name_with_its_port_or_without() {
        let found = |spns: &[&str], url: &str| {
            let page = page(&array(spns), url, 0);
            page.map(|page| page.unwrap().service.name())
        };
        let (plain, ported) = ("HTTP/web.corp.example", "HTTP/web.corp.example:8443");
        let url = "https://web.corp.example:8443/app";
        assert_eq!(found(&[ported], url).unwrap(), ported);
        assert_eq!(found(&[ported, plain], url).unwrap(), plain);
        assert_eq!(
            found(&["HTTP/web.corp.example:443"], "https://web.corp.example/").unwrap(),
            "HTTP/web.corp.example:443"
        );
        for other in [
            "https://web.corp.example/",
            "https://web.corp.example:9443/",
        ] {
            assert_eq!(found(&[ported], other).unwrap_err().code, "bad-url");
        }
    }

    #[test]
    fn nodes_may_listen_at_another_port_than_what_is_before_them() {
        let array = array(&["HTTP/web.corp.example"]);
        let page = |url: &str, port| page(&array, url, port);
        for url in ["", "https://web.corp.example/"] {
            let before = page(url, 0).unwrap().unwrap();
            assert_eq!(before.urls, before.node_urls);
            let apart = page(url, 8080).unwrap().unwrap();
            assert_eq!((apart.urls, apart.named), (before.urls, before.named));
            assert_eq!(
                texts(&apart.node_urls),
                [
                    "https://web.corp.example:8080/",
                    "http://web.corp.example:8080/"
                ]
            );
        }
        let app = page("https://web.corp.example:444/app?x", 1)
            .unwrap()
            .unwrap();
        assert_eq!(texts(&app.node_urls)[1], "http://web.corp.example:1/app?x");
        assert_eq!(page("", 65_536).err().unwrap().code, "bad-port");
    }

    #[test]
    fn a_name_at_an_address_that_no_node_has_is_a_balancers() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let nodes = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3")];
        let found = |addresses: &[IpAddr], nodes: &[IpAddr]| {
            let place = Place::under_name("web", addresses, nodes, nodes.len());
            (place.way, place.times)
        };
        let balancer = ip("10.0.0.9");
        assert_eq!(found(&nodes[..2], &nodes), (Way::Name, 1));
        assert_eq!(found(&[], &nodes), (Way::Name, 1));
        assert_eq!(found(&[balancer], &nodes), (Way::Balancer(balancer), 6));
        // Two machines of which one is a node as well.
        assert_eq!(
            found(&[nodes[0], balancer], &nodes[..1]),
            (Way::Balancer(balancer), 2)
        );
        assert_eq!(found(&[balancer], &[nodes[0]; 99]).1, MOST_TIMES);
    }
}
