//! What a page asks of a browser that has not logged in.

use super::super::facts::{Facts, ServiceFacts, WebFacts};
use super::super::finding::Finding;
use super::answered;
use super::between::{self, of_places};

/// The authentication schemes in `WWW-Authenticate` headers, in lower case and in order (RFC 9110
/// section 11.6.1): a scheme stands at the beginning, or after a comma; a parameter has a `=` after
/// its name.
#[must_use]
pub fn schemes(challenges: &[String]) -> Vec<String> {
    let parts = challenges.iter().flat_map(|challenge| parts(challenge));
    let schemes = parts.filter_map(|part| {
        let (word, rest) = part.split_once(char::is_whitespace).unwrap_or((&part, ""));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_scheme = !word.is_empty() && word.chars().all(plain);
        let is_parameter = rest.trim_start().starts_with('=');
        (is_scheme && !is_parameter).then(|| word.to_ascii_lowercase())
    });
    schemes.collect()
}

/// What stands between commas, without quoted strings, which may hold commas of their own.
fn parts(challenge: &str) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in challenge.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            ',' => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// What a browser sends a password for, or its hash.
const PASSWORDS: [&str; 3] = ["ntlm", "basic", "digest"];

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let offered = answered(facts).map(|(place, web)| {
        let finding = between::offer(facts, place, web, offer(place, web));
        (place, finding)
    });
    of_places(offered)
}

/// Whether Negotiate is what a page offers before all that a browser might take in its place.
pub(super) fn is_first(web: &WebFacts) -> bool {
    let schemes = schemes(&web.challenges);
    let mut known = schemes.iter().map(String::as_str);
    known.find(|one| *one == "negotiate" || PASSWORDS.contains(one)) == Some("negotiate")
}

fn offer(place: &ServiceFacts, web: &WebFacts) -> Finding {
    let (name, schemes) = (&place.place, schemes(&web.challenges));
    let evidence = match (schemes.as_slice(), web.status) {
        ([], 401) => format!("{} answers 401 and offers nothing", place.url),
        ([], status) => format!("{} asks for no login ({status})", place.url),
        (offered, _) => format!("{} offers {}", place.url, offered.join(", ")),
    };
    if is_first(web) {
        return Finding::ok(name, evidence);
    }
    if schemes.iter().any(|one| one == "negotiate") {
        let mut before = schemes.iter().take_while(|one| *one != "negotiate");
        return match before.any(|one| one == "ntlm") {
            true => Finding::warning(name, evidence)
                .because(
                    "many clients take the first that they know: logins are NTLM, which needs a \
                     domain controller for each, cannot be delegated and sticks to a connection",
                )
                .mend(
                    "appcmd set config -section:windowsAuthentication \
                     /-\"providers.[value='NTLM']\" (Apache, nginx: Negotiate first)",
                ),
            false => Finding::warning(name, evidence)
                .because(
                    "many clients take the first that they know: they ask their user for a \
                     password, and send it here",
                )
                .mend("let the web server offer Negotiate first, or alone"),
        };
    }
    if web.status != 401 {
        return Finding::ok(name, evidence);
    }
    Finding::broken(name, evidence)
        .because("no client can log in by Kerberos here, whatever its tickets")
        .mend("let the web server offer Negotiate (mod_auth_gssapi, Windows authentication)")
}
