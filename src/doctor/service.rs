//! The service itself: what it asks of a browser, and whether it takes a real ticket.

mod between;
mod offers;

pub use offers::schemes;

use self::between::of_places;
use super::facts::{Facts, KeytabFacts, LoginFacts, ServiceFacts, UnseenKind, Way, WebFacts};
use super::finding::{Check, Finding};
use super::iis;
use crate::keytab::TargetKind;
use crate::name::ArrayName;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "service-answers",
        looks_at: "the page itself, at each node directly, and under the array's name: through a \
                   balancer twice as often as there are nodes, at most 20 times",
        means: "users that are sent there get nothing, or an error",
        mends: "start the web server, or the balancer; take the node out of the balancer until \
                then; have the balancer ask the right port whether a node is up; `--url` with the \
                port if users come to another than 443 and 80, `--node-port` if the nodes \
                listen at another than the balancer before them",
        look: answers,
    },
    Check {
        id: "service-offers",
        looks_at: "the WWW-Authenticate headers of a request without a login, in their order, by \
                   either way",
        means: "NTLM or Basic before Negotiate: clients take that and nobody notices, until NTLM \
                is switched off or delegation is needed; no Negotiate: nobody can log in by \
                Kerberos",
        mends: "Negotiate first, or alone; where the nodes offer that, the balancer's rule that \
                changes it",
        look: offers::look,
    },
    Check {
        id: "service-login",
        looks_at: "a login with a real ticket of the KDC, by Kerberos and nothing else, by either \
                   way",
        means: "401 without the service's own proof: the web server opens tickets with another \
                key than its keytab's: it runs under another account, reads another file, or \
                insists on another name; 400: a ticket is too long for it; through the balancer \
                alone: it sends users to a machine that is no node",
        mends: "on Windows useAppPoolCredentials, elsewhere the keytab that the server reads; its \
                limit of headers, or the balancer's; the balancer's list of servers",
        look: logins,
    },
];

/// The places that answered, if any did: an array without a web service has none.
fn answered(facts: &Facts) -> impl Iterator<Item = (&ServiceFacts, &WebFacts)> {
    let places = facts.services.iter();
    places.filter_map(|place| Some((place, place.web.as_ref().ok()?)))
}

fn answers(facts: &Facts) -> Vec<Finding> {
    if answered(facts).next().is_none() && !facts.service_asked_for {
        return Vec::new();
    }
    let places = facts.services.iter();
    of_places(places.map(|place| (place, answer(facts, place))))
}

fn answer(facts: &Facts, place: &ServiceFacts) -> Finding {
    let (name, asked) = (&place.place, facts.service_asked_for);
    let look = format!("curl -sv {} --connect-to ::{}:", place.url, place.dialled);
    let unseen = match &place.web {
        Ok(web) if between::has_none_to_ask(facts, place, web.status) => {
            return between::nobody_behind(facts, place, web.status);
        }
        Ok(web) if web.status >= 500 => {
            return Finding::warning(name, format!("{} answers {}", place.url, web.status))
                .because("users that are sent there get an error, before any login")
                .mend(look);
        }
        Ok(web) => return Finding::ok(name, format!("{} answers {}", place.url, web.status)),
        Err(unseen) => unseen,
    };
    // Behind a balancer that ends TLS nodes may listen at ports that nobody has told of here.
    let others = answered(facts).any(|(other, _)| other.way == Way::Direct);
    match unseen.kind {
        UnseenKind::Silent if others && matches!(place.way, Way::Balancer(_)) => {
            between::down(facts, place, unseen)
        }
        UnseenKind::Silent if asked || others => {
            let cause = match others {
                true => "other nodes answer: a balancer that does not ask sends users here",
                false => "users that are sent there get nothing",
            };
            Finding::broken(name, &unseen.why)
                .because(cause)
                .mend(start(facts, place))
        }
        _ => {
            let option = match place.way {
                Way::Direct => "--node-port PORT, the one that the nodes listen at",
                Way::Name | Way::Balancer(_) => "--url URL, with the port that users come to",
            };
            let next = format!("keyroll doctor {} {option}", facts.array.name);
            Finding::unknown(name, unseen, &facts.array.name).mend(next)
        }
    }
}

