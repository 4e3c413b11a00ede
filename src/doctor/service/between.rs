//! What is between users and nodes: a balancer is to blame for what no node does by itself.

use super::super::facts::{Facts, LoginFacts, ServiceFacts, Unseen, Way, WebFacts};
use super::super::finding::Finding;
use super::{answered, is_taken, offers};

/// What a check says of each place: the worst of what it says of each time that it was asked, how
/// often, and by which way.
pub(super) fn of_places<'a>(
    said: impl Iterator<Item = (&'a ServiceFacts, Finding)>,
) -> Vec<Finding> {
    let mut places: Vec<(&ServiceFacts, Vec<Finding>)> = Vec::new();
    for (place, finding) in said {
        let same = |(other, _): &&mut (&ServiceFacts, _)| {
            (&other.place, other.way) == (&place.place, place.way)
        };
        match places.iter_mut().find(same) {
            Some((_, findings)) => findings.push(finding),
            None => places.push((place, vec![finding])),
        }
    }
    let worst = places.into_iter().map(|(place, findings)| {
        let grade = findings.iter().map(|one| one.grade).max();
        let (total, mut bad) = (findings.len(), findings);
        bad.retain(|one| Some(one.grade) == grade);
        let often = bad.len();
        let mut worst = bad.swap_remove(0);
        worst.evidence += &by(place.way);
        if often < total {
            worst.evidence += &format!(", {often} of {total} times");
        }
        worst
    });
    worst.collect()
}

fn by(way: Way) -> String {
    match way {
        Way::Direct => ", directly".to_owned(),
        Way::Name => ", under the name".to_owned(),
        Way::Balancer(address) => format!(", through the balancer at {address}"),
    }
}

/// Whether a place is behind a balancer while every node is well when it is asked directly.
fn is_to_blame(facts: &Facts, place: &ServiceFacts, well: impl Fn(&ServiceFacts) -> bool) -> bool {
    let direct = |one: &&ServiceFacts| one.way == Way::Direct;
    let mut nodes = facts.services.iter().filter(direct).peekable();
    let is_behind = matches!(place.way, Way::Balancer(_)) && !facts.one_node_alone;
    is_behind && nodes.peek().is_some() && nodes.all(well)
}

/// What has a balancer read its settings anew. It has no agent, so nobody knows what it is.
fn reload(facts: &Facts, place: &ServiceFacts) -> String {
    let (name, array) = (&place.place, &facts.array.name);
    format!(
        "systemctl reload haproxy (on {name}; or as the balancer's unit is called), then keyroll \
         doctor {array}"
    )
}

/// Nobody answers at the balancer's address, and nodes do.
pub(super) fn down(facts: &Facts, place: &ServiceFacts, unseen: &Unseen) -> Finding {
    let (name, array) = (&place.place, &facts.array.name);
    Finding::broken(name, &unseen.why)
        .because("nodes answer, and the balancer does not: users get nothing")
        .mend(format!(
            "systemctl start haproxy (on {name}; or as the balancer's unit is called), then \
             keyroll doctor {array}"
        ))
}

/// Whether a balancer says itself that it has no node (RFC 9110 sections 15.6.3 to 15.6.5).
pub(super) fn has_none_to_ask(facts: &Facts, place: &ServiceFacts, status: u16) -> bool {
    let well = |node: &ServiceFacts| node.web.as_ref().is_ok_and(|web| web.status < 500);
    (502..=504).contains(&status) && is_to_blame(facts, place, well)
}

pub(super) fn nobody_behind(facts: &Facts, place: &ServiceFacts, status: u16) -> Finding {
    let array = &facts.array.name;
    let first = answered(facts).find(|(node, _)| node.way == Way::Direct);
    let node = first.map_or("NODE", |(node, _)| &node.dialled);
    let (url, name) = (&place.url, &place.place);
    Finding::broken(name, format!("{url} answers {status}"))
        .because(
            "every node answers directly: the balancer takes them for down, or looks for them \
             elsewhere. Its look at their health asks another port or page than they answer at",
        )
        .mend(format!(
            "curl -sv http://{node}:8089/ready/{array} (on {name}; or as its look asks), then {}",
            reload(facts, place)
        ))
}

/// What a page offers, where the nodes themselves offer it rightly.
pub(super) fn offer(
    facts: &Facts,
    place: &ServiceFacts,
    web: &WebFacts,
    finding: Finding,
) -> Finding {
    let well = |node: &ServiceFacts| node.web.as_ref().is_ok_and(offers::is_first);
    if web.status != 401 || offers::is_first(web) || !is_to_blame(facts, place, well) {
        return finding;
    }
    let cause = format!(
        "every node offers Negotiate first: a rule of the balancer changes the header. {}",
        finding.cause
    );
    finding.because(cause).mend(format!(
        "grep -rni www-authenticate /etc/haproxy (on {}; take that rule out), then {}",
        place.place,
        reload(facts, place)
    ))
}

/// What a login came to, where every node itself takes it.
pub(super) fn login(
    facts: &Facts,
    place: &ServiceFacts,
    login: &Result<LoginFacts, String>,
    finding: Finding,
) -> Finding {
    let well = |node: &ServiceFacts| is_taken(node) == Some(true);
    if is_taken(place) == Some(true) || !is_to_blame(facts, place, well) {
        return finding;
    }
    let (name, array) = (&place.place, &facts.array.name);
    match login.as_ref().map(|login| login.status) {
        Ok(401) => finding
            .because(
                "every node takes it directly: the balancer sends users to another machine too, \
                 or keeps the ticket from the nodes. KRB_AP_ERR_MODIFIED",
            )
            .mend(format!(
                "keyroll node list {array}, then grep -rn server /etc/haproxy (on {name}; take out \
                 what is none of these nodes, or has another address, or keyroll node add it), \
                 then {}",
                reload(facts, place)
            )),
        Ok(400 | 413 | 431) => finding
            .because(
                "every node takes it directly: the balancer takes no header as long as a ticket, \
                 which grows with the groups of its user",
            )
            .mend(format!(
                "tune.bufsize 65536 (in the settings of HAProxy on {name}, section global; nginx: \
                 large_client_header_buffers 4 64k), then {}",
                reload(facts, place)
            )),
        Ok(_) | Err(_) => finding,
    }
}
