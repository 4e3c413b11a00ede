//! Faults of the service.

use super::*;
use crate::doctor::Grade::{Broken, Unknown, Warning};
use crate::doctor::service::schemes;

fn web(facts: &mut Facts) -> &mut WebFacts {
    facts.services[1].web.as_mut().unwrap()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn what_a_page_asks_for_and_takes() {
    let ntlm = || texts(&["NTLM", "Negotiate"]);
    names(
        |f| web(f).challenges = ntlm(),
        &[("service-offers", Warning)],
    );
    names(
        |f| web(f).challenges = texts(&["Basic realm=\"a, Negotiate\""]),
        &[("service-offers", Broken)],
    );
    let lost = || Some(Err("the connection was closed".to_owned()));
    names(|f| web(f).login = lost(), &[("service-login", Broken)]);
    // A page that needs no login is none of Kerberos' faults.
    names(
        |f| {
            *web(f) = WebFacts {
                status: 200,
                challenges: Vec::new(),
                server: String::new(),
                login: None,
            };
        },
        &[],
    );
}

/// Authorization may say 401, too: whoever has opened the ticket proves it.
#[test]
fn what_a_page_makes_of_a_ticket() {
    let answers = |status, proven| {
        move |f: &mut Facts| web(f).login = Some(Ok(LoginFacts { status, proven }))
    };
    let login = |grade| vec![("service-login", grade)];
    for (status, unproven, proven) in [
        (200, vec![], vec![]),
        (302, vec![], vec![]),
        (403, vec![], vec![]),
        (404, vec![], vec![]),
        (401, login(Broken), vec![]),
        (400, login(Broken), vec![]),
        (431, login(Broken), vec![]),
        (405, login(Unknown), vec![]),
        (500, login(Broken), login(Warning)),
        (503, login(Broken), login(Warning)),
    ] {
        names(answers(status, false), &unproven);
        names(answers(status, true), &proven);
    }
}

#[test]
fn a_page_that_is_nowhere_is_no_fault_unless_it_was_asked_for() {
    let gone = |f: &mut Facts, at: usize| f.services[at].web = Err(silent("n1:443"));
    names(|f| gone(f, 0), &[("service-answers", Broken)]);
    names(|f| (0..3).for_each(|at| gone(f, at)), &[]);
    let named = |f: &mut Facts| {
        (0..3).for_each(|at| gone(f, at));
        f.service_asked_for = true;
    };
    names(named, &[("service-answers", Broken); 3]);
    // Nodes at another port than the balancer's.
    let nodes = |f: &mut Facts| (0..2).for_each(|at| gone(f, at));
    names(nodes, &[("service-answers", Unknown); 2]);
    // The balancer.
    names(|f| gone(f, 2), &[("service-answers", Broken)]);
    let down = |f: &mut Facts| {
        *web(f) = WebFacts {
            status: 503,
            challenges: Vec::new(),
            server: String::new(),
            login: None,
        };
    };
    names(down, &[("service-answers", Warning)]);
}

#[test]
fn schemes_stand_at_the_beginning_of_a_header_or_after_a_comma() {
    for (headers, expected) in [
        (&["Negotiate", "NTLM"][..], &["negotiate", "ntlm"][..]),
        (&["Negotiate, NTLM"], &["negotiate", "ntlm"]),
        (&["Basic realm=\"x\", Negotiate"], &["basic", "negotiate"]),
        (&["Basic realm=\"a, Negotiate, b\""], &["basic"]),
        (&["Basic realm=\"a\\\", Negotiate\""], &["basic"]),
        (&["Basic realm=\"open, Negotiate"], &["basic"]),
        (
            &["Digest realm = \"x\", nonce = \"y\", qop=auth, NTLM"],
            &["digest", "ntlm"],
        ),
        (&["NTLM TlRMTVNTUAACAAAA"], &["ntlm"]),
        (&["Negotiate oYG1MIG=, NTLM"], &["negotiate", "ntlm"]),
        (&["", ",", "\"", "="], &[]),
    ] {
        assert_eq!(schemes(&texts(headers)), expected, "{headers:?}");
    }
}