/// Web servers by what they call themselves: the unit of systemd, the setting for the keytab, and
/// the one for long headers. IIS has neither a unit nor a keytab.
const SERVERS: [(&str, &str, &str, &str); 2] = [
    (
        "apache",
        "apache2",
        "GssapiCredStore keytab:KEYTAB",
        "LimitRequestFieldSize 65536",
    ),
    (
        "nginx",
        "nginx",
        "auth_gss_keytab KEYTAB;",
        "large_client_header_buffers 4 64k;",
    ),
];

/// What IIS calls itself.
const IIS: &str = "Microsoft-IIS";

/// The row of a web server by its header `Server`.
fn kind_of(server: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let server = server.to_ascii_lowercase();
    let row = SERVERS.iter().find(|(name, ..)| server.starts_with(name));
    row.map(|(_, unit, keytab, headers)| (*unit, *keytab, *headers))
}

/// What starts a web server that does not answer: most likely the same program as at the others.
fn start(facts: &Facts, place: &ServiceFacts) -> String {
    let mut others = answered(facts).map(|(_, web)| web.server.as_str());
    let server = others.find(|server| !server.is_empty()).unwrap_or_default();
    let (name, array) = (&place.place, &facts.array.name);
    let start = match kind_of(server) {
        Some((unit, ..)) => format!("systemctl start {unit} (on {name}; or as the unit is called)"),
        None if server.starts_with(IIS) => format!("iisreset /start (on {name})"),
        None => format!("start the web server (on {name})"),
    };
    format!("{start}, then keyroll doctor {array}")
}

/// A setting of the web server there, and what makes it hold.
fn set(array: &ArrayName, place: &ServiceFacts, unit: &str, setting: &str) -> String {
    let name = &place.place;
    format!(
        "{setting} (in the settings of the web server on {name}), then systemctl reload {unit} (on \
         {name}), then keyroll doctor {array}"
    )
}

fn logins(facts: &Facts) -> Vec<Finding> {
    let asked = answered(facts).filter_map(|(place, web)| Some((place, web.login.as_ref()?)));
    let judge = |login: &Result<LoginFacts, String>, place: &ServiceFacts| match login {
        Ok(login) => login_of(&facts.array.name, place, *login, opens(facts, place)),
        Err(why) => Finding::broken(&place.place, why)
            .because("it answers without a login and not with one")
            .mend(negotiate(place)),
    };
    let judged = asked.map(|(place, login)| {
        let finding = judge(login, place);
        (place, between::login(facts, place, login, finding))
    });
    of_places(judged)
}

/// Whether a login was taken at a place, if one was made.
fn is_taken(place: &ServiceFacts) -> Option<bool> {
    let login = place.web.as_ref().ok()?.login.as_ref()?;
    let taken = |login: &LoginFacts| match login {
        LoginFacts { status: 500.., .. } => false,
        LoginFacts { status, proven } => *proven || matches!(status, 200..400 | 403 | 404),
    };
    Some(login.as_ref().is_ok_and(taken))
}

/// What the service at a place opens tickets with, by the node's targets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opens<'a> {
    /// A keytab.
    Keytab(&'a str),
    /// What its machine's logon session has.
    Session,
    /// No target of the node is for a service that is asked for tickets.
    Nothing,
    /// Nobody knows which node it is, or what it has.
    Unknown,
}

fn opens<'a>(facts: &'a Facts, place: &ServiceFacts) -> Opens<'a> {
    let mut nodes = facts.nodes.iter();
    let node = nodes.find(|node| place.way == Way::Direct && node.name.as_str() == place.place);
    let Some(look) = node.and_then(|node| node.look.as_ref().ok()) else {
        return Opens::Unknown;
    };
    let session = |one: &KeytabFacts| one.kind == TargetKind::LogonSession;
    let keytab = |one: &&KeytabFacts| !one.kind.is_for_initiators() && !session(one);
    match look.keytabs.iter().find(keytab) {
        _ if is_iis(place) && look.keytabs.iter().any(session) => Opens::Session,
        Some(keytab) => Opens::Keytab(&keytab.path),
        None if look.keytabs.iter().any(session) => Opens::Session,
        None => Opens::Nothing,
    }
}

