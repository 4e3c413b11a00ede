//! The service itself: what it asks of a browser, and whether it takes a real ticket.

use super::facts::{Facts, ServiceFacts, UnseenKind, WebFacts};
use super::finding::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "service-answers",
        looks_at: "the page itself, at each node directly and under the array's name",
        means: "users that are sent there get nothing",
        mends: "start the web server; take the node out of the balancer until then",
        look: answers,
    },
    Check {
        id: "service-offers",
        looks_at: "the WWW-Authenticate headers of a request without a login, in their order",
        means: "NTLM before Negotiate: clients take NTLM and nobody notices, until NTLM is \
                switched off or delegation is needed; no Negotiate: nobody can log in by Kerberos",
        mends: "Negotiate first, or alone",
        look: offers,
    },
    Check {
        id: "service-login",
        looks_at: "a login with a real ticket of the KDC, by Kerberos and nothing else",
        means: "the web server opens tickets with another key than its keytab's: it runs under \
                another account, reads another file, or insists on another name",
        mends: "on Windows useAppPoolCredentials, elsewhere the keytab that the server reads",
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
    let judge = |place: &ServiceFacts| match &place.web {
        Ok(web) => Finding::ok(
            &place.place,
            format!("{} answers {}", place.url, web.status),
        ),
        Err(unseen) if unseen.kind == UnseenKind::Silent => {
            Finding::broken(&place.place, &unseen.why)
                .because("other places answer: a balancer that does not ask sends users here")
                .mend(format!(
                    "curl -sv {} --connect-to ::{}:",
                    place.url, place.place
                ))
        }
        Err(unseen) => Finding::unknown(&place.place, unseen),
    };
    facts.services.iter().map(judge).collect()
}

/// The authentication schemes in `WWW-Authenticate` headers, in lower case and in order (RFC 9110
/// section 11.6.1): a scheme stands at the beginning, or after a comma and without a `=`.
#[must_use]
pub fn schemes(challenges: &[String]) -> Vec<String> {
    let parts = challenges.iter().flat_map(|challenge| challenge.split(','));
    let schemes = parts.filter_map(|part| {
        let word = part.split_whitespace().next()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        word.chars().all(plain).then(|| word.to_ascii_lowercase())
    });
    schemes.collect()
}

fn offers(facts: &Facts) -> Vec<Finding> {
    answered(facts)
        .map(|(place, web)| offer(place, web))
        .collect()
}

fn offer(place: &ServiceFacts, web: &WebFacts) -> Finding {
    let schemes = schemes(&web.challenges);
    let at = |scheme: &str| schemes.iter().position(|one| one == scheme);
    let evidence = match schemes.is_empty() {
        true => format!("{} asks for no login ({})", place.url, web.status),
        false => format!("{} offers {}", place.url, schemes.join(", ")),
    };
    match (at("negotiate"), at("ntlm")) {
        (Some(negotiate), Some(ntlm)) if ntlm < negotiate => {
            Finding::warning(&place.place, evidence)
                .because(
                    "many clients take the first that they know: logins are NTLM, which needs a \
                     domain controller for each, cannot be delegated and sticks to a connection",
                )
                .mend(
                    "appcmd set config -section:windowsAuthentication \
                     /-\"providers.[value='NTLM']\" (Apache, nginx: Negotiate first)",
                )
        }
        (Some(_), _) => Finding::ok(&place.place, evidence),
        (None, _) if web.status != 401 => Finding::ok(&place.place, evidence),
        (None, _) => Finding::broken(&place.place, evidence)
            .because("no client can log in by Kerberos here, whatever its tickets")
            .mend("let the web server offer Negotiate (mod_auth_gssapi, Windows authentication)"),
    }
}

fn logins(facts: &Facts) -> Vec<Finding> {
    let asked = answered(facts).filter_map(|(place, web)| Some((place, web.login.as_ref()?)));
    let judge = |(place, login): (&ServiceFacts, &Result<u16, String>)| match login {
        Ok(status) if *status != 401 => Finding::ok(
            &place.place,
            format!("takes a fresh ticket: Kerberos, {status}"),
        ),
        Ok(status) => Finding::broken(&place.place, format!("refuses a fresh ticket ({status})"))
            .because(
                "a node's keytab may be right and the web server still read another: it runs as \
                 its own account (IIS in kernel mode), was started with another keytab, cannot \
                 read the file, or takes tickets for one name only. KRB_AP_ERR_MODIFIED",
            )
            .mend(format!(
                "keyroll doctor {} (key-keytabs); on the node: klist -ket KEYTAB as the web \
                 server's user; on Windows: appcmd set config \
                 -section:windowsAuthentication -useAppPoolCredentials:true /commit:apphost",
                facts.array.name
            )),
        Err(why) => Finding::broken(&place.place, why)
            .because("it answers without a login and not with one")
            .mend(format!("curl -sv --negotiate -u : {}", place.url)),
    };
    asked.map(judge).collect()
}