/// What shows the same by hand.
fn negotiate(place: &ServiceFacts) -> String {
    format!(
        "curl -sv --negotiate -u : {} --connect-to ::{}:",
        place.url, place.dialled
    )
}

/// What the web server at a place is, by its answer.
fn kind(place: &ServiceFacts) -> Option<(&'static str, &'static str, &'static str)> {
    kind_of(&place.web.as_ref().ok()?.server)
}

fn is_iis(place: &ServiceFacts) -> bool {
    let web = place.web.as_ref();
    web.is_ok_and(|web| web.server.starts_with(IIS))
}

/// What has the web server at a place open tickets with what the node has for it.
fn opened(array: &ArrayName, place: &ServiceFacts, opens: Opens<'_>) -> String {
    let name = &place.place;
    let mend = match (opens, kind(place)) {
        (Opens::Unknown, _) => {
            return format!(
                "keyroll doctor {array} (service-login tells which node, and what it is to read)"
            );
        }
        // As `node-iis` has it, which looks at the settings themselves.
        (Opens::Session, _) => {
            format!("keyroll-agent iis set --use-app-pool-credentials false (on {name})")
        }
        (Opens::Keytab(_) | Opens::Nothing, _) if is_iis(place) => {
            iis::target_of_session(array.as_str(), name)
        }
        (Opens::Keytab(keytab), Some((unit, setting, _))) => {
            return set(array, place, unit, &setting.replace("KEYTAB", keytab));
        }
        (Opens::Keytab(keytab), None) => {
            format!("have the web server read {keytab} (on {name})")
        }
        (Opens::Nothing, _) => format!(
            "name a [[array.target]] that the web server reads in keyroll-agent.toml, then \
             keyroll-agent check (on {name})"
        ),
    };
    format!("{mend}, then keyroll doctor {array}")
}

/// Whoever has proven to have opened the ticket may refuse the user for any other reason.
pub(super) fn login_of(
    array: &ArrayName,
    place: &ServiceFacts,
    login: LoginFacts,
    opens: Opens<'_>,
) -> Finding {
    let (name, status) = (&place.place, login.status);
    let takes = format!("takes a fresh ticket: Kerberos, {status}");
    match login {
        LoginFacts { status: 500.., .. } => {
            let evidence = match login.proven {
                true => format!("{takes}, an error of what is behind"),
                false => format!("answers {status} to a fresh ticket"),
            };
            let grade = match login.proven {
                true => Finding::warning,
                false => Finding::broken,
            };
            grade(name, evidence)
                .because("users who log in get an error; its own log tells which")
                .mend(negotiate(place))
        }
        LoginFacts { proven: true, .. }
        | LoginFacts {
            status: 200..400 | 403 | 404,
            ..
        } => Finding::ok(name, takes),
        LoginFacts {
            status: 400 | 413 | 431,
            ..
        } => Finding::broken(name, format!("cannot read a fresh ticket ({status})"))
            .because(
                "a ticket makes a long header, the longer the more groups a user is in: the web \
                 server, or a proxy before it, takes none of that length",
            )
            .mend(match kind(place) {
                Some((unit, _, headers)) => set(array, place, unit, headers),
                None => "LimitRequestFieldSize 65536 (Apache), large_client_header_buffers 4 64k \
                         (nginx), MaxFieldLength and MaxRequestBytes (http.sys)"
                    .to_owned(),
            }),
        LoginFacts { status: 401, .. } => {
            Finding::broken(name, format!("refuses a fresh ticket ({status})"))
                .because(
                    "a node's keytab may be right and the web server still read another: it runs \
                     as its own account (IIS in kernel mode), was started with another keytab, \
                     cannot read the file, or takes tickets for one name only. \
                     KRB_AP_ERR_MODIFIED",
                )
                .mend(opened(array, place, opens))
        }
        LoginFacts { .. } => Finding::undecided(
            name,
            format!("answers {status} to a fresh ticket: no word on whether it was taken"),
            "a page that moves or withholds itself from everybody shows nothing of a login",
        )
        .mend(negotiate(place)),
    }
}
